"""Rows of modules and losses against torch's own samples of how each class is used (`module_db`)."""

from __future__ import annotations

import sys
import unittest
from collections import Counter
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from netc.diagnostics import Diagnostic
from netc.ops import TABLE
from netc.ops.op import REQUIRED, Op, Param
from tests.op_checks import outcome

pytestmark = pytest.mark.filterwarnings("ignore")

# Samples that torch takes and a row refuses on purpose: weights and variances that match by broadcasting only, and a softmax
# over the one number of a tensor without axes.
STRICTER = {("BCELoss", "loss-shape"), ("BCEWithLogitsLoss", "loss-shape"), ("GaussianNLLLoss", "loss-shape"),
            ("Softmax", "axis"), ("LogSoftmax", "axis"), ("Softmin", "axis")}  # fmt: skip


# How much is checked, at the least.
ACCEPTED, NOT_SAID, CLASSES = 1900, 1600, 100


def load() -> Any:
    """Torch's table of modules, which wants `expecttest`; nothing of that is used here."""
    if "expecttest" not in sys.modules:
        stub = ModuleType("expecttest")
        stub.TestCase = unittest.TestCase  # type: ignore[attr-defined]
        sys.modules["expecttest"] = stub
    from torch.testing._internal import common_modules

    return common_modules.module_db


# What a spec does not say: where parameters are made, and the drawn numbers of `FractionalMaxPool2d`, which change no shape.
UNSEEN = ("device", "dtype", "_random_samples")


class Unsaid(Exception):
    """A sample that a spec has no values for."""


def spec_value(value: Any) -> Any:
    """An argument as a spec has it: tensors as they are, tuples as lists, a function by its name."""
    if isinstance(value, (bool, int, float, str, Tensor, type(None))):
        return value
    if isinstance(value, (list, tuple)):
        return [spec_value(v) for v in value]
    if callable(value) and getattr(value, "__name__", "") in ("relu", "gelu"):
        return value.__name__
    raise Unsaid(repr(type(value)))


def case_of(op: Op, made: Any, called: Any) -> dict[str, Any]:
    """The arguments of a sample by name. Raises Unsaid."""
    case: dict[str, Any] = {}
    params = list(op.params) if op.is_module else [p for p in op.inputs if p.default is not REQUIRED]
    inputs = list(op.inputs) if op.is_module else [p for p in op.inputs if p.default is REQUIRED]
    for names, sample in (([p.name for p in params], made), ([p.name for p in inputs], called)):
        kwargs = {n: v for n, v in sample.kwargs.items() if n not in UNSEEN and not (v is None and n not in names)}
        if len(sample.args) > len(names) or not set(kwargs) <= set(names):
            raise Unsaid(str(set(kwargs) - set(names)))
        case |= {n: spec_value(v) for n, v in (dict(zip(names, sample.args, strict=False)) | kwargs).items()}
    for param in [*params, *inputs]:
        if param.name in case and not (param.inferred or isinstance(case[param.name], Tensor) or _fits(param, case[param.name])):
            raise Unsaid(f"{param.name}={case[param.name]!r}")
    return case


def _fits(param: Param, value: Any) -> bool:
    if isinstance(value, list) and any(isinstance(v, Tensor) for v in value):
        return param.takes_tensors
    return param.accepts(value)


def samples() -> Iterator[tuple[Op, Any, bool]]:
    """Every sample of a class that has a row, for training and for use."""
    for info in load():
        op = TABLE.get(info.module_cls.__name__)
        for training in (True, False):
            if op is None:
                continue
            for sample in info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=training):
                yield op, sample, training


@pytest.mark.usefixtures("one_thread")
def test_samples() -> None:
    """Type and parameters of every sample that a spec can say are torch's, or both refuse it."""
    counts: Counter[str] = Counter()
    classes, wrong = set(), []
    for op, sample, training in samples():
        try:
            case = case_of(op, sample.constructor_input, sample.forward_input)
        except Unsaid:
            counts["not said"] += 1
            continue
        result = outcome(op, case, training)
        if isinstance(result.ours, Diagnostic) and (op.name, result.ours.code) in STRICTER:
            counts["stricter"] += 1
            continue
        try:
            counts["accepted" if result.check() else "refused"] += 1
            classes.add(op.name)
        except AssertionError as error:
            wrong.append(f"{op.name}, training={training}: { {k: getattr(v, 'shape', v) for k, v in case.items()} }: {error}")
    assert not wrong, "\n".join([f"{len(wrong)} differ", *wrong[:20]])
    # so that the test cannot check nothing: torch 2.13 has these many
    assert counts["accepted"] >= ACCEPTED, counts
    assert counts["stricter"] <= 14, counts
    assert counts["not said"] <= NOT_SAID, counts
    assert len(classes) >= CLASSES, sorted({op.name for op, _, _ in samples()} - classes)
