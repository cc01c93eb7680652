"""What a network gives for rows, as columns with names: classes and probabilities, numbers in the units of the data, or outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from netc.data.normalize import Array, Scaling
from netc.data.preprocessing import Preprocessing
from netc.diagnostics import error
from netc.graph import Graph
from netc.tasks import Task, computed_labels, other_comparison, task_of

VISIBLE = 1e-4  # of the scale of a target, such as its standard deviation
MOST_COLUMNS = 10_000  # of a row's output: more is no table


def prediction_columns(graph: Graph, outputs: Sequence[Array], done: Preprocessing) -> dict[str, Array]:
    """Columns `[n]` by name, for the outputs `[n, …]` of the network in their order.

    The first output is read by the network's task: `predicted_TARGET`, and of a classifier also `probability_CLASS` for each class.
    An output that the losses compare with something computed of the target, as `log(y)`, is as it is.
    What nothing is known of is `NAME`, or `NAME_0`, `NAME_1`, … where a row has several numbers.
    """
    task = task_of(graph)
    named = replace(done, targets=()) if computed_labels(graph) else done  # whose classes are numbered in their own way
    is_target = task.kind == "numbers" and other_comparison(graph) is None
    first = _classes(task, outputs[0], named) if task.is_classes else _numbers(graph, outputs[0], done) if is_target else {}
    rest = list(zip(graph.outputs, outputs, strict=True))[1 if first else 0 :]
    return {**first, **{name: column for named, values in rest for name, column in _plain(named.name, values).items()}}


def _classes(task: Task, output: Array, done: Preprocessing) -> dict[str, Array]:
    numbers = task.classes(output)
    probabilities = task.probabilities(output) if task.has_probabilities else np.empty((len(output), 0))
    names = _class_names(done, max(int(numbers.max(initial=0)) + 1, probabilities.shape[1]))
    target = done.targets[0].columns[0] if done.targets and len(done.targets[0].columns) == 1 else "class"
    said = done.targets[0].labelled(names)[numbers] if done.classes else numbers
    # What the network computes in 32 bits has no more digits.
    chances = probabilities.astype(output.dtype).T
    return {f"predicted_{target}": said, **{f"probability_{n}": p for n, p in zip(names, chances, strict=False)}}


def _class_names(done: Preprocessing, count: int) -> list[str]:
    known = done.classes
    return [known[k] if k < len(known) else str(k) for k in range(count)]


def _numbers(graph: Graph, output: Array, done: Preprocessing) -> dict[str, Array]:
    """The output in the units of the target that has its shape."""
    kinds = [node.type for node in graph.targets]
    place = kinds.index(graph.type_of(graph.outputs[0].ref))
    target = done.targets[place]
    values = np.asarray(done.undo(output.reshape(len(output), *target.shape), place)).reshape(len(output), -1)
    values = _as_precise(values, output.dtype, target.scaling)
    return {f"predicted_{name}": column for name, column in zip(target.names(values.shape[1]), values.T, strict=True)}


def _as_precise(values: Array, dtype: np.dtype[Any], scaling: Scaling | None) -> Array:
    """Numbers `[n, k]` in the precision of the network, which knows no more digits of them.

    They stay in 64 bits where the offset of their scaling is so large that the narrower numbers would be steps that one could see.
    """
    narrow = values.astype(dtype)
    if scaling is None:
        return narrow
    return narrow if (np.abs(narrow - values) <= VISIBLE * np.abs(scaling.scale)).all() else values


def _plain(name: str, values: Array) -> Mapping[str, Array]:
    columns = values.reshape(len(values), -1)
    if columns.shape[1] > MOST_COLUMNS:
        raise error("data", f"the output `{name}` has {columns.shape[1]} numbers a row, which is no table",
                    hint="`netc.open_run(…).module()` gives the network itself")  # fmt: skip
    return {name if columns.shape[1] == 1 else f"{name}_{i}": column for i, column in enumerate(columns.T)}
