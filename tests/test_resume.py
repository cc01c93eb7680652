"""A training that was stopped and goes on is the training that was never stopped, to the last bit."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.amp import GradScaler

from netc import NetError, load
from netc.cli import main
from netc.pipeline import run_spec
from netc.runs.folder import open_run
from netc.settings import Section
from netc.train import checkpoint, job
from netc.train.history import History
from netc.train.loop import fit
from netc.train.run import environment, held
from netc.train.saving import Saver
from tests.one_layer import data, training_section


class Twin(nn.Module):
    """A stand-in for the module of a graph, with dropout and with buffers that change."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.norm, self.output = nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)
        self.dropout = nn.Dropout(0.3)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy(self(x), y)

    def losses(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"loss": self.loss(x, y), "mean": self(x).mean()}

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.output(self.dropout(torch.relu(self.norm(self.hidden(x))))))


pytestmark = pytest.mark.usefixtures("one_thread")


def settings(keys: str, epochs: int = 6) -> Section:
    return training_section(keys, epochs)


def trained(section: Section, saver: Saver | None = None, resumed: dict[str, Any] | None = None) -> tuple[History, list[bytes]]:
    """What a training gives: its history, and the bytes of all that is in the model."""
    torch.manual_seed(7 if resumed is None else 1234)  # a new process has other random numbers and parameters
    model = Twin()
    history = fit(model, ["loss", "mean"], data(), section, data(11), watched=data()[:1], saver=saver, resumed=resumed)
    return history, [bytes(t.reshape(-1).view(torch.uint8).tolist()) for t in model.state_dict().values()]


def states(section: Section, folder: Path) -> tuple[tuple[History, list[bytes]], list[dict[str, Any]]]:
    """A training that is never stopped, and all the checkpoints that it made on its way."""
    found = []

    def keep(state: dict[str, Any]) -> None:
        checkpoint.save(folder, state)
        found.append(checkpoint.load(folder))

    return trained(section, Saver(keep, 0)), found


def is_equal(a: tuple[History, list[bytes]], b: tuple[History, list[bytes]]) -> bool:
    shots = zip(a[0].snapshots, b[0].snapshots, strict=True)
    return (
        a[0].columns == b[0].columns
        and a[1] == b[1]
        and len(a[0].snapshots) == len(b[0].snapshots)
        and all(x.epoch == y.epoch and torch.equal(x.output, y.output) for x, y in shots)
        and a[0].stopped_early == b[0].stopped_early
    )


