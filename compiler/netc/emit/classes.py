"""Units as classes: those that differ in numbers only are one class, and these numbers are its arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from netc.code import Text, literal
from netc.emit.members import Container, Inner, Layer, Member, Raw, Written, flows, is_chain, is_default, members_of
from netc.emit.units import NodeStep, Unit
from netc.emit.writer import INDENT, WIDTH, Writer, safe
from netc.graph import Graph, Ref
from netc.tensors import type_text


@dataclass(eq=False)
class Class:
    """A class, and the units that it stands for; `params` are its arguments, each with a value for every unit."""

    name: str
    units: list[Unit]
    forward: list[str]
    params: dict[str, list[Any]] = field(default_factory=dict)

    def values(self, unit: Unit) -> list[Any]:
        """What a unit is constructed with."""
        return [values[self.units.index(unit)] for values in self.params.values()]


Slot = tuple[str, ...]  # a path of members to a construction, and the parameter


class Classes:
    """All classes of a network but its own, the inner ones first."""

    def __init__(self, root: Unit, graph: Graph) -> None:
        self.graph = graph
        self.written = _written(root)
        self.of: dict[int, Class] = {}  # by unit
        self.found: dict[object, Class] = {}
        self.members: dict[int, dict[str, Member]] = {}
        self._collect(root)
        for made in self.found.values():
            self._parametrize(made)

    def _collect(self, unit: Unit) -> None:
        """Gives every unit inside a class, the innermost first."""
        self.members[id(unit)] = members_of(unit, self.graph, self.written)
        for inner in unit.units:
            self._collect(inner)
            if not is_chain(inner):
                forward = self.forward(inner)
                key = (inner.region.name or None, self._skeleton(self.members[id(inner)]), tuple(forward))
                made = self.found.get(key)
                if made is None:
                    made = self.found[key] = Class(self._free_name(inner), [], forward)
                made.units.append(inner)
                self.of[id(inner)] = made

    def _free_name(self, unit: Unit) -> str:
        parts = [part for part in unit.region.path.split(".") if not part.isdigit()]
        base = unit.region.name or "".join(word.capitalize() for word in parts[-1].split("_")) if parts else "Part"
        taken = {made.name for made in self.found.values()} | {self.graph.name}
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}{number}"
        return name

    def _skeleton(self, members: dict[str, Member]) -> object:
        """What members have in common with those of another use of the same block."""
        return tuple((name, self._bones(member)) for name, member in members.items())

    def _bones(self, member: Member) -> object:
        if isinstance(member, Layer):
            return (member.target, tuple((a.param, a.by_name, type(a.value)) for a in member.arguments))
        if isinstance(member, Raw):
            return member.lines
        if isinstance(member, Container):
            return self._skeleton(member.members)
        if member.is_chain:
            return ("chain", self._skeleton(self.members[id(member.unit)]))
        return id(self.of[id(member.unit)])

    # --- arguments ---

    def slots(self, members: dict[str, Member], path: Slot = ()) -> Iterator[tuple[Slot, Any]]:
        """Every argument of every construction, with its value."""
        for name, member in members.items():
            here = (*path, name)
            if isinstance(member, Layer):
                yield from (((*here, a.param), a.value) for a in member.arguments)
            elif isinstance(member, Container):
                yield from self.slots(member.members, here)
            elif isinstance(member, Inner) and member.is_chain:
                yield from self.slots(self.members[id(member.unit)], here)
            elif isinstance(member, Inner):
                made = self.of[id(member.unit)]
                yield from (((*here, p), v) for p, v in zip(made.params, made.values(member.unit), strict=True))

    def _parametrize(self, made: Class) -> None:
        columns = [dict(self.slots(self.members[id(unit)])) for unit in made.units]
        for slot in columns[0]:
            values = [column[slot] for column in columns]
            if all(same(v, values[0]) for v in values) or self.param_of(made, values):
                continue
            made.params[self._param_name(made, slot, values)] = values

    def param_of(self, made: Class, values: list[Any]) -> str | None:
        """The argument of a class that has these values."""
        return next((p for p, v in made.params.items() if all(map(same, v, values))), None)

    def _param_name(self, made: Class, slot: Slot, values: list[Any]) -> str:
        written = made.units[0].region.values
        own = [n for n in written if all(same(u.region.values.get(n), v) for u, v in zip(made.units, values, strict=True))]
        name = own[0] if own else slot[-1]
        clashes = name in made.params or (not own and name in written)  # the block means something else by that name
        return "_".join(part for part in slot if not part.isdigit()) if clashes else name

    # --- text ---

    def forward(self, unit: Unit) -> list[str]:
        """The method of a class that computes the unit's outputs."""
        names = unit.region.names
        takes = self._arguments(unit, names)
        writer = Writer(self.graph, takes, names, lambda path: self.reach(unit, path))
        writer.write(unit.steps, unit.outputs)
        arguments = "".join(f", {name}: Tensor" for name in takes.values())
        head = f"    def forward(self{arguments}) -> {result_type(unit.outputs)}:"
        return [head, *writer.lines, returned([writer.value(ref).text for ref in unit.outputs])]

    def _arguments(self, unit: Unit, names: dict[Ref, str]) -> dict[Ref, str]:
        takes: dict[Ref, str] = {}
        for ref in unit.inputs:
            base = safe(names.get(ref, "x"))
            number = 1
            while (name := base if number == 1 else f"{base}_{number}") in takes.values():
                number += 1
            takes[ref] = name
        return takes

    def reach(self, unit: Unit, path: str) -> str:
        """How a layer, parameter or unit is reached in a method of the class of `unit`."""
        first, *rest = unit.relative(path).split(".")
        start = f'self["{first}"]' if is_dict(self.members[id(unit)]) else f"self.{first}"
        return start + "".join(f'["{part}"]' for part in rest)

    def text(self, made: Class) -> str:
        """The source of a class."""
        unit = made.units[0]
        members = self.members[id(unit)]
        arguments = "".join(f", {name}: {_annotation(values)}" for name, values in made.params.items())
        is_sequential = flows(unit) and is_numbered(members)
        base = "nn.Sequential" if is_sequential else "nn.ModuleDict" if is_dict(members) else "nn.Module"
        head = [f"class {made.name}({base}):", f'    """{self._shapes(made)}"""', "", f"    def __init__(self{arguments}) -> None:"]
        if is_sequential:
            inner = "".join(f"{INDENT}    {self._construction(m, made, (name,), 3)},\n" for name, m in members.items())
            return "\n".join([*head, f"{INDENT}super().__init__(\n{inner}{INDENT})"])
        return "\n".join([*head, *self.init_lines(members, made), "", *made.forward])

    def _shapes(self, made: Class) -> str:
        unit = made.units[0]
        inputs, outputs = (", ".join(type_text(self.graph.type_of(r)) for r in refs) for refs in (unit.inputs, unit.outputs))
        return f"{'E.g. ' if len(made.units) > 1 else ''}{inputs} to {outputs}."

    def init_lines(self, members: dict[str, Member], made: Class | None) -> list[str]:
        """The body of a constructor."""
        if is_dict(members) and not any(isinstance(m, Raw) for m in members.values()):
            inner = self._items(members, made, (), 3)
            return [f"{INDENT}super().__init__({{", *inner, f"{INDENT}}})"]
        return [f"{INDENT}super().__init__()", *self._statements(members, made, (), "self", is_dict(members))]

    def _statements(self, members: dict[str, Member], made: Class | None, path: Slot, owner: str, by_key: bool) -> list[str]:
        """A statement a member. A container with parameters of its own is filled step by step, in the order of construction."""
        lines: list[str] = []
        for name, member in members.items():
            place = f'{owner}["{name}"]' if by_key else f"{owner}.{name}"
            if isinstance(member, Raw):
                lines += [f"{INDENT}{line}" for line in member.lines]
            elif isinstance(member, Container) and any(isinstance(m, Raw) for m in member.members.values()):
                lines.append(f"{INDENT}{place} = nn.ModuleDict()")
                lines += self._statements(member.members, made, (*path, name), place, by_key=True)
            else:
                lines.append(f"{INDENT}{place} = {self._construction(member, made, (*path, name), 2)}")
        return lines

    def _items(self, members: dict[str, Member], made: Class | None, path: Slot, depth: int) -> list[str]:
        space = "    " * depth
        return [f'{space}"{name}": {self._construction(m, made, (*path, name), depth)},' for name, m in members.items()]

    def _construction(self, member: Member, made: Class | None, path: Slot, depth: int) -> str:
        assert not isinstance(member, Raw)
        space = "    " * depth
        if isinstance(member, Container):
            inner = "\n".join(self._items(member.members, made, path, depth + 1))
            return f"nn.ModuleDict({{\n{inner}\n{space}}})"
        if isinstance(member, Layer):
            texts = [self._argument(made, (*path, a.param), a.value, a.param if a.by_name else "") for a in member.arguments]
            return f"{member.target}({', '.join(texts)})"
        if member.is_chain:
            return self._chain(member, made, path, depth)
        inside = self.of[id(member.unit)]
        values = zip(inside.params, inside.values(member.unit), strict=True)
        return f"{inside.name}({', '.join(self._argument(made, (*path, p), v, '') for p, v in values)})"

    def _chain(self, member: Inner, made: Class | None, path: Slot, depth: int) -> str:
        members = self.members[id(member.unit)]
        space = "    " * (depth + 1)
        texts = [(name, self._construction(m, made, (*path, name), depth + 1)) for name, m in members.items()]
        if is_numbered(members) and len(texts) > 3 and len({text for _, text in texts}) == 1 and "\n" not in texts[0][1]:
            return f"nn.Sequential(*({texts[0][1]} for _ in range({len(texts)})))"
        if is_numbered(members):
            short = f"nn.Sequential({', '.join(text for _, text in texts)})"
            if len(short) < WIDTH - 30 and "\n" not in short:
                return short
            return "nn.Sequential(\n" + "".join(f"{space}{text},\n" for _, text in texts) + "    " * depth + ")"
        lines = "".join(f'{space}("{name}", {text}),\n' for name, text in texts)
        return f"nn.Sequential(OrderedDict([\n{lines}{'    ' * depth}]))"

    def _argument(self, made: Class | None, slot: Slot, value: Any, name: str) -> str:
        text = literal(value, lambda ref: Text("")).text
        if made is not None and len(made.units) > 1:
            columns = [dict(self.slots(self.members[id(unit)]))[slot] for unit in made.units]
            text = self.param_of(made, columns) or text
        return f"{name}={text}" if name else text


