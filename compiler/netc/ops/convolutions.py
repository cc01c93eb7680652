"""Rows of convolutions, transposed convolutions, and what takes an image apart into windows and puts it together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netc.ops.modules import layer, not_negative, part, positive_all, spatial, weighted, with_bias
from netc.ops.op import Problem, Rule, Use, Weights, sizes_of
from netc.ops.rules import need_float, window
from netc.shapes import Shape, Size, product, shape_text
from netc.tensors import TensorType, Type


def conv(axes: int) -> Rule:
    """Convolution over the last `axes` axes. Source of the formula: torch's documentation of `Conv2d`."""

    def rule(use: Use) -> Type:
        x = _grouped(use, axes)
        if use["padding"] == "same" and set(sizes_of(use["stride"], axes)) != {1}:
            raise Problem("argument-type", f'`{use.op.name}`: padding="same" goes with stride=1 only', "padding", "stride")
        return x.with_shape((*x.shape[: -axes - 1], use["out_channels"], *_conv_sizes(use, x, axes)))

    return rule


def _grouped(use: Use, axes: int) -> TensorType:
    """The input of a convolution, whose channels and those of its output divide into groups."""
    x = spatial(use, axes, weighted(use))
    use.infer("in_channels", x.shape[-axes - 1])
    use.number("out_channels")
    for name in ("in_channels", "out_channels"):
        if use[name] % use.number("groups"):
            raise Problem("bad-size", f"`{use.op.name}`: {name}={use[name]} does not divide by groups={use['groups']}", "groups")
    return x


def _conv_sizes(use: Use, x: TensorType, axes: int) -> tuple[Size, ...]:
    kernel, stride, dilation = (sizes_of(use[n], axes) for n in ("kernel_size", "stride", "dilation"))
    positive_all(use, kernel_size=kernel, stride=stride, dilation=dilation)
    if use["padding"] == "same":
        _fits_mode(use, x, [d * (k - 1) - d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)])
        return x.shape[-axes:]
    padding = (0,) * axes if use["padding"] == "valid" else sizes_of(use["padding"], axes)
    not_negative(use, padding=padding)
    _fits_mode(use, x, padding)
    return tuple(
        window(use.op.name, size, k, s, p, d) for size, k, s, p, d in zip(x.shape[-axes:], kernel, stride, padding, dilation, strict=True)
    )


# Padding that is taken from the input cannot be longer than it; reflection leaves out the edge itself.
LONGEST = {"reflect": 1, "circular": 0}


def _fits_mode(use: Use, x: TensorType, padding: Sequence[int]) -> None:
    mode = use["padding_mode"]
    for size, pad in zip(x.shape[-len(padding) :], padding, strict=True):
        if mode in LONGEST and isinstance(size, int) and pad > size - LONGEST[mode]:
            raise Problem("bad-size", f'`{use.op.name}`: a padding of {pad} with padding_mode="{mode}" is too long for {x}',
                          "padding", "input")  # fmt: skip


