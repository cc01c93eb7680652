"""Rows for the model of a run, of a file or of Python's objects, read and prepared exactly as the data of its training was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from netc.data.checks import check_rows
from netc.data.normalize import Array
from netc.data.objects import object_table
from netc.data.preprocessing import Applied, Fitted, Preprocessing, zeros
from netc.data.sources import load_table
from netc.data.table import Table
from netc.diagnostics import NetError, count_of, error, listed
from netc.graph import Argument, Graph
from netc.ops.sources import SOURCES
from netc.pipeline import Network
from netc.runs.folder import RECORD, Run
from netc.settings import Made
from netc.source import Source, Span

MOST_PLACES = 5  # of rows that a message lists
TEXTS = (".csv", ".tsv", ".txt")  # the endings of files with a delimiter


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as their source gives them, how messages call that, what the training did to its data, and the network that takes them."""

    name: str
    table: Table
    done: Preprocessing
    graph: Graph

    def inputs(self) -> Applied:
        """What the network takes. Raises NetError.

        What the rows have for the targets, and for inputs that only the losses take, is not looked at: these inputs are zeros.
        """
        needed = needed_inputs(self.done, self.graph)
        applied = self._some(replace(self.done, inputs=needed, targets=()).apply(self.table))
        check_rows(self.graph, self.table, applied.rows, list(zip(needed, applied.inputs, strict=True)))
        arrays = iter(applied.inputs)
        inputs = tuple(next(arrays) if f in needed else zeros(f, len(applied.rows)) for f in self.done.inputs)
        return replace(applied, inputs=inputs)

    def inputs_and_targets(self) -> Applied:
        """What the network and its losses take. Raises NetError, also where columns of the targets are missing."""
        absent = [name for fitted in self.done.targets for name in fitted.columns if name not in self.table.names]
        if absent:
            raise error("data", f"`{self.name}` has no column {listed(absent)} to compare the predictions with",
                        hint="`netc predict` needs none")  # fmt: skip
        applied = self._some(self.done.apply(self.table))
        arrays = (*applied.inputs, *(applied.targets or ()))
        check_rows(self.graph, self.table, applied.rows, list(zip((*self.done.inputs, *self.done.targets), arrays, strict=True)))
        return applied

    def missing_in(self, rows: Array) -> str:
        """That the rows other than these lack something, in words, and where they stand; empty where there are no others."""
        others = np.setdiff1d(np.arange(len(self.table)), rows)
        if not len(others):
            return ""
        places = ", ".join(self.table.place(int(row)) for row in others[:MOST_PLACES])
        more = f" and {len(others) - MOST_PLACES} more" if len(others) > MOST_PLACES else ""
        return f"a value is missing in {count_of(len(others), 'row')} of `{self.name}` ({places}{more})"

    def _some(self, applied: Applied) -> Applied:
        """What is there, if it is not nothing."""
        if not len(applied.rows):
            raise error(
                "data", "no row of the data has a value in every column", self.table.span, "the network was trained without such rows"
            )
        return applied


@dataclass(frozen=True, slots=True)
class Given(Rows):
    """The rows of a file, and how a text file is written."""

    path: Path
    like: Made | None

    @property
    def delimiter(self) -> str:
        """What stands between the cells of a text file."""
        return str(self.like.values["delimiter"]) if self.like else "\t" if self.path.suffix.lower() == ".tsv" else ","


def needed_inputs(done: Preprocessing, graph: Graph) -> tuple[Fitted, ...]:
    """The inputs that the outputs are made of; others only the losses take."""
    needed = {graph.name_of(node) for node in graph.forward_nodes if node.kind == "input"}
    return tuple(fitted for fitted in done.inputs if fitted.name in needed)


def rows_of(data: Any, done: Preprocessing, graph: Graph) -> Rows:
    """The rows of a data frame, a dict of columns or an array, as `object_table` takes them. Raises NetError."""
    return Rows("data", object_table(data, done.kinds, needed_inputs(done, graph)), done, graph)


def given(run: Run, network: Network, path: Path, written: Mapping[str, str] = {}) -> Given:
    """The rows of a file for the network of a run; `written` is the `delimiter` and `decimal` of a text file, where they are not the
    training's. Raises NetError where the file or the record of the run cannot be read.
    """
    run.check_saved()
    done = preprocessing_of(run)
    source = network.data.made("source") if network.data is not None else None
    is_alike = source is not None and source.recipe.name == "csv" and Path(source.values["file"]).suffix.lower() == path.suffix.lower()
    like = source if is_alike else None
    if path.suffix.lower() in TEXTS:
        like = _written(path, like, written) if written else like
        _check_delimiter(path, done, like)
    elif written:
        raise error("data", f"`{path.name}` is no text file, and has no {listed(list(written))}")
    try:
        return Given(path.name, load_table(path, done, like), done, network.graph, path, like)
    except NetError as e:
        if like is None or like.values["decimal"] == "." or any(d.hint for d in e.diagnostics):
            raise
        hint = f"numbers are read with `{like.values['decimal']}` as their decimal point; another is given by `--decimal .`"
        raise NetError(replace(d, hint=hint) for d in e.diagnostics) from e


def _written(path: Path, like: Made | None, written: Mapping[str, str]) -> Made:
    """The source as that of the training, or as text files are, with what is written otherwise."""
    recipe = next(r for r in SOURCES if r.name == "csv")
    span = Span(Source(str(path), ""), 0, 0)
    usual = {"delimiter": "\t"} if path.suffix.lower() == ".tsv" else {}
    known = like.arguments if like else {p.name: Argument(usual.get(p.name, p.default), span, "default") for p in recipe.params}
    return Made(recipe, {**known, **{name: Argument(value, span) for name, value in written.items()}}, span)


def _check_delimiter(path: Path, done: Preprocessing, like: Made | None) -> None:
    """NetError where the file has one column and the training's had several, as another character stands between the cells."""
    wanted = [name for fitted in done.inputs for name in fitted.columns]
    delimiter = str(like.values["delimiter"]) if like else "\t" if path.suffix.lower() == ".tsv" else ","
    if not path.is_file() or len(delimiter) != 1:
        return
    encoding = str(like.values["encoding"]) if like else "utf8"
    with path.open(encoding=encoding, errors="replace") as file:
        first = file.readline().strip()
    other = next((mark for mark in ",;\t|" if delimiter not in first and mark in first and first not in wanted), None)
    if other is not None:
        message = f"`{path.name}` has a single column, `{first}`, as its values are not separated by `{delimiter}`"
        shown = "'\\\\t'" if other == "\t" else f"'{other}'"
        raise error("data", message.replace("\t", "\\t"), hint=f"say what separates them: `--delimiter {shown}`")


def preprocessing_of(run: Run) -> Preprocessing:
    """What the training did to its data, of the run's record. Raises NetError."""
    try:
        return Preprocessing.from_record(run.record["preprocessing"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise error("file", f"`{run.path / RECORD}` does not say what was done to the data",
                    hint="a training writes it at its end; `netc train --resume` ends one") from None  # fmt: skip
