"""Whether a target is of a size that a network can learn: a warning where it should be scaled first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netc.data.contracts import Fed
from netc.diagnostics import Diagnostic, Related
from netc.graph import Graph, Node, Ref
from netc.tasks import origin
from netc.tensors import FLOATS

REGRESSION = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
# A new network gives numbers of about 1, and an optimizer moves each weight by about its learning rate a step: a target of this
# size is hundreds of steps away. Measured on scikit-learn's diabetes data, whose target is 152 ± 77.
FAR = 10.0
MOST_ROWS = 10**6  # that are looked at


def check_scale(graph: Graph, fed: Sequence[Fed]) -> list[Diagnostic]:
    """A warning for each target of a loss of differences that is far from mean 0 and deviation 1, as nothing scales it."""
    by_id = {f.node.id: f for f in fed if f.node.kind == "target" and not f.is_scaled}
    found = []
    for node in graph.nodes:
        arriving = by_id.pop(_target(graph, node), None)
        if arriving is not None and (words := _far(arriving)):
            assert node.op is not None
            message = f"`{node.op.name}` gets the target `{arriving.name}` as it is, with {words}: far from what a new network gives"
            hint = "`normalize_target = standard` in the `data` section scales it; predictions are scaled back"
            found.append(Diagnostic("data-scale", message, node.span, related=(Related(arriving.source, "the data"),), hint=hint))
    return found


def _target(graph: Graph, node: Node) -> int:
    """The node whose values arrive unchanged as the target of a loss of differences; -1 where it is no such loss."""
    if node.op is None or node.op.name not in REGRESSION or "target" not in node.call:
        return -1
    ref = node.call["target"].value
    is_float = isinstance(ref, Ref) and graph.tensor_type(ref).dtype in FLOATS
    return origin(graph, ref) if is_float else -1


def _far(fed: Fed) -> str:
    """Mean and deviation in words where they are far from 0 and 1."""
    values = fed.values[:: 1 + len(fed.values) // MOST_ROWS]
    if values.dtype.kind not in "iuf" or not len(values):
        return ""
    mean, deviation = float(np.abs(values.mean(axis=0)).max()), float(values.std(axis=0).max())
    return f"mean {values.mean():.3g} and deviation {values.std():.3g}" if max(mean, deviation) > FAR else ""
