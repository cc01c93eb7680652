"""The graph as a class hierarchy: a unit for the network and for every block or labelled pipeline that can be a class.

A unit's steps are its own nodes, and the calls of the units inside it. What cannot be a class, as its sizes come from
outside or its layers are used from elsewhere, is dissolved: its nodes belong to the unit around it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from netc.graph import Graph, Node, Ref, Region
from netc.tensors import Type


@dataclass(frozen=True, slots=True)
class NodeStep:
    """One node."""

    node: Node

    @property
    def refs(self) -> list[Ref]:
        """The values that it takes."""
        return self.node.refs

    @property
    def id(self) -> int:
        """What tells it from others; the order of steps is that of their ids."""
        return self.node.id


@dataclass(frozen=True, slots=True)
class CallStep:
    """The call of a unit inside."""

    unit: Unit

    @property
    def refs(self) -> list[Ref]:
        """The values that it takes."""
        return self.unit.inputs

    @property
    def id(self) -> int:
        """The id of its last node."""
        return self.unit.last


Step = NodeStep | CallStep


@dataclass(eq=False)
class Unit:
    """A class to be: one use of a region."""

    region: Region
    nodes: list[Node]  # all nodes in it, also those of the units inside
    steps: list[Step] = field(default_factory=list)
    inputs: list[Ref] = field(default_factory=list)
    outputs: list[Ref] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The id of its last node."""
        return self.nodes[-1].id

    @property
    def units(self) -> list[Unit]:
        """The units directly inside."""
        return [step.unit for step in self.steps if isinstance(step, CallStep)]

    def relative(self, path: str) -> str:
        """A path below this unit's own."""
        return path.removeprefix(f"{self.region.path}.") if self.region.path else path


def results_of(step: Step, graph: Graph) -> list[Ref]:
    """The tensors that a step gives, all parts of a tuple."""
    if isinstance(step, CallStep):
        return step.unit.outputs
    return list(_leaves(Ref(step.node.id), step.node.type))


def _leaves(ref: Ref, kind: Type) -> Iterator[Ref]:
    if not isinstance(kind, tuple):
        yield ref
        return
    for i, part in enumerate(kind):
        yield from _leaves(Ref(ref.node, (*ref.path, i)), part)


def units_of(graph: Graph) -> Unit:
    """The unit of the whole network."""
    return _Tree(graph).root()


class _Tree:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.children: dict[int, list[Region]] = {}
        for region in graph.regions[1:]:
            self.children.setdefault(region.parent, []).append(region)
        self.inside: dict[int, list[Node]] = {region.id: [] for region in graph.regions}
        for node in graph.nodes:
            for id in self._ancestors(node.region):
                self.inside[id].append(node)
        self.users: dict[int, list[int]] = {}
        for node in graph.nodes:
            for ref in node.refs:
                self.users.setdefault(ref.node, []).append(node.id)
        self.paths = sorted((n.path, n.id) for n in graph.nodes if n.is_module or n.kind != "op")
        self.at_path: dict[str, set[int]] = {}
        for region in graph.regions:
            self.at_path.setdefault(region.path, set()).add(region.id)
        self.results = [o.ref for o in (*graph.outputs, *graph.losses, *graph.metrics)]

    def _ancestors(self, id: int) -> Iterator[int]:
        while id:
            yield id
            id = self.graph.regions[id].parent
        yield 0

    def root(self) -> Unit:
        """The unit of the network; its inputs and outputs are the graph's."""
        unit = Unit(self.graph.regions[0], self.graph.nodes)
        unit.steps = self._steps(unit.region)
        return unit

    def _steps(self, region: Region) -> list[Step]:
        """The steps of a region in the order of computation; the regions inside are calls where they can be classes."""
        steps: list[Step] = [NodeStep(n) for n in self.inside[region.id] if n.region == region.id and n.kind == "op"]
        for child in self.children.get(region.id, []):
            if not self.inside[child.id]:
                continue
            unit = self._unit(child)
            steps += [CallStep(unit)] if unit else self._steps(child)
        return sorted(steps, key=lambda step: step.id)

    def _unit(self, region: Region) -> Unit | None:
        """The unit of a region; None where it must be dissolved."""
        unit = Unit(region, self.inside[region.id])
        ids = {n.id for n in unit.nodes}
        places = {ref: i for i, ref in enumerate(region.names)}  # the inputs of a block have their names first, in its order
        taken = dict.fromkeys(ref for n in unit.nodes for ref in n.refs if ref.node not in ids)
        unit.inputs = sorted(taken, key=lambda ref: places.get(ref, len(places)))
        users = dict.fromkeys(user for id in ids for user in self.users.get(id, ()) if user not in ids)
        used = [ref for user in users for ref in self.graph.node(user).refs if ref.node in ids]
        results = [ref for ref in (*self.results, *region.results) if ref.node in ids]
        unit.outputs = sorted({*used, *results}, key=lambda ref: (ref.node, ref.path))
        if not self._can_be_a_class(unit, ids):
            return None
        unit.steps = self._steps(region)
        return unit

    def _can_be_a_class(self, unit: Unit, ids: set[int]) -> bool:
        prefix = f"{unit.region.path}."
        has_layers = any(n.path.startswith(prefix) for n in unit.nodes if n.kind != "op" or n.is_module)
        below = self.paths[bisect_left(self.paths, (prefix,)) : bisect_left(self.paths, (f"{unit.region.path}/",))]  # `/` is behind `.`
        others = [self.graph.node(id) for _, id in below if id not in ids]
        shared = self.at_path[unit.region.path]
        from_elsewhere = any(not shared & set(self._ancestors(n.region)) for n in others)
        return has_layers and bool(unit.outputs) and not from_elsewhere and has_sizes(self.graph, unit.nodes, unit.inputs)


def has_sizes(graph: Graph, nodes: Iterable[Node], takes: Sequence[Ref]) -> bool:
    """Whether all named dimensions that the nodes are called with are axes of these tensors."""
    return all(graph.place_of(name, takes) is not None for name in {name for node in nodes for name in node.sizes})
