"""Rows of functions that pick entries, or put them, by tensors of places."""

from __future__ import annotations

from netc.ops.functions import INDEX_DTYPES, function, functional, need_index, need_one_dtype, need_rank
from netc.ops.index import index
from netc.ops.modules import chosen
from netc.ops.op import Op, Problem, Use, axis_of
from netc.ops.rules import broadcast
from netc.shapes import Size, shape_text
from netc.tensors import TensorType, Type, category


def _fits(small: Size, large: Size) -> bool:
    """Whether a size is not larger than another, whatever the named sizes are."""
    return small == large or small == 1 or (isinstance(small, int) and isinstance(large, int) and small <= large)


def _need_not_larger(use: Use, name: str, other: str, *but: int) -> None:
    """The tensor `name` must fit into the tensor `other` along all axes but some."""
    small, large = use.tensor(name), use.tensor(other)
    if small.rank != large.rank:
        raise Problem("rank", f"`{use.op.name}`: {name} {small} needs as many axes as {other} {large}", name, other)
    if not all(_fits(a, b) for i, (a, b) in enumerate(zip(small.shape, large.shape, strict=True)) if i not in but):
        what = f" but for axis {but[0]}" if but else ""
        raise Problem("shape-mismatch", f"`{use.op.name}`: {name} {small} is larger than {other} {large}{what}", name, other)


def gather(use: Use) -> Type:
    """The entries of the input that `index` names along `dim`, in the shape of `index`."""
    x, places = use.tensor(), need_index(use, "index")
    _need_not_larger(use, "index", "input", axis_of(use, x))
    return x.with_shape(places.shape)


def index_select(use: Use) -> Type:
    """The entries along `dim` that a list of places names."""
    x, places = use.tensor(), need_index(use, "index", INDEX_DTYPES)
    need_rank(use, "index", 0, 1)
    return x.with_axis(axis_of(use, x), places.shape[0] if places.rank else 1)


def take_along_dim(use: Use) -> Type:
    """The entries that `indices` names along `dim`; the other axes broadcast."""
    x, places = use.tensor(), need_index(use, "indices")
    if x.rank != places.rank:
        raise Problem("rank", f"`take_along_dim`: indices {places} need as many axes as the input {x}", "indices", "input")
    axis = axis_of(use, x)
    others = broadcast("take_along_dim", x.with_axis(axis, 1).shape, places.with_axis(axis, 1).shape, "input", "indices")
    return TensorType(others, x.dtype).with_axis(axis, places.shape[axis])


def scatter(use: Use) -> Type:
    """The input with the numbers of `src` (a tensor, or one number) put where `index` says along `dim`."""
    x = use.tensor()
    need_index(use, "index")
    _need_not_larger(use, "index", "input", axis_of(use, x))
    if isinstance(use["src"], TensorType):
        need_one_dtype(use, "input", "src")
        _need_not_larger(use, "index", "src")
    return x


def index_add(use: Use) -> Type:
    """The input with the entries of `source` added where a list of places says along `dim`."""
    x, places = use.tensor(), need_index(use, "index", INDEX_DTYPES)
    need_rank(use, "index", 1)
    axis = axis_of(use, x)
    source = use.tensor("source")
    if source.shape != x.with_axis(axis, places.shape[0]).shape:
        wanted = shape_text(x.with_axis(axis, places.shape[0]).shape)
        raise Problem("shape-mismatch", f"`{use.op.name}`: source must be {wanted}, and is {source}", "source", "input", "index")
    need_one_dtype(use, "input", "source")
    return x


def embedding(use: Use) -> Type:
    """`int64[…]` and a table `[N, D]` to `[…, D]`."""
    places, table = use.tensor(), need_rank(use, "weight", 2)
    need_index(use, "input", INDEX_DTYPES)
    index, count = use["padding_idx"], table.shape[0]
    chosen(use, "padding_idx", index is None or not isinstance(count, int) or -count <= index < count, f"an entry of the {count}")
    return TensorType((*places.shape, table.shape[1]), table.dtype)


def one_hot(use: Use) -> Type:
    """`int64[…]`, each below num_classes, to `int64[…, num_classes]`."""
    x = need_index(use, "tensor")
    use.number("num_classes")
    return TensorType((*x.shape, use["num_classes"]), "int64")


def searchsorted(use: Use) -> Type:
    """The places at which `input` stands in a sorted sequence: `int64` in the shape of the input."""
    x, edges = use.tensor(), need_rank(use, "boundaries", 1)
    if category(x.dtype) == 0 or edges.dtype != x.dtype:
        raise Problem("dtype", f"`{use.op.name}` needs numbers of one dtype, and gets {x} and {edges}", "input", "boundaries")
    return TensorType(x.shape, "int64")


ROWS: list[Op] = [
    function("[]", "input: tensor, entries: entries", index, "operator.getitem", "index"),
    function("gather", "input: tensor, dim: int, index: tensor", gather),
    function("index_select", "input: tensor, dim: int, index: tensor", index_select),
    function("take_along_dim", "input: tensor, indices: tensor, dim: int", take_along_dim),
    function("scatter", "input: tensor, dim: int, index: tensor, src: operand", scatter),
    function("scatter_add", "input: tensor, dim: int, index: tensor, src: tensor", scatter),
    function("index_add", "input: tensor, dim: int, index: tensor, source: tensor", index_add),
    function("bucketize", "input: tensor, boundaries: tensor, right: bool = false", searchsorted),
    functional("embedding", "input: tensor, weight: tensor, padding_idx: int? = none", embedding),
    functional("one_hot", "tensor: tensor, num_classes: int", one_hot),
]
