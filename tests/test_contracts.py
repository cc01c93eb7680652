"""All losses against targets of every shape and dtype that people have: an error, or the value computed by hand.

A prediction of N rows against a target of as many numbers has one meaning; where shapes only match by broadcasting torch
computes another number for most losses. By hand means: in plain Python, each number by itself, where nothing can be stretched.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
import torch

import netc
from netc.diagnostics import Diagnostic, NetError
from netc.ops import TABLE
from tests.op_checks import outcome

pytestmark = pytest.mark.filterwarnings("ignore:reduction:UserWarning")

N, C, L = 3, 4, 5
PREDICTIONS = [(N,), (N, 1), (N, C), (N, C, L), (N, 1, L)]
TARGETS = [(N,), (N, 1), (N, C), (N, 1, L), (N, C, L), (N, L), ()]
DTYPES = ["float32", "int64", "int32", "bool", "float64"]
REDUCTIONS = ["mean", "sum", "none"]

Number = float
Place = tuple[int, ...]


@dataclass(frozen=True)
class Table:
    """Numbers by their place, in plain Python."""

    shape: tuple[int, ...]
    numbers: dict[Place, Number]

    @staticmethod
    def of(tensor: torch.Tensor) -> Table:
        places = product(*map(range, tensor.shape))
        return Table(tuple(tensor.shape), {p: float(tensor[p]) for p in places})

    def at(self, *place: int) -> Number:
        return self.numbers[place]

    def places(self) -> list[Place]:
        return list(self.numbers)


def softmax_log(scores: Sequence[Number]) -> list[Number]:
    top = max(scores)
    total = top + math.log(sum(math.exp(s - top) for s in scores))
    return [s - total for s in scores]


def sigmoid(x: Number) -> Number:
    return 1 / (1 + math.exp(-x))


def smooth(p: Number, y: Number) -> Number:
    d = abs(p - y)
    return 0.5 * d * d if d < 1 else d - 0.5


# Of one prediction and one target. Source of the formulas: torch's documentation of each class.
ONE_EACH: dict[str, Callable[[Number, Number], Number]] = {
    "MSELoss": lambda p, y: (p - y) ** 2,
    "L1Loss": lambda p, y: abs(p - y),
    "SmoothL1Loss": smooth,
    "HuberLoss": smooth,
    "BCELoss": lambda p, y: -y * math.log(p) - (1 - y) * math.log(1 - p),
    "BCEWithLogitsLoss": lambda p, y: -y * math.log(sigmoid(p)) - (1 - y) * math.log(sigmoid(-p)),
    "KLDivLoss": lambda p, y: y * (math.log(y) - p) if y else 0.0,
    "PoissonNLLLoss": lambda p, y: math.exp(p) - y * p,
    "HingeEmbeddingLoss": lambda p, y: p if y == 1 else max(0.0, 1 - p),
    "SoftMarginLoss": lambda p, y: math.log(1 + math.exp(-y * p)),
}


def rows(p: Table) -> Iterator[tuple[Place, list[Number]]]:
    """The scores of every example and position, with the place in a target `[N, …]`."""
    if len(p.shape) == 1:
        yield (), [p.at(k) for k in range(p.shape[0])]
        return
    for place in product(range(p.shape[0]), *map(range, p.shape[2:])):
        yield place, [p.at(place[0], k, *place[1:]) for k in range(p.shape[1])]


def negative_log(x: Sequence[Number], k: int) -> Number:
    return -x[k]


def cross_entropy(x: Sequence[Number], k: int) -> Number:
    return -softmax_log(x)[k]


def multi_margin(x: Sequence[Number], k: int) -> Number:
    return sum(max(0.0, 1 - x[k] + x[i]) for i in range(len(x)) if i != k) / len(x)


BY_CLASS: dict[str, Callable[[Sequence[Number], int], Number]] = {
    "NLLLoss": negative_log, "CrossEntropyLoss": cross_entropy, "MultiMarginLoss": multi_margin,
}  # fmt: skip


def label_margin(x: Sequence[Number], y: Sequence[Number]) -> Number:
    wanted = [int(k) for k in (y[: list(y).index(-1)] if -1 in y else y)]
    return sum(max(0.0, 1 - (x[k] - x[i])) for k in wanted for i in range(len(x)) if i not in wanted) / len(x)


def label_soft_margin(x: Sequence[Number], y: Sequence[Number]) -> Number:
    return -sum(t * math.log(sigmoid(s)) + (1 - t) * math.log(sigmoid(-s)) for s, t in zip(x, y, strict=True)) / len(x)


# Of the scores and the targets of one example.
BY_ROW = {"MultiLabelMarginLoss": label_margin, "MultiLabelSoftMarginLoss": label_soft_margin}


def distance(a: Sequence[Number], b: Sequence[Number]) -> Number:
    return math.sqrt(sum((m - n + 1e-6) ** 2 for m, n in zip(a, b, strict=True)))


def cosine(a: Sequence[Number], b: Sequence[Number], y: Number) -> Number:
    dot, lengths = sum(m * n for m, n in zip(a, b, strict=True)), math.hypot(*a) * math.hypot(*b)
    return 1 - dot / lengths if y == 1 else max(0.0, dot / lengths)


def vectors(t: Table) -> list[list[Number]]:
    """The vectors along the last axis."""
    return [[t.at(*place, k) for k in range(t.shape[-1])] for place in product(*map(range, t.shape[:-1]))]


def by_hand(name: str, p: Table, y: Table) -> list[Number]:
    """The loss of each part by itself. KeyError or IndexError where the operands do not belong together."""
    if name in ONE_EACH:
        assert p.shape == y.shape
        return [ONE_EACH[name](p.at(*place), y.at(*place)) for place in p.places()]
    if name == "CrossEntropyLoss" and p.shape == y.shape:  # probabilities
        found = []
        for place, scores in rows(p):
            shares = dict(rows(y))[place]
            found.append(-sum(s * q for s, q in zip(softmax_log(scores), shares, strict=True)))
        return found
    if name in BY_CLASS:
        assert len(list(rows(p))) == len(y.places())
        return [BY_CLASS[name](scores, int(y.at(*place))) for place, scores in rows(p)]
    if name in BY_ROW:
        return [BY_ROW[name](a, b) for a, b in zip(vectors(p), vectors(y), strict=True)]
    if name == "GaussianNLLLoss":  # with a variance of 0.5
        return [0.5 * (math.log(0.5) + (p.at(*place) - y.at(*place)) ** 2 / 0.5) for place in p.places()]
    if name == "MarginRankingLoss":  # the second is the first plus 1
        return [max(0.0, -y.at(*place) * -1.0) for place in p.places()]
    if name == "CosineEmbeddingLoss":  # the second is the first plus 1
        places = list(product(*map(range, p.shape[:-1])))
        return [cosine(v, [n + 1 for n in v], y.at(*place)) for place, v in zip(places, vectors(p), strict=True)]
    assert name == "TripletMarginLoss"  # near is the first plus 1, far is what stands in the target's place
    pairs = zip(vectors(p), vectors(y), strict=True)
    return [max(0.0, distance(a, [n + 1 for n in a]) - distance(a, far) + 1) for a, far in pairs]


def prediction(shape: tuple[int, ...], rng: random.Random) -> torch.Tensor:
    """Numbers that are probabilities too."""
    return torch.tensor([rng.uniform(0.1, 0.9) for _ in range(math.prod(shape))]).reshape(shape)


SIGNS = ("HingeEmbeddingLoss", "SoftMarginLoss", "MarginRankingLoss", "CosineEmbeddingLoss")


def target(name: str, shape: tuple[int, ...], dtype: str, p: tuple[int, ...], rng: random.Random) -> torch.Tensor:
    """What the loss can take of that dtype: class numbers, signs, shares."""
    classes = p[0] if len(p) == 1 else p[1]
    if dtype == "bool":
        values: list[Any] = [rng.random() < 0.5 for _ in range(math.prod(shape))]
    elif name in SIGNS:
        values = [rng.choice([-1, 1]) for _ in range(math.prod(shape))]
    elif dtype.startswith("int"):
        values = [rng.randrange(classes if name in BY_CLASS or name in BY_ROW else 2) for _ in range(math.prod(shape))]
    else:
        values = [rng.uniform(0.1, 0.9) for _ in range(math.prod(shape))]
    return torch.tensor(values).reshape(shape).to(getattr(torch, dtype))


def operands(name: str, p: torch.Tensor, y: torch.Tensor) -> dict[str, Any]:
    """The prediction and the target in their places; what more a loss takes is made of the prediction."""
    if name == "GaussianNLLLoss":
        return {"input": p, "target": y, "var": torch.full_like(p, 0.5)}
    if name in ("MarginRankingLoss", "CosineEmbeddingLoss"):
        return {"input1": p, "input2": p + 1, "target": y}
    if name == "TripletMarginLoss":
        return {"anchor": p, "positive": p + 1, "negative": y}
    return {"input": p, "target": y}


LOSSES = [name for name, op in TABLE.items() if op.is_loss and not op.is_module and name != "CTCLoss"]  # that takes lengths
AFTER = {"KLDivLoss": "batchmean"}


@pytest.mark.parametrize("name", LOSSES)
def test_an_error_or_the_value_by_hand(name: str) -> None:
    rng, counts = random.Random(name), Counter[str]()
    for p_shape, y_shape, dtype, reduction in product(PREDICTIONS, TARGETS, DTYPES, REDUCTIONS):
        p, y = prediction(p_shape, rng), target(name, y_shape, dtype, p_shape, rng)
        result = outcome(TABLE[name], operands(name, p, y) | {"reduction": reduction})
        what = f"{name}({list(p_shape)}, {dtype}{list(y_shape)}, {reduction})"
        if isinstance(result.ours, Diagnostic):
            counts["refused"] += 1
            assert result.ours.code in ("loss-shape", "dtype", "rank", "bad-size"), what
            assert name in result.ours.message
            continue
        counts["taken"] += 1
        assert result.error is None, f"{what}: {result.error}"
        parts = by_hand(name, Table.of(p), Table.of(y))
        numbers = [float(v) for v in result.value.reshape(-1)]
        expected = {"none": parts, "sum": [math.fsum(parts)], "mean": [math.fsum(parts) / len(parts)]}[reduction]
        assert numbers == pytest.approx(expected, rel=1e-4, abs=1e-5), what
    assert counts["taken"] >= 3, counts
    assert counts["refused"] > 400, counts


def test_every_loss_is_tried() -> None:
    assert set(LOSSES) | {"CTCLoss"} == {n for n, op in TABLE.items() if op.is_loss and not op.is_module}
    assert len(LOSSES) == 19


# --- what is refused, as its user meets it ------------------------------------------------------------------------

SPEC = """
fn own(p, y) = {own}
network Net {{
  input  x: [B, 5]
  target y: {y}
  p = x -> {p}
  output p
  loss {loss}
}}
"""
ROUND = "Linear(1) -> squeeze(-1)"
HINTS: list[tuple[str, str, str, str, str]] = [
    # loss, prediction, target, code, words of the hint
    ("MSELoss(p, y)", "Linear(1)", "[B]", "loss-shape", "declare `target y: [B, 1]`; or squeeze the prediction, `p -> squeeze(-1)`"),
    ("L1Loss(p, y)", ROUND, "[B, 1]", "loss-shape", "declare `target y: [B]`"),
    ("HuberLoss(p, y)", "Linear(1)", "[B, 3]", "loss-shape", "`Linear(3)`"),
    ("HuberLoss(p, y)", "Linear(3)", "[B, 1]", "loss-shape", "for one number a row predict one, e.g. with `Linear(1)`"),
    ("BCELoss(p, y)", "Linear(1) -> Sigmoid", "int64[B, 1]", "dtype", "declare `target y: [B, 1]`"),
    ("BCEWithLogitsLoss(p, y)", "Linear(1)", "bool[B, 1]", "dtype", "declare `target y: [B, 1]`"),
    ("BCEWithLogitsLoss(p, y)", "Linear(1)", "int64[B]", "dtype", "declare `target y: [B, 1]`"),
    ("CrossEntropyLoss(p, y)", "Linear(3)", "[B]", "loss-shape", "`target y: int64[B]`"),
    ("CrossEntropyLoss(p, y)", "Linear(3)", "[B, 1]", "loss-shape", "`target y: int64[B]`"),
    ("CrossEntropyLoss(p, y)", "Linear(3)", "int64[B, 1]", "loss-shape", "declare `target y: int64[B]`"),
    ("CrossEntropyLoss(p, y)", "Linear(3)", "int64[B, 3]", "loss-shape", "`argmax(y, dim=1)`"),
    ("CrossEntropyLoss(p, y)", "Linear(3)", "bool[B]", "dtype", "`target y: int64[B]`"),
    ("CrossEntropyLoss(p, y)", "Linear(1)", "int64[B]", "bad-size", "take `BCEWithLogitsLoss(p, y)` and declare `target y: [B, 1]`"),
    ("NLLLoss(p, y)", "Linear(3)", "[B, 3]", "dtype", "`target y: int64[B]`"),
    ("MultiMarginLoss(p, y)", "Linear(3)", "int64[B, 1]", "loss-shape", "declare `target y: int64[B]`"),
    ("own(p, y)", "Linear(1)", "[B]", "loss-shape", "`p -> squeeze(-1)`"),
    ("mean(abs(p - y))", "Linear(1)", "[B]", "loss-shape", "`p -> squeeze(-1)`"),
    ("mean((y - p) ** 2)", "Linear(1)", "[B]", "loss-shape", "declare `target y: [B, 1]`"),
    ("mean(maximum(p - y, 0.0))", "Linear(1)", "[B]", "loss-shape", "squeeze"),
    ("mean(where(y > p, y, p))", "Linear(1)", "[B]", "loss-shape", "squeeze"),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "p", "y", "code", "hint"), HINTS)
def test_what_to_write(loss: str, p: str, y: str, code: str, hint: str) -> None:
    with pytest.raises(NetError) as caught:
        netc.load(SPEC.format(loss=loss, p=p, y=y, own="mean((p - y) ** 2)"))
    (problem,) = (d for d in caught.value.diagnostics if d.severity == "error")
    assert problem.code == code and hint in problem.hint, problem


# Functions of two operands that broadcast in torch, each in the place of the difference of a loss.
STRETCHING = [
    "p - y", "p + y", "p * y", "p / y", "p ** y", "p % y", "pow(p, y)", "true_divide(p, y)", "fmod(p, y)", "remainder(p, y)",
    "fmax(p, y)", "fmin(p, y)", "atan2(p, y)", "hypot(p, y)", "logaddexp(p, y)", "copysign(p, y)", "xlogy(p, y)",
    "lerp(p, y, 0.5)", "where(y > 0, p, y)", "where(y > 0, p, 0.0)", "addcmul(p, p, y)", "addcdiv(p, p, y)", "float(p > y)",
    "float(gt(p, y))", "masked_fill(p, y > 0, 0.0)", "clamp(p, y, y)", "cosine_similarity(p, y)", "pairwise_distance(p, y)",
    "floor_divide(p, y)", "isclose(p, y) -> float", "heaviside(p, y)", "float(logical_and(p, y))", "float_power(p, y)",
]  # fmt: skip


@pytest.mark.parametrize("difference", STRETCHING)
def test_a_loss_of_ones_own_does_not_broadcast(difference: str) -> None:
    """The prediction `[B, 1]` against the target `[B]` is an error, whatever operator or function takes both."""
    with pytest.raises(NetError) as caught:
        netc.load(SPEC.format(loss="own(p, y)", p="Linear(1)", y="[B]", own=f"mean({difference})"))
    assert [d.code for d in caught.value.diagnostics if d.severity == "error"] == ["loss-shape"], caught.value


@pytest.mark.parametrize("difference", [d for d in STRETCHING if "cosine" not in d and "float_power" not in d])
def test_of_equal_shapes_it_is_taken(difference: str) -> None:
    netc.load(SPEC.format(loss="own(p, y)", p=ROUND, y="[B]", own=f"mean({difference})"))


def test_stretching_on_purpose() -> None:
    netc.load(SPEC.format(loss="own(p, y)", p="Linear(1)", y="[B, 3]", own="mean((expand_as(p, y) - y) ** 2)"))


@pytest.mark.parametrize(
    "loss", ["mean(p * scale - y * scale)", "mean((p - y) * weight)", "mean(p[:, 0] - y[:, 1])", "-mean(gather(p, 1, long(y)))"]
)
def test_what_is_no_prediction_may_stretch(loss: str) -> None:
    """Parameters and buffers, parts that are equal again, and places to look at."""
    text = SPEC.format(loss=loss, p="Linear(3)", y="[B, 3]", own="mean((p - y) ** 2)")
    netc.load(text.replace("  output p", "  param scale: [3] = ones\n  buffer weight: [1] = ones\n  output p"))
