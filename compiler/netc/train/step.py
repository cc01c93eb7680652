"""One step of a training: what is computed of a batch, and what is done with the gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from netc.settings import Section
from netc.train.batches import Tensors

Compute = Callable[..., Tensors]  # inputs and targets to the scalar to minimize, then the other columns


class Step:
    """Computes the losses of a batch and lets the optimizer take a step."""

    def __init__(self, compute: Compute, parameters: Sequence[nn.Parameter], optimizer: Optimizer, settings: Section) -> None:
        self.compute, self.parameters, self.optimizer = compute, parameters, optimizer
        self.clip: float | None = settings["clip_grad_norm"]

    def __call__(self, batch: Tensors) -> Tensors:
        """The scalars of `compute` before the step."""
        self.optimizer.zero_grad()
        values = self.compute(*batch)
        values[0].backward()  # type: ignore[no-untyped-call]
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        return values


def objective(model: Any, names: Sequence[str], precision: str) -> Compute:
    """What a step computes of inputs and targets: the scalar to minimize first, then the other columns."""

    def only_loss(*tensors: Tensor) -> Tensors:
        return (model.loss(*tensors),)

    def all_values(*tensors: Tensor) -> Tensors:
        values: dict[str, Tensor] = model.losses(*tensors)
        assert list(values) == list(names), (list(values), names)
        return tuple(values.values())

    compute = only_loss if list(names) == ["loss"] else all_values
    if precision == "float32":
        return compute
    autocast = torch.autocast(device_type=next(model.parameters()).device.type, dtype=torch.bfloat16)

    def in_bfloat16(*tensors: Tensor) -> Tensors:
        with autocast:
            return compute(*tensors)

    return in_bfloat16
