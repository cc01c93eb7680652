"""Training in several processes gives what one process gives; what they cannot do together is said before the start."""

import math
import os
import re
import signal
import socket
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
from netc.data.checks import prepared_data
from netc.data.sources import load_data
from netc.diagnostics import NetError, render_all
from netc.source import Source
from netc.train.batches import Batches, Share, tensors
from netc.train.checkpoint import load
from netc.train.distributed import World, check_losses, check_settings
from netc.train.launch import _reasons, _told
from netc.train.launched import LOST
from netc.train.reasons import diverged
from tests import two_processes

SECONDS = 600  # after which a process that hangs is ended; four that start at once on a busy machine take a while

SPEC = """
block Hidden(size) = Linear(size) -> Tanh

network Table {
  input x: [B, 5]
  target y: [B, 1]
  p = x -> first: Hidden(16) -> b: Linear(1)
  output p
  loss MSELoss(p, y)
}

data {
  source = sklearn.make_regression(n_samples=104, n_features=5, random_state=0)
  validation = 0.2
  normalize = standard
  normalize_target = standard
}

train {
  optimizer      = SGD(lr=0.05, momentum=0.5)
  epochs         = 20
  batch_size     = 10
  accumulate     = 2
  clip_grad_norm = 0.5
}
"""  # 83 rows, so that the last batch has 3: fewer than a row for each of four processes
STEPS = 100  # 9 batches an epoch are 5 steps


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "table.net"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def alone(spec: Path) -> Path:
    """The run of one process with the whole batches."""
    return netc.load(spec).train(spec.parent / "alone", pictures=False).path


def started(*words: object) -> "subprocess.Popen[str]":
    """A command of this Python, with a thread each process and in a group of its own, so that all of it can be ended."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", *map(str, words)]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Its status and what it wrote."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, out, err


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Until there is such a file."""
    end = time.monotonic() + SECONDS
    while not path.exists():
        assert process.poll() is None and time.monotonic() < end, ended(process)
        time.sleep(0.01)


def same(run: Path, other: Path, tolerance: float = 1e-6) -> None:
    """The parameters, and the numbers of all epochs."""
    tensors, others = (load_file(path / "model.safetensors") for path in (run, other))
    assert tensors.keys() == others.keys()
    for key, tensor in tensors.items():
        torch.testing.assert_close(tensor, others[key], rtol=tolerance, atol=tolerance)
    rows, expected = ((path / "metrics.csv").read_text().splitlines() for path in (run, other))
    assert rows[0] == expected[0]
    assert len(rows) == len(expected)
    for row, right in zip(rows[1:], expected[1:], strict=True):
        assert list(map(float, row.split(","))) == pytest.approx(list(map(float, right.split(","))), rel=1e-4)


@pytest.mark.parametrize(("processes", "way"), [(1, "ddp"), (2, "ddp"), (4, "ddp"), (2, "fsdp"), (4, "fsdp")])
def test_parameters_after_100_steps_are_those_of_one_process(spec: Path, alone: Path, tmp_path: Path, processes: int, way: str) -> None:
    words = ("--no-pictures", "--runs", tmp_path, spec, "--set", f"train.parallel={way}")
    status, out, err = ended(started("netc", "train", "--procs", processes, *words))
    assert status == 0, err
    assert out.count("wrote ") == 1, "one process speaks"
    assert err.count("epoch 20/20") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["table-1"]
    same(tmp_path / "table-1", alone)


def test_a_killed_worker_is_started_again_and_goes_on_from_the_checkpoint(spec: Path, alone: Path, tmp_path: Path) -> None:
    """Two launchers, as on two machines: only that of the worker that dies counts how often they are started."""
    saving = spec.parent / "saving.net"
    saving.write_text(SPEC.replace("= 2\n", "= 2\n  checkpoint = 0\n"))
    run = tmp_path / "saving-1"
    words = ("--nnodes", 2, "--nproc-per-node", 1, "--max-restarts", 1, "--monitor-interval", 0.1, "--rdzv-id", "it",
             "--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{free_port()}",
             "-m", "netc", "train", "--no-pictures", "--runs", tmp_path, saving)  # fmt: skip
    launchers = [started("torch.distributed.run", *words) for _ in range(2)]
    wait_for(run / "checkpoint" / "state.json", launchers[0])
    os.kill(_worker(launchers, 1), signal.SIGKILL)
    (status, _, err), (other, _, more) = map(ended, launchers)
    said = err + more
    assert (status, other) == (0, 0), said
    assert said.count("saving-1: goes on in epoch") == 1, said
    assert "PyTorch cannot go on" not in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["saving-1"]
    same(run, alone)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        port: int = free.getsockname()[1]
        return port


