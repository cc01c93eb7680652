"""The optimizer and the scheduler that the settings ask for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from netc.diagnostics import error
from netc.settings import Made, Section


def make_optimizer(parameters: Sequence[nn.Parameter], settings: Section) -> Optimizer:
    """The optimizer of the section over the parameters. Raises NetError."""
    made = settings.made("optimizer")
    if not parameters:
        raise error("training", "the network has no parameters to train", made.span)
    optimizer = make(made, parameters)
    assert isinstance(optimizer, Optimizer)
    return optimizer


def make_scheduler(optimizer: Optimizer, settings: Section) -> LRScheduler | None:
    """The scheduler of the section, if it has one. Raises NetError."""
    if settings["scheduler"] is None:
        return None
    scheduler = make(settings.made("scheduler"), optimizer)
    assert isinstance(scheduler, LRScheduler)
    return scheduler


def make(made: Made, *first: Any) -> Any:
    """Calls what a recipe names. What torch refuses is NetError `argument-type`."""
    module, name = made.recipe.target.rsplit(".", 1)
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in made.values.items()}
    try:
        return getattr(importlib.import_module(module), name)(*first, **values)
    except (ValueError, TypeError, RuntimeError, ZeroDivisionError) as e:
        raise error("argument-type", f"`{made.recipe.name}`: {e}", made.span) from e
