"""The walk over a graph, unrolled into Python source: a line a node, each value deleted where it is no longer needed.

Layers are looked up in their parents at every call, so that hooks, replaced layers and swapped parameters count as they
would in a class written by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

from netc.code import Text, expression, size_writer
from netc.graph import Graph, Node, Ref, dims_in


def unroll(graph: Graph, name: str, takes: Sequence[Node], results: Sequence[Ref]) -> str:
    """The source of a method `name` that takes the tensors of some nodes in order, and returns values as a tuple."""
    nodes = [n for n in graph.needed_for(results) if n.kind not in ("input", "target")]
    sources = [n.id for n in takes]
    dead = _dead_after(graph, nodes, sources, {ref.node for ref in results})
    lines = [f"def {name}({', '.join(['self', *(variable(Ref(id)) for id in sources)])}):"]
    if any(n.is_module for n in nodes):
        lines.append("    modules = self._modules")
    sizes = size_writer(graph, [Ref(id) for id in sources], variable)
    for node in nodes:
        text = _reach(node) if node.op is None else expression(node, lambda ref: Text(variable(ref)), _reach(node), sizes).text
        unneeded = ", ".join(variable(Ref(id)) for id in dead[node.id])
        lines.append(f"    {variable(Ref(node.id))} = {text}" + (f"; del {unneeded}" if unneeded else ""))
    lines.append(f"    return {''.join(f'{variable(ref)}, ' for ref in results).rstrip()}")
    return "\n".join(lines) + "\n"


def variable(ref: Ref) -> str:
    """A value of the unrolled walk: `v3`, `v3[1]`."""
    return f"v{ref.node}" + "".join(f"[{i}]" for i in ref.path)


def _reach(node: Node) -> str:
    if node.op is None:  # a parameter or buffer, looked up as an attribute
        *outer, name = node.path.split(".")
        return "self" + "".join(f'._modules["{part}"]' for part in outer) + f".{name}"
    if not node.is_module:
        return ""
    return "modules" + "._modules".join(f'["{part}"]' for part in node.path.split("."))


def _dead_after(graph: Graph, nodes: Sequence[Node], sources: Sequence[int], kept: set[int]) -> dict[int, list[int]]:
    """For every node the values that nothing after it needs, neither for themselves nor for the sizes of their axes."""
    last: dict[int, int] = {}
    for node in nodes:
        names = {name for a in node.call.values() for dim in dims_in(a.value) for name in dim.names()}
        sized = [graph.axis_named(name, [Ref(id) for id in sources])[0].node for name in names]
        on_device = sources[:1] if node.op is not None and node.op.written == "creation" else []
        last |= dict.fromkeys([*(ref.node for ref in node.refs), *sized, *on_device], node.id)
    dead: dict[int, list[int]] = {node.id: [] for node in nodes}
    for id, end in last.items():
        if id not in kept:
            dead[end].append(id)
    return dead
