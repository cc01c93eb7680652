"""Writing files so that nothing is lost: to a temporary name beside the goal, then moved into place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netc.diagnostics import error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` to write to; moved into its place at the end, removed if the body raises.

    Raises `NetError` where the folder is missing or cannot be written.
    """
    with written(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        with written(path):
            yield temporary
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)  # mkstemp makes files that only their owner can read
            sync(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Says what the system says where a file or folder cannot be written, as a `NetError`."""
    try:
        yield
    except OSError as problem:
        raise error("file", f"`{path}` cannot be written: {problem.strerror}") from None


def write(path: Path, content: str | bytes) -> None:
    """Writes a whole file. Raises `NetError` where that cannot be done; an older file is then untouched."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def sync(path: Path) -> None:
    """Puts the content of a file on the disk itself."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Puts the names in a folder on the disk, too; only POSIX can."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
