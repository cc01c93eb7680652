"""`netc check`: all problems of all files, in the forms that people and programs read, and the corrections it makes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import netc
from netc.diagnostics import Diagnostic, Edit
from netc.fix import applied, fixed
from netc.source import Source, Span
from tests.test_cli import run

GOOD = "network Net {\n  input x: [B, 5]\n  output x -> Linear(2)\n}\n"
WRONG = """\
network Net(width = 8) {
  input x: [B, 5]
  h = x -> hidden: Dense(width) -> Relu -> Linaer(3)
  output h -> Linear(1, bias=True)
}
"""
TRAINED = """\
network Net {
  input x: [B, 5]
  target y: [B, 1]
  p = x -> Linear(1)
  output p
  loss MSELoss(p, y)
  init { *.weight = INIT }
}

data {
  source     = sklearn.make_regression(n_features=5)
  validation = 0.2
}

train {
  optimizer = OPTIMIZER(lr=0.1)
  epochs    = 2
  SETTING
}
"""
ADDED = "network Net {\n  input x: [B, 5]\n  a = x -> Linear(2)\n  b = x -> Linear(3)\n  output (a, b) -> add\n}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    (tmp_path / "good.net").write_text(GOOD)
    (tmp_path / "inner" / "wrong.net").write_text(WRONG)
    (tmp_path / "inner" / "added.net").write_text(ADDED)
    return tmp_path


def test_every_problem_of_every_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", folder) == 1
    out = capsys.readouterr().out
    assert out.count("error[unknown-name]") == 4
    assert "did you mean `Linear`?" in out
    assert out.count("error[shape-mismatch]") == 1
    assert out.endswith("\n5 errors in 3 files\n")
    assert "\x1b" not in out
    assert run("check", folder / "good.net") == 0
    assert capsys.readouterr().out == "nothing wrong in 1 file\n"


def test_data_that_was_not_looked_at_is_told_where_all_is_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "data.net").write_text(GOOD + "data = sklearn.make_regression(n_samples=20, n_features=5)\n")
    assert run("check", folder / "data.net", folder / "good.net") == 0
    assert capsys.readouterr().out == "nothing wrong in 2 files; --data looks at the data, too\n"
    assert run("check", folder / "data.net", "--format", "short") == 0 and not capsys.readouterr().out
    assert run("check", folder / "data.net", "--data") == 0
    assert "--data" not in capsys.readouterr().out
    assert run("check", folder) == 1
    assert "--data" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("monitor = val_loss", 'monitor = "val_loss"'), ("early_stopping = patience(3, val_loss)", 'early_stopping = patience(3, "val_loss")'),
     ("metrics = r2, max_error", "metrics = [r2, max_error]"), ("scheduler = lr_scheduler.StepLR(3)", "scheduler = StepLR(3)")],
)  # fmt: skip
def test_certain_corrections_of_settings(wrong: str, right: str, tmp_path: Path) -> None:
    path = tmp_path / "net.net"
    path.write_text(TRAINED.replace("INIT", "torch.nn.init.ones_()").replace("OPTIMIZER", "optim.SGD").replace("SETTING", wrong))
    assert run("check", "--fix", path) == 0
    assert path.read_text() == TRAINED.replace("INIT", "ones()").replace("OPTIMIZER", "SGD").replace("SETTING", right)


def test_a_line_a_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--format", "short", folder / "inner" / "wrong.net") == 1
    first, *others = capsys.readouterr().out.splitlines()
    assert first == f"{folder / 'inner' / 'wrong.net'}:3:20: error[unknown-name]: there is no `Dense` (PyTorch's word for it is `Linear`)"
    assert len(others) == 3


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--format", "json", folder / "inner") == 1
    added, dense, *_ = found = json.loads(capsys.readouterr().out)
    assert len(found) == 5
    place = {"file": str(folder / "inner" / "wrong.net"), "line": 3, "column": 20, "end_line": 3, "end_column": 25}
    assert dense == {
        "code": "unknown-name", "severity": "error", "message": "there is no `Dense`", **place, "label": None, "inside": None,
        "hint": "PyTorch's word for it is `Linear`", "related": [], "edit": {**place, "text": "Linear"},
    }  # fmt: skip
    assert [(r["line"], r["column"], r["end_column"]) for r in added["related"]] == [(3, 12, 21), (4, 12, 21)]
    assert all(r["message"] for r in added["related"])
    assert run("check", "--format", "json", folder / "good.net") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_github(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "a,b.net"
    path.write_text("network N {\n  input x: [B, 5]\n  output x -> Linear(1, bas=100%3)\n}\n")
    assert run("check", "--format", "github", path) == 1
    (line,) = capsys.readouterr().out.splitlines()
    properties, _, message = line.removeprefix("::error ").partition("::")
    assert f"file={str(path).replace(',', '%2C')},line=3,endLine=3,col=25,endColumn=28" in properties
    assert "bas" in message
    assert "%0Ahint: did you mean `bias`?" in message


def test_a_missing_file_is_a_problem_and_the_rest_is_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", folder / "god.net", folder / "good.net", folder / "good.net") == 1
    out = capsys.readouterr().out
    assert "did you mean" in out
    assert out.endswith("1 error in 2 files\n")


def test_standard_input(folder: Path) -> None:
    command = [sys.executable, "-m", "netc", "check", "-", "--format", "short"]
    done = subprocess.run(command, input=WRONG, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.startswith("<stdin>:3:20: error[unknown-name]")


WARNED = "network Net {\n  input x: [B, 5]\n  input y: [B, 5]\n  output x -> Linear(2)\n}\n"


def test_warnings_pass_unless_one_is_strict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "warned.net"
    path.write_text(WARNED)
    assert run("check", path) == 0
    assert "warning[unused-input]" in capsys.readouterr().out
    assert run("check", "--strict", path) == 1


def test_every_network_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "several.net"
    path.write_text(GOOD + ADDED.replace("Net", "Added") + GOOD.replace("Net", "Third").replace("Linear(2)", "Linear(0)"))
    assert [d.code for d in netc.check(path)] == ["shape-mismatch", "bad-size"]
    assert [d.code for d in netc.check(path, network="Third")] == ["bad-size"]
    assert [d.code for d in netc.check(path, network="Fourth")] == ["no-network"]


def test_a_file_of_blocks(tmp_path: Path) -> None:
    path = tmp_path / "blocks.net"
    path.write_text("block Up(c) = ConvTranspose2d(c, 2, 2) -> ReLU\n")
    assert netc.check(path) == ()
    path.write_text("train { epochs = 3 }\n")
    assert [d.code for d in netc.check(path)] == ["no-network"]


def test_check_never_raises() -> None:
    assert [d.code for d in netc.check("network N {")] == ["syntax"]
    assert netc.check(GOOD) == ()


def test_fix_makes_what_is_certain(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "inner" / "wrong.net"
    assert run("check", "--fix", path) == 1
    captured = capsys.readouterr()
    assert captured.err == f"corrected {path} in 3 places\n"
    assert captured.out.endswith("1 error in 1 file\n")
    better = WRONG.replace("Dense", "Linear").replace("Relu", "ReLU").replace("True", "true")
    assert path.read_text() == better
    path.write_text(better.replace("Linaer", "Linear"))
    assert run("check", "--fix", path) == 0
    assert path.read_text() == better.replace("Linaer", "Linear")  # nothing to correct: nothing written


def test_fix_leaves_what_it_would_make_worse() -> None:
    source = Source("s", "network N {\n  input x: [B, 5]\n  output x -> Linear(2)\n}\n")
    worse = Diagnostic("unknown-name", "no", Span(source, 0, 3), edit=Edit(Span(source, 0, 3), "{{{"))
    assert fixed(source, lambda text: [worse] if text is source else netc.check(text)) == (source, 0)


def test_edits_that_overlap_are_made_one_after_the_other() -> None:
    source = Source("s", "abcdef")
    assert applied("abcdef", [Edit(Span(source, 1, 2), "X"), Edit(Span(source, 4, 6), "")]) == "aXcd"
    assert applied("abcdef", [Edit(Span(source, 3, 3), "X")]) == "abcXdef"
    first = Diagnostic("unknown-name", "one", Span(source, 0, 1), edit=Edit(Span(source, 0, 3), "A"))
    second = Diagnostic("unknown-name", "two", Span(source, 2, 4), edit=Edit(Span(source, 2, 4), "B"))
    better, count = fixed(source, lambda text: [first, second] if text is source else [])
    assert (better.text, count) == ("Adef", 1)


def test_colours_on_a_terminal_only(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run("check", folder) == 1
    assert "\x1b[1;31merror" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run("check", folder) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_checking_needs_no_torch(specs: Path) -> None:
    code = f"from netc.cli import main; main(['check', {str(specs)!r}]); import sys; assert not {{'torch', 'sklearn'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
