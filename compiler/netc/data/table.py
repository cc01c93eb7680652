"""A table of data as its source gives it."""

from __future__ import annotations

from dataclasses import dataclass

from netc.data.normalize import Array
from netc.source import Span


@dataclass(frozen=True, slots=True)
class Table:
    """Features `[n, F]` and a target `[n]` or `[n, k]` as the source gives them, with the source's place."""

    features: Array
    target: Array
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    span: Span

    @property
    def target_columns(self) -> int:
        """The number of numbers to predict for each row."""
        return 1 if self.target.ndim == 1 else int(self.target.shape[1])

    @property
    def classes(self) -> Array | None:
        """The class of each row, `[n]`, where the target is one column of ints."""
        column = self.target.reshape(-1) if self.target_columns == 1 else None
        return column if column is not None and column.dtype.kind in "iub" else None


def table_of(features: Array, target: Array, span: Span) -> Table:
    """A table of arrays without names: features `[n, F]`, target `[n]` or `[n, k]`."""
    assert features.ndim == 2 and target.ndim in (1, 2) and len(features) == len(target), (features.shape, target.shape)
    columns = 1 if target.ndim == 1 else target.shape[1]
    names = ("y",) if columns == 1 else tuple(f"y{i}" for i in range(columns))
    return Table(features, target, tuple(f"x{i}" for i in range(features.shape[1])), names, span)
