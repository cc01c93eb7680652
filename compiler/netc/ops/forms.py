"""The functional form of a layer: the call of torch that the layer itself makes, which costs less than the layer's own call.

A form is written with `$input` for what the layer is called with, `$weight` for a parameter and `$running_mean` for a buffer of
it, and `$.stride` for an attribute, each read from the layer whenever it runs. The forms are those of the `forward` methods of
torch 2.13; every row of the op table without one is called through its `forward`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PLACE = re.compile(r"\$(\.?)(\w+)")
BUFFERS = ("running_mean", "running_var")  # all other names are inputs or parameters


@dataclass(frozen=True, slots=True)
class Form:
    """A form, and what the layer's attributes must be for it to hold; those that people change later are part of the text."""

    text: str
    needs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The inputs, parameters and buffers that it reads."""
        return {name for dot, name in PLACE.findall(self.text) if not dot}


def _conv(n: int) -> Form:
    call = f"torch.conv{n}d($input, $weight, $bias, $.stride, $.padding, $.dilation, $.groups)"
    return Form(f'{call} if $.padding_mode == "zeros" else $.forward($input)')


def _transposed(n: int) -> Form:
    return Form(f"torch.conv_transpose{n}d($input, $weight, $bias, $.stride, $.padding, $.output_padding, $.groups, $.dilation)")


def _max_pool(n: int) -> Form:
    call = f"torch.max_pool{n}d($input, $.kernel_size, $.stride, $.padding, $.dilation, $.ceil_mode)"
    return Form(call, {"return_indices": False})


# While it trains, the layer counts its batches and moves its statistics: that is left to it.
STATISTICS = "$running_mean, $running_var, False, $.momentum, $.eps, torch.backends.cudnn.enabled"


def _batch_norm(*ranks: int) -> Form:
    """Of those ranks only: of any other one the layer raises, and the function would take axis 1 for the channels."""
    call = f"torch.batch_norm($input, $weight, $bias, {STATISTICS})"
    is_left = f"$.training or $running_mean is None or $.momentum is None or $input.dim() not in {ranks}"
    return Form(f"$.forward($input) if {is_left} else {call}")


IN_PLACE = {"inplace": False}


def _applied(function: str, *attributes: str) -> Form:
    """A function of the input and some attributes."""
    return Form(f"{function}({', '.join(['$input', *(f'$.{name}' for name in attributes)])})")


def _activation(function: str, *attributes: str) -> Form:
    """The same of a layer that may also work in place."""
    return Form(_applied(function, *attributes).text, IN_PLACE)


FORMS: Mapping[str, Form] = {
    "Identity": Form("$input"),
    "Linear": Form("F.linear($input, $weight, $bias)"),
    "Bilinear": Form("torch.bilinear($input1, $input2, $weight, $bias)"),
    "Embedding": Form("F.embedding($input, $weight, $.padding_idx, $.max_norm, $.norm_type, $.scale_grad_by_freq, $.sparse)"),
    "Flatten": Form("$input.flatten($.start_dim, $.end_dim)"),
    "Dropout": Form("torch.dropout($input, $.p, $.training)", IN_PLACE),
    **{f"Conv{n}d": _conv(n) for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": _transposed(n) for n in (1, 2, 3)},
    **{f"MaxPool{n}d": _max_pool(n) for n in (1, 2, 3)},
    "AvgPool2d": _applied("F.avg_pool2d", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    "BatchNorm1d": _batch_norm(2, 3),
    "BatchNorm2d": _batch_norm(4),
    "BatchNorm3d": _batch_norm(5),
    "LayerNorm": Form("torch.layer_norm($input, $.normalized_shape, $weight, $bias, $.eps)"),
    "RMSNorm": Form("torch.rms_norm($input, $.normalized_shape, $weight, $.eps)"),
    "GroupNorm": Form("F.group_norm($input, $.num_groups, $weight, $bias, $.eps)"),
    "ReLU": _activation("torch.relu"),
    "ReLU6": _activation("F.relu6"),
    "Sigmoid": _applied("torch.sigmoid"),
    "Tanh": _applied("torch.tanh"),
    "GELU": Form("F.gelu($input, approximate=$.approximate)"),
    "SiLU": _activation("F.silu"),
    "Mish": _activation("F.mish"),
    "ELU": _activation("F.elu", "alpha"),
    "LeakyReLU": _activation("F.leaky_relu", "negative_slope"),
    "Hardtanh": _activation("F.hardtanh", "min_val", "max_val"),
    "Hardswish": _activation("F.hardswish"),
    "Hardsigmoid": _activation("F.hardsigmoid"),
    "Softplus": _applied("F.softplus", "beta", "threshold"),
    "PReLU": Form("torch.prelu($input, $weight)"),
    # Without a dim torch guesses one, with a warning.
    **{name: Form(f"$.forward($input) if $.dim is None else torch.{function}($input, $.dim)")
       for name, function in (("Softmax", "softmax"), ("LogSoftmax", "log_softmax"))},
}  # fmt: skip
