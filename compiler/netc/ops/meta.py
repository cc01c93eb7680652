"""Results found by running on torch's meta device, which computes shapes and dtypes without numbers.

Named sizes are stood in for by primes: each size of the result must be a sum of the named sizes times ints, which several
runs solve and others check. This module imports torch only within the rules that it makes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from netc.ops.op import REQUIRED, DType, Param, Problem, Rule, Use
from netc.shapes import Dim, Shape, Size, shape_at, size_names
from netc.tensors import DTYPES, TensorType, Type, type_at

# What stands for named sizes while a result is solved for them, and while the solution is checked: primes, so that
# products, quotients and roundings do not look like sums; even sizes, which some functions ask for, come last.
SOLVING = (101, 211, 307, 401, 503, 601, 701, 809)
CHECKING = ((113, 223, 311, 409, 509, 607, 709, 811), (128, 256, 320, 448, 512, 640, 768, 896))
STEP = 6  # how much larger a size is made to see what depends on it

# A function's arguments as they are written: those by place and those by name.
REST = (Param("inputs", "value", variadic=True, optional=True), Param("options", "keywords", []))
Run = Callable[[Mapping[str, int]], Type]
Attempt = Callable[[Mapping[str, int]], Type | None]


def constructor(made: Any) -> tuple[Param, ...]:
    """The parameters of a class's constructor, without those that a spec has no value for."""
    return tuple(p for p in map(_param, _parameters(made)) if p)


def inputs_of(function: Any) -> tuple[Param, ...]:
    """What a `forward` takes: tensors, and what may be given with them."""
    return tuple(p for p in map(_input, _parameters(function)) if p)


def by_running(name: str, function: Callable[..., Any]) -> Rule:
    """A rule that runs a function on the meta device."""

    def rule(use: Use) -> Type:
        def run(sizes: Mapping[str, int]) -> Type:
            arguments = [_meta(value, sizes) for value in use["inputs"]]
            named = {key: _meta(value, sizes) for key, value in use["options"]}
            return _type_of(name, _without_warnings(lambda: function(*arguments, **named)))

        return _solve(name, run, _names_in([use["inputs"], use["options"]]))

    return rule


def _parameters(function: Any) -> list[inspect.Parameter]:
    return [p for p in inspect.signature(function).parameters.values() if p.name not in ("self", "device", "dtype")]


def _param(parameter: inspect.Parameter) -> Param | None:
    """A parameter of a constructor; None for what a spec has no value for, such as a function."""
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return None
    default = parameter.default
    if default is parameter.empty:
        return Param(parameter.name, "any")
    plain = list(default) if isinstance(default, tuple) else default
    return Param(parameter.name, "any", plain, optional=True) if isinstance(plain, (int, float, str, list, type(None))) else None


def _input(parameter: inspect.Parameter) -> Param | None:
    if parameter.kind is parameter.VAR_KEYWORD:
        return None
    if parameter.kind is parameter.VAR_POSITIONAL:
        return Param(parameter.name, "tensor", variadic=True)
    if parameter.default is parameter.empty:
        return Param(parameter.name, "tensor")
    return Param(parameter.name, "value", parameter.default, optional=True)


def _build(name: str, made: Any, params: Sequence[Param], use: Use) -> Any:
    """The layer on the meta device, without numbers. Raises Problem where torch does not make it of these arguments."""
    import torch

    config = {p.name: _meta(use[p.name], {}) for p in params}
    for key, value in config.items():
        if _names_in(value):
            raise Problem("size-needed", f"`{name}` needs its {key} as a number, and it is `{value}`", key, hint=_hint(_names_in(value)))
    with torch.device("meta"):
        return _tried(name, lambda: made(**config), tuple(config))


def layer_rule(name: str, made: Any, params: Sequence[Param], inputs: Sequence[Param]) -> Rule:
    """A rule that constructs a layer and runs it on the meta device."""
    return call_rule(name, lambda use: _build(name, made, params, use), inputs)


def call_rule(name: str, called: Callable[[Use], Any], inputs: Sequence[Param]) -> Rule:
    """A rule that runs what `called` gives with these inputs on the meta device."""

    def rule(use: Use) -> Type:
        layer = called(use)
        given = [use[p.name] for p in inputs]

        def run(sizes: Mapping[str, int]) -> Type:
            tensors = [_meta(value, sizes) for value in given]
            spread = [v for p, value in zip(inputs, tensors, strict=True) for v in (value if p.variadic else [value])]
            return _type_of(name, _without_warnings(lambda: layer(*spread)))

        return _solve(name, run, _names_in(given), *(p.name for p in inputs if p.default is REQUIRED))

    return rule


def layer_weights(name: str, made: Any, params: Sequence[Param]) -> Callable[[Use], Mapping[str, Shape]]:
    """The shapes of the parameters that a layer has, by name."""
    return lambda use: {key: tuple(p.shape) for key, p in _build(name, made, params, use).named_parameters()}


# --- running on the meta device ----------------------------------------------------------------------------------


def _meta(value: Any, sizes: Mapping[str, int]) -> Any:
    """An argument as torch takes it: types become tensors without numbers, named sizes the numbers that stand for them."""
    import torch

    if isinstance(value, TensorType):
        return torch.empty([int(str(n)) for n in shape_at(value.shape, sizes)], dtype=getattr(torch, value.dtype), device="meta")
    if isinstance(value, DType):
        return getattr(torch, value.name)
    if isinstance(value, Dim):
        return value.at(sizes)
    return [_meta(part, sizes) for part in value] if isinstance(value, (list, tuple)) else value


