"""`netc new`: each starting spec is one that netc takes, in the layout of all specs, and the default trains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import netc
from netc.format import format_text
from netc.source import Source
from netc.starter import KINDS, TRAINING, network_name, starter
from tests.test_cli import run

INPUTS = {
    "classifier": (torch.rand(4, 2), torch.ones(4, 1)),
    "regressor": (torch.rand(4, 8), torch.rand(4, 1)),
    "images": (torch.rand(4, 1, 28, 28), torch.tensor([0, 1, 2, 9])),
    "text": (torch.randint(10_000, (4, 7)), torch.tensor([0, 1, 1, 0])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_a_spec(kind: str, tmp_path: Path) -> None:
    assert run("new", tmp_path / "first-try", "--kind", kind) == 0
    network = netc.load(tmp_path / "first-try.net")
    assert (network.graph.name, network.warnings) == ("FirstTry", ())
    model, (x, y) = network.module(), INPUTS[kind]
    output = model(x)
    assert output.shape[0] == 4
    assert torch.isfinite(output).all()
    assert torch.isfinite(model.loss(x, y))
    assert bool(network.data) == bool(network.training) == (kind in TRAINING)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_formatted_and_commented(kind: str) -> None:
    text = starter(kind, "some")
    assert format_text(Source("some.net", text)) == text
    assert len(re.findall("^ *# ", text, re.MULTILINE)) >= 4


@pytest.mark.parametrize("kind", TRAINING)
def test_what_trains_at_once(kind: str, tmp_path: Path) -> None:
    assert run("new", tmp_path / "some.net", "--kind", kind) == 0
    result = netc.load(tmp_path / "some.net", {"train.epochs": 2}).train(tmp_path, pictures=False)
    assert result.history.epochs == 2


def test_the_commands_that_it_shows_are_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("new", "moons") == 0
    page = capsys.readouterr().out
    assert page.startswith("wrote moons.net, ")
    commands = [line.split("  ")[1].split() for line in page.splitlines() if line.startswith("  netc ")]
    assert [words[1] for words in commands] == ["compile", "draw", "train", "ops"]
    for words in commands:
        assert run(*words[1:], *(["--no-pictures", "--set", "train.epochs=1"] if words[1] == "train" else [])) == 0
    assert (tmp_path / "moons.svg").exists()


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.net"
    path.write_text("mine")
    assert run("new", path) == 1
    assert path.read_text() == "mine"
    page = capsys.readouterr().err
    assert "is there already" in page
    assert "take another name" in page


def test_a_folder_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("new", tmp_path / "nowhere" / "some") == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["model.py"], [".."], ["some", "--kind", "poem"], ["", "--kind", "text"]])
def test_wrong_use(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("new", *arguments) == 2
    assert "usage: netc new" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


NAMES = {
    "moons": "Moons", "two_moons": "TwoMoons", "two moons-2": "TwoMoons2", "3d": "Net3d", "_": "Net", "linear": "LinearNet",
    "none": "NoneNet", "tensor": "TensorNet", "größe": "Größe", "x²": "X", "myNet": "MyNet",
}  # fmt: skip


@pytest.mark.parametrize("stem", NAMES)
def test_the_name_of_the_network(stem: str, tmp_path: Path) -> None:
    assert network_name(stem) == NAMES[stem]
    assert run("new", tmp_path / stem) == 0
    assert netc.load(tmp_path / f"{stem}.net").graph.name == NAMES[stem]


def test_the_network_is_not_called_as_its_own_block() -> None:
    assert "network ConvolveNet(" in starter("images", "convolve")
