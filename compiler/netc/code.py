"""How a node stands in Python source. The module runs these very lines, and the ejected class consists of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from netc.graph import Argument, Graph, Node, Place, Ref
from netc.ops.op import REQUIRED, DType, Param, Slice
from netc.shapes import Dim

# Python's operators by how strongly they bind; source: the Python reference, 6.17 "Operator precedence".
BINDING = {"==": 1, "!=": 1, "<": 1, "<=": 1, ">": 1, ">=": 1, "+": 2, "-": 2, "*": 3, "/": 3, "//": 3, "%": 3, "@": 3,
           "prefix-": 4, "**": 5}  # fmt: skip
ATOM = 9

SMALL, LARGE = 1e-3, 1e6  # numbers between these are written without an exponent


@dataclass(frozen=True, slots=True)
class Text:
    """Python source of a value, and how strongly its outermost operator binds."""

    text: str
    binding: int = ATOM

    def inside(self, binding: int) -> str:
        """As an operand of an operator that binds that strongly."""
        return self.text if self.binding >= binding else f"({self.text})"


Values = Callable[[Ref], Text]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How symbolic sizes are written where an expression stands, and the device of the tensors there, e.g. `x.device`."""

    write: Callable[[Dim], str] = str
    device: str = ""

    def __call__(self, dim: Dim) -> str:
        """A size as it is written here."""
        return self.write(dim)


PLAIN = Sizes()


def literal(value: Any, values: Values, dims: Sizes = PLAIN) -> Text:
    """An argument as Python source; references through `values`, symbolic sizes through `dims`."""
    if isinstance(value, Ref):
        return values(value)
    if isinstance(value, DType):
        return Text(f"torch.{value.name}")
    if isinstance(value, Dim):
        text = dims(value)
        return Text(text, ATOM if re.fullmatch(r"[\w.]+(\[\d+\])?", text) else BINDING["+"])
    if value is ...:
        return Text("...")
    if isinstance(value, Slice):
        start, stop, step = ("" if v is None else literal(v, values, dims).text for v in value.parts)
        return Text(f"{start}:{stop}" + (f":{step}" if step else ""))
    if isinstance(value, list):
        return Text(f"[{', '.join(literal(v, values, dims).text for v in value)}]")
    if isinstance(value, tuple):
        return Text(f"({', '.join(literal(v, values, dims).text for v in value)}{',' if len(value) == 1 else ''})")
    if isinstance(value, str):
        return Text('"' + repr(value)[1:-1].replace('"', '\\"') + '"')
    if isinstance(value, float) and not math.isfinite(value):
        return Text(f'float("{value}")')
    negative = isinstance(value, (int, float)) and value < 0
    return Text(float_text(value) if isinstance(value, float) else repr(value), BINDING["prefix-"] if negative else ATOM)


def float_text(value: float) -> str:
    """A finite number as one writes it: `0.05`, but `1e-5`, and `-1e9` where Python would write out all zeros."""
    text = repr(value)
    if value == 0 or SMALL <= abs(value) < LARGE:
        return text
    sign, digits, exponent = Decimal(text).normalize().as_tuple()
    assert isinstance(exponent, int)
    first, *rest = map(str, digits)
    short = f"{'-' * sign}{first}{'.' if rest else ''}{''.join(rest)}e{exponent + len(rest)}"
    return min(text, short, key=len)


def _mode(param: Param, value: Any, values: Values, dims: Sizes) -> list[str]:
    """Whether the module is training; the functions' own default is another, so it is always written."""
    return [f"{param.name}={'self.training' if value is None else value}"]


def _training_rate(param: Param, value: Any, values: Values, dims: Sizes) -> list[str]:
    return [f"{param.name}={literal(value, values, dims).text} if self.training else 0.0"] if value else []


def _keywords(param: Param, value: Any, values: Values, dims: Sizes) -> list[str]:
    return [f"{name}={literal(part, values, dims).text}" for name, part in value]


# Kinds of parameters that are written in a way of their own; see `netc.ops.op`.
SPECIAL: dict[str, Callable[[Param, Any, Values, Sizes], list[str]]] = {
    "mode": _mode,
    "training_rate": _training_rate,
    "keywords": _keywords,
}


def is_required(param: Param, value: Any) -> bool:
    """Whether an argument is always written: torch has no default for it, or netc has inferred it."""
    return param.default is REQUIRED or (param.inferred and value is not None)


def is_left_out(param: Param, value: Any) -> bool:
    """Whether an argument has the value that torch gives it anyway."""
    default = None if param.inferred else param.default
    return not is_required(param, value) and bool(value == default) and type(value) is type(default)


