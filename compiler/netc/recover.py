"""Parsing that goes on after an error: the text is cut into items and statements, and each is parsed by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from lark import UnexpectedCharacters, UnexpectedToken

from netc import syntax as s
from netc.diagnostics import Diagnostic, Edit, NetError, Related
from netc.layout import ITEMS, STATEMENTS, Chunk, Comment, Part, parts_of, tokens_of
from netc.piece import Piece
from netc.slips import FOREIGN
from netc.source import Source, Span
from netc.syntax_errors import Finding, explain, stop_of

# Parses the text of a piece with something before and behind it, from a start rule; raises Lark's errors and `NetError`.
Parser = Callable[[Piece, str, str, str], Any]

# What is put around a statement so that it is a text of its own.
AROUND = {
    "network": ("network N{", "}"), "block": ("block B{", "}"), "data": ("data{", "}"), "train": ("train{", "}"),
    "item": ("", ""), "head": ("", "}"), "pipe": ("", ""),
}  # fmt: skip
MANY = 500  # problems that are looked into closely; nobody reads the others, which are counted
MOST_REPAIRS = 20  # slips that are repaired in one statement so that the next can be found


@dataclass(frozen=True)
class Recovered:
    """What could be parsed of a file, with `Broken` for what could not, and the problems.

    `whole` says that nothing of it is missing but what the `Broken`s stand for.
    """

    file: s.File
    problems: tuple[Diagnostic, ...]
    whole: bool
    spans: tuple[Span, ...] = ()  # the statements in which something was wrong

    def is_told(self, place: Span | None) -> bool:
        """Whether a place is in a statement of which something was said already."""
        return place is not None and any(s.source is place.source and s.start <= place.start < s.end for s in self.spans)

    def may_give(self, name: str) -> bool:
        """Whether a name occurs in a statement in which something was wrong, also where signs or blanks split it."""
        return any(name in re.sub(r"\W", "", span.text) for span in self.spans)


def recover(source: Source, parse: Parser) -> Recovered:
    """The file of a text that the parser refuses."""
    return _Recovery(source, parse).run()


def problems_of(source: Source, parse: Parser) -> list[Diagnostic]:
    """What is wrong with a text that is one expression."""
    recovery = _Recovery(source, parse)
    recovery.piece("pipe", Piece(source, 0, len(source.text)))
    return recovery.problems


class _Recovery:
    def __init__(self, source: Source, parse: Parser) -> None:
        self.source = source
        self.parse = parse
        self.problems: list[Diagnostic] = []
        self.spans: list[Span] = []
        self.comments: list[Comment] = []
        self.whole = True
        self.closed: Span | None = None  # the `}` of the body above

    def run(self) -> Recovered:
        tokens, self.comments = tokens_of(self.source.text)
        for comment in self.comments:
            self._comment(comment)
        items = [item for part in parts_of(tokens) for item in self._part(part)]
        span = items[0].span.to(items[-1].span) if items else Span(self.source, 0, 0)
        return Recovered(s.File(span, tuple(items), is_broken=True), tuple(self.problems), self.whole, tuple(self.spans))

    def _comment(self, comment: Comment) -> None:
        span = Span(self.source, comment.start, comment.end)
        opener = Span(self.source, comment.start, comment.start + 2)
        text = span.text[2:].removesuffix("*/").strip()
        edit = None if "\n" in text or "\r" in text else Edit(span, f"# {text}".rstrip())
        self.problems.append(Diagnostic("syntax", "a comment begins with `#`", opener, edit=edit))

    # --- one stretch of text ---

    def piece(self, kind: str, piece: Piece) -> Any:
        """The tree of a piece, after repairs if need be; None where it cannot be parsed. Problems are noted."""
        before, behind = AROUND[kind]
        reached = -1
        for _ in range(MOST_REPAIRS):
            try:
                return self.parse(piece, before, behind, "pipe" if kind == "pipe" else "file")
            except (UnexpectedToken, UnexpectedCharacters) as problem:
                stop = stop_of(piece, kind, problem, len(before), len(self.problems) > MANY)
            except NetError as problem:
                self.problems += problem.diagnostics
                return None
            if reached < 0:
                self.spans.append(Span(self.source, piece.start, piece.end))
            if stop.start <= reached:
                return None
            found: Finding = explain(stop)
            self.problems.append(found.diagnostic)
            if found.repair is None or len(self.problems) > MANY:
                return None
            piece.replace(*found.repair)
            reached = max(stop.start - len(found.repair[2]), found.repair[0] + len(found.repair[2]))
        return None

    def _piece_of(self, chunk: Chunk) -> Piece:
        piece = Piece(self.source, chunk.start, chunk.end)
        for comment in self.comments:
            if chunk.start <= comment.start < chunk.end:
                piece.blank(comment.start, comment.end)
        return piece

    # --- items ---

    def _part(self, part: Part) -> Iterable[Any]:
        if part.head.kind == "junk":
            self._junk(part.head)
            return ()
        if part.body is None:
            file = self.piece("item", self._piece_of(part.head))
            return file.items if file else [self._broken_item(part.head)]
        head = self._head(part)
        statements = self._statements(part.body)
        self.closed = None if part.opened else Span(self.source, part.closed - 1, part.closed)
        if part.opened:
            self._unclosed(part)
        if isinstance(head, s.Section) and any(isinstance(statement, s.Broken) for statement in statements):
            self.spans.append(self._span(part.head))  # a setting that seems to be missing may be the broken one
        return [self._broken_item(part.head)] if head is None else [_with(head, statements, part.closed)]

    def _head(self, part: Part) -> Any:
        piece = self._piece_of(part.head)
        if not piece.text.endswith("{"):
            self._no_brace(piece)
        file = self.piece("head", piece)
        return file.items[0] if file and file.items else None

    def _no_brace(self, piece: Piece) -> None:
        """A head such as `train:` or `network Net`, with a body below it."""
        end = len(piece.text.rstrip(": \t"))
        colon = piece.text[end:].strip()
        word = piece.text.split()[0].rstrip(":")
        at = piece.span(end, len(piece.text)) if colon else piece.span(end, end)
        message = f"the body of a `{word}` stands in braces" if word in ITEMS else "a body stands in braces"
        hint = "write `{` in place of the `:`, and `}` below" if colon else "a `{` is missing"
        self.problems.append(Diagnostic("syntax", message, at, hint=hint, edit=Edit(at, " {")))
        piece.replace(end, len(piece.text), " {")

    def _unclosed(self, part: Part) -> None:
        assert part.opened is not None
        line = self.source.position(part.closed)[0]
        begins = self.source.line_starts
        blank = line < len(begins) and not self.source.line(line + 1).strip()
        place = begins[line] if blank else part.closed
        opened = Span(self.source, part.opened.start, part.opened.end)
        self.problems.append(Diagnostic("syntax", "a `}` is missing here", Span(self.source, place, place),
                                        related=(Related(opened, "it would close this `{`"),)))  # fmt: skip

    def _junk(self, chunk: Chunk) -> None:
        """What stands between the items; one message for all of it."""
        self.whole = False
        closed, self.closed = self.closed, None
        piece = self._piece_of(chunk)
        word = chunk.tokens[0]
        span = Span(self.source, word.start, word.end)
        if word.text in ("}", ")", "]"):
            self.problems.append(Diagnostic("syntax", f"this `{word.text}` closes nothing", span, hint="leave it out"))
        elif word.text in STATEMENTS or (len(chunk.tokens) > 1 and chunk.tokens[1].text == "=" and word.text not in FOREIGN):
            related = (Related(closed, "the one above ends here"),) if closed else ()
            self.problems.append(Diagnostic("syntax", "this statement stands outside of a network", span, related=related,
                                            hint="a network is `network Name { … }`"))  # fmt: skip
        else:
            before = len(self.problems)
            self.piece("item", piece)
            if len(self.problems) == before:
                self.problems.append(Diagnostic("syntax", f"`{word.text}` cannot stand here", span))

    def _broken_item(self, chunk: Chunk) -> s.Broken:
        words = chunk.words
        if words[0] in ("use", "import", "from") or len(words) < 2:
            self.whole = False
        return s.Broken(self._span(chunk), words[0], tuple(words[1:2]), tuple(words))

    # --- statements ---

    def _statements(self, chunks: tuple[Chunk, ...]) -> list[Any]:
        statements: list[Any] = []
        for chunk in chunks:
            file = self.piece(chunk.kind, self._piece_of(chunk))
            statements += _inside(file.items[0]) if file else [self._broken(chunk)]
        given = {name for statement in statements for name in _names(statement)}
        broken = [replace(b, names=tuple(n for n in b.names if n not in given)) for b in statements if isinstance(b, s.Broken)]
        # What they give may be used above them.
        return [*broken, *(statement for statement in statements if not isinstance(statement, s.Broken))]

    def _broken(self, chunk: Chunk) -> s.Broken:
        """What stands for a statement that cannot be parsed: it may have given a value to each name before its first `=` or `:`."""
        words = chunk.words
        head = re.split(r"(?<![=!<>])=(?!=)|->|→", self.source.text[chunk.start : chunk.end], maxsplit=1)[0]
        names = [name.replace(".", "_") for name in re.findall(r"[^\W\d][\w.]*", head)[:12]]
        if words and words[0] in STATEMENTS and len(chunk.tokens) > 1:
            names = names[1:] if chunk.tokens[1].kind == "word" else []
        return s.Broken(self._span(chunk), words[0] if words else "", tuple(dict.fromkeys(names)), tuple(words))

    def _span(self, chunk: Chunk) -> Span:
        return Span(self.source, chunk.start, chunk.end)


def _names(statement: Any) -> list[str]:
    if isinstance(statement, s.Assign):
        return [n.name for n in statement.names]
    name = getattr(statement, "name", None)
    return [name.name] if isinstance(name, s.Name) else []


def _inside(item: Any) -> list[Any]:
    """The statements or settings of an item that was put around them."""
    if isinstance(item, s.Section):
        return [*item.settings, *item.groups]
    body = item.body if isinstance(item, s.Block) else item.statements
    return list(body) if isinstance(body, tuple) else []


def _with(head: Any, statements: list[Any], end: int) -> Any:
    """An item with its body."""
    span = Span(head.span.source, head.span.start, max(end, head.span.end))
    if isinstance(head, s.Section):
        settings = [_setting(statement) for statement in statements]
        groups = tuple(statement for statement in statements if isinstance(statement, s.ParameterGroup))
        return replace(head, span=span, settings=tuple(x for x in settings if x is not None), groups=groups)
    if isinstance(head, s.Block):
        return replace(head, span=span, body=tuple(statements))
    return replace(head, span=span, statements=tuple(statements)) if isinstance(head, s.Network) else head


def _setting(statement: Any) -> s.Setting | None:
    if not isinstance(statement, s.Broken):
        return statement if isinstance(statement, s.Setting) else None
    return s.Setting(statement.span, s.Name(statement.span, statement.words[0]), statement) if statement.words else None
