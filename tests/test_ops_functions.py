"""Rows of functions on drawn shapes, dtypes and arguments, against torch and einops themselves.

Each case goes through netc's rule, and its source through torch. What the rule accepts torch accepts, with that type. What
the rule refuses torch refuses too, but where netc is stricter on purpose: `STRICTER` says where and why.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import einops
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from netc.code import Text, expression
from netc.diagnostics import Diagnostic
from netc.graph import Argument, Node
from netc.infer import Inferred, infer
from netc.ops import TABLE
from netc.ops.op import DType
from netc.tensors import Type
from tests.fuzz import cases
from tests.op_checks import HERE, Tensors, arguments, type_of

# What netc refuses although torch computes something, by a part of the message.
STRICTER = (
    "there is no axis",  # torch takes 0 and -1 as axes of a single number
    "the axis has size",  # squeeze of an axis that is not 1 does nothing in torch
    "does not divide by",  # chunk gives a smaller last part, or fewer parts
    "would cut it off",  # masked_fill and full_like of whole numbers with 0.5 put 0
    "would leave nothing",  # an axis of size 0
    "would give sizes [",  # the same
    "a bias does not go with a weight of one axis",  # torch takes it with an input of one axis, and with no other
    "does not work on bools",  # products and clamps of bools in some places
    "makes numbers, not bools",  # linspace of at most one step
    "needs floats",  # distances of whole numbers in some places
    "needs at least one axis",  # a single number as a vector
    "needs equal axes before the last two",  # attention broadcasts batches
    "attn_mask and is_causal",  # refused by torch on some devices only
    "a new axis cannot be -1",  # torch gives a tensor of the size -1 where there are no numbers
    "a size is negative",  # the same
    "is too short for",  # a circular padding at one end of what is cut off at the other
    "bias must be",  # a bias may stretch
    "makes floats",  # of whole numbers where there are none
    "makes numbers, not bools",  # of no numbers at all torch does
    "`arange` of",  # floats as limits of whole numbers are cut off
    "stands on the right side only",  # einsum lets `...` stand for no axes there
    " is 1 and ",  # einsum stretches axes of one name
    " and 1",
)

DIVISIONS = ("floor_divide", "remainder", "fmod")  # whole numbers cannot be divided by 0
Outcome = tuple[Inferred | Diagnostic, Type | None]


def run(name: str, case: dict[str, Any]) -> Outcome:
    """What netc's rule says, and the type that torch gives; None where torch refuses."""
    op, tensors = TABLE[name], Tensors()
    _, values = arguments(op, case)
    call = {k: Argument(tensors.ref(v), HERE) for k, v in values.items()}
    if name in DIVISIONS:
        tensors.made = [torch.ones_like(made) for made in tensors.made]
    ours = infer(op, {}, call, tensors.lookup, HERE)
    node = Node(0, "op", HERE, (), op, "", {}, call)
    space: dict[str, Any] = {"torch": torch, "F": nn.functional, "einops": einops, "t": tensors.made, "self": nn.Module()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = type_of(eval(expression(node, lambda ref: Text(f"t[{ref.node}]")).text, space))
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError, AssertionError, einops.EinopsError):
            theirs = None
    return ours, theirs


def agree(name: str, **case: Any) -> bool:
    """Asserts that netc and torch agree; whether both accept."""
    ours, theirs = run(name, case)
    if isinstance(ours, Inferred):
        assert ours.type == theirs, (name, case)
        return True
    assert theirs is None or any(words in ours.message for words in STRICTER), (name, case, ours.message, theirs)
    return False


def examples(test: Callable[..., None]) -> Any:
    """A property test of so many drawn cases."""
    return cases(150)(given(st.data())(test))


DTYPES = ["float32", "float64", "float16", "int64", "int32", "uint8", "bool"]
small = st.integers(1, 4)
shapes = st.lists(small, max_size=4).map(tuple)
axes = st.integers(-4, 4)


def floats(shape: tuple[int, ...]) -> tuple[tuple[int, ...], str]:
    """A float tensor of a case."""
    return shape, "float32"


