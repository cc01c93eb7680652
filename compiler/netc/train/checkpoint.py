"""A state on disk that is whole at every moment, whatever is killed and whenever.

A checkpoint is a folder with two files: `state.json`, and the tensors as safetensors, which it names with their SHA-256. A new one
comes beside the old one and takes its place in one step, when `state.json` is renamed; what no `state.json` names is rubbish, and removed
by the next save. Nothing in it can run code when it is read, as a pickle could.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from netc.diagnostics import NetError, error
from netc.files import replacing, write
from netc.train.structure import flatten, unflatten

State = dict[str, Any]  # nested dicts, lists and tuples of tensors and plain values

FORMAT = 1
STATE = "state.json"


def save(folder: Path, state: Mapping[str, Any]) -> None:
    """Puts the state into the folder in place of the one that is there.

    When it returns, the state is on the disk itself. Raises `NetError` where that cannot be done, e.g. as the disk is full: then
    the checkpoint before it is untouched.
    """
    plain, tensors = flatten(state)
    try:
        folder.mkdir(exist_ok=True)
        name = f"tensors-{_next_number(folder)}.safetensors"
        with replacing(folder / name) as temporary:
            _write_tensors(temporary, tensors)
            record = {"format": FORMAT, "tensors": {"file": name, "sha256": _file_hash(temporary)}, "state": plain}
        write(folder / STATE, json.dumps({"sha256": _text_hash(record), **record}, allow_nan=False))
    except OSError as problem:
        raise error("file", f"`{folder}` cannot be written: {problem.strerror}") from None
    finally:
        _sweep(folder)


def load(folder: Path) -> State:
    """The state that was saved last. Its tensors are on the CPU. Raises `NetError` where there is none, or it is damaged."""
    record = _record(folder)
    if record["format"] != FORMAT:
        raise error("file", f"`{folder}` is a checkpoint of format {record['format']}, and this netc reads format {FORMAT}")
    file = folder / record["tensors"]["file"]
    try:
        if _file_hash(file) != record["tensors"]["sha256"]:
            raise _damaged(file, "its content is not what was saved")
        state: State = unflatten(record["state"], _tensors(file))
    except FileNotFoundError:
        if _record(folder) != record:  # a training that goes on has just replaced it
            return load(folder)
        raise _damaged(file, "it is missing") from None
    except (OSError, SafetensorError, KeyError) as problem:
        raise _damaged(file, problem.strerror if isinstance(problem, OSError) else str(problem)) from None
    return state


def is_saved(folder: Path) -> bool:
    """Whether there is a checkpoint in the folder."""
    return (folder / STATE).is_file()


def _record(folder: Path) -> dict[str, Any]:
    """What stands in `state.json`, if that is what was written there. Raises `NetError`."""
    path = folder / STATE
    try:
        record = dict(json.loads(path.read_bytes()))
        if record.pop("sha256") != _text_hash(record):
            raise _damaged(path, "its content is not what was saved")
    except FileNotFoundError:
        raise error("file", f"there is no checkpoint in `{folder}`") from None
    except OSError as problem:
        raise error("file", f"`{path}` cannot be read: {problem.strerror}") from None
    except (ValueError, TypeError, KeyError):
        raise _damaged(path, "it is not what was saved") from None
    return record


def _damaged(path: Path, reason: str | None) -> NetError:
    return error("file", f"`{path}` is damaged: {reason}", hint="a checkpoint has no second copy: put it back from a backup, or train anew")


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    try:
        save_file(tensors, path)
    except SafetensorError as problem:  # it says what the system said in words only
        number = re.search(r"os error (\d+)|code: (\d+)", str(problem))
        code = int(number[1] or number[2]) if number else errno.EIO
        raise OSError(code, os.strerror(code) if number else str(problem)) from None


def _tensors(path: Path) -> dict[str, Tensor]:
    """Copies of what is in the file: mapped from it they lie at odd addresses, where some kernels round differently."""
    return {name: tensor.clone() for name, tensor in load_file(path).items()}


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text_hash(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def _next_number(folder: Path) -> int:
    numbers = [int(found[1]) for path in folder.iterdir() if (found := re.fullmatch(r"tensors-(\d+)\.safetensors", path.name))]
    return 1 + max(numbers, default=0)


def _sweep(folder: Path) -> None:
    """Removes what does not belong to the checkpoint: the one before it, and what a save left behind that was killed."""
    with contextlib.suppress(OSError, NetError):
        kept = {STATE, _record(folder)["tensors"]["file"]} if is_saved(folder) else set()
        for path in folder.iterdir():
            if path.name not in kept:
                path.unlink()
