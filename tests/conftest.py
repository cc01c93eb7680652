"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# Threads that wait for each other do so asleep: awake they take the processors that the other workers need.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded, which is later

SPECS = Path(__file__).parent.parent / "specs"
# What makes specs/llama.net that of 70 billion parameters.
LLAMA_70B = {"width": 8192, "depth": 80, "heads": 64, "groups": 8, "hidden": 28_672, "words": 128_256}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files, then compare with them")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def specs() -> Path:
    return SPECS


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C has its usual meaning in every test; a job in the background ignores it otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums over several threads may differ in the last bit, and small tensors are slow where threads wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
