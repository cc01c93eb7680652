"""Every row of the op table against torch: the type that its rule gives, the parameters' shapes, and the source."""

from __future__ import annotations

import inspect
from typing import Any

import einops
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from netc.code import Text, construction, expression
from netc.graph import Argument, Node
from netc.infer import Inferred, infer
from netc.ops import TABLE
from netc.ops.op import REQUIRED, DType
from tests.fuzz import cases
from tests.op_cases import CASES
from tests.op_checks import HERE, Tensors, arguments, type_of

ALL = [(name, case) for name in TABLE for case in CASES.get(name, [{}])]


@pytest.mark.filterwarnings("ignore:reduction:UserWarning", "ignore:enable_nested_tensor:UserWarning", "ignore:LSTM with proj")
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
    space: dict[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "einops": einops, "t": tensors.made, "self": nn.Module()}
    if op.is_module:
        space["module"] = module = eval(construction(node), space)
        assert [(n, tuple(p.shape)) for n, p in module.named_parameters()] == list(result.weights.items())
    value = eval(expression(node, lambda ref: Text(f"t[{ref.node}]"), "module").text, space)
    assert type_of(value) == result.type


# Not in a row: where and how parameters are made, what is deprecated, and what a spec has no value for.
LEFT_OUT = {
    "device", "dtype", "args", "kwargs", "_weight", "_freeze", "_random_samples", "max_value", "min_value", "process_group", "size_average",
    "reduce", "custom_encoder", "custom_decoder", "options",
}  # fmt: skip


def constructor(name: str) -> dict[str, Any]:
    """The parameters of a class of `torch.nn` in order, with their defaults; `empty` where there is none."""
    found = {n: p.default for n, p in inspect.signature(getattr(nn, name)).parameters.items()}
    if name in ("RNN", "GRU", "LSTM"):  # these only have `*args, **kwargs`
        found = {n: p.default for n, p in inspect.signature(nn.RNNBase).parameters.items() if n != "mode"}
        if name == "RNN":
            items = list(found.items())
            found = dict([*items[:3], ("nonlinearity", "tanh"), *items[3:]])
        if name != "LSTM":
            del found["proj_size"]
    return {n: _plain(d) for n, d in found.items() if n not in LEFT_OUT}


def _plain(default: Any) -> Any:
    """A default as a spec has it: a function by its name, a tuple as a list."""
    if inspect.isfunction(default):
        return default.__name__
    return list(default) if isinstance(default, tuple) else default


@pytest.mark.parametrize("name", [n for n, op in TABLE.items() if op.is_module])
def test_parameters_of_modules_are_torchs(name: str) -> None:
    """Names, order and defaults of a row's parameters are those of the class."""
    op, theirs = TABLE[name], constructor(name)
    if op.is_loss:
        theirs.pop("weight")  # a tensor, which a module is not constructed with in a spec
    assert [p.name for p in op.params] == list(theirs)
    for param in op.params:
        if param.default is REQUIRED:
            assert theirs[param.name] is inspect.Parameter.empty, param.name
        elif not param.inferred:
            assert param.default == theirs[param.name], param.name


@pytest.mark.parametrize("name", [n for n, op in TABLE.items() if op.is_module])
def test_inputs_of_modules_are_torchs(name: str) -> None:
    """Names, order and defaults of what a module is called with are those of its `forward`."""
    theirs = {n: p.default for n, p in inspect.signature(getattr(nn, name).forward).parameters.items() if n != "self"}
    ours = {p.name: inspect.Parameter.empty if p.default is REQUIRED else p.default for p in TABLE[name].inputs}
    if name == "RMSNorm":  # its one input is called `x`
        theirs = {"input": theirs.pop("x")}
    assert list(ours.items()) == list(theirs.items())


@pytest.mark.parametrize("name", [n for n, op in TABLE.items() if op.is_loss and not op.is_module])
def test_parameters_of_losses_are_torchs(name: str) -> None:
    """Operands are those of the function; what follows has the names, order and defaults of the class."""
    op, theirs = TABLE[name], constructor(name)
    function = inspect.signature(getattr(nn.functional, op.target.rsplit(".", 1)[1])).parameters
    count = len(op.inputs) - len(theirs)
    assert [p.name for p in op.inputs[:count]] == list(function)[:count]
    assert [(p.name, p.default) for p in op.inputs[count:]] == list(theirs.items())


@cases(60)
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


@cases(150)
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


def test_a_named_size_counts_as_an_int() -> None:
    from netc.shapes import Dim
    from netc.tensors import promote_number

    assert [promote_number(dtype, Dim.named("T")) for dtype in ("int64", "bool", "float16")] == ["int64", "int64", "float16"]


def test_dtype_values_are_torchs() -> None:
    from netc.tensors import ALIASES, DTYPES

    assert all(isinstance(getattr(torch, name), torch.dtype) for name in [*DTYPES, *ALIASES])
    assert all(str(getattr(torch, alias)) == f"torch.{name}" for alias, name in ALIASES.items())
    assert repr(DType("int64")) == "DType(name='int64')"
