"""Rows of the metrics that a `train` section may name, with the names of scikit-learn's scorers.

Parameters and defaults are those of scikit-learn 1.9; a test holds them against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netc.ops.op import signature
from netc.ops.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Measure:
    """What a metric is of: `classes`, `probabilities` (of classes) or `numbers`; and whether more of it is better."""

    of: str
    more_is_better: bool


AVERAGE = "average: binary|micro|macro|weighted = binary"
ROWS: list[tuple[str, str, str, str, bool]] = [
    ("accuracy", "accuracy_score", "", "classes", True),
    ("balanced_accuracy", "balanced_accuracy_score", "adjusted: bool = false", "classes", True),
    ("f1", "f1_score", AVERAGE, "classes", True),
    ("precision", "precision_score", AVERAGE, "classes", True),
    ("recall", "recall_score", AVERAGE, "classes", True),
    ("matthews_corrcoef", "matthews_corrcoef", "", "classes", True),
    ("roc_auc", "roc_auc_score", "average: micro|macro|weighted = macro, max_fpr: float? = none, multi_class: raise|ovr|ovo = raise",
     "probabilities", True),
    ("average_precision", "average_precision_score", "average: micro|macro|weighted = macro", "probabilities", True),
    ("r2", "r2_score", "", "numbers", True),
    ("mean_absolute_error", "mean_absolute_error", "", "numbers", False),
    ("mean_squared_error", "mean_squared_error", "", "numbers", False),
    ("root_mean_squared_error", "root_mean_squared_error", "", "numbers", False),
    ("median_absolute_error", "median_absolute_error", "", "numbers", False),
    ("mean_absolute_percentage_error", "mean_absolute_percentage_error", "", "numbers", False),
    ("explained_variance", "explained_variance_score", "", "numbers", True),
    ("max_error", "max_error", "", "numbers", False),
]  # fmt: skip

METRICS = [Recipe(name, f"sklearn.metrics.{target}", signature(params)) for name, target, params, _, _ in ROWS]
MEASURES: Mapping[str, Measure] = {name: Measure(of, better) for name, _, _, of, better in ROWS}
# What is computed where a spec does not say, by the kind of `netc.tasks.Task`.
USUAL: Mapping[str, tuple[str, ...]] = {
    "binary": ("accuracy",), "classes": ("accuracy",), "numbers": ("r2", "mean_absolute_error"), "other": (),
}  # fmt: skip
