"""`balanced` class weights: scikit-learn's, of the rows to train on, and numbers wherever the spec goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.utils.class_weight import compute_class_weight

import netc
from netc.data.checks import prepared_data
from netc.data.sources import load_data
from netc.diagnostics import NetError

SPEC = """network N {{
  input x: [B, 1]
  target y: {target}
  p = x -> Linear({scores})
  output p
  loss {loss}
}}

data {{
  source     = csv("data.csv")
  x          = "x"
  validation = {validation}
}}

train {{
  optimizer = SGD(lr=0.1)
  epochs    = 2
}}
"""
ENTROPY, LOGITS = "CrossEntropyLoss(p, y, weight=balanced)", "BCEWithLogitsLoss(p, y, pos_weight=balanced)"
SEVERAL = ["a"] * 5 + ["b"] * 11 + ["c"] * 15


def load(folder: Path, labels: Sequence[object], target: str, scores: int, loss: str, validation: float = 0.4) -> netc.Network:
    rows = [f"{i % 7}.5,{label}" for i, label in enumerate(labels)]
    (folder / "data.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    (folder / "n.net").write_text(SPEC.format(target=target, scores=scores, loss=loss, validation=validation))
    return netc.load(folder / "n.net")


def weights(network: netc.Network) -> list[float]:
    (buffer,) = network.module().buffers()
    return [float(weight) for weight in np.atleast_1d(buffer.numpy())]


def trained_on(network: netc.Network) -> Any:
    assert network.data is not None and network.training is not None
    prepared, _ = prepared_data(network.graph, load_data(network.data), network.data, network.training)
    return prepared.train[1]


@pytest.mark.parametrize(
    "labels", [SEVERAL, [1] * 5 + [2] * 11 + [3] * 15, [0] * 5 + [1] * 11 + [2] * 15], ids=["texts", "1 to 3", "0 to 2"]
)
def test_the_weights_are_scikit_learns_of_the_rows_to_train_on(tmp_path: Path, labels: list[object]) -> None:
    network = load(tmp_path, labels, "int64[B]", 3, ENTROPY)
    y = trained_on(network)
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=y)
    assert weights(network) == pytest.approx(wanted, rel=1e-5)
    assert len(y) == 18 and wanted != pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=[0] * 5 + [1] * 11 + [2] * 15))


@pytest.mark.parametrize(
    "labels, target", [([0] * 20 + [1] * 6, "[B, 1]"), (["no"] * 20 + ["yes"] * 6, "[B, 1]"), ([-1] * 20 + [1] * 6, "[B, 1]")]
)
def test_class_1_counts_as_much_as_class_0(tmp_path: Path, labels: list[object], target: str) -> None:
    network = load(tmp_path, labels, target, 1, LOGITS)
    y = trained_on(network)
    assert weights(network) == pytest.approx([(y == 0).sum() / (y == 1).sum()], rel=1e-5)


def test_each_column_of_several_has_its_own() -> None:
    spec = (
        SPEC.format(target="[B, 3]", scores=3, loss=LOGITS, validation=0.3).replace("[B, 1]", "[B, 20]").replace('  x          = "x"\n', "")
    )
    network = netc.load(
        spec.replace('csv("data.csv")', "sklearn.make_multilabel_classification(n_samples=60, n_classes=3, random_state=0)")
    )
    y = trained_on(network)
    assert weights(network) == pytest.approx((y == 0).sum(axis=0) / (y == 1).sum(axis=0), rel=1e-5)


def test_labels_that_are_left_out_do_not_count(tmp_path: Path) -> None:
    loss = "CrossEntropyLoss(p, y, weight=balanced, ignore_index=-1)"
    network = load(tmp_path, [-1] * 20 + [0] * 10 + [1] * 30, "int64[B]", 2, loss, validation=0.0)
    assert weights(network) == pytest.approx([2.0, 2 / 3], rel=1e-5)


def test_probabilities_count_as_parts_of_rows() -> None:
    """Here a column each of zeros and ones, as a target of texts is where it is declared so."""
    spec = (
        SPEC.format(target="[B, 3]", scores=3, loss=ENTROPY, validation=0.2).replace("[B, 1]", "[B, 4]").replace('  x          = "x"\n', "")
    )
    network = netc.load(spec.replace('csv("data.csv")', "sklearn.load_iris()"))
    assert weights(network) == pytest.approx([1.0, 1.0, 1.0], rel=1e-5)


def test_the_run_and_the_source_hold_the_numbers(tmp_path: Path) -> None:
    network = load(tmp_path, SEVERAL, "int64[B]", 3, ENTROPY)
    known = weights(network)
    assert "balanced" not in network.source() + network.resolved()
    run = network.train(tmp_path / "runs", pictures=False).path
    (tmp_path / "data.csv").unlink()
    assert weights(netc.load(run / "spec.net")) == known


def test_an_estimator_counts_what_it_is_given() -> None:
    spec = """
network N {
  input x: [B, F]
  target y: int64[B]
  p = x -> Linear(2)
  output p
  loss CrossEntropyLoss(p, y, weight=how)
}

data = npy("any.npy")

