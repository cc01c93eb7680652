"""What is claimed of the checker, measured: how often the broken line is shown.

Run by `make bench`; alone: `python benchmarks/checking.py`. Written to benchmarks/CHECKING.md.
"""

from __future__ import annotations

import platform
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import netc

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "CHECKING.md"
sys.path.insert(0, str(ROOT))

from tests.mutations import mutants  # noqa: E402

from netc.diagnostics import NetError  # noqa: E402

DRAWS, SEED = 2000, 2024


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
        f"Every spec of `specs/` broken at random, {DRAWS} draws. What is not wrong then is another network, which torch runs",
        "(a test holds it).", "",
        *shares(), "",
    ]  # fmt: skip
    RESULTS.write_text("\n".join(text), encoding="utf-8")
    sys.stdout.write("\n".join(text))


if __name__ == "__main__":
    main()
