"""Words as text: the blanks between them, and the columns at which lines begin."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from netc.format.words import OPERAND_ENDS, Frame, Gap, Word, Words, read
from netc.source import Source

STEP = 2  # blanks a level


def in_one_line(words: Words) -> str:
    """Words without line ends between them."""
    before = [None, *words.all]
    return "".join(blanks(previous, word) + spelled(word) for previous, word in zip(before, words.all, strict=False))


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
    """The lines that have been written, and the pieces of the one that is still open."""

    lines: list[str] = field(default_factory=list[str])
    line: list[str] = field(default_factory=list[str])  # a line may be most of the text: adding to a string would copy it for each word
    width: int = 0  # of the open line
    has_content: bool = False  # whether a line stands in the innermost frame already

    def add(self, text: str) -> None:
        """Writes on the open line."""
        self.line.append(text)
        self.width += len(text)

    def new_line(self, column: int, blank: bool) -> None:
        """Begins a line, with a blank one before it where there is something to be set apart from."""
        self.close()
        if blank and self.has_content:
            self.lines.append("")
        self.add(" " * column)
        self.has_content = True

    def close(self) -> None:
        """Ends the open line, if there is one."""
        if self.line:
            self.lines.append("".join(self.line))
        self.line, self.width = [], 0

    def comments(self, gap: Gap, column: int, blanks_stay: bool) -> None:
        """Writes the comments of a gap, those on lines of their own at a column."""
        for comment in gap.comments:
            if comment.trailing:
                self.add("  " + comment.text)
            else:
                self.new_line(column, comment.blank and blanks_stay)
                self.add(comment.text)


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
            page.add(blanks(previous, word))
        place.begin(word, page.width)
        page.add(spelled(word))
        place.end(word)
        page.has_content = word.opens is None
        if word.opens:
            outer = place.hang()
            places.append(Place(word.opens, outer, outer + STEP if word.opens.kind == "statements" else None, outer))
        elif word.is_closing:
            places.pop()
        previous = word
    page.comments(words.end, 0, blanks_stay=True)
    page.close()
    return "".join(f"{line}\n" for line in page.lines)
