"""Predictions and values of a run in Python: the same as the commands give, whatever holds the rows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import netc
from netc.cli import main

CITIES = ["Berlin", "Paris", "Rome"]
SPEC = """
network Churn {
  input  x: [B, F]
  target left: int64[B]
  p = x -> Linear(8) -> ReLU -> Linear(2)
  output p
  loss CrossEntropyLoss(p, left)
}
data {
  source = csv("churn.csv")
  ignore = ["id"]
  validation = 0.25
  normalize = standard
  missing = drop
}
train {
  optimizer = Adam(lr=0.1)
  epochs = 30
}
"""
PLACES = """
network Places {
  input  image: [B, 2, 3]
  input  hour: [B, 1]
  target y: [B, 1]
  p = (image -> flatten(1) -> Linear(1)) + (hour -> Linear(1))
  output p
  loss MSELoss(p, y)
}
data {
  source = npz("places.npz")
  validation = 0.25
  normalize = standard
  normalize_target = standard
}
train {
  optimizer = SGD(lr=0.1)
  epochs = 2
}
"""


def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    months, city = random.integers(0, 60, 80), random.integers(0, 3, 80)
    paid = np.round(random.uniform(20, 90, 80), 2)
    left = np.where(months + 10 * city < 35, "yes", "no")
    plan = np.array(["10", "a", "b", "c", "d"])[random.integers(0, 5, 80)]
    columns = {"plan": plan, "id": [f"C{i}" for i in range(80)], "months": months, "city": [CITIES[c] for c in city], "paid": paid}
    return pd.DataFrame(columns | {"mail": paid > 50, "left": left})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs churn-1 and places-1, and their data."""
    base = tmp_path_factory.mktemp("churn")
    rows().to_csv(base / "churn.csv", index=False)
    random = np.random.default_rng(1)
    arrays = {"image": random.normal(size=(40, 2, 3)), "hour": random.integers(0, 24, 40), "y": random.normal(5, 3, 40)}
    np.savez(base / "places.npz", **arrays)  # type: ignore[arg-type]
    for name, text in (("churn", SPEC), ("places", PLACES)):
        (base / f"{name}.net").write_text(text)
        netc.load(base / f"{name}.net").train(base, pictures=False)
    return base


WAYS: dict[str, Callable[[Path], Any]] = {
    "pandas": lambda base: rows(),
    "pandas, of Arrow's types": lambda base: rows().convert_dtypes(dtype_backend="pyarrow"),
    "pandas, other index and order": lambda base: rows().set_index("id")[["mail", "paid", "city", "plan", "months"]],
    "pandas, categories": lambda base: rows().astype({"city": "category"}),
    "pyarrow": lambda base: pa.Table.from_pandas(rows()),
    "lists": lambda base: rows().drop(columns="left").to_dict("list"),
    "arrays": lambda base: {name: column.to_numpy() for name, column in rows().items()},
    "tensors": lambda base: {n: torch.tensor(c.to_numpy()) if n in ("months", "paid") else list(c) for n, c in rows().items()},
    "file": lambda base: base / "churn.csv",
    "text": lambda base: str(base / "churn.csv"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_predictions_are_those_of_the_command(way: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(folder / "churn-1"), "--data", str(folder / "churn.csv"), "--best"]) == 0
    written = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    found = netc.open_run(folder / "churn-1").predict(WAYS[way](folder), best=True)
    assert list(found) == ["predicted_left", "probability_no", "probability_yes"] == list(written[0])[7:]
    assert {name: [str(value) for value in column] for name, column in found.items()} == {n: [row[n] for row in written] for n in found}


def test_a_data_frame_takes_them_as_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = rows().iloc[20:25]
    found = frame.assign(**netc.open_run(folder / "churn-1").predict(frame))
    assert list(found)[6:] == ["left", "predicted_left", "probability_no", "probability_yes"] and list(found.index) == [20, 21, 22, 23, 24]
    assert main(["predict", str(folder / "churn-1"), "--data", str(folder / "churn.csv"), "-o", str(folder / "out.csv")]) == 0
    assert found["predicted_left"].tolist() == pd.read_csv(folder / "out.csv")["predicted_left"][20:25].tolist()


def test_columns_are_what_they_were_in_training(folder: Path) -> None:
    """Texts stay texts also where they are numbers, and what is empty in all of a few rows is missing, not of another kind."""
    run, few = netc.open_run(folder / "churn-1"), rows()[lambda frame: frame["plan"] == "10"].iloc[:3]
    expected, found = run.predict(few), run.predict(few.assign(plan=few["plan"].astype(int)))
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    with pytest.raises(netc.NetError, match="no row of the data has a value in every column"):
        run.predict(few.assign(plan=[None] * 3, paid=[None] * 3))


def test_several_inputs_by_name(folder: Path) -> None:
    run, arrays = netc.open_run(folder / "places-1"), dict(np.load(folder / "places.npz"))
    expected = run.predict(folder / "places.npz")["predicted_y"]
    assert np.array_equal(run.predict({"image": arrays["image"].tolist(), "hour": arrays["hour"]})["predicted_y"], expected)
    assert run.evaluate(arrays)["data"] == run.evaluate(folder / "places.npz")["places.npz"]


def test_an_array_has_the_columns_of_the_training(tmp_path: Path) -> None:
    spec = SPEC.replace('csv("churn.csv")', "sklearn.make_moons(n_samples=60, random_state=0)").replace("left", "y")
    run = netc.open_run(netc.load(spec.replace('  ignore = ["id"]\n', "")).train(tmp_path, pictures=False).path)
    points = np.random.default_rng(0).normal(size=(5, 2))
    expected = run.predict({"x0": points[:, 0], "x1": points[:, 1]})
    for array in (points, torch.tensor(points)):
        found = run.predict(array)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)
    with pytest.raises(netc.NetError, match=r"the array is \[5, 1\], and the network was trained with \[n, 2\]"):
        run.predict(points[:, :1])


