"""Starting several processes on this machine, as torchrun does, and what a process that torchrun started anew goes on with."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from netc.files import write
from netc.train.checkpoint import is_saved
from netc.train.interrupt import INTERRUPTED
from netc.train.run import CHECKPOINT

MARK = "launch"  # the file in a run's folder that says which launch is training it


def launch(words: Sequence[str], processes: int, base: Path, resumed: Path | None = None) -> int:
    """Runs `netc` with these arguments in so many processes on this machine, over a free port; the exit status.

    A Ctrl-C or SIGTERM is passed on to them; they save where they stand, and end. Where one is killed, that is said, and what goes
    on with the run, which is `resumed` or a new one in `base`.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main

    for name in ("agent.server.api", "multiprocessing.api"):  # they tell of each signal that is passed on
        logging.getLogger(f"torch.distributed.elastic.{name}").setLevel(logging.ERROR)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    name = str(uuid.uuid4())  # as --standalone would give it, which keeps it to itself
    place = ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "--rdzv-id", name]
    try:
        main([*place, "--nproc-per-node", str(processes), "--module", "netc", *words])
    except SignalException:
        return INTERRUPTED
    except ChildFailedError as failed:
        statuses = {rank: failure.exitcode for rank, failure in failed.failures.items()}
        if killed := _killed(statuses):
            run = resumed or next(reversed(_marked(base, "*", f"{name}\n")), None)
            sys.stderr.write(f"error: {_told(killed, processes, run)}\n")
        return max(1, *statuses.values())
    return 0


def _killed(statuses: Mapping[int, int]) -> dict[int, int]:
    """The signals that ended processes, by rank; without those that torch ends with SIGTERM as another one failed."""
    killed = {rank: -status for rank, status in statuses.items() if status < 0}
    own = {rank: number for rank, number in killed.items() if number != signal.SIGTERM}
    return killed if len(killed) == len(statuses) and not own else own


def _told(killed: Mapping[int, int], processes: int, run: Path | None) -> str:
    """Which processes were ended by which signals, and what can be done."""
    said = " and ".join(f"process {rank} was ended by signal {number} ({_signal(number)})" for rank, number in sorted(killed.items()))
    if run is None or not is_saved(run / CHECKPOINT):
        return f"{said}; there is no checkpoint to go on from"
    return f"{said}; `netc train --procs {processes} --resume {run}` goes on from the last checkpoint"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one without a name
        return "unknown"


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
    return next((path for path in reversed(_marked(base, f"{name}-*", _launch())) if is_saved(path / CHECKPOINT)), None)


def _marked(base: Path, names: str, launched: str) -> list[Path]:
    """The runs that a launch was training, the last one at the end."""
    marks = sorted(base.glob(f"{names}/{MARK}"), key=lambda found: found.stat().st_mtime)
    return [found.parent for found in marks if found.read_text() == launched]


def _launch() -> str:
    """The same for all processes that one launch starts, also anew: the name that it was given or, without one, their parent.

    With a name rank 0 may be on another machine when they are started anew.
    """
    name = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    return f"{name}\n" if name != "none" else f"{socket.gethostname()} {os.getppid()}\n"
