"""The training loop. A step does what a loop written by hand does, and no more: an accelerator is read in blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from netc.diagnostics import NetError
from netc.settings import Section
from netc.train.batches import Batches, Tensors
from netc.train.best import is_rate
from netc.train.columns import monitored
from netc.train.distributed import Agreed, Spread, World, is_disconnected, left_alone
from netc.train.history import Failed, History, Recorder, Snapshot, first_not_finite, snapshot_epochs
from netc.train.interrupt import Interrupt
from netc.train.launched import LeftAlone
from netc.train.measure import Measures
from netc.train.optim import largest_rate, make_optimizer, make_scheduler
from netc.train.reasons import diverged, refused
from netc.train.replay import Anchor, SharedAnchor
from netc.train.saving import Saver
from netc.train.scheduling import check_accumulate, check_mode, is_stepped, steps_per_epoch
from netc.train.sharding import is_sharded
from netc.train.shared import Outline
from netc.train.standing import State, restore, standing
from netc.train.step import Step, evaluation, objective
from netc.train.stopping import make_stopping
from netc.train.update import REFUSALS
from netc.train.weights import BestWeights

REPORT_SECONDS = 0.1  # a person sees no faster change
MOST_PENDING = 4096  # scalars that wait to be read; each holds some hundred bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands. The columns grow with it; `seconds` is the time since its start."""

    epoch: int
    epochs: int
    columns: dict[str, list[float]]
    seconds: float
    done: bool = False


Observer = Callable[[Progress], None]


def fit(
    model: nn.Module,
    names: Sequence[str],
    training: Tensors,
    settings: Section,
    validation: Tensors | None = None,
    observer: Observer | None = None,
    watched: Tensors | None = None,
    saver: Saver | None = None,
    resumed: State | Outline | None = None,
    measures: Measures | None = None,
    world: World | None = None,
    interrupt: Interrupt | None = None,
) -> History:
    """Trains the model in place by the `train` section, and returns what was recorded.

    `names` are the keys of `model.losses` (see `column_names`); `watched` are inputs whose predictions are kept along the
    way. The observer is called about ten times a second, and once at the end. The first Ctrl-C or SIGTERM ends the training after the
    current step; what was trained until then is kept. The saver is given where the training stands, now and then and at the end;
    with `resumed`, that of an earlier training, this one goes on from there. `measures` are metrics of the validation data.
    With a `world` each of its processes calls this with the same, and computes its share. With an `interrupt`, whoever entered that
    takes the signals.
    Raises NetError where a setting is impossible (`argument-type`) or training cannot go on (`training`).
    """
    training_of = Fit(model, names, training, settings, validation, observer, watched, saver, measures, world)
    if resumed is not None:
        state = resumed.training(model, training_of.optimizer) if isinstance(resumed, Outline) else resumed
        restore(training_of, state)
        if world is not None:
            world.take_up(state)
    return training_of.run(interrupt)


