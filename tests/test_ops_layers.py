"""Rows of layers on drawn arguments and shapes: what torch takes netc takes, with the same shapes and parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from netc.ops import TABLE
from tests.op_checks import outcome

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
    options = some(draw, output_size=SMALL, output_ratio=st.sampled_from([0.3, 0.5, 0.9, 1.0]), return_indices=FLAG)
    return f"FractionalMaxPool{axes}d", {"input": image(draw, axes), "kernel_size": draw(SMALL)} | options


def unpooling(draw: Draw) -> tuple[str, Case]:
    axes = draw(AXES)
    x = image(draw, axes, least=2, most=4)
    case: Case = {"input": x, "indices": torch.zeros(x[0], dtype=torch.int64), "kernel_size": draw(SMALL)} | some(draw, stride=SMALL, padding=st.integers(0, 1))
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
    case |= some(draw, attn_mask=st.sampled_from([((3, s), kind), ((s, s), kind), ((4, 3, s), kind), ((2, 3, s), kind)]))
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
    modes = st.sampled_from(["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"])
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


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_family(family: Callable[[Draw], tuple[str, Case]]) -> None:
    accepted = []

    @settings(max_examples=80, deadline=None, database=None)
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        name, case = family(data.draw)
        accepted.append(outcome(TABLE[name], case).check())

    agree()
    assert sum(accepted) >= 10, "too few of the drawn cases are good ones"
