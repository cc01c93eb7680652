"""`make bench`: all that is claimed to be fast, measured, as one table; written to benchmarks/RESULTS.md."""

from __future__ import annotations

import platform
import sys
from datetime import date
from pathlib import Path

import torch

import netc
from funky import table
from training import loop, process

RESULTS = Path(__file__).parent / "RESULTS.md"


def speed() -> list[str]:
    torch.set_num_threads(1)
    rows = ["| what | netc | by hand | ratio | difference |", "| --- | --- | --- | --- | --- |"]
    for name, repetitions in (("network", 11), ("funky", 11), ("regression", 21), ("quartic", 21)):
        result = loop(name, repetitions)
        ours, theirs = result.medians
        rows.append(f"| training loop of `{name}.net`, all epochs | {ours * 1e3:.0f} ms | {theirs * 1e3:.0f} ms | {result.ratio:.2f} | |")
    for pictures in (True, False):
        result = process(pictures, 5)
        ours, theirs = result.medians
        what = "with pictures" if pictures else "without pictures"
        rows.append(
            f"| `netc train specs/network.net`, whole process, {what} | {ours:.2f} s | {theirs:.2f} s | {result.ratio:.2f} "
            f"| {result.difference:+.2f} s |"
        )
    return rows


def main() -> None:
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads outside the loops, Python {platform.python_version()}, "
    text = [
        "# Measured", "",
        f"`make bench` on {date.today()}: {machine}torch {torch.__version__}, netc {netc.__version__}.", "",
        "Both ways are timed in turn, in one process where nothing else is said, on one thread; medians, and the median of the",
        "ratios pair by pair. The loops train to the same losses, bit for bit, before they are timed.", "",
        *speed(), "",
        "Is the funky network better? Mean and standard deviation of the loss over 20 seeds, learning rate 0.04 for both:", "",
        *table(), "",
    ]  # fmt: skip
    RESULTS.write_text("\n".join(text), encoding="utf-8")
    sys.stdout.write("\n".join(text))


if __name__ == "__main__":
    main()
