"""Rules that several families of ops share: what type comes out for what goes in."""

from __future__ import annotations

from collections.abc import Sequence

from netc.conditions import condition
from netc.ops.op import Problem, Rule, Use, axis_of
from netc.shapes import Dim, Shape, Size, product, shape_text
from netc.tensors import DEFAULT_DTYPE, TensorType, Type, category, promote, promote_number

Operand = TensorType | int | float | bool


def same(use: Use) -> Type:
    """As the input: activations, dropout."""
    return use.tensor("input")


def negative(use: Use) -> Type:
    """As the input, which cannot be bool: torch has no negation of bools."""
    x = use.tensor("input")
    if x.dtype == "bool":
        raise Problem("dtype", f"`-` does not work on bools, and gets {x}", "input", hint="`logical_not` turns a mask over")
    return x


def floating(use: Use) -> Type:
    """As the input; ints and bools become float32: `exp`, `mean`'s elementwise kin."""
    x = use.tensor("input")
    return x if x.is_float else TensorType(x.shape, DEFAULT_DTYPE)


def float_only(use: Use) -> Type:
    """As the input, which must be float: what torch computes for floats only."""
    return need_float(use, "input")


def need_float(use: Use, name: str) -> TensorType:
    """The type of a tensor argument that must be float."""
    x = use.tensor(name)
    if not x.is_float:
        raise Problem("dtype", f"`{use.op.name}` needs floats, and gets {x}", name,
                      hint="convert it with `-> float`, or embed class numbers with `Embedding`")  # fmt: skip
    return x


def boolean(use: Use) -> Type:
    """Bools in the shape of the input: `isnan`."""
    return TensorType(use.tensor("input").shape, "bool")


def to_dtype(name: str) -> Rule:
    """The input in another dtype: `float`, `long`."""
    return lambda use: TensorType(use.tensor("input").shape, name)


def result_dtype(operands: Sequence[Operand]) -> str:
    """The dtype of arithmetic on tensors and numbers.

    Tensors without axes and numbers count by their category only, as in torch (documentation, "Type promotion").
    """
    tensors = [o for o in operands if isinstance(o, TensorType)]
    full = [t.dtype for t in tensors if t.rank] or [t.dtype for t in tensors]
    dtype = promote(*full)
    for t in tensors:
        if not t.rank and category(t.dtype) > category(dtype):
            dtype = t.dtype
    for o in operands:
        if not isinstance(o, TensorType):
            dtype = promote_number(dtype, o)
    return dtype


def equal_shapes(use: Use, names: Sequence[str], kinds: Sequence[TensorType]) -> None:
    """Raises unless all tensors have one shape."""
    for kind in kinds[1:]:
        if kind.shape != kinds[0].shape:
            when = condition(kinds[0].shape, kind.shape)
            raise Problem("shape-mismatch", f"`{use.op.name}` needs equal shapes, and gets {listed_shapes(kinds)}{when.text}", *names,
                          hint=when.hint or _merge_hint(use.op.name, kinds[0], kind))  # fmt: skip


def _merge_hint(op: str, a: TensorType, b: TensorType) -> str:
    different = [i for i in range(min(a.rank, b.rank)) if a.shape[i] != b.shape[i]]
    if a.rank != b.rank:
        return "give one of them the axes of the other, with `unsqueeze`, `squeeze` or `flatten`"
    if len(different) == 1 and different[0] == a.rank - 1 and isinstance(a.shape[-1], int):
        return f"project one to the other's size, e.g. `-> Linear({a.shape[-1]})`"
    if different == [1] and isinstance(a.shape[1], int) and a.rank == 4:
        return f"project one to the other's channels, e.g. `-> Conv2d({a.shape[1]}, 1)`"
    symbol = {"add": "+", "mul": "*", "sub": "-", "div": "/"}.get(op)
    return f"to broadcast on purpose, write `{symbol}`" if symbol else ""


def listed_shapes(kinds: Sequence[TensorType]) -> str:
    """`[B, 8] and [B, 1]`"""
    texts = [str(k) for k in kinds]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 2 else texts)


