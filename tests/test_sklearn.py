"""The estimators, by scikit-learn's own checks and in what they are for: pipelines, searches, cross-validation."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_moons
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import netc
from netc import NetClassifier, NetError, NetRegressor
from tests.conftest import SPECS

IRIS: Any
SPECIES: Any
MOONS: Any
HALF: Any
IRIS, SPECIES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"], dtype=object)[SPECIES]
MOONS, HALF = make_moons(120, noise=0.1, random_state=0)

TWO = """
network Two(hidden = 16, act = Tanh) {{
  input  x: [B, F]
  target y: {target}
  z = x -> Linear(hidden) -> act -> Linear({outputs}){after}
  output {output}
  loss {loss}
}}
train {{ optimizer = Adam(lr=0.05)
  epochs = 80 }}
"""


def two(loss: str, target: str = "[B, 1]", outputs: int = 1, after: str = "", output: str = "z") -> str:
    return TWO.format(loss=loss, target=target, outputs=outputs, after=after, output=output)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("estimator", [NetClassifier(set={"train.epochs": 30}), NetRegressor(set={"train.epochs": 30})])
def test_all_checks_of_scikit_learn(estimator: Any) -> None:
    found = check_estimator(estimator, on_skip=None, on_fail=None)
    failed = [f"{f['check_name']}: {f['exception']!r}" for f in found if f["status"] not in ("passed", "skipped")]
    assert not failed and sum(f["status"] == "passed" for f in found) > 50


def test_the_defaults_learn_labels_of_any_kind_and_numbers_of_any_unit() -> None:
    classifier = NetClassifier().fit(IRIS, NAMES)
    assert classifier.score(IRIS, NAMES) > 0.95 and list(classifier.classes_) == ["setosa", "versicolor", "virginica"]
    assert set(classifier.predict(IRIS)) == set(NAMES)
    made: Any = load_diabetes(return_X_y=True)
    X, y = made
    assert NetRegressor().fit(X, y).score(X, y) > 0.5
    both = NetRegressor().fit(X, np.stack([y, 1e4 - 50 * y], axis=1))
    assert both.predict(X).shape == (442, 2) and both.score(X, np.stack([y, 1e4 - 50 * y], axis=1)) > 0.5


@pytest.mark.parametrize(
    "spec",
    [
        two("BCEWithLogitsLoss(z, y)"), two("BCELoss(z, y)", after=" -> Sigmoid"), two("BCEWithLogitsLoss(z, y)", output="z -> Sigmoid"),
        two("CrossEntropyLoss(z, y)", "int64[B]", 2), two("NLLLoss(z, y)", "int64[B]", 2, " -> LogSoftmax(dim=1)"),
        two("CrossEntropyLoss(z, y)", "[B, 2]", 2),
    ],
)  # fmt: skip
def test_probabilities_are_those_that_the_loss_means(spec: str) -> None:
    labels = np.where(HALF == 1, "yes", "no")
    found = NetClassifier(spec).fit(MOONS, labels)
    chance = found.predict_proba(MOONS)
    assert chance.shape == (120, 2) and np.allclose(chance.sum(axis=1), 1) and chance.min() >= 0
    assert list(found.classes_) == ["no", "yes"] and found.score(MOONS, labels) > 0.9
    assert (found.classes_[chance.argmax(axis=1)] == found.predict(MOONS)).all()
    # The mean of -log of the chance of the true class is the loss that the training ended with.
    loss = -np.log(chance[np.arange(120), (labels == "yes").astype(int)]).mean()
    assert loss == pytest.approx(found.history_.columns["loss"][-1], rel=0.1)


def test_scores_are_no_probabilities() -> None:
    margin = NetClassifier(two("MultiMarginLoss(z, y)", "int64[B]", 2)).fit(MOONS, HALF)
    assert margin.score(MOONS, HALF) > 0.8 and not hasattr(margin, "predict_proba")


def test_a_search_over_layers_sizes_and_settings_in_a_pipeline() -> None:
    pipe = make_pipeline(StandardScaler(), NetClassifier(set={"train.epochs": 5}, random_state=0))
    grid = {
        "netclassifier__hidden": [2, 8], "netclassifier__act": ["ReLU", "(ReLU || Tanh) -> add"],
        "netclassifier__train.optimizer.lr": [1e-6, 0.05],
    }  # fmt: skip
    search = GridSearchCV(pipe, grid, cv=2).fit(IRIS, NAMES)
    best = search.best_estimator_[-1]
    assert search.best_params_["netclassifier__train.optimizer.lr"] == 0.05 and search.best_score_ > 0.8
    assert best.network_.training["optimizer"].values["lr"] == 0.05 and best.network_.training["epochs"] == 5
    copy: Any = clone(pipe)
    wide = copy.set_params(netclassifier__act="(ReLU || Tanh) -> add", netclassifier__hidden=3).fit(IRIS, NAMES)[-1]
    assert [node.op.name for node in wide.network_.graph.modules if node.op] == ["Linear", "ReLU", "Tanh", "Linear"]
    assert wide.network_.graph.parameter_count == (4 + 1) * 3 + (3 + 1) * 3
    assert len(cross_val_score(NetClassifier(set={"train.epochs": 2}), IRIS, SPECIES, cv=3)) == 3


def test_a_spec_is_parsed_once_for_many_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    search = NetClassifier(two("CrossEntropyLoss(z, y)", "int64[B]", 3), random_state=0)
    first = search.fit(IRIS, SPECIES).predict_proba(IRIS)
    monkeypatch.setattr("netc.parse.Lark.parse", None)  # whoever parses fails
    assert np.array_equal(search.fit(IRIS, SPECIES).predict_proba(IRIS), first)


def test_parameters_by_name() -> None:
    one = NetClassifier(set={"hidden": 8})
    assert one.get_params()["hidden"] == 8 and one.get_params()["act"] == "ReLU" and one.get_params()["train.epochs"] == 50
    assert "hidden" not in one.get_params(deep=False) and repr(one) == "NetClassifier(set={'hidden': 8})"
    other: Any = clone(one)
    other.set_params(hidden=4, random_state=3)
    assert other.set == {"hidden": 4} and one.set == {"hidden": 8} and other.random_state == 3
    with pytest.raises(ValueError, match=r"Invalid parameter 'hiden'.*hidden"):
        one.set_params(hiden=4)
    with pytest.raises(ValueError, match=r"Invalid parameter 'train\.epoch'"):
        one.set_params(**{"train.epoch": 4})


def test_a_fit_is_repeatable_and_leaves_torchs_random_numbers_alone() -> None:
    state = torch.get_rng_state()
    first, again, other = (NetRegressor(random_state=seed).fit(MOONS, HALF).predict(MOONS) for seed in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert (first == again).all() and (first != other).any()
    spec = NetRegressor(set={"train.seed": 1}).fit(MOONS, HALF)
    assert (spec.predict(MOONS) == first).all()
    assert (pickle.loads(pickle.dumps(spec)).predict(MOONS) == first).all()


def test_the_data_section_holds_but_for_its_source() -> None:
    spec = two("MSELoss(z, y)") + "data { source = sklearn.make_moons()\n validation = 0.5\n normalize_target = minmax }"
    found = NetRegressor(spec).fit(MOONS * 3, 100 + HALF)
    scaling = found.preprocessing_.targets[0].scaling
    assert "val_loss" in found.history_.columns and scaling is not None and scaling.offset == (100.0,)
    assert found.score(MOONS * 3, 100 + HALF) > 0.5


def test_columns_of_a_frame_feed_the_inputs_of_their_names_or_all_of_them_the_one() -> None:
    frame = pytest.importorskip("pandas").DataFrame(MOONS, columns=["x", "y"])
    one = NetClassifier(two("BCEWithLogitsLoss(z, y)")).fit(frame, HALF)
    assert list(one.feature_names_in_) == ["x", "y"] and one.score(frame, HALF) > 0.9
    with pytest.raises(ValueError, match="feature names"):
        one.predict(frame.rename(columns={"x": "z"}))
    parts = two("BCEWithLogitsLoss(z, t)").replace("input  x: [B, F]\n  target y", "input  a: [B, 1]\n  input  b: [B, 1]\n  target t")
    frame = frame.set_axis(["b", "a"], axis=1)
    both = NetClassifier(parts.replace("x ->", "(a, b) -> concat(dim=1) ->")).fit(frame, HALF)
    assert both.score(frame, HALF) > 0.9


def frame_of(rows: int = 200) -> tuple[Any, Any]:
    """A frame of numbers, texts and bools, shuffled, and labels that need the texts."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"age": rng.integers(18, 80, rows), "city": rng.choice(["Ulm", "Rom", "Oslo"], rows),
                              "income": rng.normal(3, 1, rows), "owns": rng.random(rows) < 0.5}).sample(frac=1, random_state=0)  # fmt: skip
    return frame, np.where((frame.city == "Ulm") ^ (frame.age > 50), "yes", "no")


