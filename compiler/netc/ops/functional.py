"""Rows of functions of `torch.nn.functional`: dropout, attention, norms with given weights, similarities, sampling."""

from __future__ import annotations

from dataclasses import replace

from netc.ops import rules as r
from netc.ops.functions import function, functional, need_int, need_one_dtype, need_rank
from netc.ops.modules import chosen, positive_all, probability
from netc.ops.normalization import local_response_norm
from netc.ops.op import Op, Problem, Rule, Use, axis_of
from netc.shapes import Shape, product, shape_text
from netc.tensors import TensorType, Type

# --- what differs in training ------------------------------------------------------------------------------------


def dropout(*ranks: int) -> Rule:
    """As the input, a part `p` of it 0 in training; whole channels of `[N, C, …]` where the axes are counted."""

    def rule(use: Use) -> Type:
        x = r.need_float(use, "input")
        if ranks:
            need_rank(use, "input", *ranks)
        probability(use, "p")
        return x

    return rule


def rrelu(use: Use) -> Type:
    """As the input; negative numbers times a random slope between `lower` and `upper` in training."""
    if use["lower"] > use["upper"]:
        raise Problem("argument-type", f"`rrelu`: lower {use['lower']} is above upper {use['upper']}", "lower", "upper")
    return r.need_float(use, "input")


# --- attention ---------------------------------------------------------------------------------------------------


def attention(use: Use) -> Type:
    """`[…, L, E]`, `[…, S, E]` and `[…, S, V]` to `[…, L, V]`.

    Stricter than torch: the axes before must be equal, not broadcast.
    Source: torch's documentation of `scaled_dot_product_attention`, "Shape".
    """
    q, k, v = (r.need_float(use, name) for name in ("query", "key", "value"))
    need_one_dtype(use, "query", "key", "value")
    probability(use, "dropout_p")
    if not q.rank == k.rank == v.rank or q.rank < 2:
        raise Problem("rank", f"`{use.op.name}` needs as many axes in each, at least 2, and gets {r.listed_shapes([q, k, v])}",
                      "query", "key", "value")  # fmt: skip
    if q.shape[-1] != k.shape[-1]:
        raise Problem("shape-mismatch", f"`{use.op.name}`: the last axes of query {q} and key {k} must be equal", "query", "key")
    if k.shape[-2] != v.shape[-2]:
        raise Problem("shape-mismatch", f"`{use.op.name}`: key {k} and value {v} must have as many places", "key", "value")
    _check_heads(use, q, k, v)
    _check_mask(use, q, k)
    return q.with_shape((*q.shape[:-1], v.shape[-1]))


def _check_heads(use: Use, q: TensorType, k: TensorType, v: TensorType) -> None:
    """Equal axes before the last two; with `enable_gqa` the heads of the query are a multiple of the others'."""
    shapes = [x.shape[:-2] for x in (q, k, v)]
    if use["enable_gqa"]:
        if q.rank < 3 or any(q.shape[-3] % x.shape[-3] != 0 for x in (k, v)):
            raise Problem("bad-size", f"`{use.op.name}`: the heads of query {q} do not divide by those of key {k} and value {v}",
                          "query", "key", "value")  # fmt: skip
        shapes = [shape[:-1] for shape in shapes]
    if len(set(shapes)) > 1:
        raise Problem("shape-mismatch", f"`{use.op.name}` needs equal axes before the last two, and gets {r.listed_shapes([q, k, v])}",
                      "query", "key", "value")  # fmt: skip


def _check_mask(use: Use, q: TensorType, k: TensorType) -> None:
    """A mask of bools, or of floats of the query's dtype, that stretches to `[…, L, S]`."""
    if use["attn_mask"] is None:
        return
    mask, scores = use.tensor("attn_mask"), (*q.shape[:-1], k.shape[-2])
    if use["is_causal"]:
        raise Problem("argument-type", f"`{use.op.name}`: attn_mask and is_causal do not go together", "is_causal", "attn_mask")
    if mask.rank < 2:
        raise Problem("rank", f"`{use.op.name}` needs attn_mask of at least 2 axes, [L, S], and gets {mask}", "attn_mask")
    if mask.dtype not in ("bool", q.dtype):
        raise Problem("dtype", f"`{use.op.name}`: attn_mask must be bool or {q.dtype}, and is {mask}", "attn_mask")
    if r.broadcast(use.op.name, mask.shape, scores, "attn_mask", "query", "key") != scores:
        raise Problem("shape-mismatch", f"`{use.op.name}`: attn_mask {mask} does not stretch to {shape_text(scores)}",
                      "attn_mask", "query", "key")  # fmt: skip


