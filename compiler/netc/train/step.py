"""One step of a training: what is computed of its batches, and what is done with the gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import LBFGS, Optimizer

from netc.settings import Section
from netc.train.batches import Tensors
from netc.train.optim import is_whole
from netc.train.update import update_of

if TYPE_CHECKING:
    from netc.train.compiled import Gradients

Compute = Callable[..., Tensors]  # inputs and targets to the scalar to minimize, then the other columns

HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Step:
    """Computes the losses of one or more batches and lets the optimizer take one step.

    Of several batches the gradients are those of the mean over all rows. `scaler` is the state that `fp16` has.
    """

    whole: Compute | None = None  # the step on one batch as a compiled graph
    gradients: Gradients | None = None  # a compiled graph of losses and gradients
    is_shared = False  # whether other processes have a part of each batch
    was_skipped = False  # whether `fp16` found gradients that are not finite, so that the optimizer took no step

    def __init__(self, compute: Compute, parameters: Sequence[nn.Parameter], optimizer: Optimizer, settings: Section) -> None:
        self.compute, self.parameters, self.optimizer = compute, parameters, optimizer
        self.clip_norm: float | None = settings["clip_grad_norm"]
        self.clip_value: float | None = settings["clip_grad_value"]
        self.update = update_of(optimizer)
        self.takes_closure = isinstance(optimizer, LBFGS)
        self.scaler = GradScaler(parameters[0].device.type) if settings["precision"] == "fp16" else None

    def __call__(self, batches: Sequence[Tensors]) -> list[Tensors]:
        """For each batch the scalars of `compute` before the step."""
        if self.whole is not None:
            return [self.whole(*batches[0])]
        if self.takes_closure:
            return self._with_closure(batches)
        values = self._backward(batches)
        if self.scaler is None:
            self.update()
        else:
            self._scaled_update(self.scaler)
        return values

    def _scaled_update(self, scaler: GradScaler) -> None:
        """The optimizer's step on gradients that are finite; the scale falls with each that is skipped, and only then."""
        before = scaler.get_scale()
        scaler.step(self.optimizer)
        scaler.update()
        self.was_skipped = scaler.get_scale() < before

    def compile(self, model: nn.Module, settings: Section, batch: Tensors) -> None:
        """Makes one graph of the step, as far as that goes; the batch is one of those to come. Raises NetError."""
        from netc.train import compiled

        compiled.check_compiler(settings, batch[0].device)
        used = compiled.trained(self.compute, self.parameters, model, batch)
        if is_whole(settings):
            self.whole = compiled.whole_step(self.compute, used, self.optimizer)
        else:
            self.gradients = compiled.gradients(self.compute, self.parameters)

    def _backward(self, batches: Sequence[Tensors]) -> list[Tensors]:
        """The gradients of the batches, from none; clipped."""
        for parameter in self.parameters:
            parameter.grad = None
        if len(batches) == 1:
            values = [self._gradients_of(batches[0], None)]
        else:
            values = self._accumulate(batches)
        if self.clip_norm is not None or self.clip_value is not None:
            self._clip()
        return values

    def rows_of(self, batch: Tensors) -> int:
        """The number of rows of a batch, of all processes together."""
        return int(batch[-1][1]) if self.is_shared else len(batch[0])

    def _accumulate(self, batches: Sequence[Tensors]) -> list[Tensors]:
        counts, values = [self.rows_of(batch) for batch in batches], []
        for batch, count in zip(batches, counts, strict=True):
            found = self._gradients_of(batch, count / sum(counts))
            values.append(tuple(v.detach() for v in found))
        return values

    def _gradients_of(self, batch: Tensors, share: float | None) -> Tensors:
        """Adds the gradients of a batch, which has that share of the rows of the step."""
        if self.gradients is not None:
            return self._by_graph(self.gradients, batch, share)
        values = self.compute(*batch)
        loss = values[0] if share is None else values[0] * share
        loss = loss if self.scaler is None else self.scaler.scale(loss)
        loss.backward()  # type: ignore[no-untyped-call]  # given a gradient, torch loads sympy to compare two shapes
        return values

    def _by_graph(self, gradients: Gradients, batch: Tensors, share: float | None) -> Tensors:
        factor = None if share is None else torch.tensor(share, device=self.parameters[0].device)
        if self.scaler is not None:
            factor = self.scaler.scale(torch.ones((), device=self.parameters[0].device) if factor is None else factor)
        values, found = gradients(factor, *batch)
        for parameter, gradient in zip(self.parameters, found, strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return values

    def _clip(self) -> None:
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        if self.clip_value is not None:
            nn.utils.clip_grad_value_(self.parameters, self.clip_value)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip_norm)

    def _with_closure(self, batches: Sequence[Tensors]) -> list[Tensors]:
        found: list[list[Tensors]] = []

        def closure() -> float:
            values = self._backward(batches)
            found.append([tuple(v.detach() for v in scalars) for scalars in values])
            rows = [len(batch[0]) for batch in batches]
            return sum(v[0].item() * (n / sum(rows)) for v, n in zip(values, rows, strict=True))

        self.optimizer.step(closure)
        return found[0]


def objective(model: Any, names: Sequence[str], precision: str) -> Compute:
    """What a step computes of inputs and targets: the scalar to minimize first, then the other columns."""

    def only_loss(*tensors: Tensor) -> Tensors:
        return (model.loss(*tensors),)

    def all_values(*tensors: Tensor) -> Tensors:
        values: dict[str, Tensor] = model.losses(*tensors)
        assert list(values) == list(names), (list(values), names)
        return tuple(values.values())

    return _in(only_loss if list(names) == ["loss"] else all_values, model, precision)


def evaluation(model: Any, precision: str, add: Callable[[Tensor, Sequence[Tensor]], None]) -> Compute:
    """As `objective`, of data that is held out: `add` is given the first output and the inputs and targets."""

    def compute(*tensors: Tensor) -> Tensors:
        output, values = model.evaluated(*tensors)
        add(output, tensors)
        return tuple(values.values())

    return _in(compute, model, precision)


def _in(compute: Compute, model: nn.Module, precision: str) -> Compute:
    """The same in a lower precision."""
    if precision == "float32":
        return compute
    autocast = torch.autocast(device_type=next(model.parameters()).device.type, dtype=HALF[precision])

    def in_half(*tensors: Tensor) -> Tensors:
        with autocast:
            return compute(*tensors)

    return in_half
