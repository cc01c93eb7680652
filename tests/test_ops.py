"""Every row of the op table against torch: the type that its rule gives, the parameters' shapes, and the source."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from netc.code import Text, construction, expression
from netc.graph import Argument, Node, Ref
from netc.infer import Inferred, Known, infer
from netc.ops import TABLE
from netc.ops.op import REQUIRED, DType, Op
from netc.source import Source, Span
from netc.tensors import TensorType, Type
from tests.op_cases import CASES, ROWS

HERE = Span(Source("test", "x"), 0, 1)


def arguments(op: Op, case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of a case for a row's config and call, defaults filled in; tensors as (shape, dtype)."""

    def filled(name: str, default: Any, kind: str) -> Any:
        if name in case:
            return case[name]
        if default is not REQUIRED:
            return default
        assert kind in ("tensor", "operand"), f"{op.name} needs {name}"
        return ((4, 6, 5), "bool" if op.name == "logical_not" else "float32")

    config = {p.name: case.get(p.name, None if p.inferred else filled(p.name, p.default, p.kind)) for p in op.params}
    call = {}
    for p in op.inputs:
        value = [ROWS, ROWS] if p.variadic and p.name not in case else filled(p.name, p.default, p.kind)
        call[p.name] = value
    return config, call


class Tensors:
    """Tensors behind references, as a node's arguments have them."""

    def __init__(self) -> None:
        self.made: list[Tensor] = []

    def ref(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.ref(v) for v in value]
        if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], tuple)):
            return value
        shape, dtype = value
        made = torch.rand(shape) if dtype == "float32" else torch.randint(0, 2, shape).to(getattr(torch, dtype))
        self.made.append(made)
        return Ref(len(self.made) - 1)

    def lookup(self, ref: Ref) -> Known:
        return Known(type_of(self.made[ref.node]), HERE)


def type_of(value: Any) -> Type:
    """The type of what torch gave."""
    if isinstance(value, Tensor):
        return TensorType(tuple(value.shape), str(value.dtype).removeprefix("torch."))
    return tuple(type_of(v) for v in value)


ALL = [(name, case) for name in TABLE for case in CASES.get(name, [{}])]


@pytest.mark.parametrize(("name", "case"), ALL, ids=[f"{name}-{i}" for i, (name, _) in enumerate(ALL)])
def test_row(name: str, case: dict[str, Any]) -> None:
    torch.manual_seed(0)
    op, tensors = TABLE[name], Tensors()
    config, call = arguments(op, case)
    given_config = {k: Argument(v, HERE) for k, v in config.items()}
    given_call = {k: Argument(tensors.ref(v), HERE) for k, v in call.items()}
    result = infer(op, given_config, given_call, tensors.lookup, HERE)
    assert isinstance(result, Inferred), result
    node = Node(0, "op", HERE, result.type, op, name, result.config, given_call, result.weights)
    space: dict[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "t": tensors.made}
    if op.is_module:
        space["module"] = module = eval(construction(node), space)
        assert {n: tuple(p.shape) for n, p in module.named_parameters()} == result.weights
    value = eval(expression(node, lambda ref: Text(f"t[{ref.node}]"), "module").text, space)
    assert type_of(value) == result.type


@pytest.mark.parametrize("name", [n for n, op in TABLE.items() if op.is_module])
def test_parameters_of_modules_are_torchs(name: str) -> None:
    """Names, order and defaults of a row's parameters are those of the class (device and dtype aside)."""
    op = TABLE[name]
    parameters = inspect.signature(getattr(nn, name)).parameters
    theirs = {n: p.default for n, p in parameters.items() if n not in ("device", "dtype", "self", "_weight", "_freeze")}
    ours = {p.name: p.default for p in op.params}
    extra = set(theirs) - set(ours)
    # deprecated, or of a result that has no place in a network
    assert extra <= {"args", "kwargs", "return_indices", "divisor_override", "max_value", "min_value"}, extra
    for param in op.params:
        default = theirs[param.name]
        if param.inferred or param.default is REQUIRED:
            assert default is inspect.Parameter.empty
        else:
            assert param.default == default, param.name


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_convolutions_and_pools(data: st.DataObject) -> None:
    """Windows of drawn sizes: the shape is torch's, or torch refuses what the rule refuses."""
    axes = data.draw(st.sampled_from([1, 2, 3]))
    name = data.draw(st.sampled_from(["Conv", "MaxPool", "AvgPool"]))
    small = st.integers(1, 4)
    case: dict[str, Any] = {
        "input": ((2, 2, *data.draw(st.lists(st.integers(1, 9), min_size=axes, max_size=axes))), "float32"),
        "kernel_size": data.draw(small), "stride": data.draw(small), "padding": data.draw(st.integers(0, 3)),
    }  # fmt: skip
    if name == "Conv":
        case["out_channels"] = 3
    if name != "AvgPool":
        case["dilation"] = data.draw(small)
    if name != "Conv":
        case["ceil_mode"] = data.draw(st.booleans())
    op, tensors = TABLE[f"{name}{axes}d"], Tensors()
    config, call = arguments(op, case)
    result = infer(op, {k: Argument(v, HERE) for k, v in config.items()}, {k: Argument(tensors.ref(v), HERE) for k, v in call.items()},
                   tensors.lookup, HERE)  # fmt: skip
    kwargs = {k: v for k, v in case.items() if k != "input"} | ({"in_channels": 2} if name == "Conv" else {})
    try:
        value = getattr(nn, op.name)(**kwargs)(torch.zeros(case["input"][0]))
    except (RuntimeError, ValueError):
        value = None
    assert isinstance(result, Inferred) == (value is not None), (case, result)
    if isinstance(result, Inferred) and value is not None:
        assert result.type == type_of(value)


operands = st.one_of(
    st.tuples(st.sampled_from([(), (3,), (2, 3), (2, 1)]), st.sampled_from(["float32", "int64", "int32", "bool", "float64", "float16"])),
    st.sampled_from([2, 2.5]),
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["+", "-", "*", "/", "//", "%", "==", "<"]), operands, operands)
def test_operators(name: str, a: Any, b: Any) -> None:
    """Broadcasting and promotion of operators are torch's."""
    op, tensors = TABLE[name], Tensors()
    call = {"input": Argument(tensors.ref(a), HERE), "other": Argument(tensors.ref(b), HERE)}
    if not tensors.made:
        return
    result = infer(op, {}, call, tensors.lookup, HERE)
    node = Node(0, "op", HERE, (), op, "", {}, call)
    ones = [torch.ones_like(t) for t in tensors.made]  # no division by zero
    try:
        value = eval(expression(node, lambda ref: Text(f"t[{ref.node}]")).text, {"t": ones})
    except RuntimeError:
        value = None
    if isinstance(result, Inferred):
        assert value is not None
        assert result.type == type_of(value)
    else:
        assert value is None or ("bool" in str(a) + str(b) and name in ("//", "%"))


def test_dtype_values_are_torchs() -> None:
    from netc.tensors import ALIASES, DTYPES

    assert all(isinstance(getattr(torch, name), torch.dtype) for name in [*DTYPES, *ALIASES])
    assert all(str(getattr(torch, alias)) == f"torch.{name}" for alias, name in ALIASES.items())
    assert repr(DType("int64")) == "DType(name='int64')"
