"""Rows of losses, under the names of torch's modules, run as the functions that these call.

Each row is a contract of shapes and dtypes: what matches by broadcasting only is an error, as torch would compute a
number of another meaning (a table of all predictions against all targets).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netc.conditions import condition
from netc.ops import loss_hints
from netc.ops.loss_hints import Operand
from netc.ops.modules import chosen
from netc.ops.op import Balanced, Op, Problem, Rule, Use, signature, value_text
from netc.ops.rules import listed_shapes, need_float
from netc.shapes import Dim, Shape, Size, size_names
from netc.tensors import DEFAULT_DTYPE, GREATEST, INTEGERS, TensorType, Type

REDUCTION = "reduction: none|mean|sum = mean"
PREDICTION_TARGET = "input: tensor, target: tensor"
MOST_LISTED = 6  # weights that a hint writes out
STRETCH = "give both one shape; to stretch one on purpose, `expand_as` says so"


def reduced(use: Use, shape: Shape, dtype: str) -> Type:
    """One number, or with reduction="none" one each."""
    return TensorType(shape if use["reduction"] == "none" else (), dtype)


# --- what operands must be ------------------------------------------------------------------------------------------


def need_target(use: Use, p: TensorType, name: str = "target", whole: bool = False) -> TensorType:
    """A tensor of the prediction's dtype; with `whole` also one of whole numbers: counts, 0 and 1, 1 and -1."""
    y = use.tensor(name)
    if not (y.dtype == p.dtype or (whole and y.dtype in ("int32", "int64"))):
        hint = loss_hints.of_dtype(use, Operand.of(use, "input", p), Operand.of(use, name), name)
        raise Problem("dtype", f"`{use.op.name}` needs a float {name}, and gets {y}" if not y.is_float else
                      f"`{use.op.name}` needs one dtype, and gets {p} and {y}", name, "input", hint=hint)  # fmt: skip
    return y


def same_shapes(use: Use, names: Sequence[str], kinds: Sequence[TensorType]) -> None:
    """Raises unless all operands have one shape."""
    for kind in kinds[1:]:
        if kind.shape != kinds[0].shape:
            when = condition(kinds[0].shape, kind.shape)
            operands = [Operand.of(use, name) for name in names]
            hint = when.hint or loss_hints.of_shapes(use, operands[0], operands[kinds.index(kind)]) or STRETCH
            raise Problem("loss-shape", f"`{use.op.name}` needs equal shapes, and gets {listed_shapes(kinds)}{when.text}", *names,
                          hint=hint)  # fmt: skip


def class_numbers(use: Use, y: TensorType, p: TensorType, shape: Shape) -> TensorType:
    """The target as int64 of that shape: class numbers for the scores `p`."""
    wanted = TensorType(shape, "int64")
    target = Operand.of(use, "target")
    if y.dtype not in INTEGERS:
        raise Problem("dtype", f"`{use.op.name}` of scores {p} needs class numbers {wanted}, and gets {y}", "target", "input",
                      hint=loss_hints.class_numbers(target, wanted))  # fmt: skip
    if y.shape != shape:
        when = condition(shape, y.shape)
        hint = loss_hints.misplaced_classes(Operand.of(use, "input", p), target, wanted) or when.hint
        raise Problem("loss-shape", f"`{use.op.name}` of scores {p} needs class numbers {wanted}, and gets {y}{when.text}",
                      "target", "input", hint=hint)  # fmt: skip
    if y.dtype != "int64":
        raise Problem("dtype", f"`{use.op.name}` needs class numbers of dtype int64, and gets {y}", "target",
                      hint=loss_hints.class_numbers(target, wanted))  # fmt: skip
    return y


def need_classes(use: Use, p: TensorType, classes: Size) -> None:
    """More than one class: of one, the probability is always 1 and the loss always 0."""
    if classes == 1:
        raise Problem("bad-size", f"`{use.op.name}` of scores {p} has one class only, so that it is always 0",
                      "num_classes" if "num_classes" in use.values else "input",
                      hint=loss_hints.one_class(Operand.of(use, "input", p), Operand.of(use, "target")))  # fmt: skip


