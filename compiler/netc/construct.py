"""The layers, parameters and buffers of a graph under their labels, and the functions of source that is generated from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

import einops
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netc.code import construction
from netc.graph import Graph, Node, Ref
from netc.ops import python
from netc.settings import Made
from netc.tensors import TensorType
from netc.unroll import Walk, direct

Files = tuple[tuple[str, str], ...]  # the name that a Python file is imported under, and its absolute path
MOST_KEPT = 10_000  # functions of generated source; a search over many networks makes ever new ones
NAMES = {"torch": torch, "nn": nn, "F": F, "einops": einops}


class Block(nn.Module):
    """What stands at a path between the network and its layers: a block, or a plain container.

    A block is called where somebody wants to know of the call, by a hook or by wrapping it; `compute` is what it
    computes then, written in `source`. A container, such as the part of a label before the dot, is never called.
    """

    compute: Callable[..., Any] | None = None
    source: tuple[str, Files] | None = None

    def define(self, text: str, files: Files) -> None:
        """Makes `compute` of generated source, which stays with the block where it is copied without its network."""
        self.source, self.compute = (text, files), executed(text, files)

    def forward(self, *values: Any) -> Any:
        """What the block computes of the values that come from outside."""
        if self.compute is None:
            raise NotImplementedError("this part of the network is not a block that could be called by itself")
        return self.compute(self, *values)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "compute"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if self.source is not None:
            self.define(*self.source)


def construct(root: nn.Module, graph: Graph) -> None:
    """Puts everything of the graph that has a key in the `state_dict` at its place, drawn from torch's global generator."""
    files = files_of(graph)
    for node in graph.registered:
        _register(root, node, graph, files)
    for tie in graph.ties:
        _share(root, tie.left, tie.right)
    with torch.no_grad():
        for rule in graph.init_rules:
            for key in rule.keys:
                _function_of(rule.init.recipe.target)(root.get_parameter(key), **rule.init.values)
    for key in graph.frozen:
        root.get_parameter(key).requires_grad_(False)


def _register(root: nn.Module, node: Node, graph: Graph, files: Files) -> None:
    """Puts a layer, parameter or buffer at its dotted path, with blocks on the way."""
    *outer, name = node.path.split(".")
    for part in outer:
        if part not in root._modules:
            root.add_module(part, Block())
        root = root.get_submodule(part)
    if node.is_module:
        made = evaluated(f"lambda: {construction(node)}", files)()
        assert isinstance(made, nn.Module)
        root.add_module(name, made)
    elif node.kind == "param":
        root.register_parameter(name, nn.Parameter(_tensor(node, graph)))
    else:
        root.register_buffer(name, _tensor(node, graph), persistent=not node.is_literal)


def _tensor(node: Node, graph: Graph) -> Tensor:
    """What a parameter or buffer begins with."""
    init = node.config["init"].value
    kind = node.type
    assert isinstance(kind, TensorType)
    if isinstance(init, Ref):
        start = executed(direct(graph, Walk("start", [], [init])).text, files_of(graph))
        made: Tensor = start(None, ())
        return made.clone()
    empty = torch.empty([int(str(size)) for size in kind.shape], dtype=getattr(torch, kind.dtype))
    if isinstance(init, Made):
        _function_of(init.recipe.target)(empty, **init.values)
        return empty
    return torch.tensor(init, dtype=empty.dtype) if isinstance(init, list) else empty.fill_(init)


def _share(root: nn.Module, left: str, right: str) -> None:
    """Gives the layer of one key the parameter of another."""
    path, _, name = left.rpartition(".")
    setattr(root.get_submodule(path), name, root.get_parameter(right))


def _function_of(target: str) -> Callable[..., Any]:
    """The function of a dotted name."""
    module, name = target.rsplit(".", 1)
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


# --- generated source ---------------------------------------------------------------------------------------------


def files_of(graph: Graph) -> Files:
    """The Python files that the spec uses, which it was allowed to when it was loaded."""
    return tuple(graph.python_files.items())


@cache
def _names(files: Files) -> dict[str, Any]:
    """What generated source may call."""
    return NAMES | {name: python.load(file) for name, file in files}


@lru_cache(MOST_KEPT)
def evaluated(source: str, files: Files) -> Callable[..., Any]:
    """A lambda of generated source. The text consists of the op table's names and literals only."""
    function: Callable[..., Any] = eval(source, _names(files))
    return function


@lru_cache(MOST_KEPT)
def executed(source: str, files: Files) -> Callable[..., Any]:
    """The one function that generated source defines."""
    space: dict[str, Any] = {}
    exec(source, _names(files), space)
    function: Callable[..., Any] = next(iter(space.values()))
    return function
