"""Graph to plain PyTorch: a class that an expert could have written, which imports nothing of netc.

Its parameters have the keys of netc's module, so one `state_dict` fits both.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from netc.code import Text, construction, expression, size_writer
from netc.graph import Graph, Node, Ref
from netc.lower.scope import SOURCE_NAMES
from netc.tensors import type_text

WIDTH = 100  # a line with a nested expression is not made longer than this
INDENT = " " * 8


def emit(graph: Graph, origin: str = "") -> str:
    """The source of a module with one class: `__init__`, `forward` and, where the spec has losses, `loss`."""
    methods = [_init(graph), *_forwards(graph)]
    body = f'class {graph.name}(nn.Module):\n    """{_shapes(graph)}"""\n\n' + "\n\n".join(methods)
    head = f'"""{graph.name}, written by netc from {Path(origin).name or "a spec"}."""\n\n'
    return head + _imports(body) + f"\n\n{body}\n"


def _imports(body: str) -> str:
    used = [line for word, line in (("torch.", "import torch\n"), ("F.", "import torch.nn.functional as F\n")) if word in body]
    return "".join(used) + "from torch import Tensor, nn\n"


def _shapes(graph: Graph) -> str:
    """`x: [B, 5] to p: [B, 1].`"""
    inputs = ", ".join(f"{graph.name_of(n)}: {type_text(n.type)}" for n in graph.inputs)
    outputs = ", ".join(f"{o.name}: {type_text(graph.type_of(o.ref))}" for o in graph.outputs)
    text = f"{inputs} to {outputs}."
    return text if len(text) <= WIDTH - 10 else textwrap.fill(text, WIDTH, initial_indent="", subsequent_indent="    ") + "\n    "


def safe(name: str) -> str:
    """A name of the spec as Python can use it."""
    return f"{name}_" if keyword.iskeyword(name) or name in SOURCE_NAMES else name


# --- the constructor ------------------------------------------------------------------------------------------


def _init(graph: Graph) -> str:
    lines = ["    def __init__(self) -> None:", f"{INDENT}super().__init__()"]
    groups: dict[str, Any] = {}
    for node in graph.modules:
        *outer, name = node.path.split(".")
        here = groups
        for part in outer:
            here = here.setdefault(part, {})
        here[name] = construction(node)
    for name, made in groups.items():
        lines.append(f"{INDENT}self.{name} = {_container(made, 2)}")
    return "\n".join(lines)


def _container(made: Any, depth: int) -> str:
    """A layer's construction, or a ModuleDict of those under a label."""
    if not isinstance(made, dict):
        return str(made)
    inner = "".join(f'{"    " * (depth + 1)}"{name}": {_container(part, depth + 1)},\n' for name, part in made.items())
    return f"nn.ModuleDict({{\n{inner}{'    ' * depth}}})"


def reach(path: str) -> str:
    """How a layer is reached from a method: `self.hidden1`, `self.encoder["0"]`."""
    first, *rest = path.split(".")
    return f"self.{first}" + "".join(f'["{part}"]' for part in rest)


# --- the methods ----------------------------------------------------------------------------------------------


def _forwards(graph: Graph) -> list[str]:
    """`forward` and `loss`; where a loss needs values that are no outputs, both begin with one method that gives all."""
    outputs = [o.ref for o in graph.outputs]
    if not graph.losses:
        return [_method(graph, "forward", graph.inputs, [], outputs)]
    extra = _inner_values(graph)
    arguments = ", ".join(safe(graph.name_of(n)) for n in graph.inputs)
    if not extra:
        call = f"self({arguments})"
        return [_method(graph, "forward", graph.inputs, [], outputs), _loss(graph, outputs, call)]
    every = [*dict.fromkeys([*outputs, *extra])]
    count = len(outputs)
    part = "[0]" if count == 1 else f"[:{count}]"
    signature = _signature(graph, "forward", graph.inputs, _result_type(outputs))
    forward = f"{signature}\n{INDENT}return self._values({arguments}){part}"
    values = _method(graph, "_values", graph.inputs, [], every)
    return [forward, values, _loss(graph, every, f"self._values({arguments})")]


