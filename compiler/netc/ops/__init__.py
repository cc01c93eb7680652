"""The op table: every layer, function and loss that netc knows, each one row."""

from __future__ import annotations

from netc.ops import (
    activations,
    algebra,
    attention,
    convolutions,
    creation,
    elementwise,
    fallback,
    functional,
    images,
    indexing,
    layers,
    losses,
    normalization,
    notation,
    operators,
    padding,
    pooling,
    recurrent,
    reductions,
    shaping,
    softmax_losses,
    vision,
)
from netc.ops.op import Op

LAYERS = (layers, convolutions, pooling, padding, normalization, recurrent, attention, vision, activations)
FAMILIES = (*LAYERS, operators, elementwise, reductions, shaping, indexing, algebra, creation, functional, images,
            notation, losses, softmax_losses)  # fmt: skip
TABLE: dict[str, Op] = {row.name: row for family in FAMILIES for row in family.ROWS}
assert len(TABLE) == sum(len(family.ROWS) for family in FAMILIES), "a row stands twice"


def find(name: str) -> Op:
    """The row of that name; where the table has none, what torch has under it. Raises KeyError."""
    found = TABLE.get(name) or fallback.find(name)
    if found is None:
        raise KeyError(name)
    return found
