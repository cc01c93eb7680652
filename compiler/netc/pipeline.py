"""All stages in order, and the object that a user of the library holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netc.diagnostics import Diagnostic, NetError
from netc.graph import Graph
from netc.lower.lowering import Program, lower
from netc.lower.overrides import Overrides
from netc.parse import parse, read
from netc.settings import Section
from netc.source import Source

if TYPE_CHECKING:
    from netc.module import NetModule
    from netc.train.session import Result


def pipeline(source: Source, overrides: Overrides, network: str | None = None) -> Program:
    """Text to a checked graph, with the data and training that the text describes. Raises `NetError`.

    A size that a layer needs as a number, and that only the data knows, is taken from the data.
    """
    file = parse(source)
    try:
        return lower(file, source, overrides, network)
    except NetError as problem:
        if all(d.code == "size-needed" for d in problem.diagnostics):
            sizes = _sizes_from_data(file, source, overrides, network)
            if sizes:
                return lower(file, source, overrides, network, sizes)
        raise


class Network:
    """A checked network. Nothing of torch is imported before `module()` or `train()` is called.

    >>> import netc
    >>> network = netc.load("network Tiny { input x: [B, 3]\\n output x -> Linear(1) }")
    >>> print(network.source())  # doctest: +ELLIPSIS
    \"\"\"Tiny...
    """

    def __init__(self, program: Program, source: Source, overrides: Overrides) -> None:
        self.program = program
        self.text = source
        self.overrides = overrides

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

    def module(self) -> NetModule:
        """A new `nn.Module` with fresh parameters, drawn from torch's global generator."""
        from netc.module import NetModule

        return NetModule(self.graph)

    def source(self) -> str:
        """The network as plain PyTorch that imports nothing of netc."""
        from netc.emit import emit

        return emit(self.graph, self.text.name)

    def resolved(self) -> str:
        """The network as a spec with every default and size written out."""
        from netc.resolve import resolve

        return resolve(self.program)

    def summary(self) -> str:
        """The table of layers with output shapes and parameters."""
        from netc.summary import summary

        return summary(self.graph)

    def draw(self, path: str | Path | None = None) -> str:
        """The network as DOT text; with a path also drawn there, by its ending (.svg, .png, .pdf, .dot)."""
        from netc.draw import dot, render

        text = dot(self.graph)
        if path is not None:
            render(text, Path(path))
        return text

    def train(self, runs: str | Path = "runs", pictures: bool = True, name: str | None = None, progress: bool = True) -> Result:
        """Trains a new module on the spec's data, into a new folder of `runs`. Raises `NetError`."""
        from netc.train.session import train

        raise NotImplementedError(train)


def load(spec: str | Path, set: Mapping[str, Any] | None = None, network: str | None = None) -> Network:
    """Reads and checks a spec: a path, or the text itself where it has several lines or a `{`.

    `set` gives parameters, named dimensions and settings other values, as `--set` does: `{"hidden1": 16,
    "act": "(ReLU || Tanh) -> add", "train.epochs": 10}`; strings are read as expressions of the language. `network` chooses
    among several. Raises `NetError` with everything that is wrong. Does not import torch.
    """
    is_text = isinstance(spec, str) and ("\n" in spec or "{" in spec)
    source = Source("spec", str(spec)) if is_text else read(Path(spec))
    overrides = Overrides(set or {})
    return Network(pipeline(source, overrides, network), source, overrides)
