"""The walk over a graph, unrolled into Python source: a line a node, each value deleted where it is no longer needed.

There are two ways. The direct one calls torch's functions on the layers' parameters, which it reads from the layers at every
call; it is what runs. The other one calls the layers, and the blocks around them, as modules: it is taken where something hangs
on these calls, such as a hook.
"""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from netc.code import Text, expression, size_writer
from netc.graph import Graph, Node, Ref, Region
from netc.ops.forms import BUFFERS, FORMS, PLACE, Form
from netc.ops.python import PythonOp
from netc.units import NodeStep, Unit, has_sizes, units_of

# What the value of an operator is called, if the spec has no name for it.
SYMBOLS = {"+": "total", "-": "difference", "*": "product", "/": "quotient", "@": "product", "**": "power", "[]": "part"}
PREFIXES = {"layer": "m", "_parameters": "p", "_buffers": "b"}
INDENT = "    "


@dataclass(frozen=True, slots=True)
class Walk:
    """What one function computes: it takes tensors, and gives values as `closing` writes them, e.g. `", ".join`."""

    name: str
    takes: Sequence[Ref]
    results: Sequence[Ref]
    closing: Callable[[list[str]], str] = ", ".join


@dataclass(frozen=True, slots=True)
class Part:
    """What a direct walk has at hand: a layer itself, or the dict of its `_parameters` or `_buffers`."""

    path: str
    kind: str  # "layer", "_parameters" or "_buffers"


@dataclass(frozen=True, slots=True)
class Check:
    """What a layer must be for its functional form: of the class that `target` names, with what the form reads but the inputs."""

    path: str
    target: str
    form: Form
    inputs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Direct:
    """A direct walk: `def NAME(self, parts, …)`, what `parts` are, and what must hold of the layers.

    `held` are the network's own parameters and buffers that it reads, each with the part that must hold it; `paths` are those
    of all layers.
    """

    text: str
    parts: tuple[Part, ...]
    checks: tuple[Check, ...]
    held: tuple[tuple[Part, str], ...]
    paths: tuple[str, ...]


class _Body:
    """A function that is being written. Every value gets a variable, which is deleted behind its last use."""

    def __init__(self, graph: Graph, takes: Sequence[Ref], reserved: Iterable[str], region: Region | None = None) -> None:
        self.graph, self.takes = graph, takes
        self.base, self.names = ("", graph.names) if region is None else (region.path, region.names)
        self.taken = Counter({"self", "parts", "torch", "F", "nn", "einops", "float", *reserved})
        self.texts: dict[Ref, str] = {}
        self.lines: list[tuple[str, set[str], list[str]]] = []  # each with the variables that it uses, and those that it gives
        self.used: set[str] = set()
        self.arguments = [self._give(ref, "input") for ref in takes]
        self.sizes = size_writer(graph, takes, self.value)

    def new(self, name: str) -> str:
        """A free variable, of that name if it is free."""
        if not name.isidentifier():
            name = f"layer_{name}" if name[0].isdigit() else "value"
        name = f"{name}_" if keyword.iskeyword(name) else name
        self.taken[name] += 1
        while self.taken[name] > 1:
            name = f"{name}_{self.taken[name]}"
            self.taken[name] += 1
        return name

    def _give(self, ref: Ref, otherwise: str = "") -> str:
        """A new variable for a value, called as the spec does, or `otherwise`, or after what computes it."""
        self.texts[ref] = self.new(self.names.get(ref) or otherwise or self._label(self.graph.node(ref.node)))
        return self.texts[ref]

    def _label(self, node: Node) -> str:
        path = relative(node.path, self.base).replace(".", "_")
        return path or (SYMBOLS.get(node.op.name, node.op.name) if node.op else node.kind)

    def value(self, ref: Ref) -> str:
        """How a value is written that was given before."""
        for length in range(len(ref.path), -1, -1):  # the longest part that has a variable
            start = Ref(ref.node, ref.path[:length])
            if start in self.texts:
                self.used.add(self.texts[start])
                return self.texts[start] + "".join(f"[{i}]" for i in ref.path[length:])
        raise KeyError(ref)

    def expression(self, node: Node, value: Callable[[Ref], str], layer: str) -> str:
        """What a node computes, its operands written by `value`."""
        if node.op is not None and node.op.written == "creation" and self.arguments:
            self.used.add(self.arguments[0])  # for its device
        return expression(node, lambda ref: Text(value(ref)), layer, self.sizes).text

    def add(self, text: str, gives: Sequence[Ref]) -> None:
        """A line that gives these values."""
        used, self.used = self.used, set()
        names = [self._give(ref) for ref in gives]
        self.lines.append((f"{', '.join(names)} = {text}", used, names))

    def text(self, name: str, first: Sequence[str], opening: Sequence[str], closing: str) -> str:
        """The whole function, with `closing` as what it returns."""
        variables = {*self.arguments, *(name for _, _, gives in self.lines for name in gives)} - self.used  # by what is returned
        last = {name: i for i, (_, used, gives) in enumerate(self.lines) for name in (*gives, *used) if name in variables}
        dead: dict[int, list[str]] = {}
        for variable, i in last.items():
            dead.setdefault(i, []).append(variable)
        lines = [f"{line}; del {', '.join(dead[i])}" if i in dead else line for i, (line, _, _) in enumerate(self.lines)]
        body = [*opening, *lines, f"return {closing}"]
        return "\n".join([f"def {name}({', '.join([*first, *self.arguments])}):", *(INDENT + line for line in body)]) + "\n"


