"""Data frames: what their columns are called, and those that hold more than numbers as a table, by the rules of every other source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from netc.data.arrow import columns_of, frame_table
from netc.data.columns import Columns


def mixed(features: Any) -> pa.Table | None:
    """A data frame (pandas, polars, pyarrow) with texts, true and false, dates or missing values; None for anything else.

    What holds numbers only is an array to scikit-learn. Raises ValueError where a column holds values of several types.
    """
    if not (hasattr(features, "columns") and (hasattr(features, "__arrow_c_stream__") or hasattr(features, "__dataframe__"))):
        return None
    try:
        table = frame_table(features)
    except (TypeError, ValueError, pa.ArrowException) as e:
        raise ValueError(f"X is a data frame that cannot be read: {' '.join(map(str, e.args))}") from e
    return None if all(_are_numbers(column) for column in table.columns) else table


def names_of(values: Any) -> list[str] | None:
    """What the columns of a data frame (pandas, polars, pyarrow) are called; None where these are no texts, or alike, and for all else."""
    columns = getattr(values, "column_names", getattr(values, "columns", None))
    names = [] if columns is None else list(columns)
    return [str(name) for name in names] if names and all(isinstance(n, str) for n in names) and len(set(names)) == len(names) else None


def parts_of(table: pa.Table, names: Sequence[str], kinds: Mapping[str, str]) -> list[Columns]:
    """The columns of the frame under these names; `kinds` says of which kind each was in training."""
    named = table.rename_columns(list(names))
    return columns_of(named.schema, lambda columns: iter(named.select(columns).to_batches()), named.num_rows, 0, kinds)


def _are_numbers(column: pa.ChunkedArray) -> bool:
    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return is_number and not column.null_count
