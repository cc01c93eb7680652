"""Graph to spec: the network with every value named, and every default and size written out.

What a run was made of stands in this form in its folder: it needs no overrides, and no default that may change.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from netc.graph import Argument, Graph, Node, Ref
from netc.lower.lowering import Program
from netc.ops.op import REQUIRED, Param, Slice, value_text
from netc.ops.recipes import KEYS
from netc.settings import Made, Section


def resolve(program: Program, beside: bool = False) -> str:
    """The spec as text; loading it gives the same network, data and training.

    With `beside` the Python files that the network and the training use are named as if they stood beside it, else by their
    absolute paths.
    """
    files = program.graph.python_files.values()
    parts = [f"use python {value_text(Path(file).name if beside else file)}" for file in files]
    parts += [_network(program.graph)]
    parts += [_section(program.data)] if program.data else []
    parts += [_section(program.train, beside)] if program.train else []
    return "\n\n".join(parts) + "\n"


def _network(graph: Graph) -> str:
    names = _names(graph)
    uses = Counter(n.path for n in graph.nodes if n.is_module)
    lines = [f"  {n.kind} {names[Ref(n.id)]}: {n.type}" for n in graph.nodes if n.kind in ("input", "target")]
    shared = {path: _free(path.replace(".", "_"), names) for path, count in uses.items() if count > 1}
    declared: set[str] = set()
    for node in graph.nodes:
        lines += _lines(node, names, shared, declared)
    lines += [f"  output {', '.join(_value(o.ref, names) for o in graph.outputs)}"]
    several = len(graph.losses) > 1
    lines += [f"  loss {f'{o.name} = ' if several else ''}{_value(o.ref, names)}" for o in graph.losses]
    lines += [f"  metric {o.name} = {_value(o.ref, names)}" for o in graph.metrics]
    lines += [f"  tie {tie.left} = {tie.right}" for tie in graph.ties]
    rules = [f"    {key} = {rule.init}" for rule in graph.init_rules for key in rule.keys]
    lines += ["  init {", *rules, "  }"] if rules else []
    lines += [f"  freeze {key}" for key in graph.frozen]
    return "\n".join([f"network {graph.name} {{", *lines, "}"])


def _lines(node: Node, names: dict[Ref, str], shared: dict[str, str], declared: set[str]) -> list[str]:
    """The statements for a node; a layer that is used several times is declared before its first use."""
    if node.is_literal:
        return []
    if node.kind in ("param", "buffer"):
        init = node.config["init"].value
        value = str(init) if isinstance(init, Made) else _value(init, names)
        return [f"  {node.kind} {node.path}: {node.type} = {value}"]
    if node.kind != "op":
        return []
    if node.path not in shared or not node.is_module:
        return [f"  {_left(node, names)} = {_right(node, names)}"]
    name = shared[node.path]
    declaration = [] if node.path in declared else [f"  layer {name} = {node.path}: {_layer(node, names)}"]
    declared.add(node.path)
    return [*declaration, f"  {_left(node, names)} = {_sent(node, names)} -> {name}"]


def _names(graph: Graph) -> dict[Ref, str]:
    """A name for every value: its own, or the next free `h`."""
    names = {ref: name for ref, name in graph.names.items() if len(ref.path) <= 1}  # inner parts are reached by index
    taken, number = {*names.values(), *graph.dims}, 0
    names |= {Ref(node.id): value_text(node.config["init"].value) for node in graph.nodes if node.is_literal}
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
        return f"{_sent(node, names)} -> {node.path}: {_layer(node, names)}"
    operands = [_value(node.call[p.name].value, names) for p in op.inputs]
    if op.written == "index":
        return f"{operands[0]}{operands[1]}"
    if op.name == "neg":
        return f"-{operands[0]}"
    if op.is_symbol:
        return f"{operands[0]} {op.name} {operands[1]}"
    return f"{op.name}({', '.join(filter(None, (_argument(p, node.call[p.name], names) for p in op.inputs)))})"


def _sent(node: Node, names: dict[Ref, str]) -> str:
    """What a layer is sent: the tensors that it must have."""
    assert node.op is not None
    inputs = [_value(node.call[p.name].value, names) for p in node.op.inputs if p.takes_tensors and p.default is REQUIRED]
    return inputs[0] if len(inputs) == 1 else f"({', '.join(inputs)})"


def _layer(node: Node, names: dict[Ref, str]) -> str:
    """A layer with all its arguments, also those of its call that were given."""
    assert node.op is not None
    texts = [_argument(p, node.config[p.name], names) for p in node.op.params if node.config[p.name].value is not None or not p.inferred]
    needed = {p.name for p in node.op.inputs if p.takes_tensors and p.default is REQUIRED}
    for name, argument in node.call.items():
        if name not in needed and argument.origin != "default":
            value = argument.value
            several = isinstance(value, (list, tuple)) and any(isinstance(v, Ref) for v in value)
            inner = ", ".join(_value(v, names) for v in value) if several else _value(value, names)
            texts.append(f"{name}=({inner})" if several else f"{name}={inner}")
    return f"{node.op.name}({', '.join(texts)})"


def _free(name: str, names: dict[Ref, str]) -> str:
    """The name, with an underscore behind it where a value has it."""
    return f"{name}_" if name in names.values() else name


def _argument(param: Param, argument: Argument, names: dict[Ref, str]) -> str:
    if param.kind == "keywords":
        return ", ".join(f"{name}={_value(value, names)}" for name, value in argument.value)
    if param.variadic:
        return ", ".join(_value(v, names) for v in argument.value) or "[]"
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


def _section(section: Section, beside: bool = False) -> str:
    width = max(map(len, section.values))
    lines = [f"  {key:{width}} = {_setting(section, key, beside)}" for key in section.values]
    for group in section.groups:
        given = "; ".join(f"{name} = {value_text(argument.value)}" for name, argument in group.arguments.items())
        lines.append(f"  group {', '.join(group.keys)} {{ {given} }}")
    for columns in section.column_groups:
        given = "; ".join(f"{name} = {_plain(section, name, argument.value)}" for name, argument in columns.values.items())
        lines.append(f"  group {', '.join(map(str, columns.patterns))} {{ {given} }}")
    return "\n".join([f"{section.kind} {{", *lines, "}"])


def _setting(section: Section, key: str, beside: bool) -> str:
    value = section[key]
    return value.text(beside) if isinstance(value, Made) else _plain(section, key, value)


def _plain(section: Section, key: str, value: Any) -> str:
    """A value of a key that holds no recipe: one of its words, or as any value is written."""
    is_word = key in KEYS[section.kind] and isinstance(value, str) and value in KEYS[section.kind][key].param.choices
    return str(value) if is_word else value_text(value)
