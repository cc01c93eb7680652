"""Losses that do not go with their target, as a beginner writes them: whoever follows a hint, each way of it, gets a spec that trains."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import netc

SPEC = """
network Net {{
  input  x: [B, 4]
  target kind: {target}
  h = x -> Linear(8) -> Tanh -> {head}
  output h
  loss {loss}(h, kind)
}}
data = {data}
train {{
  optimizer = Adam(lr=0.01)
  epochs = 1
  batch_size = 16
}}
"""
THREE, TWO, NUMBERS = (
    "sklearn.load_iris()",
    "sklearn.make_classification(n_samples=40, n_features=4, random_state=0)",
    "sklearn.make_regression(n_samples=40, n_features=4, random_state=0)",
)
LABELS = 'npz("labels.npz")'  # yes or no of three things a row

# Loss, last layer, target, and for each way that the hint gives the data that it is for.
CASES: list[tuple[str, str, str, list[str]]] = [
    ("MSELoss", "Linear(3)", "int64[B]", [THREE, NUMBERS]),
    ("MSELoss", "Linear(1)", "int64[B]", [NUMBERS, THREE]),
    ("MSELoss", "Linear(1)", "int64[B, 1]", [NUMBERS, THREE]),
    ("MSELoss", "Linear(1)", "[B]", [NUMBERS, NUMBERS]),
    ("MSELoss", "Linear(1) -> squeeze(-1)", "[B, 1]", [NUMBERS]),
    ("MSELoss", "Linear(1)", "float64[B, 1]", [NUMBERS]),
    ("L1Loss", "Linear(3)", "int64[B]", [THREE, NUMBERS]),
    ("L1Loss", "Linear(3)", "[B]", [THREE, NUMBERS]),
    ("HuberLoss", "Linear(3)", "[B, 1]", [THREE, NUMBERS]),
    ("L1Loss", "Linear(1)", "[B, 1]", [THREE]),
    ("CrossEntropyLoss", "Linear(3)", "int64[B, 1]", [THREE]),
    ("CrossEntropyLoss", "Linear(3)", "[B]", [THREE]),
    ("CrossEntropyLoss", "Linear(3)", "[B, 1]", [THREE]),
    ("CrossEntropyLoss", "Linear(3)", "int32[B]", [THREE]),
    ("CrossEntropyLoss", "Linear(3)", "int64[B, 3]", [THREE, LABELS]),
    ("CrossEntropyLoss", "Linear(1)", "int64[B]", [TWO, TWO]),
    ("CrossEntropyLoss", "Linear(1)", "[B, 1]", [TWO, TWO]),
    ("CrossEntropyLoss", "Linear(3)", "int64[B]", [NUMBERS]),
    ("BCELoss", "Linear(1) -> Sigmoid", "int64[B]", [TWO]),
    ("BCELoss", "Linear(1) -> Sigmoid", "int64[B, 1]", [TWO]),
    ("BCELoss", "Linear(3) -> Sigmoid", "int64[B]", [THREE, TWO, LABELS]),
    ("BCELoss", "Linear(3) -> Sigmoid", "[B]", [THREE, TWO, LABELS]),
    ("BCELoss", "Linear(1)", "[B, 1]", [TWO, TWO]),
    ("BCEWithLogitsLoss", "Linear(1)", "int64[B]", [TWO]),
    ("BCEWithLogitsLoss", "Linear(1)", "bool[B, 1]", [TWO]),
    ("BCEWithLogitsLoss", "Linear(1)", "[B]", [TWO, TWO]),
    ("BCEWithLogitsLoss", "Linear(3)", "int64[B]", [THREE, TWO, LABELS]),
    ("BCEWithLogitsLoss", "Linear(1)", "[B, 1]", [THREE]),
    ("BCEWithLogitsLoss", "Linear(1)", "[B, 1]", [NUMBERS]),
    ("NLLLoss", "Linear(3)", "int64[B]", [THREE, THREE]),
    ("NLLLoss", "Linear(3) -> Softmax(dim=1)", "int64[B]", [THREE]),
    ("NLLLoss", "Linear(3) -> LogSoftmax(dim=1)", "[B]", [THREE]),
]  # fmt: skip


def followed(spec: str, way: str) -> str:
    """The spec with what a way of a hint says in backticks: a declaration, a layer, a loss, a function that something is sent through."""
    for word in re.findall("`(.*?)`", way):
        if word.startswith("target "):
            spec = re.sub(r"target kind: .*", word, spec)
        elif word.startswith("Linear("):
            spec = re.sub(r"Linear\(\d\)( -> Sigmoid|$)", rf"{word}\1", spec, flags=re.MULTILINE)
        elif word == "LogSoftmax" and "in place of" in way:
            return spec.replace("-> Softmax", "-> LogSoftmax")
        elif word.startswith(("-> ", "LogSoftmax")):
            spec = re.sub(r"(h = .*)", rf"\1 -> {word.removeprefix('-> ')}", spec)
        elif word == "Sigmoid":
            spec = spec.replace(" -> Sigmoid", "")
        elif word.endswith("Loss"):
            spec = re.sub(r"loss \w+\(", f"loss {word}(", spec)
        elif "Loss(" in word:
            spec = re.sub(r"loss .*", f"loss {word}", spec)
        elif word.startswith("h -> "):
            spec = spec.replace("(h, ", f"({word}, ")
        elif word.startswith("argmax("):
            spec = spec.replace(", kind)", f", {word})")
    return spec


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("labels")
    features = rows.normal(size=(40, 4)).astype(np.float32)
    np.savez(folder / "labels.npz", x=features, kind=np.eye(3, dtype=np.int64)[rows.integers(0, 3, 40)])
    return folder


@pytest.mark.parametrize(("loss", "head", "target", "datas"), CASES)
def test_a_hint_that_is_followed_trains(loss: str, head: str, target: str, datas: list[str], labels: Path) -> None:
    found = netc.check(SPEC.format(loss=loss, head=head, target=target, data=datas[0]), data=True)
    assert found and found[0].hint, found
    ways = re.split("; |, or write |; or ", found[0].hint)
    assert len(ways) == len(datas), ways
    for way, data in zip(ways, datas, strict=True):
        spec = followed(SPEC.format(loss=loss, head=head, target=target, data=data.replace('npz("', f'npz("{labels}/')), way)
        assert not [d for d in netc.check(spec, data=True) if d.code not in ("data-scale", "data-labels")], (way, spec)
        epoch = netc.load(spec).train(labels / "runs", pictures=False).history
        assert epoch.epochs == 1


def test_a_hint_of_what_is_computed_names_it_as_it_is_written() -> None:
    text = SPEC.format(loss="MSELoss", head="Linear(1)", target="int64[B]", data=NUMBERS)
    computed = text.replace("  loss MSELoss(h, kind)", "  twice = kind * 2\n  loss MSELoss(h -> squeeze(-1), twice)")
    assert netc.check(computed)[0].hint == "convert the target, `twice -> float`"
    within = text.replace("MSELoss(h, kind)", "fitted(h, kind)") + "fn fitted(p, y) = MSELoss(p, y)"
    assert netc.check(within)[0].hint.endswith("into `CrossEntropyLoss(p, y)`") and "`target kind: [B, 1]`" in netc.check(within)[0].hint


SWAPPED = [
    ("CrossEntropyLoss", "int64[B]", "Linear(3)", ""),
    ("CrossEntropyLoss", "int64[B]", "Linear(3)", ", weight=balanced"),
    ("NLLLoss", "int64[B]", "Linear(3) -> LogSoftmax(1)", ""),
    ("MultiMarginLoss", "int64[B]", "Linear(3)", ""),
    ("PoissonNLLLoss", "int64[B, 1]", "Linear(1)", ""),
    ("HingeEmbeddingLoss", "int64[B, 1]", "Linear(1)", ""),
]


@pytest.mark.parametrize(("loss", "target", "head", "more"), SWAPPED)
def test_a_target_in_the_place_of_the_prediction_is_told_to_be_that(loss: str, target: str, head: str, more: str) -> None:
    """Whoever follows the hint has nothing more to correct."""
    spec = f"network N {{ input x: [B, 4]\n target y: {target}\n h = x -> {head}\n output h\n loss {loss}(y, h{more}) }}\ndata = {THREE}"
    (problem,) = netc.check(spec)
    assert problem.hint == f"the prediction comes first, and the target second: `{loss}(h, y)`"
    assert not [d for d in netc.check(spec.replace("(y, h", "(h, y")) if d.severity == "error"]


@pytest.mark.parametrize(("loss", "target"), [("MSELoss", "[B, 3]"), ("CrossEntropyLoss", "[B, 3]")])
def test_two_operands_that_may_stand_in_either_place_are_not_told_to_be_swapped(loss: str, target: str) -> None:
    spec = f"network N {{ input x: [B, 4]\n target y: {target}\n h = x -> Linear(3)\n output h\n loss {loss}(y, h) }}"
    assert not [d for d in netc.check(spec) if "comes first" in d.hint]


def test_scores_of_an_image_that_was_not_flattened() -> None:
    spec = """network N {
      input x: [B, 1, 9, 9]
      target y: int64[B]
      h = x -> Conv2d(8, 3, bias=false) -> AdaptiveAvgPool2d(1) -> Linear(5)
      output h
      loss CrossEntropyLoss(h, y)
    }"""
    (problem,) = netc.check(spec)
    assert problem.hint == "for one class a row flatten what goes into the last layer: `-> Flatten -> Linear(5)`"
    assert not netc.check(spec.replace("-> Linear(5)", "-> Flatten -> Linear(5)"))
