"""What a call of a layer costs: a chain of 250 `Linear(4, 4)` in all the ways in which one builds such a network."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
import torch.fx
from torch import Tensor, nn

import netc
from report import Figure, Report, table
from timing import Comparison, in_turn

LAYERS, WIDTH, BATCH = 250, 4, 4
HAND = "a class by hand: `x = self.l0(x)`, …"
NETC = "netc"
GOALS = {"inference": "0.45", "forward and backward": "0.86"}

Model = Callable[[Tensor], Tensor]


def spec() -> str:
    layers = "\n".join(f"    -> l{i}: Linear({WIDTH})" for i in range(LAYERS))
    return f"network Chain {{\n  input x: [B, {WIDTH}]\n  h = x\n{layers}\n  output h\n}}"


def by_hand() -> nn.Module:
    """The class as one would write it, had one the patience."""
    calls = "\n".join(f"    x = self.l{i}(x)" for i in range(LAYERS))
    space: dict[str, Any] = {}
    exec(f"def forward(self, x):\n{calls}\n    return x\n", space)
    made = type("ByHand", (nn.Module,), {"forward": space["forward"]})()
    for i in range(LAYERS):
        made.add_module(f"l{i}", nn.Linear(WIDTH, WIDTH))
    assert isinstance(made, nn.Module)
    return made


class Loop(nn.Module):
    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def symbolic(layers: list[nn.Module]) -> Model:
    from pytorch_symbolic import Input, SymbolicModel, optimize_module_calls  # type: ignore[import-not-found]

    begin = Input(shape=(WIDTH,))
    h = begin
    for layer in layers:
        h = h(layer)
    made: Model = SymbolicModel(begin, h)
    # It replaces the call of all modules, also of those that it did not make, which slows each of the ways down, and netc takes it
    # for a tracer and calls its layers. This ends it, for modules to come too. (Python cannot delete a `__new__` without a trace.)
    nn.Module.__new__ = staticmethod(lambda cls, *_, **__: object.__new__(cls))  # type: ignore[method-assign, assignment]
    optimize_module_calls()
    return made


def keras(layers: list[nn.Module]) -> Model:
    """Keras' own layers, with the same numbers in them."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import keras

    assert keras.backend.backend() == "torch"
    begin = keras.Input((WIDTH,))
    h = begin
    for layer in layers:
        dense = keras.layers.Dense(WIDTH)
        h = dense(h)
        dense.set_weights([layer.weight.detach().numpy().T, layer.bias.detach().numpy()])  # type: ignore[operator, union-attr]
    made: Model = keras.Model(begin, h)
    return made


def models() -> tuple[dict[str, Model], list[str]]:
    """Each way with the same parameters, and those whose library is missing."""
    hand = by_hand()
    layers = list(hand.children())
    ours = netc.load(spec()).module()
    ours.load_state_dict(hand.state_dict(keep_vars=True), assign=True)
    traced = torch.fx.symbolic_trace(hand)
    found: dict[str, Model] = {
        HAND: hand,
        "`nn.Sequential`": nn.Sequential(*layers),
        "a loop over an `nn.ModuleList`": Loop(layers),
        "`torch.fx`, GraphModule": traced,
        "`torch.fx`, Interpreter": torch.fx.Interpreter(traced).run,
    }
    missing = []
    for name, make in (("`pytorch-symbolic`", symbolic), ("Keras, functional, torch backend", keras)):
        try:
            found[name] = make(layers)
        except ImportError:
            missing.append(name)
    return {**found, NETC: ours}, missing


def measured(seconds: float) -> tuple[dict[str, dict[str, list[float]]], list[str]]:
    """Seconds of each way, for inference and for forward and backward."""
    ways, missing = models()
    x = torch.randn(BATCH, WIDTH)
    expected = ways[HAND](x)
    parameters = {name: list(way.parameters()) if isinstance(way, nn.Module) else [] for name, way in ways.items()}
    parameters["`torch.fx`, Interpreter"] = parameters[HAND]

    def inference(way: Model) -> Callable[[], object]:
        @torch.no_grad()
        def work() -> object:
            return way(x)

        return work

    def both(name: str) -> Callable[[], object]:
        way, owned = ways[name], parameters[name]

        def work() -> None:
            for parameter in owned:
                parameter.grad = None
            way(x).sum().backward()  # type: ignore[no-untyped-call]

        return work

    for name, way in ways.items():
        torch.testing.assert_close(way(x), expected, msg=f"{name} gives something else")
    times = {
        "inference": in_turn({name: inference(way) for name, way in ways.items()}, seconds),
        "forward and backward": in_turn({name: both(name) for name in ways}, seconds),
    }
    return times, missing


def report(seconds: float) -> Report:
    """The ratios to the class written by hand; `seconds` for each of the two tables."""
    times, missing = measured(seconds)
    figures = [
        Figure(f"a chain of {LAYERS} layers, {what}", f"{Comparison(found[NETC], found[HAND]).ratio:.2f}", GOALS[what])
        for what, found in times.items()
    ]
    rows = []
    for way in times["inference"]:
        compared = [Comparison(found[way], found[HAND]) for found in times.values()]
        rows.append([way, *(cell for c in compared for cell in (f"{c.ratio:.2f}", f"{c.medians[0] * 1e3:.2f} ms"))])
    rows += [[way, "not installed", "", "", ""] for way in missing]
    return Report(figures, table(["way", *(cell for what in times for cell in (what, "time"))], rows))
