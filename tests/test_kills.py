"""A training that is killed with SIGKILL at random moments, also during a save, and goes on each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = Path(__file__).parent.parent / "benchmarks" / "kills.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the trainings are made by fork")
def test_killed_trainings_end_as_those_that_were_never_stopped(tmp_path: Path) -> None:
    """Twenty kills, the same bytes; with anything left out of the checkpoint, others."""
    memory = Path("/dev/shm")  # the kernel loses nothing when a process is killed, so the disk need not be waited for
    environment = {**os.environ, "TMPDIR": str(memory if os.access(memory, os.W_OK) else tmp_path)}
    command = [sys.executable, str(KILLS), "--kills", "20", "--saves", "0", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=1200)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    seen, same = found["seen"], found["negative"]
    assert seen["kills"] == 20 and seen["equal"] == seen["trainings"] > 0
    assert same == {"nothing": True, "torch": False, "order": False, "scheduler": False, "optimizer": False}
