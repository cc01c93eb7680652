"""Initialisations of `torch.nn.init`, with what torch asks of their arguments and of the tensors that they fill.

Parameters and defaults are those of torch 2.13; a test holds them against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from netc.ops.op import signature
from netc.ops.recipe import Recipe
from netc.shapes import shape_text
from netc.tensors import COMPLEX, FLOATS, INTEGERS, TensorType, is_held, range_of


def _init(name: str, params: str) -> Recipe:
    """An initialisation under its name in torch without the underscore behind it."""
    return Recipe(name, f"torch.nn.init.{name}_", signature(params))


GAINS = "linear|conv1d|conv2d|conv3d|conv_transpose1d|conv_transpose2d|conv_transpose3d|sigmoid|tanh|relu|leaky_relu|selu"
KAIMING = f"a: float = 0, mode: fan_in|fan_out = fan_in, nonlinearity: {GAINS} = leaky_relu"

INITS = {
    r.name: r
    for r in (
        _init("normal", "mean: float = 0.0, std: float = 1.0"),
        _init("uniform", "a: float = 0.0, b: float = 1.0"),
        _init("constant", "val: float"),
        _init("zeros", ""),
        _init("ones", ""),
        _init("eye", ""),
        _init("dirac", "groups: int = 1"),
        _init("xavier_uniform", "gain: float = 1.0"),
        _init("xavier_normal", "gain: float = 1.0"),
        _init("kaiming_uniform", KAIMING),
        _init("kaiming_normal", KAIMING),
        _init("trunc_normal", "mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0"),
        _init("orthogonal", "gain: float = 1"),
        _init("sparse", "sparsity: float, std: float = 0.01"),
    )
}

# How many axes a tensor must have, at least and at most.
MATRIX, FANS, KERNEL = (2, 2), (2, None), (3, 5)
RANKS: Mapping[str, tuple[int, int | None]] = {
    "eye": MATRIX, "sparse": MATRIX, "dirac": KERNEL, "orthogonal": FANS,
    "xavier_uniform": FANS, "xavier_normal": FANS, "kaiming_uniform": FANS, "kaiming_normal": FANS,
}  # fmt: skip
EXACT = ("constant", "zeros", "ones", "eye", "dirac")  # these draw nothing, so that whole numbers and bools take them too


@dataclass(frozen=True, slots=True)
class _Demand:
    """What the values of an initialisation must be, the argument that says it, and what to write where that is certain."""

    holds: Callable[[Mapping[str, Any]], bool]
    text: str
    argument: str
    hint: str = ""


_DEVIATION = _Demand(lambda v: v["std"] >= 0, "std must not be negative", "std")
_GAIN = _Demand(lambda v: v["gain"] >= 0, "gain must not be negative", "gain")
_NO_DEVIATION = "`constant` fills with one number, e.g. `constant(0.5)`"
_FINITE = _Demand(lambda v: isfinite(v["a"]) and isfinite(v["b"]), "a and b must be finite", "b")
_ORDER = _Demand(lambda v: v["a"] <= v["b"], "a must not be above b", "a")
DEMANDS: Mapping[str, tuple[_Demand, ...]] = {
    "normal": (_DEVIATION,), "uniform": (_FINITE, _ORDER), "xavier_uniform": (_GAIN,), "xavier_normal": (_GAIN,),
    "trunc_normal": (_Demand(lambda v: v["std"] > 0, "std must be above 0", "std", _NO_DEVIATION), _ORDER),
    "sparse": (_DEVIATION, _Demand(lambda v: 0 <= v["sparsity"] <= 1, "sparsity is a share, from 0 to 1", "sparsity")),
    "dirac": (_Demand(lambda v: v["groups"] >= 1, "groups must be 1 or more", "groups"),),
}  # fmt: skip


def values_refused(name: str, values: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Why an initialisation cannot have these arguments, whatever it fills, the one to change, and a hint; None where it can."""
    found = next((demand for demand in DEMANDS.get(name, ()) if not demand.holds(values)), None)
    return None if found is None else (f"`{name}`: {found.text}", found.argument, found.hint)


def tensor_refused(name: str, values: Mapping[str, Any], filled: TensorType) -> tuple[str, str]:
    """Why an initialisation cannot fill a tensor of this type, and a hint; empty where it can."""
    least, most = RANKS.get(name, (0, None))
    if filled.rank < least or (most is not None and filled.rank > most):
        axes = f"{least}" if most == least else f"{least} to {most}" if most else f"at least {least}"
        return f"`{name}` fills tensors of {axes} axes", ""
    if name == "dirac" and filled.shape[0] % values["groups"]:
        return f"`dirac` cannot divide the first axis into {values['groups']} groups", ""
    if not filled.is_float and name not in EXACT:
        return f"`{name}` fills tensors of floats", ""
    if name == "constant" and not filled.is_float and values["val"] % 1:
        return f"`constant` of {filled.dtype} would cut {values['val']} off", ""
    width = [values["b"] - values["a"]] if name == "uniform" else []  # torch draws from 0 to this
    return _unheld([value for value in values.values() if type(value) in (int, float)] + width, filled.dtype)


def numbers_refused(value: Any, filled: TensorType) -> tuple[str, str]:
    """Why a number, or a list of numbers as deep as the tensor has axes, cannot fill a tensor of this type, and a hint.

    Empty where it can.
    """
    if isinstance(value, list) and (found := _shape(value)) != filled.shape:
        return f"a list of the shape {shape_text(found)} cannot fill it" if found is not None else "its lists are not all of one length", ""
    leaves = list(_leaves(value))
    kinds = {type(leaf) for leaf in leaves}
    if kinds - {bool, int, float} or (bool in kinds) != (filled.dtype == "bool"):
        return f"it is filled with {'`true` and `false`' if filled.dtype == 'bool' else 'numbers'}", ""
    if float in kinds and not filled.is_float:
        return "whole numbers would cut off what is behind the point", ""
    return _unheld(leaves, filled.dtype)


def _unheld(numbers: Sequence[float], dtype: str) -> tuple[str, str]:
    """That a dtype does not hold one of the numbers, with the first wider one that holds them all as a hint; empty where it does."""
    odd = next((number for number in numbers if not is_held(number, dtype)), None)
    if odd is None:
        return "", ""
    text = f"a number of {odd.bit_length()} bits" if isinstance(odd, int) and odd.bit_length() > 64 else str(odd)
    least, greatest = (f"{end:.6g}" if isinstance(end, float) else str(end) for end in range_of(dtype))
    group = ("float32", "float64") if dtype in FLOATS else COMPLEX if dtype in COMPLEX else INTEGERS
    roomy = next((other for other in group if all(is_held(number, other) for number in numbers)), None)
    return f"{text} is beyond {dtype}, which holds {least} to {greatest}", f"`{roomy}` holds it" if roomy else ""


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of lists within lists; None where they are not of one length."""
    if not isinstance(value, list):
        return ()
    parts = {_shape(part) for part in value}
    inner = parts.pop() if len(parts) == 1 else None
    return None if inner is None else (len(value), *inner)
