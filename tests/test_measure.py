"""Metrics of a training against scikit-learn's own, over all rows that are held out; the best weights."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn import metrics as sk

import netc
from netc import NetError
from netc.cli import main
from netc.ops.measures import METRICS
from netc.pipeline import run_spec
from netc.runs.evaluate import evaluate_parts
from netc.tasks import other_comparison
from netc.train.best import without_single
from netc.train.session import Result
from netc.train.weights import BestWeights

BINARY = """
network Binary {{
  input x: [B, 6]
  target y: [B, 1]
  h = x -> Linear(8) -> ReLU -> Linear(1)
  output {output}
  loss {loss}
}}
data {{
  source = sklearn.make_classification(n_samples=101, n_features=6, flip_y=0.2, random_state=1)
  validation = 0.3
}}
"""
CLASSES = """
network Classes {
  input x: [B, 6]
  target y: int64[B]
  logits = x -> Linear(8) -> ReLU -> Linear(4)
  output logits
  loss CrossEntropyLoss(logits, y)
}
data {
  source = sklearn.make_classification(n_samples=101, n_features=6, n_informative=4, n_classes=4, random_state=1)
  validation = 0.3
}
"""
NUMBERS = """
network Numbers {
  input x: [B, 6]
  target y: [B, 2]
  p = x -> Linear(8) -> ReLU -> Linear(2)
  output p
  loss MSELoss(p, y)
}
data {
  source = sklearn.make_regression(n_samples=101, n_features=6, n_targets=2, random_state=1)
  validation = 0.3
  normalize_target = standard
}
"""
LOGITS = BINARY.format(output="h", loss="BCEWithLogitsLoss(h, y)")
SOFT = BINARY.format(output="h -> Sigmoid", loss="BCEWithLogitsLoss(h, y)")
HARD = BINARY.format(output="p", loss="BCELoss(p, y)").replace("  output p", "  p = h -> Sigmoid\n  output p")


def trained(spec: str, folder: Path, keys: str = "", epochs: int = 3) -> Result:
    text = f"{spec}\ntrain {{\n  optimizer = Adam(lr=0.02)\n  epochs = {epochs}\n  batch_size = 16\n  {keys}\n}}"
    return netc.load(text).train(folder, pictures=False)


def held_out(result: Result) -> tuple[Any, Any]:
    """The targets, and the outputs of the trained network, of the rows that were held out."""
    assert result.prepared.validation is not None
    x, y = result.prepared.validation
    with torch.no_grad():
        return y, result.model(torch.from_numpy(x)).numpy()


@pytest.mark.parametrize("spec", [LOGITS, SOFT, HARD], ids=["logits", "sigmoid behind", "probabilities"])
def test_of_two_classes(spec: str, tmp_path: Path) -> None:
    names = "accuracy, balanced_accuracy, f1, precision, recall, matthews_corrcoef, roc_auc, average_precision"
    result = trained(spec, tmp_path, f"metrics = [{names}]")
    true, found = held_out(result)
    score = 1 / (1 + np.exp(-found.astype(np.float64))) if spec is LOGITS else found
    guess = (score > 0.5).astype(int)
    expected = {
        "accuracy": sk.accuracy_score(true, guess), "balanced_accuracy": sk.balanced_accuracy_score(true, guess),
        "f1": sk.f1_score(true, guess), "precision": sk.precision_score(true, guess), "recall": sk.recall_score(true, guess),
        "matthews_corrcoef": sk.matthews_corrcoef(true[:, 0], guess[:, 0]), "roc_auc": sk.roc_auc_score(true, score),
        "average_precision": sk.average_precision_score(true, score),
    }  # fmt: skip
    assert [*result.history.columns] == ["loss", "val_loss", *(f"val_{n}" for n in expected)]
    assert {n: result.history.final[f"val_{n}"] for n in expected} == pytest.approx(expected)
    assert 0.5 < expected["roc_auc"] < 1  # not a case in which all is right


def test_of_several_classes(tmp_path: Path) -> None:
    """What scikit-learn wants said for more than two classes is known."""
    result = trained(CLASSES, tmp_path, 'metrics = [accuracy, f1, precision(average="micro"), roc_auc]')
    true, found = held_out(result)
    guess, score = found.argmax(1), torch.from_numpy(found).double().softmax(1).numpy()
    expected = {"accuracy": sk.accuracy_score(true, guess), "f1": sk.f1_score(true, guess, average="macro"),
                "precision": sk.precision_score(true, guess, average="micro"),
                "roc_auc": sk.roc_auc_score(true, score, multi_class="ovr")}  # fmt: skip
    assert {n: result.history.final[f"val_{n}"] for n in expected} == pytest.approx(expected)


def test_a_run_of_several_classes_measures_the_same_when_it_goes_on_and_is_evaluated(tmp_path: Path) -> None:
    keys = "metrics = [f1, roc_auc]"
    whole = trained(CLASSES, tmp_path / "whole", keys, epochs=6)
    run = trained(CLASSES, tmp_path, keys).path
    evaluated = evaluate_parts(netc.open_run(run))
    again = netc.load(run_spec(run), {"train.epochs": 6}).train(resume=run, pictures=False)
    assert again.history.columns == whole.history.columns
    assert evaluated["validation"]["f1"] == pytest.approx(whole.history.columns["val_f1"][2])


def test_of_numbers_in_the_units_of_the_data(tmp_path: Path) -> None:
    functions = {
        "r2": sk.r2_score, "mean_absolute_error": sk.mean_absolute_error, "mean_squared_error": sk.mean_squared_error,
        "root_mean_squared_error": sk.root_mean_squared_error, "median_absolute_error": sk.median_absolute_error,
        "mean_absolute_percentage_error": sk.mean_absolute_percentage_error, "explained_variance": sk.explained_variance_score,
    }  # fmt: skip
    result = trained(NUMBERS, tmp_path, f"metrics = [{', '.join(functions)}]")
    scaling = result.prepared.target_scaling
    assert scaling is not None and max(scaling.scale) > 10
    true, found = (scaling.undo(values) for values in held_out(result))
    expected = {name: function(true, found) for name, function in functions.items()}
    expected |= {f"{name}_y{i}": function(true[:, i], found[:, i]) for name, function in functions.items() for i in range(2)}
    final = {n: v for n, v in result.history.final.items() if "loss" not in n}
    assert {n.removeprefix("val_"): v for n, v in final.items()} == pytest.approx(expected, rel=1e-5)


def write_two(folder: Path, names: str = "height,weight") -> Path:
    values = np.random.default_rng(0).normal(size=(60, 6))
    rows = [",".join(map(str, [*row, 170 + row[0], 1000 * row[1] + 70_000])) for row in values]
    path = folder / "two.csv"
    path.write_text("\n".join([f"a,b,c,d,e,f,{names}", *rows]) + "\n")
    return path


TWO = 'data {{\n  source = csv("{}", target=[{}])\n  validation = 0.3\n  normalize_target = standard\n}}\n'


def of_two(path: Path, names: str, more: str = "") -> str:
    return NUMBERS.partition("data {")[0].replace("  loss", more + "\n  loss") + TWO.format(path, names)


def test_each_of_several_numbers_is_measured_by_the_name_of_its_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = of_two(write_two(tmp_path), '"height", "weight"')
    result = trained(spec, tmp_path / "runs", 'metrics = [mean_absolute_error, max_error]\n monitor = "val_max_error_weight"')
    scaling = result.prepared.target_scaling
    assert scaling is not None
    true, found = (scaling.undo(values) for values in held_out(result))
    run = netc.open_run(result.path)
    for i, name in enumerate(("height", "weight")):
        expected = sk.mean_absolute_error(true[:, i], found[:, i])
        assert run.history[f"val_mean_absolute_error_{name}"][-1] == pytest.approx(expected, rel=1e-5)
        assert run.history[f"val_max_error_{name}"][-1] == pytest.approx(sk.max_error(true[:, i], found[:, i]), rel=1e-5)
        assert evaluate_parts(run)["validation"][f"mean_absolute_error_{name}"] == pytest.approx(expected, rel=1e-5)
    assert list(run.record["best"]) == ["epoch", "val_max_error_weight"]
    assert without_single(run.history) == ["loss", "val_loss", "val_mean_absolute_error", "val_max_error"]


@pytest.mark.parametrize("header, columns", [("height, in  cm|weight", ["height, in cm", "weight"]), ("a b|a  b", ["a b_0", "a b_1"])])
def test_names_of_columns_with_signs_are_read_again(header: str, columns: list[str], tmp_path: Path) -> None:
    """Also where they differ by spaces alone: then with their places."""
    quoted = [f'"{name}"' for name in header.split("|")]
    result = trained(of_two(write_two(tmp_path, ",".join(quoted)), ", ".join(quoted)), tmp_path / "runs", "metrics = [r2]")
    names = ["loss", "val_loss", "val_r2", *(f"val_r2_{column}" for column in columns)]
    assert [*result.history.columns] == names and [*netc.open_run(result.path).history] == names
    assert without_single(names) == names[:-2]


CLASHES = {
    ("metric r2_weight = mean(p)", "metrics = [r2]"): "`r2_weight` is a metric of the network, and what `r2` of the column `weight`",
    ("metric r2_weight = mean(p)", ""): "`r2_weight` is a metric of the network",
    ("loss r2_weight = mean(p ** 2)", ""): "`r2_weight` is a loss of the network",
    ("loss r2 = mean(p ** 2)", "metrics = [r2]"): "the network has a `loss r2` of its own",
}


@pytest.mark.parametrize("own, keys", CLASHES)
def test_what_the_network_records_by_the_name_of_a_metric_is_told(own: str, keys: str, tmp_path: Path) -> None:
    spec = of_two(write_two(tmp_path), '"height", "weight"', own).replace("loss MSE", "loss first = MSE")
    with pytest.raises(NetError) as caught:
        trained(spec, tmp_path / "runs", keys)
    (found,) = caught.value.diagnostics
    assert found.code == "duplicate-name" and CLASHES[own, keys] in found.message
    assert found.span is not None and found.span.text == (keys and "r2" if own.startswith("loss r2 ") else own)
    assert not [*tmp_path.glob("runs/*")]


def test_what_a_network_measures_itself_is_shown_however_it_is_called(tmp_path: Path) -> None:
    spec = CLASSES.replace("logits\n  loss", "logits\n  metric accuracy_rare = mean(float(argmax(logits, dim=1) == y))\n  loss")
    told = io.StringIO()
    netc.load(spec + "train {\n  optimizer = SGD()\n  epochs = 1\n}").train(tmp_path, progress=told, pictures=False)
    assert "  val_accuracy_rare " in told.getvalue()
    names = ["loss", "accuracy", "accuracy_rare", "val_loss", "val_accuracy", "val_accuracy_rare", "val_f1", "val_f1_macro"]
    assert without_single(names) == names


def test_a_monitor_of_one_number_is_checked_with_the_data(tmp_path: Path) -> None:
    spec = of_two(write_two(tmp_path), '"height", "weight"') + '\ntrain {\n optimizer = SGD()\n epochs = 1\n monitor = "val_r2_heigt"\n}'
    assert not netc.check(spec)  # the names of columns are those of the data
    (found,) = netc.check(spec, data=True)
    assert found.hint == "did you mean `val_r2_height`?"
    with pytest.raises(NetError) as caught:
        netc.load(spec).train(tmp_path / "runs")
    assert caught.value.diagnostics == (found,)
    assert netc.check(spec.replace("val_r2_heigt", "val_max_error_height"))  # that metric is not taken


def test_a_run_that_did_not_record_single_numbers_goes_on(tmp_path: Path) -> None:
    from netc.train import checkpoint

    run = trained(NUMBERS, tmp_path, epochs=2).path
    kept = checkpoint.load(run / "checkpoint")
    for name in [name for name in kept["training"]["columns"] if "_y" in name]:
        del kept["training"]["columns"][name]
    checkpoint.save(run / "checkpoint", kept)
    history = netc.load(run_spec(run), {"train.epochs": 3}).train(resume=run, pictures=False).history
    whole = trained(NUMBERS, tmp_path / "whole", epochs=3).history
    for name, values in whole.columns.items():
        before = [float("nan")] * 2 if "_y" in name else values[:2]
        np.testing.assert_equal(history.columns[name], [*before, values[2]])


def test_many_numbers_are_measured_together_only(tmp_path: Path) -> None:
    many = NUMBERS.replace("2]", "11]").replace("Linear(2)", "Linear(11)").replace("n_targets=2", "n_targets=11")
    assert [*trained(many, tmp_path, epochs=1).history.columns] == ["loss", "val_loss", "val_r2", "val_mean_absolute_error"]


USUAL = [(LOGITS, ["accuracy"]), (CLASSES, ["accuracy"]), (NUMBERS, ["r2", "mean_absolute_error"]),
         (NUMBERS.replace("[B, 2]", "[B, K]").replace("Linear(2)", "Linear(K)").replace("output p", "output p, x"),
          ["r2", "mean_absolute_error"]),
         (NUMBERS.replace("output p", "output x"), []), (LOGITS.replace("  loss", "  metric accuracy = mean(h)\n  loss"), [])]  # fmt: skip


@pytest.mark.parametrize(("spec", "names"), USUAL)
def test_the_usual_ones(spec: str, names: list[str], tmp_path: Path) -> None:
    columns = [*trained(spec, tmp_path, epochs=1).history.columns]
    assert [c for c in columns if c.removeprefix("val_") in {r.name for r in METRICS} - {"accuracy"} or c == "val_accuracy"] == (
        [f"val_{n}" for n in names] or [c for c in columns if c == "val_accuracy"]
    )
    assert [*trained(spec, tmp_path, "metrics = []", epochs=1).history.columns][:2] == columns[:2]


def test_a_metric_without_a_value_is_nan_and_constant_targets_are_as_scikit_learn_has_them() -> None:
    from netc.train.measure import FAST

    y = torch.ones(4, 1, dtype=torch.float64)
    for found in (y, y + 0.5):
        assert FAST["r2"](y, found) == sk.r2_score(y, found)


IMPOSSIBLE = {
    (NUMBERS, "metrics = [accuracy]"): "`accuracy` is a metric of classes, and the network predicts numbers",
    (CLASSES, "metrics = [r2]"): "`r2` is a metric of numbers, and the network predicts classes",
    (NUMBERS.replace("output p", "output x"), "metrics = [r2]"): "predicts neither classes nor numbers",
    (LOGITS.replace("  loss", "  metric f1 = mean(h)\n  loss"), "metrics = [f1]"): "has a `metric f1` of its own",
    (CLASSES, "metrics = [f1, f1]"): "`metrics` has `f1` twice",
    (CLASSES, "metrics = [f2]"): "there is no metric `f2`",
    (CLASSES, "metrics = [SGD]"): "`metrics` must be one of `accuracy`",
    (CLASSES, 'metrics = [f1(average="mean")]'): "average must be",
    (CLASSES, 'metrics = [f1(average="binary")]'): '`average="binary"` of `f1` is for two classes, and there are more',
    (CLASSES, 'metrics = [roc_auc(multi_class="raise")]'): 'write `multi_class="ovr"`, or leave it out, which means that',
    (CLASSES, 'scheduler = ReduceLROnPlateau()\n monitor = "val_accuracy"'): 'write `mode="max"`',
}


@pytest.mark.parametrize(("spec", "keys"), IMPOSSIBLE)
def test_impossible_metrics(spec: str, keys: str, tmp_path: Path) -> None:
    with pytest.raises(NetError) as caught:
        trained(spec, tmp_path, keys)
    assert IMPOSSIBLE[spec, keys] in str(caught.value)
    assert not [*tmp_path.iterdir()]


# --- the best epoch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("keys", "column", "best"), [("", "val_loss", min), ('monitor = "val_accuracy"', "val_accuracy", max)])
def test_the_best_weights_are_those_that_gave_the_best_value(keys: str, column: str, best: Any, tmp_path: Path) -> None:
    result = trained(LOGITS, tmp_path, f"{keys}\n scheduler = OneCycleLR(2.0)", epochs=25)
    values = result.history.columns[column]
    record = netc_record(result.path)["best"]
    assert record == {"epoch": values.index(best(values)) + 1, column: best(values)} and record["epoch"] < 25
    assert result.prepared.validation is not None
    tensors = tuple(map(torch.from_numpy, result.prepared.validation))
    loss = result.model.loss(*tensors)  # type: ignore[operator]
    result.model.load_state_dict(load_file(result.path / "best.safetensors"))
    assert (
        result.history.columns["val_loss"][record["epoch"] - 1]
        == pytest.approx(
            float(result.model.loss(*tensors).detach())  # type: ignore[operator]
        )
        != pytest.approx(float(loss.detach()))
    )


def netc_record(path: Path) -> Any:
    import json

    return json.loads((path / "run.json").read_text())


def test_early_stopping_knows_that_more_accuracy_is_better(tmp_path: Path) -> None:
    result = trained(LOGITS, tmp_path, 'early_stopping = patience(5, monitor="val_accuracy")', epochs=300)
    values = result.history.columns["val_accuracy"]
    assert result.history.stopped_early and len(values) == values.index(max(values)) + 1 + 5


def test_nan_is_never_the_best() -> None:
    model, best = torch.nn.Linear(1, 1), BestWeights("val_r2")
    for epoch, value in enumerate([float("nan"), 0.5, 0.7, float("nan"), 0.6], 1):
        best.see(epoch, value, model)
    assert (best.epoch, best.value) == (3, 0.7)


# What the losses compare, instead of the output `p` with the target `y`: the text, and whether it stands for the target.
COMPARED = [
    ("MSELoss(p, y)", None), ("MSELoss(p, log(y))", ("log(y)", True)), ("mean((p - log(y)) ** 2)", ("log(y)", True)),
    ("MSELoss(p -> flatten, log(y) -> flatten)", ("log(y) -> flatten", True)), ("GaussianNLLLoss(p, log(y), exp(p))", ("log(y)", True)),
    ("MSELoss(exp(p), y)", ("exp(p)", False)), ("PoissonNLLLoss(p, y)", ("exp(p)", False)), ("PoissonNLLLoss(p, y, log_input=false)", None),
    ("MSELoss(log(p), log(y))", None), ("MSELoss(p * w, y * w)", None), ("mean(w * (p - y) ** 2)", None),
    ("mean(abs(p - y) / y)", None), ("GaussianNLLLoss(p, y, exp(p))", None), ("MSELoss(p, log(y)) + L1Loss(p, y)", None),
    ("mean(maximum(0.9 * (y - p), 0.1 * (p - y)))", None),
]  # fmt: skip
COMPUTED = """
network Logs {{
  input x: [B, 6]
  input w: [B, 1]
  target y: [B, 1]
  p = x -> Linear(8) -> Tanh -> Linear(1)
  output {output}
  loss {loss}
}}
"""
ROWS = 'data {{\n source = csv("{}", target="y")\n w = "w"\n validation = 0.3\n}}'


@pytest.mark.parametrize(("loss", "expected"), COMPARED)
def test_what_the_losses_compare_instead_of_output_and_target(loss: str, expected: tuple[str, bool] | None) -> None:
    found = other_comparison(netc.load(COMPUTED.format(output="p", loss=loss)).graph)
    assert (found and (found.text, found.target is not None)) == expected
    derived = netc.load(COMPUTED.format(output="exp(p)", loss=loss)).graph
    assert other_comparison(derived) is None  # an output that is turned back is like the target


def write_rows(folder: Path) -> Path:
    values = np.random.default_rng(0).normal(size=(101, 7))
    rows = [",".join(map(str, [*row, np.exp(row[0] - row[1])])) for row in values]
    path = folder / "rows.csv"
    path.write_text("\n".join([",".join([*(f"x{i}" for i in range(6)), "w", "y"]), *rows]) + "\n")
    return path


def test_numbers_are_measured_against_what_the_loss_takes_for_the_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write_rows(tmp_path)
    result = trained(COMPUTED.format(output="p", loss="MSELoss(p, log(y))") + ROWS.format(rows), tmp_path / "runs")
    assert result.prepared.validation is not None
    x, w, y = result.prepared.validation
    with torch.no_grad():
        p = result.model(torch.from_numpy(x), torch.from_numpy(w)).numpy()
    columns = result.history.columns
    assert columns["val_r2"][-1] == pytest.approx(sk.r2_score(np.log(y), p))
    assert columns["val_mean_absolute_error"][-1] == pytest.approx(sk.mean_absolute_error(np.log(y), p))
    assert evaluate_parts(netc.open_run(result.path))["validation"]["r2"] == pytest.approx(sk.r2_score(np.log(y), p))
    assert main(["predict", str(result.path), "--data", str(rows)]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith(",w,y,p")  # and not the target's name


def test_an_output_that_is_not_what_the_loss_compares_is_not_measured(tmp_path: Path) -> None:
    spec = COMPUTED.format(output="p", loss="MSELoss(exp(p), y)") + ROWS.format(write_rows(tmp_path))
    (doubt,) = netc.load(spec).check_data()
    assert (
        doubt.message.startswith("`MSELoss` compares `exp(p)` with the target") and doubt.hint == "`output exp(p)` gives what is compared"
    )
    assert not [name for name in trained(spec, tmp_path / "runs").history.columns if "r2" in name]
    assert "val_r2" in trained(spec.replace("output p", "output exp(p)"), tmp_path / "runs").history.columns


def test_what_the_network_itself_makes_of_the_target_is_not_measured(tmp_path: Path) -> None:
    text = COMPUTED.format(output="p", loss="MSELoss(p, y * v)").replace("  p =", "  param v: [1] = ones\n  p =")
    spec = text + ROWS.format(write_rows(tmp_path))
    (doubt,) = netc.load(spec).check_data()
    assert doubt.message.startswith("`MSELoss` compares the output with `y * v`, which takes layers or parameters of the network")
    assert not [name for name in trained(spec, tmp_path / "runs").history.columns if "r2" in name]
