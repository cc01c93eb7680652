"""A training from sections to the run folder: data, model, loop, files, pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import nn

from netc.data.checks import no_data, prepared_data
from netc.data.prepare import Prepared
from netc.data.sources import load_data
from netc.data.table import Table
from netc.diagnostics import Diagnostic, count_of, error, render_all
from netc.files import write
from netc.graph import Graph
from netc.settings import Section
from netc.source import Source
from netc.tensors import TensorType
from netc.train.batches import Tensors
from netc.train.device import device_of, home_of
from netc.train.history import History
from netc.train.loop import column_names, fit
from netc.train.measure import make_measures
from netc.train.progress import shown
from netc.train.run import environment, json_text, metrics_csv, model_bytes, new_run, outcome, state_bytes
from netc.train.tensorboard import events, require_tensorboard, together

MINIMAL = "add e.g.\n\ntrain {\n  optimizer = SGD(lr=0.1)\n  epochs    = 100\n}"
MOST_WATCHED = 5000  # samples whose predictions are kept along the way: more would hide each other in a picture


@dataclass(frozen=True, slots=True)
class Result:
    """A finished training: its folder, what was recorded, the trained model (in eval mode) and the data it saw.

    `warnings` say which pictures could not be drawn, and what is not in the report, and why.
    """

    path: Path
    history: History
    model: nn.Module
    prepared: Prepared
    warnings: tuple[str, ...] = ()


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
) -> Result:
    """Trains a new model of the graph by its sections into a new folder `base/name-N`.

    `factory` makes the model, after torch is seeded; `spec` is the text to keep with it, `written` the one that the user wrote;
    progress goes to the stream; `overrides` are recorded; `table` is the data where it was loaded before;
    `tensorboard` also writes event files.
    Raises NetError where a section lacks, or the data or training is at fault; then no folder is left.
    """
    if data is None:
        raise no_data(graph)
    if settings is None:
        raise error("training", "the spec has no `train` section that says how to train", graph.span, MINIMAL)
    if not graph.losses:
        raise error("training", f"{graph.name} has no loss to minimize", graph.span, "add e.g. `loss MSELoss(p, y)`")
    if tensorboard:
        require_tensorboard()
    seed, device = _seed(settings), device_of(settings)
    table = table or load_data(data)
    prepared, doubts = prepared_data(graph, table, data, settings)
    _say(doubts, stream)
    path = new_run(base, name)
    try:
        started = datetime.now().astimezone()
        torch.manual_seed(seed)
        model = factory().to(device)
        history = _fit(graph, model, settings, prepared, stream, pictures, path if tensorboard else None)
        model.cpu()  # where whoever goes on with it has its data
        record = {"network": graph.name, "seed": seed, "device": str(device), **environment(), **_times(started)}
        record |= {**outcome(history), "overrides": dict(overrides or {}), "preprocessing": prepared.preprocessing.record}
        write(path / "model.safetensors", model_bytes(model))
        if history.best is not None and history.best.state:
            write(path / "best.safetensors", state_bytes(history.best.state))
        for used in map(Path, graph.python_files.values()):  # so that the folder alone says what was trained
            write(path / used.name, used.read_bytes())
        for file, text in (("spec.net", _heading(record) + spec), ("metrics.csv", metrics_csv(history)), ("run.json", json_text(record))):
            write(path / file, text)
    except BaseException:
        with contextlib.suppress(OSError):
            path.rmdir()  # only while it is empty: nothing that was saved is ever removed
        raise
    model.eval()
    if not pictures:
        return Result(path, history, model, prepared)
    from netc.train.after import leave
    from netc.train.report import Trained

    trained = Trained(path.name, graph, model, history, prepared.shown, prepared, record, spec, written, doubts)
    return Result(path, history, model, prepared, tuple(leave(path, trained)))


def _heading(record: Mapping[str, Any]) -> str:
    """A comment over the resolved spec that says what it was trained with."""
    made = f"netc {record['netc']}, torch {record['torch']}, Python {record['python']}"
    return f"# As it was trained: {made}, {count_of(record['threads'], 'thread')}, seed {record['seed']}.\n\n"


def _say(doubts: Sequence[Diagnostic], stream: TextIO | None) -> None:
    """Shows what looks like a slip in the data before the training begins."""
    if stream is not None and doubts:
        stream.write(render_all(doubts) + "\n\n")


def _seed(settings: Section) -> int:
    seed: int = settings["seed"]
    if seed >= 2**63:
        raise error("argument-type", f"`seed` must be below 2**63, and is {seed}", settings.values["seed"].span)
    return seed


def _device(model: nn.Module) -> torch.device:
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def _times(started: datetime) -> dict[str, str]:
    now = datetime.now().astimezone()
    return {"started": started.isoformat(timespec="seconds"), "finished": now.isoformat(timespec="seconds")}


def tensors(arrays: tuple[Any, ...], dtypes: tuple[str, ...], device: torch.device) -> Tensors:
    """The arrays of `Prepared` as tensors of the declared dtypes."""
    return tuple(torch.from_numpy(a).to(device, getattr(torch, d)) for a, d in zip(arrays, dtypes, strict=True))


def _fit(
    graph: Graph, model: nn.Module, settings: Section, prepared: Prepared, stream: TextIO | None, pictures: bool, events_in: Path | None
) -> History:
    device = _device(model)
    home = home_of(sum(a.nbytes for a in (*prepared.train, *(prepared.validation or ()))), device)
    training = tensors(prepared.train, prepared.dtypes, home)
    validation = tensors(prepared.validation, prepared.dtypes, home) if prepared.validation is not None else None
    watched = _watched(graph, training, device) if pictures else None
    with shown(stream, settings["epochs"]) as bar, events(events_in) as writer:
        observer = together(bar, writer)
        measures = make_measures(graph, settings, prepared.target_scaling) if validation is not None else None
        return fit(model, column_names(graph), training, settings, validation, observer, watched, measures=measures)


def _watched(graph: Graph, training: Tensors, device: torch.device) -> Tensors | None:
    """The first samples of the inputs, as many as a picture can show."""
    if not graph.outputs:
        return None
    kind = graph.inputs[0].type
    assert isinstance(kind, TensorType)
    rows = kind.shape[0] if isinstance(kind.shape[0], int) else MOST_WATCHED
    return tuple(tensor[:rows].to(device) for tensor in training[: len(graph.inputs)])
