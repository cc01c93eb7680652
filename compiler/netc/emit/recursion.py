"""Blocks that call themselves, as classes that do: what the uses of one class within each other have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netc.emit.members import Container, Inner, Layer, Member, Raw
from netc.units import Unit

Members = Mapping[int, dict[str, Member]]  # by unit


@dataclass(eq=False)
class Class:
    """A class, and the units that it stands for; `params` are its arguments, each with a value for every unit.

    Where units are within each other, `below` is by unit the one of the same block in it, and `end` the one in the
    innermost, which has another class. The arguments of all levels are then given as a list.
    """

    name: str
    units: list[Unit]
    forward: list[str]
    params: dict[str, list[Any]] = field(default_factory=dict)
    below: dict[int, Unit] = field(default_factory=dict)
    end: Unit | None = None

    @property
    def is_recursive(self) -> bool:
        """Whether the class constructs itself."""
        return any(unit in self.units for unit in self.below.values())

    @property
    def arguments(self) -> dict[str, list[Any]]:
        """The arguments of the constructor, each with a value for every unit."""
        if not self.is_recursive:
            return self.params
        rows = [list(self._rows(unit)) for unit in self.units]
        if not self.params:
            return {"depth": [len(levels) for levels in rows]}
        return {self._levels: [[row[0] if len(row) == 1 else row for row in levels] for levels in rows]}

    @property
    def _levels(self) -> str:
        return "levels" if "levels" not in self.params else "levels_"

    @property
    def _inner(self) -> str:
        return "inner" if "inner" not in self.params else "inner_"

    def _rows(self, unit: Unit) -> Iterator[tuple[Any, ...]]:
        """The arguments of a unit, then those of the units of this class in it."""
        while True:
            yield tuple(values[self.units.index(unit)] for values in self.params.values())
            unit = self.below[id(unit)]
            if unit not in self.units:
                return

    def values(self, unit: Unit) -> list[Any]:
        """What a unit is constructed with."""
        return [values[self.units.index(unit)] for values in self.arguments.values()]

    @property
    def opening(self) -> list[str]:
        """The line that takes the arguments of this level, and leaves those of the inner ones."""
        if not self.is_recursive or not self.params:
            return []
        names = ", ".join(self.params)
        return [f"{names if len(self.params) == 1 else f'({names})'}, *{self._inner} = {self._levels}"]

    def inside(self, end: str) -> str:
        """The construction of the next level; that of the last one is `end`."""
        if not self.params:
            return f"{self.name}(depth - 1) if depth > 1 else {end}"
        return f"{self.name}({self._inner}) if {self._inner} else {end}"


def below(unit: Unit, members: Members) -> Unit | None:
    """The one unit inside that is a use of the same block; None where there is none, or more than one."""
    found = [inner for inner in _inner_units(members[id(unit)], members) if unit.region.name and inner.region.name == unit.region.name]
    return found[0] if len(found) == 1 else None


def _inner_units(here: Mapping[str, Member], members: Members) -> Iterator[Unit]:
    """The units that a class constructs."""
    for member in here.values():
        if isinstance(member, Container):
            yield from _inner_units(member.members, members)
        elif isinstance(member, Inner) and member.is_chain:
            yield from _inner_units(members[id(member.unit)], members)
        elif isinstance(member, Inner):
            yield member.unit


def everything(here: Mapping[str, Member], members: Members) -> tuple[str, ...]:
    """All that is constructed, down to the layers, as texts that can be compared."""
    texts: list[str] = []
    for name, member in here.items():
        if isinstance(member, Layer | Raw):
            texts.append(f"{name}: {member!r}")
        else:
            inner = member.members if isinstance(member, Container) else members[id(member.unit)]
            texts += [f"{name}.{text}" for text in everything(inner, members)]
    return tuple(texts)
