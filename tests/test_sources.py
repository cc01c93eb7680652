"""Sources of data: each trains a spec on real data, and what is wrong with a file is said with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import sklearn.datasets

import netc
from netc import NetError
from netc.data.columns import Columns
from netc.data.preprocessing import Preprocessing
from netc.data.sources import load_data, load_table
from netc.ops.sources import SOURCES
from tests.data_specs import CLASSES, HOUSE, HOUSES, NUMBERS, csv, here, prepared, problem, spec, table_of

# --- scikit-learn -------------------------------------------------------------------------------------------------

SKLEARN: dict[str, dict[str, str]] = {
    "make_classification": {}, "make_moons": {}, "make_circles": {}, "make_blobs": {**CLASSES, "p": "Linear(3)"},
    "make_gaussian_quantiles": {**CLASSES, "p": "Linear(3)"}, "make_hastie_10_2": {"loss": "SoftMarginLoss(p, y)"},
    "make_multilabel_classification": {"y": "[B, 5]", "p": "Linear(5)"}, "make_regression": NUMBERS, "make_friedman1": NUMBERS,
    "make_friedman2": NUMBERS, "make_friedman3": NUMBERS, "make_sparse_uncorrelated": NUMBERS, "make_s_curve": NUMBERS,
    "make_swiss_roll": NUMBERS, "load_breast_cancer": {}, "load_iris": {**CLASSES, "p": "Linear(3)"},
    "load_wine": {**CLASSES, "p": "Linear(3)"}, "load_digits": {**CLASSES, "p": "Linear(10)", "keys": "ignore = []"},
    "load_diabetes": NUMBERS, "load_linnerud": {**NUMBERS, "y": "[B, 3]", "p": "Linear(3)"},
}  # fmt: skip


@pytest.mark.parametrize("name", SKLEARN)
def test_scikit_learn(name: str, tmp_path: Path) -> None:
    """The arrays are scikit-learn's own, with its names."""
    net = here(tmp_path, spec(f"sklearn.{name}({'random_state=0' if name.startswith('make') else ''})", **SKLEARN[name]))
    assert not [d for d in net.check_data() if d.severity == "error"]
    table = net.table
    assert table is not None
    theirs: Any = getattr(sklearn.datasets, name)(**({"random_state": 0} if name.startswith("make") else {}))
    features, target = theirs if isinstance(theirs, tuple) else (theirs.data, theirs.target)
    assert np.array_equal(table.features, features) and np.array_equal(table.target, target)
    if not isinstance(theirs, tuple):
        assert list(table.feature_names) == list(theirs.feature_names)
    data = prepared(net)
    assert data.train[0].shape == features.shape and len(data.train[1]) == len(target)


def test_every_source_of_scikit_learn_is_tested() -> None:
    ours = {r.name.removeprefix("sklearn.") for r in SOURCES if r.name.startswith("sklearn.")}
    assert ours == {*SKLEARN, "make_low_rank_matrix"}
    tables = {n for n in dir(sklearn.datasets) if n.startswith(("make_", "load_"))}
    matrices = {"make_biclusters", "make_checkerboard", "make_sparse_coded_signal", "make_sparse_spd_matrix", "make_spd_matrix"}
    files = {"load_files", "load_sample_image", "load_sample_images", "load_svmlight_file", "load_svmlight_files"}
    assert tables - ours == matrices | files


def test_names_of_classes_are_kept(tmp_path: Path) -> None:
    names = prepared(here(tmp_path, spec("sklearn.load_iris()", **CLASSES, p="Linear(3)"))).preprocessing.classes
    assert names == ("setosa", "versicolor", "virginica")
    assert prepared(here(tmp_path, spec("sklearn.load_breast_cancer()"))).preprocessing.classes == ("malignant", "benign")


