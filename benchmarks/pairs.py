"""Every spec of `specs/` beside the same network written by hand, with the same parameters and something to compute."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import netc
from language_twins import GPT2, Bert
from netc.graph import Node
from netc.shapes import shape_at
from netc.tensors import TensorType

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from tests import known, spec_twins, table_twins, twins  # noqa: E402

assert known.LIBRARY is not None  # defined before torchvision is imported
from torchvision import models  # noqa: E402
from torchvision.models.vision_transformer import VisionTransformer  # noqa: E402

Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Rival:
    """A network by hand: the class, its loss of the model and the tensors, and the parameters by which both are made smaller."""

    make: Callable[[], nn.Module]
    loss: Loss
    set: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


def own(model: Any, *tensors: Tensor) -> Tensor:
    loss: Tensor = model.loss(*tensors)
    return loss


def cross_entropy(model: Any, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y)


def article(name: str) -> Rival:
    network, criterion, *_ = twins.TWINS[name]
    return Rival(network, lambda model, x, y: criterion(model(x), y))


def of_table(name: str) -> Rival:
    network, make, *_ = table_twins.TWINS[name]
    criterion = make()[1]
    return Rival(network, lambda model, x, y: criterion(model(x), y))


def squares(model: Any, *inputs: Tensor) -> Tensor:
    """A loss for what has none: both ways get it."""
    outputs = model(*inputs)
    return sum(o.square().mean() for o in (outputs if isinstance(outputs, tuple) else [outputs]))  # type: ignore[return-value]


def small_vit() -> nn.Module:
    return VisionTransformer(image_size=32, patch_size=16, num_layers=12, num_heads=12, hidden_dim=768, mlp_dim=3072)


def small_mixer() -> nn.Module:
    return spec_twins.MLPMixer(patch=32)


RIVALS: dict[str, Rival] = {
    **{name: article(name) for name in twins.TWINS},
    **{name: of_table(name) for name in table_twins.TWINS},
    "three_inputs": Rival(twins.ThreeInputs, squares),
    **{name: Rival(classes[-1], own) for name, classes in spec_twins.TWINS.items()},
    "mlp_mixer": Rival(small_mixer, own, {"patch": 32}),
    **{name: Rival(getattr(models, name), cross_entropy, sizes={"H": 64, "W": 64})
       for name in ("alexnet", "vgg16", "resnet18", "resnet50", "squeezenet1_0", "densenet121", "mobilenet_v2")},
    "vit_b_16": Rival(small_vit, cross_entropy, {"size": 32}),
    "gpt2": Rival(GPT2, own),
    "bert_encoder": Rival(Bert, squares),
}  # fmt: skip
RIVALS["vgg16"] = replace(RIVALS["vgg16"], sizes={"H": 32, "W": 32})
RIVALS["unet"] = replace(RIVALS["unet"], sizes={"h": 2, "w": 2})

SIZES = {"T": 8, "S": 8, "H": 16, "W": 16, "h": 1, "w": 1}
NUMBERS = 2  # classes, words and items are drawn below; no network has fewer


@dataclass(frozen=True)
class Pair:
    """Both modules with the same parameters and buffers, and what they are called with."""

    ours: Any
    theirs: nn.Module
    our_loss: Loss
    their_loss: Loss
    tensors: Callable[[int], tuple[list[Tensor], list[Tensor]]]  # of a batch size: inputs and targets


def pair(name: str) -> Pair:
    """A spec and its rival; raises AssertionError where they do not compute the same."""
    rival = RIVALS[name]
    network = netc.load(ROOT / "specs" / f"{name}.net", rival.set)
    ours = network.module()
    with torch.device("meta"):
        theirs = rival.make()
    theirs.load_state_dict(ours.state_dict(keep_vars=True), assign=True)
    graph = network.graph

    def tensors(batch: int) -> tuple[list[Tensor], list[Tensor]]:
        sizes = {**SIZES, **rival.sizes, "B": batch}
        torch.manual_seed(1)
        return [example(n, sizes) for n in graph.inputs], [example(n, sizes) for n in graph.targets]

    made = Pair(ours, theirs, own if graph.losses else squares, rival.loss, tensors)
    _assert_same(made)
    return made


def example(node: Node, sizes: Mapping[str, int]) -> Tensor:
    """Numbers from 0 to 1, class numbers, or a mask that is true."""
    kind = node.type
    assert isinstance(kind, TensorType)
    shape = [int(str(size)) for size in shape_at(kind.shape, sizes)]
    if kind.dtype == "bool":
        return torch.ones(shape, dtype=torch.bool)
    return torch.rand(shape) if kind.is_float else torch.randint(0, NUMBERS, shape)


def _assert_same(made: Pair) -> None:
    inputs, targets = made.tensors(2)
    for mode in (True, False):
        made.ours.train(mode)
        made.theirs.train(mode)
        found = []
        for model, loss in ((made.ours, made.our_loss), (made.theirs, made.their_loss)):
            torch.manual_seed(2)
            with torch.no_grad():
                found.append((model(*inputs), loss(model, *inputs, *targets)))
        torch.testing.assert_close(*found)
