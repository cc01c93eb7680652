"""Starting several processes on this machine, as torchrun does, and what a process that torchrun started anew goes on with."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from netc.files import write
from netc.train.checkpoint import is_saved
from netc.train.interrupt import INTERRUPTED, Interrupt
from netc.train.launched import LOST, NAME, word_in
from netc.train.run import CHECKPOINT

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing import PContext, ProcessFailure

GRACE = 30  # seconds that the processes have to end when they are asked to
LOOK = 0.05  # seconds between two looks at them
ENDED = (-signal.SIGTERM, LOST, INTERRUPTED)  # statuses of processes that were asked to end, or that lost another one
MARK = "launch"  # the file in a run's folder that says which launch is training it


def launch(words: Sequence[str], processes: int, interrupt: Interrupt, base: Path, resumed: Path | None = None) -> int:
    """Runs `netc` with these arguments in so many processes on this machine, over a free port; the exit status.

    When the interrupt is requested they are asked to end, and save where they stand. What is wrong one of them leaves a word of, and
    that is said here, once. Where one is killed, that is said, and what goes on with the run, which is `resumed` or a new one in `base`.
    """
    from torch.distributed import TCPStore  # type: ignore[attr-defined]
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, start_processes

    logging.getLogger("torch.distributed.elastic.multiprocessing.api").setLevel(logging.CRITICAL)  # what it logs is said here
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    os.environ["TORCHELASTIC_SIGNALS_TO_HANDLE"] = ""  # it would raise at them, also while it starts the processes
    if interrupt.requested:
        return INTERRUPTED
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    name = f"{NAME}{uuid.uuid4()}"
    arguments = dict.fromkeys(range(processes), ("-u", "-m", "netc", *words))
    environments = {rank: _environment(rank, processes, store.port, name) for rank in arguments}
    with TemporaryDirectory(prefix=NAME) as folder:
        failures = _ended(start_processes(NAME, sys.executable, arguments, environments, DefaultLogsSpecs(folder)), interrupt)
    status = _say(failures, processes, interrupt, resumed or next(reversed(_marked(base, "*", f"{name}\n")), None)) if failures else 0
    return status or (INTERRUPTED if interrupt.requested else 0)


def _environment(rank: int, size: int, port: int, name: str) -> dict[str, str]:
    """What torchrun would set."""
    places = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": size,
        "LOCAL_WORLD_SIZE": size,
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": port,
    }
    launched = {"TORCHELASTIC_RUN_ID": name, "TORCHELASTIC_RESTART_COUNT": 0, "TORCHELASTIC_USE_AGENT_STORE": True}
    return {key: str(value) for key, value in {**places, **launched}.items()}


def _ended(processes: PContext, interrupt: Interrupt) -> Mapping[int, ProcessFailure]:
    """Those that failed, by rank, when all have ended. Where one fails, the others are ended."""
    try:
        while (result := processes.wait(0)) is None:
            if interrupt.requested:
                processes.close(signal.SIGTERM, GRACE)
            else:
                time.sleep(LOOK)
        return dict(result.failures)
    finally:
        processes.close(signal.SIGKILL)  # none is left over


def _say(failures: Mapping[int, ProcessFailure], processes: int, interrupt: Interrupt, run: Path | None) -> int:
    """Says why processes failed; the exit status."""
    for _, failure in sorted(failures.items()):
        if failure.exitcode > 0 and (word := word_in(failure.error_file_data)) is not None:
            sys.stderr.write(f"{word}\n")
            return failure.exitcode
    statuses = {rank: failure.exitcode for rank, failure in failures.items()}
    if not interrupt.requested or not set(ENDED).issuperset(statuses.values()):
        sys.stderr.write(f"error: {_told(_reasons(statuses), processes, run)}\n")
    return INTERRUPTED if interrupt.requested else 1


def _reasons(statuses: Mapping[int, int]) -> Mapping[int, int]:
    """The statuses of the processes by rank that are the reason: without those that ended only as another one had."""
    own = {rank: status for rank, status in statuses.items() if status not in ENDED}
    return own or {rank: status for rank, status in statuses.items() if status != LOST} or statuses


def _told(statuses: Mapping[int, int], processes: int, run: Path | None) -> str:
    """How which processes ended, where none said why, and what can be done."""
    said = " and ".join(f"process {rank} {_how(status)}" for rank, status in sorted(statuses.items()))
    if run is None or not is_saved(run / CHECKPOINT):
        return f"{said}; there is no checkpoint to go on from"
    return f"{said}; `netc train --procs {processes} --resume {run}` goes on from the last checkpoint"


def _how(status: int) -> str:
    """How a process ended, by its status, which is a signal's number below 0."""
    if status == LOST:
        return "lost the others"
    return f"was ended by signal {-status} ({_signal(-status)})" if status < 0 else f"ended with status {status}"


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
