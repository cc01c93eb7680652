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

from netc.ops import TABLE
from netc.ops.op import REQUIRED, Op
from tests.op_checks import outcome

pytestmark = pytest.mark.filterwarnings("ignore")

# Samples of torch that a row refuses on purpose: what matches by broadcasting only, or by silently ignoring something.
STRICTER = {
    "loss-shape", "dtype",
}  # fmt: skip
SIZES = ("embed_dim", "d_model")


def load() -> Any:
    """Torch's table of modules, which wants `expecttest`; nothing of that is used here."""
    if "expecttest" not in sys.modules:
        stub = ModuleType("expecttest")
        stub.TestCase = unittest.TestCase  # type: ignore[attr-defined]
        sys.modules["expecttest"] = stub
    from torch.testing._internal import common_modules

    return common_modules.module_db


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
        values = dict(zip(names, sample.args, strict=False)) | sample.kwargs
        if len(sample.args) > len(names) or not set(values) - {"device", "dtype"} <= set(names):
            raise Unsaid(str(set(values) - set(names)))
        case |= {n: spec_value(v) for n, v in values.items() if n not in ("device", "dtype")}
    for param in [*params, *inputs]:
        if param.name in case and not (param.inferred or isinstance(case[param.name], Tensor) or _fits(param, case[param.name])):
            raise Unsaid(f"{param.name}={case[param.name]!r}")
    return case


def _fits(param: Any, value: Any) -> bool:
    if isinstance(value, list) and any(isinstance(v, Tensor) for v in value):
        return param.takes_tensors
    return bool(param.accepts(value))


def samples() -> Iterator[tuple[Op, Any, bool]]:
    """Every sample of a class that has a row, for training and for use."""
    for info in load():
        op = TABLE.get(info.module_cls.__name__)
        for training in (True, False):
            if op is None:
                continue
            for sample in info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=training):
                yield op, sample, training


def test_samples() -> None:
    counts: Counter[str] = Counter()
    classes, wrong = set(), []
    for op, sample, training in samples():
        try:
            case = case_of(op, sample.constructor_input, sample.forward_input)
        except Unsaid as why:
            counts[f"not said: {why}"] += 1
            continue
        result = outcome(op, case, training)
        try:
            counts["accepted" if result.check() else "refused"] += 1
            classes.add(op.name)
        except AssertionError as error:
            wrong.append((op.name, {k: getattr(v, "shape", v) for k, v in case.items()}, str(error)[:300]))
    print(counts, len(classes))
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(map(str, wrong[:40]))
    assert counts["accepted"] >= 1000
    assert len(classes) >= 95
