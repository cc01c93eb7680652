"""Facts that netc states about other libraries, against the installed ones."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest
from torch import nn

from netc.lower.scope import MODULE_ATTRIBUTES, snake
from netc.ops.op import REQUIRED
from netc.ops.recipes import RECIPES

# Parameters that a spec does not give: what is optimized, what scikit-learn returns.
NOT_OURS = {"params", "optimizer", "last_epoch", "return_X_y", "as_frame", "coef", "return_centers",
            "sparse", "return_indicator", "return_distributions",  # what a table cannot be
            "scale_fn", "scale_mode",  # a Python function, and what it takes
            "y_true", "y_pred", "y_score", "sample_weight", "normalize", "labels", "pos_label", "zero_division",
            "multioutput", "force_finite"}  # fmt: skip


@pytest.mark.parametrize("name", [n for n, r in RECIPES.items() if not r.target.startswith("netc.")])
def test_parameters_and_defaults(name: str) -> None:
    recipe = RECIPES[name]
    module, attribute = recipe.target.rsplit(".", 1)
    parameters = inspect.signature(getattr(import_module(module), attribute)).parameters
    theirs = {n: p.default for n, p in parameters.items() if n not in NOT_OURS}

    def plain(value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else value

    assert {p.name for p in recipe.params} == set(theirs)
    for param in recipe.params:
        default = theirs[param.name]
        assert (REQUIRED if default is inspect.Parameter.empty else plain(default)) == param.default, param.name


def test_module_attributes() -> None:
    assert {n for n in dir(nn.Module()) if not n.startswith("_")} <= MODULE_ATTRIBUTES


@pytest.mark.parametrize(
    ("name", "snaked"),
    [("Linear", "linear"), ("ReLU", "relu"), ("BatchNorm2d", "batch_norm2d"), ("LeakyReLU", "leaky_relu"), ("GELU", "gelu"),
     ("AdaptiveAvgPool2d", "adaptive_avg_pool2d"), ("PReLU", "prelu"), ("LSTM", "lstm"), ("ReLU6", "relu6"), ("SiLU", "silu"),
     ("GroupNorm", "group_norm"), ("LogSoftmax", "log_softmax"), ("ELU", "elu"), ("LSTMCell", "lstm_cell"), ("CELU", "celu")],
)  # fmt: skip
def test_names_of_unlabelled_layers(name: str, snaked: str) -> None:
    assert snake(name) == snaked
