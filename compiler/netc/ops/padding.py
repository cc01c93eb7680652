"""Rows of paddings: more entries at both ends of the last axes, made up or taken from the input."""

from __future__ import annotations

from netc.ops.modules import layer
from netc.ops.op import Problem, Rule, Use, sizes_of
from netc.shapes import Size
from netc.tensors import TensorType, Type

# How much longer the input must be than a padding that is taken from it. Source: torch's documentation of `ReflectionPad2d`
# ("padding size should be less than the corresponding input dimension") and `CircularPad2d` ("less than or equal").
TAKEN = {"Reflection": 1, "Circular": 0}
MADE_UP = ("Constant", "Zero")


def pad(kind: str, axes: int) -> Rule:
    """The last `axes` axes longer by `padding`: left and right of the last axis, then of the one before; negative cuts off."""

    def rule(use: Use) -> Type:
        x = _padded(use, kind, axes)
        amounts = sizes_of(use["padding"], 2 * axes)
        sizes: list[Size] = list(x.shape)
        for i in range(axes):
            before, after = amounts[2 * i : 2 * i + 2]
            axis = x.rank - 1 - i
            _check(use, kind, x, axis, before, after)
            sizes[axis] = x.shape[axis] + before + after
        return x.with_shape(tuple(sizes))

    return rule


def _padded(use: Use, kind: str, axes: int) -> TensorType:
    x = use.tensor("input")
    ranks = range(axes, 99) if kind in MADE_UP else (axes + 1, axes + 2)
    if x.rank not in ranks:
        wanted = f"at least {axes} axes" if kind in MADE_UP else f"{axes + 1} or {axes + 2} axes"
        raise Problem("rank", f"`{use.op.name}` needs {wanted}, and gets {x}", "input")
    if kind in ("Reflection", "Replication") and x.dtype == "bool":
        raise Problem("dtype", f"`{use.op.name}` needs numbers, and gets {x}", "input", hint="convert it with `-> float`")
    return x


def _check(use: Use, kind: str, x: TensorType, axis: int, before: int, after: int) -> None:
    size = x.shape[axis]
    if not isinstance(size, int):
        return
    if kind in TAKEN and max(before, after) > size - TAKEN[kind]:
        raise Problem("bad-size", f"`{use.op.name}` of {x}: a padding of {max(before, after)} needs an axis of at least "
                      f"{max(before, after) + TAKEN[kind]}, and axis {axis} has {size}", "padding", "input")  # fmt: skip
    cut = min(before, 0) + min(after, 0) if kind in ("Circular", *MADE_UP) else 0  # these cut off before they pad
    if size + before + after < 1 or size + cut < 1:
        raise Problem("bad-size", f"`{use.op.name}` of {x} would leave nothing of axis {axis}", "padding", "input")


KINDS = {1: "int2", 2: "int4", 3: "int6"}

ROWS = [
    layer(f"{kind}Pad{n}d", f"padding: {KINDS[n]}" + (", value: float" if kind == "Constant" else ""), pad(kind, n))
    for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular")
    for n in (1, 2, 3)
]
