"""Data larger than memory: what a training on a file adds to the memory of a process, and that it learns the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netc
from netc.data import arrow, prepare, preprocessing, split, store
from netc.data.prepare import Prepared
from netc.data.sources import load_data
from netc.diagnostics import NetError

ROOT = Path(__file__).parent.parent
TEXT = "a,b,c,y\n" + "".join(
    f"{i * 0.37 % 5:.3f},{'' if i % 50 == 7 else i % 9},{['red', 'green', 'blue'][i % 3]},{i % 2}\n" for i in range(4000)
)
SPEC = """
network Net {
  input  x: [B, F]
  target y: int64[B]
  p = x -> Linear(8) -> ReLU -> Linear(2)
  output p
  loss CrossEntropyLoss(p, y)
}
data {
  source     = csv("data.csv")
  missing    = median
  normalize  = standard
  validation = 0.2
  test       = 0.1
}
train {
  optimizer  = Adam(lr=0.01)
  epochs     = 2
  batch_size = 64
}
"""


def prepared(folder: Path) -> Prepared:
    (folder / "data.csv").write_text(TEXT)
    (folder / "net.net").write_text(SPEC)
    net = netc.load(folder / "net.net")
    assert net.data is not None
    return prepare.prepare(net.graph, net.data, net.table or load_data(net.data), 0)


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of any size is read as one larger than memory, in many chunks."""
    monkeypatch.setattr(arrow, "LARGE_BYTES", 0)
    monkeypatch.setattr(preprocessing, "LARGE_BYTES", 0)
    monkeypatch.setattr("netc.data.columns.CHUNK_BYTES", 8 * 3000)
    monkeypatch.setattr("netc.data.delimited.BLOCK", 8192)


def test_a_large_file_gives_what_a_small_one_does(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    small = prepared(tmp_path)
    request.getfixturevalue("everything_is_large")
    large = prepared(tmp_path)
    assert all(isinstance(a, np.memmap) for a in large.train)
    assert sorted(small.rows.tolist()) == large.rows.tolist()
    order = np.argsort(small.rows)
    for a, b in zip(small.train, large.train, strict=True):
        assert np.allclose(a[order], b, atol=1e-6)
    left, right = small.preprocessing.inputs[0].encodings, large.preprocessing.inputs[0].encodings
    assert [(e.names, e.fill, e.categories) for e in left] == [(e.names, e.fill, e.categories) for e in right]
    for one, two in zip(left, right, strict=True):  # the sums are taken in parts
        assert (one.scaling is None) == (two.scaling is None)
        if one.scaling is not None and two.scaling is not None:
            assert np.allclose(one.scaling.offset, two.scaling.offset) and np.allclose(one.scaling.scale, two.scaling.scale)


@pytest.mark.usefixtures("everything_is_large")
def test_a_large_file_trains(tmp_path: Path) -> None:
    prepared(tmp_path)
    first, second = (netc.load(tmp_path / "net.net").train(tmp_path / "runs", pictures=False) for _ in range(2))
    assert first.history.columns["loss"] == second.history.columns["loss"]


def test_very_many_rows_are_split_in_proportion_and_by_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "MOST_SHUFFLED", 100)
    data, again = prepared(tmp_path), prepared(tmp_path)
    assert data.validation is not None and data.test is not None
    assert [len(part[0]) for part in (data.train, data.validation, data.test)] == [2800, 800, 400]
    assert [np.bincount(part[1]).tolist() for part in (data.train, data.validation, data.test)] == [[1400] * 2, [400] * 2, [200] * 2]
    assert np.array_equal(data.rows, again.rows)


def test_nothing_is_left_of_the_files_and_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    array = store.new_array((1000, 4), "float32", in_file=True)
    array[:] = 7
    store.release()
    assert (array == 7).all() and not list(tmp_path.iterdir())

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(NetError, match=r"100 MB for the data do not fit into .*: No space left on device"):
        store.new_array((25 * 2**20,), "float32", in_file=True)


CHILD = """
import benchmarks.large_csv as large, os, pathlib, sys
os.chdir(sys.argv[1])
large.write(pathlib.Path(), 150)
exec(large.CHILD)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
def test_a_file_of_150_megabytes_trains_within_bounds(tmp_path: Path) -> None:
    """Held in memory, the file alone is 150 MB as text, as numbers and texts more than twice that, and the arrays come on top."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], cwd=ROOT, text=True, capture_output=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stderr
    before, most, rows, loss = done.stdout.split()
    assert int(rows) > 700_000 and float(loss) < 0.1
    assert int(most) - int(before) < 230, done.stdout  # MB; 170 measured, and 310 where no pages are given back
