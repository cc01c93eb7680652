"""Where the parts of a wrong text begin and end, by brackets and, where these do not match, by indentation.

The parser takes a text or leaves it. To go on after an error, the text is cut here into items (`network …`, `fn …`) and
these into statements, each of which is then parsed by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from netc.diagnostics import closest

ITEMS = ("network", "block", "fn", "use", "data", "train")
BODIES = ("network", "block", "data", "train")  # items that may have a body in braces
STATEMENTS = ("input", "target", "output", "loss", "metric", "layer", "param", "buffer", "tie", "init", "freeze", "assert", "in", "out")
# Words that open an item elsewhere, and the item that is meant.
FOREIGN_ITEMS = {"class": "network", "model": "network", "net": "network", "module": "network", "def": "fn", "function": "fn",
                 "func": "fn", "import": "use", "from": "use", "include": "use", "dataset": "data", "training": "train"}  # fmt: skip

# Statements of Python, to which what is indented below belongs.
INDENTING = ("def", "class", "for", "while", "with", "if", "try")

PAIRS = {"(": ")", "[": "]", "{": "}"}
TOKEN = re.compile(
    r"""(?P<comment>\#[^\r\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?|//(?P<slashed>[^\r\n]*))
    |(?P<string>"(?:[^"\\\r\n]|\\.)*(?:"|(?=[\r\n]|\Z))|'(?:[^'\\\r\n]|\\.)*(?:'|(?=[\r\n]|\Z)))
    |(?P<line>\r\n?|\n)|(?P<bracket>[(){}\[\]])|(?P<word>\w+(?:\.\w+)*)|(?P<sign>->|→|\|\||‖|==|!=|<=|>=|[^\s\w])""",
    re.VERBOSE,
)
# After `//` stands a comment and not a divisor where a line begins with it, or where two words follow each other.
PROSE = re.compile(r"\s*(?:$|[^\W\d]\w*,?[ \t]+[^\W\d]\w*)")


class Token(NamedTuple):
    """A word, sign, string or bracket; `first` where a line begins with it, which is then indented by `indent` columns."""

    kind: str
    text: str
    start: int
    end: int
    first: bool
    indent: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of the text that is parsed by itself: the tokens `first` to `last` (exclusive)."""

    kind: str  # the item whose statement it is, `item`, `head` or `junk`
    start: int
    end: int
    tokens: Sequence[Token] = field(repr=False)

    @property
    def words(self) -> list[str]:
        """The words in it, the first parts of dotted ones."""
        return [t.text.split(".")[0] for t in self.tokens if t.kind == "word"]


@dataclass(frozen=True, slots=True)
class Part:
    """An item of a file: its head, the statements of its body, and what is wrong with its braces."""

    head: Chunk
    body: tuple[Chunk, ...] | None
    opened: Token | None = None  # the `{` of a body that is never closed
    closed: int = 0  # where the body ends, or should have ended


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as other languages write it."""

    start: int
    end: int


def tokens_of(text: str, start: int = 0, end: int | None = None, column: int = 0) -> tuple[list[Token], list[Comment]]:
    """The tokens of a text or of a part of it, and the comments that do not begin with `#`; the first line is indented by `column`."""
    tokens, comments = list[Token](), list[Comment]()
    first, begin = True, start
    end = len(text) if end is None else end
    for match in TOKEN.finditer(text, start, end):
        kind = match.lastgroup or ""
        if kind == "line":
            first, begin = True, match.end()
        elif match["slashed"] is not None and not first and not PROSE.match(match["slashed"]):
            indent = tokens[-1].indent
            tokens += [Token("sign", "//", match.start(), match.start() + 2, False, indent)]
            inner, more = tokens_of(text, match.start() + 2, match.end())
            tokens += [t._replace(first=False, indent=indent) for t in inner]
            comments += more
        elif kind == "comment":
            comments += [Comment(match.start(), match.end())] if match[0][0] == "/" else []
        else:
            margin = column if begin == start else 0
            indent = margin + len(text[begin : match.start()].expandtabs(4)) if first else tokens[-1].indent
            tokens.append(Token(kind, match[0], match.start(), match.end(), first, indent))
            first = False
    return tokens, comments


def parts_of(tokens: Sequence[Token]) -> list[Part]:
    """The items of a text; what belongs to none is junk, statement by statement."""
    return _Cutter(tokens).parts()


class _Cutter:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.count = len(tokens)

    def parts(self) -> list[Part]:
        parts, i = [], 0
        while i < self.count:
            part, i = self._item(i) if self._item_word(i) else self._junk(i)
            parts.append(part)
        return parts

    # --- what a token begins ---

    def _text(self, i: int) -> str:
        """The text of a token that stands on the line of the one before; empty where there is none."""
        return self.tokens[i].text if i < self.count and not self.tokens[i].first else ""

    def _item_word(self, i: int) -> str:
        """The item that a token begins, also where it is misspelt; empty where it begins none."""
        token, after = self.tokens[i], self._text(i + 1)
        if not token.first or token.kind != "word" or not after:
            return ""
        named = after[0].isalpha() or after[0] == "_"
        if token.text in ITEMS:
            opens = {"data": "{=:", "train": "{:=", "use": "\"'"}.get(token.text, "{(")
            return token.text if named or after[0] in opens else ""
        if token.text in FOREIGN_ITEMS and (named or after in "{:"):
            return FOREIGN_ITEMS[token.text]
        if token.text in STATEMENTS or self._last_of_line(i).text not in ("{", ":", "{}") or "=" in (after, self._text(i + 2)):
            return ""
        near = closest(token.text, BODIES)
        return near or ("network" if named and self._text(i + 2) in ("{", "(") else "")

    def _last_of_line(self, i: int) -> Token:
        while i + 1 < self.count and not self.tokens[i + 1].first:
            i += 1
        return self.tokens[i]

    def _item_at(self, i: int, indent: int) -> bool:
        return self.tokens[i].first and self.tokens[i].indent <= indent and bool(self._item_word(i))

    def _keyword(self, i: int) -> bool:
        """Whether a token can be nothing but the first of a statement or item."""
        token, after = self.tokens[i], self._text(i + 1)
        if token.text in STATEMENTS:
            return after[:1].isalnum() or after in ("{", "*", "[") or after[:1] == "_"
        return token.text in ITEMS and (after[:1].isalpha() or after in ("{", '"'))

    def _named(self, i: int) -> bool:
        """Whether a value gets its name here: `h =`, `a, b =`."""
        while self.tokens[i].kind == "word" and self._text(i + 1) == ",":
            i += 2
            if i >= self.count:
                return False
        return self.tokens[i].kind == "word" and self._text(i + 1) == "="

    # --- statements ---

    def _statement(self, i: int, end: int, base: int, trusted: bool) -> int:
        """The end of the statement at a token; `trusted` where all brackets match."""
        open_: list[str] = []
        start, is_foreign = i, self.tokens[i].text in INDENTING and self._text(i + 1) not in ("=", ",")
        while i < end:
            token = self.tokens[i]
            if token.first and i > start and self._breaks(i, base, open_, trusted, is_foreign):
                return i
            if token.text in PAIRS:
                open_.append(token.text)
            elif open_ and token.text == PAIRS[open_[-1]]:
                open_.pop()
            elif token.text == "}" and "{" in open_:
                del open_[len(open_) - 1 - open_[::-1].index("{") :]
            i += 1
        return i

    def _breaks(self, i: int, base: int, open_: list[str], trusted: bool, is_foreign: bool) -> bool:
        """Whether a token that is the first of its line begins a new statement."""
        token, before = self.tokens[i], self.tokens[i - 1]
        if is_foreign and token.indent > base:
            return False
        if token.kind in ("sign", "bracket") and token.text not in ("{", "*", "[", "("):
            return not open_ and (token.text == "=" or (token.text == "}" and token.indent < base))
        if token.text in ("else", "elif"):
            return False
        if self._keyword(i):
            return not open_ or token.indent <= base or "{" not in open_
        if open_:
            return not trusted and token.indent <= base and self._named(i)
        if token.indent > base or before.text in ("->", "→", "||", "‖", "=", ","):
            return self._named(i)
        return True

    def _statements(self, kind: str, i: int, end: int, base: int, trusted: bool) -> tuple[Chunk, ...]:
        chunks = []
        while i < end:
            indent = self.tokens[i].indent if self.tokens[i].first else base
            stop = self._statement(i, end, indent, trusted)
            chunks.append(self._chunk(kind, i, stop))
            i = stop
        return tuple(chunks)

    def _chunk(self, kind: str, i: int, end: int) -> Chunk:
        return Chunk(kind, self.tokens[i].start, self.tokens[end - 1].end, self.tokens[i:end])

    # --- items ---

    def _junk(self, i: int) -> tuple[Part, int]:
        """What stands between the items, up to the next one."""
        end = i + 1
        while end < self.count and not (self.tokens[end].first and self._item_word(end)):
            end += 1
        stop = self._statement(i, end, self.tokens[i].indent, False)
        return Part(self._chunk("junk", i, stop), None), end

    def _item(self, i: int) -> tuple[Part, int]:
        word, indent = self._item_word(i), self.tokens[i].indent
        region = next((k for k in range(i + 1, self.count) if self._item_at(k, indent)), self.count)
        brace = self._head(i, region)
        if word not in BODIES or brace is None:
            stop = self._statement(i, region, indent, False)
            return Part(self._chunk("item", i, stop), None), stop
        has_brace = self.tokens[brace - 1].text == "{"
        trusted = self._match(brace - 1, indent) if has_brace else None
        close = trusted if trusted is not None else self._layout_close(brace, region, indent, has_brace)
        end = region if close is None else close
        inner = max(indent + 1, 1)
        body = self._statements(word, brace, end, inner, trusted is not None)
        opened = self.tokens[brace - 1] if has_brace and close is None else None
        part = Part(self._chunk("head", i, brace), body, opened, self.tokens[end - 1].end if close is None else self.tokens[end].end)
        return part, end if close is None else end + 1

    def _head(self, i: int, end: int) -> int | None:
        """The token after the head of an item with a body; None where it has no body."""
        depth = 0
        for k in range(i, end):
            text = self.tokens[k].text
            if k > i and self.tokens[k].first and (depth <= 0 or self._keyword(k)):
                is_body = self.tokens[k].indent > self.tokens[i].indent and self.tokens[k].text != "->"
                return k if is_body and not self._is_valued(i, k) else None
            if text == "{" and (depth <= 0 or k + 1 == self.count or self.tokens[k + 1].first):
                return None if self._is_valued(i, k) else k + 1
            depth += (text in "([") - (text in ")]")
        return None

    def _is_valued(self, i: int, k: int) -> bool:
        """Whether a `=` outside brackets stands between two tokens, as in `block Norm = { … }`."""
        depth = 0
        for token in self.tokens[i:k]:
            depth += (token.text in "([") - (token.text in ")]")
            if token.text == "=" and depth <= 0:
                return True
        return False

    def _match(self, brace: int, indent: int) -> int | None:
        """The `}` of a body by its brackets; None where they do not match, or what follows speaks against it."""
        open_: list[str] = []
        for k in range(brace, self.count):
            text = self.tokens[k].text
            if text in PAIRS:
                open_.append(PAIRS[text])
            elif text in (")", "]", "}"):
                if open_.pop() != text:
                    return None
                if not open_:
                    return k if k + 1 == self.count or (self.tokens[k + 1].first and self._item_word(k + 1)) else None
            elif self._item_at(k, indent):
                return None
        return None

    def _layout_close(self, i: int, end: int, indent: int, has_brace: bool) -> int | None:
        """The `}` of a body by its indentation, or the last of the region where it stands at the end of a line."""
        for k in range(i, end):
            token = self.tokens[k]
            if token.text == "}" and token.first and token.indent <= indent and self._text(k + 1) != "else":
                return k
        last = self.tokens[end - 1]
        texts = [t.text for t in self.tokens[i:end]]
        closes = last.text == "}" and texts.count("}") > texts.count("{")
        return end - 1 if closes and has_brace else None
