"""`netc runs`: the runs of a folder as a table."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from netc.cli.common import Commands, command
from netc.diagnostics import did_you_mean, listed
from netc.runs import listing, table
from netc.runs.folder import runs_in

TEXT = """\
Lists the runs in a folder, the oldest first: what was trained, how long, with which result, and the --set values that differ.
  netc runs                             the runs in runs/
  netc runs --sort val_loss             by the last value of a metric, the lowest first
  netc runs --sort best:val_accuracy --desc
                                        by the best value of a metric, the highest first
  netc runs --plot runs.png             also draw all their curves in one picture
Networks that record other losses and metrics stand in tables of their own, each in that order. On a terminal metrics for which it has
no room are left out and named; a file, a pipe and --format csv have all.
Runs that were interrupted or failed, that still go on or that lack files are listed too, with what is wrong below the table.
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = command(commands, "runs", TEXT, run)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs"), metavar="FOLDER", help="where the runs are (runs)")
    parser.add_argument("--sort", default="when", metavar="COLUMN",
                        help="name, when, network, state, epochs, seconds, a metric, best, or best:METRIC (when)")  # fmt: skip
    parser.add_argument("--desc", action="store_true", help="the largest first")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves of all runs: a .png, .svg or .pdf file")
    parser.add_argument("--format", choices=("text", "json", "csv"), default="text", help="for a person (text) or for other programs")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    found = runs_in(parsed.folder)
    known = table.sortable(found)
    if found and parsed.sort not in known:
        parsed.parser.error(f"the runs have no column `{parsed.sort}`: {did_you_mean(parsed.sort, known) or f'there are {listed(known)}'}")
    if parsed.plot is not None:
        from netc.runs.plot import write_curves

        write_curves(found, parsed.plot)
        print(f"wrote {parsed.plot}", file=sys.stderr)
    shown = table.ordered(found, parsed.sort, parsed.desc) if found else []
    if shown or parsed.format != "text":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        programs = {"json": table.as_json, "csv": table.as_csv}
        print(programs[parsed.format](shown) if parsed.format in programs else listing.as_text(shown, width))
    else:
        print(f"there are no runs in {parsed.folder}")
    return 0
