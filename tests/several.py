"""Trainings in several processes, as tests start them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


def worker(launchers: "list[subprocess.Popen[str]]", rank: int) -> int:
    """The process of that rank."""
    children = [pid for p in launchers for pid in Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text().split()]
    return next(int(pid) for pid in children if f"\0RANK={rank}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes())
