"""Data as the network takes it: checked against the declared shapes and dtypes, normalized and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netc.data.normalize import Array, Scaling, fit_scaling
from netc.data.shapes import check_batches, fit_shapes, type_of
from netc.data.split import split
from netc.data.table import Table
from netc.data.values import cast, not_finite, overflows, uncastable
from netc.diagnostics import Diagnostic, NetError, Related, count_of, error, listed
from netc.graph import Graph, Node
from netc.settings import Section


@dataclass(frozen=True, slots=True)
class Prepared:
    """Arrays as the network takes them, inputs then targets, and what they were scaled by.

    `train` and `validation` hold one array for each input and target, in the declared shape and dtype (`bfloat16`, which
    numpy lacks, as `float32`); `dtypes` are the declared dtypes; `rows` are the rows of the table that `train` holds.
    """

    train: tuple[Array, ...]
    validation: tuple[Array, ...] | None
    dtypes: tuple[str, ...]
    rows: Array
    input_scaling: Scaling | None = None
    target_scaling: Scaling | None = None


def prepare(graph: Graph, section: Section, table: Table, seed: int, batch_size: int | str = "full") -> Prepared:
    """The data split by `validation`, scaled by what the training part has, and cast to what the network declares.

    Raises NetError: `data-shape` where the table does not fit the declarations, `data-value` for NaN, infinity and numbers
    that the declared dtype cannot hold, `data` where `validation` leaves nothing to train on.
    """
    nodes = fed(graph, table)
    values = [table.features, table.target][: len(nodes)]
    problems = [*not_finite(table.features, table.feature_names, table.span)]
    problems += not_finite(table.target, table.target_names, table.span) if len(nodes) > 1 else []
    shapes, misfits = fit_shapes(graph, nodes, values, table.span)
    _raise(problems + misfits)
    train, held_out = split(table, section, seed)
    check_batches(graph, nodes, len(train), len(held_out), batch_size)
    scalings = [_scaling(section, key, array[train]) for key, array in zip(("normalize", "normalize_target"), values, strict=False)]
    scaled = [array if scaling is None else scaling.apply(array) for array, scaling in zip(values, scalings, strict=True)]
    _raise([p for node, array in zip(nodes, scaled, strict=True) for p in uncastable(graph, node, array, table.span)])
    whole = [
        cast(array, type_of(node).dtype).reshape(len(array), *shape[1:]) for array, node, shape in zip(scaled, nodes, shapes, strict=True)
    ]
    _raise([p for node, array in zip(nodes, whole, strict=True) for p in overflows(graph, node, array, table.span)])
    return Prepared(
        _rows(whole, train),
        _rows(whole, held_out) if len(held_out) else None,
        tuple(type_of(node).dtype for node in nodes),
        train,
        *scalings,
    )


def _rows(arrays: Sequence[Array], rows: Array) -> tuple[Array, ...]:
    """Those rows, laid out as a tensor of torch is: the order in memory decides the last bit of a matrix product."""
    return tuple(np.ascontiguousarray(array[rows]) for array in arrays)


def _raise(problems: Sequence[Diagnostic]) -> None:
    if problems:
        raise NetError(problems)


def fed(graph: Graph, table: Table) -> list[Node]:
    """The nodes that the table feeds, the input and the target if there is one; NetError where there are more or none."""
    for kind, nodes, least in (("input", graph.inputs, 1), ("target", graph.targets, 0)):
        if not least <= len(nodes) <= 1:
            names = f": {listed(graph.name_of(n) for n in nodes)}" if nodes else ""
            message = f"the data feeds one {kind}, and the network has {count_of(len(nodes), kind)}{names}"
            span = nodes[1].span if nodes else graph.span
            first = graph.name_of(nodes[0]) if nodes else ""
            hint = f"declare one, and take its columns apart: `{first}[:, :1]` and `{first}[:, 1:]`"
            hint = hint if nodes else "declare e.g. `input x: [B, F]`"
            raise NetError([Diagnostic("data-shape", message, span, related=(Related(table.span, "the data"),), hint=hint)])
    return [*graph.inputs, *graph.targets]


def _scaling(section: Section, key: str, values: Array) -> Scaling | None:
    try:
        return fit_scaling(section[key], values)
    except ValueError as e:
        raise error("data-value", f"{key} = {section[key]}: {e}", section.values[key].span, "take `standard` or `minmax`") from e


def named_scalings(prepared: Prepared) -> Mapping[str, Any]:
    """What the data was scaled by, by the key of the section, as JSON can hold it."""
    pairs = {"normalize": prepared.input_scaling, "normalize_target": prepared.target_scaling}
    return {key: scaling.record for key, scaling in pairs.items() if scaling is not None}