def _worker(launchers: "list[subprocess.Popen[str]]", rank: int) -> int:
    """The process of that rank."""
    children = [pid for p in launchers for pid in Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text().split()]
    return next(int(pid) for pid in children if f"\0RANK={rank}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes())


def test_a_run_goes_on_with_another_number_of_processes_and_divided(spec: Path, alone: Path, tmp_path: Path) -> None:
    short = netc.load(spec, {"train.epochs": "7"}).train(tmp_path, pictures=False).path
    command = ("netc", "train", "--procs", 2, "--no-pictures", "--resume", short)
    status, _, err = ended(started(*command, "--set", "train.epochs=13", "--set", "train.parallel=fsdp"))
    assert status == 0, err
    netc.load(spec).train(pictures=False, resume=short)
    same(short, alone)


def test_each_process_writes_and_reads_its_part_of_a_checkpoint(tmp_path: Path) -> None:
    """Within the processes what is read is held against what was saved, and a disk that is full for one is said in all."""
    status, _, err = ended(started("torch.distributed.run", "--standalone", "--nproc-per-node", 2, "-m", "tests.two_processes", tmp_path))
    assert status == 0, err
    folder, expected = tmp_path / two_processes.CHECKPOINT, load_file(tmp_path / two_processes.WHOLE)
    found = two_processes.tensors(load(folder)["training"])  # by one process, of the checkpoint before the disk was full
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    weight = load(folder, lambda state: state["training"]["model"]["0.weight"])
    assert torch.equal(weight, expected["model.0.weight"])
    (place,) = (path for path in folder.iterdir() if path.is_dir())
    parts = [load_file(path)["state.training.model.0.weight"].shape for path in sorted(place.iterdir())]
    assert parts == [(3, 3), (2, 3)]
    refused = (tmp_path / two_processes.REFUSED).read_text()
    assert refused.count("cannot be written: File too large") == 2


def test_random_numbers_of_each_process_go_on(spec: Path, tmp_path: Path) -> None:
    """With dropout the run that goes on is the one that was never stopped only if each process has its own numbers again."""
    random = tmp_path / "random.net"
    random.write_text(SPEC.replace("-> Tanh", "-> Tanh -> Dropout(0.3)"))
    runs = []
    for epochs in ((6,), (3, 6)):
        run = tmp_path / str(len(epochs)) / "random-1"
        for number in epochs:
            words = ["--resume", run] if run.exists() else ["--runs", run.parent, random]
            status, _, err = ended(started("netc", "train", "--procs", 2, "--no-pictures", *words, "--set", f"train.epochs={number}"))
            assert status == 0, err
        runs.append(run)
    same(runs[0], runs[1])


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
    os.kill(_worker([process], 1), signal.SIGKILL)
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


# One class has nearly all rows, so that the first rows do not show what the weights of the classes do.
CLASSES = """
network N {{
  input x: [B, 4]
  target y: int64[B]
  p = x -> Linear(2)
  output p
  loss {loss}
}}

data = sklearn.make_classification(n_samples=400, n_features=4, n_informative=3, n_redundant=1, weights=[0.97], flip_y=0, random_state=1)

train {{
  optimizer  = SGD(lr=0.1)
  epochs     = 1
  batch_size = 40
}}
"""

WRONG = {
    "no loss depends on the parameter `c.weight` and 1 more": SPEC.replace("  output p", "  output p\n  output x -> c: Linear(2)"),
    "with class weights the loss is a mean by weight": CLASSES.format(loss="CrossEntropyLoss(p, y, weight=balanced)"),
    "it is no mean over rows": SPEC.replace("MSELoss(p, y)", 'MSELoss(p, y, reduction="sum")'),
    "`batch_size = 1` is less than a row for each of 2 processes": SPEC.replace("= 10\n", "= 1\n"),
    "`compile = true` makes one graph of a step": SPEC.replace("= 10\n", "= 10\n  compile = true\n"),
    "`Muon` looks at whole tensors": SPEC.replace("SGD(lr=0.05, momentum=0.5)", "Muon(lr=0.01)").replace(
        "= 10\n", "= 10\n  parallel = fsdp\n"
    ),
    "`x` has 10 rows always": SPEC.replace("[B, ", "[10, ").replace("validation = 0.2", "").replace("=104", "=100"),
    "`LBFGS` searches along a line": SPEC.replace("SGD(lr=0.05, momentum=0.5)", "LBFGS()"),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_several_processes_cannot_do_is_said_before_the_start(message: str) -> None:
    network = netc.load(Source("wrong.net", WRONG[message]))
    training, data = network.training, network.data
    assert training is not None and data is not None
    world = World(Share(0, 2), torch.device("cpu"))
    prepared, _ = prepared_data(network.graph, load_data(data), data, training)
    with pytest.raises(NetError, match=re.escape(message)):
        check_settings(training, 2)
        check_losses(network.module(), tensors(prepared.train, prepared.dtypes, world.device), world, training)


def test_class_weights_of_each_rows_loss_are_a_mean_over_rows() -> None:
    """As the message says that one writes them."""
    loss = 'mean(CrossEntropyLoss(p, y, weight=balanced, reduction="none"))'
    network = netc.load(Source("right.net", CLASSES.format(loss=loss)))
    training, data = network.training, network.data
    assert training is not None and data is not None
    world = World(Share(0, 2), torch.device("cpu"))
    prepared, _ = prepared_data(network.graph, load_data(data), data, training)
    assert check_losses(network.module(), tensors(prepared.train, prepared.dtypes, world.device), world, training) is None


def test_an_error_is_said_by_one_process_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "wrong.net"
    message, path_text = next(iter(WRONG.items()))
    path.write_text(path_text)
    status, _, err = ended(started("netc", "train", "--procs", 2, "--no-pictures", "--runs", tmp_path / "runs", path))
    assert status == 1
    assert err.count(message) == 1
    assert "Traceback" not in err
    assert not list(tmp_path.glob("runs/*"))


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


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("seed", [None, 5])
def test_every_row_is_in_one_share(size: int, seed: int | None) -> None:
    rows = torch.arange(23.0).reshape(-1, 1)
    whole = [batch[0] for batch in Batches((rows,), 5, seed).epoch()]
    shares = [list(Batches((rows,), 5, seed, share=Share(rank, size)).epoch()) for rank in range(size)]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert torch.equal(torch.cat([part[0][: int(part[1][0])] for part in parts]), batch)
        assert {int(part[1][1]) for part in parts} == {len(batch)}
        assert all(len(part[0]) for part in parts), "a process without rows has one that counts nothing"


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