# --- direct -------------------------------------------------------------------------------------------------------


def direct(graph: Graph, walk: Walk, reserved: Iterable[str] = ()) -> Direct:
    """The walk that calls functions; `reserved` are names that its source uses."""
    return _DirectWriter(graph, walk, reserved).run()


class _DirectWriter:
    def __init__(self, graph: Graph, walk: Walk, reserved: Iterable[str]) -> None:
        self.graph, self.walk = graph, walk
        self.body = _Body(graph, walk.takes, reserved)
        self.parts: dict[Part, str] = {}
        self.checks: dict[str, Check] = {}
        self.held: list[tuple[Part, str]] = []

    def run(self) -> Direct:
        nodes = self.graph.needed_for(self.walk.results)
        for node in nodes:
            if node.kind == "op":
                self.body.add(self._node(node), [Ref(node.id)])
            elif node.kind in ("param", "buffer"):
                holder, _, name = node.path.rpartition(".")
                part = Part(holder, "_parameters" if node.kind == "param" else "_buffers")
                self.held.append((part, name))
                self.body.texts[Ref(node.id)] = f'{self._part(part)}["{name}"]'
        closing = self.walk.closing([self.body.value(ref) for ref in self.walk.results])
        opening = [f"{', '.join(self.parts.values())}, = parts"] if self.parts else []
        paths = tuple(dict.fromkeys(node.path for node in nodes if node.is_module))
        text = self.body.text(self.walk.name, ["self", "parts"], opening, closing)
        return Direct(text, tuple(self.parts), tuple(self.checks.values()), tuple(self.held), paths)

    def _part(self, part: Part) -> str:
        if part not in self.parts:
            self.parts[part] = self.body.new(f"{PREFIXES[part.kind]}_{part.path.replace('.', '_')}")
        return self.parts[part]

    def _node(self, node: Node) -> str:
        form = form_of(node)
        if form is None:
            called = f"{self._part(Part(node.path, 'layer'))}.forward" if node.is_module else ""
            return self.body.expression(node, self.body.value, called)
        assert node.op is not None
        self.checks[node.path] = Check(node.path, node.op.target, form, frozenset(node.call))
        return PLACE.sub(lambda match: self._filled(node, match[1], match[2]), form.text)

    def _filled(self, node: Node, dot: str, name: str) -> str:
        if dot:
            return f"{self._part(Part(node.path, 'layer'))}.{name}"
        if name in node.call:
            return self.body.value(node.call[name].value)
        part = Part(node.path, "_buffers" if name in BUFFERS else "_parameters")
        return f'{self._part(part)}["{name}"]'


def form_of(node: Node) -> Form | None:
    """The functional form of a layer, if it has one and is called with nothing that the form does not say."""
    if node.op is None or not node.is_module or isinstance(node.op, PythonOp) or node.op.name not in FORMS:
        return None
    form = FORMS[node.op.name]
    is_plain = all(name in form.names or argument.origin == "default" for name, argument in node.call.items())
    is_fit = all(node.config[name].value == value for name, value in form.needs.items() if name in node.config)
    return form if is_plain and is_fit else None


# --- through the layers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nested:
    """A walk that calls the layers, `def NAME(self, …)`, and by their paths what the blocks that it calls compute."""

    text: str
    blocks: dict[str, str]


