"""Units as classes: those that differ in numbers only are one class, and these numbers are its arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netc.code import Text, is_left_out, literal
from netc.emit.members import Container, Inner, Layer, Member, Raw, Written, flows, is_chain, members_of
from netc.emit.recursion import Class, below, everything
from netc.emit.texts import INDENT, WIDTH, annotation, docstring, result_type, returned
from netc.emit.writer import Writer, safe
from netc.graph import Graph, Ref
from netc.tensors import type_text
from netc.units import NodeStep, Unit

MOST_ALIKE = 3  # more layers than these that are made alike are written once

NOTHING: dict[str, Member] = {}  # the members of a layer
Slot = tuple[str, ...]  # a path of members to a construction, and the parameter


class Classes:
    """All classes of a network but its own, the inner ones first."""

    def __init__(self, root: Unit, graph: Graph) -> None:
        self.graph = graph
        self.written = _written(root)
        self.of: dict[int, Class] = {}  # by unit
        self.found: dict[object, Class] = {}
        self.members: dict[int, dict[str, Member]] = {}
        self.kinds: dict[int, tuple[bool, bool]] = {}  # by members: whether they are those of a ModuleList, or need one or a dict
        self.ways: dict[tuple[int, str], tuple[str, list[str]] | None] = {}  # through the members of a unit at a path
        self.stand_ins: dict[int, object] = {}  # what a unit in one of the same block is compared by
        self._collect(root)
        recursive = [made for made in self.found.values() if made.is_recursive]
        self.within = {id(inner) for made in recursive for inner in made.below.values()}  # made by a recursive class itself
        for made in recursive:
            self._rename(made)
        for made in self.found.values():
            self._parametrize(made)

    def _collect(self, unit: Unit) -> None:
        """Gives every unit inside a class, the innermost first."""
        self.members[id(unit)] = members_of(unit, self.graph, self.written)
        for inner in unit.units:
            self._collect(inner)
            if not is_chain(inner):
                self.of[id(inner)] = self._class(inner)

    def _class(self, unit: Unit) -> Class:
        """The class of a unit: that of another use of the block, also of the one inside it, or a new one."""
        inner, forward = below(unit, self.members), self.forward(unit)
        made, end = None, inner
        if inner is not None and self.of[id(inner)].end is not None:
            made = self.found.get(self._key(unit, forward, inner, self.of[id(inner)].end))
            made = made if made is self.of[id(inner)] else None
        if made is None:
            key = self._key(unit, forward, inner, end)
            made = self.found.setdefault(key, Class(self._free_name(unit), [], forward, end=end))
        made.units.append(unit)
        if inner is not None:
            made.below[id(unit)] = inner
        return made

    def _key(self, unit: Unit, forward: list[str], inner: Unit | None, end: Unit | None) -> object:
        """What units of one class have in common; `end` is the last of those of the block that are within each other."""
        if inner is not None and end is not None:
            self.stand_ins[id(inner)] = (id(self.of[id(end)]), everything(self.members[id(end)], self.members))
        return (unit.region.name or None, self._skeleton(self.members[id(unit)]), tuple(forward))

    def _rename(self, made: Class) -> None:
        """Gives a class that constructs itself the name of the block, and its innermost one another."""
        assert made.end is not None
        last, block = self.of[id(made.end)], made.end.region.name
        if last.name == block and f"Innermost{block}" not in {other.name for other in self.found.values()}:
            last.name, made.name = f"Innermost{block}", block

    def _free_name(self, unit: Unit) -> str:
        parts = [part for part in unit.region.path.split(".") if not part.isdigit()]
        words = ["".join(word.capitalize() for word in part.split("_")) for part in parts] or ["Part"]
        taken = {made.name for made in self.found.values()} | {self.graph.name}
        base = unit.region.name or next((name for name in (words[-1], "".join(words[-2:])) if name not in taken), words[-1])
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
        return self.stand_ins.get(id(member.unit)) or id(self.of[id(member.unit)])

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
            elif isinstance(member, Inner) and id(member.unit) not in self.within:
                made = self.of[id(member.unit)]
                yield from (((*here, p), v) for p, v in zip(made.arguments, made.values(member.unit), strict=True))

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
        writer = self.writer(unit, takes, names)
        writer.write(unit.steps, unit.outputs)
        arguments = "".join(f", {name}: Tensor" for name in takes.values())
        head = f"    def forward(self{arguments}) -> {result_type(unit.outputs)}:"
        return [head, *writer.lines, returned([writer.value(ref).text for ref in unit.outputs])]

    def writer(self, unit: Unit, takes: dict[Ref, str], names: dict[Ref, str]) -> Writer:
        """What writes a method of the class of `unit`."""
        return Writer(self.graph, takes, names, lambda path: self.reach(unit, path), lambda path: self.children(unit, path))

    def _arguments(self, unit: Unit, names: dict[Ref, str]) -> dict[Ref, str]:
        takes: dict[Ref, str] = {}
        for ref in unit.inputs:
            around = self.graph.names.get(ref, "x") if takes and not unit.region.name else "x"
            base = safe(names.get(ref, around))
            number = 1
            while (name := base if number == 1 else f"{base}_{number}") in takes.values():
                number += 1
            takes[ref] = name
        return takes

    def reach(self, unit: Unit, path: str) -> str:
        """How a layer, parameter or unit is reached in a method of the class of `unit`."""
        first, *rest = unit.relative(path).split(".")
        members = self.members[id(unit)]
        text = f"self{self._key_of(members, first)}" if self._kind(members)[1] else f"self.{first}"
        for part in rest:
            member = members[first]
            members, first = member.members if isinstance(member, Container) else NOTHING, part
            text += self._key_of(members, part)
        return text

    def _kind(self, members: dict[str, Member]) -> tuple[bool, bool]:
        """`is_list` and `is_dict`, once for each container: a layer in it asks."""
        if id(members) not in self.kinds:
            self.kinds[id(members)] = (is_list(members), is_dict(members))
        return self.kinds[id(members)]

    def _key_of(self, members: dict[str, Member], name: str) -> str:
        return f"[{name}]" if self._kind(members)[0] else f'["{name}"]'

    def children(self, unit: Unit, path: str) -> tuple[str, list[str]] | None:
        """How all members at a path are gone through in a method of the class of `unit`, and their names."""
        if (id(unit), path) not in self.ways:
            self.ways[id(unit), path] = self._way_through(unit, path)
        return self.ways[id(unit), path]

    def _way_through(self, unit: Unit, path: str) -> tuple[str, list[str]] | None:
        members = self.members[id(unit)]
        if path == unit.region.path:
            text = "self" if is_dict(members) else ""
        else:
            text = self.reach(unit, path)
            for part in unit.relative(path).split("."):
                member = members.get(part)
                members = member.members if isinstance(member, Container) else {}
        if not text or not members or any(isinstance(m, Raw) for m in members.values()):
            return None
        return text if is_list(members) else f"{text}.values()", list(members)

    def text(self, made: Class) -> str:
        """The source of a class."""
        unit = made.units[0]
        members = self.members[id(unit)]
        arguments = "".join(f", {name}: {annotation(values)}" for name, values in made.arguments.items())
        is_sequential = flows(unit) and is_numbered(members)
        base = "nn.Sequential" if is_sequential else f"nn.{_container(members)}" if is_dict(members) else "nn.Module"
        head = [f"class {made.name}({base}):", f'    """{self._shapes(made)}"""', "", f"    def __init__(self{arguments}) -> None:"]
        head += [f"{INDENT}{line}" for line in made.opening]
        if is_sequential:
            inner = "".join(f"{INDENT}    {self._construction(m, made, (name,), 3)},\n" for name, m in members.items())
            return "\n".join([*head, f"{INDENT}super().__init__(\n{inner}{INDENT})"])
        return "\n".join([*head, *self.init_lines(members, made), "", *made.forward])

    def _shapes(self, made: Class) -> str:
        unit = made.units[0]
        inputs, outputs = (", ".join(type_text(self.graph.type_of(r)) for r in refs) for refs in (unit.inputs, unit.outputs))
        return docstring(f"{'E.g. ' if len(made.units) > 1 else ''}{inputs} to {outputs}.", 4)

    def init_lines(self, members: dict[str, Member], made: Class | None) -> list[str]:
        """The body of a constructor."""
        if is_dict(members) and not any(isinstance(m, Raw) for m in members.values()):
            return [f"{INDENT}super().__init__({self._inside(members, made, (), 2)})"]
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

    def _inside(self, members: dict[str, Member], made: Class | None, path: Slot, depth: int) -> str:
        """What an `nn.ModuleList` or `nn.ModuleDict` is made of."""
        space = "    " * (depth + 1)
        texts = {name: self._construction(m, made, (*path, name), depth + 1) for name, m in members.items()}
        alike = len(texts) > MOST_ALIKE and len({*texts.values()}) == 1 and "\n" not in next(iter(texts.values()))
        prefix = next(iter(texts)).rstrip("0123456789")
        counted = "" if is_list(members) else next((str(i) for i in (0, 1) if _counted(list(texts), prefix, i)), "")
        if alike and is_list(members):
            return f"{texts['0']} for _ in range({len(texts)})"
        if alike and counted:
            numbers = f"range({counted}, {int(counted) + len(texts)})" if int(counted) else f"range({len(texts)})"
            return f'{{f"{prefix}{{i}}": {texts[f"{prefix}{counted}"]} for i in {numbers}}}'
        opening, closing = "[]" if is_list(members) else "{}"
        items = "".join(f"{space}{text},\n" if is_list(members) else f'{space}"{name}": {text},\n' for name, text in texts.items())
        return f"{opening}\n{items}{'    ' * depth}{closing}"

    def _construction(self, member: Member, made: Class | None, path: Slot, depth: int) -> str:
        assert not isinstance(member, Raw)
        if isinstance(member, Container):
            return f"nn.{_container(member.members)}({self._inside(member.members, made, path, depth)})"
        if isinstance(member, Layer):
            texts = [self._argument(made, (*path, a.param), a.value, a.param if a.by_name else "") for a in member.arguments]
            return f"{member.target}({', '.join(texts)})"
        if member.is_chain:
            return self._chain(member, made, path, depth)
        inside = self.of[id(member.unit)]
        if made is not None and made.end is not None and id(member.unit) in self.within:
            return made.inside(self._construction(Inner(made.end, is_chain=False), None, (), depth))
        values = zip(inside.arguments, inside.values(member.unit), strict=True)
        return f"{inside.name}({', '.join(self._argument(made, (*path, p), v, '') for p, v in values)})"

    def _chain(self, member: Inner, made: Class | None, path: Slot, depth: int) -> str:
        members = self.members[id(member.unit)]
        space = "    " * (depth + 1)
        texts = [(name, self._construction(m, made, (*path, name), depth + 1)) for name, m in members.items()]
        if is_numbered(members) and len(texts) > MOST_ALIKE and len({text for _, text in texts}) == 1 and "\n" not in texts[0][1]:
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


def _key(members: dict[str, Member], name: str) -> str:
    return f"[{name}]" if is_list(members) else f'["{name}"]'


def _container(members: dict[str, Member]) -> str:
    return "ModuleList" if is_list(members) else "ModuleDict"


def _counted(names: list[str], prefix: str, start: int) -> bool:
    return names == [f"{prefix}{i}" for i in range(start, start + len(names))]


def is_list(members: dict[str, Member]) -> bool:
    """Whether members are those of an `nn.ModuleList`."""
    return is_numbered(members) and not any(isinstance(m, Raw) for m in members.values())


def is_dict(members: dict[str, Member]) -> bool:
    """Whether a class has members that are numbers, which attributes cannot be."""
    return any(name.isdigit() for name in members)


def is_numbered(members: dict[str, Member]) -> bool:
    """Whether the members are 0, 1, 2, … as those of an `nn.Sequential`."""
    return list(members) == [str(i) for i in range(len(members))]


def same(a: Any, b: Any) -> bool:
    """Whether two arguments are equal and of one type (1 is not true)."""
    return type(a) is type(b) and bool(a == b)


def _written(root: Unit) -> Written:
    """The arguments that differ from torch's defaults in some use of each block, so that all its uses write them."""
    found: dict[tuple[str, str], set[str]] = {}

    def visit(unit: Unit) -> None:
        for step in unit.steps:
            if isinstance(step, NodeStep) and step.node.is_module and unit.region.name:
                params, config = step.node.op.params if step.node.op else (), step.node.config
                names = {p.name for p in params if not is_left_out(p, config[p.name].value)}
                found.setdefault((unit.region.name, unit.relative(step.node.path)), set()).update(names)
        for inner in unit.units:
            visit(inner)

    visit(root)
    return found
