"""The predictions of a run's model: for the rows of a file, written behind them, and for rows of Python's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netc.data.normalize import Array
from netc.diagnostics import error
from netc.runs.folder import LeftOut, Run, warn_outside
from netc.runs.given import given, rows_of
from netc.runs.rows import with_columns


def predict(run: Run, data: Path, out: Path | None = None, best: bool = False, written: Mapping[str, str] = {}) -> str | None:
    """Writes the rows of `data` into `out`, with the predictions in columns behind their own; without `out` gives them as CSV.

    The rows are prepared as in training, and numbers predicted are in the units of the data. `best` takes the weights of the best
    epoch; `written` is the `delimiter` and `decimal` of the file, where they are not the training's. Rows that lack what the training left
    rows out for have no prediction: then it warns `LeftOut`. Raises NetError where a file cannot be read, lacks a column, or has values
    that the training had not.
    """
    rows = given(run, run.network(), data, written)
    columns, places = run.predictor(best).columns(rows)
    text = with_columns(rows, columns, places, out)
    if missing := rows.missing_in(places):
        warn_outside(f"{missing}: no prediction there, as the network was trained without such rows", LeftOut)
    return text


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
    if missing := rows.missing_in(places):
        message = f"{missing}, and the network was trained without such rows"
        raise error("data-value", message, rows.table.span, "leave them out, or train with what stands for it, e.g. `missing = median`")
    return columns
