"""What becomes of missing values in each column: what a `group` of the `data` section says of it, or else the section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from netc.data.assign import Feed
from netc.data.columns import Columns
from netc.data.encode import IMPUTED
from netc.data.table import Table
from netc.diagnostics import Diagnostic, NetError, Related, did_you_mean, error, listed
from netc.graph import Argument
from netc.settings import ColumnPattern, Section

KINDS = {  # what columns hold, and what may stand for a missing one
    "number": ("numbers", "`mean`, `median`, `most_frequent` or a number"),
    "bool": ("true and false", "`most_frequent` or a number"),
    "category": ("texts", "`most_frequent` or a text"),
    "array": ("arrays", "`drop`, which leaves the row out"),
}


def may_fill(way: Any, kind: str, *, is_target: bool) -> bool:
    """Whether a way gives a value for what is missing in columns of that kind. A target is never made up."""
    if is_target or way in ("error", "drop") or kind == "array":
        return False
    if kind == "category":
        return isinstance(way, str) and way not in ("mean", "median")
    return not isinstance(way, str) or way in IMPUTED


def by_column(feeds: Sequence[Feed], section: Section, table: Table) -> list[Feed]:
    """The feeds, each part of them columns of one way only, and these ways.

    Raises NetError: `data` where a group has a column that feeds nothing, `data-value` where its way is not for one.
    """
    names = [name for feed in feeds for part in feed.parts for name in part.names]
    ways = dict.fromkeys(names, section.values["missing"])
    for group in section.column_groups:
        for pattern in group.patterns:
            matched = [name for name in ways if pattern.matches(name)]
            if not matched:
                raise _no_column(pattern, names, table)
            ways |= dict.fromkeys(matched, group.missing)
    return [_divided(feed, ways, section, table) for feed in feeds]


def _divided(feed: Feed, ways: Mapping[str, Argument], section: Section, table: Table) -> Feed:
    parts, found = list[Columns](), list[Argument]()
    for part in feed.parts:
        for _, names in groupby(part.names, lambda name: id(ways[name])):
            columns = part.picked(tuple(names))
            way = ways[columns.names[0]]
            if way is not section.values["missing"]:
                _check(feed, columns, way, table)
            parts.append(columns)
            found.append(way)
    return replace(feed, parts=tuple(parts), missing=tuple(found))


def _check(feed: Feed, columns: Columns, way: Argument, table: Table) -> None:
    """Raises NetError where a group says what its columns cannot have."""
    is_target = feed.node.kind == "target"
    if way.value in ("error", "drop") or may_fill(way.value, columns.kind, is_target=is_target):
        return
    said = f"`missing = {way.span.text}` is said of `{columns.names[0]}`"
    holds, ways = KINDS[columns.kind]
    message, hint = f"{said}, which holds {holds}", f"for {holds} there is {ways}"
    if is_target:
        message, hint = f"{said}, which feeds the target `{feed.name}`", "a target is never made up: `drop` leaves the row out"
    raise NetError([Diagnostic("data-value", message, way.span, related=(Related(table.span, "the data"),), hint=hint)])


def _no_column(pattern: ColumnPattern, names: Sequence[str], table: Table) -> NetError:
    if pattern.text in table.names:
        return error("data", f"the column `{pattern.text}` feeds nothing", pattern.span, "leave it out of the group")
    hint = did_you_mean(pattern.text, names) or f"there {'are' if len(names) > 1 else 'is'} {listed(names)}"
    return error("data", f"no column that feeds the network matches `{pattern.text}`", pattern.span, hint)
