"""Blocks of which some results lead nowhere: they are computed as far as they are needed."""

from __future__ import annotations

import pytest
import torch

import netc
from tests.forms import ejected

UNNEEDED = """
block Two {
  in a: [B, C]
  in b: [B, D]
  out b + (a -> p: Linear(D))
  out a + (a -> q: Linear(C))
}
network Alternating {
  input x: [B, 3]
  input y: [B, 4]
  rest, t = (x, y) -> stack: repeat 3 { Two }
  output t
  loss mean(t)
  METRIC
}
"""


@pytest.mark.parametrize("metric", ["", "metric m = mean(rest)"])
def test_blocks_of_which_one_result_leads_nowhere(metric: str) -> None:
    """Such a block is called without what was not computed, or what is in it is."""
    network = netc.load(UNNEEDED.replace("METRIC", metric))
    ours, theirs = network.module(), ejected(network)()
    theirs.load_state_dict(ours.state_dict())
    x, y = torch.randn(2, 3), torch.randn(2, 4)
    expected = theirs(x, y)
    assert torch.equal(ours(x, y), expected)
    called = [name for name, module in ours.named_modules() if not module._modules and name]
    seen: list[str] = []
    for name in called:
        ours.get_submodule(name).register_forward_hook(lambda *_, name=name: seen.append(name))
    assert torch.equal(ours(x, y), expected)
    assert torch.equal(ours.loss(x, y), expected.mean())
    assert {"stack.0.p", "stack.2.q"} <= set(seen) < set(called)