def _names_in(value: Any) -> list[str]:
    """The named sizes in arguments, in a fixed order."""
    if isinstance(value, TensorType):
        return sorted({name for size in value.shape for name in size_names(size)})
    if isinstance(value, (list, tuple)):
        return sorted({name for part in value for name in _names_in(part)})
    return sorted(size_names(value)) if isinstance(value, Dim) else []


def _type_of(name: str, value: Any) -> Type:
    """The type of a result. Raises Problem for what is no tensor."""
    import torch

    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        if dtype not in DTYPES or value.layout != torch.strided:
            raise Problem("dtype", f"`{name}` gives {dtype} in the layout {value.layout}, which netc does not know")
        return TensorType(tuple(value.shape), dtype)
    if isinstance(value, (list, tuple)) and value:
        return tuple(_type_of(name, part) for part in value)
    raise Problem("not-a-tensor", f"`{name}` gives no tensor")


def _without_warnings(compute: Callable[[], Any]) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compute()


def _tried(name: str, compute: Callable[[], Any], names: Sequence[str]) -> Any:
    """The result, or torch's refusal as a Problem."""
    from torch._subclasses.fake_tensor import DataDependentOutputException

    try:
        return compute()
    except Problem:
        raise
    except (NotImplementedError, DataDependentOutputException):
        raise Problem("not-constant", f"the result of `{name}` has no shape that is known before it runs", *names) from None
    except Exception as problem:  # torch raises many kinds, and a class of the user's own may raise any
        first = next((line.strip() for line in str(problem).splitlines() if line.strip()), "")
        first = first.removesuffix(":") if "got an unexpected" not in first else first
        usual = isinstance(problem, (RuntimeError, TypeError, ValueError, IndexError, AssertionError)) and first
        reason = first if usual else f"{type(problem).__name__}: {first}".removesuffix(": ")
        raise Problem("invalid-operation", f"`{name}` refuses these arguments: {reason}", *names) from None


def _hint(names: Sequence[str]) -> str:
    return "give the size: " + " ".join(f"--set {name}=8" for name in names)


# --- sizes of the result -----------------------------------------------------------------------------------------


def _solve(name: str, run: Run, names: Sequence[str], *inputs: str) -> Type:
    """The type for all values of the named sizes. Raises Problem where a size is no sum of them times ints."""
    where = inputs or ("inputs",)
    if not names:
        known: Type = _tried(name, lambda: run({}), where)
        return known
    attempt = partial(_attempt, name, run)
    solved = _solved(attempt, names, {})
    if solved is not None:
        return solved
    if all(attempt(dict(zip(names, values, strict=False))) is None for values in (SOLVING, *CHECKING)):
        _tried(name, lambda: run(dict(zip(names, SOLVING, strict=False))), where)
    # Those without which the others can be solved are to blame; where no single one is, all are.
    guilty = [n for n in names if _solved(attempt, [m for m in names if m != n], {n: CHECKING[-1][0]}) is not None] or names
    listed = ", ".join(f"`{n}`" for n in guilty)
    raise Problem("size-needed", f"what `{name}` gives cannot be told without the size of {listed}", *where, hint=_hint(guilty))


def _attempt(name: str, run: Run, sizes: Mapping[str, int]) -> Type | None:
    """The result for some sizes; None where torch refuses these."""
    try:
        result: Type = _tried(name, lambda: run(sizes), ())
    except Problem as problem:
        if problem.code != "invalid-operation":
            raise
        return None
    return result


def _solved(attempt: Attempt, names: Sequence[str], fixed: Mapping[str, int]) -> Type | None:
    """The type in terms of these names, the others fixed; None where it is not found, or not true for other sizes."""
    if len(names) > len(SOLVING):
        return None
    base = dict(zip(names, SOLVING, strict=False))
    first = attempt({**base, **fixed})
    moved = [attempt({**base, n: base[n] + STEP, **fixed}) for n in names]
    solved = None if first is None or None in moved else _affine(first, moved, names, base)
    for values in CHECKING:
        sizes = {**dict(zip(names, values, strict=False)), **fixed}
        if solved is None or attempt(sizes) != type_at(solved, sizes):
            return None
    return solved


def _affine(first: Type, moved: Sequence[Type | None], names: Sequence[str], base: Mapping[str, int]) -> Type | None:
    """The type whose sizes are sums of named sizes times ints; None where the runs show another dependence."""
    if isinstance(first, TensorType):
        shapes = [kind.shape for kind in moved if isinstance(kind, TensorType)]
        if len(shapes) < len(moved) or any(len(shape) != first.rank for shape in shapes):
            return None
        sizes = [_affine_size(size, [shape[i] for shape in shapes], names, base) for i, size in enumerate(first.shape)]
        known = tuple(size for size in sizes if size is not None)
        return first.with_shape(known) if len(known) == first.rank else None
    tuples = [kind for kind in moved if isinstance(kind, tuple)]
    if any(len(kind) != len(first) for kind in tuples) or len(tuples) < len(moved):
        return None
    parts = [_affine(part, [kind[i] for kind in tuples], names, base) for i, part in enumerate(first)]
    solved = tuple(part for part in parts if part is not None)
    return solved if len(solved) == len(first) else None


def _affine_size(size: Size, moved: Sequence[Size], names: Sequence[str], base: Mapping[str, int]) -> Size | None:
    """`c + a*H + b*W` from a size and what it is where one name after the other is larger by `STEP`."""
    total = size
    result: Size = 0
    for name, other in zip(names, moved, strict=True):
        growth = other - size
        if growth % STEP != 0:
            return None
        factor = growth // STEP
        result = result + Dim.named(name) * factor
        total = total - factor * base[name]
    return result + total
