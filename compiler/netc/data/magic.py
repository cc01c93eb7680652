"""What a file is by its first bytes, where it is not what the spec calls it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from netc.diagnostics import NetError, error
from netc.source import Span

AS_CSV = 'save it as CSV, or read it in a function: `python("my_data.py:load")`'
UNPACK = "unpack it first"
FORMATS = (  # first bytes, what it is, what to do
    (b"PAR1", "a Parquet file", 'write `parquet("…")`'),
    (b"\x93NUMPY", "an array of numpy", 'write `npy("…")`'),
    (b"\x1f\x8b", "compressed by gzip", UNPACK),
    (b"BZh", "compressed by bzip2", UNPACK),
    (b"\xfd7zXZ\x00", "compressed by xz", UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "an archive of 7-Zip", UNPACK),
    (b"ARROW1", "a Feather file of Arrow", AS_CSV),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", AS_CSV),
    (b"\x89HDF\r\n", "an HDF5 file", AS_CSV),
    (b"SQLite format 3\x00", "an SQLite database", AS_CSV),
    (b"\x80\x04", "a pickle of Python", AS_CSV),
    (b"\x80\x05", "a pickle of Python", AS_CSV),
)
ARCHIVES = (  # a file that is in the zip archive, by its beginning or end
    ("xl/", "an Excel workbook", AS_CSV),
    ("content.xml", "an OpenDocument file", AS_CSV),
    (".npy", "numpy's arrays by name", 'write `npz("…")`'),
)


def kind_of(path: Path) -> tuple[str, str] | None:
    """What a file is that is no plain text, and what to do with it; None for any other."""
    with path.open("rb") as file:
        start = file.read(16)
    if all(9 <= byte < 127 for byte in start):
        return None  # a text may begin with such letters
    if start.startswith(b"PK\x03\x04"):
        return _archive(path)
    return next(((what, hint) for magic, what, hint in FORMATS if start.startswith(magic)), None)


def _archive(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        names = []
    inside = [(what, hint) for part, what, hint in ARCHIVES if any(name.startswith(part) or name.endswith(part) for name in names)]
    return inside[0] if inside else ("a zip archive", UNPACK)


def misnamed(path: Path, meant: str, span: Span) -> NetError | None:
    """The error of a file that is none of the kind that the source says, such as `CSV`; None where its bytes do not tell."""
    found = kind_of(path)
    return error("data", f"`{path.name}` is {found[0]}, not {meant}", span, found[1]) if found else None
