"""What a training recorded: the losses and metrics of each epoch, and predictions along the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from netc.diagnostics import Diagnostic, NetError
from netc.train.best import is_rate
from netc.train.weights import BestWeights

Scalar = Tensor | float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The outputs `[n, …]` for the watched inputs after so many epochs; 0 is before training."""

    epoch: int
    output: Tensor


@dataclass(slots=True)
class History:
    """One number an epoch in each column: `loss`, each loss and metric, the same of the validation data as `val_…`.

    `step` is the number of steps done in an epoch that was left; None where the training failed.
    Where there is a scheduler, `lr` is the learning rate of the epoch's last step; of several groups of parameters `lr_0`, `lr_1`, ….
    """

    columns: dict[str, list[float]]
    seconds: float = 0.0
    step: int | None = None
    interrupted: bool = False
    stopped_early: bool = False
    snapshots: list[Snapshot] = field(default_factory=list)
    best: BestWeights | None = None

    @property
    def epochs(self) -> int:
        """The number of epochs done."""
        return len(self.columns["loss"])

    @property
    def final(self) -> dict[str, float]:
        """The losses and metrics of the last epoch; empty where none was done."""
        return {name: values[-1] for name, values in self.columns.items() if values and not is_rate(name)}

    def keep_whole(self) -> None:
        """Leaves out the epochs from the first one on that has no finite loss, or lacks a number."""
        losses = self.columns["loss"]
        bad = first_not_finite(losses, 0)
        whole = min([len(losses) if bad is None else bad, *map(len, self.columns.values())])
        for values in self.columns.values():
            del values[whole:]


class Failed(NetError):
    """A training that cannot go on, with what it recorded until then: whole epochs, each with a finite loss."""

    def __init__(self, diagnostics: Iterable[Diagnostic], history: History) -> None:
        super().__init__(diagnostics)
        self.history = history


class Recorder:
    """Gathers what each step computed, and turns it into an epoch's numbers when they are asked for.

    An accelerator is not waited for: its scalars are kept as tensors until then. On the CPU there is nothing to wait for,
    and a number costs less than a tensor.
    `weights` are the numbers of samples of an epoch's steps; an epoch's value is the mean over its samples.
    """

    def __init__(self, columns: Mapping[str, list[float]], weights: Sequence[int], device: torch.device) -> None:
        self.columns = columns
        self.weights = weights
        self.device = device
        self.kept: Callable[[Tensor], Scalar] = Tensor.item if device.type == "cpu" else Tensor.detach
        self.pending: list[list[Scalar]] = []  # in the order of the columns

    def add(self, scalars: Iterable[Tensor]) -> None:
        """Takes the scalars of one step, in the order of the columns."""
        self.pending.append([*map(self.kept, scalars)])

    def read(self) -> None:
        """Appends the epochs that are complete to the columns."""
        steps = len(self.weights)
        complete = len(self.pending) - len(self.pending) % steps
        gathered, self.pending = self.pending[:complete], self.pending[complete:]
        for column, scalars in zip(self.columns.values(), zip(*gathered, strict=True), strict=False):
            tensors = [s for s in scalars if isinstance(s, Tensor)]
            values = torch.stack(tensors).tolist() if tensors else scalars
            column.extend(values if steps == 1 else (self._mean(values[i : i + steps]) for i in range(0, len(values), steps)))

    def waiting(self) -> Tensor:
        """The scalars of the steps that are not read yet, `[steps, columns]`, float64."""
        scalars = [scalar for row in self.pending for scalar in row]
        tensors = [s for s in scalars if isinstance(s, Tensor)]
        flat = torch.stack(tensors).cpu().double() if tensors else torch.tensor(scalars, dtype=torch.float64)
        return flat.reshape(len(self.pending), len(self.columns))

    def take_up(self, waiting: Tensor) -> None:
        """Goes on behind those steps."""
        keeps_tensors = self.kept is Tensor.detach
        self.pending = [[*row.to(self.device)] if keeps_tensors else row.tolist() for row in waiting]

    def _mean(self, values: Sequence[float]) -> float:
        return sum(v * w for v, w in zip(values, self.weights, strict=True)) / sum(self.weights)


def first_not_finite(values: Sequence[float], start: int) -> int | None:
    """The index of the first NaN or infinity at or behind `start`."""
    return next((i for i in range(start, len(values)) if not math.isfinite(values[i])), None)


def snapshot_epochs(epochs: int) -> list[int]:
    """When to look at the predictions: before training, and after 1/64, 1/32, … 1/2 and all of the epochs."""
    return sorted({0, *(epochs // 2**k for k in range(7))})
