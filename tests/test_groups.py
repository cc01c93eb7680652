"""Groups of parameters: the optimizer's arguments by pattern."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import optim

import netc
from netc import NetError
from netc.format import format_text
from netc.source import Source
from netc.train.loop import Fit
from netc.train.optim import make_optimizer
from tests.test_optimizers import EPOCHS, batches_of, data, mean, step

SPEC = """
network Net {{
  input x: [B, 5]
  target y: [B, 1]
  p = x -> hidden: Linear(8) -> norm: LayerNorm -> Tanh -> out: Linear(1)
  output p
  loss MSELoss(p, y)
  {freeze}
}}
train {{
  optimizer = {optimizer}
  epochs = 6
  batch_size = 12
  seed = 3
  {groups}
}}
"""


def network(groups: str, optimizer: str = "SGD(lr=0.1, momentum=0.9)", freeze: str = "") -> netc.Network:
    return netc.load(SPEC.format(groups=groups, optimizer=optimizer, freeze=freeze))


def module(net: netc.Network) -> Any:
    torch.manual_seed(7)
    return net.module()


TWO = "group LayerNorm.*, *.bias { weight_decay = 0; lr = 0.02 }\n  group out.* { lr = 0.3; nesterov = true }"


@pytest.mark.parametrize("epochs", [EPOCHS])
def test_groups_train_as_by_hand(epochs: int) -> None:
    """`out.bias` is in both: the later group goes over the earlier one, which gives what the later does not."""
    net = network(TWO, "SGD(lr=0.1, momentum=0.9, weight_decay=0.1)")
    model, losses = module(net), []
    p = dict(model.named_parameters())
    groups: list[dict[str, Any]] = [
        {"params": [p["hidden.weight"]]},
        {"params": [p["hidden.bias"], p["norm.weight"], p["norm.bias"]], "weight_decay": 0, "lr": 0.02},
        {"params": [p["out.weight"]], "lr": 0.3, "nesterov": True},
        {"params": [p["out.bias"]], "weight_decay": 0, "lr": 0.3, "nesterov": True},
    ]  # fmt: skip
    optimizer = optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=0.1)
    for batches in batches_of(data()):
        losses.append(mean([step(model, optimizer, batch) for batch in batches], batches))
    assert net.training is not None and len(losses) == epochs
    assert Fit(module(net), ["loss"], data(), net.training).run().columns["loss"] == losses


def test_the_resolved_spec_has_the_same_groups() -> None:
    net = network(TWO, "SGD(lr=0.1, momentum=0.9)")
    again = netc.load(net.resolved())
    assert net.training is not None and again.training is not None
    ours, theirs = (make_optimizer(module(n), s) for n, s in ((net, net.training), (again, again.training)))

    def plain(optimizer: optim.Optimizer) -> list[dict[str, Any]]:
        return [{k: len(v) if k == "params" else v for k, v in group.items()} for group in optimizer.param_groups]

    assert plain(ours) == plain(theirs) and len(plain(ours)) == 4


def test_what_is_frozen_is_in_no_group() -> None:
    net = network("group * { lr = 0.5 }", freeze="freeze hidden.*")
    assert net.training is not None
    (group,) = make_optimizer(module(net), net.training).param_groups
    assert len(group["params"]) == 4 and group["lr"] == 0.5


def test_a_scheduler_goes_on_from_the_rate_of_each_group() -> None:
    net = network("group out.* { lr = 0.4 }\n  scheduler = ExponentialLR(0.5)")
    assert net.training is not None
    fit = Fit(module(net), ["loss"], data(), net.training)
    fit.run()
    assert [group["lr"] for group in fit.optimizer.param_groups] == pytest.approx([0.1 * 0.5**6, 0.4 * 0.5**6])
    rates = [fit.history.columns[f"lr_{i}"] for i in range(2)]
    assert rates == [pytest.approx([start * 0.5**epoch for epoch in range(6)]) for start in (0.1, 0.4)]


IMPOSSIBLE = {
    "group *.gain { lr = 0.1 }": ("no-parameter", "no parameter matches `*.gain`"),
    "group *.bias { weight_decy = 0 }": ("unknown-argument", "did you mean `weight_decay`?"),
    "group *.bias { lr = none }": ("argument-type", "lr must be a number"),
    "group *.bias { lr = 0.1; lr = 0.2 }": ("duplicate-argument", "`SGD` is given `lr` twice"),
    "group *.bias { }": ("missing-argument", "the group says nothing of its parameters"),
    "group *.bias": ("syntax", ""),
    'group "*.bias" { lr = 0.1 }': ("argument-type", "the keys of parameters stand without quotes"),
    "group { lr = 1 }": ("syntax", ""),
}


@pytest.mark.parametrize("groups", IMPOSSIBLE)
def test_impossible_groups(groups: str) -> None:
    code, words = IMPOSSIBLE[groups]
    with pytest.raises(NetError) as caught:
        network(groups)
    assert [d.code for d in caught.value.diagnostics] == [code] and words in str(caught.value)


def test_a_group_in_the_data_section() -> None:
    text = SPEC.format(groups="", optimizer="SGD()", freeze="") + "data {\n  source = sklearn.make_moons()\n  group * { lr = 1 }\n}"
    with pytest.raises(NetError, match="a `group` of parameters stands in `train`"):
        netc.load(text)


def test_what_the_optimizer_refuses_is_said() -> None:
    net = network("group *.bias { lr = 0.1 }", "LBFGS()")
    assert net.training is not None
    with pytest.raises(NetError, match="`LBFGS` searches along a line for all parameters together"):
        make_optimizer(module(net), net.training)


def test_other_problems_do_not_hide_a_group_and_it_hides_none() -> None:
    with pytest.raises(NetError) as caught:
        network("group *.bias { lr = 0.1 }\n  epoch = 3\n  optimzer = ->")
    assert all("group" not in d.message for d in caught.value.diagnostics) and len(caught.value.diagnostics) >= 2


def test_the_layout() -> None:
    text = (
        "train {\n optimizer=SGD()\n group *.bias,norm.*{weight_decay=0;lr=1}\n   group out.* {\nlr=1; weight_decay = 0 }\n epochs = 1\n}\n"
    )
    net = SPEC.partition("train")[0].format(freeze="").strip() + "\n"
    assert format_text(Source("x", net + text)).partition("train")[2] == (
        " {\n  optimizer = SGD()\n  group *.bias, norm.* { weight_decay = 0; lr = 1 }\n"
        "  group out.* {\n    lr           = 1\n    weight_decay = 0\n  }\n  epochs = 1\n}\n"
    )


def test_group_is_still_a_name() -> None:
    text = "network N {\n  input x: [B, 5]\n  group = x -> Linear(2)\n  output group\n}"
    assert netc.load(text).module()(torch.ones(2, 5)).shape == (2, 2)
