"""`netc ops`: the reference of layers, functions and settings."""

from __future__ import annotations

import argparse

from netc import reference
from netc.cli.common import Commands, command, show
from netc.diagnostics import NetError

TEXT = """\
Prints what a spec can name: layers, functions, losses, optimizers, data sources and settings.
  netc ops           everything, a line each, with an example and the shape that it gives
  netc ops Conv2d    all of one name: arguments with defaults, inputs, inferred sizes, parameters
  netc ops conv      the names with `conv` in them
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = command(commands, "ops", TEXT, run)
    parser.add_argument("name", nargs="?", metavar="NAME", help="a name, or a part of it; left out: all")
    parser.add_argument("--markdown", action="store_true", help="print all as a page of Markdown")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    if parsed.markdown and parsed.name is not None:
        parsed.parser.error("--markdown prints all names, and takes none")
    if parsed.name is None:
        print(reference.markdown() if parsed.markdown else reference.table(), end="" if parsed.markdown else "\n")
        return 0
    try:
        print(reference.about(parsed.name))
    except NetError as problem:  # the name stands on the command line
        show(problem.diagnostics)
        return 2
    return 0
