"""Words of other tools, and settings without their section: what is meant is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import netc
from netc.cli import main
from netc.lower.spellings import METRIC_NAMES, metric_meant, of_scorer
from netc.ops.measures import MEASURES
from netc.runs.evaluate import evaluate_parts
from netc.train.best import is_higher_better

SPEC = """
network Tiny(width = 4) {
  input  x: [B, F]
  target y: int64[B]
  p = x -> Linear(width) -> ReLU -> Linear(3)
  output p
  loss CrossEntropyLoss(p, y)
}
data {
  source = sklearn.load_iris()
}
train {
  optimizer = SGD(lr=0.1)
  epochs = 2
}
"""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("epochs", "3", "did you mean `train.epochs`?"),
        ("optimizer", "SGD", "did you mean `train.optimizer`?"),
        ("validation", "0.2", "did you mean `data.validation`?"),
        ("lr", "0.2", "did you mean `train.optimizer.lr`?"),
        ("train.optimizer", '"adam"', "it is written without quotes: `Adam(lr=…)`"),
        ("train.precision", "bfloat16", "did you mean `bf16`?"),
        ("train.precision", "float16", "did you mean `fp16`?"),
        ("train.device", "gpu", "did you mean `cuda`?"),
        ("train.metrics", "[accuracy, f1_macro]", 'did you mean `f1(average="macro")`?'),
        ("train.metrics", "[accuracy, auc]", "did you mean `roc_auc`? `netc ops metrics` lists them"),
        ("train.metrics", "acc", "there is no metric `acc`"),
        ("train.metrics", "[accuracy, f1_score]", "did you mean `f1`?"),
        ("train.metrics", "[AUC]", "did you mean `roc_auc`?"),
        ("train.metrics", '[auc(average="macro")]', "did you mean `roc_auc`?"),
        ("train.metrics", '["RMSE"]', "it is written without quotes: `root_mean_squared_error`"),
        ("train.metrics", "[precison]", "did you mean `precision`?"),
        ("train.metrics", "[wrong]", "`netc ops metrics` lists them"),
        ("train.epochs", "ten", "`epochs` must be an int, not `ten`"),
        ("train.epochs", "ten", "e.g. `epochs = 100`"),
        ("train.seed", "epoch", "did you mean `epochs`?"),
        ("train.compile", "yes", "did you mean `true`?"),
        ("train.compile", "True", "it is written `true`"),
        ("train.optimizer.lr", "slow", "`lr` must be a number, not `slow`"),
        ("train.early_stopping", "patience(five)", "`epochs` must be an int, not `five`"),
        ("train.scheduler", "CosineAnnealingLR(T_max=epoch)", "did you mean `epochs`?"),
    ],
)
def test_what_is_meant_is_said(name: str, value: str, words: str) -> None:
    with pytest.raises(netc.NetError) as caught:
        netc.load(SPEC, {name: value})
    assert words in str(caught.value)


def test_a_name_that_is_a_number_is_none_of_these() -> None:
    found = netc.load(SPEC, {"train.checkpoint": "inf", "train.scheduler": "CosineAnnealingLR(epochs)", "train.seed": "epochs"}).training
    assert found is not None and found["checkpoint"] == float("inf") and found["seed"] == 2


@pytest.mark.parametrize(
    ("written", "corrected"),
    [
        ("[accuracy, auc]", "[accuracy, roc_auc]"),
        ("[f1_macro, wrong, f1_micro]", '[f1(average="macro"), wrong, f1(average="micro")]'),
        ("acc", "accuracy"),
        ('[f1_macro(average="micro")]', None),
        ('[auc(average="macro")]', None),
        ("[acc, accuracy]", None),
        ("[acc, accuracy_score]", None),
        ("[f1, f1_macro]", None),
        ("[rmse]", None),
        ("[accuracy, f1_score]", None),
    ],
)
def test_a_name_of_a_metric_is_corrected_where_that_is_then_right(written: str, corrected: str | None, tmp_path: Path) -> None:
    path = tmp_path / "net.net"
    text = SPEC.replace("  loss", "  metric f1 = mean(p)\n  loss") if "f1_score" in written else SPEC
    text = text.replace("F]", "4]").replace("load_iris()", "load_iris()\n  validation = 0.2")
    text = text.replace("epochs = 2", "epochs = 2\n  metrics = WRITTEN")
    path.write_text(text.replace("WRITTEN", written))
    main(["check", "--fix", str(path)])
    assert path.read_text() == text.replace("WRITTEN", corrected or written)
    assert corrected is None or "wrong" in corrected or not netc.check(path)


def test_a_monitor_by_another_name_of_its_metric() -> None:
    settings = {"data.validation": "0.2", "train.metrics": "[accuracy, roc_auc]", "train.monitor": '"val_auc"'}
    (found,) = netc.check(SPEC, settings)
    assert found.hint == "did you mean `val_roc_auc`?"
    (found,) = netc.check(SPEC, {**settings, "train.monitor": '"val_r2"'})
    assert found.hint.endswith("`val_accuracy`, `val_roc_auc`; `metrics` says what else is measured")


def test_other_names_of_metrics_are_none_of_netc_s_own() -> None:
    assert set(METRIC_NAMES.values()) <= set(MEASURES) and not set(METRIC_NAMES) & set(MEASURES)
    assert {metric_meant(name) for name in METRIC_NAMES} == set(METRIC_NAMES.values())


def test_a_device_of_another_name() -> None:
    with pytest.raises(netc.NetError, match="did you mean `cuda`"):
        netc.load(SPEC, {"train.device": '"gpu"'}).train(pictures=False)


def test_the_names_of_scorers_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import get_scorer_names

    meant = {name: of_scorer(name) for name in get_scorer_names() if of_scorer(name)}
    assert meant["recall_weighted"] == 'recall(average="weighted")'
    assert meant["roc_auc_ovo_weighted"] == 'roc_auc(multi_class="ovo", average="weighted")'
    assert meant["neg_mean_squared_error"] == "mean_squared_error"
    for text in meant.values():
        kind = "sklearn.make_regression()" if "error" in text else "sklearn.load_iris()"
        netc.load(SPEC, {"train.metrics": f"[{text}]", "data.source": kind})


@pytest.mark.parametrize(
    ("word", "setting"), [("--epochs", "train.epochs"), ("--batch-size=4", "train.batch_size"), ("--lr", "train.optimizer.lr")]
)
def test_an_option_that_is_a_setting(word: str, setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", "x.net", word, "3"])
    said = capsys.readouterr().err
    assert "unrecognized arguments" in said and f"`{word.partition('=')[0]}` is written as `--set {setting}=…`" in said


def test_an_unknown_code_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["explain", "shape-mismatsh"])
    said = capsys.readouterr().err
    assert "did you mean `shape-mismatch`?" in said and "warning" not in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hidden": 8}, ["`set={'hidden': 8}`", "`.set_params(hidden=8)`"]),
        ({"train.epochs": 3}, ["`set={'train.epochs': 3}`", "`.set_params(**{'train.epochs': 3})`"]),
    ],
)
def test_an_argument_that_an_estimator_does_not_have(given: dict[str, int], words: list[str]) -> None:
    with pytest.raises(TypeError, match="NetClassifier has no argument") as caught:
        netc.NetClassifier("my.net", **given)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words)


def test_more_batches_are_gathered_than_there_are() -> None:
    few = netc.load(SPEC, {"train.batch_size": "50", "train.accumulate": "9"}).training
    assert few is not None and few["accumulate"] == 9
    found = netc.check(SPEC.replace("epochs = 2", "epochs = 2\n  batch_size = 50\n  accumulate = 9"), data=True)
    assert [d.message for d in found] == ["`accumulate = 9` is more than the 3 batches of an epoch: every step takes all rows"]


def test_a_metric_may_be_taken_twice(tmp_path: Path) -> None:
    from sklearn.metrics import f1_score

    given = {"data.validation": "0.2", "train.metrics": '[f1, accuracy, f1(average="micro")]'}
    result = netc.load(SPEC, given).train(tmp_path, name="twice", pictures=False)
    values, held_out = result.history.final, result.prepared.validation
    assert held_out is not None
    none: Any = 0
    found = result.model(torch.as_tensor(held_out[0])).argmax(1)
    expected = {f"val_f1_{kind}": f1_score(held_out[1], found, average=kind, zero_division=none) for kind in ("macro", "micro")}
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert is_higher_better("val_f1_micro") and is_higher_better("val_roc_auc_ovr")
    again = netc.open_run(result.path)
    assert evaluate_parts(again)["validation"]["f1_macro"] == values["val_f1_macro"]  # of the resolved spec


@pytest.mark.parametrize("metrics", ["[f1, accuracy, f1]", '[f1, f1(average="macro")]'])
def test_a_metric_twice_with_the_same_arguments(metrics: str, tmp_path: Path) -> None:
    with pytest.raises(netc.NetError, match="`metrics` has `f1` twice"):
        netc.load(SPEC, {"data.validation": "0.2", "train.metrics": metrics}).train(tmp_path, pictures=False)
