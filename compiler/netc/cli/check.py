"""`netc check`: everything that is wrong, before anything runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from netc import files, report
from netc.checking import check, has_data
from netc.cli.common import SET, Commands, add_choices, command, is_coloured, overrides
from netc.cli.paths import net_files, opened
from netc.diagnostics import Diagnostic, NetError, count_of, render_all
from netc.fix import fixed
from netc.source import Source

TEXT = """\
Checks .net files: names, arguments, shapes, dtypes, the loss against its target, the settings of the training, and mistakes that
PyTorch lets pass.
Everything that is wrong is said at once, with its place; nothing runs, and torch is not imported. A folder stands for all
.net files in it, `-` for standard input.
  netc check .                    all specs below this folder
  netc check --fix net.net        correct what is certain
  netc check --data net.net       also look at the data: NaN, labels out of range, columns that never change
  netc explain CODE               what a code means, with an example
The exit status is 1 where there is an error; with --strict also where there is a warning.
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = command(commands, "check", TEXT, run, epilog=SET)
    parser.add_argument("paths", nargs="+", metavar="FILE", help="a .net file, a folder, or - for standard input")
    parser.add_argument("--format", choices=("text", "short", "json", "github"), default="text",
                        help="pages with source lines (text), a line each (short), or for other programs")  # fmt: skip
    parser.add_argument("--fix", action="store_true", help="make the corrections that are certain, in place")
    parser.add_argument("--data", action="store_true", help="read the data, and check it too")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    add_choices(parser)


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    found: list[Diagnostic] = []
    count, read = 0, list[Source]()
    for path in net_files(parsed.paths):
        count += 1
        try:
            source = opened(path)
            source = _corrected(path, source, parsed) if parsed.fix else source
            found += _checked(source, parsed)
            read.append(source)
        except NetError as problem:
            found += problem.diagnostics
    _show(list(dict.fromkeys(found)), count, read, parsed)
    errors = sum(d.severity == "error" for d in found)
    return 1 if errors or (parsed.strict and found) else 0


def _checked(source: Source, parsed: argparse.Namespace) -> Sequence[Diagnostic]:
    return check(source, overrides(parsed), parsed.network, allow_python=parsed.allow_python, data=parsed.data)


def _corrected(path: str, source: Source, parsed: argparse.Namespace) -> Source:
    """The file with the certain corrections made, which is written where there are any. Raises `NetError`."""
    if source.name == "<stdin>":
        parsed.parser.error("--fix takes files, not standard input")
    better, count = fixed(source, lambda text: _checked(text, parsed))
    if count:
        files.write(Path(path).resolve(), better.text)
        print(f"corrected {path} in {count_of(count, 'place')}", file=sys.stderr)
    return better


def _show(found: Sequence[Diagnostic], count: int, read: Sequence[Source], parsed: argparse.Namespace) -> None:
    if parsed.format == "json":
        print(report.as_json(found))
        return
    pages = {"text": lambda d: render_all(d, is_coloured(sys.stdout)), "short": report.short, "github": report.github}
    if found:
        print(pages[parsed.format](found))
    errors = sum(d.severity == "error" for d in found)
    parts = [count_of(n, noun) for n, noun in ((errors, "error"), (len(found) - errors, "warning")) if n]
    if parsed.format == "text":
        more = "; --data looks at the data, too" if not errors and not parsed.data and any(map(has_data, read)) else ""
        print(("\n" if found else "") + f"{' and '.join(parts) or 'nothing wrong'} in {count_of(count, 'file')}{more}")
