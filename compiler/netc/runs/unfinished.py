"""What a run that did not end has recorded: read from its checkpoint, without torch and without its weights."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from netc.train.length import planned_epochs

STATE = Path("checkpoint", "state.json")
TRIES = 100  # to read what a training replaces meanwhile
KNOWN = ("started", "overrides", "preprocessing")  # what `run.json` has under the same names; an older netc wrote no preprocessing


class Standing(NamedTuple):
    """As much of a record as is known, the columns of the history so far, and the number of epochs that are to be."""

    record: dict[str, Any]
    history: dict[str, list[float]]
    planned: int | None


Position = tuple[float, float]  # epochs done, and steps of the next one


def end_of(record: Mapping[str, Any]) -> Position:
    """Where a training ended, by its record. Of one that failed no checkpoint is behind that, whatever step it had come to."""
    epochs, step = record.get("epochs"), record.get("step")
    return epochs if isinstance(epochs, int) else math.inf, step if isinstance(step, int) else math.inf


def standing_of(run: Path, after: Position | None = None) -> Standing | None:
    """Where the run in a folder stands; None where it has no checkpoint that can be read, or none from behind `after`."""
    for _ in range(TRIES):
        text = _text(run / STATE)
        found = _standing(text, run / STATE.parent, after)
        if found is not None or text == _text(run / STATE):
            return found
    return None


def longer(run: Path, standing: Standing) -> str:
    """What `netc train --resume` has to be told where a training became longer than `spec.net` yet says."""
    written = planned_epochs(_text(run / "spec.net").decode(errors="replace"))
    return "" if written in (None, standing.planned) else f" --set train.epochs={standing.planned}"


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _standing(text: bytes, folder: Path, after: Position | None) -> Standing | None:
    try:
        saved = json.loads(text)
        state = saved["state"]
        if after is not None and (state["training"]["epoch"], state["training"]["step"]) <= after:
            return None
        columns = {name: column["$tensor"] for name, column in state["training"]["columns"].items()}
        history = _columns(folder / saved["tensors"]["folder"] / min(saved["tensors"]["files"]), columns)  # the first process has them
        named = re.match(r"(?:use [^\n]*\n+)*network (\w+)", state["identity"]["spec"])
        record = {name: state[name] for name in KNOWN if name in state} | {"seconds": state["training"]["seconds"]}
        return Standing(record | ({"network": named[1]} if named else {}), history, planned_epochs(state["identity"]["spec"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _columns(path: Path, names: dict[str, str]) -> dict[str, list[float]]:
    """The columns by their names in a file of tensors. Raises OSError, ValueError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            return {name: tensors.get_tensor(key).tolist() for name, key in names.items()}
    except SafetensorError as problem:
        raise ValueError(str(problem)) from problem
