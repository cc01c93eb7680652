"""The values of data: numbers that are finite, and that the declared dtype can hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netc.data.normalize import Array
from netc.data.shapes import type_of
from netc.diagnostics import Diagnostic, Related, count_of, listed
from netc.graph import Graph, Node
from netc.shapes import shape_text
from netc.source import Span
from netc.tensors import BOOL, FLOATS, INTEGERS

MOST_COLUMNS = 6  # columns with bad values that a message lists


def _columns(array: Array) -> Array:
    return array.reshape(len(array), -1)


def not_finite(array: Array, names: Sequence[str], span: Span) -> list[Diagnostic]:
    """A problem where values are no numbers or not finite: in which columns, how many, and where first."""
    columns = _columns(array)
    if array.dtype.kind not in "biufc":
        text = [name for name, column in zip(names, columns.T, strict=True) if not _are_numbers(column)]
        hint = "give each a number, or leave the column out"
        return [Diagnostic("data-value", f"the data has what is no number, in {listed(text or names)}", span, hint=hint)]
    bad = ~np.isfinite(columns)
    if not bad.any():
        return []
    found = [
        f"{column.sum()} in `{name}`, first in row {column.argmax()}" for name, column in zip(names, bad.T, strict=True) if column.any()
    ]
    more = [f"{count_of(len(found) - MOST_COLUMNS, 'column')} more"] if len(found) > MOST_COLUMNS else []
    total = f"{count_of(int(bad.sum()), 'value')} that {'is' if bad.sum() == 1 else 'are'} NaN or infinite"
    return [Diagnostic("data-value", f"the data has {total}: {'; '.join(found[:MOST_COLUMNS] + more)}", span,
                       hint="leave these rows out, or fill the values in")]  # fmt: skip


def _are_numbers(column: Array) -> bool:
    try:
        column.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def uncastable(graph: Graph, node: Node, array: Array, source: Span) -> list[Diagnostic]:
    """A problem where the declared dtype is of ints or bool, and a value is none that it can hold."""
    dtype = type_of(node).dtype
    if dtype in FLOATS or dtype not in INTEGERS + BOOL:
        return []
    low, high = (0, 1) if dtype in BOOL else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    bad = (array != np.rint(array)) | (array < low) | (array > high) if array.dtype.kind in "iuf" else np.zeros(array.shape, bool)
    return [_unheld(graph, node, bad, array, source)] if bad.any() else []


def overflows(graph: Graph, node: Node, array: Array, source: Span) -> list[Diagnostic]:
    """A problem where a finite value became infinite in the declared dtype."""
    bad = ~np.isfinite(array) if array.dtype.kind in "fc" else np.zeros(array.shape, bool)
    return [_unheld(graph, node, bad, array, source)] if bad.any() else []


def _unheld(graph: Graph, node: Node, bad: Array, array: Array, source: Span) -> Diagnostic:
    name, dtype = graph.name_of(node), type_of(node).dtype
    row = int(np.flatnonzero(_columns(bad).any(axis=1))[0])
    value = _columns(array)[row][_columns(bad)[row]][0]
    message = f"`{name}` is declared {dtype}, and {count_of(int(bad.sum()), 'value')} of the data cannot be that, e.g. {value} in row {row}"
    hint = f"{'int64' if dtype in INTEGERS else 'float32'} holds more, as does a scaled value: `normalize`"
    if dtype in INTEGERS + BOOL and value != int(value):
        hint = f"for numbers with fractions declare `{node.kind} {name}: {shape_text(type_of(node).shape)}`"
    return Diagnostic("data-value", message, node.span, "declared here", (Related(source, "the data"),), hint)


def cast(array: Array, dtype: str) -> Array:
    """The array in a declared dtype; `bfloat16`, which numpy lacks, as `float32`."""
    with np.errstate(over="ignore"):  # what overflows is found afterwards, and reported
        return array.astype("float32" if dtype == "bfloat16" else dtype)
