"""What torch.export needs to know of a network: which axes of the inputs may have any size, and which are the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from netc.graph import Graph, Node
from netc.shapes import Dim, Shape, size_names
from netc.tensors import flat_types

RECURRENT = {"RNN", "LSTM", "GRU"}
LARGEST_LEAST = 4096  # up to where a least size is looked for


def dynamic_shapes(graph: Graph) -> tuple[dict[int, Any], ...]:
    """The argument of that name of `torch.export.export(model, inputs, dynamic_shapes=…)`; see `Network.dynamic_shapes`."""
    shapes = [kind.shape for node in graph.inputs for kind in flat_types(node.type)]
    inside = {size for node in graph.nodes for kind in flat_types(node.type) for size in kind.shape if isinstance(size, Dim)}
    fixed = {name for node in graph.nodes for size in _fixed_by(graph, node) for name in size_names(size)}
    made = {name: torch.export.Dim(name, min=_least(name, inside)) for name in graph.dims if name not in fixed}
    return tuple(
        {i: _dim(size, made) for i, size in enumerate(shape) if isinstance(size, Dim) and not size.names() & fixed} for shape in shapes
    )


def _fixed_by(graph: Graph, node: Node) -> Shape:
    """The sizes that torch takes from the example while a program is exported, as of version 2.13.

    It runs recurrent layers step by step, in Python, and compares the sizes of `take_along_dim` as plain numbers.
    """
    if node.op is None or node.op.name not in RECURRENT | {"take_along_dim"}:
        return ()
    shapes = [graph.tensor_type(ref).shape for ref in node.refs]
    if node.op.name == "take_along_dim":
        return tuple(size for shape in shapes for size in shape)
    is_second = len(shapes[0]) == 3 and node.config["batch_first"].value
    return (shapes[0][1 if is_second else 0],)


def _least(name: str, sizes: Iterable[Dim]) -> int | None:
    """The least value with which no axis within the network is 1 long, as torch.export makes another program of those.

    None where it is 2, which torch.export takes for granted anyway, or where there is none.
    """
    alone = {size for size in sizes if size.names() == {name}}
    for value in range(2, LARGEST_LEAST):
        found = [size.at({name: value}) for size in alone]
        if all(isinstance(size, int) and size > 1 for size in found):
            return value if value > 2 else None
    return None


def _dim(size: Dim, made: Mapping[str, Any]) -> Any:
    """A size as torch knows it: a factor times a named dimension and a number, or what torch finds out for itself."""
    name, *others = size.names()
    factor = size.terms.get(((name, 1),), 0)
    rest = size - factor * Dim.named(name)
    if others or not isinstance(rest, int) or factor < 1:
        return torch.export.Dim.AUTO
    scaled = made[name] if factor == 1 else factor * made[name]
    return scaled + rest if rest else scaled
