"""Whether what a loss takes is scaled where a network could not learn it else, and not where it says how much a row counts."""

from __future__ import annotations

import numpy as np

from netc.data.assign import Feed
from netc.data.by_column import SCALED
from netc.data.normalize import Array
from netc.data.prepare import Plan, Prepared
from netc.data.store import release
from netc.data.values import in_group
from netc.diagnostics import Diagnostic, Related
from netc.graph import Graph, Node, Ref
from netc.settings import Section
from netc.tasks import origin, row_weights, unlearned_inputs
from netc.tensors import FLOATS

REGRESSION = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
# A new network gives numbers of about 1, and an optimizer moves each weight by about its learning rate a step: a target of this
# size is hundreds of steps away. Measured on scikit-learn's diabetes data, whose target is 152 ± 77.
FAR = 10.0
MOST_VALUES = 10**7  # that are looked at
MOST_NAMES = 6  # of columns that a hint lists


def check_scale(graph: Graph, plan: Plan, prepared: Prepared) -> list[Diagnostic]:
    """A warning for all that a loss of differences compares with and is far from mean 0 and deviation 1, as nothing scales it.

    That is a target, or an input that only losses take, which `normalize` leaves out.
    """
    compared = unlearned_inputs(graph)
    fed = {
        feed.node.id: (feed, values)
        for feed, encodings, values in zip(plan.feeds, plan.encodings, prepared.train, strict=True)
        if (feed.node.kind == "target" or feed.node.id in compared) and not all(e.scaling for e in encodings)
    }
    found = []
    for node in graph.nodes:
        feed, values = fed.pop(_target(graph, node), (None, None))
        if feed is not None and values is not None and (words := _far(values)):
            assert node.op is not None
            message = (f"`{node.op.name}` gets the {feed.node.kind} `{feed.name}` as it is, with {words}: "
                       "far from what a new network gives")  # fmt: skip
            found.append(Diagnostic("data-scale", message, node.span, related=(Related(feed.span, "the data"),), hint=_hint(feed)))
    return found


def check_weights(graph: Graph, section: Section, plan: Plan) -> list[Diagnostic]:
    """A warning for each target that weighs rows and is scaled with the others, which may make it negative."""
    weights, said = row_weights(graph), section.values["normalize_target"]
    found = []
    for feed, encodings in zip(plan.feeds, plan.encodings, strict=True):
        is_scaled = any(e.scaling and way is said for way, e in zip(feed.normalize, encodings, strict=True))
        if feed.node.id in weights and is_scaled:
            names = ", ".join(in_group(name) for part in feed.parts for name in part.names)
            message = f"`normalize_target = {said.value}` scales the target `{feed.name}`, by which the loss multiplies, as by a weight"
            hint = f"declare it as `input {feed.name}`, or say `group {names} {{ normalize_target = none }}`"
            found.append(Diagnostic("data-scale", message, said.span, related=(Related(feed.node.span, "declared here"),), hint=hint))
    return found


def _hint(feed: Feed) -> str:
    if feed.node.kind == "target":
        return "`normalize_target = standard` in the `data` section scales it; predictions are scaled back"
    ways = zip(feed.parts, feed.normalize, strict=True)
    names = [in_group(name) for part, way in ways if part.kind in SCALED and way.value == "none" for name in part.names]
    group = f"`group {', '.join(names)} {{ normalize = standard }}`" if len(names) <= MOST_NAMES else "a `group` of its columns"
    return (f"as `target {feed.name}` it is scaled by `normalize_target = standard`, and predictions are scaled back; "
            f"an input that only losses take is scaled by {group}")  # fmt: skip


def _target(graph: Graph, node: Node) -> int:
    """The node whose values arrive unchanged as the target of a loss of differences; -1 where it is no such loss."""
    if node.op is None or node.op.name not in REGRESSION or "target" not in node.call:
        return -1
    ref = node.call["target"].value
    is_float = isinstance(ref, Ref) and graph.tensor_type(ref).dtype in FLOATS
    return origin(graph, ref) if is_float else -1


def _far(values: Array) -> str:
    """Mean and deviation in words where they are far from 0 and 1."""
    if values.dtype.kind not in "iuf" or not values.size:
        return ""
    some = values[:: 1 + values.size // MOST_VALUES].astype(np.float64)
    release()
    mean, deviation = float(np.abs(some.mean(axis=0)).max()), float(some.std(axis=0).max())
    return f"mean {some.mean():.3g} and deviation {some.std():.3g}" if max(mean, deviation) > FAR else ""
