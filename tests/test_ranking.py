"""What the report says of a model of two classes beside the classes at 0.5: curves, calibration, thresholds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

import netc
from netc.data.normalize import Array
from netc.tasks import Task
from netc.train.report.ranking import best_threshold, ranking, ranking_picture
from netc.train.verdict import Verdict

RARE = """network N {{
  input x: [B, F]
  target y: {target}
  p = x -> Linear({scores})
  output p
  loss {loss}
}}

data {{
  source     = sklearn.make_classification(n_samples=300, {more}weights=[0.9], random_state=0)
  validation = 0.4
  normalize  = standard
}}

train {{
  optimizer = Adam(lr=0.1)
  epochs    = 5
}}
"""
BINARY = RARE.format(target="[B, 1]", scores=1, loss="BCEWithLogitsLoss(p, y)", more="")
TWO = RARE.format(target="int64[B]", scores=2, loss="CrossEntropyLoss(p, y)", more="")
THREE = RARE.format(target="int64[B]", scores=3, loss="CrossEntropyLoss(p, y)", more="n_classes=3, n_informative=4, ").replace(
    "weights=[0.9], ", ""
)


def scored() -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    truth = (random.random(200) < 0.1).astype(np.int64)
    return truth, 1 / (1 + np.exp(-(random.normal(size=200) + 2 * truth - 2)))


def test_the_curves_have_scikit_learns_numbers() -> None:
    truth, probability = scored()
    picture = ranking_picture(truth, probability, "ill", "")
    titles = [axes.get_title(loc="left") for axes in picture.axes]
    assert titles == [f"ROC, area {roc_auc_score(truth, probability):.3f}",
                      f"Precision and recall, average {average_precision_score(truth, probability):.3f}", "Calibration"]  # fmt: skip
    said, share = (np.asarray(v, float) for v in picture.axes[2].lines[1].get_data())
    assert len(said) == 10 and said.mean() == pytest.approx(probability.mean()) and share.mean() == pytest.approx(truth.mean())


def test_the_thresholds_have_scikit_learns_numbers() -> None:
    truth, probability = scored()
    page = ranking(Task("binary", "probabilities"), Verdict("test part", probability.reshape(-1, 1), truth), ["well", "ill"])
    rows: list[Any] = [re.findall("<td>(.*?)</td>", line) for line in page.splitlines() if line.startswith("<tr><td>")]
    assert len(rows) == 10 and [float(row[0].split(",")[0]) for row in rows] == sorted(float(row[0].split(",")[0]) for row in rows)
    for row in rows:
        exact = best_threshold(truth, probability) if "best F1" in row[0] else float(row[0])
        said = probability >= exact
        precision = f"{precision_score(truth, said):.1%}" if said.any() else "–"
        wanted = [
            str(said.sum()),
            str((said & (truth == 1)).sum()),
            precision,
            f"{recall_score(truth, said):.1%}",
            f"{f1_score(truth, said):.3f}",
        ]
        assert row[1:] == wanted
    best = f1_score(truth, probability >= best_threshold(truth, probability))
    assert best >= max(f1_score(truth, probability >= t) for t in probability) and "for ill from this" in page


@pytest.mark.parametrize("task, output, truth", [
    (Task("binary", "logits"), np.zeros((9, 1)), np.zeros(9)),  # one class only: there is nothing to rank
    (Task("classes", "logits"), np.zeros((9, 3)), np.arange(9) % 2), (Task("classes", "scores"), np.zeros((9, 2)), np.arange(9) % 2),
], ids=["one class", "three classes", "no probabilities"])  # fmt: skip
def test_where_there_is_nothing_to_rank(task: Task, output: Array, truth: Array) -> None:
    assert ranking(task, Verdict("test part", output, truth), []) == ""


@pytest.mark.parametrize("spec, is_there", [(BINARY, True), (TWO, True), (THREE, False)], ids=["binary", "two", "three"])
def test_the_report_has_it_for_two_classes(spec: str, is_there: bool, tmp_path: Path) -> None:
    result = netc.load(spec).train(tmp_path)
    page = (result.path / "report.html").read_text()
    assert result.warnings == () and "Confusion matrix" in page
    assert (">Thresholds" in page) == ("How well it finds class 1" in page) == is_there
    assert ("rows of the validation part are class 1" in page) == is_there
