"""The article's systems: what netc builds and trains against the classes and the loop written by hand, bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import netc
from tests.twins import TWINS, train

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", TWINS)
def test_losses_are_those_of_the_hand_written_loop(name: str, specs: Path, tmp_path: Path) -> None:
    network = netc.load(specs / f"{name}.net")
    result = network.train(tmp_path, pictures=False)
    assert network.training is not None
    twin, losses = train(TWINS[name], seed=network.training["seed"])
    assert len(losses) == network.training["epochs"] == TWINS[name][4]
    assert list(result.history.columns["loss"]) == losses
    theirs, ours = twin.state_dict(), result.model.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize("name", TWINS)
def test_fresh_parameters_are_those_of_the_hand_written_class(name: str, specs: Path) -> None:
    torch.manual_seed(3)
    twin = TWINS[name][0]()
    torch.manual_seed(3)
    module = netc.load(specs / f"{name}.net").module()
    assert [(n, p.tolist()) for n, p in module.named_parameters()] == [(n, p.tolist()) for n, p in twin.named_parameters()]
    x = TWINS[name][2]()[0]
    assert torch.equal(module(x), twin(x))


def test_three_inputs_is_two_matrix_products(specs: Path) -> None:
    module = netc.load(specs / "three_inputs.net").module()
    w1, b1, w2, b2 = module.parameters()
    assert [tuple(p.shape) for p in (w1, b1, w2, b2)] == [(5, 3), (5,), (1, 5), (1,)]
    x = torch.randn(7, 3)
    torch.testing.assert_close(module(x), torch.sigmoid(torch.sigmoid(x @ w1.T + b1) @ w2.T + b2))


def test_the_funky_network_is_the_classifier_with_another_activation(specs: Path) -> None:
    """The experiment needs no second network: the activation is a parameter, and may be a pipeline."""
    both = "(ReLU || Tanh) -> add"
    changed = netc.load(specs / "network.net", {"act": both}).graph
    assert [n.op.name for n in changed.nodes if n.op].count("add") == 2
    funky = netc.load(specs / "funky.net").graph
    assert [n.path for n in changed.modules if n.weights] == [n.path for n in funky.modules if n.weights]
