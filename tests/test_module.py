"""What netc builds behaves as any `nn.Module`."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import netc
from netc.module import NetModule

LABELLED = """
fn twice(x) = x + x
network Labelled {
  input a: [B, 4]
  input b: [B, T, 4]
  target y: [B, 2]
  h = a -> encoder.0: Linear(6) -> encoder.act: ReLU -> twice
  q, k = b -> proj: Linear(12) -> chunk(2, dim=-1)
  s = (q @ transpose(k, 1, 2)) -> softmax(dim=-1) -> reshape([B, T * T])
  p = h -> head: Linear(2)
  m = s -> mean(dim=-1, keepdim=true)
  output p, m
  loss main = MSELoss(p, y)
  loss extra = 0.1 * mean(q ** 2)
  metric error = mean(abs(p - y))
}
"""


@pytest.fixture
def module() -> NetModule:
    torch.manual_seed(0)
    return netc.load(LABELLED).module()


INPUTS = (torch.randn(3, 4), torch.randn(3, 5, 4))
TARGET = torch.randn(3, 2)


def equal(a: Any, b: Any) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_labels_are_the_keys(module: NetModule) -> None:
    assert list(module.state_dict()) == [
        "encoder.0.weight", "encoder.0.bias", "proj.weight", "proj.bias", "head.weight", "head.bias",
    ]  # fmt: skip
    assert isinstance(module.get_submodule("encoder.0"), nn.Linear)
    assert str(module).startswith("Labelled(")
    assert "(act): ReLU()" in str(module)


def test_forward_is_what_one_writes_by_hand(module: NetModule) -> None:
    a, b = INPUTS
    s = module.state_dict()
    h = torch.relu(a @ s["encoder.0.weight"].T + s["encoder.0.bias"])
    p = (h + h) @ s["head.weight"].T + s["head.bias"]
    q, k = (b @ s["proj.weight"].T + s["proj.bias"]).chunk(2, dim=-1)
    m = torch.softmax(q @ k.transpose(1, 2), dim=-1).reshape(3, 25).mean(dim=-1, keepdim=True)
    torch.testing.assert_close(module(a, b), (p, m))
    main, extra = nn.functional.mse_loss(p, TARGET), 0.1 * (q**2).mean()
    losses = module.losses(a, b, TARGET)
    assert list(losses) == ["loss", "main", "extra", "error"]
    torch.testing.assert_close(losses["loss"], main + extra)
    torch.testing.assert_close(losses["error"], (p - TARGET).abs().mean())


def test_tensors_by_name(module: NetModule) -> None:
    a, b = INPUTS
    assert equal(module(a=a, b=b), module(a, b))
    assert torch.equal(module.loss(b=b, y=TARGET, a=a), module.loss(a, b, TARGET))


@pytest.mark.parametrize("named", [{}, {"c": INPUTS[0]}, {"a": INPUTS[0], "b": INPUTS[1]}])
def test_wrong_tensors(module: NetModule, named: dict[str, torch.Tensor]) -> None:
    with pytest.raises(TypeError, match=r"Labelled.forward\(\)"):
        module(INPUTS[0], **named)


def test_no_loss() -> None:
    with pytest.raises(TypeError, match="no loss"):
        netc.load("network N { input x: [B, 3]\n output x -> Linear(1) }").module().loss(torch.zeros(1, 3))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_are_independent(module: NetModule, copied: Any) -> None:
    other = copied(module)
    assert type(other) is type(module)
    assert equal(other(*INPUTS), module(*INPUTS))
    with torch.no_grad():
        other.get_parameter("head.weight").zero_()
    assert not equal(other(*INPUTS), module(*INPUTS))


def test_modules_from_another_process_are_of_one_class(module: NetModule) -> None:
    """What is pickled in one process and read twice in another, where nothing knows the network."""
    code = (
        "import pickle, sys; text = sys.stdin.buffer.read(); a, b = pickle.loads(text), pickle.loads(text)\n"
        "print(type(a) is type(b), type(a).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(module), capture_output=True, check=True)
    assert done.stdout == b"True Labelled\n"
    assert type(netc.load(LABELLED).module()) is not type(module)  # another network, which may be changed by itself


def test_state_dict_round_trip(module: NetModule) -> None:
    other = netc.load(LABELLED).module()
    assert not equal(other(*INPUTS), module(*INPUTS))
    other.load_state_dict(module.state_dict())
    assert equal(other(*INPUTS), module(*INPUTS))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_dtypes(module: NetModule, dtype: torch.dtype) -> None:
    outputs = module.to(dtype)(*(x.to(dtype) for x in INPUTS))
    assert all(o.dtype == dtype for o in outputs)
    assert module.half().get_parameter("head.weight").dtype == torch.float16


def test_hooks_and_replaced_layers(module: NetModule) -> None:
    seen: list[str] = []
    for name in ("encoder.0", "encoder.act", "head"):
        module.get_submodule(name).register_forward_hook(lambda m, i, o, n=name: seen.append(n))
    module(*INPUTS)
    assert seen == ["encoder.0", "encoder.act", "head"]
    module.head = nn.Linear(6, 2)
    nn.init.zeros_(module.head.weight)
    assert torch.equal(module(*INPUTS)[0], module.head.bias.expand(3, 2))


def test_functional_call(module: NetModule) -> None:
    zeros = {k: torch.zeros_like(v) for k, v in module.state_dict().items()}
    assert torch.func.functional_call(module, zeros, INPUTS)[0].abs().max() == 0


def test_walk_yields_every_step(module: NetModule) -> None:
    steps = list(module.walk(*INPUTS))
    assert [n.path for n, _ in steps if n.is_module] == ["encoder.0", "encoder.act", "proj", "head"]
    assert torch.equal(steps[[n.path for n, _ in steps].index("head")][1], module(*INPUTS)[0])


def test_modes() -> None:
    module = netc.load("network N { input x: [B, 50]\n output x -> Dropout(0.5) -> BatchNorm1d }").module()
    x = torch.randn(8, 50)
    assert torch.equal(module.eval()(x), module(x))
    assert not torch.equal(module.train()(x), module(x))
    assert not module.training or module.get_submodule("dropout").training


def test_size_from_the_command_line() -> None:
    module = netc.load("network N { input x: [B, F]\n output x -> Linear(F // 2) }", {"F": 12}).module()
    assert module(torch.zeros(2, 12)).shape == (2, 6)


def test_every_spec_runs(specs: Path) -> None:
    for path in sorted(specs.glob("*.net")):
        assert isinstance(netc.load(path).module(), nn.Module)


BLOCKS = """
fn gate(x, y) = x * sigmoid(y)
block Norm = LayerNorm(eps=1e-6)
block Feed(width, act = GELU) = { Linear(width) -> act -> Linear(width) }
block Mixer(width) {
  in x: [B, T, D]
  assert D == width, "one width"
  y = x -> norm: Norm -> transpose(1, 2) -> tokens: Feed(T) -> transpose(1, 2)
  out (x, y) -> add
}
block Up(n) = if n == 0 { id } else { residual { Linear(8) -> Up(n - 1) } }
network Mixing(depth = 2) {
  input x: [B, 5, 8]
  layer tower = { Linear(8) -> ReLU }
  param cls: [1, 1, 8] = normal(std=0.02)
  buffer scale: [8] = ones * 2
  h = x -> blocks: repeat depth { Mixer(8) } -> repeat i in 0..2 { stage{i}: Linear(8) } -> up: Up(2)
  a = h -> tower
  b = h + cls -> tower -> head: Linear(8)
  output (a, b) -> gate
  tie head.weight = tower.0.weight
  init { *.bias = zeros; Linear.weight = xavier_uniform(gain=0.5) }
  freeze blocks.*
}
""".replace("= ones * 2", "= ones")


def test_blocks_sharing_and_rules() -> None:
    torch.manual_seed(0)
    module = netc.load(BLOCKS).module()
    keys = list(module.state_dict())
    assert keys[:4] == ["cls", "scale", "blocks.0.norm.weight", "blocks.0.norm.bias"]
    assert {"blocks.1.tokens.2.bias", "stage1.weight", "up.0.weight", "up.1.0.weight", "tower.0.weight", "cls", "scale"} <= set(keys)
    assert module.get_parameter("head.weight") is module.get_parameter("tower.0.weight")
    assert all(p.requires_grad != name.startswith("blocks.") for name, p in module.named_parameters())
    assert all(not p.any() for name, p in module.named_parameters() if name.endswith("bias"))
    assert 0.01 < module.get_parameter("cls").std() < 0.04
    assert module.get_buffer("scale").tolist() == [1.0] * 8
    assert sum(p.numel() for p in module.parameters()) == netc.load(BLOCKS).graph.parameter_count
    assert module(torch.randn(3, 5, 8)).shape == (3, 5, 8)


def test_names_may_be_spelt_as_in_torch() -> None:
    """Torch's underscore behind an initialisation, and the module before a layer or loss."""
    text = """
network Spelt {
  input  x: [B, 5]
  target y: [B, 1]
  param shift: [1] = normal_(std=0.5)
  p = x -> Linear(1) -> Tanh
  output p + shift
  loss MSELoss(p, y)
  init { *.weight = xavier_uniform_(gain=2.0); *.bias = zeros_() }
}
"""
    plain = text.replace("_(", "(")
    dotted = text.replace("Linear", "nn.Linear").replace("Tanh", "torch.nn.Tanh").replace("MSELoss", "nn.MSELoss")
    assert netc.load(text).resolved() == netc.load(plain).resolved() == netc.load(dotted).resolved()


