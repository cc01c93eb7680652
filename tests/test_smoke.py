"""`netc train --smoke`, and drawing, which never makes a training fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from netc import NetError, load
from netc.cli import main

SPEC = """
network Net {
  input x: [B, F]
  target y: [B, 1]
  p = x -> Linear(8) -> Dropout(0.2) -> ReLU -> Linear(1) -> Sigmoid
  output p
  loss BCELoss(p, y)
}
data {
  source = sklearn.make_moons(n_samples=50, noise=0.2, random_state=0)
  validation = 0.2
}
train {
  optimizer = Adam(lr=0.01)
  scheduler = CosineAnnealingLR(T_max=epochs)
  epochs = 100000
  batch_size = 16
  early_stopping = patience(5, monitor="val_loss")
}
"""


def test_everything_is_tried_and_nothing_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.net").write_text(SPEC)
    assert main(["train", "--smoke", "net.net"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == ["data", "training", "validation", "checkpoint", "model", "pictures"]
    assert lines[0] == "data: 40 rows to train on, 10 to validate on" and lines[1].startswith("training: 2 steps of 16 rows, loss 0.")
    assert lines[3].endswith("the same loss, to the last bit") and "val_accuracy" in lines[2]
    assert lines[5] == "pictures: data.png, loss.png, predictions.png, report.html"
    assert [path.name for path in tmp_path.iterdir()] == ["net.net"]


def test_what_would_fail_fails_now() -> None:
    with pytest.raises(NetError, match="lr must be 0 or more"):
        list(load(SPEC.replace("0.01", "-1.0")).smoke())


@pytest.mark.parametrize(("rate", "words"), [("1e30", "the loss became"), ("1e5", "the val_loss became")])
def test_a_loss_that_is_not_finite_fails_now(rate: str, words: str) -> None:
    """Also the last one, after which a training would take a step more to find it."""
    text = SPEC.replace("Adam(lr=0.01)", f"SGD(lr={rate})").replace(" -> Sigmoid", "").replace("BCELoss(p, y)", "MSELoss(p, y)")
    with pytest.raises(NetError, match=words):
        list(load(text.replace("ReLU -> Linear(1)", "ReLU -> Linear(8) -> ReLU -> Linear(1)")).smoke())


def test_smoke_and_resume_exclude_each_other() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", "--smoke", "--resume", "runs/net-1"])


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("no font")


@pytest.mark.parametrize("call", ["Figure.__init__", "Axes.plot", "Figure.savefig"])
def test_drawing_never_makes_a_training_fail(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = {"Figure": "matplotlib.figure.Figure", "Axes": "matplotlib.axes.Axes"}[call.split(".")[0]]
    monkeypatch.setattr(f"{owner}.{call.split('.')[1]}", broken)
    result = load(SPEC, {"train.epochs": 2}).train(tmp_path)
    assert result.warnings and "no font" in "".join(result.warnings)
    assert (result.path / "model.safetensors").is_file() and (result.path / "run.json").is_file()


def test_a_training_without_matplotlib_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules]:
        if name.startswith(("matplotlib", "netc.train.report")) or name == "netc.train.after":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = load(SPEC, {"train.epochs": 2}).train(tmp_path)
    assert result.warnings and (result.path / "run.json").is_file()
