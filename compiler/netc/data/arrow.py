"""Columns from batches of Arrow: of a CSV or Parquet file, of a data frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from netc.data.columns import EMPTY, Columns, category_column, chunks
from netc.data.normalize import Array
from netc.data.store import LARGE_BYTES, new_array, release

pc: Any = pyarrow.compute  # its functions are made when it is imported, so no checker knows them

MOST_TEXTS = 2**16  # different texts of a column; more are no categories that a network could take
LEAST_NAMES = 20  # rows of which each has a text of its own, before they are taken for names
DATE = r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ]\d{1,2}:\d{2}.*)?\s*$"
# A number with thousands apart, a decimal comma, a currency or a percent sign.
NOTATION = r"^\s*[€$£¥]?\s*[-+]?(\d{1,3}([,' ]\d{3})+|\d+)([.,]\d+)?\s*[%€$£¥]?\s*$"

Batches = Callable[..., Iterator[pa.RecordBatch]]  # of the columns of those names: `batches(columns=["a"])`


def columns_of(schema: pa.Schema, batches: Batches, rows: int, size: int, kinds: Mapping[str, str]) -> list[Columns]:
    """The columns of a table of that many rows and about that many bytes, of which one with `LARGE_BYTES` or more stands in files.

    `kinds` says of which kind a column was in training. A column that no network takes gets the kind `other`.
    """
    in_file = size > LARGE_BYTES
    builders = {f.name: b for f in schema if (b := _builder(f, rows, in_file, kinds.get(f.name))) is not None}
    for batch in batches(columns=list(builders)) if builders else ():
        for name, builder in builders.items():
            builder.add(batch.column(batch.schema.get_field_index(name)))
        release()
    return [builders[f.name].finished() if f.name in builders else _other(f.name, f.type) for f in schema]


def frame_table(frame: Any) -> pa.Table:
    """A data frame of pandas, polars or pyarrow as a table of Arrow, without its index. Raises what they raise where it is none."""
    return pa.Table.from_pandas(frame, preserve_index=False) if hasattr(frame, "iloc") else pa.table(frame)


def _builder(field: pa.Field, rows: int, in_file: bool, kind: str | None) -> _Numbers | _Texts | None:
    """What gathers the values of a column; None where no network takes its type."""
    kind_of, name = pa.types, field.name
    if kind == "category" or _is_text(field.type):
        return _Texts(name, rows, in_file, kind is not None)
    if kind_of.is_boolean(field.type):
        return _Numbers(name, rows, "bool", in_file)
    if kind_of.is_integer(field.type):
        return _Numbers(name, rows, "uint64" if field.type == pa.uint64() else "int64", in_file)
    return _Numbers(name, rows, "float64", in_file) if kind_of.is_floating(field.type) or kind_of.is_decimal(field.type) else None


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner))


def _other(name: str, kind: pa.DataType) -> Columns:
    if pa.types.is_temporal(kind):
        return dates(name)
    if pa.types.is_null(kind):
        return unusable(name, EMPTY, f'leave it out: `ignore = ["{name}"]`')
    return unusable(name, f"holds {kind}, which is neither number nor text", f'leave it out: `ignore = ["{name}"]`')


def unusable(name: str, problem: str, hint: str) -> Columns:
    """A column that no network takes, and why."""
    return Columns("other", (name,), np.empty((0, 1)), problem=problem, hint=hint)


def dates(name: str) -> Columns:
    """A column of dates."""
    hint = f'make numbers of them, e.g. the days since the first, or leave them out: `ignore = ["{name}"]`'
    return unusable(name, "holds dates", hint)


class _Numbers:
    """A column of numbers or bools; it becomes one of floats where a value is missing, which is then NaN."""

    def __init__(self, name: str, rows: int, dtype: str, in_file: bool) -> None:
        self.name, self.is_bool, self.in_file, self.at = name, dtype == "bool", in_file, 0
        self.values: Array = new_array((rows,), dtype, in_file=in_file)

    def add(self, array: pa.Array) -> None:
        end = self.at + len(array)
        if pa.types.is_decimal(array.type):
            array = array.cast(pa.float64())
        if array.null_count:
            self._to_floats()
            array = array.cast(pa.float64())
        self.values[self.at : end] = array.to_numpy(zero_copy_only=False)
        self.at = end

    def _to_floats(self) -> None:
        if self.values.dtype.kind == "f":
            return
        old, self.values = self.values, new_array(self.values.shape, "float64", in_file=self.in_file)
        for rows in chunks(self.at, 1):
            self.values[rows] = old[rows]

    def finished(self) -> Columns:
        return Columns("bool" if self.is_bool else "number", (self.name,), self.values.reshape(-1, 1))


class _Texts:
    """A column of texts; they are sorted at the end, as scikit-learn's encoders do."""

    def __init__(self, name: str, rows: int, in_file: bool, is_known: bool) -> None:
        self.name, self.is_known, self.at = name, is_known, 0
        self.codes: Array = new_array((rows,), "int32", in_file=in_file)
        self.places: dict[str, int] = {}

    def add(self, array: Any) -> None:
        end = self.at + len(array)
        if len(self.places) <= MOST_TEXTS:
            if not pa.types.is_dictionary(array.type):
                array = array.cast(pa.string()).dictionary_encode()
            own = np.array([*(self.places.setdefault(t, len(self.places)) for t in array.dictionary.to_pylist()), -1], np.int32)
            self.codes[self.at : end] = own[pc.fill_null(array.indices, len(own) - 1).to_numpy(zero_copy_only=False)]
        self.at = end

    def finished(self) -> Columns:
        texts = sorted(self.places)
        leave_out = f'leave it out: `ignore = ["{self.name}"]`'
        if len(texts) > MOST_TEXTS:
            return unusable(self.name, f"has more than {MOST_TEXTS:,} different texts", leave_out)
        if texts and pc.all(pc.match_substring_regex(pa.array(texts), DATE)).as_py():
            return dates(self.name)
        if not self.is_known and len(texts) > LEAST_NAMES and pc.all(pc.match_substring_regex(pa.array(texts), NOTATION)).as_py():
            hint = 'write plain numbers such as 1234.5, with a decimal comma `decimal=","`, or ' + leave_out
            return unusable(self.name, f"holds numbers in another notation, e.g. `{next(iter(self.places))}`", hint)
        if not self.is_known and len(texts) == len(self.codes) >= LEAST_NAMES:
            return unusable(self.name, "has another text in every row, as a name or number of a row has", leave_out)
        order = np.array([*(self.places[t] for t in texts), -1], np.int32)
        place = np.empty(len(order), np.int32)
        place[order] = [*range(len(texts)), -1]
        for rows in chunks(len(self.codes), 1):
            self.codes[rows] = place[self.codes[rows]]
        return category_column(self.name, self.codes, texts)
