"""The rows of a file with columns put behind them: what stood in the file stands there as it did."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netc.data.normalize import Array
from netc.diagnostics import error, listed
from netc.files import write
from netc.runs.given import TEXTS, Given

Cells = list[list[str]]
PARQUET = (".parquet", ".pq")


def with_columns(given: Given, columns: Mapping[str, Array], rows: Array, out: Path | None) -> str | None:
    """Writes the rows of the file with the columns behind their own into `out`; without `out` gives them as CSV.

    `rows` are the rows that the columns are of; the others have nothing there. Arrays of numpy have no columns of their own.
    Raises NetError, also for a column that the file has already.
    """
    names = _names(given)
    if twice := [name for name in columns if name in names]:
        raise error("data", f"`{given.path.name}` has a column {listed(twice)} already, and the predictions would go there",
                    hint="rename it in the file")  # fmt: skip
    ending = ".csv" if out is None else out.suffix.lower()
    if ending not in (*TEXTS, *PARQUET):
        raise error("data", f"predictions cannot be written as `{ending}`", hint=f"the endings are {listed([*TEXTS, *PARQUET])}")
    content: str | bytes = _parquet(given, columns, rows) if ending in PARQUET else _text(given, names, columns, rows)
    if out is None:
        assert isinstance(content, str)
        return content
    write(out, content)
    return None


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in PARQUET


def _names(given: Given) -> list[str]:
    """The columns of the file, also those that the network does not take."""
    return list(given.table.names) if _is_parquet(given.path) or given.path.suffix.lower() in TEXTS else []


def _cells(given: Given) -> Cells:
    """The rows as they are written."""
    if _is_parquet(given.path):
        return [["" if v is None else str(v) for v in row.values()] for row in _read_parquet(given.path).to_pylist()]
    if given.path.suffix.lower() not in TEXTS:
        return [[] for _ in range(len(given.table))]
    values = given.like.values if given.like else {}
    encoding = str(values.get("encoding", "utf8"))
    with given.path.open(encoding="utf-8-sig" if encoding in ("utf8", "utf-8") else encoding, newline="") as file:
        rows = [row for row in csv.reader(file, delimiter=given.delimiter) if row]
    return rows[1:] if values.get("header", True) else rows


def _text(given: Given, names: list[str], columns: Mapping[str, Array], rows: Array) -> str:
    decimal = str(given.like.values["decimal"]) if given.like else "."
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=given.delimiter, lineterminator="\n")
    writer.writerow([*names, *columns])
    place = {int(row): i for i, row in enumerate(rows)}
    for row, cells in enumerate(_cells(given)):
        i = place.get(row)
        writer.writerow([*cells, *("" if i is None else _cell(column[i], decimal) for column in columns.values())])
    return buffer.getvalue()


def _cell(value: Any, decimal: str) -> str:
    """As few digits as give the number again in its own precision."""
    return str(value).replace(".", decimal) if value.dtype.kind == "f" else str(value)


def _read_parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(path)


def _parquet(given: Given, columns: Mapping[str, Array], rows: Array) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if _is_parquet(given.path):
        table = _read_parquet(given.path)
    else:  # as texts, for they are to stay what they are
        table = pa.table(dict(zip(_names(given), map(list, zip(*_cells(given), strict=True)), strict=True)))
    place = {int(row): i for i, row in enumerate(rows)}
    for name, column in columns.items():
        kind = pa.from_numpy_dtype(column.dtype) if column.dtype.kind == "f" else None
        values = pa.array([column[place[row]].item() if row in place else None for row in range(len(given.table))], kind)
        table = table.append_column(name, values) if table.column_names else pa.table({name: values})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()
