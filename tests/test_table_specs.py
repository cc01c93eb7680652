"""The specs of small real tables against classes, data and loop by hand, bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import netc
from tests.table_twins import TWINS, data


@pytest.mark.parametrize("name", TWINS)
def test_losses_are_those_of_the_hand_written_loop(name: str, specs: Path, tmp_path: Path) -> None:
    _, make, *_, train = TWINS[name]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums over several threads may differ in the last bit
    try:
        network = netc.load(specs / f"{name}.net", {"train.epochs": 5, "train.seed": 3})
        result = network.train(tmp_path, pictures=False)
        torch.manual_seed(3)
        made = make()
        losses = train(made, *data(name, 3), seed=3, epochs=5)
    finally:
        torch.set_num_threads(threads)
    assert list(result.history.columns["loss"]) == losses and len(losses) == 5
    theirs, ours = made[0].state_dict(), result.model.state_dict()
    assert list(ours) == list(theirs) and all(torch.equal(ours[key], theirs[key]) for key in theirs)
    found = {problem.code for problem in (*network.warnings, *network.check_data())}
    assert found == ({"data-constant"} if name == "digits" else set())  # some pixels are never inked