def test_features_without_a_target(tmp_path: Path) -> None:
    text = "network N {\n input x: [B, F]\n p = x -> Linear(2) -> Linear(100)\n output p\n loss mean((p - x) ** 2)\n}\n"
    net = here(tmp_path, text + "data = sklearn.make_low_rank_matrix()")
    assert [a.shape for a in prepared(net).train] == [(100, 100)]


def test_one_of_three_targets_by_its_name(tmp_path: Path) -> None:
    text = spec("sklearn.load_linnerud()", loss="MSELoss(p, Pulse)").replace("target y", "target Pulse")
    data: Any = sklearn.datasets.load_linnerud()
    assert prepared(here(tmp_path, text)).train[1][:, 0].tolist() == data.target[:, 2].tolist()


# --- files --------------------------------------------------------------------------------------------------------


def test_csv(tmp_path: Path) -> None:
    net = here(tmp_path, spec(csv(tmp_path), **HOUSE))
    data = prepared(net)
    assert data.validation is not None and data.test is not None
    assert [len(part[0]) for part in (data.train, data.validation, data.test)] == [36, 12, 12]
    assert data.train[0].shape[1] == 6  # two numbers, three cities, a bool
    assert [e.kind for e in data.preprocessing.inputs[0].encodings] == ["number", "number", "category", "bool"]
    row = int(data.rows[0])
    city = ["Bonn", "Köln", "Ulm"][row % 3]
    assert data.train[0][0, 2:5].tolist() == [float(c == city) for c in ("Bonn", "Köln", "Ulm")] and data.train[0][0, 5] == row % 2
    price = data.preprocessing.undo(data.train[1])
    assert np.allclose(price[:, 0], data.rows * 1000 + 500)
    result = net.train(tmp_path / "runs", pictures=False)
    again = netc.load(result.path / "spec.net")  # its path holds from anywhere
    assert again.data is not None and len(load_data(again.data)) == 60
    record = json.loads((result.path / "run.json").read_text())["preprocessing"]
    assert Preprocessing.from_record(record) == result.prepared.preprocessing


def test_the_column_to_predict_is_said_by_the_source(tmp_path: Path) -> None:
    csv(tmp_path)
    pq.write_table(pacsv.read_csv(tmp_path / "houses.csv"), tmp_path / "houses.parquet")
    expected = prepared(here(tmp_path, spec('csv("houses.csv")', **HOUSE)))
    keys = HOUSE["keys"].replace('y = "price"\n', "")
    for source in ('csv("houses.csv", target="price")', 'csv("houses.csv", target=["price"])', 'parquet("houses.parquet", target="price")'):
        found = prepared(here(tmp_path, spec(source, **{**HOUSE, "keys": keys})))
        assert all(map(np.array_equal, found.train, expected.train))
    two = prepared(
        here(tmp_path, spec('csv("houses.csv", target=["rooms", "price"])', **{**HOUSE, "keys": "", "y": "[B, 2]", "p": "Linear(2)"}))
    )
    assert two.train[1][:2].tolist() == [[1, 500], [2, 1500]]
    said = problem(lambda: prepared(here(tmp_path, spec('csv("houses.csv", target="prise")', **{**HOUSE, "keys": ""}))))
    assert "no column `prise`" in said and "did you mean `price`" in said


def test_classes_are_not_scaled(tmp_path: Path) -> None:
    keys = 'y = "city"\n  normalize_target = standard'
    said = problem(lambda: prepared(here(tmp_path, spec(csv(tmp_path), x="[B, 4]", **{**CLASSES, "keys": keys, "p": "Linear(3)"}))))
    assert "`normalize_target = standard` scales quantities, and `y` holds none" in said


def test_parquet_is_as_csv(tmp_path: Path) -> None:
    csv(tmp_path)
    pq.write_table(pacsv.read_csv(tmp_path / "houses.csv"), tmp_path / "houses.parquet")
    left = prepared(here(tmp_path, spec('csv("houses.csv")', **HOUSE)))
    right = prepared(here(tmp_path, spec('parquet("houses.parquet")', **HOUSE)))
    assert all(map(np.array_equal, left.train, right.train)) and left.preprocessing == right.preprocessing


