"""All stages in order, and the object that a user of the library holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from netc import syntax as s
from netc.allow import permitted
from netc.collector import collector_paused
from netc.diagnostics import Diagnostic, NetError, error
from netc.graph import Graph
from netc.lower.lowering import Program, lower
from netc.lower.overrides import Overrides
from netc.parse import parse_all, read
from netc.recover import Recovered
from netc.settings import Section
from netc.source import Source, Span
from netc.tasks import with_averages

if TYPE_CHECKING:
    from netc.data.table import Table
    from netc.module import NetModule
    from netc.train.session import Result


DEEPEST_STACK = 6000  # Python frames; an operator within another takes about four


@collector_paused()
def pipeline(
    source: Source, overrides: Overrides, network: str | None = None, allow_python: bool = False, table: Table | None = None
) -> tuple[Program, Table | None]:
    """Text to a checked graph, with the data and training that the text describes. Raises `NetError`.

    A size that a layer needs as a number, and that only the data knows, is taken from the data, which is then given too;
    a `table` stands for the source of the data.
    """
    with deeply_nested(source):
        return _pipeline(source, overrides, network, allow_python, table)


@contextmanager
def deeply_nested(source: Source) -> Iterator[None]:
    """Room for expressions a thousand levels deep, and a `NetError` for what is deeper still."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, DEEPEST_STACK))
    try:
        yield
    except RecursionError:
        raise error("syntax", "the spec is nested too deeply", Span(source, 0, 1), "name some of the inner values") from None
    finally:
        sys.setrecursionlimit(before)


def _pipeline(
    source: Source, overrides: Overrides, network: str | None, allow_python: bool, table: Table | None
) -> tuple[Program, Table | None]:
    parsed = parse_all(source)
    if parsed.problems:
        raise NetError([*parsed.problems, *_elsewhere(parsed, source, overrides, network, allow_python)])
    file = parsed.file
    program, errors = lower(file, source, overrides, network, allow_python=allow_python)
    if errors and program.data and all(d.code == "size-needed" for d in errors):
        from netc.data.sources import load_data

        table = table or load_data(program.data)
        program, errors = lower(file, source, overrides, network, _sizes(program, program.data, table), allow_python)
    if errors:
        raise NetError(_certain(errors, file))
    if program.graph.balanced:
        table = _balance(program, table)
    return replace(program, train=with_averages(program.train, program.graph)), table


def _certain(errors: list[Diagnostic], file: s.File) -> list[Diagnostic]:
    """The errors, without the sizes that the data may tell once the others are corrected."""
    others = [d for d in errors if d.code != "size-needed"]
    has_data = any(isinstance(item, s.Section) and item.kind == "data" for item in file.items)
    return others if others and has_data else errors


# What is missing may stand where the parser stopped.
UNSURE = frozenset({"missing-output", "no-parameter", "size-needed", "override", "section", "unused-input"})


def _elsewhere(parsed: Recovered, source: Source, overrides: Overrides, network: str | None, allow_python: bool) -> list[Diagnostic]:
    """What is wrong with the statements that could be parsed, as far as that is certain without the others."""
    if not parsed.whole:
        return []
    try:
        _, errors = lower(parsed.file, source, overrides, network, allow_python=allow_python)
    except NetError:
        return []
    return [d for d in errors if d.code not in UNSURE and not parsed.is_told(d.span) and not _may_be_given(d, parsed)]


def _may_be_given(problem: Diagnostic, parsed: Recovered) -> bool:
    """Whether a name that nothing has may have been given where the parser stopped."""
    if problem.code != "unknown-name" or problem.span is None:
        return False
    return not problem.hint or parsed.may_give(problem.span.text.replace(".", ""))


def _sizes(program: Program, data: Section, table: Table) -> dict[str, int]:
    """The sizes that the data has for named dimensions of the inputs and targets."""
    from netc.data.prepare import dimensions

    return dimensions(program.graph, data, table, 0 if program.train is None else program.train["seed"])


