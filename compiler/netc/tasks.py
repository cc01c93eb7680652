"""What a network predicts, as its loss says: one of two classes, one of several, numbers, or something else. No torch here."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from netc.graph import Graph, Node, Ref
from netc.settings import Made, Section
from netc.tensors import TensorType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Kind = Literal["binary", "classes", "numbers", "other"]
Scale = Literal["probabilities", "logits", "log-probabilities", "scores"]

# What the loss takes as its prediction, by the names of torch.nn and of torch.nn.functional.
LOSSES: Mapping[str, tuple[Kind, Scale]] = {
    "BCELoss": ("binary", "probabilities"),
    "binary_cross_entropy": ("binary", "probabilities"),
    "BCEWithLogitsLoss": ("binary", "logits"),
    "binary_cross_entropy_with_logits": ("binary", "logits"),
    "CrossEntropyLoss": ("classes", "logits"),
    "cross_entropy": ("classes", "logits"),
    "NLLLoss": ("classes", "log-probabilities"),
    "nll_loss": ("classes", "log-probabilities"),
    "MultiMarginLoss": ("classes", "scores"),
    "multi_margin_loss": ("classes", "scores"),
}
# What an output is that a loss does not take itself, but the value before it.
AFTER: Mapping[str, Scale] = {
    "Softmax": "probabilities", "softmax": "probabilities", "Sigmoid": "probabilities", "sigmoid": "probabilities",
    "LogSoftmax": "log-probabilities", "log_softmax": "log-probabilities",
}  # fmt: skip

# What changes neither the values of a tensor nor which of them there are.
KEEPS = ("long", "int", "float", "double", "to", "squeeze", "unsqueeze", "reshape", "view", "flatten", "Flatten", "unflatten", "transpose",
         "permute", "clone", "detach", "contiguous", "type_as")  # fmt: skip
SAME_CLASS = (*KEEPS, "one_hot")  # and what changes not which class it says
PRODUCTS = ("*", "mul")
TOTALS = ("sum", "mean")  # of weights, by which a loss is divided


# What a metric's argument is for more than two classes where nothing is said, and what it cannot be.
OF_SEVERAL = {"average": "macro", "multi_class": "ovr"}
OF_TWO = {"average": "binary", "multi_class": "raise"}


@dataclass(frozen=True, slots=True)
class Task:
    """What the first output says of each row.

    `binary`: of class 1, in one number (`[n]` or `[n, 1]`); `classes`: of each class (`[n, C]`); `numbers`: the values of the
    target; `other`: none of these. `scale` says what the numbers of a classifier are.
    """

    kind: Kind
    scale: Scale = "scores"

    @property
    def is_classes(self) -> bool:
        """Whether rows are put into classes."""
        return self.kind in ("binary", "classes")

    @property
    def has_probabilities(self) -> bool:
        """Whether the outputs can be turned into probabilities."""
        return self.is_classes and self.scale != "scores"

    def fits(self, measured: str) -> bool:
        """Whether there are what a metric is of: `classes`, `probabilities` or `numbers`."""
        return {"classes": self.is_classes, "probabilities": self.has_probabilities, "numbers": self.kind == "numbers"}[measured]

    def probabilities(self, output: Array) -> Array:
        """The probability of each class, `[n, C]` `float64`, of the outputs `[n]`, `[n, 1]` or `[n, C]`."""
        import numpy as np

        assert self.has_probabilities
        values = output.reshape(len(output), -1).astype(np.float64)
        if self.kind == "binary":
            one = 0.5 * (1 + np.tanh(0.5 * values)) if self.scale == "logits" else values  # the sigmoid, without overflow
            return np.concatenate([1 - one, one], axis=1)
        if self.scale == "probabilities":
            return values
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def classes(self, output: Array) -> Array:
        """The number of the most probable class of each row, `[n]` `int64`."""
        import numpy as np

        assert self.is_classes
        values = output.reshape(len(output), -1)
        if self.kind == "binary":
            return np.asarray(values[:, 0] > (0.0 if self.scale == "logits" else 0.5)).astype(np.int64)
        return np.asarray(values.argmax(axis=1))


def task_of(graph: Graph) -> Task:
    """What the network predicts with its first output.

    A classifier is known by its loss (`LOSSES`), which takes the output itself, or what the output is the softmax or
    sigmoid of. Any other output of the shape of a target of floats is `numbers`.
    """
    if not graph.outputs or not isinstance(graph.type_of(graph.outputs[0].ref), TensorType):
        return Task("other")
    ref = graph.outputs[0].ref
    if found := _judged(graph, ref):
        return _fitting(graph, ref, found[1])
    targets = [n.type for n in graph.targets if isinstance(n.type, TensorType)]
    output = graph.tensor_type(ref)
    is_like_target = any(t.is_float and output.is_float and t.shape == output.shape for t in targets)
    return Task("numbers") if is_like_target and output.rank in (1, 2) else Task("other")


def with_averages(section: Section | None, graph: Graph) -> Section | None:
    """A `train` section whose metrics have the arguments that scikit-learn wants for the classes that there are.

    Only where the spec says nothing; a spec that is written out then says what is meant.
    """
    metrics = section and section["metrics"]
    if not section or not metrics or not has_several_classes(graph, task_of(graph)):
        return section
    argument = section.values["metrics"]
    return replace(section, values={**section.values, "metrics": replace(argument, value=list(map(_for_several, metrics)))})


def has_several_classes(graph: Graph, task: Task) -> bool:
    """Whether rows are known to be put into more than two classes."""
    classes = graph.tensor_type(graph.outputs[0].ref).shape[1] if task.kind == "classes" else 2
    return isinstance(classes, int) and classes > 2


def _for_several(metric: Made) -> Made:
    """The metric for more than two classes: a mean over the classes, or each class against the rest."""
    unsaid = {name: a for name, a in metric.arguments.items() if name in OF_SEVERAL and a.origin == "default"}
    changed = {name: replace(a, value=OF_SEVERAL[name]) for name, a in unsaid.items()}
    return replace(metric, arguments={**metric.arguments, **changed})


def _judged(graph: Graph, ref: Ref) -> tuple[Node, Task] | None:
    """The loss by which the output is known as that of a classifier, and what it says."""
    for node in graph.needed_for(loss.ref for loss in graph.losses):
        known = LOSSES.get(node.op.name) if node.op else None
        if known and node.refs:
            kind, scale = known
            after = scale if node.refs[0] == ref else _made_of(graph, ref, node.refs[0])
            if after is not None:
                return node, Task(kind, after)
    return None


# Losses whose mean is by the weights of the classes, where these are given, and not by rows. Source: torch's documentation of each.
BY_WEIGHT = ("CrossEntropyLoss", "cross_entropy", "NLLLoss", "nll_loss")


def mean_by_weight(graph: Graph) -> Node | None:
    """A loss that is a mean by the weights of the classes, so that rows count by which others are with them.

    Of targets that are probabilities, and not numbers of classes, torch divides the weighted sum by the number of rows.
    """
    for node in graph.needed_for(loss.ref for loss in graph.losses):
        if node.op is not None and node.op.name in BY_WEIGHT:
            values = {name: argument.value for name, argument in node.call.items()}
            target = values["target"]
            is_probabilities = isinstance(target, Ref) and graph.tensor_type(target).is_float
            if values.get("weight") is not None and values.get("reduction", "mean") == "mean" and not is_probabilities:
                return node
    return None


@dataclass(frozen=True, slots=True)
class Computed:
    """A classifier's loss, and what it compares the output with in place of a target: something computed of one."""

    loss: Node
    text: str


