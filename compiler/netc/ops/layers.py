"""Rows of layers: modules of `torch.nn` that hold parameters or change with the module's mode."""

from __future__ import annotations

from collections.abc import Mapping

from netc.ops.op import Op, Problem, Rule, Use, Weights, signature, sizes_of
from netc.ops.rules import flatten, float_only, need_float, same, window
from netc.shapes import Shape, Size
from netc.tensors import TensorType, Type


def linear(use: Use) -> Type:
    """`[…, in_features]` to `[…, out_features]`."""
    x = need_float(use, "input")
    if not x.rank:
        raise Problem("rank", "`Linear` needs at least one axis, and gets a single number", "input")
    use.infer("in_features", x.shape[-1])
    return x.with_axis(-1, use.number("out_features"))


def linear_weights(use: Use) -> Mapping[str, Shape]:
    return _with_bias(use, (use["out_features"], use["in_features"]))


def _with_bias(use: Use, weight: Shape) -> Mapping[str, Shape]:
    return {"weight": weight, "bias": (weight[0],)} if use["bias"] else {"weight": weight}


def bilinear(use: Use) -> Type:
    """`[…, in1_features]` and `[…, in2_features]` to `[…, out_features]`."""
    a, b = need_float(use, "input1"), need_float(use, "input2")
    if not a.rank or a.shape[:-1] != b.shape[:-1]:
        raise Problem("shape-mismatch", f"`Bilinear` needs equal shapes but for the last axis, and gets {a} and {b}", "input1", "input2")
    use.infer("in1_features", a.shape[-1])
    use.infer("in2_features", b.shape[-1])
    return a.with_axis(-1, use.number("out_features"))


def bilinear_weights(use: Use) -> Mapping[str, Shape]:
    return _with_bias(use, (use["out_features"], use["in1_features"], use["in2_features"]))


def embedding(use: Use) -> Type:
    """`int64[…]`, entries below num_embeddings, to `[…, embedding_dim]`."""
    x = use.tensor("input")
    if x.dtype not in ("int32", "int64"):
        raise Problem("dtype", f"`Embedding` looks up whole numbers, and gets {x}", "input",
                      hint="declare the input as int64, e.g. `input x: int64[B, T]`")  # fmt: skip
    return TensorType((*x.shape, use.number("embedding_dim")))


def embedding_weights(use: Use) -> Mapping[str, Shape]:
    return {"weight": (use["num_embeddings"], use["embedding_dim"])}


def channels_of(use: Use, axes: int, name: str = "input") -> TensorType:
    """The input of a layer over `axes` axes: `[N, C, …]`, or `[C, …]` without a batch."""
    x = need_float(use, name)
    if x.rank not in (axes + 1, axes + 2):
        wanted = "[N, C, " + ", ".join("LHWDHW"[0 if axes == 1 else 1 if axes == 2 else 3 :][:axes]) + "]"
        raise Problem("rank", f"`{use.op.name}` needs {axes + 2} axes, {wanted}, and gets {x}", name)
    return x


def conv(axes: int) -> Rule:
    """Convolution over the last `axes` axes. Source of the formula: torch's documentation of `Conv2d`."""

    def rule(use: Use) -> Type:
        x = channels_of(use, axes)
        use.infer("in_channels", x.shape[-axes - 1])
        for name in ("in_channels", "out_channels"):
            if use[name] % use.number("groups"):
                raise Problem("bad-size", f"`{use.op.name}`: {name}={use[name]} does not divide by groups={use['groups']}", "groups")
        if use["padding"] == "same" and set(sizes_of(use["stride"], axes)) != {1}:
            raise Problem("argument-type", f'`{use.op.name}`: padding="same" goes with stride=1 only', "padding", "stride")
        return x.with_shape((*x.shape[: -axes - 1], use.number("out_channels"), *_conv_sizes(use, x, axes)))

    return rule


def _conv_sizes(use: Use, x: TensorType, axes: int) -> tuple[Size, ...]:
    kernel, stride, dilation = (sizes_of(use[n], axes) for n in ("kernel_size", "stride", "dilation"))
    if use["padding"] == "same":
        return x.shape[-axes:]
    padding = (0,) * axes if use["padding"] == "valid" else sizes_of(use["padding"], axes)
    _positive(use, kernel_size=kernel, stride=stride, dilation=dilation)
    return tuple(
        window(use.op.name, size, k, s, p, d) for size, k, s, p, d in zip(x.shape[-axes:], kernel, stride, padding, dilation, strict=True)
    )


