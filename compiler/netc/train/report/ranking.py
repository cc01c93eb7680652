"""How well a model of two classes ranks rows, as HTML: ROC, precision against recall, calibration, and what each threshold gives.

Accuracy says little where one class is rare, as does the threshold 0.5. Source of the curves: scikit-learn's `roc_curve`,
`precision_recall_curve`, `average_precision_score` and `calibration_curve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from netc.data.normalize import Array
from netc.tasks import Task
from netc.train.report.sheet import FAINT, INK, class_label, color_of, headline, inline, new_figure, plain_axes
from netc.train.verdict import Verdict, true_classes
from netc.web.document import figure, section, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BINS = 10  # of as many rows each, of which a calibration is told
LEAST_ROWS = 5  # a bin


def ranking(task: Task, verdict: Verdict, classes: Sequence[str]) -> str:
    """The sections for a model of two classes with probabilities; empty for others, and where the rows are all of one class."""
    assert verdict.target is not None
    truth = true_classes(verdict.target)
    if not task.has_probabilities or set(np.unique(truth)) != {0, 1}:
        return ""
    found = task.probabilities(verdict.output)
    if found.shape[1] != 2:
        return ""
    name = class_label(classes, 1)
    picture = ranking_picture(truth, found[:, 1], name, f"{int(truth.sum()):,} of {len(truth):,} rows of the {verdict.part} are {name}")
    return f"<section>{figure(inline(picture))}</section>\n" + _thresholds(truth, found[:, 1], name)


def _thresholds(truth: Array, probability: Array, name: str) -> str:
    """What it comes to where a row is put into class 1 from this probability on."""
    best = best_threshold(truth, probability)
    rows = [(f"{t:g}" if t != best else f"{t:.3g}, best F1", *_at(truth, probability >= t)) for t in sorted({*THRESHOLDS, best})]
    note = f"if a row is taken for {name} from this probability on; `netc predict` writes the probabilities"
    return section("Thresholds", table(("from", "rows", "of these right", "precision", "recall", "F1"), rows), note)


def _at(truth: Array, said: Array) -> tuple[str, ...]:
    right, taken, all_true = int((said & (truth == 1)).sum()), int(said.sum()), int(truth.sum())
    precision = f"{right / taken:.1%}" if taken else "–"
    return f"{taken:,}", f"{right:,}", precision, f"{right / all_true:.1%}", f"{2 * right / (taken + all_true):.3f}"


def best_threshold(truth: Array, probability: Array) -> float:
    """The probability from which on class 1 has the highest F1."""
    precision, recall, thresholds = precision_recall_curve(truth, probability)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[int(f1[:-1].argmax())])


def ranking_picture(truth: Array, probability: Array, name: str, what: str) -> Figure:
    """ROC, precision against recall, and calibration of the probabilities `[n]` that rows are of class 1, called `name`; truth `[n]`."""
    drawn = new_figure(11.0, 3.9)
    panels = [plain_axes(drawn, (0.055 + i * 0.335, 0.14, 0.255, 0.6), xlim=(-0.02, 1.02), ylim=(-0.02, 1.02)) for i in range(3)]
    false, true, _ = roc_curve(truth, probability)
    _curve(panels[0], false, true, ("share of the others that are taken for it", f"share of {name} found"))
    panels[0].plot([0, 1], [0, 1], color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
    panels[0].set_title(f"ROC, area {roc_auc_score(truth, probability):.3f}", size=10, color=INK, loc="left")
    precision, recall, _ = precision_recall_curve(truth, probability)
    _curve(panels[1], recall, precision, ("recall", "precision"))
    panels[1].axhline(truth.mean(), color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
    panels[1].set_title(f"Precision and recall, average {average_precision_score(truth, probability):.3f}", size=10, color=INK, loc="left")
    _calibration(panels[2], truth, probability, name)
    headline(drawn, f"How well it finds {name}", f"{what}; dashed is a guess, in the third panel the truth")
    return drawn


def _curve(axes: Axes, x: Array, y: Array, names: tuple[str, str]) -> None:
    axes.plot(x, y, color=color_of(0), lw=1.6, drawstyle="steps-post" if names[0] == "recall" else "default")
    axes.set_xlabel(names[0], size=9, color=INK)
    axes.set_ylabel(names[1], size=9, color=INK)


def _calibration(axes: Axes, truth: Array, probability: Array, name: str) -> None:
    """How often rows are of class 1 that are said to be with a probability, in bins of as many rows each."""
    bins = max(1, min(BINS, len(truth) // LEAST_ROWS))
    share, said = calibration_curve(truth, probability, n_bins=bins, strategy="quantile")
    axes.plot([0, 1], [0, 1], color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
    axes.plot(said, share, "o-", color=color_of(0), lw=1.2, ms=4)
    axes.set_xlabel("probability that it says", size=9, color=INK)
    axes.set_ylabel(f"share that is {name}", size=9, color=INK)
    axes.set_title("Calibration", size=10, color=INK, loc="left")
