"""The stage itself: a file's syntax tree to a program, a checked graph with its data and training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netc import syntax as s
from netc.allow import misplaced, permitted
from netc.diagnostics import Diagnostic, NetError, Related, did_you_mean, listed
from netc.graph import Graph
from netc.lint import lint
from netc.lower.builder import Builder
from netc.lower.network import NetworkLowering
from netc.lower.overrides import Overrides
from netc.lower.sections import lower_section
from netc.lower.unused import unused_items
from netc.lower.uses import file_scope
from netc.settings import Section
from netc.source import Source, Span


@dataclass(frozen=True)
class Program:
    """A network as a graph, what it is trained on and how; `warnings` did not stop it."""

    graph: Graph
    data: Section | None
    train: Section | None
    warnings: tuple[Diagnostic, ...]


def lower(
    file: s.File,
    source: Source,
    overrides: Overrides,
    network: str | None = None,
    known: Mapping[str, int] | None = None,
    allow_python: bool = False,
) -> tuple[Program, list[Diagnostic]]:
    """The program of a file, and what is wrong with it; with errors the program is what could be made.

    `known` are sizes of named dimensions that the data tells; with `allow_python` the Python files that
    the spec uses are run. Raises `NetError` where there is no network to begin with.
    """
    diagnostics: list[Diagnostic] = []
    chosen = choose(file, source, network)
    file, sizes = overrides.apply(file, chosen, diagnostics.append)
    chosen = next(i for i in file.items if isinstance(i, s.Network) and i.name == chosen.name)
    scope = file_scope(file, source, diagnostics.append, allow_python)
    lowering = NetworkLowering(chosen, scope, {**(known or {}), **sizes})
    graph = lowering.run()
    diagnostics += unused_items(file, scope)
    sections = {kind: _section(file, kind, lowering.builder, allow_python) for kind in ("data", "train")}
    diagnostics += lowering.builder.diagnostics + overrides.unknown_dims(chosen, lowering.dims)
    errors = [d for d in diagnostics if d.severity == "error"]
    warnings = [d for d in diagnostics if d.severity == "warning"] + (
        [] if errors or file.is_broken else lint(graph, sections["train"], sections["data"])
    )
    is_whole = not overrides.overrides and sum(isinstance(item, s.Network) for item in file.items) == 1
    warnings = permitted(warnings) + misplaced(warnings, source, is_whole)
    return Program(graph, sections["data"], sections["train"], tuple(sorted(warnings, key=lambda d: d.order))), errors


def choose(file: s.File, source: Source, name: str | None) -> s.Network:
    """The network of that name, or the only one. Raises `NetError`."""
    networks = [item for item in file.items if isinstance(item, s.Network)]
    names = [n.name.name for n in networks]
    if name is not None and name not in names:
        hint = did_you_mean(name, names) or (f"the file has {listed(names)}" if names else "the file has none")
        raise NetError([Diagnostic("no-network", f"there is no network `{name}`", hint=hint)])
    if not networks:
        start = file.items[0].span if file.items else Span(source, 0, 0)
        raise NetError([Diagnostic("no-network", f"`{source.name}` has no network", start, hint="write `network Network { … }`")])
    if name is None and len(networks) > 1:
        raise NetError([Diagnostic("no-network", f"the file has {len(networks)} networks: {listed(names)}", networks[1].name.span,
                                   related=(Related(networks[0].name.span, "another"),),
                                   hint=f"choose one: --network {names[-1]}")])  # fmt: skip
    return networks[0] if name is None else networks[names.index(name)]


def _section(file: s.File, kind: str, builder: Builder, allow_python: bool) -> Section | None:
    found = [item for item in file.items if isinstance(item, s.Section) and item.kind == kind]
    if len(found) > 1:
        builder.report(Diagnostic("section", f"there are two `{kind}` sections", found[1].span,
                                  related=(Related(found[0].span, "the first"),)))  # fmt: skip
    return lower_section(found[0], builder, allow_python) if found else None
