"""Arrays that stand in files, so that a table may be larger than memory.

A file is removed from its folder as soon as it is mapped, so nothing is left of it, whatever ends the process. Pages that
were read or written count as memory of the process until `release` gives them back; they are read again when needed.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from netc.data.normalize import Array
from netc.diagnostics import error

LARGE_BYTES = 128 * 2**20  # data of more does not stay in memory

_mapped: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
_files: dict[int, int] = {}  # open files, by the address at which they are mapped


def new_array(shape: Sequence[int], dtype: str, *, in_file: bool) -> Array:
    """An array to be filled, in memory or in a file of its own. Raises NetError `data` where the disk is too small."""
    if not in_file or 0 in shape:
        return np.empty(shape, dtype)
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    with tempfile.TemporaryFile(prefix="netc-") as file:
        try:
            # Space is taken now: where it lacks later, writing to a mapped file would kill the process.
            os.posix_fallocate(file.fileno(), 0, size) if hasattr(os, "posix_fallocate") else file.truncate(size)
        except OSError as e:
            folder = tempfile.gettempdir()
            message = f"{size / 2**20:,.0f} MB for the data do not fit into {folder}: {e.strerror}"
            raise error("data", message, hint="TMPDIR names another folder for temporary files") from None
        array = mapped(np.memmap(file, dtype, "r+", shape=tuple(shape)))
        _keep_open(array, os.dup(file.fileno()))
    return array


def _keep_open(array: np.memmap[Any, Any], file: int) -> None:
    """Keeps the file of an array open for as long as that is mapped."""
    address = array.ctypes.data
    _files[address] = file

    def close() -> None:
        del _files[address]
        os.close(file)

    weakref.finalize(getattr(array, "_mmap"), close)  # noqa: B009  numpy does not say that it is there


def is_in_file(address: int) -> bool:
    """Whether an array in a file begins at that address."""
    return address in _files


def rows_in_file(address: int, row_bytes: int, rows: Sequence[int]) -> bytearray:
    """Rows of the array in a file that begins at that address, one after the other.

    They are read, not mapped: a single row would bring up to megabytes around it into the memory of the process.
    """
    file = _files[address]
    return bytearray().join([os.pread(file, row_bytes, row * row_bytes) for row in rows])


def mapped(array: np.memmap[Any, Any]) -> np.memmap[Any, Any]:
    """The array, whose pages `release` gives back from now on."""
    pages = getattr(array, "_mmap", None)
    if isinstance(pages, mmap.mmap) and hasattr(pages, "madvise"):
        _mapped.add(pages)
    return array


def release() -> None:
    """Gives back the memory of all arrays in files; what was written to them is kept."""
    for pages in list(_mapped):
        pages.madvise(mmap.MADV_DONTNEED)
