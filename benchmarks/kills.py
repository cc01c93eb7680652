"""A training that is killed at random moments and gone on with, against one that was never stopped; and how much of a file is left.

`python benchmarks/kills.py` kills 1,000 trainings and 200 times each of three ways to save, and writes KILLS.md. `--kills 20 --saves 0` is
what the tests do. A training is a process made by `fork`, which does not have to import torch again; SIGKILL ends it.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # a process with one thread can be forked

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch._dynamo

import netc
import netc.train.job
import netc.train.session
from netc.train import checkpoint

SPEC = """
network Killed(hidden = 64) {
  input  x: [B, F]
  target y: [B, 1]
  p = x -> Linear(hidden) -> BatchNorm1d -> ReLU -> Dropout(0.2) -> Linear(hidden) -> ReLU -> Linear(1) -> Sigmoid
  output p
  loss BCELoss(p, y)
}

data {
  source     = sklearn.make_moons(n_samples=200, noise=0.2, random_state=1)
  validation = 0.2
}

train {
  optimizer  = SGD(lr=0.05, momentum=0.9)
  scheduler  = StepLR(3)
  epochs     = 8
  batch_size = 20
  checkpoint = 0
}
"""
FILES = ("metrics.csv", "model.safetensors", "best.safetensors")
SECONDS = 0.1  # a child is killed within this time
LEFT_OUT = (None, "torch", "order", "scheduler", "optimizer")


def forked(work: Callable[[], object]) -> int:
    """Starts the work in a process of its own; its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException as problem:
        print(problem, file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def killed(child: int, seconds: float, begun: Callable[[], bool] = lambda: True) -> bool:
    """Whether the process had to be killed so many seconds after it had begun. One that fails by itself ends everything."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if not begun():
            end = time.perf_counter() + seconds
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, "a training failed"
            return False
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def outcome(run: Path) -> list[bytes]:
    return [(run / name).read_bytes() for name in FILES]


def train(network: netc.Network, base: Path) -> None:
    """Begins the only run of the folder, or goes on with it."""
    run = base / "run-1"
    if checkpoint.is_saved(run / "checkpoint"):
        network.train(resume=run, pictures=False)
    else:
        shutil.rmtree(run, ignore_errors=True)
        network.train(base, name="run", pictures=False)


def whole(network: netc.Network, base: Path) -> list[bytes]:
    """What a training gives that is never stopped."""
    assert not killed(forked(lambda: train(network, base)), 300)
    return outcome(base / "run-1")


def kill_and_go_on(network: netc.Network, base: Path, kills: int, expected: list[bytes], chance: random.Random) -> Counter[str]:
    """Trains again and again, each training killed every now and then until it is done; what happened, counted.

    One kill in five comes at any time from the beginning of the process on, the others after it has saved.
    """
    seen: Counter[str] = Counter()
    folder = base / "run-1" / "checkpoint"
    while seen["kills"] < kills:
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        while True:
            before = saves_in(folder)
            anywhere = chance.random() < 0.2
            seconds = chance.uniform(0, SECONDS) if seen["kills"] < kills else 300
            child = forked(lambda: train(network, base))
            if not killed(child, seconds, lambda: anywhere or saves_in(folder) > before):  # noqa: B023
                break
            seen["kills"] += 1
            seen["during a save"] += folder.is_dir() and len(list(folder.iterdir())) > 2
            seen["before the first checkpoint"] += not checkpoint.is_saved(folder)
        seen["trainings"] += 1
        seen["equal"] += outcome(base / "run-1") == expected
    return seen


def saves_in(folder: Path) -> int:
    """The number of the last save."""
    return max((int(path.stem.split("-")[1]) for path in folder.glob("tensors-*")), default=0)


def killed_after(network: netc.Network, base: Path, saves: int) -> dict[str, Any]:
    """Trains, and is killed after so many saves; the checkpoint."""
    folder = base / "run-1" / "checkpoint"

    def save(path: Path, state: Mapping[str, Any]) -> None:
        checkpoint.save(path, state)
        if saves_in(folder) >= saves:
            os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        netc.train.job.save = save
        train(network, base)

    assert os.WIFSIGNALED(os.waitpid(forked(work), 0)[1])
    return checkpoint.load(folder)


def go_on_without(network: netc.Network, base: Path, part: str | None) -> list[bytes]:
    """What a training gives that is killed and goes on with a checkpoint in which a part is what it was at the beginning."""
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir()
    early, state = (killed_after(network, base, saves)["training"] for saves in (2, 40))
    if part == "torch":
        state["random"]["torch"] = early["random"]["torch"]
    elif part is not None:
        state[part] = early[part]
    folder = base / "run-1" / "checkpoint"
    checkpoint.save(folder, {**checkpoint.load(folder), "training": state})
    assert not killed(forked(lambda: train(network, base)), 300)
    return outcome(base / "run-1")


# --- how a file is written ------------------------------------------------------------------------------------------


def plain(folder: Path, state: dict[str, Any]) -> None:
    torch.save(state, folder / "state.pt")


def renamed(folder: Path, state: dict[str, Any]) -> None:
    with (folder / "new.pt").open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    (folder / "new.pt").replace(folder / "state.pt")


def read_plain(folder: Path) -> object:
    return torch.load(folder / "state.pt", weights_only=True)


WAYS: dict[str, tuple[Callable[[Path, dict[str, Any]], None], Callable[[Path], object]]] = {
    "`torch.save` to the same file": (plain, read_plain),
    "`torch.save` to a temporary file, fsync, rename": (renamed, read_plain),
    "a checkpoint of netc": (checkpoint.save, checkpoint.load),
}


def lost(
    save: Callable[[Path, dict[str, Any]], None], load: Callable[[Path], object], folder: Path, kills: int, chance: random.Random
) -> int:
    """How often nothing can be read after a kill while a state of 8 MB is saved over and over."""
    state = {f"weight{i}": torch.randn(512, 512) for i in range(8)}
    found = 0
    for _ in range(kills):
        save(folder, state)

        def work() -> None:
            while True:
                save(folder, state)

        killed(forked(work), chance.uniform(0.01, 0.1))
        try:
            load(folder)
        except Exception:
            found += 1
    return found


def report(seen: Counter[str], negative: dict[str, bool], losses: dict[str, int], saves: int, seconds: float) -> str:
    names = {"nothing": "all of it", "torch": "all but the random numbers of torch", "order": "all but the order of the data"}
    parts = [
        (f"killed once, and gone on with {names.get(part, 'all but the ' + part)}", "yes" if same else "no")
        for part, same in negative.items()
    ]
    ways = [(way, f"{count} of {saves}") for way, count in losses.items()]
    return f"""# Killed and gone on

`python benchmarks/kills.py`, torch {torch.__version__}, {time.strftime("%Y-%m-%d")}, {seconds:.0f} s, in {tempfile.gettempdir()}.

A training with dropout, batch normalisation, momentum and a scheduler, saved after every step, was killed with SIGKILL
{seen["kills"]:,} times at random moments and gone on with each time until it was done: {seen["during a save"]:,} times during a save,
{seen["before the first checkpoint"]:,} times before there was a checkpoint. Equal is the same bytes in {", ".join(map(repr, FILES))}.

| | equal to the training that was never stopped |
| --- | --- |
| trainings, killed {seen["kills"] / max(1, seen["trainings"]):.0f} times each on average | {seen["equal"]} of {seen["trainings"]} |
{table(parts)}

A state of 8 MB is saved over and over, and the process killed:

| way to save | nothing could be read |
| --- | --- |
{table(ways)}
"""


def table(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"| {left} | {right} |" for left, right in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--saves", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print what happened, and write no report")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    network, chance, start = netc.load(SPEC), random.Random(parsed.seed), time.perf_counter()
    assert not network.check_data()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = whole(network, folder / "whole")
        seen = kill_and_go_on(network, folder / "killed", parsed.kills, expected, chance)
        negative = {part or "nothing": go_on_without(network, folder / "without", part) == expected for part in LEFT_OUT}
        (folder / "file").mkdir()
        losses = {way: lost(*pair, folder / "file", parsed.saves, chance) for way, pair in WAYS.items() if parsed.saves}
    if parsed.json:
        print(json.dumps({"seen": seen, "negative": negative, "losses": losses}))
        return
    text = report(seen, negative, losses, parsed.saves, time.perf_counter() - start)
    Path(__file__).with_name("KILLS.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
