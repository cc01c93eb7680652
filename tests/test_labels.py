"""Labels of classes that are other whole numbers than 0 to K-1: against the same data with the labels counted by hand."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import netc
from netc.cli import main
from netc.runs.evaluate import evaluate_file

SPEC = """
network Net {{
  input  x: [B, F]
  target grade: {y}
  p = x -> Linear({outputs})
  output p
  loss {loss}
}}
data {{
  source = csv("rows.csv")
  validation = 0.25
}}
train {{
  optimizer = SGD(lr=0.1)
  epochs = 30
  metrics = {metrics}
}}
"""
CLASSES = {"y": "int64[B]", "loss": "CrossEntropyLoss(p, grade)", "metrics": "[accuracy, balanced_accuracy]"}
BINARY = {"y": "[B, 1]", "loss": "BCEWithLogitsLoss(p, grade)", "metrics": "[accuracy, roc_auc]", "outputs": "1"}


def write_rows(folder: Path, labels: list[int]) -> list[int]:
    """Rows in which `a` says the class; gives the class of each."""
    random = np.random.default_rng(0)
    counted = [i % len(labels) for i in range(60)]
    rows = [f"{k + random.normal() / 4:.3f},{random.normal():.3f},{labels[k]}" for k in counted]
    (folder / "rows.csv").write_text("\n".join(["a,b,grade", *rows, ""]))
    return [labels[k] for k in counted]


def trained(folder: Path, labels: list[int], options: dict[str, str], pictures: bool = False) -> Path:
    write_rows(folder, labels)
    (folder / "net.net").write_text(SPEC.format(**{"outputs": str(len(labels)), **options}))
    result = netc.load(folder / "net.net").train(folder / "runs", pictures=pictures)
    assert not result.warnings
    return result.path


def predicted(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    capsys.readouterr()
    assert main(["predict", str(run), "--data", str(data)]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


@pytest.mark.parametrize(
    ("labels", "options"), [([1, 2, 3], CLASSES), ([-5, 10, 70], CLASSES), ([-1, 1], CLASSES), ([1, 2], BINARY), ([-1, 1], BINARY)]
)
def test_labels_are_counted_in_their_order(
    labels: list[int], options: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "counted").mkdir()
    plain, own = (trained(p, n, options) for p, n in ((tmp_path / "counted", [*range(len(labels))]), (tmp_path, labels)))
    assert (own / "metrics.csv").read_text() == (plain / "metrics.csv").read_text()
    of_plain, of_own = predicted(plain, tmp_path / "counted" / "rows.csv", capsys), predicted(own, tmp_path / "rows.csv", capsys)
    assert [row["predicted_grade"] for row in of_own] == [str(labels[int(row["predicted_grade"])]) for row in of_plain]
    for k, label in enumerate(labels):
        assert [row[f"probability_{label}"] for row in of_own] == [row[f"probability_{k}"] for row in of_plain]
    assert evaluate_file(netc.open_run(own), tmp_path / "rows.csv") == evaluate_file(
        netc.open_run(plain), tmp_path / "counted" / "rows.csv"
    )


def test_the_report_and_the_pictures_have_the_labels_themselves(tmp_path: Path) -> None:
    run = trained(tmp_path, [1, 2, 30], CLASSES, pictures=True)
    page = (run / "report.html").read_text()
    assert "1 (20 rows), 2 (20 rows), 30 (20 rows)" in page and "<th>30</th>" in page
    assert (run / "predictions.png").exists()


def test_predictions_in_parquet_are_whole_numbers(tmp_path: Path) -> None:
    run = trained(tmp_path, [1, 2, 3], CLASSES)
    assert main(["predict", str(run), "--data", str(tmp_path / "rows.csv"), "-o", str(tmp_path / "out.parquet")]) == 0
    assert pq.read_table(tmp_path / "out.parquet")["predicted_grade"].type == pa.int64()


def test_a_label_that_was_not_there_in_training_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained(tmp_path, [1, 2, 3], CLASSES)
    (tmp_path / "new.csv").write_text("a,b,grade\n1,1,2\n1,1,9\n")
    assert main(["eval", str(run), "--data", str(tmp_path / "new.csv")]) == 1
    assert "`grade` has `9` in line 3" in capsys.readouterr().err


def test_what_is_computed_of_a_target_is_not_compared_with_the_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(tmp_path, [1, 2, 3])
    options = {**CLASSES, "outputs": "3", "loss": "CrossEntropyLoss(p, grade - 1)", "metrics": "none"}
    (tmp_path / "net.net").write_text(SPEC.format(**options))
    net = netc.load(tmp_path / "net.net")
    assert [d.message for d in net.check_data() if "compares with `grade - 1`" in d.message]
    result = net.train(tmp_path / "runs")
    assert "val_accuracy" not in (result.path / "metrics.csv").read_text()
    assert "Confusion matrix" not in (result.path / "report.html").read_text() and not (result.path / "predictions.png").exists()
    assert "predicted_class" in predicted(result.path, tmp_path / "rows.csv", capsys)[0]