IMAGES = """
network Images {
  input image: [B, 1, 8, 8]
  input age: [B]
  target label: int64[B]
  p = image -> Conv2d(4, 3) -> ReLU -> flatten(1) -> Linear(10)
  output p + reshape(age, [-1, 1])
  loss CrossEntropyLoss(p, label)
}
data {
  source    = npz("digits.npz")
  age       = "years"
  normalize = max
}
train {
  optimizer = Adam(lr=0.01)
  epochs = 1
}
"""


def test_npz_feeds_inputs_by_name(tmp_path: Path) -> None:
    digits: Any = sklearn.datasets.load_digits()
    years = np.arange(len(digits.target), dtype=np.float32)
    np.savez(tmp_path / "digits.npz", label=digits.target, image=digits.images[:, None], years=years)
    net = here(tmp_path, IMAGES)
    image, age, label = prepared(net).train
    assert image.shape == (1797, 1, 8, 8) and age.shape == label.shape == (1797,)
    assert np.array_equal(image, (digits.images[:, None] / digits.images.max()).astype(np.float32))
    assert np.array_equal(label, digits.target)
    assert net.train(tmp_path / "runs", pictures=False).history.epochs == 1


def test_npy(tmp_path: Path) -> None:
    digits: Any = sklearn.datasets.load_digits()
    np.save(tmp_path / "x.npy", digits.data)
    np.save(tmp_path / "y.npy", digits.target)
    net = here(tmp_path, spec('npy("x.npy", "y.npy")', **CLASSES, p="Linear(10)"))
    assert np.array_equal(prepared(net).train[0], digits.data.astype(np.float32))
    assert isinstance(table_of(net).parts[0].values, np.memmap)


MY_DATA = """
import numpy as np


def pairs():
    return np.ones((30, 2)) * np.arange(30)[:, None], np.arange(30) % 2


def arrays():
    return {"x": np.arange(60.0).reshape(30, 2), "y": np.arange(30) % 2}


def frame():
    import pyarrow as pa

    return pa.table({"a": range(30), "b": range(30), "y": ["no", "yes"] * 15})


def broken():
    raise ValueError("no luck")
"""


@pytest.mark.parametrize("function", ["my_data.py:pairs", "my_data:arrays", "my_data:frame"])
def test_python(function: str, tmp_path: Path) -> None:
    import sys

    (tmp_path / "my_data.py").write_text(MY_DATA)
    try:
        data = prepared(here(tmp_path, spec(f'python("{function}")')))
    finally:
        sys.modules.pop("my_data", None)
    assert data.train[0].shape == (30, 2) and data.train[1][:, 0].tolist() == [0.0, 1.0] * 15


@pytest.mark.parametrize("made, words", [
    ("np.ma.masked_equal(x, 2), y", "missing"), ("{'a': np.ma.masked_equal(x[:, 0], 2), 'b': x[:, 1], 'y': y}", "missing"),
    ("[[1.0, 2.0], [3.0]], [0, 1]", "`features` is no array: "),
    ("{'a': [1.0, [2.0]], 'y': [0, 1]}", "`a` is no array"),
], ids=["masked", "a masked column", "ragged", "a ragged column"])  # fmt: skip
def test_what_python_gives_is_not_taken_for_something_else(made: str, words: str, tmp_path: Path) -> None:
    import sys

    text = f"import numpy as np\n\ndef load():\n    x, y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])\n    return {made}\n"
    (tmp_path / "made.py").write_text(text)
    try:
        assert words in problem(lambda: prepared(here(tmp_path, spec('python("made.py:load")'))))
    finally:
        sys.modules.pop("made", None)


