"""The shapes of data against those that the network declares, and the sizes that the data tells."""

from __future__ import annotations

from collections.abc import Sequence

from netc.data.normalize import Array
from netc.data.table import Table
from netc.diagnostics import Diagnostic, Related, error
from netc.graph import Graph, Node
from netc.shapes import Dim, Shape, Size, shape_at, shape_text, size_names
from netc.source import Span
from netc.tensors import TensorType


def dimensions(inputs: Sequence[Shape], targets: Sequence[Shape], table: Table) -> dict[str, int]:
    """The named dimensions that the data determines: `{"F": 5}` for an input `[B, F]` and features `[100, 5]`.

    Only a bare name beyond axis 0 is taken, and no name that stands on axis 0 anywhere: that is the batch. What does not
    fit is left to `prepare` to report.
    """
    batch = {name for shape in (*inputs, *targets) if shape for name in size_names(shape[0])}
    found: dict[str, int] = {}
    for shapes, columns in ((inputs, table.features.shape[1]), (targets, table.target_columns)):
        if len(shapes) == 1 and len(shapes[0]) == 2:
            name = bare_name(shapes[0][1])
            if name and name not in batch:
                found.setdefault(name, columns)
    return found


def bare_name(size: Size) -> str | None:
    """The name of a named dimension; None for a number and for what is computed."""
    return str(size) if isinstance(size, Dim) and str(size).isidentifier() else None


def type_of(node: Node) -> TensorType:
    """The declared type of an input or target."""
    assert isinstance(node.type, TensorType)
    return node.type


def fit_shapes(graph: Graph, nodes: Sequence[Node], values: Sequence[Array], source: Span) -> tuple[list[Shape], list[Diagnostic]]:
    """The declared shapes with numbers for all axes but the first, and what does not fit."""
    sizes: dict[str, Size] = {}
    problems: list[Diagnostic] = []
    shapes: list[Shape] = []
    for node, array in zip(nodes, values, strict=True):
        declared = shape_at(type_of(node).shape, sizes)
        shape = _actual(declared, array)
        if shape is None:
            problems.append(_misfit(graph, node, declared, array, source))
            shape = tuple(array.shape)
        for size, number in zip(declared[1:], shape[1:], strict=False):
            sizes |= {name: number} if (name := bare_name(size)) else {}
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
    message = f"`{name}` is declared {type_of(node)}, and the data has {what} {shape}"
    return Diagnostic("data-shape", message, node.span, "declared here", (Related(source, f"{what} {shape}"),), hint)


def check_batches(graph: Graph, nodes: Sequence[Node], train: int, held_out: int, batch_size: int | str) -> None:
    """NetError where a declared number of rows is not that of every batch."""
    sizes = {train} if not isinstance(batch_size, int) else {min(batch_size, train), train % batch_size or batch_size}
    if held_out:
        sizes |= {held_out} if not isinstance(batch_size, int) else {min(batch_size, held_out), held_out % batch_size or batch_size}
    for node in nodes:
        shape = type_of(node).shape
        if isinstance(shape[0], int) and sizes != {shape[0]}:
            name, rest = graph.name_of(node), shape_text(("B", *shape[1:]))  # type: ignore[arg-type]
            message = f"`{name}` is declared {type_of(node)}, and the batches have {' and '.join(map(str, sorted(sizes)))} rows"
            raise error("data-shape", message, node.span, f"name the first axis: `{rest}`")
