"""The command `netc`. Only this package prints and exits: 0 fine, 1 the spec or the data is wrong, 2 wrong use, 130 interrupted.

A command is a file: its `add` describes it to argparse, and its `run` does it and returns the exit status.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import netc
from netc.cli.common import RAW, is_coloured, refuse_others
from netc.diagnostics import NetError, render_all
from netc.train.interrupt import INTERRUPTED, end_late
from netc.train.launched import LOST, LeftAlone, end_with_launcher, is_of_netc, leave_word, speaks, word_before

OVERVIEW = """\
netc compiles neural networks described in .net files to PyTorch.

  netc new network                       write a spec to begin with, network.net
  netc check network.net                 say everything that is wrong with it; --fix corrects what is certain
  netc compile network.net               print its layers, shapes and parameters
  netc compile network.net -o model.py   write it as plain PyTorch
  netc draw network.net -o network.svg   draw it
  netc train network.net                 train it on its data, into runs/network-1/
  netc runs                              list the runs in runs/; --plot draws their curves
  netc compare runs/net-1 runs/net-2     what differs between runs, and which did better
  netc eval runs/net-1                   the losses and metrics of a run's model, computed anew
  netc predict runs/net-1 --data new.csv predictions for the rows of a file
  netc fmt network.net                   format it
  netc explain shape-mismatch            what the code of an error means
  netc ops Conv2d                        look up a layer, function or setting; without a name all of them
"""

STATUS = "exit status: 0 fine, 1 the spec or the data is wrong, 2 wrong use, 130 interrupted (Ctrl-C; a training also by SIGTERM)"

# The files of this package that are commands, in the order of `netc --help`.
COMMANDS = ("new", "check", "compile", "train", "runs", "compare", "eval", "predict", "draw", "fmt", "ops", "explain")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status. Wrong use exits with 2 from within."""
    words = sys.argv[1:] if arguments is None else arguments
    # A command that is named is imported alone: `netc check` should not wait for what others need.
    parsed, others = _parser(words[:1] if words and words[0] in COMMANDS else COMMANDS).parse_known_args(words)
    if others:
        refuse_others(parsed, others)
    parsed.words = list(words)
    if (word := word_before()) is not None:
        leave_word(word)
        return 1
    try:
        status: int = parsed.run(parsed)
        return status
    except NetError as problem:
        _tell(problem)
        if isinstance(problem, LeftAlone):
            return LOST
        is_command_line = all(d.span is not None and d.span.source.name.startswith("--set") for d in problem.diagnostics)
        return 2 if is_command_line else 1


def run() -> None:
    """The entry point of the installed command."""
    if is_of_netc():
        end_with_launcher()
    elif speaks() and "LOCAL_RANK" in os.environ:
        end_late()
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it closes stdout
        status = 0
    sys.exit(status)


def _tell(problem: NetError) -> None:
    """Shows what is wrong; one of several processes leaves it for their launcher, but that another one is gone, which that sees."""
    page, is_told = render_all(problem.diagnostics, is_coloured(sys.stderr)), speaks()
    if not isinstance(problem, LeftAlone):
        try:
            leave_word(page)
        except NetError:  # the disk is full, for all of them
            is_told = os.environ.get("LOCAL_RANK") == "0"
    if is_told:
        print(page, file=sys.stderr)


def _parser(names: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="netc", description=OVERVIEW, epilog=STATUS, formatter_class=RAW, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"netc {netc.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in names:
        import_module(f"netc.cli.{name}").add(commands)
    return parser
