"""What a trained model says of rows whose target is known, and how right it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netc.data.normalize import Array
from netc.tasks import Task

STEP = 4096  # rows at a time


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first output `[n, …]` for the rows of a part of the data, and their target, both as the network has them."""

    part: str
    output: Array
    target: Array | None


def outputs(model: nn.Module, inputs: tuple[Tensor, ...]) -> Array:
    """The first output for all rows, as numpy."""
    return all_outputs(model, inputs)[0]


@torch.no_grad()
def all_outputs(model: nn.Module, inputs: tuple[Tensor, ...]) -> list[Array]:
    """Each output for all rows; of one that is a tuple its first part. The model, in evaluation mode, gets some thousand at a time."""
    found: list[list[Array]] = []
    for batch in zip(*(torch.split(t, STEP) for t in inputs), strict=True):
        given = model(*batch)
        found.append([plain(_first(part)) for part in (given if isinstance(given, tuple) else (given,))])
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _first(output: Any) -> Tensor:
    while isinstance(output, tuple):
        output = output[0]
    assert isinstance(output, Tensor)
    return output


def plain(output: Tensor) -> Array:
    """As numpy; floats of less than 32 bits as `float32`."""
    is_short = output.is_floating_point() and output.dtype.itemsize < 4
    return np.asarray((output.float() if is_short else output).detach().cpu().numpy())


def confusion(task: Task, verdict: Verdict) -> Array:
    """How many rows of each true class (down) were put into each class (across), `[C, C]`."""
    assert verdict.target is not None
    truth, said = true_classes(verdict.target), task.classes(verdict.output)
    count = int(max(truth.max(), said.max(), 1)) + 1
    if task.kind == "classes":
        count = max(count, verdict.output.shape[1])
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (truth, said), 1)
    return table


def true_classes(target: Array) -> Array:
    """The class numbers of a target `[n]`, `[n, 1]`, or of probabilities `[n, C]`."""
    columns = target.reshape(len(target), -1)
    return columns.argmax(axis=1) if columns.shape[1] > 1 else columns[:, 0].round().astype(np.int64)


def in_units(undo: Callable[[Array], Array], values: Array, shape: tuple[int, ...]) -> Array:
    """Numbers of a target of that shape in the units of the data, `[n, k]` `float64`; `undo` is that of the preprocessing."""
    return np.asarray(undo(values.reshape(shape)), np.float64).reshape(len(values), -1)
