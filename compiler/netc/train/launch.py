"""Starting several processes on this machine, as torchrun does, and what a process that torchrun started anew goes on with."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from netc.files import write
from netc.train.checkpoint import is_saved
from netc.train.interrupt import INTERRUPTED
from netc.train.run import CHECKPOINT

MARK = "launch"  # the file in a run's folder that says which launch is training it


def launch(words: Sequence[str], processes: int) -> int:
    """Runs `netc` with these arguments in so many processes on this machine, over a free port; the exit status.

    A Ctrl-C or SIGTERM is passed on to them; they save where they stand, and end.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main

    for name in ("agent.server.api", "multiprocessing.api"):  # they tell of each signal that is passed on
        logging.getLogger(f"torch.distributed.elastic.{name}").setLevel(logging.ERROR)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    try:
        main(["--standalone", "--nproc-per-node", str(processes), "--module", "netc", *words])
    except SignalException:
        return INTERRUPTED
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
    """The run that this launch was training when torchrun had to start its processes again, if it has a checkpoint.

    How often they were started does not tell it: of several launchers only that of the process that died counts.
    """
    marks = sorted(base.glob(f"{name}-*/{MARK}"), key=lambda found: found.stat().st_mtime)
    own = [found.parent for found in marks if found.read_text() == _launch()]
    return next((path for path in reversed(own) if is_saved(path / CHECKPOINT)), None)


def _launch() -> str:
    """The same for all processes that one launch starts, also anew: the name that it was given or, without one, their parent.

    With a name rank 0 may be on another machine when they are started anew.
    """
    name = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    return f"{name}\n" if name != "none" else f"{socket.gethostname()} {os.getppid()}\n"
