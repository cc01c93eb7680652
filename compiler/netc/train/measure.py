"""Metrics of all that is held out: over the outputs of a whole epoch, not a mean of those of its batches."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor

from netc.construct import executed, files_of
from netc.data.normalize import Scaling
from netc.data.preprocessing import Fitted
from netc.graph import Graph, Ref
from netc.ops.measures import MEASURES
from netc.settings import Made, Section
from netc.tasks import Task, task_of
from netc.train.metrics import Recorded, chosen_metrics, compared_value, measured_columns, recorded_names
from netc.unroll import Walk, direct

# What is cheap enough for any epoch; scikit-learn's checks take longer than a small network's step. By scikit-learn's formulas.
FAST: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "accuracy": lambda true, found: (true == found).double().mean(),
    "r2": lambda true, found: _r2(true, found),
    "mean_absolute_error": lambda true, found: (true - found).abs().mean(),
    "mean_squared_error": lambda true, found: (true - found).square().mean(),
    "root_mean_squared_error": lambda true, found: (true - found).square().mean(0).sqrt().mean(),
}

Truth = Callable[[Sequence[Tensor]], Tensor]


class Measures:
    """Metrics of a task. Batches are added, `values` gives the metrics of all of them and begins anew.

    `truth` gives what the output is compared with, of inputs and targets. Numbers are measured in the units of the data: `scaling`
    is what the target was scaled by. `recorded` is as `recorded_names` has it: metrics of a whole row, and of single numbers of it.
    """

    def __init__(self, metrics: Sequence[Made], recorded: Sequence[Recorded], task: Task, truth: Truth, scaling: Scaling | None) -> None:
        self.metrics, self.recorded, self.task, self.truth, self.scaling = metrics, recorded, task, truth, scaling
        self.names = [name for name, _, _ in recorded]
        self.keeps_scores = any(MEASURES[made.recipe.name].of == "probabilities" for made in metrics)
        self.batches: list[tuple[Tensor, Tensor]] = []

    def add(self, output: Tensor, tensors: Sequence[Tensor]) -> None:
        """Takes the first output for inputs and targets. Of a classifier only the classes are kept, unless a metric needs more."""
        found = output if self.keeps_scores or not self.task.is_classes else self._classes(output)
        self.batches.append((self.truth(tensors), found))

    def values(self) -> list[Tensor]:
        """A scalar for each metric, float64; NaN where it is not defined, as `roc_auc` of a single class."""
        true, found = (torch.cat([pair[i] for pair in self.batches]) if len(self.batches) > 1 else self.batches[0][i] for i in (0, 1))
        self.batches = []
        if self.task.is_classes:
            return self._of_classes(true.reshape(-1), found)
        return self._measured({"numbers": (self._unscaled(true), self._unscaled(found))})

    def _of_classes(self, true: Tensor, found: Tensor) -> list[Tensor]:
        true = true.round().long()
        if not self.keeps_scores:
            return self._measured({"classes": (true, found)})
        scores = torch.from_numpy(self.task.probabilities(found.float().cpu().numpy()))
        return self._measured({"classes": (true, self._classes(found)), "probabilities": (true, scores)})

    def _classes(self, output: Tensor) -> Tensor:
        """`Task.classes` without leaving the device."""
        values = output.reshape(len(output), -1)
        if self.task.kind == "binary":
            return (values[:, 0] > (0.0 if self.task.scale == "logits" else 0.5)).long()
        return values.argmax(dim=1)

    def _unscaled(self, values: Tensor) -> Tensor:
        columns = values.reshape(len(values), -1).double()
        if self.scaling is None:
            return columns
        return columns * columns.new_tensor(self.scaling.scale) + columns.new_tensor(self.scaling.offset)

    def _measured(self, parts: Mapping[str, tuple[Tensor, Tensor]]) -> list[Tensor]:
        found = []
        for _, place, column in self.recorded:
            made = self.metrics[place]
            true, given = parts[MEASURES[made.recipe.name].of]
            if column is not None:
                true, given = true[:, column : column + 1], given[:, column : column + 1]
            found.append(self._measure(made, true, given))
        return found

    def _measure(self, made: Made, true: Tensor, found: Tensor) -> Tensor:
        if made.recipe.name in FAST:
            return FAST[made.recipe.name](true, found)
        return torch.tensor(_by_sklearn(made, true.cpu().numpy(), found.cpu().numpy()), dtype=torch.float64)


def _by_sklearn(made: Made, true: Any, found: Any) -> float:
    """The metric by scikit-learn; what it has no value for is NaN."""
    module, name = made.recipe.target.rsplit(".", 1)
    measure, given = MEASURES[made.recipe.name], made.values
    if measure.of == "classes" and "average" in given:
        given["zero_division"] = 0.0
    if found.ndim == 2 and measure.of == "probabilities" and found.shape[1] == 2:
        found = found[:, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a metric that is not defined
        try:
            return float(getattr(importlib.import_module(module), name)(true, found, **given))
        except ValueError:
            return math.nan


def _r2(true: Tensor, found: Tensor) -> Tensor:
    """1 minus the part of the variance that is left; of a column without variance 1 where all is met, else 0."""
    left, whole = (true - found).square().sum(0), (true - true.mean(0)).square().sum(0)
    return torch.where(whole > 0, 1 - left / whole, (left == 0).double()).mean()


def make_measures(graph: Graph, settings: Section, targets: Sequence[Fitted] = ()) -> Measures | None:
    """The metrics that the section names, or the usual ones of what the network predicts; `targets` say what was done to these.

    Where a row has several numbers, also of each by its name. None where there is nothing to measure. Raises NetError `argument-type`
    where a metric does not fit what is predicted.
    """
    chosen, compared = chosen_metrics(graph, settings), compared_value(graph)
    if not chosen or compared is None:
        return None
    is_target = graph.node(compared.node).kind == "target"
    truth = itemgetter(len(graph.inputs)) if is_target else _computed(graph, compared)
    recorded = recorded_names(graph, chosen, measured_columns(graph, targets[0]) if targets else ())
    return Measures(chosen, recorded, task_of(graph), truth, targets[0].scaling if is_target and targets else None)


def _computed(graph: Graph, compared: Ref) -> Truth:
    """What stands in the loss for the target, computed of inputs and targets."""
    takes = [Ref(node.id) for node in graph.inputs + graph.targets]
    function = executed(direct(graph, Walk("truth", takes, [compared])).text, files_of(graph))
    return lambda tensors: function(None, (), *tensors)