def test_python_runs_only_where_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "my_data.py").write_text("raise SystemExit('it ran')")
    (tmp_path / "net.net").write_text(spec('python("my_data.py:load")', x="[B, 2]"))
    said = problem(lambda: netc.load(tmp_path / "net.net"))
    assert said.startswith("use: `my_data.py:load` is Python, which would run on this machine (if you trust it: --allow-python")


# --- what is wrong ------------------------------------------------------------------------------------------------

X, Y = "a,b,y\n", "1,2,0\n3,4,1\n"
# the text of the file, options of the spec, and what is said
WRONG: list[tuple[str, dict[str, str], str]] = [
    ("", {}, "data: `data.csv` is empty"),
    (X, {}, "data: `data.csv` has a header and no rows"),
    ("a;b;y\n1;2;0\n", {}, "has a single column, `a;b;y`, as its values are not separated by `,` (write `delimiter=\";\"`)"),
    ("a,a,y\n1,2,3\n", {}, "data: `data.csv` has more than one column `a`"),
    (X + Y + "1,2\n", {}, "data: line 4 of `data.csv` has 2 values, and there are 3 columns"),
    (X + Y + "1,2,0,4\n", {}, "data: line 4 of `data.csv` has 4 values, and there are 3 columns"),
    (X + Y * 9 + "1,oops,1\n" + Y, {}, "data-value: the column `b` holds numbers, but `oops` in line 20, and feeds `x` (correct it"),
    (X + "TRUE,2,0\ntrue,3,1\n0,3,1\n1,2,1\n", {}, "data-value: the column `a` holds true and false both in words and as 1 and 0, "
                                                  "e.g. `TRUE` in line 2, and feeds `x` (write all of them in one way"),
    (X + Y + ",2,1\n,,1\n", {}, "data-value: the data has 3 values that are missing: 2 in `a`, first in line 4; 1 in `b`, first in line 5 "
                                "(`missing = drop`"),
    (X + Y + "inf,2,1\n", {}, "data-value: the data has 1 value that is infinite: 1 in `a`, first in line 4 (correct these"),
    (X + ",2,0\n,3,1\n", {}, "data-value: the column `a` is empty in every row, and feeds `x` (leave it out: `ignore = [\"a\"]`"),
    (X + "2024-01-02,2,0\n2024-02-03,1,1\n", {}, "data-value: the column `a` holds dates, and feeds `x` (make numbers of them"),
    (X + "".join(f"name{i},2,{i % 2}\n" for i in range(20)), {}, "data-value: the column `a` has another text in every row"),
    ("a,b,z\n" + Y, {}, "data-shape: no column of the data is called `y`; it has `a`, `b`, `z` "
                        "(say in the `data` section which it is, e.g. `y = \"z\"`)"),
    (X + Y, {"keys": 'x = ["a", "bb"]'}, "data: the data has no column `bb` (did you mean `b`?)"),
    (X + Y, {"keys": 'ignore = "c"'}, "data: the data has no column `c`"),
    (X + Y, {"x": "[B, 3]"}, "data-shape: `x` is declared [B, 3], and the data has features [2, 2] (declare `input x: [B, 2]`"),
    (X + "1,2,red\n1,3,blue\n2,2,green\n", {}, "data-shape: `y` is declared [B, 1], and the data has 3 classes "
                                               "(declare `target y: int64[B]`, and send 3 scores, `Linear(3)`, into `CrossEntropyLoss`"),
    (X + Y + "1,,1\n", {"keys": "missing = drop\n  validation = 0.9"}, "data: `validation = 0.9` of 2 rows leaves none to train on"),
    (X + ",2,1\n1,,1\n", {"keys": "missing = drop"}, "data: no row of the data has a value in every column"),
    (X + Y + "3,4,\n", {"keys": "missing = mean"}, "data-value: the data has 1 value that is missing: 1 in `y`, first in line 4"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "said"), WRONG)
