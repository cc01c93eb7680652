"""Specs that ask for too much: each is a diagnostic with its place, soon and without using memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import netc
from tests.bad_input import CASES

SECONDS = 10  # of the processor: most take a tenth of one, and what grows with a power of the input hours
MEGABYTES = 150  # by which the process may grow; text of megabytes has tokens, and its page
SHOWN = 20_000  # characters of what is said


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    """What a process of its own measures of all cases: memory that a case takes is not another's."""
    done = subprocess.run([sys.executable, "-m", "tests.bad_input"], capture_output=True, text=True, cwd=Path(__file__).parent.parent,
                          timeout=1200)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, rows: dict[str, Any]) -> None:
    row = rows[name]
    assert CASES[name][1] in row["codes"]
    assert row["placed"] or CASES[name][1] == "file"
    assert 0 < row["shown"] <= SHOWN
    assert row["seconds"] <= SECONDS
    assert row["megabytes"] <= MEGABYTES


def test_files_that_use_each_other(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.net").write_text(f'use "{other}.net"\nblock {name.upper()} = {{ ReLU }}\n', encoding="utf-8")
    path = tmp_path / "net.net"
    path.write_text('use "a.net"\nnetwork N {\n  input x: [B, 2]\n  output x -> A\n}\n', encoding="utf-8")
    with pytest.raises(netc.NetError) as caught:
        netc.load(path)
    assert {d.code for d in caught.value.diagnostics} == {"use"}


def test_a_file_of_five_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "large.net"
    path.write_text("network N {\n" + "  h = x\n" * 700_000, encoding="utf-8")
    with pytest.raises(netc.NetError) as caught:
        netc.load(path)
    assert [d.code for d in caught.value.diagnostics] == ["file"]


# What is within the limits is taken: as deep, long and wide as specs get.
@pytest.mark.parametrize("statements", [
    "output x -> repeat 10000 { ReLU }",
    "output x -> repeat 100 { repeat 100 { ReLU } }",
    "output x -> " + "(" * 80 + "ReLU" + ")" * 80,
    "output x -> " + "{ " * 80 + "ReLU" + " }" * 80,
    "n = 2 ** 62\n  output x -> reshape([-1, if n > 0 { 8 } else { 4 }])",
    "output x -> reshape([" + " + ".join(["1"] * 8) + ", B])",
    "output x -> Linear(10 ** 9)",
])  # fmt: skip
def test_much_is_taken(statements: str) -> None:
    netc.load(f"network N {{\n  input x: [B, 8]\n  {statements}\n}}")


def test_blocks_within_each_other() -> None:
    blocks = [f"block K{i} = {{ K{i - 1} -> ReLU }}" for i in range(1, 200)]
    text = "\n".join(["block K0 = { Linear(8) }", *blocks, "network N {\n  input x: [B, 8]\n  output x -> K199\n}"])
    assert len(netc.load(text).graph.nodes) == 201