def unary(family: str) -> list[str]:
    """The rows of a module whose one required input is a tensor."""
    from netc.ops import elementwise

    return [op.name for op in getattr(elementwise, family)]


@examples
def test_unary(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([n for n in unary("UNARY") if n != "bernoulli"]))
    agree(name, input=(data.draw(shapes), data.draw(st.sampled_from(DTYPES))))


@examples
def test_binary(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(unary("BINARY")))
    first, second = (p.name for p in TABLE[name].inputs[:2])
    kinds = st.tuples(st.sampled_from([(), (3,), (2, 3), (2, 1), (4,)]), st.sampled_from(DTYPES))
    other = data.draw(st.one_of(kinds, st.sampled_from([2, 2.5])) if TABLE[name].inputs[1].kind == "operand" else kinds)
    agree(name, **{first: data.draw(kinds), second: other})


@examples
def test_clamp_and_fill(data: st.DataObject) -> None:
    x = (data.draw(shapes), data.draw(st.sampled_from(DTYPES)))
    number = st.one_of(st.none(), st.integers(-1, 2), st.sampled_from([0.5, -1.0]))
    agree("clamp", input=x, min=data.draw(number), max=data.draw(number))
    mask = (data.draw(shapes), "bool")
    value = data.draw(st.sampled_from([1, 0.5, float("-inf")]))
    agree("masked_fill", input=x, mask=mask, value=value)
    agree("where", condition=mask, input=x, other=value)


REDUCTIONS = ["mean", "sum", "nansum", "nanmean", "prod", "amax", "amin", "var", "std", "var_mean", "std_mean", "norm", "vector_norm",
              "all",
              "any", "max", "min", "median", "nanmedian", "argmax", "argmin", "aminmax", "quantile"]  # fmt: skip


@examples
def test_reductions(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(REDUCTIONS))
    kind = next(p.kind for p in TABLE[name].inputs if p.name == "dim")
    one = st.one_of(st.none(), axes)
    dim = data.draw(st.one_of(one, st.lists(axes, min_size=1, max_size=3)) if kind == "int_or_ints" else one)
    shape = data.draw(st.lists(st.integers(2, 4), max_size=4).map(tuple))
    case: dict[str, Any] = {"input": (shape, data.draw(st.sampled_from(DTYPES))), "dim": dim, "keepdim": data.draw(st.booleans())}
    if name == "quantile":
        case["q"] = 0.5
    agree(name, **case)


@examples
def test_along_an_axis(data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from(["cumsum", "cumprod", "logcumsumexp", "cummax", "sort", "argsort", "mode", "topk", "kthvalue", "diff"])
    )
    case: dict[str, Any] = {"input": (data.draw(shapes), data.draw(st.sampled_from(DTYPES))), "dim": data.draw(axes)}
    if name in ("topk", "kthvalue"):
        case["k"] = data.draw(st.integers(1, 5))
    if name == "diff":
        case["n"] = data.draw(st.integers(0, 5))
    agree(name, **case)


