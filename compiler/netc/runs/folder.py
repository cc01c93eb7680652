"""A run as its folder holds it: read without torch, and also where the training was stopped or a file is broken."""

from __future__ import annotations

import csv
import json
import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from netc.diagnostics import did_you_mean, error
from netc.pipeline import Network, load
from netc.runs.unfinished import Standing, end_of, longer, standing_of
from netc.train.best import Best, best_of, is_rate

if TYPE_CHECKING:
    from netc.data.normalize import Array
    from netc.module import NetModule
    from netc.runs.predictor import Predictor

RECORD, METRICS, SPEC, MODEL, BEST = "run.json", "metrics.csv", "spec.net", "model.safetensors", "best.safetensors"
MARKS = (RECORD, METRICS, SPEC, MODEL)  # a folder with any of these is a run


class Unfinished(UserWarning):
    """The weights of a module are those of a training that is not finished, or failed."""


class LeftOut(UserWarning):
    """Nothing is said of some rows, as a value is missing there and the network was trained without such rows."""


def warn_outside(text: str, category: type[UserWarning]) -> None:
    """Warns at the line outside of netc that called."""
    frame: FrameType | None = sys._getframe()
    level = 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith("netc."):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


@dataclass(frozen=True, slots=True)
class Run:
    """A run in its folder. `record` is `run.json`; `history` has the columns of `metrics.csv`, one number an epoch.

    What is missing or broken is empty here, and said in `problems`. Of a training that did not end, or goes on, the checkpoint is read
    instead, and `goes_on` is the command that finishes it. Nothing of torch is imported before a
    method needs the network.
    """

    path: Path
    record: Mapping[str, Any]
    history: Mapping[str, Sequence[float]]
    problems: tuple[str, ...] = ()
    allow_python: bool = False
    goes_on: str = ""
    _made: dict[bool, Predictor] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.resolve().name

    @property
    def spec(self) -> str:
        """The text of `spec.net`: the network, the data and the training with every default. Raises `NetError`."""
        return _text(self.path / SPEC)

    @property
    def epochs(self) -> int:
        """The number of epochs done."""
        return len(next(iter(self.history.values()), ()))

    @property
    def started(self) -> datetime | None:
        """When the training began, if the record says so."""
        try:
            return datetime.fromisoformat(self.record["started"])
        except (KeyError, TypeError, ValueError):
            return None

    @property
    def state(self) -> str:
        """`finished`, `stopped early`, `interrupted` (by Ctrl-C or SIGTERM), `failed`, or `unfinished` (no word of an end)."""
        if "finished" not in self.record:
            return "unfinished"
        if self.record.get("failed"):
            return "failed"
        if self.record.get("interrupted"):
            return "interrupted"
        return "stopped early" if self.record.get("stopped_early") else "finished"

    @property
    def overrides(self) -> dict[str, str]:
        """What `--set` changed, as it was written."""
        given = self.record.get("overrides")
        return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}

    @property
    def final(self) -> dict[str, float]:
        """The value of each loss and metric in the last epoch."""
        return {name: values[-1] for name, values in self.history.items() if values and not is_rate(name)}

    @property
    def best(self) -> dict[str, Best]:
        """The best finite value of each loss and metric with its epoch; of a loss the lowest, of e.g. an accuracy the highest."""
        return best_of(self.history)

    def network(self) -> Network:
        """The network of `spec.net`. Raises `NetError`."""
        if not (self.path / SPEC).is_file():
            raise error("file", f"the run `{self.path}` has no {SPEC}", hint="without it nothing says what was trained")
        return load(self.path / SPEC, allow_python=self.allow_python)

    def check_saved(self) -> None:
        """Raises `NetError` where there is neither a checkpoint nor a record, which a training writes at its end."""
        if self.goes_on or (self.path / RECORD).is_file():
            return
        raise error("file", f"the training of `{self.path}` has not ended, and there is no checkpoint of it yet",
                    hint="while it goes on, wait for the first one; where it was killed, `netc train` begins a new run")  # fmt: skip

    def module(self, best: bool = False) -> NetModule:
        """A new module of the trained network, in evaluation mode, from `spec.net` and `model.safetensors` alone. Raises `NetError`.

        With `best` it has the weights of the best epoch, of `best.safetensors`, which is there if data was held out.
        Of a training that is not finished the weights, last or best, are those of its last checkpoint, and of one that failed so are the
        last ones: then it warns `Unfinished`.
        """
        from netc.runs.weights import trained_module

        return trained_module(self, best)

    def predictor(self, best: bool = False) -> Predictor:
        """What `predict` and `evaluate` take: the network with its weights, as `module` has it. It is made the first time, and kept."""
        from netc.runs.predictor import Predictor

        if best not in self._made:
            self._made[best] = Predictor(self, best)
        return self._made[best]

    def predict(self, data: Any, best: bool = False) -> dict[str, Array]:
        """The columns that `netc predict` writes, by name, `[n]` each: `predicted_TARGET`, and of a classifier `probability_CLASS`.

        `data` is a data frame (pandas, polars, pyarrow), a dict of columns by name, an array whose columns are those of the training in
        their order, or the path of a file. The rows are prepared as in training, numbers are in the units of the data, and classes
        have their names. `best` takes the weights of the best epoch. The network is made at the first call, and kept with the run.
        Raises `NetError` where a column is missing or has values that the training had not, and where a row has no prediction.
        """
        from netc.runs.predict import predictions

        return predictions(self, data, best)

    def evaluate(self, data: Any = None, best: bool = False) -> dict[str, Mapping[str, float]]:
        """The losses and metrics that `netc eval` shows, and the number of `rows`, by name.

        They are by the part of the run's own data, `training`, `validation` and `test`; with `data`, which is what `predict` takes with the
        columns of the targets, by the name of the file or as `data`. Raises `NetError` as `predict` does.
        """
        from netc.runs.evaluate import evaluate_data

        return evaluate_data(self, data, best)


