"""How columns become the numbers that a network takes: filled, scaled or encoded by what the training rows have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netc.data.columns import Columns, chunks
from netc.data.normalize import Array, Scaling, fit_scaling
from netc.data.store import release
from netc.graph import Argument

IMPUTED = ("mean", "median", "most_frequent")


class NoValueError(ValueError):
    """A column has no value in the rows to train on that could stand for missing ones."""

    def __init__(self, column: str) -> None:
        super().__init__(f"`{column}` has no value in the rows to train on")
        self.column = column


class NoScaleError(ValueError):
    """The rows to train on have nothing by which a column could be scaled."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column


@dataclass(frozen=True, slots=True)
class Encoding:
    """What was fitted to columns of one kind.

    `fill` stands for what is missing: a number for each column, or the one text of a category; with `drops` a row where something is
    missing is left out. `categories` are the texts that were there; with `one_hot` each is a column of its own, else their places are
    the numbers. With `is_numbers` the texts stand as whole numbers in the data.
    """

    kind: str
    names: tuple[str, ...]
    scaling: Scaling | None = None
    fill: tuple[float, ...] | str | None = None
    categories: tuple[str, ...] = ()
    one_hot: bool = False
    drops: bool = False
    is_numbers: bool = False

    def width(self, columns: Columns) -> int:
        """How many numbers a row becomes."""
        return len(self.categories) if self.one_hot else columns.width

    def apply(self, columns: Columns, rows: Any = slice(None)) -> Array:
        """Those rows as numbers, `[m, k]` (an array `[m, …]`). Texts that were not there before are zeros, or -1 as a place."""
        values = columns.values[rows]
        if self.kind == "category":
            return self._encoded(places_of(columns.categories, self.categories)[values[:, 0]], values[:, 0] < 0)
        if self.fill is not None and values.dtype.kind in "fc":
            values = np.where(np.isnan(values), np.array(self.fill), values)
        return values if self.scaling is None else self.scaling.apply(values)

    def _encoded(self, places: Array, missing: Array) -> Array:
        if isinstance(self.fill, str):
            places = np.where(missing, self.categories.index(self.fill) if self.fill in self.categories else -1, places)
        if not self.one_hot:
            return places.reshape(-1, 1)
        return np.asarray(places.reshape(-1, 1) == np.arange(len(self.categories)), np.float32)

    @property
    def record(self) -> dict[str, Any]:
        """What was fitted as JSON can hold it, without what says nothing."""
        facts = {"categories": list(self.categories), "one_hot": self.one_hot, "drops": self.drops, "is_numbers": self.is_numbers,
                 "fill": list(self.fill) if isinstance(self.fill, tuple) else self.fill,
                 "scaling": self.scaling.record if self.scaling else None}  # fmt: skip
        return {"kind": self.kind, "columns": list(self.names)} | {k: v for k, v in facts.items() if v not in (None, [], False)}

    @staticmethod
    def from_record(record: dict[str, Any]) -> Encoding:
        """What `record` was made of."""
        scaling, fill = record.get("scaling"), record.get("fill")
        return Encoding(
            record["kind"], tuple(record["columns"]), Scaling.from_record(scaling) if scaling else None,
            tuple(fill) if isinstance(fill, list) else fill, tuple(record.get("categories", ())), record.get("one_hot", False),
            record.get("drops", False), record.get("is_numbers", False),
        )  # fmt: skip


def places_of(texts: Sequence[str], known: Sequence[str]) -> Array:
    """For each text its place among the known ones, -1 where it is none; at the end, for what is missing, -1."""
    places = {text: i for i, text in enumerate(known)}
    return np.array([*(places.get(text, -1) for text in texts), -1])


