"""A table of data as its source gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from netc.data.columns import Columns, category_column, number_columns
from netc.data.normalize import Array
from netc.data.store import release
from netc.source import Span


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a source, each with a name of its own, and the source's place in the spec.

    `targets` are the names of the columns that the source itself says are to be predicted; empty where it does not say, as a
    file does not. `first_line` is the line of the file that the first row stands in, where there is such a file.
    """

    parts: tuple[Columns, ...]
    targets: tuple[str, ...]
    span: Span
    first_line: int | None = None

    def __len__(self) -> int:
        return next((len(part.values) for part in self.parts if part.kind != "other"), 0)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns."""
        return tuple(name for part in self.parts for name in part.names)

    def place(self, row: int) -> str:
        """Where a row stands, in words: `line 7` of a file, else `row 5`, counted from 0."""
        return f"row {row}" if self.first_line is None else f"line {row + self.first_line}"

    def select(self, names: Sequence[str]) -> tuple[Columns, ...]:
        """The columns of those names, in that order; neighbours of one kind stay together."""
        found: list[tuple[Columns, list[str]]] = []
        by_name = {name: part for part in self.parts for name in part.names}
        for name in names:
            part = by_name[name]
            if found and found[-1][0] is part:
                found[-1][1].append(name)
            else:
                found.append((part, [name]))
        return tuple(part.picked(picked) for part, picked in found)

    # --- as arrays, for pictures ----------------------------------------------------------------------------------

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns that are not to be predicted."""
        return tuple(name for name in self.names if name not in self.targets)

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of the columns that are to be predicted."""
        return self.targets

    @property
    def features(self) -> Array:
        """The columns that are not to be predicted as numbers, `[n, F]`."""
        return _stacked(self.select(self.feature_names), len(self))

    @property
    def target(self) -> Array:
        """The columns to be predicted as numbers: `[n]`, or `[n, k]` of several."""
        values = _stacked(self.select(self.targets), len(self))
        return values[:, 0] if values.shape[1] == 1 else values

    @property
    def target_columns(self) -> int:
        """The number of numbers to predict for each row."""
        return len(self.targets)

    @property
    def classes(self) -> Array | None:
        """The class of each row, `[n]`, where the target is one column of ints or texts."""
        if len(self.targets) != 1:
            return None
        (part,) = self.select(self.targets)
        return part.values[:, 0] if part.kind != "other" and part.values.ndim == 2 and part.values.dtype.kind in "iub" else None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The texts that the classes count, where the target is a column of texts."""
        return self.select(self.targets)[0].categories if len(self.targets) == 1 else ()

    def sample(self, most: int) -> Table:
        """The table itself, or so many of its rows at equal distances where it has more."""
        if len(self) <= most:
            return self
        rows = np.linspace(0, len(self) - 1, most).astype(int)
        parts = []
        for part in self.parts:
            parts.append(part.rows(rows))
            release()  # rows at equal distances touch every page
        return replace(self, parts=tuple(parts))


def _stacked(parts: Sequence[Columns], rows: int) -> Array:
    arrays = [part.values for part in parts if part.kind != "other" and part.values.ndim == 2]
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays, axis=1) if arrays else np.empty((rows, 0))


def table_of(
    features: Array,
    target: Array | None,
    span: Span,
    feature_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> Table:
    """A table of arrays: features `[n, F]` or `[n, …]`, target `[n]` or `[n, k]` if there is one.

    Without names the features are `x0`, `x1`, …, or `x` where they have more than two axes, and the target is `y`, or `y0`,
    `y1`, …. `classes` are the names of the classes that the ints of a target `[n]` count.
    """
    assert target is None or (target.ndim in (1, 2) and len(features) == len(target)), (features.shape, target)
    if features.ndim == 2:
        parts = [number_columns(feature_names or [f"x{i}" for i in range(features.shape[1])], features)]
    else:
        parts = [Columns("array", tuple(feature_names or ("x",)), features)]
    if target is None:
        return Table(tuple(parts), (), span)
    columns = 1 if target.ndim == 1 else target.shape[1]
    names = tuple(target_names or (("y",) if columns == 1 else [f"y{i}" for i in range(columns)]))
    parts.append(category_column(names[0], target, classes) if classes else number_columns(names, target))
    return Table(tuple(parts), names, span)
