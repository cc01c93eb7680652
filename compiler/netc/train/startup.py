"""What a process that trains need not load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer


def without_compiler() -> None:
    """Keeps torch from loading its compiler, in a process that compiles nothing: a second or more, as long as torch itself takes.

    It loads it to keep its hands off the functions below when they are called (`torch._compile._disable_dynamo`), and looks first whether
    that was done. Where another version of torch does not look there, nothing is gained and nothing lost.
    """
    kept: tuple[Callable[..., Any], ...] = (Optimizer.add_param_group, Optimizer.zero_grad, Optimizer.state_dict, Optimizer.load_state_dict)
    for function in kept:
        inner = getattr(function, "__wrapped__", None)
        if inner is not None:
            inner.__dynamo_disable = inner
