"""Graph to spec: the network with every value named, and every default and size written out.

What a run was made of stands in this form in its folder: it needs no overrides, and no default that may change.
"""

from __future__ import annotations

from typing import Any

from netc.graph import Argument, Graph, Node, Ref
from netc.lower.lowering import Program
from netc.ops.op import REQUIRED, Param, Slice, value_text
from netc.ops.recipes import KEYS
from netc.settings import Made, Section


def resolve(program: Program) -> str:
    """The spec as text; loading it gives the same network, data and training."""
    parts = [_network(program.graph)]
    parts += [_section(section) for section in (program.data, program.train) if section]
    return "\n\n".join(parts) + "\n"


def _network(graph: Graph) -> str:
    names = _names(graph)
    lines = [f"  {n.kind} {names[Ref(n.id)]}: {n.type}" for n in graph.nodes if n.kind != "op"]
    lines += [f"  {_left(n, names)} = {_right(n, names)}" for n in graph.nodes if n.kind == "op"]
    lines += [f"  output {', '.join(_value(o.ref, names) for o in graph.outputs)}"]
    several = len(graph.losses) > 1
    lines += [f"  loss {f'{o.name} = ' if several else ''}{_value(o.ref, names)}" for o in graph.losses]
    lines += [f"  metric {o.name} = {_value(o.ref, names)}" for o in graph.metrics]
    return "\n".join([f"network {graph.name} {{", *lines, "}"])


def _names(graph: Graph) -> dict[Ref, str]:
    """A name for every value: its own, or the next free `h`."""
    names = dict(graph.names)
    taken, number = {*names.values(), *graph.dims}, 0
    for node in graph.nodes:
        refs = [Ref(node.id, (i,)) for i in range(len(node.type))] if isinstance(node.type, tuple) else [Ref(node.id)]
        for ref in refs:
            while ref not in names:
                number += 1
                if f"h{number}" not in taken:
                    names[ref] = f"h{number}"
    return names


def _left(node: Node, names: dict[Ref, str]) -> str:
    if isinstance(node.type, tuple):
        return ", ".join(names[Ref(node.id, (i,))] for i in range(len(node.type)))
    return names[Ref(node.id)]


def _right(node: Node, names: dict[Ref, str]) -> str:
    op = node.op
    assert op is not None
    if op.is_module:
        inputs = [_value(ref, names) for ref in node.refs]
        sent = inputs[0] if len(inputs) == 1 else f"({', '.join(inputs)})"
        config = [_argument(p, node.config[p.name], names) for p in op.params]
        return f"{sent} -> {node.path}: {op.name}({', '.join(config)})"
    operands = [_value(node.call[p.name].value, names) for p in op.inputs]
    if op.written == "index":
        return f"{operands[0]}{operands[1]}"
    if op.name == "neg":
        return f"-{operands[0]}"
    if not op.name.isidentifier():
        return f"{operands[0]} {op.name} {operands[1]}"
    return f"{op.name}({', '.join(_argument(p, node.call[p.name], names) for p in op.inputs)})"


def _argument(param: Param, argument: Argument, names: dict[Ref, str]) -> str:
    if param.variadic:
        return ", ".join(_value(v, names) for v in argument.value)
    text = _value(argument.value, names)
    return text if param.takes_tensors and param.default is REQUIRED else f"{param.name}={text}"


def _value(value: Any, names: dict[Ref, str]) -> str:
    if isinstance(value, Ref):
        for length in range(len(value.path), -1, -1):  # the longest part that has a name
            if Ref(value.node, value.path[:length]) in names:
                return names[Ref(value.node, value.path[:length])] + "".join(f"[{i}]" for i in value.path[length:])
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(v, names) for v in value)}]"
    if isinstance(value, Slice):
        start, stop, step = ("" if v is None else _value(v, names) for v in value.parts)
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return "..." if value is ... else value_text(value)


def _section(section: Section) -> str:
    width = max(map(len, section.values))
    lines = [f"  {key:{width}} = {_setting(section, key)}" for key in section.values]
    return "\n".join([f"{section.kind} {{", *lines, "}"])


def _setting(section: Section, key: str) -> str:
    value = section[key]
    if isinstance(value, Made):
        arguments = ", ".join(f"{name}={value_text(v)}" for name, v in value.values.items())
        return f"{value.recipe.name}({arguments})"
    return value if value in KEYS[section.kind][key].param.choices else value_text(value)