def class_weight(use: Use, p: TensorType, classes: Size) -> None:
    """`weight` has one number each class."""
    weight = use.values.get("weight")
    if weight is not None and (weight.shape != (classes,) or weight.dtype != p.dtype):
        raise Problem("loss-shape", f"`{use.op.name}`: weight {weight} must be {p.with_shape((classes,))}, one each class", "weight",
                      hint=_weights_hint(classes))  # fmt: skip


def _weights_hint(classes: Size) -> str:
    """How so many weights are written, which are short as a list."""
    if isinstance(classes, int) and classes <= MOST_LISTED:
        return f"e.g. `weight={[1.0] * classes}`"
    return f"e.g. `buffer weight: [{classes}] = ones`"


def weights_shape(op: Op, name: str, value: Any, p: TensorType) -> Shape:
    """The shape of weights that are numbers or `balanced`, for the prediction `p`. Raises `Problem` for what can be none."""
    if not isinstance(value, Balanced):
        dtype, numbers = p.dtype if p.is_float else DEFAULT_DTYPE, value if isinstance(value, list) else [value]
        if any(not 0 <= v <= GREATEST[dtype] for v in numbers):
            known = f"a weight is a number from 0 to {GREATEST[dtype]:.6g}, the greatest of {dtype}"
            raise Problem("argument-type", f"`{op.name}`: {known}, and {name} is {value_text(value)}")
        # A mean by weights would be 0 / 0; a `pos_weight` of 0 leaves the rows of the other class.
        if name == "weight" and len(numbers) > 1 and not any(numbers):
            raise Problem("argument-type", f"`{op.name}`: the weight of every class is 0, so that no row counts",
                          hint=_weights_hint(len(numbers)))  # fmt: skip
        return (len(value),) if isinstance(value, list) else ()
    if op.name == "MultiLabelSoftMarginLoss":
        raise Problem("argument-type", f"`{op.name}` has no balanced weights, as a row may be of several classes", hint="write numbers")
    classes = p.shape[min(1, p.rank - 1) : 2] if name == "weight" else p.shape[1:] if p.rank == 2 else ()
    for size in classes:
        if isinstance(size, Dim):
            raise Problem("size-needed", f"`balanced` needs the number of classes, and it is `{size}`",
                          hint=f"give it: {' '.join(f'--set {n}=8' for n in sorted(size_names(size)))}")  # fmt: skip
    return classes


# --- one number each ------------------------------------------------------------------------------------------------


def equal(whole: bool = False) -> Rule:
    """Prediction and target of one shape, both float; `whole` as in `need_target`."""

    def rule(use: Use) -> Type:
        p = need_float(use, "input")
        y = need_target(use, p, whole=whole)
        same_shapes(use, ["input", "target"], [p, y])
        chosen(use, "beta", use.values.get("beta", 0) >= 0, "0 or more")
        chosen(use, "delta", use.values.get("delta", 1) > 0, "positive")
        return reduced(use, p.shape, p.dtype)

    return rule


def binary(use: Use) -> Type:
    """Probabilities or logits against targets from 0 to 1; `weight` is as they, `pos_weight` as their last axes."""
    kind = equal()(use)
    p = use.tensor("input")
    if use["weight"] is not None and use.tensor("weight") != p:
        raise Problem("loss-shape", f"`{use.op.name}`: weight {use.tensor('weight')} must have the shape of the input, {p}",
                      "weight", "input")  # fmt: skip
    positive = use.values.get("pos_weight")
    if positive is not None:
        ends = p.shape[p.rank - positive.rank :]
        if positive.rank > p.rank or any(n not in (1, size) for n, size in zip(positive.shape, ends, strict=True)):
            raise Problem("loss-shape", f"`{use.op.name}`: pos_weight {positive} must have the last axes of the input, {p}, or 1 there",
                          "pos_weight", "input")  # fmt: skip
    return kind


