"""What is said of tables as people have them: each a file with one thing odd, and the words that the message must have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import netc
from netc.cli import main
from netc.diagnostics import Diagnostic

SPEC = """
network Net {{
  input  x: [B, F]
  target grade: int64[B]
  p = x -> Linear(3)
  output p
  loss CrossEntropyLoss(p, grade)
}}
data {{
  source = csv("rows.csv")
  {keys}
}}
train {{
  optimizer = SGD(lr=0.1)
  epochs = 1
}}
"""
Row = Callable[[int], str]


def found(folder: Path, header: str, row: Row, rows: int = 60, keys: str = "validation = 0.25") -> list[Diagnostic]:
    """What `netc check --data` says of a file with these rows."""
    (folder / "rows.csv").write_text("\n".join([header, *map(row, range(rows)), ""]))
    (folder / "net.net").write_text(SPEC.format(keys=keys))
    return list(netc.check(folder / "net.net", data=True))


def fraction(i: int) -> str:
    """A number that no two of the first rows have."""
    return f"0.{i * 37 % 101:03d}"


ERRORS: list[tuple[str, Row, str, str]] = [
    ("a,b,grade", lambda i: f"{fraction(i)},{i % 7},{'' if i == 5 else i % 3}", "1 in `grade`", "`group grade { missing = drop }`"),
    ("a,b,grade", lambda i: f"{fraction(i)},{i % 7},{['yes', ' no', 'no', 'Yes'][i % 4]}",
     "e.g. `yes` in line 2", "` no` and `no` differ in blanks or case only"),
    ("a,b,grade", lambda i: f"{fraction(i)},{i}%,{i % 3}", "`b` holds numbers in another notation, e.g. `0%`", "plain numbers"),
    ("a,b,grade", lambda i: f'{fraction(i)},"{i + 1},{i + 100}",{i % 3}', "another notation, e.g. `1,100`", '`decimal=","`'),
    ("a,b,grade", lambda i: f"{fraction(i)},€{i},{i % 3}", "another notation, e.g. `€0`", '`ignore = ["b"]`'),
    ("0.3,0.2,1", lambda i: f"{fraction(i)},{i % 7},{i % 3}", "no column of the data is called `grade`", "`header=false`"),
    ("a,b,grade", lambda i: f"{fraction(i)},k{i},{i % 3}" if i < 1 else f"{fraction(i)},k{i // 2},{i % 3}",
     "the rows to train on have not", "`unknown = ignore` in the `data` section"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "row", "message", "hint"), ERRORS)
def test_errors(header: str, row: Row, message: str, hint: str, tmp_path: Path) -> None:
    (problem,) = found(tmp_path, header, row)
    assert problem.severity == "error" and message in problem.message and hint in problem.hint, problem


WARNINGS: list[tuple[str, Row, str, str]] = [
    ("row,b,grade", lambda i: f"{i},{fraction(i)},{i % 3}", "data-rows", "the column `row` counts the rows"),
    (",b,grade", lambda i: f"{i + 1},{fraction(i)},{i % 3}", "data-rows", "the column `column0` counts the rows"),
    ("a,day,grade", lambda i: f"{fraction(i)},2023{1 + i % 12:02d}{1 + i % 28:02d},{i % 3}", "data-scale", "`day` looks like dates"),
    ("a,b,grade", lambda i: f"{fraction(i)},{10**17 + i},{i % 3}", "data-scale", "`b` has whole numbers beyond 2**24"),
]


@pytest.mark.parametrize(("header", "row", "code", "message"), WARNINGS)
def test_numbers_that_are_hardly_quantities(header: str, row: Row, code: str, message: str, tmp_path: Path) -> None:
    (problem,) = found(tmp_path, header, row)
    assert (problem.severity, problem.code) == ("warning", code) and message in problem.message and "`ignore = [" in problem.hint, problem
    (tmp_path / "net.net").write_text(f"# netc: allow {code}\n" + (tmp_path / "net.net").read_text())
    assert not netc.check(tmp_path / "net.net", data=True)


def test_columns_that_cannot_be_used_and_missing_values_are_told_together(tmp_path: Path) -> None:
    problems = found(tmp_path, "id,day,a,grade", lambda i: f"C{i},2023-01-{1 + i % 28:02d},{'' if i == 3 else fraction(i)},{i % 3}")
    assert [d.code for d in problems] == ["data-value"] * 3
    assert ["`id`" in problems[0].message, "`day` holds dates" in problems[1].message, "1 in `a`" in problems[2].message] == [True] * 3


@pytest.mark.parametrize(("rows", "said"), [(1, "leaves none to train on"), (4, "holds out 1 row of 4")])
def test_too_few_rows_get_no_share_that_cannot_help(rows: int, said: str, tmp_path: Path) -> None:
    problem = next(d for d in found(tmp_path, "a,b,grade", lambda i: f"{fraction(i)},{fraction(i + 9)},{i % 3}", rows) if said in d.message)
    assert problem.hint == "give it more rows"


def test_a_text_among_numbers_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not found(tmp_path, "a,b,grade", lambda i: f"{fraction(i)},{i % 7},{i % 3}")
    run = netc.load(tmp_path / "net.net").train(tmp_path / "runs", pictures=False).path
    (tmp_path / "new.csv").write_text("a,b\n1,2\n3,x\n")
    assert main(["predict", str(run), "--data", str(tmp_path / "new.csv")]) == 1
    assert "`b` holds texts, e.g. `x` in line 3" in capsys.readouterr().err
