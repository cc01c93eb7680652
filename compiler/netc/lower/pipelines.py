"""Pipelines: values go through stages, branches, sequences and repetitions; labels become the paths of layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic
from netc.graph import Ref
from netc.lower.binding import spread
from netc.lower.calls import Calls
from netc.lower.scope import Binding, Place, Scope
from netc.lower.steps import least_steps
from netc.lower.values import (
    CALLABLES,
    PARAMETRIC,
    UNKNOWN,
    BlockValue,
    FnValue,
    Given,
    Identity,
    NetworkValue,
    OpValue,
    Partial,
    PipeValue,
    SharedValue,
    has_unknown,
    kind_words,
)
from netc.ops import TABLE
from netc.shapes import Dim
from netc.source import Span


class Pipelines(Calls):
    """Evaluates pipelines."""

    # --- pipelines as values: what has no input yet waits for it ---

    def _branches(self, branches: s.Branches, scope: Scope) -> Any:
        for branch in branches.branches:
            head = branch.stages[0] if isinstance(branch, s.Pipe) else branch
            name = head.value if isinstance(head, s.Stage) else head
            bound = scope.find(name.name) if isinstance(name, s.Name) else None
            if bound and isinstance(bound.value, Ref):
                return self.fail("not-callable", f"the branches of `||` are layers, and `{name.span.text}` is a tensor", name.span,
                                  "several values side by side are `(a, b)`, also `(a -> f, b -> g)`")  # fmt: skip
        return PipeValue(branches, scope)

    def _insequence(self, sequence: s.InSequence, scope: Scope) -> Any:
        return PipeValue(sequence, scope)

    def _repeat(self, repeat: s.Repeat, scope: Scope) -> Any:
        return PipeValue(repeat, scope)

    def _residual(self, residual: s.Residual, scope: Scope) -> Any:
        return PipeValue(residual, scope)

    def _pipe(self, pipe: s.Pipe, scope: Scope) -> Any:
        first, alone = pipe.stages[0], self.without_ids(pipe, scope)
        if alone is first.value:
            return self.value(alone, scope)
        layer = None if isinstance(alone, s.Pipe) else self._stage(alone, scope)
        if isinstance(layer, CALLABLES) or has_unknown(layer):
            return layer
        if first.label is not None:
            return PipeValue(pipe, scope)
        value = self.value(first.value, scope)
        if isinstance(value, CALLABLES) or (isinstance(value, tuple) and value and all(isinstance(v, CALLABLES) for v in value)):
            return PipeValue(pipe, scope)
        return self._through(pipe.stages[1:], value, first.span, scope)

    def without_ids(self, body: s.Expression, scope: Scope) -> s.Expression:
        """A pipeline of one layer and else `id`s as that layer, which takes a label itself as it does without them."""
        if not isinstance(body, s.Pipe):
            return body
        kept = [stage for stage in body.stages if stage.label or not self._is_id(stage.value, scope)] or [body.stages[0]]
        if len(kept) > 1:
            return body
        return s.Pipe(body.span, (kept[0],)) if kept[0].label else kept[0].value

    def _is_id(self, stage: s.Expression, scope: Scope) -> bool:
        return isinstance(stage, s.Name) and stage.name == "id" and scope.find("id") is None

    # --- sending a value through ---

    def _through(self, stages: Sequence[s.Stage], value: Any, span: Span, scope: Scope) -> Any:
        for stage in stages:
            layer = self._stage(stage.value, scope)
            label = self._label(stage.label, scope) if stage.label else None
            value = UNKNOWN if has_unknown(layer) else self.send(layer, [Given(None, value, span)], stage.span, label)
            span = stage.span
        return value

    def _stage(self, stage: s.Expression, scope: Scope) -> Any:
        """What a value is sent into; a call here waits for it, whatever arguments it has."""
        if isinstance(stage, s.Call):
            callee = self.value(stage.callee, scope)
            given = self.given(stage.arguments, scope)
            if has_unknown(callee):
                return UNKNOWN
            return Partial(callee, tuple(given), stage.span) if isinstance(callee, PARAMETRIC) else self.partial(callee, given, stage)
        if isinstance(stage, s.Pipe):
            alone = self.without_ids(stage, scope)
            return PipeValue(alone, scope) if isinstance(alone, s.Pipe) else self._stage(alone, scope)
        if isinstance(stage, s.If):
            condition = self.value(stage.condition, scope)
            if isinstance(condition, bool):
                return self._stage(self.chosen(stage, condition, scope), scope)
            return UNKNOWN if has_unknown(condition) else self.not_a_condition(stage, condition)
        return self.value(stage, scope)

    def _label(self, label: s.Label, scope: Scope) -> s.Label:
        """A label with its expressions computed: `layer{i + 1}` as `layer3`."""
        if all(isinstance(part, str) for part in label.parts):
            return label
        text = ""
        for part in label.parts:
            value = part if isinstance(part, str) else self.value(part, scope)
            if has_unknown(value):
                value = "_"
            elif isinstance(value, bool) or not isinstance(value, (int, str)):
                self.fail("argument-type", f"a label is made of ints and strings, not of {kind_words(value)}", label.span)
                value = "_"
            text += str(value)
        if not re.fullmatch(r"\w+(\.\w+)*", text):
            self.fail("reserved-name", f"`{text}` cannot be a label", label.span, "labels are letters, digits, `_` and dots")
            text = self.builder.place.unlabelled_name("label")
        return s.Label(label.span, (text,))

    def send(self, layer: Any, inputs: list[Given], span: Span, label: s.Label | None) -> Any:
        """The value of a layer, function, block or pipeline that is sent a value."""
        callee, arguments = (layer.callee, list(layer.arguments)) if isinstance(layer, Partial) else (layer, [])
        if isinstance(callee, Identity):
            return inputs[0].value if len(inputs) == 1 else tuple(g.value for g in inputs)
        if isinstance(callee, FnValue):
            return self._in_place(label, lambda: self.expand(callee, inputs, arguments, span))
        if isinstance(callee, OpValue):
            return self._send_op(callee, arguments, inputs, span, label)
        if isinstance(callee, PipeValue):
            return self._send_pipe(callee, inputs, span, label)
        if isinstance(callee, (BlockValue, NetworkValue)):
            return self.send_block(callee, arguments, inputs, span, label)
        if isinstance(callee, SharedValue):
            return self._send_shared(callee, inputs, span, label)
        words, text = kind_words(layer), label.span.to(span).text if label else span.text
        hint = "a branch list needs `||`: `(A || B)`" if isinstance(layer, tuple) else ""
        return self.fail("not-callable", f"a value is sent into `{text}`, which is {words}, not a layer or function", span, hint)

    def send_block(
        self, block: BlockValue | NetworkValue, arguments: list[Given], inputs: list[Given], span: Span, label: s.Label | None
    ) -> Any:
        """The value of a block or network that is sent a value."""
        raise AssertionError("blocks know how")

    def _send_op(self, layer: OpValue, arguments: list[Given], inputs: list[Given], span: Span, label: s.Label | None) -> Any:
        placed, named = [g for g in arguments if g.name is None], [g for g in arguments if g.name]
        parts = spread(inputs)
        for part in parts:
            if isinstance(part.value, CALLABLES):
                what = kind_words(part.value)
                return self.fail("not-a-tensor", f"`{layer.op.name}` is sent {what} where a value must stand", part.span)
        return self.builder.apply(layer.op, placed, named, parts, span, label)

    def _in_place(
        self, label: s.Label | None, work: Callable[[], Any], numbered: bool = False, block: str = "", values: Scope | None = None
    ) -> Any:
        """Does the work with a label as the prefix of the layers that it makes; `block` and `values` say what it is a use of."""
        outer, region = self.builder.place, self.builder.region
        if label:
            self.builder.claim(label)
            self.builder.place = outer.inside(label.name, numbered)
            arguments = {name: binding.value for name, binding in values.names.items()} if values else {}
            self.builder.open_region("block" if block else "pipeline", block, arguments)
        try:
            return work()
        finally:
            self.builder.place, self.builder.region = outer, region

    def _send_pipe(
        self, pipe: PipeValue, inputs: list[Given], span: Span, label: s.Label | None, block: str = "", values: Scope | None = None
    ) -> Any:
        value = inputs[0].value if len(inputs) == 1 else tuple(g.value for g in inputs)
        source, body, scope = inputs[0].span, pipe.body, pipe.scope
        works: dict[type, Callable[[Any], Any]] = {
            s.Branches: lambda body: self._side_by_side(body, value, source, scope),
            s.InSequence: lambda body: self._branch(body.body, value, source, scope),
            s.Repeat: lambda body: self._repeated(body, value, source, scope),
            s.Residual: lambda body: self._send_residual(body, value, source, scope, span),
            s.Pipe: lambda body: self._through(body.stages, value, source, scope),
        }
        numbered = isinstance(body, (s.InSequence, s.Repeat, s.Residual))
        return self._in_place(label, lambda: works[type(body)](body), numbered, block, values)

    def _side_by_side(self, branches: s.Branches, value: Any, source: Span, scope: Scope) -> tuple[Any, ...]:
        parts = tuple(self._branch(b, value, source, scope) for b in branches.branches)
        return self.builder.origins.put_together(parts, branches.span)

    def _branch(self, branch: s.Expression, value: Any, span: Span, scope: Scope) -> Any:
        stages = branch.stages if isinstance(branch, s.Pipe) else (s.Stage(branch.span, None, branch),)
        return self._through(stages, value, span, scope)

    def _send_residual(self, residual: s.Residual, value: Any, source: Span, scope: Scope, span: Span) -> Any:
        changed = self._branch(residual.body, value, source, scope)
        both = [Given(None, value, source), Given(None, changed, residual.body.span)]
        return UNKNOWN if has_unknown([value, changed]) else self.builder.apply(TABLE["add"], [], [], both, span, None)

    def _repeated(self, repeat: s.Repeat, value: Any, span: Span, scope: Scope) -> Any:
        places = self._item_places(repeat)
        for item in self._items(repeat, scope):
            inner = Scope(scope)
            if repeat.variable:
                inner.names[repeat.variable.name] = Binding(item, next(places), used=True)
            value = self._branch(repeat.body, value, span, inner)
            span = repeat.span
        return value

    def _item_places(self, repeat: s.Repeat) -> Iterator[Span]:
        """Where the items were written, for what is said about them."""
        if isinstance(repeat.values, s.ListOf):
            yield from (item.span for item in repeat.values.items)
        while True:
            yield repeat.values.span

    def _items(self, repeat: s.Repeat, scope: Scope) -> Sequence[Any]:
        """What a `repeat` goes through; empty where a problem was reported. Raises `Endless` for too many."""
        start = self.value(repeat.values, scope)
        stop = None if repeat.stop is None else self.value(repeat.stop, scope)
        if has_unknown([start, stop]):
            return []
        if repeat.stop is None and isinstance(start, list) and repeat.variable:
            items: Sequence[Any] = start
            count = len(items)
        else:
            first: Any = 0 if repeat.stop is None else start
            last: Any = start if repeat.stop is None else stop
            for number, place in ((first, repeat.values), (last, repeat.stop or repeat.values)):
                if isinstance(number, bool) or not isinstance(number, int):
                    self._not_a_count(number, place.span)
                    return []
            items, count = range(first, last), max(0, last - first)  # `len` of a range has a limit
        self.count(count, least_steps(repeat.body), repeat.span)
        return items

    def _not_a_count(self, value: Any, span: Span) -> None:
        code = "not-constant" if isinstance(value, (Dim, Ref)) else "argument-type"
        hint = "a list is gone through with a name: `repeat c in [16, 32] { … }`" if isinstance(value, list) else ""
        self.fail(code, f"`repeat` needs an int, not {kind_words(value)}", span, hint)

    # --- one instance, several uses ---

    def _send_shared(self, shared: SharedValue, inputs: list[Given], span: Span, label: s.Label | None) -> Any:
        """A use of a shared layer: its layers have the paths of the first use, and so the same parameters."""
        if label:
            self.report(Diagnostic("duplicate-label", f"the shared layer is called `{shared.label.name}` already", label.span,
                                   hint="leave the label out"))  # fmt: skip
        outer, builder = self.builder.place, self.builder
        first = not shared.uses
        shared.uses.append(span)
        # Later uses take the same names again, in a place of their own, where these are free.
        builder.place = shared.place if first else Place(prefix=shared.place.prefix)
        builder.shared += 0 if first else 1
        try:
            return self.send(shared.value, inputs, span, shared.label)
        finally:
            builder.place = outer
            builder.shared -= 0 if first else 1
