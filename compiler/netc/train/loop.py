"""The training loop. A step does what a loop written by hand does, and no more: an accelerator is read in blocks."""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from netc.diagnostics import NetError, count_of, did_you_mean, error, listed
from netc.graph import Graph
from netc.settings import Made, Section
from netc.train.history import History, Recorder, Snapshot, first_not_finite, snapshot_epochs
from netc.train.interrupt import Interrupt

Tensors = tuple[Tensor, ...]  # inputs, then targets; one row a sample

REPORT_SECONDS = 0.1  # a person sees no faster change
MOST_PENDING = 4096  # scalars that wait to be read; each holds some hundred bytes


@dataclass(frozen=True, slots=True)
class Patience:
    """Stop after so many epochs in a row in which `monitor` was not below its best by more than `min_delta`."""

    epochs: int
    monitor: str = "loss"
    min_delta: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands. The columns grow with it; `seconds` is the time since its start."""

    epoch: int
    epochs: int
    columns: dict[str, list[float]]
    seconds: float
    done: bool = False


Observer = Callable[[Progress], None]


def column_names(graph: Graph) -> list[str]:
    """What a step of the graph's module computes: the sum of the losses, each loss if there are several, each metric."""
    parts = [loss.name for loss in graph.losses] if len(graph.losses) > 1 else []
    return ["loss", *parts, *(metric.name for metric in graph.metrics)]


def fit(
    model: nn.Module,
    names: Sequence[str],
    training: Tensors,
    settings: Section,
    validation: Tensors | None = None,
    observer: Observer | None = None,
    watched: Tensors | None = None,
) -> History:
    """Trains the model in place by the `train` section, and returns what was recorded.

    `names` are the keys of `model.losses` (see `column_names`); `watched` are inputs whose predictions are kept along the
    way. The observer is called about ten times a second, and once at the end. The first Ctrl-C ends the training after the
    current step; what was trained until then is kept.
    Raises NetError where a setting is impossible (`argument-type`) or training cannot go on (`training`).
    """
    return _Fit(model, names, training, settings, validation, observer, watched).run()


class _Fit:
    """One training: what it works on, and what it has recorded."""

    def __init__(
        self,
        model: nn.Module,
        names: Sequence[str],
        training: Tensors,
        settings: Section,
        validation: Tensors | None,
        observer: Observer | None,
        watched: Tensors | None,
    ) -> None:
        self.model, self.training, self.settings = model, training, settings
        self.validation, self.observer, self.watched = validation, observer, watched
        self.epochs: int = settings["epochs"]
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(self.parameters, settings)
        self.scheduler = make_scheduler(self.optimizer, settings)
        self.clip: float | None = settings["clip_grad_norm"]
        self.compute = _objective(model, names, settings["precision"])
        self.batch_size = _batch_size(settings, len(training[0]))
        self.order = torch.Generator().manual_seed(settings["seed"])
        val_names = [f"val_{name}" for name in names] if validation is not None else []
        self.history = History({name: [] for name in [*names, *val_names]})
        columns = self.history.columns
        device = training[0].device
        self.recorder = Recorder({name: columns[name] for name in names}, _weights(len(training[0]), self.batch_size), device)
        held_out = len(validation[0]) if validation is not None else 1
        self.val_recorder = Recorder({name: columns[name] for name in val_names}, _weights(held_out, self.batch_size), device)
        self.patience = _patience(settings, list(columns))
        self.best, self.best_epoch = float("inf"), 0
        self.checked = 0  # epochs whose loss is known to be finite

    def run(self) -> History:
        """All epochs, or those until something stops them."""
        self.epoch = 0
        self.model.train()
        self.started = self.reported = time.perf_counter()
        with Interrupt() as self.interrupt:
            try:
                self._epochs()
            except (RuntimeError, IndexError, ValueError) as e:
                raise self._reason(e) from e
        self._report(done=True)
        self.history.interrupted = self.interrupt.requested
        self.history.seconds = time.perf_counter() - self.started
        return self.history

    def _epochs(self) -> None:
        looks = set(snapshot_epochs(self.epochs)) if self.watched is not None else set()
        self._look(0 in looks)
        full = self.batch_size >= len(self.training[0]) and self.settings["batch_size"] == "full"
        while self.epoch < self.epochs and not self.interrupt.requested:
            if full:
                self._step(self.training)
            elif not self._batches():
                break
            self.epoch += 1
            if self.scheduler is not None:
                self.scheduler.step()
            if self.validation is not None:
                self._validate(self.validation)
            if self.epoch in looks:
                self._look(True)
            if self._is_over():
                break
        self._read()
        self._look(bool(looks) and self.history.snapshots[-1].epoch != self.epoch)

    def _step(self, batch: Tensors) -> None:
        self.optimizer.zero_grad()
        values = self.compute(*batch)
        values[0].backward()  # type: ignore[no-untyped-call]
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        self.recorder.add(values)

    def _batches(self) -> bool:
        """The steps of one epoch in a new order; whether all were done."""
        order = torch.randperm(len(self.training[0]), generator=self.order).to(self.training[0].device)
        # One gather an epoch, so that a batch is a view.
        for batch in zip(*(torch.split(t[order], self.batch_size) for t in self.training), strict=True):
            if self.interrupt.requested:
                return False
            self._step(batch)
        return True

    def _validate(self, validation: Tensors) -> None:
        self.model.eval()
        with torch.no_grad():
            for batch in zip(*(torch.split(t, self.batch_size) for t in validation), strict=True):
                self.val_recorder.add(self.compute(*batch))
        self.model.train()

    def _look(self, wanted: bool) -> None:
        """Keeps the predictions of now. Neither the parameters nor the random numbers to come are changed."""
        if not wanted or self.watched is None:
            return
        self.model.eval()
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            output = self.model(*self.watched)
        self.model.train()
        while isinstance(output, tuple):  # several outputs: the first is the network's main one
            output = output[0]
        self.history.snapshots.append(Snapshot(self.epoch, output))

    def _is_over(self) -> bool:
        """Reads and reports what is due; whether early stopping ends the training."""
        now = time.perf_counter()
        due = now - self.reported >= REPORT_SECONDS
        if due or self.patience is not None or len(self.recorder.pending) >= MOST_PENDING:
            self._read()
        if due:
            self.reported = now
            self._report()
        if self.patience is None:
            return False
        value = self.history.columns[self.patience.monitor][-1]
        if value < self.best - self.patience.min_delta:
            self.best, self.best_epoch = value, self.epoch
        self.history.stopped_early = self.epoch - self.best_epoch >= self.patience.epochs
        return self.history.stopped_early

    def _read(self) -> None:
        self.recorder.read()
        self.val_recorder.read()
        losses = self.history.columns["loss"]
        bad = first_not_finite(losses, self.checked)
        if bad is not None:
            raise self._diverged(losses[bad], bad + 1)
        self.checked = len(losses)

    def _report(self, done: bool = False) -> None:
        if self.observer is not None:
            seconds = time.perf_counter() - self.started
            self.observer(Progress(self.history.epochs, self.epochs, self.history.columns, seconds, done))

    def _diverged(self, loss: float, epoch: int) -> NetError:
        what = "NaN" if math.isnan(loss) else "infinite"
        made = self.settings.made("optimizer")
        ways = [f"a smaller `lr` (now {made.values.get('lr')})"]
        ways += ["`clip_grad_norm = 1.0`"] if self.clip is None else []
        hint = f"try {', '.join(ways)}, or `normalize` the data"
        return error("training", f"the loss became {what} in epoch {epoch} of {self.epochs}", made.span, hint)

    def _reason(self, e: Exception) -> NetError:
        """Why torch raised: where the loss was not finite before, that, for some losses refuse what comes of it."""
        try:
            self._read()
        except NetError as found:
            return found
        losses = [float(values[0]) for values in self.recorder.pending]  # of the epoch that was not finished
        bad = first_not_finite(losses, 0)
        if bad is not None:
            return self._diverged(losses[bad], self.epoch + 1)
        text = next(iter(str(e).strip().splitlines()), type(e).__name__)
        return error("training", f"PyTorch cannot go on in epoch {self.epoch + 1}: {text}", self.settings.span)


