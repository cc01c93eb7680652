"""Rows of activations: each a module, and where torch has one a function of the same formula."""

from __future__ import annotations

from netc.ops.modules import chosen, layer, spatial, weighted
from netc.ops.op import Op, Problem, Rule, Use, axis_of, signature
from netc.ops.rules import float_only, need_float
from netc.shapes import Dim
from netc.tensors import Type


def over_dim(use: Use) -> Type:
    """As the input, which has the axis `dim`. `dim=none` would be guessed by torch, with a warning."""
    x = need_float(use, "input")
    if use["dim"] is None:
        raise Problem("missing-argument", f"`{use.op.name}` needs `dim`, the axis over which it adds up to 1", "dim",
                      hint=f"for classes in the last axis: `{use.op.name}(dim=-1)`")  # fmt: skip
    axis_of(use, x)
    return x


def halves(use: Use) -> Type:
    """Half the size along `dim`: `GLU`."""
    x = need_float(use, "input")
    axis = axis_of(use, x)
    size = x.shape[axis]
    if size % 2 != 0 and not (isinstance(size, Dim) and size // 2 * 2 == size):
        raise Problem("bad-size", f"`{use.op.name}` of {x}: {size} does not divide by 2", "dim", "input")
    return x.with_axis(axis, size // 2)


def number_only(use: Use) -> Type:
    """As the input, ints too but no bools: `ReLU`."""
    x = use.tensor("input")
    if x.dtype == "bool":
        raise Problem("dtype", f"`{use.op.name}` needs numbers, and gets {x}", "input", hint="convert it with `-> float`")
    return x


def over_channels(use: Use) -> Type:
    """As the input, `[N, C, H, W]`: `Softmax2d` adds up to 1 over the channels."""
    return spatial(use, 2, need_float(use, "input"))


def prelu(use: Use) -> Type:
    """`num_parameters` is 1 or the number of channels."""
    x = weighted(use)
    channels = x.shape[1] if x.rank > 1 else 1
    if use["num_parameters"] not in (1, channels):
        raise Problem("bad-size", f"`PReLU` has {use['num_parameters']} parameters for {channels} channels", "num_parameters", "input")
    return x


def random_slope(use: Use) -> Type:
    """As the input: `RReLU` draws its slope between `lower` and `upper`."""
    chosen(use, "lower", use["lower"] <= use["upper"], "at most upper")
    return float_only(use)


def celu(use: Use) -> Type:
    """As the input; the formula divides by `alpha`."""
    chosen(use, "alpha", use["alpha"] != 0, "another number than 0")
    return float_only(use)


def hardtanh(use: Use) -> Type:
    """As the input, cut off below `min_val` and above `max_val`."""
    chosen(use, "max_val", use["max_val"] > use["min_val"], f"above min_val, {use['min_val']}")
    return float_only(use)


def softshrink(use: Use) -> Type:
    """As the input, nearer to 0 by `lambd`."""
    chosen(use, "lambd", use["lambd"] >= 0, "0 or more")
    return float_only(use)


# module, function (or none), the parameters that they share, rule
FORMULAS: tuple[tuple[str, str, str, Rule], ...] = (
    ("ReLU", "torch.relu", "", number_only),
    ("ReLU6", "torch.nn.functional.relu6", "", number_only),
    ("Sigmoid", "torch.sigmoid", "", float_only),
    ("Tanh", "torch.tanh", "", float_only),
    ("GELU", "torch.nn.functional.gelu", "approximate: none|tanh = none", float_only),
    ("ELU", "torch.nn.functional.elu", "alpha: float = 1.0", float_only),
    ("CELU", "torch.nn.functional.celu", "alpha: float = 1.0", celu),
    ("SELU", "torch.nn.functional.selu", "", float_only),
    ("SiLU", "torch.nn.functional.silu", "", float_only),
    ("Mish", "torch.nn.functional.mish", "", float_only),
    ("LeakyReLU", "torch.nn.functional.leaky_relu", "negative_slope: float = 0.01", float_only),
    ("Softplus", "torch.nn.functional.softplus", "beta: float = 1.0, threshold: float = 20.0", float_only),
    ("Softsign", "torch.nn.functional.softsign", "", float_only),
    ("Hardtanh", "torch.nn.functional.hardtanh", "min_val: float = -1.0, max_val: float = 1.0", hardtanh),
    ("Hardsigmoid", "torch.nn.functional.hardsigmoid", "", float_only),
    ("Hardswish", "torch.nn.functional.hardswish", "", float_only),
    ("Hardshrink", "torch.nn.functional.hardshrink", "lambd: float = 0.5", float_only),
    ("Softshrink", "torch.nn.functional.softshrink", "lambd: float = 0.5", softshrink),
    ("Tanhshrink", "torch.nn.functional.tanhshrink", "", float_only),
    ("LogSigmoid", "torch.nn.functional.logsigmoid", "", float_only),
    ("Softmax", "torch.nn.functional.softmax", "dim: int? = none", over_dim),
    ("LogSoftmax", "torch.nn.functional.log_softmax", "dim: int? = none", over_dim),
    ("Softmin", "torch.nn.functional.softmin", "dim: int? = none", over_dim),
    ("Threshold", "torch.nn.functional.threshold", "threshold: float, value: float", number_only),
    ("GLU", "torch.nn.functional.glu", "dim: int = -1", halves),
)

INPLACE = ("ReLU", "ReLU6", "ELU", "CELU", "SELU", "SiLU", "Mish", "LeakyReLU", "Hardtanh", "Hardsigmoid", "Hardswish",
           "Threshold")  # fmt: skip


def _module(name: str, params: str, rule: Rule) -> Op:
    inplace = "inplace: bool = false" if name in INPLACE else ""
    both = ", ".join(text for text in (params, inplace) if text)
    return Op(name, f"torch.nn.{name}", signature(both), signature("input: tensor"), rule)


def _function(target: str, params: str, rule: Rule) -> Op:
    text = ", ".join(t for t in ("input: tensor", params) if t)
    return Op(target.rsplit(".", 1)[1], target, (), signature(text), rule)


ROWS = [
    *(_module(name, params, rule) for name, _, params, rule in FORMULAS),
    *(_function(target, params, rule) for _, target, params, rule in FORMULAS),
    layer("Softmax2d", "", over_channels),
    layer("RReLU", "lower: float = 0.125, upper: float = 0.3333333333333333, inplace: bool = false", random_slope),
    layer("PReLU", "num_parameters: int = 1, init: float = 0.25", prelu, lambda use: {"weight": (use["num_parameters"],)}),
]
