"""Weights of classes that stand as numbers in a loss: torch's own loss of the same weights, wherever the loss is computed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import netc
from netc.diagnostics import NetError

SPEC = """network N {{
  input x: {dtype}[B, 4]
  target y: {target}
  p = x -> linear: Linear({scores}{kind})
  output p
  loss {loss}
}}
"""
LABELS, FLAGS = "int64[B]", "[B, 3]"
CASES = [
    ("CrossEntropyLoss(p, y, weight=[1.0, 2.0, 5.0])", LABELS, nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 5.0]))),
    ("CrossEntropyLoss(p, y, [1, 2, 5])", LABELS, nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 5.0]))),
    ("NLLLoss(p, y, weight=[0.5, 2.0, 0])", LABELS, nn.NLLLoss(weight=torch.tensor([0.5, 2.0, 0.0]))),
    ("MultiMarginLoss(p, y, weight=[1.0, 2.0, 5.0])", LABELS, nn.MultiMarginLoss(weight=torch.tensor([1.0, 2.0, 5.0]))),
    ("MultiLabelSoftMarginLoss(p, y, weight=[1.0, 2.0, 5.0])", FLAGS, nn.MultiLabelSoftMarginLoss(weight=torch.tensor([1.0, 2.0, 5.0]))),
    ("BCEWithLogitsLoss(p, y, pos_weight=3.6)", FLAGS, nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.6))),
    ("BCEWithLogitsLoss(p, y, pos_weight=[3.6])", FLAGS, nn.BCEWithLogitsLoss(pos_weight=torch.tensor([3.6]))),
    ("BCEWithLogitsLoss(p, y, pos_weight=[1.0, 2.0, 5.0])", FLAGS, nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 5.0]))),
]
BLOCK = """fn weighted(p, y, w) = CrossEntropyLoss(p, y, weight=w)

block Head(weights) {
  in x: [B, F]
  in y: int64[B]
  out s = x -> Linear(3)
  out l = CrossEntropyLoss(s, y, weight=weights)
}

