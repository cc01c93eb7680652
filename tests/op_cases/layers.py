"""Uses of the rows: arguments by name, tensors as (shape, dtype); what is left out is a float tensor of [4, 6, 5]."""

from __future__ import annotations

from typing import Any

import torch

from tests.op_cases.shapes import IMAGE, ROWS

Case = dict[str, Any]


def floats(*shape: int) -> tuple[tuple[int, ...], str]:
    return shape, "float32"


def ints(*shape: int) -> tuple[tuple[int, ...], str]:
    return shape, "int64"


def bools(*shape: int) -> tuple[tuple[int, ...], str]:
    return shape, "bool"


LINE, VOLUME, SEQUENCE, STEP, FEW = floats(2, 4, 9), floats(2, 4, 6, 5, 7), floats(5, 3, 8), floats(3, 8), {"dim_feedforward": 16}

LINEAR: dict[str, list[Case]] = {
    "Identity": [{}, {"input": ints(3)}],
    "Linear": [{"out_features": 3}, {"out_features": 1, "bias": False, "input": floats(5)}],
    "Bilinear": [{"out_features": 3, "input1": ROWS, "input2": floats(4, 2)},
                 {"out_features": 3, "input1": floats(2), "input2": floats(3), "bias": False}],
    "Embedding": [{"num_embeddings": 9, "embedding_dim": 3, "input": ints(2, 7)},
                  {"num_embeddings": 9, "embedding_dim": 3, "input": ((), "int32"), "padding_idx": -1, "max_norm": 1.0}],
    "EmbeddingBag": [{"num_embeddings": 9, "embedding_dim": 3, "input": ints(2, 7)},
                     {"num_embeddings": 9, "embedding_dim": 3, "input": ints(7), "offsets": torch.tensor([0, 3]), "mode": "max"},
                     {"num_embeddings": 9, "embedding_dim": 3, "input": ints(2, 7), "mode": "sum", "per_sample_weights": floats(2, 7)}],
    "Dropout1d": [{}, {"input": ROWS, "p": 0.0}], "Dropout2d": [{"input": IMAGE}], "Dropout3d": [{"input": VOLUME}, {"input": IMAGE}],
    "CosineSimilarity": [{"x1": ROWS, "x2": ROWS}, {"x1": floats(4, 1, 6), "x2": floats(1, 3, 6), "dim": -1}],
    "PairwiseDistance": [{"x1": ROWS, "x2": ROWS}, {"x1": floats(6), "x2": floats(6), "p": 1.0, "keepdim": True},
                         {"x1": floats(4, 1, 6), "x2": floats(1, 3, 6)}],
    "Flatten": [{}, {"start_dim": 0}, {"input": IMAGE, "start_dim": 2}],
    "Unflatten": [{"dim": 1, "unflattened_size": [2, 3]}, {"dim": -2, "unflattened_size": [3, -1, 1]}],
}  # fmt: skip

CONVOLUTIONS: dict[str, list[Case]] = {
    "Conv1d": [{"out_channels": 4, "kernel_size": 3}, {"out_channels": 6, "kernel_size": 2, "groups": 2, "padding": 1, "bias": False}],
    "Conv2d": [{"input": IMAGE, "out_channels": 4, "kernel_size": [3, 2], "stride": 2, "padding": [1, 0], "dilation": 2},
               {"input": IMAGE, "out_channels": 4, "kernel_size": 3, "padding": "same"},
               {"input": IMAGE, "out_channels": 4, "kernel_size": 3, "padding": "valid", "padding_mode": "reflect"},
               {"input": IMAGE, "out_channels": 4, "kernel_size": 4, "padding": "same", "padding_mode": "circular"},
               {"input": floats(4, 9, 8), "out_channels": 4, "kernel_size": 3, "padding": 2, "padding_mode": "replicate"}],
    "Conv3d": [{"input": VOLUME, "out_channels": 4, "kernel_size": 3}],
    "ConvTranspose1d": [{"out_channels": 4, "kernel_size": 3},
                        {"input": floats(6, 5), "out_channels": 4, "kernel_size": 3, "stride": 2, "output_padding": 1, "groups": 2}],
    "ConvTranspose2d": [{"input": IMAGE, "out_channels": 6, "kernel_size": [3, 2], "stride": 2, "padding": [1, 0], "bias": False},
                        {"input": IMAGE, "out_channels": 4, "kernel_size": 3, "stride": 2, "dilation": 2, "output_size": [22, 19]},
                        {"input": IMAGE, "out_channels": 4, "kernel_size": 2, "stride": 2, "output_size": [2, 4, 19, 16]}],
    "ConvTranspose3d": [{"input": VOLUME, "out_channels": 4, "kernel_size": 2, "stride": [1, 2, 3], "output_padding": [0, 1, 2]}],
    "Unfold": [{"input": IMAGE, "kernel_size": [3, 2], "stride": 2, "padding": 1}, {"input": floats(4, 9, 8), "kernel_size": 3}],
    "Fold": [{"input": floats(2, 12, 20), "output_size": [5, 6], "kernel_size": 2},
             {"input": floats(12, 6), "output_size": 6, "kernel_size": [2, 3], "stride": [2, 3]}],
}  # fmt: skip

