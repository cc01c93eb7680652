"""What to write where a loss does not go with its target: in each hint the parts in backticks are to be written as they stand.

What is to do together is joined by `and`, different ways by `;`. A test follows each of them, and trains.
"""

from __future__ import annotations

from dataclasses import dataclass

from netc.ops.op import Use
from netc.shapes import Size
from netc.tensors import INTEGERS, TensorType

BINARY = ("BCELoss", "BCEWithLogitsLoss")
LABELLED = (*BINARY, "MultiLabelSoftMarginLoss")  # whose target says yes or no of each number
# Losses of numbers, by name: a target of whole numbers may be a slip for that of a class.
NUMERIC = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")


@dataclass(frozen=True, slots=True)
class Operand:
    """A prediction or target: its type, its text where that is a name, and whether it is a target as it is declared."""

    type: TensorType
    text: str = ""
    declared: str = ""  # its name in the declaration

    @staticmethod
    def of(use: Use, name: str, type: TensorType | None = None) -> Operand:
        """What a loss is called with under that name; `type` stands for it."""
        return Operand(type or use.tensor(name), use.texts.get(name, ""), use.declared.get(name, ""))

    def sent(self, through: str) -> str:
        """The operand through a function, as it is written: `h -> squeeze(-1)`."""
        return f"`{f'{self.text} ' if self.text else ''}-> {through}`"


def fit(prediction: Operand, target: Operand) -> str:
    """What to do with operands that differ by one axis of size 1; nothing where they do not."""
    sides = ((prediction, target, "prediction", "target"), (target, prediction, "target", "prediction"))
    for longer, shorter, who, other in sides:
        axis = _extra_axis(longer.type, shorter.type)
        if axis is not None:
            squeezed = f"squeeze the {who}, {longer.sent(f'squeeze({axis})')}"
            if not target.declared:
                return f"{squeezed}; or unsqueeze the {other}, {shorter.sent(f'unsqueeze({axis})')}"
            declared = f"declare {_declaration(target, target.type.with_shape(prediction.type.shape))}"
            return f"{declared}; or {squeezed}" if longer is prediction else declared
    return ""


def _extra_axis(longer: TensorType, shorter: TensorType) -> int | None:
    """The axis of size 1 without which a tensor has the shape of the other, -1 for the last."""
    for axis in range(longer.rank - 1, -1, -1):
        if longer.shape[axis] == 1 and longer.shape[:axis] + longer.shape[axis + 1 :] == shorter.shape:
            return -1 if axis == longer.rank - 1 else axis
    return None


def _declaration(target: Operand, type: TensorType) -> str:
    return f"`target {target.declared}: {type}`"


def _call(loss: str, p: Operand, y: Operand) -> str:
    """A loss of the same operands, as it is written."""
    return f"`{loss}({p.text}, {y.text})`" if p.text and y.text else f"`{loss}`"


def _is_one(y: TensorType) -> bool:
    """Whether a target has one number a row: `[B]`, or `[B, 1]`."""
    return y.rank == 1 or (y.rank == 2 and y.shape[1] == 1)


def _count(scores: TensorType) -> Size | None:
    """The number of scores that a row has, where it is more than one; None also for anything but rows."""
    return scores.shape[1] if scores.rank == 2 and scores.shape[1] != 1 else None


def other_task(use: Use, p: Operand, y: Operand) -> str:
    """What to write where one number a row is compared with another number of predictions, or is a whole one; empty where that is not so.

    Whole numbers, or several scores for one of them, are classes in most cases: `CrossEntropyLoss`.
    """
    is_whole = y.type.dtype in INTEGERS
    count = _count(p.type)
    if use.op.name not in (*NUMERIC, *LABELLED) or not _is_one(y.type) or p.type.rank != 2 or not y.declared:
        return ""
    rows = TensorType(y.type.shape[:1], "int64")
    labels = "" if y.type == rows else f"declare {_declaration(y, rows)} and "
    scores = " of the scores, without `Sigmoid`" if use.op.name == "BCELoss" else ""
    column = p.type.with_shape((p.type.shape[0], 1))
    one = "" if y.type == column else f"declare {_declaration(y, column)}"
    if count is None:
        if use.op.name in LABELLED:
            return f"{one}: of two classes one is 1 and the other 0" if one else ""
        if not is_whole:
            return ""
        return f"for numbers {one}; for classes {labels}send a score each, e.g. `Linear(3)`, into {_call('CrossEntropyLoss', p, y)}"
    classes = f"for classes {labels}take {_call('CrossEntropyLoss', p, y)}{scores}"
    single = " and ".join(filter(None, (one, "predict one, e.g. with `Linear(1)`")))
    if use.op.name in LABELLED:
        return f"{classes}; for yes or no {single}; for {count} times yes or no declare {_declaration(y, p.type)}"
    return f"{classes}; for one number a row {single}"


