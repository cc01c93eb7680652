"""`netc new`: a starting spec."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from netc import starter
from netc.cli.common import Commands, command

TEXT = """\
Writes a spec to begin with, NAME.net, with a few words on each part of it. A file that is there is never touched.
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    kinds = "\n".join(f"  {kind:10}  {words}" for kind, words in starter.KINDS.items())
    parser = command(commands, "new", TEXT, run, epilog=f"kinds:\n{kinds}\n")
    parser.add_argument("name", type=Path, metavar="NAME", help="the name of the file, with or without .net")
    default = next(iter(starter.KINDS))
    parser.add_argument("--kind", choices=starter.KINDS, default=default, metavar="KIND", help=f"what it is for, see below ({default})")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    path = parsed.name
    if path.name in ("", "..") or path.suffix not in ("", ".net"):
        parsed.parser.error(f"NAME is a file name with or without .net, e.g. moons, not {str(path)!r}")
    path = path.with_suffix(".net")
    starter.write(path, parsed.kind)
    print(f"wrote {path}, {starter.KINDS[parsed.kind].split(';')[0]}\n")
    spec, picture = shlex.quote(str(path)), shlex.quote(str(path.with_suffix(".svg")))
    steps = {
        f"netc compile {spec}": "check it, and see its layers",
        f"netc draw {spec} -o {picture}": "draw it",
        **({f"netc train {spec}": "train it"} if parsed.kind in starter.TRAINING else {}),
        "netc ops": "everything that a spec can name",
    }
    width = max(map(len, steps))
    print("\n".join(f"  {step:{width}}  {words}" for step, words in steps.items()))
    return 0