def _inner_values(graph: Graph) -> list[Ref]:
    """Values of the forward pass that only a loss needs beside the outputs, or layers that only it uses."""
    forward = {n.id for n in graph.forward_nodes}
    have = {o.ref for o in graph.outputs}
    needed: dict[Ref, None] = {}
    stack = [loss.ref for loss in graph.losses]
    seen: set[Ref] = set()
    while stack:
        ref = stack.pop()
        if ref in have or ref in seen or graph.node(ref.node).kind != "op":
            continue
        seen.add(ref)
        if ref.node in forward:
            needed[ref] = None
        else:
            stack += reversed(graph.node(ref.node).refs)
    return sorted(needed, key=lambda r: (r.node, r.path))


def _signature(graph: Graph, name: str, takes: Sequence[Node], result: str) -> str:
    arguments = "".join(f", {safe(graph.name_of(n))}: Tensor" for n in takes)
    return f"    def {name}(self{arguments}) -> {result}:"


def _result_type(results: Sequence[Ref]) -> str:
    return "Tensor" if len(results) == 1 else f"tuple[{', '.join(['Tensor'] * len(results))}]"


def _method(graph: Graph, name: str, takes: Sequence[Node], first: list[str], results: Sequence[Ref]) -> str:
    writer = Writer(graph, takes)
    nodes = [n for n in graph.needed_for(results) if n.kind == "op"]
    writer.write(nodes, results)
    returned = _return([writer.value(ref).text for ref in results])
    return "\n".join([_signature(graph, name, takes, _result_type(results)), *first, *writer.lines, returned])


def _return(values: list[str]) -> str:
    """The return statement: on one line where it fits, else a value a line."""
    line = f"{INDENT}return {', '.join(values)}"
    if len(line) <= WIDTH or len(values) == 1:
        return line
    inner = "".join(f"{INDENT}    {value},\n" for value in values)
    return f"{INDENT}return (\n{inner}{INDENT})"


def _loss(graph: Graph, given: Sequence[Ref], call: str) -> str:
    """The sum of the losses, from the values `given` that `call` gives."""
    takes = graph.inputs + graph.targets
    writer = Writer(graph, takes)
    nodes = _objective_nodes(graph, given)
    used = {ref for n in nodes for ref in n.refs} | {loss.ref for loss in graph.losses}
    writer.left = _use_counts(nodes, [loss.ref for loss in graph.losses])
    names = [writer.name(ref) if ref in used else "_" for ref in given]
    first = [f"{INDENT}{', '.join(names)} = {call}"] if any(n != "_" for n in names) else []
    writer.write(nodes, [loss.ref for loss in graph.losses])
    total = " + ".join(writer.value(loss.ref).inside(3) for loss in graph.losses)
    lines = [_signature(graph, "loss", takes, "Tensor"), *first, *writer.lines, f"{INDENT}return {total}"]
    return "\n".join(lines)


def _objective_nodes(graph: Graph, given: Sequence[Ref]) -> list[Node]:
    """The nodes of the losses that are not behind the given values."""
    have = set(given)
    found: dict[int, Node] = {}
    stack = [loss.ref for loss in graph.losses]
    while stack:
        ref = stack.pop()
        node = graph.node(ref.node)
        if ref not in have and node.kind == "op" and node.id not in found:
            found[node.id] = node
            stack += node.refs
    return [found[id] for id in sorted(found)]