@examples
def test_shapes(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    x = floats(shape)
    sizes = data.draw(st.lists(st.integers(-2, 6), max_size=4))
    some = data.draw(st.lists(axes, max_size=4))
    calls: dict[str, dict[str, Any]] = {
        "reshape": {"shape": sizes}, "expand": {"sizes": sizes}, "broadcast_to": {"size": sizes}, "permute": {"dims": some},
        "unflatten": {"dim": data.draw(axes), "sizes": sizes}, "flatten": {"start_dim": data.draw(axes), "end_dim": data.draw(axes)},
        "squeeze": {"dim": data.draw(st.one_of(axes, st.just(some)))}, "unsqueeze": {"dim": data.draw(axes)},
        "transpose": {"dim0": data.draw(axes), "dim1": data.draw(axes)}, "flip": {"dims": some}, "t": {},
        "movedim": {"source": some, "destination": data.draw(st.lists(axes, min_size=len(some), max_size=len(some)))},
        "roll": {"shifts": [1] * len(some) or 1, "dims": some or None}, "tile": {"dims": [abs(s) for s in sizes]},
        "repeat_interleave": {"repeats": data.draw(st.integers(0, 3)), "dim": data.draw(st.one_of(st.none(), axes))},
    }  # fmt: skip
    name = data.draw(st.sampled_from(sorted(calls)))
    agree(name, input=x, **calls[name])


@examples
def test_parts(data: st.DataObject) -> None:
    x = floats(data.draw(st.lists(st.integers(1, 7), max_size=3).map(tuple)))
    dim, numbers = data.draw(axes), data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=3))
    calls: dict[str, dict[str, Any]] = {
        "chunk": {"chunks": data.draw(small)}, "split": {"split_size_or_sections": data.draw(st.one_of(small, st.just(numbers)))},
        "tensor_split": {"indices_or_sections": data.draw(st.one_of(small, st.just([n - 2 for n in numbers])))}, "unbind": {},
        "select": {"index": data.draw(axes)}, "narrow": {"start": data.draw(axes), "length": data.draw(st.integers(0, 4))},
    }  # fmt: skip
    name = data.draw(st.sampled_from(sorted(calls)))
    agree(name, input=x, dim=dim, **calls[name])


@examples
def test_indexing(data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, 3))
    draw_shape = st.lists(small, min_size=rank, max_size=rank).map(tuple)
    x, places = floats(data.draw(draw_shape)), (data.draw(draw_shape), "int64")
    dim = data.draw(st.integers(-rank, rank - 1))
    assume(x[0][dim] > 1)  # the places are drawn from 0 and 1
    name = data.draw(st.sampled_from(["gather", "scatter", "scatter_add", "take_along_dim", "index_select", "index_add"]))
    if name == "take_along_dim":
        agree(name, input=x, indices=places, dim=dim)
    elif name in ("index_select", "index_add"):
        more = {"source": floats(data.draw(draw_shape))} if name == "index_add" else {}
        agree(name, input=x, index=((data.draw(small),), "int64"), dim=dim, **more)
    else:
        more = {} if name == "gather" else {"src": floats(data.draw(draw_shape))}
        agree(name, input=x, index=places, dim=dim, **more)


@examples
def test_algebra(data: st.DataObject) -> None:
    sizes = st.sampled_from([1, 2, 3])
    shape = st.lists(sizes, max_size=4).map(tuple)
    dtypes = st.sampled_from(["float32", "float32", "float32", "int64", "bool"])
    a, b, c = ((data.draw(shape), data.draw(dtypes)) for _ in range(3))
    products = "matmul mm bmm mv dot outer inner kron cross cdist addmm baddbmm addmv".split()
    name = data.draw(st.sampled_from(products))
    names = [p.name for p in TABLE[name].inputs if p.takes_tensors]
    case: dict[str, Any] = dict(zip(names, (a, b, c), strict=False))
    if name == "cross":
        case["dim"] = data.draw(axes)
    agree(name, **case)


@examples
def test_parts_of_matrices(data: st.DataObject) -> None:
    x = (data.draw(shapes), data.draw(st.sampled_from(["float32", "int64", "bool"])))
    number = data.draw(st.integers(-2, 2))
    name = data.draw(st.sampled_from(["triu", "tril", "diagonal", "diag", "diag_embed", "trace"]))
    calls: dict[str, dict[str, Any]] = {
        "diagonal": {"offset": number, "dim1": data.draw(axes), "dim2": data.draw(axes)}, "diag_embed": {"offset": number}, "trace": {},
    }  # fmt: skip
    agree(name, input=x, **calls.get(name, {"diagonal": number}))


