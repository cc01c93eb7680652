"""Rows of functions that change the shape and keep the numbers."""

from __future__ import annotations

from itertools import pairwise

from netc.conditions import condition
from netc.ops import rules as r
from netc.ops.functions import function, method, need_int, need_positive, need_rank
from netc.ops.op import Op, Problem, Rule, Use, axis_of, normal_axis, value_text
from netc.shapes import Dim, Size, product, shape_text
from netc.tensors import TensorType, Type

MOST_PARTS = 10_000  # of a tensor that is taken apart; each is a value of its own

# --- one shape for another ---------------------------------------------------------------------------------------


def reshape(use: Use) -> Type:
    """The same numbers in another shape; one size may be -1."""
    return use.tensor().with_shape(_reshaped(use, use.tensor(), tuple(use["shape"]), product(use.tensor().shape), "shape"))


def _reshaped(use: Use, x: TensorType, shape: tuple[Size, ...], total: Size, name: str) -> tuple[Size, ...]:
    """The shape with the size that is -1 filled in, so that it holds `total` numbers."""
    if sum(1 for s in shape if s == -1) > 1:
        raise Problem("bad-size", f"`{use.op.name}`: only one size can be -1", name)
    low = next((s for s in shape if isinstance(s, int) and s < -1), None)
    if low is not None:
        raise Problem("bad-size", f"`{use.op.name}`: a size is -1 or more, and is {low}", name)
    known = product(s for s in shape if s != -1)
    where = f"`{use.op.name}` of {x} to {shape_text(shape)}"
    if -1 in shape:
        rest = total // known if known != 0 else 0
        if rest * known != total or known == 0:
            when = condition((rest * known,), (total,))
            what = f"{total} numbers do not divide by {known}{when.text.replace('equal', 'as they would')}"
            raise Problem("shape-mismatch", f"{where}: {what}", name, "input", hint=when.hint)
        return tuple(rest if s == -1 else s for s in shape)
    if known != total:
        when = condition((known,), (total,))
        raise Problem("shape-mismatch", f"{where}: {total} numbers are not {known}{when.text}", name, "input", hint=when.hint)
    return shape


def unflatten(use: Use) -> Type:
    """The axis `dim` as several."""
    x = use.tensor()
    axis = axis_of(use, x)
    if not use["sizes"]:
        raise Problem("argument-type", "`unflatten`: sizes must not be empty", "sizes")
    return x.with_shape((*x.shape[:axis], *_reshaped(use, x, tuple(use["sizes"]), x.shape[axis], "sizes"), *x.shape[axis + 1 :]))


def ravel(use: Use) -> Type:
    """All numbers in one axis."""
    return use.tensor().with_shape((product(use.tensor().shape),))


def squeeze(use: Use) -> Type:
    """Without the axes `dim`, whose sizes must be 1 (torch would silently keep them)."""
    x, dim = use.tensor(), use["dim"]
    if dim is None:
        if any(isinstance(s, Dim) for s in x.shape):
            raise Problem("missing-argument", f"`squeeze` of {x}: say which axis, a named size may be 1 too", "input",
                          hint="write `squeeze(-1)`")  # fmt: skip
        return x.with_shape(tuple(s for s in x.shape if s != 1))
    axes = [normal_axis("squeeze", x, d) for d in (dim if isinstance(dim, list) else [dim])]
    for axis in axes:
        if x.shape[axis] != 1:
            raise Problem("bad-size", f"`squeeze({value_text(dim)})` of {x}: the axis has size {x.shape[axis]}, not 1", "dim", "input")
    if len(set(axes)) < len(axes):
        raise Problem("axis", f"`squeeze`: an axis is named twice in {dim}", "dim")
    return x.with_shape(tuple(s for i, s in enumerate(x.shape) if i not in axes))


def unsqueeze(use: Use) -> Type:
    """With one axis of size 1 more, at `dim`."""
    x = use.tensor()
    axis = axis_of(use, x, extra=1)
    return x.with_shape((*x.shape[:axis], 1, *x.shape[axis:]))


