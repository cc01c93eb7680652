"""What a table of runs is made of: the order of the runs, cells as text; and the table for programs, as JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from netc.runs.folder import Run
from netc.train.best import Best, is_rate

FACTS = ("name", "when", "network", "state", "epochs", "seconds")
NOTHING = "-"


def facts(run: Run) -> dict[str, Any]:
    """What is known of a run besides its metrics; None where nothing is."""
    return {
        "name": run.name,
        "when": run.started.isoformat() if run.started else None,
        "network": run.record.get("network"),
        "state": run.state,
        "epochs": run.epochs,
        "seconds": run.record.get("seconds"),
    }


def metric_names(runs: Sequence[Run]) -> list[str]:
    """The losses and metrics that any of the runs recorded, in the order of their first appearance."""
    return list(dict.fromkeys(name for run in runs for name in run.history if not is_rate(name)))


def differing(runs: Sequence[Run]) -> list[str]:
    """The names that `--set` gave, and that have not the same value in all runs."""
    names = dict.fromkeys(name for run in runs for name in run.overrides)
    return [name for name in names if len({run.overrides.get(name) for run in runs}) > 1]


# --- order --------------------------------------------------------------------------------------------------------


def sortable(runs: Sequence[Run]) -> list[str]:
    """What the runs can be sorted by: a fact, the last value of a metric, `best` of the monitor, `best:` of any metric."""
    metrics = metric_names(runs)
    return [*FACTS, *metrics, "best", *(f"best:{name}" for name in metrics)]


def ordered(runs: Sequence[Run], key: str, descending: bool = False) -> list[Run]:
    """The runs sorted by one of `sortable`; those that have nothing there come last."""
    kind, _, name = key.partition(":")
    if kind == "best":
        name = name or monitor(runs)
        values: list[Any] = [run.best[name].value if name in run.best else None for run in runs]
    else:
        values = [facts(run)[key] if key in FACTS else run.final.get(key) for run in runs]
    pairs = list(zip(values, runs, strict=True))
    known = sorted((pair for pair in pairs if not _is_nothing(pair[0])), key=lambda pair: pair[0], reverse=descending)
    return [run for _, run in known] + [run for value, run in pairs if _is_nothing(value)]


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def monitor(runs: Sequence[Run]) -> str:
    """The column whose best value says most: the loss of the validation where any run has one."""
    names = metric_names(runs)
    return next((name for name in ("val_loss", "loss") if name in names), names[0] if names else "loss")


# --- text ---------------------------------------------------------------------------------------------------------


def number_text(value: float | None) -> str:
    """Four digits."""
    return NOTHING if value is None else f"{value:.4g}"


def best_text(best: Best | None) -> str:
    """`0.2134 at 57`, the epoch."""
    return NOTHING if best is None else f"{best.value:.4g} at {best.epoch}"


def time_text(seconds: float | None) -> str:
    """`0.42 s`, `12 s`, `3:05 min`, `2:05 h`."""
    if not isinstance(seconds, (int, float)):
        return NOTHING
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02} min" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02} h"


def aligned(rows: Sequence[Sequence[str]], right: Collection[str] = ()) -> list[str]:
    """The rows as lines with two blanks between the columns; those whose title, in the first row, is in `right` end alike."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    place = [str.rjust if title in right else str.ljust for title in rows[0]]
    return ["  ".join(put(cell, width) for cell, width, put in zip(row, widths, place, strict=True)).rstrip() for row in rows]


# --- for programs -------------------------------------------------------------------------------------------------


def as_json(runs: Sequence[Run]) -> str:
    """A list with an object a run: facts, final and best values, overrides, problems; null where JSON has no such number."""
    return json.dumps([_object(run) for run in runs], indent=2, ensure_ascii=False)


def _object(run: Run) -> dict[str, Any]:
    return {
        **facts(run),
        "path": str(run.path),
        "final": {name: _finite(value) for name, value in run.final.items()},
        "best": {name: {"value": best.value, "epoch": best.epoch} for name, best in run.best.items()},
        "overrides": run.overrides,
        "problems": list(run.problems),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def as_csv(runs: Sequence[Run]) -> str:
    """A row a run: facts, the last and the best value of each metric, and each override; empty where there is none."""
    metrics = metric_names(runs)
    overrides = list(dict.fromkeys(name for run in runs for name in run.overrides))
    rows: list[Mapping[str, Any]] = [
        facts(run)
        | run.final
        | {f"best {name}": best.value for name, best in run.best.items()}
        | {f"set {name}": value for name, value in run.overrides.items()}
        for run in runs
    ]
    titles = [*FACTS, *metrics, *(f"best {name}" for name in metrics), *(f"set {name}" for name in overrides)]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, titles, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().rstrip("\n")
