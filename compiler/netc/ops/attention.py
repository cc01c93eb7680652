"""Rows of attention and the layers of transformers. Source of the shapes: torch's documentation of `MultiheadAttention`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netc.ops.modules import MOST_LAYERS, chosen, layer, of_shape, probability, under, weighted
from netc.ops.op import Problem, Use
from netc.shapes import Shape, Size
from netc.tensors import TensorType, Type

NOTHING: Type = ()  # the type of what torch gives as None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence as attention sees it: `[length, features]`, with a batch `[batch, length, features]` in either order."""

    kind: TensorType
    batch: tuple[Size, ...]
    length: Size


def sequence(use: Use, name: str, features: Size | None = None, like: Sequence | None = None, what: str = "features") -> Sequence:
    """A tensor argument as a sequence: of so many features in its last axis, in batches as another is."""
    x = weighted(use, name)
    if x.rank not in (2, 3):
        wanted = "[N, T, features]" if use["batch_first"] else "[T, N, features]"
        raise Problem("rank", f"`{use.op.name}` needs 3 axes, {wanted}, and gets {x}", name)
    at = 0 if use["batch_first"] else 1
    found = Sequence(x, (x.shape[at],) if x.rank == 3 else (), x.shape[0] if x.rank == 2 else x.shape[1 - at])
    if features is not None and x.shape[-1] != features:
        raise Problem("shape-mismatch", f"`{use.op.name}` needs {features} {what} in {name}, and gets {x}", name,
                      hint=f"project them: `-> Linear({features})`")  # fmt: skip
    if like is not None and found.batch != like.batch:
        axis = f"axis {at} is the batch, as batch_first is {'true' if use['batch_first'] else 'false'}"
        raise Problem("shape-mismatch", f"`{use.op.name}` needs one batch, and gets {like.kind} and {x}", name, hint=axis)
    return found


def heads_of(use: Use, features: int, name: str) -> int:
    """The number of heads, among which the features are divided."""
    heads = use.number(name)
    if features % heads:
        raise Problem("bad-size", f"`{use.op.name}`: {features} features do not divide by {name}={heads}", name)
    return heads


def mask(use: Use, name: str, *shapes: Shape) -> None:
    """A mask is bool, or float and added; of one of these shapes."""
    if use[name] is None:
        return
    x = of_shape(use, name, *shapes)
    if x.dtype not in ("bool", "float32"):
        raise Problem("dtype", f"`{use.op.name}`: {name} must be bool or float32, and is {x}", name, hint="`-> bool` makes it a bool mask")


def score_mask(use: Use, name: str, heads: int, to: Sequence, of: Sequence) -> None:
    """A mask of what may look where: `[to, of]`, or one a head and entry of the batch."""
    batch: Size = to.batch[0] if to.batch else 1
    mask(use, name, (to.length, of.length), (batch * heads, to.length, of.length))


def key_mask(use: Use, name: str, of: Sequence, partner: str) -> None:
    """A mask of the steps that are only padding, `[batch, of]`; a second mask beside it has the same dtype."""
    mask(use, name, (*of.batch, of.length))
    if use[name] is not None and use[partner] is not None and use.tensor(name).dtype != use.tensor(partner).dtype:
        kinds = f"{use.tensor(name)} and {use.tensor(partner)}"
        raise Problem("dtype", f"`{use.op.name}` needs {name} and {partner} of one dtype, and gets {kinds}", name, partner)


def causal(use: Use, flag: str, name: str) -> None:
    """`is_causal` only says that the mask is causal; torch needs the mask all the same."""
    if use[flag] and use[name] is None:
        raise Problem("missing-argument", f"`{use.op.name}`: {flag} says that {name} is causal, and there is no {name}", flag,
                      hint=f"give it as {name}=…; `scaled_dot_product_attention(q, k, v, is_causal=true)` needs none")  # fmt: skip


# --- attention ----------------------------------------------------------------------------------------------------


