"""Tables from files: CSV, Parquet, numpy's arrays, and what a Python function gives."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netc.data.arrays import UNREADABLE, as_array
from netc.data.columns import Columns, number_columns
from netc.data.magic import misnamed
from netc.data.normalize import Array
from netc.data.store import mapped
from netc.data.table import Table, table_of
from netc.diagnostics import NetError, did_you_mean, error, listed
from netc.ops import python
from netc.source import Span

Kinds = Mapping[str, str]  # what columns were in training, by name


def read_csv(values: dict[str, Any], span: Span, kinds: Kinds) -> Table:
    """A text file of a row a line. Raises NetError `data`."""
    from netc.data.delimited import Format, read

    path = found(values.pop("file"), span)
    if wrong := misnamed(path, "CSV", span):
        raise wrong
    return read(path, Format(**values), span, kinds)


def read_parquet(values: dict[str, Any], span: Span, kinds: Kinds) -> Table:
    """A Parquet file. Raises NetError `data`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from netc.data.arrow import columns_of

    path = found(values["file"], span)
    try:
        file = pq.ParquetFile(path)
        size = file.metadata.num_rows * 8 * len(file.schema_arrow.names)
        parts = columns_of(file.schema_arrow, file.iter_batches, file.metadata.num_rows, size, kinds)
    except (pa.ArrowException, OSError) as e:
        raise _unreadable(path, "Parquet", span, e) from e
    return _checked(Table(tuple(parts), (), span), path.name, span)


def read_npy(values: dict[str, Any], span: Span, kinds: Kinds) -> Table:
    """Arrays of numpy, one a file, mapped into memory. Raises NetError `data`."""
    arrays = [_npy(found(values[key], span), span) for key in ("features", "target") if values.get(key)]
    features = arrays[0] if arrays[0].ndim > 1 else arrays[0].reshape(-1, 1)
    target = arrays[1] if len(arrays) > 1 else None
    _check_rows({"features": features} | ({"target": target} if target is not None else {}), span)
    if target is not None and target.ndim > 2:
        raise error("data", f"the target has the shape {list(target.shape)}", span, "`npz` takes arrays by name")
    return table_of(features, target, span)


def _npy(path: Path, span: Span) -> Array:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as e:
        raise _unreadable(path, "an array of numpy", span, e) from e
    if not isinstance(array, np.ndarray):
        raise error("data", f"`{path.name}` holds several arrays", span, 'write `npz("…")`')
    return mapped(array) if isinstance(array, np.memmap) else array


def read_npz(values: dict[str, Any], span: Span, kinds: Kinds) -> Table:
    """Arrays by name: one of a number a row is a column, any other is an input of its own. Raises NetError `data`."""
    path = found(values["file"], span)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files} if hasattr(file, "files") else {}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as e:
        raise _unreadable(path, "arrays of numpy", span, e) from e
    if not arrays:
        raise error("data", f"`{path.name}` holds no arrays by name", span, 'for a single array write `npy("…")`')
    return _of_arrays(arrays, span)


def _of_arrays(arrays: Mapping[str, Array], span: Span) -> Table:
    _check_rows(arrays, span)
    parts = [number_columns([n], a) if a.ndim == 1 else Columns("array", (n,), a) for n, a in arrays.items()]
    return Table(tuple(parts), (), span)


def _check_rows(arrays: Mapping[str, Array], span: Span) -> None:
    """NetError where the arrays are not of the same number of rows, or hold no numbers."""
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise error("data", f"`{name}` holds {array.dtype}, which is no number", span)
    shapes = ", ".join(f"`{name}` {list(array.shape)}" for name, array in arrays.items())
    if any(array.ndim == 0 for array in arrays.values()) or len({len(array) for array in arrays.values()}) > 1:
        raise error("data", f"the arrays have not all the same number of rows: {shapes}", span, "the first axis is the row")
    if any(len(array) == 0 for array in arrays.values()):
        raise error("data", "the data has no rows", span)


