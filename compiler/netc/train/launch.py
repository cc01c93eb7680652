"""Starting several processes on this machine, as torchrun does, and what a process that torchrun started anew goes on with."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from netc.files import write
from netc.train.checkpoint import is_saved
from netc.train.run import CHECKPOINT

MARK = "launch"  # the file in a run's folder that says which launch is training it


def launch(words: Sequence[str], processes: int) -> int:
    """Runs `netc` with these arguments in so many processes on this machine, over a free port; the exit status."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    try:
        main(["--standalone", "--nproc-per-node", str(processes), "--module", "netc", *words])
    except ChildFailedError as failed:
        return max((failure.exitcode for failure in failed.failures.values()), default=1) or 1
    return 0


def mark(path: Path) -> None:
    """Notes that this launch trains the run in the folder."""
    write(path / MARK, _launch())


def unmark(path: Path) -> None:
    """The run is finished: no launch goes on with it by itself."""
    (path / MARK).unlink(missing_ok=True)


def begun_before(base: Path, name: str) -> Path | None:
    """The run that this launch was training when torchrun had to start its processes again, if it has a checkpoint."""
    if os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
        return None
    marks = sorted(base.glob(f"{name}-*/{MARK}"), key=lambda found: found.stat().st_mtime)
    own = [found.parent for found in marks if found.read_text() == _launch()]
    return next((path for path in reversed(own) if is_saved(path / CHECKPOINT)), None)


def _launch() -> str:
    """The same for all processes that one torchrun starts, also anew: it is their parent."""
    return f"{os.environ.get('TORCHELASTIC_RUN_ID', '')} {socket.gethostname()} {os.getppid()}\n"