def attention(use: Use) -> Type:
    """`(output, weights)`: the output is as the query, the weights `[N, L, S]`; without `need_weights` there are none."""
    query = sequence(use, "query")
    features = use.infer("embed_dim", query.kind.shape[-1])
    heads = heads_of(use, features, "num_heads")
    probability(use, "dropout")
    key, value = (sequence(use, name, like=query) for name in ("key", "value"))
    if key.length != value.length:
        raise Problem("shape-mismatch", f"`{use.op.name}` needs as many keys as values, and gets {key.kind} and {value.kind}",
                      "key", "value")  # fmt: skip
    for name, given in (("kdim", key), ("vdim", value)):
        width = given.kind.shape[-1]
        use.infer(name, width if use[name] is not None or width != features else None)
    score_mask(use, "attn_mask", heads, query, key)
    key_mask(use, "key_padding_mask", key, "attn_mask")
    causal(use, "is_causal", "attn_mask")
    if not use["need_weights"]:
        return query.kind, NOTHING
    several = () if use["average_attn_weights"] else (heads,)
    total = key.length + use["add_bias_kv"] + use["add_zero_attn"]
    return query.kind, TensorType((*query.batch, *several, query.length, total))


def attention_weights(use: Use) -> Mapping[str, Shape]:
    """One matrix for queries, keys and values where all have the features of the query, else three."""
    return _attention(use["embed_dim"], use["bias"], use["kdim"], use["vdim"], use["add_bias_kv"])


def _attention(width: int, bias: bool, kdim: int | None = None, vdim: int | None = None, bias_kv: bool = False) -> dict[str, Shape]:
    found: dict[str, Shape] = {"in_proj_weight": (3 * width, width)}
    if (kdim or width, vdim or width) != (width, width):
        found = {"q_proj_weight": (width, width), "k_proj_weight": (width, kdim or width), "v_proj_weight": (width, vdim or width)}
    if bias:
        found["in_proj_bias"] = (3 * width,)
    if bias_kv:
        found |= {"bias_k": (1, 1, width), "bias_v": (1, 1, width)}
    return found | under("out_proj", _affine((width, width), bias))


def _affine(weight: Shape, bias: bool) -> dict[str, Shape]:
    return {"weight": weight, "bias": weight[:1]} if bias else {"weight": weight}


# --- transformers -------------------------------------------------------------------------------------------------


def _settings(use: Use, features: Size) -> int:
    """Checks what all transformer layers are made with, and gives the number of heads."""
    use.infer("d_model", features)
    use.number("dim_feedforward")
    probability(use, "dropout")
    return heads_of(use, use["d_model"], "nhead")


def encoder_layer(use: Use) -> Type:
    """As `src`: attention of the sequence to itself, then two linear layers."""
    src = sequence(use, "src")
    heads = _settings(use, src.kind.shape[-1])
    score_mask(use, "src_mask", heads, src, src)
    key_mask(use, "src_key_padding_mask", src, "src_mask")
    causal(use, "is_causal", "src_mask")
    return src.kind


def decoder_layer(use: Use) -> Type:
    """As `tgt`: attention to itself, then to `memory`, then two linear layers."""
    tgt = sequence(use, "tgt")
    heads = _settings(use, tgt.kind.shape[-1])
    memory = sequence(use, "memory", tgt.kind.shape[-1], tgt)
    _decoder_masks(use, heads, tgt, memory)
    return tgt.kind


def _decoder_masks(use: Use, heads: int, tgt: Sequence, memory: Sequence) -> None:
    for name, of in (("tgt", tgt), ("memory", memory)):
        score_mask(use, f"{name}_mask", heads, tgt, of)
        key_mask(use, f"{name}_key_padding_mask", of, f"{name}_mask")
        causal(use, f"{name}_is_causal", f"{name}_mask")


