"""Missing values and texts of tables: what stands for them is fitted to the training rows, and what cannot be is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netc.data.preprocessing import Preprocessing
from tests.data_specs import CLASSES, csv, here, prepared, problem, spec, table_of

GAPS = "a,b,y\n" + "".join(f"{i if i % 4 else ''},{'red' if i % 3 else ''},{i % 2}\n" for i in range(24))


@pytest.mark.parametrize(
    ("missing", "value", "rows"),
    [("drop", None, 12), ("most_frequent", 1.0, 24), ("0", 0.0, 24)],
)  # fmt: skip
def test_missing_values(missing: str, value: float | None, rows: int, tmp_path: Path) -> None:
    keys = f'missing = {missing}\n  x = ["a"]' if missing == "0" else f"missing = {missing}"
    data = prepared(here(tmp_path, spec(csv(tmp_path, GAPS), keys=keys)))
    assert len(data.train[0]) == rows
    if value is not None:
        assert data.train[0][::4, 0].tolist() == [value] * 6


def test_missing_values_are_filled_by_scikit_learns_rules_from_the_training_rows(tmp_path: Path) -> None:
    from sklearn.impute import SimpleImputer

    for strategy in ("mean", "median"):
        net = here(tmp_path, spec(csv(tmp_path, GAPS), keys=f'x = "a"\n  missing = {strategy}\n  validation = 0.3'))
        data = prepared(net)
        column = table_of(net).select(["a"])[0].values
        theirs: Any = SimpleImputer(strategy=strategy).fit(column[data.rows])
        assert data.preprocessing.inputs[0].encodings[0].fill == (theirs.statistics_[0],)
        assert np.allclose(data.train[0], SimpleImputer(strategy=strategy).fit_transform(column[data.rows]))


MIXED = "age,city,sale price,y\n" + "".join(
    f"{i if i % 4 else ''},{'red' if i % 3 else ''},{i * i if i % 5 else ''},{i % 2}\n" for i in range(60)
)
WAYS = (
    'missing = drop\n  group age, *price { missing = mean }\n  group "sale price" { missing = median }\n  group city { missing = "none" }'
)


@pytest.mark.parametrize("as_array", [False, True])
def test_missing_values_of_single_columns(as_array: bool, tmp_path: Path) -> None:
    """A later group goes over an earlier one, the section holds for the rest; fitted to the training rows, kept, and written out."""
    from sklearn.impute import SimpleImputer

    source = csv(tmp_path, MIXED)
    if as_array:  # numbers side by side, as scikit-learn's and a data frame's
        values = (
            "    a = np.arange(120.0).reshape(60, 2)\n    a[::4, 0] = np.nan\n    a[::7, 1] = np.nan\n    return a, np.arange(60) % 2\n"
        )
        (tmp_path / "gaps.py").write_text(f"import numpy as np\ndef load():\n{values}")
        source = 'python("gaps.py:load")'
    ways = "missing = mean\n  group x1 { missing = drop }" if as_array else WAYS
    net = here(tmp_path, spec(source, keys=f"{ways}\n  validation = 0.3"))
    data, table = prepared(net), table_of(net)
    fills = {name: e.fill for e in data.preprocessing.inputs[0].encodings for name in e.names}

    def theirs(name: str, strategy: str) -> tuple[float]:
        fitted: Any = SimpleImputer(strategy=strategy).fit(table.select([name])[0].values[data.rows])
        return (fitted.statistics_[0],)

    if as_array:
        assert fills == {"x0": theirs("x0", "mean"), "x1": None} and not set(data.rows) & set(range(0, 60, 7))
    else:
        assert fills == {"age": theirs("age", "mean"), "city": "none", "sale price": theirs("sale price", "median")}
        assert len(data.train[0]) == 42
    again = Preprocessing.from_record(json.loads(json.dumps(data.preprocessing.record)))
    applied = again.apply(table)
    assert np.array_equal(applied.inputs[0][np.searchsorted(applied.rows, data.rows)], data.train[0])
    assert prepared(here(tmp_path, net.resolved())).preprocessing == data.preprocessing


@pytest.mark.parametrize(
    ("group", "said"),
    [("agee { missing = mean }", "data: no column that feeds the network matches `agee` (did you mean `age`?)"),
     ("city { missing = mean }", "data-value: `missing = mean` is said of `city`, which holds texts (for texts there is `most"),
     ('age { missing = "none" }', 'data-value: `missing = "none"` is said of `age`, which holds numbers (for numbers there is `mean`, '),
     ("y { missing = mean }", "data-value: `missing = mean` is said of `y`, which feeds the target `y` (a target is never made up"),
     ('"sale price" { missing = 1 }', "data: the column `sale price` feeds nothing (leave it out of the group)"),
     ("age { missing = meen }", "argument-type: `missing` must be `error` or `drop` or `mean` or `median` or `most_frequent` or "),
     ("age { mising = mean }", "unknown-setting: a `group` of columns has no key `mising` (did you mean `missing`?)"),
     ("age { missing = mean; missing = 1 }", "duplicate-name: `missing` is given twice ()"),
     ("age { }", "missing-argument: the group says nothing of its columns (say e.g. what becomes of what is missing there, "),
     ("sale price { missing = 1 }", "syntax: the name of a column with blanks stands in quotes ()")],
)  # fmt: skip
def test_groups_of_columns_that_cannot_be(group: str, said: str, tmp_path: Path) -> None:
    text = spec(csv(tmp_path, MIXED), keys=f'ignore = "sale price"\n  group {group}')
    assert problem(lambda: prepared(here(tmp_path, text))).startswith(said)


COLOURS = "c,n,y\n" + "".join(f"{['red', 'green', 'blue'][i % 3]},{i},{['no', 'yes'][i % 2]}\n" for i in range(30))


@pytest.mark.parametrize(
    ("x", "keys", "expected"),
    [("[B, F]", 'x = "c"', [[0, 0, 1], [0, 1, 0], [1, 0, 0]]), ("int64[B]", 'x = "c"', [2, 1, 0]),
     ("int64[B, 1]", 'x = "c"', [[2], [1], [0]]),
     ("int64[B, 2]", 'x = ["n", "c"]', [[0, 2], [1, 1], [2, 0]])],
)  # fmt: skip
def test_texts_of_inputs(x: str, keys: str, expected: list[Any], tmp_path: Path) -> None:
    p = "Linear(1)" if x == "[B, F]" else "float -> reshape([-1, 1]) -> Linear(1)"
    loss = "BCEWithLogitsLoss(p, y)" if x != "int64[B, 2]" else "mean(p) + mean(y)"
    data = prepared(here(tmp_path, spec(csv(tmp_path, COLOURS), x=x, keys=keys, p=p, loss=loss)))
    assert data.train[0][:3].tolist() == expected and data.train[1][:3].tolist() == [[0], [1], [0]]


def test_texts_of_targets(tmp_path: Path) -> None:
    text = spec(csv(tmp_path, COLOURS), x="[B, 1]", y="[B, 3]", p="Linear(3)", keys='x = "n"\n  y = "c"')
    net = here(tmp_path, text)
    assert prepared(net).train[1][:2].tolist() == [[0, 0, 1], [0, 1, 0]]
    text = spec(csv(tmp_path, COLOURS), x="[B, 1]", **CLASSES, p="Linear(3)", keys='x = "n"\n  y = "c"')
    data = prepared(here(tmp_path, text))
    assert data.train[1][:3].tolist() == [2, 1, 0] and data.preprocessing.classes == ("blue", "green", "red")
