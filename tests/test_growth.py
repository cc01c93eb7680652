"""What the compiler does grows as the network does, and no further; what a network would fill is not allocated."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import netc
from tests.conftest import LLAMA_70B
from tests.growing import FORMS

SIZE = 240  # layers; of twice as many everything may cost so many times as much:
MOST = 2.2
STAGES: dict[str, Callable[[netc.Network], Any]] = {
    "summary": netc.Network.summary, "draw": netc.Network.draw, "source": netc.Network.source, "resolved": netc.Network.resolved,
    "module": netc.Network.module,
}  # fmt: skip


def calls(work: Callable[[], Any]) -> int:
    """The calls of functions, of Python's and those written in C, that a piece of work makes."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def peak(work: Callable[[], Any]) -> int:
    """The bytes that a piece of work holds at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """What is made once for all networks is made before anything is counted."""
    for form in FORMS.values():
        network = netc.load(form(12))
        for stage in STAGES.values():
            stage(network)


@pytest.mark.parametrize("form", FORMS)
def test_calls_of_the_check_grow_with_the_network(form: str) -> None:
    small, large = (FORMS[form](size) for size in (SIZE, 2 * SIZE))
    assert calls(lambda: netc.load(large)) <= MOST * calls(lambda: netc.load(small))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stage", STAGES)
def test_calls_of_each_stage_grow_with_the_network(form: str, stage: str) -> None:
    small, large = (netc.load(FORMS[form](size)) for size in (SIZE, 2 * SIZE))
    assert calls(lambda: STAGES[stage](large)) <= MOST * calls(lambda: STAGES[stage](small))


@pytest.mark.parametrize("form", FORMS)
def test_calls_of_the_first_forward_grow_with_the_network(form: str) -> None:
    """With the compilation of the walk."""
    inputs = torch.ones(1, 4, 8, 8) if "[B, 4, H, W]" in form else torch.ones(2, 8)
    first, small, large = (netc.load(FORMS[form](size)).module() for size in (12, SIZE, 2 * SIZE))
    with torch.no_grad():
        first(inputs)
        assert calls(lambda: large(inputs)) <= MOST * calls(lambda: small(inputs))


@pytest.mark.parametrize("form", FORMS)
def test_memory_of_the_check_grows_with_the_network(form: str) -> None:
    small, large = (FORMS[form](size) for size in (SIZE, 2 * SIZE))
    assert peak(lambda: netc.load(large)) <= MOST * peak(lambda: netc.load(small))


def test_twenty_thousand_layers() -> None:
    """Nothing goes a level of Python's stack deeper with each layer: checked, written out, drawn, made and called."""
    network = netc.load(FORMS["one pipeline"](20_000))
    assert len(network.graph.nodes) == 20_001
    for stage in STAGES.values():
        stage(network)
    with torch.no_grad():
        assert network.module()(torch.ones(2, 8)).shape == (2, 8)


# --- what is not allocated ---

MOST_MEGABYTES = 500
# VmHWM is the most that the process itself held; `ru_maxrss` would count what its parent held when it was started.
MEASURED = """
import sys
from netc.cli import main
status = main(sys.argv[1:])
held = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("measured", status, "torch" in sys.modules, held.split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is read from Linux's /proc")
@pytest.mark.parametrize("command", [["check"], ["compile"], ["draw", "-o", "llama.dot"]], ids=lambda command: command[0])
def test_70_billion_parameters_without_torch(command: list[str], specs: Path, tmp_path: Path) -> None:
    name, *rest = command
    sizes = [word for key, value in LLAMA_70B.items() for word in ("--set", f"{key}={value}")]
    result = subprocess.run([sys.executable, "-c", MEASURED, name, str(specs / "llama.net"), *rest, *sizes], cwd=tmp_path,
                            capture_output=True, text=True, check=True)  # fmt: skip
    _, status, has_torch, kilobytes = result.stdout.splitlines()[-1].split()
    assert (status, has_torch) == ("0", "False")
    assert int(kilobytes) < MOST_MEGABYTES * 1024


def test_70_billion_parameters_on_the_meta_device(specs: Path) -> None:
    """The module has all its parameters, of which none has storage."""
    with torch.device("meta"):
        module = netc.load(specs / "llama.net", LLAMA_70B).module()
    assert sum(p.numel() for p in module.parameters()) == 70_553_706_496
    assert all(p.is_meta for p in module.parameters())


INITIALISED = """
network Initialised {
  input x: [B, 4]
  param scale: [4] = ones
  param shift: [4, 4] = normal(std=0.02)
  buffer mask: [4, 4] = tril(ones(4, 4))
  h = x * scale -> a: Linear(4) -> b: Linear(4) -> BatchNorm1d
  output h @ (shift * mask)
  tie b.weight = a.weight
  init { Linear.weight = orthogonal; *.bias = constant(0.5) }
  freeze a.bias
}
"""


def test_whatever_begins_a_tensor_works_on_the_meta_device() -> None:
    network = netc.load(INITIALISED)
    with torch.device("meta"):
        module = network.module()
        assert module(torch.empty(3, 4)).shape == (3, 4)
    tensors = module.state_dict()
    assert tensors.keys() == network.module().state_dict().keys()
    assert all(tensor.is_meta for tensor in tensors.values())
    assert module.get_parameter("b.weight") is module.get_parameter("a.weight")
