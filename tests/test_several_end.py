"""What ends a training in several processes: it is said once, and leaves what goes on."""

import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets
import torch
from safetensors.torch import load_file

import netc
from netc.diagnostics import NetError, render_all
from netc.source import Source
from netc.train.batches import Share
from netc.train.checkpoint import load
from netc.train.distributed import World, check_losses
from netc.train.launch import _reasons, _told
from netc.train.launched import LOST
from netc.train.reasons import diverged
from tests.several import SECONDS, SPEC, ended, started, wait_for, worker


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "table.net"
    path.write_text(SPEC)
    return path


def test_ctrl_c_saves_where_all_processes_stand(spec: Path, tmp_path: Path) -> None:
    """A terminal gives it to all of them, and the launcher gives it to its processes once more."""
    words = ("--no-pictures", "--runs", tmp_path, spec, "--set", "train.epochs=100000", "--set", "train.checkpoint=0")
    process = started("netc", "train", "--procs", 2, *words)
    wait_for(tmp_path / "table-1" / "checkpoint" / "state.json", process)
    os.killpg(process.pid, signal.SIGINT)
    status, out, err = ended(process)
    assert (status, "Traceback" in err, "signal" in err) == (130, False, False), err
    assert re.fullmatch(r"interrupted in epoch (\d+)\nwrote \S+table-1.\nnetc train --resume \S+table-1 goes on\n", out), out
    assert (
        load(tmp_path / "table-1" / "checkpoint")["training"]["epoch"]
        == len((tmp_path / "table-1" / "metrics.csv").read_text().splitlines()) - 1
    )


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process that its parent is gone")
def test_processes_whose_launcher_is_killed_end_and_save(spec: Path, tmp_path: Path) -> None:
    words = ("--no-pictures", "--runs", tmp_path, spec, "--set", "train.epochs=100000", "--set", "train.checkpoint=0")
    process = started("netc", "train", "--procs", 2, *words)
    wait_for(tmp_path / "table-1" / "checkpoint" / "state.json", process)
    process.kill()
    _, out, err = ended(process)  # what they write ends with them
    assert out.startswith("interrupted in epoch "), err
    assert "Traceback" not in err


def test_a_worker_that_is_killed_is_told_of_with_what_goes_on(spec: Path, tmp_path: Path) -> None:
    words = ("--no-pictures", "--runs", tmp_path, spec, "--set", "train.epochs=100000", "--set", "train.checkpoint=0")
    process = started("netc", "train", "--procs", 2, *words)
    wait_for(tmp_path / "table-1" / "checkpoint" / "state.json", process)
    os.kill(worker([process], 1), signal.SIGKILL)
    status, _, err = ended(process)
    assert status == 1 and "Traceback" not in err, err
    told = f"error: process 1 was ended by signal 9 (SIGKILL); `netc train --procs 2 --resume {tmp_path / 'table-1'}` goes on"
    assert f"{told} from the last checkpoint" in err, err


@pytest.mark.parametrize(
    ("statuses", "reasons"),
    [
        ({0: -15, 1: -9}, {1: -9}),
        ({0: LOST, 1: -9, 2: LOST}, {1: -9}),
        ({0: -15, 1: 1}, {1: 1}),
        ({0: 1, 1: -9}, {0: 1, 1: -9}),
        ({0: LOST, 1: -15}, {1: -15}),
        ({0: -15, 1: -15}, {0: -15, 1: -15}),
        ({0: LOST}, {0: LOST}),
        ({0: 130, 1: LOST}, {0: 130}),
    ],
)
def test_who_is_the_reason(statuses: dict[int, int], reasons: dict[int, int]) -> None:
    """The others are ended with SIGTERM (15) when one has failed, or they lose it: they are not the reason."""
    assert _reasons(statuses) == reasons


def test_how_processes_ended_is_told() -> None:
    told = _told({0: 1, 1: -9, 2: LOST}, 3, None)
    assert (
        told
        == "process 0 ended with status 1 and process 1 was ended by signal 9 (SIGKILL) and process 2 lost the others; \
there is no checkpoint to go on from"
    )


