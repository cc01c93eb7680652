"""Trainings of several processes that are asked to end at random moments, by SIGINT or SIGTERM: how they end, and what they leave.

`python benchmarks/signals.py --trainings 40 --procs 2` says how many ended as they should: with status 130 and no word of torch, with no
process left over, and with no folder of a run or one that a training goes on with to its end. What else was seen is said of each.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SPEC = """
network Asked {
  input  x: [B, 5]
  target y: [B, 1]
  p = x -> Linear(16) -> Tanh -> Linear(1)
  output p
  loss MSELoss(p, y)
}

data {
  source           = sklearn.make_regression(n_samples=104, n_features=5, random_state=0)
  validation       = 0.2
  normalize_target = standard
}

train {
  optimizer  = SGD(lr=0.05)
  epochs     = 3
  batch_size = 10
  checkpoint = 0
}
"""
SECONDS = 300  # after which a training that was asked to end hangs
MARK = "NETC_ASKED"  # in the environment of all processes of a training
NOISE = re.compile(r"^(\[?[EWI]\d{4}|Traceback|error)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A training after its end: its status and what it wrote on standard error, and whether it was done before it was asked."""

    status: int
    err: str
    was_done: bool


def ask(words: list[str], environment: dict[str, str], number: signal.Signals, seconds: float, begun: Path | None) -> Asked:
    """Starts a training, and gives it the signal so many seconds later, or after something has `begun` to be in a folder."""
    with subprocess.Popen(words, env=environment, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        while begun is not None and process.poll() is None and not any(begun.glob("*")):
            time.sleep(0.001)
        time.sleep(seconds)
        was_done = process.poll() is not None
        if not was_done:
            process.send_signal(number)
        try:
            _, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return Asked(-1, "it hangs", was_done)
    return Asked(process.returncode, err, was_done)


def wrong(asked: Asked, runs: Path, environment: dict[str, str]) -> Iterator[str]:
    """What is not as it should be."""
    if asked.status != (0 if asked.was_done else 130):
        yield f"status {asked.status}"
    if NOISE.search(asked.err):
        yield asked.err
    if any(is_of(path, environment[MARK]) for path in Path("/proc").glob("[0-9]*")):
        yield "a process is left over"
    for run in runs.glob("*"):
        words = [sys.executable, "-m", "netc", "train", "--no-pictures", "--resume", str(run)]
        done = subprocess.run(words, env=environment, text=True, capture_output=True)
        if done.returncode != 0 or json.loads((run / "run.json").read_text())["epochs"] != 3:
            yield f"{sorted(path.name for path in run.iterdir())} does not go on: {done.stderr}"


def is_of(process: Path, mark: str) -> bool:
    """Whether the process is one of the training."""
    try:
        return f"\0{MARK}={mark}\0".encode() in b"\0" + (process / "environ").read_bytes()
    except OSError:  # it has just ended
        return False


def left(runs: Path) -> str:
    """What a training left, in words."""
    run = next(runs.glob("*"), None)
    if run is None:
        return "no folder"
    return "a run with its record" if (run / "run.json").exists() else "a checkpoint" if (run / "checkpoint").exists() else "half a folder"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--procs", type=int, default=2)
    parser.add_argument("--earliest", type=float, default=3.0, help="seconds until a training is asked to end; Python has loaded netc then")
    parser.add_argument("--latest", type=float, default=20.0, help="seconds until it is asked at the latest")
    parser.add_argument("--after", type=float, default=2.0, help="seconds until every second one is asked, once its folder is made")
    parser.add_argument("--parallel", default="ddp")
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it, and so would the trainings
    chance, seen = random.Random(parsed.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        spec = Path(name) / "asked.net"
        spec.write_text(SPEC)
        for i in range(parsed.trainings):
            runs, number = Path(name) / str(i), chance.choice([signal.SIGINT, signal.SIGTERM])
            seconds, begun = (chance.uniform(parsed.earliest, parsed.latest), None) if i % 2 else (chance.uniform(0, parsed.after), runs)
            environment = {**os.environ, "OMP_NUM_THREADS": "1", MARK: f"{os.getpid()}-{i}"}
            words = [sys.executable, "-m", "netc", "train", "--procs", str(parsed.procs), "--no-pictures", "--runs", str(runs)]
            asked = ask([*words, str(spec), "--set", f"train.parallel={parsed.parallel}"], environment, number, seconds, begun)
            seen["done before" if asked.was_done else left(runs)] += 1
            found = list(wrong(asked, runs, environment))
            seen["as it should be"] += not found
            when = f"after {seconds:.2f} s{' of the folder' if begun else ''}, {number.name}"
            print(f"{i + 1}: {dict(seen)}", *(f"{when}: {what}" for what in found), sep="\n", flush=True)


if __name__ == "__main__":
    main()
