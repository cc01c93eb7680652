"""The files that a command takes several of."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from netc.diagnostics import error
from netc.parse import decoded, read
from netc.source import Source

STANDARD_INPUT = "-"


def net_files(names: Sequence[str]) -> Iterator[str]:
    """The files that the command line names, each once; a folder stands for its .net files, without any for itself."""
    seen: set[Path] = set()
    for name in names:
        folder = Path(name)
        inside = sorted(p for p in folder.rglob("*.net") if not _is_hidden(p.relative_to(folder))) if folder.is_dir() else []
        for path in inside or [folder]:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield name if path is folder else str(path)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def opened(path: str) -> Source:
    """The text of a file, or with `-` of standard input. Raises `NetError`."""
    if path == STANDARD_INPUT:
        return Source("<stdin>", decoded(sys.stdin.buffer.read(), "standard input"))
    if Path(path).is_dir():
        raise error("file", f"there is no .net file in `{path}`")
    return read(Path(path))
