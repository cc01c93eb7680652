"""Layers over sequences that take the batch for the steps: torch's `batch_first` is false where it is left out."""

from __future__ import annotations

from collections.abc import Iterator

from netc.diagnostics import Diagnostic, Edit
from netc.graph import Node
from netc.lint.edits import addition
from netc.lint.view import Finding, View, name_of
from netc.shapes import shape_text, size_names
from netc.tensors import TensorType


def steps(view: View) -> Iterator[Finding]:
    """A recurrent layer, attention or transformer without `batch_first` on `[B, T, …]`, where all inputs and targets begin with `B`."""
    if view.batch is None or not _is_axis_0_the_batch(view):
        return
    for node in view.nodes:
        batch_first = node.config.get("batch_first")
        # What is written as `batch_first=false` is meant.
        if not name_of(node) or batch_first is None or batch_first.origin != "default" or not _begins_with_the_batch(view, node):
            continue
        assert node.op
        shape = shape_text(view.shape(node.refs[0]))
        message = f"`{node.op.name}` takes axis 0 of {shape}, the examples of the batch, for the steps of a sequence, and mixes them"
        yield node, Diagnostic("batch-first", message, node.span, hint="here the batch is axis 0: write `batch_first=true`",
                               edit=_batch_first(view, node))  # fmt: skip


def _is_axis_0_the_batch(view: View) -> bool:
    """Whether axis 0 must be the rows: `[T, B, 8]` with targets `[T, B]` may be steps before the batch, for a training of one's own."""
    shapes = [view.shape_of(node)[1:2] for node in (*view.graph.inputs, *view.graph.targets)]
    return view.train is not None or view.data is not None or () in shapes or len(set(shapes)) > 1


def _begins_with_the_batch(view: View, node: Node) -> bool:
    """Whether a layer is called with `[B, T, …]`; `[B, 1, …]` may be one sequence, of which each row is a step."""
    shape = view.shape(node.refs[0])
    if len(shape) != 3 or shape[0] != view.batch or shape[1] == 1:
        return False
    return not size_names(shape[0]) & size_names(shape[1])


def _batch_first(view: View, node: Node) -> Edit | None:
    """Gives it `batch_first=true`, where each use has no other value before it and only the states behind it, whose shape stays."""
    certain = all(len(set(use.refs)) == 1 and _only_states(view, use) for use in view.alike(node))
    return addition(view, node, "batch_first=true") if certain else None


def _only_states(view: View, node: Node) -> bool:
    """Whether only the first part of a layer's value is used, as the last states and the weights of attention have other axes then."""
    graph = view.graph
    ends = [named.ref for named in (*graph.outputs, *graph.losses, *graph.metrics)]
    refs = [ref for ref in (*ends, *(ref for user in view.users[node.id] for ref in user.refs)) if ref.node == node.id]
    return isinstance(node.type, TensorType) or all(ref.path[:1] == (0,) for ref in refs)