def gaussian(use: Use) -> Type:
    """Mean and target of one shape; `var` is a float, has that shape, or with 1 in the last axis one for all of it.

    Source: torch's documentation of `GaussianNLLLoss`.
    """
    kind = equal()(use)
    p, var = use.tensor("input"), use["var"]
    if not isinstance(var, TensorType):
        chosen(use, "var", isinstance(var, float) and var >= 0, "a tensor or a number with a point, such as 1.0")
        return kind
    need_target(use, p, "var")
    one = p.with_axis(-1, 1) if p.rank else p
    if var.shape not in (p.shape, one.shape):
        hint = "give it the last axis back: `-> unsqueeze(-1)`" if var.shape == p.shape[:-1] else ""
        raise Problem("loss-shape", f"`{use.op.name}` of {p} needs a variance each, {p}, or {one}, and gets {var}", "var", "input",
                      hint=hint)  # fmt: skip
    return kind


# --- classes --------------------------------------------------------------------------------------------------------


def _scores(use: Use, *ranks: int) -> TensorType:
    """Scores `[N, C]`, or `[C]` of one example."""
    p = need_float(use, "input")
    if p.rank not in ranks:
        raise Problem("rank", f"`{use.op.name}` needs scores [N, C], and gets {p}", "input")
    return p


def class_scores(use: Use) -> Type:
    """Scores `[N, C, …]` (or `[C]`) against class numbers `int64[N, …]`, or for cross entropy probabilities `[N, C, …]`."""
    p = need_float(use, "input")
    if not p.rank:
        raise Problem("rank", f"`{use.op.name}` needs scores [N, C, …], and gets a single number", "input")
    class_weight(use, p, p.shape[0 if p.rank == 1 else 1])
    return against_classes(use, p, use.tensor("target"), use.op.name != "NLLLoss")


def against_classes(use: Use, p: TensorType, y: TensorType, probabilities: bool) -> Type:
    """Scores against class numbers, or where allowed against probabilities of the scores' shape."""
    outer = p.shape[:-1] if p.rank == 1 else (p.shape[0], *p.shape[2:])
    if use.op.name != "NLLLoss":
        need_classes(use, p, p.shape[0 if p.rank == 1 else 1])
    smoothing = use.values.get("label_smoothing", 0)
    chosen(use, "label_smoothing", 0 <= smoothing <= 1, "from 0 to 1")
    if not probabilities or y.dtype in INTEGERS:
        class_numbers(use, y, p, outer)
    elif y == p:
        index = use.values.get("ignore_index")
        chosen(use, "ignore_index", index is None or index < 0, "left out where the target is of probabilities")
    else:
        wanted = TensorType(outer, "int64")
        raise Problem("loss-shape" if y.dtype == p.dtype else "dtype",
                      f"`{use.op.name}` of scores {p} needs class numbers {wanted}, or probabilities {p}, and gets {y}",
                      "target", "input", hint=loss_hints.class_numbers(Operand.of(use, "target"), wanted))  # fmt: skip
    return reduced(use, outer, p.dtype)


def multi_margin(use: Use) -> Type:
    """Scores `[N, C]` against class numbers `int64[N]`."""
    p = _scores(use, 1, 2)
    need_classes(use, p, p.shape[-1])
    class_weight(use, p, p.shape[-1])
    class_numbers(use, use.tensor("target"), p, p.shape[:-1])
    chosen(use, "p", use["p"] in (1, 2), "1 or 2")
    return reduced(use, p.shape[:-1], p.dtype)


def multi_label_margin(use: Use) -> Type:
    """Scores `[N, C]` against lists of class numbers, as long as the scores and ended by -1."""
    p = _scores(use, 1, 2)
    class_numbers(use, use.tensor("target"), p, p.shape)
    return reduced(use, p.shape[:-1], p.dtype)


def multi_label(use: Use) -> Type:
    """Scores `[N, C]` against 0 or 1 for each class; `weight` has one number each class."""
    p = _scores(use, 1, 2)
    y = need_target(use, p, whole=True)
    same_shapes(use, ["input", "target"], [p, y])
    class_weight(use, p, p.shape[-1])
    return reduced(use, p.shape[:-1], p.dtype)


# --- pairs and triplets ---------------------------------------------------------------------------------------------


