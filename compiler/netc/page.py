"""How text and places in it are shown on a page: columns on a terminal, what cannot be printed, long lines."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from netc.source import Span

TAB = 4
WIDEST = 120  # columns of a source line that are shown
BEFORE = 40  # of these, what stands before the place in a line that is cut
# Controls, marks that turn the direction of text, line separators, halves of surrogate pairs: none may reach a terminal as it is.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
JOINER = "\u200d"  # between the parts of an emoji


class Cell(NamedTuple):
    """A character as it is shown, and the columns that it takes."""

    shown: str
    width: int


def cell(character: str, column: int = 0) -> Cell:
    """How a character is shown in a column: a tab goes to the next fourth, what cannot be printed is escaped."""
    if " " <= character <= "~":
        return Cell(character, 1)
    if character == "\t":
        width = TAB - column % TAB
        return Cell(" " * width, width)
    kind = unicodedata.category(character)
    if kind in UNPRINTABLE and character != JOINER:
        code = ord(character)
        text = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
        return Cell(text, len(text))
    if kind in ("Mn", "Me") or unicodedata.combining(character) or character == JOINER:
        return Cell(character, 0)
    return Cell(character, 2 if unicodedata.east_asian_width(character) in "WF" else 1)


def cells(text: str, start: int = 0) -> list[Cell]:
    """The characters of a line that begins in a column."""
    found, column = [], start
    for character in text:
        found.append(cell(character, column))
        column += found[-1].width
    return found


def columns(text: str, start: int = 0) -> int:
    """The columns that text takes on a terminal from column `start`: tabs go to the next fourth, wide characters take two."""
    return sum(c.width for c in cells(text, start))


def printable(text: str) -> str:
    """Text with everything escaped that cannot be printed; a newline stays."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c == "\n" else cell(c).shown for c in text)


def excerpt(span: Span, mark: str) -> tuple[str, str]:
    """The first line of a span, and the marks under its characters; `…` stands where more follows, or was left out."""
    number, column = span.position
    line = span.source.line(number)
    start = min(column - 1, len(line))
    end = min(start + max(span.end - span.start, 0), len(line))
    goes_on = span.end > span.source.line_starts[number] if number < len(span.source.line_starts) else False
    left_out = max(0, start - 2 * WIDEST) if len(line) > 4 * WIDEST else 0  # far more of a line than is shown is not looked at
    rest = line[left_out : left_out + 4 * WIDEST]
    shown, start, end = cells(rest), start - left_out, end - left_out
    first, last = _window(shown, start)
    before = "…" if first or left_out else ""
    text = before + "".join(c.shown for c in shown[first:last]) + ("…" if last < len(shown) or len(line) > left_out + len(rest) else "")
    blank = len(before) + _width(shown[first:start])
    count = max(_width(shown[start : min(end, last)]), 1)
    more = "…" if (goes_on and end > start) or end > last else ""
    return text, " " * blank + mark * count + more


def _width(shown: list[Cell]) -> int:
    return sum(c.width for c in shown)


def _window(shown: list[Cell], place: int) -> tuple[int, int]:
    """The characters of a line that are shown around a place."""
    if _width(shown) <= WIDEST:
        return 0, len(shown)
    first = 0
    if _width(shown[:place]) > WIDEST - BEFORE:
        first = place
        while first > 0 and _width(shown[first:place]) < BEFORE:
            first -= 1
    last, width = first, 0
    while last < len(shown) and width + shown[last].width <= WIDEST:
        width += shown[last].width
        last += 1
    return first, last
