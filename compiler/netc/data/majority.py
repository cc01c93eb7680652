"""Classes of which one has nearly all rows, where the accuracy is all that a classifier is judged by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netc.data.contracts import Fed
from netc.diagnostics import Diagnostic
from netc.graph import Graph
from netc.settings import Section
from netc.tasks import LOSSES, computed_labels, task_of

MOST = 0.9  # of the rows: whoever always says that class has as high an accuracy


def check_majority(graph: Graph, fed: Sequence[Fed], data: Section, train: Section | None) -> list[Diagnostic]:
    """A warning where one class has nearly all rows, and neither a metric nor a weight shows that this is known."""
    targets = [f for f in fed if f.node.kind == "target"]
    metrics = [] if train is None else train["metrics"] or []
    losses = [n for n in graph.needed_for(loss.ref for loss in graph.losses) if n.op is not None and n.op.name in LOSSES]
    is_weighed = any(n.call[name].value is not None for n in losses for name in ("weight", "pos_weight") if name in n.call)
    is_judged_by_more = is_weighed or any(metric.recipe.name != "accuracy" for metric in metrics)
    if train is None or not data["validation"] or is_judged_by_more or not task_of(graph).is_classes or computed_labels(graph):
        return []
    if len(targets) != 1 or targets[0].values.shape[1] != 1:
        return []
    labels, counts = np.unique(targets[0].values[np.isfinite(targets[0].values)], return_counts=True)
    share = float(counts.max() / counts.sum()) if len(counts) > 1 else 0.0
    if share < MOST:
        return []
    label = int(labels[counts.argmax()])
    name = targets[0].classes[label] if 0 <= label < len(targets[0].classes) else label
    weight = "pos_weight" if losses[0].op is not None and losses[0].op.name.startswith("BCE") else "weight"
    message = f"{share:.1%} of the rows are of the class `{name}`: whoever always says so has that accuracy, the only metric"
    hint = (
        f"`metrics = [balanced_accuracy, f1]` in the `train` section says more; `{weight}=balanced` in the loss lets the others weigh more"
    )
    return [Diagnostic("data-labels", message, targets[0].source, hint=hint)]
