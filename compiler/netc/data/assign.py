"""Which columns of a table feed which input and target of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netc.data.columns import Columns, is_number
from netc.data.table import Table
from netc.diagnostics import Diagnostic, NetError, Related, count_of, did_you_mean, listed
from netc.graph import Argument, Graph, Node
from netc.settings import Section
from netc.source import Span


@dataclass(frozen=True, slots=True)
class Feed:
    """An input or target, its name, the columns that feed it, and the place that says so.

    For each part `missing` is what is done where a value is missing, and `normalize` how it is scaled: what stands under `missing`,
    and under `normalize` or of a target `normalize_target`, of the section or of a group of columns.
    """

    node: Node
    name: str
    parts: tuple[Columns, ...]
    span: Span
    missing: tuple[Argument, ...] = ()
    normalize: tuple[Argument, ...] = ()

    @property
    def scaled_by(self) -> str:
        """The key that says how it is scaled."""
        return f"normalize{'_target' * (self.node.kind == 'target')}"

    def ways_of(self, column: str) -> tuple[Argument, Argument]:
        """What is done where a value of this column is missing, and how the column is scaled."""
        places = (i for i, part in enumerate(self.parts) if column in part.names)
        return next((self.missing[i], self.normalize[i]) for i in places)


def assign(graph: Graph, table: Table, section: Section) -> tuple[list[Feed], list[Diagnostic]]:
    """The columns for each input, then for each target, and a problem for each of them that no network takes.

    What the section says under an input's or target's name feeds it, or else the column of that name. Of what is left, one
    target takes the columns that the source says are to be predicted, and one input takes all others that are not ignored.
    Raises NetError: `data` for a column that is not there, `data-shape` where it is not certain what feeds what.
    """
    return _Assignment(graph, table, section).run()


class _Assignment:
    def __init__(self, graph: Graph, table: Table, section: Section) -> None:
        self.graph, self.table, self.section = graph, table, section
        self.ignored = self._known("ignore") if "ignore" in section.values else []
        self.names: dict[int, Sequence[str]] = {}  # of columns, by the node that they feed
        self.problems: list[Diagnostic] = []  # columns that no network takes

    def run(self) -> tuple[list[Feed], list[Diagnostic]]:
        nodes = [*self.graph.inputs, *self.graph.targets]
        if not self.graph.inputs:
            raise self._fail("the data feeds inputs, and the network has none", self.graph.span, "declare e.g. `input x: [B, F]`")
        for node in nodes:
            name = self.graph.name_of(node)
            eligible = [n for n in self.table.names if not self.table.targets or (n in self.table.targets) == (node.kind == "target")]
            if _says(self.section, name):
                self.names[node.id] = self._known(name)
            elif name in eligible:
                self.names[node.id] = [name]
        self._left_targets([n for n in self.graph.targets if n.id not in self.names])
        self._left_inputs([n for n in self.graph.inputs if n.id not in self.names])
        return [self._feed(node) for node in nodes], self.problems

    def _feed(self, node: Node) -> Feed:
        name = self.graph.name_of(node)
        span = self.section.values[name].span if _says(self.section, name) else self.table.span
        parts = self.table.select(self.names[node.id])
        for part in parts:
            if part.kind == "other":
                message = f"the column `{part.names[0]}` {part.problem}, and feeds `{name}`"
                self.problems.append(Diagnostic("data-value", message, span, hint=part.hint))
        parts = tuple(part for part in parts if part.kind != "other")
        if len(parts) > 1 and any(part.kind == "array" for part in parts):
            message = f"`{name}` is fed by {listed(n for part in parts for n in part.names)}, which are no columns of one table"
            raise self._fail(message, span, f"name one of them, e.g. `{name} = {_quoted([parts[0].names[0]])}`")
        return Feed(node, name, parts, span)

    def _left_targets(self, nodes: Sequence[Node]) -> None:
        if not nodes:
            return
        name = self.graph.name_of(nodes[0])
        if not self.table.targets:
            near = did_you_mean(name, self.table.names)
            hint = f"say in the `data` section which it is, e.g. `{name} = {_quoted(self.table.names[-1:])}`"
            message = f"no column of the data is called `{name}`; it has {listed(self.table.names)}"
            if self.table.first_line is not None and all(map(is_number, self.table.names)):
                hint = "these names are numbers: where the first line has values and no names, write `header=false`"
                raise self._fail(message, nodes[0].span, f'{hint}, and `{name} = "x{len(self.table.names) - 1}"`')
            raise self._fail(message, nodes[0].span, f"{near} Else {hint}" if near else hint)
        taken = {n for node in self.graph.targets for n in self.names.get(node.id, ())}
        others = [n for n in self.table.targets if n not in taken]
        if len(nodes) > 1:
            raise self._too_many("target", nodes, others)
        if not others:
            message = f"no column of the data is left for the target `{name}`; it has {listed(self.table.targets)} to predict"
            raise self._fail(message, nodes[0].span, "say which it is under its name in the `data` section")
        self.names[nodes[0].id] = others

    def _left_inputs(self, nodes: Sequence[Node]) -> None:
        if not nodes:
            return
        taken = {*self.table.targets, *self.ignored, *(n for names in self.names.values() for n in names)}
        others = [name for name in self.table.names if name not in taken]
        if len(nodes) > 1:
            raise self._too_many("input", nodes, others)
        if not others:
            message = f"no column of the data is left for `{self.graph.name_of(nodes[0])}`; it has {listed(self.table.names)}"
            raise self._fail(message, nodes[0].span, "")
        self.names[nodes[0].id] = others

    def _too_many(self, kind: str, nodes: Sequence[Node], columns: Sequence[str]) -> NetError:
        names = [self.graph.name_of(n) for n in nodes]
        message = f"the data feeds one {kind}, and the network has {count_of(len(nodes), kind)}: {listed(names)}"
        hint = f"say in the `data` section which columns feed which, e.g. `{names[1]} = {_quoted(columns[:2])}`"
        return self._fail(message, nodes[1].span, hint)

    def _fail(self, message: str, span: Span, hint: str) -> NetError:
        related = () if span is self.table.span else (Related(self.table.span, "the data"),)
        return NetError([Diagnostic("data-shape", message, span, related=related, hint=hint)])

    def _known(self, key: str) -> list[str]:
        """The columns that a key of the section names. Raises NetError where the table has no such column."""
        argument = self.section.values[key]
        names = [argument.value] if isinstance(argument.value, str) else list(argument.value or [])
        for name in names:
            if name not in self.table.names:
                hint = did_you_mean(name, self.table.names) or f"it has {listed(self.table.names)}"
                raise NetError([Diagnostic("data", f"the data has no column `{name}`", argument.span, hint=hint)])
        return names


def _says(section: Section, name: str) -> bool:
    return name in section.columns


def _quoted(names: Sequence[str]) -> str:
    texts = [f'"{name}"' for name in names]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