def test_an_array_is_taken_in_every_form(tmp_path: Path) -> None:
    """What is masked counts as NaN does, whatever stands under the mask; a tensor may have a gradient, or a dtype that numpy lacks."""
    spec = SPEC.replace('csv("churn.csv")', "sklearn.make_moons(n_samples=60, random_state=0)").replace("left", "y")
    spec = spec.replace('  ignore = ["id"]\n', "").replace("missing = drop", "missing = mean")
    run = netc.open_run(netc.load(spec).train(tmp_path, pictures=False).path)
    points = np.array([[1.0, 2.0], [-3.0, 4.0]])
    holes = np.array([[np.nan, 2.0], [-3.0, 4.0]])
    masked, whole = (np.ma.masked_array(points.astype(kind), [[True, False], [False, False]]) for kind in (float, int))
    forms: dict[str, tuple[Any, Any]] = {
        "masked": (masked, holes),
        "masked, whole numbers": (whole, holes),
        "masked columns": ({"x0": whole[:, 0], "x1": points[:, 1]}, holes),
        "nothing masked": (np.ma.masked_array(points), points),
        "gradient": (torch.tensor(points, requires_grad=True), points),
        "bfloat16": (torch.tensor(points, dtype=torch.bfloat16), points),
        "columns": ({"x0": torch.tensor(points[:, 0], requires_grad=True), "x1": torch.tensor(points[:, 1]).bfloat16()}, points),
    }
    for name, (form, plain) in forms.items():
        found, expected = run.predict(form), run.predict(plain)
        assert all(np.array_equal(found[column], expected[column]) for column in expected), name
    assert not np.array_equal(run.predict(masked)["probability_1"], run.predict(points)["probability_1"])
    for nothing in (np.ones((0, 2)), torch.ones(0, 2), {"x0": np.ones(0), "x1": []}):
        with pytest.raises(netc.NetError, match="the data has no rows"):
            run.predict(nothing)
    with pytest.raises(netc.NetError, match=r"the data is a Tensor that cannot be read: .*to_dense"):
        run.predict(torch.eye(2).to_sparse())


def test_arrays_of_rows_may_have_a_mask_or_a_gradient(folder: Path) -> None:
    run, images = netc.open_run(folder / "places-1"), np.random.default_rng(0).normal(size=(2, 2, 3))
    expected = run.predict({"image": images, "hour": [1, 2]})["predicted_y"]
    found = run.predict({"image": [torch.tensor(image, requires_grad=True) for image in images], "hour": [1, 2]})
    assert np.array_equal(found["predicted_y"], expected)
    for masked in (np.ma.masked_greater(images, 0), [np.ma.masked_greater(image, 0) for image in images]):
        with pytest.raises(netc.NetError, match="missing"):
            run.predict({"image": masked, "hour": [1, 2]})


def test_one_network_for_many_calls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, frame = netc.open_run(folder / "churn-1"), rows()
    every = {best: run.predict(frame, best) for best in (False, True)}
    monkeypatch.setattr(netc.Network, "module", lambda self: pytest.fail("a module is made anew"))
    for best, whole in every.items():
        single = [run.predict(frame.iloc[i : i + 1], best)["probability_yes"][0] for i in range(3)]
        assert single == pytest.approx(whole["probability_yes"][:3], rel=1e-5)
        assert run.evaluate(frame, best)["data"]["rows"] == 80
    assert not np.array_equal(every[False]["probability_yes"], every[True]["probability_yes"])


def test_the_values_are_those_of_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = netc.open_run(folder / "churn-1")
    for flags, best in (([], False), (["--best"], True)):
        assert main(["eval", str(run.path), *flags, "--format", "json"]) == 0
        assert run.evaluate(best=best) == json.loads(capsys.readouterr().out)
        assert main(["eval", str(run.path), *flags, "--data", str(folder / "churn.csv"), "--format", "json"]) == 0
        written = json.loads(capsys.readouterr().out)
        assert run.evaluate(folder / "churn.csv", best) == written and run.evaluate(rows(), best) == {"data": written["churn.csv"]}


def without(*names: str, **values: Any) -> dict[str, Any]:
    """Two rows as a dict, without these columns, with these instead of its own."""
    return {n: v for n, v in rows().iloc[:2].to_dict("list").items() if n not in names} | values


