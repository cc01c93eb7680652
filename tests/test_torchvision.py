"""Networks that people know, against torchvision's: keys in order, shapes, and outputs to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import netc
from tests import known

models: Any = pytest.importorskip("torchvision.models", reason="pip install torchvision")
assert known.LIBRARY is not None  # defined before torchvision is imported

# spec: torchvision's model, published parameters (torchvision's documentation), the size of the test image
KNOWN = {
    "alexnet": ("alexnet", 61_100_840, 64),
    "vgg16": ("vgg16", 138_357_544, 32),
    "resnet18": ("resnet18", 11_689_512, 64),
    "resnet50": ("resnet50", 25_557_032, 64),
    "squeezenet1_0": ("squeezenet1_0", 1_248_424, 224),
    "densenet121": ("densenet121", 7_978_856, 64),
    "mobilenet_v2": ("mobilenet_v2", 3_504_872, 64),
    "vit_b_16": ("vit_b_16", 86_567_656, 224),
}


@pytest.mark.parametrize("spec", KNOWN)
def test_against_torchvision(spec: str, specs: Path) -> None:
    name, count, size = KNOWN[spec]
    network = netc.load(specs / f"{spec}.net")
    assert network.graph.parameter_count == count
    torch.manual_seed(0)
    theirs = getattr(models, name)(weights=None).eval()
    ours = network.module().eval()
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [(k, v.shape) for k, v in theirs.state_dict().items()]
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))


@pytest.mark.parametrize("spec", ["resnet18", "squeezenet1_0", "densenet121", "mobilenet_v2", "vit_b_16"])
def test_the_written_class_against_torchvision(spec: str, specs: Path) -> None:
    name, _, size = KNOWN[spec]
    network = netc.load(specs / f"{spec}.net")
    space: dict[str, Any] = {}
    exec(compile(network.source(), "model.py", "exec"), space)
    theirs, ours = getattr(models, name)(weights=None).eval(), space[network.graph.name]().eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))
