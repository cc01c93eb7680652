"""Uses of the rows: arguments by name, tensors as (shape, dtype); what is left out is a float tensor of [4, 6, 5]."""

from __future__ import annotations

from typing import Any

from netc.ops.op import DType, Slice
from tests.op_cases.shapes import IMAGE, ROWS

Cases = dict[str, list[dict[str, Any]]]
BOOLS, WHOLE, VECTOR = ((4, 6), "bool"), ((4, 6), "int64"), ((6,), "float32")
SQUARE, IMAGE3, SEQUENCE = ((3, 3), "float32"), ((2, 4, 6, 5, 7), "float32"), ((2, 4, 9), "float32")
HEADS = ((2, 8, 7, 4), "float32")

ELEMENTWISE: Cases = {
    "where": [{"condition": BOOLS, "input": ROWS, "other": 0.0}, {"condition": BOOLS, "input": 1, "other": 0},
              {"condition": BOOLS, "input": 1, "other": 0.5}],
    "pow": [{"exponent": 2}], "float_power": [{"exponent": 2}], "round": [{}, {"decimals": 2}], "bitwise_not": [{"input": WHOLE}],
    "clamp": [{"min": 0.0}, {"max": 1.0, "min": -1}, {"input": WHOLE, "min": 0.5}, {"input": ROWS, "min": VECTOR}], "clip": [{"max": 1}],
    "lerp": [{"weight": 0.5}, {"weight": ((5,), "float32")}], "addcmul": [{"value": 2.0}], "addcdiv": [{}],
    "heaviside": [{}], "isclose": [{"rtol": 0.1}], "bernoulli": [{}], "logit": [{"eps": 0.01}], "nan_to_num": [{"nan": 0.0}],
    "masked_fill": [{"input": ROWS, "mask": BOOLS, "value": float("-inf")}, {"input": WHOLE, "mask": BOOLS, "value": 3}],
    **{name: [{"other": 1}, {"other": ((5,), "float32")}] for name in ("eq", "ne", "lt", "le", "gt", "ge", "fmod", "copysign")},
    **{name: [{"other": 2.5}, {"input": 2, "other": ROWS}] for name in ("floor_divide", "remainder", "true_divide", "xlogy")},
    **{f"bitwise_{name}": [{"input": WHOLE, "other": WHOLE}, {"input": BOOLS, "other": BOOLS}] for name in ("and", "or", "xor")},
    "to": [{"dtype": DType("int64")}], "type_as": [{"other": ((4,), "int64")}],
}  # fmt: skip

REDUCTIONS: Cases = {
    "mean": [{}, {"dim": 1}, {"dim": [0, 2], "keepdim": True}, {"input": WHOLE, "dtype": DType("float32")}],
    "sum": [{}, {"dim": -1, "input": ((4, 6), "int32")}, {"dim": 1, "dtype": DType("float64")}], "nansum": [{"dim": [0]}],
    "nanmean": [{}],
    "prod": [{}, {"dim": 1, "keepdim": True}], "var": [{}, {"dim": 1, "correction": 0}], "std": [{"dim": [0, 1]}],
    "var_mean": [{"dim": 1}], "std_mean": [{"dim": 1, "keepdim": True}],
    "logsumexp": [{"dim": 1}], "norm": [{}, {"dim": -1}, {"dim": 1, "p": 1, "keepdim": True}], "vector_norm": [{"dim": -1}, {"ord": 1}],
    "max": [{}, {"dim": 1}], "min": [{"dim": 1, "keepdim": True}], "argmax": [{"dim": 1}, {}, {"dim": -1, "keepdim": True}],
    "argmin": [{"dim": -1}], "median": [{}, {"dim": 1}], "nanmedian": [{"dim": 0, "keepdim": True}], "mode": [{}, {"dim": 0}],
    "aminmax": [{}, {"dim": 1}], "count_nonzero": [{}, {"dim": [0, 1]}], "quantile": [{"q": 0.5}, {"q": 0.1, "dim": 1}],
    "all": [{"dim": 1, "input": BOOLS}], "any": [{"input": BOOLS}], "amax": [{"dim": 1}], "amin": [{"dim": [0, 1]}],
    "topk": [{"k": 2}, {"k": 3, "dim": 1, "largest": False}], "kthvalue": [{"k": 2}], "sort": [{}, {"dim": 0, "descending": True}],
    "argsort": [{}, {"dim": 1}], "diff": [{}, {"n": 2, "dim": 1}],
    **{name: [{"dim": 1}] for name in ("cumsum", "cumprod", "logcumsumexp", "cummax", "cummin")},
}  # fmt: skip

