"""The shapes of data against those that the network declares, and the sizes that the data tells."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netc.data.assign import Feed
from netc.diagnostics import Diagnostic, Related, error
from netc.graph import Graph, Node
from netc.shapes import Dim, Shape, Size, shape_at, shape_text, size_names
from netc.tensors import TensorType


def bare_name(size: Size) -> str | None:
    """The name of a named dimension; None for a number and for what is computed."""
    return str(size) if isinstance(size, Dim) and str(size).isidentifier() else None


def type_of(node: Node) -> TensorType:
    """The declared type of an input or target."""
    assert isinstance(node.type, TensorType)
    return node.type


def sizes_told(declared: Sequence[Shape], data: Sequence[Sequence[int]]) -> dict[str, int]:
    """The named dimensions that the data tells: `{"F": 5}` for `[B, F]` and data `[100, 5]`.

    Only a bare name beyond axis 0 is taken, and no name that stands on axis 0 anywhere: that is the batch. What does not
    fit is left for `fit_shapes` to say.
    """
    batch = {name for shape in declared if shape for name in size_names(shape[0])}
    found: dict[str, int] = {}
    for shape, numbers in zip(declared, data, strict=True):
        if len(shape) == len(numbers):
            for size, number in zip(shape[1:], numbers[1:], strict=True):
                name = bare_name(size)
                if name and name not in batch:
                    found.setdefault(name, number)
    return found


def fit_shapes(graph: Graph, feeds: Sequence[Feed], data: Sequence[tuple[int, ...]]) -> tuple[list[Shape], list[Diagnostic]]:
    """The declared shapes with numbers for all axes but the first, and what does not fit; `data` has the shapes of the data."""
    sizes: dict[str, Size] = {}
    problems: list[Diagnostic] = []
    shapes: list[Shape] = []
    for feed, given in zip(feeds, data, strict=True):
        declared = shape_at(type_of(feed.node).shape, sizes)
        shape = _actual(declared, given)
        if shape is None:
            problems.append(_misfit(feed, declared, given))
            shape = given
        for size, number in zip(declared[1:], shape[1:], strict=False):
            sizes |= {name: number} if (name := bare_name(size)) else {}
        shapes.append(shape)
    return shapes, problems


def _actual(declared: Shape, given: tuple[int, ...]) -> Shape | None:
    """The shape in which data goes into the declared one; None where it does not. One column may be an axis or none."""
    if len(declared) == 1:
        return given[:1] if all(n == 1 for n in given[1:]) else None
    fits = len(declared) == len(given) and all(not isinstance(d, int) or d == n for d, n in zip(declared[1:], given[1:], strict=True))
    return given if fits else None


def _misfit(feed: Feed, declared: Shape, given: tuple[int, ...]) -> Diagnostic:
    kind, name, batch = feed.node.kind, feed.name, declared[0] if declared else "B"
    classes = len(feed.parts[0].categories)
    if kind == "target" and classes and len(feed.parts) == 1:
        what = f"{classes} classes"
        hint = f"declare `target {name}: int64[{batch}]`, and send {classes} scores, `Linear({classes})`, into `CrossEntropyLoss`"
    else:
        what = f"{'features' if kind == 'input' else 'target'} {shape_text(given if given[1:] != (1,) or kind == 'input' else given[:1])}"
        hint = f"declare `{kind} {name}: {_text(batch, given)}`"
        if kind == "target" and given[1:] == (1,) and len(declared) == 2:
            hint += f", or for class numbers `{kind} {name}: int64[{batch}]`"
        if len(given) == 2 and len(declared) > 2 and all(isinstance(n, int) for n in declared[1:]):
            if math.prod(n for n in declared[1:] if isinstance(n, int)) == given[1]:
                hint += f", and make axes of it: `{name} -> unflatten(1, {shape_text(declared[1:])})`"
    message = f"`{name}` is declared {type_of(feed.node)}, and the data has {what}"
    return Diagnostic("data-shape", message, feed.node.span, "declared here", (Related(feed.span, what),), hint)


def _text(batch: Size | str, given: tuple[int, ...]) -> str:
    return shape_text((Dim.named(batch) if isinstance(batch, str) else batch, *given[1:]))


def check_batches(graph: Graph, nodes: Sequence[Node], parts: Sequence[int], batch_size: int | str) -> None:
    """NetError where a declared number of rows is not that of every batch; `parts` are the rows of training, validation, test."""
    sizes: set[int] = set()
    for rows in filter(None, parts):
        sizes |= {min(batch_size, rows), rows % batch_size or batch_size} if isinstance(batch_size, int) else {rows}
    for node in nodes:
        shape = type_of(node).shape
        if isinstance(shape[0], int) and sizes != {shape[0]}:
            name, rest = graph.name_of(node), shape_text(("B", *shape[1:]))  # type: ignore[arg-type]
            message = f"`{name}` is declared {type_of(node)}, and the batches have {' and '.join(map(str, sorted(sizes)))} rows"
            raise error("data-shape", message, node.span, f"name the first axis: `{rest}`")
