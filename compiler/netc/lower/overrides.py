"""`--set name=value`: written into the syntax tree, so that it is checked as if it stood in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, did_you_mean, error, listed
from netc.lower.spellings import setting_named
from netc.ops import TABLE
from netc.ops.op import value_text
from netc.ops.recipes import KEYS, RECIPES
from netc.parse import parse_expression
from netc.source import Source, Span

Report = Callable[[Diagnostic], None]


@dataclass(frozen=True, slots=True)
class Override:
    """One `name=value`, parsed."""

    name: s.Name
    value: s.Expression

    @property
    def path(self) -> list[str]:
        """`train.optimizer.lr` as its parts."""
        return self.name.name.split(".")


@lru_cache(maxsize=64)  # a search over settings gives the same ones many times
def _parsed(name: str, text: str) -> Override:
    if not isinstance(name, str):
        raise error("override", f"a parameter is set by its name, not by {name!r}")
    value_source = Source(f"--set {name}", text)
    return Override(s.Name(Span(Source("--set", name), 0, len(name)), name), parse_expression(value_source))


def _written(name: str, value: object) -> str:
    """A value of Python as a spec writes it. Raises NetError for a layer, class or function, as its `str` leaves out what it is made of."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    if (found := next((part for part in parts if callable(part)), None)) is None:
        return value_text(value)
    called = getattr(found, "__name__", type(found).__name__)
    kind = "the class" if isinstance(found, type) else "the function" if hasattr(found, "__name__") else "an object of the class"
    what = f"{kind} `{called}`" if called.isidentifier() else "a function without a name"
    example = called if called in TABLE or called in RECIPES else "GELU"
    raise error("override", f"`{name}` is set to {what} of Python, and layers and functions are given as text",
                hint=f'as a spec writes it, with its arguments: e.g. `"{example}"`')  # fmt: skip


class Overrides:
    """All overrides of a run. Values that are not text are written as a spec would write them."""

    def __init__(self, values: Mapping[str, Any] = {}) -> None:
        self.texts = {name: value if isinstance(value, str) else _written(name, value) for name, value in values.items()}
        self.overrides = [_parsed(name, text) for name, text in self.texts.items()]

    def apply(self, file: s.File, network: s.Network, report: Report) -> tuple[s.File, dict[str, int]]:
        """The file with all overrides written in, and the sizes given to named dimensions."""
        sizes: dict[str, int] = {}
        parameters = {p.name.name for p in network.parameters}
        for o in self.overrides:
            if len(o.path) > 1:
                file = self._in_section(file, o, report)
            elif o.path[0] in parameters:
                file = _replace_item(file, network.name, lambda n, o=o: _with_default(n, o))  # type: ignore[misc]
            elif isinstance(o.value, s.Literal) and type(o.value.value) is int and o.value.value > 0:
                sizes[o.path[0]] = o.value.value
            else:
                report(self._unknown(o, parameters))
        return file, sizes

    def unknown_dims(self, network: s.Network, dims: Mapping[str, Span]) -> list[Diagnostic]:
        """A diagnostic for every size whose name is no dimension of the network."""
        known = {p.name.name for p in network.parameters} | set(dims)
        return [self._unknown(o, known) for o in self.overrides
                if len(o.path) == 1 and o.path[0] not in known and isinstance(o.value, s.Literal)]  # fmt: skip

    def _unknown(self, override: Override, known: set[str]) -> Diagnostic:
        name = override.name.name
        setting = setting_named(name)
        hint = (
            f"did you mean `{setting}`?"
            if setting
            else did_you_mean(name, known) or (f"it has {listed(sorted(known))}" if known else "it has none")
        )
        return Diagnostic("override", f"the network has no parameter or dimension `{name}`", override.name.span, hint=hint)

    def _in_section(self, file: s.File, override: Override, report: Report) -> s.File:
        kind, key, *argument = override.path
        if kind not in KEYS or len(argument) > 1:
            report(Diagnostic("override", f"there is nothing to set as `{override.name.name}`", override.name.span,
                              hint="parameters have plain names; settings begin with `train.` or `data.`"))  # fmt: skip
            return file
        section = next((i for i in file.items if isinstance(i, s.Section) and i.kind == kind), None)
        if section is None and argument:
            report(Diagnostic("override", f"there is no `{kind}` section whose `{key}` could be changed",
                              override.name.span))  # fmt: skip
            return file
        if section is None:
            section = s.Section(override.name.span, kind, ())
            file = replace(file, items=(*file.items, section))
        new = _with_argument(section, key, argument[0], override, report) if argument else _with_setting(section, key, override)
        return replace(file, items=tuple(new if item is section else item for item in file.items))


def _replace_item(file: s.File, name: s.Name, change: Callable[[s.Network], s.Network]) -> s.File:
    items = tuple(change(i) if isinstance(i, s.Network) and i.name == name else i for i in file.items)
    return replace(file, items=items)


def _with_default(network: s.Network, override: Override) -> s.Network:
    parameters = tuple(replace(p, default=override.value) if p.name.name == override.name.name else p for p in network.parameters)
    return replace(network, parameters=parameters)


def _with_setting(section: s.Section, key: str, override: Override) -> s.Section:
    kept = tuple(setting for setting in section.settings if setting.name.name != key)
    name = s.Name(override.name.span, key)
    return replace(section, settings=(*kept, s.Setting(override.name.span, name, override.value)))


def _with_argument(section: s.Section, key: str, argument: str, override: Override, report: Report) -> s.Section:
    """The section with one argument of the call that is the key's value: `train.optimizer.lr`."""
    setting = next((setting for setting in section.settings if setting.name.name == key), None)
    value = setting.value if setting else None
    if isinstance(value, s.Name):
        value = s.Call(value.span, value, ())
    if setting is None or not isinstance(value, s.Call):
        names: Sequence[str] = [setting.name.name for setting in section.settings]
        report(Diagnostic("override", f"`{section.kind}` has no `{key}` whose arguments could be set", override.name.span,
                          hint=did_you_mean(key, names)))  # fmt: skip
        return section
    added = s.Argument(override.name.span, s.Name(override.name.span, argument), override.value)
    kept = [a for a in value.arguments if a.name is None or a.name.name != argument]
    place = _place_of(value, argument)
    if place is not None and place < sum(1 for a in kept if a.name is None):
        kept[place] = replace(added, name=None)
    else:
        kept.append(added)
    changed = replace(setting, value=replace(value, arguments=tuple(kept)))
    return replace(section, settings=tuple(changed if old is setting else old for old in section.settings))


def _place_of(call: s.Call, argument: str) -> int | None:
    """Where an argument stands when it is given by place."""
    recipe = RECIPES.get(call.callee.name) if isinstance(call.callee, s.Name) else None
    names = [p.name for p in recipe.params] if recipe else []
    return names.index(argument) if argument in names else None
