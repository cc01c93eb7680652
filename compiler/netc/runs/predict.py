"""The predictions of a run's model for the rows of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from netc.runs.folder import Run
from netc.runs.given import given
from netc.runs.predictions import prediction_columns
from netc.runs.rows import with_columns
from netc.train.batches import tensors
from netc.train.verdict import all_outputs


def predict(run: Run, data: Path, out: Path | None = None, best: bool = False, written: Mapping[str, str] = {}) -> str | None:
    """Writes the rows of `data` into `out`, with the predictions in columns behind their own; without `out` gives them as CSV.

    The rows are prepared as in training, and numbers predicted are in the units of the data. `best` takes the weights of the best
    epoch; `written` is the `delimiter` and `decimal` of the file, where they are not the training's. Raises NetError where a file
    cannot be read, lacks a column, or has values that the training had not.
    """
    network = run.network()
    rows = given(run, network, data, written)
    applied = rows.inputs()
    dtypes = tuple(fitted.dtype for fitted in rows.done.inputs)
    outputs = all_outputs(run.module(best), tensors(applied.inputs, dtypes, torch.device("cpu")))
    return with_columns(rows, prediction_columns(network.graph, outputs, rows.done), applied.rows, out)
