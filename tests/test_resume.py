"""A training that was stopped and goes on is the training that was never stopped, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from netc import load
from netc.settings import Section
from netc.train import checkpoint
from netc.train.batches import Tensors
from netc.train.history import History
from netc.train.loop import fit
from netc.train.saving import Saver


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


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums over several threads may differ in the last bit
    yield
    torch.set_num_threads(threads)


def settings(keys: str, epochs: int = 6) -> Section:
    text = f"""
network Net {{
  input x: [B, 5]
  target y: [B, 1]
  p = x -> Linear(1) -> Sigmoid
  output p
  loss BCELoss(p, y)
}}
train {{
  epochs = {epochs}
  {keys}
}}
"""
    section = load(text).training
    assert section is not None
    return section


def data(rows: int = 40) -> Tensors:
    random = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 5, generator=random)
    return x, (x[:, :1] + x[:, 1:2] > 0).float()


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


SETTINGS = {
    "full batches": "optimizer = SGD(lr=0.1, momentum=0.9)",
    "batches": "optimizer = SGD(lr=0.1, momentum=0.9, nesterov=true)\n batch_size = 12\n scheduler = StepLR(2, gamma=0.5)\n seed = 4",
    "one batch": "optimizer = RMSprop(lr=0.01)\n batch_size = 40\n scheduler = ExponentialLR(0.8)",
    "adam": "optimizer = AdamW(lr=0.03)\n batch_size = 16\n clip_grad_norm = 0.1\n scheduler = CosineAnnealingLR(T_max=epochs)",
    "early stopping": 'optimizer = SGD(lr=2.0)\n batch_size = 16\n early_stopping = patience(2, monitor="val_loss")',
    "step by step": "optimizer = SGD(lr=0.1)\n batch_size = 7\n accumulate = 2\n scheduler = OneCycleLR(max_lr=0.5)",
    "plateau": "optimizer = SGD(lr=0.5, momentum=0.9)\n batch_size = 16\n scheduler = ReduceLROnPlateau(patience=1)",
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
