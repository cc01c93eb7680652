"""The best value of what a training recorded. No torch here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from netc.ops.measures import MEASURES

HIGHER_IS_BETTER = ("accuracy", "acc", "precision", "recall", "f1", "auc", "auroc", "r2", "score", "iou", "dice", "kappa", "mcc")


RATE = re.compile(r"lr(_\d+)?")  # the columns of the learning rate: `lr`, or one a group of parameters, `lr_0`


class Best(NamedTuple):
    """The best value of a column, and the epoch that gave it."""

    value: float
    epoch: int


def is_higher_better(column: str) -> bool:
    """Whether a column is known to be better where it is higher; losses and errors are better where they are lower."""
    known = MEASURES.get(column.removeprefix("val_"))
    if known is None:  # `f1_macro` beside `f1_micro`
        known = next((m for name, m in MEASURES.items() if column.removeprefix("val_").startswith(f"{name}_")), None)
    if known is not None:
        return known.more_is_better
    return column.removeprefix("val_").removeprefix("test_").lower().startswith(HIGHER_IS_BETTER)


def without_single(columns: Iterable[str]) -> list[str]:
    """The columns but those of metrics of a single number of a row, `val_r2_height` beside `val_r2`, of which there may be many.

    There are such of the metrics of numbers, and of what is held out only; what the network measures itself is recorded of the
    training too: `r2_height` beside `val_r2_height`.
    """
    names = list(columns)
    of_numbers = (f"val_{name}" for name, measure in MEASURES.items() if measure.of == "numbers")
    whole = tuple(f"{name}_" for name in of_numbers if name in names)
    return [name for name in names if not name.startswith(whole) or name.removeprefix("val_") in names]


def is_rate(column: str) -> bool:
    """Whether a column is a learning rate, of which none is better than another."""
    return RATE.fullmatch(column) is not None


def best_of(columns: Mapping[str, Sequence[float]]) -> dict[str, Best]:
    """The best finite value of each loss and metric with its first epoch; of a loss the lowest, of e.g. an accuracy the highest."""
    found = {}
    for name, values in columns.items():
        finite = [(value, -epoch) for epoch, value in enumerate(values, 1) if math.isfinite(value)]
        if finite and not is_rate(name):
            sign = 1 if is_higher_better(name) else -1
            value, epoch = max(finite, key=lambda pair: (sign * pair[0], pair[1]))
            found[name] = Best(value, -epoch)
    return found


def which_weights(outcome: Mapping[str, Any], take: str) -> str:
    """Of which epoch the last weights of a training are, and of which the best, by its record; empty where there is one kind only.

    `take` says how the best are had.
    """
    best, step = outcome.get("best"), outcome.get("step") or 0
    if not best or (best["epoch"], 0) == (outcome["epochs"], step):
        return ""
    column = next(name for name in best if name != "epoch")
    last = f"epoch {outcome['epochs'] + 1}, after batch {step}" if step else f"the last epoch, {outcome['epochs']}"
    return f"the weights are those of {last}; {take} those of epoch {best['epoch']}, the best by {column}"
