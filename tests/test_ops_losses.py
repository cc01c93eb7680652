"""Losses on drawn shapes: a row refuses the operands, or torch's value is the one computed by hand, number by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import logsigmoid

from netc.diagnostics import Diagnostic
from netc.infer import Inferred
from netc.ops import TABLE
from netc.shapes import Dim
from netc.tensors import TensorType
from tests.fuzz import cases
from tests.op_checks import infer_case, outcome

N, C, L = 3, 4, 2
SHAPES = [(), (1,), (N,), (C,), (N, 1), (1, N), (N, C), (1, C), (N, N), (N, 1, L), (N, C, L), (N, L), (1, N, L)]
EVERY = [name for name, op in TABLE.items() if op.is_loss and not op.is_module]

pytestmark = pytest.mark.filterwarnings("ignore:reduction:UserWarning", "ignore:Using a target size")


def numbers(x: Tensor) -> list[float]:
    """All numbers of a tensor, in order."""
    return [float(v) for v in x.reshape(-1)]


def each(function: Callable[..., Tensor]) -> Callable[..., list[Tensor]]:
    """Of operands with equally many numbers, the loss of each number by itself: nothing can be stretched."""

    def by_hand(*operands: Tensor) -> list[Tensor]:
        assert len({t.numel() for t in operands}) == 1
        return [function(*row) for row in zip(*(t.reshape(-1).double() for t in operands), strict=True)]

    return by_hand


def vectors(function: Callable[..., Tensor]) -> Callable[..., list[Tensor]]:
    """Of operands `[…, D]` the loss of each vector by itself, the last operand one number (or vector) each."""

    def by_hand(*operands: Tensor) -> list[Tensor]:
        rows = operands[0].numel() // operands[0].shape[-1]
        parts = [t.double().reshape(rows, -1) for t in operands]
        return [function(*row) for row in zip(*parts, strict=True)]

    return by_hand


def by_classes(function: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, Tensor], list[Tensor]]:
    """Of scores `[N, C, …]` and class numbers `[N, …]` the loss of each place by itself."""

    def by_hand(p: Tensor, y: Tensor) -> list[Tensor]:
        p = p.double()
        scores = (p if p.dim() == 1 else p.movedim(1, -1)).reshape(-1, p.shape[0 if p.dim() == 1 else 1])
        return [function(row, int(k)) for row, k in zip(scores, y.reshape(-1), strict=True)]

    return by_hand


def hinge(x: Tensor, k: int) -> Tensor:
    return sum((torch.clamp(1 - x[k] + x[i], min=0) for i in range(len(x)) if i != k), torch.tensor(0.0)) / len(x)


def labels_hinge(x: Tensor, y: Tensor) -> Tensor:
    ends = (y < 0).nonzero()
    wanted = [int(k) for k in (y[: int(ends[0])] if len(ends) else y)]
    others = [i for i in range(len(x)) if i not in wanted]
    return sum((torch.clamp(1 - (x[k] - x[i]), min=0) for k in wanted for i in others), torch.tensor(0.0)) / len(x)


def triple(a: Tensor, p: Tensor, n: Tensor) -> Tensor:
    near, far = ((a - b + 1e-6).norm() for b in (p, n))
    return torch.clamp(near - far + 1, min=0)


def angle(a: Tensor, b: Tensor, y: Tensor) -> Tensor:
    cos = (a * b).sum() / (a.norm() * b.norm())
    return 1 - cos if y == 1 else torch.clamp(cos, min=0)


def smooth(p: Tensor, y: Tensor) -> Tensor:
    d = (p - y).abs()
    return 0.5 * d**2 if d < 1 else d - 0.5


# Source of the formulas: torch's documentation of each class.
FORMULAS: dict[str, Callable[..., list[Tensor]]] = {
    "MSELoss": each(lambda p, y: (p - y) ** 2),
    "L1Loss": each(lambda p, y: (p - y).abs()),
    "SmoothL1Loss": each(smooth), "HuberLoss": each(smooth),
    "BCELoss": each(lambda p, y: -(y * p.log() + (1 - y) * (1 - p).log())),
    "BCEWithLogitsLoss": each(lambda p, y: -(y * logsigmoid(p) + (1 - y) * logsigmoid(-p))),
    "KLDivLoss": each(lambda p, y: y * (y.log() - p)),
    "PoissonNLLLoss": each(lambda p, y: p.exp() - y * p),
    "GaussianNLLLoss": each(lambda p, y, v: 0.5 * (v.log() + (p - y) ** 2 / v)),
    "HingeEmbeddingLoss": each(lambda p, y: p if y == 1 else torch.clamp(1 - p, min=0)),
    "SoftMarginLoss": each(lambda p, y: (1 + (-y * p).exp()).log()),
    "MarginRankingLoss": each(lambda a, b, y: torch.clamp(-y * (a - b), min=0)),
    "NLLLoss": by_classes(lambda x, k: -x[k]),
    "CrossEntropyLoss": by_classes(lambda x, k: x.logsumexp(0) - x[k]),
    "MultiMarginLoss": by_classes(hinge),
    "MultiLabelMarginLoss": vectors(labels_hinge),
    "MultiLabelSoftMarginLoss": vectors(lambda x, y: -(y * logsigmoid(x) + (1 - y) * logsigmoid(-x)).mean()),
    "TripletMarginLoss": vectors(triple),
    "CosineEmbeddingLoss": vectors(angle),
}  # fmt: skip
WHOLE = {"NLLLoss": 0, "CrossEntropyLoss": 0, "MultiMarginLoss": 0, "MultiLabelMarginLoss": -1}  # the least class number
SIGNS = ("HingeEmbeddingLoss", "SoftMarginLoss", "MarginRankingLoss", "CosineEmbeddingLoss")


def operand(loss: str, name: str, shape: tuple[int, ...], first: tuple[int, ...], random: torch.Generator) -> Tensor:
    """A tensor that the loss can take in that place: probabilities, class numbers of the scores of shape `first`, signs."""
    if name == "target" and loss in WHOLE:
        classes = first[0] if len(first) == 1 else first[1] if first else 1
        return torch.randint(WHOLE[loss], classes, shape, generator=random)
    if name == "target" and loss in SIGNS:
        return torch.randint(0, 2, shape, generator=random) * 2.0 - 1
    return torch.rand(shape, generator=random) * 0.8 + 0.1


@pytest.mark.hypothesis
@pytest.mark.parametrize("name", FORMULAS)
def test_loss_is_computed_number_by_number(name: str) -> None:
    names = [p.name for p in TABLE[name].inputs if p.takes_tensors and not p.optional]
    accepted = []

    @cases(150)
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        first = data.draw(st.sampled_from(SHAPES))
        fitting = st.sampled_from([first, first, first[:-1], (*first[:1], *first[2:]), (*first[:-1], 1)])
        wild = st.sampled_from(SHAPES)
        random = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
        others = [st.just(first)] * (len(names) - 2) + [fitting] if data.draw(st.booleans()) else [wild] * (len(names) - 1)
        shapes = [first, *map(data.draw, others)]
        case = {n: operand(name, n, shape, first, random) for n, shape in zip(names, shapes, strict=True)}
        result = outcome(TABLE[name], case | {"reduction": data.draw(st.sampled_from(["none", "mean", "sum"]))})
        if isinstance(result.ours, Diagnostic):
            return
        accepted.append(shapes)
        assert result.error is None, f"{shapes}: {result.error}"
        assert result.theirs == result.ours.type
        if name == "GaussianNLLLoss" and shapes[2] != shapes[0]:
            case["var"] = case["var"].expand(shapes[0])  # its one documented exception: one variance for the last axis
        expected = torch.stack([x.double() for x in FORMULAS[name](*case.values())])
        value = result.value.double()
        if value.dim() or expected.numel() == 1:
            assert torch.allclose(value.reshape(-1), expected, atol=1e-5)
        else:
            assert any(torch.allclose(value, e, atol=1e-4) for e in (expected.mean(), expected.sum()))

    agree()
    assert accepted, "nothing was compared"


def test_every_loss_has_a_formula_here() -> None:
    assert set(EVERY) - set(FORMULAS) == {"CTCLoss"}  # checked by its shapes below


def floats(*shape: Any) -> TensorType:
    return TensorType(shape)


def ints(*shape: Any) -> TensorType:
    return TensorType(shape, "int64")


B = Dim.named("B")
BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("MSELoss", {"input": floats(B, 1), "target": floats(B)}, "loss-shape", "-> squeeze(-1)`; or unsqueeze the target"),
    ("BCEWithLogitsLoss", {"input": floats(B), "target": floats(B, 1)}, "loss-shape", "squeeze the target"),
    ("L1Loss", {"input": floats(B, 4), "target": floats(B, 1)}, "loss-shape", ""),
    ("MSELoss", {"input": floats(B, 4), "target": ints(B, 4)}, "dtype", "-> float`"),
    ("MSELoss", {"input": floats(B), "target": TensorType((B,), "float64")}, "dtype", "-> float`"),
    ("CrossEntropyLoss", {"input": floats(B, 4), "target": ints(B, 1)}, "loss-shape", "squeeze the target"),
    ("CrossEntropyLoss", {"input": floats(B, 4), "target": floats(B)}, "loss-shape", "int64[B]"),
    ("CrossEntropyLoss", {"input": floats(B, 4), "target": TensorType((B,), "int32")}, "dtype", "-> long`"),
    ("NLLLoss", {"input": floats(B, 4), "target": ints(B, 4)}, "loss-shape", ""),
    ("BCEWithLogitsLoss", {"input": floats(B, 4), "target": floats(B, 4), "pos_weight": floats(3)}, "loss-shape", ""),
    ("GaussianNLLLoss", {"input": floats(B, 4), "target": floats(B, 4), "var": floats(B)}, "loss-shape", "unsqueeze(-1)"),
    ("GaussianNLLLoss", {"input": floats(B, 4), "target": floats(B, 4), "var": 1}, "argument-type", ""),
    ("CosineEmbeddingLoss", {"input1": floats(B, 4), "input2": floats(B, 4), "target": floats(B, 1)}, "loss-shape", "squeeze"),
    ("TripletMarginLoss", {"anchor": floats(B, 4), "positive": floats(B, 4), "negative": floats(1, 4)}, "loss-shape", ""),
    ("MarginRankingLoss", {"input1": floats(B, 1), "input2": floats(B, 1), "target": floats(B)}, "loss-shape", "squeeze"),
    ("CTCLoss", {"log_probs": floats(9, B, 5), "targets": ints(9, 3), "input_lengths": ints(B), "target_lengths": ints(B)},
     "loss-shape", "transpose(0, 1)"),
    ("CTCLoss", {"log_probs": floats(9, B, 5), "targets": ints(B, 3), "input_lengths": ints(1), "target_lengths": ints(B)},
     "loss-shape", ""),
    ("CTCLoss", {"log_probs": floats(9, B, 5), "targets": ints(B, 3), "input_lengths": ints(B), "target_lengths": floats(B)},
     "dtype", "`-> long`"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "case", "code", "hint"), BAD)
def test_refusals(name: str, case: dict[str, Any], code: str, hint: str) -> None:
    result = infer_case(TABLE[name], case)
    assert isinstance(result, Diagnostic)
    assert result.code == code
    assert name in result.message
    assert hint in result.hint


def test_symbolic_batches() -> None:
    for name, case in {
        "MSELoss": {"input": floats(B, 4), "target": floats(B, 4)},
        "CrossEntropyLoss": {"input": floats(B, 4), "target": ints(B)},
        "CTCLoss": {"log_probs": floats(9, B, 5), "targets": ints(B, 3), "input_lengths": ints(B), "target_lengths": ints(B)},
    }.items():
        result = infer_case(TABLE[name], case)
        assert isinstance(result, Inferred)
        assert result.type == floats()