# --- what the settings ask for --------------------------------------------------------------------------------------


def make_optimizer(parameters: Sequence[nn.Parameter], settings: Section) -> Optimizer:
    """The optimizer of the section over the parameters. Raises NetError."""
    made = settings.made("optimizer")
    if not parameters:
        raise error("training", "the network has no parameters to train", made.span)
    optimizer = _make(made, parameters)
    assert isinstance(optimizer, Optimizer)
    return optimizer


def make_scheduler(optimizer: Optimizer, settings: Section) -> LRScheduler | None:
    """The scheduler of the section, if it has one. Raises NetError."""
    if settings["scheduler"] is None:
        return None
    scheduler = _make(settings.made("scheduler"), optimizer)
    assert isinstance(scheduler, LRScheduler)
    return scheduler


def _make(made: Made, *first: Any) -> Any:
    """Calls what a recipe names. What torch refuses is NetError `argument-type`."""
    module, name = made.recipe.target.rsplit(".", 1)
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in made.values.items()}
    try:
        return getattr(importlib.import_module(module), name)(*first, **values)
    except (ValueError, TypeError, RuntimeError, ZeroDivisionError) as e:
        raise error("argument-type", f"`{made.recipe.name}`: {e}", made.span) from e


def _batch_size(settings: Section, samples: int) -> int:
    return samples if settings["batch_size"] == "full" else int(settings["batch_size"])


def _weights(samples: int, batch_size: int) -> list[int]:
    """The numbers of samples of the steps of an epoch."""
    whole, rest = divmod(samples, batch_size)
    return [batch_size] * whole + ([rest] if rest else [])


def _patience(settings: Section, columns: Sequence[str]) -> Patience | None:
    if settings["early_stopping"] is None:
        return None
    made = settings.made("early_stopping")
    patience = _make(made)
    assert isinstance(patience, Patience)
    if patience.monitor not in columns:
        span = made.arguments["monitor"].span
        hint = did_you_mean(patience.monitor, columns) or f"there are {listed(columns)}"
        if patience.monitor.startswith("val_") and not any(c.startswith("val_") for c in columns):
            hint = "there is no validation data: give the `data` section e.g. `validation = 0.2`"
        raise error("argument-type", f"`{patience.monitor}` is not among what is recorded: {listed(columns)}", span, hint)
    if patience.epochs < 1:
        message = f"patience of {count_of(patience.epochs, 'epoch')} would stop before it starts"
        raise error("argument-type", message, made.arguments["epochs"].span)
    return patience


def _objective(model: Any, names: Sequence[str], precision: str) -> Callable[..., Tensors]:
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
