"""What a class constructs: its layers, the classes inside it, containers, parameters and buffers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from netc.code import Text, expression, is_left_out, is_required, literal, short
from netc.graph import Graph, Node, Ref
from netc.settings import Made
from netc.tensors import DEFAULT_DTYPE, TensorType
from netc.units import CallStep, NodeStep, Unit


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a construction: the parameter, whether it is written by name, and the value."""

    param: str
    by_name: bool
    value: Any


@dataclass(frozen=True, slots=True)
class Layer:
    """`nn.Linear(5, 8)`"""

    target: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Inner:
    """A class of this source, or where `is_chain` an `nn.Sequential` of its members."""

    unit: Unit
    is_chain: bool


@dataclass(frozen=True, slots=True)
class Container:
    """An `nn.ModuleDict` for a dotted label."""

    members: dict[str, Member] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raw:
    """Lines that make a parameter or buffer."""

    lines: tuple[str, ...]


Member = Union[Layer, Inner, Container, Raw]
Written = Mapping[tuple[str, str], set[str]]  # by block and path in it: the parameters that some use of the block writes


def members_of(unit: Unit, graph: Graph, written: Written) -> dict[str, Member]:
    """The members of a unit by name, in the order in which they are constructed."""
    units = {id(node): step.unit for step in unit.steps if isinstance(step, CallStep) for node in step.unit.nodes}
    inner = {step.unit.region.id: Inner(step.unit, is_chain(step.unit)) for step in unit.steps if isinstance(step, CallStep)}
    members: dict[str, Member] = {}
    for node in unit.nodes:
        if not node.is_module and node.kind not in ("param", "buffer"):
            continue
        below = units.get(id(node))
        path = unit.relative(below.region.path if below else node.path)
        made: Member = inner[below.region.id] if below else _made(node, unit, graph, written)
        _put(members, path.split("."), made)
    return members


def _put(members: dict[str, Member], path: list[str], made: Member) -> None:
    *outer, name = path
    for part in outer:
        container = members.setdefault(part, Container())
        assert isinstance(container, Container)
        members = container.members
    members.setdefault(name, made)


def _made(node: Node, unit: Unit, graph: Graph, written: Written) -> Member:
    if node.op is None:
        return Raw(_tensor_lines(node, unit.relative(node.path), graph))
    arguments, by_place = [], True
    also = written.get((unit.region.name, unit.relative(node.path)), set())
    for param in node.op.params:
        value = node.config[param.name].value
        if is_left_out(param, value) and param.name not in also:
            by_place = False
            continue
        by_place = by_place and is_required(param, value)
        arguments.append(Argument(param.name, not by_place, tuple(value) if isinstance(value, list) else value))
    return Layer(short(node.op.target), tuple(arguments))


def is_chain(unit: Unit) -> bool:
    """Whether a labelled pipeline that is no block needs no class but `nn.Sequential`."""
    return not unit.region.name and flows(unit)


def flows(unit: Unit) -> bool:
    """Whether a unit is what `nn.Sequential` does: one value through all members, in their order."""
    if len(unit.inputs) != 1 or len(unit.outputs) != 1:
        return False
    value, names = unit.inputs[0], []
    for step in unit.steps:
        if step.refs != [value] or not is_plain(step):
            return False
        path = step.unit.region.path if isinstance(step, CallStep) else step.node.path
        value = step.unit.outputs[0] if isinstance(step, CallStep) else Ref(step.node.id)
        names.append(unit.relative(path))
    made = list(dict.fromkeys(unit.relative(n.path).split(".")[0] for n in unit.nodes if n.is_module or n.op is None))
    # The values between the steps of a chain have no other users: as it has one output, none outside.
    return value == unit.outputs[0] and names == made and not any("." in n for n in names)


def is_plain(step: NodeStep | CallStep) -> bool:
    """Whether a step calls a layer or unit with one value, and gives one."""
    if isinstance(step, CallStep):
        return len(step.unit.outputs) == 1
    node = step.node
    given = [name for name, argument in node.call.items() if argument.origin != "default"]
    return node.is_module and len(given) == 1 and isinstance(node.type, TensorType)


def _tensor_lines(node: Node, name: str, graph: Graph) -> tuple[str, ...]:
    """The lines that make a parameter or buffer of the class itself."""
    kind, init = node.type, node.config["init"].value
    assert isinstance(kind, TensorType)
    start = _constant(init, graph).text if isinstance(init, Ref) else _start(init, kind)
    owner, _, last = f"self.{name}".rpartition(".")
    keeping = ", persistent=False" if node.is_literal else ""
    made = f"{owner}.{last} = nn.Parameter({start})" if node.kind == "param" else f'{owner}.register_buffer("{last}", {start}{keeping})'
    return (made, *([init_line(f"{owner}.{last}", init)] if isinstance(init, Made) and init.recipe.name not in FILLED else []))


FILLED = ("zeros", "ones")  # initialisations that are functions of torch, too


def _start(init: Any, kind: TensorType) -> str:
    """A new tensor: of the numbers that it begins with, or for an initialisation to fill."""
    dtype = "" if kind.dtype == DEFAULT_DTYPE else f", dtype=torch.{kind.dtype}"
    if isinstance(init, Made):
        return f"torch.{init.recipe.name if init.recipe.name in FILLED else 'empty'}({', '.join(map(str, kind.shape))}{dtype})"
    numbers = literal(init, lambda ref: Text("")).text
    if isinstance(init, list) or not kind.rank:
        return f"torch.tensor({numbers}{dtype})"
    return f"torch.full(({', '.join(map(str, kind.shape))}{',' if kind.rank == 1 else ''}), {numbers}{dtype})"


def init_line(parameter: str, init: Made) -> str:
    """The call of an initialisation, with the arguments that differ from their defaults."""
    differing = [p for p in init.recipe.params if init.values[p.name] != p.default]
    texts = [f"{p.name}={literal(init.values[p.name], lambda ref: Text('')).text}" for p in differing]
    return f"{init.recipe.target.replace('torch.nn.', 'nn.')}({', '.join([parameter, *texts])})"


def _constant(ref: Ref, graph: Graph) -> Text:
    """A tensor that depends on no input, as one expression."""
    return expression(graph.node(ref.node), lambda inner: _constant(inner, graph))
