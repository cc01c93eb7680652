"""Whether targets have the shapes that belong to the inputs of the same call; torch would broadcast another one to a wrong loss.

No torch here.
"""

from __future__ import annotations

from collections.abc import Sequence

from netc.code import Sizes, size_writer
from netc.graph import Graph, Node, Ref
from netc.shapes import Dim, Shape, Size, shape_at, shape_text
from netc.tensors import TensorType

Shapes = Sequence[Sequence[int]]


def fitting_source(graph: Graph) -> str:
    """The source of a function that says whether all targets fit; it takes the inputs and targets, and is called at every step.

    It is written for the graph, so that it costs next to nothing: `return t0.ndim == 2 and t1.shape == (t0.shape[0], 1)`.
    A size that hangs on a name which no axis gives is not looked at.
    """
    nodes = graph.inputs + graph.targets
    names = {node.id: f"t{i}" for i, node in enumerate(nodes)}
    refs = [Ref(node.id) for node in nodes]
    sizes = size_writer(graph, refs, lambda ref: names[ref.node])
    tests = [f"{names[node.id]}.ndim == {len(_shape(node))}" for node in graph.inputs]
    for node in graph.targets:
        axes = [_axis(graph, size, f"{names[node.id]}.shape[{i}]", refs, sizes) for i, size in enumerate(_shape(node))]
        tests.append(f"{names[node.id]}.shape == ({', '.join(axes)}{',' * (len(axes) == 1)})")
    return f"def fit({', '.join(names.values())}):\n    return {' and '.join(tests)}\n"


def _axis(graph: Graph, size: Size, own: str, refs: Sequence[Ref], sizes: Sizes) -> str:
    """How long an axis has to be, whose size is `own`: a size with a name that no axis of these tensors gives is not looked at."""
    if not isinstance(size, Dim):
        return str(size)
    return own if any(graph.place_of(name, refs) is None for name in size.names()) else sizes(size)


def misfit(graph: Graph, given: Shapes) -> str | None:
    """The first target that does not fit, in words; `given` are the shapes of inputs and targets.

    None where inputs have other numbers of axes than in the spec: these are a single example, or what `vmap` gives.
    """
    sizes: dict[str, Size] = {}
    for node, shape in zip(graph.inputs + graph.targets, given, strict=True):
        declared = _shape(node)
        if len(declared) == len(shape):
            sizes = {**{str(size): n for size, n in zip(declared, shape, strict=True) if not isinstance(size, int)}, **sizes}
        elif node.kind == "input":
            return None
        wanted = shape_at(declared, sizes)
        if node.kind == "target" and not _fits(wanted, shape):
            here = f", which is {shape_text(wanted)} for these inputs," if len(wanted) == len(shape) and wanted != declared else ","
            return f"the target {graph.name_of(node)} as {node.type}{here} and gets one of the shape {list(shape)}"
    return None


def _fits(wanted: Shape, shape: Sequence[int]) -> bool:
    return len(wanted) == len(shape) and all(not isinstance(w, int) or w == n for w, n in zip(wanted, shape, strict=True))


def _shape(node: Node) -> Shape:
    assert isinstance(node.type, TensorType)
    return node.type.shape
