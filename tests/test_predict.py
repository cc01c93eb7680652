"""Predictions for the rows of a file: against the same computed by hand, and what is wrong with a file said by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.preprocessing import StandardScaler

import netc
from netc.cli import main
from netc.train.session import Result

ISLANDS, SPECIES = ["Biscoe", "Dream", "Torgersen"], ["Adelie", "Chinstrap", "Gentoo"]
CLASSES = """
network Classes {
  input  x: [B, F]
  target species: int64[B]
  p = x -> Linear(8) -> ReLU -> Linear(3)
  output p
  loss CrossEntropyLoss(p, species)
}
data {
  source = csv("penguins.csv")
  normalize = standard
  validation = 0.2
  ignore = ["mass"]
}
train {
  optimizer = Adam(lr=0.05)
  epochs = 8
}
"""
NUMBERS = """
network Numbers {
  input  x: [B, F]
  target mass: [B, 1]
  p = x -> Linear(8) -> ReLU -> Linear(1)
  output p
  loss MSELoss(p, mass)
}
data {
  source = csv("penguins.csv")
  normalize = standard
  normalize_target = standard
  validation = 0.2
  ignore = ["species"]
}
train {
  optimizer = Adam(lr=0.05)
  epochs = 8
}
"""


def rows() -> list[tuple[str, ...]]:
    random = np.random.default_rng(0)
    found: list[tuple[str, ...]] = []
    for i in range(90):
        k = i % 3
        numbers = (f"{35 + 5 * k + random.normal():.2f}", f"{18 - k + random.normal():.2f}")
        found.append((*numbers, ISLANDS[int(random.integers(3))], SPECIES[k], f"{3000 + 700 * k + 90 * random.normal():.0f}"))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data, and the runs classes-1 and numbers-1."""
    base = tmp_path_factory.mktemp("penguins")
    lines = ["bill,depth,island,species,mass", *(",".join(row) for row in rows())]
    (base / "penguins.csv").write_text("\n".join(lines) + "\n")
    for name, text in (("classes", CLASSES), ("numbers", NUMBERS)):
        (base / f"{name}.net").write_text(text)
        TRAINED[name] = netc.load(base / f"{name}.net").train(base, pictures=False)
    return base


TRAINED: dict[str, Result] = {}


def predict(*words: object) -> int:
    try:
        return main(["predict", *map(str, words)])
    except SystemExit as stop:
        assert isinstance(stop.code, int)
        return stop.code


