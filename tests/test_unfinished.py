"""The model of a training that is not finished: killed, or going on while it is looked at."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import netc
from netc.cli import main
from netc.runs.folder import Unfinished, is_run, runs_in
from netc.runs.predict import predict
from netc.train.checkpoint import load, save

SPEC = """
network Tiny {
  input  x: [B, 2]
  target y: [B, 1]
  p = x -> hidden: Linear(8) -> norm: BatchNorm1d -> ReLU -> last: Linear(1)
  output p
  loss MSELoss(p, y)
}
data {
  source = csv("table.csv")
  validation = 0.25
  normalize = standard
  normalize_target = minmax
}
train {
  optimizer = Adam(lr=0.01)
  epochs = 1000000
  batch_size = 10
  checkpoint = 0.05
}
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that was killed after some epochs, as its folder was left."""
    base = tmp_path_factory.mktemp("killed")
    random = np.random.default_rng(0)
    rows = random.normal(3, 20, (60, 2))
    (base / "table.csv").write_text("a,b,y\n" + "".join(f"{a},{b},{a - 2 * b}\n" for a, b in rows.tolist()))
    (base / "tiny.net").write_text(SPEC)
    process = subprocess.Popen([sys.executable, "-m", "netc", "train", "tiny.net", "--no-pictures"], cwd=base, stderr=subprocess.DEVNULL)
    run = base / "runs" / "tiny-1"
    try:
        end = time.monotonic() + 600
        while not (is_run(run) and netc.open_run(run).epochs >= 3):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        for _ in range(5):  # while it goes on
            with pytest.warns(Unfinished):
                netc.open_run(run).module()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (run / "run.json").exists() and not (run / "model.safetensors").exists()
    return run


def scaled_by_hand(run: Path, weights: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """The predictions for the table, and which of its rows were trained on, by torch and numpy alone."""
    values = np.loadtxt(run.parent.parent / "table.csv", delimiter=",", skiprows=1)
    rows = netc.load(run / "spec.net", {"train.epochs": "1"}).train(run.parent / "again", pictures=False).prepared.rows
    x, y = values[:, :2], values[:, 2]
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)).eval()
    places = {"hidden": "0", "norm": "1", "last": "3"}
    model.load_state_dict({f"{places[name.split('.')[0]]}.{name.split('.')[1]}": tensor for name, tensor in weights.items()})
    with torch.no_grad():
        scaled = torch.tensor((x - x[rows].mean(0)) / x[rows].std(0), dtype=torch.float32)
        low, high = y[rows].min(), y[rows].max()
        return {"given": model(scaled).numpy()[:, 0] * (high - low) + low, "y": y, "span": high - low, "rows": rows}


@pytest.mark.parametrize("best", [False, True], ids=["last", "best"])
def test_the_model_is_that_of_the_checkpoint(best: bool, killed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = load(killed / "checkpoint")["training"]
    weights = training["best"][2] if best else training["model"]
    with pytest.warns(Unfinished) as said:
        model = netc.open_run(killed).module(best)
    assert said[0].filename == __file__ and not model.training
    state = model.state_dict()
    assert state.keys() == weights.keys() and all(torch.equal(state[name], tensor) for name, tensor in weights.items())

    with pytest.warns(Unfinished) as said:
        columns = netc.open_run(killed).predict(killed.parent.parent / "table.csv", best)
    assert said[0].filename == __file__ and list(columns) == ["predicted_y"]

    flags = ["--best"] if best else []
    assert main(["predict", str(killed), "--data", str(killed.parent.parent / "table.csv"), *flags]) == 0
    out, err = capsys.readouterr()
    expected = scaled_by_hand(killed, weights)
    found = np.array([float(row["predicted_y"]) for row in csv.DictReader(io.StringIO(out))])
    assert found == pytest.approx(expected["given"], abs=1e-4 * float(expected["span"]))
    epoch, step = training["epoch"], training["step"]
    last = f"its weights in epoch {epoch + 1} of 1000000, after batch {step}" if step else f"its weights after epoch {epoch} of 1000000"
    which = f"the weights of its best epoch so far, {training['best'][1]} of 1000000" if best else last
    goes_on = f"where it was stopped or killed, `netc train --resume {killed}` finishes it"
    assert err == f"warning: `{killed}` is not finished: these are {which}; {goes_on}\n"

    for words in ([], ["--data", str(killed.parent.parent / "table.csv")]):
        assert main(["eval", str(killed), *words, *flags, "--format", "json"]) == 0
        out, said_by_eval = capsys.readouterr()
        values = json.loads(out)
        rows = expected["rows"] if not words else np.arange(60)
        error = (((expected["given"] - expected["y"])[rows] / expected["span"]) ** 2).mean()
        assert values["table.csv" if words else "training"]["loss"] == pytest.approx(error, rel=1e-3) and said_by_eval == err


def test_looking_changes_nothing(killed: Path) -> None:
    before = {path.relative_to(killed): path.read_bytes() for path in killed.rglob("*") if path.is_file()}
    with pytest.warns(Unfinished):
        netc.open_run(killed).module()
    assert {path.relative_to(killed): path.read_bytes() for path in killed.rglob("*") if path.is_file()} == before
    (run,) = runs_in(killed)
    assert run.state == "unfinished" and run.epochs >= 3 and run.record["preprocessing"]["format"] == 2


def test_a_finished_run_that_is_made_longer_is_not_finished_until_it_is(killed: Path) -> None:
    """Killed while it went on it has the old files and a newer checkpoint, and `spec.net` still has the old number of epochs."""
    run = netc.load(killed / "spec.net", {"train.epochs": "2"}).train(killed.parent / "longer", pictures=False).path
    at_two = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    assert netc.open_run(run).state == "finished" and netc.open_run(run).goes_on == ""
    netc.load(run / "spec.net", {"train.epochs": "5"}).train(pictures=False, resume=run)
    finished = netc.open_run(run)
    assert finished.epochs == 5 and finished.goes_on == ""
    model = finished.module().state_dict()
    for path, content in at_two.items():
        path.write_bytes(content)
    opened = netc.open_run(run)
    assert opened.state == "unfinished" and opened.epochs == 5
    assert opened.goes_on == f"netc train --resume {run} --set train.epochs=5"
    with pytest.warns(Unfinished, match="its weights after epoch 5 of 5"):
        found = opened.module().state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in model.items())
    assert main([*opened.goes_on.split()[1:], "--no-pictures"]) == 0
    assert netc.open_run(run).goes_on == "" and netc.open_run(run).epochs == 5


def test_the_newer_of_record_and_checkpoint_is_shown(killed: Path, tmp_path: Path) -> None:
    """By epochs and steps: how long the last save took says nothing of it."""
    run, training = tmp_path / "run", load(killed / "checkpoint")["training"]
    shutil.copytree(killed, run)
    epoch, step = training["epoch"], training["step"]
    states = {(epoch, step): "interrupted", (epoch, step + 1): "interrupted", (epoch + 1, 0): "interrupted", (epoch, None): "interrupted",
              (epoch - 1, 10**6): "unfinished", (epoch - 1, None): "unfinished"}  # fmt: skip
    for (epochs, done), state in states.items():
        record = {"finished": "now", "interrupted": True, "seconds": 0.0, "epochs": epochs, "step": done}
        (run / "run.json").write_text(json.dumps(record))
        assert netc.open_run(run).state == state, (epochs, done)


def test_what_is_not_there_is_said(killed: Path, tmp_path: Path) -> None:
    table, run = killed.parent.parent / "table.csv", tmp_path / "run"
    shutil.copytree(killed, run)
    state = load(run / "checkpoint")
    save(run / "checkpoint", {**state, "training": {**state["training"], "best": None}})
    with pytest.raises(netc.NetError, match="has no weights of a best epoch"):
        netc.open_run(run).module(best=True)
    del state["preprocessing"]  # as an older netc left it
    save(run / "checkpoint", state)
    with pytest.raises(netc.NetError, match="does not say what was done to the data"):
        predict(netc.open_run(run), table)
    shutil.rmtree(run / "checkpoint")
    opened = netc.open_run(run)
    for look in (opened.module, lambda: opened.module(best=True), lambda: predict(opened, table)):
        with pytest.raises(netc.NetError, match="has not ended, and there is no checkpoint of it yet"):
            look()
