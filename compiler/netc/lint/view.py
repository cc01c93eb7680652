"""What the rules look at: the graph with who uses what, and where a value comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from netc.diagnostics import Diagnostic
from netc.graph import Graph, Node, Ref
from netc.ops.op import Op
from netc.settings import Section
from netc.shapes import Dim, Shape
from netc.source import Span
from netc.tensors import TensorType

# A function by the name of the layer or loss that computes the same, so that a rule names each once.
SAME_AS: Mapping[str, str] = {
    "relu": "ReLU", "relu6": "ReLU6", "sigmoid": "Sigmoid", "tanh": "Tanh", "hardsigmoid": "Hardsigmoid", "hardtanh": "Hardtanh",
    "gelu": "GELU", "silu": "SiLU", "softplus": "Softplus", "leaky_relu": "LeakyReLU", "elu": "ELU", "selu": "SELU", "celu": "CELU",
    "mish": "Mish", "softmax": "Softmax", "Softmax2d": "Softmax", "log_softmax": "LogSoftmax", "logsigmoid": "LogSigmoid",
    "linear": "Linear", "conv1d": "Conv1d", "conv2d": "Conv2d", "conv3d": "Conv3d", "layer_norm": "LayerNorm",
    "dropout": "Dropout", "dropout1d": "Dropout1d", "dropout2d": "Dropout2d", "dropout3d": "Dropout3d", "alpha_dropout": "AlphaDropout",
    "feature_alpha_dropout": "FeatureAlphaDropout", "cross_entropy": "CrossEntropyLoss", "nll_loss": "NLLLoss",
    "binary_cross_entropy": "BCELoss", "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
}  # fmt: skip

LINEAR = frozenset({"Linear", "Bilinear"})
CONVOLUTIONS = frozenset({f"Conv{kind}{axes}d" for kind in ("", "Transpose") for axes in (1, 2, 3)})
BATCH_NORMS = frozenset({"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"})
NORMS = BATCH_NORMS | {"InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm", "GroupNorm", "RMSNorm"}
DROPOUTS = frozenset({"Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"})
# What changes the shape or the dtype of its first operand, or takes a part of it, and none of its numbers.
SHAPE_ONLY = frozenset(
    """
    Identity Flatten Unflatten flatten unflatten reshape view ravel squeeze unsqueeze transpose permute movedim swapaxes
    swapdims t rearrange contiguous clone float double chunk split tensor_split unbind select narrow expand expand_as
    broadcast_to []
    """.split()
)


@dataclass(frozen=True)
class View:
    """A graph with its `train` and `data` sections, as the rules see it. Every property takes time linear in the nodes, once."""

    graph: Graph
    train: Section | None
    data: Section | None = None
    _origins: dict[int, Node] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> list[Node]:
        """All nodes, in the order of computation."""
        return self.graph.nodes

    @cached_property
    def users(self) -> dict[int, list[Node]]:
        """The nodes that are called with a node's value, by the node's id."""
        return {id: [self.graph.node(user) for user in users] for id, users in self.graph.users.items()}

    @cached_property
    def ends(self) -> set[int]:
        """The ids of the nodes that are outputs, losses or metrics themselves."""
        return {named.ref.node for named in (*self.graph.outputs, *self.graph.losses, *self.graph.metrics)}

    @cached_property
    def by_path(self) -> dict[str, list[Node]]:
        """The uses of each layer, by its path."""
        uses: dict[str, list[Node]] = {}
        for node in self.nodes:
            if node.is_module:
                uses.setdefault(node.path, []).append(node)
        return uses

    @cached_property
    def by_place(self) -> dict[tuple[Span, Op | None], list[Node]]:
        """The nodes of one op that were made of the same text."""
        made: dict[tuple[Span, Op | None], list[Node]] = {}
        for node in self.nodes:
            made.setdefault((node.span, node.op), []).append(node)
        return made

    def alike(self, node: Node) -> list[Node]:
        """The nodes that were made of the same text, in other uses of a block, and the other uses of the same layer."""
        return [*self.by_place[node.span, node.op], *self.by_path.get(node.path, [])]

    @cached_property
    def set_by_name(self) -> set[str]:
        """The keys of parameters that a `tie`, `init` or `freeze` has."""
        tied = {key for tie in self.graph.ties for key in (tie.left, tie.right)}
        return tied | {key for rule in self.graph.init_rules for key in rule.keys} | set(self.graph.frozen)

    @cached_property
    def batch(self) -> Dim | None:
        """The named dimension that all inputs and targets begin with, where there is a target."""
        shapes = [self.shape_of(node) for node in (*self.graph.inputs, *self.graph.targets)]
        first = {shape[0] if shape else None for shape in shapes}
        only = first.pop() if len(first) == 1 and self.graph.targets else None
        return only if isinstance(only, Dim) else None

    def named(self, *names: str) -> Iterator[Node]:
        """The nodes whose op is one of these, or computes the same."""
        return (node for node in self.nodes if name_of(node) in names)

    def origin(self, ref: Ref) -> Node:
        """The node that computes the numbers of a value: what only changes shapes is passed over."""
        passed: list[int] = []
        node = self.graph.node(ref.node)
        while node.id not in self._origins and name_of(node) in SHAPE_ONLY and node.refs:
            passed.append(node.id)
            node = self.graph.node(node.refs[0].node)
        found = self._origins.get(node.id, node)
        self._origins.update(dict.fromkeys(passed, found))
        return found

    def is_only_for(self, node: Node, user: Node) -> bool:
        """Whether a value goes to one user only, at most through steps that change its shape."""
        while node.id != user.id:
            users = self.users[node.id]
            if len(users) != 1 or node.id in self.ends:
                return False
            node = users[0]
        return True

    def operand(self, node: Node, name: str) -> Ref | None:
        """The tensor that a node is called with under this name."""
        argument = node.call.get(name)
        if argument is None and "inputs" in node.call and name == "input":  # torch's own signature; all its losses begin so
            return next(iter(node.refs), None)
        return argument.value if argument is not None and isinstance(argument.value, Ref) else None

    def shape(self, ref: Ref) -> Shape:
        """The shape of a value; that of a tuple is empty."""
        kind = self.graph.type_of(ref)
        return kind.shape if isinstance(kind, TensorType) else ()

    def shape_of(self, node: Node) -> Shape:
        """The shape of a node's value; that of a tuple is empty."""
        return self.shape(Ref(node.id))


Finding = tuple[Node, Diagnostic]
Rule = Callable[[View], Iterator[Finding]]


def name_of(node: Node) -> str:
    """The name of a node's op; a function has the name of the layer that computes the same."""
    if node.op is None or not node.op.target.startswith(("torch.", "einops.", "operator.")):
        return ""  # a row of somebody's own may have any name
    return SAME_AS.get(node.op.name, node.op.name)


def setting(node: Node, name: str) -> Any:
    """An argument of a layer or function, whichever it is; None where it has none."""
    argument = node.config.get(name) or node.call.get(name)
    return argument.value if argument else None


def is_dropout(node: Node) -> bool:
    """Whether a node sets numbers to zero at random."""
    return name_of(node) in DROPOUTS and setting(node, "p") != 0
