"""Uses of the rows: arguments by name, tensors as (shape, dtype); what is left out is a float tensor of [4, 6, 5]."""

from __future__ import annotations

from typing import Any

from netc.ops.op import Slice
from tests.op_cases.shapes import ROWS

CASES: dict[str, list[dict[str, Any]]] = {
    "softmax": [{"dim": -1}], "log_softmax": [{"dim": 1}], "softmin": [{"dim": 0}],
    "concat": [{"tensors": [ROWS, ((4, 2), "float32")], "dim": 1}], "cat": [{"tensors": [ROWS, ROWS]}],
    "stack": [{"tensors": [ROWS, ROWS], "dim": -1}], "matmul": [{"input": ROWS, "other": ((6, 3), "float32")}],
    "@": [{"input": ((2, 4, 6), "float32"), "other": ((6, 3), "float32")}, {"input": ((6,), "float32"), "other": ((6,), "float32")}],
    "where": [{"condition": ((4, 6), "bool"), "input": ROWS, "other": 0.0}],
    "pow": [{"exponent": 2}], "clamp": [{"min": 0.0}, {"max": 1.0, "min": -1}],
    "mean": [{}, {"dim": 1}, {"dim": [0, 2], "keepdim": True}], "sum": [{}, {"dim": -1, "input": ((4, 6), "int32")}],
    "prod": [{}, {"dim": 1, "keepdim": True}], "var": [{}, {"dim": 1, "correction": 0}], "std": [{"dim": [0, 1]}],
    "logsumexp": [{"dim": 1}], "norm": [{}, {"dim": -1}, {"dim": 1, "p": 1, "keepdim": True}],
    "max": [{}, {"dim": 1}], "min": [{"dim": 1, "keepdim": True}], "argmax": [{"dim": 1}, {}], "argmin": [{"dim": -1}],
    "all": [{"dim": 1, "input": ((4, 6), "bool")}], "any": [{"input": ((4, 6), "bool")}],
    "amax": [{"dim": 1}], "amin": [{"dim": [0, 1]}],
    "reshape": [{"shape": [2, -1]}, {"shape": [120]}], "flatten": [{}, {"start_dim": 1}],
    "squeeze": [{"input": ((4, 1), "float32"), "dim": 1}],
    "unsqueeze": [{"dim": -1}, {"dim": 1}], "transpose": [{"dim0": 0, "dim1": 2}], "permute": [{"dims": [2, 0, 1]}],
    "chunk": [{"chunks": 2, "dim": 1}], "expand_as": [{"input": ((4, 1), "float32"), "other": ROWS}],
    "[]": [{"entries": [Slice(None, None, None), 0]}, {"entries": [..., Slice(1, None, 2)]}, {"entries": [Slice(-2, None, None), None]},
           {"entries": [-1]}],
}  # fmt: skip