def test_what_is_wrong_with_a_csv(text: str, options: dict[str, str], said: str, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(text)
    options = {"x": "[B, 2]"} | options
    assert said in problem(lambda: prepared(here(tmp_path, spec('csv("data.csv")', **options))))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    csv(tmp_path)
    said = problem(lambda: prepared(here(tmp_path, spec('csv("house.csv")', x="[B, 2]"))))
    assert said == "data: there is no file `house.csv` (did you mean `houses.csv`?)"
    assert "there is no folder `data`" in problem(lambda: prepared(here(tmp_path, spec('csv("data/house.csv")', x="[B, 2]"))))


def test_encodings(tmp_path: Path) -> None:
    csv(tmp_path, encoding="latin1")
    said = problem(lambda: prepared(here(tmp_path, spec('csv("houses.csv")', **{**HOUSE, "x": "[B, 6]"}))))
    assert said.startswith("data: `houses.csv` is not written in utf8: line 3 cannot be read") and 'encoding="latin1"' in said
    net = here(tmp_path, spec('csv("houses.csv", encoding="latin1")', **HOUSE))
    assert prepared(net).preprocessing.inputs[0].encodings[2].categories == ("Bonn", "Köln", "Ulm")


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [("a.npz", 'npz("a.npz")', "cannot be read as arrays of numpy"), ("a.npy", 'npy("a.npy")', "cannot be read as an array of numpy"),
     ("a.parquet", 'parquet("a.parquet")', "cannot be read as Parquet")],
)  # fmt: skip
def test_files_that_are_something_else(name: str, source: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"this is no such file")
    assert said in problem(lambda: prepared(here(tmp_path, spec(source, x="[B, 2]"))))


def test_the_index_of_a_frame_is_no_column(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    (tmp_path / "shuffled.py").write_text(
        "import pandas\ndef load():\n    return pandas.DataFrame({'a': range(9), 'y': [0, 1, 1] * 3}).sample(frac=1, random_state=0)\n"
    )
    assert table_of(here(tmp_path, spec('python("shuffled.py:load")'))).names == ("a", "y")


# --- the same for other data --------------------------------------------------------------------------------------


def test_other_data_gets_the_same(tmp_path: Path) -> None:
    data = prepared(here(tmp_path, spec(csv(tmp_path), **HOUSE)))
    applied = Preprocessing.from_record(json.loads(json.dumps(data.preprocessing.record))).apply(load_table(tmp_path / "houses.csv"))
    assert applied.targets is not None
    assert np.array_equal(applied.inputs[0][data.rows], data.train[0]) and np.array_equal(applied.targets[0][data.rows], data.train[1])
    csv(tmp_path, "city,garden,rooms,area\nUlm,true,3,50\n", "new.csv")
    new = data.preprocessing.apply(load_table(tmp_path / "new.csv", data.preprocessing))
    assert new.targets is None and new.inputs[0].shape == (1, 6) and new.inputs[0][0, 2:].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [("area,rooms,garden\n1,2,true\n", "the data has no column `city`, which the network was trained with"),
     ("area,rooms,city,garden\n1,2,Rom,true\n", "`city` has `Rom` in line 2, and the rows to train on have not"),
     ("area,rooms,city,garden\n1,two,Ulm,true\n", "`rooms` holds texts, e.g. `two` in line 2, and the network was trained"),
     ("area,rooms,city,garden\n1,,Ulm,true\n", "1 value that is missing: 1 in `rooms`, first in line 2")],
)  # fmt: skip
def test_other_data_that_does_not_fit(text: str, said: str, tmp_path: Path) -> None:
    preprocessing = prepared(here(tmp_path, spec(csv(tmp_path), **HOUSE))).preprocessing
    csv(tmp_path, text, "new.csv")
    with pytest.raises(NetError, match=re.escape(said)):
        preprocessing.apply(load_table(tmp_path / "new.csv", preprocessing))


