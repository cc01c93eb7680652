"""Mistakes that torch lets pass: warnings on the typed graph and the `data` and `train` sections. A file is a theme, a rule a function.

A rule never guesses: it is silent where the spec may be meant as it stands. What is meant after all is said with a comment,
`# netc: allow CODE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from netc.diagnostics import Diagnostic
from netc.graph import Graph
from netc.lint import layers, losses, sequences, sizes, training
from netc.lint.view import Rule, View
from netc.settings import Section

# Rules about a node, which is wrong in any use of a block: what arrives at a loss, and what follows what.
ANYWHERE: tuple[Rule, ...] = (losses.operands, losses.dropout, layers.stacked)
# Rules about a node that is wrong only where it is so in every use of a block, which may be meant for other uses.
EVERYWHERE: tuple[Rule, ...] = (
    layers.activations,
    layers.biases,
    layers.single_numbers,
    layers.batch_axis,
    sequences.steps,
    sizes.by_place,
)
# Rules about the whole.
WHOLE: tuple[Callable[[View], Iterator[Diagnostic]], ...] = (
    training.untrained,
    training.learning_rate,
    training.batches_of_one,
    training.unmeasured,
)


def lint(graph: Graph, train: Section | None, data: Section | None = None) -> list[Diagnostic]:
    """The warnings for a graph without errors, and the training and data that go with it; takes time linear in the nodes.

    What is wrong in a block is said once.
    """
    view = View(graph, train, data)
    found = [diagnostic for rule in ANYWHERE for _, diagnostic in rule(view)]
    for rule in EVERYWHERE:
        by_node = {node.id: diagnostic for node, diagnostic in rule(view)}
        found += [d for id, d in by_node.items() if all(other.id in by_node for other in view.alike(graph.node(id)))]
    found += [diagnostic for whole in WHOLE for diagnostic in whole(view)]
    said = {(d.code, d.span): d for d in reversed(found)}
    return sorted(said.values(), key=lambda d: d.order)