def conv_weights(axes: int) -> Weights:
    """`weight` of [out_channels, in_channels / groups, kernel …], and `bias`."""

    def weights(use: Use) -> Mapping[str, Shape]:
        kernel = sizes_of(use["kernel_size"], axes)
        return with_bias(use, (use["out_channels"], use["in_channels"] // use["groups"], *kernel))

    return weights


def conv_transpose(axes: int) -> Rule:
    """Transposed convolution. Source of the formula: torch's documentation of `ConvTranspose2d`."""

    def rule(use: Use) -> Type:
        x = _grouped(use, axes)
        if use["padding_mode"] != "zeros":
            raise Problem("argument-type", f'`{use.op.name}`: padding_mode can only be "zeros"', "padding_mode")
        kernel, stride, padding, dilation = (sizes_of(use[n], axes) for n in ("kernel_size", "stride", "padding", "dilation"))
        positive_all(use, kernel_size=kernel, stride=stride, dilation=dilation)
        not_negative(use, padding=padding)
        smallest = tuple(
            (size - 1) * s - 2 * p + d * (k - 1) + 1
            for size, k, s, p, d in zip(x.shape[-axes:], kernel, stride, padding, dilation, strict=True)
        )
        sizes = _with_output_padding(use, smallest, axes) if use["output_size"] is None else _requested(use, x, smallest, axes)
        for size in sizes:
            if isinstance(size, int) and size < 1:
                raise Problem("bad-size", f"`{use.op.name}` of {x} would give sizes {shape_text(sizes)}", "padding", "input")
        return x.with_shape((*x.shape[: -axes - 1], use["out_channels"], *sizes))

    return rule


def _with_output_padding(use: Use, smallest: Shape, axes: int) -> Shape:
    extra, stride, dilation = (sizes_of(use[n], axes) for n in ("output_padding", "stride", "dilation"))
    not_negative(use, output_padding=extra)
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if e >= max(s, d):
            raise Problem("bad-size", f"`{use.op.name}`: output_padding={e} must be smaller than stride={s} or dilation={d}",
                          "output_padding")  # fmt: skip
    return tuple(size + e for size, e in zip(smallest, extra, strict=True))


def _requested(use: Use, x: TensorType, smallest: Shape, axes: int) -> Shape:
    """`output_size`, which can be up to stride - 1 larger than the smallest. All of the output's axes may stand there."""
    wanted = tuple(use["output_size"])
    if len(wanted) == x.rank:
        wanted = wanted[-axes:]
    if len(wanted) != axes:
        raise Problem("bad-size", f"`{use.op.name}`: output_size has {axes} sizes, not {len(wanted)}", "output_size")
    for size, least, stride in zip(wanted, smallest, sizes_of(use["stride"], axes), strict=True):
        more = size - least
        if isinstance(more, int) and not 0 <= more < stride:
            raise Problem("bad-size", f"`{use.op.name}` of {x} gives sizes from {least} to {least + stride - 1}, not {size}",
                          "output_size", "input")  # fmt: skip
    return wanted


def conv_transpose_weights(axes: int) -> Weights:
    """`weight` of [in_channels, out_channels / groups, kernel …], and `bias` of [out_channels]."""

    def weights(use: Use) -> Mapping[str, Shape]:
        kernel = sizes_of(use["kernel_size"], axes)
        return with_bias(use, (use["in_channels"], use["out_channels"] // use["groups"], *kernel), use["out_channels"])

    return weights


def _places(use: Use, sizes: Shape) -> Size:
    """How many windows there are in an image of these two sizes."""
    kernel, stride, padding, dilation = (sizes_of(use[n], 2) for n in ("kernel_size", "stride", "padding", "dilation"))
    positive_all(use, kernel_size=kernel, stride=stride, dilation=dilation)
    not_negative(use, padding=padding)
    return product(window(use.op.name, n, k, s, p, d) for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True))


def unfold(use: Use) -> Type:
    """`[N, C, H, W]` to its windows, `[N, C*kernel, places]`. Source: torch's documentation of `Unfold`."""
    x = spatial(use, 2, need_float(use, "input"))
    places = _places(use, x.shape[-2:])
    return x.with_shape((*x.shape[:-3], x.shape[-3] * product(sizes_of(use["kernel_size"], 2)), places))


def fold(use: Use) -> Type:
    """`[N, C*kernel, places]` to an image `[N, C, *output_size]`, windows added up. Source: torch's documentation of `Fold`."""
    x = need_float(use, "input")
    if x.rank not in (2, 3):
        raise Problem("rank", f"`Fold` needs 3 axes, [N, C*kernel, places], and gets {x}", "input")
    sizes = sizes_of(use["output_size"], 2)
    positive_all(use, output_size=sizes)
    places = _places(use, sizes)
    channels = part(
        use, x.shape[-2], int(str(product(sizes_of(use["kernel_size"], 2)))), f"axis {x.rank - 2} of {x}", "kernel_size", "input"
    )
    if x.shape[-1] != places:
        raise Problem("shape-mismatch", f"`Fold` to {shape_text(sizes)} needs {places} windows, and {x} has {x.shape[-1]}",
                      "output_size", "input")  # fmt: skip
    return x.with_shape((*x.shape[:-2], channels, *sizes))


CONV = (
    "*in_channels: int, out_channels: int, kernel_size: int{n}, stride: int{n} = 1, padding: padding{n} = 0, dilation: int{n} = 1, "
    "groups: int = 1, bias: bool = true, padding_mode: zeros|reflect|replicate|circular = zeros"
)
CONV_TRANSPOSE = (
    "*in_channels: int, out_channels: int, kernel_size: int{n}, stride: int{n} = 1, padding: int{n} = 0, output_padding: int{n} = 0, "
    "groups: int = 1, bias: bool = true, dilation: int{n} = 1, padding_mode: str = zeros"
)
WINDOWS = "kernel_size: int2, dilation: int2 = 1, padding: int2 = 0, stride: int2 = 1"

ROWS = [
    *(layer(f"Conv{n}d", CONV.format(n=n), conv(n), conv_weights(n)) for n in (1, 2, 3)),
    *(layer(f"ConvTranspose{n}d", CONV_TRANSPOSE.format(n=n), conv_transpose(n), conv_transpose_weights(n),
            "input: tensor, output_size: sizes? = none") for n in (1, 2, 3)),
    layer("Unfold", WINDOWS, unfold),
    layer("Fold", f"output_size: int2, {WINDOWS}", fold),
]  # fmt: skip
