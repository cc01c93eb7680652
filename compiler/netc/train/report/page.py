"""The report of a run: one HTML page with all that is known of it, which asks for no other file."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from netc.data.prepare import Prepared
from netc.data.table import Table
from netc.diagnostics import Diagnostic, count_of
from netc.draw import dot, drawn
from netc.graph import Graph
from netc.source import Source
from netc.summary import summary
from netc.tasks import unlearned_inputs
from netc.train.best import best_of, is_higher_better, without_single
from netc.train.history import History
from netc.train.report.curves import curves_picture
from netc.train.report.judgement import Tried, judgement
from netc.train.report.sheet import inline
from netc.web.document import code, columns, details, document, figure, inlined, section, table, tiles
from netc.web.highlight import highlighted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_HEIGHT = 900  # points of a diagram that is made smaller to be seen whole; one may scroll through larger ones
VERSIONS = ("netc", "torch", "numpy", "python", "device", "threads", "seed")

PYTHON = re.compile(r"^use python |\bpython\(function=", re.MULTILINE)  # in a resolved spec that runs Python files


@dataclass(frozen=True, slots=True)
class Trained:
    """A training that is over, as its pictures and its report see it. The model is in evaluation mode.

    `written` is the spec as the user wrote it, `resolved` with every default; `doubts` are the warnings about spec and data.
    """

    name: str
    graph: Graph
    model: nn.Module
    history: History
    data: Table
    prepared: Prepared
    record: Mapping[str, Any]
    resolved: str
    written: Source | None = None
    doubts: Sequence[Diagnostic] = ()


def report(trained: Trained, pictures: Mapping[str, Figure], problems: list[str]) -> str:
    """The page, with pictures of the run by their names. To the problems of these it adds what could not be shown, and tells them all."""

    def tried(what: str, make: Callable[[], str]) -> str:
        try:
            return make()
        except Exception as e:  # a report is never worth a trained model
            problems.append(f"{what} is not in the report: {e}")
            return ""

    parts = [
        tried("the head", lambda: _head(trained)),
        _numbers(trained, tried),
        tried("how right it is", lambda: judgement(trained.graph, trained.model, trained.data, trained.prepared, tried)),
        tried("the picture of the predictions", lambda: _picture(pictures, "predictions.png")),
        columns([tried("the spec", lambda: _spec(trained)), tried("the diagram", lambda: _diagram(trained.graph))]),
        columns([tried("the data", lambda: _data(trained)), tried("data.png", lambda: _picture(pictures, "data.png"))]),
        tried("the versions", lambda: columns([_repeat(trained), _versions(trained)])),
    ]
    if said := [*(f"{d.code}: {d.message}" for d in trained.doubts), *problems]:
        parts.insert(1, f'<section class="warnings"><ul>{"".join(f"<li>{_text(s)}</li>" for s in said)}</ul></section>')
    return document(trained.name, [*parts, "<footer>Written by netc. It holds everything that it shows.</footer>"])


def _text(words: str) -> str:
    return escape(words)


# --- head ---------------------------------------------------------------------------------------------------------


def _head(trained: Trained) -> str:
    record = trained.record
    when = str(record.get("started", "")).replace("T", " ")[:16]
    parts = [trained.graph.name, count_of_large(trained.graph.parameter_count, "parameter"), when, _ending(trained.history)]
    line = _text(" · ".join(filter(None, parts)))
    return f'<header>\n<h1>{_text(trained.name)}</h1>\n<p class="note">{line}</p>\n{_tiles(trained)}\n</header>'


def count_of_large(number: int, noun: str) -> str:
    """`1,234 parameters`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _ending(history: History) -> str:
    if history.interrupted:
        return f"interrupted in epoch {history.epochs + 1}"
    return f"stopped early after epoch {history.epochs}" if history.stopped_early else count_of(history.epochs, "epoch")


def _tiles(trained: Trained) -> str:
    """The loss, then of each loss and metric the value that says most: that of the validation, if there is one."""
    final, best = trained.history.final, best_of(trained.history.columns)
    said = [name for name in without_single(final) if f"val_{name}" not in final and name != "loss"]
    watched = "val_loss" if "val_loss" in best else "loss"
    shown = [(name, f"{final[name]:.4g}") for name in ["loss", *said][:5] if name in final]
    ends = [(f"best {watched}, epoch {best[watched].epoch}", f"{best[watched].value:.4g}")] if watched in best else []
    return tiles([*shown, *ends, ("seconds", f"{trained.history.seconds:.3g}")])


def _repeat(trained: Trained) -> str:
    """How to train the same once more: as it was started, and from the run's folder alone."""
    given = trained.record.get("overrides", {})
    sets = "".join(f" --set {shlex.quote(f'{name}={value}')}" for name, value in given.items())
    lines, train = [], "netc train --allow-python" if PYTHON.search(trained.resolved) else "netc train"
    if trained.written is not None and trained.written.name.endswith(".net"):
        lines.append(f"{train} {shlex.quote(trained.written.name)}{sets}")
    lines.append(f"{train} {shlex.quote(str(Path('runs') / trained.name / 'spec.net'))}    # from the folder of the run alone")
    return section("To repeat it", code("\n".join(lines)), "on the CPU, with these versions and threads, to the last bit")