train {
  optimizer = SGD(lr=0.1)
  epochs    = 1
}
""".replace("network N {", "network N(how = balanced) {")
    x, y = make_classification(n_samples=200, weights=[0.8], random_state=0)
    fitted = netc.NetClassifier(spec).fit(x, y)
    assert weights(fitted.network_) == pytest.approx(compute_class_weight("balanced", classes=np.arange(2), y=y), rel=1e-5)
    assert weights(netc.NetClassifier(spec, set={"how": [1, 5]}).fit(x, y).network_) == [1.0, 5.0]


@pytest.mark.parametrize("labels, target, scores, loss, code, words", [
    ([0] * 9 + [2] * 9, "int64[B]", 3, ENTROPY, "data-value", "no weight for class 1: no label"),
    ([1] * 9, "[B, 1]", 1, LOGITS, "data-value", "no weight for class 1: every label"),
    ([0] * 9, "[B, 1]", 1, LOGITS, "data-value", "no weight for class 1: no label"),
    ([0] * 9 + [1] * 9, "int64[B]", 2, "CrossEntropyLoss(p, 1 - y, weight=balanced)", "data", "something computed of one"),
    ([0] * 9 + [1] * 9, "[B, 1]", 1, "MultiLabelSoftMarginLoss(p, y, weight=balanced)", "argument-type", "may be of several classes"),
    ([0] * 9 + [1] * 9, "int64[B]", 2, "CrossEntropyLoss(p, y, weight=balancd)", "unknown-name", "`balancd`"),
    ([0] * 9 + [1] * 9, "int64[B]", 2, "mean(p * balanced + y -> float)", "invalid-operation", "stands for class weights"),
])  # fmt: skip
def test_what_cannot_be_balanced(tmp_path: Path, labels: list[object], target: str, scores: int, loss: str, code: str, words: str) -> None:
    with pytest.raises(NetError) as caught:
        load(tmp_path, labels, target, scores, loss)
    (found,) = caught.value.diagnostics
    assert found.code == code and words in found.message and found.span is not None and "balanc" in found.span.text


@pytest.mark.parametrize("target, scores, loss", [
    ("[B, 3]", 3, LOGITS), ("[B, 2]", 2, ENTROPY),
])  # fmt: skip
def test_data_of_another_width_is_told_as_without_balanced(tmp_path: Path, target: str, scores: int, loss: str) -> None:
    plain = load(tmp_path, [0] * 9 + [1] * 9, target, scores, loss.replace("=balanced", "=none"))
    (wanted,) = [d for d in plain.check_data() if d.code == "data-shape"]
    with pytest.raises(NetError) as caught:
        load(tmp_path, [0] * 9 + [1] * 9, target, scores, loss)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message, found.hint) == (wanted.code, wanted.message, wanted.hint)


def test_without_data_there_is_nothing_to_count() -> None:
    spec = SPEC.format(target="int64[B]", scores=3, loss=ENTROPY, validation=0.2)
    with pytest.raises(NetError, match="the spec has no `data` section") as caught:
        netc.load(spec[: spec.index("data {")])
    assert caught.value.diagnostics[0].span is not None and caught.value.diagnostics[0].span.text == "balanced"


FEW = ["stay"] * 92 + ["leave"] * 8


@pytest.mark.parametrize("change, is_told", [
    ({}, True), ({"train.metrics": "[accuracy]"}, True), ({"train.metrics": "[accuracy, f1]"}, False), ({"data.validation": 0.0}, False),
    ({"how": "balanced"}, False), ({"how": "[1.0, 2.0]"}, False),
], ids=str)  # fmt: skip
def test_a_class_with_nearly_all_rows_is_told_where_only_accuracy_is_looked_at(
    change: dict[str, Any], is_told: bool, tmp_path: Path
) -> None:
    load(tmp_path, FEW, "int64[B]", 2, "CrossEntropyLoss(p, y, weight=how)".replace("how", "none"))
    spec = tmp_path / "n.net"
    spec.write_text(spec.read_text().replace("network N {", "network N(how = none) {").replace("weight=none", "weight=how"))
    found = [d for d in netc.load(spec, change).check_data() if d.code == "data-labels"]
    assert len(found) == is_told
    if found:
        assert "92.0% of the rows are of the class `stay`" in found[0].message and "`weight=balanced`" in found[0].hint
        assert netc.load(spec, {"train.metrics": "[balanced_accuracy, f1]", "how": "balanced"}).check_data() == ()


@pytest.mark.parametrize("labels, target, scores, loss", [
    (["stay"] * 89 + ["leave"] * 11, "int64[B]", 2, "CrossEntropyLoss(p, y)"), ([0] * 95 + [1] * 5, "[B, 1]", 1, "MSELoss(p, y)"),
], ids=["not so many", "numbers"])  # fmt: skip
def test_where_no_class_has_nearly_all_rows_nothing_is_said(
    labels: list[object], target: str, scores: int, loss: str, tmp_path: Path
) -> None:
    assert load(tmp_path, labels, target, scores, loss).check_data() == ()


def test_of_two_classes_in_one_number_the_weight_is_that_of_class_1(tmp_path: Path) -> None:
    (found,) = load(tmp_path, [0] * 95 + [1] * 5, "[B, 1]", 1, "BCEWithLogitsLoss(p, y)").check_data()
    assert found.message.startswith("95.0% of the rows are of the class `0`") and "`pos_weight=balanced`" in found.hint
