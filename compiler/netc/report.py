"""Problems for other programs: a line each, JSON, and the form that GitHub shows beside the lines of a change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from netc.diagnostics import LIMIT, Diagnostic
from netc.source import Span


def short(diagnostics: Sequence[Diagnostic]) -> str:
    """`file:line:column: error[code]: message`, a line each, at most `LIMIT` and then how many more."""
    lines = [_short(d) for d in diagnostics[:LIMIT]]
    more = len(diagnostics) - LIMIT
    return "\n".join([*lines, f"and {more} more"] if more > 0 else lines)


def _short(d: Diagnostic) -> str:
    place = f"{d.span}: " if d.span else ""
    return f"{place}{d.severity}[{d.code}]: {d.message}" + (f" ({d.hint.splitlines()[0]})" if d.hint else "")


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """A list with an object a problem; what it has nothing of is null. Lines and columns count from 1, ends are exclusive.

    Columns count characters (Unicode code points), as Python does. `edit`, where there is one, is certain: its text
    stands in place of its range.
    """
    return json.dumps([_object(d) for d in diagnostics], indent=2, ensure_ascii=False)


def _object(d: Diagnostic) -> dict[str, Any]:
    return {
        "code": d.code,
        "severity": d.severity,
        "message": d.message,
        **(_range(d.span) if d.span else {"file": None, "line": None, "column": None, "end_line": None, "end_column": None}),
        "label": d.label or None,
        "hint": d.hint or None,
        "inside": d.inside or None,
        "related": [{**_range(r.span), "message": r.message} for r in d.related],
        "edit": {**_range(d.edit.span), "text": d.edit.text} if d.edit else None,
    }


def _range(span: Span) -> dict[str, Any]:
    line, column = span.position
    end_line, end_column = span.source.position(span.end)
    return {"file": span.source.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column}


def github(diagnostics: Sequence[Diagnostic]) -> str:
    """GitHub's workflow commands, a line each: `::error file=…,line=…::message`.

    Source: GitHub's documentation, "Workflow commands for GitHub Actions"; the escapes are those of its toolkit.
    """
    return "\n".join(_annotation(d) for d in diagnostics)


def _annotation(d: Diagnostic) -> str:
    properties = {"title": f"netc: {d.code}"}
    if d.span:
        place = _range(d.span)
        properties |= {"file": place["file"], "line": place["line"], "endLine": place["end_line"]}
        if place["line"] == place["end_line"]:  # columns count only within one line
            properties |= {"col": place["column"], "endColumn": place["end_column"]}
    text = "\n".join(part for part in (d.message, d.hint and f"hint: {d.hint}") if part)
    listed = ",".join(f"{name}={_escaped(str(value), also=':,')}" for name, value in properties.items())
    return f"::{d.severity} {listed}::{_escaped(text)}"


def _escaped(text: str, also: str = "") -> str:
    for character in f"%\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
