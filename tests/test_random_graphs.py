"""The checker against torch on random networks: it says yes exactly when they run, whatever the sizes of the named dimensions."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import netc
from netc.diagnostics import NetError
from netc.shapes import shape_at
from netc.tensors import TensorType, flat_types
from tests.fuzz import cases
from tests.random_graphs import Network, Sizes, drawn, failure

# Sizes that are large enough for any window that is drawn, none of them a number that the networks hold, with all remainders
# by 2, 3 and 4: what holds for some sizes only fails at one of these. The last are so large that nothing shrinks to an axis of 1,
# which would fit any other.
LARGE: tuple[Sizes, ...] = (
    {"B": 7, "T": 31, "S": 19, "H": 29, "W": 37}, {"B": 10, "T": 36, "S": 30, "H": 24, "W": 40},
    {"B": 9, "T": 41, "S": 23, "H": 38, "W": 27}, {"B": 11, "T": 26, "S": 33, "H": 31, "W": 22},
    {"B": 17, "T": 613, "S": 419, "H": 101, "W": 127},
)  # fmt: skip


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A network, which Hypothesis makes smaller by choosing what stands first wherever it can."""
    return drawn(lambda options: draw(st.sampled_from(options)), LARGE[:2])


def checked(network: Network) -> netc.Network | NetError:
    try:
        return netc.load(network.text)
    except NetError as problem:
        return problem


def is_promised(network: netc.Network, sizes: Sizes) -> bool:
    """Whether all sizes that the checker shows are positive here; below that a window is larger than its input."""
    types = [leaf for node in network.graph.nodes for leaf in flat_types(node.type)]
    return all(int(str(size)) > 0 for leaf in types for size in shape_at(leaf.shape, sizes))


def agreement(network: Network, draws: Sequence[Sizes]) -> str:
    """`yes` or `no`, as the checker and torch both say. Raises AssertionError where they do not agree."""
    result = checked(network)
    if isinstance(result, NetError):
        assert failure(network, draws) is not None, f"netc refuses what torch runs:\n{network.text}\n{result}"
        return "no"
    promised = [sizes for sizes in draws if is_promised(result, sizes)]
    failed = failure(network, promised)
    assert failed is None, f"netc takes what torch does not run at {failed[0]}:\n{network.text}\n{failed[1]}"
    module = result.module()
    for sizes in promised:
        with torch.no_grad():
            by_hand, by_netc = network.run(sizes)[-1], module(*network.tensors(sizes))
        kind = result.graph.type_of(result.graph.outputs[0].ref)
        assert isinstance(kind, TensorType)
        said = (shape_at(kind.shape, sizes), f"torch.{kind.dtype}")
        for value in (by_hand, by_netc):
            assert (tuple(value.shape), str(value.dtype)) == said, f"at {sizes}:\n{network.text}"
    return "yes"


@cases(1000)
@given(networks())
def test_yes_exactly_when_torch_runs_it(network: Network) -> None:
    agreement(network, LARGE)


@cases(333)
@given(networks(), st.lists(st.fixed_dictionaries({name: st.integers(2, 9) for name in "BTSHW"}), min_size=4, max_size=4))
def test_what_is_taken_runs_at_small_sizes_too(network: Network, sizes: list[Sizes]) -> None:
    """At all sizes, from 2, at which every size that the checker shows is positive."""
    assume("Reflection" not in network.text and "5]" not in network.text)  # these want room that no size shows
    if isinstance(checked(network), netc.Network):
        agreement(network, sizes)


def test_the_draws_are_of_both_kinds() -> None:
    """Hardly a property if most networks were right, or most wrong."""
    chosen = random.Random(1)
    said = Counter(agreement(drawn(chosen.choice, LARGE[:2]), LARGE) for _ in range(60))
    assert min(said["yes"], said["no"]) >= 10


@pytest.mark.parametrize(("text", "said"), [
    ("Linear(8)", "yes"), ("Conv1d(4, 3)", "no"), ("flatten(1) -> Linear(4)", "no"), ("reshape([-1, 5 * T])", "no"),
    ("reshape([B, 6 * T])", "yes"), ("transpose(1, 2) -> Conv1d(4, 3)", "yes"), ("transpose(1, 2) -> Linear(4)", "no"),
])  # fmt: skip
def test_by_hand(text: str, said: str) -> None:
    """What is known of some networks, so that the two sides cannot be wrong in the same way."""
    spec = f"network N {{\n  input x: [B, T, 6]\n  output x -> {text}\n}}"
    try:
        netc.load(spec)
        answer = "yes"
    except NetError:
        answer = "no"
    assert answer == said
