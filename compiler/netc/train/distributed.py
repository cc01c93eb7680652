"""Training in several processes, as torchrun starts them. The engine is PyTorch's: `DistributedDataParallel` and `fully_shard`.

All processes draw the same order of the data, and each takes its share of every batch. A loss is a mean over rows, so each process
weighs its own by its part of the rows: then the mean of the gradients over the processes is the gradient of the whole batch.
"""

from __future__ import annotations

import gc
import math
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import uuid4

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.modules.batchnorm import _BatchNorm

from netc.diagnostics import Diagnostic, NetError, error, listed
from netc.graph import Graph
from netc.settings import Section
from netc.source import Span
from netc.tasks import mean_by_weight
from netc.tensors import TensorType
from netc.train.batches import Share, Tensors
from netc.train.checkpoint import State
from netc.train.launched import LeftAlone, is_launched
from netc.train.rng import restore_random
from netc.train.saving import Saver
from netc.train.sharding import is_sharded
from netc.train.update import REFUSALS

DIVISIBLE = ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adadelta", "Adagrad", "ASGD", "RMSprop", "Rprop")  # number by number


REASON = "reason"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """The processes that train together, and which of them this one is. Rank 0 writes and shows, the others are silent."""

    share: Share
    device: torch.device
    store: Any = None  # of what one leaves for the others when it ends

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.share.rank == 0

    def each(self, do: Callable[[], T]) -> list[T]:
        """What it gives in each of the processes. Where it raises NetError in one, all raise that."""
        own: T | NetError
        try:
            own = do()
        except NetError as problem:
            own = problem
        found: list[Any] = [None] * self.share.size
        dist.all_gather_object(found, own)
        for value in found:
            if isinstance(value, NetError):
                raise value
        return found

    def by_first(self, do: Callable[[], T]) -> T:
        """What it gives in rank 0, which alone does it, on all of them; also where that is a NetError."""
        found: T | None = self.each(lambda: do() if self.is_first else None)[0]
        return cast(T, found)

    def mean(self, values: Sequence[Tensor]) -> Tensors:
        """The mean of each scalar over the processes. Every process gets the same."""
        joined = torch.stack([v.detach().float() for v in values])
        dist.all_reduce(joined)
        return tuple(joined / self.share.size)

    def adding(self, add: Callable[[Tensor, Sequence[Tensor]], None]) -> Callable[[Tensor, Sequence[Tensor]], None]:
        """The same for a share: without a row that another process counts."""

        def added(output: Tensor, tensors: Sequence[Tensor]) -> None:
            own = int(tensors[-1][0])
            add(output[:own], [t[:own] for t in tensors[:-1]])

        return added

    def gathered(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
        """The pairs of all processes."""
        first, second = (torch.cat([pair[i] for pair in pairs]).cpu() for i in (0, 1))
        return self.each(lambda: (first, second))

    def reseed(self, *place: int) -> None:
        """Gives every process but the first random numbers of its own, that follow from the place."""
        if not self.is_first:
            seed = hash((self.share.rank, *place)) % 2**63  # of whole numbers the hash is the same in every process
            torch.manual_seed(seed)

    def leave(self, reason: NetError) -> None:
        """Says why this process ends, for the others; of several that do, one is heard."""
        with suppress(dist.DistError):  # the launcher, which keeps it, may be gone
            if self.store is not None and not self.store.check([REASON]):
                self.store.set(REASON, pickle.dumps(NetError(reason.diagnostics)))

    @property
    def reason(self) -> NetError | None:
        """Why another one ended, where it said so."""
        with suppress(dist.DistError):
            return pickle.loads(self.store.get(REASON)) if self.store is not None and self.store.check([REASON]) else None
        return None

    def take_up(self, training: State) -> None:
        """Goes on with the random numbers that each process had where the training stands, if they were as many; else with new ones."""
        others = training.get("others", [])
        if len(others) != self.share.size - 1:
            self.reseed(training["epoch"], training["step"])
        elif not self.is_first:
            restore_random(others[self.share.rank - 1])


@contextmanager
def joined(settings: Section, device: torch.device) -> Iterator[World | None]:
    """The processes that torchrun started, while they train; None where this one was started alone."""
    if not is_launched():
        yield None
        return
    check_settings(settings, int(os.environ["WORLD_SIZE"]))
    with connected(device) as world:
        yield world


@contextmanager
def connected(device: torch.device) -> Iterator[World]:
    """The processes that torchrun started, which can speak to one another while this is entered."""
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) if device.index is None else device.index)
        torch.cuda.set_device(device)
    store, rank, size = next(rendezvous("env://"))
    store = dist.PrefixStore(_meeting(store, rank, size), store)  # type: ignore[attr-defined]
    world = World(Share(rank, size), device, store)
    try:
        with _reasons_shared(world):
            dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", store=store, rank=rank, world_size=size)
            yield world
            dist.barrier()  # whoever leaves first would take the connections of the others along
    finally:
        gc.collect()  # what still speaks through them has to be gone before the connections are
        if dist.is_initialized():
            dist.destroy_process_group()