POOLINGS: dict[str, list[Case]] = {
    "MaxPool1d": [{"kernel_size": 2}, {"kernel_size": 2, "ceil_mode": True}, {"kernel_size": 2, "return_indices": True}],
    "MaxPool2d": [
        {"input": IMAGE, "kernel_size": 3, "stride": 2, "padding": 1},
        {"input": IMAGE, "kernel_size": 2, "return_indices": True},
        {"input": IMAGE, "kernel_size": 2, "ceil_mode": True, "dilation": 2},
    ],
    "MaxPool3d": [{"input": VOLUME, "kernel_size": 2}, {"input": VOLUME, "kernel_size": 2, "return_indices": True}],
    "AvgPool1d": [{"kernel_size": 2}],
    "AvgPool2d": [{"input": IMAGE, "kernel_size": [2, 3], "ceil_mode": True, "divisor_override": 2}],
    "AvgPool3d": [{"input": VOLUME, "kernel_size": 2}],
    "LPPool1d": [{"norm_type": 2, "kernel_size": 2}],
    "LPPool2d": [{"input": IMAGE, "norm_type": 1.5, "kernel_size": [2, 3], "stride": 2}],
    "LPPool3d": [{"input": VOLUME, "norm_type": 2.0, "kernel_size": 2, "ceil_mode": True}],
    "AdaptiveAvgPool1d": [{"output_size": 2}],
    "AdaptiveAvgPool2d": [{"input": IMAGE, "output_size": [1, 3]}, {"input": IMAGE, "output_size": [None, 3]}],
    "AdaptiveAvgPool3d": [{"input": VOLUME, "output_size": 1}],
    "AdaptiveMaxPool1d": [{"output_size": 2}, {"output_size": [2], "return_indices": True}],
    "AdaptiveMaxPool2d": [{"input": IMAGE, "output_size": [1, 3], "return_indices": True}, {"input": IMAGE, "output_size": [None, 3]}],
    "AdaptiveMaxPool3d": [{"input": VOLUME, "output_size": 1}, {"input": VOLUME, "output_size": [2, None, 3], "return_indices": True}],
    "FractionalMaxPool2d": [
        {"input": IMAGE, "kernel_size": 2, "output_size": [4, 3]},
        {"input": IMAGE, "kernel_size": 3, "output_ratio": 0.5, "return_indices": True},
    ],
    "FractionalMaxPool3d": [
        {"input": VOLUME, "kernel_size": 2, "output_size": 3, "return_indices": True},
        {"input": VOLUME, "kernel_size": [2, 1, 2], "output_ratio": [0.5, 0.7, 0.6]},
    ],
    "MaxUnpool1d": [{"indices": ints(4, 6, 5), "kernel_size": 2}, {"indices": ints(4, 6, 5), "kernel_size": 2, "output_size": [11]}],
    "MaxUnpool2d": [
        {"input": IMAGE, "indices": ints(2, 4, 9, 8), "kernel_size": 3, "stride": 2, "padding": 1},
        {"input": IMAGE, "indices": ints(2, 4, 9, 8), "kernel_size": 2, "output_size": [2, 4, 19, 16]},
    ],
    "MaxUnpool3d": [{"input": VOLUME, "indices": ints(2, 4, 6, 5, 7), "kernel_size": 2}],
}