WRONG: dict[str, tuple[str, Any, str]] = {
    "no column": ("churn", without("paid", payd=[1, 2]), "the data has no column `paid`.*did you mean `payd`"),
    "a text": ("churn", without(city=["Paris", "paris"]), "`city` has `paris` in row 1"),
    "texts for numbers": ("churn", without(paid=["x", "y"]), "`paid` holds texts, e.g. `x` in row 0"),
    "mixed": ("churn", without(paid=[1.5, "y"]), "the column `paid` cannot be read"),
    "missing": ("churn", without(paid=[None, 2.5]), "a value is missing in 1 row of `data` .row 0.*`missing = median`"),
    "NaN": ("churn", rows().assign(paid=np.nan), "no row of the data has a value in every column"),
    "infinite": ("churn", without(paid=[2.5, np.inf]), "infinite: 1 in `paid`, first in row 1"),
    "a value": ("churn", without(paid=2.5), r"`paid` is a single value, 2.5.*`{'paid': \[2.5\]}`"),
    "a text as a column": ("churn", without(city="Paris"), "`city` is a single value, 'Paris'"),
    "a generator": ("churn", without(paid=(x for x in (1.0, 2.0))), r"`paid` is a generator.*`list\(…\)` makes one"),
    "large": ("churn", without(paid=[2**70, 1]), "`paid` cannot be read: a whole number needs more than 64 bits.*as floats"),
    "an axis too many": ("churn", without(paid=[[1.0], [2.0]]), r"`paid` holds arrays.*one value a row is \[n\], and this is \[n, 1\]"),
    "unequal": ("churn", without(paid=[2.5]), "not all the same number of rows.*`paid` 1"),
    "no rows": ("churn", rows().iloc[:0], "the data has no rows"),
    "no rows, lists": ("churn", {name: [] for name in rows()}, "the data has no rows"),
    "rows": ("churn", rows().to_dict("records"), "the data is a list.*a data frame, a dict of columns by name"),
    "texts in an array": ("churn", rows().to_numpy(), "the array holds object, which is no number"),
    "no file": ("churn", "none.csv", "there is no file `none.csv`"),
    "an array for two": ("places", np.zeros((3, 7)), "has the inputs `image`, `hour`, and an array does not say"),
    "a shape": (
        "places",
        {"image": np.zeros((3, 3, 2)), "hour": [1, 2, 3]},
        r"`image` is \[n, 3, 2\], and the network was trained with \[n, 2, 3\]",
    ),
    "ragged": ("places", {"image": [[[1.0]], [[1.0, 2.0]]], "hour": [1, 2]}, "`image` cannot be read"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_the_rows(case: str, folder: Path) -> None:
    name, data, words = WRONG[case]
    with pytest.raises(netc.NetError, match=f"(?s){words}"):
        netc.open_run(folder / f"{name}-1").predict(data)


def test_evaluation_needs_the_target(folder: Path) -> None:
    with pytest.raises(netc.NetError, match="`data` has no column `left` to compare the predictions with"):
        netc.open_run(folder / "churn-1").evaluate(rows().drop(columns="left"))


TOKENS = """
network Tokens {
  input  tokens: int64[B, 3]
  target y: int64[B]
  p = tokens -> Embedding(5, 4) -> mean(1) -> Linear(2)
  output p
  loss CrossEntropyLoss(p, y)
}
data { source = npz("tokens.npz") }
train {
  optimizer = SGD(lr=0.1)
  epochs = 1
}
"""


def test_values_that_a_layer_or_loss_has_not_are_told_by_their_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A look-up and a loss of classes take the numbers that they were made for, in prediction as in training."""
    random = np.random.default_rng(0)
    tokens, y = random.integers(0, 5, (20, 3)), random.integers(0, 2, 20)
    np.savez(tmp_path / "tokens.npz", tokens=tokens, y=y)
    (tmp_path / "tokens.net").write_text(TOKENS)
    netc.load(tmp_path / "tokens.net").train(tmp_path, pictures=False)
    run = netc.open_run(tmp_path / "tokens-1")
    other, label = tokens.copy(), y.copy()
    other[7, 2], label[4] = 9, 6
    np.savez(tmp_path / "other.npz", tokens=other, y=label)
    entry, labels = ("`Embedding` has the entries 0 to 4, and 1 value of the data is none of them, e.g. 9 in row 7",
                     "`CrossEntropyLoss` has 2 classes, 0 to 1, and 1 label of the data is none of them, e.g. 6 in row 4")  # fmt: skip
    for command in ("predict", "eval"):
        assert main([command, str(tmp_path / "tokens-1"), "--data", str(tmp_path / "other.npz")]) == 1
        said = capsys.readouterr().err
        assert entry in said and (labels in said) == (command == "eval")
    with pytest.raises(netc.NetError, match=r"entries 0 to 4.*in row 7"):
        run.predict({"tokens": other})
    assert len(run.predict({"tokens": tokens, "y": label})["predicted_y"]) == 20  # a prediction looks at no labels