def is_dict(members: dict[str, Member]) -> bool:
    """Whether a class has members that are numbers, which attributes cannot be."""
    return any(name.isdigit() for name in members)


def is_numbered(members: dict[str, Member]) -> bool:
    """Whether the members are 0, 1, 2, … as those of an `nn.Sequential`."""
    return list(members) == [str(i) for i in range(len(members))]


def same(a: Any, b: Any) -> bool:
    """Whether two arguments are equal and of one type (1 is not true)."""
    return type(a) is type(b) and bool(a == b)


def result_type(results: list[Ref]) -> str:
    """The annotation of what a method gives."""
    return "Tensor" if len(results) == 1 else f"tuple[{', '.join(['Tensor'] * len(results))}]"


def returned(values: list[str]) -> str:
    """The return statement: on one line where it fits, else a value a line."""
    line = f"{INDENT}return {', '.join(values)}"
    if len(line) <= WIDTH or len(values) == 1:
        return line
    inner = "".join(f"{INDENT}    {value},\n" for value in values)
    return f"{INDENT}return (\n{inner}{INDENT})"


def _annotation(values: list[Any]) -> str:
    kinds = {type(v).__name__ for v in values}
    return kinds.pop() if len(kinds) == 1 and kinds <= {"int", "float", "bool", "str"} else "object"


def _written(root: Unit) -> Written:
    """The arguments that differ from torch's defaults in some use of each block, so that all its uses write them."""
    found: dict[tuple[str, str], set[str]] = {}

    def visit(unit: Unit) -> None:
        for step in unit.steps:
            if isinstance(step, NodeStep) and step.node.is_module and unit.region.name:
                names = {p.name for p in step.node.op.params if not is_default(step.node, p.name)} if step.node.op else set()
                found.setdefault((unit.region.name, unit.relative(step.node.path)), set()).update(names)
        for inner in unit.units:
            visit(inner)

    visit(root)
    return found
