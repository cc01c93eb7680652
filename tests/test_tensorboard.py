"""Event files, read back by TensorBoard itself."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import netc
from netc.cli import main
from netc.train.loop import Progress
from netc.train.tensorboard import events, together

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="pip install 'netc[tensorboard]'")

SPEC = """
network Tiny {
  input  x: [B, 2]
  target y: [B, 1]
  p = x -> Linear(1)
  output p
  loss BCEWithLogitsLoss(p, y)
}
data {
  source = sklearn.make_moons(n_samples=40, random_state=0)
  validation = 0.25
}
train {
  optimizer = SGD(lr=0.5)
  scheduler = StepLR(3)
  epochs = 7
}
"""


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    read = accumulator.EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_every_epoch_of_every_column_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.net").write_text(SPEC)
    assert main(["train", str(tmp_path / "tiny.net"), "--runs", str(tmp_path), "--tensorboard", "--no-pictures"]) == 0
    history = netc.open_run(tmp_path / "tiny-1").history
    found = scalars(tmp_path / "tiny-1")
    assert found.keys() == history.keys() and len(history["loss"]) == 7 and "lr" in found
    for name, values in history.items():
        assert [step for step, _ in found[name]] == list(range(1, 8))
        assert [value for _, value in found[name]] == pytest.approx(values, rel=1e-6)  # event files hold 32 bits


def test_a_run_that_goes_on_replaces_what_came_behind(tmp_path: Path) -> None:
    with events(tmp_path) as first:
        assert first is not None
        first(Progress(1, 5, {"loss": [1.0]}, 0.1))
        first(Progress(3, 5, {"loss": [1.0, 2.0, 3.0]}, 0.1))
        first(Progress(3, 5, {"loss": [1.0, 2.0, 3.0]}, 0.1, done=True))
    with events(tmp_path, begun_at=2) as second:
        assert second is not None
        second(Progress(4, 5, {"loss": [1.0, 2.0, 30.0, 40.0]}, 0.1))
    assert scalars(tmp_path) == {"loss": [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]}


def test_a_training_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(netc.NetError):
        netc.load(SPEC, {"train.optimizer.lr": "1e39"}).train(tmp_path / "runs", tensorboard=True, pictures=False)
    assert list((tmp_path / "runs").iterdir()) == []


def test_without_the_package_it_is_said_before_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "tensorboard" else real(name, package)

    monkeypatch.setattr("netc.train.tensorboard.find_spec", without)
    with pytest.raises(netc.NetError, match=r"(?s)need the package `tensorboard`.*pip install 'netc\[tensorboard\]'"):
        netc.load(SPEC).train(tmp_path / "runs", tensorboard=True)
    assert not (tmp_path / "runs").exists()


def test_observers_together() -> None:
    seen: list[int] = []
    assert together(None, None) is None
    observer = together(lambda p: seen.append(p.epoch), None, lambda p: seen.append(-p.epoch))
    assert observer is not None
    observer(Progress(3, 5, {}, 0.0))
    assert seen == [3, -3]


@pytest.mark.parametrize("from_the_start", [True, False])
def test_resuming_leaves_every_epoch_once(from_the_start: bool, tmp_path: Path) -> None:
    path = netc.load(SPEC).train(tmp_path, tensorboard=from_the_start, pictures=False).path
    longer = netc.load(SPEC, {"train.epochs": "9"})
    history = longer.train(tmp_path, tensorboard=True, pictures=False, resume=path).history
    steps, values = zip(*scalars(path)["loss"], strict=True)
    assert steps == tuple(range(1, 10)) and values == pytest.approx(history.columns["loss"])