def test_texts_of_a_frame_are_encoded_as_those_of_a_file(tmp_path: Path) -> None:
    """The same network from the same rows in a CSV, and the same numbers for other rows."""
    frame, labels = frame_of()
    found = NetClassifier(set={"train.epochs": 20, "data.unknown": "ignore"}).fit(frame, labels)
    assert found.score(frame, labels) > 0.95 and found.n_features_in_ == 4 and list(found.feature_names_in_) == list(frame.columns)
    frame.assign(y=labels).to_csv(tmp_path / "rows.csv", index=False)
    spec = (Path(netc.__file__).parent / "estimators/classifier.net").read_text().replace("data {", 'data {\n  source = csv("rows.csv")')
    (tmp_path / "net.net").write_text(spec)
    file = netc.load(tmp_path / "net.net", {"classes": 2, "train.epochs": 20}).train(tmp_path, pictures=False)
    assert file.history.columns["loss"] == found.history_.columns["loss"]
    new = frame[:3].assign(city=["Rom", "Bonn", "Ulm"])
    assert np.array_equal(found.predict_proba(new)[[0, 2]], found.predict_proba(new.iloc[[0, 2]]))
    pipe = make_pipeline(NetClassifier(set={"train.epochs": 3}))
    assert GridSearchCV(pipe, {"netclassifier__hidden": [4, 8]}, cv=2).fit(frame, labels).best_score_ > 0.3
    age = frame.age + 50.0 * (frame.city == "Rom")
    assert NetRegressor(set={"train.epochs": 20}).fit(frame, age).score(frame, age) > 0.9