PADDINGS: dict[str, list[Case]] = {
    f"{kind}Pad{n}d": [
        {"input": (LINE, IMAGE, VOLUME)[n - 1], "padding": 2} | ({"value": 1.5} if kind == "Constant" else {}),
        {"input": floats(3, *(5, 6, 7)[:n]), "padding": [1, 2, 0, 3, 2, 1][: 2 * n]} | ({"value": 1} if kind == "Constant" else {}),
        {"input": (LINE, IMAGE, VOLUME)[n - 1], "padding": [-1, 2, 1, -2, 0, 0][: 2 * n]} | ({"value": 0} if kind == "Constant" else {}),
    ]
    for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular")
    for n in (1, 2, 3)
}

NORMALISATIONS: dict[str, list[Case]] = {
    "BatchNorm1d": [{}, {"input": ROWS, "affine": False}], "BatchNorm2d": [{"input": IMAGE, "momentum": None}],
    "BatchNorm3d": [{"input": VOLUME, "bias": False}], "SyncBatchNorm": [{}, {"input": ROWS, "track_running_stats": False}],
    "InstanceNorm1d": [{}, {"input": ROWS, "affine": True}], "InstanceNorm2d": [{"input": IMAGE, "affine": True, "bias": False}],
    "InstanceNorm3d": [{"input": VOLUME, "track_running_stats": True}],
    "LayerNorm": [{}, {"normalized_shape": [6, 5], "bias": False}, {"elementwise_affine": False}],
    "RMSNorm": [{}, {"normalized_shape": [6, 5], "eps": 1e-6}, {"elementwise_affine": False}],
    "GroupNorm": [{"num_groups": 3}, {"num_groups": 1, "affine": False, "input": ROWS}],
    "LocalResponseNorm": [{"size": 2}, {"size": 3, "input": IMAGE, "k": 2}], "CrossMapLRN2d": [{"size": 2, "input": IMAGE}],
}  # fmt: skip

ACTIVATIONS: dict[str, list[Case]] = {
    "ReLU": [{}, {"inplace": True}, {"input": ints(3)}], "PReLU": [{}, {"num_parameters": 6}], "RReLU": [{}, {"lower": 0.2}],
    "Threshold": [{"threshold": 0.1, "value": 20}], "threshold": [{"threshold": 0.1, "value": 20.0}],
    "Softmax": [{"dim": -1}], "LogSoftmax": [{"dim": 1}], "Softmin": [{"dim": 0}], "Softmax2d": [{}, {"input": IMAGE}],
    "GLU": [{"dim": 1}], "glu": [{"dim": 1}],
    "GELU": [{}, {"approximate": "tanh"}],
}  # fmt: skip


