"""Calls: a layer gets its arguments, a function is applied or expanded, blocks get their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, Related, count_of, did_you_mean
from netc.lower import constants
from netc.lower.binding import spread
from netc.lower.builder import Builder
from netc.lower.expressions import Expressions, set_hint
from netc.lower.scope import Binding, Scope
from netc.lower.values import CALLABLES, PARAMETRIC, UNKNOWN, FnValue, Given, OpValue, Partial, has_unknown, is_tensor, kind_words
from netc.shapes import Dim
from netc.source import Span

# A function or block that calls itself deeper than this does not end; a U-Net or a tree of modules goes 10 deep at most.
DEEPEST_CALL = 60
# Of different ones within each other; each takes some of Python's stack.
DEEPEST_NEST = 250
# More calls and repetitions than this in one spec do not end either, or would fill the memory.
# A call takes some 70 microseconds, a repetition less.
MOST_CALLS = 12_000
MOST_ROUNDS = 25_000


class Endless(Exception):
    """A function, block or repetition was expanded too often. The problem is reported; what asked for it is given up."""


class Calls(Expressions):
    """Evaluates calls."""

    def __init__(self, builder: Builder) -> None:
        super().__init__(builder)
        self.calls = 0
        self.rounds = 0

    def send(self, layer: Any, inputs: list[Given], span: Span, label: s.Label | None) -> Any:
        """The value of a layer, function or pipeline that is sent a value."""
        raise AssertionError("pipelines know how")

    def given(self, arguments: Sequence[s.Argument], scope: Scope) -> list[Given]:
        """The arguments of a call with their values."""
        return [Given(a.name, self.value(a.value, scope), a.value.span) for a in arguments]

    def _call(self, call: s.Call, scope: Scope) -> Any:
        """A call where a value is wanted: applied when it has its tensors, else a layer with arguments that waits for them."""
        if isinstance(call.callee, s.Name) and scope.find(call.callee.name) is None and call.callee.name in constants.FUNCTIONS:
            given = self.given(call.arguments, scope)
            if not is_tensor([g.value for g in given]):
                return self._constant_call(call.callee, call, given)
            return self._call_value(call, self._name(call.callee, scope), given)
        callee = self.value(call.callee, scope)
        return self._call_value(call, callee, self.given(call.arguments, scope))

    def _constant_call(self, callee: s.Name, call: s.Call, given: list[Given]) -> Any:
        values = [g.value for g in given]
        if has_unknown(values):
            return UNKNOWN
        if any(g.name for g in given):
            return self.fail("unknown-argument", f"`{callee.name}` of numbers takes no named arguments", call.span)
        if any(isinstance(v, Dim) for v in values):
            return self.fail("not-constant", f"`{callee.name}` needs numbers, and a size is not known", call.span, set_hint(*values))
        try:
            return constants.run(lambda: constants.FUNCTIONS[callee.name](*values))
        except constants.Impossible as why:
            return self.fail("invalid-operation", f"`{call.span.text}`: {why}", call.span)

    def _call_value(self, call: s.Call, callee: Any, given: list[Given]) -> Any:
        if has_unknown([callee, *(g.value for g in given)]):
            return UNKNOWN
        placed, named = [g for g in given if g.name is None], [g for g in given if g.name]
        has_tensor = is_tensor([g.value for g in given])
        if isinstance(callee, FnValue) and not _needs_more(callee, given):
            return self.expand(callee, [], given, call.span)
        if isinstance(callee, OpValue) and ((not callee.op.is_module and has_tensor) or callee.op.min_inputs == 0):
            return self.builder.apply(callee.op, placed, named, [], call.span, None)
        if isinstance(callee, PARAMETRIC) and not isinstance(callee, FnValue) and is_tensor([g.value for g in placed]):
            return self.fail("not-callable", f"a layer is sent its input: `… -> {call.callee.span.text}(…)`", call.span,
                              "the brackets hold what it is made with, e.g. `x -> Linear(8)`")  # fmt: skip
        return self.partial(callee, given, call)

    def partial(self, callee: Any, given: list[Given], call: s.Call) -> Any:
        """A callable with arguments; what is called with arguments a second time is sent its input: `Linear(8)(x)`."""
        if isinstance(callee, PARAMETRIC):
            return Partial(callee, tuple(given), call.span)
        text = call.callee.span.text
        if isinstance(callee, CALLABLES) and given and is_tensor([g.value for g in given]) and not any(g.name for g in given):
            return self.send(callee, given, call.span, None)
        if isinstance(callee, CALLABLES):
            return self.fail("too-many-arguments", f"`{text}` is {kind_words(callee)} that takes no more arguments", call.span)
        return self.fail("not-callable", f"`{text}` is {kind_words(callee)}, not a layer or function", call.callee.span)

    # --- functions, and the parameters of functions and blocks ---

    def enter(self, kind: str, name: str, span: Span) -> None:
        """Counts one more expansion of a function or block, deeper by one. Raises `Endless`."""
        self.calls += 1
        if self.calls > MOST_CALLS:
            self._endless(f"the spec makes more than {MOST_CALLS:,} uses of its functions and blocks", span)
        frames, frame = self.builder.frames, f"{kind} {name}"
        if len(frames) >= DEEPEST_CALL and sum(1 for outer, _ in frames if outer == frame) >= DEEPEST_CALL:
            self._endless(f"`{name}` calls itself without end", span)
        if len(frames) >= DEEPEST_NEST:
            deep = f"functions and blocks are used more than {DEEPEST_NEST} deep in each other"
            self._endless(deep, span, "write some of them out where they are used")
        frames.append((frame, span))

    def count(self, rounds: int, within: int, span: Span) -> None:
        """Counts the rounds of a `repeat`; each of these makes so many others at least. Raises `Endless` where they are too many."""
        self.rounds += rounds
        if self.rounds > MOST_ROUNDS or rounds * within > MOST_ROUNDS:
            self._endless(f"the spec makes more than {MOST_ROUNDS:,} rounds of `repeat`", span)

    def _endless(self, message: str, span: Span, hint: str = "`if` can end it at a constant") -> None:
        self.builder.frames = self.builder.frames[:1]
        self.fail("recursion", message, span, hint)
        raise Endless

    def expand(self, callee: FnValue, inputs: list[Given], arguments: list[Given], span: Span) -> Any:
        """The body of a `fn` with its parameters bound; what is sent in stands before the arguments."""
        fn = callee.fn
        sent = spread(inputs) if len(fn.parameters) > 1 else list(inputs)
        scope = self.bind_parameters(fn.name, fn.parameters, callee.scope, [*sent, *arguments], span)
        if scope is None:
            return UNKNOWN
        self.enter("fn", fn.name.name, span)
        value = self.value(fn.body, scope)
        self.builder.frames.pop()
        return value

    def bind_parameters(
        self, called: s.Name, parameters: Sequence[s.Parameter], outer: Scope, given: Sequence[Given], span: Span
    ) -> Scope | None:
        """A scope with the parameters of a function or block bound; None where a problem was reported."""
        scope, names = Scope(outer), [p.name.name for p in parameters]
        placed = [g for g in given if g.name is None]
        signature = s.Name(called.span, f"{called.name}({', '.join(p.span.text for p in parameters)})")
        if len(placed) > len(names):
            self._misfit_call("too-many-arguments", signature, f"is given {count_of(len(placed), 'argument')}", span)
            return None
        for parameter, argument in zip(names, placed, strict=False):
            scope.names[parameter] = Binding(argument.value, argument.span)
        for argument in given:
            if argument.name is not None and not self._bind_named(argument, names, scope, signature):
                return None
        return self._bind_defaults(parameters, scope, signature, span)

    def _misfit_call(self, code: str, signature: s.Name, what: str, span: Span, hint: str = "") -> None:
        """Reports a call that does not fit what is called, which `signature` shows in its place."""
        declared = Related(signature.span, "declared here")
        self.report(Diagnostic(code, f"`{signature.name}` {what}", span, related=(declared,), hint=hint))

    def _bind_named(self, given: Given, names: list[str], scope: Scope, signature: s.Name) -> bool:
        assert given.name is not None
        name = given.name.name
        if name not in names:
            self._misfit_call("unknown-argument", signature, f"has no argument `{name}`", given.name.span, did_you_mean(name, names))
        elif name in scope.names:
            first = Related(scope.names[name].span, "the first")
            self.report(Diagnostic("duplicate-argument", f"`{signature.name}` is given `{name}` twice", given.span, related=(first,)))
        else:
            scope.names[name] = Binding(given.value, given.span)
            return True
        return False

    def _bind_defaults(self, parameters: Sequence[s.Parameter], scope: Scope, signature: s.Name, span: Span) -> Scope | None:
        for parameter in parameters:
            if parameter.name.name not in scope.names:
                if parameter.default is None:
                    self._misfit_call("missing-argument", signature, f"needs `{parameter.name.name}`", span)
                    return None
                scope.names[parameter.name.name] = Binding(self.value(parameter.default, scope), parameter.span)
        return scope


def _needs_more(callee: FnValue, given: Sequence[Given]) -> bool:
    """Whether a call of a `fn` leaves a parameter without a value."""
    named = {g.name.name for g in given if g.name}
    without = [p for p in callee.fn.parameters if p.default is None and p.name.name not in named]
    return len(without) > sum(1 for g in given if g.name is None)
