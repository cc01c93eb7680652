"""How right a model is, as HTML: a confusion matrix, residuals, and the decision boundary where there are two features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import torch
from torch import nn

from netc.data.normalize import Array
from netc.data.prepare import Prepared
from netc.data.table import Table, table_of
from netc.graph import Graph
from netc.tasks import Task, computed_labels, other_comparison, task_of
from netc.train.report.outcomes import boundary_picture, residuals_picture
from netc.train.report.pictures import r2
from netc.train.report.ranking import ranking
from netc.train.report.sheet import class_label, inline
from netc.train.verdict import Verdict, confusion, in_units, outputs, true_classes
from netc.web.document import columns, figure, section, table

MOST_ROWS = 200_000  # of a part that are judged
MOST_CLASSES = 30  # that a matrix is readable with
MOST_CONFUSIONS = 12


Tried = Callable[[str, Callable[[], str]], str]  # calls what makes a part of the page; where it fails, that is told and the part empty


def judgement(graph: Graph, model: nn.Module, data: Table, prepared: Prepared, tried: Tried) -> str:
    """The sections on the part that was held out most strictly, each `tried`; empty for tasks of no known kind."""
    task = task_of(graph)
    if task.kind == "other" or not graph.targets or computed_labels(graph) or other_comparison(graph):
        return ""
    name, arrays = judged_part(prepared)
    inputs, targets = (part[:MOST_ROWS] for part in arrays[: len(graph.inputs)]), arrays[len(graph.inputs) :]
    verdict = Verdict(name, _said(model, tuple(inputs), prepared.dtypes), targets[0][:MOST_ROWS])
    if not np.isfinite(verdict.output).all():
        return ""
    classes = prepared.preprocessing.classes
    if task.is_classes:
        shown = tried("the confusion matrix", lambda: _confusion(task, verdict, classes))
        found = tried("how well it ranks", lambda: ranking(task, verdict, classes))
    else:
        shown, found = tried("the picture of the residuals", lambda: _residuals(verdict, data, prepared)), ""
    return columns([shown, tried("the decision boundary", lambda: _boundary(graph, task, model, data, prepared))]) + found


def judged_part(prepared: Prepared) -> tuple[str, tuple[Array, ...]]:
    """The test part, else the validation part, else the rows that were trained on."""
    parts = {"test part": prepared.test, "validation part": prepared.validation, "training part": prepared.train}
    return next((name, arrays) for name, arrays in parts.items() if arrays is not None)


def _said(model: nn.Module, inputs: Sequence[Array], dtypes: Sequence[str]) -> Array:
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    tensors = (torch.from_numpy(np.ascontiguousarray(a)).to(device, getattr(torch, d)) for a, d in zip(inputs, dtypes, strict=False))
    return outputs(model, tuple(tensors))


# --- classes ------------------------------------------------------------------------------------------------------


def _confusion(task: Task, verdict: Verdict, classes: Sequence[str]) -> str:
    counts = confusion(task, verdict)
    right = f"{np.trace(counts) / counts.sum():.1%} of {counts.sum():,} rows of the {verdict.part} are right"
    names = [class_label(classes, k, "") for k in range(len(counts))]
    body = _matrix(counts, names) if len(counts) <= MOST_CLASSES else _worst(counts, names)
    return section("Confusion matrix", body, right)


def _matrix(counts: Array, names: Sequence[str]) -> str:
    """True classes down, predicted ones across; the shade is the share of the row. At the edges recall and precision."""
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


def _worst(counts: Array, names: Sequence[str]) -> str:
    """The most frequent confusions, where there are too many classes for a matrix."""
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    order = np.argsort(wrong, axis=None)[::-1][:MOST_CONFUSIONS]
    pairs = [divmod(int(i), len(counts)) for i in order]
    rows = [(names[true], names[said], f"{counts[true, said]}", _share(int(counts[true, said]), int(counts[true].sum())))
            for true, said in pairs if wrong[true, said]]  # fmt: skip
    return table(("true", "predicted", "rows", "of the class"), rows)


# --- numbers ------------------------------------------------------------------------------------------------------


def _residuals(verdict: Verdict, data: Table, prepared: Prepared) -> str:
    assert verdict.target is not None
    undo = prepared.preprocessing.undo
    predicted, target = (in_units(undo, a, verdict.target.shape) for a in (verdict.output, verdict.target))
    residuals = predicted - target
    row = (f"{r2(predicted, target):.4f}", f"{np.sqrt((residuals**2).mean()):.4g}", f"{np.abs(residuals).mean():.4g}",
           f"{residuals.mean():.4g}", f"{np.abs(residuals).max():.4g}")  # fmt: skip
    numbers = table(("R²", "root mean square", "mean absolute", "mean", "largest"), [row])
    many = target.shape[1]
    names = data.target_names if len(data.target_names) == many else [f"{data.target_names[0]}[{k}]" for k in range(many)]
    picture = figure(inline(residuals_picture(predicted, target, names)))
    note = f"<p class='note'>of {len(target):,} rows of the {verdict.part}, in the units of the data</p>"
    return f"<section>{picture}\n{numbers}\n{note}</section>"


# --- the plane ----------------------------------------------------------------------------------------------------


def _boundary(graph: Graph, task: Task, model: nn.Module, data: Table, prepared: Prepared) -> str:
    """Where the network decides, if it takes two numbers and nothing else."""
    fitted = prepared.preprocessing.inputs
    are_numbers = all(encoding.kind == "number" for part in fitted for encoding in part.encodings)
    if not are_numbers or [(len(part.columns), part.shape) for part in fitted] != [(2, (2,))]:
        return ""
    if task.kind == "numbers" and data.target_columns != 1:
        return ""
    names = fitted[0].columns
    same = replace(prepared.preprocessing, targets=())

    def predict(points: Array) -> Array:
        said = _said(model, same.apply(table_of(points, None, data.span, names)).inputs, prepared.dtypes)
        return in_units(prepared.preprocessing.undo, said, (len(said), *prepared.preprocessing.targets[0].shape)) if is_numbers else said

    is_numbers = task.kind == "numbers"
    features = np.column_stack([part.values for part in data.select(names)]).astype(float)
    kept = np.isfinite(features).all(axis=1)
    target = data.target if is_numbers else true_classes(data.target)
    classes = [class_label(prepared.preprocessing.classes, k) for k in range(int(target.max()) + 1)] if not is_numbers else []
    picture = boundary_picture(predict, task, features[kept], target[kept], names, classes)
    return f"<section>{figure(inline(picture))}</section>"
