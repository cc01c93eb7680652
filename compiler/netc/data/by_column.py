"""What holds for each column: what a `group` of the `data` section says of it, or else the section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from netc.data.assign import Feed
from netc.data.columns import Columns
from netc.data.missing import KINDS, may_fill
from netc.data.shapes import type_of
from netc.data.table import Table
from netc.diagnostics import Diagnostic, NetError, Related, did_you_mean, error, listed
from netc.graph import Argument, Graph
from netc.settings import ColumnGroup, ColumnPattern, Section
from netc.tasks import unlearned_inputs
from netc.tensors import BOOL, INTEGERS

SCALED = ("number", "array")  # what columns hold that are quantities


def by_column(graph: Graph, feeds: Sequence[Feed], section: Section, table: Table) -> list[Feed]:
    """The feeds, each part of them columns that are filled and scaled in one way only, and these ways.

    What only the losses take (`unlearned_inputs`), and what is declared in whole numbers, is not scaled by the section.
    Raises NetError: `data` where a group has a column that feeds nothing, `data-value` where what it says is not for one.
    """
    for group in section.column_groups:
        for pattern in group.patterns:
            _check_pattern(group, pattern, feeds, table)
    unlearned = unlearned_inputs(graph)
    return [_divided(feed, section, table, is_scaled=feed.node.id not in unlearned and not _is_whole(feed)) for feed in feeds]


def _is_whole(feed: Feed) -> bool:
    """Whether it is declared in whole numbers: these count or name something."""
    return type_of(feed.node).dtype in INTEGERS + BOOL


def _divided(feed: Feed, section: Section, table: Table, *, is_scaled: bool) -> Feed:
    scaled = section.values[feed.scaled_by]
    fills = _ways(feed, section, "missing", section.values["missing"])
    scales = _ways(feed, section, feed.scaled_by, scaled if is_scaled else Argument("none", scaled.span, "default"))
    parts, missing, normalize = list[Columns](), list[Argument](), list[Argument]()
    for part in feed.parts:
        for _, names in groupby(part.names, lambda name: (id(fills[name]), id(scales[name]))):
            columns = part.picked(tuple(names))
            fill, scale = fills[columns.names[0]], scales[columns.names[0]]
            if fill is not section.values["missing"]:
                _check_missing(feed, columns, fill, table)
            if any(scale is group.values.get(feed.scaled_by) for group in section.column_groups):
                _check_scaled(feed, columns, scale, table)
            parts.append(columns)
            missing.append(fill)
            normalize.append(scale)
    return replace(feed, parts=tuple(parts), missing=tuple(missing), normalize=tuple(normalize))


def _ways(feed: Feed, section: Section, key: str, otherwise: Argument) -> Mapping[str, Argument]:
    """By column what is said of it under a key; a later group goes over an earlier one."""
    ways = dict.fromkeys((name for part in feed.parts for name in part.names), otherwise)
    for group in section.column_groups:
        if key in group.values:
            ways |= {name: group.values[key] for name in ways if group.matches(name)}
    return ways


# --- what is wrong ------------------------------------------------------------------------------------------------


def _check_pattern(group: ColumnGroup, pattern: ColumnPattern, feeds: Sequence[Feed], table: Table) -> None:
    """Raises NetError where a pattern has no column, or one that is scaled under the other key."""
    names = [name for feed in feeds for part in feed.parts for name in part.names]
    matched = {name: [feed for feed in feeds for part in feed.parts if name in part.names] for name in names if pattern.matches(name)}
    if not matched and pattern.text in table.names:
        raise error("data", f"the column `{pattern.text}` feeds nothing", pattern.span, "leave it out of the group")
    if not matched:
        hint = did_you_mean(pattern.text, names) or f"there {'are' if len(names) > 1 else 'is'} {listed(names)}"
        raise error("data", f"no column that feeds the network matches `{pattern.text}`", pattern.span, hint)
    for key in group.values.keys() - {"missing"}:
        for name, fed in matched.items():
            if all(feed.scaled_by != key for feed in fed):
                message = f"`{key}` is said of `{name}`, which feeds the {fed[0].node.kind} `{fed[0].name}`"
                raise error("data", message, group.values[key].span, f"for {_a(fed[0])} it is `{fed[0].scaled_by}`")


def _a(feed: Feed) -> str:
    return "a target" if feed.node.kind == "target" else "an input"


def _check_missing(feed: Feed, columns: Columns, way: Argument, table: Table) -> None:
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


def _check_scaled(feed: Feed, columns: Columns, way: Argument, table: Table) -> None:
    """Raises NetError where a group scales what is no quantity."""
    if way.value == "none" or (columns.kind in SCALED and not _is_whole(feed)):
        return
    holds, _ = KINDS[columns.kind]
    what, hint = f"which holds {holds}", f"{holds} are not scaled"
    if columns.kind in SCALED:
        what, hint = f"which feeds `{feed.name}: {feed.node.type}`", "scaled numbers have fractions: declare it in floats"
    message = f"`{feed.scaled_by} = {way.span.text}` is said of `{columns.names[0]}`, {what}"
    raise NetError([Diagnostic("data-value", message, way.span, related=(Related(table.span, "the data"),), hint=hint)])
