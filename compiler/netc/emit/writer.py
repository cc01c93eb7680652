"""Steps as statements of a method."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from netc.code import Text, expression, size_writer
from netc.emit.loops import Children, Loop, find_loop, is_tuple
from netc.emit.texts import INDENT, WIDTH
from netc.graph import Graph, Ref
from netc.lower.scope import SOURCE_NAMES
from netc.tensors import Type
from netc.units import NodeStep, Step, results_of


def safe(name: str) -> str:
    """A name of the spec as Python can use it."""
    return f"{name}_" if keyword.iskeyword(name) or name in SOURCE_NAMES else name


class Writer:
    """Writes steps as statements. A value that is used once, right after it is made, stands inside its use.

    `takes` are the method's arguments by name, `names` the names that the spec gives to values, `reach` how a layer or a
    unit inside is reached from `self`, by its full path, `children` how all layers of a container are.
    """

    def __init__(
        self, graph: Graph, takes: Mapping[Ref, str], names: Mapping[Ref, str], reach: Callable[[str], str], children: Children
    ) -> None:
        self.graph, self.reach, self.children = graph, reach, children
        self.lines: list[str] = []
        self.given = names
        self.names: dict[Ref, str] = dict(takes)
        self.taken = set(self.names.values())
        self.pending: dict[int, tuple[Step, Text]] = {}  # made, not yet written: the last steps, in order
        self.words: Counter[str] = Counter()  # of the pending texts
        self.makers: dict[Ref, int] = {}  # the step that gives a value, of those that were pending
        self.left: dict[Ref, int] = {}  # how often each value is still used
        self.current: set[str] = set()  # the words of the text that is written once the pending ones are
        self.tried: dict[str, int] = {}  # the numbers behind a name that are taken, until one may be free again
        self.scratch: dict[str, Ref] = {}  # variables without a name in the spec, free again when their value is used up
        self.sizes = size_writer(graph, list(takes), lambda ref: self.names[ref])

    def name(self, ref: Ref) -> str:
        """A variable for a value: its name in the spec, or `h`, `h_2` where the variable of that name is used up."""
        named = self.given.get(ref)
        base = safe(named) if named else "h"
        number = self.tried.get(base, 1)
        name = base if number == 1 else f"{base}_{number}"
        while name in self.taken and not self._is_free(name):
            number += 1
            name = f"{base}_{number}"
        self.tried[base] = number
        self.scratch.pop(name, None)
        if named is None:
            self.scratch[name] = ref
        self.taken.add(name)
        self.names[ref] = name
        return name

    def _is_free(self, name: str) -> bool:
        """Whether a variable can be used again: its value is used up, and no text that is still to be written names it."""
        is_used_up = name in self.scratch and not self.left.get(self.scratch[name])
        return is_used_up and not self.words[name] and name not in self.current

    def _hold(self, id: int, step: Step, text: Text) -> None:
        """Keeps a text that is not yet written."""
        self.pending[id] = (step, text)
        self.words.update(words_of(text.text))
        self.makers |= dict.fromkeys(results_of(step, self.graph), id)

    def _release(self, id: int) -> tuple[Step, Text]:
        """Takes a text that is not yet written."""
        step, text = self.pending.pop(id)
        found = words_of(text.text)
        self.words.subtract(found)
        if found & self.scratch.keys():
            self.tried.clear()
        return step, text

    def value(self, ref: Ref) -> Text:
        """A value as an operand."""
        self.left[ref] = self.left.get(ref, 0) - 1
        if ref in self.names:
            if not self.left[ref] and self.names[ref] in self.scratch:
                self.tried.clear()
            return Text(self.names[ref])
        node = self.graph.node(ref.node)
        if node.op is None:  # a parameter or buffer of the class
            owner, _, name = node.path.rpartition(".")
            is_own = not owner or not self.reach(node.path).endswith('"]')
            return Text(self.reach(node.path) if is_own else f"{self.reach(owner)}.{name}")
        return self._release(self.makers[ref])[1]

    def write(self, steps: Sequence[Step], results: Sequence[Ref]) -> None:
        """The statements for the steps; what is left pending stands in the return."""
        self.left = use_counts(steps, results)
        uses = dict(self.left)
        rest = list(steps)
        while rest:
            loop = find_loop(rest, self.graph, self.children, uses)
            if loop:
                self._loop(loop)
                rest = rest[len(loop.steps) :]
            else:
                self._step(rest.pop(0), uses)
        if [ref for step, _ in self.pending.values() for ref in results_of(step, self.graph)] != list(results):
            self._write_pending()

    def _step(self, step: Step, uses: Mapping[Ref, int]) -> None:
        """A statement for a step, now or once its value is used."""
        self._flush(step)
        text = self._text(step)
        made = results_of(step, self.graph)
        named = is_tuple(step) or len(made) != 1 or made[0] in self.given
        if named or uses.get(made[0], 0) != 1 or len(text.text) > WIDTH:
            self._assign(step, text)
        else:
            self._hold(step.id, step, text)

    def _loop(self, loop: Loop) -> None:
        """`for layer in …`, over the variables that the results of the last step are called by."""
        begins = [loop.begins[i] for i in range(len(loop.begins))]
        last = list(islice(reversed(self.pending), 1))
        kept = [(id, *self._release(id)) for id in last if len(begins) == 1 and self.makers.get(begins[0]) == id]
        self._write_pending()
        for held in kept:
            self._hold(*held)
        starts = [self.value(ref).text for ref in begins]
        text, results = ", ".join(starts), results_of(loop.steps[-1], self.graph)
        self.current = set() if text.isidentifier() else words_of(text)
        for ref in results:  # each has a variable of its own, also where nothing needs it after the loop
            self.left[ref] = self.left.get(ref, 0) + 1
        names = [self.name(ref) for ref in results]
        if names != starts:
            self.lines.append(f"{INDENT}{', '.join(names)} = {text}")
        self.current = set()
        layer = next(name for name in ("layer", "layer_", "layer__") if name not in self.taken)
        texts = [names[a] if isinstance(a, int) else self.names[a] for a in loop.arguments]
        self.lines.append(f"{INDENT}for {layer} in {loop.layers}:")
        self.lines.append(f"{INDENT}    {', '.join(names)} = {layer}({', '.join(texts)})")
        for ref in begins:
            self.left[ref] += 1  # counted below, with the others
        for ref in [*results, *(ref for step in loop.steps for ref in step.refs)]:
            self.left[ref] -= 1
        self.tried.clear()

    def _text(self, step: Step) -> Text:
        if isinstance(step, NodeStep):
            node = step.node
            return expression(node, self.value, self.reach(node.path) if node.is_module else "", self.sizes)
        arguments = ", ".join(self.value(ref).text for ref in step.refs)
        return Text(f"{self.reach(step.unit.region.path)}({arguments})")

    def _flush(self, step: Step) -> None:
        """Writes the pending values where this step must not take them into its own expression.

        It may take the last ones, in the order in which they were made, or they would be computed in another order; and a
        layer with parameters, or a unit, begins a line of its own where its input has two calls already.
        """
        taken = [self.makers[ref] for ref in step.refs if self.makers.get(ref) in self.pending]
        is_large = not isinstance(step, NodeStep) or bool(step.node.weights)
        texts = [self.pending[id][1].text for id in taken]
        starts_line = (is_large and any(text.count("(") > 1 for text in texts)) or sum(map(len, texts)) > WIDTH - 30
        last = list(islice(reversed(self.pending), len(taken)))[::-1]
        if taken and (starts_line or last != taken):
            self._write_pending()

    def _write_pending(self) -> None:
        for id in list(self.pending):
            self._line(*self._release(id))

    def _assign(self, step: Step, text: Text) -> None:
        self.current = words_of(text.text)
        self._write_pending()
        self.current = set()
        self.tried.clear()
        self._line(step, text)

    def _line(self, step: Step, text: Text) -> None:
        self.lines.append(f"{INDENT}{self._names(step)} = {text.text}")

    def _names(self, step: Step) -> str:
        """What stands on the left: a variable, or one for each part of a tuple, `_` where nothing needs it."""
        made = results_of(step, self.graph)
        if not is_tuple(step):
            return ", ".join(self.name(ref) if self.left.get(ref) or len(made) == 1 else "_" for ref in made)
        assert isinstance(step, NodeStep)
        return self._parts(Ref(step.node.id), step.node.type, top=True)

    def _parts(self, ref: Ref, kind: Type, top: bool = False) -> str:
        if not isinstance(kind, tuple):
            return self.name(ref) if self.left.get(ref) else "_"
        parts = [self._parts(Ref(ref.node, (*ref.path, i)), part) for i, part in enumerate(kind)]
        if set(parts) <= {"_"} and not top:
            return "_"
        text = ", ".join(parts) + ("," if len(parts) == 1 else "")
        return text if top and len(parts) > 1 else f"({text})"


def words_of(text: str) -> set[str]:
    """The names in a text."""
    return set(re.findall(r"\w+", text))


def use_counts(steps: Iterable[Step], results: Iterable[Ref]) -> dict[Ref, int]:
    """How often every value is used."""
    counts: dict[Ref, int] = {}
    for ref in [*(r for step in steps for r in step.refs), *results]:
        counts[ref] = counts.get(ref, 0) + 1
    return counts