def merge(use: Use) -> Type:
    """One shape for all inputs, and that shape out: `add`, `maximum`."""
    operands = use["inputs"]
    tensors = [o for o in operands if isinstance(o, TensorType)]
    if not tensors:
        raise Problem("not-a-tensor", f"`{use.op.name}` merges tensors", "inputs")
    equal_shapes(use, ["inputs"], tensors)
    dtype = result_dtype(operands)
    if use.op.name in ("div", "average") and category(dtype) < 2:
        dtype = DEFAULT_DTYPE
    return TensorType(tensors[0].shape, dtype)


def concat(use: Use) -> Type:
    """Equal shapes but for the axis along which they are joined, where the sizes add up."""
    tensors: list[TensorType] = use["tensors"]
    if not tensors:
        raise Problem("input-count", f"`{use.op.name}` needs at least one tensor", "tensors")
    if any(t.rank != tensors[0].rank for t in tensors):
        raise Problem("rank", f"`{use.op.name}` needs as many axes in each, and gets {listed_shapes(tensors)}", "tensors")
    axis = axis_of(use, tensors[0])
    total: Size = 0
    for t in tensors:
        others, first = t.with_axis(axis, 0).shape, tensors[0].with_axis(axis, 0).shape
        if others != first:
            when = condition(first, others)
            what = f"needs equal sizes in the other axes, and gets {listed_shapes(tensors)}{when.text}"
            raise Problem("shape-mismatch", f"`{use.op.name}(dim={use['dim']})` {what}", "tensors", hint=when.hint)
        total = total + t.shape[axis]
    return TensorType(tensors[0].with_axis(axis, total).shape, promote(*(t.dtype for t in tensors)))


def stack(use: Use) -> Type:
    """Equal shapes, and one axis more of as many entries as there are tensors."""
    tensors: list[TensorType] = use["tensors"]
    equal_shapes(use, ["tensors"], tensors)
    axis = axis_of(use, tensors[0], extra=1)
    shape = tensors[0].shape
    return TensorType((*shape[:axis], len(tensors), *shape[axis:]), promote(*(t.dtype for t in tensors)))


def broadcast(op: str, a: Shape, b: Shape, *names: str) -> Shape:
    """The shape of an elementwise result, sizes matched from the last axis; an axis of 1 stretches."""
    result: list[Size] = []
    for i in range(1, max(len(a), len(b)) + 1):
        m, n = (s[-i] if i <= len(s) else 1 for s in (a, b))
        if m != n and 1 not in (m, n):
            when = condition((m,), (n,))
            raise Problem("shape-mismatch", f"`{op}` cannot broadcast {shape_text(a)} and {shape_text(b)}: {m} is not {n}{when.text}",
                          *names, hint=_missing_axis(a, b) or when.hint)  # fmt: skip
        result.append(n if m == 1 else m)
    return tuple(reversed(result))


def _missing_axis(a: Shape, b: Shape) -> str:
    """A hint where the shorter shape fits, row by row, with one axis more: each place where it may be."""
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    if len(longer) != len(shorter) + 1 or not shorter or longer[0] != shorter[0]:
        return ""
    places = dict[Shape, int]()
    for place in range(1, len(longer)):
        stretched = (*shorter[:place], 1, *shorter[place:])
        if all(m == n or 1 in (m, n) for m, n in zip(stretched, longer, strict=True)):
            places.setdefault(stretched, place)
    ways = [f"`-> unsqueeze({place})` makes it {shape_text(shape)}" for shape, place in places.items()]
    return f"{shape_text(shorter)} lacks an axis: {', '.join(ways)}" if ways else ""


def operands_shape(use: Use) -> Shape:
    """The shape of the result of an operator on `input` and `other`, of which one may be a number."""
    a, b = (v.shape if isinstance(v, TensorType) else () for v in (use["input"], use["other"]))
    return broadcast(use.op.name, a, b, "input", "other")


