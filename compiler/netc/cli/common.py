"""What several commands share: how they are described, the options that name a spec, and showing problems."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import netc
from netc.diagnostics import Diagnostic, render_all
from netc.lower.spellings import setting_named

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = object  # argparse has no public name for it

RAW = argparse.RawDescriptionHelpFormatter

SET = """\
--set gives a parameter of the network, a named dimension or a setting another value, written as in a spec:
  --set hidden1=16                       a parameter: `network Network(hidden1 = 8)`
  --set 'act=(ReLU || Tanh) -> add'      a layer or pipeline as a parameter
  --set F=5                              a named dimension: `input x: [B, F]`
  --set train.epochs=10                  a setting of the train or data section
  --set train.optimizer.lr=0.01          an argument of a setting
"""


def command(
    commands: Commands, name: str, text: str, run: Callable[[argparse.Namespace], int], *, epilog: str | None = None
) -> argparse.ArgumentParser:
    """A new command; the beginning of `text` is its line in `netc --help`."""
    first = re.split(r"[.:;](?=\s)", text)[0].replace("\n", " ")
    parser = commands.add_parser(name, help=first, description=text, epilog=epilog, formatter_class=RAW, allow_abbrev=False)
    parser.set_defaults(run=run, parser=parser)
    return parser


def spec_command(
    commands: Commands, name: str, text: str, run: Callable[[argparse.Namespace], int], optional: bool = False
) -> argparse.ArgumentParser:
    """A new command that takes one spec, which may be `optional`."""
    parser = command(commands, name, text, run, epilog=SET)
    parser.add_argument("spec", type=Path, metavar="SPEC", help="the .net file", nargs="?" if optional else None)
    add_choices(parser)
    return parser


def add_choices(parser: argparse.ArgumentParser) -> None:
    """The options that say how a spec is read."""
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="give a value; may stand several times, see below")
    parser.add_argument("--network", metavar="NAME", help="which network, where the file has several")
    parser.add_argument(
        "--allow-python",
        action="store_true",
        help='run the Python files that the spec uses: `use python "layers.py"`, `python("file.py:function")`',
    )


def loaded(parsed: argparse.Namespace) -> netc.Network:
    """The spec that the command line names; its warnings are shown. Raises `NetError`."""
    spec = netc.load(parsed.spec, overrides(parsed), parsed.network, allow_python=parsed.allow_python)
    if spec.warnings and os.environ.get("RANK", "0") == "0":
        show(spec.warnings)
        print(file=sys.stderr)
    return spec


def overrides(parsed: argparse.Namespace) -> dict[str, str]:
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


def add_format(parser: argparse.ArgumentParser) -> None:
    """The options that say how the text file of `--data` is written."""
    for name, text in (("delimiter", "what stands between the values"), ("decimal", "the decimal point of numbers")):
        parser.add_argument(f"--{name}", metavar="CHARACTER", help=f"{text} in the file; without it as in the training's file")


def format_of(parsed: argparse.Namespace) -> dict[str, str]:
    """What these options give. Exits with 2 where one is not a single character."""
    given = {name: value for name in ("delimiter", "decimal") if (value := getattr(parsed, name)) is not None}
    for name, value in given.items():
        given[name] = "\t" if value == "\\t" else value
        if len(given[name]) != 1:
            parsed.parser.error(f"--{name} takes one character, not {value!r}")
    return given


def refuse_others(parsed: argparse.Namespace, words: Sequence[str]) -> None:
    """Exits with 2, as argparse does, with the `--set` where a word is the name of a setting: `--epochs 3`."""
    found = ((name, setting_named(name.replace("-", "_"))) for name in (w[2:].partition("=")[0] for w in words if w.startswith("--")))
    known = [(name, setting) for name, setting in found if setting] if hasattr(parsed, "set") else []
    hint = "".join(f"\n  `--{name}` is written as `--set {setting}=…`" for name, setting in known)
    parsed.parser.error(f"unrecognized arguments: {' '.join(words)}{hint}")


def show(diagnostics: Sequence[Diagnostic]) -> None:
    """Problems as pages on standard error."""
    print(render_all(diagnostics, is_coloured(sys.stderr)), file=sys.stderr)


def is_coloured(stream: TextIO) -> bool:
    """Whether the stream is a terminal whose user has not asked for plain text (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")
