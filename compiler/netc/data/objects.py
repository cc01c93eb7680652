"""Rows that are given as Python's objects: a data frame, columns by name, an array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from netc.data.arrays import UNREADABLE, as_array
from netc.data.arrow import columns_of, frame_table
from netc.data.columns import Columns, number_columns
from netc.data.files import Kinds
from netc.data.normalize import Array
from netc.data.preprocessing import Fitted
from netc.data.table import Table
from netc.diagnostics import NetError, error, listed
from netc.shapes import shape_text
from netc.source import Source, Span

KNOWN = "what is taken is a data frame, a dict of columns by name, an array of numbers, or the path of a file"


def object_table(data: Any, kinds: Kinds, inputs: Sequence[Fitted]) -> Table:
    """The table of a data frame (pandas, polars, pyarrow), of a dict of columns by name, or of an array of numbers.

    A column of a dict is a list or an array, of which one with more axes is an input of its own. The columns of an array are those
    that the one of the `inputs` was fitted to, in their order. `kinds` says of which kind each column was in training. Raises NetError.
    """
    span = Span(Source("data", ""), 0, 0)
    if isinstance(data, Mapping):
        parts = _of_columns({str(name): values for name, values in data.items()}, kinds, span)
    elif hasattr(data, "columns"):
        parts = _of_frame(data, kinds, span)
    elif hasattr(data, "__array__"):
        parts = _of_array(_read_array(data, span), inputs, span)
    else:
        raise error("data", f"the data is {_article(data)}", span, KNOWN)
    table = Table(tuple(parts), (), span)
    if not len(table):
        raise error("data", "the data has no rows", span)
    return table


def _article(data: Any) -> str:
    name = type(data).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _of_frame(frame: Any, kinds: Kinds, span: Span) -> list[Columns]:
    try:
        table = frame_table(frame)
    except (TypeError, ValueError, pa.ArrowException) as e:
        raise error("data", f"the data is {_article(frame)} that cannot be read: {' '.join(map(str, e.args))}", span) from e
    return _of_table(table, kinds)


def _of_table(table: pa.Table, kinds: Kinds) -> list[Columns]:
    for i, field in enumerate(table.schema):  # of a few rows a column may be empty in all of them
        if pa.types.is_null(field.type) and (kind := kinds.get(field.name)):
            table = table.set_column(i, field.name, table.column(i).cast(pa.string() if kind == "category" else pa.float64()))
    return columns_of(table.schema, lambda columns: iter(table.select(columns).to_batches()), table.num_rows, 0, kinds)


def _read_array(data: Any, span: Span) -> Array:
    try:
        return as_array(data)
    except UNREADABLE as e:
        raise error("data", f"the data is {_article(data)} that cannot be read: {_said(e)}", span) from e


def _said(e: BaseException) -> str:
    return "a whole number needs more than 64 bits" if isinstance(e, OverflowError) else " ".join(map(str, e.args))


def _of_columns(data: Mapping[str, Any], kinds: Kinds, span: Span) -> list[Columns]:
    """Columns of one value a row by Arrow, as those of a data frame; all others as arrays."""
    columns: dict[str, pa.Array] = {}
    arrays: dict[str, Array] = {}
    for name, values in data.items():
        _check_column(name, values, span)
        try:
            if _axes(values) == 1:
                columns[name] = _of_arrow(values)
            else:
                arrays[name] = as_array(values)
        except (*UNREADABLE, pa.ArrowException) as e:
            hint = "give numbers of that size as floats" if isinstance(e, OverflowError) else ""
            raise error("data-value", f"the column `{name}` cannot be read: {_said(e)}", span, hint) from e
    rows = {name: len(values) for name, values in (*columns.items(), *arrays.items())}
    if len(set(rows.values())) > 1:
        counts = ", ".join(f"`{name}` {count}" for name, count in rows.items())
        raise error("data", f"the columns have not all the same number of rows: {counts}", span)
    if strange := [name for name, values in arrays.items() if values.dtype.kind not in "biuf"]:
        raise error("data-value", f"the array {listed(strange)} holds no numbers", span)
    return [*(_of_table(pa.table(columns), kinds) if columns else ()), *(Columns("array", (n,), a) for n, a in arrays.items())]


def _of_arrow(values: Any) -> pa.Array:
    """One value a row; what is masked is missing, of whatever type the others are."""
    if isinstance(values, np.ma.MaskedArray):
        return pa.array(np.ma.getdata(values), mask=np.ma.getmaskarray(values), from_pandas=True)
    return pa.array(as_array(values) if hasattr(values, "__array__") else values, from_pandas=True)


def _check_column(name: str, values: Any, span: Span) -> None:
    """NetError where a single value, or what has no order or length, stands in place of a column."""
    if isinstance(values, Iterable) and not isinstance(values, str | bytes | Sequence) and not hasattr(values, "__array__"):
        raise error("data", f"the column `{name}` is {_article(values)}", span, "a column is a list or an array: `list(…)` makes one")
    if isinstance(values, str | bytes) or not (hasattr(values, "__array__") or isinstance(values, Sequence)) or _axes(values) == 0:
        raise error("data", f"the column `{name}` is a single value, {values!r}", span, f"a column is a list: `{{{name!r}: [{values!r}]}}`")


def _axes(values: Any) -> int:
    """The number of axes of an array; of a list one, or more where its first entry has some."""
    if hasattr(values, "__array__"):
        return int(np.ndim(values))
    first = values[0] if len(values) else None
    return 1 + (_axes(first) if hasattr(first, "__array__") or isinstance(first, list | tuple) else 0)


def _of_array(array: Array, inputs: Sequence[Fitted], span: Span) -> list[Columns]:
    if len(inputs) != 1:
        names = listed(fitted.name for fitted in inputs)
        raise error(
            "data", f"the network has the inputs {names}, and an array does not say which it is for", span, "give a dict of arrays by name"
        )
    (fitted,) = inputs
    if array.dtype.kind not in "biuf":
        raise error(
            "data-value", f"the array holds {array.dtype}, which is no number", span, "give a data frame, or a dict of columns by name"
        )
    if fitted.encodings[0].kind == "array" and array.ndim:
        return [Columns("array", fitted.columns, array)]
    if array.ndim != 2 or array.shape[1] != len(fitted.columns):
        raise _misfit(array, fitted, span)
    return [number_columns(fitted.columns, array)]


def _misfit(array: Array, fitted: Fitted, span: Span) -> NetError:
    return error("data", f"the array is {shape_text(array.shape)}, and the network was trained with [n, {len(fitted.columns)}]", span,
                 f"its columns are {listed(fitted.columns)}")  # fmt: skip
