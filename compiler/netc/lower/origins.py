"""Where what a problem speaks of comes from: sizes back to the step that made them, names to where they are given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from netc.diagnostics import Diagnostic, Related
from netc.graph import Argument, Graph, Node, Ref
from netc.lower.scope import Binding
from netc.lower.values import BlockValue, FnValue, NetworkValue, SharedValue, Unknown, kind_words
from netc.ops.op import value_text
from netc.shapes import Dim, Size
from netc.source import Source, Span
from netc.syntax import Name
from netc.tensors import TensorType, type_text

EXPLAINED = 100  # problems of one spec; more than these nobody reads, and each takes a walk through the graph
MOST_ADDED = 3  # places a problem; a page of them hides the first
LONGEST = 400  # characters of a place in which names are looked for: a statement, not a block

# Problems of the shapes and dtypes of tensors.
SHAPES = frozenset({"shape-mismatch", "rank", "axis", "size-needed", "bad-size", "dtype", "inferred-mismatch", "loss-shape"})
# Problems of values that the message does not always say.
OF_VALUES = frozenset({"assertion", "invalid-operation", "not-constant"})
# Problems that may come from the shape in which the data arrives.
OF_INPUTS = frozenset({"rank", "axis", "loss-shape", "inferred-mismatch", "size-needed"})

DECLARED = (BlockValue, FnValue, NetworkValue, SharedValue)


class Origins:
    """Adds the places that a problem comes from. `note` is told every name that is read, with what it stands for."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.read: dict[tuple[Source, int], tuple[Name, Binding]] = {}
        self.tuples: dict[tuple[Ref, ...], Span] = {}  # where tensors were put together
        self.explained = 0

    def note(self, name: Name, binding: Binding) -> None:
        """Keeps what a name stands for at a place; in a block of several uses the latest counts, which is being lowered."""
        self.read[name.span.source, name.span.start] = (name, binding)

    def put_together(self, parts: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
        """Keeps the place of a tuple, and gives it back."""
        if all(isinstance(part, Ref) for part in parts):
            self.tuples.setdefault(parts, span)
        return parts

    def explain(self, diagnostic: Diagnostic, refs: Sequence[Ref] = ()) -> Diagnostic:
        """The diagnostic with the places that it comes from; `refs` are the tensors that it is about."""
        if diagnostic.severity != "error" or diagnostic.span is None or self.explained >= EXPLAINED:
            return diagnostic
        self.explained += 1
        added: list[Related] = []
        shown = {_line(span) for span in (diagnostic.span, *(r.span for r in diagnostic.related))}
        for related in self._places(diagnostic, diagnostic.span, refs):
            if _line(related.span) not in shown and len(added) < MOST_ADDED:
                shown.add(_line(related.span))
                added.append(related)
        return replace(diagnostic, related=(*diagnostic.related, *added))

    def _places(self, diagnostic: Diagnostic, span: Span, refs: Sequence[Ref]) -> Iterator[Related]:
        yield from self._names(diagnostic, span)
        if diagnostic.code not in SHAPES:
            yield from (Related(self.tuples[parts], "the tuple") for parts in [tuple(refs)] if parts in self.tuples)
            return
        tensors = [(ref, kind) for ref in refs if isinstance(kind := self.graph.type_of(ref), TensorType)]
        sizes = list(self._sizes(diagnostic, tensors))
        if sizes or diagnostic.code != "bad-size":
            yield from (Related(self.graph.node(ref.node).span, str(kind)) for ref, kind in tensors)
        for ref, size in sizes:
            yield from self._begin(ref, size)
        if diagnostic.code in OF_INPUTS:
            for ref, _ in tensors:
                yield from self._declared(self.graph.node(ref.node))

    # --- names ---

    def _names(self, diagnostic: Diagnostic, span: Span) -> Iterator[Related]:
        """The places that give the names in a span their values, where the problem is about these."""
        for name, binding in self._read_in(span):
            value = binding.value
            if isinstance(value, (int, float, str, list, Dim)):
                if diagnostic.code in OF_VALUES or _speaks_of(diagnostic.message, value):
                    yield from self._written(name, binding)
            elif name.span == span and not isinstance(value, Unknown):
                what = (
                    ""
                    if isinstance(value, DECLARED)
                    else type_text(self.graph.type_of(value))
                    if isinstance(value, Ref)
                    else kind_words(value)
                )
                yield Related(binding.span, f"`{name.name}` is {what or 'declared here'}")

    def _written(self, name: Name, binding: Binding) -> Iterator[Related]:
        """The places where the value of a name was written."""
        what = "is named here" if binding.value == Dim.named(name.name) else f"is {_short(binding.value)}"
        yield from (Related(place, f"`{name.name}` {what}") for place in self._roots(binding))

    def _read_in(self, span: Span) -> list[tuple[Name, Binding]]:
        """The names that were read within a span, each once."""
        found: dict[str, tuple[Name, Binding]] = {}
        for start in range(span.start, min(span.end, span.start + LONGEST)):
            name, binding = self.read.get((span.source, start), (None, None))
            if name and binding:
                found.setdefault(name.name, (name, binding))
        return list(found.values())

    def _roots(self, binding: Binding, depth: int = 0) -> list[Span]:
        """The places where a value was written: through the names that it was handed on by."""
        handed = [b for name, b in self._read_in(binding.span) if b is not binding]
        if depth > 8 or len(handed) != 1:
            return [binding.span]
        return self._roots(handed[0], depth + 1)

    # --- sizes ---

    def _sizes(self, diagnostic: Diagnostic, tensors: Sequence[tuple[Ref, TensorType]]) -> Iterator[tuple[Ref, Size]]:
        """The sizes that a problem is about: those that differ between two tensors, or that the message speaks of."""
        if len(tensors) == 2 and tensors[0][1].rank == tensors[1][1].rank:
            for sizes in zip(*(kind.shape for _, kind in tensors), strict=True):
                if sizes[0] != sizes[1]:
                    yield from zip((ref for ref, _ in tensors), sizes, strict=True)
            return
        if len(tensors) == 2 and diagnostic.code == "loss-shape":
            (longer, kind), (_, other) = sorted(tensors, key=lambda t: -t[1].rank)
            yield from ((longer, size) for size in kind.shape if size not in other.shape)
            return
        words = re.sub(r"`[^`]*`|\[[^\]]*\]", "", diagnostic.message)
        said = [(place, ref, size) for ref, kind in tensors for size in kind.shape if (place := _place_of(words, size)) is not None]
        yield from ((ref, size) for _, ref, size in sorted(said, key=lambda s: s[0])[:1])

    def _begin(self, ref: Ref, size: Size) -> Iterator[Related]:
        """The step that a size begins at, and the names that it is written with there, or what it is computed from."""
        node = self.graph.node(ref.node)
        while (before := self._before(node, size)) is not None:
            node = before
        yield Related(node.span, f"{size} comes from here")
        given = next((a for a in _arguments(node) if _sets(a, size)), None)
        if given is None:
            yield from self._declared(node)
            return
        for name, binding in self._read_in(given.span):
            if _speaks_of(str(size), binding.value):
                yield from self._written(name, binding)

    def _before(self, node: Node, size: Size) -> Node | None:
        """The step that hands on a size to this one; None where it begins here."""
        if any(_sets(argument, size) for argument in _arguments(node)):
            return None
        for ref in node.refs:
            kind = self.graph.type_of(ref)
            if isinstance(kind, TensorType) and size in kind.shape:
                return self.graph.node(ref.node)
        return None

    def _declared(self, node: Node) -> Iterator[Related]:
        """The input or target that a value is computed from, the first where there are several."""
        while node.refs:
            node = self.graph.node(node.refs[0].node)
        if node.kind in ("input", "target"):
            yield Related(node.span, type_text(node.type))


def _line(span: Span) -> tuple[Source, int]:
    return span.source, span.position[0]


def _arguments(node: Node) -> Iterable[Argument]:
    return (a for a in (*node.config.values(), *node.call.values()) if a.origin == "given")


def _sets(argument: Argument, size: Size) -> bool:
    """Whether an argument is written as this size, or a list with it."""
    value = argument.value
    if isinstance(value, list):
        return any(v == size for v in value if type(v) is type(size))
    return type(value) is type(size) and bool(value == size)


def _speaks_of(message: str, value: Any) -> bool:
    """Whether a message says a value, or one in a list."""
    if isinstance(value, list):
        return any(_speaks_of(message, v) for v in value[:20])
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Dim)):
        return False
    return _place_of(message, value) is not None


def _place_of(message: str, value: Any) -> int | None:
    found = re.search(rf"(?<![\w.]){re.escape(value_text(value))}(?![\w.]*\w)", message)
    return found.start() if found else None


def _short(value: Any) -> str:
    text = value_text(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
