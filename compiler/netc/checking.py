"""Everything that is wrong with a spec, as values: what `netc check` prints and editors read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, NetError
from netc.parse import parse, parse_all
from netc.pipeline import Network, load, opened
from netc.source import Source


def check(
    spec: str | Path | Source,
    set: Mapping[str, Any] | None = None,
    network: str | None = None,
    *,
    allow_python: bool = False,
    data: bool = False,
) -> tuple[Diagnostic, ...]:
    """The errors and warnings of a spec, sorted by place; nothing where all is well. It never raises for what is wrong.

    Takes what `load` takes. What a training would refuse is refused here, too: of its settings, and with `data` of what it is trained on.
    Of a file with several networks each is checked, and where `network` names none, only what has a loss is taken for one to train.
    A file of functions and blocks only, for others to use, is parsed; what is in it is checked where it is used.
    """
    try:
        source = opened(spec)
    except NetError as problem:
        return problem.diagnostics
    try:
        return _checked(load(source, set, network, allow_python=allow_python), data)
    except NetError as problem:
        if network is not None or {d.code for d in problem.diagnostics} != {"no-network"}:
            return problem.diagnostics
        names = _networks(source)
        if names is None:
            return problem.diagnostics
    found = [d for name in names for d in _one_of_several(source, set, name, allow_python, data)]
    return tuple(sorted(dict.fromkeys(found), key=lambda d: d.order))


def _one_of_several(source: Source, set: Mapping[str, Any] | None, name: str, allow_python: bool, data: bool) -> tuple[Diagnostic, ...]:
    """What is wrong with one network of a file, of which another may be the one to train."""
    try:
        loaded = load(source, set, name, allow_python=allow_python)
    except NetError as problem:
        return problem.diagnostics
    return _checked(loaded, data) if loaded.graph.losses else loaded.warnings


def _checked(loaded: Network, data: bool) -> tuple[Diagnostic, ...]:
    """What is wrong with a network that could be made, its training, and with `data` what it is trained on."""
    found = [*loaded.warnings, *loaded.check_training()]
    return tuple(sorted(found, key=lambda d: d.order)) + (loaded.check_data() if data and loaded.data else ())


def has_data(source: Source) -> bool:
    """Whether a spec that can be read says what it is trained on."""
    return any(isinstance(item, s.Section) and item.kind == "data" for item in parse_all(source).file.items)


def _networks(source: Source) -> list[str] | None:
    """The networks of a file that does not have just one; None where it has nothing that others could use either."""
    items = parse(source).items
    names = [item.name.name for item in items if isinstance(item, s.Network)]
    return names if any(isinstance(item, (s.Network, s.Block, s.Fn)) for item in items) else None
