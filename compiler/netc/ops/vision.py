"""Rows of layers that rearrange or resize images. Source of the formulas: torch's documentation of each."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from netc.ops.modules import at_least, layer, number_of, part, positive_all
from netc.ops.op import Problem, Use, sizes_of
from netc.shapes import Dim, Shape, Size, shape_text
from netc.tensors import TensorType, Type


def pixel_shuffle(use: Use) -> Type:
    """`[…, C*r*r, H, W]` to `[…, C, H*r, W*r]`."""
    x, r = _image(use), use.number("upscale_factor")
    channels = part(use, x.shape[-3], r * r, f"the number of channels of {x}", "upscale_factor", "input")
    return x.with_shape((*x.shape[:-3], channels, x.shape[-2] * r, x.shape[-1] * r))


def pixel_unshuffle(use: Use) -> Type:
    """`[…, C, H*r, W*r]` to `[…, C*r*r, H, W]`."""
    x, r = _image(use), use.number("downscale_factor")
    height, width = (part(use, x.shape[a], r, f"axis {x.rank + a} of {x}", "downscale_factor", "input") for a in (-2, -1))
    return x.with_shape((*x.shape[:-3], x.shape[-3] * r * r, height, width))


def _image(use: Use) -> TensorType:
    x = use.tensor("input")
    if x.rank < 3:
        raise Problem("rank", f"`{use.op.name}` needs at least 3 axes, [C, H, W], and gets {x}", "input")
    return x


def channel_shuffle(use: Use) -> Type:
    """`[N, C, …]`, the channels of `groups` groups in turn."""
    x = use.tensor("input")
    if x.rank < 3:
        raise Problem("rank", f"`{use.op.name}` needs at least 3 axes, [N, C, …], and gets {x}", "input")
    part(use, x.shape[1], use.number("groups"), f"the number of channels of {x}", "groups", "input")
    return x


# How many axes the modes need that are of one number only; the others take 3 to 5.
MODES = {"linear": (3,), "bilinear": (4,), "bicubic": (4,), "trilinear": (5,)}


def upsample(use: Use) -> Type:
    """`[N, C, …]` with the axes behind the channels resized to `size`, or by `scale_factor`."""
    mode = use.values.get("mode") or {"UpsamplingNearest2d": "nearest", "UpsamplingBilinear2d": "bilinear"}[use.op.name]
    x = at_least(use, 3, "[N, C, …]")
    ranks = MODES.get(mode, (3, 4, 5))
    if x.rank not in ranks:
        fitting = next((m for m, r in MODES.items() if x.rank in r), "")
        raise Problem("rank", f'`{use.op.name}` with mode="{mode}" needs {" or ".join(map(str, ranks))} axes, and gets {x}',
                      "mode", "input", hint=f'mode="{fitting}" is for {x.rank} axes' if fitting else "")  # fmt: skip
    if use.values.get("align_corners") is not None and mode not in MODES:
        raise Problem("argument-type", f'`{use.op.name}`: align_corners does not go with mode="{mode}"', "align_corners")
    if (use["size"] is None) == (use["scale_factor"] is None):
        raise Problem("missing-argument", f"`{use.op.name}` needs size or scale_factor, and not both", "scale_factor", "size")
    return x.with_shape((*x.shape[:2], *(_sized(use, x) if use["size"] is not None else _scaled(use, x))))


def _per_axis(use: Use, x: TensorType, name: str) -> tuple[Any, ...]:
    values = sizes_of(use[name], x.rank - 2)
    if len(values) != x.rank - 2:
        raise Problem("bad-size", f"`{use.op.name}` of {x}: {name} has {x.rank - 2} values, not {len(values)}", name, "input")
    return values


def _sized(use: Use, x: TensorType) -> Shape:
    sizes = _per_axis(use, x, "size")
    positive_all(use, size=sizes)
    if use.values.get("recompute_scale_factor"):
        raise Problem("argument-type", f"`{use.op.name}`: recompute_scale_factor goes with scale_factor", "recompute_scale_factor")
    return sizes


def _scaled(use: Use, x: TensorType) -> Shape:
    factors = _per_axis(use, x, "scale_factor")
    sizes = tuple(scaled(use, size, factor) for size, factor in zip(x.shape[2:], factors, strict=True))
    if any(isinstance(size, int) and size < 1 for size in sizes):
        raise Problem("bad-size", f"`{use.op.name}` of {x} would give sizes {shape_text(sizes)}", "scale_factor", "input")
    return sizes


def scaled(use: Use, size: Size, factor: float) -> Size:
    """The floor of a size times a factor, as torch computes it: in floats."""
    if isinstance(size, Dim):
        exact = Fraction(factor)
        if exact <= 0 or exact.denominator > 64:  # 64: a factor such as 0.1 is no short fraction, and torch's rounding is its own
            number_of(use, size, f"by {factor}")
        return size * exact.numerator // exact.denominator
    return floor(float(size) * factor)


ROWS = [
    layer("PixelShuffle", "upscale_factor: int", pixel_shuffle),
    layer("PixelUnshuffle", "downscale_factor: int", pixel_unshuffle),
    layer("ChannelShuffle", "groups: int", channel_shuffle),
    layer("Upsample", "size: int_or_ints? = none, scale_factor: float_or_floats? = none, "
          "mode: nearest|nearest-exact|linear|bilinear|bicubic|trilinear|area = nearest, align_corners: bool? = none, "
          "recompute_scale_factor: bool? = none", upsample),
    layer("UpsamplingNearest2d", "size: int2? = none, scale_factor: float2? = none", upsample),
    layer("UpsamplingBilinear2d", "size: int2? = none, scale_factor: float2? = none", upsample),
]  # fmt: skip
