"""A whole training: its folder, the files in it, and what is left when it fails."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from netc import NetError, load
from netc.files import write
from netc.pipeline import Network
from netc.train.history import History
from netc.train.run import metrics_csv, model_bytes, new_run
from netc.train.session import Result, train

NET = """
network Net {
  input x: [B, F]
  target y: [B, 1]
  p = x -> hidden: Linear(4) -> ReLU -> output: Linear(1) -> Sigmoid
  output p
  loss BCELoss(p, y)
  metric error = mean(abs(p - y))
}
"""
DATA = """
data {
  source = sklearn.make_classification(n_samples=40, n_features=5, n_informative=3, random_state=0)
  validation = 0.25
  normalize = standard
}
"""
TRAIN = """
train {
  optimizer = SGD(lr=0.1)
  epochs = 6
  seed = 3
}
"""


def run(network: Network, base: Path, pictures: bool = False, stream: io.StringIO | None = None) -> Result:
    return train(network.graph, network.module, network.data, network.training, spec=NET, name="net", base=base, stream=stream,
                 overrides={"train.epochs": "6"}, pictures=pictures)  # fmt: skip


def test_the_folder_holds_everything_of_the_run(tmp_path: Path) -> None:
    result = run(load(NET + DATA + TRAIN), tmp_path / "deep" / "runs", pictures=True, stream=io.StringIO())
    files = sorted(path.name for path in result.path.iterdir())
    assert result.path == tmp_path / "deep" / "runs" / "net-1" and not result.warnings
    drawn = ["data.png", "loss.png", "metrics.csv", "model.safetensors", "predictions.png", "report.html", "run.json", "spec.net"]
    assert files == ["best.safetensors", "checkpoint", *drawn]
    heading, _, spec = (result.path / "spec.net").read_text().partition("\n\n")
    assert heading.startswith("# As it was trained: netc ") and "seed" in heading and spec == NET

    rows = list(csv.DictReader((result.path / "metrics.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {name: [float(row[name]) for row in rows] for name in result.history.columns} == result.history.columns
    assert list(result.history.columns) == ["loss", "error", "val_loss", "val_error", "val_accuracy"]

    saved = load_file(result.path / "model.safetensors")
    assert list(saved) == sorted(result.model.state_dict())
    assert all(torch.equal(saved[key], value) for key, value in result.model.state_dict().items())
    assert not result.model.training


def test_the_record_says_under_what_it_was_trained(tmp_path: Path) -> None:
    result = run(load(NET + DATA + TRAIN), tmp_path)
    record = json.loads((result.path / "run.json").read_text())
    assert {"netc", "python", "torch", "numpy", "threads", "device", "started", "finished", "seconds"} <= set(record)
    assert (record["seed"], record["epochs"], record["interrupted"], record["stopped_early"]) == (3, 6, False, False)
    assert record["overrides"] == {"train.epochs": "6"} and record["final"] == result.history.final
    (part,) = record["preprocessing"]["inputs"][0]["parts"]
    assert part["scaling"]["kind"] == "standard" and len(part["scaling"]["offset"]) == 5
    assert record["torch"] == torch.__version__ and record["threads"] == torch.get_num_threads()


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    first, second = (run(load(NET + DATA + TRAIN), tmp_path) for _ in range(2))
    assert first.history.columns == second.history.columns and first.path != second.path
    assert run(load(NET + DATA + TRAIN, {"train.seed": 4}), tmp_path).history.columns != first.history.columns


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    write(path, "old")

    def full_disk(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(NetError, match="No space left on device"):
        write(path, "new")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_runs_that_start_at_once_get_folders_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: new_run(tmp_path / "runs", "net"), range(40)))
    assert sorted(path.name for path in paths) == sorted(f"net-{i}" for i in range(1, 41))


def test_numbers_go_on_behind_the_last_run(tmp_path: Path) -> None:
    for name in ("net-2", "net-10", "net-x", "other-30", "net-old-40"):
        (tmp_path / name).mkdir()
    assert new_run(tmp_path, "net").name == "net-11"
    assert new_run(tmp_path, "net-old").name == "net-old-41"


def test_a_base_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(NetError, match="cannot make a folder for the run"):
        new_run(tmp_path / "runs", "net")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (NET + DATA, "training", "optimizer = SGD(lr=0.1)"),
        (NET.replace("F]", "5]") + TRAIN, "data", "data = sklearn.make_classification("),
        (NET.replace("  loss BCELoss(p, y)\n", "") + DATA + TRAIN, "training", "no loss to minimize"),
        (NET + DATA + TRAIN.replace("lr=0.1", "lr=-1.0"), "argument-type", "lr must be 0 or more"),
        (NET + DATA + TRAIN.replace("seed = 3", "seed = 9223372036854775808"), "syntax", "is too large"),
    ],
)
def test_what_cannot_be_trained_is_an_error_and_leaves_no_folder(text: str, code: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(NetError) as caught:
        run(load(text), tmp_path)
    assert caught.value.diagnostics[0].code == code and words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_section_in_a_hint_is_right(tmp_path: Path) -> None:
    with pytest.raises(NetError) as caught:
        run(load(NET + DATA), tmp_path)
    minimal = caught.value.diagnostics[0].hint.removeprefix("add e.g.")
    assert run(load(NET + DATA + minimal), tmp_path).history.epochs == 100


def test_shared_and_strided_tensors_are_saved_under_all_their_keys(tmp_path: Path) -> None:
    model = nn.Module()
    model.first, model.second = nn.Linear(3, 3), nn.Linear(3, 3)
    model.second.weight = model.first.weight
    model.register_buffer("turned", torch.arange(6.0).reshape(2, 3).T)
    (tmp_path / "model.safetensors").write_bytes(model_bytes(model))
    saved = load_file(tmp_path / "model.safetensors")
    assert saved.keys() == model.state_dict().keys()
    assert all(torch.equal(saved[key], value) for key, value in model.state_dict().items())


def test_metrics_are_written_with_all_their_digits() -> None:
    assert metrics_csv(History({"loss": [0.1, 1 / 3], "a": [2.0, 1e-20]})) == "epoch,loss,a\n1,0.1,2.0\n2,0.3333333333333333,1e-20\n"
    assert metrics_csv(History({"loss": []})) == "epoch,loss\n"


def test_a_run_is_repeatable_to_the_last_bit(tmp_path: Path) -> None:
    """Parameters, dropout, split and order of the data follow from the seed, whatever was drawn before; another seed is another run."""
    text = (NET + DATA + TRAIN).replace("ReLU", "ReLU -> Dropout(0.3)")
    assert "Dropout" in text

    def columns(seed: int) -> dict[str, list[float]]:
        torch.randn(seed + 3)
        return load(text, {"train.seed": str(seed)}).train(tmp_path, pictures=False).history.columns

    first = columns(5)
    assert columns(5) == first != columns(6)


def test_torchs_compiler_is_not_loaded_where_nothing_is_compiled(specs: Path, tmp_path: Path) -> None:
    """Also with a scheduler, and when a run goes on, which gives the optimizer its state."""
    first = ["train", str(specs / "network.net"), "--no-pictures", "--runs", str(tmp_path), "--set", "train.epochs=2"]
    first += ["--set", "train.scheduler=ExponentialLR(0.9)"]
    more = ["train", "--resume", str(tmp_path / "network-1"), "--no-pictures", "--set", "train.epochs=3"]
    code = f"import sys; from netc.cli import main; assert main({first}) == 0 == main({more}); "
    code += "print({'torch._dynamo', 'sympy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")
