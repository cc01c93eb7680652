"""What goes wrong in one of several processes is said once, and leaves nothing half made; the faults are those of a spec's Python file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import netc
from netc.cli import main
from netc.diagnostics import Diagnostic
from netc.pipeline import run_spec
from netc.train.checkpoint import load
from netc.train.launched import LOST, LeftAlone, leave_word, word_before

SECONDS = 300  # after which a process that hangs is ended

FAULTS = """
import errno, os, signal, time
from pathlib import Path
import numpy as np
from torch import Tensor

written = Path.write_bytes
PLACE, RANK, FAULT = os.environ.get("FAULT", "no no no").split()


def rows() -> dict[str, np.ndarray]:
    fault("data")
    return {"x": np.ones((16, 2), "float32"), "y": np.ones((16, 1), "float32")}


def met(x: Tensor) -> Tensor:
    if any(Path("runs").glob("*")):  # the training begins
        fault("network")
    return x


def _no_room() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fault(place: str) -> None:
    if (place, os.environ.get("RANK")) != (PLACE, RANK):
        return
    if FAULT == "raises":
        raise KeyError("nobody knows")
    if FAULT == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if FAULT == "full":  # the disk of the runs
        Path.write_bytes = lambda path, content: written(path, content) if "runs" not in path.parts else _no_room()
    if FAULT in ("SIGINT", "SIGTERM"):  # is given to the launcher, which asks its processes to end
        os.kill(os.getppid(), getattr(signal, FAULT))
        while not getattr(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), "requested", False):
            time.sleep(0.01)  # one that only gets ready is ended here
"""
SPEC = """
use python "faulty_layers.py"
network Faulty {
  input x: [B, 2]
  target y: [B, 1]
  p = x -> met -> Linear(1)
  output p
  loss MSELoss(p, y)
}
data = python("faults.py:rows")
train {
  optimizer  = SGD(lr=0.01)
  epochs     = 4
  batch_size = 4
}
"""


@pytest.fixture
def faulty(tmp_path: Path) -> Callable[[str], tuple[int, str, str]]:
    """A training of two processes with a fault at a place in one of them; its status and what it wrote."""
    for name in ("faults.py", "faulty_layers.py"):
        (tmp_path / name).write_text(FAULTS)
    (tmp_path / "faulty.net").write_text(SPEC)

    def run(fault: str) -> tuple[int, str, str]:
        words = [sys.executable, "-m", "netc", "train", "--procs", "2", "--no-pictures", "--allow-python", "faulty.net"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "FAULT": fault}
        with subprocess.Popen(words, cwd=tmp_path, env=environment, text=True, stdout=-1, stderr=-1, start_new_session=True) as process:
            try:
                out, err = process.communicate(timeout=SECONDS)
            finally:
                process.kill()
        for noise in ("Traceback", "torch/", "api.py", "local_rank"):
            assert noise not in err, err
        return process.returncode, out, err

    return run


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("data 1 raises", "error[data]: `faults.py:rows` failed: KeyError: 'nobody knows'"),
        ("data 0 full", "cannot be written: No space left on device"),
        ("network 1 dies", "error: process 1 was ended by signal 9 (SIGKILL); there is no checkpoint to go on from"),
    ],
)
def test_a_fault_of_one_process_is_said_once_and_leaves_no_folder(
    faulty: Callable[[str], tuple[int, str, str]], tmp_path: Path, fault: str, said: str
) -> None:
    status, out, err = faulty(fault)
    assert (status, out) == (1, ""), err
    assert said in err
    assert err.count("error") == 1, err
    assert not list(tmp_path.glob("runs/*"))


def test_whoever_ends_processes_that_only_get_ready_is_left_with_nothing(
    faulty: Callable[[str], tuple[int, str, str]], tmp_path: Path
) -> None:
    assert faulty("data 1 SIGTERM") == (130, "", "")
    assert not list(tmp_path.glob("runs/*"))


def test_ctrl_c_before_the_first_step_leaves_a_run_that_goes_on(faulty: Callable[[str], tuple[int, str, str]], tmp_path: Path) -> None:
    status, out, err = faulty("network 1 SIGINT")
    assert status == 130, err
    assert out.startswith("interrupted in epoch 0\n")
    run = tmp_path / "runs" / "faulty-1"
    assert load(run / "checkpoint")["training"]["epoch"] == 0
    assert netc.load(run_spec(run), allow_python=True).train(resume=run, pictures=False).history.epochs == 4


def test_processes_that_are_started_anew_do_not_say_an_error_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wrong.net").write_text("network {")
    monkeypatch.setenv("LOCAL_RANK", "0")
    said = []
    for attempt in range(3):
        file = tmp_path / f"attempt_{attempt}" / str(attempt % 2) / "error.json"
        file.parent.mkdir(parents=True)
        monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(file))
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(attempt))
        assert main(["compile", str(tmp_path / "wrong.net")]) == 1
        said.append("error[" in capsys.readouterr().err)
        assert "error[syntax]" in json.loads(file.read_text())["message"]["message"], "torch shows it"
    assert said == [True, False, False]


def test_processes_that_lost_another_one_are_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(*_: object) -> int:
        raise LeftAlone([Diagnostic("training", "another process ended")])

    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "attempt_0" / "0" / "error.json"))
    monkeypatch.setattr("netc.cli.check.run", alone)
    assert main(["check", "any.net"]) == LOST
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert word_before() is None
    (tmp_path / "attempt_0" / "0").mkdir(parents=True)
    leave_word("a word")
    assert word_before() == "a word"