def test_files_are_used_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "inner.net").write_text("fn double(x) = x * 2\n")
    (tmp_path / "parts" / "blocks.net").write_text('use "inner.net"\nblock Two = Linear(2) -> double\n')
    (tmp_path / "back.net").write_text(
        "network Back(n = 3) {\n  input x: [B, F]\n  target y: [B, 1]\n  output x -> Linear(n)\n  loss mean(y)\n}\n"
    )
    (tmp_path / "net.net").write_text(
        'use "parts/blocks.net"\nuse "back.net"\nnetwork Net {\n  input x: [B, 7]\n  output x -> back: Back(n=4) -> Two\n}\n'
    )
    keys = list(netc.load(tmp_path / "net.net", network="Net").module().state_dict())
    assert keys == ["back.linear.weight", "back.linear.bias", "two.linear.weight", "two.linear.bias"]


@pytest.mark.parametrize("by_name", [False, True])
def test_a_target_with_another_number_of_axes_is_refused(by_name: bool) -> None:
    """Torch would broadcast `[B, 1]` with `[B]` to a table of all predictions against all targets, and warn only."""
    spec = "network Net {\n input x: [B, 2]\n target y: [B, 1]\n p = x -> Linear(1)\n output p\n loss l1 = mean(abs(p - y))\n}\n"
    model = netc.load(spec).module()
    x, y = torch.randn(5, 2), torch.randn(5, 1)
    for run in (model.loss, model.losses, model.evaluated):
        with pytest.raises(ValueError, match=r"Net takes the target y as \[B, 1\], and gets one of the shape \[5\]"):
            run(x=x, y=y[:, 0]) if by_name else run(x, y[:, 0])
    single = torch.func.vmap(model.loss)(x, y)  # what has no batch is a single example
    assert single.mean().item() == pytest.approx(model.loss(x, y).item())