def computed_labels(graph: Graph) -> Computed | None:
    """What the classes of a classifier are compared with, where that is not a target as it is: `y - 1`.

    The classes are then numbered in another way than the target, so that the two are not to be compared.
    """
    found = _judged(graph, graph.outputs[0].ref) if graph.outputs else None
    argument = found[0].call.get("target") if found else None
    if found is None or argument is None or not isinstance(argument.value, Ref):
        return None
    if graph.node(origin(graph, argument.value, SAME_CLASS)).kind == "target":
        return None
    return Computed(found[0], argument.span.text)


# Losses that take the output as a logarithm of what they compare with the target, unless that argument says otherwise.
LOGARITHMS: Mapping[str, tuple[str, bool]] = {"PoissonNLLLoss": ("log_input", True), "KLDivLoss": ("log_target", False)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where numbers are compared otherwise than output with target: `log(y)` in its place, or `exp(p)` in that of the output.

    `node` compares, `text` is what it takes instead. `target` is that value where it stands for the target, else None.
    """

    node: Node
    text: str
    target: Ref | None = None


def other_comparison(graph: Graph) -> Comparison | None:
    """What the losses compare instead, where a network predicts numbers and the output never meets the target as it is.

    Metrics of output and target would then compare what is not alike. None also where it is not certain: the losses do not take the
    output, but what it is made of, or both sides are changed, as in `MSELoss(log(p), log(y))`.
    """
    if task_of(graph).kind != "numbers":
        return None
    needed = graph.needed_for(loss.ref for loss in graph.losses)
    source, targets = _unchanged(graph, graph.outputs[0].ref), {node.id for node in graph.targets}
    of_output, of_target = _made_from(graph, {source.node}), _made_from(graph, targets)
    instead, changed = dict[Ref, Comparison](), list[Comparison]()
    for node in needed:
        if node.op is None or node.op.name in KEEPS:
            continue
        found = [_unchanged(graph, ref) for ref in node.refs]
        is_raw, is_met = bool(targets & {ref.node for ref in found}), source in found
        others = [ref for ref in found if ref.node in of_target and ref.node not in of_output]
        if is_met and is_raw and not _takes_logarithm(node):
            return None
        if is_met and is_raw:
            changed.append(Comparison(node, f"exp({_written(graph, node, source)})"))
        elif is_met and others:
            instead |= {ref: Comparison(node, _written(graph, node, ref), ref) for ref in others}
        elif is_raw:
            changed += [Comparison(node, _written(graph, node, ref)) for ref in found if ref.node in of_output - of_target]
    return next(iter(instead.values())) if len(instead) == 1 else next(iter(changed), None)


def unlearned_inputs(graph: Graph) -> set[int]:
    """The inputs that no output depends on and that meet no parameter of the network: the losses take them as they are.

    Such are weights of rows, masks and offsets. The input of a second branch, as of a triplet, is none: it goes through layers.
    """
    forward = {node.id for node in graph.forward_nodes}
    with_parameters = {node.id for node in graph.nodes if node.weights or any(graph.node(r.node).kind == "param" for r in node.refs)}
    return {node.id for node in graph.inputs if node.id not in forward and not _made_from(graph, {node.id}) & with_parameters}


def row_weights(graph: Graph) -> set[int]:
    """The targets that do nothing but multiply what is made of another one, or are the `weight` of a loss."""
    targets = {node.id for node in graph.targets}
    factors, others = set[int](), set[int]()
    for node in graph.nodes:
        if node.op is None or node.op.name in (*KEEPS, *TOTALS):
            continue
        for ref in node.refs:
            if (target := origin(graph, ref)) in targets:
                is_weight = "weight" in node.call and node.call["weight"].value == ref
                (factors if is_weight or _multiplies(graph, node, target, targets) else others).add(target)
    return factors - others


def _multiplies(graph: Graph, node: Node, target: int, targets: set[int]) -> bool:
    """Whether a target is multiplied with something that is made of another one."""
    assert node.op is not None
    factors = [ref for ref in node.refs if origin(graph, ref) != target]
    return node.op.name in PRODUCTS and any(needed.id in targets - {target} for needed in graph.needed_for(factors))


def takes_layers(graph: Graph, ref: Ref) -> bool:
    """Whether a value is computed with layers, parameters or buffers of the network, so that it cannot be without them."""
    return any(node.is_module or node.kind in ("param", "buffer") for node in graph.needed_for([ref]))


def _takes_logarithm(node: Node) -> bool:
    name, means_it = LOGARITHMS.get(node.op.name if node.op else "", ("", False))
    return bool(name) and node.call[name].value == means_it


def _made_from(graph: Graph, sources: set[int]) -> set[int]:
    """These nodes, and all that depend on one of them."""
    found = set(sources)
    for node in graph.nodes:
        if any(ref.node in found for ref in node.refs):
            found.add(node.id)
    return found


def _written(graph: Graph, node: Node, ref: Ref) -> str:
    """A value as the spec has it where a node takes it."""
    given = (a for a in node.call.values() if isinstance(a.value, Ref) and _unchanged(graph, a.value) == ref)
    return next((a.span.text for a in given), graph.names.get(ref) or graph.node(ref.node).span.text)


def origin(graph: Graph, ref: Ref, keeping: Container[str] = KEEPS) -> int:
    """The node whose values arrive here unchanged, through operations that are `keeping` them."""
    return _unchanged(graph, ref, keeping).node


def _unchanged(graph: Graph, ref: Ref, keeping: Container[str] = KEEPS) -> Ref:
    node = graph.node(ref.node)
    while node.op is not None and node.op.name in keeping and node.refs:
        ref = node.refs[0]
        node = graph.node(ref.node)
    return ref


def _made_of(graph: Graph, ref: Ref, taken: Ref) -> Scale | None:
    """What the output is, where it is the softmax or sigmoid of what the loss takes."""
    node: Node = graph.node(ref.node)
    return AFTER.get(node.op.name) if node.op and node.refs[:1] == [taken] else None


def _fitting(graph: Graph, ref: Ref, task: Task) -> Task:
    """The task, if a row's output has the shape that belongs to it."""
    shape = graph.tensor_type(ref).shape
    fits = len(shape) == 2 if task.kind == "classes" else len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    return task if fits else Task("other")