class Fit:
    """One training: what it works on, where it stands, and what it has recorded.

    Where it stands is `model`, `optimizer`, `scheduler`, `epoch` (whole epochs done), `step` (batches done of the one after),
    `batches.state` (the order of the data), `history` and the pending scalars of the recorders, `stopping`, and torch's random
    numbers.
    """

    def __init__(
        self,
        model: nn.Module,
        names: Sequence[str],
        training: Tensors,
        settings: Section,
        validation: Tensors | None = None,
        observer: Observer | None = None,
        watched: Tensors | None = None,
        saver: Saver | None = None,
        measures: Measures | None = None,
        world: World | None = None,
    ) -> None:
        self.world = world
        self.model, self.settings, self.observer, self.watched, self.saver = model, settings, observer, watched, saver
        self.epochs: int = settings["epochs"]
        self.optimizer = make_optimizer(model, settings)
        parameters = [p for p in model.parameters() if p.requires_grad]
        computed: Any = model if world is None else Spread(model, world)
        self.compute = objective(computed, names, settings["precision"])
        self.take_step = Step(self.compute, parameters, self.optimizer, settings)
        self.take_step.is_shared = world is not None
        self.is_full = settings["batch_size"] == "full"
        size = len(training[0]) if self.is_full else int(settings["batch_size"])
        check_accumulate(settings)
        self.accumulate: int = settings["accumulate"]
        device = parameters[0].device
        share = None if world is None else world.share
        self.batches = Batches(training, size, None if self.is_full else settings["seed"], device, share)
        self.val_batches = Batches(validation, size, None, device, share) if validation is not None else None
        self.scheduler = make_scheduler(self.optimizer, settings, steps_per_epoch(settings, len(training[0])))
        self.step_scheduler = self.scheduler if is_stepped(settings) else None
        self.measures = measures if validation is not None else None
        self.compute_val = self.compute
        if self.measures is not None:
            add = self.measures.add if world is None else world.adding(self.measures.add)
            self.compute_val = evaluation(computed, settings["precision"], add)
        self._prepare_records(names)
        judged_by = [name for name in self.history.columns if not is_rate(name)]
        self.stopping = make_stopping(settings, judged_by)
        self.monitor = monitored(settings, judged_by)
        check_mode(settings, self.monitor)
        judged = self.val_batches is not None or settings["monitor"] is not None
        self.best = self.history.best = BestWeights(self.monitor) if judged else None
        self.epoch = self.step = 0
        self.anchor = Anchor(self) if world is None else SharedAnchor(self, world)
        self.checked = 0  # epochs whose loss is known to be finite

    def _prepare_records(self, names: Sequence[str]) -> None:
        val_names = [f"val_{name}" for name in names] if self.val_batches else []
        measured = [f"val_{name}" for name in self.measures.names] if self.measures else []
        count = 0 if self.scheduler is None else len(self.optimizer.param_groups)
        rates = ["lr"] if count == 1 else [f"lr_{i}" for i in range(count)]
        self.history = History({name: [] for name in [*names, *val_names, *measured, *rates]})
        self.rates = [self.history.columns[name] for name in rates]
        self.taken: list[float] = []  # the learning rates of the last step
        columns, device = self.history.columns, self.batches.device
        self.recorder = Recorder({name: columns[name] for name in names}, self.batches.weights, device)
        weights = self.val_batches.weights if self.val_batches else [1]
        self.val_recorder = Recorder({name: columns[name] for name in val_names}, weights, device)
        self.measured = Recorder({name: columns[name] for name in measured}, [1], device)
        self.recorders = (self.recorder, self.val_recorder, self.measured)

    def run(self, interrupt: Interrupt | None = None) -> History:
        """All epochs that are left, or those until something stops them. Raises NetError, `Failed` where its reason is the training."""
        self.model.train()
        self.reported = time.perf_counter()
        self.started = self.reported - self.history.seconds  # of a training before, that this one goes on with
        with Interrupt() if interrupt is None else nullcontext(interrupt) as asked:
            self.interrupt = asked if self.world is None else Agreed(asked)
            try:
                if self.settings["compile"]:
                    self.take_step.compile(self.model, self.settings, self.batches.first)
                self._epochs()
            except NetError as reason:
                raise self._failed(reason) from reason
            except REFUSALS as e:
                raise self._failed(self._reason(e)) from e
        self._report(done=True)
        self.history.interrupted = self.interrupt.requested
        self.history.step = self.step
        self.history.seconds = self.seconds
        return self.history

    @property
    def seconds(self) -> float:
        """The time that the training has taken."""
        return time.perf_counter() - self.started

    def _epochs(self) -> None:
        self.anchor.drop()
        looks = set(snapshot_epochs(self.epochs)) if self.watched is not None else set()
        if self.epoch == self.step == 0:
            self._look(0 in looks)
        while self.epoch < self.epochs and not self.interrupt.requested and not self.history.stopped_early:
            if self.is_full:
                self._step([self.batches.first])
            elif not self._steps():
                break
            self.epoch += 1
            self.step = 0
            if self.val_batches is not None:
                self._validate(self.val_batches)
            if self.scheduler is not None:
                self._record_rates()
            if self.scheduler is not self.step_scheduler:
                self._schedule()
            if self.epoch in looks:
                self._look(True)
            if self._is_over():
                break
            self._save_if_due()
        self._read()
        if self.saver is not None:
            self.saver.save(standing(self))
        seen = [snapshot.epoch for snapshot in self.history.snapshots]
        self._look(bool(looks) and self.epoch not in seen)

    def _steps(self) -> bool:
        """The steps that are left of one epoch; whether all were done."""
        batches = self.batches.epoch(self.step)
        while group := list(islice(batches, self.accumulate)):
            if self.interrupt.requested:
                return False
            if self.step:  # never behind the last step: what ends an epoch belongs to it
                self._save_if_due()
            if self.anchor.is_due():
                self._look_at_losses()
            self._step(group)
            self.step += len(group)
        return True

    def _save_if_due(self) -> None:
        if self.saver is not None and self.saver.is_due():
            self._read()  # what is not finite is no place to go on from
            self.saver.save(standing(self))

    def _step(self, batches: Sequence[Tensors]) -> None:
        for values in self.take_step(batches):
            self.recorder.add(values if self.world is None else self.world.mean(values))
        self.schedule_step()

    def schedule_step(self) -> None:
        """The step of a scheduler after a step of the optimizer, if that took one."""
        if self.step_scheduler is None:
            return
        self.taken = self._rates()
        if not self.take_step.was_skipped:
            self.step_scheduler.step()

    def _rates(self) -> list[float]:
        """The learning rate of each group as it stands; in a compiled graph it is a tensor."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def _record_rates(self) -> None:
        for column, rate in zip(self.rates, self._rates() if self.step_scheduler is None else self.taken, strict=True):
            column.append(rate)

    def _schedule(self) -> None:
        """The step of a scheduler after an epoch."""
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self._read()
            self.scheduler.step(self.history.columns[self.monitor][-1])
        elif self.scheduler is not None:
            self.scheduler.step()

    def _validate(self, batches: Batches) -> None:
        self.model.eval()
        with torch.no_grad():
            for batch in batches.epoch():
                values = self.compute_val(*batch)
                self.val_recorder.add(values if self.world is None else self.world.mean(values))
            if self.measures is not None:
                if self.world is not None:
                    self.measures.batches = self.world.gathered(self.measures.batches)
                self.measured.add(self.measures.values())
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
        if (
            due
            or self.world is not None
            or self.stopping is not None
            or self.best is not None
            or len(self.recorder.pending) >= MOST_PENDING
        ):
            self._read()
        if due:
            self.reported = now
            self._report()
        if self.is_full and self.anchor.is_due():
            self._look_at_losses()
        if self.best is not None:
            self.best.see(self.epoch, self.history.columns[self.monitor][-1], self.model)
        if self.stopping is not None:
            value = self.history.columns[self.stopping.monitor][-1]
            self.history.stopped_early = self.stopping.is_over(self.epoch, value)
        return self.history.stopped_early

    def _read(self) -> None:
        for recorder in self.recorders:
            recorder.read()
        losses = self.history.columns["loss"]
        bad = first_not_finite(losses, self.checked)
        if bad is not None:
            raise self._diverged(losses[bad], bad + 1)
        self.checked = len(losses)

    def _look_at_losses(self) -> None:
        """Ends a training whose loss is not finite, also within an epoch; else what comes later can go back to here."""
        self._read()
        pending = self.recorder.waiting()[:, 0].tolist()  # of the epoch that is not finished
        bad = first_not_finite(pending, 0)
        if bad is not None:
            raise self._diverged(pending[bad], self.epoch + 1)
        self.anchor.drop()

    def _diverged(self, loss: float, epoch: int) -> NetError:
        origin = self.anchor.origin()  # the optimizer is then where it was at that step
        return diverged(self.settings, loss, epoch, origin, self.world is not None, rate=largest_rate(self.optimizer))

    def _report(self, done: bool = False) -> None:
        if self.observer is not None:
            self.observer(Progress(self.history.epochs, self.epochs, self.history.columns, self.seconds, done))

    def _reason(self, e: Exception) -> NetError:
        """Why torch raised; of several processes also in another one, which then left this one alone."""
        if self.world is None:
            return self._own_reason(e)
        if self.best is not None and is_sharded(self.model):
            self.best.state = {}  # each process has a part, and the others may be gone
        if is_disconnected(e):
            return self.world.reason or left_alone(f" in epoch {self.epoch + 1}", self.settings.span)
        self.anchor.state = None  # the others may have met nothing, and would not take the steps again
        reason = self._own_reason(e)
        self.world.leave(reason)
        return reason

    def _failed(self, reason: NetError) -> NetError:
        """The reason with what was recorded; as it is where a file or another process is at fault, and the training may go on."""
        if isinstance(reason, LeftAlone) or any(d.code != "training" for d in reason.diagnostics):
            return reason
        self.history.keep_whole()
        self.history.seconds = self.seconds
        return Failed(reason.diagnostics, self.history)

    def _own_reason(self, e: Exception) -> NetError:
        """Where the loss was not finite before, that, for some losses refuse what comes of it; else what torch says."""
        try:
            self._read()
        except NetError as found:
            return found
        pending = self.recorder.waiting()[:, 0].tolist()
        bad = first_not_finite(pending, 0)
        if bad is not None:
            return self._diverged(pending[bad], self.epoch + 1)
        return refused(self.settings, e, self.epoch + 1)
