"""What is computed while a spec is lowered: operators and functions on numbers, sizes, strings and lists."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from netc.ops.op import Balanced, value_text
from netc.shapes import Dim, product

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs, "min": min, "max": max, "sum": sum, "round": round, "len": len, "int": int, "float": float, "bool": bool,
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log2": math.log2, "floor": math.floor, "ceil": math.ceil,
    "pow": lambda base, exponent: operate("**", base, exponent),
}  # fmt: skip

VALUES: Mapping[str, Any] = {"pi": math.pi, "inf": math.inf, "balanced": Balanced()}

# A power or product beyond this is a slip, and would fill the memory.
LARGEST_BITS = 4096
LONGEST = 100_000  # entries of a list, characters of a string
LARGEST_POWER = 8  # of a named size; no tensor has more axes of one size


class Impossible(Exception):
    """The operation has no result; the message says why."""


def operate(symbol: str, a: Any, b: Any) -> Any:
    """`a symbol b` on constants. Raises `Impossible`."""
    if isinstance(a, Dim) or isinstance(b, Dim):
        return _on_dims(symbol, a, b)
    if not _fits(symbol, a, b):
        raise Impossible(f"`{symbol}` does not go with {value_text(a)} and {value_text(b)}")
    if isinstance(a, int) and isinstance(b, int) and _bits(symbol, a, b) > LARGEST_BITS:
        raise Impossible(f"{_shown(a)} {symbol} {_shown(b)} is too large")
    if symbol == "+" and isinstance(a, (str, list)) and isinstance(b, (str, list)) and len(a) + len(b) > LONGEST:
        raise Impossible(f"a {'string' if isinstance(a, str) else 'list'} of {len(a) + len(b)} is too long")
    return run(lambda: OPERATORS[symbol](a, b))


def _bits(symbol: str, a: int, b: int) -> int:
    """How many bits the result of an operation that grows has at most."""
    if symbol == "**":
        return a.bit_length() * abs(b)
    return a.bit_length() + b.bit_length() if symbol == "*" else 0


def _shown(number: int) -> str:
    return str(number) if number.bit_length() < 64 else "a number of more than 64 bits"


def _fits(symbol: str, a: Any, b: Any) -> bool:
    if symbol in ("==", "!="):
        return True
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (a, b)):
        return True
    return type(a) is type(b) and isinstance(a, (str, list)) and symbol in ("+", "<", "<=", ">", ">=")


def _on_dims(symbol: str, a: Any, b: Any) -> Any:
    sizes = all(isinstance(v, (int, Dim)) and not isinstance(v, bool) for v in (a, b))
    if sizes and symbol in ("+", "-", "*", "//", "%"):
        return run(lambda: OPERATORS[symbol](a, b))
    if sizes and symbol == "**" and isinstance(b, int) and 0 <= b <= LARGEST_POWER:
        return run(lambda: product([a] * b))
    if sizes and a == b and symbol in OPERATORS:
        return OPERATORS[symbol](0, 0)  # equal whatever their size
    name = a if isinstance(a, Dim) else b
    raise Impossible(f"the size of `{name}` is not known, so `{symbol}` has no value")


def run(compute: Callable[[], Any]) -> Any:
    """The result of a computation on the user's numbers. Raises `Impossible` with the reason in place of Python's errors."""
    try:
        result = compute()
    except ZeroDivisionError:
        raise Impossible("division by zero") from None
    except (ArithmeticError, ValueError, TypeError) as problem:
        raise Impossible(str(problem)) from None
    if isinstance(result, complex):
        raise Impossible("the result is a complex number")
    return result
