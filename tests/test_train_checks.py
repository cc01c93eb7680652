"""What the data must be for a network and its losses: tables with one thing wrong, and what is said of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netc import NetError, load
from netc.data.checks import check_data
from netc.data.normalize import Array
from netc.data.table import table_of
from netc.diagnostics import Diagnostic
from netc.pipeline import Network

ROWS = 12
PLAIN = np.arange(ROWS * 3).reshape(ROWS, 3) % 7 / 7.0
CLASSES = np.arange(ROWS) % 3
WHOLE = np.arange(ROWS * 3).reshape(ROWS, 3) % 5


def network(loss: str, p: str = "Linear(3)", y: str = "int64[B]", x: str = "[B, 3]", data: str = "", train: str = "") -> Network:
    text = f"""
network Net {{
  input x: {x}
  target y: {y}
  p = x -> {p}
  output p
  loss {loss}
}}
data {{
  source = sklearn.make_moons()
  {data}
}}
train {{
  optimizer = SGD(lr=0.1)
  epochs = 1
  {train}
}}
"""
    return load(text)


def found(net: Network, target: Array, features: Array = PLAIN) -> list[Diagnostic]:
    assert net.data is not None
    return check_data(net.graph, table_of(features, np.asarray(target), net.data.made("source").span), net.data, net.training)


def with_value(array: Array, value: float | str, *rows: int) -> Array:
    """A copy with another value in these rows."""
    changed = np.array(array)
    changed[list(rows)] = value
    return changed


SHARE = np.arange(ROWS) % 2
CE = {"loss": "CrossEntropyLoss(p, y)"}
FLAT = {"p": "Linear(1) -> squeeze(-1)", "y": "[B]"}
NOTHING = ("", "", "")
# the network, the target, and of what is found: code, words of the message, words of the hint
TARGETS: list[tuple[dict[str, str], Array, tuple[str, str, str]]] = [
    (CE, CLASSES, NOTHING),
    (CE, CLASSES + 1, NOTHING),
    (CE, CLASSES * 5 - 7, NOTHING),
    ({"loss": "CrossEntropyLoss(p, squeeze(y, -1))", "y": "int64[B, 1]"}, CLASSES + 1, NOTHING),
    ({"loss": "x -> LinearCrossEntropyLoss(3, target=y)", "p": "id"}, CLASSES + 1, NOTHING),
    (CE | {"p": "Linear(2)"}, CLASSES + 1, ("data-value", "has 2 classes, 0 to 1, and 8 labels of the data are none of them",
                                            "`Linear(3)`, they are counted in their order")),
    (CE, SHARE * 2 - 1, ("data-value", "e.g. -1 in row 0", "the data has 2 different labels: with as many scores, e.g. `Linear(2)`")),
    ({"loss": "CrossEntropyLoss(p, y, ignore_index=0)"}, CLASSES + 1, ("data-value", "e.g. 3 in row 2", "")),
    ({"loss": "CrossEntropyLoss(p, y, ignore_index=5)"}, CLASSES + 3, ("data-value", "e.g. 3 in row 0", "")),
    (CE, with_value(CLASSES, 6, 4), ("data-value", "1 label of the data is none of them, e.g. 6 in row 4", "`Linear(4)`")),
    (CE, with_value(CLASSES, -1, 4, 5), ("data-value", "2 labels of the data are none of them, e.g. -1 in row 4", "`ignore_index=-1`")),
    (CE, with_value(with_value(CLASSES, -7, 4), -2, 5), ("data-value", "e.g. -7 in row 4", "the data has 5 different labels")),
    (CE, with_value(CLASSES, -100, 4, 5), ("data-labels", "leaves out 2 labels of the data without a word, e.g. -100 in row 4",
                                           "write `ignore_index=-100`")),
    ({"loss": "CrossEntropyLoss(p, y, ignore_index=-100)"}, with_value(CLASSES, -100, 4, 5), NOTHING),
    ({"loss": "CrossEntropyLoss(p, y, ignore_index=9)"}, with_value(CLASSES, 9, 4, 5), NOTHING),
    ({"loss": "CrossEntropyLoss(p, y, ignore_index=9)"}, with_value(CLASSES, -100, 4), ("data-value", "e.g. -100 in row 4", "")),
    ({"loss": "NLLLoss(p, y)", "p": "Linear(2) -> LogSoftmax(dim=-1)"}, CLASSES + 1, ("data-value", "`NLLLoss` has 2 classes", "")),
    ({"loss": "MultiMarginLoss(p, y)", "p": "Linear(2)"}, CLASSES + 1, ("data-value", "`MultiMarginLoss` has 2 classes", "")),
    ({"loss": "MultiMarginLoss(p, y)"}, with_value(CLASSES, -100, 2), ("data-value", "e.g. -100 in row 2", "")),
    ({"loss": "MultiLabelMarginLoss(p, y)", "y": "int64[B, 3]"}, np.tile([2, 0, -1], (ROWS, 1)), ("data-constant", "`y0`", "")),
    ({"loss": "MultiLabelMarginLoss(p, y)", "y": "int64[B, 3]"}, WHOLE - 1, ("data-value", "e.g. 3 in row 1 of `y1`", "")),
    (CE | {"p": "Linear(4)"}, CLASSES, ("data-labels", "has 4 classes, and 1 of them is never in the data: 3", "3 scores")),
    (CE | {"p": "Linear(4)"}, CLASSES + (CLASSES > 0), ("data-labels", "1 of them is never in the data: 1", "with 3 scores the labels")),
    (CE, CLASSES * 0, ("data-constant", "one class only: `y` is always 0", "nothing to tell apart")),
    ({"loss": "CrossEntropyLoss(p, long(y))", "y": "[B]"}, CLASSES + 1, ("data-value", "e.g. 3 in row 2", "")),
    ({"loss": "CrossEntropyLoss(p, y - 1)"}, CLASSES + 1, ("data-labels", "compares with `y - 1`, and not with the target as it is",
                                                           "give it the target itself")),
    ({"loss": "CrossEntropyLoss(p, y)", "y": "[B, 3]"}, PLAIN * 2, ("data-value", "needs a target from 0 to 1", "")),
    ({"loss": "CrossEntropyLoss(p, y)", "y": "[B, 3]"}, PLAIN, NOTHING),
    ({"loss": "x -> LinearCrossEntropyLoss(4, target=y)", "p": "id"}, CLASSES + 2, ("data-value", "e.g. 4 in row 2", "")),
    ({"loss": "BCEWithLogitsLoss(p, y)", **FLAT}, SHARE, NOTHING),
    ({"loss": "BCEWithLogitsLoss(p, y)", **FLAT}, SHARE / 2, NOTHING),
    ({"loss": "BCEWithLogitsLoss(p, y)", **FLAT}, CLASSES, ("data-value", "from 0 to 1, and 4 values of the data are not, e.g. 2 in row 2",
                                                            "`CrossEntropyLoss`")),
    ({"loss": "BCEWithLogitsLoss(p, y)", **FLAT}, SHARE * 2 - 1, NOTHING),
    ({"loss": "BCEWithLogitsLoss(p, y)", **FLAT}, SHARE + 1.0, NOTHING),
    ({"loss": "BCELoss(sigmoid(p), y)", "p": "Linear(1)", "y": "[B, 1]"}, SHARE + 1,
     ("data-labels", "`BCELoss` compares `sigmoid(p)` with the target", "`output sigmoid(p)` gives what is compared")),
    ({"loss": "BCEWithLogitsLoss(p, (y + 1) / 2)", **FLAT}, SHARE * 2 - 1, ("data-labels", "compares with `(y + 1) / 2`", "")),
    ({"loss": "BCEWithLogitsLoss(p, y)", **FLAT}, SHARE + 0.5, ("data-value", "e.g. 1.5 in row 1", "`MSELoss`")),
    ({"loss": "BCELoss(sigmoid(p), y)", **FLAT}, SHARE + 0.5, ("data-value", "`BCELoss` needs a target from 0 to 1", "")),
    ({"loss": "BCEWithLogitsLoss(p, y)", "data": "normalize_target = minmax", **FLAT}, CLASSES, NOTHING),
    ({"loss": "BCEWithLogitsLoss(p, y)", "data": "normalize_target = standard", **FLAT}, SHARE,
     ("data-value", "from 0 to 1, and 6 values of the data are not, e.g. 0 in row 0, which `normalize_target = standard` makes -1",
      "leave out `normalize_target = standard`, or say `group y { normalize_target = none }`")),
    ({"loss": "BCEWithLogitsLoss(p, y)", "data": "normalize_target = standard", **FLAT}, CLASSES * 50.5 + 50,
     ("data-value", "e.g. 50 in row 0, which `normalize_target = standard` makes -1", "`MSELoss`")),
    ({"loss": "SoftMarginLoss(p, y)", **FLAT}, SHARE, ("data-value", "needs a target -1 or 1, and 6 values", "`2 * y - 1`")),
    ({"loss": "SoftMarginLoss(p, y)", **FLAT}, SHARE * 2 - 1, NOTHING),
    ({"loss": "HingeEmbeddingLoss(p, 2 * y - 1)", **FLAT}, SHARE, NOTHING),
    ({"loss": "PoissonNLLLoss(p, y)", **FLAT}, CLASSES - 1, ("data-value", "needs a target 0 or more", "counts are not negative")),
    ({"loss": "KLDivLoss(p, y)", **FLAT}, CLASSES - 1, ("data-value", "`KLDivLoss`", "")),
    ({"loss": "KLDivLoss(p, y, log_target=true)", **FLAT}, CLASSES - 1, NOTHING),
    ({"loss": "MSELoss(p, y)", **FLAT}, CLASSES * 1e9, ("data-scale", "with mean 1e+09 and deviation", "`normalize_target = standard`")),
    ({"loss": "MSELoss(p, y)", "data": "normalize_target = standard", **FLAT}, CLASSES * 1e9, NOTHING),
    ({"loss": "MSELoss(p, y)", **FLAT}, CLASSES * 3.0, NOTHING),
    ({"loss": "MSELoss(p, y / 1e9)", **FLAT}, CLASSES * 1e9, NOTHING),
    ({"loss": "PoissonNLLLoss(p, y)", **FLAT}, CLASSES * 100, ("data-labels", "compares `exp(p)`", "`output exp(p)` gives what")),
    ({"loss": "MSELoss(p, y)", **FLAT}, SHARE * 0 + 2.5, ("data-constant", "`y` of the data never changes: it is always 2.5", "")),
]  # fmt: skip


@pytest.mark.parametrize(("options", "target", "expected"), TARGETS)
def test_values_of_targets(options: dict[str, str], target: Array, expected: tuple[str, str, str]) -> None:
    problems = found(network(**options), target)
    if expected == NOTHING:
        assert not problems, problems
        return
    code, words, hint = expected
    first = problems[0]
    assert first.code == code and words in first.message and hint in first.hint, first
    assert first.hint and first.span is not None


FEATURES: list[tuple[dict[str, str], Array, tuple[str, str, str]]] = [
    ({}, PLAIN, NOTHING),
    ({}, with_value(PLAIN, np.nan, 2, 7),
     ("data-value", "6 values that are NaN or infinite: 2 in `x0`, first in row 2;", "`mean` and `median` for numbers only")),
    ({}, with_value(PLAIN.T, -np.inf, 1).T, ("data-value", f"{ROWS} values that are NaN or infinite: {ROWS} in `x1`, first in row 0", "")),
    ({}, with_value(PLAIN.T, 4.0, 0).T, ("data-constant", "1 column of the data never changes: `x0` (always 4)", "leave it out")),
    ({}, PLAIN.astype(str).astype(object), ("data-value", "no number, in `x0`, `x1`, `x2`", "")),  # text that spells numbers is none
    ({}, with_value(PLAIN.astype(object).T, "red", 1).T, ("data-value", "no number, in `x1`", "leave the column out")),
    ({"x": "int64[B, 3]", "p": "Embedding(5, 2) -> flatten(1) -> Linear(3)"}, WHOLE, NOTHING),
    ({"x": "int64[B, 3]", "p": "Embedding(4, 2) -> flatten(1) -> Linear(3)"}, WHOLE,
     ("data-value", "`Embedding` has the entries 0 to 3, and 7 values of the data are none of them, e.g. 4 in row 1 of `x1`", "5 entries")),
    ({"x": "int64[B, 3]", "p": "one_hot(5) -> float -> flatten(1) -> Linear(3)"}, WHOLE - 1, ("data-value", "`one_hot`", "from 0")),
    ({"x": "[B, 3]", "p": "long -> EmbeddingBag(4, 3)"}, WHOLE, ("data-value", "`EmbeddingBag` has the entries 0 to 3", "")),
]  # fmt: skip


@pytest.mark.parametrize(("options", "features", "expected"), FEATURES)
def test_values_of_inputs(options: dict[str, str], features: Array, expected: tuple[str, str, str]) -> None:
    problems = found(network(**CE, **options), CLASSES, features)
    assert [p.code for p in problems] == ([expected[0]] if expected[0] else []), problems
    assert all(expected[1] in p.message and expected[2] in p.hint for p in problems), problems


# the loss has one class of each row; what is said, in words
ROW_COUNTS: list[tuple[dict[str, str], list[str]]] = [
    ({"train": "batch_size = 12"}, []),
    ({"train": "batch_size = 13"}, ["`batch_size = 13` is more than the 12 rows"]),
    ({"data": "validation = 0.1"}, ["holds out 2 rows of 12, too few to judge by"]),
    ({"data": "validation = 0.5"}, []),
    ({"p": "BatchNorm1d -> Linear(3)"}, []),
    ({"p": "BatchNorm1d -> Linear(3)", "train": "batch_size = 11"}, ["the last batch of an epoch has 1 row, and `BatchNorm1d`"]),
    ({"p": "BatchNorm1d -> Linear(3)", "train": "batch_size = 1"}, ["every batch has 1 row, and `BatchNorm1d`"]),
    ({"p": "Linear(3)", "train": "batch_size = 11"}, []),
    ({"p": "unsqueeze(1) -> BatchNorm1d -> flatten(1) -> Linear(3)", "train": "batch_size = 11"}, []),
    ({"p": "LayerNorm -> Linear(3)", "train": "batch_size = 11"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("options", "words"), ROW_COUNTS)
def test_numbers_of_rows(options: dict[str, str], words: list[str]) -> None:
    problems = found(network(**CE, **options), CLASSES)
    assert len(problems) == len(words), problems
    assert all(text in p.message and p.hint for text, p in zip(words, problems, strict=True)), problems


@pytest.mark.parametrize(("batch", "better"), [(11, 2), (1, 2)])
def test_the_batch_size_of_the_hint_leaves_no_single_row(batch: int, better: int) -> None:
    """Whatever it says must not bring the same error again."""
    net = network(**CE, p="BatchNorm1d -> Linear(3)", train=f"batch_size = {batch}")
    (problem,) = found(net, CLASSES)
    size = problem.hint.split("batch_size = ")[1].split("`")[0]
    again = network(**CE, p="BatchNorm1d -> Linear(3)", train=f"batch_size = {size}")
    assert int(size) >= better and not found(again, CLASSES)


def test_all_problems_are_said_at_once() -> None:
    features = with_value(with_value(PLAIN, np.nan, 3).T, 1.0, 2).T
    problems = found(network(**CE, p="Linear(2)"), CLASSES, features)
    assert [p.code for p in problems] == ["data-value", "data-value", "data-constant"]


def test_what_a_declaration_cannot_hold_is_said_once() -> None:
    assert [p.code for p in found(network(**CE), CLASSES * 10 + 0.5)] == ["data-value"]


def test_every_label_ignored() -> None:
    (problem, *_) = found(network(loss="CrossEntropyLoss(p, y, ignore_index=1)"), CLASSES * 0 + 1)
    assert problem.code == "data-value" and "leaves out every label" in problem.message


SPEC = """
network Net {{
  input x: [B, 2]
  target y: int64[B]
  output x -> Linear({classes})
  loss CrossEntropyLoss(x -> Linear({classes}), y)
}}
data = sklearn.make_blobs(n_samples=30, centers=3, random_state=0)
train {{
  optimizer = SGD(lr=0.1)
  epochs = 1
}}
"""


def test_the_api_says_the_same_and_keeps_the_data() -> None:
    net = load(SPEC.format(classes=2))
    (problem,) = net.check_data()
    assert problem.code == "data-value" and net.table is not None
    assert load(SPEC.format(classes=3)).check_data() == ()
    (missing,) = load("network Net { input x: [B, 3]\n output x -> Linear(1) }").check_data()
    assert missing.code == "data"


def test_training_stops_before_the_first_step_and_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(NetError, match="has 2 classes, 0 to 1, and 10 labels"):
        load(SPEC.format(classes=2)).train(tmp_path / "runs", pictures=False)
    assert not (tmp_path / "runs").exists()


def test_training_shows_doubts_and_goes_on(tmp_path: Path) -> None:
    from io import StringIO

    stream = StringIO()
    load(SPEC.format(classes=4)).train(tmp_path, pictures=False, progress=stream)
    assert "warning[data-labels]: `CrossEntropyLoss` has 4 classes, and 1 of them is never in the data: 3" in stream.getvalue()


def test_checking_imports_no_torch() -> None:
    code = f"import sys, netc; netc.load({SPEC.format(classes=4)!r}).check_data(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
