"""`netc compare`: runs side by side."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from netc.cli.common import Commands, command
from netc.files import write
from netc.runs import compare
from netc.runs.folder import Run, open_run

TEXT = """\
Puts runs side by side: how they went, each loss and metric (its curve, last and best value, * behind the best of those
that are the same function), and in which lines their specs differ, defaults included.
  netc compare runs/net-1 runs/net-2                  on the terminal
  netc compare runs/net-1 runs/net-2 -o compare.html  also as one page with the curves, which needs no other file
  netc compare runs/net-* -o compare.png              also the curves alone
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = command(commands, "compare", TEXT, run)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="the folders of two runs or more")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="also write a .html page, or the curves as .png, .svg or .pdf")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    if len(parsed.runs) < 2:
        parsed.parser.error("compare takes two runs or more")
    runs = [open_run(path) for path in parsed.runs]
    print(compare.as_text(runs))
    if parsed.output is not None:
        _write(runs, parsed.output)
        print(f"\nwrote {parsed.output}")
    return 0


def _write(runs: Sequence[Run], path: Path) -> None:
    if path.suffix.lower() in (".html", ".htm"):
        from netc.runs.page import comparison_page

        write(path, comparison_page(runs))
    else:
        from netc.runs.plot import write_curves

        write_curves(runs, path, also=(".html",))
