"""The graph of a network: a DAG of nodes that hold facts only, never live modules; `Graph.dag` is it as networkx' `DiGraph`.

A graph can be printed, compared, pickled, drawn and built again; everything behind the checker reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from netc.ops.op import Balanced, Op, Slice
from netc.ops.python import PythonOp
from netc.shapes import Dim, Shape, size_names
from netc.source import Span
from netc.tensors import TensorType, Type

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of a node, or with a path the part of it: `Ref(3, (1, 0))` is `value[1][0]`."""

    node: int
    path: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """A value given to an op: a number, string, list, `Dim`, `DType` or `Ref`; where it was written, and where it is from."""

    value: Any
    span: Span
    origin: str = "given"  # or "default", "inferred"


@dataclass(frozen=True, slots=True)
class Node:
    """One step. `path` is the layer's key in the `state_dict`, or the label of a function; without one it is empty.

    `config` is what a module is constructed with, `call` what the module or function is called with, both by parameter
    name in torch's order. Inputs and targets are nodes without an op.
    """

    id: int
    kind: str  # "input", "target", "param", "buffer" or "op"
    span: Span
    type: Type
    op: Op | None = None
    path: str = ""
    config: Mapping[str, Argument] = field(default_factory=dict)
    call: Mapping[str, Argument] = field(default_factory=dict)
    weights: Mapping[str, Shape] = field(default_factory=dict)
    region: int = 0  # the innermost region that it was made in; 0 is the network itself

    @property
    def refs(self) -> list[Ref]:
        """The values that it is called with, in the order of the parameters."""
        return [ref for argument in self.call.values() for ref in refs_in(argument.value)]

    @property
    def sizes(self) -> set[str]:
        """The named dimensions that it is called with."""
        return {name for argument in self.call.values() for dim in dims_in(argument.value) for name in dim.names()}

    @property
    def is_module(self) -> bool:
        """Whether it is a layer with a place in the `state_dict`."""
        return self.op is not None and self.op.is_module

    @property
    def is_literal(self) -> bool:
        """Whether it is a buffer that stands in the spec as its numbers, in the argument of a loss, and is not in the `state_dict`."""
        return self.kind == "buffer" and not self.config["persistent"].value

    @property
    def parameter_count(self) -> int:
        """The number of trainable numbers."""
        return sum(_count(shape) for shape in self.weights.values())


def _count(shape: Shape) -> int:
    total = 1
    for size in shape:
        assert isinstance(size, int)
        total *= size
    return total


def _leaves(tree: Mapping[str, Any]) -> Iterator[Node]:
    for part in tree.values():
        if isinstance(part, Node):
            yield part
        else:
            yield from _leaves(part)


def refs_in(value: Any) -> Iterator[Ref]:
    """The references within an argument's value."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from refs_in(part)
    elif isinstance(value, Slice):
        yield from refs_in(value.parts)


def dims_in(value: Any) -> Iterator[Dim]:
    """The symbolic sizes within an argument's value."""
    if isinstance(value, Dim):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from dims_in(part)
    elif isinstance(value, Slice):
        yield from dims_in(value.parts)


@dataclass(frozen=True, slots=True)
class Region:
    """One use of a block, a network or a labelled pipeline: the nodes made in it lie under its path.

    `kind` is "block" or "pipeline"; `name` the block's, `values` its arguments that are numbers, bools or strings, `names`
    the names that it gives to values, `results` what a block with statements gives, used or not.
    """

    id: int
    parent: int
    path: str
    kind: str
    name: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    names: dict[Ref, str] = field(default_factory=dict)
    results: list[Ref] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Named:
    """An output, loss or metric of the network. An unnamed loss is called `loss`."""

    name: str
    ref: Ref
    span: Span


@dataclass(frozen=True, slots=True)
class Tie:
    """`tie left = right`: two keys of the `state_dict` that are one parameter; the left layer gets the right one's."""

    left: str
    right: str
    span: Span


@dataclass(frozen=True, slots=True)
class InitRule:
    """An initialisation (a `Made` of `torch.nn.init`) and the keys of the parameters that get it, in their order.

    `pattern` is what was written, where it holds for the whole network.
    """

    init: Any
    keys: tuple[str, ...]
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """An axis of a tensor that is `factor * name + offset` long."""

    ref: Ref
    axis: int
    factor: int = 1
    offset: int = 0