def table(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def by_hand(result: Result) -> torch.Tensor:
    """The outputs for all rows, prepared with scikit-learn by what the training rows have."""
    numbers = np.array([[float(a), float(b)] for a, b, *_ in rows()])
    scaled = StandardScaler().fit(numbers[result.prepared.rows]).transform(numbers)
    one_hot = np.array([[float(row[2] == island) for island in ISLANDS] for row in rows()])
    with torch.no_grad():
        found = result.model(torch.tensor(np.concatenate([scaled, one_hot], axis=1), dtype=torch.float32))
    assert isinstance(found, torch.Tensor)
    return found


# --- right --------------------------------------------------------------------------------------------------------


def test_classes_and_their_probabilities(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(folder / "classes-1", "--data", folder / "penguins.csv") == 0
    found = table(capsys.readouterr().out)
    expected = by_hand(TRAINED["classes"]).softmax(1).numpy()
    given = np.array([[float(row[f"probability_{name}"]) for name in SPECIES] for row in found])
    assert given == pytest.approx(expected, abs=1e-5)
    assert [row["predicted_species"] for row in found] == [SPECIES[k] for k in expected.argmax(axis=1)]
    assert [tuple(row[n] for n in ("bill", "depth", "island", "species", "mass")) for row in found] == rows()


def test_numbers_are_in_the_units_of_the_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(folder / "numbers-1", "--data", folder / "penguins.csv") == 0
    found = [float(row["predicted_mass"]) for row in table(capsys.readouterr().out)]
    mass = np.array([[float(row[4])] for row in rows()])
    scaler = StandardScaler().fit(mass[TRAINED["numbers"].prepared.rows])
    assert found == pytest.approx(scaler.inverse_transform(by_hand(TRAINED["numbers"]).numpy())[:, 0], rel=1e-5)


SHARES = """
network Shares {{
  input  x: {dtype}[B, 1]
  target y: {dtype}[B, 1]
  param w: {dtype}[1] = ones
  p = x * w
  output p
  loss MSELoss(p, y)
}}
data {{
  source = csv("shares.csv")
  {keys}
}}
train {{
  optimizer = SGD(lr=0.0)
  epochs = 1
}}
"""


@pytest.mark.parametrize(
    ("dtype", "keys", "offset", "shortest"),
    [("float32", "", 0, True), ("float64", "", 0, True), ("float32", "normalize_target = minmax", 0, True),
     ("float64", "normalize_target = minmax", 0, True), ("float32", "normalize_target = minmax", 1_700_000_000, False)],
)  # fmt: skip
def test_numbers_have_the_digits_that_give_them_again(dtype: str, keys: str, offset: int, shortest: bool, tmp_path: Path) -> None:
    """In the network's own precision, but not where that would lose what a large offset leaves."""
    shares = [0.0, 0.1, 0.2, 0.3, 0.7, 1.0]
    (tmp_path / "shares.csv").write_text("x,y\n" + "".join(f"{share},{share + offset}\n" for share in shares))
    (tmp_path / "shares.net").write_text(SHARES.format(dtype=dtype, keys=keys))
    netc.load(tmp_path / "shares.net").train(tmp_path, pictures=False)
    for name in ("out.csv", "out.parquet"):
        assert predict(tmp_path / "shares-1", "--data", tmp_path / "shares.csv", "-o", tmp_path / name) == 0
    texts = [row["predicted_y"] for row in table((tmp_path / "out.csv").read_text())]
    assert (
        texts == [str(share) for share in shares] if shortest else [float(t) for t in texts] == pytest.approx([s + offset for s in shares])
    )
    column = pq.read_table(tmp_path / "out.parquet")["predicted_y"]
    assert column.type == (pa.float32() if dtype == "float32" and shortest else pa.float64())
    assert [str(np.dtype(dtype if shortest else "float64").type(v)) for v in column.to_pylist()] == texts


def test_no_target_is_needed_and_other_columns_stay(folder: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text('\ufeffisland,id,depth,bill,species\nDream,"a, ""1""",18.0,035.10,?\n\nBiscoe,,17,4e1,\n', encoding="utf-8")
    assert predict(folder / "classes-1", "--data", new, "-o", tmp_path / "out.csv") == 0
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "island,id,depth,bill,species,predicted_species,probability_Adelie,probability_Chinstrap,probability_Gentoo"
    assert lines[1].startswith('Dream,"a, ""1""",18.0,035.10,?,') and lines[2].startswith("Biscoe,,17,4e1,,") and len(lines) == 3


def test_a_file_is_written_as_that_of_the_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.csv").write_text("a;b\n" + "".join(f"{i},5;{i},25\n" for i in range(20)))
    spec = NUMBERS.replace("mass", "b").replace('csv("penguins.csv")', 'csv("data.csv", delimiter=";", decimal=",")')
    (tmp_path / "numbers.net").write_text(spec.replace('  ignore = ["species"]\n', ""))
    path = netc.load(tmp_path / "numbers.net").train(tmp_path, pictures=False).path
    (tmp_path / "new.csv").write_text("a\n1,5\n2,75\n")
    assert predict(path, "--data", tmp_path / "new.csv") == 0
    found = capsys.readouterr().out.splitlines()
    assert found[0] == "a;predicted_b" and found[2].startswith("2,75;") and "." not in "".join(found)


@pytest.mark.parametrize("ending", ["tsv", "parquet"])
def test_other_files_give_the_same(ending: str, folder: Path, tmp_path: Path) -> None:
    names, given = ["bill", "depth", "island"], rows()[:7]
    new, out = tmp_path / f"new.{ending}", tmp_path / f"out.{ending}"
    (tmp_path / "new.csv").write_text("\n".join([",".join(names), *(",".join(row[:3]) for row in given)]) + "\n")
    if ending == "tsv":
        new.write_text("\n".join(["\t".join(names), *("\t".join(row[:3]) for row in given)]) + "\n")
    else:
        columns = {n: [row[i] if n == "island" else float(row[i]) for row in given] for i, n in enumerate(names)}
        pq.write_table(pa.table(columns), new)
    assert predict(folder / "numbers-1", "--data", new, "-o", out) == 0
    assert predict(folder / "numbers-1", "--data", tmp_path / "new.csv", "-o", tmp_path / "out.csv") == 0
    expected = [float(row["predicted_mass"]) for row in table((tmp_path / "out.csv").read_text())]
    if ending == "tsv":
        assert [float(row["predicted_mass"]) for row in table(out.read_text(), "\t")] == expected
    else:
        read = pq.read_table(out)
        assert (
            read.column_names == [*names, "predicted_mass"]
            and read["predicted_mass"].to_numpy().tolist() == np.array(expected, np.float32).tolist()
        )
        assert read["bill"].type == pa.float64()


def test_rows_that_are_left_out_have_no_prediction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which these are is said, with the first lines; a file without any is taken in silence."""
    (tmp_path / "data.csv").write_text("a,b\n" + "".join(f"{i},{i}\n" for i in range(20)))
    spec = NUMBERS.replace("mass", "b").replace("penguins", "data").replace('ignore = ["species"]', "missing = drop")
    (tmp_path / "numbers.net").write_text(spec)
    path = netc.load(tmp_path / "numbers.net").train(tmp_path, pictures=False).path
    (tmp_path / "new.csv").write_text("a,note\n1,x\n,y\n3,z\n")
    assert predict(path, "--data", tmp_path / "new.csv", "--best") == 0
    said = capsys.readouterr()
    found = table(said.out)
    assert [bool(row["predicted_b"]) for row in found] == [True, False, True] and [row["note"] for row in found] == ["x", "y", "z"]
    assert said.err == ("warning: a value is missing in 1 row of `new.csv` (line 3): no prediction there, as the network was trained "
                        "without such rows\n")  # fmt: skip
    (tmp_path / "gaps.csv").write_text("a,b\n" + "".join(f"{'' if i > 2 else i},{i}\n" for i in range(10)))
    for command, words in (("predict", "no prediction there"), ("eval", "left out, as the network")):
        assert main([command, str(path), "--data", str(tmp_path / "gaps.csv"), "--best"]) == 0
        said = capsys.readouterr()
        assert said.err.startswith(
            "warning: a value is missing in 7 rows of `gaps.csv` (line 5, line 6, line 7, line 8, line 9 and 2 more): "
        )
        assert words in said.err
        assert main([command, str(path), "--data", str(tmp_path / "data.csv"), "--best"]) == 0
        assert capsys.readouterr().err == ""


def test_what_is_missing_in_the_only_row_is_filled_in(tmp_path: Path) -> None:
    rows = "".join(f"{i % 7},{'red' if i % 3 else 'blue'},{i % 2}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(f"a,colour,y\n{rows},,1\n")
    spec = f"""network Filled {{
  input  x: [B, F]
  target y: [B, 1]
  p = x -> Linear(1)
  output p
  loss BCEWithLogitsLoss(p, y)
}}
data {{
  source  = csv("{tmp_path / "t.csv"}")
  missing = mean
  group colour {{ missing = most_frequent }}
}}
train {{ optimizer = SGD(lr=0.1)
  epochs = 2 }}
"""
    run = netc.load(spec).train(tmp_path / "runs", pictures=False).path
    (tmp_path / "one.csv").write_text("a,colour\n,\n")
    (tmp_path / "two.csv").write_text("a,colour\n,\n3,red\n")
    for name in ("one", "two"):
        assert main(["predict", str(run), "--data", str(tmp_path / f"{name}.csv"), "-o", str(tmp_path / f"{name}-out.csv")]) == 0
    one, two = ((tmp_path / f"{name}-out.csv").read_text().splitlines() for name in ("one", "two"))
    assert one == two[:2]


def test_outputs_that_nothing_is_known_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = """network Auto {
      input x: [B, 3]
      code = x -> Linear(2)
      back = code -> Linear(3)
      one = back -> Linear(1)
      output code, back, one
      loss MSELoss(back, x)
    }
    data = npz("rows.npz")
    train {
      optimizer = SGD(lr=0.1)
      epochs = 2
    }"""
    np.savez(tmp_path / "rows.npz", x=np.random.default_rng(0).normal(size=(6, 3)))
    (tmp_path / "auto.net").write_text(spec)
    path = netc.load(tmp_path / "auto.net").train(tmp_path, pictures=False).path
    assert predict(path, "--data", tmp_path / "rows.npz") == 0
    found = table(capsys.readouterr().out)
    assert len(found) == 6 and list(found[0]) == ["code_0", "code_1", "back_0", "back_1", "back_2", "one"]


# --- wrong --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bill,depht,island\n1,2,Dream\n", "the data has no column `depth`"),
        ("bill\n1\n", "the data has no columns `depth`, `island`"),
        ("bill,depth,island\n1,2,Dreem\n", "`island` has `Dreem` in line 2"),
        ("bill,depth,island\n1,2,Dream\n1,,Dream\n", "`depth`"),
        ("bill,depth,island\n1,x,Dream\n2,y,Dream\n", "`depth`"),
        ("bill,depth,island,predicted_species\n1,2,Dream,x\n", "has a column `predicted_species` already"),
        ("bill,depth,island\n", "has a header and no rows"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_with_a_file(text: str, words: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "new.csv").write_text(text)
    assert predict(folder / "classes-1", "--data", tmp_path / "new.csv", "-o", tmp_path / "out.csv") == 1
    said = capsys.readouterr().err
    assert words in said and "new.csv" in said and "^" not in said and not (tmp_path / "out.csv").exists()


WRONG: dict[str, tuple[Callable[[Path], list[object]], int, str]] = {
    "no such file": (lambda f: [f / "classes-1", "--data", f / "penguin.csv"], 1, "did you mean `penguins.csv`?"),
    "no such run": (lambda f: [f / "clases-1", "--data", f / "penguins.csv"], 1, "did you mean `classes-1`?"),
    "an ending": (lambda f: [f / "classes-1", "--data", f / "penguins.csv", "-o", f / "out.xlsx"], 1, "cannot be written as `.xlsx`"),
    "a file": (lambda f: [f / "classes-1", "--data", f / "classes.net"], 1, "is no file that netc reads"),
    "itself": (lambda f: [f / "classes-1", "--data", f / "penguins.csv", "-o", f / "penguins.csv"], 2, "would overwrite"),
    "no data": (lambda f: [f / "classes-1"], 2, "--data"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use(case: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, status, said = WRONG[case]
    assert predict(*words(folder)) == status
    assert said in capsys.readouterr().err


def test_a_run_that_did_not_end(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "half-1").mkdir()
    (tmp_path / "half-1" / "spec.net").write_bytes((folder / "classes-1" / "spec.net").read_bytes())
    assert predict(tmp_path / "half-1", "--data", folder / "penguins.csv") == 1
    assert "where it was killed, `netc train` begins a new run" in capsys.readouterr().err


def test_eval_of_a_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(folder / "numbers-1"), "--data", str(folder / "penguins.csv"), "--format", "json"]) == 0
    assert '"rows": 90' in capsys.readouterr().out
    (tmp_path / "new.csv").write_text("bill,depth,island\n1,2,Dream\n")
    assert main(["eval", str(folder / "numbers-1"), "--data", str(tmp_path / "new.csv")]) == 1
    assert "has no column `mass` to compare" in capsys.readouterr().err


def test_eval_of_the_rows_held_out(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = TRAINED["numbers"]
    held_out = [row for i, row in enumerate(rows()) if i not in set(result.prepared.rows.tolist())]
    (tmp_path / "held.csv").write_text("\n".join(["bill,depth,island,species,mass", *(",".join(row) for row in held_out)]) + "\n")
    assert main(["eval", str(result.path), "--data", str(tmp_path / "held.csv")]) == 0
    lines = dict(line.rsplit(None, 1) for line in capsys.readouterr().out.splitlines()[1:])
    for name in ("loss", "r2", "mean_absolute_error"):
        assert float(lines[name]) == pytest.approx(result.history.final[f"val_{name}"], rel=1e-4)


def test_an_unknown_class_in_the_data_of_a_run_is_one_error(tmp_path: Path) -> None:
    """It is told by its text; that nothing stands for it is no label -1, and no fault of an input."""
    lines = ["bill,depth,island,species,mass", *(",".join(row) for row in rows())]
    (tmp_path / "penguins.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "classes.net").write_text(CLASSES)
    netc.load(tmp_path / "classes.net").train(tmp_path, pictures=False)
    (tmp_path / "penguins.csv").write_text("\n".join(lines).replace("Gentoo", "Rockhopper") + "\n")
    with pytest.raises(netc.NetError) as caught:
        netc.open_run(tmp_path / "classes-1").evaluate()
    assert [(d.message, d.hint) for d in caught.value.diagnostics] == [
        ("`species` has `Rockhopper` in line 4, and the rows to train on have not", "a class must be there in training")
    ]


# --- a file that is written otherwise -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def commas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that was trained on a file of `;` and decimal commas."""
    base = tmp_path_factory.mktemp("commas")
    rows = [(i % 7 + 0.25, i % 5 + 0.5, i % 7 + i % 5) for i in range(30)]
    text = "area;rooms;price\n" + "".join(f"{a};{b};{c}\n" for a, b, c in rows)
    (base / "houses.csv").write_text(text.replace(".", ","))
    (base / "points.csv").write_text(text.replace(";", ","))
    spec = NUMBERS.replace("mass", "price").replace('"penguins.csv"', '"houses.csv", delimiter=";", decimal=","').replace('"species"', "")
    (base / "h.net").write_text(spec)
    netc.load(base / "h.net").train(base / "runs", name="h", pictures=False)
    return base


def test_a_decimal_comma_is_told_by_what_reads_it(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "new.csv").write_text("bill;depth;island\n35,5;18;Dream\n36,25;17;Dream\n")
    words = [str(folder / "classes-1"), "--data", str(tmp_path / "new.csv"), "--delimiter", ";"]
    assert main(["predict", *words]) == 1
    assert "holds texts, e.g. `35,5` in line 2" in (said := capsys.readouterr().err) and "hint: `--decimal ,` reads it" in said
    assert main(["predict", *words, "--decimal", ","]) == 0


def test_a_file_with_another_delimiter_and_decimal_point(commas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(commas / "runs" / "h-1")
    assert main(["predict", run, "--data", str(commas / "houses.csv")]) == 0
    expected = list(csv.reader(io.StringIO(capsys.readouterr().out.replace(",", ".")), delimiter=";"))
    assert main(["predict", run, "--data", str(commas / "points.csv"), "--delimiter", ",", "--decimal", "."]) == 0
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == expected
    assert main(["eval", run, "--data", str(commas / "points.csv"), "--delimiter", ",", "--decimal", "."]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "`points.csv` has a single column, `area,rooms,price`, as its values are not separated by `;`"),
        ([], "`--delimiter ','`"),
        (["--delimiter", ","], "another is given by `--decimal .`"),
        (["--delimiter", ",,"], "--delimiter takes one character"),
    ],
)
def test_how_a_file_is_written_is_asked_for(words: list[str], message: str, commas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(["predict", str(commas / "runs" / "h-1"), "--data", str(commas / "points.csv"), *words])
    except SystemExit as stop:
        status = int(str(stop.code))
    assert status and message in capsys.readouterr().err


def test_a_spec_is_no_run_and_a_path_of_the_command_line_is_no_specs(commas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(commas / "h.net"), "--data", "x.csv"]) == 1
    assert "is a spec, and what is wanted is the folder of a run" in capsys.readouterr().err
    assert main(["predict", str(commas / "runs" / "h-1"), "--data", str(commas / "nothing-like-it.csv")]) == 1
    said = capsys.readouterr().err
    assert "there is no file `nothing-like-it.csv`" in said and "relative" not in said
