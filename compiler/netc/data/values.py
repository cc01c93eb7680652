"""The values of data: numbers that are finite, and that the declared dtype can hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from netc.data.columns import Columns, chunks
from netc.data.normalize import Array
from netc.data.store import release
from netc.data.table import Table
from netc.diagnostics import Diagnostic, Related, count_of, listed
from netc.source import Span
from netc.tensors import BOOL, INTEGERS

MOST_COLUMNS = 6  # columns with bad values that a message lists


def _columns(array: Array) -> Array:
    return array.reshape(len(array), -1)


def not_finite(parts: Sequence[tuple[Columns, bool]], table: Table, *, is_target: bool = False) -> list[Diagnostic]:
    """A problem where values are no numbers, infinite, or missing (but where the bool says that they may be).

    It says in which columns, how many, and where first.
    """
    texts = [name for part, _ in parts if part.kind == "number" and not part.is_numeric for name in _texts(part)]
    if texts:
        hint = "give each a number, or leave the column out"
        return [Diagnostic("data-value", f"the data has what is no number, in {listed(texts)}", table.span, hint=hint)]
    is_file = table.first_line is not None
    counted = [_Counted.of(part, may_miss) for part, may_miss in parts if part.kind != "other"]
    missing = [c for count in counted for c in count.missing]
    infinite = [c for count in counted for c in count.infinite]
    hint = TARGET_HINT.format(in_group(missing[0][0])) if is_target and missing else MISSING_HINT
    if not is_file:  # in an array both are numbers that are none
        merged = {name: (rows, first) for name, rows, first in missing}
        for name, rows, first in infinite:
            before = merged.get(name, (0, first))
            merged[name] = (before[0] + rows, min(before[1], first))
        return _counted("NaN or infinite", [(n, *v) for n, v in merged.items()], table, hint if missing else INFINITE_HINT)
    return [*_counted("missing", missing, table, hint), *_counted("infinite", infinite, table, INFINITE_HINT)]


INFINITE_HINT = "correct these values, or leave the rows out"
MISSING_HINT = (
    "`missing = drop` leaves these rows out; in inputs `most_frequent` or a value stands for them, `mean` and `median` for numbers only; "
    "a `group` says it of single columns"
)
TARGET_HINT = "`group {} {{ missing = drop }}` in the `data` section leaves these rows out; a target is never made up"


def in_group(name: str) -> str:
    """The name of a column as a group has it."""
    return name if name.isidentifier() else f'"{name}"'


@dataclass(frozen=True, slots=True)
class _Counted:
    """The columns with missing and with infinite values: name, how many, the first row."""

    missing: list[tuple[str, int, int]]
    infinite: list[tuple[str, int, int]]

    @staticmethod
    def of(part: Columns, may_miss: bool) -> _Counted:
        if part.kind != "category" and part.values.dtype.kind not in "fc":
            return _Counted([], [])
        counts, firsts = np.zeros((2, len(part.names)), int), np.zeros((2, len(part.names)), int)
        for rows in chunks(len(part.values), part.width):
            for which, bad in enumerate((part.missing(rows), _infinite(part, rows))):
                new = (counts[which] == 0) & bad.any(axis=0)
                firsts[which] = np.where(new, rows.start + bad.argmax(axis=0), firsts[which])
                counts[which] += bad.sum(axis=0)
            release()
        missing, infinite = (
            [(name, int(c), int(f)) for name, c, f in zip(part.names, *both, strict=True) if c] for both in zip(counts, firsts, strict=True)
        )
        return _Counted([] if may_miss else missing, infinite)


def _infinite(part: Columns, rows: slice) -> Array:
    values = part.values[rows]
    if part.kind == "category":
        return np.zeros(values.shape, bool)
    bad = np.isinf(values)
    return np.asarray(bad.reshape(len(values), -1).any(axis=1, keepdims=True) if part.kind == "array" else bad)


def _counted(what: str, columns: Sequence[tuple[str, int, int]], table: Table, hint: str) -> list[Diagnostic]:
    if not columns:
        return []
    found = [f"{count} in `{name}`, first in {table.place(first)}" for name, count, first in columns]
    more = [f"{count_of(len(found) - MOST_COLUMNS, 'column')} more"] if len(found) > MOST_COLUMNS else []
    number = sum(count for _, count, _ in columns)
    total = f"{count_of(number, 'value')} that {'is' if number == 1 else 'are'} {what}"
    return [Diagnostic("data-value", f"the data has {total}: {'; '.join(found[:MOST_COLUMNS] + more)}", table.span, hint=hint)]


def _texts(part: Columns) -> list[str]:
    """The columns that hold what is no number; all where none can be told."""
    return [name for name, column in zip(part.names, part.values.T, strict=True) if not _are_numbers(column)] or list(part.names)


def _are_numbers(column: Array) -> bool:
    try:
        column.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


Chunk = tuple[Array, Array]  # rows of the table, and their values as numbers before they are cast


@dataclass(frozen=True, slots=True)
class Declared:
    """An input or target as the network declares it."""

    name: str
    dtype: str
    kind: str = "input"
    shape: str = ""
    span: Span | None = None


def unheld(declared: Declared, parts: Iterable[Chunk], table: Table) -> list[Diagnostic]:
    """A problem where a finite value is none that the declared dtype can hold: how many, and the first."""
    count, first = 0, None
    for rows, values in parts:
        bad = _unheld(values, declared.dtype)
        count += int(bad.sum())
        if first is None and bad.any():
            at = int(np.flatnonzero(_columns(bad).any(axis=1))[0])
            first = rows[at], _columns(values)[at][_columns(bad)[at]][0]
    if first is None:
        return []
    row, value = first
    name, dtype = declared.name, declared.dtype
    where = f"e.g. {value} in {table.place(int(row))}"
    message = f"`{name}` is declared {dtype}, and {count_of(count, 'value')} of the data cannot be that, {where}"
    hint = f"{'int64' if dtype in INTEGERS else 'float32'} holds more, as does a scaled value: `normalize`"
    if dtype in INTEGERS + BOOL and value != int(value):
        hint = _with_fractions(declared) if declared.shape else ""
    if declared.span is None:
        return [Diagnostic("data-value", message, table.span, hint=hint)]
    return [Diagnostic("data-value", message, declared.span, "declared here", (Related(table.span, "the data"),), hint)]


def _with_fractions(declared: Declared) -> str:
    """What to declare for numbers with fractions; a target of one whole number a row is a class, and its loss one for classes."""
    if declared.kind == "target" and "," not in declared.shape:
        column = f"{declared.shape[:-1]}, 1]"
        return (
            f"for numbers with fractions declare `target {declared.name}: {column}`, predict one, e.g. with `Linear(1)`, and take `MSELoss`"
        )
    return f"for numbers with fractions declare `{declared.kind} {declared.name}: {declared.shape}`"


def _unheld(array: Array, dtype: str) -> Array:
    if array.dtype.kind in "fc" and dtype not in INTEGERS + BOOL:
        return np.asarray(np.isfinite(array) & ~np.isfinite(cast(array, dtype)))
    if dtype not in INTEGERS + BOOL or array.dtype.kind not in "iuf":
        return np.zeros(array.shape, bool)
    low, high = (0, 1) if dtype in BOOL else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.asarray((array != np.rint(array)) | (array < low) | (array > high))


def cast(array: Array, dtype: str) -> Array:
    """The array in a declared dtype; `bfloat16`, which numpy lacks, as `float32`."""
    with np.errstate(over="ignore"):  # what overflows is found afterwards, and reported
        return array.astype("float32" if dtype == "bfloat16" else dtype)