def ranking(use: Use) -> Type:
    """Two tensors of one shape, and of that shape 1 where the first shall rank higher, else -1."""
    names = ["input1", "input2", "target"]
    kinds = _alike(use, "input1", "input2")
    kinds.append(need_target(use, kinds[0], whole=True))
    same_shapes(use, names, kinds)
    return reduced(use, kinds[0].shape, kinds[0].dtype)


def _alike(use: Use, *names: str) -> list[TensorType]:
    """The types of float tensors, which have one dtype."""
    first = need_float(use, names[0])
    return [first, *(need_target(use, first, name) for name in names[1:])]


def cosine(use: Use) -> Type:
    """Vectors `[N, D]` and `[N, D]`, and of `[N]` 1 where they shall be alike, else -1."""
    kinds = _alike(use, "input1", "input2")
    same_shapes(use, ["input1", "input2"], kinds)
    a, y = kinds[0], need_target(use, kinds[0], whole=True)
    if a.rank not in (1, 2):
        raise Problem("rank", f"`{use.op.name}` needs vectors [N, D], and gets {a}", "input1")
    if y.shape != a.shape[:-1]:
        wanted = y.with_shape(a.shape[:-1])
        raise Problem("loss-shape", f"`{use.op.name}` of vectors {a} needs a target {wanted}, and gets {y}", "target", "input1",
                      hint=loss_hints.fit(Operand(wanted), Operand.of(use, "target")))  # fmt: skip
    return reduced(use, y.shape, a.dtype)


def triplet(use: Use) -> Type:
    """Three tensors of vectors `[N, D]`: anchor, one that shall be near, one that shall be far."""
    names = ["anchor", "positive", "negative"]
    kinds = _alike(use, *names)
    same_shapes(use, names, kinds)
    if not kinds[0].rank:
        raise Problem("rank", f"`{use.op.name}` needs vectors [N, D], and gets single numbers", "anchor")
    chosen(use, "margin", use["margin"] > 0, "positive")
    return reduced(use, kinds[0].shape[:-1], kinds[0].dtype)


# --- sequences ------------------------------------------------------------------------------------------------------


def ctc(use: Use) -> Type:
    """Log probabilities `[T, N, C]` against class numbers `[N, S]`, with the two lengths `[N]` of each example.

    Without a batch `[T, C]`, `[S]`, and two numbers. The targets may also stand one behind the other, `[S1 + S2 + …]`.
    Source: torch's documentation of `CTCLoss`.
    """
    p, y = need_float(use, "log_probs"), use.tensor("targets")
    if p.rank not in (2, 3):
        raise Problem("rank", f"`{use.op.name}` needs log probabilities [T, N, C], and gets {p}", "log_probs")
    batch = p.shape[1:-1]
    if y.rank != 1 and y.shape[:-1] != batch:
        wanted = y.with_shape((*batch, y.shape[-1] if y.rank else 1))
        raise Problem("loss-shape", f"`{use.op.name}` of log probabilities {p} needs targets {wanted}, and gets {y}",
                      "targets", "log_probs", hint="the batch is axis 1 of the log probabilities: `-> transpose(0, 1)`")  # fmt: skip
    for name in ("targets", "input_lengths", "target_lengths"):
        kind = use.tensor(name)
        if kind.dtype not in ("int32", "int64"):
            raise Problem("dtype", f"`{use.op.name}` needs whole numbers as {name}, and gets {kind}", name, hint="`-> long`")
        if name != "targets" and kind.shape != batch:
            raise Problem("loss-shape", f"`{use.op.name}` of log probabilities {p} needs {name} {kind.with_shape(batch)}, and gets {kind}",
                          name, "log_probs")  # fmt: skip
    classes = p.shape[-1]
    chosen(use, "blank", use["blank"] >= 0 and not (isinstance(classes, int) and use["blank"] >= classes), f"one of the {classes} classes")
    return reduced(use, batch, p.dtype)


