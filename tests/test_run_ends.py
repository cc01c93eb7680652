"""A training that does not end as it was meant to: what it leaves, what it says, and the exit status."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from netc.cli import main
from netc.runs.folder import Unfinished, open_run
from netc.train.best import which_weights
from netc.train.checkpoint import load, save

SPEC = """
network Line {
  input  x: [B, 5]
  target y: [B, 1]
  p = x -> Linear(4) -> ReLU -> Linear(1)
  output p
  loss MSELoss(p, y)
}
data {
  source = sklearn.make_regression(n_samples=50, n_features=5, random_state=0)
  validation = 0.2
  normalize_target = standard
}
train {
  optimizer  = SGD(lr=0.01)
  epochs     = 12
  batch_size = 20
}
"""
LATE = SPEC.replace("epochs     =", "scheduler  = StepLR(5, gamma=1e9)\n  epochs     =")


@pytest.fixture
def late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A spec whose training has five good epochs, in the folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    Path("line.net").write_text(LATE)
    return "line.net"


@pytest.mark.parametrize("held_out", [True, False])
@pytest.mark.parametrize("batch_size", ["20", "full"])
def test_what_was_trained_before_the_loss_is_nan_stays(
    late: str, held_out: bool, batch_size: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(late).write_text(LATE if held_out else LATE.replace("  validation = 0.2\n", ""))
    words = ["--no-pictures", "--set", f"train.batch_size={batch_size}"]
    assert main(["train", late, *words]) == 1
    said = capsys.readouterr().err
    found = re.search(r"in epoch (\d+) of 12", said)
    assert found and "`lr` (now 0.01, of which `StepLR` had made 1e+07)" in said
    run, epochs = Path("runs/line-1"), int(found[1]) - 1
    best = ", with the weights of the best one, 5" if held_out else ""
    assert epochs >= 5
    assert said.rstrip().splitlines()[-1].strip() == f"what was trained before, {epochs} whole epochs, is in runs/line-1/{best}"
    files = ["metrics.csv", "run.json", "spec.net"]
    assert sorted(path.name for path in run.iterdir()) == (["best.safetensors"] if held_out else []) + files
    assert len((run / "metrics.csv").read_text().splitlines()) == 1 + epochs and "nan" not in (run / "metrics.csv").read_text()
    record = json.loads((run / "run.json").read_text())
    assert record["epochs"] == epochs and record["failed"].startswith("the loss became")
    assert main(["runs"]) == 0
    shown = capsys.readouterr().out
    assert " failed " in shown and "line-1: failed: the loss became" in shown
    assert main(["eval", str(run), "--best"]) == (0 if held_out else 1)
    assert main(["eval", str(run)]) == 1
    assert "has no last weights: the loss became" in capsys.readouterr().err


def test_a_training_that_fails_in_its_first_epoch_leaves_no_folder(late: str) -> None:
    assert main(["train", late, "--no-pictures", "--set", "train.optimizer.lr=1e30"]) == 1
    assert not list(Path("runs").iterdir())


def test_a_failed_run_that_has_a_checkpoint_is_not_complete(late: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--no-pictures", "--set", "train.checkpoint=0"]
    assert main(["train", late, *words]) == 1
    assert main(["train", "--resume", "runs/line-1", "--no-pictures"]) == 1
    assert "the loss became" in capsys.readouterr().err
    assert open_run("runs/line-1").state == "failed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_exits_as_a_shell_counts_it(late: str, number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    """So that `netc train … && netc predict …` does not go on with half a training."""

    def press(*_: object) -> None:
        if not pressed:
            pressed.append(number)
            os.kill(os.getpid(), number)

    pressed: list[signal.Signals] = []
    hook = torch.nn.modules.module.register_module_forward_hook(press)
    try:
        assert main(["train", late, "--no-pictures"]) == 130
    finally:
        hook.remove()
    assert capsys.readouterr().out.splitlines()[-1] == "netc train --resume runs/line-1 goes on"


@pytest.mark.parametrize(
    ("scheduler", "said", "status"),
    [
        ("StepLR(5)", "`--set train.epochs=24` trains it longer", 0),
        ("CosineAnnealingLR(T_max=epochs)", "over which `CosineAnnealingLR` took its course; a longer training is a new run", 1),
    ],
)
def test_a_longer_training_is_offered_where_it_is_taken(
    late: str, scheduler: str, said: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(late).write_text(LATE.replace("StepLR(5, gamma=1e9)", scheduler))
    assert main(["train", late, "--no-pictures"]) == 0
    assert main(["train", "--resume", "runs/line-1"]) == 0
    assert said in capsys.readouterr().out
    assert main(["train", "--resume", "runs/line-1", "--no-pictures", "--set", "train.epochs=24"]) == status


@pytest.mark.parametrize("is_finite", [True, False])
def test_the_weights_before_a_failure_are_those_of_the_checkpoint(late: str, is_finite: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """If they are finite, as where it was saved some time before; a save after every step has what the loss tells one step later."""
    assert main(["train", late, "--no-pictures", "--set", "train.checkpoint=0"]) == 1
    run = Path("runs/line-1")
    state = load(run / "checkpoint")
    weights = state["training"]["model"]
    assert not all(tensor.isfinite().all() for tensor in weights.values())
    if is_finite:
        state["training"]["model"] = weights = {name: torch.full_like(tensor, 0.5) for name, tensor in weights.items()}
        save(run / "checkpoint", state)
    capsys.readouterr()
    assert main(["eval", str(run)]) == (0 if is_finite else 1)
    said = capsys.readouterr().err
    if not is_finite:
        assert "has no last weights: the loss became" in said and "`--best` takes the weights of its best epoch" in said
        return
    assert re.fullmatch(
        r"warning: `runs/line-1` failed: the loss became .*; these are its weights .*epoch \d+.*, from its last checkpoint\n", said
    )
    with pytest.warns(Unfinished):
        found = open_run(run).module().state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in weights.items())


# --- which weights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (
            {"epochs": 19, "step": 0, "best": {"epoch": 14, "val_loss": 0.1}},
            "the last epoch, 19; X those of epoch 14, the best by val_loss",
        ),
        ({"epochs": 5, "step": 3, "best": {"epoch": 5, "val_f1": 0.1}}, "epoch 6, after batch 3; X those of epoch 5, the best by val_f1"),
        ({"epochs": 14, "step": 0, "best": {"epoch": 14, "val_loss": 0.1}}, ""),
        ({"epochs": 14, "best": {"epoch": 14, "val_loss": 0.1}}, ""),
        ({"epochs": 14, "step": 0}, ""),
        ({}, ""),
    ],
)
def test_which_weights(outcome: dict[str, Any], said: str) -> None:
    assert which_weights(outcome, "X") == (said and f"the weights are those of {said}")


def test_other_weights_that_are_best_are_spoken_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A metric that is the more the worse the network is, so that the first epoch is the best one; and one that gets better."""
    monkeypatch.chdir(tmp_path)
    both = "  loss MSELoss(p, y)\n  metric score = {}mean((p - y) ** 2)\n"
    for name, sign in (("worse", ""), ("better", "-")):
        spec = SPEC.replace("  loss MSELoss(p, y)\n", both.format(sign)).replace(
            "epochs     = 12", 'epochs     = 12\n  monitor    = "val_score"'
        )
        Path(f"{name}.net").write_text(spec)
        assert main(["train", f"{name}.net", "--no-pictures"]) == 0
        out = capsys.readouterr().out.splitlines()
        taken = "the weights are those of the last epoch, 12; {} those of epoch 1, the best by val_score"
        differ = name == "worse"
        assert out[1:] == ([taken.format("`netc eval --best` and `netc predict --best` take")] if differ else [])
        np.save("rows.npy", np.zeros((2, 5)))
        for words in (["eval", f"runs/{name}-1"], ["predict", f"runs/{name}-1", "--data", "rows.npy"]):
            assert main(words) == 0
            assert capsys.readouterr().err == (taken.format("`--best` takes") + "\n" if differ else "")
            assert main([*words, "--best"]) == 0
            assert capsys.readouterr().err == ""
