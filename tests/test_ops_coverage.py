"""Every public class of `torch.nn` has a row in the op table, or a reason why not."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn

from netc.ops import TABLE

CLASSES = sorted(torch.nn.modules.__all__)

# Why a class has no row, and what a spec has in its place.
REASONS = {
    "the base class of all layers": ["Module"],
    "a container: `{ … }`, `repeat`, blocks and labels take its place": ["Sequential", "ModuleList", "ModuleDict", "Container"],
    "a container of parameters: `param` takes its place": ["ParameterList", "ParameterDict"],
    "a lazy class: the class without `Lazy` infers the same sizes": [
        "LazyLinear", *(f"Lazy{k}{n}d" for k in ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm") for n in (1, 2, 3))],
    "the base class of recurrent layers: `RNN`, `LSTM`, `GRU` and their cells are the layers": ["RNNBase", "RNNCellBase"],
    "takes a layer and copies it: `layers: { repeat 6 { TransformerEncoderLayer(8) } }` has the same keys": [
        "TransformerEncoder", "TransformerDecoder"],
    "takes a distance that is a Python function: a `fn` of the spec says it, `mean(relu(margin + d(a, p) - d(a, n)))`": [
        "TripletMarginWithDistanceLoss"],
    "deprecated by torch: `NLLLoss` does the same": ["NLLLoss2d"],
    "no layer but settings of `LinearCrossEntropyLoss`, which change its memory and not its value": ["LinearCrossEntropyOptions"],
}  # fmt: skip
WITHOUT = {name: reason for reason, names in REASONS.items() for name in names}


@pytest.mark.parametrize("name", CLASSES)
def test_class_has_a_row_or_a_reason(name: str) -> None:
    assert (name in TABLE) != (name in WITHOUT), f"{name} needs a row in netc/ops, or a reason here"
    if name in TABLE:
        assert TABLE[name].is_module or TABLE[name].is_loss
        assert TABLE[name].target.startswith("torch.nn.")


def test_reasons_are_of_classes_that_exist() -> None:
    assert set(WITHOUT) <= set(CLASSES)


def test_list_of_classes_is_whole() -> None:
    """What `torch.nn` itself offers as modules is in the list."""
    offered = {n for n, c in vars(nn).items() if inspect.isclass(c) and issubclass(c, nn.Module) and not n.startswith("_")}
    assert offered - {"DataParallel"} <= set(CLASSES)  # runs another module on several devices, and has no place in a spec


def test_rows_of_modules_are_classes_of_torch() -> None:
    for name, op in TABLE.items():
        if op.is_module:
            assert op.target == f"torch.nn.{name}"
            assert name in CLASSES
