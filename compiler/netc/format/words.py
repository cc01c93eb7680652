"""The tokens of a text with what stands between them: line breaks, blank lines, comments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from netc.parse import tokens
from netc.source import Source

OPENING = ("LPAR", "LSQB", "LBRACE")
CLOSING = ("RPAR", "RSQB", "RBRACE")
OPERAND_ENDS = ("NAME", "DOTTED", "NUMBER", "STRING", "CONSTANT", *CLOSING)
OPERATORS = ("PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT", "AT", "POWER", "COMPARE", "AND", "OR")
HOLDS_STATEMENTS = ("_NETWORK", "_BLOCK", "DATA", "TRAIN", "_INIT", "_GROUP")  # what begins `… {` with statements inside
HAS_PARAMETERS = ("_NETWORK", "_FN", "_BLOCK")
LINE_END = re.compile(r"\r\n?|\n")
SPELLING = {"→": "->", "‖": "||"}


@dataclass(slots=True)
class Comment:
    """A comment; whether it stands behind something on its line, and whether a blank line stands before it."""

    text: str
    trailing: bool
    blank: bool


@dataclass(slots=True)
class Gap:
    """What stands before a word: comments, whether a line ends, and whether a blank line stands right before the word."""

    comments: list[Comment] = field(default_factory=list[Comment])
    breaks: bool = False
    blank: bool = False

    def then(self, other: Gap) -> Gap:
        """Both gaps, with nothing between them any more."""
        later = [Comment(c.text, c.trailing and not self.breaks, c.blank) for c in other.comments]
        return Gap(self.comments + later, self.breaks or other.breaks, self.blank or other.blank)


@dataclass(eq=False, slots=True)
class Frame:
    """The inside of a pair of brackets, or the whole file.

    `kind` is `statements`, `braces` (a pipeline inside), `parameters` (of a network, function or block), `call`, or `brackets` (any other).
    `head` is the kind of the word that begins the statement with these brackets.
    """

    kind: str
    head: str = ""


@dataclass(eq=False, slots=True)
class Word:
    """A token: the name of its terminal in the grammar, its text, and what stands before it.

    A closing bracket lies in the frame that it closes, an opening one, with `opens`, in the frame around it.
    """

    kind: str
    text: str
    gap: Gap
    frame: Frame
    starts: bool  # whether a statement begins here
    unary: bool = False
    opens: Frame | None = None
    pad: int = 0  # blanks beyond the usual ones before it

    @property
    def is_closing(self) -> bool:
        """Whether it is a closing bracket."""
        return self.kind in CLOSING

    @property
    def leads(self) -> bool:
        """Whether it is an arrow, `||` or an operator between two operands, which lines may begin with."""
        return self.kind in ("_ARROW", "_PARALLEL") or (self.kind in OPERATORS and not self.unary)


@dataclass(slots=True)
class Words:
    """A text: its words, and what stands behind the last one."""

    all: list[Word]
    end: Gap

    def comments(self) -> list[str]:
        """All comments, in order."""
        return [c.text for gap in [*(w.gap for w in self.all), self.end] for c in gap.comments]


def read(source: Source, start: str = "file") -> Words:
    """Takes a text apart; `start` is the rule of the grammar that it follows. Raises `NetError`."""
    reader = Reader()
    at, ended = 0, start == "file"
    for token in tokens(source, start):
        if token.type == "_NL":
            ended = True
            continue
        assert token.start_pos is not None
        assert token.end_pos is not None
        text = SPELLING.get(str(token), str(token))
        reader.take(token.type, text, gap_of(source.text[at : token.start_pos], at == 0), ended)
        at, ended = token.end_pos, False
    return Words(reader.words, gap_of(source.text[at:], at == 0))


class Reader:
    """Makes words of tokens, and finds the statements and the brackets that they lie in."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.open = [Open(Frame("statements"))]

    def take(self, kind: str, text: str, gap: Gap, ended: bool) -> None:
        """One token; `ended` where a statement ends before it."""
        previous = self.words[-1].kind if self.words else None
        around = self.open[-1]
        starts = (
            around.frame.kind == "statements" and kind not in CLOSING and (ended or previous in (None, "SEMICOLON") or not around.kinds)
        )
        word = Word(kind, text, gap, around.frame, starts, unary=kind in ("PLUS", "MINUS") and previous not in OPERAND_ENDS)
        self.words.append(word)
        if kind in CLOSING:
            self.open.pop()
        if starts:
            self.open[-1].kinds.clear()
        self.open[-1].kinds.append(kind)
        if kind in OPENING:
            word.opens = _opened(self.open[-1], kind, previous)
            self.open.append(Open(word.opens))


@dataclass(slots=True)
class Open:
    """A frame whose closing bracket is still to come, and the kinds of the words of its last statement."""

    frame: Frame
    kinds: list[str] = field(default_factory=list[str])


def _opened(around: Open, kind: str, previous: str | None) -> Frame:
    """The frame of the opening bracket that was just read."""
    head = around.kinds[0]
    in_statements = around.frame.kind == "statements"
    if kind == "LBRACE":
        holds = in_statements and head in HOLDS_STATEMENTS and "EQUAL" not in around.kinds
        return Frame("statements" if holds else "braces", head)
    if kind == "LPAR" and previous in OPERAND_ENDS:
        names = in_statements and head in HAS_PARAMETERS and len(around.kinds) == len("network Name (".split())
        return Frame("parameters" if names else "call", head)
    return Frame("brackets", head)


def gap_of(text: str, at_start: bool) -> Gap:
    """What stands in the text between two tokens; `at_start` where there is no token before it."""
    first, *others = (line.strip() for line in LINE_END.split(text))
    gap = Gap(breaks=bool(others), blank=len(others) > 1 and not others[-2])
    if first:
        gap.comments.append(Comment(first, not at_start, False))
    for before, line in zip([first or "#", *others], others, strict=False):
        if line:
            gap.comments.append(Comment(line, False, not before))
    return gap
