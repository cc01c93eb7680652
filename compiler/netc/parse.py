"""Text to syntax tree, with Lark; and the errors of reading and parsing, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args
from lark.exceptions import VisitError
from lark.tree import Meta

from netc import syntax as s
from netc.diagnostics import NetError, closest, error
from netc.source import Source, Span
from netc.syntax_errors import explain


def read(path: Path) -> Source:
    """The text of a file. Raises `NetError` in one line where there is none to be had."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        siblings = [p.name for p in path.parent.glob("*.net")] if path.parent.is_dir() else []
        near = closest(path.name, siblings)
        hint = f"did you mean `{path.parent / near}`?" if near else ""
        raise error("file", f"there is no file `{path}`", hint=hint) from None
    except IsADirectoryError:
        raise error("file", f"`{path}` is a folder", hint="name a .net file in it") from None
    except UnicodeDecodeError as bad:
        raise error("file", f"`{path}` is not UTF-8 text (byte {bad.start} is 0x{bad.object[bad.start]:02x})") from None
    except OSError as bad:
        raise error("file", f"`{path}` cannot be read: {bad.strerror}") from None
    if not text.strip():
        raise error("file", f"`{path}` is empty")
    return Source(str(path), text)


def parse(source: Source) -> s.File:
    """The syntax tree of a file. Raises `NetError`."""
    result = _run(source, "file")
    assert isinstance(result, s.File)
    return result


def parse_expression(source: Source) -> s.Expression:
    """The syntax tree of one expression or pipeline, e.g. the value of `--set`. Raises `NetError`."""
    result: s.Expression = _run(source, "pipe")
    return result


def tokens(source: Source, start: str = "file") -> Iterator[Token]:
    """The tokens that the parser sees, those included that end a statement (`_NL`). For text that `parse` takes."""
    return _parser().parse_interactive(source.text, start=start).iter_parse()


def _run(source: Source, start: str, within: Span | None = None) -> Any:
    """The tree of the whole text, or of a part of it, which keeps its place."""
    text = source.text if within is None else " " * within.start + within.text
    try:
        tree = _parser().parse(text, start=start)
        return ToSyntax(source).transform(tree)
    except (UnexpectedToken, UnexpectedCharacters) as problem:
        raise NetError([explain(source, problem)]) from None
    except VisitError as problem:  # Lark wraps what a method raises
        if isinstance(problem.orig_exc, NetError):
            raise problem.orig_exc from None
        if isinstance(problem.orig_exc, RecursionError):
            raise _too_deep(source) from None
        raise
    except RecursionError:
        raise _too_deep(source) from None


def _too_deep(source: Source) -> NetError:
    return error("syntax", "the brackets are nested too deeply", Span(source, 0, 1))


@cache
def _parser() -> Lark:
    grammar = resources.files("netc.grammar").joinpath("net.lark").read_text(encoding="utf-8")
    return Lark(grammar, start=["file", "pipe"], parser="lalr", propagate_positions=True, postlex=Newlines(), maybe_placeholders=False)


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

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    def _has_in(self, meta: Meta) -> bool:
        """Whether a `repeat` names a variable, which looks like a range of names otherwise."""
        return re.match(r"repeat\s+\w+\s+in\b", self.source.text[meta.start_pos : meta.end_pos]) is not None

    def _span(self, meta: Meta) -> Span:
        if meta.empty:  # a rule that matched nothing, e.g. an empty file
            return Span(self.source, 0, 0)
        return Span(self.source, meta.start_pos, meta.end_pos)

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
        return s.Name(self._span(meta), str(parts[0]))

    name = dtype = path = pattern = identifier

    def fn(self, meta: Meta, parts: list[Any]) -> s.Fn:
        return s.Fn(self._span(meta), *parts)

    def data(self, meta: Meta, parts: list[Any]) -> s.Section:
        word, value = parts
        name = s.Name(Span(self.source, word.start_pos, word.end_pos), "source")
        span = self._span(meta)
        return s.Section(span, "data", (s.Setting(span, name, value),))

    def section(self, meta: Meta, parts: list[Any]) -> s.Section:
        return s.Section(self._span(meta), str(parts[0]), tuple(parts[1:]))

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

    def targets(self, meta: Meta, parts: list[Any]) -> tuple[s.Name, ...]:
        return tuple(parts)

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
        text = parts[0].rstrip(": \t")
        start = self._span(meta).start
        pieces: list[Any] = []
        for match in re.finditer(r"\{([^{}]*)\}|[^{}]+", text):
            inside = Span(self.source, start + match.start(1), start + match.end(1))
            pieces.append(match[0] if match[1] is None else _run(self.source, "pipe", inside))
        return s.Label(Span(self.source, start, start + len(text)), tuple(pieces))

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
        value = int(text) if text.isdigit() else float(text)
        if value == float("inf") or (isinstance(value, int) and value.bit_length() > 63):
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