def test_texts_that_spell_numbers_stay_texts(tmp_path: Path) -> None:
    plates = "plate,y\n" + "".join(f"{['A1', '7', 'B2'][i % 3]},{i % 2}\n" for i in range(30))
    preprocessing = prepared(here(tmp_path, spec(csv(tmp_path, plates)))).preprocessing
    csv(tmp_path, "plate\n7\n7\n", "new.csv")
    assert preprocessing.apply(load_table(tmp_path / "new.csv", preprocessing)).inputs[0].tolist() == [[1, 0, 0]] * 2


def test_unknown_texts_are_none_of_the_known_where_that_is_said(tmp_path: Path) -> None:
    options = {**HOUSE, "keys": HOUSE["keys"] + "\n  unknown = ignore"}
    preprocessing = prepared(here(tmp_path, spec(csv(tmp_path), **options))).preprocessing
    csv(tmp_path, "area,rooms,city,garden\n1,2,Rom,true\n", "new.csv")
    assert preprocessing.apply(load_table(tmp_path / "new.csv")).inputs[0][0, 2:5].tolist() == [0, 0, 0]


@pytest.mark.parametrize("keys", ["", "unknown = ignore"])
def test_unknown_texts_of_a_look_up_and_of_a_class_are_told_apart(keys: str, tmp_path: Path) -> None:
    """An input is no class; where it is a number, nothing stands for what is unknown."""
    rows = "".join(f"{'uvw'[i % 3]},{'no' if i % 2 else 'yes'}\n" for i in range(30))
    options = {"x": "int64[B]", "p": "Embedding(4, 1)", "keys": keys}
    preprocessing = prepared(here(tmp_path, spec(csv(tmp_path, f"a,y\n{rows}"), **options))).preprocessing
    for row, hint in (("thick,no", "an `int64` input has a number for each text"), ("u,maybe", "a class must be there in training")):
        csv(tmp_path, f"a,y\n{row}\n", "new.csv")
        assert hint in problem(lambda: preprocessing.apply(load_table(tmp_path / "new.csv")))
    csv(tmp_path, f"a,y\n{rows}" + "".join(f"rare{i},yes\n" for i in range(8)))
    said = problem(lambda: prepared(here(tmp_path, spec('csv("houses.csv")', **{**options, "keys": f"{keys}\n  validation = 0.5"}))))
    assert "rows to train on have not (an `int64` input has a number for each text" in said


def test_nothing_of_the_held_out_rows_is_in_what_was_fitted(tmp_path: Path) -> None:
    """The leak test: wild values in all rows that are held out, numbers and texts, change no fitted number."""
    keys = HOUSE["keys"] + "\n  missing = mean"
    net = here(tmp_path, spec(csv(tmp_path), **{**HOUSE, "keys": keys}))
    data = prepared(net)
    lines = HOUSES.splitlines()
    for row in set(range(60)) - set(data.rows.tolist()):
        values = lines[row + 1].split(",")
        lines[row + 1] = ",".join(["", "9999", values[2], "true", "123456789"])
    csv(tmp_path, "\n".join(lines) + "\n")
    after = prepared(here(tmp_path, spec('csv("houses.csv")', **{**HOUSE, "keys": keys})))
    assert after.preprocessing == data.preprocessing and np.array_equal(after.train[0], data.train[0])
    assert data.validation is not None and after.validation is not None
    assert not np.array_equal(after.validation[0], data.validation[0])


def test_classes_are_kept_in_proportion_in_all_three_parts(tmp_path: Path) -> None:
    data = prepared(here(tmp_path, spec("sklearn.load_iris()", **CLASSES, p="Linear(3)", keys="validation = 0.2\n  test = 0.2")))
    assert data.validation is not None and data.test is not None
    assert [np.bincount(part[1]).tolist() for part in (data.train, data.validation, data.test)] == [[30] * 3, [10] * 3, [10] * 3]


def test_columns_of_a_kind_stay_together() -> None:
    part = Columns("number", ("a", "b", "c"), np.arange(6.0).reshape(2, 3))
    assert part.picked(["c", "a"]).values.tolist() == [[2, 0], [5, 3]]


