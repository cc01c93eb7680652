"""Graph to `nn.Module`: the layers under their labels, and a forward that walks the graph."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary, WeakValueDictionary

import torch
from torch import Tensor, nn

from netc.code import Text, expression, size_writer
from netc.collector import collector_paused
from netc.construct import Block, construct, evaluated, executed, files_of
from netc.graph import Graph, Node, Ref
from netc.plan import Plan
from netc.targets import fitting_source, misfit
from netc.unroll import Direct, Hierarchy, Walk, direct


class NetModule(nn.Module):
    """A network of a spec as a module. `forward(*inputs)` gives the output, or a tuple of the outputs.

    The layers are sub-modules under their labels, so `state_dict` has the keys that the ejected class has. `loss(*inputs,
    *targets)` gives the sum of the spec's losses; both also take their tensors by name.

    What runs is `code`: torch's functions on the layers' parameters. Where something hangs on the calls of the layers or
    blocks (a hook, a parametrization, another layer in one's place, a wrapper, a tracer), these are called instead.
    """

    graph: Graph

    def __new__(cls, graph: Graph | None = None) -> NetModule:
        """An instance of the network's own class, whose `forward` has the network's inputs as its arguments."""
        kind: Any = cls if graph is None else _class_of(graph)
        made: NetModule = super().__new__(kind)
        return made

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        construct(self, graph)
        self._prepare()

    def _prepare(self) -> None:
        """What is not part of the state: it is made anew after copying and unpickling."""
        graph, files = self.graph, files_of(self.graph)
        self._inputs = [graph.name_of(n) for n in graph.inputs]
        self._tensors = [graph.name_of(n) for n in graph.inputs + graph.targets]
        self._losses = [o.name for o in graph.losses]
        self._fit = executed(fitting_source(graph), ()) if graph.targets else None
        self._ways = {walk.name: _Way(graph, walk) for walk in walks(graph)}
        hierarchy = Hierarchy(graph, [name for name, _ in files])
        for way in self._ways.values():  # now, as a compiler that traces a call cannot make functions
            way.nested = executed(hierarchy.nested(way.walk).text, files)
        for path, text in hierarchy.blocks.items():
            block = self.get_submodule(path)
            if isinstance(block, Block):
                block.define(text, files)

    @property
    def code(self) -> str:
        """The source of what runs in `forward`; `parts` are the layers, their parameters (`p_`) and their buffers (`b_`)."""
        return self._ways["forward"].direct.text

    def walk(self, *inputs: Tensor, **named: Tensor) -> Iterator[tuple[Node, Any]]:
        """The steps of the forward pass, one at a time: each node with the value that it gave."""
        return self._steps("forward", self._bind(self._inputs, inputs, named))

    def walk_losses(self, *tensors: Tensor, **named: Tensor) -> Iterator[tuple[Node, Any]]:
        """The same up to the losses, from inputs and targets."""
        return self._steps("loss", self._all(tensors, named))

    def _steps(self, name: str, tensors: tuple[Tensor, ...]) -> Iterator[tuple[Node, Any]]:
        walk, graph, files = self._ways[name].walk, self.graph, files_of(self.graph)
        values: dict[int, Any] = {ref.node: tensor for ref, tensor in zip(walk.takes, tensors, strict=True)}
        for node in graph.needed_for(walk.results):
            if node.kind in ("param", "buffer"):
                holder, _, attribute = node.path.rpartition(".")
                values[node.id] = getattr(self.get_submodule(holder), attribute)
            if node.kind != "op":
                continue
            sizes = size_writer(graph, walk.takes, lambda ref: f"values[{ref.node}]")
            text = expression(node, lambda ref: Text("".join([f"values[{ref.node}]", *(f"[{i}]" for i in ref.path)])), "layer", sizes).text
            layer = self.get_submodule(node.path) if node.is_module else None
            values[node.id] = evaluated(f"lambda self, values, layer: {text}", files)(self, values, layer)
            yield node, values[node.id]

    def _run(self, name: str, tensors: tuple[Tensor, ...]) -> Any:
        """What is computed under a name, directly where that makes no difference."""
        way = self._ways[name]
        if torch.compiler.is_compiling():
            return way.nested(self, *tensors)
        plan = way.plan
        if plan is None or not plan.holds(self):
            plan = way.plan = Plan(self, way.direct)
        if plan.is_usable and plan.is_free():
            try:
                return way.function(self, plan.parts, *tensors)
            except KeyError:
                way.plan = Plan(self, way.direct)
                if way.plan.is_usable:  # it comes from a function of the user's
                    raise
                return self._changed(way, tensors)
        return way.nested(self, *tensors)

    def _changed(self, way: _Way, tensors: tuple[Tensor, ...]) -> Any:
        """What is computed where the direct one has not found a parameter that its plan had.

        A plan counts the attributes of a layer, so that it does not see one that came in another's place.
        """
        if self.training:
            raise RuntimeError("the layers have other parameters than in the last call, which this one found out on its way: what dropout "
                               "and batch normalisation did until then stays. The next call takes the layers as they are")  # fmt: skip
        return way.nested(self, *tensors)

    def loss(self, *tensors: Tensor, **named: Tensor) -> Tensor:
        """The sum of all losses (a scalar) for the inputs and targets, in the order of the spec or by name.

        Raises ValueError where a target has not the shape that the spec gives it for these inputs.
        """
        total: Tensor = self._run("loss", self._all(tensors, named))
        return total

    def losses(self, *tensors: Tensor, **named: Tensor) -> dict[str, Tensor]:
        """The sum of all losses as `loss`, then where there are several each by its name, then the metrics."""
        values: dict[str, Tensor] = self._run("losses", self._all(tensors, named))
        return values

    def evaluated(self, *tensors: Tensor, **named: Tensor) -> tuple[Any, dict[str, Tensor]]:
        """The first output, and what `losses` gives, of one pass."""
        found: tuple[Any, dict[str, Tensor]] = self._run("evaluated", self._all(tensors, named))
        return found

    def _all(self, tensors: tuple[Tensor, ...], named: dict[str, Tensor]) -> tuple[Tensor, ...]:
        if not self._losses:
            raise TypeError(f"{self.graph.name} has no loss")
        given = tensors if len(tensors) == len(self._tensors) and not named else self._bind(self._tensors, tensors, named)
        if self._fit is not None and not self._fit(*given):
            wrong = misfit(self.graph, [tensor.shape for tensor in given])
            if wrong is not None:
                raise ValueError(f"{self.graph.name} takes {wrong}")
        return given

    def _bind(self, names: list[str], placed: tuple[Tensor, ...], named: dict[str, Tensor]) -> tuple[Tensor, ...]:
        """The tensors in order; they must be as many as declared, by place or by name. Raises TypeError as a function does."""
        given = dict(zip(names, placed, strict=False))
        if len(placed) > len(names) or named.keys() & given.keys() or {*given, *named} != set(names):
            raise TypeError(f"{self.graph.name} takes ({', '.join(names)}), and gets {len(placed)} by place"
                            + (f" and {', '.join(named)} by name" if named else ""))  # fmt: skip
        given |= named
        return tuple(given[name] for name in names)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _remade, (self.graph, NAMES[CLASSES[self.graph]]), self.__getstate__()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_ways", "_fit")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._prepare()


CLASSES: WeakKeyDictionary[Graph, type[NetModule]] = WeakKeyDictionary()
# A name that no other class has, by which a module that was pickled finds the class of those it was made with.
NAMES: WeakKeyDictionary[type[NetModule], str] = WeakKeyDictionary()
NAMED: WeakValueDictionary[str, type[NetModule]] = WeakValueDictionary()


def _class_of(graph: Graph) -> type[NetModule]:
    """The class of a network's modules, under the network's name."""
    if graph not in CLASSES:
        _keep(graph, _new_class(graph), uuid4().hex)
    return CLASSES[graph]


def _keep(graph: Graph, kind: type[NetModule], name: str) -> None:
    CLASSES[graph], NAMES[kind], NAMED[name] = kind, name, kind


def _remade(graph: Graph, name: str) -> NetModule:
    """A module that was pickled, without its state: of the class of that name where this process has it."""
    if graph not in CLASSES:
        _keep(graph, NAMED.get(name) or _new_class(graph), name)
    return NetModule.__new__(NetModule, graph)


def _new_class(graph: Graph) -> type[NetModule]:
    inputs = [graph.name_of(n) for n in graph.inputs]
    names = ", ".join(inputs)
    head, tensors = f"self, {names}", f"({names},)"
    if any(keyword.iskeyword(name) or name == "self" for name in inputs):  # which Python cannot have as parameters
        head, tensors = "self, *inputs, **named", "self._bind(self._inputs, inputs, named)"
    forward = executed(f"def forward({head}):\n    return self._run('forward', {tensors})\n", ())
    forward.__doc__ = "The output for the inputs, in the order of the spec or by name; a tuple where there are several outputs."
    forward.__qualname__ = f"{graph.name}.forward"
    return type(graph.name, (NetModule,), {"forward": forward, "__module__": __name__})


class _Way:
    """The two functions of a walk, and for which layers the direct one was planned."""

    def __init__(self, graph: Graph, walk: Walk) -> None:
        self.graph, self.walk = graph, walk
        self.plan: Plan | None = None
        self.nested: Callable[..., Any]

    @cached_property
    @collector_paused()
    def direct(self) -> Direct:
        """The source of the direct one."""
        return direct(self.graph, self.walk, [name for name, _ in files_of(self.graph)])

    @cached_property
    @collector_paused()
    def function(self) -> Callable[..., Any]:
        """The direct one."""
        return executed(self.direct.text, files_of(self.graph))


def walks(graph: Graph) -> list[Walk]:
    """What a module of the graph computes: the outputs, and where it has losses their sum, and all of them with the metrics."""
    inputs, tensors = ([Ref(n.id) for n in nodes] for nodes in (graph.inputs, graph.inputs + graph.targets))
    found = [Walk("forward", inputs, [o.ref for o in graph.outputs])]
    if not graph.losses:
        return found
    losses = [loss.ref for loss in graph.losses]
    everything = [*losses, *(metric.ref for metric in graph.metrics)]
    found += [Walk("loss", tensors, losses, " + ".join), Walk("losses", tensors, everything, partial(_by_name, graph))]
    if graph.outputs:
        found += [Walk("evaluated", tensors, [graph.outputs[0].ref, *everything], lambda v: f"{v[0]}, {_by_name(graph, v[1:])}")]
    return found


def _by_name(graph: Graph, values: list[str]) -> str:
    """The sum of the losses, then where there are several each, then the metrics, as a dict."""
    count = len(graph.losses)
    names = [o.name for o in (*(graph.losses if count > 1 else ()), *graph.metrics)]
    shown = values if count > 1 else values[1:]
    return "{" + ", ".join(f'"{n}": {v}' for n, v in zip(["loss", *names], [" + ".join(values[:count]), *shown], strict=True)) + "}"
