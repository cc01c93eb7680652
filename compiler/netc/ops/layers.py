"""Rows of layers of no larger family: linear ones, embeddings, dropouts, distances, and changes of shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netc.ops.modules import chosen, layer, of_shape, part, probability, weighted, with_bias
from netc.ops.op import Problem, Rule, Use, axis_of
from netc.ops.rules import broadcast, flatten, float_only, need_float, same
from netc.shapes import Shape
from netc.tensors import TensorType, Type

# --- linear -------------------------------------------------------------------------------------------------------


def linear(use: Use) -> Type:
    """`[…, in_features]` to `[…, out_features]`."""
    x = weighted(use)
    if not x.rank:
        raise Problem("rank", "`Linear` needs at least one axis, and gets a single number", "input")
    use.infer("in_features", x.shape[-1])
    return x.with_axis(-1, use.number("out_features"))


def linear_weights(use: Use) -> Mapping[str, Shape]:
    """`weight` of [out_features, in_features], and `bias`."""
    return with_bias(use, (use["out_features"], use["in_features"]))


def bilinear(use: Use) -> Type:
    """`[…, in1_features]` and `[…, in2_features]` to `[…, out_features]`."""
    a, b = weighted(use, "input1"), weighted(use, "input2")
    if not a.rank or not b.rank or a.shape[:-1] != b.shape[:-1]:
        raise Problem("shape-mismatch", f"`Bilinear` needs equal shapes but for the last axis, and gets {a} and {b}", "input1", "input2")
    use.infer("in1_features", a.shape[-1])
    use.infer("in2_features", b.shape[-1])
    return a.with_axis(-1, use.number("out_features"))


def bilinear_weights(use: Use) -> Mapping[str, Shape]:
    """`weight` of [out_features, in1_features, in2_features], and `bias`."""
    return with_bias(use, (use["out_features"], use["in1_features"], use["in2_features"]))


# --- embeddings ---------------------------------------------------------------------------------------------------


def looked_up(use: Use, name: str = "input") -> TensorType:
    """The type of a tensor of whole numbers that are looked up in a table of a valid size."""
    x = use.tensor(name)
    if x.dtype not in ("int32", "int64"):
        raise Problem("dtype", f"`{use.op.name}` looks up whole numbers, and gets {x}", name,
                      hint="declare the input as int64, e.g. `input x: int64[B, T]`")  # fmt: skip
    count, index = use.number("num_embeddings"), use["padding_idx"]
    chosen(use, "padding_idx", index is None or -count <= index < count, f"an entry of the {count}")
    return x


def embedding(use: Use) -> Type:
    """`int64[…]`, entries below num_embeddings, to `[…, embedding_dim]`."""
    return TensorType((*looked_up(use).shape, use.number("embedding_dim")))


def embedding_bag(use: Use) -> Type:
    """`int64[N, L]` to `[N, embedding_dim]`; a flat `int64[L]` in bags that begin at `offsets`.

    Source: torch's documentation of `EmbeddingBag`.
    """
    x = looked_up(use)
    chosen(use, "mode", use["mode"] != "max" or not (use["scale_grad_by_freq"] or use["sparse"]),
           '"sum" or "mean" with scale_grad_by_freq or sparse')  # fmt: skip
    if x.rank not in (1, 2):
        raise Problem("rank", f"`{use.op.name}` needs [N, L], or a flat [L] with offsets, and gets {x}", "input")
    _bag_weights(use, x)
    size = use.number("embedding_dim")
    if (x.rank == 1) == (use["offsets"] is None):
        words = "where each bag begins in a flat input" if x.rank == 1 else "a flat input, as each row is a bag"
        raise Problem("missing-argument", f"`{use.op.name}` of {x} needs {words}: offsets", "offsets", "input")
    if x.rank == 2:
        return TensorType((x.shape[0], size))
    offsets = use.tensor("offsets")
    if offsets.rank != 1 or offsets.dtype != x.dtype:
        raise Problem("shape-mismatch", f"`{use.op.name}` needs offsets {x.dtype}[N], and gets {offsets}", "offsets", "input")
    return TensorType((offsets.shape[0] - use["include_last_offset"], size))


def _bag_weights(use: Use, x: TensorType) -> None:
    if use["per_sample_weights"] is None:
        return
    chosen(use, "mode", use["mode"] == "sum", '"sum" with per_sample_weights')
    of_shape(use, "per_sample_weights", x.shape)
    weighted(use, "per_sample_weights")


def embedding_weights(use: Use) -> Mapping[str, Shape]:
    """A row of `embedding_dim` numbers for every entry."""
    return {"weight": (use["num_embeddings"], use["embedding_dim"])}


# --- dropouts -----------------------------------------------------------------------------------------------------


def dropout(use: Use) -> Type:
    """As the input; `p` is a probability."""
    probability(use, "p")
    return float_only(use)


def dropout_channels(*ranks: int) -> Rule:
    """As the input, `[N, C, …]` of as many axes as one of `ranks`, of which whole channels are dropped.

    Source: `torch.nn.functional.dropout2d`, which takes other ranks too but warns that it will not.
    """

    def rule(use: Use) -> Type:
        probability(use, "p")
        x = need_float(use, "input")
        if x.rank not in ranks:
            hint = "`Dropout1d` drops the channels of [N, C, L]" if x.rank == 3 else "`Dropout` takes any shape"
            raise Problem("rank", f"`{use.op.name}` needs {' or '.join(map(str, ranks))} axes, and gets {x}", "input", hint=hint)
        return x

    return rule


# --- distances ----------------------------------------------------------------------------------------------------


def distance(use: Use) -> Type:
    """One number for each pair of vectors along `dim`. Other axes may be 1 in one of the two, to pair all with all."""
    a, b = need_float(use, "x1"), need_float(use, "x2")
    dim = use.values.get("dim", -1)
    if not a.rank or a.rank != b.rank:
        raise Problem("shape-mismatch", f"`{use.op.name}` needs as many axes in each, and gets {a} and {b}", "x1", "x2",
                      hint="`unsqueeze` gives one more axis, of size 1")  # fmt: skip
    if a.dtype != b.dtype:
        raise Problem("dtype", f"`{use.op.name}` needs one dtype, and gets {a} and {b}", "x1", "x2")
    if not -a.rank <= dim < a.rank:
        raise Problem("axis", f"`{use.op.name}` on {a}: there is no axis {dim}", "dim", "x1")
    if a.shape[dim] != b.shape[dim]:
        raise Problem("shape-mismatch", f"`{use.op.name}` compares vectors along axis {dim}, and gets {a} and {b}", "x1", "x2")
    chosen(use, "eps", use.op.name == "PairwiseDistance" or use["eps"] >= 0, "0 or more")
    axis, shape = dim % a.rank, broadcast(use.op.name, a.shape, b.shape, "x1", "x2")
    kept = (1,) if use.values.get("keepdim") else ()
    return a.with_shape((*shape[:axis], *kept, *shape[axis + 1 :]))


# --- shapes -------------------------------------------------------------------------------------------------------


def unflatten(use: Use) -> Type:
    """The axis `dim` as several of `unflattened_size`, of which one may be -1."""
    x = use.tensor("input")
    axis = axis_of(use, x)
    sizes: list[int] = use["unflattened_size"]
    known, size = 1, x.shape[axis]
    for n in sizes:
        known *= 1 if n == -1 else n
    if not sizes or sizes.count(-1) > 1 or any(n < -1 or n == 0 for n in sizes):
        raise Problem("bad-size", f"`{use.op.name}`: unflattened_size has positive sizes and at most one -1", "unflattened_size")
    rest = size
    if -1 in sizes:
        rest = part(use, size, known, f"axis {axis} of {x}", "unflattened_size", "input")
    elif size != known:
        raise Problem("shape-mismatch", f"`{use.op.name}` of {x}: axis {axis} has {size} entries, not {known}", "unflattened_size", "input")
    return x.with_shape((*x.shape[:axis], *(rest if n == -1 else n for n in sizes), *x.shape[axis + 1 :]))


BAG = (
    "num_embeddings: int, embedding_dim: int, max_norm: float? = none, norm_type: float = 2.0, scale_grad_by_freq: bool = false, "
    "mode: mean|sum|max = mean, sparse: bool = false, include_last_offset: bool = false, padding_idx: int? = none"
)
RATE = "p: float = 0.5, inplace: bool = false"

ROWS = [
    layer("Identity", "", same),
    layer("Linear", "*in_features: int, out_features: int, bias: bool = true", linear, linear_weights),
    layer("Bilinear", "*in1_features: int, *in2_features: int, out_features: int, bias: bool = true", bilinear, bilinear_weights,
          "input1: tensor, input2: tensor"),
    layer("Embedding", "num_embeddings: int, embedding_dim: int, padding_idx: int? = none, max_norm: float? = none, "
          "norm_type: float = 2.0, scale_grad_by_freq: bool = false, sparse: bool = false", embedding, embedding_weights),
    layer("EmbeddingBag", BAG, embedding_bag, embedding_weights,
          "input: tensor, offsets: tensor? = none, per_sample_weights: tensor? = none"),
    *(layer(name, RATE, dropout) for name in ("Dropout", "AlphaDropout", "FeatureAlphaDropout")),
    layer("Dropout1d", RATE, dropout_channels(2, 3)),
    layer("Dropout2d", RATE, dropout_channels(4)),
    layer("Dropout3d", RATE, dropout_channels(4, 5)),
    replace(layer("CosineSimilarity", "dim: int = 1, eps: float = 1e-08", distance, inputs="x1: tensor, x2: tensor"), stretches=True),
    replace(layer("PairwiseDistance", "p: float = 2.0, eps: float = 1e-06, keepdim: bool = false", distance,
            inputs="x1: tensor, x2: tensor"), stretches=True),
    layer("Flatten", "start_dim: int = 1, end_dim: int = -1", flatten),
    layer("Unflatten", "dim: int, unflattened_size: ints", unflatten),
]  # fmt: skip
