"""Rows of functions over the axes of images and sequences: convolution with given weights, pooling, resizing, padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netc.ops.convolutions import WINDOWS, fold, unfold
from netc.ops.functions import functional, need_int, need_one_dtype, need_rank
from netc.ops.modules import not_negative, positive_all, spatial
from netc.ops.op import Op, Problem, Rule, Use, sizes_of
from netc.ops.pooling import adaptive_pool, pool
from netc.ops.rules import need_float, window
from netc.ops.vision import channel_shuffle, pixel_shuffle, pixel_unshuffle, upsample
from netc.shapes import Dim, Size
from netc.tensors import TensorType, Type

# --- convolution -------------------------------------------------------------------------------------------------


def conv(axes: int) -> Rule:
    """`[N, C, …]` with weight `[O, C / groups, …]` and bias `[O]` to `[N, O, …]`. Source: torch's documentation of `Conv2d`."""

    def rule(use: Use) -> Type:
        x, weight = spatial(use, axes, need_float(use, "input")), need_rank(use, "weight", axes + 2)
        need_one_dtype(use, "input", "weight", "bias")
        groups, channels = use.number("groups"), x.shape[-axes - 1]
        if weight.shape[1] * groups != channels or weight.shape[0] % groups != 0:
            what = f"{channels} channels do not fit the weight {weight} in groups={groups}"
            raise Problem("shape-mismatch", f"`{use.op.name}` of {x}: {what}", "weight", "input", "groups")
        if use["bias"] is not None and use.tensor("bias").shape != weight.shape[:1]:
            wanted = f"bias must be [{weight.shape[0]}], and is {use.tensor('bias')}"
            raise Problem("shape-mismatch", f"`{use.op.name}`: {wanted}", "bias", "weight")
        return x.with_shape((*x.shape[: -axes - 1], weight.shape[0], *_conv_sizes(use, x, weight, axes)))

    return rule


def _conv_sizes(use: Use, x: TensorType, weight: TensorType, axes: int) -> Sequence[Size]:
    kernel = [need_int(use, size, "the size of its window", "weight") for size in weight.shape[2:]]
    stride, dilation = (sizes_of(use[name], axes) for name in ("stride", "dilation"))
    positive_all(use, stride=stride, dilation=dilation)
    if use["padding"] == "same":
        if set(stride) != {1}:
            raise Problem("argument-type", f'`{use.op.name}`: padding="same" goes with stride=1 only', "padding", "stride")
        return x.shape[-axes:]
    padding = (0,) * axes if use["padding"] == "valid" else sizes_of(use["padding"], axes)
    not_negative(use, padding=padding)
    places = zip(x.shape[-axes:], kernel, stride, padding, dilation, strict=True)
    return [window(use.op.name, size, k, s, p, d) for size, k, s, p, d in places]


# --- pooling and resizing ----------------------------------------------------------------------------------------


def avg_pool3d(use: Use) -> Type:
    """As the layer, which has a check of its own."""
    return pool(3)(Use(replace(use.op, name="AvgPool3d"), use.values))


def interpolate(use: Use) -> Type:
    """`[N, C, …]` resized to `size`, which may be named, or by `scale_factor`."""
    if use["antialias"] and use["mode"] not in ("bilinear", "bicubic"):
        raise Problem("argument-type", '`interpolate`: antialias goes with mode="bilinear" and "bicubic"', "antialias", "mode")
    x, size = use.tensor(), use["size"]
    sizes = size if isinstance(size, list) else [size] * (x.rank - 2)
    if not any(isinstance(s, Dim) for s in sizes):
        return upsample(use)
    known = [1 if isinstance(s, Dim) else s for s in sizes]
    kind = upsample(Use(use.op, use.values | {"size": known}))
    assert isinstance(kind, TensorType)
    return kind.with_shape((*kind.shape[:2], *sizes))


# --- padding -----------------------------------------------------------------------------------------------------

# How much longer an axis must be than a padding that is taken from it; see the documentation of the layers.
TAKEN = {"reflect": 1, "circular": 0}


def pad(use: Use) -> Type:
    """Longer by `pad`: left and right of the last axis, then of the one before, and so on; negative cuts off."""
    x, amounts = use.tensor(), use["pad"]
    axes = len(amounts) // 2
    if len(amounts) % 2 or axes > x.rank:
        raise Problem("argument-type", f"`pad` of {x}: pad holds two numbers for each axis, at most {2 * x.rank}, not {len(amounts)}",
                      "pad", "input")  # fmt: skip
    if use["mode"] != "constant":
        _check_taken(use, x, axes)
    sizes = list(x.shape)
    for i in range(axes):
        before, after = amounts[2 * i : 2 * i + 2]
        sizes[-1 - i] = _padded(use, x, x.rank - 1 - i, before, after)
    return x.with_shape(tuple(sizes))


