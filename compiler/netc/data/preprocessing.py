"""What was done to the data of a training, so that the same is done to any other data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netc.data.columns import EMPTY, Columns, all_missing, chunks, is_number
from netc.data.encode import Encoding, places_of
from netc.data.labels import as_category
from netc.data.normalize import Array, Scaling
from netc.data.store import LARGE_BYTES, new_array, release
from netc.data.table import Table
from netc.data.values import Chunk, Declared, cast, not_finite, unheld
from netc.diagnostics import Diagnostic, NetError, count_of, did_you_mean, error, listed
from netc.shapes import shape_text

MOST_LOOKED_AT = 100_000  # texts among which the first is looked for that is no number
DECIMAL_COMMA = re.compile(r"`[-+]?\d+,\d+`")
FORMAT = 2  # of the record; to be raised when an older netc could not read it rightly


@dataclass(frozen=True, slots=True)
class Fitted:
    """One input or target: its name, dtype, the sizes of its axes behind the first, and how each part of it is encoded."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    encodings: tuple[Encoding, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is made of."""
        return tuple(name for encoding in self.encodings for name in encoding.names)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that it counts, if it is one column of texts, or of labels that are encoded as texts are."""
        return self.encodings[0].categories if len(self.encodings) == 1 else ()

    def labelled(self, names: Sequence[str]) -> Array:
        """Names of classes as the data has them: as texts or as whole numbers."""
        return np.array([int(name) for name in names] if self.encodings[0].is_numbers else names)

    def numbers(self, parts: Sequence[Columns], rows: Array) -> Iterator[Chunk]:
        """Those rows of the columns as numbers, before they are cast: `[m, k]`, or `[m, *shape]` of an array, a part at a time."""
        width = sum(e.width(p) for e, p in zip(self.encodings, parts, strict=True))
        for places in chunks(len(rows), width):
            arrays = []
            for encoding, part in zip(self.encodings, parts, strict=True):
                arrays.append(encoding.apply(part, rows[places]))
                release()  # few rows may be spread over all of a file
            yield rows[places], arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1)

    @property
    def scaling(self) -> Scaling | None:
        """How all its columns were scaled, one number for each, or one for all; None where none was."""
        scalings = [encoding.scaling for encoding in self.encodings]
        if len(scalings) == 1 or all(s is None for s in scalings):
            return scalings[0]
        offset, scale = list[float](), list[float]()
        for encoding, scaling in zip(self.encodings, scalings, strict=True):
            width = len(encoding.categories) if encoding.one_hot else len(encoding.names)
            own = scaling or Scaling("none", (0.0,), (1.0,))
            offset += own.offset * (width if len(own.offset) == 1 else 1)
            scale += own.scale * (width if len(own.scale) == 1 else 1)
        return Scaling(next(s.kind for s in scalings if s is not None), tuple(offset), tuple(scale))

    def names(self, count: int) -> list[str]:
        """What the numbers of a row are called, of which there are so many: the columns, or the name with the place behind it."""
        return list(self.columns) if len(self.columns) == count else [f"{self.name}_{i}" for i in range(count)]

    def undo(self, values: Array) -> Array:
        """Predictions `[n, *shape]` in the units of the data: what `normalize_target` did is turned back."""
        scaling = self.scaling
        if scaling is None:
            return values
        columns = values.reshape(len(values), -1) if len(scaling.scale) > 1 and self.encodings[0].kind != "array" else values
        return scaling.undo(columns).reshape(values.shape)

    @property
    def record(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape), "parts": [e.record for e in self.encodings]}

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> Fitted:
        """What `record` was made of."""
        parts = tuple(Encoding.from_record(part) for part in record["parts"])
        return Fitted(record["name"], record["dtype"], tuple(record["shape"]), parts)


@dataclass(frozen=True, slots=True)
class Applied:
    """Other data as the network takes it: an array for each input, for each target if the data has them, and the rows they are of.

    Rows are left out only where the training left them out too: where something is missing in a column with `missing = drop`.
    """

    inputs: tuple[Array, ...]
    targets: tuple[Array, ...] | None
    rows: Array


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """All that was fitted to the training rows, for each input and target in the order of the network."""

    inputs: tuple[Fitted, ...]
    targets: tuple[Fitted, ...]
    unknown: str = "error"

    @property
    def record(self) -> dict[str, Any]:
        """As JSON can hold it; `from_record` gives the same again, to the bit."""
        return {
            "format": FORMAT,
            "unknown": self.unknown,
            "inputs": [f.record for f in self.inputs],
            "targets": [f.record for f in self.targets],
        }

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> Preprocessing:
        """What `record` was made of. Raises NetError where it is of another format."""
        if record["format"] != FORMAT:
            message = f"what was done to the data is written in format {record['format']}, and this netc reads format {FORMAT}"
            raise error("file", message, hint="train anew")
        inputs, targets = (tuple(Fitted.from_record(r) for r in record[key]) for key in ("inputs", "targets"))
        return Preprocessing(inputs, targets, record["unknown"])

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each column, by which another file is read: a category stays one, even if its texts are numbers."""
        found = [(e, name) for f in (*self.inputs, *self.targets) for e in f.encodings for name in e.names]
        return {name: "number" if e.is_numbers else e.kind for e, name in found}

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, where the network has one target and that is one column of texts or encoded labels."""
        return self.targets[0].classes if len(self.targets) == 1 else ()

    def undo(self, predictions: Array, target: int = 0) -> Array:
        """Predictions of a target, of its shape, in the units of the data."""
        return self.targets[target].undo(predictions)

    def apply(self, table: Table) -> Applied:
        """The table as the network takes it, by what was fitted in training; targets only where it has all their columns.

        Raises NetError: `data` for a column that is not there, `data-value` for what is missing, infinite, or a text that was not
        in the training.
        """
        with_targets = bool(self.targets) and {c for f in self.targets for c in f.columns} <= set(table.names)
        wanted = [*self.inputs, *(self.targets if with_targets else ())]
        parts = [parts_for(fitted, table) for fitted in wanted]
        flat = [(e, p) for f, ps in zip(wanted, parts, strict=True) for e, p in zip(f.encodings, ps, strict=True)]
        problems = not_finite([(p, e.drops or e.fill is not None) for e, p in flat], table)
        inputs = sum(len(fitted.encodings) for fitted in self.inputs)
        problems += [d for i, (e, p) in enumerate(flat) for d in unknown_texts(e, p, table, self.unknown, is_target=i >= inputs)]
        if problems:
            raise NetError(problems)
        rows = kept_rows([p for e, p in flat if e.drops], len(table))
        problems = [d for f, ps in zip(wanted, parts, strict=True) for d in unheld(Declared(f.name, f.dtype), f.numbers(ps, rows), table)]
        if problems:
            raise NetError(problems)
        arrays = tuple(array_of(fitted, ps, rows) for fitted, ps in zip(wanted, parts, strict=True))
        count = len(self.inputs)
        return Applied(arrays[:count], arrays[count:] if with_targets else None, rows)


def array_of(fitted: Fitted, parts: Sequence[Columns], rows: Array) -> Array:
    """Those rows of the columns as the array that the input or target takes; in a file where they are many and come from one."""
    shape = (len(rows), *fitted.shape)
    in_file = any(isinstance(p.values, np.memmap) for p in parts) and np.prod(shape) * np.dtype(_held(fitted)).itemsize > LARGE_BYTES
    out, start = new_array(shape, _held(fitted), in_file=bool(in_file)), 0
    for places, values in fitted.numbers(parts, rows):
        end = start + len(places)
        out[start:end] = cast(values, fitted.dtype).reshape(len(places), *fitted.shape)
        start = end
    return out


def zeros(fitted: Fitted, rows: int) -> Array:
    """An array for so many rows of an input that nothing looks at."""
    return np.zeros((rows, *fitted.shape), _held(fitted))


def _held(fitted: Fitted) -> str:
    return "float32" if fitted.dtype == "bfloat16" else fitted.dtype


def parts_for(fitted: Fitted, table: Table) -> list[Columns]:
    """The columns of a table that an input or target was fitted to. Raises NetError where one is missing or of another kind."""
    names = set(table.names)
    absent = [name for name in fitted.columns if name not in names]
    if absent:
        has = f"it has {listed(table.names)}"
        hint = did_you_mean(absent[0], table.names) if len(absent) == 1 else ""
        message = f"the data has no {'column' if len(absent) == 1 else 'columns'} {listed(absent)}, which the network was trained with"
        raise NetError([Diagnostic("data", message, table.span, hint=hint or has)])
    parts = [_same_kind(encoding, table.select(encoding.names), table) for encoding in fitted.encodings]
    given = parts[0].values.shape[1:]
    if parts[0].kind == "array" and given != fitted.shape and not np.prod(given) == np.prod(fitted.shape) == 1:
        told, wanted = (f"[n, {shape_text(shape)[1:]}" for shape in (given, fitted.shape))
        raise error("data-shape", f"`{fitted.columns[0]}` is {told}, and the network was trained with {wanted}", table.span)
    return parts


def _same_kind(encoding: Encoding, parts: Sequence[Columns], table: Table) -> Columns:
    """The parts of a table side by side, as they were in training; of a few rows one may be empty in all of them."""
    numbers = ("number", "bool")
    parts = [all_missing(part, encoding.kind, len(table)) if part.problem == EMPTY and encoding.kind != "array" else part for part in parts]
    if encoding.is_numbers and len(parts) == 1 and parts[0].kind in numbers:
        return as_category(parts[0], encoding.categories)
    for part in parts:
        if part.kind != encoding.kind and not (part.kind in numbers and encoding.kind in numbers):
            words = part.problem or f"holds {WORDS[part.kind]}{_first_text(part, table)}"
            message = f"`{part.names[0]}` {words}, and the network was trained with {WORDS[encoding.kind]} there"
            raise error("data-value", message, table.span, part.hint or _other_form(part, encoding.kind, words, table))
    if len(parts) == 1:
        return parts[0]
    return Columns(encoding.kind, encoding.names, np.concatenate([part.values for part in parts], axis=1))


def _other_form(part: Columns, wanted: str, words: str, table: Table) -> str:
    """In which form the values would be what is wanted, where that is known."""
    if part.kind == "array":
        return f"one value a row is [n], and this is [n, {shape_text(part.values.shape[1:])[1:]}"
    has_comma = wanted == "number" and DECIMAL_COMMA.search(words) and table.first_line is not None
    return "`--decimal ,` reads it" if has_comma else ""


def _first_text(part: Columns, table: Table) -> str:
    """The first text of a category, and where it stands: `, e.g. `k` in line 3`."""
    known = np.flatnonzero(part.values[:, 0] >= 0) if part.kind == "category" else np.empty(0, int)
    texts = [int(row) for row in known[:MOST_LOOKED_AT] if not is_number(part.categories[part.values[row, 0]])]
    return f", e.g. `{part.categories[part.values[texts[0], 0]]}` in {table.place(texts[0])}" if texts else ""


WORDS = {"number": "numbers", "bool": "true and false", "category": "texts", "array": "arrays", "other": "something else"}


# --- what no encoding can take ------------------------------------------------------------------------------------


IGNORE = "`unknown = ignore` in the `data` section takes what the rows to train on have not as none of the known"
UNKNOWN_CLASS = "a class must be there in training"
NO_NUMBER = (
    "an `int64` input has a number for each text of the rows to train on only; for one of floats `unknown = ignore` takes others too"
)


def unknown_texts(
    encoding: Encoding, part: Columns, table: Table, unknown: str, *, is_target: bool = False, in_training: bool = False
) -> list[Diagnostic]:
    """A problem where a column has texts that the training rows had not, and nothing says what they are."""
    if part.kind != "category" or (unknown == "ignore" and encoding.one_hot):
        return []
    new = places_of(part.categories, encoding.categories)[:-1] < 0
    codes = part.values[:, 0]
    bad = np.append(new, False)[codes]
    if not bad.any():
        return []
    row = int(bad.argmax())
    others = np.flatnonzero(np.bincount(codes[bad], minlength=len(new)))
    more = f" and {count_of(len(others) - 1, 'other text')}" if len(others) > 1 else ""
    message = f"`{part.names[0]}` has `{part.categories[codes[row]]}` in {table.place(row)}{more}, and the rows to train on have not"
    near = did_you_mean(part.categories[codes[row]], encoding.categories)
    ways = UNKNOWN_CLASS if is_target else NO_NUMBER
    if encoding.one_hot and not is_target:
        ways = IGNORE if in_training else "a training with `unknown = ignore` takes what is unknown as none of the known"
    return [Diagnostic("data-value", message, table.span, hint=(ways if in_training else near or ways))]


def kept_rows(parts: Sequence[Columns], rows: int) -> Array:
    """The rows in which nothing is missing in any of these columns."""
    dtype = np.int32 if rows < 2**31 else np.int64  # of many rows their places are a good part of what is held in memory
    if not parts:
        return np.arange(rows, dtype=dtype)
    kept = np.ones(rows, bool)
    for part in parts:
        if part.kind != "other":
            kept &= ~part.missing().any(axis=1)
    return np.flatnonzero(kept).astype(dtype)
