"""Graph to `nn.Module`: the layers under their labels, and a forward that walks the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import add, getitem
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netc.code import Text, construction, expression, size_writer
from netc.graph import Graph, Named, Node, Ref, dims_in


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a walk: the layer or function, the values that it takes, and which are not needed after it.

    `keys` lead to the layer from the root; it is looked up at every step, since a user may put another in its place.
    `run` is called with the layer (if any) and the values; None stands for a plain call of the layer.
    """

    node: Node
    keys: tuple[str, ...]
    run: Callable[..., Any] | None
    arguments: tuple[int, ...]
    paths: tuple[tuple[int, ...], ...]  # which parts of the values are taken; () where all are taken whole
    free: tuple[int, ...]


class NetModule(nn.Module):
    """A network of a spec as a module. `forward(*inputs)` gives the output, or a tuple of the outputs.

    The layers are sub-modules under their labels, so `state_dict` has the keys that the ejected class has. `loss(*inputs,
    *targets)` gives the sum of the spec's losses; both also take their tensors by name.
    """

    graph: Graph

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        for node in graph.modules:
            _register(self, node.path, _construct(node))
        self._plan()

    def _plan(self) -> None:
        """Prepares the walks; what they hold is made anew after copying and unpickling."""
        graph = self.graph
        self._inputs = [graph.name_of(n) for n in graph.inputs]
        self._targets = [graph.name_of(n) for n in graph.targets]
        self._sources = [n.id for n in graph.inputs + graph.targets]
        objectives = [*graph.losses, *graph.metrics]
        self._forward_steps = self._steps(graph.outputs)
        self._loss_steps = self._steps(objectives)
        self._outputs = [(o.ref.node, o.ref.path) for o in graph.outputs]
        self._losses = [(o.name, o.ref.node, o.ref.path) for o in graph.losses]
        self._metrics = [(o.name, o.ref.node, o.ref.path) for o in graph.metrics]

    def _steps(self, wanted: Sequence[Named]) -> list[Step]:
        nodes = [n for n in self.graph.needed_for(w.ref for w in wanted) if n.kind == "op"]
        kept = {w.ref.node for w in wanted}
        last: dict[int, int] = {ref.node: node.id for node in nodes for ref in self._taken(node)}
        return [self._step(node, tuple(id for id, end in last.items() if end == node.id and id not in kept)) for node in nodes]

    def _taken(self, node: Node) -> list[Ref]:
        """The values that a step takes: its arguments, and the tensors whose axes give its symbolic sizes."""
        dims = {name for a in node.call.values() for dim in dims_in(a.value) for name in dim.names()}
        sized = [Ref(self.graph.axis_named(name, self._sources)[0]) for name in sorted(dims)]
        return list(dict.fromkeys([*node.refs, *sized]))

    def _step(self, node: Node, free: tuple[int, ...]) -> Step:
        refs = self._taken(node)
        names = {ref: f"v{i}" for i, ref in enumerate(refs)}
        keys = tuple(node.path.split(".")) if node.is_module else ()
        parameters = ", ".join((["module"] if keys else []) + list(names.values()))
        dims = size_writer(self.graph, self._sources, lambda ref: names[ref])
        text = expression(node, lambda ref: Text(names[ref]), "module", dims).text
        plain = bool(keys) and text == f"module({parameters.removeprefix('module, ')})"
        run = None if plain else _compiled(f"lambda {parameters}: {text}")
        paths = tuple(r.path for r in refs) if any(r.path for r in refs) else ()
        return Step(node, keys, run, tuple(r.node for r in refs), paths, free)

    def walk(self, *inputs: Tensor, **named: Tensor) -> Iterator[tuple[Node, Any]]:
        """The steps of the forward pass, one at a time: each node with the value that it gave."""
        values = self._bind(self._inputs, self.graph.inputs, inputs, named)
        for step in self._forward_steps:
            self._run([step], values)
            yield step.node, values[step.node.id]

    def _run(self, steps: Sequence[Step], values: dict[int, Any]) -> None:
        """Takes the steps, from the values and into them."""
        for step in steps:
            arguments = [values[id] for id in step.arguments]
            if step.paths:
                arguments = [reduce(getitem, path, value) for path, value in zip(step.paths, arguments, strict=True)]
            if step.keys:
                module: Any = self
                for key in step.keys:
                    module = module._modules[key]
                result = module(*arguments) if step.run is None else step.run(module, *arguments)
            else:
                assert step.run is not None
                result = step.run(*arguments)
            values[step.node.id] = result
            for id in step.free:
                del values[id]

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        """The output for the inputs, in the order of the spec or by name; a tuple where there are several outputs."""
        values = self._bind(self._inputs, self.graph.inputs, inputs, named)
        self._run(self._forward_steps, values)
        if len(self._outputs) == 1:
            return _part(values, *self._outputs[0])
        return tuple(_part(values, *o) for o in self._outputs)

    def loss(self, *tensors: Tensor, **named: Tensor) -> Tensor:
        """The sum of all losses (a scalar) for the inputs and targets, in the order of the spec or by name."""
        values = self._objectives(tensors, named)
        return _total([_part(values, id, path) for _, id, path in self._losses])

    def losses(self, *tensors: Tensor, **named: Tensor) -> dict[str, Tensor]:
        """The sum of all losses as `loss`, then where there are several each by its name, then the metrics."""
        values = self._objectives(tensors, named)
        parts = {name: _part(values, id, path) for name, id, path in self._losses}
        metrics = {name: _part(values, id, path) for name, id, path in self._metrics}
        return {"loss": _total(list(parts.values())), **(parts if len(parts) > 1 else {}), **metrics}

    def _objectives(self, tensors: tuple[Tensor, ...], named: dict[str, Tensor]) -> dict[int, Any]:
        if not self._losses:
            raise TypeError(f"{self.graph.name} has no loss")
        nodes = self.graph.inputs + self.graph.targets
        values = self._bind(self._inputs + self._targets, nodes, tensors, named)
        self._run(self._loss_steps, values)
        return values

    def _bind(self, names: list[str], nodes: list[Node], placed: tuple[Tensor, ...], named: dict[str, Tensor]) -> dict[int, Any]:
        """The tensors by node; they must be as many as declared, by place or by name. Raises TypeError as a function does."""
        given = dict(zip(names, placed, strict=False))
        if len(placed) > len(names) or named.keys() & given.keys() or {*given, *named} != set(names):
            raise TypeError(f"{self.graph.name} takes ({', '.join(names)}), and gets {len(placed)} by place"
                            + (f" and {', '.join(named)} by name" if named else ""))  # fmt: skip
        given |= named
        return {node.id: given[name] for name, node in zip(names, nodes, strict=True)}

    def _get_name(self) -> str:
        return self.graph.name

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_forward_steps", "_loss_steps")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._plan()


def _construct(node: Node) -> nn.Module:
    """The layer of a node, with fresh parameters."""
    assert node.op is not None
    made = _compiled(f"lambda: {construction(node)}")()
    assert isinstance(made, nn.Module)
    return made


def _register(root: nn.Module, path: str, module: nn.Module) -> None:
    """Puts a module at a dotted path, with plain containers on the way."""
    *outer, name = path.split(".")
    for part in outer:
        if part not in root._modules:
            root.add_module(part, nn.Module())
        root = root.get_submodule(part)
    root.add_module(name, module)


@cache
def _compiled(source: str) -> Callable[..., Any]:
    """A lambda of generated source. The text consists of the op table's names and literals only."""
    function: Callable[..., Any] = eval(source, {"torch": torch, "nn": nn, "F": F})
    return function


def _part(values: dict[int, Any], id: int, path: tuple[int, ...]) -> Any:
    return reduce(getitem, path, values[id])


def _total(losses: list[Tensor]) -> Tensor:
    return reduce(add, losses)
