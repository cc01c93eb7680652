"""The `data` and `train` sections of a spec as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
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
        return self.text()

    def text(self, beside: bool = False) -> str:
        """As it is written in a spec; with `beside` the files of Python functions are named as if they stood beside it."""
        values = {name: Path(v).name if beside and self.recipe.name == "python" else v for name, v in self.values.items()}
        return f"{self.recipe.name}({', '.join(f'{name}={_text(v, beside)}' for name, v in values.items())})"


def measure_names(metrics: Sequence[Made]) -> list[str]:
    """What metrics are recorded as: their names; where one is taken several times, with the values that differ: `f1_macro`, `f1_micro`."""
    alike = {made.recipe.name: [other.values for other in metrics if other.recipe is made.recipe] for made in metrics}

    def name(made: Made) -> str:
        all_values = alike[made.recipe.name]
        told = [value for key, value in made.values.items() if any(values[key] != value for values in all_values)]
        return "_".join([made.recipe.name, *(value if isinstance(value, str) else value_text(value) for value in told)])

    return [name(made) for made in metrics]


def _text(value: Any, beside: bool) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_text(v, beside) for v in value)}]"
    return value.text(beside) if isinstance(value, Made) else value_text(value)


def _functions(value: Any) -> Iterator[str]:
    """The Python functions that a value is made of, as `file:name`."""
    if isinstance(value, Made) and value.recipe.name == "python":
        yield value.values["function"]
    elif isinstance(value, (Made, list)):
        for part in value.values.values() if isinstance(value, Made) else value:
            yield from _functions(part)


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters by their keys, and the arguments that the optimizer takes for these instead of its own."""

    keys: tuple[str, ...]
    arguments: Mapping[str, Argument]


@dataclass(frozen=True, slots=True)
class ColumnPattern:
    """Columns of the data by a pattern as in a `freeze`, or one by its name in quotes."""

    text: str
    is_quoted: bool
    span: Span

    def matches(self, column: str) -> bool:
        """Whether a column is meant."""
        return column == self.text or (not self.is_quoted and fnmatchcase(column, self.text))

    def __str__(self) -> str:
        """As it is written in a spec."""
        return value_text(self.text) if self.is_quoted else self.text


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """Columns of the data, and what holds for these instead of what the section says, by its keys: `missing`, `normalize`, …."""

    patterns: tuple[ColumnPattern, ...]
    values: Mapping[str, Argument]

    def matches(self, column: str) -> bool:
        """Whether a column is meant."""
        return any(pattern.matches(column) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Section:
    """A section: every key of `netc.ops.recipes.KEYS` with its value; `span` is the section, or what stands for it.

    A `data` section may also hold inputs and targets of the network by name, with the columns of the data that feed them.
    """

    kind: str
    values: Mapping[str, Argument]
    span: Span
    groups: tuple[Group, ...] = ()
    column_groups: tuple[ColumnGroup, ...] = ()

    def __getitem__(self, key: str) -> Any:
        return self.values[key].value

    def made(self, key: str) -> Made:
        """The value of a key that holds a recipe."""
        value = self.values[key].value
        assert isinstance(value, Made)
        return value

    @property
    def python_files(self) -> tuple[str, ...]:
        """The Python files of the functions that are arguments of what the section names, by their absolute paths."""
        found = (name.rpartition(":")[0] for argument in self.values.values() for name in _functions(argument.value))
        return tuple(dict.fromkeys(found))

    @property
    def columns(self) -> tuple[str, ...]:
        """The inputs and targets for which the section says what feeds them."""
        return tuple(name for name in self.values if name not in KEYS[self.kind])
