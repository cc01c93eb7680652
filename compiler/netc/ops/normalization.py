"""Rows of normalisations: the shape stays, and most have a scale and a shift for every feature."""

from __future__ import annotations

from collections.abc import Mapping

from netc.ops.modules import at_least, chosen, layer, spatial, weighted
from netc.ops.op import Problem, Rule, Use, Weights, sizes_of
from netc.ops.rules import need_float
from netc.shapes import Shape, product
from netc.tensors import TensorType, Type


def _input(use: Use, *flags: str) -> TensorType:
    """The input, which must be float32 where one of these arguments gives the layer numbers of its own."""
    return weighted(use) if any(use[flag] for flag in flags) else need_float(use, "input")


def batch_norm(*ranks: int) -> Rule:
    """`[N, C, …]` with as many axes as one of `ranks` (none: 2 or more), unchanged."""

    def rule(use: Use) -> Type:
        x = _input(use, "affine", "track_running_stats")
        if x.rank not in (ranks or range(2, 99)):
            wanted = " or ".join(map(str, ranks)) or "at least 2"
            raise Problem("rank", f"`{use.op.name}` needs {wanted} axes, and gets {x}", "input")
        chosen(use, "eps", use["eps"] > 0, "positive")
        use.infer("num_features", x.shape[1])
        if product((x.shape[0], *x.shape[2:])) == 1:
            raise Problem("bad-size", f"`{use.op.name}` of {x}: in training a single value of each channel has no variance", "input",
                          hint="leave the size of the batch open, e.g. `[B, …]`, or take `LayerNorm`")  # fmt: skip
        return x

    return rule


def instance_norm(axes: int) -> Rule:
    """`[N, C, …]` or `[C, …]`, normalised over the last `axes` axes, which must hold more than one number together."""

    def rule(use: Use) -> Type:
        x = spatial(use, axes, _input(use, "affine", "track_running_stats"))
        if product(x.shape[-axes:]) == 1:
            raise Problem("bad-size", f"`{use.op.name}` of {x}: a single number has no variance", "input")
        use.infer("num_features", x.shape[-axes - 1])
        return x

    return rule


def affine(name: str, size: str) -> Weights:
    """`weight` and `bias` of one entry a feature, where the flag `name` is set."""

    def weights(use: Use) -> Mapping[str, Shape]:
        return {n: (use[size],) for n in ("weight", "bias") if use[name] and (n == "weight" or use["bias"])}

    return weights


def layer_norm(use: Use) -> Type:
    """Normalises over the last axes, by default the last one; the shape stays."""
    x = _input(use, "elementwise_affine")
    written = use["normalized_shape"]
    count = len(written) if isinstance(written, list) else 1
    if not count:
        raise Problem("bad-size", f"`{use.op.name}`: normalized_shape names no axis", "normalized_shape")
    if x.rank < count:
        raise Problem("rank", f"`{use.op.name}` over {count} axes needs as many, and gets {x}", "input")
    use.infer("normalized_shape", list(x.shape[-count:]) if isinstance(written, list) else x.shape[-1])
    return x


def layer_norm_weights(use: Use) -> Mapping[str, Shape]:
    """`weight` and `bias` of the normalised axes; `RMSNorm` has no bias."""
    names = [n for n in ("weight", "bias") if use["elementwise_affine"] and (n == "weight" or use.values.get("bias"))]
    return dict.fromkeys(names, sizes_of(use["normalized_shape"], 1))


def group_norm(use: Use) -> Type:
    """`[N, C, …]`, normalised within `num_groups` groups of channels."""
    x = _input(use, "affine")
    if x.rank < 2:
        raise Problem("rank", f"`GroupNorm` needs at least 2 axes, [N, C, …], and gets {x}", "input")
    channels = use.infer("num_channels", x.shape[1])
    if channels % use.number("num_groups"):
        raise Problem("bad-size", f"`GroupNorm`: {channels} channels do not divide by num_groups={use['num_groups']}", "num_groups")
    if product((x.shape[0] * channels // use["num_groups"], *x.shape[2:])) == 1:
        raise Problem("bad-size", f"`GroupNorm` of {x}: a group of a single number has no variance", "num_groups", "input")
    return x


def local_response_norm(use: Use) -> Type:
    """`[N, C, …]`, normalised over `size` neighbouring channels."""
    use.number("size")
    return at_least(use, 3, "[N, C, …]")


def cross_map_norm(use: Use) -> Type:
    """`[N, C, H, W]`, normalised over `size` neighbouring channels."""
    use.number("size")
    x = need_float(use, "input")
    if x.rank != 4:
        raise Problem("rank", f"`{use.op.name}` needs 4 axes, [N, C, H, W], and gets {x}", "input")
    return x


NORM = (
    "*num_features: int, eps: float = 1e-05, momentum: float? = 0.1, affine: bool = {on}, track_running_stats: bool = {on}, "
    "bias: bool = true"
)
BATCH_NORM, INSTANCE_NORM = NORM.format(on="true"), NORM.format(on="false")
ONE_A_FEATURE = affine("affine", "num_features")

ROWS = [
    layer("BatchNorm1d", BATCH_NORM, batch_norm(2, 3), ONE_A_FEATURE),
    layer("BatchNorm2d", BATCH_NORM, batch_norm(4), ONE_A_FEATURE),
    layer("BatchNorm3d", BATCH_NORM, batch_norm(5), ONE_A_FEATURE),
    layer("SyncBatchNorm", BATCH_NORM, batch_norm(), ONE_A_FEATURE),
    *(layer(f"InstanceNorm{n}d", INSTANCE_NORM, instance_norm(n), ONE_A_FEATURE) for n in (1, 2, 3)),
    layer("LayerNorm", "*normalized_shape: int_or_ints, eps: float = 1e-05, elementwise_affine: bool = true, bias: bool = true",
          layer_norm, layer_norm_weights),
    layer("RMSNorm", "*normalized_shape: int_or_ints, eps: float? = none, elementwise_affine: bool = true", layer_norm, layer_norm_weights),
    layer("GroupNorm", "num_groups: int, *num_channels: int, eps: float = 1e-05, affine: bool = true, bias: bool = true", group_norm,
          affine("affine", "num_channels")),
    layer("LocalResponseNorm", "size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0", local_response_norm),
    layer("CrossMapLRN2d", "size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1", cross_map_norm),
]  # fmt: skip
