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
from netc.diagnostics import error, listed
from netc.graph import Argument, Graph, Ref
from netc.ops.measures import MEASURES, METRICS, USUAL
from netc.ops.op import value_text
from netc.settings import Made, Section, measure_names
from netc.tasks import OF_SEVERAL, OF_TWO, Comparison, Task, computed_labels, has_several_classes, other_comparison, task_of
from netc.tensors import TensorType
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
    is what the target was scaled by.
    """

    def __init__(self, metrics: Sequence[Made], task: Task, truth: Truth, scaling: Scaling | None = None) -> None:
        self.metrics, self.task, self.truth, self.scaling = metrics, task, truth, scaling
        self.names = measure_names(metrics)
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
        return [self._measure(made, *parts[MEASURES[made.recipe.name].of]) for made in self.metrics]

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


def make_measures(graph: Graph, settings: Section, scaling: Scaling | None = None) -> Measures | None:
    """The metrics that the section names, or the usual ones of what the network predicts.

    None where there is nothing to measure. Raises NetError `argument-type` where a metric does not fit what is predicted.
    """
    task, wanted = task_of(graph), settings["metrics"]
    other = other_comparison(graph)
    truth = _target(graph, task) if other is None else _computed(graph, other)
    own = {metric.name for metric in graph.metrics}
    if wanted is None:
        names = [n for n in USUAL[task.kind] if n not in own] if truth is not None else []
        wanted = [_usual(name, settings) for name in names]
    names = measure_names(wanted)
    for made, name in zip(wanted, names, strict=True):
        _check(made, name, task, own)
        if names.count(name) > 1:  # alike now that what was left open is filled in
            raise error("duplicate-name", f"`metrics` has `{name}` twice", made.span, "leave one out")
        if has_several_classes(graph, task):
            _check_arguments(made)
    if not wanted:
        return None
    if truth is None:
        span = settings.values["metrics"].span
        raise error("argument-type", f"the metrics of `{graph.name}` have nothing to compare its output with", span,
                    "they need one target that is like the output; `metric NAME = …` measures anything else")  # fmt: skip
    return Measures(wanted, task, truth, scaling if other is None else None)


def _usual(name: str, settings: Section) -> Made:
    recipe = next(r for r in METRICS if r.name == name)
    span = settings.values["metrics"].span
    return Made(recipe, {p.name: Argument(p.default, span, "default") for p in recipe.params}, span)


def _check(made: Made, column: str, task: Task, own: set[str]) -> None:
    name, of = made.recipe.name, MEASURES[made.recipe.name].of
    if column in own:
        raise error("duplicate-name", f"the network has a `metric {column}` of its own", made.span, "leave this one out, or rename that")
    fits = {"classes": task.is_classes, "probabilities": task.has_probabilities, "numbers": task.kind == "numbers"}
    if not fits[of]:
        fitting = [n for n, m in MEASURES.items() if fits[m.of]]
        what = {"binary": "one of two classes", "classes": "classes", "numbers": "numbers"}.get(task.kind, "neither classes nor numbers")
        hint = f"there are {listed(fitting)}" if fitting else "`metric NAME = …` in the network measures anything"
        raise error("argument-type", f"`{name}` is a metric of {of}, and the network predicts {what}", made.span, hint)


def _check_arguments(made: Made) -> None:
    for name, only_two in OF_TWO.items():
        argument = made.arguments.get(name)
        if argument is not None and argument.value == only_two:
            message = f"`{name}={value_text(only_two)}` of `{made.recipe.name}` is for two classes, and there are more"
            hint = f"write `{name}={value_text(OF_SEVERAL[name])}`, or leave it out, which means that"
            raise error("argument-type", message, argument.span, hint)


def _target(graph: Graph, task: Task) -> Truth | None:
    """The target that the first output is compared with; None where that is not certain."""
    kinds = [n.type for n in graph.targets]
    if len(kinds) != 1 or not isinstance(kinds[0], TensorType) or task.kind == "other" or computed_labels(graph):
        return None
    kind, place = kinds[0], len(graph.inputs)
    rows_of_classes = kind.rank == 1 and not kind.is_float
    is_fitting = rows_of_classes if task.kind == "classes" else kind.shape == graph.tensor_type(graph.outputs[0].ref).shape
    return itemgetter(place) if is_fitting else None


def _computed(graph: Graph, other: Comparison) -> Truth | None:
    """What stands in the loss for the target; None where nothing does, it takes layers or parameters, or is of another shape."""
    if other.target is None or any(node.is_module or node.kind in ("param", "buffer") for node in graph.needed_for([other.target])):
        return None
    if graph.tensor_type(other.target).shape != graph.tensor_type(graph.outputs[0].ref).shape:
        return None
    takes = [Ref(node.id) for node in graph.inputs + graph.targets]
    function = executed(direct(graph, Walk("truth", takes, [other.target])).text, files_of(graph))
    return lambda tensors: function(None, (), *tensors)
