"""Comments to netc: `# netc: allow CODE, CODE` says that a warning is known and meant.

At the end of a line it holds for that line and for the statement that begins there; on a line of its own for the next
statement; before everything else in the file for the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from netc import syntax as s
from netc.codes import CODES
from netc.diagnostics import Diagnostic, NetError, did_you_mean
from netc.parse import parse
from netc.source import Source, Span

# A comment begins at a `#` outside strings; the strings are those of the grammar.
TOKENS = re.compile(r"""\"(?:[^"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|(?P<comment>#[^\n]*)""")
COMMENT = re.compile(r"#\s*netc\s*:\s*(?P<word>\w*)(?P<codes>.*?)\s*$")
WARNINGS = [code for code, row in CODES.items() if row.severity == "warning"]
LATER = "data-"  # warnings of data, which is not looked at whenever a spec is checked


@dataclass(frozen=True, slots=True)
class Allowance:
    """One code of a comment, and the characters from `start` to `end` in which it allows the warnings that begin there."""

    code: str
    place: Span
    start: int
    end: int

    def covers(self, warning: Diagnostic) -> bool:
        """Whether it allows this warning."""
        span = warning.span
        is_here = span is not None and span.source is self.place.source and self.start <= span.start < self.end
        return is_here and warning.code == self.code


def permitted(warnings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The warnings that no comment in their own file allows."""
    sources = {d.span.source for d in warnings if d.span}
    allowances = [a for source in sources for a in _Comments(source).allowances]
    return [d for d in warnings if not any(a.covers(d) for a in allowances)]


def misplaced(warnings: Sequence[Diagnostic], source: Source, is_whole: bool) -> list[Diagnostic]:
    """What is wrong with the comments of a file that gave these warnings.

    With `is_whole` all of it was checked as it stands, so that a comment that allows nothing is one too many.
    """
    comments = _Comments(source)
    idle = [a for a in comments.allowances if is_whole and not a.code.startswith(LATER) and not any(map(a.covers, warnings))]
    return comments.problems + [
        Diagnostic("unused-allow", f"there is no warning `{a.code}` here to allow", a.place, hint="remove it") for a in idle
    ]


class _Comments:
    """The comments to netc in a file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Diagnostic] = []
        self.allowances: list[Allowance] = []
        for token in TOKENS.finditer(source.text) if "netc" in source.text else ():
            match = COMMENT.match(token["comment"] or "")
            if match:
                self._read(token.start(), match)

    def _read(self, at: int, match: re.Match[str]) -> None:
        codes = [(m[0], at + match.start("codes") + m.start()) for m in re.finditer(r"[^\s,]+", match["codes"])]
        if match["word"] != "allow" or not codes:
            self._problem(Span(self.source, at, at + match.end()), "after `# netc:` netc reads `allow CODE`, and this is something else",
                          f"write e.g. `# netc: allow {WARNINGS[0]}`")  # fmt: skip
            return
        start, end = self._reach(at)
        for code, place in codes:
            span = Span(self.source, place, place + len(code))
            if code in WARNINGS:
                self.allowances.append(Allowance(code, span, start, end))
            elif code in CODES:
                self._problem(span, f"`{code}` is an error, which cannot be allowed", "only warnings can; mend the error")
            else:
                self._problem(span, f"there is no warning `{code}`", did_you_mean(code, WARNINGS) or "`netc explain` lists the codes")

    def _problem(self, span: Span, message: str, hint: str) -> None:
        self.problems.append(Diagnostic("unknown-code", message, span, hint=hint))

    def _reach(self, at: int) -> tuple[int, int]:
        """The characters that a comment at this place is about."""
        text = self.source.text
        line_start = text.rfind("\n", 0, at) + 1
        if text[line_start:at].strip():
            return self._statement(line_start)
        if at < self._first_code:
            return 0, len(text)
        following = re.compile(r"([ \t]*(#[^\n]*)?\r?\n)*").match(text, line_start)
        assert following
        return self._statement(following.end())

    @cached_property
    def _first_code(self) -> int:
        """Where the first character stands that is neither space nor in a comment."""
        match = re.match(r"(\s*#[^\n]*)*\s*", self.source.text)
        assert match
        return match.end()

    def _statement(self, line_start: int) -> tuple[int, int]:
        """The line, and to its end the longest statement that begins on it."""
        text = self.source.text
        newline = text.find("\n", line_start)
        line_end = len(text) if newline < 0 else newline
        return line_start, max([line_end, *(span.end for span in self._spans if line_start <= span.start < line_end)])

    @cached_property
    def _spans(self) -> list[Span]:
        """The places of all items and statements of the file; the value of a `--set` is no file and has none."""
        try:
            return [part.span for part in _statements(parse(self.source))]
        except NetError:
            return []


def _statements(part: Any) -> Iterator[s.Syntax]:
    """The items of a file, and what stands in them."""
    for field in fields(part):
        value = getattr(part, field.name)
        for inner in value if isinstance(value, tuple) else ():
            if isinstance(inner, s.Syntax):
                yield inner
                yield from _statements(inner) if isinstance(inner, (s.Network, s.Block, s.Section)) else ()
