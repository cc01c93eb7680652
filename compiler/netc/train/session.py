"""A training from sections to the run folder: data, model, loop, files, pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import nn

from netc.data.checks import no_data, prepared_data
from netc.data.prepare import Prepared
from netc.data.sources import load_data
from netc.data.table import Table
from netc.diagnostics import Diagnostic, NetError, render_all
from netc.graph import Graph
from netc.settings import Section
from netc.source import Source
from netc.train.checkpoint import is_saved
from netc.train.checks import check_training, needed_settings
from netc.train.device import device_of
from netc.train.distributed import World, joined
from netc.train.history import Failed, History
from netc.train.identity import recorded_preprocessing
from netc.train.interrupt import Interrupt
from netc.train.job import Job
from netc.train.launch import MARK, begun_before, mark, unmark
from netc.train.run import CHECKPOINT, held, kept_if_saved, new_run
from netc.train.tensorboard import require_tensorboard


@dataclass(frozen=True, slots=True)
class Result:
    """A finished training: its folder, what was recorded, the trained model (in eval mode) and the data it saw.

    Of several processes that divided the network (`parallel = fsdp`), rank 0 alone has the whole model.

    `warnings` say which pictures could not be drawn, and what is not in the report, and why; `begun_at` is the number of epochs
    that were trained before.
    """

    path: Path
    history: History
    model: nn.Module
    prepared: Prepared
    warnings: tuple[str, ...] = ()
    begun_at: int = 0


def train(
    graph: Graph,
    factory: Callable[[], nn.Module],
    data: Section | None,
    settings: Section | None,
    *,
    spec: str,
    name: str,
    base: Path = Path("runs"),
    stream: TextIO | None = None,
    overrides: Mapping[str, Any] | None = None,
    pictures: bool = True,
    table: Table | None = None,
    written: Source | None = None,
    tensorboard: bool = False,
    resume: Path | None = None,
) -> Result:
    """Trains a new model of the graph by its sections into a new folder `base/name-N`, or goes on with the run in `resume`.

    `factory` makes the model, after torch is seeded; `spec` is the text to keep with it, `written` the one that the user wrote;
    progress goes to the stream; `overrides` are recorded; `table` is the data where it was loaded before;
    `tensorboard` also writes event files.
    Raises NetError where a section lacks, or the data or training is at fault: then no folder is left, unless a whole epoch was
    trained, or there is a checkpoint to go on from; and where the run to go on with is of another spec or other data.
    """
    data, settings = needed_sections(graph, data, settings)
    if tensorboard:
        require_tensorboard()
    with joined(settings, device_of(settings)) as world:
        told = stream if world is None or world.is_first else None
        return _train(graph, factory, data, settings, world, spec=spec, name=name, base=base, stream=told, overrides=overrides,
                      pictures=pictures, table=table, written=written, tensorboard=tensorboard, resume=resume)  # fmt: skip


def _train(
    graph: Graph,
    factory: Callable[[], nn.Module],
    data: Section,
    settings: Section,
    world: World | None,
    *,
    spec: str,
    name: str,
    base: Path,
    stream: TextIO | None,
    overrides: Mapping[str, Any] | None,
    pictures: bool,
    table: Table | None,
    written: Source | None,
    tensorboard: bool,
    resume: Path | None,
) -> Result:
    """As `train`, in one process or in each of several."""
    device = device_of(settings) if world is None else world.device
    done = None if resume is None else recorded_preprocessing(resume, spec)
    prepared, doubts = prepared_data(graph, table or load_data(data), data, settings, done)
    _say(doubts, stream)
    torch.manual_seed(settings["seed"])
    model = factory().to(device)
    job = Job(graph, model, settings, prepared, spec, dict(overrides or {}), stream, pictures, tensorboard, world=world, factory=factory)
    path, history = _run(job, lambda: _place(base, name, resume))
    model = job.model.eval()
    if not pictures or job.was_complete or not job.writes:
        return Result(path, history, model, prepared, begun_at=job.begun_at)
    from netc.train.after import leave
    from netc.train.report.page import Trained

    trained = Trained(path.name, graph, model, history, prepared.shown, prepared, job.record, spec, written, doubts)
    return Result(path, history, model, prepared, tuple(leave(path, trained)), job.begun_at)


def _run(job: Job, place: Callable[[], tuple[Path, bool]]) -> tuple[Path, History]:
    """Trains in the folder of that place; it, and what was recorded.

    From before the folder is made until all is in it a signal is a request: it ends nothing by itself, in none of the processes.
    """
    world = job.world
    with Interrupt(once=world is not None) as interrupt, ExitStack() as stack:
        job.interrupt = interrupt

        def begin() -> tuple[Path, bool]:
            path, resumes = place()
            stack.enter_context(_folder(path, job))
            return path, resumes

        if world is not None and any(world.each(lambda: interrupt.requested)):
            raise KeyboardInterrupt
        path, resumes = begin() if world is None else world.by_first(begin)
        return path, job.run(path, resumes)


def _place(base: Path, name: str, resume: Path | None) -> tuple[Path, bool]:
    """The folder to train in, and whether to go on with what stands there."""
    before = begun_before(base, name) if resume is None else resume
    return (new_run(base, name), False) if before is None else (before, True)


@contextmanager
def _folder(path: Path, job: Job) -> Iterator[None]:
    """The folder of the run, while this process writes into it."""
    with held(path), kept_if_saved(path, ["spec.net", MARK, *(used.name for used in job.python_files)]):
        if job.world is not None:
            mark(path)
        try:
            yield
        except Failed:
            if not is_saved(path / CHECKPOINT):
                unmark(path)
            raise
        unmark(path)


def needed_sections(graph: Graph, data: Section | None, settings: Section | None) -> tuple[Section, Section]:
    """The sections that a training needs. Raises NetError where one lacks, or is wrong for this network."""
    if data is None:
        raise no_data(graph)
    settings = needed_settings(graph, settings)
    if found := check_training(graph, settings, bool(data["validation"])):
        raise NetError(found)
    return data, settings


def _say(doubts: Sequence[Diagnostic], stream: TextIO | None) -> None:
    """Shows what looks like a slip in the data before the training begins."""
    if stream is not None and doubts:
        stream.write(render_all(doubts) + "\n\n")
