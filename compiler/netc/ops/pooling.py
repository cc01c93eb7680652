"""Rows of poolings: windows that are reduced to their mean, maximum or norm, and the inverse of the maximum."""

from __future__ import annotations

from netc.ops.modules import chosen, layer, not_negative, number_of, of_shape, positive_all, spatial
from netc.ops.op import Problem, Rule, Use, sizes_of
from netc.ops.rules import need_float, window
from netc.shapes import Shape, Size, shape_text
from netc.tensors import TensorType, Type


def pooled(use: Use, x: TensorType, sizes: Shape) -> Type:
    """The input with its last axes of other sizes; with `return_indices` also where in the input each value stood."""
    out = x.with_shape((*x.shape[: -len(sizes)], *sizes))
    return (out, TensorType(out.shape, "int64")) if use.values.get("return_indices") else out


def pool(axes: int) -> Rule:
    """A window over the last `axes` axes; `stride` is `kernel_size` when left out."""

    def rule(use: Use) -> Type:
        x = spatial(use, axes, need_float(use, "input"))
        kernel = sizes_of(use["kernel_size"], axes)
        stride = kernel if use["stride"] is None else sizes_of(use["stride"], axes)
        padding, dilation = (sizes_of(use.values.get(name, usual), axes) for name, usual in (("padding", 0), ("dilation", 1)))
        positive_all(use, kernel_size=kernel, stride=stride, dilation=dilation)
        not_negative(use, padding=padding)
        for k, p in zip(kernel, padding, strict=True):
            if p > k // 2:
                raise Problem("bad-size", f"`{use.op.name}`: padding={p} is more than half of kernel_size={k}", "padding")
        _check_average(use, x, kernel)
        sizes = tuple(
            window(use.op.name, size, k, s, p, d, use["ceil_mode"])
            for size, k, s, p, d in zip(x.shape[-axes:], kernel, stride, padding, dilation, strict=True)
        )
        return pooled(use, x, sizes)

    return rule


# These compare their kernel with the input as it is; the others with the padded one.
WITHOUT_PADDING = ("AvgPool3d", "LPPool3d", "avg_pool3d", "lp_pool3d")


def _check_average(use: Use, x: TensorType, kernel: tuple[int, ...]) -> None:
    if use.values.get("divisor_override") == 0:
        raise Problem("argument-type", f"`{use.op.name}`: divisor_override divides, and cannot be 0", "divisor_override")
    if use.values.get("norm_type") == 0:
        raise Problem("argument-type", f"`{use.op.name}`: norm_type is the exponent of a norm, and cannot be 0", "norm_type")
    if use.op.name not in WITHOUT_PADDING:
        return
    if any(isinstance(n, int) and n < k for n, k in zip(x.shape[-3:], kernel, strict=True)):
        raise Problem("bad-size", f"`{use.op.name}` needs an input of at least its kernel_size, without padding, and gets {x}",
                      "kernel_size", "input")  # fmt: skip


def adaptive_pool(axes: int) -> Rule:
    """To `output_size` along the last `axes` axes; `none` keeps an axis."""

    def rule(use: Use) -> Type:
        x = spatial(use, axes, need_float(use, "input"))
        wanted = sizes_of(use["output_size"], axes)
        positive_all(use, output_size=[size for size in wanted if size is not None])
        return pooled(use, x, tuple(old if new is None else new for old, new in zip(x.shape[-axes:], wanted, strict=True)))

    return rule


def fractional_pool(axes: int) -> Rule:
    """Windows at random places, as many as `output_size` says or `output_ratio` of the input's size.

    Source: torch's documentation of `FractionalMaxPool2d`.
    """

    def rule(use: Use) -> Type:
        x = spatial(use, axes, need_float(use, "input"))
        if (use["output_size"] is None) == (use["output_ratio"] is None):
            raise Problem("missing-argument", f"`{use.op.name}` needs output_size or output_ratio, and not both", "output_ratio")
        kernel, sizes = sizes_of(use["kernel_size"], axes), _fractional_sizes(use, x, axes)
        positive_all(use, kernel_size=kernel, output_size=sizes)
        for size, k, out in zip(x.shape[-axes:], kernel, sizes, strict=True):
            needed = out + k - (1 if axes == 2 else 0)  # torch's 3d wants one more than the 2d
            if isinstance(size, int) and needed > size:
                raise Problem("bad-size", f"`{use.op.name}`: {out} windows of {k} need {needed} numbers, and there are {size}",
                              "kernel_size", "input")  # fmt: skip
        return pooled(use, x, sizes)

    return rule


