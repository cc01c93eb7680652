"""What a run that did not end has recorded: read from its checkpoint, without torch and without its weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

STATE = Path("checkpoint", "state.json")


class Standing(NamedTuple):
    """As much of a record as is known, and the columns of the history so far."""

    record: dict[str, Any]
    history: dict[str, list[float]]


def standing_of(run: Path) -> Standing | None:
    """Where the run in a folder stands; None where it has no checkpoint that can be read."""
    from safetensors import SafetensorError, safe_open

    try:
        saved = json.loads((run / STATE).read_bytes())
        state, place = saved["state"], run / STATE.parent / saved["tensors"]["folder"]
        columns = {name: column["$tensor"] for name, column in state["training"]["columns"].items()}
        with safe_open(place / min(saved["tensors"]["files"]), framework="numpy") as tensors:  # of several processes the first has them
            history = {name: tensors.get_tensor(key).tolist() for name, key in columns.items()}
        named = re.match(r"(?:use [^\n]*\n+)*network (\w+)", state["identity"]["spec"])
        record = {name: state[name] for name in ("started", "overrides")} | {"seconds": state["training"]["seconds"]}
        return Standing(record | ({"network": named[1]} if named else {}), history)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError):
        return None
