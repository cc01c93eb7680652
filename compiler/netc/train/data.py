"""Data as arrays: made by the source, checked against the declared shapes and dtypes, normalized and split. No torch here."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netc.diagnostics import Diagnostic, NetError, Related, count_of, error, listed
from netc.graph import Graph, Node
from netc.settings import Section
from netc.shapes import Dim, Shape, Size, shape_at, shape_text, size_names
from netc.source import Span
from netc.tensors import BOOL, FLOATS, INTEGERS, TensorType
from netc.train.normalize import Array, Scaling, fit_scaling

# Arguments for which scikit-learn insists on a tuple; for others, such as `weights`, on a list.
TUPLES = ("n_samples", "center_box")
MOST_COLUMNS = 6  # columns with bad values that a message lists


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


# --- the source ---------------------------------------------------------------------------------------------------


def load_data(section: Section) -> Table:
    """The table of the section's source. Raises NetError `data` where the source refuses its arguments."""
    made = section.made("source")
    module, name = made.recipe.target.rsplit(".", 1)
    values = {key: tuple(value) if key in TUPLES and isinstance(value, list) else value for key, value in made.values.items()}
    try:
        features, target = getattr(importlib.import_module(module), name)(**values)
    except Exception as e:  # whatever it is, it comes from the arguments in the spec
        hint = f"its arguments are those of scikit-learn's `{name}`"
        raise error("data", f"`{made.recipe.name}` cannot make this data: {_sentence(e)}", made.span, hint) from e
    return table_of(np.asarray(features), np.asarray(target), made.span)


def _sentence(e: Exception) -> str:
    text = " ".join(str(e).split()) or type(e).__name__
    return text[:-1] if text.endswith(".") else text


def table_of(features: Array, target: Array, span: Span) -> Table:
    """A table of arrays without names: features `[n, F]`, target `[n]` or `[n, k]`."""
    assert features.ndim == 2 and target.ndim in (1, 2) and len(features) == len(target), (features.shape, target.shape)
    columns = 1 if target.ndim == 1 else target.shape[1]
    names = ("y",) if columns == 1 else tuple(f"y{i}" for i in range(columns))
    return Table(features, target, tuple(f"x{i}" for i in range(features.shape[1])), names, span)


# --- sizes --------------------------------------------------------------------------------------------------------


def dimensions(inputs: Sequence[Shape], targets: Sequence[Shape], table: Table) -> dict[str, int]:
    """The named dimensions that the data determines: `{"F": 5}` for an input `[B, F]` and features `[100, 5]`.

    Only a bare name beyond axis 0 is taken, and no name that stands on axis 0 anywhere: that is the batch. What does not
    fit is left to `prepare` to report.
    """
    batch = {name for shape in (*inputs, *targets) if shape for name in size_names(shape[0])}
    found: dict[str, int] = {}
    for shapes, columns in ((inputs, table.features.shape[1]), (targets, table.target_columns)):
        if len(shapes) == 1 and len(shapes[0]) == 2:
            name = _bare_name(shapes[0][1])
            if name and name not in batch:
                found.setdefault(name, columns)
    return found


def _bare_name(size: Size) -> str | None:
    return str(size) if isinstance(size, Dim) and str(size).isidentifier() else None


# --- preparing ----------------------------------------------------------------------------------------------------


def prepare(graph: Graph, section: Section, table: Table, seed: int, batch_size: int | str = "full") -> Prepared:
    """The data split by `validation`, scaled by what the training part has, and cast to what the network declares.

    Raises NetError: `data-shape` where the table does not fit the declarations, `data-value` for NaN, infinity and numbers
    that the declared dtype cannot hold, `data` where `validation` leaves nothing to train on.
    """
    nodes = fed(graph, table)
    values = [table.features, table.target][: len(nodes)]
    problems = [*_finite(table.features, table.feature_names, table.span)]
    problems += _finite(table.target, table.target_names, table.span) if len(nodes) > 1 else []
    shapes, misfits = _fit(graph, nodes, values, table.span)
    _raise(problems + misfits)
    train, held_out = split(table, section, seed)
    _check_batches(graph, nodes, len(train), len(held_out), batch_size)
    scalings = [_scaling(section, key, array[train]) for key, array in zip(("normalize", "normalize_target"), values, strict=False)]
    scaled = [array if scaling is None else scaling.apply(array) for array, scaling in zip(values, scalings, strict=True)]
    _raise([p for node, array in zip(nodes, scaled, strict=True) for p in _uncastable(graph, node, array, table.span)])
    whole = [
        _cast(array, _type(node).dtype).reshape(len(array), *shape[1:]) for array, node, shape in zip(scaled, nodes, shapes, strict=True)
    ]
    _raise([p for node, array in zip(nodes, whole, strict=True) for p in _overflows(graph, node, array, table.span)])
    return Prepared(
        _rows(whole, train),
        _rows(whole, held_out) if len(held_out) else None,
        tuple(_type(node).dtype for node in nodes),
        train,
        *scalings,
    )


