"""Rows of linear algebra: products, distances, and parts of matrices."""

from __future__ import annotations

from netc.ops import rules as r
from netc.ops.functions import function, need_not_bool, need_one_dtype, need_rank
from netc.ops.op import Op, Problem, Rule, Use, axis_of
from netc.shapes import Dim, Shape, Size
from netc.tensors import TensorType, Type

# --- products ----------------------------------------------------------------------------------------------------


def product_of(left: int, right: int) -> Rule:
    """The matrix product of tensors of exactly `left` and `right` axes: `mm`, `bmm`, `mv`, `dot`."""

    def rule(use: Use) -> Type:
        first, second = (p.name for p in use.op.inputs)
        need_rank(use, first, left)
        need_rank(use, second, right)
        return _matrix_product(use, first, second)

    return rule


def _matrix_product(use: Use, first: str, second: str) -> TensorType:
    """The matrix product over the last two axes; the axes before must be equal, without broadcasting."""
    a, b = need_not_bool(use, first), need_not_bool(use, second)
    need_one_dtype(use, first, second)
    rows, columns = a.shape[-2:-1] if a.rank > 1 else (), b.shape[-1:] if b.rank > 1 else ()
    inner = b.shape[-2] if b.rank > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise Problem("shape-mismatch", f"`{use.op.name}` of {a} and {b}: {a.shape[-1]} columns meet {inner} rows", first, second,
                      hint="`transpose(-2, -1)` turns a matrix over")  # fmt: skip
    if a.shape[:-2] != b.shape[:-2]:
        raise Problem("shape-mismatch", f"`{use.op.name}` of {a} and {b}: {a.shape[0]} matrices meet {b.shape[0]}", first, second,
                      hint="`matmul` broadcasts")  # fmt: skip
    return a.with_shape((*a.shape[:-2], *rows, *columns))


def add_product(left: int, right: int) -> Rule:
    """`beta * input + alpha * (a @ b)`, where the input stretches to the product: `addmm`, `baddbmm`, `addmv`."""

    def rule(use: Use) -> Type:
        bias, first, second = (p.name for p in use.op.inputs[:3])
        need_rank(use, first, left)
        need_rank(use, second, right)
        result = _matrix_product(use, first, second)
        need_one_dtype(use, bias, first)
        if r.broadcast(use.op.name, use.tensor(bias).shape, result.shape, bias, first) != result.shape:
            raise Problem("shape-mismatch", f"`{use.op.name}`: the input {use.tensor(bias)} does not stretch to the product {result}", bias)
        if not result.is_float and any(isinstance(use[name], float) for name in ("beta", "alpha")):
            raise Problem("argument-type", f"`{use.op.name}` of whole numbers: beta and alpha must be ints", "beta", "alpha")
        return result

    return rule


def outer(use: Use) -> Type:
    """`[N]` and `[M]` to `[N, M]`: every product."""
    a, b = need_rank(use, "input", 1), need_rank(use, "vec2", 1)
    return TensorType((*a.shape, *b.shape), r.result_dtype([a, b]))


def inner(use: Use) -> Type:
    """Sums of products over the last axes, which must be equal: `[…, K]` and `[---, K]` to `[…, ---]`."""
    a, b = need_not_bool(use), need_not_bool(use, "other")
    if not a.rank or not b.rank:
        raise Problem("rank", f"`inner` needs at least one axis in each, and gets {a} and {b}", "input", "other")
    if a.shape[-1] != b.shape[-1]:
        raise Problem("shape-mismatch", f"`inner` needs equal last axes, and gets {a} and {b}", "input", "other")
    return TensorType((*a.shape[:-1], *b.shape[:-1]), need_one_dtype(use, "input", "other"))


def kron(use: Use) -> Type:
    """The Kronecker product: sizes multiply, matched from the last axis."""
    a, b = use.tensor(), use.tensor("other")
    rank = max(a.rank, b.rank)
    shapes = [(1,) * (rank - x.rank) + x.shape for x in (a, b)]
    return TensorType(tuple(m * n for m, n in zip(*shapes, strict=True)), r.result_dtype([a, b]))


def cross(use: Use) -> Type:
    """The cross product along `dim`, whose size is 3; the others broadcast."""
    a, b = need_not_bool(use), need_not_bool(use, "other")
    need_one_dtype(use, "input", "other")
    if a.rank != b.rank:
        raise Problem("rank", f"`cross` needs as many axes in each, and gets {a} and {b}", "input", "other")
    if use["dim"] is None:
        raise Problem("missing-argument", "`cross` needs `dim`, the axis of size 3", hint="`cross(dim=-1)`")
    axis = axis_of(use, a)
    if a.shape[axis] != 3 or b.shape[axis] != 3:
        raise Problem("bad-size", f"`cross` of {a} and {b}: axis {use['dim']} must have size 3 in both", "dim", "input", "other")
    return a.with_shape(r.broadcast("cross", a.shape, b.shape, "input", "other"))


def cdist(use: Use) -> Type:
    """`[…, P, M]` and `[…, R, M]` to the distances of all pairs, `[…, P, R]`; the axes before broadcast."""
    a, b = r.need_float(use, "x1"), r.need_float(use, "x2")
    if a.rank < 2 or b.rank < 2:
        raise Problem("rank", f"`cdist` needs at least two axes in each, [P, M] and [R, M], and gets {a} and {b}", "x1", "x2")
    if a.dtype not in ("float32", "float64"):
        raise Problem("dtype", f"`cdist` needs float32 or float64, and gets {a}", "x1", hint="convert with `-> float`")
    if a.shape[-1] != b.shape[-1]:
        raise Problem("shape-mismatch", f"`cdist` needs equal last axes, and gets {a} and {b}", "x1", "x2")
    if use["p"] < 0:
        raise Problem("argument-type", f"`cdist`: p must not be negative, and is {use['p']}", "p")
    before = r.broadcast("cdist", a.shape[:-2], b.shape[:-2], "x1", "x2")
    return TensorType((*before, a.shape[-2], b.shape[-2]), need_one_dtype(use, "x1", "x2"))


