"""What a training must have in common with the one that it goes on with: the spec, the data, and what runs it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netc.data.normalize import Array
from netc.data.prepare import Prepared
from netc.data.preprocessing import Preprocessing
from netc.data.store import LARGE_BYTES, release
from netc.diagnostics import NetError, count_of, error
from netc.settings import Made, Section
from netc.train.checkpoint import read_record
from netc.train.length import planned_epochs
from netc.train.run import CHECKPOINT, environment

Identity = dict[str, Any]  # as a checkpoint holds it

PIECE = 16 * 2**20  # bytes

# Settings that may differ: a training may become longer, and be saved more often.
FREE = ("epochs", "checkpoint", "parallel")
# Schedulers whose course does not depend on how long the training is.
ENDLESS = ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "CosineAnnealingWarmRestarts", "CyclicLR",
           "LambdaLR", "MultiplicativeLR", "ReduceLROnPlateau")  # fmt: skip


def identity_of(spec: str, python_files: Iterable[str], prepared: Prepared, device: str) -> Identity:
    """What makes a training this one: the resolved spec and its hash, the files that it uses, a hash of its data, and what runs it."""
    return {
        "spec": spec,
        "spec_sha256": hashlib.sha256(spec.encode()).hexdigest(),
        "files": {Path(file).name: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in python_files},
        "data_sha256": fingerprint([*prepared.train, *(prepared.validation or ())]),
        "environment": {**environment(), "device": device},
    }


def fingerprint(arrays: Iterable[Array]) -> str:
    """A hash of the dtypes, shapes and values of arrays; of those in files, no more than a piece is in memory at a time."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype} {array.shape};".encode())
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        for start in range(0, len(flat), PIECE):
            found.update(flat[start : start + PIECE].data)
            if len(flat) > LARGE_BYTES:
                release()
    return found.hexdigest()


def recorded_preprocessing(run: Path, spec: str) -> Preprocessing | None:
    """What a training of this spec that stands in the run's checkpoint did to its data, which an older netc may have done in another way.

    None where that is not known, or the spec is another: `compare` says so.
    """
    try:
        state = read_record(run / CHECKPOINT)["state"]
    except NetError:  # which is said where the checkpoint is loaded
        return None
    if "preprocessing" not in state or _changed(state["identity"]["spec"], spec) is not None:
        return None
    return Preprocessing.from_record(state["preprocessing"])


def compare(run: Path, before: Mapping[str, Any], now: Identity) -> list[str]:
    """What differs between two trainings so that the numbers may; raises NetError where one cannot go on with the other."""
    if (change := _changed(before["spec"], now["spec"])) is not None:
        message = f"`{run}` was trained with another spec: {change}"
        hint = f"`netc train` begins a new run; `netc train --resume {run}` goes on with {run / 'spec.net'}, and without that file "
        raise error("training", message, hint=hint + "with the spec that the checkpoint holds")
    for name, digest in before["files"].items():
        if now["files"].get(name) != digest:
            raise error("training", f"`{run}` was trained with another `{name}`", hint="put back the file as it was, or begin a new run")
    if before["data_sha256"] != now["data_sha256"]:
        raise error("data", f"`{run}` was trained on other data: the rows are not the same", hint=_data_hint(before, now))
    return [_differs(key, before["environment"][key], value) for key, value in now["environment"].items()
            if key in MATTERS and before["environment"][key] != value]  # fmt: skip


def _data_hint(before: Mapping[str, Any], now: Identity) -> str:
    old, new = (found["environment"].get("numpy") for found in (before, now))
    return "put back the data as it was, or begin a new run" + (f"; numpy was {old}, and is {new}" if old != new else "")


MATTERS = ("torch", "threads", "device", "netc")


def _differs(key: str, old: Any, new: Any) -> str:
    if key == "threads":
        return f"this run was trained with {count_of(old, 'thread')}, and now with {new}; OMP_NUM_THREADS={old} gives as many"
    was = f"on {old}, and now on {new}" if key == "device" else f"with {key} {old}, and now with {key} {new}"
    return f"this run was trained {was}; the numbers may differ in the last digits"


def _changed(old: str, new: str) -> str | None:
    """The first line that differs, without the settings that may."""
    lines = [_without_free(text).splitlines() for text in (old, new)]
    if lines[0] == lines[1]:
        return None
    longest = max(map(len, lines))
    before, after = ([*found, *["nothing"] * (longest - len(found))] for found in lines)
    i = next(i for i in range(longest) if before[i] != after[i])
    return _difference(before[i], after[i])


def _difference(old: str, new: str) -> str:
    """What two lines differ in: a word, where they are the same but for words."""
    before, after = (re.findall(r"[^\s,()]+", line) for line in (old, new))
    pairs = [(a, b) for a, b in zip(before, after, strict=False) if a != b]
    if len(before) == len(after) and pairs and before[0] == after[0]:
        return f"its `{before[0]}` has `{pairs[0][1]}` where it had `{pairs[0][0]}`"
    return f"it has `{new.strip()}` where it had `{old.strip()}`"


def _without_free(spec: str) -> str:
    head, train, settings = spec.rpartition("\ntrain {")
    return head + train + re.sub(rf"^ *({'|'.join(FREE)}) +=.*\n", "", settings, flags=re.MULTILINE)


def check_length(run: Path, settings: Section, done: int, before: str) -> None:
    """Raises NetError where the training cannot have as many epochs as the section now says."""
    epochs, span = settings["epochs"], settings.values["epochs"].span
    if epochs < done:
        raise error("training", f"`{run}` has {count_of(done, 'epoch')} already, and `epochs = {epochs}`", span)
    was = planned_epochs(before)
    if was is None or was == epochs:
        return
    if (made := fixed_by(settings)) is not None:
        message = f"`{run}` was to have {count_of(was, 'epoch')}, over which `{made.recipe.name}` takes its course"
        raise error("training", message, made.span, f"begin a new run for {epochs} epochs")


def fixed_by(settings: Section) -> Made | None:
    """The scheduler whose course is that of all epochs, so that there cannot be more of them."""
    made = None if settings["scheduler"] is None else settings.made("scheduler")
    return None if made is None or _is_endless(made) else made


def _is_endless(made: Made) -> bool:
    inner = made.values.get("schedulers", [])
    return all(map(_is_endless, inner)) if inner else made.recipe.name in ENDLESS
