"""Graph to `nn.Module`: the layers under their labels, and a forward that walks the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, reduce
from importlib import import_module
from operator import add
from typing import Any

import einops
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netc.code import Text, construction, expression, size_writer
from netc.graph import Graph, Node, Ref
from netc.ops import python
from netc.settings import Made
from netc.tensors import TensorType
from netc.unroll import unroll


class NetModule(nn.Module):
    """A network of a spec as a module. `forward(*inputs)` gives the output, or a tuple of the outputs.

    The layers are sub-modules under their labels, so `state_dict` has the keys that the ejected class has. `loss(*inputs,
    *targets)` gives the sum of the spec's losses; both also take their tensors by name.
    """

    graph: Graph

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        files = _files(graph)
        for node in graph.registered:
            _register(self, node, graph, files)
        for tie in graph.ties:
            _share(self, tie.left, tie.right)
        with torch.no_grad():
            for rule in graph.init_rules:
                for key in rule.keys:
                    _function_of(rule.init.recipe.target)(self.get_parameter(key), **rule.init.values)
        for key in graph.frozen:
            self.get_parameter(key).requires_grad_(False)
        self._plan()

    def _plan(self) -> None:
        """Prepares the walks, which are compiled when they are first needed, also after copying and unpickling."""
        graph = self.graph
        tensors = graph.inputs + graph.targets
        self._inputs = [graph.name_of(n) for n in graph.inputs]
        self._tensors = [graph.name_of(n) for n in tensors]
        self._losses = [o.name for o in graph.losses]
        self._metrics = [o.name for o in graph.metrics]
        self._walks: dict[str, Callable[..., tuple[Any, ...]]] = {}

    def _walk(self, name: str) -> Callable[..., tuple[Any, ...]]:
        """The compiled walk of that name: it takes the module and the tensors, and gives the values that the name says."""
        if name not in self._walks:
            graph = self.graph
            tensors = graph.inputs if name == "outputs" else graph.inputs + graph.targets
            objectives = [*graph.losses, *graph.metrics]
            wanted = {"outputs": graph.outputs, "losses": graph.losses, "objectives": objectives,
                      "evaluation": [*graph.outputs[:1], *objectives]}[name]  # fmt: skip
            self._walks[name] = _function(unroll(graph, name, tensors, [o.ref for o in wanted]), _files(graph))
        return self._walks[name]

    def walk(self, *inputs: Tensor, **named: Tensor) -> Iterator[tuple[Node, Any]]:
        """The steps of the forward pass, one at a time: each node with the value that it gave."""
        return self._steps(self.graph.inputs, self._bind(self._inputs, inputs, named), self.graph.forward_nodes)

    def walk_losses(self, *tensors: Tensor, **named: Tensor) -> Iterator[tuple[Node, Any]]:
        """The same up to the losses, from inputs and targets."""
        nodes = self.graph.needed_for(loss.ref for loss in self.graph.losses)
        return self._steps(self.graph.inputs + self.graph.targets, self._all(tensors, named), nodes)

    def _steps(self, given: Sequence[Node], tensors: Sequence[Tensor], nodes: Sequence[Node]) -> Iterator[tuple[Node, Any]]:
        values: dict[int, Any] = {node.id: tensor for node, tensor in zip(given, tensors, strict=True)}
        sources, files = [Ref(id) for id in values], _files(self.graph)
        for node in nodes:
            if node.kind in ("param", "buffer"):
                values[node.id] = _attribute(self, node.path)
            if node.kind != "op":
                continue
            sizes = size_writer(self.graph, sources, lambda ref: f"values[{ref.node}]")
            text = expression(node, lambda ref: Text("".join([f"values[{ref.node}]", *(f"[{i}]" for i in ref.path)])), "layer", sizes).text
            layer = self.get_submodule(node.path) if node.is_module else None
            values[node.id] = _lambda(f"lambda self, values, layer: {text}", files)(self, values, layer)
            yield node, values[node.id]

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        """The output for the inputs, in the order of the spec or by name; a tuple where there are several outputs."""
        if named or len(inputs) != len(self._inputs):
            inputs = self._bind(self._inputs, inputs, named)
        outputs = self._walk("outputs")(self, *inputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def loss(self, *tensors: Tensor, **named: Tensor) -> Tensor:
        """The sum of all losses (a scalar) for the inputs and targets, in the order of the spec or by name."""
        return _total(self._walk("losses")(self, *self._all(tensors, named)))

    def losses(self, *tensors: Tensor, **named: Tensor) -> dict[str, Tensor]:
        """The sum of all losses as `loss`, then where there are several each by its name, then the metrics."""
        return self._named(self._walk("objectives")(self, *self._all(tensors, named)))

    def evaluated(self, *tensors: Tensor, **named: Tensor) -> tuple[Any, dict[str, Tensor]]:
        """The first output, and what `losses` gives, of one pass."""
        output, *values = self._walk("evaluation")(self, *self._all(tensors, named))
        return output, self._named(values)

    def _named(self, values: Sequence[Tensor]) -> dict[str, Tensor]:
        count = len(self._losses)
        parts = dict(zip(self._losses, values, strict=False)) if count > 1 else {}
        return {"loss": _total(values[:count]), **parts, **dict(zip(self._metrics, values[count:], strict=True))}

    def _all(self, tensors: tuple[Tensor, ...], named: dict[str, Tensor]) -> tuple[Tensor, ...]:
        if not self._losses:
            raise TypeError(f"{self.graph.name} has no loss")
        return tensors if len(tensors) == len(self._tensors) and not named else self._bind(self._tensors, tensors, named)

    def _bind(self, names: list[str], placed: tuple[Tensor, ...], named: dict[str, Tensor]) -> tuple[Tensor, ...]:
        """The tensors in order; they must be as many as declared, by place or by name. Raises TypeError as a function does."""
        given = dict(zip(names, placed, strict=False))
        if len(placed) > len(names) or named.keys() & given.keys() or {*given, *named} != set(names):
            raise TypeError(f"{self.graph.name} takes ({', '.join(names)}), and gets {len(placed)} by place"
                            + (f" and {', '.join(named)} by name" if named else ""))  # fmt: skip
        given |= named
        return tuple(given[name] for name in names)

    def _get_name(self) -> str:
        return self.graph.name

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_walks"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._plan()


def _construct(node: Node, files: Files) -> nn.Module:
    """The layer of a node, with fresh parameters."""
    made = _lambda(f"lambda: {construction(node)}", files)()
    assert isinstance(made, nn.Module)
    return made


def _register(root: nn.Module, node: Node, graph: Graph, files: Files) -> None:
    """Puts a layer, parameter or buffer at its dotted path, with plain containers on the way."""
    *outer, name = node.path.split(".")
    for part in outer:
        if part not in root._modules:
            root.add_module(part, nn.Module())
        root = root.get_submodule(part)
    if node.is_module:
        root.add_module(name, _construct(node, files))
    elif node.kind == "param":
        root.register_parameter(name, nn.Parameter(_tensor(node, graph)))
    else:
        root.register_buffer(name, _tensor(node, graph))


def _tensor(node: Node, graph: Graph) -> Tensor:
    """What a parameter or buffer begins with."""
    init = node.config["init"].value
    kind = node.type
    assert isinstance(kind, TensorType)
    if isinstance(init, Ref):
        walk = _function(unroll(graph, "start", [], [init]), _files(graph))
        made: Tensor = walk(nn.Module())[0]
        return made.clone()
    empty = torch.empty([int(str(size)) for size in kind.shape], dtype=getattr(torch, kind.dtype))
    if isinstance(init, Made):
        _function_of(init.recipe.target)(empty, **init.values)
        return empty
    return empty.fill_(init)


def _attribute(root: nn.Module, path: str) -> Any:
    """The parameter or buffer at a dotted path."""
    outer, _, name = path.rpartition(".")
    return getattr(root.get_submodule(outer), name)


def _share(root: nn.Module, left: str, right: str) -> None:
    """Gives the layer of one key the parameter of another."""
    path, _, name = left.rpartition(".")
    setattr(root.get_submodule(path), name, root.get_parameter(right))


def _function_of(target: str) -> Callable[..., Any]:
    """The function of a dotted name."""
    module, name = target.rsplit(".", 1)
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


Files = tuple[tuple[str, str], ...]  # the name that a Python file is imported under, and its absolute path
NAMES = {"torch": torch, "nn": nn, "F": F, "einops": einops}


def _files(graph: Graph) -> Files:
    """The Python files that the spec uses, which it was allowed to when it was loaded."""
    return tuple(graph.python_files.items())


@cache
def _names(files: Files) -> dict[str, Any]:
    """What generated source may call."""
    return NAMES | {name: python.load(file) for name, file in files}


@cache
def _lambda(source: str, files: Files) -> Callable[..., Any]:
    """A lambda of generated source. The text consists of the op table's names and literals only."""
    function: Callable[..., Any] = eval(source, _names(files))
    return function


@cache
def _function(source: str, files: Files) -> Callable[..., tuple[Any, ...]]:
    """The function of generated source."""
    space: dict[str, Any] = dict(_names(files))
    exec(source, space)
    made: list[Any] = [value for name, value in space.items() if name not in _names(files) and callable(value)]
    function: Callable[..., tuple[Any, ...]] = made[0]
    return function


def _total(losses: Sequence[Tensor]) -> Tensor:
    return losses[0] if len(losses) == 1 else reduce(add, losses)