# the text of the file; then of each column its kind, values and texts
TYPES: list[tuple[str, list[tuple[str, list[Any], tuple[str, ...]]]]] = [
    ("\ufeffa,b\r\n1,2\r\n\r\n3,4\r\n", [("number", [1, 3], ()), ("number", [2, 4], ())]),
    ('a,b\n1e2,"x\ny"\n -3 ,"u,v"\n', [("number", [100.0, -3.0], ()), ("category", [1, 0], ("u,v", "x\ny"))]),
    ("a,b\nTrue,0\nFalse,\n,99999999999999999999\n", [("bool", [1.0, 0.0, np.nan], ()), ("number", [0.0, np.nan, 1e20], ())]),
    ("a,b\n007,NA\n1,red\n", [("number", [7, 1], ()), ("category", [-1, 0], ("red",))]),
]


@pytest.mark.parametrize(("text", "columns"), TYPES)
def test_types_of_columns(text: str, columns: list[tuple[str, list[Any], tuple[str, ...]]], tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(text.encode())
    table = load_table(tmp_path / "data.csv")
    for part, (kind, values, texts) in zip(table.parts, columns, strict=True):
        assert (part.kind, part.categories) == (kind, texts)
        np.testing.assert_array_equal(part.values[:, 0], values)


def test_types_of_parquet(tmp_path: Path) -> None:
    import datetime

    day, none = datetime.date(2024, 1, 2), pa.nulls(2)
    made = {
        "i": pa.array([1, None], pa.int32()),
        "d": [day, day],
        "t": pa.array(["b", "a"]).dictionary_encode(),
        "l": [[1], [2]],
        "n": none,
    }
    pq.write_table(pa.table(made), tmp_path / "data.parquet")
    table = load_table(tmp_path / "data.parquet")
    assert [part.kind for part in table.parts] == ["number", "other", "category", "other", "other"]
    assert [p.problem.split(",")[0] for p in table.parts if p.kind == "other"] == ["holds dates", "holds list<element: int64>",
                                                                                  "is empty in every row"]  # fmt: skip


def test_settings_of_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that the command line names is relative to where netc runs; arguments of the source can be set, too."""
    (tmp_path / "here").mkdir()
    csv(tmp_path / "here", HOUSES.replace(",", ";"))
    (tmp_path / "net.net").write_text(spec(csv(tmp_path), **HOUSE))
    monkeypatch.chdir(tmp_path / "here")
    net = netc.load(tmp_path / "net.net", {"data.source": 'csv("houses.csv")', "data.source.delimiter": '";"', "data.test": 0.0})
    assert net.data is not None and len(load_data(net.data)) == 60 and net.data["test"] == 0


def test_a_target_that_nothing_scales_is_said(tmp_path: Path) -> None:
    """Unscaled, a network learns the diabetes data worse than its mean; a line has R² 0.48."""
    plain, scaled = (here(tmp_path, spec("sklearn.load_diabetes()", **{**NUMBERS, "keys": k})) for k in ("", NUMBERS["keys"]))
    assert [d.code for d in plain.check_data()] == ["data-scale"] and not scaled.check_data()


def test_sizes_of_several_inputs_come_from_the_data(tmp_path: Path) -> None:
    text = (
        spec(csv(tmp_path), **HOUSE)
        .replace("input x: [B, F]", "input x: [B, F]\n  input where: [B, C]")
        .replace("x -> Linear(1)", "(x -> Linear(4), where -> Linear(4)) -> add -> Linear(1)")
    )
    net = here(tmp_path, text.replace('y = "price"', 'y = "price"\n  where = "city"'))
    assert [array.shape for array in prepared(net).train] == [(36, 3), (36, 3), (36, 1)]
    assert prepared(net).preprocessing.inputs[1].columns == ("city",)
