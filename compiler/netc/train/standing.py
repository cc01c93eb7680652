"""Where a training stands between two steps, as a checkpoint holds it, and going on from there to the last bit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from netc.train.history import Snapshot
from netc.train.rng import random_states, restore_random

if TYPE_CHECKING:
    from netc.train.loop import Fit

State = dict[str, Any]


def place(fit: Fit) -> State:
    """All that the steps to come depend on. Tensors are those of the training itself, not copies."""
    return {
        "epoch": fit.epoch,
        "step": fit.step,
        "order": fit.batches.position(fit.step),
        "model": dict(fit.model.state_dict()),
        "optimizer": fit.optimizer.state_dict(),
        "scheduler": None if fit.scheduler is None else fit.scheduler.state_dict(),
        "scaler": None if fit.take_step.scaler is None else fit.take_step.scaler.state_dict(),
        "random": random_states(),
    }


def go_back(fit: Fit, state: State) -> None:
    """Makes the next step the one that came after `place`."""
    fit.model.load_state_dict(state["model"])
    fit.optimizer.load_state_dict(state["optimizer"])
    if fit.scheduler is not None:
        fit.scheduler.load_state_dict(state["scheduler"])
    if fit.take_step.scaler is not None:
        fit.take_step.scaler.load_state_dict(state["scaler"])
    fit.epoch, fit.step = state["epoch"], state["step"]
    fit.batches.go_back(state["order"])
    restore_random(state["random"])


def standing(fit: Fit) -> State:
    """The place of the training, what it stops and judges by, and what was recorded."""
    history = fit.history
    return {
        **place(fit),
        "best": None if fit.best is None or fit.best.value is None else [fit.best.value, fit.best.epoch, dict(fit.best.state)],
        "stopping": None if fit.stopping is None else [fit.stopping.best, fit.stopping.best_epoch],
        "pending": [recorder.waiting() for recorder in fit.recorders],
        "columns": {name: torch.tensor(values, dtype=torch.float64) for name, values in history.columns.items()},
        "snapshots": [[s.epoch, s.output] for s in history.snapshots],
        "seconds": fit.seconds,
        "stopped_early": history.stopped_early,
    }


def restore(fit: Fit, state: State) -> None:
    """Makes the training stand where that one stood."""
    if fit.best is not None and state["best"] is not None:
        fit.best.value, fit.best.epoch, fit.best.state = state["best"]
    if fit.stopping is not None:
        fit.stopping.best, fit.stopping.best_epoch = state["stopping"]
    for recorder, waiting in zip(fit.recorders, state["pending"], strict=True):
        recorder.take_up(waiting)
    for name, column in fit.history.columns.items():  # in place: the recorders append to these lists
        values = state["columns"].get(name)  # what an older netc did not record of the epochs done is not known
        column[:] = [math.nan] * state["epoch"] if values is None else values.tolist()
    fit.history.snapshots = [Snapshot(epoch, output) for epoch, output in state["snapshots"]]
    fit.history.stopped_early = state["stopped_early"]
    fit.history.seconds = state["seconds"]
    go_back(fit, state)
