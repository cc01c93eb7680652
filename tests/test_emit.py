"""The written-out class, run by itself, against netc's module: parameters, outputs, losses, bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import netc
from netc.shapes import shape_at, size_names
from netc.tensors import TensorType
from tests.conftest import SPECS
from tests.forms import assert_equal, assert_forms_agree, assert_same_state, ejected, outputs
from tests.spec_twins import TWINS
from tests.test_module import BLOCKS, LABELLED

LARGE = (
    "alexnet",
    "vgg16",
    "vit_b_16",
    "gpt2",
    "bert_encoder",
)  # a hundred million parameters; their outputs are compared with torchvision's
SOURCES: dict[str, Path | str] = {p.stem: p for p in sorted(SPECS.glob("*.net")) if p.stem not in LARGE}
SMALL = {"width": 16, "depth": 2, "heads": 2}
SOURCES |= {
    "small gpt2": netc.load(SPECS / "gpt2.net", SMALL | {"words": 40}).resolved(),
    "small bert": netc.load(SPECS / "bert_encoder.net", SMALL | {"words": 40}).resolved(),
    "small vit": netc.load(SPECS / "vit_b_16.net", SMALL | {"size": 32}).resolved(),
    "labelled": LABELLED,
    "blocks": BLOCKS,
    "a block in two forms": """
    block Unit(width, act = ReLU) {
      in x: [B, D]
      y = x -> a: Linear(width) -> act
      out (if D == width { (x, y) -> add } else { y })
    }
    network N {
      input x: [B, 6]
      output x -> body: { Unit(8) -> Unit(8) -> Unit(4, act=Tanh) } -> tail.last: { Linear(2) -> (ReLU || Tanh) -> add }
    }""",
    "a block with several inputs and outputs": """
    block Split(width) {
      in a: [B, D]
      in b: [B, D]
      s = (a, b) -> add -> Linear(width)
      out s
      out rest = s * 2
    }
    network N {
      input x: [B, 6]
      input z: [B, 6]
      p, q = (x, z) -> first: Split(3)
      r, _ = (p, q) -> second: Split(3)
      output r, q
      loss mean(p ** 2)
    }""",
    "sizes inside a block": """
    block Heads(n) {
      in x: [B, T, D]
      out x -> Linear(D) -> reshape([B, T, n, D // n]) -> mean(dim=2)
    }
    network N {
      input x: [B, T, 8]
      output x -> heads: Heads(2) -> Heads(4)
    }""",
    "two recurrent layers": """network N {
      input x: [B, T, 4]
      a, _ = x -> a: LSTM(4, batch_first=true)
      b, _ = x -> b: LSTM(4, batch_first=true)
      output a - b
    }""",
    "states and masks": """network N {
  input x: [T, B, 6]
  input q: [B, T, 8]
  input mask: bool[T, T]
  h, end = x -> LSTM(4)
  last, _ = end
  y, _ = (q, q, q) -> MultiheadAttention(2, batch_first=true, attn_mask=mask, need_weights=false)
  z, _ = x -> GRU(4, hx=last)
  output h, last, y, z
}""",
    "one stage": "network N { input x: [B, 3]\n output x -> ReLU }",
    "nothing done": "network N { input x: [B, 3]\n output x }",
    "python's words": "network N { input lambda: [B, 3]\n self = lambda -> Linear(2)\n F = self * 2\n output F + self }",
    "residual": "network N { input x: [B, 8]\n output x -> (id || a: Linear(8) -> ReLU -> b: Linear(8)) -> add -> ReLU }",
    "merges": """network N {
      input a: [B, 4]
      input b: [B, 4]
      output (a, b) -> sub, (a, b) -> div, (a, b, a) -> average, (a, b, a) -> maximum, (a, b) -> minimum, (a, b) -> stack(dim=1),
             (a, b) -> concat(dim=-1), (a, b) -> bilinear: Bilinear(3)
    }""",
    "operators": """network N {
      input a: [B, 4]
      input b: [B, 4]
      output a - (b - a), a / (b * a) / b, -a ** 2, (-a) ** 2, 2 ** -(a * b), (a + b) * (a - b), 1 - a % 2, (a < b).0
    }""".replace(", (a < b).0", ", float(a < b), -(a + b), float(a + b) * 2"),
    "indexing": "network N { input x: [B, 6, 4]\n output x[:, 0], x[..., 1:3], x[:, ::2, -1], x[:, 1:] * 2 }",
    "sizes": "network N { input x: [B, T, 6]\n output x -> reshape([B * T, 2, 3]), x -> reshape([B, T * 6]) }",
    "tuples": "network N { input x: [B, 6]\n a, b, c = x -> chunk(3, dim=1)\n v, i = max(x, dim=1)\n output a + c, b, v, float(i) }",
    "made tensors": """network N {
      input x: [B, T, 6]
      places = arange(T)
      mask = tril(ones(T, T)) > 0
      noise = randn_like(x) * 0.1 + randn(B, T, 6)
      scores = x @ transpose(x, 1, 2) -> masked_fill(mask == 0, -inf) -> softmax(dim=-1)
      output scores @ (x + noise), places * 2, zeros([B, 2], dtype=int64), full([T], 0.5), eye(3)
    }""",
    "functions that follow the mode": """network N {
      input x: [B, 2, T, 6]
      output x -> dropout(0.3), scaled_dot_product_attention(x, x, x, dropout_p=0.4), x -> dropout2d, x -> dropout(training=true)
    }""",
    "einops": """network N {
      input x: [B, T, 6]
      h = x -> rearrange("b t (h d) -> b h t d", h=2)
      output h -> reduce("b h t d -> b (t d)", "mean"), x -> repeat_axes("b t d -> b t d c", c=T),
             (h, h) -> einsum("b h i d, b h j d -> b h i j")
    }""",
    "order of dropouts": """network N {
      input x: [B, 50]
      a = x -> Dropout(0.5)
      b = x -> Dropout(0.2)
      output (b, a) -> sub
    }""",
    "values that only metrics need": """network N {
      input x: [B, 6]
      target y: [B, 2]
      h = x -> hidden: Linear(4) -> ReLU
      p = h -> Linear(2)
      output p
      loss MSELoss(p, y)
      metric error = mean(abs(p - y))
      metric size = mean(h ** 2)
    }""",
    "metrics without a loss": """network N {
      input x: [B, 6]
      target y: [B, 2]
      output x -> a: Linear(2)
      metric mean = mean(x)
      metric largest = max(y)
    }""",
    "loops": """
    block Two(width) {
      in a: [B, D]
      in b: [B, D]
      out a + (b -> one: Linear(width))
      out b * (a -> two: Linear(width))
    }
    network N {
      input x: [B, 8]
      input z: [B, 8]
      p, _ = (x * 2, z) -> pairs: repeat 4 { Two(8) }
      _, q = (x, z) -> others: repeat i in 0..3 { pair_{i + 1}: Two(8) }
      a = x -> Dropout(0.5)
      b = z -> ReLU
      h = a -> deep.first: Linear(8) -> deep.second: Dropout(0.3) -> deep.third: Linear(8)
      r = (z, h) -> thirds: repeat 3 { Two(8) }
      output p, q, h + a, b, r
    }""",
    "recursion": """
    block Deep(n) = if n == 0 { id } else { residual { Linear(8) -> Deep(n - 1) } }
    block Wide(width, last) {
      in x: [B, D]
      h = x -> into: Linear(width) -> ReLU
      out if width >= last { h } else { h -> inner: { Dropout(0.2) -> Wide(2 * width, last) -> Linear(width) } }
    }
    block Turns(n) {
      in x: [B, D]
      h = x -> a: Linear(D)
      out if n == 0 { h } else { if n % 2 == 0 { h -> next: Turns(n - 1) } else { h * 2 -> next: Turns(n - 1) } }
    }
    block Tree(n) {
      in x: [B, D]
      h = x -> a: Linear(D)
      out if n == 0 { h } else { (h -> left: Tree(n - 1), h -> right: Tree(n - 1)) -> add }
    }
    block Stepped(n) {
      in x: [B, D]
      levels = x -> a: Linear(D, bias=n % 2 == 0)
      out if n == 0 { levels } else { levels -> next: Stepped(n - 1) }
    }
    network N {
      input x: [B, 8]
      output x -> deep: Deep(3) -> shallow: Deep(1), x -> Wide(2, 16) -> again: Wide(4, 16) -> other: Wide(3, 20), x -> Turns(4),
             x -> Tree(2), x -> Stepped(4)
    }""",
    "parts that nothing needs": """network N {
      input x: [T, B, 6]
      y, state = x -> LSTM(4)
      h, _ = state
      z, _ = x -> right: LSTM(4)
      one = x -> chunk(1, dim=0)
      _, w = (x, x, x) -> MultiheadAttention(2)
      _, _, c = x -> chunk(3, dim=-1)
      output h, z, one[0], w, c
    }""",
    "numbers": "network N { input x: [B, 4]\n output x * 1e-7 + 1e9 - 2.5e20 * x, -1e-9 + x, x -> LayerNorm(eps=1e-6) }",
    "values that only losses need": """network N {
      input x: [B, 8]
      input z: [B, 2]
      mu, logvar = x -> encode: Linear(4) -> chunk(2, dim=1)
      x_hat = mu + z * exp(0.5 * logvar) -> decode: Linear(8)
      output x_hat
      loss reconstruction = MSELoss(x_hat, x)
      loss kl = mean(mu ** 2 + exp(logvar) - 1 - logvar)
    }""",
}


def tensors(nodes: list[Any]) -> list[torch.Tensor]:
    """Tensors for inputs or targets, the same at every call."""
    torch.manual_seed(4)
    kinds = [n.type for n in nodes]
    assert all(isinstance(k, TensorType) for k in kinds)
    sizes = {name: SIZES.get(name, 2) for k in kinds for size in k.shape for name in size_names(size)}
    return [example(tuple(int(str(size)) for size in shape_at(k.shape, sizes)), k.dtype) for k in kinds]


SIZES = {"B": 4, "T": 3, "H": 64, "W": 64}  # of named dimensions; others are 2


def example(shape: tuple[int, ...], dtype: str) -> torch.Tensor:
    """Random numbers, or class numbers that any network here knows."""
    kind = getattr(torch, dtype)
    return torch.rand(shape, dtype=kind) if kind.is_floating_point else torch.randint(0, 2, shape).to(kind)


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in TWINS])  # these are held against their twins too
def test_source_computes_the_same(name: str) -> None:
    network = netc.load(SOURCES[name])
    assert "netc" not in network.source().split('"""')[2], "the class needs nothing of netc"
    torch.manual_seed(1)
    ours = network.module()
    torch.manual_seed(1)
    theirs = ejected(network)()
    assert_same_state(ours, theirs)
    assert_forms_agree(ours, [theirs], tensors(network.graph.inputs), tensors(network.graph.targets))


@pytest.mark.parametrize("name", ["values that only metrics need", "metrics without a loss", "lstm_tagger", "labelled"])
def test_metrics_are_the_same(name: str) -> None:
    network = netc.load(SOURCES[name])
    ours = network.module().eval()
    theirs: Any = ejected(network)().eval()
    theirs.load_state_dict(ours.state_dict())
    given = tensors(network.graph.inputs) + tensors(network.graph.targets)
    found = theirs.metrics(*given)
    assert list(found) == [metric.name for metric in network.graph.metrics]
    if network.graph.losses:
        wanted = ours.losses(*given)
        assert all(torch.equal(value, wanted[metric]) for metric, value in found.items())


@pytest.mark.parametrize("name", SOURCES)
def test_source_is_tidy(name: str) -> None:
    source = netc.load(SOURCES[name]).source()
    assert all(len(line) <= 140 and line == line.rstrip() for line in source.split("\n"))


@pytest.mark.parametrize("name", SOURCES)
def test_resolved_spec_is_the_same_network(name: str) -> None:
    network = netc.load(SOURCES[name])
    text = network.resolved()
    again = netc.load(text)
    assert again.resolved() == text
    ours, theirs = network.module(), again.module()
    theirs.load_state_dict(ours.state_dict())
    inputs, targets = tensors(network.graph.inputs), tensors(network.graph.targets)
    assert_equal(outputs(ours, inputs), outputs(theirs, inputs))
    if network.graph.losses:
        assert_equal(outputs(ours.loss, inputs + targets), outputs(theirs.loss, inputs + targets))


@pytest.mark.parametrize("output", ["(x -> Linear(3)) / B", "x + zeros([2 * B + 3, 4])", "x -> Linear(B + 1 - B)"])
def test_a_size_that_stands_in_a_longer_axis_only(output: str) -> None:
    """`B` of `2 * B + 3` rows: the module and the class compute it from these."""
    network = netc.load(f"network N {{\n  input x: [2 * B + 3, 4]\n  output {output}\n  loss mean(x) / B\n}}\n")
    ours, theirs = network.module(), ejected(network)()
    theirs.load_state_dict(ours.state_dict())
    x = torch.arange(28.0).reshape(7, 4)
    assert torch.equal(ours(x), theirs(x))
    losses = [model.loss(x).item() for model in (ours, theirs)]  # type: ignore[operator]
    assert losses == [x.mean().item() / 2] * 2
