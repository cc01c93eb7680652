"""torch.compile and torch.export take every spec whole: no graph breaks, named dimensions of any size."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
import torch
from torch import Tensor

import netc
from netc.module import NetModule
from tests.conftest import SPECS
from tests.forms import LOSS_SEED, outputs
from tests.test_spec_twins import CLASSES, example

SMALL = {"width": 16, "depth": 2, "heads": 2}
PARAMETERS: dict[str, dict[str, Any]] = {
    "gpt2": SMALL | {"words": 40},
    "bert_encoder": SMALL | {"words": 40},
    "vit_b_16": SMALL | {"size": 32},
    "mlp_mixer": {"patch": 56, "width": 16, "depth": 2},
    "unet": {"width": 4, "deepest": 64},
    "se_resnet": {"depth": 2},
}
# Fewer layers of each kind, where no parameter says how many.
SHORTER = {
    "densenet121": ("[[1, 6], [2, 12], [3, 24], [4, 16]]", "[[1, 2], [2, 2], [3, 2], [4, 2]]"),
    "resnet50": ("repeat 5", "repeat 1"),
}
# Specs of which torch fixes all sizes: the steps of recurrent layers, and the batch in `take_along_dim`.
RECURRENT = ("lstm_tagger", "seq2seq_attention")
NAMES = sorted(path.stem for path in SPECS.glob("*.net"))
SIZES = {"B": 2, "T": 7, "S": 5, "H": 96, "W": 128, "h": 2, "w": 3}
OTHERS = ({"B": 3, "T": 9, "S": 6, "H": 115, "W": 96, "h": 3, "w": 2}, {**SIZES, "B": 1})


# torch sets these tensors of any nn.LSTM back after the export.
FLAT_WEIGHTS = pytest.mark.filterwarnings("ignore:The tensor attributes .*_flat_weights:UserWarning")


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch.compiler.reset()


def small(spec: str) -> netc.Network:
    text = (SPECS / f"{spec}.net").read_text(encoding="utf-8")
    if spec in SHORTER:
        assert SHORTER[spec][0] in text
        text = text.replace(*SHORTER[spec])
    return netc.load(text, PARAMETERS.get(spec, {}))


def tensors(spec: str, network: netc.Network, sizes: dict[str, int]) -> tuple[list[Tensor], list[Tensor]]:
    torch.manual_seed(1)
    graph, classes = network.graph, 2 if spec == "bert_encoder" else CLASSES.get(spec, 10)  # BERT knows two segments
    return [example(n, classes, sizes) for n in graph.inputs], [example(n, classes, sizes) for n in graph.targets]


@pytest.mark.parametrize("spec", NAMES)
def test_compiled_whole(spec: str) -> None:
    network = small(spec)
    model = network.module().eval()
    inputs, _ = tensors(spec, network, SIZES)
    expected = outputs(model, inputs)
    with torch._dynamo.config.patch(allow_rnn=True):  # which torch still calls experimental
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        torch.testing.assert_close(outputs(compiled, inputs), expected)


@pytest.mark.parametrize("spec", ["network", "vae", "se_resnet", "gpt2"])
def test_training_step_compiled_whole(spec: str) -> None:
    network = small(spec)
    model = network.module()
    both = [t for part in tensors(spec, network, SIZES) for t in part]
    found = []
    for loss in (model.loss, torch.compile(model.loss, fullgraph=True, backend="aot_eager")):
        torch.manual_seed(LOSS_SEED)
        value = loss(*both)
        found.append([value, *torch.autograd.grad(value, list(model.parameters()))])
    torch.testing.assert_close(*found)


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")  # torch's compiler uses it
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch's own compiler needs a C++ compiler")
def test_compiled_before_any_call() -> None:
    """A module that never ran: what it runs was made beforehand, as a compiler cannot make functions."""
    network = small("regression")
    inputs, targets = tensors("regression", network, SIZES)
    model = network.module()
    assert torch.compile(network.module(), fullgraph=True, backend="eager")(*inputs).shape == targets[0].shape
    loss = torch.compile(model.loss, fullgraph=True, backend="eager")(*inputs, *targets)
    torch.testing.assert_close(loss, model.loss(*inputs, *targets))


def test_machine_code_gives_the_same() -> None:
    network = small("funky")
    model = network.module()
    inputs, _ = tensors("funky", network, SIZES)
    expected = outputs(model, inputs)
    torch.testing.assert_close(outputs(torch.compile(model, fullgraph=True), inputs), expected)


@FLAT_WEIGHTS
@pytest.mark.parametrize("spec", NAMES)
def test_exported_with_named_dimensions(spec: str) -> None:
    network = small(spec)
    model = network.module().eval()
    inputs, _ = tensors(spec, network, SIZES)
    exported = torch.export.export(model, tuple(inputs), dynamic_shapes=network.dynamic_shapes()).module()
    for sizes in (SIZES,) if spec in RECURRENT else (SIZES, *OTHERS):
        inputs, _ = tensors(spec, network, sizes)
        torch.testing.assert_close(outputs(exported, inputs), outputs(model, inputs))


def test_names_are_dimensions() -> None:
    text = "network N { input x: [B, 3, H, 2 * w + 1]\n input y: [B, H * w]\n output x -> MaxPool2d(4), y, x[:, :, 5:] }"
    x, y = netc.load(text).dynamic_shapes()
    assert x[0] is y[0]
    assert {axis: dim.__name__ for axis, dim in x.items()} == {0: "B", 2: "H", 3: "2*w + 1"}
    assert x[2].min == 8  # 8 // 4 is 2
    assert y[1] == torch.export.Dim.AUTO  # torch has no products


def test_least_size_is_where_torch_draws_the_line() -> None:
    """ResNet's last axis is `(H - 1) // 32 + 1`: 2 long from 33 pixels."""
    network = small("resnet18")
    model = network.module().eval()
    exported = torch.export.export(model, (torch.rand(2, 3, 64, 64),), dynamic_shapes=network.dynamic_shapes()).module()
    assert outputs(exported, [torch.rand(1, 3, 33, 33)])[0].shape == (1, 1000)
    with pytest.raises(AssertionError, match="Guard failed"):
        exported(torch.rand(1, 3, 32, 33))