def expand(use: Use) -> Type:
    """Axes of 1 stretched to the sizes; -1 keeps an axis, more sizes than axes stand in front."""
    x, name = use.tensor(), use.op.inputs[1].name
    sizes = list(use[name])
    new = len(sizes) - x.rank
    if new < 0 or -1 in sizes[:new]:
        why = "a new axis cannot be -1" if new >= 0 else "a size is needed for every axis"
        raise Problem("rank", f"`{use.op.name}` of {x} to {shape_text(sizes)}: {why}", name, "input")
    for i, (old, size) in enumerate(zip(x.shape, sizes[new:], strict=True)):
        if size != -1 and old not in (1, size):
            when = condition((old,), (size,))
            what = f"cannot stretch {x} to {shape_text(sizes)}: {old} is not {size}{when.text}"
            raise Problem("shape-mismatch", f"`{use.op.name}` {what}", name, "input", hint=when.hint)
        sizes[new + i] = old if size == -1 else size
    if any(isinstance(size, int) and size < 0 for size in sizes):
        raise Problem("bad-size", f"`{use.op.name}`: a size is negative in {shape_text(sizes)}", name)
    return x.with_shape(tuple(sizes))


def expand_as(use: Use) -> Type:
    """The input stretched to the shape of `other`."""
    x, other = use.tensor(), use.tensor("other")
    if r.broadcast("expand_as", x.shape, other.shape, "input", "other") != other.shape:
        raise Problem("shape-mismatch", f"`expand_as` cannot stretch {x} to {other}", "input", "other")
    return x.with_shape(other.shape)


# --- axes in another order ---------------------------------------------------------------------------------------


def transpose(use: Use) -> Type:
    """With two axes exchanged."""
    x = use.tensor()
    first, second = (p.name for p in use.op.inputs[1:])
    i, j = axis_of(use, x, first), axis_of(use, x, second)
    return x.with_axis(i, x.shape[j]).with_axis(j, x.shape[i])


def permute(use: Use) -> Type:
    """With the axes in the order `dims`."""
    x = use.tensor()
    axes = [normal_axis("permute", x, d, "dims") for d in use["dims"]]
    if sorted(axes) != list(range(x.rank)):
        raise Problem("axis", f"`permute` of {x}: {use['dims']} does not name each axis once", "dims", "input")
    return x.with_shape(tuple(x.shape[i] for i in axes))


def movedim(use: Use) -> Type:
    """With the axes `source` moved to the places `destination`; the others keep their order."""
    x = use.tensor()
    places = {}
    for name in ("source", "destination"):
        given = use[name] if isinstance(use[name], list) else [use[name]]
        places[name] = [normal_axis("movedim", x, d, name) for d in given]
        if len(set(places[name])) < len(given):
            raise Problem("axis", f"`movedim`: an axis is named twice in {given}", name)
    if len(places["source"]) != len(places["destination"]):
        raise Problem("axis", "`movedim` needs as many destinations as sources", "source", "destination")
    rest = iter(i for i in range(x.rank) if i not in places["source"])
    goes = dict(zip(places["destination"], places["source"], strict=True))
    return x.with_shape(tuple(x.shape[goes[i] if i in goes else next(rest)] for i in range(x.rank)))


def t(use: Use) -> Type:
    """A matrix turned over; torch keeps tensors of one axis or none."""
    x = need_rank(use, "input", 0, 1, 2)
    return x.with_shape(x.shape[::-1])


def unchanged_axes(*names: str) -> Rule:
    """As the input; the arguments name axes that must exist, each once: `flip`, `roll`."""

    def rule(use: Use) -> Type:
        x = use.tensor()
        for name in names:
            dims = use[name] if isinstance(use[name], list) else [use[name]]
            axes = [normal_axis(use.op.name, x, d, name) for d in dims]
            if len(set(axes)) < len(axes):
                raise Problem("axis", f"`{use.op.name}`: an axis is named twice in {dims}", name)
        return x

    return rule


def roll(use: Use) -> Type:
    """As the input; shifted around along `dims`, or flattened where there are none."""
    x = use.tensor()
    shifts, dims = (v if isinstance(v, list) else [] if v is None else [v] for v in (use["shifts"], use["dims"]))
    if len(shifts) != (len(dims) or 1):
        raise Problem("argument-type", "`roll` needs as many shifts as dims", "shifts", "dims")
    for d in dims:
        normal_axis("roll", x, d, "dims")
    return x