FACTORS = Path(__file__).with_name("my_factors.py")
SETTINGS = {
    "full batches": "optimizer = SGD(lr=0.1, momentum=0.9)",
    "batches": "optimizer = SGD(lr=0.1, momentum=0.9, nesterov=true)\n batch_size = 12\n scheduler = StepLR(2, gamma=0.5)\n seed = 4",
    "one batch": "optimizer = RMSprop(lr=0.01)\n batch_size = 40\n scheduler = ExponentialLR(0.8)",
    "adam": "optimizer = AdamW(lr=0.03)\n batch_size = 16\n clip_grad_norm = 0.1\n scheduler = CosineAnnealingLR(T_max=epochs)",
    "early stopping": 'optimizer = SGD(lr=2.0)\n batch_size = 16\n early_stopping = patience(2, monitor="val_loss")',
    "step by step": "optimizer = SGD(lr=0.1)\n batch_size = 7\n accumulate = 2\n scheduler = OneCycleLR(max_lr=0.5)",
    "plateau": "optimizer = SGD(lr=0.5, momentum=0.9)\n batch_size = 16\n scheduler = ReduceLROnPlateau(patience=1)",
    "factors": f'optimizer = SGD(lr=0.5)\n batch_size = 16\n scheduler = SequentialLR([LambdaLR(python("{FACTORS}:warmup")), '
    f'MultiplicativeLR([python("{FACTORS}:decay")])], [4])\n scheduler_interval = step',
    "float16": "optimizer = SGD(lr=0.1)\n batch_size = 16\n precision = fp16",
    "bfloat16": "optimizer = NAdam(lr=0.01)\n batch_size = 16\n precision = bf16",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_going_on_from_any_step_gives_what_was_never_stopped(name: str, tmp_path: Path) -> None:
    section = settings(SETTINGS[name])
    whole, found = states(section, tmp_path)
    assert is_equal(whole, trained(section))  # saving changes nothing
    assert len(found) >= whole[0].epochs
    for state in found:
        assert is_equal(whole, trained(section, resumed=state)), (state["epoch"], state["step"])
    assert (found[-1]["epoch"], found[-1]["step"]) == (whole[0].epochs, 0)


def test_going_on_where_steps_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netc.train.step.GradScaler", partial(GradScaler, init_scale=2.0**24))
    section = settings(SETTINGS["float16"] + "\n scheduler = ExponentialLR(0.8)\n scheduler_interval = step")
    whole, found = states(section, tmp_path)
    taken = [state["scheduler"]["last_epoch"] for state in found]
    assert taken[0] == taken[1] == 0 < taken[-1] < 18  # of 6 epochs of 3 steps
    for state in found:
        assert is_equal(whole, trained(section, resumed=state)), (state["epoch"], state["step"])


@pytest.mark.parametrize("part", ["torch", "order", "scheduler", "optimizer", "stopping", "pending", "model"])
def test_leaving_out_any_part_is_seen(part: str, tmp_path: Path) -> None:
    """The comparison of the test above can fail: it does with anything missing that the steps to come depend on."""
    keys = SETTINGS["batches"] + "\n early_stopping = patience(3)"
    section = settings(keys, epochs=8)
    (whole, found), (_, fresh) = states(section, tmp_path), states(settings(keys, epochs=1), tmp_path)
    state = next(s for s in found if s["epoch"] == 5 and s["step"] == 2)
    assert is_equal(whole, trained(section, resumed=state))
    if part == "torch":
        del state["random"]["torch"]
    else:
        state[part] = fresh[0][part]
    assert not is_equal(whole, trained(section, resumed=state))


# --- runs -----------------------------------------------------------------------------------------------------------

SPEC = """
network Net {
  input x: [B, F]
  target y: [B, 1]
  p = x -> Linear(8) -> Dropout(0.2) -> ReLU -> Linear(1) -> Sigmoid
  output p
  loss BCELoss(p, y)
}
data {
  source = sklearn.make_moons(n_samples=50, noise=0.2, random_state=0)
  validation = 0.2
}
train {
  optimizer = Adam(lr=0.01)
  epochs = 6
  batch_size = 16
  checkpoint = 0
}
"""
FILES = ("metrics.csv", "model.safetensors", "best.safetensors")


class Stopped(Exception):
    """In place of a kill."""


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the training end after so many saves as if it were killed, or go on where that is 0."""

    def after(saves: int) -> None:
        count = 0

        def counted(folder: Path, state: dict[str, Any]) -> None:
            nonlocal count
            checkpoint.save(folder, state)
            count += 1
            if count == saves:
                raise Stopped

        monkeypatch.setattr(job, "save", counted)

    return after


def stopped(base: Path, stop: Callable[[int], None], spec: str = SPEC, saves: int = 7) -> Path:
    stop(saves)
    with pytest.raises(Stopped):
        load(spec).train(base, name="net", pictures=False)
    stop(0)
    return base / "net-1"


def test_a_run_that_was_stopped_ends_as_the_one_that_was_not(tmp_path: Path, stop: Callable[[int], None]) -> None:
    whole = load(SPEC).train(tmp_path / "whole", pictures=False).path
    run = stopped(tmp_path, stop)
    assert sorted(path.name for path in run.iterdir()) == ["checkpoint", "spec.net"]
    (run / ".metrics.csv.abc.csv").write_text("of a process that was killed while it wrote")
    stream = io.StringIO()
    result = load(run_spec(run)).train(resume=run, pictures=False, progress=stream)
    assert result.path == run and result.begun_at == 2 and f"{run}: goes on in epoch 3 of 6\n" in stream.getvalue()
    assert [(run / name).read_bytes() for name in FILES] == [(whole / name).read_bytes() for name in FILES]
    assert sorted(p.name for p in run.iterdir()) == sorted(p.name for p in whole.iterdir())


def test_a_run_that_is_finished_says_so_and_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = load(SPEC).train(tmp_path, name="net", pictures=False).path
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert main(["train", "--resume", str(run), "--no-pictures"]) == 0
    assert "has all its 6 epochs: there is nothing left to train; `--set train.epochs=12` trains it longer" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_training_may_become_longer(tmp_path: Path) -> None:
    whole = load(SPEC, {"train.epochs": 9}).train(tmp_path / "whole", pictures=False).path
    run = load(SPEC).train(tmp_path, name="net", pictures=False).path
    result = load(run_spec(run), {"train.epochs": 9}).train(resume=run, pictures=False)
    assert result.history.epochs == 9 and result.begun_at == 6
    assert [(run / name).read_bytes() for name in FILES] == [(whole / name).read_bytes() for name in FILES]
    assert json.loads((run / "run.json").read_text())["overrides"] == {"train.epochs": "9"}
    with pytest.raises(NetError, match="has 9 epochs already, and `epochs = 6`"):
        load(SPEC).train(resume=run)


COSINE = SPEC.replace("  epochs = 6", "  scheduler = CosineAnnealingLR(T_max=epochs)\n  epochs = 6")
LONGER = COSINE.replace("T_max=epochs", "T_max=6").replace("epochs = 6", "epochs = 9")


@pytest.mark.parametrize(
    ("spec", "changed", "words"),
    [
        (SPEC, SPEC.replace("Linear(8)", "Linear(9)"), "with another spec: its `h1` has `out_features=9` where it had `out_features=8`"),
        (SPEC, SPEC.replace("lr=0.01", "lr=0.02"), "was trained with another spec: its `optimizer` has `lr=0.02` where it had `lr=0.01`"),
        (SPEC, SPEC.replace("batch_size = 16", "batch_size = 8"), "another spec: its `batch_size` has `8` where it had `16`"),
        (SPEC, SPEC.replace("random_state=0", "random_state=1"), "was trained with another spec: its `source` has `random_state=1`"),
        (COSINE, LONGER, "over which `CosineAnnealingLR` takes its course"),
    ],
)
def test_another_spec_is_refused(spec: str, changed: str, words: str, tmp_path: Path, stop: Callable[[int], None]) -> None:
    run = stopped(tmp_path, stop, spec)
    before = checkpoint.load(run / "checkpoint")["identity"]
    with pytest.raises(NetError, match=words):
        load(changed).train(resume=run, pictures=False)
    assert checkpoint.load(run / "checkpoint")["identity"] == before


def test_a_spec_that_is_missing_in_the_folder_is_in_the_checkpoint(tmp_path: Path, stop: Callable[[int], None]) -> None:
    run = stopped(tmp_path, stop)
    written = (run / "spec.net").read_text()
    (run / "spec.net").unlink()
    load(run_spec(run)).train(resume=run, pictures=False)
    assert (run / "spec.net").read_text() == written


def test_other_data_is_refused(tmp_path: Path, stop: Callable[[int], None]) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b,y\n" + "".join(f"{i % 7},{i % 5},{i % 2}\n" for i in range(40)))
    spec = SPEC.replace("sklearn.make_moons(n_samples=50, noise=0.2, random_state=0)", f'csv("{table}")')
    run = stopped(tmp_path, stop, spec)
    whole = table.read_text()
    table.write_text(whole.replace("3,", "4,", 1))
    with pytest.raises(NetError, match="was trained on other data: the rows are not the same"):
        load(run_spec(run)).train(resume=run, pictures=False)
    table.write_text(whole)
    assert load(run_spec(run)).train(resume=run, pictures=False).history.epochs == 6


WEIGHTED = """
network Net {
  input x: [B, 2]
  input w: [B]
  target y: [B, 1]
  p = x -> Linear(1)
  output p
  loss mean(w * sum((p - y) ** 2, dim=1))
}
data {
  source = csv("FILE", target="y")
  w = "w"
  validation = 0.25
  normalize = minmax
}
train {
  optimizer = Adam(lr=0.1)
  epochs = 6
  checkpoint = 0
}
"""


def test_a_run_whose_data_was_prepared_in_another_way_keeps_to_it(
    tmp_path: Path, stop: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b,w,y\n" + "".join(f"{i % 7},{i % 5},{1 + i % 3},{i % 4}\n" for i in range(40)))
    spec = WEIGHTED.replace("FILE", str(table))
    with monkeypatch.context() as older:
        older.setattr("netc.data.by_column.unlearned_inputs", lambda graph: frozenset[int]())  # a netc that scaled these too
        whole = load(spec).train(tmp_path / "whole", pictures=False)
        run = stopped(tmp_path, stop, spec, saves=3)
    result = load(run_spec(run)).train(resume=run, pictures=False)
    assert result.begun_at == 3 and (run / "metrics.csv").read_text() == (whole.path / "metrics.csv").read_text()
    assert result.prepared.preprocessing == whole.prepared.preprocessing
    assert open_run(run).evaluate()["validation"]["loss"] == pytest.approx(whole.history.columns["val_loss"][-1], rel=1e-6)
    others = {"a,c,w,y": "has no column `b`, which", "a,b,w,y,c": "`x` was trained with `a`, `b`, and the data feeds it `a`, `b`, `c`"}
    for head, words in others.items():
        table.write_text(head + "\n" + "".join(f"1,2,3,{i % 4}{',1' * (head.count(',') - 3)}\n" for i in range(40)))
        with pytest.raises(NetError, match=words):
            open_run(run).evaluate()


def test_other_threads_and_versions_are_said(tmp_path: Path, stop: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    run = stopped(tmp_path, stop)
    real = environment()
    monkeypatch.setattr("netc.train.identity.environment", lambda: real | {"threads": 7, "torch": "9.9"})
    stream = io.StringIO()
    load(run_spec(run)).train(resume=run, pictures=False, progress=stream)
    assert "trained with 1 thread, and now with 7; OMP_NUM_THREADS=1 gives as many" in stream.getvalue()
    assert f"trained with torch {torch.__version__}, and now with torch 9.9; the numbers may differ" in stream.getvalue()


def test_a_run_is_trained_by_one_process_at_a_time(tmp_path: Path, stop: Callable[[int], None]) -> None:
    run = stopped(tmp_path, stop)
    with held(run), pytest.raises(NetError, match="is being trained by another process"):
        load(SPEC).train(resume=run, pictures=False)
    assert load(SPEC).train(resume=run, pictures=False).history.epochs == 6


def test_what_is_no_run_to_go_on_with_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--resume", str(tmp_path / "net-1")]) == 1
    assert "there is no folder" in capsys.readouterr().err
    run = load(SPEC, {"train.checkpoint": None}).train(tmp_path, name="net", pictures=False).path
    assert main(["train", "--resume", str(run)]) == 1
    assert "there is no checkpoint in" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["train"])


def test_ctrl_c_saves_where_the_training_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = SPEC.replace("checkpoint = 0", "checkpoint = 1000")
    whole = load(calm).train(tmp_path / "whole", pictures=False).path
    real, count = fit, 0

    def pressed(model: nn.Module, *rest: Any) -> History:
        def hook(*_: object) -> None:
            nonlocal count
            count += 1
            if count == 8:
                os.kill(os.getpid(), signal.SIGINT)

        next(m for m in model.modules() if isinstance(m, nn.Linear)).register_forward_hook(hook)
        return real(model, *rest)

    monkeypatch.setattr("netc.train.job.fit", pressed)
    result = load(calm).train(tmp_path, name="net", pictures=False)
    monkeypatch.undo()
    assert result.history.interrupted and result.history.epochs < 6
    load(run_spec(result.path)).train(resume=result.path, pictures=False)
    assert [(result.path / name).read_bytes() for name in FILES] == [(whole / name).read_bytes() for name in FILES]


def test_a_full_disk_ends_with_one_clear_line_and_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, count = save_file, 0

    def full(tensors: dict[str, Tensor], path: Path) -> None:
        nonlocal count
        count += 1
        if count == 7:
            path.write_bytes(b"the beginning")
            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
        real(tensors, path)

    whole = load(SPEC).train(tmp_path / "whole", pictures=False).path
    monkeypatch.setattr("netc.train.checkpoint.save_file", full)
    with pytest.raises(NetError, match=r"cannot be written: No space left on device\n.*hint: the last checkpoint is whole: make room"):
        load(SPEC).train(tmp_path, name="net", pictures=False)
    run = tmp_path / "net-1"
    assert len(list((run / "checkpoint").iterdir())) == 2
    load(run_spec(run)).train(resume=run, pictures=False)
    assert [(run / name).read_bytes() for name in FILES] == [(whole / name).read_bytes() for name in FILES]


def test_a_disk_that_is_full_from_the_first_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(tensors: dict[str, Tensor], path: Path) -> None:
        raise SafetensorError("No space left on device (os error 28)")

    monkeypatch.setattr("netc.train.checkpoint.save_file", full)
    with pytest.raises(NetError, match="No space left on device"):
        load(SPEC).train(tmp_path, name="net", pictures=False)
    assert list(tmp_path.iterdir()) == []


def test_saving_takes_no_more_than_a_small_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("netc.train.saving.time.perf_counter", lambda: now)

    def slow(state: dict[str, Any]) -> None:
        nonlocal now
        now += 10

    saver = Saver(slow, 30)
    assert not saver.is_due()
    now = 30
    assert saver.is_due()
    saver.save({"epoch": 1, "step": 0})
    now = 40 + 199
    assert not saver.is_due()  # ten seconds are a twentieth of 200
    now = 40 + 200
    assert saver.is_due()
