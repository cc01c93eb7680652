"""`netc fmt`: the one layout of .net files."""

from __future__ import annotations

import argparse
import difflib
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from netc import files
from netc.cli.common import Commands, command, show
from netc.cli.paths import STANDARD_INPUT, net_files, opened
from netc.diagnostics import NetError, count_of
from netc.format import format_text
from netc.source import Source

TEXT = """\
Formats .net files in place: blanks, indentation, columns, blank lines. What a file says stays the same, comments included;
where a line ends in the midst of a statement is left to the writer. A folder stands for all .net files in it, `-` for
standard input, which is written to standard output.
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = command(commands, "fmt", TEXT, run)
    parser.add_argument("paths", nargs="+", metavar="FILE", help="a .net file, a folder, or - for standard input")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; print what would change")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    if STANDARD_INPUT in parsed.paths:
        return _filter(parsed)
    total = changed = wrong = 0
    for path in net_files(parsed.paths):
        total += 1
        try:
            changed += _format(path, parsed)
        except NetError as problem:
            show(problem.diagnostics)
            wrong += 1
    if not parsed.diff:
        broken = f", {wrong} with errors" if wrong else ""
        print(f"{changed} of {count_of(total, 'file')} {'would change' if parsed.check else 'formatted'}{broken}")
    return 1 if wrong or (parsed.check and changed) else 0


def _filter(parsed: argparse.Namespace) -> int:
    """Formats standard input to standard output. Raises `NetError`."""
    if len(parsed.paths) > 1:
        parsed.parser.error("- (standard input) goes with no other file")
    source = opened(STANDARD_INPUT)
    text = format_text(source)
    if parsed.check or parsed.diff:
        return int(_told(source, text, parsed) and parsed.check)
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    return 0


def _format(path: str, parsed: argparse.Namespace) -> bool:
    """Formats one file, or says what would change. Returns whether it changes. Raises `NetError`."""
    source = opened(path)
    text = format_text(source)
    if parsed.check or parsed.diff:
        return _told(source, text, parsed)
    if text != source.text:
        _write(Path(path), text)
        print(f"formatted {path}")
    return text != source.text


def _told(source: Source, text: str, parsed: argparse.Namespace) -> bool:
    """Says what would change, as the options ask. Returns whether anything would."""
    if parsed.diff:
        sys.stdout.writelines(_difference(source, text))
    elif text != source.text:
        print(f"would format {source.name}")
    return text != source.text


def _difference(source: Source, text: str) -> Iterator[str]:
    """The lines of a unified diff."""
    before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    for line in difflib.unified_diff(before, after, source.name, source.name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _write(path: Path, text: str) -> None:
    """Writes the file that the path leads to, also by a link, and leaves its permissions. Raises `NetError`."""
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode)
    files.write(target, text)
    target.chmod(mode)