network N(outer = [2.0, 1.0, 1.0]) {
  input x: [B, 4]
  target y: int64[B]
  s, a = (x, y) -> head: Head([1.0, 2.0, 5.0])
  t, b = (x, y) -> other: Head([3.0, 2.0, 1.0])
  weight = x -> weight: Linear(3)
  output weight
  loss a = a + mean(0 * s)
  loss b = b + mean(0 * t)
  loss c = weighted(weight, y, outer)
}
"""


def load(loss: str, target: str, dtype: str = "", scores: int = 3) -> netc.Network:
    kind = f", dtype={dtype}" if dtype else ""
    return netc.load(SPEC.format(loss=loss, target=target, dtype=dtype, scores=scores, kind=kind))


def written(network: netc.Network) -> Any:
    space: dict[str, Any] = {}
    exec(network.source(), space)
    return space["N"]()


def batch(target: str) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(6, 4, generator=rng)
    return x, torch.tensor([0, 1, 2, 2, 1, 2]) if target == LABELS else torch.randint(2, (6, 3), generator=rng).float()


@pytest.mark.parametrize("loss, target, rival", CASES, ids=[loss for loss, _, _ in CASES])
def test_the_loss_is_torchs_with_these_weights(loss: str, target: str, rival: nn.Module) -> None:
    network = load(loss, target)
    x, y = batch(target)
    module = network.module()
    wanted = rival(module(x), y)
    for made in (module, written(network), netc.load(network.resolved()).module()):
        made.load_state_dict(module.state_dict())
        assert torch.equal(made.loss(x, y), wanted)
        assert sorted(made.state_dict()) == ["linear.bias", "linear.weight"]  # what the spec says is no state
        assert made.double().loss(x.double(), y if target == LABELS else y.double()).dtype == torch.float64  # it moves with the rest
        assert {b.dtype for b in made.buffers()} == {torch.float64}


def test_weights_have_the_dtype_of_the_scores() -> None:
    network = netc.load("network N {\n  input p: float64[B, 3]\n  target y: int64[B]\n  output p\n"
                        "  loss CrossEntropyLoss(p, y, weight=[0.1, 0.2, 0.7])\n}\n")  # fmt: skip
    x, y = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 2, 1, 2])
    wanted = nn.functional.cross_entropy(x, y, weight=torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64))
    assert network.module().loss(x, y) == wanted == written(network).loss(x, y)


@pytest.mark.parametrize("dtype, weight, is_held", [("float16", 1e6, False), ("float32", 1e300, False), ("float64", 1e300, True)])
def test_weights_are_held_by_the_dtype_of_the_scores(dtype: str, weight: float, is_held: bool) -> None:
    loss = f"loss CrossEntropyLoss(p, y, weight=[1.0, {weight}])"
    spec = f"network N {{\n  input p: {dtype}[B, 2]\n  target y: int64[B]\n  output p\n  {loss}\n}}\n"
    problems = [(d.code, d.span and d.span.text, f"the greatest of {dtype}" in d.message) for d in netc.check(spec)]
    assert problems == ([] if is_held else [("argument-type", f"[1.0, {weight}]", True)])


def test_each_use_of_a_block_has_its_own_and_a_layer_may_have_their_name() -> None:
    network = netc.load(BLOCK)
    x, y = batch(LABELS)
    module = network.module()
    rivals = {"a": ("head.linear", [1.0, 2.0, 5.0]), "b": ("other.linear", [3.0, 2.0, 1.0]), "c": ("weight", [2.0, 1.0, 1.0])}
    wanted = {n: float(nn.functional.cross_entropy(module.get_submodule(path)(x), y, weight=torch.tensor(w)).detach())
              for n, (path, w) in rivals.items()}  # fmt: skip
    for made in (module, netc.load(network.resolved()).module()):
        made.load_state_dict(module.state_dict())
        found = made.losses(x, y)
        assert {name: float(found[name].detach()) for name in wanted} == pytest.approx(wanted)
    twin = written(network)
    twin.load_state_dict(module.state_dict())
    assert float(twin.loss(x, y).detach()) == pytest.approx(sum(wanted.values()))
    other: Any = netc.load(BLOCK, {"outer": [1.0, 1.0, 1.0]}).module()
    other.load_state_dict(module.state_dict())
    assert torch.equal(other.losses(x, y)["c"], nn.functional.cross_entropy(other.weight(x), y))


@pytest.mark.parametrize("loss, target, code, place, hint", [
    ("CrossEntropyLoss(p, y, weight=[1.0, 2.0])", LABELS, "loss-shape", None, "`weight=[1.0, 1.0, 1.0]`"),
    ("CrossEntropyLoss(p, y, weight=2.0)", LABELS, "loss-shape", None, "`weight=[1.0, 1.0, 1.0]`"),
    ("BCEWithLogitsLoss(p, y, pos_weight=[1.0, 2.0])", FLAGS, "loss-shape", None, ""),
    ("CrossEntropyLoss(p, y, weight=[1.0, -2.0, 1.0])", LABELS, "argument-type", "[1.0, -2.0, 1.0]", ""),
    ("CrossEntropyLoss(p, y, weight=[0, 0.0, 0])", LABELS, "argument-type", "[0, 0.0, 0]", "`weight=[1.0, 1.0, 1.0]`"),
    ("BCEWithLogitsLoss(p, y, pos_weight=inf)", FLAGS, "argument-type", "inf", ""),
    ("CrossEntropyLoss(p, y, weight=[1.0, true, 1.0])", LABELS, "argument-type", "[1.0, true, 1.0]", ""),
    ('CrossEntropyLoss(p, y, weight="balanced")', LABELS, "argument-type", '"balanced"', ""),
    ("BCELoss(sigmoid(p), y, weight=[1.0, 2.0])", FLAGS, "not-a-tensor", "[1.0, 2.0]", "buffer weight: [2] = [1.0, 2.0]"),
])  # fmt: skip
def test_what_is_no_weights_of_these_classes(loss: str, target: str, code: str, place: str | None, hint: str) -> None:
    with pytest.raises(NetError) as caught:
        load(loss, target)
    (found,) = caught.value.diagnostics
    assert found.code == code and found.span is not None
    assert found.span.text == (loss if place is None else place) and hint in found.hint