# --- parts of matrices -------------------------------------------------------------------------------------------


def triangle(use: Use) -> Type:
    """As the input, a matrix or several; the other triangle is 0."""
    x = use.tensor()
    if x.rank < 2:
        raise Problem("rank", f"`{use.op.name}` needs at least two axes, and gets {x}", "input")
    return x


def _diagonal_length(use: Use, rows: Size, columns: Size, offset: int) -> Size:
    """The length of a diagonal `offset` places to the right of the main one (to the left if negative)."""
    down, right = rows + min(offset, 0), columns - max(offset, 0)
    if down == right:
        return _not_negative(down)
    if isinstance(down, Dim) or isinstance(right, Dim):
        raise Problem("size-needed", f"`{use.op.name}`: which of {rows} and {columns} is smaller is not known", "input",
                      hint=" ".join(f"give it: --set {n}=8" for n in sorted({*_names(rows), *_names(columns)})))  # fmt: skip
    return max(0, min(down, right))


def _not_negative(size: Size) -> Size:
    return max(0, size) if isinstance(size, int) else size


def _names(size: Size) -> set[str]:
    return size.names() if isinstance(size, Dim) else set()


def diagonal(use: Use) -> Type:
    """The diagonal over the axes `dim1` and `dim2`, as a new last axis."""
    x = use.tensor()
    i, j = axis_of(use, x, "dim1"), axis_of(use, x, "dim2")
    if i == j:
        raise Problem("axis", "`diagonal` needs two different axes", "dim1", "dim2")
    rest: Shape = tuple(size for k, size in enumerate(x.shape) if k not in (i, j))
    return x.with_shape((*rest, _diagonal_length(use, x.shape[i], x.shape[j], use["offset"])))


def diag(use: Use) -> Type:
    """Of `[N]` the matrix with it as its diagonal, of a matrix its diagonal."""
    x = need_rank(use, "input", 1, 2)
    if x.rank == 1:
        return x.with_shape((x.shape[0] + abs(use["diagonal"]),) * 2)
    return x.with_shape((_diagonal_length(use, x.shape[0], x.shape[1], use["diagonal"]),))


def diag_embed(use: Use) -> Type:
    """`[…, N]` to matrices with it as their diagonals, in the last two axes."""
    x = use.tensor()
    if not x.rank:
        raise Problem("rank", "`diag_embed` needs at least one axis, and gets a single number", "input")
    size = x.shape[-1] + abs(use["offset"])
    return x.with_shape((*x.shape[:-1], size, size))


def trace(use: Use) -> Type:
    """The sum of the diagonal of a matrix."""
    x = need_rank(use, "input", 2)
    need_not_bool(use)
    return TensorType((), x.dtype if x.is_float else "int64")


def square_matrices(use: Use) -> TensorType:
    """Matrices of floats with as many rows as columns."""
    x = r.need_float(use, "input")
    if x.rank < 2 or x.shape[-1] != x.shape[-2]:
        raise Problem("shape-mismatch", f"`{use.op.name}` needs square matrices, and gets {x}", "input")
    if x.dtype in ("float16", "bfloat16"):
        raise Problem("dtype", f"`{use.op.name}` needs float32 or float64, and gets {x}", "input", hint="convert with `-> float`")
    return x


def determinant(use: Use) -> Type:
    """One number for each square matrix in the last two axes."""
    x = square_matrices(use)
    return x.with_shape(x.shape[:-2])


SCALED = "beta: float = 1, alpha: float = 1"
ROWS: list[Op] = [
    function("mm", "input: tensor, mat2: tensor", product_of(2, 2)),
    function("bmm", "input: tensor, mat2: tensor", product_of(3, 3)),
    function("mv", "input: tensor, vec: tensor", product_of(2, 1)),
    function("dot", "input: tensor, tensor: tensor", product_of(1, 1)),
    function("addmm", f"input: tensor, mat1: tensor, mat2: tensor, {SCALED}", add_product(2, 2)),
    function("baddbmm", f"input: tensor, batch1: tensor, batch2: tensor, {SCALED}", add_product(3, 3)),
    function("addmv", f"input: tensor, mat: tensor, vec: tensor, {SCALED}", add_product(2, 1)),
    function("outer", "input: tensor, vec2: tensor", outer),
    function("inner", "input: tensor, other: tensor", inner),
    function("kron", "input: tensor, other: tensor", kron),
    function("cross", "input: tensor, other: tensor, dim: int? = none", cross),
    function("cdist", "x1: tensor, x2: tensor, p: float = 2.0", cdist),
    *(function(n, "input: tensor, diagonal: int = 0", triangle) for n in ("triu", "tril")),
    function("diagonal", "input: tensor, offset: int = 0, dim1: int = 0, dim2: int = 1", diagonal),
    function("diag", "input: tensor, diagonal: int = 0", diag),
    function("diag_embed", "input: tensor, offset: int = 0", diag_embed),
    function("trace", "input: tensor", trace),
    *(function(n, "input: tensor", determinant) for n in ("det", "logdet")),
    function("inverse", "input: tensor", square_matrices),
]
