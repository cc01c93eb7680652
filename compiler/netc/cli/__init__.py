"""The command `netc`. Only this package prints and exits: 0 fine, 1 the spec or the data is wrong, 2 wrong use.

A command is a file: its `add` describes it to argparse, and its `run` does it and returns the exit status.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import netc
from netc.cli import compile, draw, train
from netc.cli.common import RAW, show
from netc.diagnostics import NetError

OVERVIEW = """\
netc compiles neural networks described in .net files to PyTorch.

  netc compile network.net               check it, and print its layers, shapes and parameters
  netc compile network.net -o model.py   write it as plain PyTorch
  netc draw network.net -o network.svg   draw it
  netc train network.net                 train it on its data, into runs/network-1/
"""

COMMANDS = (compile, train, draw)  # in the order of `netc --help`


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status. Wrong use exits with 2 from within."""
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
        return status
    except NetError as problem:
        show(problem.diagnostics)
        is_command_line = all(d.span is not None and d.span.source.name.startswith("--set") for d in problem.diagnostics)
        return 2 if is_command_line else 1


def run() -> None:
    """The entry point of the installed command."""
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130  # as a shell counts a command that SIGINT ended: 128 + 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it closes stdout
        status = 0
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="netc", description=OVERVIEW, formatter_class=RAW, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"netc {netc.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
