"""What of a spec can be set by name, read from its text alone: parameters, named dimensions, settings. No torch here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from netc import syntax as s
from netc.diagnostics import NetError, error
from netc.lower.blocks import names_in
from netc.lower.lowering import choose
from netc.lower.order import parts
from netc.ops.op import value_text
from netc.ops.recipes import KEYS
from netc.parse import parse_all
from netc.pipeline import opened
from netc.source import Source

CLASSES = "classes"  # a parameter of this name that has no default is the number of classes
CLASS_WEIGHT = "class_weight"  # and one of this name takes the weights of the classes


STATEMENT = re.compile(r"`(\w+) = ([^`]+)`")


def as_given(hint: str) -> str:
    """A hint that speaks of settings as a `data` section has them, `missing = drop`, with these as an estimator is given them."""

    def given(statement: re.Match[str]) -> str:
        key, value = statement.groups()
        if key not in KEYS["data"]:
            return statement[0]
        return f'`set={{"data.{key}": {value_text(value) if value.isidentifier() else value}}}`'

    return STATEMENT.sub(given, hint).replace(" in the `data` section", "").replace("a `group` says", "in a spec a `group` says")


def network_of(source: Source, network: str | None) -> tuple[s.File, s.Network]:
    """The syntax tree of a spec and of its network. Raises `NetError`."""
    return _network_of(source.name, source.text, network)


@lru_cache(maxsize=64)  # a search sets names and fits over and over
def _network_of(name: str, text: str, network: str | None) -> tuple[s.File, s.Network]:
    source = Source(name, text)
    parsed = parse_all(source)
    if parsed.problems:
        raise NetError(parsed.problems)
    return parsed.file, choose(parsed.file, source, network)


def counts_classes(source: Source, network: str | None) -> bool:
    """Whether the network leaves the number of its classes open. Raises `NetError`."""
    _, chosen = network_of(source, network)
    return any(p.name.name == CLASSES and p.default is None for p in chosen.parameters)


def check_class_weight(source: Source, network: str | None) -> None:
    """Raises `NetError` where the network has no parameter for the weights of its classes, or one that it does not read."""
    _, chosen = network_of(source, network)
    loss = f"`CrossEntropyLoss(…, weight={CLASS_WEIGHT})` or `BCEWithLogitsLoss(…, pos_weight={CLASS_WEIGHT})`"
    parameter = next((p for p in chosen.parameters if p.name.name == CLASS_WEIGHT), None)
    if parameter is None:
        hint = f"write `network {chosen.name.name}({CLASS_WEIGHT} = none)`, and in the loss {loss}"
        raise error("override", f"`{chosen.name.name}` has no parameter `{CLASS_WEIGHT}`", chosen.name.span, hint)
    found = list(parts((chosen.statements, tuple(p.default for p in chosen.parameters))))
    keys = {id(part.name) for part in found if isinstance(part, s.Argument)}
    if not any(isinstance(part, s.Name) and part.name == CLASS_WEIGHT and id(part) not in keys for part in found):
        message = f"`{chosen.name.name}` has a parameter `{CLASS_WEIGHT}`, and never uses it"
        raise error("override", message, parameter.name.span, f"write in the loss {loss}")


def written(spec: str | Path | Source, network: str | None) -> dict[str, Any]:
    """What the spec gives a value, by the names that set it: `{"hidden": 8, "act": "ReLU", "train.optimizer.lr": 0.1}`.

    Literals are values, other expressions their text. Raises `NetError` where the spec cannot be read.
    """
    file, chosen = network_of(opened(spec), network)
    found = {p.name.name: _value(p.default) for p in chosen.parameters if p.default is not None}
    for section in file.items:
        if isinstance(section, s.Section):
            for setting in section.settings:
                name = f"{section.kind}.{setting.name.name}"
                found[name] = _value(setting.value)
                if isinstance(setting.value, s.Call):
                    found |= {f"{name}.{a.name.name}": _value(a.value) for a in setting.value.arguments if a.name is not None}
    return found


def still_ignored(spec: str | Path | Source, network: str | None, columns: Sequence[str]) -> list[str] | None:
    """What is left of the `data` section's `ignore` in a table that lacks some of these columns; None where it lacks none.

    What is not there need not be left out. Raises `NetError` where the spec cannot be read.
    """
    file, _ = network_of(opened(spec), network)
    names = [name for setting in _of_data(file) if setting.name.name == "ignore" for name in _texts(setting.value)]
    there = [name for name in names if name in columns]
    return there if len(there) < len(names) else None


def target_names(spec: str | Path | Source, network: str | None, given: Mapping[str, Any]) -> tuple[list[str], set[str]]:
    """The columns of the targets, those that the `data` section names or else the targets' own names; and which it names.

    `given` is what is set in the spec, as `data.y`. Raises `NetError` where the spec cannot be read.
    """
    file, chosen = network_of(opened(spec), network)
    said = {setting.name.name: _texts(setting.value) for setting in _of_data(file)}
    for name, value in given.items():
        if name.startswith("data."):
            said[name.removeprefix("data.")] = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else []
    targets = [d.name.name for d in chosen.statements if isinstance(d, s.Declaration) and d.kind == "target"]
    return [c for name in targets for c in said.get(name, [name])], {c for name in targets for c in said.get(name, [])}


def _of_data(file: s.File) -> list[s.Setting]:
    sections = [item for item in file.items if isinstance(item, s.Section) and item.kind == "data"]
    return [setting for section in sections for setting in section.settings]


def _texts(value: s.Expression) -> list[str]:
    """The texts of a list, or the one that stands alone."""
    parts = value.items if isinstance(value, s.ListOf) else (value,)
    return [part.value for part in parts if isinstance(part, s.Literal) and isinstance(part.value, str)]


def is_settable(name: str, spec: str | Path | Source, network: str | None) -> bool:
    """Whether the spec has a parameter, a named dimension or a setting of that name; arguments of a setting are checked later.

    Raises `NetError` where the spec cannot be read.
    """
    kind, _, key = name.partition(".")
    if key:
        return kind in KEYS and key.partition(".")[0] in KEYS[kind]
    _, chosen = network_of(opened(spec), network)
    entries = [entry for d in chosen.statements if isinstance(d, s.Declaration) for entry in d.shape]
    return name in {p.name.name for p in chosen.parameters} | {n.name for entry in entries for n in names_in(entry)}


def _value(expression: s.Expression) -> Any:
    return expression.value if isinstance(expression, s.Literal) else expression.span.text
