"""Files of data that are not what they are called, and quotes that are not closed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from tests.data_specs import csv, here, prepared, problem, spec, table_of

ROWS = [f'{i},"t{i % 3}",{i % 2}' for i in range(50)]


def with_row(number: int, row: str, rest: list[str] = ROWS) -> str:
    """A file whose row of that number, in line `number + 2`, is another."""
    return "\n".join(["a,b,y", *rest[:number], row, *rest[number + 1 :]]) + "\n"


PLAIN = [row.replace('"', "") for row in ROWS]
LONG = [f"{i},t{i % 3},{i % 2}" for i in range(40_000)]  # longer than a value may be, and than a block


@pytest.mark.parametrize(
    ("text", "line"),
    [(with_row(9, '9,"t0,1', PLAIN), 11), (with_row(9, '9,"t0,1'), 11), (with_row(9, '9,"t0,1', LONG), 11),
     (with_row(20, '9,"t0\nx,1', [*PLAIN[:9], '9,"t1\nwhole",1', *PLAIN[10:]]), 23),
     (with_row(0, '9,"t0"",1', PLAIN), 2), ('"a,b,y\n' + "\n".join(LONG), 1)],
)  # fmt: skip
def test_a_quote_that_is_not_closed_is_told_where_it_opens(text: str, line: int, tmp_path: Path) -> None:
    said = problem(lambda: prepared(here(tmp_path, spec(csv(tmp_path, text)))))
    assert said.startswith(f"data: a quote opens in line {line} of `houses.csv` that is not closed (close it;")


@pytest.mark.parametrize("row", ['9,"two\nlines",1', '9,"say ""hi""",1', '9,t"0,1', '9,"t0" of 2,1'])
def test_quotes_that_may_be(row: str, tmp_path: Path) -> None:
    assert len(table_of(here(tmp_path, spec(csv(tmp_path, with_row(9, row)))))) == 50


def write_binary(path: Path) -> None:
    """A file of a kind that the end of its name says."""
    name, table = path.name, pa.table({"a": [1.0, 2.0], "y": [0, 1]})
    if name.endswith(("xlsx", "ods", "zip")):
        inside = {"xlsx": "xl/workbook.xml", "ods": "content.xml", "zip": "rows.csv"}[name.rpartition(".")[2]]
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(inside, "a,y\n1,0\n")
    elif name.endswith(("gz", "bz2", "xz")):
        module: Any = {"gz": gzip, "bz2": bz2, "xz": lzma}[name.rpartition(".")[2]]
        path.write_bytes(module.compress(b"a,y\n1,0\n"))
    elif name.endswith("parquet"):
        pq.write_table(table, path)
    elif name.endswith("feather"):
        feather.write_feather(table, path)
    elif name.endswith("npy"):
        np.save(path, np.ones(3))
    elif name.endswith("npz"):
        np.savez(path, a=np.ones(3))
    elif name.endswith("u16"):
        path.write_text("a,y\n1,0\n", encoding="utf16")
    else:
        path.write_text("PAR1,y\n1,0\n")


@pytest.mark.parametrize(
    ("source", "said"),
    [('csv("rows.xlsx")', "is an Excel workbook, not CSV (save it as CSV, or read it in a function: "),
     ('csv("rows.ods")', "is an OpenDocument file, not CSV (save"), ('csv("rows.zip")', "is a zip archive, not CSV (unpack it first)"),
     ('csv("rows.csv.gz")', "is compressed by gzip, not CSV (unpack it first)"), ('csv("rows.bz2")', "is compressed by bzip2, not CSV"),
     ('csv("rows.xz", encoding="latin1")', "is compressed by xz, not CSV"),
     ('csv("rows.parquet")', 'is a Parquet file, not CSV (write `parquet("…")`)'), ('csv("rows.feather")', "is a Feather file of Arrow"),
     ('csv("rows.npy")', 'is an array of numpy, not CSV (write `npy("…")`)'),
     ('csv("rows.npz")', 'is numpy\'s arrays by name, not CSV (write'),
     ('npz("rows.parquet")', "is a Parquet file, not arrays of numpy (write"),
     ('parquet("rows.xlsx")', "is an Excel workbook, not Parquet"),
     ('npy("rows.parquet", "rows.parquet")', "is a Parquet file, not an array of numpy"),
     ('parquet("rows.csv")', "cannot be read as Parquet: Parquet magic bytes not found in footer."),
     ('csv("rows.u16")', 'is not written in utf8: line 1 cannot be read (say in what it is written, e.g. `encoding="utf16"`)')],
)  # fmt: skip
def test_files_that_are_something_else(source: str, said: str, tmp_path: Path) -> None:
    name = source.split('"')[1]
    write_binary(tmp_path / name)
    assert problem(lambda: table_of(here(tmp_path, spec(source)))).startswith(f"data: `{name}` {said}")


def test_a_text_may_begin_as_a_file_of_another_kind_does(tmp_path: Path) -> None:
    write_binary(tmp_path / "rows.csv")
    assert table_of(here(tmp_path, spec('csv("rows.csv")'))).names == ("PAR1", "y")
    write_binary(tmp_path / "rows.u16")
    assert table_of(here(tmp_path, spec('csv("rows.u16", encoding="utf16")'))).names == ("a", "y")
