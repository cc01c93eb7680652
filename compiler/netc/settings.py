"""The `data` and `train` sections of a spec as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netc.graph import Argument
from netc.ops.op import value_text
from netc.ops.recipe import Recipe
from netc.ops.recipes import KEYS
from netc.source import Span


@dataclass(frozen=True, slots=True)
class Made:
    """A recipe with all its arguments, defaults filled in: `SGD(lr=0.1, momentum=0, …)`."""

    recipe: Recipe
    arguments: Mapping[str, Argument]
    span: Span

    @property
    def values(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {name: argument.value for name, argument in self.arguments.items()}

    def __str__(self) -> str:
        """As it is written in a spec."""
        return f"{self.recipe.name}({', '.join(f'{name}={value_text(v)}' for name, v in self.values.items())})"


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters by their keys, and the arguments that the optimizer takes for these instead of its own."""

    keys: tuple[str, ...]
    arguments: Mapping[str, Argument]


@dataclass(frozen=True, slots=True)
class Section:
    """A section: every key of `netc.ops.recipes.KEYS` with its value; `span` is the section, or what stands for it.

    A `data` section may also hold inputs and targets of the network by name, with the columns of the data that feed them.
    """

    kind: str
    values: Mapping[str, Argument]
    span: Span
    groups: tuple[Group, ...] = ()

    def __getitem__(self, key: str) -> Any:
        return self.values[key].value

    def made(self, key: str) -> Made:
        """The value of a key that holds a recipe."""
        value = self.values[key].value
        assert isinstance(value, Made)
        return value

    @property
    def columns(self) -> tuple[str, ...]:
        """The inputs and targets for which the section says what feeds them."""
        return tuple(name for name in self.values if name not in KEYS[self.kind])
