"""The command as its user types it: what it prints, what it writes, and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netc.cli import main

GOOD = "network Net(width = 8) {\n  input x: [B, 5]\n  output x -> hidden: Linear(width)\n}\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.net"
    path.write_text(GOOD)
    return path


def run(*arguments: object) -> int:
    """The exit status of the command."""
    try:
        return main([str(a) for a in arguments])
    except SystemExit as stop:
        assert isinstance(stop.code, int)
        return stop.code


def test_compile_prints_the_table(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compile", good) == 0
    table = capsys.readouterr().out
    assert "hidden  Linear(5, 8)  [B, 8]          48" in table
    assert "48 parameters" in table


def test_compile_writes_a_model(good: Path, tmp_path: Path) -> None:
    assert run("compile", good, "-o", tmp_path / "model.py", "--set", "width=16") == 0
    code = "import model, torch; print(tuple(model.Net()(torch.zeros(2, 5)).shape), 'netc' in __import__('sys').modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "(2, 16) False\n"


@pytest.mark.parametrize("ending", ["svg", "png", "dot"])
def test_draw(good: Path, tmp_path: Path, ending: str) -> None:
    assert run("draw", good, "-o", tmp_path / f"net.{ending}") == 0
    start = (tmp_path / f"net.{ending}").read_bytes()[:500]
    assert {"svg": b"<svg", "png": b"\x89PNG", "dot": b"digraph"}[ending] in start


def test_train(specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("train", specs / "network.net", "--runs", tmp_path, "--set", "train.epochs=12", "--set", "train.optimizer.lr=0.5")
    assert run(*arguments) == 0
    folder = tmp_path / "network-1"
    assert f"wrote {folder}{os.sep}\n" in capsys.readouterr().out
    assert {p.name for p in folder.iterdir()} >= {"spec.net", "run.json", "metrics.csv", "model.safetensors", "loss.png", "data.png"}
    assert len((folder / "metrics.csv").read_text().splitlines()) == 13
    record = json.loads((folder / "run.json").read_text())
    assert (record["epochs"], record["seed"], record["overrides"]["train.optimizer.lr"]) == (12, 7, "0.5")
    assert "lr=0.5" in (folder / "spec.net").read_text()
    assert run(*arguments) == 0
    again = tmp_path / "network-2"
    assert (again / "metrics.csv").read_bytes() == (folder / "metrics.csv").read_bytes()


def test_training_from_the_resolved_spec_repeats_the_run(specs: Path, tmp_path: Path) -> None:
    assert run("train", specs / "network.net", "--runs", tmp_path, "--set", "train.epochs=9", "--set", "act=Tanh", "--no-pictures") == 0
    first = tmp_path / "network-1"
    assert run("train", first / "spec.net", "--runs", tmp_path, "--no-pictures") == 0
    assert (tmp_path / "spec-1" / "metrics.csv").read_bytes() == (first / "metrics.csv").read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["compile"], ["compil", "SPEC"], ["draw", "SPEC"], ["compile", "SPEC", "--set", "width"],
        ["compile", "SPEC", "--set", "width="],
        ["compile", "SPEC", "--set", "width=1", "--set", "width=2"], ["compile", "SPEC", "--sett", "width=1"], ["train", "SPEC", "SPEC"],
    ],
)  # fmt: skip
def test_wrong_use_is_2(arguments: list[str], good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*(str(good) if a == "SPEC" else a for a in arguments)) == 2
    assert "usage: netc" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["compile", "--help"],
        ["train", "--help"],
        ["draw", "--help"],
        ["runs", "--help"],
        ["compare", "--help"],
        ["eval", "--help"],
        ["predict", "--help"],
        ["--version"],
    ],
)
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 0
    assert "netc" in capsys.readouterr().out


FILES = {
    "missing": (None, "there is no file"),
    "a folder": ("folder", "is a folder"),
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "not UTF-8": (b"network N\xff", "is not UTF-8 text: line 1, byte 9, is 0xff"),
}


@pytest.mark.parametrize("case", FILES)
def test_unreadable_files_get_one_line(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, message = FILES[case]
    path = tmp_path / "spec.net"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    assert run("compile", path) == 1
    page = capsys.readouterr().err
    assert page.split(":")[0] == "error[" + "file" + "]"
    assert message in page


def test_a_missing_file_has_a_neighbour(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compile", good.with_name("god.net")) == 1
    assert "did you mean" in capsys.readouterr().err


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "bom.net").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert run("compile", tmp_path / "bom.net") == 0


@pytest.mark.parametrize("target", ["missing/model.py", "folder.py"])
def test_a_place_that_cannot_be_written(good: Path, tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder.py").mkdir()
    assert run("compile", good, "-o", tmp_path / target) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.py", "good.net"]


def test_a_spec_is_not_overwritten_by_its_model(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compile", good, "-o", good) == 2
    assert "-o takes a Python file" in capsys.readouterr().err
    assert good.read_text() == GOOD


def test_a_wrong_override_is_wrong_use(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compile", good, "--set", "widht=3") == 2
    assert "did you mean `width`?" in capsys.readouterr().err


def test_warnings_do_not_stop(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good.write_text(GOOD.replace("output", "target y: [B, 1]\n  output"))
    assert run("compile", good) == 0
    assert "warning[unused-input]" in capsys.readouterr().err


def test_a_closed_pipe_is_no_traceback(good: Path) -> None:
    done = subprocess.run(f"{sys.executable} -m netc compile {good} | head -c 1", shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""
