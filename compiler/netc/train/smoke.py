"""One batch of all that a training does, in a folder that is thrown away: what would fail after an hour fails now."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from netc.data.checks import prepared_data
from netc.data.normalize import Array
from netc.data.prepare import Prepared
from netc.data.sources import load_data
from netc.data.table import Table
from netc.diagnostics import count_of
from netc.graph import Graph
from netc.settings import Section
from netc.train.after import leave
from netc.train.checkpoint import State, is_saved, load, save
from netc.train.device import device_of
from netc.train.history import History, first_not_finite
from netc.train.job import Job
from netc.train.reasons import diverged
from netc.train.report.page import Trained
from netc.train.run import model_bytes
from netc.train.saving import Saver
from netc.train.session import needed_sections

EPOCHS = 2  # of one step each, between which the training is saved


def smoke(graph: Graph, factory: Callable[[], nn.Module], data: Section | None, settings: Section | None, spec: str,
          table: Table | None = None) -> Iterator[str]:  # fmt: skip
    """Trains on one batch, validates on one, saves, goes on from there, and draws; a line for each. Raises NetError."""
    data, settings = needed_sections(graph, data, settings)
    prepared, doubts = prepared_data(graph, table or load_data(data), data, settings)
    yield _rows(prepared)
    step, small = _settings(settings), _one_batch(prepared, settings["batch_size"])
    with tempfile.TemporaryDirectory(prefix="netc-smoke-") as name:
        folder = Path(name)
        first, second = (_job(graph, factory, step, small, spec) for _ in range(2))

        def keep(state: State) -> None:
            if state["epoch"] == 1 and not is_saved(folder):
                save(folder, state)

        history = first.fit(None, Saver(keep, 0), None)
        yield from _losses(history, len(small.train[0]))
        _check_finite(history, step)
        size = sum(path.stat().st_size for path in folder.iterdir())
        again = second.fit(None, None, load(folder))
        yield f"checkpoint: {_size(size)} written, read, and gone on with: {_sameness(history, again)}"
        yield f"model: {_size(len(model_bytes(first.model.cpu())))}"
        (folder / "seen").mkdir()
        seen = Trained("smoke", graph, first.model.eval(), history, small.shown, small, {}, spec, None, doubts)
        problems = leave(folder / "seen", seen)
        drawn = sorted(path.name for path in (folder / "seen").iterdir())
        yield f"pictures: {', '.join(drawn) or 'none'}" + "".join(f"; {problem}" for problem in problems)


def _job(graph: Graph, factory: Callable[[], nn.Module], settings: Section, prepared: Prepared, spec: str) -> Job:
    torch.manual_seed(settings["seed"])
    return Job(graph, factory().to(device_of(settings)), settings, prepared, spec, {}, None, True, False)


def _settings(settings: Section) -> Section:
    """The settings of a training of two steps."""
    epochs = replace(settings.values["epochs"], value=EPOCHS)
    return replace(settings, values={**settings.values, "epochs": epochs})


def _one_batch(prepared: Prepared, batch_size: int | str) -> Prepared:
    """The data cut to its first batches."""
    rows = None if batch_size == "full" else int(batch_size)

    def cut(arrays: tuple[Array, ...] | None) -> tuple[Array, ...] | None:
        return None if arrays is None else tuple(array[:rows] for array in arrays)

    train = cut(prepared.train)
    assert train is not None
    return replace(prepared, train=train, validation=cut(prepared.validation), test=cut(prepared.test), rows=prepared.rows[:rows])


def _rows(prepared: Prepared) -> str:
    held_out = f", {len(prepared.validation[0]):,} to validate on" if prepared.validation else ""
    return f"data: {len(prepared.train[0]):,} rows to train on{held_out}"


def _losses(history: History, rows: int) -> Iterator[str]:
    """What the steps and the validation gave."""
    columns = history.columns
    yield f"training: {EPOCHS} steps of {count_of(rows, 'row')}, loss {' then '.join(f'{value:.4g}' for value in columns['loss'])}"
    validated = [f"{name} {values[-1]:.4g}" for name, values in columns.items() if name.startswith("val_")]
    yield f"validation: {', '.join(validated)}" if validated else "validation: none is asked for"


def _check_finite(history: History, settings: Section) -> None:
    """Raises NetError, as a training does for its loss; after the validation of the last step no step would come that finds it."""
    for name in ("loss", "val_loss"):
        values = history.columns.get(name, [])
        if (bad := first_not_finite(values, 0)) is not None:
            raise diverged(settings, values[bad], bad + 1, column=name)


def _sameness(history: History, again: History) -> str:
    if repr(again.columns) == repr(history.columns):  # by their digits, as a NaN is not equal to itself
        return "the same loss, to the last bit"
    return f"a loss of {again.final['loss']:.9g}, and it was {history.final['loss']:.9g}: this device does not repeat its numbers"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"
