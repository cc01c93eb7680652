"""Whole numbers that name classes, such as 1, 2, 3 or -1 and 1, as the places 0 to K-1 that a loss takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netc.data.assign import Feed
from netc.data.columns import Columns, chunks
from netc.data.contracts import BINARY, Bounds, Labels
from netc.data.normalize import Array
from netc.data.shapes import type_of
from netc.data.store import new_array, release
from netc.graph import Graph
from netc.tasks import origin
from netc.tensors import FLOATS, INTEGERS


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a loss takes as labels: how many classes, and the number that says that a row has none."""

    classes: int
    ignored: int | None = None


def with_places(graph: Graph, feeds: Sequence[Feed]) -> list[Feed]:
    """The feeds, in which a target of classes that is not scaled is a category where its labels are K other whole numbers than 0 to K-1.

    K is the number of classes of the losses that it arrives at. The category is in the order of the numbers, as
    scikit-learn's `LabelEncoder` has it. Labels that fit stay as they are, and so do those that are more or fewer than K.
    """
    return [_placed(graph, feed) for feed in feeds]


def _placed(graph: Graph, feed: Feed) -> Feed:
    wanted = set(_wanted(graph, feed))
    if len(wanted) != 1:
        return feed
    (one,) = wanted
    labels = _labels(feed.parts[0], one.classes)
    fits = labels is None or len(labels) != one.classes or (labels[0] >= 0 and labels[-1] < one.classes)
    # A label that says that a row has no class is none to be counted, and none of the places may become such a label.
    if labels is None or fits or (one.ignored is not None and (one.ignored in labels or 0 <= one.ignored < one.classes)):
        return feed
    return replace(feed, parts=(as_category(feed.parts[0], [str(int(n)) for n in labels]),))


def _wanted(graph: Graph, feed: Feed) -> Iterator[_Wanted]:
    """What each loss takes that this target of one number a row arrives at."""
    kind = type_of(feed.node)
    is_one = len(feed.parts) == 1 and feed.parts[0].kind == "number" and feed.parts[0].width == 1
    is_scaled = any(way.value != "none" for way in feed.normalize)
    if feed.node.kind != "target" or is_scaled or not is_one or not (kind.rank == 1 or kind.shape[1:] == (1,)):
        return
    for node in graph.nodes:
        labels, bounds = Labels.of(graph, node), Bounds.of(graph, node)
        if labels is not None and kind.dtype in INTEGERS and labels.least == 0 and origin(graph, labels.ref) == feed.node.id:
            yield _Wanted(labels.classes, labels.ignored)
        if bounds is not None and bounds.name in BINARY and kind.dtype in FLOATS and origin(graph, bounds.ref) == feed.node.id:
            yield _Wanted(2)


def _labels(part: Columns, most: int) -> Array | None:
    """The whole numbers that there are, sorted; None where there are other numbers, or more than `most`."""
    found = np.empty(0, part.values.dtype)
    for rows in chunks(len(part.values), 1):
        values = part.values[rows, 0]
        values = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.rint(values)).all()):
            return None
        found = np.union1d(found, values)
        release()
        if len(found) > most:
            return None
    return found


def as_category(part: Columns, labels: Sequence[str]) -> Columns:
    """A column of whole numbers as a category of these labels; other numbers come behind them in their order."""
    known = [int(label) for label in labels]
    other = sorted({n for n in _numbers(part) if n not in known})
    names = [*labels, *(str(int(n)) if n == int(n) else str(n) for n in other)]
    ordered = np.array([*known, *other])
    order = np.argsort(ordered)
    codes = new_array((len(part.values), 1), "int32", in_file=isinstance(part.values, np.memmap))
    for rows in chunks(len(codes), 1):
        values = part.values[rows, 0]
        places = order[np.minimum(np.searchsorted(ordered, values, sorter=order), len(order) - 1)]
        codes[rows, 0] = np.where(np.isnan(values), -1, places) if values.dtype.kind == "f" else places
        release()
    return Columns("category", part.names, codes, tuple(names), is_numbers=True)


def _numbers(part: Columns) -> set[float]:
    found: set[float] = set()
    for rows in chunks(len(part.values), 1):
        values = np.unique(part.values[rows, 0])
        found |= set(values[np.isfinite(values)].tolist())
        release()
    return found
