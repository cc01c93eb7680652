"""The command `netc`. Only this file prints and exits: 0 fine, 1 the spec or the data is wrong, 2 wrong use."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import netc
from netc import files
from netc.diagnostics import NetError, render_all

OVERVIEW = """\
netc compiles neural networks described in .net files to PyTorch.

  netc compile network.net               check it, and print its layers, shapes and parameters
  netc compile network.net -o model.py   write it as plain PyTorch
  netc draw network.net -o network.svg   draw it
  netc train network.net                 train it on its data, into runs/network-1/
"""

SET = """\
--set gives a parameter of the network, a named dimension or a setting another value, written as in a spec:
  --set hidden1=16                       a parameter: `network Network(hidden1 = 8)`
  --set 'act=(ReLU || Tanh) -> add'      a layer or pipeline as a parameter
  --set F=5                              a named dimension: `input x: [B, F]`
  --set train.epochs=10                  a setting of the train or data section
  --set train.optimizer.lr=0.01          an argument of a setting
"""

COMPILE = """\
Checks a spec and prints its table of layers: path (the key in the state_dict), layer, output shape, parameters.
With -o the network is written as plain PyTorch: one class with forward and loss, which imports nothing of netc,
and whose state_dict has the same keys.
"""

TRAIN = """\
Trains the network on the data of its spec, as the train section says, into a new folder runs/NAME-N:
  spec.net            the spec with every default and size written out
  run.json            seed, versions, thread count, final metrics
  metrics.csv         the loss and the metrics of every epoch
  model.safetensors   the trained parameters
  *.png               the data, the loss curve, the predictions before, along and after training
Ctrl-C stops after the current step and saves what is there.
"""

DRAW = """\
Draws the network: layers under their labels, shapes on the edges, parallel branches side by side, the loss apart.
The system's Graphviz is used where it is installed, else the one that came with netc.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status. Wrong use exits with 2 from within."""
    parsed = _parser().parse_args(arguments)
    overrides = _overrides(parsed)
    if parsed.command is _compile and parsed.output and parsed.output.suffix != ".py":
        parsed.parser.error(f"-o takes a Python file to write, e.g. -o {parsed.spec.stem}.py, not {parsed.output}")
    try:
        spec = netc.load(parsed.spec, overrides, parsed.network)
        for warning in [spec.warnings] if spec.warnings else []:
            print(render_all(warning, _color()), end="\n\n", file=sys.stderr)
        status: int = parsed.command(spec, parsed)
        return status
    except NetError as problem:
        print(render_all(problem.diagnostics, _color()), file=sys.stderr)
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


def _color() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="netc", description=OVERVIEW, formatter_class=raw, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"netc {netc.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    common.add_argument("spec", type=Path, metavar="SPEC", help="the .net file")
    common.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="give a value; may stand several times, see below")
    common.add_argument("--network", metavar="NAME", help="which network, where the file has several")
    for name, text, command in (("compile", COMPILE, _compile), ("train", TRAIN, _train), ("draw", DRAW, _draw)):
        one = commands.add_parser(name, parents=[common], help=text.split(". ")[0].split(".\n")[0].replace("\n", " "), description=text,
                                  epilog=SET, formatter_class=raw, allow_abbrev=False)  # fmt: skip
        one.set_defaults(command=command, parser=one)
        if name == "compile":
            one.add_argument("-o", "--output", type=Path, metavar="MODEL.py", help="write plain PyTorch")
        if name == "draw":
            one.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="a .svg, .png, .pdf or .dot file")
        if name == "train":
            one.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where the run's folder is made (runs)")
            one.add_argument("--no-pictures", action="store_true", help="draw no pictures")
    return parser


def _overrides(parsed: argparse.Namespace) -> dict[str, str]:
    """The `--set`s by name. Exits with 2 where one is not `name=value` or stands twice."""
    values: dict[str, str] = {}
    for text in parsed.set:
        name, equal, value = (part.strip() for part in text.partition("="))
        if not (equal and name and value):
            parsed.parser.error(f"--set takes NAME=VALUE, e.g. --set hidden1=16, not {text!r}")
        if name in values:
            parsed.parser.error(f"--set {name} stands twice")
        values[name] = value
    return values


def _compile(spec: netc.Network, parsed: argparse.Namespace) -> int:
    print(spec.summary())
    if parsed.output:
        files.write(parsed.output, spec.source())
        print(f"\nwrote {parsed.output}")
    return 0


def _draw(spec: netc.Network, parsed: argparse.Namespace) -> int:
    spec.draw(parsed.output)
    print(f"wrote {parsed.output}")
    return 0


def _train(spec: netc.Network, parsed: argparse.Namespace) -> int:
    result = spec.train(parsed.runs, pictures=not parsed.no_pictures, progress=sys.stderr)
    if result.history.stopped_early or result.history.interrupted:
        print(f"stopped {'early' if result.history.stopped_early else 'by Ctrl-C'} in epoch {result.history.epochs}")
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"wrote {result.path}{os.sep}")
    return 0
