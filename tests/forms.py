"""The forms that a network has, run beside each other: unrolled, walked step by step, and written out as a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

import netc
from netc.module import NetModule

OUTPUT_SEED, LOSS_SEED = 2, 3


def ejected(network: netc.Network) -> type[nn.Module]:
    """The class that is written, run by itself."""
    space: dict[str, Any] = {}
    exec(compile(network.source(), "model.py", "exec"), space)
    made: type[nn.Module] = space[network.graph.name]
    return made


def empty(made: Callable[[], Any], state: dict[str, Tensor]) -> Any:
    """A module made without drawing its parameters, which are those of `state` itself; its buffers are its own."""
    with torch.device("meta"):
        module: nn.Module = made()
    parameters = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    module.load_state_dict({k: v if k in parameters else v.clone() for k, v in state.items()}, strict=True, assign=True)
    return module


def flat(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else list(value)


def outputs(model: Callable[..., Any], inputs: Sequence[Tensor], seed: int = OUTPUT_SEED) -> list[Tensor]:
    """What a model gives with the random numbers of one seed."""
    torch.manual_seed(seed)
    with torch.no_grad():
        return flat(model(*inputs))


def walked(module: NetModule) -> Callable[..., list[Tensor]]:
    """The outputs of the module, from the values of the single steps."""

    def forward(*inputs: Tensor) -> list[Tensor]:
        graph = module.graph
        values: dict[int, Any] = {node.id: tensor for node, tensor in zip(graph.inputs, inputs, strict=True)}
        values |= {node.id: value for node, value in module.walk(*inputs)}
        results = []
        for output in graph.outputs:
            value = values[output.ref.node]
            for index in output.ref.path:
                value = value[index]
            results.append(value)
        return results

    return forward


def assert_equal(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
    """The same numbers, to the last bit."""
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def assert_same_state(ours: nn.Module, theirs: nn.Module) -> None:
    """The same keys in the same order, and the same numbers."""
    a, b = ours.state_dict(), theirs.state_dict()
    assert list(a) == list(b)
    assert_equal([*a.values()], [*b.values()])


def assert_forms_agree(ours: NetModule, others: Sequence[Any], inputs: list[Tensor], targets: list[Tensor]) -> None:
    """The same outputs and losses of the walk, the module and the other classes, in training and in evaluation mode."""
    for mode in (True, False):
        ours.train(mode)
        found = outputs(ours, inputs)
        assert all(value.isfinite().all() for value in found if value.is_floating_point())
        loss = outputs(ours.loss, inputs + targets, LOSS_SEED) if ours.graph.losses else []
        for theirs in others:
            theirs.train(mode)
            assert_equal(found, outputs(theirs, inputs))
            assert_equal(loss, outputs(theirs.loss, inputs + targets, LOSS_SEED) if loss else [])
            assert_same_state(ours, theirs)  # batch normalisation has counted
        assert_equal(found, outputs(walked(ours), inputs))
        for theirs in others:
            theirs.load_state_dict(ours.state_dict(), strict=True)  # the walk has counted once more
