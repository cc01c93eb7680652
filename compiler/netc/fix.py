"""Applying the edits that diagnostics are certain of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from netc.diagnostics import Diagnostic, Edit
from netc.source import Source

ROUNDS = 20  # an edit may bring to light what another is for, which the next round makes

Check = Callable[[Source], Sequence[Diagnostic]]


def fixed(source: Source, check: Check) -> tuple[Source, int]:
    """The text with all certain edits made, and how many were made; `check` says what is wrong with a text.

    Edits are made in rounds, since one may bring to light what another is for. A round that leaves the text with more
    syntax errors than it had is not made.
    """
    diagnostics, count = check(source), 0
    for _ in range(ROUNDS):
        edits = _apart(d.edit for d in diagnostics if d.edit and d.edit.span.source is source)
        if not edits:
            break
        changed = Source(source.name, applied(source.text, edits))
        after = check(changed)
        if _unreadable(after) > _unreadable(diagnostics):
            break
        source, diagnostics, count = changed, after, count + len(edits)
    return source, count


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with edits made that do not overlap."""
    for edit in sorted(edits, key=lambda e: e.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def _apart(edits: Iterable[Edit]) -> list[Edit]:
    """The edits in order, each once, without those that overlap an earlier one."""
    chosen: list[Edit] = []
    for edit in sorted(dict.fromkeys(edits), key=lambda e: (e.span.start, e.span.end)):
        if not chosen or edit.span.start >= max(chosen[-1].span.end, chosen[-1].span.start + 1):
            chosen.append(edit)
    return chosen


def _unreadable(diagnostics: Sequence[Diagnostic]) -> int:
    return sum(d.code == "syntax" for d in diagnostics)
