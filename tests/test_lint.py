"""Warnings of mistakes that torch lets pass: what each rule says, and where it is silent."""

from __future__ import annotations

from pathlib import Path

import pytest

import netc
from netc.diagnostics import Diagnostic
from netc.lint import lint
from netc.lint.training import USUAL_RATES
from netc.ops.recipes import OPTIMIZERS
from tests.conftest import SPECS
from tests.cost import calls
from tests.lint_cases import SAID, SCORES, SILENT, STEPS, YES_NO, end, spec


def warnings_of(text: str) -> list[Diagnostic]:
    return list(netc.load(text).warnings)


@pytest.mark.parametrize(("code", "text", "place"), [(code, *case) for code, cases in SAID.items() for case in cases])
def test_said(code: str, text: str, place: str) -> None:
    found = warnings_of(text)
    assert [d.code for d in found] == [code], found
    assert found[0].span and found[0].span.text == place


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in SILENT.items() for text in texts])
def test_silent(code: str, text: str) -> None:
    assert code not in [d.code for d in warnings_of(text)]


def test_every_rule_has_both() -> None:
    assert set(SAID) == set(SILENT)


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.net")), ids=lambda path: path.stem)
def test_the_specs_are_fine(path: Path) -> None:
    assert not netc.load(path).warnings


def test_every_optimizer_has_its_range() -> None:
    assert {row.name for row in OPTIMIZERS} <= set(USUAL_RATES)


# --- edits ----------------------------------------------------------------------------------------------------------

MENDED = [
    ("Linear(3) -> Softmax(dim=1)", "CrossEntropyLoss(p, y)", "Linear(3)"),
    ("Linear(3)\n   -> last: Softmax(dim=1)", "CrossEntropyLoss(p, y)", "Linear(3)"),
    ("Linear(3) → softmax(dim=1)", "CrossEntropyLoss(p, y)", "Linear(3)"),
    ("Linear(3) -> Softmax(dim=1)", "NLLLoss(p, y)", "Linear(3) -> LogSoftmax(dim=1)"),
    ("Linear(3) -> last: softmax(dim=1)", "NLLLoss(p, y)", "Linear(3) -> last: log_softmax(dim=1)"),
    ("Linear(3) -> ReLU", "CrossEntropyLoss(p, y)", "Linear(3)"),
    ("Linear(3) -> Dropout(0.5)", "CrossEntropyLoss(p, y)", "Linear(3)"),
    ("Linear(4) -> BatchNorm1d -> ReLU -> Linear(3)", "CrossEntropyLoss(p, y)",
     "Linear(4, bias=false) -> BatchNorm1d -> ReLU -> Linear(3)"),
    ("Linear(4, bias=true) -> BatchNorm1d -> ReLU -> Linear(3)", "CrossEntropyLoss(p, y)",
     "Linear(4, bias=false) -> BatchNorm1d -> ReLU -> Linear(3)"),
    ("Linear(4) -> ReLU -> ReLU -> Linear(3)", "CrossEntropyLoss(p, y)", "Linear(4) -> ReLU -> Linear(3)"),
]  # fmt: skip


@pytest.mark.parametrize(("pipe", "loss", "mended"), MENDED)
def test_edit(pipe: str, loss: str, mended: str) -> None:
    def text(pipe: str) -> str:
        return spec(SCORES, f"p = x -> {pipe}", "output x", f"loss {loss}")

    (warning,) = warnings_of(text(pipe))
    assert warning.edit
    start, end = warning.edit.span.start, warning.edit.span.end
    after = text(pipe)[:start] + warning.edit.text + text(pipe)[end:]
    assert after == text(mended) and not warnings_of(after)


BATCH_FIRST = [
    (["h, _ = x -> reader: GRU(16, 2)"], "GRU(16, 2)"),
    (["h, _ = (x, x, x) -> MultiheadAttention(4)"], "MultiheadAttention(4)"),
    (["h = x -> TransformerEncoderLayer(4)"], "TransformerEncoderLayer(4)"),
]


@pytest.mark.parametrize(("lines", "layer"), BATCH_FIRST)
def test_edit_adds_batch_first(lines: list[str], layer: str) -> None:
    text = spec(STEPS, *lines, "p = h[:, -1] -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)")
    (warning,) = warnings_of(text)
    assert warning.edit
    after = text[: warning.edit.span.start] + warning.edit.text + text[warning.edit.span.end :]
    assert after == text.replace(layer, f"{layer[:-1]}, batch_first=true)") and not warnings_of(after)


NOT_CERTAIN = [
    # the other uses are meant
    spec(SCORES, "p = x -> repeat n in [8, 3] { Linear(n) -> ReLU }", "output x", "loss CrossEntropyLoss(p, y)"),
    # the output would change
    end(SCORES, "Linear(3) -> Softmax(dim=1)", "CrossEntropyLoss(p, y)"),
    # what is written is a name
    spec(SCORES, "p = x -> Linear(3) -> last", "output x", "loss CrossEntropyLoss(p, y)").replace("Net {", "Net(last = Softmax(dim=1)) {"),
    # no stage of a pipeline
    spec(SCORES, "p = softmax(x -> Linear(3), dim=1)", "output x", "loss CrossEntropyLoss(p, y)"),
    # the bias has a name elsewhere
    spec(SCORES, "p = x -> a: Linear(4) -> BatchNorm1d -> ReLU -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)",
         "init { a.bias = zeros }"),
    spec(SCORES, "p = x -> Linear(4, bias=b) -> BatchNorm1d -> ReLU -> Linear(3)", "output p",
         "loss CrossEntropyLoss(p, y)").replace("Net {", "Net(b = true) {"),
    # the last states, the states to begin with and a mask would have other axes
    spec(STEPS, "h, last = x -> GRU(8)", "p = h[:, -1] -> Linear(3)", "output p, last", "loss CrossEntropyLoss(p, y)"),
    spec(STEPS, "param begin: [1, 1, 8] = zeros", "h, _ = (x, begin -> expand([-1, T, -1])) -> GRU(8)", "p = h[:, -1] -> Linear(3)",
         "output p", "loss CrossEntropyLoss(p, y)"),
    spec(STEPS, "h = x -> TransformerEncoderLayer(4, src_mask=triu(ones([B, B]), diagonal=1) -> bool)", "p = h[:, -1] -> Linear(3)",
         "output p", "loss CrossEntropyLoss(p, y)"),
    # what is written is a name, in a pipeline of its own
    spec(STEPS, "h, _ = x -> reader", "p = h[:, -1] -> Linear(3)", "output p",
         "loss CrossEntropyLoss(p, y)").replace("Net {", "Net(reader = GRU(8)) {"),
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_CERTAIN)
def test_no_edit(text: str) -> None:
    (warning,) = warnings_of(text)
    assert warning.edit is None


# --- the cost -------------------------------------------------------------------------------------------------------


def test_cost_is_linear() -> None:
    def cost(count: int) -> int:
        graph = netc.load(spec(YES_NO, f"p = x -> repeat {count} {{ Linear(8) -> unsqueeze(1) -> squeeze(1) }} -> Linear(1)", "output p",
                               "loss MSELoss(p, y)")).graph  # fmt: skip
        assert lint(graph, None)
        return calls(lambda: lint(graph, None))

    assert cost(500) < 5.5 * cost(100)