def _versions(trained: Trained) -> str:
    known = [(name, str(trained.record[name])) for name in VERSIONS if name in trained.record]
    return section("Made with", table(("", ""), known, "words"))


# --- numbers ------------------------------------------------------------------------------------------------------


def _numbers(trained: Trained, tried: Tried) -> str:
    """The curves, and beside or below them the last and the best value of each column."""
    names = {name.removeprefix("val_") for name, values in trained.history.columns.items() if values}
    if not names:
        return ""
    parts = [tried("the picture of the curves", lambda: _curves(trained)), tried("the table of the losses", lambda: _results(trained))]
    return columns(parts) if len(names) == 1 else "".join(parts)


def _curves(trained: Trained) -> str:
    picture = curves_picture({trained.name: trained.history.columns})
    return "" if picture is None else f"<section>{figure(inline(picture))}</section>"


def _results(trained: Trained) -> str:
    final, best = trained.history.final, best_of(trained.history.columns)
    rows = [(name, f"{value:.6g}", f"{best[name].value:.6g}" if name in best else "", str(best[name].epoch) if name in best else "")
            for name, value in final.items()]  # fmt: skip
    higher = [name for name in final if is_higher_better(name)]
    note = f"best is the highest of {', '.join(higher)}, the lowest of the others" if higher else "best is the lowest"
    return section("Losses and metrics", table(("", "last", "best", "in epoch"), rows) + f'\n<p class="note">{_text(note)}</p>')


# --- spec and data ------------------------------------------------------------------------------------------------


def _spec(trained: Trained) -> str:
    source = trained.written or Source("spec.net", trained.resolved)
    resolved = details("with every default and size", f"<pre>{highlighted(Source('spec.net', trained.resolved))}</pre>")
    layers = details("layers, shapes and parameters", code(summary(trained.graph)))
    given = trained.record.get("overrides", {})
    changed = code("\n".join(f"--set {name}={value}" for name, value in given.items())) if given else ""
    return section("Spec", f"<pre>{highlighted(source)}</pre>\n{changed}\n{resolved}\n{layers}")


def _diagram(graph: Graph) -> str:
    picture = inlined(drawn(dot(graph), ".svg").decode())
    height = re.search(r'height="([\d.]+)pt"', picture)
    fits = height is not None and float(height[1]) < MOST_HEIGHT
    return section("Network", f'<div class="scroll diagram{" whole" if fits else ""}">{picture}</div>')


def _picture(pictures: Mapping[str, Figure], name: str) -> str:
    return f"<section>{figure(inline(pictures[name]))}</section>" if name in pictures else ""


def _data(trained: Trained) -> str:
    return section("Rows and columns", table(("", ""), _facts(trained), "words"))


def _facts(trained: Trained) -> Iterator[tuple[str, str]]:
    data, prepared, done = trained.data, trained.prepared, trained.prepared.preprocessing
    parts = {"to train on": prepared.train, "held out to validate": prepared.validation, "held out to test": prepared.test}
    for name, arrays in parts.items():
        yield name, f"{0 if arrays is None else len(arrays[0]):,} rows"
    is_scaled = any(fitted.scaling is not None for fitted in done.inputs)
    unlearned = {trained.graph.name_of(trained.graph.node(id)) for id in unlearned_inputs(trained.graph)} if is_scaled else set[str]()
    for fitted in (*done.inputs, *done.targets):
        if fitted in done.targets and fitted.classes:
            yield fitted.name, f"{_listed(fitted.columns)}: one of {len(fitted.classes)} classes"
        else:
            yield fitted.name, f"{len(fitted.columns)} column{'s' * (len(fitted.columns) != 1)}: {_listed(fitted.columns)}"
        scaled = dict.fromkeys(e.scaling.kind for e in fitted.encodings if e.scaling is not None)
        plain = [name for e in fitted.encodings if e.kind == "number" and e.scaling is None for name in e.names]
        if scaled:
            yield f"{fitted.name} scaled", f"{', '.join(scaled)}, fitted on the rows to train on" + _but(plain)
        elif fitted.name in unlearned:
            yield f"{fitted.name} scaled", "not, as only the losses take it"
    if data.classes is not None and data.classes.dtype.kind in "iub":
        yield "classes", _class_counts(data, done.classes)


def _class_counts(data: Table, names: Sequence[str]) -> str:
    counts = sorted(Counter(np.asarray(data.classes).tolist()).items())
    return _listed([f"{names[k] if k < len(names) else k} ({number} rows)" for k, number in counts])


def _but(names: Sequence[str]) -> str:
    return f"; as they are: {_listed(names)}" if names else ""


def _listed(names: Sequence[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
