"""Rows of losses, under the names of torch's modules, run as the functions that these call.

Each row is a contract of shapes and dtypes: what matches by broadcasting only is an error, as torch would compute a
number of another meaning (a table of all predictions against all targets).
"""

from __future__ import annotations

from netc.ops.op import Op, Problem, Rule, Use, signature
from netc.ops.rules import need_float
from netc.tensors import INTEGERS, TensorType, Type

REDUCTION = "reduction: none|mean|sum = mean"


def fit(prediction: TensorType, target: TensorType) -> str:
    """What to do with operands that differ by one axis of size 1: a hint, or nothing."""
    for longer, shorter, who in ((prediction, target, "prediction"), (target, prediction, "target")):
        for axis in range(longer.rank - 1, -1, -1):
            if longer.shape[axis] == 1 and longer.shape[:axis] + longer.shape[axis + 1 :] == shorter.shape:
                place = -1 if axis == longer.rank - 1 else axis
                return f"squeeze the {who}, `-> squeeze({place})`, or unsqueeze the other, `-> unsqueeze({place})`"
    return ""


def reduced(use: Use, shape: tuple[object, ...], dtype: str) -> Type:
    """One number, or with reduction="none" one each."""
    return TensorType(shape if use["reduction"] == "none" else (), dtype)  # type: ignore[arg-type]


def equal(use: Use) -> Type:
    """Prediction and target of one shape, both float."""
    p, y = need_float(use, "input"), use.tensor("target")
    if not y.is_float:
        raise Problem("dtype", f"`{use.op.name}` needs a float target, and gets {y}", "target", "input",
                      hint="convert it, `y -> float`, or declare the target without a dtype")  # fmt: skip
    if p.shape != y.shape:
        raise Problem("loss-shape", f"`{use.op.name}` needs equal shapes, and gets {p} and {y}", "input", "target", hint=fit(p, y))
    if use.values.get("weight") is not None and use.tensor("weight").shape != p.shape:
        weight = use.tensor("weight")
        raise Problem("loss-shape", f"`{use.op.name}`: weight {weight} must have the shape of the input, {p}", "weight", "input")
    return reduced(use, p.shape, p.dtype)


def class_scores(use: Use) -> Type:
    """Scores `[N, C, …]` (or `[C]`) against class numbers `int64[N, …]`, or for cross entropy probabilities `[N, C, …]`."""
    p, y = need_float(use, "input"), use.tensor("target")
    if not p.rank:
        raise Problem("rank", f"`{use.op.name}` needs scores [N, C, …], and gets a single number", "input")
    outer = p.shape[:-1] if p.rank == 1 else (p.shape[0], *p.shape[2:])
    classes = p.shape[0] if p.rank == 1 else p.shape[1]
    if y.dtype in INTEGERS:
        if y.shape != outer:
            wanted = TensorType(outer, "int64")
            raise Problem("loss-shape", f"`{use.op.name}` of scores {p} needs class numbers {wanted}, and gets {y}", "target", "input",
                          hint=fit(TensorType(outer), y))  # fmt: skip
        if y.dtype != "int64":
            raise Problem("dtype", f"`{use.op.name}` needs class numbers of dtype int64, and gets {y}", "target", hint="`y -> long`")
    elif use.op.name != "CrossEntropyLoss" or not y.is_float or y.shape != p.shape:
        also = f", or probabilities {p}" if use.op.name == "CrossEntropyLoss" else ""
        raise Problem("loss-shape" if y.is_float else "dtype",
                      f"`{use.op.name}` of scores {p} needs class numbers {TensorType(outer, 'int64')}{also}, and gets {y}",
                      "target", "input", hint="declare class numbers as `target y: int64[B]`")  # fmt: skip
    if use["weight"] is not None and use.tensor("weight").shape != (classes,):
        raise Problem("loss-shape", f"`{use.op.name}`: weight {use.tensor('weight')} must be [{classes}], one each class", "weight")
    return reduced(use, outer, p.dtype)


def loss(name: str, function: str, params: str, rule: Rule) -> Op:
    """A row of a loss: `params` follow prediction and target."""
    text = ", ".join(t for t in ("input: tensor, target: tensor", params, REDUCTION) if t)
    return Op(name, f"torch.nn.functional.{function}", (), signature(text), rule, is_loss=True)


ROWS = [
    loss("MSELoss", "mse_loss", "", equal),
    loss("L1Loss", "l1_loss", "", equal),
    loss("SmoothL1Loss", "smooth_l1_loss", "beta: float = 1.0", equal),
    loss("HuberLoss", "huber_loss", "delta: float = 1.0", equal),
    loss("BCELoss", "binary_cross_entropy", "weight: tensor? = none", equal),
    loss("BCEWithLogitsLoss", "binary_cross_entropy_with_logits", "weight: tensor? = none, pos_weight: tensor? = none", equal),
    loss("CrossEntropyLoss", "cross_entropy", "weight: tensor? = none, ignore_index: int = -100, label_smoothing: float = 0.0",
         class_scores),
    loss("NLLLoss", "nll_loss", "weight: tensor? = none, ignore_index: int = -100", class_scores),
]  # fmt: skip
