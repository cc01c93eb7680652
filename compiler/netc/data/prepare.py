"""Data as the network takes it: checked against the declared shapes and dtypes, split, encoded, scaled and cast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netc.data.assign import Feed, assign
from netc.data.by_column import by_column
from netc.data.columns import chunks
from netc.data.encode import Encoding, NoScaleError, NoValueError, fit_encodings
from netc.data.labels import with_places
from netc.data.missing import may_fill
from netc.data.normalize import Array, Scaling
from netc.data.preprocessing import Fitted, Preprocessing, array_of, kept_rows, parts_for, unknown_texts
from netc.data.shapes import check_batches, fit_shapes, sizes_told, type_of
from netc.data.split import split
from netc.data.store import release
from netc.data.table import Table
from netc.data.values import Chunk, Declared, not_finite, unheld
from netc.diagnostics import Diagnostic, NetError, error, listed
from netc.graph import Graph
from netc.settings import Section
from netc.shapes import shape_text
from netc.tensors import BOOL, FLOATS, INTEGERS

MOST_SHOWN = 20_000  # rows of a large table that a picture can show


@dataclass(frozen=True, slots=True)
class Prepared:
    """Arrays as the network takes them, inputs then targets, and what was done to the data.

    `train`, `validation` and `test` hold one array for each input and target, in the declared shape and dtype (`bfloat16`,
    which numpy lacks, as `float32`); of a table larger than memory they are mapped files. `dtypes` are the declared
    dtypes; `rows` are the rows of the table that `train` holds. `shown` is the raw data of the first input and of the
    targets, for pictures: of a large table some rows.
    """

    train: tuple[Array, ...]
    validation: tuple[Array, ...] | None
    dtypes: tuple[str, ...]
    rows: Array
    preprocessing: Preprocessing
    shown: Table
    test: tuple[Array, ...] | None = None

    @property
    def target_scaling(self) -> Scaling | None:
        """How the columns of the first target were scaled."""
        return self.preprocessing.targets[0].scaling if self.preprocessing.targets else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What feeds what, which rows are used and for what, and the encodings that were fitted to the training rows.

    `problems` are values that the network cannot take; where there are some, nothing is scaled.
    """

    feeds: tuple[Feed, ...]
    kept: Array
    parts: tuple[Array, Array, Array]  # rows to train on, to validate on, to test on
    encodings: tuple[tuple[Encoding, ...], ...]
    problems: tuple[Diagnostic, ...]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of what each input and target is fed."""
        return [_given(feed, encodings, len(self.kept)) for feed, encodings in zip(self.feeds, self.encodings, strict=True)]


def prepare(graph: Graph, section: Section, table: Table, seed: int, batch_size: int | str = "full") -> Prepared:
    """The data split, encoded and scaled by what the training part has, and cast to what the network declares.

    Raises NetError: `data-shape` where the table does not fit the declarations, `data-value` for what is missing or infinite and
    numbers that the declared dtype cannot hold, `data` where nothing is left to train on.
    """
    return carry_out(graph, section, table, make_plan(graph, section, table, seed), batch_size)


def dimensions(graph: Graph, section: Section, table: Table, seed: int) -> dict[str, int]:
    """The named dimensions of the inputs and targets that the data tells. Raises NetError where it feeds something else."""
    plan = make_plan(graph, section, table, seed)
    return sizes_told([type_of(feed.node).shape for feed in plan.feeds], plan.shapes)


def make_plan(graph: Graph, section: Section, table: Table, seed: int, done: Preprocessing | None = None) -> Plan:
    """What is to be done to the table. Raises NetError where it is not certain what feeds what, or nothing is left to train on.

    With what was `done` in a training of this spec nothing is fitted: the same is done again. Then it also raises where the table has
    other columns than that.
    """
    feeds = with_places(graph, _feeds(graph, section, table))
    ways = [(part, way.value) for feed in feeds for part, way in zip(feed.parts, feed.missing, strict=True)]
    problems = _not_finite(feeds, table)
    kept = kept_rows([part for part, way in ways if way == "drop"], len(table))
    if not len(kept):
        hint = "say what stands for it, e.g. `missing = mean`" if len(table) else ""
        raise error("data", "no row of the data has a value in every column" if len(table) else "the data has no rows", table.span, hint)
    classes = _classes(feeds)
    places = split(len(kept), None if classes is None else classes[kept], section, seed)
    in_file = any(isinstance(part.values, np.memmap) for part, _ in ways)
    # A file is read from its beginning; each epoch has an order of its own anyway.
    train, validation, test = (kept[np.sort(p) if in_file else p] for p in places)
    if done is None:
        encodings = tuple(_encodings(feed, train, bool(problems)) for feed in feeds)
    else:
        fitted = (*done.inputs, *done.targets)
        encodings, feeds = tuple(f.encodings for f in fitted), [_as_fitted(*pair, table) for pair in zip(feeds, fitted, strict=True)]
    return Plan(tuple(feeds), kept, (train, validation, test), encodings, tuple(problems))


def _as_fitted(feed: Feed, fitted: Fitted, table: Table) -> Feed:
    """The feed in the parts that its encodings were fitted to. Raises NetError where it has other columns."""
    parts, names = parts_for(fitted, table), [name for part in feed.parts for name in part.names]
    if set(names) != set(fitted.columns):
        message = f"`{feed.name}` was trained with {listed(fitted.columns)}, and the data feeds it {listed(names)}"
        raise error("data", message, table.span, "put back the columns as they were, or train anew")
    ways = [feed.ways_of(encoding.names[0]) for encoding in fitted.encodings]
    return replace(feed, parts=tuple(parts), missing=tuple(way for way, _ in ways), normalize=tuple(way for _, way in ways))


def _feeds(graph: Graph, section: Section, table: Table) -> list[Feed]:
    """What feeds what. Raises NetError with all columns that cannot, and what is missing in the others."""
    feeds, unusable = assign(graph, table, section)
    try:
        feeds = by_column(graph, feeds, section, table)
    except NetError as e:
        raise NetError(unusable or e.diagnostics) from e
    if unusable:
        raise NetError([*unusable, *_not_finite(feeds, table)])
    return feeds


def _not_finite(feeds: Sequence[Feed], table: Table) -> list[Diagnostic]:
    found = []
    for kind in ("input", "target"):
        parts = [(p, way.value) for f in feeds if f.node.kind == kind for p, way in zip(f.parts, f.missing, strict=True)]
        may_miss = [(p, way == "drop" or may_fill(way, p.kind, is_target=kind == "target")) for p, way in parts]
        found += not_finite(may_miss, table, is_target=kind == "target")
    return found


def carry_out(graph: Graph, section: Section, table: Table, plan: Plan, batch_size: int | str) -> Prepared:
    """The arrays of a plan. Raises NetError as `prepare` does."""
    shapes, misfits = fit_shapes(graph, plan.feeds, plan.shapes)
    _raise([*plan.problems, *misfits, *_nothing_to_scale(section, plan)])
    check_batches(graph, [feed.node for feed in plan.feeds], [len(part) for part in plan.parts], batch_size)
    _raise(_unknown(section, table, plan))
    fitted = [
        Fitted(feed.name, type_of(feed.node).dtype, tuple(n for n in shape[1:] if isinstance(n, int)), encodings)
        for feed, shape, encodings in zip(plan.feeds, shapes, plan.encodings, strict=True)
    ]
    _raise(
        [d for f, feed in zip(fitted, plan.feeds, strict=True) if f.dtype in INTEGERS + BOOL for d in _unheld(f, feed, table, plan.kept)]
    )
    train, validation, test = (
        tuple(array_of(f, feed.parts, rows) for f, feed in zip(fitted, plan.feeds, strict=True)) if len(rows) else None
        for rows in plan.parts
    )
    assert train is not None
    for i, (f, feed) in enumerate(zip(fitted, plan.feeds, strict=True)):
        if not all(map(_is_finite, (part[i] for part in (train, validation, test) if part is not None))):
            _raise(_unheld(f, feed, table, plan.kept))
    inputs = len(graph.inputs)
    preprocessing = Preprocessing(tuple(fitted[:inputs]), tuple(fitted[inputs:]), section["unknown"])
    return Prepared(train, validation, tuple(f.dtype for f in fitted), plan.parts[0], preprocessing, _shown(plan, table, inputs), test)


def _unknown(section: Section, table: Table, plan: Plan) -> list[Diagnostic]:
    """Texts that the rows to train on have not, in inputs and in targets."""
    return [
        problem
        for feed, encodings in zip(plan.feeds, plan.encodings, strict=True)
        for encoding, part in zip(encodings, feed.parts, strict=True)
        for problem in unknown_texts(encoding, part, table, section["unknown"], is_target=feed.node.kind == "target", in_training=True)
    ]


def _nothing_to_scale(section: Section, plan: Plan) -> list[Diagnostic]:
    """A problem where `normalize_target` is said of targets that are no quantities, such as classes."""
    said = section.values["normalize_target"]
    targets = [(feed, encodings) for feed, encodings in zip(plan.feeds, plan.encodings, strict=True) if feed.node.kind == "target"]
    floats = [encodings for feed, encodings in targets if type_of(feed.node).dtype not in INTEGERS + BOOL]
    if said.value == "none" or plan.problems or any(e.kind in ("number", "array") for encodings in floats for e in encodings):
        return []
    names = listed(feed.name for feed, _ in targets)
    what = f"{names} {'holds' if len(targets) == 1 else 'hold'} none" if targets else "the network has no target"
    message = f"`normalize_target = {said.value}` scales quantities, and {what}"
    return [Diagnostic("data", message, said.span, hint="leave it out")]


def _raise(problems: Sequence[Diagnostic]) -> None:
    if problems:
        raise NetError(problems)


def _shown(plan: Plan, table: Table, inputs: int) -> Table:
    targets = [part for feed in plan.feeds[inputs:] for part in feed.parts]
    names = tuple(dict.fromkeys(name for part in targets for name in part.names))
    first = [part for part in plan.feeds[0].parts if not set(part.names) & set(names)]
    return Table((*first, *targets), names, table.span, table.first_line).sample(MOST_SHOWN)


# --- encodings ----------------------------------------------------------------------------------------------------


def _classes(feeds: Sequence[Feed]) -> Array | None:
    """The class of each row, where there is one target and that is one column of ints or texts."""
    targets = [feed for feed in feeds if feed.node.kind == "target"]
    if len(targets) != 1 or len(targets[0].parts) != 1:
        return None
    values = targets[0].parts[0].values
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 and values.dtype.kind in "iub" else None


def _encodings(feed: Feed, train: Array, is_wrong: bool) -> tuple[Encoding, ...]:
    is_target = feed.node.kind == "target"
    ways = [way.value if way.value == "drop" or not (is_target or is_wrong) else "error" for way in feed.missing]
    normalize = [replace(way, value="none") for way in feed.normalize] if is_wrong else feed.normalize
    try:
        return tuple(fit_encodings(feed.parts, train, normalize, ways, one_hot=_is_one_hot(feed), all_texts=is_target))
    except NoValueError as e:
        way, _ = feed.ways_of(e.column)
        raise error("data-value", f"missing = {way.value}: {e}", way.span, "leave the column out") from e
    except NoScaleError as e:
        _, way = feed.ways_of(e.column)
        raise error("data-value", f"{feed.scaled_by} = {way.value}: {e}", way.span, "take `standard` or `minmax`") from e


def _is_one_hot(feed: Feed) -> bool:
    """Whether texts become a column each: for floats, but for a target of two classes that is one number."""
    kind = type_of(feed.node)
    if kind.dtype not in FLOATS:
        return False
    is_one_number = kind.rank == 1 or kind.shape[1:] == (1,)
    return not (feed.node.kind == "target" and is_one_number and all(len(part.categories) == 2 for part in feed.parts))


def _given(feed: Feed, encodings: Sequence[Encoding], rows: int) -> tuple[int, ...]:
    if feed.parts[0].kind == "array":
        return rows, *feed.parts[0].values.shape[1:]
    return rows, sum(e.width(p) for e, p in zip(encodings, feed.parts, strict=True))


# --- values -------------------------------------------------------------------------------------------------------


def _unheld(fitted: Fitted, feed: Feed, table: Table, rows: Array) -> list[Diagnostic]:
    kind = type_of(feed.node)
    declared = Declared(feed.name, kind.dtype, feed.node.kind, shape_text(kind.shape), feed.node.span)
    parts: Iterator[Chunk] = fitted.numbers(feed.parts, rows)
    return unheld(declared, parts, table)


def _is_finite(array: Array) -> bool:
    if array.dtype.kind not in "fc":
        return True
    for rows in chunks(len(array), max(1, array[:1].size)):
        if not np.isfinite(array[rows]).all():
            return False
        release()
    return True
