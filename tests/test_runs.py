"""Runs read from their folders: what `netc runs` and `netc compare` say of them, and what of folders that are not whole."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import netc
from netc.cli import main
from netc.runs import compare, listing, table
from netc.runs.folder import open_run, runs_in
from netc.train.report.curves import curves_by_network, curves_picture
from netc.train.report.sheet import png

SPEC = """
network Tiny(width = 4, act = ReLU) {
  input  x: [B, 2]
  target y: [B, 1]
  p = x -> hidden: Linear(width) -> act -> last: Linear(1) -> Sigmoid
  output p
  loss BCELoss(p, y)
  metric accuracy = mean(float((p > 0.5) == (y > 0.5)))
}
data {
  source = sklearn.make_moons(n_samples=40, noise=0.1, random_state=0)
  validation = 0.25
}
train {
  optimizer = SGD(lr=0.5)
  epochs = 5
}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three runs, tiny-1 to tiny-3."""
    base = tmp_path_factory.mktemp("trained") / "runs"
    for overrides in ({}, {"width": "6"}, {"act": "Tanh", "train.optimizer.lr": "0.1"}):
        netc.load(SPEC, overrides).train(base, name="tiny", pictures=False)
    return base


def made(path: Path, metrics: str = "epoch,loss\n1,0.5\n", **record: Any) -> Path:
    """A folder of a run with these files."""
    path.mkdir(parents=True)
    (path / "metrics.csv").write_text(metrics)
    (path / "run.json").write_text(json.dumps({"started": "2026-01-01T00:00:00+00:00", "finished": "x", **record}))
    return path


def run(*words: object) -> int:
    try:
        return main([str(word) for word in words])
    except SystemExit as stop:
        assert isinstance(stop.code, int)
        return stop.code


# --- opening ------------------------------------------------------------------------------------------------------


def test_a_run_is_what_the_training_recorded(trained: Path) -> None:
    network = netc.load(SPEC, {"width": "6"})
    result = network.train(trained.parent / "again", pictures=False)
    opened = netc.open_run(trained / "tiny-2")
    assert opened.history == result.history.columns and opened.problems == () and opened.state == "finished"
    assert opened.overrides == {"width": "6"} and opened.epochs == 5 and opened.name == "tiny-2"
    assert opened.final == {name: values[-1] for name, values in result.history.columns.items()}


def test_the_module_is_rebuilt_from_the_spec_and_the_weights_alone(trained: Path, tmp_path: Path) -> None:
    result = netc.load(SPEC, {"width": "6"}).train(tmp_path / "runs", pictures=False)
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("spec.net", "model.safetensors"):
        (result.path / name).rename(alone / name)
    model = open_run(alone).module()
    x = torch.randn(7, 2)
    assert torch.equal(model(x), result.model(x)) and not model.training


def test_opening_needs_no_torch(trained: Path) -> None:
    code = f"import netc, sys; netc.open_run({str(trained / 'tiny-1')!r}).best; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_best_is_the_lowest_loss_and_the_highest_accuracy(tmp_path: Path) -> None:
    rows = "epoch,loss,accuracy,val_r2\n1,0.5,0.6,nan\n2,0.1,0.9,-1\n3,0.1,0.9,-2\n4,0.2,0.7,inf\n"
    best = open_run(made(tmp_path / "net-1", rows)).best
    assert best == {"loss": (0.1, 2), "accuracy": (0.9, 2), "val_r2": (-1.0, 2)}


@pytest.mark.parametrize(
    ("metrics", "epochs", "words"),
    [
        ("epoch,loss\n1,0.5\n2,0.", 2, ""),
        ("epoch,loss\n1,0.5\n2", 1, "broken in line 3"),
        ("epoch,loss\n1,0.5\n2,0.4,0.3\n", 1, "broken in line 3"),
        ("epoch,loss\n1,x\n", 0, "broken in line 2"),
        ("epoch,loss\n1,\n", 1, ""),
        ("", 0, "names its columns"),
        ("loss\n1\n", 0, "names its columns"),
        ("epoch,loss,loss\n1,2,3\n", 0, "names its columns"),
        ("epoch,loss\n", 0, ""),
    ],
)
def test_metrics_are_read_up_to_where_they_are_broken(metrics: str, epochs: int, words: str, tmp_path: Path) -> None:
    opened = open_run(made(tmp_path / "net-1", metrics))
    assert opened.epochs == epochs
    assert any(words in problem for problem in opened.problems)
    assert ("metrics.csv" in " ".join(opened.problems)) == bool(words)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"started": 3, "overrides": 4, "final": []}', "\xff"])
def test_a_broken_record_is_said_and_the_rest_is_there(text: str, tmp_path: Path) -> None:
    path = made(tmp_path / "net-1")
    (path / "run.json").write_bytes(text.encode("latin-1"))
    opened = open_run(path)
    assert opened.state == "unfinished" and opened.final == {"loss": 0.5} and opened.started is None and opened.overrides == {}
    assert "net-1" in listing.as_text([opened]) and json.loads(table.as_json([opened]))[0]["epochs"] == 1


def test_a_run_that_did_not_end_is_read_from_its_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = netc.load(SPEC, {"width": "6"}).train(tmp_path, name="tiny", pictures=False)
    for name in ("run.json", "metrics.csv", "model.safetensors"):  # what is written at the end
        (result.path / name).unlink()
    opened = open_run(result.path)
    assert opened.history == result.history.columns and opened.state == "unfinished" and opened.overrides == {"width": "6"}
    assert opened.record["network"] == "Tiny" and opened.started is not None and opened.record["seconds"] > 0
    code = f"import netc, sys; netc.open_run({str(result.path)!r}).best; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert run("runs", tmp_path) == 0
    assert (
        f"tiny-1: the training has not ended, and its last checkpoint is shown; `netc train --resume {result.path}`"
        in capsys.readouterr().out
    )
    state = result.path / "checkpoint" / "state.json"
    for damaged in (state.read_text()[:-40], "{}", "[]", '{"state": {"training": {"columns": {"loss": 1}}}, "tensors": {"file": "x"}}'):
        state.write_text(damaged)
        assert open_run(result.path).history == {} and "run.json is missing" in open_run(result.path).problems[0]


def test_what_is_missing_is_a_clear_error(tmp_path: Path) -> None:
    opened = open_run(made(tmp_path / "net-1"))
    assert opened.problems == ("spec.net is missing", "model.safetensors is missing")
    for wanted in (opened.network, opened.module, lambda: opened.spec):
        with pytest.raises(netc.NetError, match=r"spec\.net"):
            wanted()
    (tmp_path / "empty").mkdir()
    for path, words in (("empty", "is not the folder of a run"), ("net-2", "there is no folder"), ("no/net", "there is no folder")):
        with pytest.raises(netc.NetError, match=words):
            open_run(tmp_path / path)
    assert open_run(tmp_path / "net-1" / "run.json").path == tmp_path / "net-1"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda model: model.unlink(), "is missing"),
        (lambda model: model.write_bytes(b"no tensors"), "cannot be read"),
        (lambda model: model.write_bytes(model.read_bytes()[:-5]), "cannot be read"),
    ],
)
def test_weights_that_cannot_be_read(change: Any, words: str, tmp_path: Path) -> None:
    path = netc.load(SPEC).train(tmp_path, pictures=False).path
    change(path / "model.safetensors")
    with pytest.raises(netc.NetError, match=words):
        open_run(path).module()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("hidden:", "renamed:", "it lacks `renamed.bias`, `renamed.weight`|it lacks `renamed.weight`, `renamed.bias`"),
        ("in_features=2, out_features=4", "in_features=2, out_features=4, bias=false", "the network has no `hidden.bias`"),
        ("in_features=2", "in_features=3", r"is \[4, 2\] in the file and \[4, 3\]"),
    ],
)
def test_weights_of_another_network_are_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    path = netc.load(SPEC).train(tmp_path, pictures=False).path
    text = (path / "spec.net").read_text()
    assert old in text
    text = text.replace(old, new).replace(", bias=false, bias=true", ", bias=false")
    (path / "spec.net").write_text(text.replace("x: [B, 2]", "x: [B, 3]") if "=3" in new else text)
    with pytest.raises(netc.NetError, match=words):
        open_run(path).module()


# --- the table ----------------------------------------------------------------------------------------------------


def test_runs_are_listed_by_time(tmp_path: Path) -> None:
    made(tmp_path / "net-10", started="2026-01-02T00:00:00+00:00")
    made(tmp_path / "net-2", started="2026-01-02T00:00:00+00:00")
    made(tmp_path / "zero", started="2026-01-01T20:00:00-08:00")
    (tmp_path / "lost").mkdir()
    (tmp_path / "unfinished-1").mkdir()
    (tmp_path / "unfinished-1" / "spec.net").write_text("")
    assert [found.name for found in runs_in(tmp_path)] == ["net-2", "net-10", "zero", "unfinished-1"]
    assert [found.name for found in runs_in(tmp_path / "zero")] == ["zero"]


def test_the_table_of_a_folder(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs", trained) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == "run when network epochs time loss accuracy val_loss val_accuracy best val_loss set".split()
    assert [line.split()[0] for line in lines] == ["tiny-1", "tiny-2", "tiny-3"]
    assert "width=6" in lines[1] and lines[2].endswith("act=Tanh train.optimizer.lr=0.1") and "=" not in lines[0]


@pytest.mark.parametrize(
    ("key", "descending", "names"),
    [
        ("loss", False, "b a c d"), ("loss", True, "c a b d"), ("best", False, "c b a d"), ("best:accuracy", True, "a b c d"),
        ("name", True, "d c b a"), ("seconds", False, "c a b d"), ("val_loss", False, "c a b d"),
    ],
)  # fmt: skip
def test_order(key: str, descending: bool, names: str, tmp_path: Path) -> None:
    """Runs without the value, and those whose value is NaN, come last in both directions."""
    made(tmp_path / "a", "epoch,loss,accuracy\n1,0.3,0.9\n2,0.2,0.1\n", seconds=2)
    made(tmp_path / "b", "epoch,loss,accuracy\n1,0.1,0.8\n", seconds=3)
    made(tmp_path / "c", "epoch,loss,val_loss,accuracy\n1,0.05,1,0.1\n2,0.5,1,0.2\n", seconds=1)
    made(tmp_path / "d", "epoch,loss\n1,nan\n")
    found = table.ordered(runs_in(tmp_path), key, descending)
    assert key in table.sortable(found)
    if key == "best":
        assert table.monitor(found) == "val_loss" and found[0].name == "c"
    else:
        assert [one.name for one in found] == names.split()


def two_networks(folder: Path) -> Path:
    many = "epoch,loss,val_loss,val_r2,val_mean_absolute_error,val_r2_height,val_r2_weight\n1,0.5,0.6,0.7,12.5,0.8,0.9\n"
    made(folder / "churn-1", "epoch,loss,val_loss,accuracy,val_accuracy\n1,0.5,0.6,0.7,0.75\n", network="Churn")
    made(folder / "sizes-1", many, network="Sizes")
    made(folder / "churn-2", "epoch,loss,val_loss,accuracy,val_accuracy\n1,0.4,0.7,0.8,0.85\n", network="Churn")
    made(folder / "begun-1", "epoch\n", network="Begun")
    return folder


def test_networks_that_record_other_things_have_tables_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(two_networks(tmp_path)), "--sort", "name", "--desc"]) == 0
    first, second, *_ = capsys.readouterr().out.split("\n\n")
    assert first.splitlines()[0] == "Sizes, Begun" and "val_r2_weight" in first and "accuracy" not in first
    head, titles, *rows = second.splitlines()
    assert head == "Churn" and "accuracy" in titles and "r2" not in titles
    assert [row.split()[0] for row in rows] == ["churn-2", "churn-1"]


LEFT_OUT = [(200, 0), (120, 2), (105, 3), (90, 3), (20, 4)]  # columns of the terminal, and metrics for which it has no room


@pytest.mark.parametrize(("width", "count"), LEFT_OUT)
def test_metrics_without_room_are_named(width: int, count: int, tmp_path: Path) -> None:
    (run,) = (run for run in runs_in(two_networks(tmp_path)) if run.name == "sizes-1")
    titles, row, *rest = listing.as_text([run], width).splitlines()
    left = ["val_r2", "val_mean_absolute_error", "val_r2_height", "val_r2_weight"][4 - count :]
    assert not set(left) & set(titles.split()) and set(run.history) - set(left) <= set(titles.split())
    assert max(len(titles), len(row)) <= max(width, 80)
    note = f"not shown, as there is no room: {', '.join(f'`{name}`' for name in left)}; --format csv has all columns"
    assert (note in rest[1]) if left else not any("no room" in line for line in rest)


def test_a_terminal_has_as_much_as_it_has_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "90")
    assert main(["runs", str(two_networks(tmp_path))]) == 0
    tables, _, note = capsys.readouterr().out.partition("not shown, as there is no room: ")
    assert max(map(len, tables.splitlines())) <= 90 and "`accuracy`" in note


def test_curves_of_each_network(tmp_path: Path) -> None:
    figure = curves_by_network(listing.columns_by_network(runs_in(two_networks(tmp_path))))
    assert figure is not None
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles[:2] == ["loss (Begun, Churn)", "accuracy (Begun, Churn)"] and titles[2] == "loss (Sizes)" and len(titles) == 7
    assert [len(axes.lines) for axes in figure.axes[:3]] == [4, 4, 2]


def test_panels_that_are_not_drawn_are_counted() -> None:
    figure = curves_picture({"net-1": {f"metric{i}": [1.0] for i in range(15)}})
    assert figure is not None and any("3 more losses and metrics are not drawn" in text.get_text() for text in figure.texts)


def test_an_unknown_column_is_wrong_use(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs", trained, "--sort", "vla_loss") == 2
    assert "did you mean `val_loss`?" in capsys.readouterr().err
    assert run("runs", trained / "nothing") == 1
    assert run("compare", trained / "tiny-1") == 2
    assert run("compare", trained / "tiny-1", trained / "tiny-9") == 1


def test_the_learning_rate_is_recorded_and_no_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for rate in ("0.5", "0.25"):
        netc.load(SPEC.replace("  epochs", f"  scheduler = StepLR(2, gamma={rate})\n  epochs")).train(tmp_path, name="net", pictures=False)
    first, second = runs_in(tmp_path)
    assert first.history["lr"] == [0.5, 0.5, 0.25, 0.25, 0.125] and second.history["lr"][-1] == 0.03125
    assert "lr" not in first.record["final"] | first.final | first.best
    assert run("runs", tmp_path) == run("compare", first.path, second.path) == run("runs", tmp_path, "--format", "csv") == 0
    assert not re.search(r"^(  )?lr\b|  lr  |,lr,", capsys.readouterr().out, re.MULTILINE)
    figure = curves_picture({run.name: run.history for run in (first, second)})
    assert figure is not None and "lr" in [axes.get_title(loc="left") for axes in figure.axes]


def test_a_metric_has_another_name_than_the_learning_rate(tmp_path: Path) -> None:
    with pytest.raises(netc.NetError, match="`lr` is the learning rate in what is recorded"):
        netc.load(SPEC.replace("metric accuracy", "metric lr")).train(tmp_path, pictures=False)


def test_programs_read_all_digits(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finals = {one.name: one.final for one in runs_in(trained)}
    assert run("runs", trained, "--format", "json", "--sort", "name") == 0
    objects = json.loads(capsys.readouterr().out)
    assert {o["name"]: o["final"] for o in objects} == finals and objects[1]["overrides"] == {"width": "6"}
    assert run("runs", trained, "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["name"]: float(row["val_loss"]) for row in rows} == {name: final["val_loss"] for name, final in finals.items()}
    assert [row["set act"] for row in rows] == ["", "", "Tanh"]


def test_a_folder_without_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs", tmp_path) == 0 and "there are no runs" in capsys.readouterr().out
    assert run("runs", tmp_path, "--format", "json") == 0 and capsys.readouterr().out == "[]\n"
    assert run("runs", tmp_path, "--plot", tmp_path / "a.png") == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (59.4, "59 s"), (61, "1:01 min"), (3725, "1:02 h"), (None, "-"), ("x", "-")]
)
def test_time(seconds: Any, text: str) -> None:
    assert table.time_text(seconds) == text


# --- pictures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_plot(trained: Path, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"curves.{ending}"
    assert run("runs", trained, "--plot", path) == 0
    assert {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending] == path.read_bytes()[: 5 if ending == "svg" else 4]
    assert str(path) in capsys.readouterr().err
    assert run("runs", trained, "--plot", tmp_path / "curves.gif") == 1


def test_curves_of_many_runs_of_unlike_columns() -> None:
    def one(number: int, *columns: str) -> dict[str, list[float]]:
        return {name: [1.0, math.nan, 1e-4 * number] for name in columns}

    for count in (1, 3, 39):
        runs = {f"net-{i}": one(i, "loss", *(["val_loss", f"m{i}"] if i % 7 == 1 else [])) for i in range(1, count + 1)}
        figure = curves_picture(runs)
        assert figure is not None and len(png(figure)) > 1000
        assert len(figure.axes) == 1 + sum(i % 7 == 1 for i in range(1, count + 1))
    assert curves_picture({"net-1": {"loss": []}}) is None


# --- side by side -------------------------------------------------------------------------------------------------


def test_compare_names_what_differs_and_who_did_better(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", *(trained / f"tiny-{i}" for i in (1, 2, 3))) == 0
    out = capsys.readouterr().out
    first, second = out.split("the spec of tiny-2, against tiny-1")
    lines = second.split("the spec of tiny-3, against tiny-1")
    assert [line.strip() for line in lines[0].splitlines() if line] == [
        "- h1 = x -> hidden: Linear(out_features=4, …)",
        "+ h1 = x -> hidden: Linear(out_features=6, …)",
        "- h3 = h2 -> last: Linear(in_features=4, …)",
        "+ h3 = h2 -> last: Linear(in_features=6, …)",
    ]
    assert "+ optimizer = SGD(lr=0.1, …)" in lines[1] and "+ h2 = h1 -> tanh: Tanh()" in lines[1]
    rows = {line[:14].strip(): line for line in first.splitlines()}
    assert rows["set width"].split()[2:] == ["-", "6", "-"]
    assert "last" in rows and first.count("*") >= 4


def test_a_tie_has_no_winner_and_nan_never_wins(tmp_path: Path) -> None:
    a = open_run(made(tmp_path / "a", "epoch,loss,accuracy\n1,0.5,0.1\n"))
    b = open_run(made(tmp_path / "b", "epoch,loss,accuracy\n1,0.5,0.2\n"))
    c = open_run(made(tmp_path / "c", "epoch,loss,accuracy\n1,nan,nan\n"))
    winners = {line.title + str(i): line.best for i, line in enumerate(compare.results([a, b, c])) if "last" in line.title}
    assert list(winners.values()) == [frozenset(), frozenset({1})]


ALIKE = {
    "the same": (("", ""), ""),
    "another network": (("Linear(width) -> act", "Tanh"), ""),
    "other names": (("target y", "target label"), ""),
    "another loss": (("BCELoss(p, y)", "MSELoss(p, y)"), "`BCELoss` in a; `MSELoss` in b"),
    "another reduction": (("BCELoss(p, y)", 'BCELoss(p, y, reduction="sum")'), 'weight=none, reduction="sum")` in b'),
    "a weight": (("BCELoss(p, y)", "0.1 * BCELoss(p, y)"), "`BCELoss` in a; `0.1 * BCELoss` in b"),
    "several losses": (("BCELoss(p, y)", "one = BCELoss(p, y)\n  loss two = L1Loss(p, y)"), " + L1Loss(p, y, "),
    "other units": (("validation", "normalize_target = max\n  validation"), "with `normalize_target = max` in b"),
}  # fmt: skip


@pytest.mark.parametrize("case", ALIKE)
def test_losses_that_are_other_functions_have_no_best(case: str, tmp_path: Path) -> None:
    """Metrics of scikit-learn are always the same, those of the network are what their expressions say."""
    (old, new), said = ALIKE[case]
    other = SPEC.replace(old, new) if "target" not in old else re.sub(r"\by\b", "label", SPEC)
    runs = []
    for name, spec, value in (("a", SPEC, 0.5), ("b", other, 0.4)):
        resolved = netc.load(spec).resolved()
        path = made(tmp_path / name, f"epoch,loss,accuracy,val_loss,val_r2\n1,{value},{value},{value},{value}\n")
        (path / "spec.net").write_text(resolved)
        runs.append(open_run(path))
    best = {line.metric: line.best for line in compare.results(runs) if "last" in line.title}
    assert best["loss"] == best["val_loss"] == (frozenset() if said else frozenset({1})) and best["val_r2"] == frozenset({0})
    text = compare.as_text(runs)
    assert said in text and text.count("`loss` is not the same in all, so none is best: ") == bool(said)
    assert ("`accuracy` is not the same" in text) == (case == "other units")


def test_equal_specs_are_said_to_be(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = netc.load(SPEC).train(tmp_path, name="tiny", pictures=False).path
    assert run("compare", trained / "tiny-1", again, "-o", tmp_path / "both.svg") == 0
    assert "  the same" in capsys.readouterr().out and (tmp_path / "both.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("values", "text"),
    [([3.0, 2.0, 1.0], "█▅▁"), ([1.0], "▁"), ([], "-"), ([math.nan], "-"), ([0.0, math.inf, 7.0], "▁ █"), ([0.0] * 40, "▁" * 16)],
)
def test_sparkline(values: list[float], text: str) -> None:
    assert compare.sparkline(values) == text


def test_the_comparison_as_a_page(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lame = made(tmp_path / "<b>", "epoch,loss\n1,nan\n")
    assert run("compare", trained / "tiny-1", trained / "tiny-2", lame, "-o", tmp_path / "all.html") == 0
    page = (tmp_path / "all.html").read_text()
    assert "<b>" not in page.split("</style>")[1].split("<ul", 1)[0] and "&lt;b&gt;: spec.net is missing" in page
    assert page.count("<svg ") == 1 and '<span class="minus">- h1 = x -&gt; hidden: Linear(out_features=4, …)</span>' in page
    assert 'class="best"' in page and not any(word in page for word in ("<script", "http:", "https:"))
    assert run("compare", trained / "tiny-1", trained / "tiny-2", "-o", tmp_path / "all.gif") == 1
    assert "the endings are `.html`, `.png`" in capsys.readouterr().err


# --- evaluated anew -----------------------------------------------------------------------------------------------


def test_eval_gives_the_numbers_of_the_last_validation(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", trained / "tiny-3", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    opened = open_run(trained / "tiny-3")
    assert found["validation"] == {"rows": 10} | {n.removeprefix("val_"): v for n, v in opened.final.items() if n.startswith("val_")}
    assert found["training"]["rows"] == 30 and found["training"].keys() == found["validation"].keys()
    assert run("eval", trained / "tiny-3") == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["training", "validation"]


def test_eval_of_the_best_epoch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = netc.load(SPEC, {"train.optimizer.lr": "40.0", "train.epochs": "20"}).train(tmp_path, pictures=False).path
    opened = open_run(path)
    assert opened.best["val_loss"].value < opened.final["val_loss"]
    assert run("eval", path, "--best", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["validation"]["loss"] == opened.best["val_loss"].value
    (path / "best.safetensors").unlink()
    assert run("eval", path, "--best") == 1
    assert "the best epoch is known only where data was held out" in capsys.readouterr().err


def test_eval_of_what_is_no_training(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", tmp_path / "none") == 1
    path = netc.load(SPEC).train(tmp_path, pictures=False).path
    text = (path / "spec.net").read_text()
    (path / "spec.net").write_text(text[: text.index("\ntrain {")])
    assert run("eval", path) == 1
    assert "does not say how it was trained" in capsys.readouterr().err
