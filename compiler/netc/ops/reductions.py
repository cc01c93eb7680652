"""Rows of reductions, cumulations, sorting and selection along an axis."""

from __future__ import annotations

from collections.abc import Callable

from netc.ops.functions import function, need_not_bool
from netc.ops.op import Op, Problem, Rule, Use, axis_of, normal_axis
from netc.ops.rules import need_float
from netc.shapes import Dim, Size
from netc.tensors import TensorType, Type

Needs = Callable[[Use, str], TensorType]


def anything(use: Use, name: str) -> TensorType:
    """The type of a tensor argument of any dtype."""
    return use.tensor(name)


def axes_of(use: Use, x: TensorType) -> set[int]:
    """The axes that `dim` names: one, a list, or all for `none` and the empty list."""
    dim = use["dim"]
    if dim is None or dim == []:
        return set(range(x.rank))
    axes = [normal_axis(use.op.name, x, d) for d in (dim if isinstance(dim, list) else [dim])]
    if len(set(axes)) < len(axes):
        raise Problem("axis", f"`{use.op.name}`: an axis is named twice in {dim}", "dim")
    return set(axes)


def reduced(use: Use, x: TensorType, dtype: str) -> TensorType:
    """Without the axes of `dim`, which `keepdim` leaves as 1."""
    axes, keep = axes_of(use, x), use.values.get("keepdim", False)
    return TensorType(tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes), dtype)


def reduction(dtype: str | None = None, needs: Needs = anything) -> Rule:
    """Over `dim` (one axis, a list, or `none` for all), which `keepdim` leaves as 1."""

    def rule(use: Use) -> Type:
        x = needs(use, "input")
        _need_dim(use)
        return reduced(use, x, _given_dtype(use) or dtype or x.dtype)

    return rule


def _need_dim(use: Use) -> None:
    """`keepdim` without `dim` does not exist in torch where the default of `dim` is not in its signature."""
    if use["dim"] is None and use.values.get("keepdim") and use.op.name in NEEDS_DIM:
        raise Problem("missing-argument", f"`{use.op.name}`: keepdim goes with `dim`", "keepdim")


def _given_dtype(use: Use) -> str | None:
    given = use.values.get("dtype")
    return None if given is None else str(given.name)


def total(use: Use) -> Type:
    """Sums and products: whole numbers and bools become int64."""
    x = use.tensor()
    _need_dim(use)
    return reduced(use, x, _given_dtype(use) or (x.dtype if x.is_float else "int64"))


def mean(use: Use) -> Type:
    """The mean of floats, or in the given float dtype of anything."""
    if use.values.get("dtype") is None:
        return reduction(needs=need_float)(use)
    kind = TensorType(use.tensor().shape, use["dtype"].name)
    return reduction(needs=need_float)(Use(use.op, use.values | {"input": kind}))


def norm(use: Use) -> Type:
    """The square root of the sum of squares, or another norm; torch's own default, of the same value, takes at most two axes."""
    if use["p"] == 2 and isinstance(use["dim"], list) and len(use["dim"]) > 2:
        raise Problem("argument-type", "`norm` takes at most two axes; `vector_norm` any", "dim")
    return reduction(needs=need_float)(use)


def truth(use: Use) -> Type:
    """`all` and `any`: bools; of uint8 torch gives uint8."""
    x = use.tensor()
    return reduced(use, x, "uint8" if x.dtype == "uint8" else "bool")


def both(rule: Rule, dtype: str = "") -> Rule:
    """A pair of what `rule` gives: `std_mean`; the second in another dtype if said: `median` gives places too."""

    def pair(use: Use) -> Type:
        kind = rule(use)
        assert isinstance(kind, TensorType)
        return kind, TensorType(kind.shape, dtype or kind.dtype)

    return pair


def values_and_indices(needs: Needs = anything) -> Rule:
    """`max`, `min`, `median`: without `dim` one number, with it the values and their places."""

    def rule(use: Use) -> Type:
        _need_dim(use)
        return reduction(needs=needs)(use) if use["dim"] is None else both(reduction(needs=needs), "int64")(use)

    return rule


def cumulative(needs: Needs = anything, whole: str = "") -> Rule:
    """As the input, summed up along `dim`; whole numbers become `whole`."""

    def rule(use: Use) -> Type:
        x = needs(use, "input")
        axis_of(use, x)
        return TensorType(x.shape, _given_dtype(use) or (whole if whole and not x.is_float else x.dtype))

    return rule


def places(use: Use) -> Type:
    """A place for every number: `argsort`."""
    x = use.tensor()
    axis_of(use, x)
    return TensorType(x.shape, "int64")


def _need_count(use: Use, name: str, size: Size, x: TensorType) -> int:
    count = use.number(name)
    if isinstance(size, int) and count > size:
        raise Problem("bad-size", f"`{use.op.name}`: {name} is {count}, and the axis of {x} has {size} entries", name, "input")
    return count


