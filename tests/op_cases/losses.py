"""Uses of the rows: arguments by name, tensors as (shape, dtype); what is left out is a float tensor of [4, 6, 5]."""

from __future__ import annotations

from typing import Any

import torch

from tests.op_cases.shapes import ROWS

EACH = ((4,), "float32")
LABELS = ((4,), "int64")
SCORES = {"input": ROWS, "target": LABELS}
PAIR = {"input1": ROWS, "input2": ROWS}
NONE = {"reduction": "none"}

CASES: dict[str, list[dict[str, Any]]] = {
    "CrossEntropyLoss": [SCORES, {"input": ROWS, "target": ROWS}, {"input": ((6,), "float32"), "target": ((), "int64"), **NONE},
                         {"target": ((4, 5), "int64"), **NONE}, SCORES | {"weight": ((6,), "float32"), "label_smoothing": 0.1}],
    "NLLLoss": [SCORES, {"target": ((4, 5), "int64"), "ignore_index": 0, **NONE}],
    "BCELoss": [{"input": ROWS, "target": ROWS, "weight": ROWS}, {"input": ROWS, "target": ROWS, **NONE}],
    "BCEWithLogitsLoss": [{"input": ROWS, "target": ROWS, "pos_weight": ((6,), "float32")},
                          {"input": EACH, "target": EACH, "weight": EACH, "pos_weight": ((1,), "float32"), **NONE}],
    "SmoothL1Loss": [{}, {"beta": 0.5, **NONE}], "HuberLoss": [{}, {"delta": 0.5, "reduction": "sum"}],
    "KLDivLoss": [{"reduction": "batchmean"}, {"log_target": True, **NONE}, {}],
    "PoissonNLLLoss": [{}, {"log_input": False, "full": True, **NONE}],
    "GaussianNLLLoss": [{}, {"input": ROWS, "target": ROWS, "var": ((4, 1), "float32"), **NONE}, {"var": 0.5, "full": True}],
    "HingeEmbeddingLoss": [{}, {"target": ((4, 6, 5), "int64"), "margin": 2.0, **NONE}], "SoftMarginLoss": [{}, NONE],
    "MultiMarginLoss": [SCORES, SCORES | {"p": 2, "weight": ((6,), "float32"), **NONE},
                        {"input": ((6,), "float32"), "target": ((), "int64")}],
    "MultiLabelMarginLoss": [{"input": ROWS, "target": ((4, 6), "int64"), **NONE},
                             {"input": ((6,), "float32"), "target": ((6,), "int64")}],
    "MultiLabelSoftMarginLoss": [{"input": ROWS, "target": ROWS, "weight": ((6,), "float32")}, {"input": ROWS, "target": ROWS, **NONE},
                                 {"input": EACH, "target": EACH, **NONE}],
    "MarginRankingLoss": [{}, {"margin": 0.5, **NONE}],
    "CosineEmbeddingLoss": [PAIR | {"target": EACH}, PAIR | {"target": LABELS, "margin": 0.5, **NONE},
                            {"input1": EACH, "input2": EACH, "target": ((), "float32"), **NONE}],
    "TripletMarginLoss": [{}, {"anchor": ROWS, "positive": ROWS, "negative": ROWS, "p": 1, "swap": True, **NONE}],
    "CTCLoss": [{"log_probs": ((9, 4, 6), "float32"), "targets": ((4, 3), "int64"), "input_lengths": LABELS, "target_lengths": LABELS},
                {"log_probs": ((9, 2, 6), "float32"), "targets": ((5,), "int64"), "input_lengths": torch.tensor([9, 7]),
                 "target_lengths": torch.tensor([3, 2])},
                {"log_probs": ((9, 6), "float32"), "targets": ((3,), "int64"), "input_lengths": torch.tensor(9),
                 "target_lengths": torch.tensor(3), "blank": 5, "zero_infinity": True, **NONE}],
    "LinearCrossEntropyLoss": [SCORES | {"num_classes": 3}, SCORES | {"num_classes": 3, "bias": True, "ignore_index": 2, **NONE},
                               {"input": ROWS, "target": ((4, 5), "int64"), "num_classes": 3, "out_features": [5], **NONE},
                               {"input": ROWS, "target": ((4, 3), "float32"), "num_classes": 3, "label_smoothing": 0.1}],
    "AdaptiveLogSoftmaxWithLoss": [{"input_": ROWS, "target_": LABELS, "n_classes": 9, "cutoffs": [2, 4], "div_value": 2.0},
                                   {"input_": ((6,), "float32"), "target_": ((), "int64"), "n_classes": 9, "cutoffs": [3],
                                    "head_bias": True}],
}  # fmt: skip
