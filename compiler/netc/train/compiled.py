"""The step of a training as one graph, compiled by `torch.compile(fullgraph=True)`.

Losses and gradients are always in it. The optimizer is too where torch can trace it and nothing stands between it and the
gradients; for the others it takes its step on what the graph gives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, TypeVar, cast

import torch
import torch._dynamo
from torch import Tensor, nn
from torch.optim import Optimizer

from netc.diagnostics import error
from netc.settings import Section
from netc.train.batches import Tensors

F = TypeVar("F", bound=Callable[..., object])
Gradients = Callable[..., tuple[Tensors, tuple[Tensor | None, ...]]]


def check_compiler(settings: Section, device: torch.device) -> None:
    """NetError where PyTorch would find no compiler for the code that it writes."""
    if device.type != "cpu":
        return
    from torch._inductor import cpp_builder, exc

    try:
        cpp_builder.get_cpp_compiler()
    except (exc.InvalidCxxCompiler, OSError) as e:
        message = "`compile = true` needs a C++ compiler, and PyTorch finds none"
        hint = "install one, e.g. `apt install g++`, or name it in the environment variable CXX"
        raise error("training", message, settings.values["compile"].span, hint) from e


def whole_step(compute: Callable[..., Tensors], parameters: Sequence[nn.Parameter], optimizer: Optimizer) -> Callable[..., Tensors]:
    """A step on a batch as one graph. It takes inputs and targets, and gives the scalars of `compute` before the step.

    The gradients stay where they are, so that the graph knows their places; a learning rate that a scheduler changes has to be
    a tensor.
    """
    update = inspect.unwrap(type(optimizer).step)  # without the hooks around it, which no graph can hold

    def step(*batch: Tensor) -> Tensors:
        values = compute(*batch)
        found = torch.autograd.grad(values[0], parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, found, strict=True):
                assert parameter.grad is not None
                parameter.grad.copy_(gradient)
            update(optimizer)
        return tuple(v.detach() for v in values)

    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    return _compiled(step, parameters[0].device)


def gradients(compute: Callable[..., Tensors], parameters: Sequence[nn.Parameter]) -> Gradients:
    """The scalars of `compute` for a factor and a batch, and the gradients of the first of them times the factor."""

    def graph(factor: Tensor | None, *batch: Tensor) -> tuple[Tensors, tuple[Tensor | None, ...]]:
        values = compute(*batch)
        loss = values[0] if factor is None else values[0] * factor
        return tuple(v.detach() for v in values), torch.autograd.grad(loss, parameters, allow_unused=True)

    return _compiled(graph, parameters[0].device)


def trained(compute: Callable[..., Tensors], parameters: Sequence[nn.Parameter], model: nn.Module, batch: Tensors) -> list[nn.Parameter]:
    """The parameters that the loss of a batch depends on. Neither the model nor the random numbers to come are changed."""
    kept = [(buffer, buffer.clone()) for buffer in model.buffers()]
    with torch.random.fork_rng():
        found = torch.autograd.grad(compute(*batch)[0], parameters, allow_unused=True)
    for buffer, before in kept:
        buffer.copy_(before)
    return [p for p, gradient in zip(parameters, found, strict=True) if gradient is not None]


def _compiled(function: F, device: torch.device) -> F:
    assert isinstance(function, FunctionType)
    function.__code__ = function.__code__.replace()  # of its own: torch compiles one piece of code for a few trainings only
    torch._dynamo.config.trace_autograd_ops = True  # `torch.autograd.grad` within a graph
    # A new graph for each size: all batches of an epoch but the last are equal, and code for one size is the fastest.
    # On the CPU what calls the kernels is C++, too: for a small network Python would take a third of the step.
    options: dict[str, Any] | None = {"cpp_wrapper": True} if device.type == "cpu" else None
    return cast(F, torch.compile(function, fullgraph=True, dynamic=False, options=options))