@examples
def test_creation(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([None, *map(DType, DTYPES)]))
    size = data.draw(st.lists(st.integers(-1, 3), max_size=3))
    number = st.one_of(st.integers(-5, 9), st.sampled_from([0.1, 0.5, 2.5]))
    calls: dict[str, dict[str, Any]] = {
        "zeros": {"size": size}, "randn": {"size": size}, "full": {"size": size, "fill_value": data.draw(st.sampled_from([1, 0.5, True]))},
        "arange": {"limits": data.draw(st.lists(number, min_size=1, max_size=3))}, "eye": {"n": data.draw(small), "m": None},
        "linspace": {"start": 0, "end": data.draw(number), "steps": data.draw(st.integers(-1, 5))},
        "zeros_like": {"input": (tuple(map(abs, size)), "int64")}, "rand_like": {"input": (tuple(map(abs, size)), "int64")},
    }  # fmt: skip
    name = data.draw(st.sampled_from(sorted(calls)))
    agree(name, dtype=dtype, **calls[name])


@examples
def test_attention(data: st.DataObject) -> None:
    heads, groups = data.draw(st.sampled_from([(2, 2), (4, 2), (4, 1), (3, 2)]))
    length, source, width = data.draw(st.tuples(small, small, small))
    mask = data.draw(st.sampled_from([None, (length, source), (2, 1, 1, source), (heads, length, source), (source, 5)]))
    agree("scaled_dot_product_attention", query=floats((2, heads, length, width)), key=floats((2, groups, source, width)),
          value=floats((2, groups, source, data.draw(st.sampled_from([width, 3])))), enable_gqa=data.draw(st.booleans()),
          attn_mask=mask and (mask, data.draw(st.sampled_from(["bool", "float32"]))), is_causal=data.draw(st.booleans()),
          dropout_p=data.draw(st.sampled_from([0.0, 0.1])))  # fmt: skip


@examples
def test_windows(data: st.DataObject) -> None:
    n = data.draw(st.sampled_from([1, 2, 3]))
    x = floats((2, 4, *data.draw(st.lists(st.integers(1, 8), min_size=n, max_size=n))))
    kind = data.draw(st.sampled_from(["conv", "max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool"]))
    if kind.startswith("adaptive"):
        agree(f"{kind}{n}d", input=x, output_size=data.draw(small))
        return
    case: dict[str, Any] = {"stride": data.draw(small), "padding": data.draw(st.integers(0, 3))}
    if kind == "conv":
        groups = data.draw(st.sampled_from([1, 2, 3]))
        kernel = data.draw(st.lists(small, min_size=n, max_size=n))
        weight = (data.draw(st.sampled_from([4, 6])), data.draw(st.sampled_from([4, 2])), *kernel)
        bias = data.draw(st.sampled_from([None, floats((4,))]))
        agree(f"conv{n}d", input=x, weight=floats(weight), bias=bias, groups=groups, dilation=data.draw(small), **case)
    else:
        agree(f"{kind}{n}d", input=x, kernel_size=data.draw(small), ceil_mode=data.draw(st.booleans()), **case)


@examples
def test_resizing_and_padding(data: st.DataObject) -> None:
    x = floats(data.draw(st.lists(small, min_size=2, max_size=5).map(tuple)))
    mode = data.draw(st.sampled_from(["nearest", "linear", "bilinear", "bicubic", "trilinear", "area"]))
    scale = data.draw(st.sampled_from([None, 2, 0.5, 1.5]))
    size = data.draw(st.sampled_from([None, 3, [2, 3]]))
    agree("interpolate", input=x, size=size, scale_factor=scale, mode=mode, antialias=data.draw(st.booleans()))
    amounts = data.draw(st.lists(st.integers(-1, 3), max_size=6))
    agree("pad", input=x, pad=amounts, mode=data.draw(st.sampled_from(["constant", "reflect", "replicate", "circular"])))


