"""What is claimed of the checker, measured: whole processes, how time grows, and how often the broken line is shown.

Run by `make bench`; alone: `python benchmarks/checking.py`. Written to benchmarks/CHECKING.md.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from statistics import median

import netc
from scaling import flat

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "CHECKING.md"
sys.path.insert(0, str(ROOT))

from tests.mutations import mutants  # noqa: E402

from netc.diagnostics import NetError  # noqa: E402

DRAWS, SEED = 2000, 2024


def process(*command: str, repetitions: int = 9) -> float:
    """The median time of a whole process, in seconds; Python may keep what it compiles, as it does for users."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(repetitions + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "netc", *command], cwd=ROOT, check=True, capture_output=True, env=environment)
        times.append(time.perf_counter() - start)
    return median(times[1:])


def processes() -> list[str]:
    rows = ["| whole process | median |", "| --- | --- |"]
    for command in (("check", "specs/resnet50.net"), ("check", "specs"), ("draw", "specs/resnet50.net", "-o", "/tmp/resnet50.dot")):
        rows.append(f"| `netc {' '.join(command)}` | {process(*command):.2f} s |")
    return rows


def growth() -> list[str]:
    rows = ["| layers, a statement each | checked in |", "| --- | --- |"]
    for count in (1000, 2000, 5000, 10_000, 20_000):
        text = flat(count)
        start = time.process_time()
        netc.load(text)
        rows.append(f"| {count:,} | {time.process_time() - start:.2f} s |")
    return rows


def shares() -> list[str]:
    """Of the specs broken in each way that are wrong then: how many, and the share of which the changed line is shown."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs").glob("*.net"))}
    wrong: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    for _, mutant in mutants(texts, SEED, DRAWS):
        try:
            netc.load(mutant.text)
        except NetError as problem:
            wrong[mutant.kind] += 1
            shown[mutant.kind] += any(mutant.found_by(d) for d in problem.diagnostics)
    total = f"| all | {wrong.total()} of {DRAWS} | {shown.total() / wrong.total():.1%} |"
    rows = ["| broken by | wrong then | the changed line is shown |", "| --- | --- | --- |", total]
    return rows + [f"| {kind} | {wrong[kind]} | {shown[kind] / wrong[kind]:.0%} |" for kind in sorted(wrong)]


def main() -> None:
    machine = f"{platform.machine()}, Python {platform.python_version()}, netc {netc.__version__}"
    text = [
        "# The checker, measured", "",
        f"`python benchmarks/checking.py` on {date.today()}: {machine}.", "",
        *processes(), "",
        "In one process, seconds of the processor:", "",
        *growth(), "",
        f"Every spec of `specs/` broken at random, {DRAWS} draws. What is not wrong then is another network, which torch runs",
        "(a test holds it).", "",
        *shares(), "",
    ]  # fmt: skip
    RESULTS.write_text("\n".join(text), encoding="utf-8")
    sys.stdout.write("\n".join(text))


if __name__ == "__main__":
    main()
