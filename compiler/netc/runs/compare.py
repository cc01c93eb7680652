"""Runs side by side: what differs between their specs, and how each of them did."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netc.diagnostics import NetError
from netc.runs.folder import Run
from netc.runs.objectives import objectives
from netc.runs.table import NOTHING, aligned, best_text, differing, metric_names, number_text, time_text
from netc.train.best import is_higher_better

BARS = "▁▂▃▄▅▆▇█"
CURVE = 16  # characters of a curve in text


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the comparison: what is compared, one text for each run, the runs that did best in it, and the metric it is of.

    `why_none` says why none is best although the values differ.
    """

    title: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()
    metric: str = ""
    why_none: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """The lines of a run's spec that are not those of the first one's: those with `-` are the first run's, with `+` this one's."""

    name: str
    lines: tuple[str, ...]


def facts(runs: Sequence[Run]) -> list[Line]:
    """What was trained, how, and how long."""
    lines = [
        Line("network", tuple(str(run.record.get("network") or NOTHING) for run in runs)),
        Line("state", tuple(run.state for run in runs)),
        Line("epochs", tuple(str(run.epochs) for run in runs)),
        Line("time", tuple(time_text(run.record.get("seconds")) for run in runs)),
    ]
    return lines + [Line(f"set {name}", tuple(run.overrides.get(name, NOTHING) for run in runs)) for name in differing(runs)]


def results(runs: Sequence[Run]) -> list[Line]:
    """For each loss and metric its curve, its last value, and its best one with the epoch.

    None is the best where what goes by the same name is not the same function of predictions and targets.
    """
    lines = []
    computed = [objectives(run) for run in runs]
    for name in metric_names(runs):
        final, best = [run.final.get(name) for run in runs], [run.best.get(name) for run in runs]
        why = _unlike(name, runs, computed, final)
        lines += [
            Line(name, tuple(sparkline(run.history.get(name, ())) for run in runs)),
            Line("  last", tuple(map(number_text, final)), frozenset() if why else _winners(name, final), name, why),
            Line("  best", tuple(map(best_text, best)),
                 frozenset() if why else _winners(name, [b.value if b else None for b in best]), name, why),
        ]  # fmt: skip
    return lines


def reasons(lines: Sequence[Line]) -> list[str]:
    """Why none is best in some of the lines, each once."""
    return list(dict.fromkeys(line.why_none for line in lines if line.why_none))


def _unlike(name: str, runs: Sequence[Run], computed: Sequence[Mapping[str, str]], values: Sequence[float | None]) -> str:
    """Why the values of a column cannot be compared; empty where they can. What no spec writes down is a metric by its name."""
    key = name.removeprefix("val_")
    said = [(run.name, own.get(key, "")) for run, own, value in zip(runs, computed, values, strict=True) if value is not None]
    if len({text for _, text in said}) < 2:
        return ""
    heads = {text: text.partition("(")[0] if text else "unknown" for _, text in said}
    short = heads if len(set(heads.values())) == len(heads) else {text: text or "unknown" for text in heads}
    by_text = {text: [run for run, own in said if own == text] for text in heads}
    parts = [f"{_quoted(short[text])} in {', '.join(names)}" for text, names in by_text.items()]
    return f"`{key}` is not the same in all, so none is best: {'; '.join(parts)}"


def _quoted(text: str) -> str:
    """A text of `objectives`, whose end is quoted already."""
    loss, separator, scaling = text.partition(" with ")
    return f"`{loss}`{separator}{scaling}"


def _winners(name: str, values: Sequence[float | None]) -> frozenset[int]:
    """The runs with the best value; none where all are equal."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if len(set(finite)) < 2:
        return frozenset()
    best = max(finite) if is_higher_better(name) else min(finite)
    return frozenset(i for i, value in enumerate(values) if value == best)


def sparkline(values: Sequence[float]) -> str:
    """A curve in one line of text, from the lowest to the highest of its own values; a gap where it is not finite."""
    count = min(CURVE, len(values))
    picked = [values[round(i * (len(values) - 1) / max(count - 1, 1))] for i in range(count)]
    finite = [value for value in picked if math.isfinite(value)]
    if not finite:
        return NOTHING
    low, span = min(finite), max(finite) - min(finite)
    return "".join(BARS[round((v - low) / span * (len(BARS) - 1)) if span > 0 else 0] if math.isfinite(v) else " " for v in picked)


def differences(runs: Sequence[Run]) -> list[Difference]:
    """How the resolved spec of each run differs from the first one's; a spec that cannot be read is said."""
    first = _spec_lines(runs[0])
    return [Difference(run.name, tuple(_changes(first, _spec_lines(run)))) for run in runs[1:]]


def _spec_lines(run: Run) -> list[str]:
    """The lines of the resolved spec without comments, and without the blanks that only align them."""
    try:
        text = run.spec
    except NetError as problem:
        return [problem.diagnostics[0].message]
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """The lines that only one of them has, with `-` and `+`; of two that stand for each other what is equal is left out."""
    for tag, i, to_i, j, to_j in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        before, after = old[i:to_i], new[j:to_j]
        if len(before) != len(after):
            yield from (*(f"- {line}" for line in before), *(f"+ {line}" for line in after))
            continue
        for left, right in zip(before, after, strict=True):
            yield f"- {_without(left, right)}"
            yield f"+ {_without(right, left)}"


def _without(line: str, other: str) -> str:
    """A call without the arguments that the same call on the other line has too: `SGD(lr=0.1, …)`."""
    head, _, rest = line.partition("(")
    other_head, _, other_rest = other.partition("(")
    if head != other_head or not (rest.endswith(")") and other_rest.endswith(")")):
        return line
    arguments, others = _arguments(rest[:-1]), _arguments(other_rest[:-1])
    kept = [argument for argument in arguments if argument not in others]
    return f"{head}({', '.join([*kept, *(['…'] if len(kept) < len(arguments) else [])])})"


def _arguments(text: str) -> list[str]:
    """The arguments of a call; those by place stay together, as in a resolved spec they are the tensors."""
    return re.split(r", (?=[A-Za-z_]\w*=)", text)


def as_text(runs: Sequence[Run]) -> str:
    """The comparison as a person reads it; `*` stands behind the best."""
    rows = [["", *(run.name for run in runs)]]
    found = results(runs)
    for line in [*facts(runs), *found]:
        rows.append([line.title, *(f"{cell} *" if i in line.best else cell for i, cell in enumerate(line.cells))])
    lines = aligned(rows)
    if why := reasons(found):
        lines += ["", *why]
    for difference in differences(runs):
        lines += ["", f"the spec of {difference.name}, against {runs[0].name}"]
        lines += [f"  {line}" for line in difference.lines] or ["  the same"]
    notes = [f"{run.name}: {problem}" for run in runs for problem in run.problems]
    return "\n".join([*lines, *([""] if notes else []), *notes])