# --- norms and similarities --------------------------------------------------------------------------------------


def linear(use: Use) -> Type:
    """`[…, in]` with weight `[out, in]` and bias `[out]` to `[…, out]`; with weight `[in]` to `[…]`."""
    x, weight = r.need_float(use, "input"), need_rank(use, "weight", 1, 2)
    need_one_dtype(use, "input", "weight", "bias")
    if not x.rank or x.shape[-1] != weight.shape[-1]:
        raise Problem("shape-mismatch", f"`linear` of {x}: the last axis does not fit the weight {weight}", "input", "weight")
    _need_shape(use, "bias", weight.shape[:-1])
    if weight.rank == 1 and use["bias"] is not None:
        raise Problem("argument-type", f"`linear`: a bias does not go with a weight of one axis, {weight}", "bias", "weight")
    return x.with_shape((*x.shape[:-1], *weight.shape[:-1]))


def _need_shape(use: Use, name: str, shape: Shape) -> None:
    """An optional tensor must have this shape."""
    if use[name] is not None and use.tensor(name).shape != shape:
        raise Problem("shape-mismatch", f"`{use.op.name}`: {name} must be {shape_text(shape)}, and is {use.tensor(name)}", name, "input")


def layer_norm(use: Use) -> Type:
    """As the input, whose last axes are `normalized_shape`, as are weight and bias."""
    x, shape = r.need_float(use, "input"), tuple(use["normalized_shape"])
    if not shape or x.shape[-len(shape) :] != shape:
        raise Problem("shape-mismatch", f"`{use.op.name}` of {x}: the last axes are not {shape_text(shape)}", "normalized_shape", "input")
    names = [name for name in ("weight", "bias") if name in use.values]
    need_one_dtype(use, "input", *names)
    for name in names:
        _need_shape(use, name, shape)
    return x