def _rows(arrays: Sequence[Array], rows: Array) -> tuple[Array, ...]:
    """Those rows, laid out as a tensor of torch is: the order in memory decides the last bit of a matrix product."""
    return tuple(np.ascontiguousarray(array[rows]) for array in arrays)


def _raise(problems: Sequence[Diagnostic]) -> None:
    if problems:
        raise NetError(problems)


def _type(node: Node) -> TensorType:
    assert isinstance(node.type, TensorType)
    return node.type


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


def split(table: Table, section: Section, seed: int) -> tuple[Array, Array]:
    """The numbers of the rows to train on and to validate on; the latter is empty for `validation = 0`.

    Classes are split in proportion where each is in both parts. Raises NetError where a part would have no row.
    """
    rows, fraction = np.arange(len(table.features)), section["validation"]
    if fraction == 0:
        return rows, rows[:0]
    span = section.values["validation"].span
    count = math.ceil(fraction * len(rows))  # as scikit-learn counts
    if count >= len(rows):
        raise error(
            "data", f"`validation = {fraction}` of {count_of(len(rows), 'row')} leaves none to train on", span, "a smaller share, e.g. 0.2"
        )
    from sklearn.model_selection import train_test_split

    strata = _strata(table, count)
    # scikit-learn takes 32 bits of seed, torch 64.
    train, held_out = train_test_split(rows, test_size=fraction, random_state=seed % 2**32, stratify=strata)
    return np.asarray(train), np.asarray(held_out)


def _strata(table: Table, held_out: int) -> Array | None:
    """The classes to keep in proportion, or None where there are none or too few rows of them."""
    if table.classes is None:
        return None
    counts = np.unique(table.classes, return_counts=True)[1]
    possible = counts.min() >= 2 and len(counts) <= min(held_out, len(table.features) - held_out)
    return table.classes if possible else None


def _scaling(section: Section, key: str, values: Array) -> Scaling | None:
    try:
        return fit_scaling(section[key], values)
    except ValueError as e:
        raise error("data-value", f"{key} = {section[key]}: {e}", section.values[key].span, "take `standard` or `minmax`") from e


# --- shapes -------------------------------------------------------------------------------------------------------


def _fit(graph: Graph, nodes: Sequence[Node], values: Sequence[Array], source: Span) -> tuple[list[Shape], list[Diagnostic]]:
    """The declared shapes with numbers for all axes but the first, and what does not fit."""
    sizes: dict[str, Size] = {}
    problems: list[Diagnostic] = []
    shapes: list[Shape] = []
    for node, array in zip(nodes, values, strict=True):
        declared = shape_at(_type(node).shape, sizes)
        shape = _actual(declared, array)
        if shape is None:
            problems.append(_misfit(graph, node, declared, array, source))
            shape = tuple(array.shape)
        for size, number in zip(declared[1:], shape[1:], strict=False):
            sizes |= {name: number} if (name := _bare_name(size)) else {}
        shapes.append(shape)
    return shapes, problems


def _actual(declared: Shape, array: Array) -> Shape | None:
    """The shape in which the array `[n]` or `[n, k]` goes into the declared one; None where it does not."""
    columns = 1 if array.ndim == 1 else array.shape[1]
    if len(declared) == 1:
        return (len(array),) if columns == 1 else None
    if len(declared) != 2 or (isinstance(declared[1], int) and declared[1] != columns):
        return None
    return len(array), columns


