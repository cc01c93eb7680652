"""A state on disk that is whole at every moment, whatever is killed and whenever.

A checkpoint is a folder with `state.json`, and a folder of tensors as safetensors, whose files it names with their SHA-256: one, or one of
each process. A new one comes beside the old one and takes its place in one step, when `state.json` is renamed; what no `state.json`
names is rubbish, and removed by the next save. Nothing in it can run code when it is read, as a pickle could.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from netc.diagnostics import NetError, error
from netc.files import sync, sync_folder, write, written
from netc.train.structure import flatten, names_in, unflatten

State = dict[str, Any]  # nested dicts, lists and tuples of tensors and plain values

FORMAT = 2
STATE = "state.json"
TENSORS = "tensors.safetensors"  # the file of one process that has all of them
TRIES = 100  # to read what is replaced meanwhile


def save(folder: Path, state: Mapping[str, Any]) -> None:
    """Puts the state into the folder in place of the one that is there.

    When it returns, the state is on the disk itself. Raises `NetError` where that cannot be done, e.g. as the disk is full: then
    the checkpoint before it is untouched.
    """
    plain, tensors = flatten(state)
    try:
        place = begin(folder)
        with written(folder):
            _write_tensors(place / TENSORS, tensors)
            sync(place / TENSORS)
        complete(folder, place, {TENSORS: file_hash(place / TENSORS)}, plain)
    finally:
        sweep(folder)


def load(folder: Path, pick: Callable[[Any], Any] = lambda state: state) -> Any:
    """The state that was saved last, or what `pick` takes of it, of which alone the tensors are read. They are on the CPU.

    It is whole, also while a training saves the next one. Raises `NetError` where there is none, or it is damaged.
    """
    for _ in range(TRIES):
        record = read_record(folder)
        try:
            return _read(folder, record, pick)
        except NetError:
            if read_record(folder) == record:
                raise  # else a training that goes on has just replaced it
    raise error("file", f"`{folder}` is replaced faster than it can be read", hint="read it again, or when the training has ended")


def _read(folder: Path, record: Mapping[str, Any], pick: Callable[[Any], Any]) -> Any:
    place, files = folder / record["tensors"]["folder"], record["tensors"]["files"]
    plain = pick(record["state"])
    with intact(place):
        check_files(place, files)
        return unflatten(plain, _tensors(place, list(files), dict.fromkeys(names_in(plain))))


def is_saved(folder: Path) -> bool:
    """Whether there is a checkpoint in the folder."""
    return (folder / STATE).is_file()


# --- writing --------------------------------------------------------------------------------------------------------


def begin(folder: Path) -> Path:
    """Makes the folder that the tensors of a new checkpoint are written to. Raises `NetError`."""
    with written(folder):
        folder.mkdir(exist_ok=True)
        place = folder / f"tensors-{_next_number(folder)}"
        place.mkdir()
    return place


def complete(folder: Path, place: Path, files: Mapping[str, str], plain: Any) -> None:
    """Makes what was written to `place` the checkpoint: its files by name with their hashes, and the state that speaks of them."""
    with written(folder):
        sync_folder(place)
        sync_folder(folder)
    record = {"format": FORMAT, "tensors": {"folder": place.name, "files": dict(files)}, "state": plain}
    write(folder / STATE, json.dumps({"sha256": _text_hash(record), **record}, allow_nan=False))


def sweep(folder: Path) -> None:
    """Removes what does not belong to the checkpoint: the one before it, and what a save left behind that was killed."""
    with contextlib.suppress(OSError, NetError):
        kept = {STATE, read_record(folder)["tensors"]["folder"]} if is_saved(folder) else set()
        for path in folder.iterdir():
            if path.name not in kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    try:
        save_file(tensors, path)
    except SafetensorError as problem:  # it says what the system said in words only
        number = re.search(r"os error (\d+)|code: (\d+)", str(problem))
        code = int(number[1] or number[2]) if number else errno.EIO
        raise OSError(code, os.strerror(code) if number else str(problem)) from None


def _next_number(folder: Path) -> int:
    numbers = [int(found[1]) for path in folder.iterdir() if (found := re.fullmatch(r"tensors-(\d+)", path.name))]
    return 1 + max(numbers, default=0)


# --- reading --------------------------------------------------------------------------------------------------------


def read_record(folder: Path) -> dict[str, Any]:
    """What stands in `state.json`, if that is what was written there, and in this format. Raises `NetError`."""
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
    if record["format"] != FORMAT:
        raise error("file", f"`{folder}` is a checkpoint of format {record['format']}, and this netc reads format {FORMAT}")
    return record


def check_files(place: Path, files: Mapping[str, str]) -> None:
    """Raises `NetError` unless the files are what was saved, by their hashes."""
    for name, digest in files.items():
        if file_hash(place / name) != digest:
            raise _damaged(place / name, "its content is not what was saved")


@contextmanager
def intact(place: Path) -> Iterator[None]:
    """Says why the tensors of a checkpoint cannot be read, as a `NetError`."""
    try:
        yield
    except FileNotFoundError as problem:
        raise _damaged(Path(problem.filename or place), "it is missing") from None
    except (OSError, SafetensorError, KeyError, RuntimeError) as problem:  # torch says of a file that it cannot map the last
        raise _damaged(place, problem.strerror if isinstance(problem, OSError) else str(problem)) from None


def _damaged(path: Path, reason: str | None) -> NetError:
    return error("file", f"`{path}` is damaged: {reason}", hint="a checkpoint has no second copy: put it back from a backup, or train anew")


def _tensors(place: Path, files: list[str], names: Iterable[str]) -> dict[str, Tensor]:
    """The tensors of these names, wherever their parts are."""
    if files == [TENSORS]:  # copies: mapped from the file they lie at odd addresses, where some kernels round differently
        with safe_open(place / TENSORS, framework="pt") as file:
            return {name: file.get_tensor(name).clone() for name in names}
    from netc.train.parts import read_whole

    return read_whole(place, names)


def file_hash(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text_hash(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()
