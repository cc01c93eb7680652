"""The value of an expression: constants are computed, tensors become nodes, layers are sent their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, Edit, Related, closest, count_of, did_you_mean
from netc.graph import Ref
from netc.lower import constants
from netc.lower.binding import spread
from netc.lower.builder import MERGES, Builder
from netc.lower.scope import Binding, Scope
from netc.lower.values import (
    CALLABLES,
    UNKNOWN,
    FnValue,
    Given,
    Identity,
    OpValue,
    Partial,
    PipeValue,
    RecipeValue,
    has_unknown,
    is_tensor,
    kind_words,
)  # fmt: skip
from netc.ops import TABLE, foreign
from netc.ops.op import DType, Slice, dtype_named
from netc.ops.recipes import RECIPES
from netc.shapes import Dim
from netc.source import Span

# A `fn` that calls itself deeper than this, or is called more often, does not end. Python's stack carries about three
# times as much; the calls are done within a second.
DEEPEST_CALL = 60
MOST_CALLS = 20_000


class Endless(Exception):
    """A function was expanded too often; what is being computed is given up. The problem is reported."""


class Evaluator:
    """Evaluates expressions in scopes; tensors and layers go to the builder, problems too."""

    def __init__(self, builder: Builder, later: Mapping[str, Span] | None = None) -> None:
        self.builder = builder
        self.later = later or {}  # the places that give values their names, also below what is evaluated
        self.report = builder.report
        self.calls = 0

    def value(self, expression: s.Expression, scope: Scope) -> Any:
        """The value of an expression; `UNKNOWN` where a problem was reported."""
        method: Callable[[Any, Scope], Any] = getattr(self, f"_{type(expression).__name__.lower()}")
        return method(expression, scope)

    # --- names and constants ---

    def _name(self, name: s.Name, scope: Scope) -> Any:
        binding = scope.find(name.name)
        if binding:
            return binding.value
        if name.name in TABLE and name.name.isidentifier():
            return OpValue(TABLE[name.name])
        if name.name == "id":
            return Identity()
        if name.name in RECIPES:
            return RecipeValue(RECIPES[name.name])
        dtype = dtype_named(name.name)
        if dtype:
            return DType(dtype)
        if name.name in constants.VALUES:
            return constants.VALUES[name.name]
        self.report(self.unknown_name(name, scope))
        return UNKNOWN

    def unknown_name(self, name: s.Name, scope: Scope) -> Diagnostic:
        """The diagnostic for a name that nothing has, with the word that was probably meant."""
        word = name.name
        if word in self.later:
            return Diagnostic("unknown-name", f"`{word}` is used before it is given", name.span,
                              related=(Related(self.later[word], "given here"),))  # fmt: skip
        meant = foreign.OPS.get(word) if foreign.OPS.get(word) in {*TABLE, "true", "false", "none"} else None
        if meant:
            return Diagnostic("unknown-name", f"there is no `{word}`", name.span, hint=f"PyTorch's word for it is `{meant}`"
                              if meant in TABLE else f"it is written `{meant}`", edit=Edit(name.span, meant))  # fmt: skip
        known = [*scope.visible(), *(n for n in TABLE if n.isidentifier()), *RECIPES, "true", "false", "none", "id"]
        same_case = [n for n in known if n[:1].isupper() == word[:1].isupper()]
        near = closest(word, same_case) or closest(word, known)
        hint = f"did you mean `{near}`?" if near else ""
        if word.startswith("sklearn."):
            hint = did_you_mean(word, RECIPES) or "sources are " + ", ".join(f"`{n}`" for n in RECIPES if n.startswith("sklearn."))
        return Diagnostic("unknown-name", f"there is no value, layer or function `{word}`", name.span, hint=hint,
                          edit=Edit(name.span, near) if near and near.lower() == word.lower() else None)  # fmt: skip

    def _literal(self, literal: s.Literal, scope: Scope) -> Any:
        return literal.value

    def _listof(self, items: s.ListOf, scope: Scope) -> Any:
        return [self.value(item, scope) for item in items.items]

    def _tupleof(self, items: s.TupleOf, scope: Scope) -> Any:
        return tuple(self.value(item, scope) for item in items.items)

    def _if(self, choice: s.If, scope: Scope) -> Any:
        condition = self.value(choice.condition, scope)
        if has_unknown(condition):
            return UNKNOWN
        if isinstance(condition, bool):
            return self.value(choice.then if condition else choice.otherwise, scope)
        hint = "choose between tensors with `where(condition, a, b)`" if is_tensor(condition) else ""
        return self._fail("not-constant", f"the condition of `if` must be `true` or `false`, not {kind_words(condition)}",
                          choice.condition.span, hint)  # fmt: skip

    def _fail(self, code: str, message: str, span: Span, hint: str = "") -> Any:
        self.report(Diagnostic(code, message, span, hint=hint))
        return UNKNOWN

    # --- operators ---

    def _unary(self, unary: s.Unary, scope: Scope) -> Any:
        value = self.value(unary.operand, scope)
        if has_unknown(value):
            return UNKNOWN
        if unary.operator == "not":
            if isinstance(value, bool):
                return not value
            return self._fail("invalid-operation", f"`not` needs `true` or `false`, not {kind_words(value)}", unary.span)
        if isinstance(value, Ref):
            neg = TABLE["neg"]
            return value if unary.operator == "+" else self.builder.apply(neg, [Given(None, value, unary.span)], [], [], unary.span, None)
        if isinstance(value, (int, float, Dim)) and not isinstance(value, bool):
            return -value if unary.operator == "-" else value
        return self._fail("invalid-operation", f"`{unary.operator}` does not go with {kind_words(value)}", unary.span)

    def _binary(self, binary: s.Binary, scope: Scope) -> Any:
        if binary.operator in ("and", "or"):
            return self._logic(binary, scope)
        a, b = self.value(binary.left, scope), self.value(binary.right, scope)
        if has_unknown((a, b)):
            return UNKNOWN
        if isinstance(a, Ref) or isinstance(b, Ref):
            given = [Given(None, a, binary.left.span), Given(None, b, binary.right.span)]
            return self._tensor_operator(binary, given)
        for value, side in ((a, binary.left), (b, binary.right)):
            if isinstance(value, (tuple, *CALLABLES)):
                return self._fail("invalid-operation", f"`{binary.operator}` does not go with {kind_words(value)}", side.span,
                                  MERGES if isinstance(value, tuple) else "send it a value: `x -> …`")  # fmt: skip
        try:
            return constants.operate(binary.operator, a, b)
        except constants.Impossible as why:
            code = "not-constant" if isinstance(a, Dim) or isinstance(b, Dim) else "invalid-operation"
            return self._fail(code, str(why), binary.span, _set_hint(a, b))

    def _tensor_operator(self, binary: s.Binary, given: list[Given]) -> Any:
        for operand in given:
            if not isinstance(operand.value, (Ref, int, float, Dim)) or isinstance(operand.value, bool):
                hint = MERGES if isinstance(operand.value, tuple) else ""
                return self._fail("invalid-operation", f"`{binary.operator}` of a tensor does not go with {kind_words(operand.value)}",
                                  operand.span, hint)  # fmt: skip
        return self.builder.apply(TABLE[binary.operator], given, [], [], binary.span, None)

    def _logic(self, binary: s.Binary, scope: Scope) -> Any:
        for side in (binary.left, binary.right):
            value = self.value(side, scope)
            if has_unknown(value):
                return UNKNOWN
            if not isinstance(value, bool):
                return self._fail("invalid-operation", f"`{binary.operator}` needs `true` or `false`, not {kind_words(value)}", side.span)
            if value == (binary.operator == "or"):
                return value
        return value

    # --- indexing ---

    def _index(self, index: s.Index, scope: Scope) -> Any:
        value = self.value(index.value, scope)
        entries = [self._entry(entry, scope) for entry in index.entries]
        if has_unknown([value, *entries]):
            return UNKNOWN
        if isinstance(value, Ref):
            given = [Given(None, value, index.value.span), Given(None, entries, index.span)]
            return self.builder.apply(TABLE["[]"], given, [], [], index.span, None)
        if isinstance(value, (list, tuple, str)) and len(entries) == 1:
            entry = entries[0]
            if isinstance(entry, int) and not -len(value) <= entry < len(value):
                return self._fail("axis", f"there is no entry {entry}: it has {count_of(len(value), 'entry').replace('entrys', 'entries')}",
                                  index.span)  # fmt: skip
            if isinstance(entry, int):
                return value[entry]
            if isinstance(entry, Slice) and all(isinstance(v, (int, type(None))) for v in entry.parts):
                return value[slice(*entry.parts)]
        return self._fail("invalid-operation", f"{kind_words(value)} cannot be indexed so", index.span)

    def _entry(self, entry: s.Expression | s.Slice | s.Dots, scope: Scope) -> Any:
        if isinstance(entry, s.Slice):
            ends = (entry.start, entry.stop, entry.step)
            return Slice(*(None if end is None else self.value(end, scope) for end in ends))
        return ... if isinstance(entry, s.Dots) else self.value(entry, scope)

    # --- calls ---

    def _given(self, arguments: Sequence[s.Argument], scope: Scope) -> list[Given]:
        return [Given(a.name, self.value(a.value, scope), a.value.span) for a in arguments]

    def _call(self, call: s.Call, scope: Scope) -> Any:
        """A call where a value is wanted: applied when it has its tensors, else a layer with arguments that waits for them."""
        if isinstance(call.callee, s.Name) and scope.find(call.callee.name) is None and call.callee.name in constants.FUNCTIONS:
            given = self._given(call.arguments, scope)
            if not is_tensor([g.value for g in given]):
                return self._constant_call(call, given)
            return self._call_value(call, self._name(call.callee, scope), given)
        callee = self.value(call.callee, scope)
        return self._call_value(call, callee, self._given(call.arguments, scope))

    def _constant_call(self, call: s.Call, given: list[Given]) -> Any:
        assert isinstance(call.callee, s.Name)
        if has_unknown([g.value for g in given]):
            return UNKNOWN
        if any(g.name for g in given):
            return self._fail("unknown-argument", f"`{call.callee.name}` of numbers takes no named arguments", call.span)
        values = [g.value for g in given]
        if any(isinstance(v, Dim) for v in values):
            return self._fail("not-constant", f"`{call.callee.name}` needs numbers, and a size is not known", call.span, _set_hint(*values))
        try:
            return constants.run(lambda: constants.FUNCTIONS[call.callee.name](*values))  # type: ignore[union-attr]
        except constants.Impossible as why:
            return self._fail("invalid-operation", f"`{call.span.text}`: {why}", call.span)

    def _call_value(self, call: s.Call, callee: Any, given: list[Given]) -> Any:
        if has_unknown([callee, *(g.value for g in given)]):
            return UNKNOWN
        placed = [g for g in given if g.name is None]
        if isinstance(callee, FnValue):
            if len(given) >= len(callee.fn.parameters) or not _needs_more(callee, given):
                return self._expand(callee, [], given, call.span)
            return Partial(callee, tuple(given), call.span)
        if isinstance(callee, OpValue) and ((not callee.op.is_module and is_tensor([g.value for g in given])) or callee.op.min_inputs == 0):
            named = [g for g in given if g.name]
            return self.builder.apply(callee.op, placed, named, [], call.span, None)
        if isinstance(callee, OpValue) and callee.op.is_module and is_tensor([g.value for g in placed]):
            return self._fail("not-callable", f"a layer is sent its input: `… -> {call.callee.span.text}(…)`", call.span,
                              "the brackets hold what it is made with, e.g. `x -> Linear(8)`")  # fmt: skip
        return self.partial(callee, given, call)

    def partial(self, callee: Any, given: list[Given], call: s.Call) -> Any:
        """A callable with arguments; what is called with arguments a second time is sent its input: `Linear(8)(x)`."""
        if isinstance(callee, (OpValue, FnValue, RecipeValue)):
            return Partial(callee, tuple(given), call.span)
        if isinstance(callee, CALLABLES) and given and is_tensor([g.value for g in given]) and not any(g.name for g in given):
            return self.send(callee, given, call.span, None)
        if isinstance(callee, CALLABLES):
            return self._fail(
                "too-many-arguments", f"`{call.callee.span.text}` is {kind_words(callee)} that takes no more arguments", call.span
            )
        return self._fail("not-callable", f"`{call.callee.span.text}` is {kind_words(callee)}, not a layer or function", call.callee.span)

    # --- pipelines ---

    def _branches(self, branches: s.Branches, scope: Scope) -> Any:
        for branch in branches.branches:
            head = branch.stages[0] if isinstance(branch, s.Pipe) else branch
            name = head.value if isinstance(head, s.Stage) else head
            bound = scope.find(name.name) if isinstance(name, s.Name) else None
            if bound and isinstance(bound.value, Ref):
                return self._fail("not-callable", f"the branches of `||` are layers, and `{name.span.text}` is a tensor", name.span,
                                  "several values side by side are `(a, b)`, also `(a -> f, b -> g)`")  # fmt: skip
        return PipeValue(branches, scope)

    def _pipe(self, pipe: s.Pipe, scope: Scope) -> Any:
        first = pipe.stages[0]
        if first.label is not None:
            return PipeValue(pipe, scope)
        value = self.value(first.value, scope)
        if isinstance(value, CALLABLES) or (isinstance(value, tuple) and value and all(isinstance(v, CALLABLES) for v in value)):
            return PipeValue(pipe, scope)
        return self._through(pipe.stages[1:], value, first.span, scope)

    def _through(self, stages: Sequence[s.Stage], value: Any, span: Span, scope: Scope) -> Any:
        for stage in stages:
            layer = self._stage(stage, scope)
            value = UNKNOWN if has_unknown(layer) else self.send(layer, [Given(None, value, span)], stage.span, stage.label)
            span = stage.span
        return value

    def _stage(self, stage: s.Stage, scope: Scope) -> Any:
        """What a value is sent into; a call here waits for it, whatever arguments it has."""
        if isinstance(stage.value, s.Call):
            callee = self.value(stage.value.callee, scope)
            given = self._given(stage.value.arguments, scope)
            if has_unknown(callee):
                return UNKNOWN
            if isinstance(callee, (OpValue, FnValue)):
                return Partial(callee, tuple(given), stage.value.span)
            return self.partial(callee, given, stage.value)
        return self.value(stage.value, scope)

    def send(self, layer: Any, inputs: list[Given], span: Span, label: s.Label | None) -> Any:
        """The value of a layer, function or pipeline that is sent a value."""
        if isinstance(layer, OpValue):
            layer = Partial(layer, (), span)
        if isinstance(layer, FnValue):
            return self._expand(layer, inputs, [], span)
        if isinstance(layer, Identity):
            return inputs[0].value if len(inputs) == 1 else tuple(g.value for g in inputs)
        if isinstance(layer, PipeValue):
            return self._send_pipe(layer, inputs, span, label)
        if isinstance(layer, Partial) and isinstance(layer.callee, FnValue):
            return self._expand(layer.callee, inputs, list(layer.arguments), span)
        if isinstance(layer, Partial) and isinstance(layer.callee, OpValue):
            return self._send_op(layer, inputs, span, label)
        words, text = kind_words(layer), label.span.to(span).text if label else span.text
        hint = "a branch list needs `||`: `(A || B)`" if isinstance(layer, tuple) else ""
        return self._fail("not-callable", f"a value is sent into `{text}`, which is {words}, not a layer or function", span, hint)

    def _send_op(self, layer: Partial, inputs: list[Given], span: Span, label: s.Label | None) -> Any:
        assert isinstance(layer.callee, OpValue)
        op = layer.callee.op
        placed, named = [g for g in layer.arguments if g.name is None], [g for g in layer.arguments if g.name]
        parts = spread(inputs)
        for part in parts:
            if isinstance(part.value, CALLABLES):
                return self._fail("not-a-tensor", f"`{op.name}` is sent {kind_words(part.value)} where a value must stand", part.span)
        return self.builder.apply(op, placed, named, parts, span, label)

    def _send_pipe(self, pipe: PipeValue, inputs: list[Given], span: Span, label: s.Label | None) -> Any:
        outer = self.builder.place
        if label:
            self.builder.place = outer.inside(label.name)
        value = inputs[0].value if len(inputs) == 1 else tuple(g.value for g in inputs)
        if isinstance(pipe.body, s.Branches):
            result: Any = tuple(self._branch(b, value, inputs[0].span, pipe.scope) for b in pipe.body.branches)
        else:
            result = self._through(pipe.body.stages, value, inputs[0].span, pipe.scope)
        self.builder.place = outer
        return result

    def _branch(self, branch: s.Expression, value: Any, span: Span, scope: Scope) -> Any:
        if isinstance(branch, s.Pipe):
            return self._through(branch.stages, value, span, scope)
        return self._through([s.Stage(branch.span, None, branch)], value, span, scope)

    # --- functions of the spec ---

    def _expand(self, callee: FnValue, inputs: list[Given], arguments: list[Given], span: Span) -> Any:
        """The body of a `fn` with its parameters bound; what is sent in stands before the arguments."""
        fn = callee.fn
        self.calls += 1
        if len(self.builder.frames) >= DEEPEST_CALL or self.calls > MOST_CALLS:
            self.builder.frames = self.builder.frames[:1]
            self._fail("recursion", f"`{fn.name.name}` calls itself without end", span, "`if` can end it at a constant")
            raise Endless
        scope = self._bind_fn(callee, inputs, arguments, span)
        if scope is None:
            return UNKNOWN
        self.builder.frames.append((f"fn {fn.name.name}", span))
        value = self.value(fn.body, scope)
        self.builder.frames.pop()
        return value

    def _bind_fn(self, callee: FnValue, inputs: list[Given], arguments: list[Given], span: Span) -> Scope | None:
        fn = callee.fn
        scope, names = Scope(callee.scope), [p.name.name for p in fn.parameters]
        sent = spread(inputs) if len(names) > 1 else list(inputs)
        placed = sent + [g for g in arguments if g.name is None]
        signature = f"{fn.name.name}({', '.join(p.span.text for p in fn.parameters)})"
        if len(placed) > len(names):
            self._fail("too-many-arguments", f"`{signature}` is given {count_of(len(placed), 'argument')}", span)
            return None
        for name, given in zip(names, placed, strict=False):
            scope.names[name] = Binding(given.value, given.span)
        for given in arguments:
            if given.name is not None and not self._bind_named(given, names, scope, signature):
                return None
        return self._bind_defaults(fn, scope, signature, span)

    def _bind_named(self, given: Given, names: list[str], scope: Scope, signature: str) -> bool:
        assert given.name is not None
        name = given.name.name
        if name not in names:
            self._fail("unknown-argument", f"`{signature}` has no argument `{name}`", given.name.span, did_you_mean(name, names))
        elif name in scope.names:
            first = Related(scope.names[name].span, "the first")
            self.report(Diagnostic("duplicate-argument", f"`{signature}` is given `{name}` twice", given.span, related=(first,)))
        else:
            scope.names[name] = Binding(given.value, given.span)
            return True
        return False

    def _bind_defaults(self, fn: s.Fn, scope: Scope, signature: str, span: Span) -> Scope | None:
        for parameter in fn.parameters:
            if parameter.name.name not in scope.names:
                if parameter.default is None:
                    self._fail("missing-argument", f"`{signature}` needs `{parameter.name.name}`", span)
                    return None
                scope.names[parameter.name.name] = Binding(self.value(parameter.default, scope), parameter.span)
        return scope


def _needs_more(callee: FnValue, given: Sequence[Given]) -> bool:
    """Whether a call of a `fn` leaves a parameter without a value."""
    named = {g.name.name for g in given if g.name}
    without = [p for p in callee.fn.parameters if p.default is None and p.name.name not in named]
    return len(without) > sum(1 for g in given if g.name is None)


def _set_hint(*values: Any) -> str:
    names = sorted({n for v in values if isinstance(v, Dim) for n in v.names()})
    return f"give it: {' '.join(f'--set {n}=8' for n in names)}" if names else ""