def _balance(program: Program, table: Table | None) -> Table:
    """Gives class weights that are `balanced` the numbers that the data makes of them. Raises NetError."""
    from netc.data.balance import balanced_weights
    from netc.data.sources import load_data

    graph, data = program.graph, program.data
    if data is None:
        raise error("data", "`balanced` counts the classes of the rows to train on, and the spec has no `data` section",
                    graph.balanced[0].span, "write the weights, e.g. `[1.0, 2.0]`, or add a `data` section")  # fmt: skip
    table = table or load_data(data)
    weights = balanced_weights(graph, data, table, 0 if program.train is None else program.train["seed"])
    for node, numbers in zip(graph.balanced, weights, strict=True):
        graph.fill(node, numbers)
    return table


class Network:
    """A checked network. Nothing of torch is imported before `module()` or `train()` is called.

    >>> import netc
    >>> network = netc.load("network Tiny { input x: [B, 3]\\n output x -> Linear(1) }")
    >>> print(network.source())  # doctest: +ELLIPSIS
    \"\"\"Tiny...
    """

    def __init__(self, program: Program, source: Source, overrides: Overrides, table: Table | None = None) -> None:
        self.program = program
        self.table = table  # the data, where it had to be read for a size
        self.text = source
        self.overrides = overrides

    def __repr__(self) -> str:
        return f"Network({self.graph.name}, {self.graph.parameter_count:,} parameters)"

    @property
    def graph(self) -> Graph:
        """The graph of the network, with the types of all values."""
        return self.program.graph

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What looks like a slip and is none of netc's business to refuse."""
        return self.program.warnings

    @property
    def data(self) -> Section | None:
        """The `data` section."""
        return self.program.data

    @property
    def training(self) -> Section | None:
        """The `train` section."""
        return self.program.train

    @collector_paused()
    def module(self) -> NetModule:
        """A new `nn.Module` with fresh parameters, drawn from torch's global generator."""
        from netc.module import NetModule

        return NetModule(self.graph)

    def dynamic_shapes(self) -> tuple[dict[int, Any], ...]:
        """The named dimensions of the inputs for `torch.export.export(model, (x, …), dynamic_shapes=network.dynamic_shapes())`.

        An axis of that name in several inputs is one `torch.export.Dim`, an axis `16 * h` is derived from it; a size that torch has no
        form for (`H * W`) is `Dim.AUTO`. Each has the least size with which no axis inside is 1 long, as with `H` from 33 in ResNet: the
        exported program is for that size and above, and the inputs to export with must be so too. What torch fixes whatever one says (the
        steps of a recurrent layer, the sizes of `take_along_dim`) is left out, and is as in those inputs.
        """
        from netc.export import dynamic_shapes

        return dynamic_shapes(self.graph)

    @collector_paused()
    def source(self) -> str:
        """The network as plain PyTorch that imports nothing of netc."""
        from netc.emit import emit

        return emit(self.graph, self.text.name)

    @collector_paused()
    def resolved(self) -> str:
        """The network as a spec with every default and size written out."""
        from netc.resolve import resolve

        return resolve(self.program)

    @collector_paused()
    def summary(self) -> str:
        """The table of layers with output shapes and parameters."""
        from netc.summary import summary

        return summary(self.graph)

    @collector_paused()
    def draw(self, path: str | Path | None = None) -> str:
        """The network as DOT text; with a path also drawn there, by its ending (.svg, .png, .pdf, .dot)."""
        from netc.draw import dot, render

        text = dot(self.graph)
        if path is not None:
            render(text, Path(path))
        return text

    def check_training(self) -> tuple[Diagnostic, ...]:
        """What a training would refuse of the `train` section for this network, as errors; nothing where the spec has none.

        Reads no data, and does not import torch. What only a machine can tell is left out: its `device`, and what torch compiles.
        """
        from netc.train.checks import check_training, needed_settings

        if self.training is None:
            return ()
        try:
            settings = needed_settings(self.graph, self.training)
        except NetError as problem:
            return problem.diagnostics
        return tuple(check_training(self.graph, settings, self.data is None or bool(self.data["validation"])))

    def check_data(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the spec's data, and what looks so, as errors and warnings; nothing where all is well.

        Reads the data, which is kept for a training, and does not import torch.
        """
        from netc.data.checks import examined_data, no_data
        from netc.data.sources import load_data
        from netc.train.checks import check_prepared

        try:
            if self.data is None:
                raise no_data(self.graph)
            self.table = self.table or load_data(self.data)
        except NetError as problem:
            return problem.diagnostics
        prepared, found = examined_data(self.graph, self.table, self.data, self.training)
        if prepared is not None and self.training is not None and not self.check_training():
            found += check_prepared(self.graph, self.training, prepared)
        return tuple(sorted(permitted(found), key=lambda d: d.order))

    def smoke(self) -> Iterator[str]:
        """Tries one batch of all that a training does, in a folder that is thrown away; a line on each part. Raises `NetError`."""
        from netc.resolve import resolve
        from netc.train.smoke import smoke

        program = self.program
        return smoke(program.graph, self.module, program.data, program.train, resolve(program, beside=True), self.table)

    def train(
        self,
        runs: str | Path = "runs",
        *,
        name: str | None = None,
        pictures: bool = True,
        progress: TextIO | None = None,
        tensorboard: bool = False,
        resume: str | Path | None = None,
    ) -> Result:
        """Trains a new module on the spec's data, into a new folder `runs/NAME-N`; `progress` is where it is shown.

        `pictures` draws some and writes a report, `tensorboard` writes event files, all into the folder.
        With `resume`, the folder of a run of this spec, goes on with that from its last checkpoint.
        Raises `NetError` where the spec lacks data or training, or one of them is wrong, or not that of the run.
        """
        from netc.resolve import resolve
        from netc.train.session import train

        name = name or (Path(self.text.name).stem if self.text.name.endswith(".net") else self.graph.name)
        program = self.program
        spec = resolve(program, beside=True)
        return train(program.graph, self.module, program.data, program.train, spec=spec, name=name, base=Path(runs),
                     stream=progress, overrides=self.overrides.texts, pictures=pictures, table=self.table,
                     written=self.text, tensorboard=tensorboard, resume=None if resume is None else Path(resume))  # fmt: skip


def run_spec(run: Path) -> Source:
    """The spec of a run: `spec.net` in its folder or, where that is missing, what its checkpoint holds. Raises `NetError`."""
    path = run / "spec.net"
    if not run.is_dir():
        raise error("file", f"there is no folder `{run}`", hint="`netc runs` lists the runs")
    if path.exists():
        return read(path)
    from netc.train.checkpoint import load as load_checkpoint
    from netc.train.run import CHECKPOINT

    return Source(str(path), load_checkpoint(run / CHECKPOINT, lambda state: state["identity"]["spec"]))


def opened(spec: str | Path | Source) -> Source:
    """The text of a spec: of the file at a path, or the text itself where it has several lines or a `{`. Raises `NetError`."""
    if isinstance(spec, Source):
        return spec
    is_text = isinstance(spec, str) and ("\n" in spec or "{" in spec)
    found = Source("spec", str(spec)) if is_text else read(Path(spec))
    return _same(found.name, found.text)


@lru_cache(maxsize=8)
def _same(name: str, text: str) -> Source:
    """One source for one text: a search over settings opens a spec many times, and it is parsed once."""
    return Source(name, text)


def load(
    spec: str | Path | Source, set: Mapping[str, Any] | None = None, network: str | None = None, *, allow_python: bool = False
) -> Network:
    """Reads and checks a spec: a path, or the text itself where it has several lines or a `{`.

    `set` gives parameters, named dimensions and settings other values, as `--set` does: `{"hidden1": 16,
    "act": "(ReLU || Tanh) -> add", "train.epochs": 10}`; strings are read as expressions of the language. `network` chooses
    among several. `allow_python` lets the spec run the Python files that it uses, as `--allow-python` does. Raises `NetError`
    with everything that is wrong. Does not import torch, unless the spec uses Python or what the op table lacks.
    """
    source = opened(spec)
    overrides = Overrides(set or {})
    program, table = pipeline(source, overrides, network, allow_python)
    return Network(program, source, overrides, table)