@pytest.mark.parametrize(("text", "status"), [("network {", 1), ("", 128 + signal.SIGTERM)], ids=["wrong", "waiting"])
def test_the_process_that_speaks_is_not_ended_before_it_has_spoken(text: str, status: int) -> None:
    """torch ends it as soon as another one has met the error; one that meets nothing ends soon."""
    command = [sys.executable, "-m", "netc", "check", "-"]
    environment = {**os.environ, "LOCAL_RANK": "0"}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not _catches(process.pid, signal.SIGTERM):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        if not text:
            process.wait(SECONDS)
        out, _ = process.communicate(text or None)
    assert process.returncode == status
    assert ("error[syntax]" in out) == bool(text)


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal."""
    (caught,) = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(caught, 16) >> number - 1 & 1)


# --- what goes wrong on the way -------------------------------------------------------------------------------------

FALLS = """
network Falls {
  input x: [B, 4]
  target y: [B, 1]
  param w: [1] = constant(0.5)
  p = x -> Linear(3) -> Tanh -> Linear(1)
  output p
  loss mean(log(w)) + 0.001 * mean((p - y) ** 2)
}
data = sklearn.make_regression(n_samples=40, n_features=4, random_state=1)
train {
  optimizer = SGD(lr=0.01)
  epochs = 60
  batch_size = 10
}
"""
REFUSES = """
network Refuses {
  input x: [B, 4]
  target y: [B, 1]
  p = x[:, :1] -> log -> Linear(1) -> Sigmoid
  output p
  loss BCELoss(p, y)
}
data = sklearn.make_classification(n_samples=40, n_features=4, random_state=0)
train {
  optimizer = SGD(lr=0.001)
  epochs = 6
  batch_size = 2
  seed = %d
}
"""


def said_by_two(path: Path, text: str) -> tuple[str, str]:
    """The error as one page, and all that the processes wrote."""
    path.write_text(text)
    status, _, err = ended(started("netc", "train", "--procs", 2, "--no-pictures", "--runs", path.parent, path))
    assert status == 1, err
    return err.partition("error[")[2].partition("\nE")[0].strip(), err


def test_the_first_node_that_is_not_finite_is_named_as_by_one_process(tmp_path: Path) -> None:
    page, _ = said_by_two(tmp_path / "falls.net", FALLS)
    with pytest.raises(NetError) as caught:
        netc.load(tmp_path / "falls.net").train(tmp_path, pictures=False)
    (found,) = caught.value.diagnostics
    assert "the first value that is not finite is what `log` gives" in page
    assert f"error[{page}" == render_all([found]).replace("falls-2", "falls-1")  # the folder of each run is named there


def test_what_one_process_alone_meets_is_said(tmp_path: Path) -> None:
    """Its row is a number below 0, and that of rank 0 is not."""
    table: Any = sklearn.datasets.make_classification(n_samples=40, n_features=4, random_state=0)
    data, seed = table[0][:, 0], 0
    while [data[row] > 0 for row in torch.randperm(40, generator=torch.Generator().manual_seed(seed))[:2]] != [True, False]:
        seed += 1
    page, err = said_by_two(tmp_path / "refuses.net", REFUSES % seed)
    assert "local_rank" not in err, "what torch says of it stands beside it"
    assert page.startswith("training]: PyTorch cannot go on in epoch 1: all elements of input should be between 0 and 1")
    assert err.count("error[") == 1


def test_the_best_weights_of_a_divided_network_that_fails_are_kept_whole(tmp_path: Path) -> None:
    text = FALLS.replace("random_state=1)", "random_state=1)\n  validation = 0.2\n}").replace("data =", "data {\n  source =")
    page, _ = said_by_two(tmp_path / "divided.net", text.replace("epochs = 60", "epochs = 60\n  parallel = fsdp"))
    (epochs,) = re.findall(r"with the weights of the best one, (\d+)", page)
    best = load_file(tmp_path / "divided-1" / "best.safetensors")
    alone = netc.load(Source("alone.net", text), {"train.epochs": epochs}).train(tmp_path, pictures=False)
    for name, tensor in alone.model.state_dict().items():
        torch.testing.assert_close(best[name], tensor, rtol=1e-5, atol=1e-5)


def test_where_the_node_is_not_known_one_process_may_tell() -> None:
    settings = netc.load(SPEC).training
    assert settings is not None
    assert "in one process, without --procs or torchrun, netc names the node" in str(diverged(settings, math.nan, 1, is_shared=True))
    assert "one process" not in str(diverged(settings, math.nan, 1))


def test_a_loss_that_is_not_finite_at_the_start_is_not_called_random(tmp_path: Path) -> None:
    network = netc.load(FALLS.replace("constant(0.5)", "constant(-0.5)"))
    assert network.training is not None
    rows = (torch.ones(4, 4), torch.ones(4, 1))
    assert check_losses(network.module(), rows, World(Share(0, 2), torch.device("cpu")), network.training) is None
