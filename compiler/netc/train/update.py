"""The optimizer's step as its class has it: without torch's profiling and hooks around it, where nobody asked for these."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module

import torch
from torch.autograd import profiler
from torch.optim import Optimizer

# What torch raises where it cannot take a step: of its checks, an assertion; of a scheduler's arithmetic, a division by 0.
REFUSALS = (RuntimeError, IndexError, ValueError, TypeError, AssertionError, ArithmeticError)


def update_of(optimizer: Optimizer) -> Callable[[], None]:
    """Takes a step as `optimizer.step()` does. On small networks what stands around a step takes longer than the step."""
    if any(group.get("differentiable") for group in optimizer.param_groups):
        return optimizer.step
    update = inspect.unwrap(type(optimizer).step)
    # torch keeps the dicts themselves; those of all optimizers, and those of this one.
    torch_optimizer = import_module(Optimizer.__module__)
    hooks = (torch_optimizer._global_optimizer_pre_hooks, torch_optimizer._global_optimizer_post_hooks,
             optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks)  # fmt: skip

    def take() -> None:
        if any(hooks) or profiler._is_profiler_enabled:
            optimizer.step()
            return
        optimizer._opt_called = True  # type: ignore[attr-defined]  # as a scheduler's wrapper notes, which asks for it
        with torch.no_grad():
            update(optimizer)

    return take