OF_A_FILE = """
network Owners {
  input  x: [B, F]
  target owner: [B, 1]
  p = x -> Linear(4) -> ReLU -> Linear(1)
  output p
  loss MSELoss(p, owner)
}
data {
  source = csv("rows.csv")
  owner = "paid"
  ignore = ["id", "city"]
  normalize = standard
  group paid { normalize_target = minmax }
}
train {
  optimizer = Adam(lr=0.05)
  epochs = 2
}
"""


def test_a_spec_of_a_file_trains_on_a_frame(tmp_path: Path) -> None:
    """What it ignores need not be there, and y has the name that the spec has for the target: the numbers are those of the file."""
    frame, _ = frame_of()
    target = frame.age.to_numpy() * 3.0
    frame.assign(id=range(len(frame)), paid=target).to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "net.net").write_text(OF_A_FILE)
    file = netc.load(tmp_path / "net.net").train(tmp_path, pictures=False)
    for given in (frame, frame.drop(columns="city"), frame.assign(id=range(len(frame)))):
        found = NetRegressor(tmp_path / "net.net").fit(given, target)
        assert found.history_.columns["loss"] == file.history.columns["loss"]
        assert found.preprocessing_.targets[0].columns == ("paid",)
    with pytest.raises(ValueError, match="X has `paid`, which the spec has as a target: leave it out"):
        NetRegressor(tmp_path / "net.net").fit(frame.assign(paid=0), target)
    with pytest.raises(ValueError, match="no column `id`"):  # without names it may be there
        NetRegressor(tmp_path / "net.net").fit(frame[["age", "income"]].to_numpy(), target)


