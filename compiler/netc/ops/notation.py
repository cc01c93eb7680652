"""Rows of einops' notation: `rearrange`, `reduce`, `repeat_axes` (einops' `repeat`, a word of the language) and `einsum`.

Patterns are read by einops' own parser, so that what it refuses is refused here in the same cases. Source of the checks:
einops 0.8, `_prepare_transformation_recipe`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from einops import EinopsError
from einops.parsing import AnonymousAxis, ParsedExpression, _ellipsis

from netc.ops.functions import function, need_not_bool
from netc.ops.op import Op, Problem, Rule, Use
from netc.ops.rules import broadcast, need_float
from netc.shapes import Dim, Shape, Size, product
from netc.tensors import TensorType, Type

Axis = Any  # a name, or an `AnonymousAxis`, which einops compares by identity
Groups = list[list[Axis]]
ELLIPSIS = _ellipsis
LONGEST = 1000  # characters of a pattern; a tensor has 64 axes at most


def _bad(use: Use, why: str, *names: str, code: str = "argument-type", hint: str = "") -> Problem:
    return Problem(code, f'`{use.op.name}` by "{use["pattern"]}": {why}', *(names or ("pattern",)), hint=hint)


def _listed(axes: Iterable[Axis]) -> str:
    return ", ".join(f"`{axis}`" for axis in sorted(map(_axis_text, axes)))


def _axis_text(axis: Axis) -> str:
    return str(axis.value) if isinstance(axis, AnonymousAxis) else str(axis).replace(ELLIPSIS, "...")


def _parsed(use: Use, text: str, **options: bool) -> ParsedExpression:
    """One side of a pattern."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names that are Python's words are only discouraged
            return ParsedExpression(text, **options)
    except EinopsError as problem:
        raise _bad(use, str(problem)[:1].lower() + str(problem)[1:]) from None


def _sides(use: Use) -> tuple[str, str]:
    if len(use["pattern"]) > LONGEST:
        raise Problem("argument-type", f"`{use.op.name}`: a pattern has at most {LONGEST} characters", "pattern")
    sides = use["pattern"].split("->")
    if len(sides) != 2:
        raise _bad(use, "a pattern has two sides with one `->` between them")
    return sides[0], sides[1]


# --- rearrange, reduce, repeat -----------------------------------------------------------------------------------


def transformed(use: Use) -> tuple[TensorType, bool]:
    """The type of `tensor` by the pattern, and whether axes of it go away."""
    x = use.tensor("tensor")
    left, right = (_parsed(use, side) for side in _sides(use))
    _check_ellipsis(use, left, right)
    _check_axes(use, left, right)
    names = [f"{ELLIPSIS}{i}" for i in range(max(0, x.rank - len(left.composition) + 1))]
    groups = _groups(left, names)
    if len(groups) != x.rank:
        count = f"at least {len(groups)}" if left.has_ellipsis else str(len(groups))
        raise _bad(use, f"the left side has {count} axes, and {x} has {x.rank}", "tensor", "pattern", code="rank")
    sizes = _sizes(use, x, groups, _groups(right, names))
    shape = tuple(product(sizes[axis] for axis in group) for group in _groups(right, names))
    goes = bool({axis for group in groups for axis in group} - {axis for group in _groups(right, names) for axis in group})
    return x.with_shape(shape), goes


def _check_ellipsis(use: Use, left: ParsedExpression, right: ParsedExpression) -> None:
    if right.has_ellipsis and not left.has_ellipsis:
        raise _bad(use, "`...` stands on the right side only")
    if left.has_ellipsis and left.has_ellipsis_parenthesized:
        raise _bad(use, "`...` cannot stand in brackets on the left side")


