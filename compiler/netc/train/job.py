"""A training in its folder: what is written there before, along and after it, and going on with one that was stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import nn

from netc.data.prepare import Prepared
from netc.diagnostics import count_of
from netc.files import write
from netc.graph import Graph
from netc.settings import Section
from netc.tensors import TensorType
from netc.train.batches import Tensors, tensors
from netc.train.checkpoint import State, is_saved, load, save
from netc.train.columns import column_names
from netc.train.device import home_of
from netc.train.distributed import SharedSaver, World, check_losses, synchronized
from netc.train.history import Failed, History
from netc.train.identity import Identity, check_length, compare, identity_of
from netc.train.interrupt import Interrupt
from netc.train.loop import Observer, fit
from netc.train.measure import make_measures
from netc.train.progress import shown
from netc.train.run import CHECKPOINT, is_complete, json_text, metrics_csv, model_bytes, outcome, state_bytes, sweep
from netc.train.saving import Saver
from netc.train.sharding import gathered, is_sharded, shard
from netc.train.shared import Outline, outline, save_shared
from netc.train.tensorboard import events, together

MOST_WATCHED = 5000  # samples whose predictions are kept along the way: more would hide each other in a picture


@dataclass(slots=True)
class Job:
    """What is trained, by which settings, on what, and how it is shown; `record` is then what `run.json` says of it.

    `begun_at` is the number of epochs that were trained before; with `was_complete` nothing was left to do, and nothing is written.
    """

    graph: Graph
    model: nn.Module
    settings: Section
    prepared: Prepared
    spec: str
    overrides: dict[str, Any]
    stream: TextIO | None
    pictures: bool
    tensorboard: bool
    begun_at: int = 0
    was_complete: bool = False
    record: dict[str, Any] = field(default_factory=dict)
    world: World | None = None
    factory: Callable[[], nn.Module] | None = None  # of a model that is to be whole again
    interrupt: Interrupt | None = None  # of whoever takes the signals, e.g. since there is a folder

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes the run's files."""
        return self.world is None or self.world.is_first

    @property
    def python_files(self) -> list[Path]:
        """The Python files that the spec uses."""
        return [Path(file) for file in dict.fromkeys([*self.graph.python_files.values(), *self.settings.python_files])]

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return next((p.device for p in self.model.parameters()), torch.device("cpu"))

    def run(self, path: Path, resumes: bool) -> History:
        """Trains in the folder. Raises NetError."""
        identity = identity_of(self.spec, map(str, self.python_files), self.prepared, str(self.device))
        kept: State = {"identity": identity, "overrides": self.overrides, "started": _now()}
        kept["preprocessing"] = self.prepared.preprocessing.record  # with it the weights are of use before the end
        resumed: State | Outline | None = None
        if resumes:
            found = load(path / CHECKPOINT) if self.world is None else outline(path / CHECKPOINT, self.world)
            before, resumed = (found.state, found) if isinstance(found, Outline) else (found, found["training"])
            self._compare(path, before, identity)
            kept |= {"overrides": {**before["overrides"], **self.overrides}, "started": before["started"]}
            self.begun_at = before["training"]["epoch"]
        elif self.writes:
            self._begin(path, identity)
        try:
            history = self._fit(path, kept, resumed)
        except Failed as problem:
            if problem.history.epochs == 0 and not is_saved(path / CHECKPOINT):
                raise
            told = self._told(path, problem)
            self._gather_best(problem.history)
            if self.writes:
                self._leave(path, kept, problem)
            raise told from problem
        self._gather(history)
        if self.writes and not self.was_complete:
            self._finish(path, kept, history)
        return history

    def _gather(self, history: History) -> None:
        """Makes the model whole, of which each process had a part, in the one that writes it; on the CPU, where its data is."""
        self._gather_best(history)
        if self.world is None or self.factory is None or not is_sharded(self.model):
            self.model.cpu()
            return
        state = gathered(self.model.state_dict(), self.writes)
        if self.writes:
            self.model = self.factory()
            self.model.load_state_dict(state)

    def _gather_best(self, history: History) -> None:
        """The same for the weights of the best epoch."""
        if history.best is not None and self.world is not None and is_sharded(self.model):
            history.best.state = gathered(history.best.state, self.writes)

    def _compare(self, path: Path, before: State, identity: Identity) -> None:
        """Raises NetError where this training cannot go on with that one; says what else differs, and where it goes on."""
        doubts = compare(path, before["identity"], identity)
        epoch, epochs = before["training"]["epoch"], self.settings["epochs"]
        check_length(path, self.settings, epoch, before["identity"]["spec"])
        is_over = epoch == epochs or before["training"]["stopped_early"]
        self.was_complete = is_over and is_complete(path, epoch)
        if self.stream is not None:
            self.stream.writelines(f"warning: {doubt}\n" for doubt in doubts)
            self.stream.write("" if is_over else f"{path}: goes on in epoch {epoch + 1} of {epochs}\n")
        if self.writes:
            sweep(path)

    def _begin(self, path: Path, identity: Identity) -> None:
        """Writes what was given, so that the folder alone says what is trained."""
        self._write_spec(path, identity["environment"])
        for used in self.python_files:
            write(path / used.name, used.read_bytes())

    def _write_spec(self, path: Path, environment: Mapping[str, Any]) -> None:
        """The resolved spec, under a comment that says what it is trained with."""
        made = f"netc {environment['netc']}, torch {environment['torch']}, Python {environment['python']}"
        heading = f"# As it was trained: {made}, {count_of(environment['threads'], 'thread')}, seed {self.settings['seed']}."
        write(path / "spec.net", f"{heading}\n\n{self.spec}")

    def _fit(self, path: Path, kept: State, resumed: State | Outline | None) -> History:
        """The training itself, shown on the stream; it is saved every so many seconds."""
        writes_events = self.tensorboard and self.writes and not self.was_complete
        with (
            shown(self.stream, self.settings["epochs"], self.begun_at) as bar,
            events(path if writes_events else None, self.begun_at) as writer,
        ):
            return self.fit(together(bar, writer), self._saver(path, kept, resumed), resumed)

    def fit(self, observer: Observer | None, saver: Saver | None, resumed: State | Outline | None) -> History:
        """Trains the model, and writes nothing. Raises NetError."""
        parts = (self.prepared.train, self.prepared.validation)
        home = home_of(sum(a.nbytes for part in parts for a in part or ()), self.device)
        training, validation = (None if part is None else tensors(part, self.prepared.dtypes, home) for part in parts)
        assert training is not None
        watched = _watched(self.graph, training, self.device) if self.pictures else None
        measures = make_measures(self.graph, self.settings, self.prepared.preprocessing.targets) if validation is not None else None
        names = column_names(self.graph)
        if self.world is not None:
            self._prepare(training, self.world)
        return fit(self.model, names, training, self.settings, validation, observer, watched, saver, resumed, measures, self.world,
                   self.interrupt)  # fmt: skip

    def _prepare(self, training: Tensors, world: World) -> None:
        """Makes the model one that several processes can train. Raises NetError."""
        doubt = check_losses(self.model, training, world, self.settings)
        self.model, other = synchronized(self.model, world)
        if self.stream is not None:
            self.stream.writelines(f"warning: {text}\n" for text in (doubt, other) if text)
        if self.settings["parallel"] == "fsdp":
            shard(self.model, world.device, world.share.size, self.settings)
        world.reseed(self.settings["seed"])

    def _saver(self, path: Path, kept: State, resumed: State | Outline | None) -> Saver | None:
        """What saves the training; None where the settings want no checkpoint."""
        seconds = self.settings["checkpoint"]
        if seconds is None:
            return None
        standing = resumed.state["training"] if isinstance(resumed, Outline) else resumed
        position = (standing["epoch"], standing["step"]) if standing else None

        def saved(state: State) -> None:
            run = {**kept, "training": state}
            if self.world is None:
                save(path / CHECKPOINT, run)
            else:
                save_shared(path / CHECKPOINT, run, self.world)

        return (Saver if self.world is None else partial(SharedSaver, self.world))(saved, seconds, position)

    def _finish(self, path: Path, kept: State, history: History) -> None:
        """Writes what came of it; `run.json` last, which so says that all is there."""
        write(path / "model.safetensors", model_bytes(self.model))
        self._write_record(path, kept, history)

    def _leave(self, path: Path, kept: State, problem: Failed) -> None:
        """Writes what came of a training until it could not go on. Its last weights are of no use, and left out."""
        self._write_record(path, kept, problem.history, {"failed": problem.diagnostics[0].message})

    def _told(self, path: Path, problem: Failed) -> Failed:
        """The reason, and where that is."""
        epochs, best = problem.history.epochs, problem.history.best
        what = f"what was trained before, {count_of(epochs, 'whole epoch')}, is in {path}{os.sep}"
        if best is not None and best.state:
            what += f", with the weights of the best one, {best.epoch}"
        *others, last = problem.diagnostics
        return Failed([*others, replace(last, hint=f"{last.hint}\n{what}" if last.hint else what)], problem.history)

    def _write_record(self, path: Path, kept: State, history: History, more: Mapping[str, Any] | None = None) -> None:
        """Writes all but the last weights; `run.json`, which says that all is there, at the end."""
        environment = kept["identity"]["environment"]
        self.record = {"network": self.graph.name, "seed": self.settings["seed"], **environment}
        self.record |= {"started": kept["started"], "finished": _now(), **outcome(history), **(more or {})}
        self.record |= {"overrides": kept["overrides"], "preprocessing": self.prepared.preprocessing.record}
        if history.best is not None and history.best.state:
            write(path / "best.safetensors", state_bytes(history.best.state))
        self._write_spec(path, environment)  # a longer training has another one
        write(path / "metrics.csv", metrics_csv(history))
        write(path / "run.json", json_text(self.record))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _watched(graph: Graph, training: Tensors, device: torch.device) -> Tensors | None:
    """The first samples of the inputs, as many as a picture can show."""
    if not graph.outputs:
        return None
    kind = graph.inputs[0].type
    assert isinstance(kind, TensorType)
    rows = kind.shape[0] if isinstance(kind.shape[0], int) else MOST_WATCHED
    return tuple(tensor[:rows].to(device) for tensor in training[: len(graph.inputs)])
