"""How single columns are scaled: by a group, by the section, or not where only the losses take an input; against scikit-learn's scalers."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import netc
from netc.cli import main
from netc.data.checks import prepared_data
from netc.data.preprocessing import Preprocessing
from netc.runs.objectives import objectives
from tests.data_specs import here, prepared, problem, spec, table_of

RANDOM = np.random.default_rng(0)
NUMBERS = {name: RANDOM.gamma(2.0, scale, 40) for name, scale in {"a": 1.0, "b": 10.0, "c": 100.0, "w": 0.3, "y": 2.0, "z": 900.0}.items()}
TABLE = "a,b,c,w,city,y,z\n" + "".join(
    ",".join([*(f"{NUMBERS[n][i]:.6f}" for n in "abcw"), "Ulm" if i % 3 else "Bonn", *(f"{NUMBERS[n][i]:.6f}" for n in "yz")]) + "\n"
    for i in range(40)
)
SOURCE = 'csv("t.csv")\n  ignore = ["z", "w"]\n  validation = 0.25\n  normalize = standard'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(TABLE)
    return tmp_path


@pytest.mark.parametrize(
    ("groups", "expected"),
    [("", {"a": "standard", "b": "standard", "c": "standard"}),
     ("group b { normalize = minmax }", {"a": "standard", "b": "minmax", "c": "standard"}),
     ("group a, c { normalize = none; missing = 0 }", {"a": "none", "b": "standard", "c": "none"}),
     ('group a, b, c { normalize = max }\n  group "b" { normalize = minmax }', {"a": "max", "b": "minmax", "c": "max"}),
     ("group a { missing = mean }", {"a": "standard", "b": "standard", "c": "standard"})],
)  # fmt: skip
def test_columns_of_one_input(groups: str, expected: dict[str, str], folder: Path) -> None:
    """Fitted to the training rows, kept, and written out; `max` is the largest of the columns of which it is said at once."""
    net = here(folder, spec(SOURCE, keys=groups, loss="MSELoss(p, y)"))
    data, table = prepared(net), table_of(net)
    raw = {name: table.select([name])[0].values[data.rows] for name in expected}
    largest = max((raw[name].max() for name, kind in expected.items() if kind == "max"), default=None)
    scale: dict[str, Any] = {
        "none": lambda v: v, "standard": StandardScaler().fit_transform, "minmax": MinMaxScaler().fit_transform,
        "max": lambda v: v / largest,
    }  # fmt: skip
    for i, (name, kind) in enumerate(expected.items()):
        assert np.allclose(data.train[0][:, i], scale[kind](raw[name])[:, 0]), name
    again = Preprocessing.from_record(json.loads(json.dumps(data.preprocessing.record)))
    assert np.array_equal(again.apply(table).inputs[0][data.rows], data.train[0])
    assert prepared(here(folder, net.resolved())).preprocessing == data.preprocessing


@pytest.mark.parametrize(
    ("group", "said"),
    [("city { normalize = minmax }", "data-value: `normalize = minmax` is said of `city`, which holds texts (texts are not scaled)"),
     ("y { normalize = minmax }", "data: `normalize` is said of `y`, which feeds the target `y` (for a target it is `normalize_t"),
     ("* { normalize_target = max }", "data: `normalize_target` is said of `a`, which feeds the input `x` (for an input it is `normal"),
     ("k { normalize = minmax }", "data-value: `normalize = minmax` is said of `k`, which feeds `k: int64[B]` (scaled numbers have frac"),
     ("b { normalize = centred }", "argument-type: `normalize` must be `standard` or `minmax` or `max` or `none`, not `centred` ()"),
     ("b { normalise = max }", "unknown-setting: a `group` of columns has no key `normalise` (did you mean `normalize`?)"),
     ("b { normalize = max; normalize = max }", "duplicate-name: `normalize` is given twice ()"),
     ("z { normalize = max }", "data: the column `z` feeds nothing (leave it out of the group)"),
     ("neg { normalize = max }", "data-value: normalize = max: `max` divides by the largest value, and that is -1 (take `standard` or ")],
)  # fmt: skip
def test_scalings_that_cannot_be(group: str, said: str, folder: Path) -> None:
    rows = TABLE.splitlines()
    (folder / "t.csv").write_text("\n".join([f"{rows[0]},neg,k", *(f"{row},-{i},1" for i, row in enumerate(rows[1:], 1))]) + "\n")
    text = spec(SOURCE, keys=f"group {group}", loss="MSELoss(p, y) + 0 * mean(float(k))").replace(
        "  target y", "  input k: int64[B]\n  target y"
    )
    assert problem(lambda: prepared(here(folder, text))).startswith(said)


WHOLE = """
network Whole {
  input  x: [B, 2]
  input  k: int64[B]
  target y: [B]
  target label: int64[B]
  p = [x, k -> Embedding(3, 2)] -> cat(dim=1) -> Linear(4)
  output p
  loss MSELoss(p[:, 0], y) + CrossEntropyLoss(p[:, 1:], label)
}
data {
  source = csv("t.csv")
  x = ["a", "b"]
  normalize = standard
  normalize_target = standard
}
"""


def test_whole_numbers_are_not_scaled(folder: Path) -> None:
    """What is looked up and what counts classes stays as it is beside what is scaled, and alone it leaves nothing to scale."""
    rows = TABLE.splitlines()
    (folder / "t.csv").write_text("\n".join([f"{rows[0]},k,label", *(f"{row},{i % 3},{i % 3}" for i, row in enumerate(rows[1:]))]) + "\n")
    data = prepared(here(folder, WHOLE))
    assert data.train[1].tolist() == data.train[3].tolist() == [i % 3 for i in range(40)]
    assert np.allclose([data.train[0].mean(), data.train[2].mean(), data.train[2].std()], [0, 0, 1], atol=1e-6)
    alone = WHOLE.replace("  target y: [B]\n", "").replace("MSELoss(p[:, 0], y) + ", "")
    assert "`normalize_target = standard` scales quantities, and `label` holds none (leave it out)" in problem(
        lambda: prepared(here(folder, alone))
    )


def test_braces_after_the_key_are_told_as_a_group(folder: Path) -> None:
    text = spec(SOURCE.rpartition("\n")[0], keys="normalize { w = none }")
    assert 'write `group age, "sale price" { normalize = minmax }`' in problem(lambda: here(folder, text))


# --- what only the losses take ------------------------------------------------------------------------------------

WEIGHTED = """
network Weighted {{
  input  x: [B, 2]
  input  w: [B, 1]
  target y: [B, 1]
  {setup}
  p = x -> body: Linear(1)
  output p
  loss {loss}
}}
data {{
  source = csv("t.csv")
  x = ["a", "b"]
  normalize = standard
  {keys}
}}
train {{
  optimizer = Adam(lr=0.01)
  epochs = 2
}}
"""


@pytest.mark.parametrize(
    ("loss", "setup", "keys", "is_scaled"),
    [("mean(w * (p - y) ** 2)", "", "", False),
     ("mean(clamp(w, 0.1, 1) * smooth_l1_loss(p, y, reduction=\"none\"))", "", "", False),
     ("mean(w * (p - y) ** 2)", "", "group w { normalize = minmax }", True),
     ("MSELoss(p, y) + mean(abs(w -> side: Linear(1)))", "", "", True),
     ("MSELoss(p, y) + mean(abs(linear(w, own)))", "param own: [1, 1] = ones", "", True),
     ("mean((p - y) ** 2 + (p * w) ** 2)", "", "", False)],
)  # fmt: skip
def test_weights_of_rows_are_left_as_they_are(loss: str, setup: str, keys: str, is_scaled: bool, folder: Path) -> None:
    """A second branch of the network is scaled as the first one is, a number that only the loss takes is not."""
    net = here(folder, WEIGHTED.format(loss=loss, setup=setup, keys=keys))
    data = prepared(net)
    raw = table_of(net).select(["w"])[0].values[data.rows]
    assert np.allclose(data.train[0].mean(axis=0), 0, atol=1e-6)
    assert np.array_equal(data.train[1], raw.astype(np.float32)) == (not is_scaled)


def test_the_output_is_predicted_without_what_only_the_loss_takes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = here(folder, WEIGHTED.format(loss="mean(w * (p - y) ** 2)", setup="", keys=""))
    result = net.train(folder / "runs")
    rows = list(csv.reader(TABLE.splitlines()))
    place = rows[0].index("w")
    odd = [[*row[:place], "" if i % 2 else "heavy", *row[place + 1 :]] for i, row in enumerate(rows[1:])]
    files = {"whole": rows, "without": [row[:place] + row[place + 1 :] for row in rows], "odd": [rows[0], *odd]}
    said = {}
    for name, content in files.items():
        (folder / f"{name}.csv").write_text("\n".join(",".join(row) for row in content) + "\n")
        capsys.readouterr()
        assert main(["predict", str(result.path), "--data", str(folder / f"{name}.csv")]) == 0
        said[name] = [row[-1] for row in csv.reader(capsys.readouterr().out.splitlines())]
    assert said["whole"] == said["without"] == said["odd"] and len(said["whole"]) == 41
    assert main(["eval", str(result.path), "--data", str(folder / "without.csv")]) == 1  # the loss needs it
    assert "the data has no column `w`" in capsys.readouterr().err
    assert "w scaled</td><td>not, as only the losses take it" in (result.path / "report.html").read_text().replace("\n", "")


# --- targets ------------------------------------------------------------------------------------------------------

TWO = """
network Two {
  input  x: [B, 3]
  target t: [B, 2]
  p = x -> Linear(2)
  output p
  loss MSELoss(p, t)
}
data {
  source = csv("t.csv")
  x = ["a", "b", "c"]
  t = ["y", "z"]
  normalize = standard
  validation = 0.25
  group z { normalize_target = standard }
}
train {
  optimizer = Adam(lr=0.05)
  epochs = 1
}
"""


def test_one_of_two_targets(folder: Path) -> None:
    """It is turned back alone, in metrics and predictions; that the loss is of other units is known to a comparison."""
    net = here(folder, TWO)
    assert net.data is not None and net.training is not None
    data, doubts = prepared_data(net.graph, table_of(net), net.data, net.training)
    raw = np.stack([table_of(net).select([name])[0].values[data.rows, 0] for name in "yz"], axis=1)
    assert np.allclose(data.train[1], np.stack([raw[:, 0], StandardScaler().fit_transform(raw[:, 1:])[:, 0]], axis=1))
    assert np.allclose(data.preprocessing.undo(data.train[1]), raw, rtol=1e-5) and not doubts
    run = netc.open_run(net.train(folder / "runs", pictures=False).path)
    assert objectives(run)["loss"].endswith(" with `group z { normalize_target = standard }`")


def test_the_other_target_is_still_told_to_be_far(folder: Path) -> None:
    net = here(folder, TWO.replace("group z", "group y"))
    assert net.data is not None and net.training is not None
    _, doubts = prepared_data(net.graph, table_of(net), net.data, net.training)
    assert [d.code for d in doubts] == ["data-scale"]


DENOISING = """
network N {
  input noisy: [B, 2]
  input clean: [B, 2]
  p = noisy -> Linear(8) -> ReLU -> Linear(2)
  output p
  loss MSELoss(p, clean)
}
data {
  source = csv("d.csv")
  noisy = ["a", "b c"]
  clean = ["d", "e f"]
  normalize = standard
}
train {
  optimizer = Adam(lr=0.05)
  epochs = 60
}
"""


def test_an_input_that_a_loss_compares_with_is_told_to_be_far(tmp_path: Path) -> None:
    """`normalize` leaves it out. Either way of the hint trains on it as scaled."""
    clean = np.random.default_rng(0).normal(50, 10, (60, 2))
    rows = np.hstack([clean + np.random.default_rng(1).normal(size=(60, 2)), clean])
    np.savetxt(tmp_path / "d.csv", rows, "%.3f", ",", header="a,b c,d,e f", comments="")
    (found,) = here(tmp_path, DENOISING).check_data()
    assert found.code == "data-scale" and "gets the input `clean` as it is, with mean 50.8 and deviation 9.55" in found.message
    group = re.findall(r"`(group .*?})`", found.hint)[0]
    ways = {"group": ("normalize = standard", f"normalize = standard\n  {group}")}
    ways["target"] = ("normalize = standard", "normalize = standard\n  normalize_target = standard")
    assert (
        group == 'group d, "e f" { normalize = standard }' and "`target clean` it is scaled by `normalize_target = standard`" in found.hint
    )
    for name, change in ways.items():
        net = here(tmp_path, DENOISING.replace(*change).replace("input clean", "target clean" if name == "target" else "input clean"))
        assert not net.check_data()
        assert net.train(tmp_path / name, pictures=False).history.final["loss"] < 0.2, name


def test_an_input_that_weighs_rows_is_not(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 4)) * (1, 1, 1, 300)
    np.savetxt(tmp_path / "d.csv", rows, "%.3f", ",", header="a,b c,d,w", comments="")
    weighted = DENOISING.replace("MSELoss(p, clean)", "mean(w * (p - clean) ** 2)").replace(
        "clean: [B, 2]", "clean: [B, 1]\n  input w: [B, 1]"
    )
    weighted = weighted.replace("Linear(2)", "Linear(1)").replace('["d", "e f"]', '"d"\n  w = "w"')
    assert not here(tmp_path, weighted).check_data()


WEIGHED = """
network N {
  input x: [B, 2]
  target y: [B]
  target w: [B]
  p = x -> Linear(1) -> squeeze(1)
  output p
  loss mean(w * (p - y) ** 2)
}
data {
  source = csv("t.csv")
  ignore = ["city", "z", "c"]
  x = ["a", "b"]
  w = "w"
  normalize = standard
  normalize_target = standard
}
"""


@pytest.mark.parametrize(
    "loss", ["mean(w * (p - y) ** 2)", "sum(mul((p - y) ** 2, w)) / sum(w)", "BCEWithLogitsLoss(p, sigmoid(y), weight=w)"]
)
def test_a_target_that_weighs_rows_is_told_to_be_scaled(loss: str, folder: Path) -> None:
    weighted = WEIGHED.replace("mean(w * (p - y) ** 2)", loss)
    (found,) = [d for d in here(folder, weighted).check_data() if d.code == "data-scale"]
    assert "`normalize_target = standard` scales the target `w`" in found.message
    group = re.findall(r"`(group .*?})`", found.hint)[0]
    as_input = here(folder, weighted.replace("target w", "input w"))
    assert "`input w`" in found.hint and "data-scale" not in [d.code for d in as_input.check_data()]
    assert np.allclose(prepared(as_input).train[1], NUMBERS["w"], rtol=1e-4)
    meant = here(folder, weighted.replace("  normalize = standard", "  normalize = standard\n  group w { normalize_target = minmax }"))
    assert "data-scale" not in [d.code for d in meant.check_data()]
    data = prepared(here(folder, weighted.replace("  normalize = standard", f"  normalize = standard\n  {group}")))
    assert np.allclose(data.train[2], NUMBERS["w"], rtol=1e-4)


@pytest.mark.parametrize("loss", ["mean(w * p) + mean((p - y) ** 2)", "mean((p - y) ** 2 * w) + mean((p - w) ** 2)"])
def test_a_target_that_is_compared_or_multiplies_outputs_only_is_no_weight(loss: str, folder: Path) -> None:
    assert not here(folder, WEIGHED.replace("mean(w * (p - y) ** 2)", loss)).check_data()


@pytest.mark.parametrize("way", ["none", "minmax"])
def test_labels_that_a_group_scales_are_numbers(way: str, folder: Path) -> None:
    """Labels 1 and 2 become the places 0 and 1 where nothing scales them."""
    (folder / "t.csv").write_text("a,y\n" + "".join(f"{i},{1 + i % 2}\n" for i in range(20)))
    data = prepared(here(folder, spec('csv("t.csv")', keys=f"group y {{ normalize_target = {way} }}")))
    assert data.train[1][:4, 0].tolist() == [0, 1, 0, 1]
    assert (data.preprocessing.classes, data.target_scaling is None) == ((("1", "2"), True) if way == "none" else ((), False))
