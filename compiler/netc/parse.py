"""Text to syntax tree, with Lark; and the errors of reading and parsing, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from math import inf
from pathlib import Path
from typing import Any, ClassVar

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args
from lark.exceptions import VisitError
from lark.tree import Meta

from netc import syntax as s
from netc import tables
from netc.diagnostics import NetError, closest, error
from netc.piece import Piece
from netc.recover import Recovered, problems_of, recover
from netc.source import Source, Span
from netc.syntax_errors import explain, stop_of


def read(path: Path) -> Source:
    """The text of a file. Raises `NetError` in one line where there is none to be had."""
    try:
        text = decoded(path.read_bytes(), f"`{path}`")
    except FileNotFoundError:
        siblings = [p.name for p in path.parent.glob("*.net")] if path.parent.is_dir() else []
        near = closest(path.name, siblings)
        hint = f"did you mean `{path.parent / near}`?" if near else ""
        raise error("file", f"there is no file `{path}`", hint=hint) from None
    except IsADirectoryError:
        raise error("file", f"`{path}` is a folder", hint="name a .net file in it") from None
    except OSError as bad:
        raise error("file", f"`{path}` cannot be read: {bad.strerror}") from None
    if not text.strip():
        raise error("file", f"`{path}` is empty")
    return Source(str(path), text)


def decoded(content: bytes, what: str) -> str:
    """The text that the bytes are. Raises `NetError`; `what` is named there."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        line = len(re.findall(rb"\r\n?|\n", bad.object[: bad.start])) + 1
        hint = "it looks like UTF-16; save it as UTF-8" if bad.object[:2] in (b"\xff\xfe", b"\xfe\xff") else "save it as UTF-8"
        where = f"line {line}, byte {bad.start}, is 0x{bad.object[bad.start]:02x}"
        raise error("file", f"{what} is not UTF-8 text: {where}", hint=hint) from None


# What is longer is no spec, and would take minutes and gigabytes to be told so: some microseconds a character.
LONGEST_TEXT = 2_000_000
LONGEST_NAME = 500


def parse(source: Source) -> s.File:
    """The syntax tree of a file. Raises `NetError` with all syntax errors."""
    result = parse_all(source)
    if result.problems:
        raise NetError(result.problems)
    return result.file


@lru_cache(maxsize=4)  # by the source itself, not by its text: trees are never changed, and their spans point to it
def parse_all(source: Source) -> Recovered:
    """The syntax tree of a file, and all its syntax errors; what these hide is `Broken` in the tree."""
    if len(source.text) > LONGEST_TEXT:
        raise error("file", f"`{source.name}` has {len(source.text):,} characters; a spec has at most {LONGEST_TEXT:,}")
    try:
        return Recovered(_read(Piece(source, 0, len(source.text))), (), True)
    except (UnexpectedToken, UnexpectedCharacters, NetError) as problem:
        result = recover(source, _read)
        if not result.problems:  # each part is right by itself
            raise _explained(source, problem) from None
        return result


def parse_expression(source: Source) -> s.Expression:
    """The syntax tree of one expression or pipeline, e.g. the value of `--set`. Raises `NetError`."""
    try:
        result: s.Expression = _read(Piece(source, 0, len(source.text)), start="pipe")
    except (UnexpectedToken, UnexpectedCharacters):
        raise NetError(problems_of(source, _read)) from None
    return result


def tokens(source: Source, start: str = "file") -> Iterator[Token]:
    """The tokens that the parser sees, those included that end a statement (`_NL`). For text that `parse` takes."""
    return _parser().parse_interactive(source.text, start=start).iter_parse()


def _read(piece: Piece, before: str = "", behind: str = "", start: str = "file") -> Any:
    """The tree of a piece with something put around it. Raises Lark's errors, and `NetError` for what the tree cannot hold."""
    try:
        tree = _parser().parse(f"{before}{piece.text}{behind}", start=start)
        return ToSyntax(piece, len(before)).transform(tree)
    except VisitError as problem:  # Lark wraps what a method raises
        if isinstance(problem.orig_exc, (NetError, UnexpectedToken, UnexpectedCharacters)):
            raise problem.orig_exc from None
        if isinstance(problem.orig_exc, RecursionError):
            raise _too_deep(piece) from None
        raise
    except RecursionError:
        raise _too_deep(piece) from None