def _positive(use: Use, **lists: tuple[int, ...]) -> None:
    for name, values in lists.items():
        for value in values:
            if value <= 0:
                raise Problem("bad-size", f"`{use.op.name}`: {name} must be positive, and is {value}", name)


def conv_weights(axes: int) -> Weights:
    """`weight` of [out_channels, in_channels / groups, kernel …], and `bias`."""

    def weights(use: Use) -> Mapping[str, Shape]:
        kernel = sizes_of(use["kernel_size"], axes)
        return _with_bias(use, (use["out_channels"], use["in_channels"] // use["groups"], *kernel))

    return weights


def pool(axes: int, average: bool = False) -> Rule:
    """A window over the last `axes` axes; `stride` is `kernel_size` when left out."""

    def rule(use: Use) -> Type:
        x = channels_of(use, axes)
        kernel = sizes_of(use["kernel_size"], axes)
        stride = kernel if use["stride"] is None else sizes_of(use["stride"], axes)
        padding = sizes_of(use["padding"], axes)
        dilation = (1,) * axes if average else sizes_of(use["dilation"], axes)
        _positive(use, kernel_size=kernel, stride=stride, dilation=dilation)
        if average and axes == 3 and any(isinstance(s, int) and s < k for s, k in zip(x.shape[-3:], kernel, strict=True)):
            raise Problem(
                "bad-size", f"`AvgPool3d` needs an input of at least its kernel_size, without padding, and gets {x}", "kernel_size", "input"
            )
        for k, p in zip(kernel, padding, strict=True):
            if p > k // 2:
                raise Problem("bad-size", f"`{use.op.name}`: padding={p} is more than half of kernel_size={k}", "padding")
        sizes = tuple(
            window(use.op.name, size, k, s, p, d, use["ceil_mode"])
            for size, k, s, p, d in zip(x.shape[-axes:], kernel, stride, padding, dilation, strict=True)
        )
        return x.with_shape((*x.shape[:-axes], *sizes))

    return rule


def adaptive_pool(axes: int) -> Rule:
    """To `output_size` along the last `axes` axes."""

    def rule(use: Use) -> Type:
        x = channels_of(use, axes)
        sizes = sizes_of(use["output_size"], axes)
        _positive(use, output_size=sizes)
        return x.with_shape((*x.shape[:-axes], *sizes))

    return rule


def batch_norm(*ranks: int) -> Rule:
    """`[N, C, …]` with as many axes as one of `ranks`, unchanged."""

    def rule(use: Use) -> Type:
        x = need_float(use, "input")
        if x.rank not in ranks:
            raise Problem("rank", f"`{use.op.name}` needs {' or '.join(map(str, ranks))} axes, and gets {x}", "input")
        use.infer("num_features", x.shape[1])
        return x

    return rule


def affine(name: str, size: str) -> Weights:
    """`weight` and `bias` of one entry a feature, where the flag `name` is set."""

    def weights(use: Use) -> Mapping[str, Shape]:
        return {n: (use[size],) for n in ("weight", "bias") if use[name] and (n == "weight" or use["bias"])}

    return weights


def layer_norm(use: Use) -> Type:
    """Normalises over the last axes, by default the last one; the shape stays."""
    x = need_float(use, "input")
    written = use["normalized_shape"]
    count = len(written) if isinstance(written, list) else 1
    if x.rank < count:
        raise Problem("rank", f"`LayerNorm` over {count} axes needs as many, and gets {x}", "input")
    use.infer("normalized_shape", list(x.shape[-count:]) if isinstance(written, list) else x.shape[-1])
    return x


def layer_norm_weights(use: Use) -> Mapping[str, Shape]:
    shape = sizes_of(use["normalized_shape"], 1)
    names = [n for n, there in (("weight", True), ("bias", use["bias"])) if there and use["elementwise_affine"]]
    return dict.fromkeys(names, shape)


def group_norm(use: Use) -> Type:
    """`[N, C, …]`, normalised within `num_groups` groups of channels."""
    x = need_float(use, "input")
    if x.rank < 2:
        raise Problem("rank", f"`GroupNorm` needs at least 2 axes, [N, C, …], and gets {x}", "input")
    channels = use.infer("num_channels", x.shape[1])
    if channels % use.number("num_groups"):
        raise Problem("bad-size", f"`GroupNorm`: {channels} channels do not divide by num_groups={use['num_groups']}", "num_groups")
    return x


def dropout(use: Use) -> Type:
    """As the input; `p` is a probability."""
    if not 0 <= use["p"] <= 1:
        raise Problem("argument-type", f"`{use.op.name}`: p is a probability from 0 to 1, not {use['p']}", "p")
    return float_only(use)


def prelu(use: Use) -> Type:
    """`num_parameters` is 1 or the number of channels."""
    x = need_float(use, "input")
    channels = x.shape[1] if x.rank > 1 else 1
    if use["num_parameters"] not in (1, channels):
        raise Problem("bad-size", f"`PReLU` has {use['num_parameters']} parameters for {channels} channels", "num_parameters", "input")
    return x


CONV = (
    "*in_channels: int, out_channels: int, kernel_size: int{n}, stride: int{n} = 1, padding: {p} = 0, dilation: int{n} = 1, "
    "groups: int = 1, bias: bool = true, padding_mode: zeros|reflect|replicate|circular = zeros"
)
BATCH_NORM = (
    "*num_features: int, eps: float = 1e-05, momentum: float? = 0.1, affine: bool = true, track_running_stats: bool = true, "
    "bias: bool = true"
)
MAX_POOL = "kernel_size: int{n}, stride: int{n}? = none, padding: int{n} = 0, dilation: int{n} = 1, ceil_mode: bool = false"
AVG_POOL = "kernel_size: int{n}, stride: int{n}? = none, padding: int{n} = 0, ceil_mode: bool = false, count_include_pad: bool = true"


def layer(name: str, params: str, rule: Rule, weights: Weights | None = None, inputs: str = "input: tensor") -> Op:
    """A row of a module of `torch.nn`."""
    return Op(name, f"torch.nn.{name}", signature(params), signature(inputs), rule, weights)


ROWS = [
    layer("Linear", "*in_features: int, out_features: int, bias: bool = true", linear, linear_weights),
    layer("Bilinear", "*in1_features: int, *in2_features: int, out_features: int, bias: bool = true", bilinear, bilinear_weights,
          "input1: tensor, input2: tensor"),
    layer("Embedding", "num_embeddings: int, embedding_dim: int, padding_idx: int? = none, max_norm: float? = none, "
          "norm_type: float = 2.0, scale_grad_by_freq: bool = false, sparse: bool = false", embedding, embedding_weights),
    layer("Identity", "", same),
    layer("Flatten", "start_dim: int = 1, end_dim: int = -1", flatten),
    *(layer(f"Conv{n}d", CONV.format(n=n, p=f"padding{n}"), conv(n), conv_weights(n)) for n in (1, 2, 3)),
    *(layer(f"AdaptiveAvgPool{n}d", f"output_size: int{n}", adaptive_pool(n)) for n in (1, 2, 3)),
    *(layer(f"MaxPool{n}d", MAX_POOL.format(n=n), pool(n)) for n in (1, 2, 3)),
    *(layer(f"AvgPool{n}d", AVG_POOL.format(n=n), pool(n, average=True)) for n in (1, 2, 3)),
    layer("BatchNorm1d", BATCH_NORM, batch_norm(2, 3), affine("affine", "num_features")),
    layer("BatchNorm2d", BATCH_NORM, batch_norm(4), affine("affine", "num_features")),
    layer("BatchNorm3d", BATCH_NORM, batch_norm(5), affine("affine", "num_features")),
    layer("LayerNorm", "*normalized_shape: int_or_ints, eps: float = 1e-05, elementwise_affine: bool = true, bias: bool = true",
          layer_norm, layer_norm_weights),
    layer("GroupNorm", "num_groups: int, *num_channels: int, eps: float = 1e-05, affine: bool = true, bias: bool = true", group_norm,
          affine("affine", "num_channels")),
    *(layer(name, "p: float = 0.5, inplace: bool = false", dropout) for name in ("Dropout", "AlphaDropout", "FeatureAlphaDropout")),
    layer("PReLU", "num_parameters: int = 1, init: float = 0.25", prelu, lambda use: {"weight": (use["num_parameters"],)}),
]  # fmt: skip
