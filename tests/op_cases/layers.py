"""Uses of the rows: arguments by name, tensors as (shape, dtype); what is left out is a float tensor of [4, 6, 5]."""

from __future__ import annotations

from typing import Any

from tests.op_cases.shapes import IMAGE, ROWS

CASES: dict[str, list[dict[str, Any]]] = {
    "Linear": [{"out_features": 3}, {"out_features": 1, "bias": False, "input": ((5,), "float32")}],
    "Bilinear": [{"out_features": 3, "input1": ROWS, "input2": ((4, 2), "float32")}],
    "Embedding": [{"num_embeddings": 9, "embedding_dim": 3, "input": ((2, 7), "int64")}],
    "Flatten": [{}, {"start_dim": 0}, {"input": IMAGE, "start_dim": 2}],
    "Conv1d": [{"out_channels": 4, "kernel_size": 3}, {"out_channels": 6, "kernel_size": 2, "groups": 2, "padding": 1, "bias": False}],
    "Conv2d": [{"input": IMAGE, "out_channels": 4, "kernel_size": [3, 2], "stride": 2, "padding": [1, 0], "dilation": 2},
               {"input": IMAGE, "out_channels": 4, "kernel_size": 3, "padding": "same"},
               {"input": IMAGE, "out_channels": 4, "kernel_size": 3, "padding": "valid", "padding_mode": "reflect"}],
    "Conv3d": [{"input": ((2, 4, 6, 5, 7), "float32"), "out_channels": 4, "kernel_size": 3}],
    "MaxPool1d": [{"kernel_size": 2}, {"kernel_size": 2, "ceil_mode": True}],
    "MaxPool2d": [{"input": IMAGE, "kernel_size": 3, "stride": 2, "padding": 1},
                  {"input": IMAGE, "kernel_size": 2, "ceil_mode": True, "dilation": 2}],
    "MaxPool3d": [{"input": ((2, 4, 6, 5, 7), "float32"), "kernel_size": 2}],
    "AvgPool1d": [{"kernel_size": 2}], "AvgPool2d": [{"input": IMAGE, "kernel_size": [2, 3], "ceil_mode": True}],
    "AvgPool3d": [{"input": ((2, 4, 6, 5, 7), "float32"), "kernel_size": 2}],
    "AdaptiveAvgPool1d": [{"output_size": 2}], "AdaptiveAvgPool2d": [{"input": IMAGE, "output_size": [1, 3]}],
    "AdaptiveAvgPool3d": [{"input": ((2, 4, 6, 5, 7), "float32"), "output_size": 1}],
    "BatchNorm1d": [{}, {"input": ROWS, "affine": False}], "BatchNorm2d": [{"input": IMAGE, "momentum": None}],
    "BatchNorm3d": [{"input": ((2, 4, 6, 5, 7), "float32")}],
    "LayerNorm": [{}, {"normalized_shape": [6, 5], "bias": False}, {"elementwise_affine": False}],
    "GroupNorm": [{"num_groups": 3}], "PReLU": [{}, {"num_parameters": 6}],
    "Softmax": [{"dim": -1}], "LogSoftmax": [{"dim": 1}], "Softmin": [{"dim": 0}],
    "GLU": [{"dim": 1}], "glu": [{"dim": 1}],
    "GELU": [{}, {"approximate": "tanh"}],
}  # fmt: skip
