"""Training in several processes gives what one process gives; what they cannot do together is said before the start."""

import re
import socket
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import netc
from netc.data.checks import prepared_data
from netc.data.sources import load_data
from netc.diagnostics import NetError
from netc.source import Source
from netc.train.batches import Batches, Share, tensors
from netc.train.checkpoint import load
from netc.train.distributed import World, check_losses, check_settings
from tests import two_processes
from tests.several import SPEC, ended, started

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


DIES = """
import os, signal
from pathlib import Path
from torch import Tensor

RUN, DEAD = Path({run!r}), Path({dead!r})


def passed(x: Tensor) -> Tensor:
    if os.environ.get("RANK") == "1" and (RUN / "checkpoint" / "state.json").exists() and not DEAD.exists():
        DEAD.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x
"""


def test_a_killed_worker_is_started_again_and_goes_on_from_the_checkpoint(
    alone: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two launchers, as on two machines: only that of the worker that dies counts how often they are started."""
    place, run = tmp_path_factory.mktemp("saving"), tmp_path / "saving-1"
    (place / "dies_once.py").write_text(DIES.format(run=str(run), dead=str(place / "dead")))
    saving = place / "saving.net"
    text = SPEC.replace("= 2\n", "= 2\n  checkpoint = 0\n").replace("p = x ->", "p = x -> passed ->")
    saving.write_text(f'use python "dies_once.py"\n{text}')
    words = ("--nnodes", 2, "--nproc-per-node", 1, "--max-restarts", 1, "--monitor-interval", 0.1, "--rdzv-id", "it",
             "--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{free_port()}",
             "-m", "netc", "train", "--no-pictures", "--allow-python", "--runs", tmp_path, saving)  # fmt: skip
    launchers = [started("torch.distributed.run", *words) for _ in range(2)]
    (status, _, err), (other, _, more) = map(ended, launchers)
    said = err + more
    assert (status, other) == (0, 0), said
    assert (place / "dead").exists()
    assert said.count("saving-1: goes on in epoch") == 1, said
    assert "PyTorch cannot go on" not in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["saving-1"]
    same(run, alone)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        port: int = free.getsockname()[1]
        return port


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


PROBABILITIES = """
network N {
  input x: [B, 4]
  target y: [B, 3]
  p = x -> Linear(3)
  output p
  loss CrossEntropyLoss(p, y, weight=[1.0, 2.0, 5.0])
}

data = sklearn.make_multilabel_classification(n_samples=60, n_features=4, n_classes=3, random_state=1)

train {
  optimizer  = SGD(lr=0.1)
  epochs     = 1
  batch_size = 40
}
"""


@pytest.mark.parametrize(
    "spec", [CLASSES.format(loss='mean(CrossEntropyLoss(p, y, weight=balanced, reduction="none"))'), PROBABILITIES],
    ids=["each row's", "probabilities"],
)  # fmt: skip
def test_class_weights_may_leave_a_mean_over_rows(spec: str) -> None:
    """As the message says that one writes them, and of probabilities, where torch divides by the number of rows."""
    network = netc.load(Source("right.net", spec))
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