OF_TWO = """
network Houses {
  input  x: [B, F]
  target y: [B, 2]
  p = x -> Linear(2)
  output p
  loss MSELoss(p, y)
}
data {
  source = csv("rows.csv")
  y = ["price", "tall"]
  normalize_target = standard
  group price { normalize_target = minmax }
}
train {
  optimizer = Adam(lr=0.05)
  epochs = 60
}
"""
UNSAID = OF_TWO.replace('  y = ["price", "tall"]\n', "")


@pytest.mark.parametrize("order", [["price", "tall"], ["tall", "price"]], ids=" ".join)
@pytest.mark.parametrize(
    "spec, given", [(OF_TWO, {}), (UNSAID, {}), (UNSAID, {"data.y": ["price", "tall"]})], ids=["said", "unsaid", "set"]
)
@pytest.mark.parametrize("kind", ["pandas", "pyarrow"])
def test_columns_of_y_are_known_by_their_names(spec: str, given: dict[str, Any], order: list[str], kind: str) -> None:
    """A group scales the column that it names, whatever the order, and a prediction has the columns as `fit` got them."""
    frame = frame_of()[0][["age", "income"]]
    y = frame.assign(price=1000.0 + 10 * frame.age, tall=frame.income - 3)[order]
    target = y if kind == "pandas" else pa.Table.from_pandas(y, preserve_index=False)
    found = NetRegressor(spec, set={**given, "data.normalize": "standard"}).fit(frame, target)
    (fitted,) = found.preprocessing_.targets
    scaled = {name: e.scaling.offset for e in fitted.encodings if e.scaling for name in e.names}
    assert scaled["price"] == (1000.0 + 10 * frame.age.min(),) and abs(scaled["tall"][0]) < 0.2
    assert list(found.predict(frame)[:9].mean(axis=0) > 500) == [name == "price" for name in order]
    assert found.score(frame, y) > 0.9


def test_columns_of_y_of_other_names_are_told() -> None:
    frame = frame_of()[0][["age", "income"]]
    y = frame.set_axis(["price", "size"], axis=1)
    with pytest.raises(ValueError, match="y has the columns `price`, `size`, and the spec has `price`, `tall`"):
        NetRegressor(OF_TWO).fit(frame, y)
    for names in (["age", "age_"], ["y", "x"]):  # where the spec says none, those that are taken already are changed
        told = NetRegressor(set={"train.epochs": 1, "data.normalize_target": "standard"}).fit(frame, y.set_axis(names, axis=1))
        scaling = told.preprocessing_.targets[0].scaling
        assert scaling is not None and scaling.offset == pytest.approx(tuple(y.mean()))
    for by_place in (y.to_numpy(), y.set_axis([0, 1], axis=1)):  # these have no names
        assert NetRegressor(OF_TWO, set={"train.epochs": 1}).fit(frame, by_place).preprocessing_.targets[0].columns == ("price", "tall")


def test_missing_values_in_x_are_what_the_spec_says() -> None:
    frame, labels = frame_of()
    gaps = frame.copy()
    gaps.loc[gaps.index % 5 == 0, "income"] = np.nan
    gaps.loc[gaps.index % 7 == 0, "city"] = None
    filled = NetClassifier(set={"train.epochs": 20, "data.missing": "most_frequent"}).fit(gaps, labels)
    assert filled.score(gaps, labels) > 0.8
    numbers = frame[["age", "income"]].to_numpy()
    array = NetClassifier(set={"train.epochs": 2, "data.missing": "mean"}).fit(numbers, labels)  # nothing is missing yet
    holes = np.where(np.arange(400).reshape(200, 2) % 9, numbers, np.nan)
    assert np.array_equal(array.predict(np.where(np.isnan(holes), numbers.mean(axis=0), holes)), array.predict(holes))
    masked = np.ma.masked_where(np.isnan(holes), numbers)
    assert np.array_equal(array.predict(masked), array.predict(holes)) and not np.array_equal(array.predict(numbers), array.predict(holes))
    for x, y in ((masked, labels), (numbers, np.ma.masked_equal(np.arange(200) % 2, 1))):
        with pytest.raises(ValueError, match="NaN"):
            NetClassifier(set={"train.epochs": 2}).fit(x, y)
    with pytest.raises(ValueError, match=r'"data.missing": "drop"'):
        NetClassifier(set={"train.epochs": 2}).fit(gaps, labels)
    with pytest.raises(ValueError, match="NaN"):
        NetClassifier(set={"train.epochs": 2}).fit(holes, labels)
    dropped = NetClassifier(set={"train.epochs": 2, "data.missing": "drop"}).fit(gaps, labels)
    with pytest.raises(ValueError, match="missing in 63 rows of X"):
        dropped.predict(gaps)