def arguments(params: Sequence[Param], given: dict[str, Argument], values: Values, dims: Sizes = PLAIN, spread: bool = False) -> list[str]:
    """The arguments of a call as an expert writes them: what is required by place, the rest by name where it differs.

    With `spread` a parameter that takes any number of values has them as arguments of their own, not as a list.
    """
    texts: list[str] = []
    by_place = True
    for param in params:
        argument = given[param.name]
        if param.kind in SPECIAL:
            texts += SPECIAL[param.kind](param, argument.value, values, dims)
            continue
        if is_left_out(param, argument.value):
            by_place = False
            continue
        value = argument.value
        if spread and param.variadic and value:
            texts += [literal(v, values, dims).text for v in value]
            continue
        if isinstance(value, list) and not (param.variadic and param.takes_tensors) and not any(isinstance(v, Ref) for v in value):
            value = tuple(value)
        text = literal(value, values, dims).text
        by_place = by_place and is_required(param, argument.value)
        texts.append(text if by_place else f"{param.name}={text}")
    return texts


def construction(node: Node) -> str:
    """The constructor's call of a layer: `nn.Linear(5, 8)`."""
    assert node.op is not None
    texts = arguments(node.op.params, dict(node.config), lambda ref: Text("?"))
    return f"{short(node.op.target)}({', '.join(texts)})"


def expression(node: Node, values: Values, module: str = "", dims: Sizes = PLAIN) -> Text:
    """What a node computes; `module` is how the layer itself is reached, e.g. `self.hidden1`."""
    op = node.op
    assert op is not None
    if op.is_module or op.written in ("call", "spread", "method", "creation"):
        texts = arguments(op.inputs, dict(node.call), values, dims, spread=op.written != "call" and not op.is_module)
        called = module if op.is_module else short(op.target)
        if op.written == "method":
            called, texts = f"{bracketed(texts[0])}.{op.target.rsplit('.', 1)[1]}", texts[1:]
        if op.written == "creation" and dims.device:
            texts.append(f"device={dims.device}")
        return Text(f"{called}({', '.join(texts)})")
    if op.written == "index":
        operands = [literal(node.call["input"].value, values, dims)]
        entries = ", ".join(literal(v, values, dims).text for v in node.call["entries"].value)
        return Text(f"{operands[0].inside(ATOM)}[{entries}]")
    operands = [literal(v, values, dims) for v in _operands(node)]
    if op.written == "average":
        return Text(f"({_infix('+', operands).text}) / {len(operands)}", BINDING["/"])
    if op.written == "nested":
        return _nested(short(op.target), operands)
    if op.written.startswith("prefix"):
        return Text(f"{op.written[-1]}{operands[0].inside(BINDING['**'])}", BINDING["prefix-"])
    return _infix(op.written, operands)


def bracketed(text: str) -> str:
    """An expression before a dot: in brackets unless it is a name or a call."""
    return text if re.fullmatch(r"[\w.]+(\(.*\))?", text) else f"({text})"


def size_writer(graph: Graph, sources: Sequence[Ref], name: Callable[[Ref], str]) -> Sizes:
    """How a symbolic size is written: its names as axes of the tensors `sources`, the first of which has the device."""

    def write(dim: Dim) -> str:
        places = {n: graph.place_of(n, sources) for n in dim.names()}
        texts = {n: _size_at(place, name) for n, place in places.items() if place is not None}
        assert texts.keys() == places.keys(), dim  # a size that no tensor has is refused when the spec is checked
        written = str(dim)
        return texts[written].text if written in texts else re.sub(r"[^\W\d]\w*", lambda m: texts[m[0]].inside(ATOM), written)

    return Sizes(write, f"{name(sources[0])}.device" if sources else "")


def _size_at(place: Place, name: Callable[[Ref], str]) -> Text:
    """A size, from the axis that it is in."""
    size = Text(f"{name(place.ref)}.shape[{place.axis}]")
    if place.offset:
        size = Text(f"{size.text} {'-' if place.offset > 0 else '+'} {abs(place.offset)}", BINDING["+"])
    return Text(f"{size.inside(BINDING['//'])} // {place.factor}", BINDING["//"]) if place.factor > 1 else size


def _operands(node: Node) -> list[Any]:
    """The values of a call in order, a variadic one spread."""
    assert node.op is not None
    spread: list[Any] = []
    for param in node.op.inputs:
        value = node.call[param.name].value
        spread += value if param.variadic else [value]
    return spread


def _infix(symbol: str, operands: list[Text]) -> Text:
    binding = BINDING[symbol]
    if symbol == "**":  # binds to the right, and stronger than a minus before it
        return Text(f"{operands[0].inside(binding + 1)} ** {operands[1].inside(binding)}", binding)
    if binding == BINDING["=="]:
        return Text(f" {symbol} ".join(o.inside(binding + 1) for o in operands), binding)
    first, *rest = operands
    return Text(f" {symbol} ".join([first.inside(binding), *(o.inside(binding + 1) for o in rest)]), binding)


def _nested(function: str, operands: list[Text]) -> Text:
    text = operands[0].text
    for operand in operands[1:]:
        text = f"{function}({text}, {operand.text})"
    return Text(text)


def short(target: str) -> str:
    """A dotted name with the usual abbreviations: `nn.Linear`, `F.gelu`, `torch.exp`."""
    for long, brief in (("torch.nn.functional.", "F."), ("torch.nn.", "nn.")):
        if target.startswith(long):
            return brief + target[len(long) :]
    return target