def topk(use: Use) -> Type:
    """The `k` largest (or smallest) along `dim`, and their places. A named size is taken to be large enough."""
    x = need_not_bool(use)
    axis = axis_of(use, x)
    kind = x.with_axis(axis, _need_count(use, "k", x.shape[axis], x))
    return kind, TensorType(kind.shape, "int64")


def kthvalue(use: Use) -> Type:
    """The `k`-th smallest along `dim`, and its place."""
    x = need_not_bool(use)
    _need_count(use, "k", x.shape[axis_of(use, x)], x)
    return both(reduction(), "int64")(use)


def quantile(use: Use) -> Type:
    """The value below which a part `q` of float32 or float64 numbers lies."""
    x = need_float(use, "input")
    if x.dtype not in ("float32", "float64"):
        raise Problem("dtype", f"`{use.op.name}` needs float32 or float64, and gets {x}", "input", hint="convert with `-> float`")
    if not 0 <= use["q"] <= 1:
        raise Problem("argument-type", f"`{use.op.name}`: q is between 0 and 1, not {use['q']}", "q")
    return reduced(use, x, x.dtype)


def diff(use: Use) -> Type:
    """The differences of neighbours along `dim`, `n` times: `n` entries fewer, at least none."""
    x, n = use.tensor(), use["n"]
    axis = axis_of(use, x)
    if n < 0:
        raise Problem("bad-size", f"`diff`: n must not be negative, and is {n}", "n")
    size = x.shape[axis]
    return x.with_axis(axis, size - n if isinstance(size, Dim) else max(size - n, 0))


KEEP = "keepdim: bool = false"
OVER_ANY = f"input: tensor, dim: int_or_ints? = none, {KEEP}"
OVER_ONE = f"input: tensor, dim: int? = none, {KEEP}"
NEEDS_DIM = {"mean", "sum", "max", "min", "prod", "median", "nanmedian"}
INTO = "dtype: dtype? = none"
SPREAD = "input: tensor, dim: int_or_ints? = none, correction: int = 1, keepdim: bool = false"
NUMBERS = need_not_bool

TOTALS = [
    *(function(n, f"{OVER_ANY}, {INTO}", mean) for n in ("mean", "nanmean")),
    *(function(n, f"{OVER_ANY}, {INTO}", total) for n in ("sum", "nansum")),
    function("prod", f"{OVER_ONE}, {INTO}", total),
    *(function(n, OVER_ANY, reduction()) for n in ("amax", "amin")),
    *(function(n, SPREAD, reduction(needs=need_float)) for n in ("var", "std")),
    *(function(n, SPREAD, both(reduction(needs=need_float))) for n in ("var_mean", "std_mean")),
    function("logsumexp", f"input: tensor, dim: int_or_ints, {KEEP}", reduction(needs=need_float)),
    function("norm", f"input: tensor, p: float = 2, dim: int_or_ints? = none, {KEEP}", norm),
    function("vector_norm", f"input: tensor, ord: float = 2, dim: int_or_ints? = none, {KEEP}", reduction(needs=need_float),
             "torch.linalg.vector_norm"),
    *(function(n, OVER_ANY, truth) for n in ("all", "any")),
    function("count_nonzero", "input: tensor, dim: int_or_ints? = none", reduction("int64")),
    function("quantile", f"input: tensor, q: float, dim: int? = none, {KEEP}", quantile),
]  # fmt: skip

PLACES = [
    *(function(n, OVER_ONE, values_and_indices()) for n in ("max", "min")),
    *(function(n, OVER_ONE, values_and_indices(NUMBERS)) for n in ("median", "nanmedian")),
    function("mode", f"input: tensor, dim: int = -1, {KEEP}", both(reduction(), "int64")),
    function("aminmax", f"input: tensor, dim: int? = none, {KEEP}", both(reduction())),
    *(function(n, OVER_ONE, reduction("int64", NUMBERS)) for n in ("argmax", "argmin")),
    function("topk", "input: tensor, k: int, dim: int = -1, largest: bool = true, sorted: bool = true", topk),
    function("kthvalue", f"input: tensor, k: int, dim: int = -1, {KEEP}", kthvalue),
    function("sort", "input: tensor, dim: int = -1, descending: bool = false, stable: bool = false", both(cumulative(), "int64")),
    function("argsort", "input: tensor, dim: int = -1, descending: bool = false, stable: bool = false",
             places),
]  # fmt: skip

CUMULATIVE = [
    *(function(n, f"input: tensor, dim: int, {INTO}", cumulative(whole="int64")) for n in ("cumsum", "cumprod")),
    function("logcumsumexp", "input: tensor, dim: int", cumulative(need_float)),
    *(function(n, "input: tensor, dim: int", both(cumulative(), "int64")) for n in ("cummax", "cummin")),
    function("diff", "input: tensor, n: int = 1, dim: int = -1", diff),
]

ROWS: list[Op] = [*TOTALS, *PLACES, *CUMULATIVE]
