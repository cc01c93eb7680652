"""The optimizer and the scheduler that the settings ask for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from netc.diagnostics import error
from netc.ops.factors import FIRST, factor_of
from netc.ops.python import Unusable
from netc.settings import Made, Section
from netc.train.scheduling import check_cycle, check_optimizer, check_scheduler, is_stepped, parameter_groups

# Optimizers whose steps torch itself compiles, and schedulers that change more than the learning rate, for which it would do so anew.
TRACED = ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adadelta", "Adagrad", "ASGD", "RMSprop", "Rprop")
CHANGE_MORE = ("OneCycleLR", "CyclicLR")


# Optimizers whose `foreach` gives the same numbers to the last bit; NAdam's, RAdam's, ASGD's and Adafactor's round otherwise.
ALIKE = ("SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Adamax", "Adadelta", "Rprop")
SMALL = 100_000  # numbers to train; above that the loop over parameters is as fast


def make_optimizer(model: nn.Module, settings: Section) -> Optimizer:
    """The optimizer of the section over the parameters that are trained, in its groups. Raises NetError."""
    made = settings.made("optimizer")
    parameters = [p for p in model.parameters() if p.requires_grad]
    grouped = _grouped(model, settings)
    check_optimizer(settings, len(grouped))
    given = grouped if settings.groups else parameters
    optimizer = make(made, given, **_implementation(made, parameters, settings))
    assert isinstance(optimizer, Optimizer)
    return optimizer


def _implementation(made: Made, parameters: Sequence[nn.Parameter], settings: Section) -> dict[str, Any]:
    """One call for all parameters where these are small and on the CPU: the same numbers to the last bit, in less time.

    (`fused`, which is faster still, rounds otherwise, and is taken where a spec says so.)
    """
    is_small = sum(p.numel() for p in parameters) <= SMALL and parameters[0].device.type == "cpu"
    is_free = (
        made.recipe.name in ALIKE and made.values["foreach"] is None and not made.values.get("fused") and not made.values["differentiable"]
    )
    return {"foreach": True} if is_small and is_free and not settings["compile"] else {}


def _grouped(model: nn.Module, settings: Section) -> list[dict[str, Any]]:
    """The groups as torch takes them."""
    own = {parameter: name for name, parameter in model.named_parameters()}
    names = {key: own[model.get_parameter(key)] for group in settings.groups for key in group.keys}
    found = parameter_groups((name for parameter, name in own.items() if parameter.requires_grad), settings, names)
    return [{"params": [model.get_parameter(name) for name in members], **{key: _plain(value) for key, value in arguments.items()}}
            for members, arguments in found]  # fmt: skip


def _plain(value: Any, kind: str = "") -> Any:
    """A list as the tuple that torch takes; of numbers as floats, as Adam takes no `betas` of which one is an int."""
    if not isinstance(value, list):
        return value
    return tuple(map(float, value)) if kind == "floats" else tuple(value)


def make_scheduler(optimizer: Optimizer, settings: Section, steps_per_epoch: int) -> LRScheduler | None:
    """The scheduler of the section, if it has one. What it can know of the length of the training is filled in. Raises NetError."""
    if settings["scheduler"] is None:
        return None
    if settings["compile"] and is_whole(settings):
        for group in optimizer.param_groups:  # a graph takes a number that changes as a tensor
            group["lr"] = torch.tensor(group["lr"], dtype=torch.float64)
    check_scheduler(settings, len(optimizer.param_groups))
    check_cycle(settings, steps_per_epoch)
    steps = settings["epochs"] * (steps_per_epoch if is_stepped(settings) else 1)
    scheduler = _scheduler(settings.made("scheduler"), optimizer, steps, steps_per_epoch)
    assert isinstance(scheduler, LRScheduler)
    # The order of steps is right; torch would warn of one that fp16 skips, or that is in a compiled graph.
    optimizer._opt_called = True  # type: ignore[attr-defined]
    return scheduler


def largest_rate(optimizer: Optimizer) -> float | None:
    """The largest learning rate that is in force; None where the optimizer has none."""
    return max((float(group["lr"]) for group in optimizer.param_groups if "lr" in group), default=None)


def _scheduler(made: Made, optimizer: Optimizer, steps: int, steps_per_epoch: int) -> Any:
    """A scheduler of so many steps in all, with those that it is made of."""
    inner = [_scheduler(m, optimizer, steps, steps_per_epoch) for m in made.values.get("schedulers", [])]
    known: dict[str, Any] = {"schedulers": inner} if inner else {}
    if made.recipe.name in FIRST:
        given = made.values["lr_lambda"]
        known = {"lr_lambda": list(map(_factor, given)) if isinstance(given, list) else _factor(given)}
    if made.recipe.name == "OneCycleLR":
        known = _cycle(made, steps, steps_per_epoch)
    return make(made, optimizer=optimizer, **known)


def _factor(made: Made) -> Callable[[int], float]:
    """A function of one's own. What it does wrong in the course of the training is NetError `training`."""
    given = factor_of(made.values["function"])

    def factor(done: int) -> float:
        try:
            return given(done)
        except Unusable as why:
            raise error("training", why.message, made.span, why.hint) from why

    return factor


def _cycle(made: Made, steps: int, steps_per_epoch: int) -> dict[str, Any]:
    """How long the one cycle of `OneCycleLR` is: the whole training where that is not said."""
    values = made.values
    if values["total_steps"] is None and values["epochs"] is None:
        return {"total_steps": steps}
    return {"steps_per_epoch": steps_per_epoch} if values["steps_per_epoch"] is None else {}


def is_whole(settings: Section) -> bool:
    """Whether the optimizer's step can be in the graph."""
    between = settings["precision"] == "fp16" or settings["accumulate"] > 1
    between = between or settings["clip_grad_norm"] is not None or settings["clip_grad_value"] is not None
    inner = [] if settings["scheduler"] is None else [settings.made("scheduler")]
    while inner:
        made = inner.pop()
        between = between or made.recipe.name in CHANGE_MORE
        inner += made.values.get("schedulers", [])
    return settings.made("optimizer").recipe.name in TRACED and not between


def make(made: Made, *first: Any, **known: Any) -> Any:
    """Calls what a recipe names; `known` stands over its arguments. What torch refuses is NetError `argument-type`."""
    module, name = made.recipe.target.rsplit(".", 1)
    try:
        values = {param.name: _plain(made.values[param.name], param.kind) for param in made.recipe.params} | known
        return getattr(importlib.import_module(module), name)(*first, **values)
    except (ValueError, TypeError, RuntimeError, ArithmeticError, IndexError) as e:
        raise error("argument-type", f"`{made.recipe.name}`: {e}", made.span) from e