def _fractional_sizes(use: Use, x: TensorType, axes: int) -> tuple[int, ...]:
    if use["output_size"] is not None:
        return sizes_of(use["output_size"], axes)
    ratios = sizes_of(use["output_ratio"], axes)
    chosen(use, "output_ratio", all(0 < ratio < 1 for ratio in ratios), "between 0 and 1")
    return tuple(int(number_of(use, n, "with output_ratio") * ratio) for n, ratio in zip(x.shape[-axes:], ratios, strict=True))


def unpool(axes: int) -> Rule:
    """Values back to the places that `return_indices` gave. Source of the formula: torch's documentation of `MaxUnpool2d`."""

    def rule(use: Use) -> Type:
        x = spatial(use, axes, need_float(use, "input"))
        if of_shape(use, "indices", x.shape).dtype != "int64":
            raise Problem("dtype", f"`{use.op.name}` needs int64 indices, and gets {use.tensor('indices')}", "indices",
                          hint=f"they come from `MaxPool{axes}d(…, return_indices=true)`")  # fmt: skip
        kernel, padding = sizes_of(use["kernel_size"], axes), sizes_of(use["padding"], axes)
        stride = kernel if use["stride"] is None else sizes_of(use["stride"], axes)
        positive_all(use, kernel_size=kernel, stride=stride)
        usual: Shape = tuple((n - 1) * s + k - 2 * p for n, k, s, p in zip(x.shape[-axes:], kernel, stride, padding, strict=True))
        sizes = usual if use["output_size"] is None else _unpooled(use, x, usual, stride)
        for size in sizes:
            if isinstance(size, int) and size < 1:
                raise Problem("bad-size", f"`{use.op.name}` of {x} would give sizes {shape_text(sizes)}", "padding", "input")
        return x.with_shape((*x.shape[:-axes], *sizes))

    return rule


def _unpooled(use: Use, x: TensorType, usual: Shape, stride: tuple[int, ...]) -> Shape:
    """`output_size`, within a stride of the usual sizes; all of the output's axes may stand there."""
    axes = len(usual)
    wanted: tuple[Size, ...] = tuple(use["output_size"])
    wanted = wanted[2:] if len(wanted) == axes + 2 else wanted
    if len(wanted) != axes:
        raise Problem("bad-size", f"`{use.op.name}`: output_size has {axes} sizes, not {len(wanted)}", "output_size")
    for size, middle, step in zip(wanted, usual, stride, strict=True):
        away = size - middle
        if isinstance(away, int) and not -step < away < step:
            raise Problem("bad-size", f"`{use.op.name}` of {x} gives sizes between {middle - step} and {middle + step}, not {size}",
                          "output_size", "input")  # fmt: skip
    return wanted


STRIDE = "stride: int{n}? = none"
MAX_POOL = (
    f"kernel_size: int{{n}}, {STRIDE}, padding: int{{n}} = 0, dilation: int{{n}} = 1, return_indices: bool = false, ceil_mode: bool = false"
)
AVG_POOL = f"kernel_size: int{{n}}, {STRIDE}, padding: int{{n}} = 0, ceil_mode: bool = false, count_include_pad: bool = true"
LP_POOL = f"norm_type: float, kernel_size: int{{n}}, {STRIDE}, ceil_mode: bool = false"
FRACTIONAL = "kernel_size: int{n}, output_size: int{n}? = none, output_ratio: float{n}? = none, return_indices: bool = false"
OUTPUT = {1: "output_size: int1", 2: "output_size: out2", 3: "output_size: out3"}  # torch's 1d has no `none`

ROWS = [
    *(layer(f"MaxPool{n}d", MAX_POOL.format(n=n), pool(n)) for n in (1, 2, 3)),
    layer("AvgPool1d", AVG_POOL.format(n=1), pool(1)),
    *(layer(f"AvgPool{n}d", f"{AVG_POOL.format(n=n)}, divisor_override: int? = none", pool(n)) for n in (2, 3)),
    *(layer(f"LPPool{n}d", LP_POOL.format(n=n), pool(n)) for n in (1, 2, 3)),
    *(layer(f"AdaptiveAvgPool{n}d", OUTPUT[n], adaptive_pool(n)) for n in (1, 2, 3)),
    *(layer(f"AdaptiveMaxPool{n}d", f"{OUTPUT[n]}, return_indices: bool = false", adaptive_pool(n)) for n in (1, 2, 3)),
    *(layer(f"FractionalMaxPool{n}d", FRACTIONAL.format(n=n), fractional_pool(n)) for n in (2, 3)),
    *(layer(f"MaxUnpool{n}d", f"kernel_size: int{{n}}, {STRIDE}, padding: int{{n}} = 0".format(n=n), unpool(n),
            inputs="input: tensor, indices: tensor, output_size: sizes? = none") for n in (1, 2, 3)),
]  # fmt: skip