def _explained(source: Source, problem: Exception) -> NetError:
    if isinstance(problem, NetError):
        return problem
    assert isinstance(problem, (UnexpectedToken, UnexpectedCharacters))
    stop = stop_of(Piece(source, 0, len(source.text)), "file", problem, 0)
    return NetError([explain(stop).diagnostic])


def _too_deep(piece: Piece) -> NetError:
    return error("syntax", "the brackets are nested too deeply", piece.span(0, 1), "name some of the inner values")


@cache
def _parser() -> Lark:
    return tables.parser(Newlines())


def unescape(text: str) -> str:
    """The characters that the inside of a string literal stands for; an unknown escape stays as it is written."""
    known = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
    return re.sub(r"\\(.)", lambda m: known.get(m[1], m[0]), text)


class Newlines:
    """Drops the newlines inside ( ) and [ ] and behind what cannot end a statement."""

    always_accept = ("_NL",)
    OPENING: ClassVar = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
    UNFINISHED = (None, "LBRACE", "EQUAL", "COMMA", "_ARROW", "_PARALLEL")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """The tokens that the parser sees."""
        expected: list[str] = []
        previous: str | None = None
        for token in stream:
            if token.type in self.OPENING:
                expected.append(self.OPENING[token.type])
            elif expected and token.type == expected[-1]:
                expected.pop()
            inside = expected and expected[-1] != "RBRACE"
            if token.type != "_NL" or not (inside or previous in self.UNFINISHED):
                previous = token.type
                yield token


BLOCK_STATEMENTS = (s.In, s.Out, s.Assign, s.Assert, s.Layer, s.Tensor, s.Tie)