def _check_taken(use: Use, x: TensorType, axes: int) -> None:
    """What is made of the input's own numbers pads the last 1 to 3 axes of `[N, C, …]` or `[C, …]`."""
    if axes not in (1, 2, 3) or x.rank not in (axes + 1, axes + 2):
        raise Problem("rank", f'`pad` with mode="{use["mode"]}" pads 1 to 3 axes behind [N, C] or [C], and gets {x} with '
                      f"{len(use['pad'])} numbers", "pad", "input", "mode")  # fmt: skip
    if use["value"] is not None:
        raise Problem("argument-type", f'`pad`: value does not go with mode="{use["mode"]}"', "value", "mode")
    if x.dtype == "bool" and use["mode"] != "circular":
        raise Problem("dtype", f'`pad` with mode="{use["mode"]}" needs numbers, and gets {x}', "input", hint="convert with `-> float`")


def _padded(use: Use, x: TensorType, axis: int, before: Size, after: Size) -> Size:
    size, mode = x.shape[axis], use["mode"]
    total = size + before + after
    for amount, other in ((before, after), (after, before)):
        room = size + min(other, 0) if isinstance(other, int) and mode == "circular" else size  # what the other end cuts off is gone
        if mode in TAKEN and isinstance(room, int) and isinstance(amount, int) and amount > room - TAKEN[mode]:
            raise Problem("bad-size", f'`pad` of {x} with mode="{mode}": axis {axis} is too short for {amount}', "pad", "input")
    cut = [n for n in (before, after) if isinstance(n, int) and n < 0 and mode in ("constant", "circular")]  # cut off before padding
    if (isinstance(total, int) and total < 1) or (isinstance(size, int) and size + sum(cut) < 1):
        raise Problem("bad-size", f"`pad` of {x} would leave nothing of axis {axis}", "pad", "input")
    return total


CONV = ("input: tensor, weight: tensor, bias: tensor? = none, stride: int{n} = 1, padding: padding{n} = 0, dilation: int{n} = 1, "
        "groups: int = 1")  # fmt: skip
WINDOW = "input: tensor, kernel_size: int{n}, stride: int{n}? = none"
MAX_POOL = f"{WINDOW}, padding: int{{n}} = 0, dilation: int{{n}} = 1, ceil_mode: bool = false, return_indices: bool = false"
AVG_POOL = f"{WINDOW}, padding: int{{n}} = 0, ceil_mode: bool = false, count_include_pad: bool = true"
LP_POOL = "input: tensor, norm_type: float, kernel_size: int{n}, stride: int{n}? = none, ceil_mode: bool = false"
OUTPUT = {1: "input: tensor, output_size: int1", 2: "input: tensor, output_size: out2", 3: "input: tensor, output_size: out3"}

ROWS: list[Op] = [
    *(functional(f"conv{n}d", CONV.format(n=n), conv(n)) for n in (1, 2, 3)),
    *(functional(f"max_pool{n}d", MAX_POOL.format(n=n), pool(n)) for n in (1, 2, 3)),
    functional("avg_pool1d", AVG_POOL.format(n=1), pool(1)),
    functional("avg_pool2d", f"{AVG_POOL.format(n=2)}, divisor_override: int? = none", pool(2)),
    functional("avg_pool3d", f"{AVG_POOL.format(n=3)}, divisor_override: int? = none", avg_pool3d),
    *(functional(f"lp_pool{n}d", LP_POOL.format(n=n), pool(n)) for n in (1, 2, 3)),
    *(functional(f"adaptive_avg_pool{n}d", OUTPUT[n], adaptive_pool(n)) for n in (1, 2, 3)),
    *(functional(f"adaptive_max_pool{n}d", f"{OUTPUT[n]}, return_indices: bool = false", adaptive_pool(n)) for n in (1, 2, 3)),
    functional("interpolate", "input: tensor, size: size_or_sizes? = none, scale_factor: float_or_floats? = none, "
               "mode: nearest|nearest-exact|linear|bilinear|bicubic|trilinear|area = nearest, align_corners: bool? = none, "
               "recompute_scale_factor: bool? = none, antialias: bool = false", interpolate),
    functional("pixel_shuffle", "input: tensor, upscale_factor: int", pixel_shuffle),
    functional("pixel_unshuffle", "input: tensor, downscale_factor: int", pixel_unshuffle),
    functional("channel_shuffle", "input: tensor, groups: int", channel_shuffle),
    functional("unfold", f"input: tensor, {WINDOWS}", unfold),
    functional("fold", f"input: tensor, output_size: int2, {WINDOWS}", fold),
    functional("pad", "input: tensor, pad: sizes, mode: constant|reflect|replicate|circular = constant, value: float? = none", pad),
]  # fmt: skip
