"""What other tools call the words of a section, for the hint behind a word that is none of netc's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netc.ops.measures import MEASURES, METRICS
from netc.ops.recipes import KEYS, OPTIMIZERS

ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "precision": {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "fp32": "float32"},
    "device": {"gpu": "cuda"},
    "bool": {**dict.fromkeys(("yes", "on", "TRUE"), "true"), **dict.fromkeys(("no", "off", "FALSE"), "false")},
}
AVERAGED = re.compile(r"(f1|precision|recall|average_precision)_(micro|macro|weighted)")
OF_PAIRS = re.compile(r"roc_auc_(ovr|ovo)(_weighted)?")


def elsewhere(key: str, word: str) -> str:
    """`did you mean …?` for a choice of a key by its name in torch, or for a value of that kind; empty where it is none."""
    found = ELSEWHERE.get(key, {}).get(word)
    return f"did you mean `{found}`?" if found else ""


# What other tools and papers call the metrics, in lower case; the names of scikit-learn's functions (`f1_score`) are those of the rows.
METRIC_NAMES: Mapping[str, str] = {
    "acc": "accuracy", "sparse_categorical_accuracy": "accuracy", "categorical_accuracy": "accuracy", "binary_accuracy": "accuracy",
    "balanced_acc": "balanced_accuracy", "auc": "roc_auc", "auroc": "roc_auc", "roc": "roc_auc", "rocauc": "roc_auc",
    "ap": "average_precision", "auprc": "average_precision", "pr_auc": "average_precision", "prauc": "average_precision",
    "mcc": "matthews_corrcoef", "matthews": "matthews_corrcoef", "sensitivity": "recall", "tpr": "recall", "ppv": "precision",
    "mae": "mean_absolute_error", "mse": "mean_squared_error", "rmse": "root_mean_squared_error", "l1": "mean_absolute_error",
    "l1loss": "mean_absolute_error", "mseloss": "mean_squared_error", "mape": "mean_absolute_percentage_error",
    "medae": "median_absolute_error", "r_squared": "r2", "rsquared": "r2", "r_2": "r2",
}  # fmt: skip
OF_SKLEARN = {recipe.target.rpartition(".")[2]: recipe.name for recipe in METRICS}
METRICS_LISTED = "`netc ops metrics` lists them"


def of_scorer(name: str) -> str:
    """How a metric is written that scikit-learn has a scorer of its own for: `f1_macro` as `f1(average="macro")`; empty for others."""
    if found := AVERAGED.fullmatch(name):
        return f'{found[1]}(average="{found[2]}")'
    if found := OF_PAIRS.fullmatch(name):
        average = ', average="weighted"' if found[2] else ""
        return f'roc_auc(multi_class="{found[1]}"{average})'
    plain = name.removeprefix("neg_")
    return plain if plain != name and plain in MEASURES else ""


def metric_meant(name: str) -> str:
    """The metric of that name elsewhere, or in other letters: `auc` is `roc_auc`, `f1_score` `f1`; empty where it is none for certain."""
    low = name.lower()
    same = low if low in MEASURES else ""
    return same or of_scorer(low) or METRIC_NAMES.get(low, "") or OF_SKLEARN.get(low, "")


def setting_named(name: str) -> str:
    """How `--set` names a key of a section, or an argument of the optimizer: `epochs` is `train.epochs`, `lr` `train.optimizer.lr`."""
    kind = next((kind for kind, keys in KEYS.items() if name in keys), None)
    if kind is not None:
        return f"{kind}.{name}"
    is_argument = any(p.name == name for recipe in OPTIMIZERS for p in recipe.params)
    return f"train.optimizer.{name}" if is_argument else ""