@v_args(meta=True)
class ToSyntax(Transformer[Token, Any]):
    """Turns Lark's tree into the classes of `netc.syntax`; a method a grammar rule."""

    def __init__(self, piece: Piece, shift: int = 0) -> None:
        super().__init__()
        self.piece, self.source, self.shift = piece, piece.source, shift

    def _has_in(self, meta: Meta) -> bool:
        """Whether a `repeat` names a variable, which looks like a range of names otherwise."""
        return re.compile(r"repeat\s+\w+\s+in\b").match(self.piece.text, meta.start_pos - self.shift) is not None

    def _span(self, meta: Meta) -> Span:
        if meta.empty:  # a rule that matched nothing, e.g. an empty file
            return Span(self.source, 0, 0)
        return self._place(meta.start_pos, meta.end_pos)

    def _place(self, start: int, end: int) -> Span:
        return self.piece.span(start - self.shift, end - self.shift)

    def file(self, meta: Meta, items: list[Any]) -> s.File:
        return s.File(self._span(meta), tuple(items))

    def network(self, meta: Meta, parts: list[Any]) -> s.Network:
        name, *rest = parts
        parameters = rest.pop(0) if rest and isinstance(rest[0], tuple) else ()
        return s.Network(self._span(meta), name, parameters, tuple(rest))

    def block(self, meta: Meta, parts: list[Any]) -> s.Block:
        name, *rest = parts
        parameters = rest.pop(0) if rest and isinstance(rest[0], tuple) else ()
        is_pipe = len(rest) == 1 and not isinstance(rest[0], BLOCK_STATEMENTS)
        body: Any = rest[0] if is_pipe else tuple(rest)
        return s.Block(self._span(meta), name, parameters, body)

    def use(self, meta: Meta, parts: list[Any]) -> s.Use:
        return s.Use(self._span(meta), parts[-1], is_python=len(parts) > 1)

    def parameters(self, meta: Meta, parts: list[Any]) -> tuple[s.Parameter, ...]:
        return tuple(parts)

    def parameter(self, meta: Meta, parts: list[Any]) -> s.Parameter:
        return s.Parameter(self._span(meta), parts[0], parts[1] if len(parts) > 1 else None)

    def identifier(self, meta: Meta, parts: list[Token]) -> s.Name:
        return s.Name(self._span(meta), self._short(meta, parts[0]))

    def _short(self, meta: Meta, name: str) -> str:
        if len(name) > LONGEST_NAME:
            raise error("syntax", f"a name has at most {LONGEST_NAME} characters, and this has {len(name)}", self._span(meta))
        return str(name)

    name = dtype = path = pattern = identifier

    def fn(self, meta: Meta, parts: list[Any]) -> s.Fn:
        return s.Fn(self._span(meta), *parts)

    def data(self, meta: Meta, parts: list[Any]) -> s.Section:
        word, value = parts
        name = s.Name(self._place(word.start_pos, word.end_pos), "source")
        span = self._span(meta)
        return s.Section(span, "data", (s.Setting(span, name, value),))

    def section(self, meta: Meta, parts: list[Any]) -> s.Section:
        kind, *inside = parts
        settings = tuple(p for p in inside if isinstance(p, s.Setting))
        groups = tuple(p for p in inside if isinstance(p, s.ParameterGroup))
        return s.Section(self._span(meta), str(kind), settings, groups)

    def parameter_group(self, meta: Meta, parts: list[Any]) -> s.ParameterGroup:
        settings = tuple(p for p in parts if isinstance(p, s.Setting))
        return s.ParameterGroup(self._span(meta), tuple(parts[: len(parts) - len(settings)]), settings)

    def setting(self, meta: Meta, parts: list[Any]) -> s.Setting:
        return s.Setting(self._span(meta), *parts)

    def declaration(self, meta: Meta, parts: list[Any]) -> s.Declaration:
        kind, label, *dtype, shape = parts
        name = s.Name(label.span, label.name)
        return s.Declaration(self._span(meta), str(kind), name, dtype[0] if dtype else None, shape)

    def shape(self, meta: Meta, parts: list[Any]) -> tuple[s.Expression, ...]:
        return tuple(parts)

    def in_(self, meta: Meta, parts: list[Any]) -> s.In:
        first, *rest = parts
        if isinstance(first, s.Name):
            return s.In(self._span(meta), first, None, None)
        *dtype, shape = rest
        return s.In(self._span(meta), s.Name(first.span, first.name), dtype[0] if dtype else None, shape)

    def out(self, meta: Meta, parts: list[Any]) -> s.Out:
        *name, value = parts
        return s.Out(self._span(meta), name[0] if name else None, value)

    def assert_(self, meta: Meta, parts: list[Any]) -> s.Assert:
        return s.Assert(self._span(meta), parts[0], parts[1] if len(parts) > 1 else None)

    def layer(self, meta: Meta, parts: list[Any]) -> s.Layer:
        return s.Layer(self._span(meta), *parts)

    def tensor(self, meta: Meta, parts: list[Any]) -> s.Tensor:
        kind, label, *dtype, shape, value = parts
        name = s.Name(label.span, label.name)
        return s.Tensor(self._span(meta), str(kind), name, dtype[0] if dtype else None, shape, value)

    def tie(self, meta: Meta, parts: list[Any]) -> s.Tie:
        return s.Tie(self._span(meta), *parts)

    def rule(self, meta: Meta, parts: list[Any]) -> s.Rule:
        return s.Rule(self._span(meta), *parts)

    def init(self, meta: Meta, parts: list[Any]) -> s.Init:
        return s.Init(self._span(meta), tuple(parts))

    def freeze(self, meta: Meta, parts: list[Any]) -> s.Freeze:
        return s.Freeze(self._span(meta), tuple(parts))

    def targets(self, meta: Meta, parts: list[Any]) -> tuple[s.Name | s.Unpacked, ...]:
        return tuple(parts)

    def unpacked(self, meta: Meta, parts: list[Any]) -> s.Unpacked:
        return s.Unpacked(self._span(meta), tuple(parts))

    def assign(self, meta: Meta, parts: list[Any]) -> s.Assign:
        return s.Assign(self._span(meta), *parts)

    def output(self, meta: Meta, parts: list[Any]) -> s.Output:
        return s.Output(self._span(meta), tuple(parts))

    def objective(self, meta: Meta, parts: list[Any]) -> s.Objective:
        kind, *name, value = parts
        return s.Objective(self._span(meta), str(kind), name[0] if name else None, value)

    def pipe(self, meta: Meta, parts: list[s.Stage]) -> s.Expression:
        if len(parts) == 1 and parts[0].label is None:
            return parts[0].value
        return s.Pipe(self._span(meta), tuple(parts))

    def stage(self, meta: Meta, parts: list[Any]) -> s.Stage:
        *label, value = parts
        return s.Stage(self._span(meta), label[0] if label else None, value)

    def label(self, meta: Meta, parts: list[Token]) -> s.Label:
        text = self._short(meta, parts[0].rstrip(": \t"))
        start = meta.start_pos
        pieces: list[Any] = []
        for match in re.finditer(r"\{([^{}]*)\}|[^{}]+", text):
            pieces.append(match[0] if match[1] is None else self._inside_label(start + match.start(1), start + match.end(1)))
        return s.Label(self._place(start, start + len(text)), tuple(pieces))

    def _inside_label(self, start: int, end: int) -> Any:
        place = self._place(start, end)
        return _read(Piece(self.source, place.start, place.end), start="pipe")

    def unary(self, meta: Meta, parts: list[Any]) -> s.Unary:
        return s.Unary(self._span(meta), str(parts[0]), parts[1])

    def binary(self, meta: Meta, parts: list[Any]) -> s.Binary:
        left, operator, right = parts
        return s.Binary(self._span(meta), str(operator), left, right)

    def call(self, meta: Meta, parts: list[Any]) -> s.Call:
        return s.Call(self._span(meta), parts[0], tuple(parts[1:]))

    def argument(self, meta: Meta, parts: list[Any]) -> s.Argument:
        *name, value = parts
        return s.Argument(self._span(meta), name[0] if name else None, value)

    def index(self, meta: Meta, parts: list[Any]) -> s.Index:
        return s.Index(self._span(meta), parts[0], tuple(parts[1:]))

    def slice(self, meta: Meta, parts: list[Any]) -> s.Slice:
        start, stop, *step = parts
        return s.Slice(self._span(meta), start, stop, step[0] if step else None)

    def slice_end(self, meta: Meta, parts: list[Any]) -> s.Expression | None:
        return parts[0] if parts else None

    def ellipsis(self, meta: Meta, parts: list[Any]) -> s.Dots:
        return s.Dots(self._span(meta))

    def number(self, meta: Meta, parts: list[Token]) -> s.Literal:
        text, span = str(parts[0]), self._span(meta)
        value = (int(text) if len(text) < 100 else inf) if text.isdigit() else float(text)
        if value == inf or (isinstance(value, int) and value.bit_length() > 63):
            raise error("syntax", f"the number {text if len(text) < 30 else text[:30] + '…'} is too large", span)
        return s.Literal(span, value)

    def string(self, meta: Meta, parts: list[Token]) -> s.Literal:
        return s.Literal(self._span(meta), unescape(str(parts[0])[1:-1]))

    def constant(self, meta: Meta, parts: list[Token]) -> s.Literal:
        return s.Literal(self._span(meta), {"true": True, "false": False, "none": None}[str(parts[0])])

    def list_of(self, meta: Meta, parts: list[Any]) -> s.ListOf:
        return s.ListOf(self._span(meta), tuple(parts))

    def tuple_of(self, meta: Meta, parts: list[Any]) -> s.TupleOf:
        return s.TupleOf(self._span(meta), tuple(parts))

    def group(self, meta: Meta, parts: list[Any]) -> Any:
        return parts[0]

    def branches(self, meta: Meta, parts: list[Any]) -> s.Branches:
        return s.Branches(self._span(meta), tuple(parts))

    def if_(self, meta: Meta, parts: list[Any]) -> s.If:
        _, condition, then, otherwise = parts
        return s.If(self._span(meta), condition, then, otherwise)

    def sequence(self, meta: Meta, parts: list[Any]) -> s.InSequence:
        return s.InSequence(self._span(meta), parts[0])

    def repeat(self, meta: Meta, parts: list[Any]) -> s.Repeat:
        *head, body = parts
        variable = head.pop(0) if isinstance(head[0], s.Name) and len(head) > 1 and self._has_in(meta) else None
        return s.Repeat(self._span(meta), variable, head[0], head[1] if len(head) > 1 else None, body)

    def residual(self, meta: Meta, parts: list[Any]) -> s.Residual:
        return s.Residual(self._span(meta), parts[0])
