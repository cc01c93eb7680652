"""The table of runs as a person reads it: networks that record other things stand in tables of their own, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from netc.diagnostics import listed
from netc.runs.folder import Run
from netc.runs.table import NOTHING, aligned, best_text, differing, metric_names, monitor, number_text, time_text
from netc.train.best import without_single


def network_of(run: Run) -> str:
    """The name of the run's network."""
    return run.record.get("network") or NOTHING


def groups(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs by networks, `Net` or `Net, Other`: those together that record the same losses and metrics.

    In the order of the runs. A network of which nothing is recorded yet stands with the first that has something.
    """
    networks = list(dict.fromkeys(map(network_of, runs)))
    recorded = {name: frozenset(metric_names([run for run in runs if network_of(run) == name])) for name in networks}
    first = next((found for found in recorded.values() if found), frozenset())
    alike: dict[frozenset[str], list[str]] = {}
    for name in networks:
        alike.setdefault(recorded[name] or first, []).append(name)
    return {", ".join(names): [run for run in runs if network_of(run) in names] for names in alike.values()}


def as_text(runs: Sequence[Run], width: int | None = None) -> str:
    """A line a run under a line of titles, a table for each of `groups`; below them what is wrong with some.

    With a `width` metrics are left out until the lines are no longer than that, and named below.
    """
    found, left, blocks = groups(runs), list[str](), list[str]()
    for networks, members in found.items():
        lines, without = _table(members, width)
        blocks += [*([""] if blocks else []), *([networks] if len(found) > 1 else []), *lines]
        left += without
    notes = [f"{run.name}: {problem}" for run in runs for problem in run.problems]
    if left:
        names = listed(dict.fromkeys(left))
        notes.insert(0, f"not shown, as there is no room: {names}; --format csv has all columns, and `netc runs | less -S` shows them")
    return "\n".join([*blocks, *([""] if notes else []), *notes])


def _table(runs: Sequence[Run], width: int | None) -> tuple[list[str], list[str]]:
    """The lines of one table, and the metrics for which there is no room."""
    metrics = metric_names(runs)
    shown, lines = list(metrics), _lines(runs, metrics)
    for name in _least(metrics, monitor(runs)):
        if width is None or max(map(len, lines)) <= width:
            break
        shown.remove(name)
        lines = _lines(runs, shown)
    return lines, [name for name in metrics if name not in shown]


def _least(metrics: Sequence[str], watched: str) -> Iterable[str]:
    """Metrics in the order in which they are left out: those of single numbers, those that the validation has too, the last ones."""
    whole = without_single(metrics)
    twice = [name for name in whole if f"val_{name}" in whole and name != "loss"]
    kept = ("loss", "val_loss", watched)
    rest = [name for name in whole if name not in twice and name not in kept]
    return [*reversed([name for name in metrics if name not in whole]), *reversed(twice), *reversed(rest)]


def _lines(runs: Sequence[Run], metrics: Sequence[str]) -> list[str]:
    watched, changed = monitor(runs), differing(runs)
    titles = ["run", "when", "network", "state", "epochs", "time", *metrics, f"best {watched}", "set"]
    rows = [_row(run, metrics, watched, changed) for run in runs]
    kept = [i for i, title in enumerate(titles) if title not in ("state", "set") or any(_tells(title, row[i]) for row in rows)]
    return aligned([[row[i] for i in kept] for row in [titles, *rows]], {"epochs", "time", *metrics})


def _tells(title: str, cell: str) -> bool:
    """Whether a cell is a reason to show its column."""
    return cell != ("finished" if title == "state" else "")


def _row(run: Run, metrics: Sequence[str], watched: str, changed: Sequence[str]) -> list[str]:
    when = f"{run.started:%Y-%m-%d %H:%M}" if run.started else NOTHING
    own = [f"{name}={run.overrides[name]}" for name in changed if name in run.overrides]
    return [run.name, when, network_of(run), run.state, str(run.epochs), time_text(run.record.get("seconds")),
            *(number_text(run.final.get(name)) for name in metrics), best_text(run.best.get(watched)), " ".join(own)]  # fmt: skip


def columns_by_network(runs: Sequence[Run]) -> Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]:
    """The history of each run by its name, by `groups`."""
    return {networks: {run.name: run.history for run in members} for networks, members in groups(runs).items()}
