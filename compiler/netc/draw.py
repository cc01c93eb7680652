"""A picture of the network: DOT text from the graph, and from that SVG, PNG or PDF by Graphviz."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from netc.diagnostics import error, listed
from netc.files import write
from netc.graph import Graph, Node, Ref
from netc.ops import activations
from netc.ops.op import value_text
from netc.summary import argument_texts, call_arguments, named_call, parameters_text
from netc.tensors import TensorType

Region = tuple[str, ...]  # the labels of the clusters around a node, outermost first

# Graphviz knows the widths of Helvetica by heart, so boxes fit their text with and without that font installed.
FONT = "Helvetica"
INK = "#1f2328"  # on every fill below at least 12:1
MUTED = "#57606a"  # on white 6.4:1, on the darkest cluster 5.3:1
LINE = "#6e7781"
WRAP = 34  # characters of a layer's line: a convolution with padding fits, one with everything is broken once

GRAPH = {
    "rankdir": "TB", "bgcolor": "white", "pad": "0.2", "nodesep": "0.3", "ranksep": "0.2", "fontname": FONT, "fontsize": "14",
    "fontcolor": INK, "labelloc": "t",
}  # fmt: skip
NODE = {"shape": "box", "style": "rounded,filled", "fontname": FONT, "fontsize": "12", "fontcolor": INK, "penwidth": "1.1",
        "margin": "0.16,0.07", "height": "0.3", "width": "0.6"}  # fmt: skip
EDGE = {"fontname": FONT, "fontsize": "9.5", "fontcolor": MUTED, "color": LINE, "arrowsize": "0.6", "penwidth": "1.0"}
EDGE_LABEL = '<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="4"><TR><TD>{}</TD></TR></TABLE>'  # keeps the text off the line and its arrow
CLUSTER = {"style": "rounded,filled", "color": "#c4cbd3", "fontname": FONT, "fontsize": "11", "fontcolor": MUTED, "labeljust": "l",
           "margin": "10"}  # fmt: skip
CLUSTER_FILLS = ("#f6f8fa", "#edf0f3", "#e4e8ec")  # the outermost first; deeper ones begin again

# A value with more uses than this is drawn once, and stands by its name at each use: lines over the whole picture to many places
# can be followed by nobody, and take Graphviz minutes to route.
MOST_LINES = 8

# What differs from NODE for each kind.
KINDS: dict[str, dict[str, str]] = {
    "input": {"fillcolor": "#dafbe1", "color": "#1a7f37", "margin": "0.22,0.06"},
    "output": {"fillcolor": "#dafbe1", "color": "#1a7f37", "margin": "0.22,0.06", "penwidth": "2"},
    "layer": {"fillcolor": "#ddeeff", "color": "#0a5cba", "style": "filled"},
    "param": {"fillcolor": "#ddeeff", "color": "#0a5cba", "style": "rounded,filled"},  # of the network or a block itself
    "buffer": {"fillcolor": "#eef4fb", "color": "#7f9fc4", "style": "rounded,filled"},
    "plain": {"fillcolor": "#eef4fb", "color": "#7f9fc4", "style": "filled"},  # a layer without parameters
    "activation": {"fillcolor": "#fff8e1", "color": "#d9a91a", "fontsize": "11", "margin": "0.12,0.04"},
    "function": {"fillcolor": "#ffffff", "color": LINE, "shape": "ellipse", "style": "filled", "fontsize": "11", "margin": "0.04,0.02"},
    "target": {"fillcolor": "#ffffff", "color": "#a3362b", "margin": "0.22,0.06", "style": "rounded,filled,dashed"},
    "criterion": {"fillcolor": "#ffebe9", "color": "#a3362b", "style": "filled"},
    "loss": {"fillcolor": "#ffebe9", "color": "#a3362b", "margin": "0.22,0.06", "penwidth": "2"},
    "name": {"shape": "plaintext", "style": "", "fontcolor": MUTED, "fontsize": "11", "margin": "0.04,0.02", "height": "0.2"},
    "metric": {"fillcolor": "#fbefff", "color": "#8250df", "margin": "0.22,0.06", "penwidth": "2"},
}
ACTIVATIONS = {row.name for row in activations.ROWS}


def dot(graph: Graph) -> str:
    """The network as DOT text: layers, functions, inputs and outputs with shapes on the edges; the loss in a box of its own.

    The same graph gives the same text. A node is named after its id: `n3`.
    """
    return "\n".join(_Drawing(graph).lines()) + "\n"


# --- text --------------------------------------------------------------------------------------------------------

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # source: XML 1.0, production Char


def _escaped(text: str) -> str:
    """Any text within an HTML-like label, which is XML; what XML cannot hold is replaced.

    Graphviz reads `\\N` in labels as the name of the node, so a backslash is doubled.
    """
    return html.escape(NO_XML.sub("\ufffd", text).replace("\\", "\\\\"), quote=True)


def _quoted(text: str) -> str:
    """Any text as a DOT string."""
    safe = NO_XML.sub("\ufffd", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{safe}"'


def _small(text: str, size: float = 10) -> str:
    lines = textwrap.wrap(text, WRAP, break_long_words=False, break_on_hyphens=False) or [""]
    return "<BR/>".join(f'<FONT POINT-SIZE="{size:g}">{_escaped(line)}</FONT>' for line in lines)


def _muted(text: str, size: float = 9) -> str:
    return f'<FONT POINT-SIZE="{size:g}" COLOR="{MUTED}">{_escaped(text)}</FONT>'


def _bold(text: str) -> str:
    return f"<B>{_escaped(text)}</B>"


def _attributes(attributes: dict[str, str], label: str = "") -> str:
    """An attribute list; `label` is HTML-like."""
    texts = [f"{name}={_quoted(value)}" for name, value in attributes.items()]
    return f"[{', '.join([*([f'label=<{label}>'] if label else []), *texts])}]"


def _node_text(node: Node) -> str:
    """`Conv2d(3 → 64, 7, stride=2)`: as in the spec, with the size that comes in before the one that goes out."""
    op = node.op
    assert op is not None
    texts = argument_texts(op.params, node.config, with_sizes=False)
    if len(op.params) > 1 and op.params[0].inferred and op.params[0].name.startswith("in") and not op.params[1].inferred:
        texts[0] = f"{node.config[op.params[0].name].value} → {texts[0]}"
    return named_call(op, texts + call_arguments(node))


def _says_nothing(label: str, op_name: str) -> bool:
    """Whether a label is a mere number or repeats the op's name, as netc's own do: `relu_2` for `ReLU`."""
    return label.isdigit() or re.sub(r"_\d+$", "", label).replace("_", "") == op_name.lower()


# --- the graph ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _End:
    """Where the picture ends: an output, loss or metric."""

    id: str
    kind: str
    name: str
    ref: Ref


class _Drawing:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.outputs = [_End(f"output{i}", "output", o.name, o.ref) for i, o in enumerate(graph.outputs)]
        self.objectives = [_End(f"loss{i}", "loss", o.name, o.ref) for i, o in enumerate(graph.losses)]
        self.objectives += [_End(f"metric{i}", "metric", o.name, o.ref) for i, o in enumerate(graph.metrics)]

    def lines(self) -> Iterator[str]:
        """The lines of the DOT text."""
        count = self.graph.parameter_count
        title = _bold(self.graph.name) + (f"<BR/>{_muted(parameters_text(count), 10)}" if count else "") + "<BR/> "
        yield f"digraph {_quoted(self.graph.name)} {{"
        yield f"  graph {_attributes(GRAPH, title)};"
        yield f"  node {_attributes(NODE)};"
        yield f"  edge {_attributes(EDGE)};"
        yield from self._clustered([n for n in self.graph.nodes if n.id not in self.aside], (), "  ")
        yield from (self._end_line(end, "  ") for end in self.outputs)
        yield from self._objective_lines()
        yield from self._edge_lines()
        yield "}"

    @cached_property
    def aside(self) -> set[int]:
        """The targets, and the nodes that only losses and metrics need."""
        forward = {n.id for n in self.graph.forward_nodes}
        needed = self.graph.needed_for(end.ref for end in self.objectives)
        only = {n.id for n in needed if n.id not in forward and n.kind != "input"}
        return only | {n.id for n in self.graph.targets}

    def _clustered(self, nodes: list[Node], region: Region, indent: str) -> Iterator[str]:
        """Nodes that are in `region` or deeper, in order; what is deeper stands in clusters at the place of its first node."""
        deeper: dict[str, list[Node]] = {}
        for node in nodes:
            if len(self.regions[node.id]) > len(region):
                deeper.setdefault(self.regions[node.id][len(region)], []).append(node)
        for node in nodes:
            inner = self.regions[node.id][len(region) :]
            if not inner:
                yield from self._node_lines(node, indent)
            elif deeper[inner[0]][0] is node:
                yield from self._cluster(deeper[inner[0]], (*region, inner[0]), indent)

    def _cluster(self, nodes: list[Node], region: Region, indent: str) -> Iterator[str]:
        fill = CLUSTER_FILLS[(len(region) - 1) % len(CLUSTER_FILLS)]
        yield f"{indent}subgraph {_quoted('cluster ' + '.'.join(region))} {{"
        yield f"{indent}  graph {_attributes({**CLUSTER, 'fillcolor': fill}, _bold(region[-1]))};"
        yield from self._clustered(nodes, region, indent + "  ")
        yield f"{indent}}}"

    def _objective_lines(self) -> Iterator[str]:
        """The box of losses and metrics, if there is anything to stand in it."""
        kinds = {"loss": self.graph.losses, "metrics": self.graph.metrics}
        label = " and ".join(kind for kind, named in kinds.items() if named) or "targets"
        if not self.aside and not self.objectives:
            return
        look = {**CLUSTER, "style": "rounded,dashed", "color": "#a3362b", "labelloc": "b"}
        yield '  subgraph "cluster/objective" {'
        yield f"    graph {_attributes(look, _bold(label))};"
        yield from (line for n in self.graph.nodes if n.id in self.aside for line in self._node_lines(n, "    "))
        yield from (self._end_line(end, "    ") for end in self.objectives)
        yield "  }"

    # --- nodes ---

    def _node_lines(self, node: Node, indent: str) -> Iterator[str]:
        """A node, with the names of the values that it uses and gives where these stand for lines."""
        for ref in dict.fromkeys(node.refs):
            if ref in self.by_name:
                yield self._name_line(ref, node.id, indent)
        kind = self._kind(node)
        yield f"{indent}n{node.id} {_attributes(KINDS[kind], self._label(node, kind))};"
        yield from (self._name_line(ref, node.id, indent) for ref in self.named_at.get(node.id, ()))

    def _name_line(self, ref: Ref, at: int, indent: str) -> str:
        return f"{indent}{_name_id(ref, at)} {_attributes(KINDS['name'], _escaped(self.by_name[ref]))};"

    @cached_property
    def by_name(self) -> dict[Ref, str]:
        """The values that stand by their names where they are used: named ones of many uses."""
        counts = Counter(ref for node in self.graph.nodes for ref in dict.fromkeys(node.refs))
        many = [ref for ref, count in counts.items() if count > MOST_LINES]
        names = {ref: self.graph.names.get(ref) or self.graph.regions[self.graph.node(ref.node).region].names.get(ref) for ref in many}
        return {ref: name for ref, name in names.items() if name}

    @cached_property
    def named_at(self) -> dict[int, list[Ref]]:
        """Those values by the node that gives them."""
        found: dict[int, list[Ref]] = {}
        for ref in self.by_name:
            found.setdefault(ref.node, []).append(ref)
        return found

    def _kind(self, node: Node) -> str:
        if node.op is None:
            return node.kind
        if node.op.is_loss:
            return "criterion"
        if node.op.name in ACTIVATIONS:
            return "activation"
        if node.is_module:
            return "layer" if node.weights else "plain"
        return "function"

    def _label(self, node: Node, kind: str) -> str:
        label = node.path.rsplit(".", 1)[-1] if node.id not in self.aside else node.path
        if node.is_literal:
            numbers = value_text(node.config["init"].value)
            return f"{_bold(label.lstrip('_'))}<BR/>{_muted(numbers if len(numbers) <= WRAP else kind)}"
        if node.op is None:
            name = label or self.graph.name_of(node)
            return "<BR/>".join([_bold(name), _muted(kind), *([_muted(parameters_text(node.parameter_count))] if node.weights else [])])
        if not node.weights and (not label or _says_nothing(label, node.op.name)):
            return _small(_node_text(node), 11)
        lines = [_bold(label), _small(_node_text(node))]
        return "<BR/>".join([*lines, _muted(parameters_text(node.parameter_count))] if node.weights else lines)

    def _end_line(self, end: _End, indent: str) -> str:
        label = _bold(end.name) + (f"<BR/>{_muted(end.kind)}" if end.name != end.kind else "")
        return f"{indent}{end.id} {_attributes(KINDS[end.kind], label)};"

    # --- edges ---

    def _edge_lines(self) -> Iterator[str]:
        for node in self.graph.nodes:
            yield from (self._edge_line(ref, _name_id(ref, node.id), False) for ref in self.named_at.get(node.id, ()))
            for ref in node.refs:
                tail = _name_id(ref, node.id) if ref in self.by_name else ""
                yield self._edge_line(ref, f"n{node.id}", node.id in self.aside, tail)
        for end in [*self.outputs, *self.objectives]:
            yield self._edge_line(end.ref, end.id, end.kind != "output")

    def _edge_line(self, ref: Ref, head: str, is_aside: bool, tail: str = "") -> str:
        kind = self.graph.type_of(ref)
        label = EDGE_LABEL.format(_escaped(str(kind))) if isinstance(kind, TensorType) else ""
        return f"  {tail or f'n{ref.node}'} -> {head} {_attributes({'style': 'dashed'} if is_aside else {}, label)};"

    # --- clusters ---

    @cached_property
    def regions(self) -> dict[int, Region]:
        """The clusters that each node stands in.

        A node with a path stands where its path says. A function without one stands where it was written, in the
        innermost block or labelled pipeline around it that has layers, as the `+` of a residual block does.
        """
        own = {n.id: tuple(n.path.split(".")[:-1]) for n in self.graph.nodes if n.path}
        clusters = {region[:end] for region in set(own.values()) for end in range(len(region) + 1)}
        around = [_innermost(tuple(filter(None, r.path.split("."))), clusters) for r in self.graph.regions]
        return {n.id: own[n.id] if n.id in own else around[n.region] for n in self.graph.nodes}


def _name_id(ref: Ref, at: int) -> str:
    """The id of the name of a value beside a node that uses or gives it."""
    return "_".join(["name", *map(str, (ref.node, *ref.path)), "at", str(at)])


def _innermost(region: Region, clusters: set[Region]) -> Region:
    """The innermost cluster around a region, itself included."""
    return next((region[:end] for end in range(len(region), 0, -1) if region[:end] in clusters), ())


# --- files -------------------------------------------------------------------------------------------------------

PICTURES = (".svg", ".png", ".pdf")
TEXTS = (".dot", ".gv")
DPI = {".png": "-Gdpi=144"}  # 96 is blurred on today's screens


def render(dot_text: str, path: Path) -> None:
    """Writes DOT text as a picture, or as it is, by the ending of `path`: .svg, .png, .pdf, .dot or .gv.

    An old file stays as it was until the new one is whole. Raises `NetError` where the ending, the folder or Graphviz is
    not right.
    """
    suffix = path.suffix.lower()
    if suffix not in PICTURES + TEXTS:
        raise error("drawing", f"a picture cannot be written as `{path.name}`", hint=f"the endings are {listed(PICTURES + TEXTS)}")
    if not path.parent.is_dir():
        raise error("drawing", f"there is no folder `{path.parent}`", hint="make it first")
    write(path, dot_text if suffix in TEXTS else drawn(dot_text, suffix))


def drawn(dot_text: str, suffix: str) -> bytes:
    """DOT text as the bytes of a picture. Raises `NetError` where Graphviz does not give one."""
    program = _program(suffix)
    command = [program, f"-T{suffix[1:]}", *([DPI[suffix]] if suffix in DPI else [])]
    try:
        result = subprocess.run(command, input=dot_text.encode(), capture_output=True, check=False)
    except OSError as problem:
        raise error("drawing", f"`{program}` cannot be run: {problem.strerror}") from problem
    if result.returncode or not result.stdout:
        said = result.stderr.decode(errors="replace").strip()
        raise error("drawing", f"Graphviz could not draw the picture: {said or f'exit status {result.returncode}'}")
    return result.stdout


def _program(suffix: str) -> str:
    """The system's Graphviz, else the one that is installed with netc, which has no PDF."""
    if system := shutil.which("dot"):
        return system
    if suffix == ".pdf":
        raise error("drawing", "PDF needs the system's Graphviz, and no program `dot` is found",
                    hint="install Graphviz (https://graphviz.org/download), or write .svg or .png")  # fmt: skip
    for folder in (str(Path(sys.executable).parent), sysconfig.get_path("scripts"), None):
        if found := shutil.which("graphviz-pure", path=folder):
            return found
    raise error("drawing", "neither `dot` nor `graphviz-pure` is found",
                hint="`pip install graphviz-pure`, or install Graphviz; .dot needs neither")  # fmt: skip
