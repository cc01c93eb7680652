"""`class_weight` of the estimator, as scikit-learn's own classifiers have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import recall_score
from sklearn.utils.class_weight import compute_class_weight

import netc
from netc import NetClassifier, NetError, NetRegressor

X: Any
RARE: Any
X, RARE = make_classification(n_samples=400, weights=[0.95], class_sep=0.4, random_state=0)
NAMES = np.array(["stay", "leave"], dtype=object)[RARE]  # in the order of the alphabet `leave` comes first
SHORT = {"train.epochs": 5}
LOGITS = """network N(class_weight = none) {
  input x: [B, F]
  target y: [B, 1]
  p = x -> Linear(1)
  output p
  loss BCEWithLogitsLoss(p, y, pos_weight=class_weight)
}

train {
  optimizer = Adam(lr=0.01)
  epochs    = 1
}
"""


def weights(classifier: NetClassifier) -> list[float]:
    return [w for buffer in classifier.model_.buffers() for w in np.atleast_1d(buffer.numpy())]


@pytest.mark.parametrize("given", [None, "balanced", {"leave": 20}, {"stay": 0.5, "leave": 3}])
def test_the_loss_weighs_classes_as_scikit_learn_does(given: Any) -> None:
    classifier = NetClassifier(class_weight=given, set=SHORT).fit(X, NAMES)
    wanted = [] if given is None else compute_class_weight(given, classes=classifier.classes_, y=NAMES)
    assert weights(classifier) == pytest.approx(wanted, rel=1e-5) and list(classifier.classes_) == ["leave", "stay"]
    ratio = [] if given is None else [wanted[1] / wanted[0]]
    assert weights(NetClassifier(LOGITS, class_weight=given).fit(X, NAMES)) == pytest.approx(ratio, rel=1e-5)


def test_a_rare_class_is_found_more_often() -> None:
    plain, weighed = (
        NetClassifier(class_weight=given, random_state=0, set={"hidden": 4, "train.epochs": 15}).fit(X, RARE)
        for given in (None, "balanced")
    )
    assert recall_score(RARE, weighed.predict(X)) > recall_score(RARE, plain.predict(X)) + 0.2


def test_it_is_a_parameter_like_any_other() -> None:
    one = NetClassifier(class_weight={0: 1, 1: 5})
    assert clone(one).class_weight == {0: 1, 1: 5} and one.get_params()["class_weight"] == {0: 1, 1: 5}
    assert one.set_params(class_weight="balanced", hidden=8).class_weight == "balanced" and one.set == {"hidden": 8}
    assert "class_weight" not in NetRegressor().get_params(deep=False)
    assert weights(NetClassifier(set={**SHORT, "class_weight": "[1.0, 5.0]"}).fit(X, RARE)) == [1.0, 5.0]


@pytest.mark.parametrize("given, error, words", [
    ("balance", ValueError, "class_weight is 'balanced', a dict of labels and their weights, or None, and not 'balance'"),
    ([1, 5], ValueError, "class_weight is 'balanced', a dict"), (np.array([1, 5]), ValueError, "class_weight is 'balanced', a dict"),
    ({"a": 2}, ValueError, "not in class_weight"),
    ({0: 0.0}, ValueError, "a positive number"), ({0: -1.0}, ValueError, "a positive number"),
])  # fmt: skip
def test_what_is_no_class_weight(given: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        NetClassifier(class_weight=given, set=SHORT).fit(X, RARE)


def test_a_spec_without_the_parameter_says_what_to_write() -> None:
    spec = LOGITS.replace("class_weight = none", "w = none").replace("=class_weight", "=w")
    with pytest.raises(NetError, match="has no parameter `class_weight`") as caught:
        NetClassifier(spec, class_weight="balanced").fit(X, RARE)
    (found,) = caught.value.diagnostics
    assert found.code == "override" and "network N(class_weight = none)" in found.hint and "pos_weight=class_weight" in found.hint


@pytest.mark.parametrize("given", ["balanced", {"leave": 3}])
@pytest.mark.parametrize("loss", ["BCEWithLogitsLoss(p, y, pos_weight=none)", "weighted(p, y, class_weight=none)"])
def test_a_spec_that_never_uses_the_parameter_is_refused(loss: str, given: Any) -> None:
    function = "fn weighted(p, y, class_weight) = BCEWithLogitsLoss(p, y, pos_weight=class_weight)\n\n"
    spec = function + LOGITS.replace("BCEWithLogitsLoss(p, y, pos_weight=class_weight)", loss)
    with pytest.raises(NetError, match="has a parameter `class_weight`, and never uses it") as caught:
        NetClassifier(spec, class_weight=given).fit(X, NAMES)
    (found,) = caught.value.diagnostics
    assert found.code == "override" and found.span is not None and found.span.text == "class_weight" and "in the loss" in found.hint
    handed_on = spec.replace("class_weight=none", "class_weight=class_weight")
    if handed_on != spec:
        assert weights(NetClassifier(handed_on, class_weight=given).fit(X, NAMES))


@pytest.mark.parametrize("estimator", [NetClassifier(set=SHORT), NetRegressor(set=SHORT)], ids=["classifier", "regressor"])
def test_rows_have_no_weights(estimator: Any) -> None:
    with pytest.raises(TypeError, match=r"\.fit takes X and y, and no `sample_weight`. A row that counts twice is given twice"):
        estimator.fit(X, RARE, sample_weight=np.ones(len(X)))
    with pytest.raises(TypeError, match="no `groups`"):
        estimator.fit(X, RARE, groups=RARE)
    assert estimator.fit(X, RARE, sample_weight=None).n_features_in_ == X.shape[1]


def test_a_missing_train_section_is_answered_with_one_that_can_be_read() -> None:
    with pytest.raises(NetError) as caught:
        NetClassifier(LOGITS.partition("train {")[0]).fit(X, RARE)
    hint = caught.value.diagnostics[0].hint
    assert netc.load(LOGITS.partition("train {")[0] + hint.partition("\n")[2], {"F": 3}).training is not None
