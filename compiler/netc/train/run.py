"""The folder of a run, which no two runs share, and the text and bytes of what goes into it."""

from __future__ import annotations

import contextlib
import json
import math
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netc.diagnostics import error
from netc.train.history import History


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


def metrics_csv(history: History) -> str:
    """The history as CSV: `epoch,loss,…`, one row an epoch, numbers as Python reads them back exactly."""
    rows = zip(*history.columns.values(), strict=True)
    lines = [",".join(["epoch", *history.columns]), *(",".join([str(i), *map(repr, row)]) for i, row in enumerate(rows, 1))]
    return "\n".join(lines) + "\n"


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
        "interrupted": history.interrupted,
        "stopped_early": history.stopped_early,
        "final": {name: value if math.isfinite(value) else None for name, value in history.final.items()},  # JSON has no NaN
        **({"best": {"epoch": best.epoch, best.column: best.value}} if best is not None and best.value is not None else {}),
    }


def json_text(record: Mapping[str, Any]) -> str:
    """A record as a person can read it, too."""
    return json.dumps(record, indent=2, ensure_ascii=False, default=str) + "\n"
