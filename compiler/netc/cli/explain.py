"""`netc explain`: what a code means."""

from __future__ import annotations

import argparse
from importlib import resources

from netc.cli.common import Commands, command
from netc.codes import CODES
from netc.diagnostics import did_you_mean

TEXT = """\
Prints what the code of an error or warning means, with an example of it and of what netc says there.
  netc explain                   all codes, a line each
  netc explain shape-mismatch    the page of one
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = command(commands, "explain", TEXT, run)
    parser.add_argument("code", nargs="?", metavar="CODE", help="the word in brackets: error[shape-mismatch]")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    if parsed.code is None:
        width = max(map(len, CODES))
        for code, row in CODES.items():
            print(f"{code:<{width}}  {row.severity:<7}  {row.meaning}")
        return 0
    word = parsed.code.partition("[")[2].rstrip("]") or parsed.code  # `error[shape-mismatch]`, as it is shown
    if word not in CODES:
        parsed.parser.error(f"there is no code `{word}`: {did_you_mean(word, CODES) or '`netc explain` lists all codes'}")
    print(resources.files("netc").joinpath("pages", f"{word}.md").read_text(encoding="utf-8"), end="")
    return 0
