"""`make bench`: all that is claimed to be fast, measured, as one table; written to benchmarks/RESULTS.md.

A part alone is printed and not written: `python benchmarks/run.py chain`, `specs resnet18 lenet5`, `loop`; see `--help`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import torch

import accelerator
import chain
import funky
import large_csv
import networks
import tables
import training
from report import Report, processor, table, versions

RESULTS = Path(__file__).parent / "RESULTS.md"
NOTES = Path(__file__).parent / "NOTES.md"


def specs(names: Sequence[str], effort: float) -> Report:
    return networks.report(names, 3.0 * effort)


# part: its heading, and what measures it with a factor for the time that it may take
PARTS: dict[str, tuple[str, Callable[[Sequence[str], float], Report]]] = {
    "chain": ("A chain of 250 `Linear(4, 4)`, batch 4", lambda _, effort: chain.report(20.0 * effort)),
    "specs": ("Every spec against the same network by hand", specs),
    "loop": ("The training loop", lambda _, effort: training.loops(8.0 * effort)),
    "compiled": ("The training loop, compiled", lambda _, effort: training.compiled(max(1, round(5 * effort)))),
    "process": ("Whole processes", lambda _, effort: training.processes(5)),
    "tables": ("Small real tables, against scikit-learn", lambda *_: tables.report()),
    "large": ("A CSV file larger than memory", lambda _, effort: Report(details=large_csv.table([max(150, round(2000 * effort))]))),
    "accelerator": ("On an accelerator", lambda *_: accelerator.report()),
    "article": ("Is the funky network better?", lambda _, effort: funky.report()),
}


def measured(parts: Sequence[str], names: Sequence[str], effort: float) -> str:
    torch.set_num_threads(1)
    reports = {}
    for part in parts:
        print(f"… {part}", file=sys.stderr, flush=True)
        reports[part] = PARTS[part][1](names, effort)
        print("\n".join(f"  {f.what}: {f.measured}" for f in reports[part].figures), file=sys.stderr, flush=True)
    figures = [f for report in reports.values() for f in report.figures]
    details = [line for part, report in reports.items() for line in ["", f"## {PARTS[part][0]}", "", *report.details]]
    words = [
        "python benchmarks/run.py",
        *([] if parts == list(PARTS) else [*parts, *names]),
        *([] if effort == 1 else [f"--effort {effort:g}"]),
    ]
    command = "make bench" if len(words) == 1 else " ".join(words)
    return "\n".join([
        "# Measured", "",
        f"`{command}` on {date.today()}: {processor()}, {os.cpu_count()} processors, "
        f"{versions('torch', 'torchvision', 'pytorch-symbolic', 'keras', 'netc')}.", "",
        "All ways are timed in turn in one process, where nothing else is said, on one thread: the median of the ratios pair by pair, and",
        "where that median lies with 95 %. They have the same parameters and give the same numbers, which is checked first.", "",
        *table(["what", "measured", "goal"], [[f.what, f.measured, f.goal] for f in figures]),
        *details, "",
        *([NOTES.read_text(encoding="utf-8")] if parts == list(PARTS) else []),
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=PARTS, help="one part alone, not written to the file")
    parser.add_argument("names", nargs="*", help="of the part `specs`: these only")
    parser.add_argument("--effort", type=float, default=1.0, help="a factor for the time that each part may take")
    given = parser.parse_args()
    text = measured([given.part] if given.part else list(PARTS), given.names, given.effort)
    if not given.part:
        RESULTS.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