SIZED = """
network Net {{
  input x: [B, T, 2]
  input scale: [2]
  target y: {}
  p = x * scale -> Linear(1) -> mean
  output p
  loss error = mean(abs(p - y))
}}
"""


@pytest.mark.parametrize(("declared", "fitting", "others"), [
    ("[B, 1]", [5, 1], {(5, 3): "[B, 1], which is [5, 1] for these inputs,", (1, 1): "[B, 1], which is", (4, 1): "[B, 1], which is"}),
    ("[B, 2 * T + 1]", [5, 7], {(5, 6): "[B, 2*T + 1], which is [5, 7] for these inputs,", (5, 1): "[B, 2*T + 1], which is"}),
    ("[T, 4]", [3, 4], {(1, 4): "[T, 4], which is [3, 4]", (3, 1): "[T, 4], which is [3, 4]"}),
    ("[4]", [4], {(1,): "[4],", (4, 1): "[4],"}),
    ("[]", [], {(1,): "[],"}),
    ("[B, K]", [5, 9], {(1, 9): "[B, K], which is [5, 9]"}),
    ("[B, K, K]", [5, 9, 9], {(5, 9, 1): "[B, K, K]", (5, 1, 9): "[B, K, K]"}),
    ("[B, 2 * K]", [5, 9], {}),
])  # fmt: skip
def test_a_target_of_another_size_is_refused(declared: str, fitting: list[int], others: dict[tuple[int, ...], str]) -> None:
    """Torch would broadcast `[B, 3]` and `[1, 1]` with `[B, 1]` without a word."""
    model, inputs = netc.load(SIZED.format(declared)).module(), (torch.randn(5, 3, 2), torch.randn(2))
    for run in (model.loss, torch.compile(model.loss, backend="eager", fullgraph=True)):
        assert run(*inputs, torch.zeros(fitting)).ndim == 0
    for shape, words in others.items():
        with pytest.raises(ValueError, match=re.escape(f"Net takes the target y as {words}") + f".* shape {re.escape(str(list(shape)))}$"):
            model.loss(*inputs, torch.zeros(shape))
