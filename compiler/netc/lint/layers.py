"""Layers that undo, repeat or waste what another one does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netc.diagnostics import Diagnostic, Related
from netc.graph import Node
from netc.lint.edits import removal, without_bias
from netc.lint.view import BATCH_NORMS, DROPOUTS, NORMS, Finding, View, name_of, setting
from netc.shapes import Size

# --- two layers that are as good as one -----------------------------------------------------------------------------

BETWEEN = DROPOUTS | {"Identity", "squeeze", "unsqueeze", "flatten", "Flatten", "reshape", "view", "contiguous"}


def stacked(view: View) -> Iterator[Finding]:
    """Two linear layers, or two convolutions, with nothing between them that is not linear."""
    for second in view.named("Linear", "Conv1d", "Conv2d", "Conv3d"):
        first = _before(view, second)
        if first and second.is_module and name_of(first) == name_of(second) and _is_one_map(view, first, second):
            assert second.op
            kind = "linear layers" if name_of(second) == "Linear" else "convolutions"
            yield second, Diagnostic("stacked-linear", f"two {kind} with nothing between them can do no more than one",
                                     second.span, related=(Related(first.span, "the first"),),
                                     hint="put an activation between them, e.g. `-> ReLU`")  # fmt: skip


def _before(view: View, node: Node) -> Node | None:
    """The layer whose value comes to a node alone, through nothing that mixes or bends it."""
    size = view.shape(node.refs[0])[-1:] if node.refs else ()
    is_linear = name_of(node) == "Linear"
    while node.refs:
        before = view.graph.node(node.refs[0].node)
        if len(view.users[before.id]) != 1 or before.id in view.ends:
            return None
        if before.weights or name_of(before) not in (BETWEEN if is_linear else DROPOUTS | {"Identity"}):
            return before if before.is_module else None
        if view.shape(before.refs[0])[-1:] != size:  # the axis that the layer works on is another one before
            return None
        node = before
    return None


def _is_one_map(view: View, first: Node, second: Node) -> bool:
    """Whether nothing speaks for two layers on purpose: no narrow middle, no sharing, no parameter that is set by name."""
    if any(len(view.by_path[layer.path]) > 1 for layer in (first, second)):
        return False
    named = {f"{layer.path}.weight" for layer in (first, second)}
    kept = {key for tie in view.graph.ties for key in (tie.left, tie.right)} | set(view.graph.frozen)
    if named & kept:
        return False
    linear = name_of(first) == "Linear"
    sizes = ("in_features", "out_features") if linear else ("in_channels", "out_channels")
    before, middle, after = (setting(first, sizes[0]), setting(first, sizes[1]), setting(second, sizes[1]))
    return middle >= min(before, after) and (linear or _is_plain_pair(first, second))


def _is_plain_pair(first: Node, second: Node) -> bool:
    """Two convolutions of one window, over neighbours in all axes, without groups, strides or dilation.

    Others are written on purpose: depthwise and pointwise, a row and a column, a convolution that makes the picture smaller.
    """
    windows = [_all(setting(layer, "kernel_size")) for layer in (first, second)]
    plain = [(layer, name) for layer in (first, second) for name in ("groups", "stride", "dilation")]
    return windows[0] == windows[1] and 1 not in windows[0] and all(_all(setting(layer, name)) == {1} for layer, name in plain)


def _all(value: Any) -> set[int]:
    return set(value) if isinstance(value, (list, tuple)) else {value}


# --- activations ----------------------------------------------------------------------------------------------------

NOT_NEGATIVE = ("ReLU", "ReLU6", "Sigmoid", "Hardsigmoid", "Softmax", "Softplus")
# What a second activation does to the values of a first one. Softmax after ReLU is not here: graph networks mean it.
PAIRS: dict[tuple[str, str], str] = {
    **{(first, "ReLU"): "changes nothing, as what `{first}` gives is never negative" for first in NOT_NEGATIVE},
    **{(first, "Sigmoid"): "gives 0.5 or more only, as what `{first}` gives is never negative" for first in ("ReLU", "ReLU6", "Softplus")},
    **{(first, "Sigmoid"): "gives between 0.5 and 0.73 only, as what `{first}` gives lies between 0 and 1"
       for first in ("Sigmoid", "Hardsigmoid", "Softmax")},
    ("Tanh", "Sigmoid"): "gives between 0.27 and 0.73 only, as what `{first}` gives lies between -1 and 1",
    **{(first, second): "makes all probabilities nearly equal, as what `{first}` gives lies between 0 and 1"
       for first in ("Softmax",) for second in ("Softmax", "LogSoftmax")},
    ("LogSoftmax", "LogSoftmax"): "changes nothing, as `{first}` gives logarithms of probabilities",
}  # fmt: skip


def activations(view: View) -> Iterator[Finding]:
    """Two activations in a row, of which the second undoes or spoils the first."""
    seconds = {second for _, second in PAIRS}
    for second in view.nodes:
        if name_of(second) not in seconds or not second.refs:
            continue
        first = view.origin(second.refs[0])
        said = PAIRS.get((name_of(first), name_of(second)))
        over = [setting(node, "dim") for node in (first, second) if name_of(node).endswith("Softmax")]
        if said is None or len(set(over)) > 1:
            continue
        assert first.op and second.op
        is_idle = said.startswith("changes nothing")
        wrong = second if is_idle else first
        yield second, Diagnostic("stacked-activations", f"`{second.op.name}` after `{first.op.name}` {said.format(first=first.op.name)}",
                                 second.span, related=(Related(first.span, "the first"),), hint=f"remove `{wrong.op and wrong.op.name}`",
                                 edit=removal(view, second) if is_idle else None)  # fmt: skip


# --- normalisation --------------------------------------------------------------------------------------------------


def biases(view: View) -> Iterator[Finding]:
    """A bias whose every use is a batch normalisation, which subtracts it again."""
    for layer in view.nodes:
        users = view.users[layer.id]
        if not layer.is_module or "bias" not in layer.weights or name_of(layer) not in BIASED or layer.id in view.ends:
            continue
        if users and all(name_of(u) in BATCH_NORMS for u in users) and len(view.shape_of(layer)) == BIASED[name_of(layer)]:
            assert layer.op and users[0].op
            message = f"`{users[0].op.name}` subtracts the mean, and so the bias of `{layer.op.name}`, which is computed for nothing"
            yield layer, Diagnostic("bias-before-norm", message, layer.span, related=(Related(users[0].span, "has a bias of its own"),),
                                    hint="write `bias=false`", edit=without_bias(view, layer))  # fmt: skip


# Layers whose bias is one number a channel, with the axes that their result has where batch normalisation sees these channels.
BIASED = {"Linear": 2, **{f"Conv{kind}{axes}d": axes + 2 for kind in ("", "Transpose") for axes in (1, 2, 3)}}


def single_numbers(view: View) -> Iterator[Finding]:
    """A softmax or layer normalisation over one number, which is the same whatever arrives."""
    for node in view.named("Softmax", "Softmin", "LogSoftmax", "LayerNorm"):
        shape = view.shape(node.refs[0])
        over = setting(node, "normalized_shape") if name_of(node) == "LayerNorm" else _axis_size(shape, setting(node, "dim"))
        if _all(over) == {1}:
            assert node.op
            result = {"LogSoftmax": "0", "LayerNorm": "its bias"}.get(name_of(node), "1")
            hint = "for one probability write `Sigmoid`" if name_of(node) not in NORMS else "normalise over more than one number"
            yield node, Diagnostic("constant-result", f"`{node.op.name}` over a single number is always {result}, whatever arrives",
                                   node.span, related=(Related(view.origin(node.refs[0]).span, "one number"),), hint=hint)  # fmt: skip


def _axis_size(shape: tuple[Size, ...], dim: object) -> Size | None:
    return shape[dim] if isinstance(dim, int) and -len(shape) <= dim < len(shape) else None


def batch_axis(view: View) -> Iterator[Finding]:
    """A softmax over the examples of a batch: scores `[B, C]` where all inputs and targets begin with `B`."""
    batch = view.batch
    for node in view.named("Softmax", "LogSoftmax") if batch else ():
        shape = view.shape(node.refs[0])
        is_first = setting(node, "dim") in (0, -len(shape))
        if is_first and len(shape) == 2 and shape[0] == batch and isinstance(shape[1], int) and shape[1] > 1:
            assert node.op
            message = f"`{node.op.name}` over axis 0 of [{batch}, {shape[1]}] divides one probability among the examples of a batch"
            yield node, Diagnostic("softmax-over-batch", message, node.span, hint="the classes are axis 1: write `dim=1`")
