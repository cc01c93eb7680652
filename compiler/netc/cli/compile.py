"""`netc compile`: the table of layers, and plain PyTorch."""

from __future__ import annotations

import argparse
from pathlib import Path

from netc import files
from netc.cli.common import Commands, loaded, spec_command

TEXT = """\
Checks a spec and prints its table of layers: path (the key in the state_dict), layer, output shape, parameters.
With -o the network is written as plain PyTorch: one class with forward and loss, which imports nothing of netc,
and whose state_dict has the same keys.
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = spec_command(commands, "compile", TEXT, run)
    parser.add_argument("-o", "--output", type=Path, metavar="MODEL.py", help="write plain PyTorch")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    if parsed.output and parsed.output.suffix != ".py":
        parsed.parser.error(f"-o takes a Python file to write, e.g. -o {parsed.spec.stem}.py, not {parsed.output}")
    spec = loaded(parsed)
    print(spec.summary())
    if parsed.output:
        files.write(parsed.output, spec.source())
        own = ", ".join(f"{name}.py" for name in sorted(spec.graph.python_files))
        print(f"\nwrote {parsed.output}" + (f", which imports {own}" if own else ""))
    return 0