def _misfit(graph: Graph, node: Node, declared: Shape, array: Array, source: Span) -> Diagnostic:
    what = "features" if node.kind == "input" else "target"
    name, shape = graph.name_of(node), shape_text(array.shape)
    columns = 1 if array.ndim == 1 else array.shape[1]
    batch = declared[0] if declared else "B"
    hint = f"declare `{node.kind} {name}: [{batch}, {columns}]`"
    if node.kind == "target" and columns == 1 and len(declared) == 2:
        hint += f", or for class numbers `{node.kind} {name}: int64[{batch}]`"
    message = f"`{name}` is declared {_type(node)}, and the data has {what} {shape}"
    return Diagnostic("data-shape", message, node.span, "declared here", (Related(source, f"{what} {shape}"),), hint)


def _check_batches(graph: Graph, nodes: Sequence[Node], train: int, held_out: int, batch_size: int | str) -> None:
    """NetError where a declared number of rows is not that of every batch."""
    sizes = {train} if not isinstance(batch_size, int) else {min(batch_size, train), train % batch_size or batch_size}
    if held_out:
        sizes |= {held_out} if not isinstance(batch_size, int) else {min(batch_size, held_out), held_out % batch_size or batch_size}
    for node in nodes:
        shape = _type(node).shape
        if isinstance(shape[0], int) and sizes != {shape[0]}:
            name, rest = graph.name_of(node), shape_text(("B", *shape[1:]))  # type: ignore[arg-type]
            message = f"`{name}` is declared {_type(node)}, and the batches have {' and '.join(map(str, sorted(sizes)))} rows"
            raise error("data-shape", message, node.span, f"name the first axis: `{rest}`")


# --- values -------------------------------------------------------------------------------------------------------


def _columns(array: Array) -> Array:
    return array.reshape(len(array), -1)


def _finite(array: Array, names: Sequence[str], span: Span) -> list[Diagnostic]:
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


def _uncastable(graph: Graph, node: Node, array: Array, source: Span) -> list[Diagnostic]:
    """A problem where the declared dtype is of ints or bool, and a value is none that it can hold."""
    dtype = _type(node).dtype
    if dtype in FLOATS or dtype not in INTEGERS + BOOL:
        return []
    low, high = (0, 1) if dtype in BOOL else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    bad = (array != np.rint(array)) | (array < low) | (array > high) if array.dtype.kind in "iuf" else np.zeros(array.shape, bool)
    return [_unheld(graph, node, bad, array, source)] if bad.any() else []


def _overflows(graph: Graph, node: Node, array: Array, source: Span) -> list[Diagnostic]:
    """A problem where a finite value became infinite in the declared dtype."""
    bad = ~np.isfinite(array) if array.dtype.kind in "fc" else np.zeros(array.shape, bool)
    return [_unheld(graph, node, bad, array, source)] if bad.any() else []


def _unheld(graph: Graph, node: Node, bad: Array, array: Array, source: Span) -> Diagnostic:
    name, dtype = graph.name_of(node), _type(node).dtype
    row = int(np.flatnonzero(_columns(bad).any(axis=1))[0])
    value = _columns(array)[row][_columns(bad)[row]][0]
    message = f"`{name}` is declared {dtype}, and {count_of(int(bad.sum()), 'value')} of the data cannot be that, e.g. {value} in row {row}"
    hint = f"{'int64' if dtype in INTEGERS else 'float32'} holds more, as does a scaled value: `normalize`"
    if dtype in INTEGERS + BOOL and value != int(value):
        hint = f"for numbers with fractions declare `{node.kind} {name}: {shape_text(_type(node).shape)}`"
    return Diagnostic("data-value", message, node.span, "declared here", (Related(source, "the data"),), hint)


def _cast(array: Array, dtype: str) -> Array:
    with np.errstate(over="ignore"):  # what overflows is found afterwards, and reported
        return array.astype("float32" if dtype == "bfloat16" else dtype)


def named_scalings(prepared: Prepared) -> Mapping[str, Any]:
    """What the data was scaled by, by the key of the section, as JSON can hold it."""
    pairs = {"normalize": prepared.input_scaling, "normalize_target": prepared.target_scaling}
    return {key: scaling.record for key, scaling in pairs.items() if scaling is not None}
