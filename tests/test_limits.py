"""What netc refuses of the arguments of optimizers and schedulers, without torch, against what torch refuses of them in a first step."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
import torch

import netc
from netc import NetError
from netc.diagnostics import Diagnostic
from netc.ops.limits import LIMITS, refused
from netc.ops.recipes import OPTIMIZERS, SCHEDULERS, find
from netc.train.scheduling import check_cycle
from tests.one_layer import training_section

NUMBERS = [-1, -0.5, 0, 0.5, 0.0, 1, 1.0, 1.5, 3]
LISTS = [[0.5, 0.5], [-0.1, 0.5], [0.5, 1.0], [0.5, 1.2], [0.0, 1.2], [1.0, 1.2], [0.5], [None, 0.5], [0.5, None], [None, -1.0],
         [0.5, 0.5, 0.5], [3.0, -4.7, 2.0], [0.5, 1.2, 1.5], [0.5, 0.5, 0.5, 0.5]]  # fmt: skip
NAMES = ["strong_wolfe", "foo", "", None]
NEEDED: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 3}, "CosineAnnealingLR": {"T_max": 3}, "CosineAnnealingWarmRestarts": {"T_0": 3},
    "CyclicLR": {"base_lr": 0.1, "max_lr": 1.0}, "OneCycleLR": {"max_lr": 1.0, "total_steps": 9},
}  # fmt: skip
# What torch divides by in the first epoch, and not when it makes the scheduler, or counts in steps that cannot be below 0.
LATER = ("step_size", "T_max", "step_size_up")


def made_by_torch(name: str, values: dict[str, Any]) -> bool:
    recipe = find(name)
    module, kind = recipe.target.rsplit(".", 1)
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    first = [weight] if recipe in OPTIMIZERS else torch.optim.SGD([weight], lr=0.1, momentum=0.9)
    try:
        made = getattr(importlib.import_module(module), kind)(first, **given)
        if recipe in OPTIMIZERS:
            take_steps(made, weight)
    except (ValueError, TypeError, RuntimeError, ZeroDivisionError, IndexError, AssertionError):
        return False
    return True


def take_steps(optimizer: torch.optim.Optimizer, weight: torch.nn.Parameter) -> None:
    def closure() -> float:
        weight.grad = torch.full((2, 2), 0.5) + weight.detach()
        if isinstance(optimizer, torch.optim.SparseAdam):
            weight.grad = weight.grad.to_sparse()
        return 0.5 * float((weight.detach() + 0.5).square().sum())

    for _ in range(3):
        optimizer.step(closure)


def with_defaults(name: str, changed: dict[str, Any]) -> dict[str, Any]:
    values = {p.name: p.default for p in find(name).params} | NEEDED.get(name, {}) | changed
    return {key: value for key, value in values.items() if value is not None or key != "momentum"}


TOGETHER = ("schedulers", "fused", "nesterov")  # arguments that hang on others
CASES = [(recipe.name, argument) for recipe in (*OPTIMIZERS, *SCHEDULERS)
         for argument in dict.fromkeys(limit.argument for limit in LIMITS.get(recipe.name, ())) if argument not in TOGETHER]  # fmt: skip


@pytest.mark.parametrize(("name", "argument"), CASES)
def test_each_argument_alone(name: str, argument: str) -> None:
    param = next(p for p in find(name).params if p.name == argument)
    candidates = LISTS if "floats" in param.kind else NAMES if param.kind == "str" else [*NUMBERS, 99, 100]
    taken: list[Any] = [value for value in candidates if param.accepts(value)]
    assert len(taken) > 3
    for value in taken:
        values = with_defaults(name, {argument: value})
        if argument in ("epochs", "steps_per_epoch"):
            values |= {"total_steps": None, "epochs": 3, "steps_per_epoch": 3, argument: value}
        ours = not [limit for limit in refused(name, values) if limit.argument == argument]
        assert ours == made_by_torch(name, values) or (argument in LATER and not ours and value < 1), value


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad"])
def test_arguments_that_go_with_others(name: str) -> None:
    torch_takes = [
        made_by_torch(name, with_defaults(name, changed)) for changed in CHANGED if changed.keys() <= {p.name for p in find(name).params}
    ]
    ours = [not refused(name, with_defaults(name, changed)) for changed in CHANGED if changed.keys() <= {p.name for p in find(name).params}]
    assert ours == torch_takes and set(ours) == {True, False}


CHANGED: list[dict[str, Any]] = [
    {"fused": True}, {"fused": True, "foreach": True}, {"fused": True, "differentiable": True}, {"fused": False, "foreach": True},
    {"nesterov": True}, {"nesterov": True, "momentum": 0.9}, {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
]  # fmt: skip

SPEC = """
network Net {{
  input x: [B, 5]
  target y: [B, 1]
  p = x -> Linear(4, bias={bias}) -> Tanh -> Linear(1, bias=false)
  output p
  loss MSELoss(p, y)
}}
data = sklearn.make_regression(n_samples=20, n_features=5)
train {{
  optimizer = {optimizer}
  epochs = 2
  {more}
}}
"""
SAID = [
    ("SGD(lr=-0.1)", "", "`SGD`: lr must be 0 or more, not -0.1", "-0.1"),
    ("SGD(nesterov=true)", "", "nesterov must be left out where `momentum` is 0", "true"),
    ("Adam(betas=[2.0, 0.9])", "", "betas must be two numbers from 0 to below 1", "[2.0, 0.9]"),
    ('LBFGS(line_search_fn="foo")', "", 'line_search_fn must be "strong_wolfe" or `none`', '"foo"'),
    ("SGD(differentiable=true)", "", "PyTorch cannot then change the parameters in place", "true"),
    ("SGD(differentiable=true)", "compile = true", None, ""),
    ("Adam(capturable=true)", "device = cpu", "`capturable` is for the graphs of a GPU", "true"),
    ("Adam(capturable=true)", "", None, ""),
    ("Adam(capturable=true)", "device = cpu\n compile = true", None, ""),
    ("Adam(capturable=true, fused=true)", "device = cpu", None, ""),
    ("SGD()", "scheduler = OneCycleLR(1.0, div_factor=0)", "div_factor must be another number than 0, not 0", "0"),
    ("SGD()", "scheduler = StepLR(0)", "step_size must be 1 or more, not 0", "0"),
    ("SGD()", "scheduler = OneCycleLR(1.0)", None, ""),
    ("Adagrad()", "scheduler = OneCycleLR(1.0)", "changes the momentum too, and `Adagrad` has none", "OneCycleLR(1.0)"),
    ("Adagrad()", "scheduler = OneCycleLR(1.0, cycle_momentum=false)", None, ""),
    ("SGD()", "scheduler = OneCycleLR([1.0, 2.0])", "has 2 numbers, and the optimizer has 1 group", "[1.0, 2.0]"),
    ("SGD()", "scheduler = SequentialLR([ReduceLROnPlateau()], [])", "not `ReduceLROnPlateau`", "[ReduceLROnPlateau()]"),
    ("SGD()", "scheduler = ChainedScheduler([])", "schedulers must be one or more", "[]"),
    ("Muon()", "", "`Muon` trains matrices only, and `linear.bias` is none", "Muon()"),
]


@pytest.mark.parametrize(("optimizer", "more", "words", "marked"), SAID)
def test_check_says_it(optimizer: str, more: str, words: str | None, marked: str) -> None:
    found = [d for d in netc.check(SPEC.format(optimizer=optimizer, more=more, bias="true")) if d.severity == "error"]
    assert [d.message for d in found if re.search(re.escape(words or ""), d.message)] == (
        [] if words is None else [d.message for d in found]
    )
    assert [d.span.text for d in found if isinstance(d, Diagnostic) and d.span] == ([] if words is None else [marked])


def test_matrices_alone_are_trained() -> None:
    assert not netc.check(SPEC.format(optimizer="Muon()", more="", bias="false"))


GROUPS = [
    ("SGD(momentum=0.9)", "group linear.* { lr = -1 }", ["`SGD`: lr must be 0 or more, not -1"], ["-1"]),
    ("SGD()", "group linear.* { weight_decay = -1 }", ["`SGD`: weight_decay must be 0 or more, not -1"], ["-1"]),
    ("SGD(momentum=0.9, nesterov=true)", "group linear.weight { lr = 1.0\n momentum = 0 }",
     ["`SGD`: nesterov must be left out where `momentum` is 0 or `dampening` is not, not true"], ["0"]),
    ("Adam()", "group linear.weight { eps = -1\n betas = [0.5, 2] }",
     ["`Adam`: eps must be 0 or more, not -1", "`Adam`: betas must be two numbers from 0 to below 1"], ["-1", "[0.5, 2]"]),
    ("SGD()", "group linear.* { nesterov = true }\n group linear.* { momentum = 0.9 }", [], []),
    ("SGD()", "group linear.* { lr = -1 }\n group linear.* { lr = 0.1 }", [], []),
    ("SGD(momentum=0.9, nesterov=true)", "group linear.* { momentum = 0\n nesterov = false }", [], []),
    ("Adam(foreach=true)", "group linear.* { fused = true }", [], []),
]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "groups", "messages", "marked"), GROUPS)
def test_what_a_group_asks_for_has_the_same_limits(optimizer: str, groups: str, messages: list[str], marked: list[str]) -> None:
    found = [d for d in netc.check(SPEC.format(optimizer=optimizer, more=groups, bias="true")) if d.severity == "error"]
    assert [d.message for d in found] == messages
    assert [d.span.text for d in found if d.span] == marked


STEPPED = [recipe.name for recipe in OPTIMIZERS if {"differentiable", "capturable"} & {p.name for p in recipe.params}]


@pytest.mark.parametrize("name", STEPPED)
def test_torch_takes_no_step_that_is_differentiable_or_captured_on_the_cpu(name: str) -> None:
    for argument in {"differentiable", "capturable"} & {p.name for p in find(name).params}:
        assert not made_by_torch(name, with_defaults(name, {argument: True}))
    assert made_by_torch(name, with_defaults(name, {}))


def is_taken(cycle: str, steps: int) -> bool:
    try:
        check_cycle(training_section(f"optimizer = SGD(lr=0.1)\n  scheduler = {cycle}", steps), per_epoch=1)
    except NetError:
        return False
    return True


def can_step(total: int, pct_start: float, three_phase: bool, steps: int) -> bool:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    try:
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total, pct_start=pct_start, three_phase=three_phase)
        for _ in range(steps):
            optimizer.step()
            cycle.step()
    except (ZeroDivisionError, ValueError):
        return False
    return True


@pytest.mark.parametrize("total", [1, 2, 3, 10])
@pytest.mark.parametrize("three_phase", [False, True])
def test_a_cycle_takes_the_steps_that_torch_takes(total: int, three_phase: bool) -> None:
    found = set()
    for pct_start in (0.0, 0.1, 0.3, 0.5, 0.75, 1.0):
        for steps in {max(1, total - 1), total, total + 1}:
            written = f"OneCycleLR(1.0, total_steps={total}, pct_start={pct_start}, three_phase={str(three_phase).lower()})"
            found.add(is_taken(written, steps))
            assert is_taken(written, steps) == can_step(total, pct_start, three_phase, steps), (written, steps)
    assert found == {True, False}
