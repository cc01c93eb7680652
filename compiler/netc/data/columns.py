"""Columns of a table, of one kind side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netc.data.normalize import Array

CHUNK_BYTES = 4 * 2**20  # how much of a table is worked on at a time: a small one at once, a large one within bounds


EMPTY = "is empty in every row"


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a kind: `number` or `bool` values `[n, k]`, a `category` `[n, 1]`, an `array` `[n, …]`, or `other`.

    A missing number is NaN. The values of a category are the places of its texts in `categories`, and -1 where missing; with
    `is_numbers` the texts are labels that stand as whole numbers in the source.
    `other` is what no network takes; it has no values, `problem` says what it is and `hint` what to do.
    """

    kind: str
    names: tuple[str, ...]
    values: Array
    categories: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""
    is_numbers: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers that can be computed with."""
        return self.kind != "other" and self.values.dtype.kind in "biuf"

    @property
    def width(self) -> int:
        """How many numbers a row has, as they stand."""
        return int(np.prod(self.values.shape[1:], dtype=int))

    def picked(self, names: Sequence[str]) -> Columns:
        """Those of the columns, in that order."""
        if tuple(names) == self.names:
            return self
        places = [self.names.index(name) for name in names]
        return replace(self, names=tuple(names), values=self.values[:, places])

    def rows(self, which: Any) -> Columns:
        """Those of the rows."""
        return self if self.kind == "other" else replace(self, values=self.values[which])

    def missing(self, rows: slice = slice(None)) -> Array:
        """Where values are missing, `[n, k]` of bool; an array counts as one column."""
        values = self.values[rows]
        if self.kind == "category":
            return np.asarray(values < 0)
        if values.dtype.kind not in "fc":
            return np.zeros((len(values), len(self.names)), bool)
        bad = np.isnan(values)
        return np.asarray(bad.reshape(len(values), -1).any(axis=1, keepdims=True) if self.kind == "array" else bad)


def chunks(rows: int, width: int) -> Iterator[slice]:
    """Slices that together are all rows, each of `CHUNK_BYTES` at most in numbers of 8 bytes."""
    step = max(1, CHUNK_BYTES // (8 * max(width, 1)))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def number_columns(names: Sequence[str], values: Array) -> Columns:
    """Columns of numbers `[n, k]` or `[n]`."""
    values = values.reshape(-1, 1) if values.ndim == 1 else values
    return Columns("bool" if values.dtype.kind == "b" else "number", tuple(names), values)


def category_column(name: str, codes: Array, categories: Sequence[str]) -> Columns:
    """A column of texts, by their places in `categories`."""
    return Columns("category", (name,), codes.reshape(-1, 1), tuple(categories))


def all_missing(part: Columns, kind: str, rows: int) -> Columns:
    """A column that is empty in every row as one of a kind whose values are all missing."""
    assert part.problem == EMPTY
    values = np.full((rows, 1), -1) if kind == "category" else np.full((rows, 1), np.nan)
    return Columns(kind, part.names, values)


def is_number(text: str) -> bool:
    """Whether a text spells a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