def _in_order(rule: Rule) -> Rule:
    """The rule of a prediction and a target; where these are swapped, its problem is told by that."""

    def ordered(use: Use) -> Type:
        try:
            return rule(use)
        except Problem as problem:
            if hint := _swapped(rule, use):
                raise Problem(problem.code, problem.message, *problem.arguments, hint=hint) from problem
            raise

    return ordered


def _swapped(rule: Rule, use: Use) -> str:
    """How the operands are written where a declared target stands first, and no other one second; empty where that is not so."""
    if "input" not in use.declared or "target" in use.declared:
        return ""
    turn = {"input": "target", "target": "input"}
    texts, declared = ({turn.get(name, name): text for name, text in names.items()} for names in (use.texts, use.declared))
    turned = Use(use.op, {turn.get(name, name): value for name, value in use.values.items()}, {}, texts, declared)
    try:
        rule(turned)
    except Problem:
        if use.tensor("input").is_float:
            return ""  # they may be meant so: what is wrong is something else
    return loss_hints.in_order(turned)


def loss(name: str, function: str, params: str, rule: Rule, operands: str = PREDICTION_TARGET) -> Op:
    """A row of a loss: `params` follow the operands, with `@` for the reduction."""
    rule = _in_order(rule) if operands.startswith(PREDICTION_TARGET) else rule
    text = f"{operands}, {params.replace('@', REDUCTION)}"
    return Op(name, f"torch.nn.functional.{function}", (), signature(text), rule, is_loss=True)


PAIR = "input1: tensor, input2: tensor, target: tensor"

ROWS = [
    loss("MSELoss", "mse_loss", "@", equal()),
    loss("L1Loss", "l1_loss", "@", equal()),
    loss("SmoothL1Loss", "smooth_l1_loss", "@, beta: float = 1.0", equal()),
    loss("HuberLoss", "huber_loss", "@, delta: float = 1.0", equal()),
    loss("BCELoss", "binary_cross_entropy", "weight: tensor? = none, @", binary),
    loss("BCEWithLogitsLoss", "binary_cross_entropy_with_logits", "weight: tensor? = none, @, pos_weight: weights? = none", binary),
    loss("KLDivLoss", "kl_div", "reduction: none|mean|sum|batchmean = mean, log_target: bool = false", equal()),
    loss("PoissonNLLLoss", "poisson_nll_loss", "log_input: bool = true, full: bool = false, eps: float = 1e-08, @", equal(whole=True)),
    loss("GaussianNLLLoss", "gaussian_nll_loss", "full: bool = false, eps: float = 1e-06, @", gaussian,
         f"{PREDICTION_TARGET}, var: operand"),
    loss("HingeEmbeddingLoss", "hinge_embedding_loss", "margin: float = 1.0, @", equal(whole=True)),
    loss("SoftMarginLoss", "soft_margin_loss", "@", equal(whole=True)),
    loss("CrossEntropyLoss", "cross_entropy", "weight: weights? = none, ignore_index: int = -100, @, label_smoothing: float = 0.0",
         class_scores),
    loss("NLLLoss", "nll_loss", "weight: weights? = none, ignore_index: int = -100, @", class_scores),
    loss("MultiMarginLoss", "multi_margin_loss", "p: int = 1, margin: float = 1.0, weight: weights? = none, @", multi_margin),
    loss("MultiLabelMarginLoss", "multilabel_margin_loss", "@", multi_label_margin),
    loss("MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss", "weight: weights? = none, @", multi_label),
    loss("MarginRankingLoss", "margin_ranking_loss", "margin: float = 0.0, @", ranking, PAIR),
    loss("CosineEmbeddingLoss", "cosine_embedding_loss", "margin: float = 0.0, @", cosine, PAIR),
    loss("TripletMarginLoss", "triplet_margin_loss", "margin: float = 1.0, p: float = 2.0, eps: float = 1e-06, swap: bool = false, @",
         triplet, "anchor: tensor, positive: tensor, negative: tensor"),
    loss("CTCLoss", "ctc_loss", "blank: int = 0, @, zero_infinity: bool = false", ctc,
         "log_probs: tensor, targets: tensor, input_lengths: tensor, target_lengths: tensor"),
]  # fmt: skip