def fit_encodings(
    columns: Sequence[Columns],
    train: Array,
    normalize: Sequence[Argument],
    missing: Sequence[Any],
    *,
    one_hot: bool,
    all_texts: bool = False,
) -> list[Encoding]:
    """What turns these columns of one input or target into numbers, fitted to the rows `train` only.

    `normalize` says for each of the columns how its numbers are scaled (a category, and a column of true and false, is no quantity), and
    `missing` what the setting of that name may be; with `all_texts` the categories are those of the table, as classes are what there is
    to tell apart. Raises NoScaleError where `max` finds nothing positive to divide by, NoValueError where a column has no value to go by.
    """
    filled = [_fill(c, train, way) for c, way in zip(columns, missing, strict=True)]
    scalings = _scalings(columns, filled, train, normalize)
    found = []
    for part, fill, scaling, way in zip(columns, filled, scalings, missing, strict=True):
        texts = () if part.kind != "category" else part.categories if all_texts else _categories(part, train, fill)
        is_one_hot = one_hot and part.kind == "category"
        found.append(Encoding(part.kind, part.names, scaling, fill, texts, is_one_hot, way == "drop", part.is_numbers))
    return found


def _categories(columns: Columns, train: Array, fill: tuple[float, ...] | str | None) -> tuple[str, ...]:
    """The texts of the training rows, and what stands for missing ones, in the order of the source or of the alphabet."""
    there = np.zeros(len(columns.categories) + 1, bool)
    for rows in chunks(len(train), 1):
        there[columns.values[train[rows], 0]] = True
        release()
    texts = [text for text, used in zip(columns.categories, there, strict=False) if used]
    return (*texts, fill) if isinstance(fill, str) and fill not in texts and there[-1] else tuple(texts)


def _fill(columns: Columns, train: Array, missing: Any) -> tuple[float, ...] | str | None:
    """What stands for missing values, by scikit-learn's imputer."""
    if columns.kind == "array" or missing in ("error", "drop"):
        return None
    if columns.kind == "category":
        return _filling_text(columns, train) if missing == "most_frequent" else missing if isinstance(missing, str) else None
    if isinstance(missing, str) and missing not in IMPUTED:
        return None
    if missing not in IMPUTED:
        return (float(missing),) * len(columns.names)
    from sklearn.impute import SimpleImputer

    found = []
    for i, name in enumerate(columns.names):
        column = columns.values[train, i : i + 1]
        if column.dtype.kind == "f" and np.isnan(column).all():
            raise NoValueError(name)
        fitted: Any = SimpleImputer(strategy=missing).fit(column.astype(np.float64))
        found.append(float(fitted.statistics_[0]))
        release()
    return tuple(found)


def _filling_text(columns: Columns, train: Array) -> str:
    counts = np.bincount(columns.values[train, 0] + 1, minlength=len(columns.categories) + 1)[1:]
    if not counts.any():
        raise NoValueError(columns.names[0])
    return columns.categories[int(counts.argmax())]


def _scalings(columns: Sequence[Columns], fills: Sequence[Any], train: Array, ways: Sequence[Argument]) -> list[Scaling | None]:
    """A scaling for each part that holds quantities; `max` is one for all of those of which it is said at once."""
    plain = [Encoding(c.kind, c.names, fill=f) for c, f in zip(columns, fills, strict=True)]

    def values(i: int) -> Iterator[Array]:
        for rows in chunks(len(train), columns[i].width):
            yield plain[i].apply(columns[i], train[rows])
            release()

    found: list[Scaling | None] = [None] * len(columns)
    scaled = [i for i, c in enumerate(columns) if c.kind in ("number", "array") and ways[i].value != "none"]
    for i in scaled:
        if found[i] is not None:
            continue
        together = [k for k in scaled if ways[k] is ways[i]] if ways[i].value == "max" else [i]
        try:
            scaling = fit_scaling(ways[i].value, (part for k in together for part in values(k)), whole=columns[i].values.ndim > 2)
        except ValueError as e:
            raise NoScaleError(columns[i].names[0], str(e)) from e
        for k in together:
            found[k] = scaling
    return found