@contextmanager
def _reasons_shared(world: World) -> Iterator[None]:
    """Leaves why this process ends for the others; where another one is gone, raises its reason, or `LeftAlone` where it left none."""
    try:
        yield
    except LeftAlone:
        raise
    except NetError as reason:
        world.leave(reason)
        raise
    except RuntimeError as e:
        if not is_disconnected(e):
            raise
        raise world.reason or left_alone() from e


def _meeting(store: Any, rank: int, size: int) -> str:
    """A name that these processes have in common, and none that torchrun had to start again.

    Its store outlives the processes, with the addresses of those before, and how often they were started its launchers do not count
    alike. So each process asks rank 0 under a name that nobody had before.
    """
    own = uuid4().hex
    if rank == 0:
        asking = [f"asks {other}" for other in range(1, size)]
        for key in asking:
            store.delete_key(key)  # whoever asks now asks again
        for key in asking:
            store.set(f"answer {_waited_for(store, key)}", own)
        return own
    return _waited_for(store, f"answer {own}", lambda: store.set(f"asks {rank}", own))


def _waited_for(store: Any, key: str, again: Callable[[], None] = lambda: None) -> str:
    """What another process leaves there, waited for in small steps, between which a signal is seen; `again` is done before each."""
    end = time.monotonic() + store.timeout.total_seconds()
    again()
    while not store.check([key]) and time.monotonic() < end:
        time.sleep(0.05)
        again()
    found: bytes = store.get(key)
    return found.decode()


def check_settings(settings: Section, size: int) -> None:
    """Raises NetError for what only one process can do."""
    batch = settings["batch_size"]
    if batch != "full" and batch < size:
        raise error("argument-type", f"`batch_size = {batch}` is less than a row for each of {size} processes",
                    settings.values["batch_size"].span, "it is the number of rows of all processes together")  # fmt: skip
    if settings["compile"]:
        raise error("argument-type", "`compile = true` makes one graph of a step, which several processes cannot share",
                    settings.values["compile"].span)  # fmt: skip
    optimizer = settings.made("optimizer")
    if optimizer.recipe.name == "LBFGS":
        raise error("argument-type", "`LBFGS` searches along a line, which several processes cannot do together", optimizer.span)
    if settings["parallel"] == "fsdp":
        _check_divisible(settings)


def _check_divisible(settings: Section) -> None:
    optimizer = settings.made("optimizer")
    if optimizer.recipe.name not in DIVISIBLE:
        raise error("argument-type", f"`{optimizer.recipe.name}` looks at whole tensors, which `parallel = fsdp` divides", optimizer.span,
                    f"there are {listed(DIVISIBLE)}")  # fmt: skip
    if settings["precision"] == "fp16":
        raise error("argument-type", "`precision = fp16` scales the loss, which `parallel = fsdp` cannot",
                    settings.values["precision"].span, "take `bf16`")  # fmt: skip


# --- the model ------------------------------------------------------------------------------------------------------