def _check_axes(use: Use, left: ParsedExpression, right: ParsedExpression) -> None:
    """Which axes may stand on one side only: new ones in `repeat_axes`, those that go away in `reduce`."""
    only_left, only_right = left.identifiers - right.identifiers, right.identifiers - left.identifiers
    if use.op.name == "rearrange" and (left.has_non_unitary_anonymous_axes or right.has_non_unitary_anonymous_axes):
        raise _bad(use, "an axis is written by its name, only 1 as a number", hint="`repeat_axes` makes new axes")
    if use.op.name != "reduce" and only_left:
        raise _bad(use, f"{_listed(only_left)} stands on the left side only", hint="`reduce` takes axes away")
    if use.op.name != "repeat_axes" and only_right:
        raise _bad(use, f"{_listed(only_right)} stands on the right side only", hint="`repeat_axes` makes new axes")
    given = {name for name, _ in use["axes_lengths"]}
    unsized = {axis for axis in only_right if not isinstance(axis, AnonymousAxis)} - given
    if unsized:
        raise _bad(use, f"the size of {_listed(unsized)} is not given", hint=f"write `{min(unsized)}=…`")


def _groups(side: ParsedExpression, names: list[str]) -> Groups:
    """The axes of a side, those in brackets together; `...` stands for the axes `names`."""
    groups: Groups = []
    for part in side.composition:
        if part == ELLIPSIS:
            groups += [[name] for name in names]
        else:
            groups.append([name for axis in part for name in (names if axis == ELLIPSIS else [axis])])
    return groups


def _sizes(use: Use, x: TensorType, left: Groups, right: Groups) -> dict[Axis, Size]:
    """The size of every axis: given, or the rest of what stands in its brackets."""
    axes = [axis for group in (*left, *right) for axis in group]
    sizes: dict[Axis, Size] = {axis: axis.value for axis in axes if isinstance(axis, AnonymousAxis)}
    for name, size in use["axes_lengths"]:
        if name not in axes:
            raise _bad(use, f"there is no axis `{name}`", "axes_lengths")
        if isinstance(size, bool) or not isinstance(size, (int, Dim)) or (isinstance(size, int) and size < 1):
            raise _bad(use, f"the size of `{name}` must be a positive int or a named dimension", "axes_lengths")
        sizes[name] = size
    for group, size in zip(left, x.shape, strict=True):
        _fill(use, group, size, sizes)
    return sizes


def _fill(use: Use, group: list[Axis], size: Size, sizes: dict[Axis, Size]) -> None:
    """Finds the one size of a group that is not known; the product must be the axis of the tensor."""
    unknown = [axis for axis in group if axis not in sizes]
    if len(unknown) > 1:
        raise _bad(use, f"the sizes of {_listed(unknown)} cannot both be found", hint=f"give one: `{unknown[0]}=…`")
    known = product(sizes[axis] for axis in group if axis in sizes)
    if not unknown and known != size:
        raise _bad(use, f"({' '.join(map(_axis_text, group))}) is {known}, and the tensor has {size} there", "tensor", "pattern",
                   "axes_lengths", code="shape-mismatch")  # fmt: skip
    if unknown:
        rest = size // known
        if rest * known != size:
            raise _bad(use, f"{size} does not divide by {known}", "axes_lengths", "tensor", code="bad-size", hint=_multiple(size, known))
        sizes[unknown[0]] = rest


def _multiple(size: Size, count: Size) -> str:
    return f"declare it as a multiple, e.g. {count}*{size}" if isinstance(size, Dim) and str(size).isidentifier() else ""


def rearrange(use: Use) -> Type:
    """The axes in another order, split and joined."""
    return transformed(use)[0]


def reduce(use: Use) -> Type:
    """The axes that are missing on the right are reduced to their mean, sum, …"""
    kind, goes = transformed(use)
    reduction = use["reduction"]
    if reduction not in REDUCTIONS:
        words = ", ".join(f'"{word}"' for word in REDUCTIONS)
        raise _bad(use, f"the reduction is one of {words}", "reduction")
    if reduction == "mean":
        need_float(use, "tensor")
    if goes and reduction in ("any", "all"):
        return TensorType(kind.shape, "uint8" if kind.dtype == "uint8" else "bool")
    return TensorType(kind.shape, "int64") if goes and reduction in ("sum", "prod") and not kind.is_float else kind


REDUCTIONS = ("mean", "sum", "max", "min", "prod", "any", "all")

# --- einsum ------------------------------------------------------------------------------------------------------