class Writer:
    """Writes nodes as statements. A value that is used once, right after it is made, stands inside its use."""

    def __init__(self, graph: Graph, takes: Sequence[Node]) -> None:
        self.graph = graph
        self.lines: list[str] = []
        self.names: dict[Ref, str] = {Ref(n.id): safe(graph.name_of(n)) for n in takes}
        self.taken = set(self.names.values())
        self.pending: dict[int, Text] = {}  # made, not yet written: the last nodes, in order
        self.objectives = {loss.ref: loss.name for loss in graph.losses} if len(graph.losses) > 1 else {}
        self.left: dict[Ref, int] = {}  # how often each value is still used
        self.current = ""  # the text that is written once the pending ones are
        self.scratch: dict[str, Ref] = {}  # variables without a name in the spec, free again when their value is used up
        self.sizes = size_writer(graph, [n.id for n in takes], lambda ref: self.names[ref])

    def name(self, ref: Ref) -> str:
        """A variable for a value: its name in the spec, or `h`, `h_2` where the variable of that name is used up."""
        named = self.graph.names.get(ref) or self.objectives.get(ref)
        base = safe(named) if named else "h"
        name, number = base, 1
        while name in self.taken and (named is not None or not self._is_free(name)):
            number += 1
            name = f"{base}_{number}"
        if named is None:
            self.scratch[name] = ref
        self.taken.add(name)
        self.names[ref] = name
        return name

    def _is_free(self, name: str) -> bool:
        """Whether a variable can be used again: its value is used up, and no text that is still to be written names it."""
        unwritten = [self.current, *(text.text for text in self.pending.values())]
        is_used_up = name in self.scratch and not self.left.get(self.scratch[name])
        return is_used_up and not any(re.search(rf"\b{name}\b", text) for text in unwritten)

    def value(self, ref: Ref) -> Text:
        """A value as an operand."""
        self.left[ref] = self.left.get(ref, 0) - 1
        if ref in self.names:
            return Text(self.names[ref])
        if ref.node in self.pending and not ref.path:
            return self.pending.pop(ref.node)
        self.left[Ref(ref.node)] = self.left.get(Ref(ref.node), 0) - 1
        return Text(self.names[Ref(ref.node)] + "".join(f"[{i}]" for i in ref.path))

    def write(self, nodes: Sequence[Node], results: Iterable[Ref]) -> None:
        """The statements for the nodes; what is left pending stands in the return."""
        self.left = _use_counts(nodes, results)
        uses = dict(self.left)
        for node in nodes:
            self._flush(node)
            text = expression(node, self.value, reach(node.path) if node.is_module else "", self.sizes)
            ref = Ref(node.id)
            named = ref in self.graph.names or ref in self.objectives or isinstance(node.type, tuple)
            if named or uses.get(ref, 0) != 1 or len(text.text) > WIDTH:
                self._assign(node, text)
            else:
                self.pending[node.id] = text
        if list(self.pending) != [ref.node for ref in results]:
            self._write_pending()

    def _flush(self, node: Node) -> None:
        """Writes the pending values where this node must not take them into its own expression.

        It may take the last ones, in the order in which they were made, or they would be computed in another order; and a
        layer with parameters begins a line of its own where its input has a call already.
        """
        ids = list(self.pending)
        taken = [ref.node for ref in node.refs if ref.node in self.pending]
        starts_line = bool(node.weights) and any("(" in self.pending[id].text for id in taken)
        if taken and (starts_line or ids[-len(taken) :] != taken):
            self._write_pending()

    def _write_pending(self) -> None:
        for id in list(self.pending):
            self._line(self.graph.node(id), self.pending.pop(id))

    def _assign(self, node: Node, text: Text) -> None:
        self.current = text.text
        self._write_pending()
        self.current = ""
        self._line(node, text)

    def _line(self, node: Node, text: Text) -> None:
        if isinstance(node.type, tuple):
            self._unpack(node, text)
        else:
            self.lines.append(f"{INDENT}{self.name(Ref(node.id))} = {text.text}")

    def _unpack(self, node: Node, text: Text) -> None:
        """`q, k, v = …` where all parts are tensors; else one variable for the whole."""
        assert isinstance(node.type, tuple)
        if any(isinstance(part, tuple) for part in node.type):
            self.lines.append(f"{INDENT}{self.name(Ref(node.id))} = {text.text}")
            return
        names = [self.name(Ref(node.id, (i,))) for i in range(len(node.type))]
        self.lines.append(f"{INDENT}{', '.join(names)} = {text.text}")


def _use_counts(nodes: Sequence[Node], results: Iterable[Ref]) -> dict[Ref, int]:
    counts: dict[Ref, int] = {}
    for ref in [*(r for n in nodes for r in n.refs), *results]:
        counts[ref] = counts.get(ref, 0) + 1
    return counts