class _Called(nn.Module):
    """The methods of a model that compute losses, as one forward, which `DistributedDataParallel` wraps."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, method: str, *tensors: Tensor) -> Any:
        """What the method gives."""
        return getattr(self.model, method)(*tensors)


class Spread:
    """A model whose losses are computed on each process's share. The batches are those of `Batches` with a share.

    `loss`, `losses` and `evaluated` are as those of the model, each value weighed so that the mean over the processes is that of the
    whole batch.
    """

    def __init__(self, model: nn.Module, world: World) -> None:
        self.model, self.world = model, world
        self.call: Any = _Called(model) if is_sharded(model) else _replicated(model, world)

    def parameters(self) -> Iterator[nn.Parameter]:
        """Those of the model."""
        return self.model.parameters()

    def loss(self, *tensors: Tensor) -> Tensor:
        """The sum of the losses."""
        value: Tensor = self.call("loss", *tensors[:-1])
        return value * self._weight(tensors)

    def losses(self, *tensors: Tensor) -> dict[str, Tensor]:
        """The losses and metrics by name."""
        return self._weighed(self.call("losses", *tensors[:-1]), tensors)

    def evaluated(self, *tensors: Tensor) -> tuple[Any, dict[str, Tensor]]:
        """The first output, and the losses and metrics."""
        output, values = self.call("evaluated", *tensors[:-1])
        return output, self._weighed(values, tensors)

    def _weighed(self, values: dict[str, Tensor], tensors: Tensors) -> dict[str, Tensor]:
        weight = self._weight(tensors)
        return {name: value * weight for name, value in values.items()}

    def _weight(self, tensors: Tensors) -> float:
        own, rows = map(int, tensors[-1])
        return self.world.share.size * own / rows


def _replicated(model: nn.Module, world: World) -> nn.Module:
    ids = [world.device.index] if world.device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(_Called(model), device_ids=ids)


def synchronized(model: nn.Module, world: World) -> tuple[nn.Module, str | None]:
    """The model with batch normalisation over all processes, or a warning where that cannot be."""
    if not any(isinstance(module, _BatchNorm) for module in model.modules()) or world.share.size == 1:
        return model, None
    if world.device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model), None  # type: ignore[no-untyped-call]
    return model, ("batch normalisation takes the mean of each process's rows alone: PyTorch has none over several processes on the CPU; "
                   "the numbers are not those of one process")  # fmt: skip


# --- what the losses have to be -------------------------------------------------------------------------------------

PROBED = 3  # rows: one and two, whose mean over the parts is not that over the rows


def check_losses(model: Any, batch: Tensors, world: World, settings: Section) -> str | None:
    """Raises NetError unless the losses are a mean over rows and depend on all parameters; a warning where it cannot be told.

    Some rows are computed together and in two parts. Neither the model nor the random numbers to come are changed.
    """
    _check_batch(model.graph)
    rows = tuple(t[:PROBED].to(world.device) for t in batch)
    count = len(rows[0])
    was_training = model.training
    model.eval()
    try:
        with torch.random.fork_rng(devices=[]):
            whole = model.loss(*rows)
            _check_parameters(model, whole, settings)
            if count < 2:
                return None
            with torch.no_grad():
                again, *parts = (float(model.loss(*(t[part] for t in rows))) for part in (slice(None), slice(1), slice(1, None)))
    except REFUSALS:  # the first step meets it, too, and its reason is looked for there
        return None
    finally:
        model.train(was_training)
    found = float(whole.detach())
    if not math.isfinite(found):
        return None  # the first step meets it, too
    if again != found:
        return "the loss draws random numbers, so that it cannot be tried whether it is a mean over rows; it is taken for one"
    mean = (parts[0] + parts[1] * (count - 1)) / count
    if abs(mean - found) > 1e-3 * max(abs(mean), abs(found)) + 1e-6:
        message = f"the loss of {count} rows is {found:.6g}, and the mean of their losses is {mean:.6g}: it is no mean over rows"
        raise error("training", message, model.graph.losses[0].span, "several processes each have a part of the rows, and take the mean")
    return None


def _check_batch(graph: Graph) -> None:
    for node in graph.inputs + graph.targets:
        if isinstance(node.type, TensorType) and node.type.shape and isinstance(node.type.shape[0], int):
            message = f"`{graph.name_of(node)}` has {node.type.shape[0]} rows always, and several processes each have a part of them"
            raise error("training", message, node.span, "give the axis of the rows a name, e.g. `B`")
    if (by_weight := mean_by_weight(graph)) is not None:
        message = "with class weights the loss is a mean by weight: it is no mean over rows, which several processes can take"
        raise error("training", message, by_weight.span, 'take the mean of each row\'s: `mean(CrossEntropyLoss(…, reduction="none"))`')


def _check_parameters(model: nn.Module, loss: Tensor, settings: Section) -> None:
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    left = [name for name, gradient in zip(named, found, strict=True) if gradient is None]
    if left:
        rest = f" and {len(left) - 1} more" if len(left) > 1 else ""
        raise error("training", f"no loss depends on the parameter `{left[0]}`{rest}, so several processes would wait for its gradient",
                    settings.span, f"use it in a loss, or say that it is meant: `freeze {left[0]}`")  # fmt: skip


def left_alone(when: str = "", span: Span | None = None) -> LeftAlone:
    """Another process cannot be reached any more."""
    message = f"another process ended{when}, and without it this one cannot go on"
    hint = "what that one said, or who ended it, is the reason; `torchrun --max-restarts 3` starts all of them anew"
    return LeftAlone([Diagnostic("training", message, span, hint=hint)])


def is_disconnected(e: Exception) -> bool:
    """Whether it says that another process cannot be reached any more."""
    return isinstance(e, dist.DistError) or "gloo/transport" in str(e)


# --- what the processes do together -----------------------------------------------------------------------------------


class Agreed:
    """Whether any process was asked to stop, e.g. by Ctrl-C: all of them ask at the same places, and get one answer."""

    def __init__(self, asked: Any) -> None:
        self._asked = asked

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        flag = torch.tensor(int(self._asked.requested))
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag)


class SharedSaver(Saver):
    """A saver whose time is that of rank 0, so that all processes save at the same place."""

    def __init__(self, world: World, save: Callable[[State], None], seconds: float, saved: tuple[int, int] | None = None) -> None:
        super().__init__(self._save_all, seconds, saved)
        self.world, self.save_together = world, save

    def _save_all(self, state: State) -> None:
        """Saves the state with the random numbers of the other processes."""
        self.save_together({**state, "others": self.world.each(lambda: state["random"])[1:]})

    def is_due(self) -> bool:
        """Whether it is time on rank 0."""
        flag = torch.tensor(int(super().is_due()))
        dist.broadcast(flag, src=0)
        return bool(flag)