@examples
def test_norms_and_similarities(data: st.DataObject) -> None:
    a, b, c = (floats(data.draw(st.lists(st.sampled_from([1, 2, 4]), max_size=4).map(tuple))) for _ in range(3))
    shape = data.draw(st.lists(st.sampled_from([2, 4]), max_size=2))
    keep = data.draw(st.booleans())
    calls: dict[str, dict[str, Any]] = {
        "linear": {"input": a, "weight": b, "bias": data.draw(st.sampled_from([None, c]))},
        "layer_norm": {"input": a, "normalized_shape": shape, "weight": data.draw(st.sampled_from([None, b]))},
        "rms_norm": {"input": a, "normalized_shape": shape}, "normalize": {"input": a, "dim": data.draw(axes)},
        "group_norm": {"input": a, "num_groups": data.draw(small)}, "pairwise_distance": {"x1": a, "x2": b, "keepdim": keep},
        "cosine_similarity": {"x1": a, "x2": b, "dim": data.draw(axes)},
        "grid_sample": {"input": a, "grid": floats((*b[0][:3], 2)), "align_corners": False},
        "affine_grid": {"theta": floats((2, 2, 3)), "size": data.draw(st.lists(small, max_size=5)), "align_corners": True},
        "unfold": {"input": a, "kernel_size": data.draw(small)}, "pixel_shuffle": {"input": a, "upscale_factor": data.draw(small)},
        "pixel_unshuffle": {"input": a, "downscale_factor": data.draw(small)},
    }  # fmt: skip
    name = data.draw(st.sampled_from(sorted(calls)))
    agree(name, **calls[name])


# --- einops ------------------------------------------------------------------------------------------------------

axis_names = st.sampled_from(["a", "b", "c", "d", "1", "2", "..."])


@st.composite
def sides(draw: st.DrawFn) -> str:
    """One side of a pattern: axes, some in brackets."""
    brackets = st.lists(axis_names, min_size=1, max_size=3).map(lambda part: f"({' '.join(part)})")
    return " ".join(draw(st.lists(st.one_of(axis_names, brackets), max_size=4)))


@st.composite
def regrouped(draw: st.DrawFn, axes: list[str]) -> str:
    """Axes in another order, neighbours perhaps joined."""
    text = " ".join(draw(st.permutations(axes)))
    return f"({text})" if draw(st.booleans()) and text and "..." not in text else text


@cases(300)
@given(st.data())
def test_einops(data: st.DataObject) -> None:
    """Patterns that mostly fit, and patterns of any kind: einops accepts what the rule accepts, and refuses what it refuses."""
    names = data.draw(st.lists(st.sampled_from("abcd"), max_size=3, unique=True))
    left = data.draw(st.one_of(regrouped([*names, *["..."] * data.draw(st.booleans())]), sides()))
    right = data.draw(st.one_of(regrouped(names), sides()))
    shape = data.draw(st.lists(st.sampled_from([1, 2, 4, 6]), max_size=4).map(tuple))
    length = st.tuples(st.sampled_from("abcde"), st.sampled_from([1, 2, 3])).map(list)
    lengths = data.draw(st.lists(length, max_size=2, unique_by=lambda pair: str(pair[0])))
    name = data.draw(st.sampled_from(["rearrange", "reduce", "repeat_axes"]))
    more = {"reduction": data.draw(st.sampled_from(["sum", "mean", "max", "any", "prod"]))} if name == "reduce" else {}
    dtype = data.draw(st.sampled_from(["float32", "int64"]))
    agree(name, tensor=(shape, dtype), pattern=f"{left} -> {right}", axes_lengths=lengths, **more)


@cases(200)
@given(st.data())
def test_einsum(data: st.DataObject) -> None:
    letters = st.lists(st.sampled_from(["a", "b", "c", "..."]), max_size=3, unique_by=lambda x: x if x == "..." else object())
    parts = [data.draw(letters) for _ in range(data.draw(st.integers(1, 3)))]
    sizes = {"a": 2, "b": 3, "c": data.draw(st.sampled_from([1, 2]))}
    tensors = [floats(tuple(s for p in part for s in ((2,) if p == "..." else (sizes[p],)))) for part in parts]
    if data.draw(st.booleans()):
        tensors[0] = floats(data.draw(shapes))
    out = data.draw(st.lists(st.sampled_from(["a", "b", "c", "..."]), max_size=3, unique=True))
    agree("einsum", tensors=tensors, pattern=f"{', '.join(' '.join(p) for p in parts)} -> {' '.join(out)}")
