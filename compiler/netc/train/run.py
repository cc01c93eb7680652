"""The folder of a run, which no two runs share, and the text and bytes of what goes into it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netc.diagnostics import NetError, error
from netc.train.checkpoint import is_saved
from netc.train.history import History

CHECKPOINT = "checkpoint"  # the folder in that of a run
WRITTEN = ("spec.net", "model.safetensors", "metrics.csv", "run.json")


def new_run(base: Path, name: str) -> Path:
    """Makes the folder `base/name-N` with the next N that is free, and returns it. Raises NetError `file`.

    Making the folder is what takes the number, so two runs that start at once get two folders.
    """
    try:
        base.mkdir(parents=True, exist_ok=True)
        number = 1 + max((_number(path.name, name) for path in base.iterdir()), default=0)
        while True:
            path = base / f"{name}-{number}"
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
            number += 1
    except OSError as e:
        raise error("file", f"cannot make a folder for the run in {base}: {e.strerror or e}") from e


def _number(folder: str, name: str) -> int:
    """N of `name-N`; 0 for any other folder."""
    start, _, number = folder.rpartition("-")
    return int(number) if start == name and number.isascii() and number.isdigit() else 0


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keeps the folder of a run for this process; NetError where another has it. Whoever is killed has it no more."""
    if os.name != "posix":
        yield
        return
    import fcntl

    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise error("training", f"`{path}` is being trained by another process", hint="wait for it, or begin a new run") from None
    finally:
        os.close(handle)


@contextmanager
def kept_if_saved(path: Path, begun: Iterable[str]) -> Iterator[None]:
    """Where the body raises, removes the files that it began with and the folder, unless there is a checkpoint to go on from, or a record.

    Nothing that was trained is ever removed; where a file could not be written, the error says that the checkpoint is there.
    """
    folder = path / CHECKPOINT
    try:
        yield
    except BaseException as problem:
        if not is_saved(folder) and not (path / "run.json").is_file():
            with contextlib.suppress(OSError):
                for name in begun:
                    (path / name).unlink(missing_ok=True)
                for empty in (folder, path):  # only while they are: what somebody else put there stays
                    if empty.is_dir():
                        empty.rmdir()
        elif isinstance(problem, NetError) and all(d.code == "file" and not d.hint for d in problem.diagnostics):
            hint = f"the last checkpoint is whole: make room, and go on with `netc train --resume {path}`"
            raise NetError(replace(d, hint=hint) for d in problem.diagnostics) from problem
        raise


def sweep(path: Path) -> None:
    """Removes temporary files of a run that was killed while it wrote them."""
    for left in path.glob(".*"):
        if left.is_file() and left.name.startswith(tuple(f".{name}." for name in WRITTEN)):
            left.unlink(missing_ok=True)


def is_complete(path: Path, epochs: int) -> bool:
    """Whether the files of a training of so many epochs were written to the last one, `run.json`."""
    try:
        record = json.loads((path / "run.json").read_bytes())
    except (OSError, ValueError):
        return False
    if not isinstance(record, dict) or record.get("interrupted") or record.get("failed"):
        return False
    return record.get("epochs") == epochs


def metrics_csv(history: History) -> str:
    """The history as CSV: `epoch,loss,…`, one row an epoch, numbers as Python reads them back exactly."""
    rows = zip(*history.columns.values(), strict=True)
    head = io.StringIO()
    csv.writer(head, lineterminator="\n").writerow(["epoch", *history.columns])  # a column of the data may have a comma in its name
    return head.getvalue() + "".join(",".join([str(i), *map(repr, row)]) + "\n" for i, row in enumerate(rows, 1))


def model_bytes(model: nn.Module) -> bytes:
    """The `state_dict` in the safetensors format, under its own keys; a shared tensor is written under each of its keys."""
    return state_bytes(model.state_dict())


def state_bytes(state: Mapping[str, Tensor]) -> bytes:
    """Tensors by their names in the safetensors format."""
    from safetensors.torch import save

    # safetensors refuses tensors that share memory, and views that are not contiguous.
    copies = {key: tensor.detach().to("cpu", copy=True).contiguous() for key, tensor in state.items()}
    return save(copies, {"format": "pt"})


def environment() -> dict[str, Any]:
    """The versions and the number of threads that the numbers of a run depend on."""
    return {
        "netc": version("netc"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "threads": torch.get_num_threads(),
    }


def outcome(history: History) -> dict[str, Any]:
    """What came of a training: how far it went, and the values of its last epoch."""
    best = history.best
    return {
        "seconds": round(history.seconds, 3),
        "epochs": history.epochs,
        "step": history.step,
        "interrupted": history.interrupted,
        "stopped_early": history.stopped_early,
        "final": {name: value if math.isfinite(value) else None for name, value in history.final.items()},  # JSON has no NaN
        **({"best": {"epoch": best.epoch, best.column: best.value}} if best is not None and best.value is not None else {}),
    }


def json_text(record: Mapping[str, Any]) -> str:
    """A record as a person can read it, too."""
    return json.dumps(record, indent=2, ensure_ascii=False, default=str) + "\n"
