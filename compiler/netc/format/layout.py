"""Words as text: the blanks between them, and the columns at which lines begin."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from netc.format.words import OPERAND_ENDS, Frame, Gap, Word, Words, read
from netc.source import Source

STEP = 2  # blanks a level


def in_one_line(words: Words) -> str:
    """Words without line ends between them."""
    text, previous = "", None
    for word in words.all:
        text += blanks(previous, word) + spelled(word)
        previous = word
    return text


def spelled(word: Word) -> str:
    """The text of a word; in a label the expressions are as elsewhere, and no blanks stand before the colon."""
    if word.kind != "LABEL":
        return word.text

    def expression(match: re.Match[str]) -> str:
        words = read(Source("label", match[1]), "pipe")
        return match[0] if words.comments() else f"{{{in_one_line(words)}}}"

    return re.sub(r"\{([^{}]*)\}", expression, word.text.rstrip(": \t")) + ":"


def blanks(previous: Word | None, word: Word) -> str:
    """What stands between two words of a line."""
    return "" if previous is None or _is_tight(previous, word) else " " * (1 + word.pad)


def _is_tight(previous: Word, word: Word) -> bool:
    if previous.kind in ("LPAR", "LSQB") or word.kind in ("RPAR", "RSQB", "COMMA", "SEMICOLON") or previous.unary:
        return True
    if "EQUAL" in (previous.kind, word.kind):
        return word.frame.kind == "call"
    if word.kind in ("LPAR", "LSQB"):
        return previous.kind in OPERAND_ENDS
    if ".." in (previous.text, word.text):
        return not (previous.text.endswith(".") and word.text.startswith("."))  # `1. ..` and `.. .5` are other tokens without the blank
    if "COLON" in (previous.kind, word.kind):
        return previous.kind != "COMMA"
    return previous.opens is not None and word.is_closing


@dataclass(slots=True)
class Pipe:
    """The value that is being written in a frame, and the column of the lines that continue it."""

    column: int
    has_arrow: bool = False


@dataclass(slots=True)
class Place:
    """Where a frame stands: `outer` is the column of a closing bracket on a line of its own, `inner` that of the lines inside."""

    frame: Frame
    outer: int
    inner: int | None = None
    line: int = 0  # where the last line in this frame begins
    first: int | None = None  # where the first of the values of a statement begins
    pipe: Pipe | None = None

    def hang(self) -> int:
        """The column from which brackets are indented that are opened here."""
        return self.pipe.column if self.pipe and self.pipe.has_arrow else self.line

    def column(self, word: Word) -> int:
        """Where a line begins whose first word is this one."""
        inner = self.outer + STEP if self.inner is None else self.inner
        if word.is_closing:
            return self.outer
        if word.kind == "_ELSE":
            return self.hang()
        if word.leads and word.kind != "_PARALLEL" and self.pipe:
            return self.pipe.column
        if word.starts or self.frame.kind != "statements":
            return inner
        return max(self.first or 0, inner + STEP)

    def begin(self, word: Word, column: int) -> None:
        """Notes a word that is about to be written at a column."""
        if word.gap.breaks:
            self.line = column
        if self.inner is None and not word.is_closing:
            self.inner = column
        if word.starts:
            self.line, self.first, self.pipe = column, None, None
        elif self.pipe is None and word.kind not in SEPARATORS and not word.is_closing:
            alone = word.gap.breaks and self.frame.kind == "braces"
            self.pipe = Pipe(column if alone else column + STEP)
            self.first = column if self.first is None else self.first

    def end(self, word: Word) -> None:
        """Notes that a word has been written."""
        if word.kind == "_ARROW" and self.pipe:
            self.pipe.has_arrow = True
        if word.kind in SEPARATORS:
            self.pipe = None
        if word.kind == "EQUAL":
            self.first = None


SEPARATORS = ("EQUAL", "COMMA", "_PARALLEL")


@dataclass(slots=True)
class Page:
    """The lines that have been written; the last one is still open."""

    lines: list[str] = field(default_factory=list[str])
    has_content: bool = False  # whether a line stands in the innermost frame already

    def new_line(self, column: int, blank: bool) -> None:
        """Begins a line, with a blank one before it where there is something to be set apart from."""
        if blank and self.has_content:
            self.lines.append("")
        self.lines.append(" " * column)
        self.has_content = True

    def comments(self, gap: Gap, column: int, blanks_stay: bool) -> None:
        """Writes the comments of a gap, those on lines of their own at a column."""
        for comment in gap.comments:
            if comment.trailing:
                self.lines[-1] += "  " + comment.text
            else:
                self.new_line(column, comment.blank and blanks_stay)
                self.lines[-1] += comment.text


def lay_out(words: Words) -> str:
    """The text, with a line end behind each line; empty where there are neither words nor comments."""
    page = Page()
    places = [Place(Frame("statements"), -STEP, 0)]
    previous: Word | None = None
    for word in words.all:
        place = places[-1]
        column = place.column(word)
        inside = column if not word.is_closing else place.outer + STEP if place.inner is None else place.inner
        page.comments(word.gap, inside, blanks_stay=word.frame.kind == "statements" and (word.starts or word.is_closing))
        if word.gap.breaks or previous is None:
            page.new_line(column, word.gap.blank and word.starts)
        else:
            page.lines[-1] += blanks(previous, word)
        place.begin(word, len(page.lines[-1]))
        page.lines[-1] += spelled(word)
        place.end(word)
        page.has_content = word.opens is None
        if word.opens:
            outer = place.hang()
            places.append(Place(word.opens, outer, outer + STEP if word.opens.kind == "statements" else None, outer))
        elif word.is_closing:
            places.pop()
        previous = word
    page.comments(words.end, 0, blanks_stay=True)
    return "".join(f"{line}\n" for line in page.lines)