SHAPES: Cases = {
    "reshape": [{"shape": [2, -1]}, {"shape": [120]}], "view": [{"shape": [24, 5]}], "flatten": [{}, {"start_dim": 1}],
    "unflatten": [{"dim": 1, "sizes": [2, -1]}], "squeeze": [{"input": ((4, 1), "float32"), "dim": 1},
        {"input": ((1, 4, 1), "float32"), "dim": [0, 2]}],
    "unsqueeze": [{"dim": -1}, {"dim": 1}], "transpose": [{"dim0": 0, "dim1": 2}], "swapaxes": [{"axis0": 0, "axis1": -1}],
    "swapdims": [{"dim0": 0, "dim1": 1}], "permute": [{"dims": [2, 0, 1]}], "t": [{"input": ROWS}],
    "movedim": [{"source": 0, "destination": -1}, {"source": [0, 1], "destination": [2, 0]}],
    "expand": [{"input": ((4, 1), "float32"), "sizes": [2, -1, 6]}], "broadcast_to": [{"input": ((4, 1), "float32"), "size": [4, 6]}],
    "expand_as": [{"input": ((4, 1), "float32"), "other": ROWS}], "flip": [{"dims": [0, 2]}],
    "roll": [{"shifts": 2}, {"shifts": [1, -1], "dims": [0, 1]}], "chunk": [{"chunks": 2, "dim": 1}],
    "split": [{"split_size_or_sections": 4, "dim": 1}, {"split_size_or_sections": [1, 3]}],
    "tensor_split": [{"indices_or_sections": 4, "dim": 1}, {"indices_or_sections": [1, -1], "dim": 1}],
    "unbind": [{}, {"dim": -1}], "select": [{"dim": 1, "index": 2}], "narrow": [{"dim": 1, "start": 2, "length": 3}],
    "tile": [{"dims": [2, 1]}, {"dims": [2, 1, 1, 3]}], "repeat_interleave": [{"repeats": 3}, {"repeats": 2, "dim": 1}],
    "meshgrid": [{"tensors": [VECTOR, ((3,), "float32")], "indexing": "xy"}],
    "[]": [{"entries": [Slice(None, None, None), 0]}, {"entries": [..., Slice(1, None, 2)]}, {"entries": [Slice(-2, None, None), None]},
           {"entries": [-1]}],
}  # fmt: skip

INDEXING: Cases = {
    "gather": [{"dim": 1, "index": ((4, 2, 5), "int64")}], "index_select": [{"dim": 1, "index": ((3,), "int64")}],
    "take_along_dim": [{"indices": ((1, 2, 5), "int64"), "dim": 1}],
    "scatter": [{"dim": 1, "index": ((4, 2, 5), "int64"), "src": ((4, 6, 5), "float32")},
        {"dim": 1, "index": ((4, 2, 5), "int64"), "src": 1.0}],
    "scatter_add": [{"dim": 1, "index": ((4, 2, 5), "int64"), "src": ((4, 6, 5), "float32")}],
    "index_add": [{"dim": 1, "index": ((3,), "int64"), "source": ((4, 3, 5), "float32")}],
    "bucketize": [{"boundaries": VECTOR}], "embedding": [{"input": ((2, 7), "int64"), "weight": ROWS}],
    "one_hot": [{"tensor": ((2, 7), "int64"), "num_classes": 5}], "multinomial": [{"input": ROWS, "num_samples": 2}],
}  # fmt: skip

