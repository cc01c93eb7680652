"""Which metrics a training takes of what is held out, and what they compare. No torch here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netc.diagnostics import Diagnostic, NetError, error, listed
from netc.graph import Argument, Graph, Ref
from netc.ops.measures import MEASURES, METRICS, USUAL
from netc.ops.op import value_text
from netc.settings import Made, Section, measure_names
from netc.tasks import OF_SEVERAL, OF_TWO, Task, computed_labels, has_several_classes, other_comparison, takes_layers, task_of
from netc.tensors import TensorType

if TYPE_CHECKING:
    from netc.data.preprocessing import Fitted
    from netc.source import Span


def chosen_metrics(graph: Graph, settings: Section) -> Sequence[Made]:
    """The metrics that the section names, or the usual ones of what the network predicts; none where there is nothing to measure.

    Raises NetError `argument-type` where a metric does not fit what is predicted.
    """
    task, wanted = task_of(graph), settings["metrics"]
    compared = compared_value(graph)
    own = _own(graph)
    if wanted is None:
        return [_usual(name, settings) for name in USUAL[task.kind] if name not in own] if compared is not None else []
    found = [problem for made, name in zip(wanted, measure_names(wanted), strict=True) if (problem := _problem(made, name, graph, task))]
    if found:
        raise NetError(found)
    _check_twice(wanted)
    if wanted and compared is None:
        span = settings.values["metrics"].span
        raise error("argument-type", f"the metrics of `{graph.name}` have nothing to compare its output with", span,
                    "they need one target that is like the output; `metric NAME = …` measures anything else")  # fmt: skip
    chosen: Sequence[Made] = wanted
    return chosen


def _own(graph: Graph) -> dict[str, tuple[str, Span]]:
    """What the network itself records: `loss` or `metric` and its place, by name. A loss that is the only one is called `loss`."""
    losses = {loss.name: ("loss", loss.span) for loss in graph.losses} if len(graph.losses) > 1 else {}
    return losses | {metric.name: ("metric", metric.span) for metric in graph.metrics}


def _usual(name: str, settings: Section) -> Made:
    recipe = next(r for r in METRICS if r.name == name)
    span = settings.values["metrics"].span
    return Made(recipe, {p.name: Argument(p.default, span, "default") for p in recipe.params}, span)


def _problem(made: Made, column: str, graph: Graph, task: Task) -> Diagnostic | None:
    """Why a metric that is recorded in this column does not fit the network; None where it does."""
    name, of = made.recipe.name, MEASURES[made.recipe.name].of
    if own := _own(graph).get(column):
        hint = "leave this one out, or rename that"
        return Diagnostic("duplicate-name", f"the network has a `{own[0]} {column}` of its own", made.span, hint=hint)
    if not task.fits(of):
        fitting = [n for n, m in MEASURES.items() if task.fits(m.of)]
        what = {"binary": "one of two classes", "classes": "classes", "numbers": "numbers"}.get(task.kind, "neither classes nor numbers")
        hint = f"there are {listed(fitting)}" if fitting else "`metric NAME = …` in the network measures anything"
        return Diagnostic("argument-type", f"`{name}` is a metric of {of}, and the network predicts {what}", made.span, hint=hint)
    return _unfit_argument(made) if has_several_classes(graph, task) else None


def _unfit_argument(made: Made) -> Diagnostic | None:
    for name, only_two in OF_TWO.items():
        argument = made.arguments.get(name)
        if argument is not None and argument.value == only_two:
            message = f"`{name}={value_text(only_two)}` of `{made.recipe.name}` is for two classes, and there are more"
            hint = f"write `{name}={value_text(OF_SEVERAL[name])}`, or leave it out, which means that"
            return Diagnostic("argument-type", message, argument.span, hint=hint)
    return None


def _check_twice(wanted: Sequence[Made]) -> None:
    """Raises NetError where two metrics are alike, now that what was left open is filled in."""
    names = measure_names(wanted)
    for i, (made, name) in enumerate(zip(wanted, names, strict=True)):
        if name in names[:i]:
            raise error("duplicate-name", f"`metrics` has `{name}` twice", made.span, "leave one out")


Recorded = tuple[str, int, int | None]
MOST_MEASURED = 10  # numbers of a row: the metrics of more are means only


def may_have_columns(graph: Graph) -> bool:
    """Whether a row of the first target may have several numbers that are measured one by one; only the data tells how they are called."""
    kind = graph.targets[0].type if len(graph.targets) == 1 else None
    if not isinstance(kind, TensorType) or task_of(graph).kind != "numbers":
        return False
    return kind.rank > 1 and kind.shape[1:] != (1,)


def measured_columns(graph: Graph, target: Fitted) -> list[str]:
    """The names of the numbers of a row, where there are several: each may be of other units, so that a mean over them says little.

    `target` is the only one of the network. Empty where the network predicts no numbers, one number, or more than `MOST_MEASURED`.
    """
    if task_of(graph).kind != "numbers" or len(graph.targets) != 1 or compared_value(graph) is None:
        return []
    count = math.prod(target.shape)
    names = [" ".join(name.split()) for name in target.names(count)] if 1 < count <= MOST_MEASURED else []
    return names if len(set(names)) == len(names) else [f"{name}_{i}" for i, name in enumerate(names)]


def recorded_names(graph: Graph, metrics: Sequence[Made], columns: Sequence[str]) -> list[Recorded]:
    """What is recorded, each with its metric and number of a row by their places, None for all: `r2`, `r2_height`, `r2_weight`.

    Raises NetError `duplicate-name` where something else is recorded by one of these names.
    """
    names, own = measure_names(metrics), _own(graph)
    single = [(f"{name}_{column}", i, k) for i, name in enumerate(names) for k, column in enumerate(columns)]
    for name, i, k in single:
        if name in own:
            kind, span = own[name]
            message = f"`{name}` is a {kind} of the network, and what `{names[i]}` of the column `{columns[k]}` is recorded as"
            raise error("duplicate-name", message, span, f"choose another name for the {kind}")
    return [*((name, i, None) for i, name in enumerate(names)), *single]


def compared_value(graph: Graph) -> Ref | None:
    """What the first output is compared with: the target, or what stands for it in the loss. None where that is not certain."""
    other = other_comparison(graph)
    if other is None:
        return _target(graph, task_of(graph))
    # What the loss computes of the target is computed again for the metrics, without the layers and parameters of the network.
    if other.target is None or takes_layers(graph, other.target):
        return None
    return other.target if graph.tensor_type(other.target).shape == graph.tensor_type(graph.outputs[0].ref).shape else None


def _target(graph: Graph, task: Task) -> Ref | None:
    """The only target, where it is like the first output."""
    kinds = [n.type for n in graph.targets]
    if len(kinds) != 1 or not isinstance(kinds[0], TensorType) or task.kind == "other" or computed_labels(graph):
        return None
    rows_of_classes = kinds[0].rank == 1 and not kinds[0].is_float
    is_fitting = rows_of_classes if task.kind == "classes" else kinds[0].shape == graph.tensor_type(graph.outputs[0].ref).shape
    return Ref(graph.targets[0].id) if is_fitting else None
