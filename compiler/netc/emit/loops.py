"""Layers of one container that follow each other, as a loop over the container."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from netc.emit.members import is_plain
from netc.graph import Graph, Ref
from netc.units import CallStep, NodeStep, Step, results_of

SHORTEST = 3  # steps that are a loop; fewer read better one by one

# The text that goes through the layers at a path, and their names; None where they are attributes.
Children = Callable[[str], tuple[str, list[str]] | None]


@dataclass(frozen=True, slots=True)
class Loop:
    """`for layer in <layers>: …`. Each argument of the call is the result of that number of the step before, or a value."""

    steps: Sequence[Step]
    layers: str
    arguments: tuple[int | Ref, ...]

    @property
    def begins(self) -> dict[int, Ref]:
        """The values that the loop begins with, by the number of the result that takes their place."""
        return {a: ref for a, ref in zip(self.arguments, self.steps[0].refs, strict=True) if isinstance(a, int)}


def path_of(step: Step) -> str:
    """The full path of the layer or unit that a step calls; empty where it calls none."""
    if isinstance(step, CallStep):
        return step.unit.region.path
    return step.node.path if step.node.is_module and is_plain(step) else ""


def find_loop(steps: Sequence[Step], graph: Graph, children: Children, uses: Mapping[Ref, int]) -> Loop | None:
    """The loop that the steps begin with: over a whole container, each call taking what the one before gave."""
    if len(steps) < SHORTEST or not path_of(steps[0]):
        return None
    prefix, _, _ = path_of(steps[0]).rpartition(".")
    found = children(prefix)
    if found is None or len(found[1]) < SHORTEST:
        return None
    layers, names = found
    if path_of(steps[0]) != f"{prefix}.{names[0]}":  # most steps; the others are looked at one by one
        return None
    run = steps[: len(names)]
    if [path_of(step) for step in run] != [f"{prefix}.{name}" for name in names]:
        return None
    arguments = _arguments(run, graph)
    results = [results_of(step, graph) for step in run]
    if arguments is None or {a for a in arguments if isinstance(a, int)} != set(range(len(results[0]))):
        return None
    inner = [(ref, step.refs.count(ref)) for made, step in zip(results, run[1:], strict=False) for ref in made]
    return Loop(run, layers, arguments) if all(uses.get(ref, 0) == count for ref, count in inner) else None


def _arguments(run: Sequence[Step], graph: Graph) -> tuple[int | Ref, ...] | None:
    """What each argument of the calls is; None where they differ."""
    found: list[tuple[int | Ref, ...]] = []
    for before, step in pairwise(run):
        made = results_of(before, graph)
        found.append(tuple(made.index(ref) if ref in made else ref for ref in step.refs))
    alike = len({len(results_of(step, graph)) for step in run}) == 1 and len(set(found)) == 1
    if not alike or len(run[0].refs) != len(found[0]):
        return None
    constant = all(a == ref for a, ref in zip(found[0], run[0].refs, strict=True) if isinstance(a, Ref))
    begins: dict[int, set[Ref]] = {}
    for a, ref in zip(found[0], run[0].refs, strict=True):
        if isinstance(a, int):
            begins.setdefault(a, set()).add(ref)
    return found[0] if constant and all(len(refs) == 1 for refs in begins.values()) else None


def is_tuple(step: Step) -> bool:
    """Whether a step gives a tuple, however short."""
    return isinstance(step, NodeStep) and isinstance(step.node.type, tuple)