ALGEBRA: Cases = {
    "matmul": [{"input": ROWS, "other": ((6, 3), "float32")}],
    "@": [{"input": ((2, 4, 6), "float32"), "other": ((6, 3), "float32")}, {"input": VECTOR, "other": VECTOR}],
    "mm": [{"input": ROWS, "mat2": ((6, 3), "float32")}], "bmm": [{"mat2": ((4, 5, 3), "float32")}],
    "mv": [{"input": ROWS, "vec": VECTOR}],
    "dot": [{"input": VECTOR, "tensor": VECTOR}], "outer": [{"input": VECTOR, "vec2": ((3,), "int64")}],
    "inner": [{"other": ((2, 5), "float32")}],
    "addmm": [{"input": ((3,), "float32"), "mat1": ROWS, "mat2": ((6, 3), "float32"), "alpha": 0.5}],
    "baddbmm": [{"input": ((4, 6, 3), "float32"), "batch1": ((4, 6, 5), "float32"), "batch2": ((4, 5, 3), "float32")}],
    "addmv": [{"input": ((4,), "float32"), "mat": ROWS, "vec": VECTOR}], "kron": [{"input": ROWS, "other": VECTOR}],
    "cross": [{"input": ((2, 3), "float32"), "other": ((2, 3), "float32"), "dim": 1}],
    "cdist": [{"x1": ((2, 4, 6), "float32"), "x2": ((3, 6), "float32"), "p": 1.0}],
    "triu": [{"diagonal": 1}], "tril": [{"input": ROWS}], "diagonal": [{}, {"input": ROWS, "offset": -1},
        {"dim1": 0, "dim2": -1, "offset": 2}],
    "diag": [{"input": VECTOR, "diagonal": -2}, {"input": ROWS}], "diag_embed": [{"offset": 1}], "trace": [{"input": ROWS}],
    "det": [{"input": SQUARE}], "logdet": [{"input": SQUARE}], "inverse": [{"input": ((2, 3, 3), "float32")}],
    "concat": [{"tensors": [ROWS, ((4, 2), "float32")], "dim": 1}], "cat": [{"tensors": [ROWS, ROWS]}],
    "stack": [{"tensors": [ROWS, ROWS], "dim": -1}],
}  # fmt: skip

CREATION: Cases = {
    **{name: [{"size": [4, 6]}, {"size": []}, {"size": [3], "dtype": DType("float64")}] for name in ("zeros", "ones", "rand", "randn")},
    "full": [{"size": [4], "fill_value": 2}, {"size": [4, 2], "fill_value": 0.5}, {"size": [2], "fill_value": True}],
    "arange": [{"limits": [5]}, {"limits": [1, 8, 3]}, {"limits": [0, 1, 0.3]}, {"limits": [8, 1, -2]}, {"limits": [4],
        "dtype": DType("float32")}],
    "linspace": [{"start": 0, "end": 1, "steps": 7}], "eye": [{"n": 3}, {"n": 3, "m": 5}],
    "randint": [{"low": 0, "high": 5, "size": [2, 3]}],
    "randperm": [{"n": 6}], "hann_window": [{"window_length": 8}], "hamming_window": [{"window_length": 8, "periodic": False}],
    "zeros_like": [{}, {"dtype": DType("int64")}], "rand_like": [{"input": WHOLE, "dtype": DType("float32")}],
    "full_like": [{"fill_value": 0.5}, {"input": WHOLE, "fill_value": 2}],
}  # fmt: skip