def of_dtype(use: Use, p: Operand, y: Operand, name: str) -> str:
    """What to write where a target has another dtype than the prediction."""
    if y.declared:
        same_shape = y.type.with_shape(p.type.shape if _is_one(y.type) else y.type.shape)
        return other_task(use, p, y) or f"declare {_declaration(y, TensorType(same_shape.shape, p.type.dtype))}"
    through = "float" if p.type.dtype == "float32" else f"to({p.type.dtype})"
    return f"convert the {name}, {y.sent(through)}"


def of_shapes(use: Use, p: Operand, y: Operand) -> str:
    """What to write where prediction and target of one dtype have other shapes."""
    return fit(p, y) or other_task(use, p, y) or _columns(p.type, y.type)


def _columns(prediction: TensorType, target: TensorType) -> str:
    """A hint where a prediction has one column, and the target several."""
    count = target.shape[-1] if target.rank else 1
    one = prediction.rank == target.rank and prediction.shape[-1:] == (1,) and prediction.shape[:-1] == target.shape[:-1]
    return f"predict as many, e.g. with `Linear({count})`; to stretch one on purpose, `expand_as` says so" if one else ""


def class_numbers(y: Operand, wanted: TensorType) -> str:
    """How class numbers of that type are declared, or what is not one becomes one."""
    if y.declared or y.type.is_float:
        return f"declare class numbers as `target {y.declared or 'y'}: {wanted}`"
    return f"convert it, {y.sent('long')}"


def misplaced_classes(p: Operand, y: Operand, wanted: TensorType) -> str:
    """What is meant by class numbers of another shape: an axis too many, scores with the classes last, one-hot rows."""
    if p.type.rank > 2 and y.type.shape == p.type.shape[:-1]:
        through = "transpose(1, 2)" if p.type.rank == 3 else "movedim(-1, 1)"
        return f"classes are axis 1 of the scores: send them through `{through}`"
    if y.type.shape == p.type.shape:
        declared = f"declare {_declaration(y, wanted)}; " if y.declared else ""
        return f"{declared}for one-hot rows take the place of the 1: `argmax({y.text or 'y'}, dim=1)`"
    axis = _extra_axis(y.type, wanted)
    if axis is None:
        return _unflattened(p.type, y.type)
    return f"declare {_declaration(y, wanted)}" if y.declared else f"squeeze the target, {y.sent(f'squeeze({axis})')}"


def _unflattened(scores: TensorType, labels: TensorType) -> str:
    """What to write where a row has one class, and scores at each place of an image, as it was not flattened."""
    sizes = scores.shape[1:]
    if labels.rank != 1 or scores.rank < 3 or labels.shape[0] != scores.shape[0] or not all(isinstance(n, int) for n in sizes):
        return ""
    return f"for one class a row flatten what goes into the last layer: `-> Flatten -> Linear({sizes[-1]})`"


def in_order(use: Use) -> str:
    """How a loss is written whose operands were swapped; `use` has them in order."""
    return f"the prediction comes first, and the target second: {_call(use.op.name, Operand.of(use, 'input'), Operand.of(use, 'target'))}"


def one_class(p: Operand, y: Operand) -> str:
    """What to write in place of a score for the only class."""
    is_row = y.declared and p.type.rank == 2 and _is_one(y.type)
    column = p.type.with_shape((p.type.shape[0], 1)) if p.type.rank else p.type
    also = f" and declare {_declaration(y, column)}" if is_row and y.type != column else ""
    loss = _call("BCEWithLogitsLoss", p, y)
    labels = TensorType(y.type.shape[:1], "int64")
    declare = f" and declare {_declaration(y, labels)}" if is_row and y.type != labels else ""
    return f"give it a score each class, e.g. `Linear(2)`{declare}; for yes or no take {loss}{also}"
