"""What a section names and calls, and what may stand under its keys: the classes of the rows in `recipes` and `sources`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from netc.ops.op import Param, signature


@dataclass(frozen=True, slots=True)
class Recipe:
    """Something that a section names and calls: `SGD(lr=0.1)`. `target` is what is called, by its dotted name."""

    name: str
    target: str
    params: tuple[Param, ...]

    @property
    def signature(self) -> str:
        """What a user may write."""
        return f"{self.name}({', '.join(map(str, self.params))})"

    def __reduce__(self) -> tuple[Any, ...]:
        from netc.ops.recipes import find

        return find, (self.name,)


def recipe(target: str, params: str, prefix: str = "") -> Recipe:
    """A recipe of the name that its target has, behind the prefix."""
    return Recipe(prefix + target.rsplit(".", 1)[1], target, signature(params))


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a section: a plain value (`param`), or one of `recipes` (and then `param` says whether it may be left out)."""

    param: Param
    recipes: tuple[Recipe, ...] = ()


def keys_of(plain: str, **recipes: tuple[str, list[Recipe]]) -> dict[str, Key]:
    """The keys of a section: plain values by their signature, and those that name a recipe."""
    keys = {name: Key(signature(text)[0], tuple(rows)) for name, (text, rows) in recipes.items()}
    return keys | {p.name: Key(p) for p in signature(plain)}
