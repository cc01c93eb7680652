"""A CSV file larger than memory: how much memory and time a training on it takes.

`python -m benchmarks.large_csv 2000` writes a file of 2,000 MB to the folder of temporary files, trains on it for an epoch in a
process of its own, and removes it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = """
network Large {
  input  x: [B, F]
  target y: [B, 1]
  p = x -> Linear(64) -> ReLU -> Linear(1)
  output p
  loss MSELoss(p, y)
}
data {
  source           = csv("large.csv")
  validation       = 0.1
  test             = 0.1
  normalize        = standard
  normalize_target = standard
}
train {
  optimizer  = Adam(lr=0.001)
  epochs     = 1
  batch_size = 4096
}
"""
# What a training adds to the memory of a process that has trained on a small file before, and so imported all it needs.
# Linux keeps the most that a process had in memory as VmHWM, in KiB; ru_maxrss is that of the process before it, too, that started it.
CHILD = """
import netc
def most():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024
netc.load("large.net", {"data.source": 'csv("small.csv")'}).train("runs", pictures=False)
before = most()
result = netc.load("large.net").train("runs", pictures=False)
after = most()
print(before, after, len(result.prepared.rows), result.history.final["val_loss"])
"""
COLUMNS = 16
ROWS = 20_000  # of the block that the file repeats


def write(folder: Path, megabytes: int) -> None:
    """The spec, a small file, and one of that size."""
    write_csv(folder / "small.csv", 4)
    write_csv(folder / "large.csv", megabytes)
    (folder / "large.net").write_text(SPEC)


def write_csv(path: Path, megabytes: int) -> None:
    """Numbers, a column of texts and one of true and false, and a target that can be learnt from them."""
    import numpy as np

    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, COLUMNS)) * 10.0 ** random.integers(-2, 3, COLUMNS)
    texts, flags = random.choice(["red", "green", "blue"], ROWS), random.choice(["true", "false"], ROWS)
    y = 100 + x @ random.normal(size=COLUMNS) + 50 * (texts == "red")
    rows = zip(x, texts, flags, y, strict=True)
    block = "".join(f"{','.join(f'{v:.6g}' for v in row)},{text},{flag},{target:.6g}\n" for row, text, flag, target in rows)
    with path.open("w") as file:
        file.write(",".join([*(f"x{i}" for i in range(COLUMNS)), "colour", "flag", "y"]) + "\n")
        for _ in range(megabytes * 2**20 // len(block)):
            file.write(block)


def measure(megabytes: int) -> str:
    """A row of a Markdown table."""
    with tempfile.TemporaryDirectory(prefix="netc-large-") as name:
        folder = Path(name)
        write(folder, megabytes)
        size = (folder / "large.csv").stat().st_size / 2**20
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", CHILD], cwd=folder, text=True, capture_output=True, check=False,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
        seconds = time.perf_counter() - start
        assert done.returncode == 0, done.stderr
        before, after, rows, loss = done.stdout.split()
    return f"| {size:,.0f} MB | {int(rows):,} | {before} MB | {after} MB | {seconds:.0f} s | {float(loss):.4f} |"


def table(sizes: list[int]) -> list[str]:
    """The rows of a Markdown table: memory before and at most, time of the whole process."""
    head = [
        "| file | rows to train on | memory after training on a small file | at most | time | loss on the validation |",
        "| --- " * 6 + "|",
    ]
    return [*head, *map(measure, sizes)]


if __name__ == "__main__":
    print("\n".join(table([int(a) for a in sys.argv[1:]] or [2000])))
