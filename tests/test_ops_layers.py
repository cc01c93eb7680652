"""Rows of layers on drawn arguments and shapes: what torch takes netc takes, with the same shapes and parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import netc
from netc.diagnostics import Diagnostic
from netc.infer import Inferred
from netc.ops import TABLE
from netc.shapes import Dim
from netc.tensors import TensorType, type_text
from tests.fuzz import cases
from tests.op_checks import infer_case, outcome

Case = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

SMALL = st.integers(1, 4)
FLAG = st.booleans()
AXES = st.sampled_from([1, 2, 3])

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with proj", "ignore:enable_nested_tensor", "ignore:Using padding=")


def image(draw: Draw, axes: int, channels: int = 2, least: int = 1, most: int = 7) -> tuple[tuple[int, ...], str]:
    """A float tensor [N, C, …], or without a batch [C, …]."""
    sizes = draw(st.lists(st.integers(least, most), min_size=axes, max_size=axes))
    return (*((2,) if draw(FLAG) else ()), channels, *sizes), "float32"


def some(draw: Draw, **options: st.SearchStrategy[Any]) -> Case:
    """Some of these arguments, the others left out."""
    return {name: draw(strategy) for name, strategy in options.items() if draw(FLAG)}


def convolution(draw: Draw) -> tuple[str, Case]:
    axes = draw(AXES)
    mode = some(draw, padding_mode=st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    options = some(draw, stride=st.integers(1, 2), padding=st.sampled_from([0, 1, 2, 3, "same", "valid"]), dilation=st.integers(1, 3),
                   groups=st.sampled_from([1, 2, 3]), bias=FLAG)  # fmt: skip
    case = {"input": image(draw, axes), "out_channels": draw(st.sampled_from([2, 3])), "kernel_size": draw(SMALL)}
    return f"Conv{axes}d", case | mode | options | {"sizes": {"in_channels": 2}}


def transposed(draw: Draw) -> tuple[str, Case]:
    axes = draw(AXES)
    options = some(draw, stride=SMALL, padding=st.integers(0, 3), output_padding=st.integers(0, 3), dilation=SMALL,
                   groups=st.sampled_from([1, 2]), bias=FLAG)  # fmt: skip
    case = {"input": image(draw, axes), "out_channels": 4, "kernel_size": draw(SMALL), "sizes": {"in_channels": 2}} | options
    if draw(FLAG):
        case["output_size"] = draw(st.lists(st.integers(1, 12), min_size=axes, max_size=axes))
    return f"ConvTranspose{axes}d", case


def windows(draw: Draw) -> tuple[str, Case]:
    options = some(draw, stride=SMALL, padding=st.integers(0, 2), dilation=st.integers(1, 2))
    kernel = draw(st.lists(SMALL, min_size=2, max_size=2))
    if draw(FLAG):
        return "Unfold", {"input": image(draw, 2), "kernel_size": kernel} | options
    size = (draw(st.sampled_from([kernel[0] * kernel[1] * 2, 6])), draw(st.integers(1, 30)))
    return "Fold", {"input": (size, "float32"), "output_size": draw(st.integers(1, 7)), "kernel_size": kernel} | options


def padding(draw: Draw) -> tuple[str, Case]:
    kind, axes = draw(st.sampled_from(["Constant", "Zero", "Reflection", "Replication", "Circular"])), draw(AXES)
    amounts = draw(st.one_of(st.integers(0, 5), st.lists(st.integers(-1, 5), min_size=2 * axes, max_size=2 * axes)))
    return f"{kind}Pad{axes}d", {"input": image(draw, axes, least=3), "padding": amounts} | ({"value": 1.0} if kind == "Constant" else {})


def pooling(draw: Draw) -> tuple[str, Case]:
    axes = draw(AXES)
    name = draw(st.sampled_from(["MaxPool", "AvgPool", "LPPool"]))
    case: Case = {"input": image(draw, axes), "kernel_size": draw(SMALL)} | some(draw, stride=SMALL, ceil_mode=FLAG)
    case |= some(draw, padding=st.integers(0, 2)) if name != "LPPool" else {"norm_type": 2}
    case |= some(draw, dilation=st.integers(1, 3), return_indices=FLAG) if name == "MaxPool" else {}
    return f"{name}{axes}d", case


def adaptive(draw: Draw) -> tuple[str, Case]:
    axes = draw(AXES)
    name = draw(st.sampled_from(["AdaptiveAvgPool", "AdaptiveMaxPool"]))
    size = st.integers(1, 5) if axes == 1 else st.one_of(st.none(), st.integers(1, 5))
    case: Case = {"input": image(draw, axes), "output_size": draw(st.lists(size, min_size=axes, max_size=axes))}
    return f"{name}{axes}d", case | (some(draw, return_indices=FLAG) if name == "AdaptiveMaxPool" else {})


def fractional(draw: Draw) -> tuple[str, Case]:
    axes = draw(st.sampled_from([2, 3]))
    size, ratio = {"output_size": draw(SMALL)}, {"output_ratio": draw(st.sampled_from([0.3, 0.5, 0.9, 1.0]))}
    given = draw(st.sampled_from([size, size, ratio, ratio, size | ratio, {}]))
    case = {"input": image(draw, axes, least=3, most=9), "kernel_size": draw(st.integers(1, 3))}
    return f"FractionalMaxPool{axes}d", case | given | some(draw, return_indices=FLAG)


def unpooling(draw: Draw) -> tuple[str, Case]:
    axes = draw(AXES)
    x = image(draw, axes, least=2, most=4)
    case: Case = {"input": x, "indices": torch.zeros(x[0], dtype=torch.int64), "kernel_size": draw(SMALL)} | some(
        draw, stride=SMALL, padding=st.integers(0, 1)
    )
    if draw(FLAG):
        case["output_size"] = draw(st.lists(st.integers(2, 12), min_size=axes, max_size=axes))
    return f"MaxUnpool{axes}d", case


def normalisation(draw: Draw) -> tuple[str, Case]:
    name = draw(st.sampled_from(["BatchNorm", "InstanceNorm"]))
    axes, rank = draw(AXES), draw(st.integers(2, 5))
    x = (tuple([3, 4, *draw(st.lists(st.integers(1, 3), min_size=3, max_size=3))][:rank]), "float32")
    at = 0 if name == "InstanceNorm" and rank == axes + 1 else 1
    return f"{name}{axes}d", {"input": x, "sizes": {"num_features": x[0][at]}} | some(
        draw, affine=FLAG, track_running_stats=FLAG, bias=FLAG, momentum=st.sampled_from([None, 0.5]))  # fmt: skip


def group_norm(draw: Draw) -> tuple[str, Case]:
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 4, 6]), min_size=1, max_size=4)))
    sizes = {"num_channels": shape[1] if len(shape) > 1 else 1}
    return "GroupNorm", {"input": (shape, "float32"), "num_groups": draw(SMALL), "sizes": sizes} | some(draw, affine=FLAG, bias=FLAG)


def last_norm(draw: Draw) -> tuple[str, Case]:
    shape = draw(st.lists(SMALL, min_size=0, max_size=3))
    count = draw(st.integers(0, 3))
    case: Case = {"input": (tuple(shape), "float32"), "sizes": {"normalized_shape": shape[-1] if shape else 1}} | some(
        draw, elementwise_affine=FLAG)  # fmt: skip
    if count:
        case["normalized_shape"] = draw(st.sampled_from([shape[-count:], [3] * count]))
    return draw(st.sampled_from(["LayerNorm", "RMSNorm"])), case


def recurrent(draw: Draw) -> tuple[str, Case]:
    mode = draw(st.sampled_from(["RNN", "GRU", "LSTM"]))
    shape = (3, 3, 2, 2)[: draw(st.sampled_from([1, 2, 3, 3, 3, 4]))]
    case: Case = {"input": (shape, "float32"), "hidden_size": draw(st.sampled_from([0, 2, 3, 3])), "sizes": {"input_size": shape[-1]}}
    case |= some(draw, num_layers=st.sampled_from([0, 1, 2, 2, 2]), bidirectional=FLAG, batch_first=FLAG, bias=FLAG)
    case |= some(draw, dropout=st.sampled_from([0.0, 0.0, 0.5, 0.5, 2.0]))
    if mode == "LSTM":
        case |= some(draw, proj_size=st.sampled_from([0, 1, 2, 3]))
    if draw(FLAG):
        layers = case.get("num_layers", 1) * (2 if case.get("bidirectional") else 1)
        size = st.sampled_from([case["hidden_size"], case.get("proj_size", 0) or case["hidden_size"], 1])
        h, c = (((layers, *shape[1:-1], draw(size)), "float32") for _ in range(2))
        case["hx"] = [h, c] if mode == "LSTM" else h
    return mode, case


def cell(draw: Draw) -> tuple[str, Case]:
    mode = draw(st.sampled_from(["RNN", "GRU", "LSTM"]))
    shape = tuple(draw(st.lists(SMALL, min_size=1, max_size=3)))
    case: Case = {"input": (shape, "float32"), "hidden_size": 2, "sizes": {"input_size": shape[-1]}} | some(draw, bias=FLAG)
    if draw(FLAG):
        h, c = ((draw(st.sampled_from([(*shape[:-1], 2), (2,), (3, 2)])), "float32") for _ in range(2))
        case["hx"] = [h, c] if mode == "LSTM" else h
    return f"{mode}Cell", case


def attention(draw: Draw) -> tuple[str, Case]:
    rank, batch_first = draw(st.sampled_from([2, 3, 3])), draw(FLAG)

    def sequence(length: int, width: int, batch: int = 2) -> tuple[tuple[int, ...], str]:
        return ((length, width) if rank == 2 else (batch, length, width) if batch_first else (length, batch, width)), "float32"

    s = draw(st.integers(2, 3))
    case: Case = {"query": sequence(3, 4), "key": sequence(s, draw(st.sampled_from([4, 4, 2])), draw(st.sampled_from([2, 2, 2, 3]))),
                  "value": sequence(s, draw(st.sampled_from([4, 4, 2]))), "num_heads": draw(st.sampled_from([1, 2, 3])),
                  "batch_first": batch_first}  # fmt: skip
    case["sizes"] = {"embed_dim": 4, "kdim": case["key"][0][-1], "vdim": case["value"][0][-1]}
    kind = draw(st.sampled_from(["bool", "float32", "int64"]))
    case |= some(draw, add_bias_kv=FLAG, add_zero_attn=FLAG, bias=FLAG, need_weights=FLAG, average_attn_weights=FLAG, is_causal=FLAG)
    masks = [((3, s), kind), ((s, s), kind), ((4, 3, s), kind), ((2, 3, s), kind)]
    if case.get("is_causal") and case.get("need_weights") is False:
        masks = [((3, s), "bool")]  # torch does not look at it then, whatever it is; that netc does is among what is refused below
    case |= some(draw, attn_mask=st.sampled_from(masks))
    return "MultiheadAttention", case | some(draw, key_padding_mask=st.sampled_from([((2, s), kind), ((s,), kind), ((2, 3), "bool")]))


def embedding(draw: Draw) -> tuple[str, Case]:
    x = (tuple(draw(st.lists(SMALL, max_size=3))), draw(st.sampled_from(["int32", "int64", "float32", "bool"])))
    case: Case = {"input": x, "num_embeddings": 5, "embedding_dim": 3} | some(draw, padding_idx=st.sampled_from([0, -1, 4, 5, -6]))
    if draw(FLAG):
        return "Embedding", case
    case |= some(draw, mode=st.sampled_from(["sum", "mean", "max"]), sparse=FLAG)
    case |= some(draw, per_sample_weights=st.sampled_from([(x[0], "float32"), ((2, 2), "float32")]))
    return "EmbeddingBag", case


def pixels(draw: Draw) -> tuple[str, Case]:
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 4, 8, 9]), min_size=1, max_size=4)))
    name, argument = draw(st.sampled_from([("PixelShuffle", "upscale_factor"), ("PixelUnshuffle", "downscale_factor"),
                                           ("ChannelShuffle", "groups")]))  # fmt: skip
    return name, {"input": (shape, "float32"), argument: draw(st.integers(1, 3))}


def upsampling(draw: Draw) -> tuple[str, Case]:
    rank = draw(st.integers(3, 5))
    x = ((2, 2, *draw(st.lists(SMALL, min_size=3, max_size=3)))[: draw(st.sampled_from([2, rank, rank, rank]))], "float32")
    factor = st.sampled_from([0.3, 0.5, 1.5, 2, 1 / 3])
    count = st.sampled_from([rank - 2, rank - 2, 1])
    name, value = draw(st.sampled_from([("size", st.integers(1, 5)), ("scale_factor", factor)]))
    given = {name: draw(st.one_of(value, st.lists(value, min_size=draw(count), max_size=3)))}
    fitting = {3: "linear", 4: "bilinear", 5: "trilinear"}[rank]
    modes = st.sampled_from(["nearest", "nearest-exact", "area", fitting, fitting, fitting, "linear", "bicubic", "trilinear"])
    return "Upsample", {"input": x} | given | some(draw, mode=modes, align_corners=FLAG, recompute_scale_factor=FLAG)


def reshaping(draw: Draw) -> tuple[str, Case]:
    shape = (2, 4, 6)[: draw(st.integers(1, 3))]
    sizes = draw(st.sampled_from([[2, 3], [-1, 2], [2, -1, 1], [-1], [1, 2], [2, 2], [4, -1], [-1, -1], [2, 1, 3], []]))
    return "Unflatten", {"input": (shape, "float32"), "dim": draw(st.sampled_from([-3, -2, -1, -1, 0, 1, 3])), "unflattened_size": sizes}


def dropping(draw: Draw) -> tuple[str, Case]:
    x = (tuple(draw(st.lists(SMALL, min_size=1, max_size=5))), "float32")
    name = draw(st.sampled_from(["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"]))
    return name, {"input": x, "p": draw(st.sampled_from([0.0, 0.5, 1.0, 1.5, -0.1]))}


FAMILIES = [convolution, transposed, windows, padding, pooling, adaptive, fractional, unpooling, normalisation, group_norm, last_norm,
            recurrent, cell, attention, embedding, pixels, upsampling, reshaping, dropping]  # fmt: skip


@pytest.mark.hypothesis
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_family(family: Callable[[Draw], tuple[str, Case]]) -> None:
    accepted = []

    @cases(100)
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        name, case = family(data.draw)
        accepted.append(outcome(TABLE[name], case).check())

    agree()
    assert sum(accepted) >= 5, "too few of the drawn cases are good ones"


# --- named sizes --------------------------------------------------------------------------------------------------

B, T, S, H, W = (Dim.named(n) for n in "BTSHW")


def of(*shape: Any, dtype: str = "float32") -> TensorType:
    return TensorType(shape, dtype)


SEQUENCES = {"query": of(B, T, 8), "key": of(B, S, 8), "value": of(B, S, 8), "num_heads": 2, "batch_first": True}

NAMED: list[tuple[str, Case, str]] = [
    ("ConvTranspose2d", {"input": of(B, 3, H, W), "out_channels": 4, "kernel_size": 2, "stride": 2}, "[B, 4, 2*H, 2*W]"),
    ("ConvTranspose1d", {"input": of(B, 3, H // 2), "out_channels": 4, "kernel_size": 2, "stride": 2, "output_size": [H]}, "[B, 4, H]"),
    ("Unfold", {"input": of(B, 3, H * 4, 8), "kernel_size": 4, "stride": 4}, "[B, 48, 2*H]"),
    ("MaxPool2d", {"input": of(B, 3, H * 2, W * 2), "kernel_size": 2, "return_indices": True}, "([B, 3, H, W], int64[B, 3, H, W])"),
    ("AdaptiveAvgPool2d", {"input": of(B, 3, H, W), "output_size": [None, 1]}, "[B, 3, H, 1]"),
    ("ReflectionPad2d", {"input": of(B, 3, H, W), "padding": [1, 2, 3, 0]}, "[B, 3, H + 3, W + 3]"),
    ("BatchNorm2d", {"input": of(B, 3, H, W)}, "[B, 3, H, W]"),
    ("LSTM", {"input": of(B, T, 8), "hidden_size": 6, "batch_first": True, "bidirectional": True},
     "([B, T, 12], ([2, B, 6], [2, B, 6]))"),
    ("GRU", {"input": of(T, B, 8), "hidden_size": 6, "hx": of(1, B, 6)}, "([T, B, 6], [1, B, 6])"),
    ("MultiheadAttention", SEQUENCES, "([B, T, 8], [B, T, S])"),
    ("MultiheadAttention", SEQUENCES | {"need_weights": False, "key_padding_mask": of(B, S, dtype="bool")}, "([B, T, 8], ())"),
    ("MultiheadAttention", SEQUENCES | {"attn_mask": of(2 * B, T, S), "add_zero_attn": True}, "([B, T, 8], [B, T, S + 1])"),
    ("Transformer", {"src": of(S, B, 8), "tgt": of(T, B, 8), "nhead": 2, "tgt_mask": of(T, T)}, "[T, B, 8]"),
    ("EmbeddingBag", {"input": of(B, dtype="int64"), "offsets": of(T, dtype="int64"), "num_embeddings": 5, "embedding_dim": 3}, "[T, 3]"),
    ("PixelShuffle", {"input": of(B, 8, H, W), "upscale_factor": 2}, "[B, 2, 2*H, 2*W]"),
    ("PixelUnshuffle", {"input": of(B, 8, 2 * H, 4 * W), "downscale_factor": 2}, "[B, 32, H, 2*W]"),
    ("Upsample", {"input": of(B, 3, H, W), "scale_factor": [1.5, 2]}, "[B, 3, (3*H) // 2, 2*W]"),
    ("CosineSimilarity", {"x1": of(B, T, 8), "x2": of(B, 1, 8), "dim": -1}, "[B, T]"),
    ("Unflatten", {"input": of(B, 4 * H), "dim": 1, "unflattened_size": [-1, 2]}, "[B, 2*H, 2]"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "case", "kind"), NAMED)
def test_named_sizes(name: str, case: Case, kind: str) -> None:
    result = infer_case(TABLE[name], case)
    assert isinstance(result, Inferred), result
    assert type_text(result.type) == kind


REFUSED: list[tuple[str, Case, str, str]] = [
    ("Linear", {"input": of(B, H), "out_features": 2}, "size-needed", "--set H=8"),
    ("Linear", {"input": of(B, 5, dtype="float64"), "out_features": 2}, "dtype", "`-> float`"),
    ("GRU", {"input": of(B, T, H), "hidden_size": 2}, "size-needed", "--set H=8"),
    ("GRU", {"input": of(T, B, 8), "hidden_size": 6, "hx": of(B, 1, 6)}, "shape-mismatch", ""),
    ("LSTM", {"input": of(T, B, 8), "hidden_size": 6, "dropout": 0.1}, "argument-type", "`Dropout`"),
    ("Upsample", {"input": of(B, 3, H), "scale_factor": 0.3}, "size-needed", "--set H=8"),
    ("FractionalMaxPool2d", {"input": of(B, 3, H, 8), "kernel_size": 2, "output_ratio": 0.5}, "size-needed", "--set H=8"),
    ("MaxPool1d", {"input": of(B, 3, H), "kernel_size": 2, "ceil_mode": True}, "size-needed", ""),
    ("PixelUnshuffle", {"input": of(B, 8, H, 8), "downscale_factor": 2}, "bad-size", "e.g. 2*H"),
    ("InstanceNorm2d", {"input": of(B, 3, 1, 1)}, "bad-size", ""),
    ("Dropout2d", {"input": of(B, 3, 8)}, "rank", "`Dropout1d`"),
    ("MultiheadAttention", SEQUENCES | {"batch_first": False}, "shape-mismatch", "batch_first is false"),
    ("MultiheadAttention", SEQUENCES | {"is_causal": True}, "missing-argument", "attn_mask"),
    ("MultiheadAttention", SEQUENCES | {"attn_mask": of(S, T)}, "shape-mismatch", ""),
    ("MultiheadAttention", SEQUENCES | {"attn_mask": of(S, T), "is_causal": True, "need_weights": False}, "shape-mismatch", ""),
    ("TransformerDecoderLayer", {"tgt": of(B, T, 8), "memory": of(B, S, 6), "nhead": 2, "batch_first": True}, "shape-mismatch",
     "`-> Linear(8)`"),
    ("MaxUnpool2d", {"input": of(B, 3, H, W), "indices": of(B, 3, H, W), "kernel_size": 2}, "dtype", "return_indices=true"),
    ("EmbeddingBag", {"input": of(B, dtype="int64"), "num_embeddings": 5, "embedding_dim": 3}, "missing-argument", ""),
    ("CosineSimilarity", {"x1": of(B, 8), "x2": of(8)}, "shape-mismatch", "`unsqueeze`"),
    ("Conv1d", {"input": of(B, 3, 4), "out_channels": 2, "kernel_size": 3, "padding": 4, "padding_mode": "reflect"}, "bad-size", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "case", "code", "hint"), REFUSED)
def test_refusals(name: str, case: Case, code: str, hint: str) -> None:
    result = infer_case(TABLE[name], case)
    assert isinstance(result, Diagnostic), result
    assert result.code == code
    assert f"`{name}`" in result.message
    assert hint in result.hint


# --- in a spec ----------------------------------------------------------------------------------------------------

SPEC = """
network Net {
  input x: [B, T, 8]
  input src: [B, S, 8]
  input image: [B, 4, 16*H, 16*W]
  input padded: bool[B, S]
  h, state = x -> lstm: LSTM(8, batch_first=true)
  g, _ = src -> LSTM(8, batch_first=true, hx=state)
  u, end = (src, state) -> again: LSTM(8, batch_first=true)
  last, _ = end
  y, _ = (h, g, g) -> attn: MultiheadAttention(2, batch_first=true, need_weights=false, key_padding_mask=padded)
  w, scores = (y, u, u) -> MultiheadAttention(2, batch_first=true, average_attn_weights=false)
  z = y -> TransformerEncoderLayer(2, 16, batch_first=true)
  v = (z, u) -> TransformerDecoderLayer(2, 16, batch_first=true, memory_key_padding_mask=padded)
  a, places = image -> MaxPool2d(2, return_indices=true)
  c = (a, places) -> MaxUnpool2d(2) -> PixelUnshuffle(2) -> ConvTranspose2d(4, 2, 2) -> Upsample(scale_factor=0.5)
  output v, c, last, scores, w
}
"""


def inputs() -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.rand(2, 5, 8), torch.rand(2, 3, 8), torch.rand(2, 4, 16, 32), torch.tensor([[False, False, True]] * 2)]


def test_tuples_masks_and_states_in_a_spec() -> None:
    module = netc.load(SPEC).module().eval()
    lstm, again = module.get_submodule("lstm_2"), module.get_submodule("again")
    x, src, image, padded = inputs()
    v, c, last, scores, w = module(x, src, image, padded)
    assert [tuple(o.shape) for o in (v, c, last, scores, w)] == [(2, 5, 8), (2, 4, 8, 16), (1, 2, 8), (2, 2, 5, 3), (2, 5, 8)]
    _, state = module.get_submodule("lstm")(x)
    assert torch.equal(last, again(src, state)[1][0])
    assert not torch.equal(last, again(src)[1][0])
    assert lstm is not again


def test_tuples_masks_and_states_in_source() -> None:
    network = netc.load(SPEC)
    module = network.module().eval()
    space: dict[str, Any] = {}
    exec(network.source(), space)
    twin = space["Net"]().eval()
    twin.load_state_dict(module.state_dict(), strict=True)
    assert list(twin.state_dict()) == list(module.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(module(*inputs()), twin(*inputs()), strict=True))
