"""`netc draw`: a picture of the network."""

from __future__ import annotations

import argparse
from pathlib import Path

from netc.cli.common import Commands, loaded, spec_command

TEXT = """\
Draws the network: layers under their labels, shapes on the edges, parallel branches side by side, the loss apart.
The system's Graphviz is used where it is installed, else the one that came with netc.
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = spec_command(commands, "draw", TEXT, run)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="a .svg, .png, .pdf or .dot file")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    loaded(parsed).draw(parsed.output)
    print(f"wrote {parsed.output}")
    return 0