@FLAT_WEIGHTS
def test_steps_of_a_recurrent_layer_are_fixed_and_nothing_else() -> None:
    network = netc.load("network N { input x: [B, T, 3]\n input y: [B, U]\n h, _ = x -> LSTM(4, batch_first=true)\n output h, y }")
    x, y = network.dynamic_shapes()
    assert (list(x), list(y)) == ([0], [0, 1])
    model = network.module().eval()
    exported = torch.export.export(model, (torch.rand(2, 5, 3), torch.rand(2, 7)), dynamic_shapes=network.dynamic_shapes()).module()
    inputs = [torch.rand(4, 5, 3), torch.rand(4, 9)]
    torch.testing.assert_close(outputs(exported, inputs), outputs(model, inputs))


class Loss(torch.nn.Module):
    """The loss of a network, as what is exported must be a module's forward."""

    def __init__(self, network: NetModule) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.network.loss(x, y)


@pytest.mark.parametrize("strict", [True, False])
def test_the_check_of_the_target_leaves_named_dimensions_of_any_size(strict: bool) -> None:
    text = (
        "network N {\n input x: [B, T, 2]\n target y: [B, 2 * T + 1]\n p = x -> Linear(1) -> mean\n output p\n loss mean(abs(p - y))\n}\n"
    )
    model, rows = netc.load(text).module(), torch.export.Dim("rows", max=100)
    both = (torch.rand(5, 3, 2), torch.rand(5, 7))
    exported = torch.export.export(Loss(model), both, dynamic_shapes=({0: rows}, {0: rows}), strict=strict).module()
    compiled = torch.compile(model.loss, fullgraph=True, dynamic=True, backend="eager")
    for x, y in [(torch.rand(9, 3, 2), torch.rand(9, 7)), (torch.rand(2, 3, 2), torch.rand(2, 7))]:
        torch.testing.assert_close(exported(x, y), model.loss(x, y))
        torch.testing.assert_close(compiled(x, y), model.loss(x, y))
    assert compiled(torch.rand(4, 6, 2), torch.ones(4, 13)).isfinite()
