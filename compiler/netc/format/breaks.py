"""Where lines end: as the writer chose where that says something, and in one way otherwise."""

from __future__ import annotations

from itertools import pairwise

from netc.format.words import Gap, Word, Words


def settle(words: Words) -> None:
    """Decides for each word whether a line begins with it."""
    _lead(words.all)
    for previous, word in pairwise(words.all):
        if not _may_begin_a_line(previous, word):
            word.gap.breaks = bool(word.gap.comments)
    _open_up(words)


def _lead(words: list[Word]) -> None:
    """Moves what stands behind an arrow, `||` or operator before it, where lines end."""
    for word, following in pairwise(words):
        if word.leads and following.gap.breaks:
            word.gap, following.gap = word.gap.then(following.gap), Gap()


def _may_begin_a_line(previous: Word, word: Word) -> bool:
    if previous.opens and word.is_closing:
        return False
    after_equals = previous.kind == "EQUAL" and word.frame.kind == "statements"
    return word.starts or word.leads or word.is_closing or previous.opens is not None or previous.kind == "COMMA" or after_equals


def _open_up(words: Words) -> None:
    """Gives braces lines of their own where they hold statements on several lines, or a line ends or begins with one of them."""
    opening: list[int] = []
    separators: list[Word] = []
    for i, word in enumerate(words.all):
        if word.is_closing:
            inside = words.all[opening.pop() + 1 : i + 1]
            if word.frame.kind == "braces" and (inside[0].gap.breaks or word.gap.breaks):
                inside[0].gap.breaks = word.gap.breaks = True
            if word.frame.kind == "statements" and any(w.gap.breaks for w in inside):
                separators += _a_line_each([w for w in inside if w.frame is word.frame])
        if word.opens:
            opening.append(i)
    dropped = set(map(id, separators))
    words.all = [w for w in words.all if id(w) not in dropped]


def _a_line_each(words: list[Word]) -> list[Word]:
    """Statements and the brace behind them, a line each; the semicolons, which are needed no longer."""
    for word in words:
        word.gap.breaks = word.gap.breaks or word.starts or word.is_closing
    return [w for w in words if w.kind == "SEMICOLON"]
