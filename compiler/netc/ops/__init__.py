"""The op table: every layer, function and loss that netc knows, each one row."""

from __future__ import annotations

from netc.ops import activations, functions, layers, losses
from netc.ops.op import Op

TABLE: dict[str, Op] = {row.name: row for family in (layers, activations, functions, losses) for row in family.ROWS}
assert len(TABLE) == sum(len(family.ROWS) for family in (layers, activations, functions, losses)), "a row stands twice"


def find(name: str) -> Op:
    """The row of that name. Raises KeyError."""
    return TABLE[name]