class Graph:
    """The network as a DAG; node ids are in the order in which the values are computed."""

    def __init__(self, name: str, span: Span) -> None:
        self.name = name
        self.span = span
        self.nodes: list[Node] = []  # in the order of computation; a node's id is its place
        self.regions = [Region(0, 0, "", "block", name)]
        self.names: dict[Ref, str] = {}  # the names that the spec gives to values; inputs and targets have theirs too
        self.outputs: list[Named] = []
        self.losses: list[Named] = []
        self.ties: list[Tie] = []
        self.init_rules: list[InitRule] = []
        self.frozen: tuple[str, ...] = ()
        self.metrics: list[Named] = []

    def add(self, node: Node) -> Node:
        """Adds a node behind all others. Its arguments must be there."""
        assert node.id == len(self.nodes)
        assert all(ref.node < node.id for ref in node.refs)
        self.nodes.append(node)
        return node

    @property
    def balanced(self) -> list[Node]:
        """The class weights that are still `balanced`, which the data has to say."""
        return [n for n in self.nodes if n.is_literal and isinstance(n.config["init"].value, Balanced)]

    def fill(self, node: Node, numbers: Any) -> None:
        """Gives class weights that are `balanced` their numbers."""
        init = replace(node.config["init"], value=numbers)
        self.nodes[node.id] = replace(node, config={**node.config, "init": init})

    def node(self, id: int) -> Node:
        """The node of that id."""
        return self.nodes[id]

    @property
    def dag(self) -> nx.DiGraph[int]:
        """The graph as networkx knows it: ids, each with its `node`, and an edge from a value to what is called with it.

        networkx is imported here only, since it takes a third of the time in which a spec is checked.
        """
        import networkx as nx

        dag: nx.DiGraph[int] = nx.DiGraph()
        dag.add_nodes_from((node.id, {"node": node}) for node in self.nodes)
        dag.add_edges_from((ref.node, node.id) for node in self.nodes for ref in node.refs)
        return dag

    @property
    def users(self) -> dict[int, list[int]]:
        """For every node the nodes that are called with its value, in order, each once."""
        users: dict[int, list[int]] = {node.id: [] for node in self.nodes}
        for node in self.nodes:
            for id in dict.fromkeys(ref.node for ref in node.refs):
                users[id].append(node.id)
        return users

    @property
    def python_files(self) -> dict[str, str]:
        """The Python files that layers and functions are from: the name each is imported under, and its absolute path."""
        ops = [n.op for n in self.nodes if isinstance(n.op, PythonOp)]
        return {op.python_module: op.file for op in ops}

    @property
    def inputs(self) -> list[Node]:
        """The declared inputs, in order."""
        return [n for n in self.nodes if n.kind == "input"]

    @property
    def targets(self) -> list[Node]:
        """The declared targets, in order."""
        return [n for n in self.nodes if n.kind == "target"]

    @property
    def registered(self) -> list[Node]:
        """The layers, parameters and buffers, each once, in the order in which a class constructs them.

        What is under one label stands together, where its first part is used.
        """
        tree: dict[str, Any] = {}
        for node in self.nodes:
            if node.is_module or node.kind in ("param", "buffer"):
                *outer, name = node.path.split(".")
                here = tree
                for part in outer:
                    here = here.setdefault(part, {})
                here.setdefault(name, node)
        return list(_leaves(tree))

    @property
    def modules(self) -> list[Node]:
        """The layers, each once, in the order in which a class constructs them."""
        return [n for n in self.registered if n.is_module]

    @property
    def keys(self) -> dict[str, Shape]:
        """The keys of all parameters with their shapes, tied ones too."""
        return {".".join(filter(None, (n.path, name))): shape for n in self.registered for name, shape in n.weights.items()}

    @property
    def dims(self) -> list[str]:
        """The named dimensions of the inputs and targets, in order."""
        kinds = [n.type for n in self.inputs + self.targets]
        return list(dict.fromkeys(n for k in kinds if isinstance(k, TensorType) for size in k.shape for n in sorted(size_names(size))))

    @property
    def parameter_count(self) -> int:
        """The number of trainable numbers, frozen ones too; what is shared or tied counts once."""
        tied = {tie.left for tie in self.ties}
        return sum(_count(shape) for key, shape in self.keys.items() if key not in tied)

    def type_of(self, ref: Ref) -> Type:
        """The type of a value."""
        kind = self.node(ref.node).type
        for index in ref.path:
            assert isinstance(kind, tuple)
            kind = kind[index]
        return kind

    def tensor_type(self, ref: Ref) -> TensorType:
        """The type of a value that is a tensor."""
        kind = self.type_of(ref)
        assert isinstance(kind, TensorType)
        return kind

    def name_of(self, node: Node) -> str:
        """The name of an input or target."""
        return self.names[Ref(node.id)]

    def needed_for(self, refs: Iterable[Ref]) -> list[Node]:
        """The nodes that these values depend on, themselves included, in the order of computation."""
        needed: set[int] = set()
        stack = [ref.node for ref in refs]
        while stack:
            id = stack.pop()
            if id not in needed:
                needed.add(id)
                stack.extend(ref.node for ref in self.nodes[id].refs)
        return [self.node(id) for id in sorted(needed)]

    def place_of(self, name: str, refs: Iterable[Ref]) -> Place | None:
        """Where these tensors have the size of that name: an axis that is just this, else one such as `2 * B + 1`; None where none has."""
        derived = None
        for ref in refs:
            kind = self.type_of(ref)
            for axis, size in enumerate(kind.shape if isinstance(kind, TensorType) else ()):
                if size == Dim.named(name):
                    return Place(ref, axis)
                if derived is None and isinstance(size, Dim) and (line := size.line(name)):
                    derived = Place(ref, axis, *line)
        return derived

    def __deepcopy__(self, memo: object) -> Graph:
        return self  # facts are not changed once the graph is checked

    @property
    def forward_nodes(self) -> list[Node]:
        """The nodes that the outputs depend on."""
        return self.needed_for(o.ref for o in self.outputs)
