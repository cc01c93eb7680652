"""Networks that people know, against torchvision's: keys in order, shapes, and outputs in both modes to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import netc
from tests import known
from tests.forms import assert_equal, assert_forms_agree, assert_same_state, ejected, empty, outputs
from tests.test_emit import LARGE

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
    theirs = getattr(models, name)(weights=None)
    ours = empty(network.module, theirs.state_dict())
    assert_same_state(ours, theirs)
    x = torch.randn(1, 3, size, size)
    for mode in (True, False):
        ours.train(mode)
        theirs.train(mode)
        assert_equal(outputs(ours, [x]), outputs(theirs, [x]))
        assert_same_state(ours, theirs)  # batch normalisation has counted
    if spec in LARGE:  # the others are in the tests of what is written out
        written = empty(ejected(network), ours.state_dict())
        assert_forms_agree(ours, [written], [x], [torch.randint(0, 1000, (1,))])
