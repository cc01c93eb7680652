"""Rows of losses with parameters, which are layers: they are sent their input and the target, and have a place in the `state_dict`."""

from __future__ import annotations

from collections.abc import Mapping

from netc.ops.loss_hints import Operand, misplaced_classes
from netc.ops.losses import REDUCTION, against_classes
from netc.ops.modules import chosen, layer, under, weighted, with_bias
from netc.ops.op import Problem, Use
from netc.shapes import Shape
from netc.tensors import TensorType, Type


def linear_cross_entropy(use: Use) -> Type:
    """`[N, in_features]` through a linear layer to scores `[N, num_classes, *out_features]`, and their cross entropy."""
    x = weighted(use)
    if x.rank not in ((2,) if use["out_features"] else (1, 2)):
        raise Problem("rank", f"`{use.op.name}` needs [N, features], and gets {x}", "input")
    use.infer("in_features", x.shape[-1])
    for size in use["out_features"]:
        chosen(use, "out_features", size > 0, "positive")
    y = use.tensor("target")
    if use["ignore_index"] is not None and y.is_float:
        raise Problem("argument-type", f"`{use.op.name}`: ignore_index goes with class numbers, and the target is {y}", "ignore_index")
    return against_classes(use, x.with_shape((*x.shape[:-1], use.number("num_classes"), *use["out_features"])), y, True)


def linear_cross_entropy_weights(use: Use) -> Mapping[str, Shape]:
    """The linear layer's, which gives `num_classes` times `out_features` numbers."""
    rows: int = use["num_classes"]
    for size in use["out_features"]:
        rows *= size
    return under("linear", with_bias(use, (rows, use["in_features"])))


def adaptive_softmax(use: Use) -> Type:
    """`[N, in_features]` and class numbers `[N]` to `(log probability of the target [N], loss)`.

    Source: torch's documentation of `AdaptiveLogSoftmaxWithLoss`.
    """
    x = weighted(use, "input_")
    if x.rank not in (1, 2):
        raise Problem("rank", f"`{use.op.name}` needs [N, features], and gets {x}", "input_")
    use.infer("in_features", x.shape[-1])
    ends: list[int] = [0, *use["cutoffs"], use.number("n_classes")]
    chosen(use, "cutoffs", len(ends) > 2 and sorted(set(ends)) == ends, f"a list of rising numbers from 1 to {ends[-1] - 1}")
    chosen(use, "div_value", use["div_value"] > 0 and all(0 not in shape for shape in adaptive_softmax_weights(use).values()),
           f"so that {use['in_features']} features, divided by it once for each cluster, leave at least 1")  # fmt: skip
    y = use.tensor("target_")
    if y.shape != x.shape[:-1] or y.dtype != "int64":
        wanted = TensorType(x.shape[:-1], "int64")
        raise Problem("loss-shape" if y.shape != wanted.shape else "dtype",
                      f"`{use.op.name}` of {x} needs class numbers {wanted}, and gets {y}", "target_", "input_",
                      hint=misplaced_classes(Operand.of(use, "input_"), Operand.of(use, "target_"), wanted))  # fmt: skip
    return x.with_shape(x.shape[:-1]), TensorType(())


def adaptive_softmax_weights(use: Use) -> Mapping[str, Shape]:
    """The head, which knows the most frequent classes and the clusters, and of every cluster two matrices."""
    width, ends = use["in_features"], [*use["cutoffs"], use["n_classes"]]
    rows = ends[0] + len(ends) - 1
    found: dict[str, Shape] = {"head.weight": (rows, width)} | ({"head.bias": (rows,)} if use["head_bias"] else {})
    for i in range(len(ends) - 1):
        inner = int(width // use["div_value"] ** (i + 1))
        found |= {f"tail.{i}.0.weight": (inner, width), f"tail.{i}.1.weight": (ends[i + 1] - ends[i], inner)}
    return found


ROWS = [
    layer("LinearCrossEntropyLoss", "*in_features: int, num_classes: int, out_features: ints = [], bias: bool = false, "
          f"{REDUCTION}, ignore_index: int? = none, label_smoothing: float = 0.0", linear_cross_entropy, linear_cross_entropy_weights,
          "input: tensor, target: tensor", is_loss=True),
    layer("AdaptiveLogSoftmaxWithLoss", "*in_features: int, n_classes: int, cutoffs: ints, div_value: float = 4.0, head_bias: bool = false",
          adaptive_softmax, adaptive_softmax_weights, "input_: tensor, target_: tensor"),
]  # fmt: skip
