"""Where the first number that is not finite came from: the steps since all was well are taken again, and looked at one by one."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from netc.graph import Graph, Node, Ref
from netc.train.batches import Tensors
from netc.train.rng import random_states, restore_random
from netc.train.sharding import is_sharded
from netc.train.standing import State, go_back, place
from netc.train.update import REFUSALS

if TYPE_CHECKING:
    from netc.train.distributed import World
    from netc.train.loop import Fit

SECONDS = 0.1  # between two looks at the losses
LARGEST = 256 * 2**20  # bytes of a model that is copied to come back to
MOST = 0.02  # of the time may go into copying


Ranges = tuple[tuple[float, float], ...]  # the smallest and the largest number of each tensor


@dataclass(frozen=True, slots=True)
class Origin:
    """The first node whose value, or else whose gradient, is not finite, and the finite tensors that it was computed of."""

    node: Node
    is_gradient: bool
    inputs: Ranges


class Anchor:
    """A copy of where the training stood when all was finite, renewed about every tenth of a second."""

    def __init__(self, fit: Fit) -> None:
        self.fit, self.due = fit, 0.0
        self.state: State | None = None
        self.fits = sum(t.nbytes for t in fit.model.state_dict().values()) <= LARGEST

    def is_due(self) -> bool:
        """Whether it is time to look at the losses and to renew the copy."""
        return time.perf_counter() >= self.due

    def drop(self) -> None:
        """Copies where the training stands now, which has to be fine."""
        start = time.perf_counter()
        if self.fits:
            self.state = copy.deepcopy(place(self.fit))
        now = time.perf_counter()
        self.due = now + max(SECONDS, (now - start) / MOST)

    def origin(self) -> Origin | None:
        """Takes the steps since then again until one is not finite. None where that cannot be told.

        The training cannot go on after that.
        """
        if self.state is None or not hasattr(self.fit.model, "walk_losses"):
            return None
        try:
            go_back(self.fit, self.state)
            batch = next(_bad_batches(self.fit, self.is_fine), None)
            return None if batch is None else self.first(batch)
        except REFUSALS:  # the reason that is there already is said
            return None

    def is_fine(self, tensors: Sequence[Tensor | None]) -> bool:
        """Whether all numbers of the loss and the gradients of a batch are finite."""
        return _is_finite(tensors)

    def first(self, batch: Tensors) -> Origin | None:
        """What the trouble with a batch begins with."""
        return _first(self.fit, batch)


class SharedAnchor(Anchor):
    """The same in several processes: they look at the losses after the same steps, and take them again together.

    How many steps that is says rank 0, by the time that its steps take. None is dropped where a process cannot go through the
    network by itself: where it has a part of the parameters only, or batch normalisation is over all of them. Then the losses are
    looked at after each epoch.
    """

    def __init__(self, fit: Fit, world: World) -> None:
        super().__init__(fit)
        self.world, self.steps, self.left, self.dropped = world, 0, 0, 0.0
        self.fits = self.fits and not is_sharded(fit.model) and not any(isinstance(m, nn.SyncBatchNorm) for m in fit.model.modules())

    def is_due(self) -> bool:
        """Whether so many steps were taken; to be asked once a step."""
        self.left -= 1
        return self.fits and self.left <= 0

    def drop(self) -> None:
        """As that of one process, after the same step in all of them."""
        if not self.fits:
            return
        start = time.perf_counter()
        super().drop()
        now = time.perf_counter()
        taken = (start - self.dropped) / self.steps if self.steps else math.inf  # seconds a step
        self.steps = self.left = self.world.by_first(lambda: max(1, int((self.due - now) / taken)))
        self.dropped = now

    def is_fine(self, tensors: Sequence[Tensor | None]) -> bool:
        """Whether they are finite in all processes."""
        return all(self.world.each(lambda: _is_finite(tensors)))

    def first(self, batch: Tensors) -> Origin | None:
        """What comes first in the network of what the processes find, each in its part of the batch."""

        def own() -> tuple[int, bool, Ranges] | None:
            try:
                found = _first(self.fit, batch[:-1])  # without how many rows these are
            except REFUSALS:
                return None
            return None if found is None else (found.node.id, found.is_gradient, found.inputs)

        found = [told for told in self.world.each(own) if told is not None]
        if not found:
            return None
        # Of values the first, and only without any the last node whose gradient it is: that is computed from the end.
        number, is_gradient, inputs = min(found, key=lambda told: (told[1], -told[0] if told[1] else told[0]))
        graph: Any = self.fit.model.graph
        return Origin(graph.node(number), is_gradient, inputs)


def _bad_batches(fit: Fit, is_fine: Callable[[Sequence[Tensor | None]], bool]) -> Iterator[Tensors]:
    """The batches whose loss or gradient is not finite, each before its step, with the random numbers that it had."""
    fit.model.train()
    step = fit.take_step
    step.whole = step.gradients = None  # a graph has no nodes to look at
    while fit.epoch < fit.epochs:
        batches = iter([fit.batches.first]) if fit.is_full else fit.batches.epoch(fit.step)
        while group := list(islice(batches, fit.accumulate)):
            before = random_states()
            for batch in group:
                fit.optimizer.zero_grad()
                loss = fit.compute(*batch)[0]
                loss.backward()  # type: ignore[no-untyped-call]
                if not is_fine([loss, *(p.grad for p in step.parameters)]):
                    restore_random(before)
                    yield batch
            restore_random(before)
            step(group)
            fit.schedule_step()
        fit.epoch, fit.step = fit.epoch + 1, 0
        if fit.scheduler is not fit.step_scheduler and not isinstance(fit.scheduler, ReduceLROnPlateau):
            fit.scheduler.step()  # type: ignore[union-attr]


def _is_finite(tensors: Sequence[Tensor | None]) -> bool:
    return all(t is None or bool(torch.isfinite(t.coalesce().values() if t.is_sparse else t).all()) for t in tensors)


def _first(fit: Fit, batch: Tensors) -> Origin | None:
    """The node that the trouble with a batch begins with."""
    model: Any = fit.model
    graph: Graph = model.graph
    fit.optimizer.zero_grad()
    values: dict[int, Any] = dict(zip((n.id for n in graph.inputs + graph.targets), batch, strict=True))
    values |= {n.id: model.get_parameter(n.path) for n in graph.nodes if n.kind == "param"}
    computed: list[Node] = []
    for node, value in model.walk_losses(*batch):
        values[node.id] = value
        computed.append(node)
        if not _is_finite(_tensors(value)):
            return Origin(node, False, _ranges(node, values))
        for tensor in _tensors(value):
            if tensor.requires_grad:
                tensor.retain_grad()
    total: Any = sum(_at(values, loss.ref) for loss in graph.losses)
    total.backward()
    for node in reversed(computed):  # the gradient of what a node gives comes from the nodes behind it, so these were fine
        keys = [f"{node.path}.{name}" for name in node.weights] if node.is_module else []
        grads = [t.grad for ref in node.refs for t in _tensors(_at(values, ref)) if t.requires_grad]
        if not _is_finite([*grads, *(model.get_parameter(key).grad for key in keys if key in dict(model.named_parameters()))]):
            return Origin(node, True, _ranges(node, values))
    return None


def _tensors(value: Any) -> list[Tensor]:
    """The tensors in a value that may be a tuple, with floating point."""
    if isinstance(value, (tuple, list)):
        return [t for part in value for t in _tensors(part)]
    return [value] if isinstance(value, Tensor) and value.is_floating_point() else []


def _at(values: dict[int, Any], ref: Ref) -> Any:
    value = values.get(ref.node)
    for part in ref.path:
        value = value[part] if value is not None else None
    return value


def _ranges(node: Node, values: dict[int, Any]) -> Ranges:
    found = [t for ref in node.refs for t in _tensors(_at(values, ref)) if t.numel()]
    return tuple((float(t.detach().min()), float(t.detach().max())) for t in found)