def test_frames_that_cannot_be_taken() -> None:
    frame, labels = frame_of()
    found = NetClassifier(set={"train.epochs": 2}).fit(frame, labels)
    for other, said in [(frame.assign(city="Bonn"), "`city` has `Bonn` in row 0"), (frame[["age"]], "feature names"),
                        (frame.assign(age="old"), "`age` holds texts, e.g. `old` in row 0, and the network was trained")]:  # fmt: skip
        with pytest.raises(ValueError, match=said):
            found.predict(other)
    for column, said in [(np.datetime64("2020-01-01"), "holds dates"), ([1, "a"] * 100, "cannot be read"), ([(1,)] * 200, "neither")]:
        with pytest.raises(ValueError, match=said):
            NetClassifier().fit(frame.assign(more=column), labels)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        NetClassifier().fit(frame, labels[:9])


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(NetError, match=r"error\[unknown-name\]"):
        NetClassifier(two("BCELoss(q, y)")).fit(MOONS, HALF)
    with pytest.raises(NetError, match="is no classifier"):
        NetClassifier(two("MSELoss(z, y)")).fit(MOONS, HALF)
    with pytest.raises(NetError, match="predicts no numbers"):
        NetRegressor(two("CrossEntropyLoss(z, y)", "int64[B]", 2)).fit(MOONS, HALF)
    with pytest.raises(NetError, match=r"its loss takes `y \+ 1.0` instead"):
        NetRegressor(two("MSELoss(z, y + 1.0)")).fit(MOONS, HALF)
    with pytest.raises(NetError, match="no `train` section"):
        NetRegressor("network N { input x: [B, F]\n target y: [B, 1]\n p = x -> Linear(1)\n output p\n loss MSELoss(p, y) }").fit(
            MOONS, HALF
        )
    with pytest.raises(ValueError, match="predicts 2 classes, and y has 3"):
        NetClassifier(two("BCEWithLogitsLoss(z, y)")).fit(IRIS, NAMES)
    with pytest.raises(ValueError, match="1 class"):
        NetClassifier().fit(MOONS, np.zeros(120, int))
    with pytest.raises(ValueError, match="declared"):
        NetRegressor(two("MSELoss(z, y)")).fit(MOONS, np.stack([HALF, HALF], axis=1))
    assert not hasattr(netc, "NetCluster")


def test_the_example_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (SPECS.parent / "README.md").read_text(encoding="utf-8")
    code = text.split("## In scikit-learn")[1].split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    exec(code.replace("random_state=0)", 'random_state=0, set={"train.epochs": 10})'), space)
    assert space["search"].best_score_ > 0.8 and (tmp_path / "best.svg").exists()


def test_entries_that_a_table_has_not_are_said_of_the_rows() -> None:
    """What a look-up cannot take is a fault of X, as scikit-learn knows them, and not an IndexError of torch."""
    spec = """network T { input tokens: int64[B, 3]\n target y: int64[B]\n p = tokens -> Embedding(5, 4) -> mean(1) -> Linear(2)
      output p\n loss CrossEntropyLoss(p, y) }\n train { optimizer = SGD(lr=0.1)\n epochs = 1 }"""
    tokens = np.arange(60).reshape(20, 3) % 5
    found = NetClassifier(spec).fit(tokens, np.arange(20) % 2)
    tokens[3, 1] = 8
    with pytest.raises(ValueError, match=r"entries 0 to 4, and 1 value of the data is none of them, e.g. 8 in row 3"):
        found.predict(tokens)
