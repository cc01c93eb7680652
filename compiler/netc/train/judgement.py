"""How right a model is, as HTML: a confusion matrix, residuals, and the decision boundary where there are two features."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import torch
from torch import nn

from netc.data.normalize import Array
from netc.data.prepare import Prepared
from netc.data.table import Table
from netc.graph import Graph
from netc.tasks import Task, task_of
from netc.train.outcomes import boundary_picture, residuals_picture
from netc.train.sheet import inline
from netc.train.verdict import Verdict, confusion, in_units, outputs, r2, true_classes
from netc.web.document import columns, figure, section, table

MOST_ROWS = 200_000  # of a part that are judged
MOST_CLASSES = 30  # that a matrix is readable with
MOST_CONFUSIONS = 12


def judgement(graph: Graph, model: nn.Module, data: Table, prepared: Prepared) -> str:
    """The sections on the held-out part where there is one, else on the rows trained on; empty for tasks of no known kind."""
    task = task_of(graph)
    if task.kind == "other" or len(graph.inputs) != 1 or not graph.targets:
        return ""
    name, arrays = ("validation part", prepared.validation) if prepared.validation is not None else ("training part", prepared.train)
    arrays = tuple(a[:MOST_ROWS] for a in arrays)
    verdict = Verdict(name, _said(model, arrays[0], prepared.dtypes[0]), arrays[1])
    if not np.isfinite(verdict.output).all():
        return ""
    shown = [_confusion(task, verdict)] if task.is_classes else [_residuals(verdict, data, prepared)]
    return columns([*shown, _boundary(graph, task, model, data, prepared)])


def _said(model: nn.Module, features: Array, dtype: str) -> Array:
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    return outputs(model, (torch.from_numpy(features).to(device, getattr(torch, dtype)),))


# --- classes ------------------------------------------------------------------------------------------------------


def _confusion(task: Task, verdict: Verdict) -> str:
    counts = confusion(task, verdict)
    right = f"{np.trace(counts) / counts.sum():.1%} of {counts.sum():,} rows of the {verdict.part} are right"
    body = _matrix(counts) if len(counts) <= MOST_CLASSES else _worst(counts)
    return section("Confusion matrix", body, right)


def _matrix(counts: Array) -> str:
    """True classes down, predicted ones across; the shade is the share of the row. At the edges recall and precision."""
    names = [str(k) for k in range(len(counts))]
    lines = [f"<tr><th></th><th colspan='{len(names)}'>predicted</th><th></th></tr>",
             f"<tr><th class='side'>true</th>{''.join(f'<th>{escape(n)}</th>' for n in names)}<th>recall</th></tr>"]  # fmt: skip
    for k, row in enumerate(counts):
        total = int(row.sum())
        cells = "".join(_cell(int(n), total, k == j) for j, n in enumerate(row))
        lines.append(f"<tr><th class='side'>{escape(names[k])}</th>{cells}<td>{_share(int(row[k]), total)}</td></tr>")
    precision = "".join(f"<td>{_share(int(counts[k, k]), int(counts[:, k].sum()))}</td>" for k in range(len(counts)))
    lines.append(f"<tr><th class='side'>precision</th>{precision}<td></td></tr>")
    return f'<div class="overflow"><table class="confusion">{"".join(lines)}</table></div>'


def _cell(count: int, total: int, is_right: bool) -> str:
    part = 100 * count / total if total else 0.0
    # The root keeps rare mistakes visible.
    shade = round(90 * (part / 100) ** 0.6)
    strong = " strong" if shade > 65 else ""
    return f"<td class='count{strong}' style='--part:{shade};--shade:var(--{'c0' if is_right else 'c1'})'>{count or ''}</td>"


def _share(count: int, total: int) -> str:
    return f"{count / total:.0%}" if total else "–"


def _worst(counts: Array) -> str:
    """The most frequent confusions, where there are too many classes for a matrix."""
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    order = np.argsort(wrong, axis=None)[::-1][:MOST_CONFUSIONS]
    pairs = [divmod(int(i), len(counts)) for i in order]
    rows = [(str(true), str(said), f"{counts[true, said]}", _share(int(counts[true, said]), int(counts[true].sum())))
            for true, said in pairs if wrong[true, said]]  # fmt: skip
    return table(("true", "predicted", "rows", "of the class"), rows)


# --- numbers ------------------------------------------------------------------------------------------------------


def _residuals(verdict: Verdict, data: Table, prepared: Prepared) -> str:
    assert verdict.target is not None
    predicted, target = (in_units(a, prepared.target_scaling) for a in (verdict.output, verdict.target))
    residuals = predicted - target
    row = (f"{r2(predicted, target):.4f}", f"{np.sqrt((residuals**2).mean()):.4g}", f"{np.abs(residuals).mean():.4g}",
           f"{residuals.mean():.4g}", f"{np.abs(residuals).max():.4g}")  # fmt: skip
    numbers = table(("R²", "root mean square", "mean absolute", "mean", "largest"), [row])
    picture = figure(inline(residuals_picture(predicted, target, data.target_names)))
    note = f"<p class='note'>of {len(target):,} rows of the {verdict.part}, in the units of the data</p>"
    return f"<section>{picture}\n{numbers}\n{note}</section>"


# --- the plane ----------------------------------------------------------------------------------------------------


def _boundary(graph: Graph, task: Task, model: nn.Module, data: Table, prepared: Prepared) -> str:
    if data.features.shape[1] != 2 or (task.kind == "numbers" and data.target_columns != 1):
        return ""

    def predict(points: Array) -> Array:
        scaled = points if prepared.input_scaling is None else prepared.input_scaling.apply(points)
        said = _said(model, scaled.astype(np.float32), prepared.dtypes[0])
        return in_units(said, prepared.target_scaling) if task.kind == "numbers" else said

    target = data.target if task.kind == "numbers" else true_classes(data.target)
    picture = boundary_picture(predict, task, data.features.astype(float), target, data.feature_names, _class_names(data))
    return f"<section>{figure(inline(picture))}</section>"


def _class_names(data: Table) -> Sequence[str]:
    return [] if data.classes is None else [f"class {k}" for k in range(int(data.classes.max()) + 1)]
