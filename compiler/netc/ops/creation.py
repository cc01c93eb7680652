"""Rows of functions that make tensors: of sizes, or like another. They are made on the device of the network's inputs."""

from __future__ import annotations

import math

from netc.ops.functions import function, need_positive
from netc.ops.op import Op, Problem, Rule, Use, value_text
from netc.ops.rules import need_float
from netc.shapes import Dim, Size
from netc.tensors import DEFAULT_DTYPE, FLOATS, TensorType, Type, category


def _dtype(use: Use, otherwise: str) -> str:
    return otherwise if use["dtype"] is None else str(use["dtype"].name)


def _need_float_dtype(use: Use, otherwise: str = DEFAULT_DTYPE) -> str:
    dtype = _dtype(use, otherwise)
    if dtype not in FLOATS:
        raise Problem("dtype", f"`{use.op.name}` makes floats, not {dtype}", "dtype")
    return dtype


def _need_sizes(use: Use, name: str) -> tuple[Size, ...]:
    """Sizes that are not negative: a list of them, or one."""
    sizes = use[name] if isinstance(use[name], list) else [use[name]]
    for size in sizes:
        if isinstance(size, int) and size < 0:
            raise Problem("bad-size", f"`{use.op.name}`: a size must not be negative, and is {size}", name)
    return tuple(sizes)


def sized(floats: bool = False) -> Rule:
    """Of the shape `size`: `zeros`; with `floats` of a float dtype only: `randn`."""

    def rule(use: Use) -> Type:
        return TensorType(_need_sizes(use, "size"), _need_float_dtype(use) if floats else _dtype(use, DEFAULT_DTYPE))

    return rule


def _kind_of(value: object) -> str:
    """The dtype that torch gives to a number."""
    return "bool" if isinstance(value, bool) else DEFAULT_DTYPE if isinstance(value, float) else "int64"


def full(use: Use) -> Type:
    """Of the shape `size`, every number `fill_value`, whose kind says the dtype."""
    return TensorType(_need_sizes(use, "size"), _dtype(use, _kind_of(use["fill_value"])))


def arange(use: Use) -> Type:
    """From start (0) up to, without, end in steps of 1: `arange(end)`, `arange(start, end)`, `arange(start, end, step)`."""
    limits = use["limits"]
    if not 1 <= len(limits) <= 3:
        raise Problem("too-many-arguments" if limits else "missing-argument", f"`arange` takes 1 to 3 numbers, not {len(limits)}", "limits",
                      hint="`arange(end)`, `arange(start, end)` or `arange(start, end, step)`")  # fmt: skip
    start, end, step = (0, limits[0], 1) if len(limits) == 1 else (*limits, 1)[:3]
    dtype = _dtype(use, DEFAULT_DTYPE if any(isinstance(v, float) for v in limits) else "int64")
    if dtype == "bool" or (category(dtype) < 2 and any(isinstance(v, float) for v in limits)):
        raise Problem("dtype", f"`arange` of {dtype} takes ints, and gets {value_text(limits)}", "limits", "dtype")
    return TensorType((_steps(start, end, step),), dtype)


def _steps(start: Size | float, end: Size | float, step: Size | float) -> Size:
    """How many numbers `arange` gives: the ceiling of `(end - start) / step`."""
    numbers = [v for v in (start, end, step) if not isinstance(v, Dim)]
    if any(isinstance(v, float) and not math.isfinite(v) for v in numbers) or step == 0:
        raise Problem("argument-type", f"`arange` has no end from {value_text(start)} to {value_text(end)} by {value_text(step)}", "limits")
    if len(numbers) == 3:
        if (end - start) * step < 0:  # type: ignore[operator]
            raise Problem("bad-size", f"`arange`: steps of {step} do not go from {start} to {end}", "limits")
        return math.ceil((end - start) / step)  # type: ignore[operator]
    if any(isinstance(v, float) for v in numbers) or (isinstance(step, int) and step < 0):
        raise Problem("size-needed", "`arange` to a named size needs ints and a positive step", "limits",
                      hint="give the size with `--set`")  # fmt: skip
    return -((start - end) // step)  # type: ignore[operator, return-value]


def linspace(use: Use) -> Type:
    """`steps` numbers from `start` to `end`, both among them."""
    if _dtype(use, DEFAULT_DTYPE) == "bool":
        raise Problem("dtype", "`linspace` makes numbers, not bools", "dtype")
    return TensorType(_need_sizes(use, "steps"), _dtype(use, DEFAULT_DTYPE))


def eye(use: Use) -> Type:
    """`[n, m]` with ones on the diagonal; `m` is `n` where left out."""
    rows = _need_sizes(use, "n")
    return TensorType((*rows, *(rows if use["m"] is None else _need_sizes(use, "m"))), _dtype(use, DEFAULT_DTYPE))


def randint(use: Use) -> Type:
    """Whole numbers from `low` up to, without, `high`."""
    if use["low"] >= use["high"]:
        raise Problem("argument-type", f"`randint`: low must be below high, and they are {use['low']} and {use['high']}", "low", "high")
    return TensorType(_need_sizes(use, "size"), _dtype(use, "int64"))


def randperm(use: Use) -> Type:
    """The whole numbers below `n` in a random order."""
    return TensorType(_need_sizes(use, "n"), _dtype(use, "int64"))


def window(use: Use) -> Type:
    """`window_length` weights."""
    need_positive(use, "window_length")
    return TensorType((use["window_length"],), _need_float_dtype(use))


def like(floats: bool = False) -> Rule:
    """Of the shape and dtype of the input, or of the given dtype."""

    def rule(use: Use) -> Type:
        x = use.tensor()
        if floats and use["dtype"] is None:
            return need_float(use, "input")
        return TensorType(x.shape, _need_float_dtype(use) if floats else _dtype(use, x.dtype))

    return rule


def full_like(use: Use) -> Type:
    """As the input, every number `fill_value`; a float in whole numbers, which torch cuts off, is refused."""
    x = use.tensor()
    dtype = _dtype(use, x.dtype)
    if category(dtype) < category(_kind_of(use["fill_value"])) and category(dtype) < 2:
        raise Problem("dtype", f"`full_like` of {dtype} with {value_text(use['fill_value'])} would cut it off", "fill_value", "input",
                      hint="say the dtype: `dtype=float32`")  # fmt: skip
    return TensorType(x.shape, dtype)


def creation(name: str, params: str, rule: Rule) -> Op:
    """A row of a function that makes a tensor out of nothing."""
    return function(name, f"{params}, dtype: dtype? = none", rule, written="creation")


ROWS: list[Op] = [
    *(creation(n, "size: size...", sized()) for n in ("zeros", "ones")),
    *(creation(n, "size: size...", sized(floats=True)) for n in ("rand", "randn")),
    function("full", "size: sizes, fill_value: number_or_bool, dtype: dtype? = none", full, written="creation"),
    creation("arange", "limits: number...", arange),
    creation("linspace", "start: number, end: number, steps: size", linspace),
    creation("eye", "n: size, m: size? = none", eye),
    creation("randint", "low: int, high: int, size: sizes", randint),
    creation("randperm", "n: size", randperm),
    *(creation(n, "window_length: size, periodic: bool = true", window) for n in ("hann_window", "hamming_window")),
    *(function(n, "input: tensor, dtype: dtype? = none", like()) for n in ("zeros_like", "ones_like")),
    *(function(n, "input: tensor, dtype: dtype? = none", like(floats=True)) for n in ("rand_like", "randn_like")),
    function("full_like", "input: tensor, fill_value: number_or_bool, dtype: dtype? = none", full_like),
]