def open_run(path: str | Path, *, allow_python: bool = False) -> Run:
    """The run in a folder that `netc train` made, finished or not; `allow_python` is as in `netc.load`.

    Raises `NetError` where there is no such folder, or nothing of a run in it.
    """
    path = Path(path)
    if path.name in MARKS and path.is_file():  # the file that a shell completes to
        path = path.parent
    if path.suffix == ".net" and path.is_file():
        hint = f"e.g. `runs/{path.stem}-1`, which `netc train {path.name}` makes; `netc runs` lists the runs"
        raise error("file", f"`{path}` is a spec, and what is wanted is the folder of a run", hint=hint)
    if not path.is_dir():
        near = did_you_mean(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else ""
        raise error("file", f"there is no folder `{path}`", hint=near or "`netc runs` lists the runs")
    if not is_run(path):
        raise error("file", f"`{path}` is not the folder of a run: it has none of {', '.join(MARKS)}", hint="`netc runs` lists the runs")
    record, said_of_record = _record(path / RECORD)
    ended = (path / RECORD).is_file()
    if (standing := standing_of(path, after=end_of(record) if ended else None)) is not None:
        return _unfinished(path, standing, allow_python)
    history, said_of_history = _history(path / METRICS)
    failed = record.get("failed")
    missing = [f"{name} is missing" for name in ((SPEC,) if failed else (SPEC, MODEL)) if not (path / name).is_file()]
    missing += [f"failed: {failed}"] if failed else []
    return Run(path, record, history, (*said_of_record, *said_of_history, *missing), allow_python)


def _unfinished(path: Path, standing: Standing, allow_python: bool) -> Run:
    """A run as its checkpoint has it."""
    goes_on = f"netc train --resume {path}{' --allow-python' if allow_python else ''}{longer(path, standing)}"
    said = f"the training has not ended, and its last checkpoint is shown; `{goes_on}` goes on if it was stopped"
    return Run(path, standing.record, standing.history, (said,), allow_python, goes_on)


def is_run(path: Path) -> bool:
    """Whether a folder holds anything of a run."""
    return any((path / name).is_file() for name in MARKS)


def runs_in(folder: Path) -> list[Run]:
    """The runs in a folder, the oldest first; of a folder that is a run, that one. Raises `NetError` where there is no folder."""
    if not folder.is_dir():
        raise error("file", f"there is no folder `{folder}`", hint="`netc train` makes runs/, and a folder for each training in it")
    if is_run(folder):
        return [open_run(folder)]
    found = [open_run(path) for path in folder.iterdir() if path.is_dir() and is_run(path)]
    return sorted(found, key=lambda run: (run.started.timestamp() if run.started else math.inf, _natural(run.name)))


def _natural(name: str) -> tuple[str, int]:
    """`net-2` before `net-10`."""
    start, _, number = name.rpartition("-")
    return (start, int(number)) if number.isascii() and number.isdigit() else (name, 0)


# --- the files ----------------------------------------------------------------------------------------------------


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as e:
        raise error("file", f"`{path}` cannot be read: {e.strerror or e}") from e
    except UnicodeDecodeError as e:
        raise error("file", f"`{path}` is not UTF-8 text") from e


def _record(path: Path) -> tuple[dict[str, Any], list[str]]:
    """`run.json`, and what is wrong with it."""
    if not path.is_file():
        return {}, [f"{path.name} is missing: the training did not end"]
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError) as e:
        return {}, [f"{path.name} cannot be read: {e}"]
    return (record, []) if isinstance(record, dict) else ({}, [f"{path.name} holds no record"])


def _history(path: Path) -> tuple[dict[str, list[float]], list[str]]:
    """The columns of `metrics.csv` but the first, the epoch; up to the first line that is broken."""
    if not path.is_file():
        return {}, [f"{path.name} is missing"]
    try:
        head, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    except (OSError, ValueError) as e:
        return {}, [f"{path.name} cannot be read: {e}"]
    names = _names(head)
    if names[:1] != ["epoch"] or len(set(names)) < len(names):
        return {}, [f"{path.name} has no line that names its columns"]
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 2):
        row = _numbers(line)
        if row is None or len(row) != len(names):
            return _columns(names, rows), [f"{path.name} is broken in line {number}: what stands before it is shown"]
        rows.append(row)
    return _columns(names, rows), []


def _names(line: str) -> list[str]:
    """The names in the first line, where one with a comma in it stands in quotes; none where that is broken."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def _columns(names: Sequence[str], rows: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names) if i}


def _numbers(line: str) -> list[float] | None:
    """The numbers of a line, an empty one as NaN; None where something else stands there."""
    try:
        return [float(cell) if cell else math.nan for cell in line.split(",")]
    except ValueError:
        return None
