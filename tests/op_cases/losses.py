"""Uses of the rows: arguments by name, tensors as (shape, dtype); what is left out is a float tensor of [4, 6, 5]."""

from __future__ import annotations

from typing import Any

from tests.op_cases.shapes import ROWS

CASES: dict[str, list[dict[str, Any]]] = {
    "CrossEntropyLoss": [{"input": ROWS, "target": ((4,), "int64")}, {"input": ROWS, "target": ROWS},
                         {"input": ((4, 6, 5), "float32"), "target": ((4, 5), "int64"), "reduction": "none"},
                         {"input": ROWS, "target": ((4,), "int64"), "weight": ((6,), "float32"), "label_smoothing": 0.1}],
    "NLLLoss": [{"input": ROWS, "target": ((4,), "int64")}],
    "BCELoss": [{"input": ROWS, "target": ROWS, "weight": ROWS}, {"input": ROWS, "target": ROWS, "reduction": "none"}],
    "BCEWithLogitsLoss": [{"input": ROWS, "target": ROWS, "pos_weight": ((6,), "float32")}],
}  # fmt: skip