def arithmetic(use: Use) -> Type:
    """The operators `+ - * / // % **`, which broadcast as torch's do."""
    a, b = use["input"], use["other"]
    shape = operands_shape(use)
    dtype = result_dtype([a, b])
    if use.op.name == "/" and category(dtype) < 2:
        dtype = DEFAULT_DTYPE
    bools = any(isinstance(v, TensorType) and v.dtype == "bool" for v in (a, b))
    if (bools and use.op.name == "-") or (dtype == "bool" and use.op.name in ("**", "//", "%")):
        raise Problem("dtype", f"`{use.op.name}` does not work on bools", "input", "other", hint="convert with `-> float`")
    return TensorType(shape, dtype)


def comparison(use: Use) -> Type:
    """`< <= == != >= >` give bools and broadcast."""
    return TensorType(operands_shape(use), "bool")


def matmul(use: Use) -> Type:
    """Matrix product over the last two axes, the others broadcast. Source: torch's documentation, `torch.matmul`."""
    a, b = use.tensor("input"), use.tensor("other")
    if not a.rank or not b.rank:
        raise Problem("rank", f"`{use.op.name}` needs at least one axis in each, and gets {a} and {b}", "input", "other")
    if a.dtype != b.dtype:
        raise Problem("dtype", f"`{use.op.name}` needs one dtype, and gets {a.dtype} and {b.dtype}", "input", "other")
    if a.dtype == "bool":
        raise Problem("dtype", f"`{use.op.name}` does not work on bools", "input", "other", hint="convert with `-> float`")
    inner_b = b.shape[-2] if b.rank > 1 else b.shape[0]
    if a.shape[-1] != inner_b:
        when = condition(a.shape[-1:], (inner_b,))
        raise Problem("shape-mismatch", f"`{use.op.name}` of {a} and {b}: {a.shape[-1]} columns meet {inner_b} rows{when.text}",
                      "input", "other", hint="`transpose(-2, -1)` turns a matrix over")  # fmt: skip
    outer = broadcast(use.op.name, a.shape[:-2], b.shape[:-2], "input", "other")
    return TensorType((*outer, *(a.shape[-2:-1] if a.rank > 1 else ()), *(b.shape[-1:] if b.rank > 1 else ())), a.dtype)


def flatten(use: Use) -> Type:
    """The axes `start_dim` to `end_dim` as one."""
    x = use.tensor("input")
    if not x.rank:
        if not {use["start_dim"], use["end_dim"]} <= {0, -1}:
            raise Problem("axis", f"`{use.op.name}` of a single number has the axis 0 only", "start_dim", "end_dim")
        return x.with_shape((1,))
    start, end = axis_of(use, x, "start_dim"), axis_of(use, x, "end_dim")
    if start > end:
        raise Problem("axis", f"`{use.op.name}`: axis {use['start_dim']} stands behind axis {use['end_dim']}", "start_dim")
    return x.with_shape((*x.shape[:start], product(x.shape[start : end + 1]), *x.shape[end + 1 :]))


def window(op: str, size: Size, kernel: int, stride: int, padding: int, dilation: int, ceil: bool = False) -> Size:
    """The number of places of a sliding window along one axis.

    Source of the formula: torch's documentation of `Conv2d` and `MaxPool2d`, "Shape".
    """
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    if ceil and isinstance(span, Dim):
        raise Problem("size-needed", f"`{op}` with ceil_mode needs its input's size as a number, and it is `{size}`", "input")
    places = -(-span // stride) + 1 if ceil else span // stride + 1
    # With ceil_mode the last window must begin inside the input or its left padding.
    if ceil and isinstance(places, int) and (places - 1) * stride >= int(str(size)) + padding:
        places = places - 1
    if isinstance(places, int) and places < 1:
        raise Problem("bad-size", f"`{op}`: a window of {dilation * (kernel - 1) + 1} is larger than the input of {size + 2 * padding}"
                      + (f" ({size} and padding)" if padding else ""), "kernel_size", "input")  # fmt: skip
    return places
