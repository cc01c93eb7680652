"""What one of several processes knows of its launcher, and tells it, without torch: `torchrun`, or `netc train --procs`."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from netc.diagnostics import NetError
from netc.files import write

ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what a launcher sets for each process
NAME = "netc-"  # how the names of launches begin that netc made
LOST = 75  # the exit status of a process that ends only as it lost another one: EX_TEMPFAIL
WHEN_PARENT_ENDS = 1  # PR_SET_PDEATHSIG of linux/prctl.h
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"  # names the file in which torch looks for what is wrong: its folder, the process's, the attempt's


class LeftAlone(NetError):
    """Another process ended, and left no reason. All may be started anew, and go on."""


def is_launched() -> bool:
    """Whether this process is one of several that a launcher started to train together."""
    return all(name in os.environ for name in ENVIRONMENT)


def is_of_netc() -> bool:
    """Whether that launcher is `netc train --procs`."""
    return os.environ.get("TORCHELASTIC_RUN_ID", "").startswith(NAME)


def speaks() -> bool:
    """Whether this process says what is wrong: one of each machine does, and none where `netc train --procs` says it for all."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and not is_of_netc()


def end_with_launcher() -> None:
    """From now on this process gets SIGTERM when its launcher is gone, e.g. killed; where the system can do that, as Linux can."""
    with suppress(OSError, AttributeError, TypeError):  # without such a library or function; on Windows
        ctypes.CDLL(None).prctl(WHEN_PARENT_ENDS, signal.SIGTERM)


def leave_word(page: str) -> None:
    """Leaves for the launcher what is wrong, as it is shown. Raises NetError where that cannot be written."""
    if path := os.environ.get(ERROR_FILE):
        write(Path(path), json.dumps({"message": {"message": page, "extraInfo": {"timestamp": str(int(time.time()))}}}))


def word_before() -> str | None:
    """What was wrong when these processes were started before, if they said it: to start them anew does not change it."""
    path = os.environ.get(ERROR_FILE)
    if not path or os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
        return None
    found = sorted(Path(path).parents[2].glob(f"attempt_*/*/{Path(path).name}"))
    return word_in(json.loads(found[0].read_text())) if found else None


def word_in(content: Mapping[str, Any]) -> str | None:
    """The word that was left, in what torch has read of that file."""
    message = content["message"]
    return str(message["message"]) if isinstance(message, dict) else None
