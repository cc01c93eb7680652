"""A file of rows for the model of a run, read and prepared exactly as the data of its training was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from netc.data.preprocessing import Applied, Preprocessing, zeros
from netc.data.sources import load_table
from netc.data.table import Table
from netc.diagnostics import NetError, error, listed
from netc.graph import Argument, Graph
from netc.ops.sources import SOURCES
from netc.pipeline import Network
from netc.runs.folder import RECORD, Run
from netc.settings import Made
from netc.source import Source, Span

TEXTS = (".csv", ".tsv", ".txt")  # the endings of files with a delimiter


@dataclass(frozen=True, slots=True)
class Given:
    """The rows of a file as the source gives them, what the training did to its data, and how a text file is written."""

    path: Path
    table: Table
    done: Preprocessing
    like: Made | None
    graph: Graph

    @property
    def delimiter(self) -> str:
        """What stands between the cells of a text file."""
        return str(self.like.values["delimiter"]) if self.like else "\t" if self.path.suffix.lower() == ".tsv" else ","

    def inputs(self) -> Applied:
        """What the network takes. Raises NetError.

        What the file has for the targets, and for inputs that only the losses take, is not looked at: these inputs are zeros.
        """
        needed = {self.graph.name_of(node) for node in self.graph.forward_nodes if node.kind == "input"}
        applied = replace(self.done, inputs=tuple(f for f in self.done.inputs if f.name in needed), targets=()).apply(self.table)
        arrays = iter(applied.inputs)
        inputs = tuple(next(arrays) if f.name in needed else zeros(f, len(applied.rows)) for f in self.done.inputs)
        return replace(applied, inputs=inputs)

    def inputs_and_targets(self) -> Applied:
        """What the network and its losses take. Raises NetError, also where columns of the targets are missing."""
        absent = [name for fitted in self.done.targets for name in fitted.columns if name not in self.table.names]
        if absent:
            raise error("data", f"`{self.path.name}` has no column {listed(absent)} to compare the predictions with",
                        hint="`netc predict` needs none")  # fmt: skip
        return self.done.apply(self.table)


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
        return Given(path, load_table(path, done, like), done, like, network.graph)
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
