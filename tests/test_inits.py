"""An initialisation is refused before anything runs where torch could not carry it out."""

from __future__ import annotations

import warnings
from math import inf
from typing import Any

import pytest
import torch

import netc
from netc.diagnostics import NetError
from netc.ops.inits import INITS
from netc.tensors import DTYPES, GREATEST, range_of

SHAPES = ([4], [4, 4], [6, 4], [4, 4, 3], [6, 2, 3, 3])
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "normal": [{}, {"std": 0.0}, {"std": -0.02}, {"mean": -3.0}],
    "uniform": [{}, {"a": 1.0, "b": 0.0}, {"a": 1.0}, {"a": -1.0}, {"b": 1e300}, {"a": -3e38, "b": 3e38}, {"b": inf}],
    "constant": [{"val": 2.5}, {"val": 2}, {"val": 1e300}, {"val": inf}],
    "zeros": [{}],
    "ones": [{}],
    "eye": [{}],
    "dirac": [{}, {"groups": 2}, {"groups": 4}, {"groups": 0}],
    "xavier_uniform": [{}, {"gain": -1.0}, {"gain": 0.0}],
    "xavier_normal": [{}, {"gain": -1.0}],
    "kaiming_uniform": [{}, {"a": -1.0}, {"nonlinearity": "relu"}, {"nonlinearity": "gelu"}],
    "kaiming_normal": [{}, {"mode": "fan_out"}, {"mode": "fan_all"}],
    "trunc_normal": [{}, {"std": 0.0}, {"a": 2.0, "b": -2.0}],
    "orthogonal": [{}, {"gain": -1.0}],
    "sparse": [{"sparsity": 0.5}, {"sparsity": 0.5, "std": -1.0}],
}
CASES = [(name, given, shape, dtype) for name, several in ARGUMENTS.items() for given in several for shape in SHAPES
         for dtype in ("float32", "int64")]  # fmt: skip