@dataclass
class Hierarchy:
    """The network as calls of blocks within blocks, as far as each block is a function of its own."""

    graph: Graph
    reserved: Sequence[str] = ()
    blocks: dict[str, str] = field(init=False, default_factory=dict)  # what a path computes, the inner ones first

    def __post_init__(self) -> None:
        graph = self.graph
        self.root = units_of(graph)
        every = (*graph.outputs, *graph.losses, *graph.metrics)
        self.needed = {node.id for node in graph.needed_for(o.ref for o in every)}
        self.layers = {node.path for node in graph.registered}
        self.texts: dict[int, str] = {}  # of units that can be called, by their identity
        self._write(self.root)

    def nested(self, walk: Walk) -> Nested:
        """The walk that calls the layers and blocks as modules."""
        needed = {node.id for node in self.graph.needed_for(walk.results)} | {ref.node for ref in walk.takes}
        body = _Body(self.graph, walk.takes, self.reserved)
        self._steps(body, self.root, needed, "")
        closing = walk.closing([self._value(body, ref, "") for ref in walk.results])
        return Nested(body.text(walk.name, ["self"], [], closing), self.blocks)

    def _write(self, unit: Unit) -> None:
        """The functions of all units inside; where uses of one path differ, none of them is called."""
        for inner in unit.units:
            self._write(inner)
            if self._can_be_called(inner):
                self.texts[id(inner)] = self._function(inner)
        for inner in unit.units:
            text = self.texts.get(id(inner))
            if text is not None and self.blocks.setdefault(inner.region.path, text) != text:
                del self.texts[id(inner)]

    def _can_be_called(self, unit: Unit) -> bool:
        path = unit.region.path
        if not has_sizes(self.graph, self._own(unit), self._takes(unit)):
            return False
        inside = all(n.path.startswith(f"{path}.") for n in unit.nodes if n.is_module or n.kind in ("param", "buffer"))
        return inside and path not in self.layers and any(ref.node in self.needed for ref in unit.outputs)

    def _takes(self, unit: Unit) -> list[Ref]:
        """What it is called with: without what only values take that nothing needs, which may not have been computed."""
        return [ref for ref in unit.inputs if ref.node in self.needed]

    def _function(self, unit: Unit) -> str:
        body = _Body(self.graph, self._takes(unit), self.reserved, unit.region)
        self._steps(body, unit, self.needed, unit.region.path)
        results = [ref for ref in unit.outputs if ref.node in self.needed]
        return body.text("forward", ["self"], [], ", ".join(self._value(body, ref, unit.region.path) for ref in results))

    def _steps(self, body: _Body, unit: Unit, needed: set[int], path: str) -> None:
        for step in unit.steps:
            if isinstance(step, NodeStep):
                if step.node.id in needed:
                    body.add(self._node(body, step.node, path), [Ref(step.node.id)])
            elif id(step.unit) in self.texts and self._is_whole(step.unit, needed):
                values = ", ".join(self._value(body, ref, path) for ref in self._takes(step.unit))
                body.add(f"{reach(step.unit.region.path, path)}({values})", [r for r in step.unit.outputs if r.node in self.needed])
            else:
                self._steps(body, step.unit, needed, path)

    def _own(self, unit: Unit) -> list[Node]:
        return [n for n in unit.nodes if n.kind == "op" and n.id in self.needed]

    def _is_whole(self, unit: Unit, needed: set[int]) -> bool:
        """Whether a walk that needs these nodes computes all that the unit does, and what it takes."""
        return needed.issuperset(n.id for n in self._own(unit)) and needed.issuperset(ref.node for ref in self._takes(unit))

    def _node(self, body: _Body, node: Node, path: str) -> str:
        layer = reach(node.path, path) if node.is_module else ""
        return body.expression(node, lambda ref: self._value(body, ref, path), layer)

    def _value(self, body: _Body, ref: Ref, path: str) -> str:
        node = self.graph.node(ref.node)
        if node.kind in ("param", "buffer") and ref not in body.texts:
            holder, _, name = node.path.rpartition(".")
            return f"{reach(holder, path)}.{name}"
        return body.value(ref)


def relative(path: str, base: str) -> str:
    """A path as it is below `base`; one that is elsewhere as it is."""
    return path.removeprefix(f"{base}.") if base else path


def reach(path: str, base: str) -> str:
    """A layer or block as it is reached from the module at the path `base`, looked up at every call."""
    return "self" + "".join(f'._modules["{part}"]' for part in relative(path, base).split(".") if part and path != base)