FUNCTIONAL: Cases = {
    "softmax": [{"dim": -1}], "log_softmax": [{"dim": 1}], "softmin": [{"dim": 0}],
    "dropout": [{}, {"p": 0.1, "training": False}], "dropout2d": [{"input": IMAGE}], "dropout3d": [{"input": IMAGE3}],
    "scaled_dot_product_attention": [
        {"query": HEADS, "key": HEADS, "value": HEADS, "is_causal": True, "dropout_p": 0.1},
        {"query": HEADS, "key": ((2, 2, 9, 4), "float32"), "value": ((2, 2, 9, 3), "float32"), "enable_gqa": True,
         "attn_mask": ((7, 9), "bool")},
    ],
    "linear": [{"weight": ((3, 5), "float32"), "bias": ((3,), "float32")}, {"weight": ((5,), "float32")}],
    "layer_norm": [{"normalized_shape": [5]}, {"normalized_shape": [6, 5], "weight": ((6, 5), "float32")}],
    "rms_norm": [{"normalized_shape": [5]}],
    "group_norm": [{"num_groups": 3, "bias": ((6,), "float32")}], "local_response_norm": [{"size": 2}], "normalize": [{"dim": -1}],
    "gumbel_softmax": [{"hard": True}], "cosine_similarity": [{"x2": ((5,), "float32"), "dim": -1}],
    "pairwise_distance": [{"keepdim": True}],
    "grid_sample": [{"input": IMAGE, "grid": ((2, 3, 5, 2), "float32"), "align_corners": False}],
    "affine_grid": [{"theta": ((2, 2, 3), "float32"), "size": [2, 1, 4, 5], "align_corners": True}],
    "conv1d": [{"input": SEQUENCE, "weight": ((6, 4, 3), "float32"), "bias": ((6,), "float32"), "stride": 2}],
    "conv2d": [{"input": IMAGE, "weight": ((6, 2, 3, 3), "float32"), "groups": 2, "padding": "same"}],
    "conv3d": [{"input": IMAGE3, "weight": ((6, 4, 3, 1, 2), "float32"), "padding": [1, 0, 0]}],
    **{f"{kind}_pool1d": [{"input": SEQUENCE, "kernel_size": 2}] for kind in ("max", "avg")},
    **{f"{kind}_pool2d": [{"input": IMAGE, "kernel_size": 2, "stride": 1, "ceil_mode": True}] for kind in ("max", "avg")},
    **{f"{kind}_pool3d": [{"input": IMAGE3, "kernel_size": 2}] for kind in ("max", "avg")},
    **{f"lp_pool{n}d": [{"input": x, "norm_type": 2.0, "kernel_size": 2}] for n, x in ((1, SEQUENCE), (2, IMAGE), (3, IMAGE3))},
    **{f"adaptive_{kind}_pool{n}d": [{"input": x, "output_size": 2}]
       for kind in ("avg", "max") for n, x in ((1, SEQUENCE), (2, IMAGE), (3, IMAGE3))},
    "interpolate": [{"input": IMAGE, "scale_factor": 2}, {"input": IMAGE, "size": [4, 5], "mode": "bilinear", "antialias": True}],
    "pixel_shuffle": [{"input": IMAGE, "upscale_factor": 2}],
    "pixel_unshuffle": [{"input": ((1, 8, 6), "float32"), "downscale_factor": 2}],
    "channel_shuffle": [{"input": IMAGE, "groups": 2}], "unfold": [{"input": IMAGE, "kernel_size": 3, "padding": 1}],
    "fold": [{"input": ((2, 12, 8), "float32"), "output_size": [3, 5], "kernel_size": 2}],
    "pad": [{"pad": [1, 2]}, {"pad": [0, 0, 1, -1], "value": 1.0}, {"pad": [2, 1], "mode": "reflect"}],
}  # fmt: skip

NOTATION: Cases = {
    "rearrange": [{"tensor": ROWS, "pattern": "b (h d) -> h b d", "axes_lengths": [["h", 3]]},
        {"tensor": IMAGE, "pattern": "b ... -> ... b 1"}],
    "reduce": [{"tensor": IMAGE, "pattern": "b c h (w 2) -> b c w", "reduction": "max"},
               {"tensor": IMAGE, "pattern": "b c h w -> b c", "reduction": "mean"}],
    "repeat_axes": [{"tensor": ROWS, "pattern": "h w -> h w c", "axes_lengths": [["c", 3]]},
        {"tensor": ROWS, "pattern": "h w -> (2 h) w"}],
    "einsum": [{"tensors": [ROWS, ((5, 6), "float32")], "pattern": "batch i, out i -> batch out"}],
}  # fmt: skip

CASES: Cases = {**ELEMENTWISE, **REDUCTIONS, **SHAPES, **INDEXING, **ALGEBRA, **CREATION, **FUNCTIONAL, **NOTATION}
