"""A run's model on the parts of its own data, or on rows of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from netc.data.checks import no_data, prepared_data
from netc.data.normalize import Array
from netc.data.preprocessing import Preprocessing
from netc.data.sources import load_data
from netc.diagnostics import error
from netc.module import NetModule
from netc.pipeline import Network
from netc.runs.folder import LeftOut, Run, warn_outside
from netc.runs.given import Rows, given, rows_of
from netc.settings import Section
from netc.train.batches import tensors
from netc.train.evaluate import evaluate
from netc.train.measure import make_measures

Values = Mapping[str, float]  # each loss and metric by its name, and `rows`


def evaluate_parts(run: Run, best: bool = False) -> dict[str, Values]:
    """The losses and metrics on the training rows and on each part that was held out, as the spec divides the data.

    The rows are prepared as the run's record says, whatever is fitted to them now.

    `best` takes the weights of the best epoch. Raises `NetError` where the data, the spec or the weights cannot be read.
    """
    predictor = run.predictor(best)
    network, model = predictor.network, predictor.model
    data, settings = sections(network)
    prepared, _ = prepared_data(network.graph, network.table or load_data(data), data, settings, predictor.done)
    size = len(prepared.train[0]) if settings["batch_size"] == "full" else int(settings["batch_size"])  # as validation had it
    parts = {"training": prepared.train, "validation": prepared.validation, "test": prepared.test}
    present = [(name, arrays) for name, arrays in parts.items() if arrays is not None]
    return {name: _values(model, settings, prepared.preprocessing, arrays, size) for name, arrays in present}


def evaluate_file(run: Run, path: Path, best: bool = False, written: Mapping[str, str] = {}) -> dict[str, Values]:
    """The losses and metrics on the rows of a file, which are prepared as in training.

    `written` is the `delimiter` and `decimal` of the file, where they are not the training's.

    Raises `NetError` where the file, the spec or the weights cannot be read, or the file does not fit the training.
    """
    return _evaluate_rows(run, given(run, run.network(), path, written), best)


def evaluate_data(run: Run, data: Any = None, best: bool = False) -> dict[str, Values]:
    """The same of a file at a path, of what `rows_of` takes, or of the run's own data where none is given."""
    if data is None:
        return evaluate_parts(run, best)
    if isinstance(data, str | Path):
        return evaluate_file(run, Path(data), best)
    predictor = run.predictor(best)
    return _evaluate_rows(run, rows_of(data, predictor.done, predictor.network.graph), best)


def _evaluate_rows(run: Run, rows: Rows, best: bool) -> dict[str, Values]:
    predictor = run.predictor(best)
    _, settings = sections(predictor.network)
    applied = rows.inputs_and_targets()
    if missing := rows.missing_in(applied.rows):
        warn_outside(f"{missing}: left out, as the network was trained without such rows", LeftOut)
    arrays = (*applied.inputs, *(applied.targets or ()))
    size = len(arrays[0]) if settings["batch_size"] == "full" else int(settings["batch_size"])
    return {rows.name: _values(predictor.model, settings, rows.done, arrays, size)}


def _values(model: NetModule, settings: Section, done: Preprocessing, arrays: tuple[Array, ...], size: int) -> Values:
    dtypes = tuple(fitted.dtype for fitted in (*done.inputs, *done.targets))
    measures = make_measures(model.graph, settings, done.targets)
    return {"rows": float(len(arrays[0])), **evaluate(model, settings, tensors(arrays, dtypes, torch.device("cpu")), size, measures)}


def sections(network: Network) -> tuple[Section, Section]:
    """The sections of a spec that was trained. Raises `NetError` where it has none."""
    if network.data is None:
        raise no_data(network.graph)
    if network.training is None or not network.graph.losses:
        raise error("training", "the spec of the run does not say how it was trained", network.graph.span)
    return network.data, network.training