def _recurrent(mode: str) -> list[Case]:
    """Uses of a recurrent layer: deep, in both directions, without a batch, and with a state to begin with."""
    deep = floats(4, 3, 6)
    pair = mode == "LSTM"
    return [
        {"hidden_size": 6},
        {"input": SEQUENCE, "hidden_size": 6, "num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.1, "bias": False},
        {"input": STEP, "hidden_size": 6},
        {"input": SEQUENCE, "hidden_size": 6, "num_layers": 2, "bidirectional": True, "hx": [deep, deep] if pair else deep},
        {"input": STEP, "hidden_size": 6, "hx": [floats(1, 6)] * 2 if pair else floats(1, 6)},
    ]


def _cell(mode: str) -> list[Case]:
    pair = mode == "LSTM"
    return [
        {"input": STEP, "hidden_size": 6},
        {"input": STEP, "hidden_size": 6, "bias": False, "hx": [floats(3, 6)] * 2 if pair else floats(3, 6)},
        {"input": floats(8), "hidden_size": 6, "hx": [floats(6)] * 2 if pair else floats(6)},
    ]


RECURRENT = {mode: _recurrent(mode) for mode in ("RNN", "GRU", "LSTM")} | {f"{m}Cell": _cell(m) for m in ("RNN", "GRU", "LSTM")}
RECURRENT["RNN"] += [{"hidden_size": 6, "nonlinearity": "relu"}]
RECURRENT["RNNCell"] += [{"input": STEP, "hidden_size": 6, "nonlinearity": "relu"}]
RECURRENT["LSTM"] += [
    {"input": SEQUENCE, "hidden_size": 6, "proj_size": 2, "num_layers": 2, "bidirectional": True},
    {"input": SEQUENCE, "hidden_size": 6, "proj_size": 2, "hx": [floats(1, 3, 2), floats(1, 3, 6)]},
]

SELF = {"query": SEQUENCE, "key": SEQUENCE, "value": SEQUENCE}
ATTENTION: dict[str, list[Case]] = {
    "MultiheadAttention": [
        SELF | {"num_heads": 2},
        SELF | {"num_heads": 4, "need_weights": False, "batch_first": True, "bias": False, "attn_mask": bools(3, 3)},
        SELF | {"num_heads": 2, "average_attn_weights": False, "key_padding_mask": floats(3, 5), "attn_mask": floats(6, 5, 5)},
        SELF | {"num_heads": 2, "add_bias_kv": True, "add_zero_attn": True, "dropout": 0.1},
        {"query": SEQUENCE, "key": floats(7, 3, 4), "value": floats(7, 3, 6), "num_heads": 2},
        {"query": SEQUENCE, "key": floats(7, 3, 4), "value": floats(7, 3, 8), "num_heads": 2, "bias": False},
        {"query": STEP, "key": floats(7, 8), "value": floats(7, 8), "num_heads": 2, "key_padding_mask": bools(7), "kdim": 8},
        {"query": STEP, "key": STEP, "value": STEP, "num_heads": 2, "attn_mask": floats(2, 3, 3), "average_attn_weights": False},
        SELF | {"num_heads": 2, "attn_mask": floats(5, 5), "is_causal": True, "need_weights": False},
    ],
    "TransformerEncoderLayer": [
        {"src": SEQUENCE, "nhead": 2}, {"src": STEP, "nhead": 4, "bias": False, "norm_first": True, "activation": "gelu", **FEW},
        {"src": SEQUENCE, "nhead": 2, "batch_first": True, "src_mask": floats(3, 3), "src_key_padding_mask": floats(5, 3),
         "is_causal": True, **FEW},
    ],
    "TransformerDecoderLayer": [
        {"tgt": SEQUENCE, "memory": floats(7, 3, 8), "nhead": 2, **FEW},
        {"tgt": SEQUENCE, "memory": floats(5, 7, 8), "nhead": 2, "batch_first": True, "bias": False, "tgt_mask": floats(3, 3),
         "tgt_is_causal": True, "memory_mask": floats(3, 7), "memory_key_padding_mask": floats(5, 7), **FEW},
        {"tgt": STEP, "memory": floats(7, 8), "nhead": 2, **FEW},
    ],
    "Transformer": [
        {"src": SEQUENCE, "tgt": floats(7, 3, 8), "num_encoder_layers": 2, "num_decoder_layers": 1, **FEW},
        {"src": SEQUENCE, "tgt": floats(5, 7, 8), "num_encoder_layers": 1, "num_decoder_layers": 2, "nhead": 2, "batch_first": True,
         "bias": False, "norm_first": True, "tgt_mask": floats(7, 7), "memory_mask": floats(7, 3), "src_key_padding_mask": floats(5, 3),
         "tgt_is_causal": True, **FEW},
    ],
}  # fmt: skip

VISION: dict[str, list[Case]] = {
    "PixelShuffle": [{"input": IMAGE, "upscale_factor": 2}, {"input": floats(9, 2, 2), "upscale_factor": 3}],
    "PixelUnshuffle": [{"input": floats(2, 4, 6, 9), "downscale_factor": 3}], "ChannelShuffle": [{"groups": 3}],
    "Upsample": [{"scale_factor": 2}, {"input": IMAGE, "scale_factor": [1.5, 0.7], "mode": "bilinear", "align_corners": True},
                 {"input": IMAGE, "size": 5, "mode": "bicubic"}, {"input": VOLUME, "size": [5, 6, 7], "mode": "trilinear"},
                 {"size": 7, "mode": "linear"}, {"scale_factor": 2.5, "recompute_scale_factor": True, "mode": "nearest-exact"},
                 {"input": IMAGE, "scale_factor": 0.5, "mode": "area"}],
    "UpsamplingNearest2d": [{"input": IMAGE, "scale_factor": 2}, {"input": IMAGE, "size": [3, 4]}],
    "UpsamplingBilinear2d": [{"input": IMAGE, "scale_factor": [1.5, 2.0]}, {"input": IMAGE, "size": 5}],
}  # fmt: skip

CASES = {**LINEAR, **CONVOLUTIONS, **POOLINGS, **PADDINGS, **NORMALISATIONS, **ACTIVATIONS, **RECURRENT, **ATTENTION, **VISION}
