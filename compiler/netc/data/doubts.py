"""Columns of numbers that are hardly quantities: the number of the row, a date, more digits than the network can tell apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netc.data.assign import Feed
from netc.data.columns import Columns
from netc.data.normalize import Array
from netc.data.prepare import Plan
from netc.data.shapes import type_of
from netc.data.table import Table
from netc.diagnostics import Diagnostic
from netc.tensors import FLOATS

LEAST_ROWS = 10  # of fewer nothing is sure
MOST_ROWS = 10**6  # of more only the first are looked at
LEAVE_OUT = '`ignore = ["{}"]` in the `data` section leaves it out'


def check_doubts(plan: Plan, table: Table) -> list[Diagnostic]:
    """A warning for each column of whole numbers in a file that feeds an input of floats and is hardly a quantity."""
    if table.first_line is None or len(table) < LEAST_ROWS:
        return []
    feeds = [f for f in plan.feeds if f.node.kind == "input" and type_of(f.node).dtype in FLOATS]
    parts = [(feed, part, way) for feed in feeds for part, way in zip(feed.parts, feed.normalize, strict=True) if part.kind == "number"]
    return [d for feed, part, way in parts for d in _of_part(feed, part, table, is_scaled=way.value != "none")]


def _of_part(feed: Feed, part: Columns, table: Table, *, is_scaled: bool) -> list[Diagnostic]:
    found = []
    for i, name in enumerate(part.names):
        values = part.values[:MOST_ROWS, i]
        if values.dtype.kind not in "iu":
            continue
        way = next((w for w in _WAYS if w(values, is_first=name == table.names[0], is_scaled=is_scaled)), None)
        if way is not None:
            code, words, hint = _WAYS[way]
            found.append(Diagnostic(code, f"the column `{name}` {words}, and feeds `{feed.name}`", table.span, hint=hint.format(name)))
    return found


def _counts_rows(values: Array, *, is_first: bool, is_scaled: bool) -> bool:
    return is_first and values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def _are_dates(values: Array, *, is_first: bool, is_scaled: bool) -> bool:
    """Whether they are like 20230131."""
    year, month, day = values // 10_000, values // 100 % 100, values % 100
    parts = ((year, 1900, 2100), (month, 1, 12), (day, 1, 31))
    return all(bool(((part >= low) & (part <= high)).all()) for part, low, high in parts)


def _merge(values: Array, *, is_first: bool, is_scaled: bool) -> bool:
    """Whether numbers that differ are the same in 32 bits."""
    narrow = values.astype(np.float32)
    return not is_scaled and len(np.unique(narrow)) < len(np.unique(values))


_WAYS: dict[Callable[..., bool], tuple[str, str, str]] = {
    _counts_rows: ("data-rows", "counts the rows, so that it says nothing of them", LEAVE_OUT),
    _are_dates: ("data-scale", "looks like dates that are written as numbers, e.g. 20230131",
                 LEAVE_OUT + "; the days since the first are a quantity"),
    _merge: ("data-scale", "has whole numbers beyond 2**24, of which some become the same in 32 bits",
             LEAVE_OUT + ", `normalize = standard` scales it first"),
}  # fmt: skip