def group_norm(use: Use) -> Type:
    """`[N, C, …]` as it is; weight and bias are `[C]`."""
    x, groups = r.need_float(use, "input"), use.number("num_groups")
    if x.rank < 2:
        raise Problem("rank", f"`group_norm` needs at least two axes, [N, C, …], and gets {x}", "input")
    if x.shape[1] % groups != 0:
        raise Problem("bad-size", f"`group_norm` of {x}: {x.shape[1]} channels do not divide by num_groups={groups}", "num_groups", "input")
    if product((x.shape[0] * x.shape[1] // groups, *x.shape[2:])) == 1:
        raise Problem("bad-size", f"`group_norm` of {x}: a single number has no variance", "input")
    need_one_dtype(use, "input", "weight", "bias")
    for name in ("weight", "bias"):
        _need_shape(use, name, (x.shape[1],))
    return x


def over_axis(name: str = "input") -> Rule:
    """As a float tensor, which has the axis `dim`."""

    def rule(use: Use) -> Type:
        x = r.need_float(use, name)
        axis_of(use, x)
        return x

    return rule


def cosine_similarity(use: Use) -> Type:
    """One number for every pair of vectors along `dim`; the tensors broadcast."""
    a, b = r.need_float(use, "x1"), r.need_float(use, "x2")
    both = TensorType(r.broadcast(use.op.name, a.shape, b.shape, "x1", "x2"), r.result_dtype([a, b]))
    chosen(use, "eps", use["eps"] >= 0, "0 or more")
    axis = axis_of(use, both)
    return both.with_shape(both.shape[:axis] + both.shape[axis + 1 :])


def pairwise_distance(use: Use) -> Type:
    """The norm of the differences along the last axis; the tensors broadcast."""
    a, b = r.need_float(use, "x1"), r.need_float(use, "x2")
    shape = r.broadcast(use.op.name, a.shape, b.shape, "x1", "x2")
    if not shape:
        raise Problem("rank", f"`{use.op.name}` needs at least one axis, and gets {a} and {b}", "x1", "x2")
    return TensorType((*shape[:-1], *([1] if use["keepdim"] else [])), r.result_dtype([a, b]))


# --- sampling ----------------------------------------------------------------------------------------------------


def _need_corners(use: Use) -> None:
    if use["align_corners"] is None:
        raise Problem("missing-argument", f"`{use.op.name}` needs align_corners, `true` or `false`",
                      hint="`false` is what torch does, with a warning, where nothing is said")  # fmt: skip


def grid_sample(use: Use) -> Type:
    """`[N, C, H, W]` at the places of a grid `[N, H2, W2, 2]` to `[N, C, H2, W2]`; or with one axis more."""
    x, grid = r.need_float(use, "input"), r.need_float(use, "grid")
    need_rank(use, "input", 4, 5)
    _need_corners(use)
    need_one_dtype(use, "input", "grid")
    if grid.rank != x.rank or grid.shape[0] != x.shape[0] or grid.shape[-1] != x.rank - 2:
        wanted = f"[{x.shape[0]}, {'H2, W2' if x.rank == 4 else 'D2, H2, W2'}, {x.rank - 2}]"
        raise Problem("shape-mismatch", f"`grid_sample` of {x} needs a grid {wanted}, and gets {grid}", "grid", "input")
    if use["mode"] == "bicubic" and x.rank == 5:
        raise Problem("rank", f'`grid_sample` with mode="bicubic" needs 4 axes, and gets {x}', "mode", "input")
    return x.with_shape((*x.shape[:2], *grid.shape[1:-1]))


def affine_grid(use: Use) -> Type:
    """Matrices `[N, 2, 3]` and a size `[N, C, H, W]` to a grid `[N, H, W, 2]`; or with one axis more."""
    theta, size = r.need_float(use, "theta"), tuple(use["size"])
    _need_corners(use)
    axes = len(size) - 2
    if axes not in (2, 3):
        raise Problem("argument-type", f"`affine_grid`: size has 4 or 5 entries, and is {shape_text(size)}", "size")
    positive_all(use, size=[n for n in size if isinstance(n, int)])
    if theta.shape != (size[0], axes, axes + 1):
        wanted = shape_text((size[0], axes, axes + 1))
        raise Problem("shape-mismatch", f"`affine_grid` to {shape_text(size)} needs theta {wanted}, and gets {theta}", "theta", "size")
    return theta.with_shape((size[0], *size[2:], axes))


def multinomial(use: Use) -> Type:
    """`[…, K]` weights to `int64[…, num_samples]`, each a place drawn in proportion."""
    x, count = r.need_float(use, "input"), use.number("num_samples")
    need_rank(use, "input", 1, 2)
    if not use["replacement"] and need_int(use, x.shape[-1], "the number of places", "input") < count:
        raise Problem("bad-size", f"`multinomial` of {x} cannot draw {count} places without replacement", "num_samples", "input")
    return TensorType((*x.shape[:-1], count), "int64")


DROPOUT = "input: tensor, p: float = 0.5, *training: mode"
PAIR = "x1: tensor, x2: tensor"
WEIGHTED = "weight: tensor? = none, bias: tensor? = none, eps: float = 1e-05"

ROWS: list[Op] = [
    *(functional(n, DROPOUT, dropout()) for n in ("dropout", "alpha_dropout", "feature_alpha_dropout")),
    functional("dropout1d", DROPOUT, dropout(2, 3)),
    functional("dropout2d", DROPOUT, dropout(4)),
    functional("dropout3d", DROPOUT, dropout(4, 5)),
    functional("rrelu", "input: tensor, lower: float = 0.125, upper: float = 0.3333333333333333, *training: mode", rrelu),
    functional("scaled_dot_product_attention", "query: tensor, key: tensor, value: tensor, attn_mask: tensor? = none, "
               "dropout_p: training_rate = 0.0, is_causal: bool = false, scale: float? = none, enable_gqa: bool = false", attention),
    functional("linear", "input: tensor, weight: tensor, bias: tensor? = none", linear),
    functional("layer_norm", f"input: tensor, normalized_shape: sizes, {WEIGHTED}", layer_norm),
    functional("rms_norm", "input: tensor, normalized_shape: sizes, weight: tensor? = none, eps: float? = none", layer_norm),
    functional("group_norm", f"input: tensor, num_groups: int, {WEIGHTED}", group_norm),
    functional("local_response_norm", "input: tensor, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0",
               local_response_norm),
    functional("normalize", "input: tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12", over_axis()),
    functional("gumbel_softmax", "logits: tensor, tau: float = 1, hard: bool = false, dim: int = -1", over_axis("logits")),
    replace(functional("cosine_similarity", f"{PAIR}, dim: int = 1, eps: float = 1e-08", cosine_similarity), stretches=True),
    replace(functional("pairwise_distance", f"{PAIR}, p: float = 2.0, eps: float = 1e-06, keepdim: bool = false", pairwise_distance),
            stretches=True),
    functional("grid_sample", "input: tensor, grid: tensor, mode: bilinear|nearest|bicubic = bilinear, "
               "padding_mode: zeros|border|reflection = zeros, align_corners: bool? = none", grid_sample),
    functional("affine_grid", "theta: tensor, size: sizes, align_corners: bool? = none", affine_grid),
    function("multinomial", "input: tensor, num_samples: int, replacement: bool = false", multinomial),
]  # fmt: skip