def einsum(use: Use) -> Type:
    """Products of tensors, summed over the axes that the right side leaves out. The last axes of `...` broadcast."""
    tensors: list[TensorType] = use["tensors"]
    left, right = _sides(use)
    parts = left.split(",")
    if len(parts) != len(tensors):
        raise _bad(use, f"the left side is for {len(parts)} tensors, and there are {len(tensors)}", "pattern", "tensors", hint=_spaced(use))
    sizes: dict[str, Size] = {}
    wide: list[Shape] = []
    for part, x in zip(parts, tensors, strict=True):
        axes = _named(use, _parsed(use, part, allow_underscore=True, allow_duplicates=True))
        _match(use, axes, x, sizes, wide)
    out = _named(use, _parsed(use, right, allow_underscore=True))
    unknown = [axis for axis in out if axis not in sizes and axis != ELLIPSIS]
    if unknown or (ELLIPSIS in out and not wide):
        raise _bad(use, f"{_listed(unknown or [ELLIPSIS])} stands on the right side only", hint=_spaced(use))
    dtypes = sorted({x.dtype for x in tensors})
    if len(dtypes) > 1:
        raise _bad(use, f"needs one dtype, and gets {' and '.join(dtypes)}", "tensors", code="dtype")
    stretched = _stretched(use, wide)
    shape = tuple(size for axis in out for size in (stretched if axis == ELLIPSIS else [sizes[axis]]))
    return TensorType(shape, tensors[0].dtype)


def _spaced(use: Use) -> str:
    """What torch's notation, a letter an axis, is in einops'."""
    letters = use["pattern"].replace(" ", "")
    if not all(c.isalpha() or c in ",->" for c in letters) or " " in use["pattern"].strip().replace(" -> ", "->").replace(", ", ","):
        return ""
    spaced = ", ".join(" ".join(part) for part in letters.split("->")[0].split(","))
    return f'names of axes have spaces between them: "{spaced} -> {" ".join(letters.split("->")[-1])}"'


def _named(use: Use, side: ParsedExpression) -> list[str]:
    """The axes of a side of `einsum`, which has no brackets and no numbers."""
    axes: list[str] = []
    for part in side.composition:
        if part == ELLIPSIS:
            axes.append(ELLIPSIS)
        elif len(part) != 1 or isinstance(part[0], AnonymousAxis):
            raise _bad(use, "`einsum` has names only, no brackets and no numbers")
        else:
            axes.append(part[0])
    return axes


def _match(use: Use, axes: list[str], x: TensorType, sizes: dict[str, Size], wide: list[Shape]) -> None:
    """Takes the sizes of a tensor's axes; those of one name must be equal."""
    need_not_bool(Use(use.op, {"tensors": x}), "tensors")
    extra = x.rank - (len(axes) - (ELLIPSIS in axes))
    if extra < 0 or (extra and ELLIPSIS not in axes):
        raise _bad(use, f"{x} does not have the axes {_listed_in_order(axes)}", "tensors", "pattern", code="rank", hint=_spaced(use))
    if ELLIPSIS in axes:
        place = axes.index(ELLIPSIS)
        wide.append(x.shape[place : place + extra])
        x, axes = x.with_shape(x.shape[:place] + x.shape[place + extra :]), [a for a in axes if a != ELLIPSIS]
    for axis, size in zip(axes, x.shape, strict=True):
        if sizes.setdefault(axis, size) != size:
            raise _bad(use, f"`{axis}` is {sizes[axis]} and {size}", "tensors", "pattern", code="shape-mismatch")


def _listed_in_order(axes: list[str]) -> str:
    return " ".join(map(_axis_text, axes)) or "(none)"


def _stretched(use: Use, shapes: list[Shape]) -> Shape:
    shape: Shape = ()
    for other in shapes:
        shape = broadcast(use.op.name, shape, other, "tensors")
    return shape


def _row(name: str, params: str, rule: Rule, target: str) -> Op:
    return function(name, params, rule, f"einops.{target}")


ROWS: list[Op] = [
    _row("rearrange", "tensor: tensor, pattern: str, axes_lengths: keywords = []", rearrange, "rearrange"),
    _row("reduce", "tensor: tensor, pattern: str, reduction: str, axes_lengths: keywords = []", reduce, "reduce"),
    _row("repeat_axes", "tensor: tensor, pattern: str, axes_lengths: keywords = []", rearrange, "repeat"),
    function("einsum", "tensors: tensor..., pattern: str", einsum, "einops.einsum", "spread"),
]
