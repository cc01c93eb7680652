"""Specs against the same networks written by hand: parameters, outputs and losses, in both modes, and half the lines."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import netc
from netc.graph import Node
from netc.shapes import shape_at
from netc.tensors import TensorType
from tests.conftest import SPECS
from tests.forms import assert_forms_agree, assert_same_state, ejected, outputs
from tests.spec_twins import TWINS

SIZES = {"B": 3, "T": 7, "S": 5, "H": 16, "W": 12, "h": 1, "w": 2}
CLASSES = {"unet": 2}  # where there are fewer than 10 classes, words or items


def linear(*sizes: int) -> int:
    """The parameters of linear layers that follow each other, with their biases."""
    return sum((a + 1) * b for a, b in pairwise(sizes))


def conv(channels: int, width: int, area: int, bias: bool = True) -> int:
    return channels * width * area + width * bias


def gates(count: int, features: int, width: int) -> int:
    """A recurrent layer: each gate meets the input and the state, with a bias for either."""
    return count * width * (features + width + 2)


def double(channels: int, width: int) -> int:
    """Two convolutions without bias, each with the two parameters a channel of batch normalisation."""
    return conv(channels, width, 9, False) + conv(width, width, 9, False) + 4 * width


def basic(channels: int, width: int) -> int:
    shortcut = conv(channels, width, 1, False) + 2 * width if channels != width else 0
    return double(channels, width) + linear(width, width // 4, width) + shortcut


LEVELS = [64, 128, 256, 512, 1024]

COUNTS = {
    "lenet5": conv(1, 6, 25) + conv(6, 16, 25) + conv(16, 120, 25) + linear(120, 84, 10),
    "autoencoder": linear(784, 1000, 500, 250, 30, 250, 500, 1000, 784),
    "vae": linear(784, 400, 40) + linear(20, 400, 784),
    "siamese": conv(1, 15, 36) + conv(15, 30, 81) + linear(270, 2),
    "two_tower": (5000 + 2000) * 32 + linear(64, 128, 64, 32) + linear(52, 128, 64, 32),
    "wavenet": 256 * 32 + 10 * (conv(32, 64, 2) + conv(32, 32, 1) + conv(32, 64, 1)) + linear(64, 64, 256),
    "mlp_mixer": conv(3, 512, 256) + 8 * (4 * 512 + linear(196, 256, 196) + linear(512, 2048, 512)) + 2 * 512 + linear(512, 1000),
    "se_resnet": conv(3, 16, 9, False) + 2 * 16 + linear(64, 10)
    + sum(basic(a, b) + 2 * basic(b, b) for a, b in ((16, 16), (16, 32), (32, 64))),
    "highway": sum(conv(a, b, 9) + 3 * 2 * conv(b, b, 9) for a, b in ((3, 16), (16, 32), (32, 64))) + linear(64 * 16, 10),
    "lstm_tagger": 10000 * 100 + 2 * gates(4, 100, 128) + linear(256, 17),
    "seq2seq_attention": 2 * 8000 * 128 + 2 * gates(3, 128, 256) + 256 * 256 + 512 * 256 + linear(256, 8000),
    "unet": sum(double(a, b) for a, b in zip([1, *LEVELS], LEVELS, strict=False)) + linear(64, 2)
    + sum(conv(2 * b, b, 4) + double(2 * b, b) for b in LEVELS[:-1]),
}  # fmt: skip


def example(node: Node, classes: int, sizes: Mapping[str, int] = SIZES) -> Tensor:
    """Numbers from 0 to 1, class numbers, or a mask whose rows begin with as many true places as their number, from all down."""
    kind = node.type
    assert isinstance(kind, TensorType)
    shape = [int(str(size)) for size in shape_at(kind.shape, sizes)]
    if kind.dtype == "bool":
        return torch.arange(shape[1]) < shape[1] - torch.arange(shape[0])[:, None]
    return torch.rand(shape) if kind.is_float else torch.randint(0, classes, shape)


def examples(spec: str, network: netc.Network) -> tuple[list[Tensor], list[Tensor]]:
    torch.manual_seed(1)
    classes, graph = CLASSES.get(spec, 10), network.graph
    return [example(n, classes) for n in graph.inputs], [example(n, classes) for n in graph.targets]


def shapes(model: nn.Module) -> dict[str, torch.Size]:
    return {key: value.shape for key, value in model.state_dict().items()}


@pytest.mark.parametrize("spec", TWINS)
def test_against_the_twin_and_the_written_class(spec: str, specs: Path) -> None:
    network = netc.load(specs / f"{spec}.net")
    assert not network.warnings
    torch.manual_seed(0)
    ours, twin = network.module(), TWINS[spec][-1]()
    assert shapes(ours) == shapes(twin)
    assert network.graph.parameter_count == sum(p.numel() for p in twin.parameters()) == COUNTS[spec]
    torch.manual_seed(0)
    written = ejected(network)()
    assert_same_state(ours, written)
    inputs, targets = examples(spec, network)
    twin.load_state_dict(ours.state_dict(), strict=True)
    assert_forms_agree(ours, [twin, written], inputs, targets)


def test_each_spec_is_listed() -> None:
    assert TWINS.keys() == COUNTS.keys()


def test_vae_has_two_losses_and_noise_that_follows_the_seed() -> None:
    network = netc.load(SPECS / "vae.net")
    torch.manual_seed(0)
    ours, theirs = network.module(), TWINS["vae"][-1]()
    theirs.load_state_dict(ours.state_dict())
    (x,), _ = examples("vae", network)
    torch.manual_seed(2)
    a = ours.losses(x)
    torch.manual_seed(2)
    b: dict[str, Tensor] = theirs.losses(x)  # type: ignore[operator]
    c = ours.losses(x)
    assert list(a) == ["loss", "reconstruction", "kl"]
    assert all(torch.equal(a[name], b[name]) for name in b)
    assert torch.equal(a["kl"], c["kl"]) and not torch.equal(a["reconstruction"], c["reconstruction"])


def test_tagger_counts_words_only() -> None:
    network = netc.load(SPECS / "lstm_tagger.net")
    ours, theirs = network.module().eval(), TWINS["lstm_tagger"][-1]().eval()
    theirs.load_state_dict(ours.state_dict())
    inputs, targets = examples("lstm_tagger", network)
    targets = [ours(*inputs).argmax(dim=-1)]
    targets[0][0, :2] = (targets[0][0, :2] + 1) % 17
    accuracy = ours.losses(*inputs, *targets)["accuracy"]
    assert torch.equal(accuracy, theirs.accuracy(*inputs, *targets))  # type: ignore[operator]
    assert accuracy == (inputs[1].sum() - 2) / inputs[1].sum()


@pytest.mark.parametrize("spec", ["lstm_tagger", "seq2seq_attention"])
def test_padding_changes_nothing(spec: str) -> None:
    """Other words behind the mask, and more of them: the same output where there are words."""
    network = netc.load(SPECS / f"{spec}.net")
    model = network.module().eval()
    inputs, _ = examples(spec, network)
    words, mask, *rest = inputs
    more_words = torch.cat([torch.where(mask, words, 9 - words), torch.full((len(words), 4), 5)], dim=1)
    more_mask = torch.cat([mask, torch.zeros(len(mask), 4, dtype=torch.bool)], dim=1)
    other = [more_words, more_mask, *rest]
    with torch.no_grad():
        a, b = outputs(model, inputs)[0], outputs(model, other)[0]
    if spec == "lstm_tagger":
        a, b = a[mask], b[:, : mask.shape[1]][mask]
    torch.testing.assert_close(a, b)  # not to the last bit: matrices of other sizes are multiplied


def test_wavenet_is_causal() -> None:
    network = netc.load(SPECS / "wavenet.net", {"dilations": [1, 2, 4]})
    model = network.module()
    x = torch.randint(0, 256, (2, 16))
    changed = x.clone()
    changed[:, 9] = (x[:, 9] + 1) % 256
    with torch.no_grad():
        differs = (model(x) != model(changed)).any(dim=1).any(dim=0)
    # A sample is seen at its own place and by the 1 + 2 + 4 after it, and never before.
    assert [i for i in range(16) if not differs[i]] == [*range(9)]
    assert differs[9:].all()


@pytest.mark.parametrize(("h", "w"), [(1, 1), (2, 3)])
def test_unet_output_is_as_large_as_its_input(h: int, w: int) -> None:
    network = netc.load(SPECS / "unet.net", {"width": 4, "deepest": 64})
    x, logits = (n.type for n in (network.graph.inputs[0], network.graph.node(network.graph.outputs[0].ref.node)))
    assert isinstance(x, TensorType) and isinstance(logits, TensorType)
    assert x.shape[2:] == logits.shape[2:]
    assert network.module()(torch.rand(2, 1, 16 * h, 16 * w)).shape == (2, 2, 16 * h, 16 * w)