# --- Python -------------------------------------------------------------------------------------------------------


def read_python(values: dict[str, Any], span: Span, kinds: Kinds) -> Table:
    """What a function without arguments gives: features and target, arrays by name, or a table (pandas, polars, pyarrow)."""
    name = values["function"]
    try:
        made = python.function(name)()
    except python.Unusable as why:
        raise error("data", why.message, span, why.hint) from None
    except Exception as e:
        raise error("data", f"`{name.rpartition('/')[2]}` failed: {type(e).__name__}: {_first_line(e)}", span) from e
    if isinstance(made, tuple) and len(made) == 2:
        features, target = (_array(part, values, span) for part, values in zip(("features", "target"), made, strict=True))
        _check_rows({"features": features, "target": target}, span)
        return table_of(features if features.ndim > 1 else features.reshape(-1, 1), target, span)
    if isinstance(made, Mapping):
        return _of_arrays({str(key): _array(str(key), value, span) for key, value in made.items()}, span)
    return _of_frame(made, name, span, kinds)


def _array(name: str, values: Any, span: Span) -> Array:
    try:
        return as_array(values)
    except UNREADABLE as e:
        raise error("data", f"`{name}` is no array: {_first_line(e)}", span) from e


def _of_frame(made: Any, name: str, span: Span, kinds: Kinds) -> Table:
    import pyarrow as pa

    from netc.data.arrow import columns_of, frame_table

    try:
        table = frame_table(made)
    except (TypeError, ValueError, pa.ArrowException) as e:
        what = f"`{name.rpartition('/')[2]}` gives {type(made).__name__}"
        raise error("data", what, span, "give (features, target), a dict of arrays by name, or a pandas DataFrame") from e
    parts = columns_of(table.schema, lambda columns: iter(table.select(columns).to_batches()), table.num_rows, 0, kinds)
    return _checked(Table(tuple(parts), (), span), name.rpartition("/")[2], span)


# --- what they share ----------------------------------------------------------------------------------------------


def found(file: str, span: Span) -> Path:
    """The path of a file. Raises NetError `data` where there is none."""
    path = Path(file)
    relative = "" if Path(span.source.name).resolve() == path.resolve() else "a path is relative to the file that names it"
    if path.is_file():
        if path.stat().st_size == 0:
            raise error("data", f"`{path.name}` is empty", span)
        return path
    if path.is_dir():
        raise error("data", f"`{path.name}` is a folder", span)
    if not path.parent.is_dir():
        raise error("data", f"there is no folder `{path.parent.name}` for `{path.name}`", span, relative)
    beside = sorted(p.name for p in path.parent.iterdir() if p.is_file())[:1000]
    hint = did_you_mean(path.name, beside) or relative
    raise error("data", f"there is no file `{path.name}`", span, hint)


def _unreadable(path: Path, meant: str, span: Span, e: BaseException) -> NetError:
    """A file that the reader of its source refuses."""
    is_csv = path.suffix.lower() in (".csv", ".tsv", ".txt")
    hint = 'write `csv("…")`' if is_csv else ""
    return misnamed(path, meant, span) or error("data", f"`{path.name}` cannot be read as {meant}: {_first_line(e)}", span, hint)


def _checked(table: Table, name: str, span: Span) -> Table:
    twice = sorted({n for n in table.names if table.names.count(n) > 1})
    if twice:
        raise error("data", f"`{name}` has more than one column {listed(twice)}", span, "each column needs a name of its own")
    if not table.names or not (len(table) or any(part.kind == "other" for part in table.parts)):
        raise error("data", f"`{name}` has no rows", span)
    return table


def _first_line(e: BaseException) -> str:
    if isinstance(e, NetError):
        return e.diagnostics[0].message
    return next(iter(str(e).strip().splitlines()), type(e).__name__).rstrip(".")
