"""The predictions of a run's model: for the rows of a file, written behind them, and for rows of Python's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netc.data.normalize import Array
from netc.diagnostics import count_of, error
from netc.runs.folder import Run
from netc.runs.given import given, rows_of
from netc.runs.rows import with_columns


def predict(run: Run, data: Path, out: Path | None = None, best: bool = False, written: Mapping[str, str] = {}) -> str | None:
    """Writes the rows of `data` into `out`, with the predictions in columns behind their own; without `out` gives them as CSV.

    The rows are prepared as in training, and numbers predicted are in the units of the data. `best` takes the weights of the best
    epoch; `written` is the `delimiter` and `decimal` of the file, where they are not the training's. Raises NetError where a file
    cannot be read, lacks a column, or has values that the training had not.
    """
    rows = given(run, run.network(), data, written)
    columns, places = run.predictor(best).columns(rows)
    return with_columns(rows, columns, places, out)


def predictions(run: Run, data: Any, best: bool = False) -> dict[str, Array]:
    """The columns that `predict` puts behind the rows, `[n]` each, of a file or what `rows_of` takes.

    Raises NetError as that does, and where a row has no prediction, as the training left out what it lacks.
    """
    predictor = run.predictor(best)
    rows = (
        given(run, predictor.network, Path(data))
        if isinstance(data, str | Path)
        else rows_of(data, predictor.done, predictor.network.graph)
    )
    columns, places = predictor.columns(rows)
    if without := len(rows.table) - len(places):
        first = rows.table.place(int(np.setdiff1d(np.arange(len(rows.table)), places)[0]))
        message = f"a value is missing in {count_of(without, 'row')}, first in {first}, and the network was trained without such rows"
        raise error("data-value", message, rows.table.span, "leave them out, or train with what stands for it, e.g. `missing = median`")
    return columns