def transformer(use: Use) -> Type:
    """As `tgt`: `src` through the encoder, `tgt` and what comes out through the decoder."""
    src = sequence(use, "src")
    heads = _settings(use, src.kind.shape[-1])
    for name in ("num_encoder_layers", "num_decoder_layers"):
        use.number(name)
    tgt = sequence(use, "tgt", src.kind.shape[-1], src)
    score_mask(use, "src_mask", heads, src, src)
    key_mask(use, "src_key_padding_mask", src, "src_mask")
    causal(use, "src_is_causal", "src_mask")
    _decoder_masks(use, heads, tgt, src)
    return tgt.kind


def _stack(use: Use, *attentions: str) -> dict[str, Shape]:
    """The parameters of one transformer layer with these attentions."""
    width, inner, bias = use["d_model"], use["dim_feedforward"], use["bias"]
    found: dict[str, Shape] = {}
    for name in attentions:
        found |= under(name, _attention(width, bias))
    found |= under("linear1", _affine((inner, width), bias)) | under("linear2", _affine((width, inner), bias))
    for i in range(len(attentions) + 1):
        found |= under(f"norm{i + 1}", _affine((width,), bias))
    return found


def encoder_layer_weights(use: Use) -> Mapping[str, Shape]:
    """One attention, two linear layers, two normalisations."""
    return _stack(use, "self_attn")


def decoder_layer_weights(use: Use) -> Mapping[str, Shape]:
    """Two attentions, two linear layers, three normalisations."""
    return _stack(use, "self_attn", "multihead_attn")


def transformer_weights(use: Use) -> Mapping[str, Shape]:
    """The layers of encoder and decoder, and behind each a normalisation."""
    found: dict[str, Shape] = {}
    for name, one in (("encoder", encoder_layer_weights(use)), ("decoder", decoder_layer_weights(use))):
        chosen(use, f"num_{name}_layers", use[f"num_{name}_layers"] <= MOST_LAYERS, f"at most {MOST_LAYERS}")
        for i in range(use[f"num_{name}_layers"]):
            found |= under(f"{name}.layers.{i}", one)
        found |= under(f"{name}.norm", _affine((use["d_model"],), use["bias"]))
    return found


LAYER = (
    "dim_feedforward: int = 2048, dropout: float = 0.1, activation: relu|gelu = relu, layer_norm_eps: float = 1e-05, "
    "batch_first: bool = false, norm_first: bool = false, bias: bool = true"
)


def _masks(*names: str) -> str:
    return ", ".join(f"{name}: tensor? = none" for name in names)


ROWS = [
    layer("MultiheadAttention",
          "*embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = true, add_bias_kv: bool = false, "
          "add_zero_attn: bool = false, *kdim: int? = none, *vdim: int? = none, batch_first: bool = false",
          attention, attention_weights,
          f"query: tensor, key: tensor, value: tensor, {_masks('key_padding_mask')}, need_weights: bool = true, {_masks('attn_mask')}, "
          "average_attn_weights: bool = true, is_causal: bool = false"),
    layer("TransformerEncoderLayer", f"*d_model: int, nhead: int, {LAYER}", encoder_layer, encoder_layer_weights,
          f"src: tensor, {_masks('src_mask', 'src_key_padding_mask')}, is_causal: bool = false"),
    layer("TransformerDecoderLayer", f"*d_model: int, nhead: int, {LAYER}", decoder_layer, decoder_layer_weights,
          f"tgt: tensor, memory: tensor, {_masks('tgt_mask', 'memory_mask', 'tgt_key_padding_mask', 'memory_key_padding_mask')}, "
          "tgt_is_causal: bool = false, memory_is_causal: bool = false"),
    layer("Transformer", f"*d_model: int, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6, {LAYER}",
          transformer, transformer_weights,
          f"src: tensor, tgt: tensor, {_masks('src_mask', 'tgt_mask', 'memory_mask', 'src_key_padding_mask', 'tgt_key_padding_mask')}, "
          f"{_masks('memory_key_padding_mask')}, src_is_causal: bool? = none, tgt_is_causal: bool? = none, memory_is_causal: bool = false"),
]  # fmt: skip
