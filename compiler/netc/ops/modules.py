"""What the rows of modules of `torch.nn` share: the row itself, checks of inputs and arguments, shapes of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netc.ops.op import Op, Problem, Rule, Use, Weights, signature
from netc.ops.rules import need_float
from netc.shapes import Dim, Shape, Size, shape_text
from netc.tensors import DEFAULT_DTYPE, TensorType

AXES = {1: "L", 2: "H, W", 3: "D, H, W"}


def layer(
    name: str, params: str, rule: Rule, weights: Weights | None = None, inputs: str = "input: tensor", is_loss: bool = False
) -> Op:  # fmt: skip
    """A row of a module of `torch.nn`."""
    return Op(name, f"torch.nn.{name}", signature(params), signature(inputs), rule, weights, is_loss=is_loss)


# --- inputs -------------------------------------------------------------------------------------------------------


def weighted(use: Use, name: str = "input") -> TensorType:
    """The type of a tensor that meets the layer's own parameters, which are float32."""
    x = need_float(use, name)
    if x.dtype != DEFAULT_DTYPE:
        raise Problem("dtype", f"`{use.op.name}` has parameters of dtype float32, and gets {x}", name, hint="convert it with `-> float`")
    return x


def spatial(use: Use, axes: int, x: TensorType, name: str = "input") -> TensorType:
    """The input of a layer over `axes` axes: `[N, C, …]`, or `[C, …]` without a batch."""
    if x.rank not in (axes + 1, axes + 2):
        raise Problem("rank", f"`{use.op.name}` needs {axes + 2} axes, [N, C, {AXES[axes]}], and gets {x}", name)
    return x


def at_least(use: Use, rank: int, shape: str, name: str = "input") -> TensorType:
    """A float tensor of at least so many axes; `shape` is how a message shows it."""
    x = need_float(use, name)
    if x.rank < rank:
        raise Problem("rank", f"`{use.op.name}` needs at least {rank} axes, {shape}, and gets {x}", name)
    return x


def of_shape(use: Use, name: str, *shapes: Shape) -> TensorType:
    """The type of a tensor argument, which must have one of these shapes."""
    x = use.tensor(name)
    if x.shape not in shapes:
        wanted = " or ".join(map(shape_text, dict.fromkeys(shapes)))
        raise Problem("shape-mismatch", f"`{use.op.name}`: {name} must be {wanted}, and is {x}", name, "input")
    return x


# --- arguments ----------------------------------------------------------------------------------------------------


def positive_all(use: Use, **lists: Sequence[int]) -> None:
    """Each of these sizes must be above 0."""
    _each(use, 1, "positive", lists)


def not_negative(use: Use, **lists: Sequence[int]) -> None:
    """Each of these sizes must be 0 or above."""
    _each(use, 0, "0 or more", lists)


def _each(use: Use, least: int, words: str, lists: Mapping[str, Sequence[int]]) -> None:
    for name, values in lists.items():
        for value in values:
            if value < least:
                raise Problem("bad-size", f"`{use.op.name}`: {name} must be {words}, and is {value}", name)


def probability(use: Use, name: str) -> None:
    """The argument is a probability."""
    if not 0 <= use[name] <= 1:
        raise Problem("argument-type", f"`{use.op.name}`: {name} is a probability from 0 to 1, not {use[name]}", name)


def part(use: Use, size: Size, count: int, what: str, *names: str) -> Size:
    """A `count`-th of a size, which must be known to divide."""
    if size % count == 0:
        return size // count
    hint = f"declare it as a multiple, e.g. {count}*{size}" if isinstance(size, Dim) and str(size).isidentifier() else ""
    raise Problem("bad-size", f"`{use.op.name}`: {what} does not divide by {count}, it is {size}", *names, hint=hint)


def number_of(use: Use, size: Size, why: str, name: str = "input") -> int:
    """A size of the input that must be known as a number."""
    if isinstance(size, Dim):
        hint = "; ".join(f"give it, e.g. --set {n}=8, or write a number in the shape" for n in sorted(size.names()))
        raise Problem("size-needed", f"`{use.op.name}` {why} needs its input's size as a number, and it is `{size}`", name, hint=hint)
    return size


# Of a layer that is a stack of layers, each with parameters of its own; the deepest that are known have some tens.
MOST_LAYERS = 10_000


def chosen(use: Use, name: str, is_good: bool, words: str) -> None:
    """An argument that must be as `words` say."""
    if not is_good:
        value: Any = use[name]
        raise Problem("argument-type", f"`{use.op.name}`: {name} must be {words}, not {value}", name)


# --- parameters ---------------------------------------------------------------------------------------------------


def with_bias(use: Use, weight: Shape, size: int | None = None) -> Mapping[str, Shape]:
    """`weight`, and where the layer has one `bias` of `size` numbers (left out: as many as `weight` has rows)."""
    return {"weight": weight, "bias": (weight[0] if size is None else size,)} if use["bias"] else {"weight": weight}


def under(prefix: str, weights: Mapping[str, Shape]) -> dict[str, Shape]:
    """Parameters of a layer within a layer: `out_proj.weight`."""
    return {f"{prefix}.{name}": shape for name, shape in weights.items()}