# --- parts -------------------------------------------------------------------------------------------------------


def chunk(use: Use) -> Type:
    """`chunks` equal parts along `dim`; torch would make the last one smaller, or give fewer."""
    x, count = use.tensor(), use.number("chunks")
    axis = axis_of(use, x)
    size = x.shape[axis]
    if size % count != 0:
        raise Problem("bad-size", f"`chunk({count})` of {x}: {size} does not divide by {count}", "chunks", "input")
    _few(use, count)
    return (x.with_axis(axis, size // count),) * count


def _few(use: Use, parts: int) -> None:
    if parts > MOST_PARTS:
        raise Problem("bad-size", f"`{use.op.name}` would make {parts} parts, and netc keeps {MOST_PARTS} at most", "input")


def split(use: Use) -> Type:
    """Parts of the size `split_size_or_sections` along `dim`, the last perhaps smaller; or of these sizes."""
    x, sections = use.tensor(), use["split_size_or_sections"]
    axis = axis_of(use, x)
    size = x.shape[axis]
    if isinstance(sections, list):
        if sum(sections) != size:
            raise Problem("bad-size", f"`split` of {x}: the parts {shape_text(sections)} are {sum(sections)}, not {size}",
                          "split_size_or_sections", "input")  # fmt: skip
        return tuple(x.with_axis(axis, part) for part in sections)
    need_positive(use, "split_size_or_sections")
    whole = need_int(use, size // sections, "the number of its parts", "input")
    rest = need_int(use, size - whole * sections, "the size of its last part", "input")
    _few(use, whole)
    return tuple(x.with_axis(axis, part) for part in [sections] * whole + [rest] * (rest > 0))


def tensor_split(use: Use) -> Type:
    """As many parts as said along `dim`, which differ by 1 at most; or the parts between these places."""
    x, places = use.tensor(), use["indices_or_sections"]
    axis = axis_of(use, x)
    size = need_int(use, x.shape[axis], "the size of the axis", "input")
    if isinstance(places, list):
        ends = [0, *(len(range(size)[:place]) for place in places), size]
        return tuple(x.with_axis(axis, max(0, end - start)) for start, end in pairwise(ends))
    need_positive(use, "indices_or_sections")
    _few(use, places)
    return tuple(x.with_axis(axis, size // places + (i < size % places)) for i in range(places))


def unbind(use: Use) -> Type:
    """The entries along `dim`, each without that axis."""
    x = use.tensor()
    axis = axis_of(use, x)
    count = need_int(use, x.shape[axis], "the number of its parts", "input")
    _few(use, count)
    return (x.with_shape(x.shape[:axis] + x.shape[axis + 1 :]),) * count


def select(use: Use) -> Type:
    """The entry `index` along `dim`."""
    x = use.tensor()
    axis = axis_of(use, x)
    size, index = x.shape[axis], use["index"]
    if isinstance(size, int) and isinstance(index, int) and not -size <= index < size:
        raise Problem("axis", f"there is no entry {index} in axis {axis} of {x}", "index", "input")
    return x.with_shape(x.shape[:axis] + x.shape[axis + 1 :])


def narrow(use: Use) -> Type:
    """`length` entries along `dim`, from `start` on."""
    x, start, length = use.tensor(), use["start"], use["length"]
    axis = axis_of(use, x)
    size = x.shape[axis]
    begin = size + start if isinstance(start, int) and start < 0 else start
    left = size - begin - length
    if (isinstance(length, int) and length < 0) or (isinstance(left, int) and left < 0) or (isinstance(begin, int) and begin < 0):
        raise Problem("bad-size", f"`narrow` of {x}: there are no {length} entries from {start} on", "start", "length", "input")
    return x.with_axis(axis, length)


# --- copies ------------------------------------------------------------------------------------------------------


def tile(use: Use) -> Type:
    """As many copies along every axis as `dims` says, matched from the last axis."""
    x, dims = use.tensor(), list(use["dims"])
    if any(isinstance(d, int) and d < 0 for d in dims):
        raise Problem("bad-size", f"`tile`: the copies must not be negative, and are {shape_text(dims)}", "dims")
    rank = max(x.rank, len(dims))
    shape, copies = (1,) * (rank - x.rank) + x.shape, [1] * (rank - len(dims)) + dims
    return x.with_shape(tuple(size * n for size, n in zip(shape, copies, strict=True)))


def repeat_interleave(use: Use) -> Type:
    """Every entry along `dim` that many times, side by side; without `dim` flattened."""
    x, repeats = use.tensor(), use["repeats"]
    if isinstance(repeats, int) and repeats < 0:
        raise Problem("bad-size", f"`repeat_interleave`: repeats must not be negative, and is {repeats}", "repeats")
    if use["dim"] is None:
        return x.with_shape((product(x.shape) * repeats,))
    axis = axis_of(use, x)
    return x.with_axis(axis, x.shape[axis] * repeats)


def meshgrid(use: Use) -> Type:
    """A grid for every tensor of one axis (or none), all of the shape of their sizes; `xy` exchanges the first two axes."""
    tensors: list[TensorType] = use["tensors"]
    if use["indexing"] is None:
        raise Problem("missing-argument", '`meshgrid` needs `indexing`, "ij" or "xy"', hint='"ij" keeps the order of the axes')
    if not tensors or any(x.rank > 1 for x in tensors) or len({x.dtype for x in tensors}) > 1:
        raise Problem("rank", f"`meshgrid` needs tensors of one axis and one dtype, and gets {r.listed_shapes(tensors)}", "tensors")
    shape = [size for x in tensors for size in x.shape or (1,)]
    if use["indexing"] == "xy":
        shape[:2] = shape[:2][::-1]
    return tuple(x.with_shape(tuple(shape)) for x in tensors)


SHAPES = [
    function("reshape", "input: tensor, shape: size...", reshape),
    # `view` of torch is `reshape` where it works at all: it refuses what is not contiguous, which no type shows.
    function("view", "input: tensor, shape: size...", reshape, "torch.reshape"),
    function("flatten", "input: tensor, start_dim: int = 0, end_dim: int = -1", r.flatten),
    function("unflatten", "input: tensor, dim: int, sizes: sizes", unflatten),
    function("ravel", "input: tensor", ravel),
    function("squeeze", "input: tensor, dim: int_or_ints? = none", squeeze),
    function("unsqueeze", "input: tensor, dim: int", unsqueeze),
    method("expand", "input: tensor, sizes: size...", expand),
    method("expand_as", "input: tensor, other: tensor", expand_as),
    function("broadcast_to", "input: tensor, size: sizes", expand),
]

AXES = [
    function("transpose", "input: tensor, dim0: int, dim1: int", transpose),
    function("swapaxes", "input: tensor, axis0: int, axis1: int", transpose),
    function("swapdims", "input: tensor, dim0: int, dim1: int", transpose),
    function("permute", "input: tensor, dims: int...", permute),
    function("movedim", "input: tensor, source: int_or_ints, destination: int_or_ints", movedim),
    function("t", "input: tensor", t),
    function("flip", "input: tensor, dims: int...", unchanged_axes("dims")),
    function("roll", "input: tensor, shifts: int_or_ints, dims: int_or_ints? = none", roll),
]

PARTS = [
    function("chunk", "input: tensor, chunks: int, dim: int = 0", chunk),
    function("split", "input: tensor, split_size_or_sections: size_or_sizes, dim: int = 0", split),
    function("tensor_split", "input: tensor, indices_or_sections: int_or_ints, dim: int = 0", tensor_split),
    function("unbind", "input: tensor, dim: int = 0", unbind),
    function("select", "input: tensor, dim: int, index: size", select),
    function("narrow", "input: tensor, dim: int, start: size, length: size", narrow),
]

COPIES = [
    function("tile", "input: tensor, dims: size...", tile),
    function("repeat_interleave", "input: tensor, repeats: size, dim: int? = none", repeat_interleave),
    function("meshgrid", "tensors: tensor..., indexing: ij|xy? = none", meshgrid),
]

ROWS: list[Op] = [*SHAPES, *AXES, *PARTS, *COPIES]
