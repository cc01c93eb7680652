"""What a training leaves for people to look at: pictures and a report. None of it can make the training fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from netc.diagnostics import NetError
from netc.files import write
from netc.graph import Graph
from netc.tasks import computed_labels, other_comparison
from netc.tensors import TensorType
from netc.train.report.page import Trained, report
from netc.train.verdict import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from netc.train.report.pictures import Outputs


def leave(path: Path, trained: Trained) -> list[str]:
    """Writes the pictures and `report.html` into the folder; returns what went wrong, in words."""
    try:
        return _leave(path, trained)
    except Exception as e:  # looking at a model is never worth the model
        return [f"there is no report: {_reason(e)}"]


def _leave(path: Path, trained: Trained) -> list[str]:
    from netc.train.report.pictures import draw_all
    from netc.train.report.sheet import png

    losses = {n: values for n, values in trained.history.columns.items() if n.removeprefix("val_") in _loss_names(trained.graph)}
    pictures: dict[str, Figure] = {}
    problems = draw_all(pictures, trained.data, losses, lambda: _outputs(trained))
    files: dict[str, bytes] = {}
    for name, figure in list(pictures.items()):
        try:
            files[name] = png(figure)
        except Exception as e:  # of this picture alone
            problems.append(f"{name} could not be drawn: {_reason(e)}")
            del pictures[name]
    for name, content in files.items():
        write(path / name, content)
    write(path / "report.html", report(trained, pictures, problems))
    return problems


def _reason(e: Exception) -> str:
    return e.diagnostics[0].message if isinstance(e, NetError) else str(e) or type(e).__name__


def _outputs(trained: Trained) -> Outputs:
    """The predictions along the way, with their target."""
    from netc.train.report.pictures import Outputs

    graph, prepared = trained.graph, trained.prepared
    is_logit = _gives_logits(graph)
    snapshots = [(s.epoch, plain(torch.sigmoid(s.output) if is_logit else s.output)) for s in trained.history.snapshots]
    is_alike = bool(graph.targets) and not computed_labels(graph) and not other_comparison(graph)
    target = prepared.train[len(graph.inputs)] if is_alike else None
    scaling = prepared.target_scaling
    if target is not None and scaling is not None and snapshots and all(output.shape[1:] == target.shape[1:] for _, output in snapshots):
        target = scaling.undo(target[: len(snapshots[0][1])])  # in the units of the data
        snapshots = [(epoch, scaling.undo(output)) for epoch, output in snapshots]
    kind = graph.targets[0].type if graph.targets else None
    names = [graph.name_of(n) for n in graph.targets]
    is_class = trained.data.classes is not None or (isinstance(kind, TensorType) and not kind.is_float)
    return Outputs(snapshots, target, names[0] if names else "", is_class, prepared.preprocessing.classes)


def _loss_names(graph: Graph) -> set[str]:
    return {"loss", *(loss.name for loss in graph.losses)}


def _gives_logits(graph: Graph) -> bool:
    """Whether the first output goes as it is into a loss that takes the sigmoid of it."""
    users = [node for node in graph.nodes if graph.outputs[0].ref in node.refs[:1]] if graph.outputs else []
    return any(node.op is not None and node.op.name == "BCEWithLogitsLoss" for node in users)