def refused_by_torch(name: str, given: dict[str, Any], shape: list[int], dtype: str) -> bool:
    """Also what torch cuts off without a word."""
    tensor = torch.empty(shape, dtype=getattr(torch, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constants with fans of nothing
        try:
            getattr(torch.nn.init, f"{name}_")(tensor, **given)
        except (ValueError, RuntimeError, NotImplementedError, ZeroDivisionError, OverflowError):
            return True
    return name == "constant" and not bool((tensor == given["val"]).all())


def spec(name: str, given: dict[str, Any], shape: list[int], dtype: str) -> str:
    arguments = ", ".join(f'{key}="{value}"' if isinstance(value, str) else f"{key}={value}" for key, value in given.items())
    call = f"{name}({arguments})" if arguments else name
    return f"network N {{\n  input x: [B, 3]\n  buffer w: {dtype}{shape} = {call}\n  output x * sum(w)\n}}\n"


@pytest.mark.parametrize("name", ARGUMENTS)
def test_refused_exactly_where_torch_fails(name: str) -> None:
    seen = set()
    for case in (case for case in CASES if case[0] == name):
        text = spec(*case)
        try:
            network = netc.load(text)
        except NetError as problem:
            assert refused_by_torch(*case), f"{text}\n{problem}"
            assert [d.code for d in problem.diagnostics] == ["argument-type"]
            seen.add("refused")
        else:
            assert not refused_by_torch(*case), text
            network.module()
            seen.add("taken")
    assert "taken" in seen


def test_all_of_them_are_tried() -> None:
    assert set(ARGUMENTS) == set(INITS)


def test_a_share_is_a_share() -> None:
    """Torch takes any number, and makes all or nothing of it."""
    with pytest.raises(NetError, match="sparsity is a share, from 0 to 1"):
        netc.load(spec("sparse", {"sparsity": 2.0}, [4, 4], "float32"))


@pytest.mark.parametrize("kind, value, numbers", [
    ("[3]", "[1, 2.5, 3]", [1.0, 2.5, 3.0]), ("[2, 2]", "[[1, 2], [3, 4]]", [[1.0, 2.0], [3.0, 4.0]]), ("[3]", "2", [2.0] * 3),
    ("int64[3]", "[1, 2, 3]", [1, 2, 3]), ("bool[2]", "[true, false]", [True, False]), ("bool[2]", "true", [True, True]),
    ("float64[2]", "0.1", [0.1, 0.1]), ("[]", "0.5", 0.5),
    ("int8[2]", "[-128, 127]", [-128, 127]), ("uint8[2]", "255", [255, 255]), ("float16[2]", "[65504, -inf]", [65504.0, -inf]),
    ("int64[1]", "2**63 - 1", [2**63 - 1]), ("[2]", "inf", [inf, inf]),
])  # fmt: skip
def test_numbers_begin_a_buffer_or_parameter(kind: str, value: str, numbers: object) -> None:
    """In the module, in the source that is written out, and by way of the resolved spec."""
    network = netc.load(f"network N {{\n  input x: [B, 3]\n  buffer w: {kind} = {value}\n  output x, w\n}}\n")
    space: dict[str, Any] = {}
    exec(network.source(), space)
    modules: list[Any] = [network.module(), netc.load(network.resolved()).module(), space["N"]()]
    for made in modules:
        assert made.w.tolist() == numbers and list(made.state_dict()) == ["w"]
        assert made.w.dtype == (getattr(torch, kind.split("[")[0]) if kind[0] != "[" else torch.float32)


@pytest.mark.parametrize("kind, value", [
    ("[3]", "[1.0, 2.0]"), ("[2, 2]", "[[1.0, 2.0], [3.0]]"), ("[2, 2]", "[1.0, 2.0, 3.0, 4.0]"), ("[2]", '[1.0, "2"]'), ("[1]", "[none]"),
    ("int64[2]", "[1, 2.5]"), ("int64[2]", "1.5"), ("bool[2]", "[1, 0]"), ("[2]", "[true, false]"), ("[2]", "true"), ("[1]", "[[]]"),
])  # fmt: skip
def test_numbers_that_do_not_fit_are_refused_with_their_place(kind: str, value: str) -> None:
    with pytest.raises(NetError) as caught:
        netc.load(f"network N {{\n  input x: [B, 3]\n  buffer w: {kind} = {value}\n  output x, w\n}}\n")
    (found,) = caught.value.diagnostics
    assert found.code == "argument-type" and found.span is not None and found.span.text == value


@pytest.mark.parametrize("dtype", sorted(GREATEST))
def test_the_span_of_a_dtype_is_torchs(dtype: str) -> None:
    kind = getattr(torch, dtype)
    limits: Any = torch.finfo(kind) if kind.is_floating_point or kind.is_complex else torch.iinfo(kind) if dtype != "bool" else None
    assert range_of(dtype) == ((limits.min, limits.max) if limits else (0, 1)) and set(GREATEST) == set(DTYPES)


@pytest.mark.parametrize("kind, value, number, hint", [
    ("int8[3]", "[300, 1, 2]", "300", "`int16` holds it"), ("int8[3]", "300", "300", "`int16` holds it"),
    ("uint8[3]", "[-1, 200, 2]", "-1", "`int16` holds it"), ("int32[3]", "5000000000", "5000000000", "`int64` holds it"),
    ("int64[3]", "2**63", "9223372036854775808", ""), ("[3]", "1e300", "1e+300", "`float64` holds it"),
    ("[2, 1]", "[[1], [-1e300]]", "-1e+300", "`float64` holds it"), ("float16[3]", "[1e6, 1, 2]", "1000000.0", "`float32` holds it"),
    ("bfloat16[3]", "3.4e38", "3.4e+38", "`float32` holds it"), ("float64[3]", "2**1100", "a number of 1101 bits", ""),
    ("complex64[3]", "1e300", "1e+300", "`complex128` holds it"), ("uint8[3]", "constant(-1)", "-1", "`int8` holds it"),
    ("[3]", "normal(std=1e300)", "1e+300", "`float64` holds it"),
])  # fmt: skip
def test_a_number_that_the_dtype_does_not_hold_is_refused(kind: str, value: str, number: str, hint: str) -> None:
    with pytest.raises(NetError) as caught:
        netc.load(f"network N {{\n  input x: [B, 3]\n  buffer w: {kind} = {value}\n  output x, w\n}}\n")
    (found,) = caught.value.diagnostics
    assert found.code == "argument-type" and found.span is not None and found.span.text == value
    assert found.message.startswith(f"{number} is beyond ") and found.hint == hint


@pytest.mark.parametrize("value", ['"zeros"', "none", "float", "ReLU"])
def test_what_is_neither_number_nor_tensor_begins_nothing(value: str) -> None:
    with pytest.raises(NetError) as caught:
        netc.load(f"network N {{\n  input x: [B, 3]\n  buffer w: [3] = {value}\n  output x * w\n}}\n").module()
    (found,) = caught.value.diagnostics
    assert found.code == "argument-type" and found.span is not None and found.span.text == value
