"""The loop against one written by hand, and everything that can stop it."""

from __future__ import annotations

import io
import math
import os
import signal
from collections.abc import Callable

import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

from netc import NetError
from netc.settings import Section
from netc.train.batches import Tensors
from netc.train.history import History, Recorder, snapshot_epochs
from netc.train.interrupt import Interrupt
from netc.train.loop import Observer, Progress, fit
from netc.train.progress import PlainLines, shown, speed_text, values_shown
from tests.one_layer import data, training_section


class Twin(nn.Module):
    """A stand-in for the module of a graph, with dropout where it is asked for."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(5, 8), nn.Linear(8, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.output(self.dropout(torch.relu(self.hidden(x)))))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy(self(x), y)

    def losses(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        p = self(x)
        bce, square = nn.functional.binary_cross_entropy(p, y), (p**2).mean()
        return {"loss": bce + square, "bce": bce, "square": square, "mean": p.mean()}


class Fragile(Twin):
    """Its loss is not finite from epoch 6 on, or it raises."""

    def __init__(self, value: float | None) -> None:
        super().__init__()
        self.value, self.calls = value, 0

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        self.calls += 1
        if self.calls < 6:
            return super().loss(x, y)
        if self.value is None:
            raise IndexError("Target 3 is out of bounds.\nand more")
        return super().loss(x, y) * self.value


NAMES = ["loss", "bce", "square", "mean"]


pytestmark = pytest.mark.usefixtures("one_thread")


def settings(keys: str = "", optimizer: str = "SGD(lr=0.1)", epochs: int = 20) -> Section:
    return training_section(f"optimizer = {optimizer}\n  {keys}", epochs)


def trained(section: Section, model: Twin | None = None, names: list[str] | None = None, **options: Tensors | Observer) -> History:
    if model is None:
        torch.manual_seed(7)
        model = Twin()
    return fit(model, names or ["loss"], data(), section, **options)  # type: ignore[arg-type]


def by_hand(
    epochs: int, dropout: float = 0.0, make: Callable[..., torch.optim.Optimizer] = torch.optim.SGD, lr: float = 0.1
) -> list[float]:
    torch.manual_seed(7)
    model, (x, y), losses = Twin(dropout), data(), []
    optimizer = make(model.parameters(), lr=lr)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = nn.BCELoss()(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize(("optimizer", "make", "lr"), [("SGD(lr=0.1)", torch.optim.SGD, 0.1), ("Adam(lr=0.01)", torch.optim.Adam, 0.01)])
def test_losses_are_those_of_the_hand_written_loop_to_the_bit(
    dropout: float, optimizer: str, make: Callable[..., torch.optim.Optimizer], lr: float
) -> None:
    """Also while the predictions are watched, the network has random layers and the data are validated on."""
    torch.manual_seed(7)
    model = Twin(dropout)
    section = settings(optimizer=optimizer, epochs=200)
    history = fit(model, ["loss"], data(), section, validation=data(11), watched=data()[:1])
    assert history.columns["loss"] == by_hand(200, dropout, make, lr)
    assert [s.epoch for s in history.snapshots] == [0, 3, 6, 12, 25, 50, 100, 200]
    assert torch.equal(history.snapshots[-1].output, model.eval()(data()[0]))
    assert not torch.equal(history.snapshots[0].output, history.snapshots[-1].output)


def test_mini_batches_are_those_of_a_seeded_permutation() -> None:
    """Order from a generator of its own; the epoch's loss is the mean over samples, the last batch being smaller."""
    torch.manual_seed(7)
    model, (x, y), losses = Twin(), data(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    order = torch.Generator().manual_seed(3)
    for _ in range(5):
        total = 0.0
        for rows in torch.split(torch.randperm(40, generator=order), 12):
            optimizer.zero_grad()
            loss = model.loss(x[rows], y[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 0.05)
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / 40)
    section = settings("batch_size = 12\n  seed = 3\n  clip_grad_norm = 0.05", "SGD(lr=0.1, momentum=0.9)", 5)
    first = trained(section).columns["loss"]
    assert first == losses
    torch.manual_seed(99)
    torch.randn(5)
    assert trained(section).columns["loss"] == first


def test_every_column_is_recorded_for_training_and_validation() -> None:
    held_out = data(11)
    torch.manual_seed(7)
    model = Twin(dropout=0.5)
    history = trained(settings("batch_size = 12", epochs=3), model, NAMES, validation=held_out)
    assert list(history.columns) == [*NAMES, *(f"val_{n}" for n in NAMES)]
    assert {len(values) for values in history.columns.values()} == {3} and history.epochs == 3
    with torch.no_grad():
        expected = {f"val_{n}": float(v) for n, v in model.eval().losses(*held_out).items()}
    assert history.final == pytest.approx({n: history.final[n] for n in NAMES} | expected)


def test_the_scheduler_steps_once_an_epoch() -> None:
    torch.manual_seed(7)
    model, (x, y), losses = Twin(), data(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for epoch in range(6):
        optimizer.param_groups[0]["lr"] = 0.5 * 0.1 ** (epoch // 2)
        optimizer.zero_grad()
        loss = model.loss(x, y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    history = trained(settings("scheduler = StepLR(2)", "SGD(lr=0.5)", 6))
    assert history.columns["loss"] == pytest.approx(losses, rel=1e-6)


def test_bfloat16_is_close_and_not_equal() -> None:
    half, whole = trained(settings("precision = bf16")).columns["loss"], trained(settings()).columns["loss"]
    assert half != whole and half == pytest.approx(whole, abs=0.02)


def test_early_stopping() -> None:
    history = trained(settings('early_stopping = patience(4, monitor="loss", min_delta=10.0)', epochs=50))
    assert history.stopped_early and history.epochs == 5  # epoch 1 is the best, and 4 more are waited for
    assert not trained(settings("early_stopping = patience(4)", epochs=50)).stopped_early


@pytest.mark.parametrize(("keys", "stops"), [("", True), ('monitor = "loss"\n  ', False), ('monitor = "val_loss"\n  ', True)])
def test_early_stopping_watches_what_the_training_is_judged_by(keys: str, stops: bool) -> None:
    """The loss gets better throughout, and that of the opposite targets worse."""
    x, y = data()
    history = trained(settings(f"{keys}early_stopping = patience(4)", epochs=30), validation=(x, 1 - y))
    assert history.stopped_early == stops


@pytest.mark.parametrize(
    ("keys", "optimizer", "code", "words"),
    [
        ('early_stopping = patience(4, monitor="los")', "SGD(lr=0.1)", "argument-type", "did you mean `loss`?"),
        ('early_stopping = patience(4, monitor="val_loss")', "SGD(lr=0.1)", "argument-type", "validation = 0.2"),
        ("early_stopping = patience(0)", "SGD(lr=0.1)", "argument-type", "would stop before it starts"),
        ("", "SGD(lr=-1.0)", "argument-type", "lr must be 0 or more, not -1.0"),
        ("", "Adam(betas=[2.0, 0.9])", "argument-type", "two numbers from 0 to below 1"),
        ("scheduler = LinearLR(start_factor=2.0)", "SGD(lr=0.1)", "argument-type", "`LinearLR`"),
    ],
)
def test_impossible_settings(keys: str, optimizer: str, code: str, words: str) -> None:
    with pytest.raises(NetError) as caught:
        trained(settings(keys, optimizer))
    assert caught.value.diagnostics[0].code == code and words in str(caught.value)


def test_a_network_without_parameters_cannot_be_trained() -> None:
    model = Twin().requires_grad_(False)
    with pytest.raises(NetError, match="no parameters to train"):
        trained(settings(), model)


@pytest.mark.parametrize(
    ("value", "batch_size", "words"),
    [
        (math.nan, "full", "the loss became NaN in epoch 6 of 20"),
        (math.inf, "full", "the loss became infinite in epoch 6 of 20"),
        (math.nan, "30", "the loss became NaN in epoch 3 of 20"),
        (math.nan, "10", "the loss became NaN in epoch 2 of 20"),
        (None, "full", "PyTorch cannot go on in epoch 6: Target 3 is out of bounds.\n"),
    ],
)
def test_training_that_cannot_go_on_says_in_which_epoch(value: float | None, batch_size: str, words: str) -> None:
    with pytest.raises(NetError) as caught:
        trained(settings(f"batch_size = {batch_size}"), Fragile(value))
    assert caught.value.diagnostics[0].code == "training" and words in str(caught.value)


@pytest.mark.parametrize("problem", [AssertionError, ZeroDivisionError, OverflowError, TypeError])
def test_what_torch_raises_of_a_step_is_the_reason(problem: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise problem("on supported devices\nonly")

    monkeypatch.setattr(torch.optim.NAdam, "step", refuse)
    with pytest.raises(NetError) as caught:
        trained(settings("", "NAdam()"))
    assert caught.value.diagnostics[0].code == "training"
    assert "PyTorch cannot go on in epoch 1: on supported devices\n" in str(caught.value)


class PressingCtrlC(Twin):
    """Presses Ctrl-C within a step, as a person would."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step, self.calls = step, 0

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.step:
            os.kill(os.getpid(), signal.SIGINT)
        return super().loss(x, y)


@pytest.mark.parametrize(("batch_size", "step", "epochs"), [("full", 5, 5), ("10", 10, 2), ("10", 1, 0)])
def test_ctrl_c_ends_the_training_after_the_step(batch_size: str, step: int, epochs: int) -> None:
    before = signal.getsignal(signal.SIGINT)
    model = PressingCtrlC(step)
    history = trained(settings(f"batch_size = {batch_size}"), model, watched=data()[:1])
    assert history.interrupted and history.epochs == epochs and model.calls == step
    assert history.final.keys() == ({"loss"} if epochs else set())
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_from_the_observer_and_the_second_one_interrupts(number: signal.Signals) -> None:
    def press(progress: Progress) -> None:
        if not progress.done:
            os.kill(os.getpid(), number)

    history = trained(settings(epochs=10**6), observer=press)
    assert history.interrupted and 0 < history.epochs < 10**6
    with Interrupt() as interrupt:
        os.kill(os.getpid(), number)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    with Interrupt(once=True):
        for _ in range(3):
            os.kill(os.getpid(), number)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_recorder_keeps_what_is_no_whole_epoch(device: str) -> None:
    """For an accelerator the scalars wait as tensors, wherever these lie."""
    columns: dict[str, list[float]] = {"loss": []}
    recorder = Recorder(columns, [3, 1], torch.device(device))
    for value in (1.0, 5.0, 2.0):
        recorder.add([torch.tensor(value)])
    assert isinstance(recorder.pending[0][0], Tensor) == (device == "cuda")
    recorder.read()
    assert columns == {"loss": [2.0]} and [float(v) for (v,) in recorder.pending] == [2.0]


@pytest.mark.parametrize(("epochs", "expected"), [(1, [0, 1]), (10, [0, 1, 2, 5, 10]), (1000, [0, 15, 31, 62, 125, 250, 500, 1000])])
def test_snapshots_are_spread(epochs: int, expected: list[int]) -> None:
    assert snapshot_epochs(epochs) == expected


# --- progress -----------------------------------------------------------------------------------------------------


def test_plain_lines_are_few_aligned_and_at_round_epochs() -> None:
    stream = io.StringIO()
    lines = PlainLines(stream, 1000)
    losses = [1 / epoch for epoch in range(1, 951)]
    for epoch in (3, 150, 480, 950):
        lines(Progress(epoch, 1000, {"loss": losses[:epoch], "val_loss": losses[:epoch]}, 0.5, done=epoch == 950))
    text = stream.getvalue().splitlines()
    assert [line.split()[1] for line in text] == [*(f"{e}/1000" for e in range(100, 1000, 100)), "950/1000"]
    assert text[0] == "epoch  100/1000  loss 0.01       val_loss 0.01       300 epochs/s"
    assert len({line.index("val_loss") for line in text}) == 1


@pytest.mark.parametrize("epochs", [1, 3, 10, 11, 25, 1000])
def test_a_whole_run_writes_ten_lines_at_most_and_the_last(epochs: int) -> None:
    stream = io.StringIO()
    with shown(stream, epochs) as observer:
        assert observer is not None
        trained(settings(epochs=epochs), observer=observer)
    lines = stream.getvalue().splitlines()
    assert 1 <= len(lines) <= 11 and lines[-1].split()[:2] == ["epoch", f"{epochs}/{epochs}"]


def test_on_a_terminal_there_is_a_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with shown(stream, 20) as observer:
        assert observer is not None
        trained(settings(), observer=observer)
    assert "20/20" in stream.getvalue() and "loss" in stream.getvalue()


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (80, "              loss  accuracy    f1|training    0.3333      0.75|validation       2      0.25  0.25"),
        (30, "          training  validation|loss        0.3333           2|accuracy      0.75        0.25|f1                        0.25"),
    ],
)
def test_the_values_fit_the_terminal(width: int, lines: str) -> None:
    columns = {"loss": [1.0, 1 / 3], "accuracy": [0.5, 0.75], "val_loss": [3.0, 2.0], "val_accuracy": [0.0, 0.25], "val_f1": [0.0, 0.25]}
    console = Console(file=io.StringIO(), width=max(width, 40))
    with console.capture() as shown_lines:
        console.print(values_shown(Progress(2, 9, columns, 1.0), width))
    assert [line.rstrip() for line in shown_lines.get().splitlines()] == lines.split("|")


def test_without_validation_the_values_are_one_line() -> None:
    assert values_shown(Progress(1, 9, {"loss": [0.5], "accuracy": [0.25]}, 1.0), 80) == "loss 0.5        accuracy 0.25     "


def test_the_learning_rate_is_shown_where_it_has_room() -> None:
    progress = Progress(1, 9, {"loss": [0.5], "lr": [0.125]}, 1.0)
    assert values_shown(progress, 80) == "loss 0.5        lr 0.125    " and values_shown(progress, 20) == "loss 0.5      "


def test_without_a_stream_there_is_no_observer() -> None:
    with shown(None, 10) as observer:
        assert observer is None


@pytest.mark.parametrize(("epoch", "seconds", "text"), [(500, 0.25, "2000 epochs/s"), (3, 2.0, "1.5 epochs/s"), (2, 5.0, "2.5 s/epoch")])
def test_speed(epoch: int, seconds: float, text: str) -> None:
    assert speed_text(Progress(epoch, 1000, {}, seconds)) == text
