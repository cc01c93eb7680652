"""The value of an expression: constants are computed, tensors become nodes, layers are sent their inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, Edit, Related, closest, count_of, did_you_mean
from netc.graph import Ref
from netc.lower import constants
from netc.lower.builder import MERGES, Builder
from netc.lower.order import mentioned, too_early
from netc.lower.scope import Binding, Scope
from netc.lower.values import CALLABLES, UNKNOWN, Given, Identity, OpValue, RecipeValue, has_unknown, is_tensor, kind_words
from netc.ops import TABLE, fallback, foreign
from netc.ops.op import DType, Slice, dtype_named
from netc.ops.recipes import RECIPES
from netc.shapes import Dim
from netc.source import Span

MOST_HINTS = 100  # problems of one spec; a search among all names for each of more would take longer than they are read


class Expressions:
    """Evaluates expressions in scopes; tensors and layers go to the builder, problems too.

    What calls, pipelines and blocks add stands in the classes that are built on this one.
    """

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.report = builder.report

    def bind(self, name: s.Name, value: Any, scope: Scope) -> None:
        """Gives a value a name, which must be new in its scope; `_` is no name."""
        old = scope.names.get(name.name)
        if name.name == "_":
            return
        if old:
            self.report(Diagnostic("duplicate-name", f"`{name.name}` is given twice", name.span, related=(Related(old.span, "the first"),),
                                   hint="each value has a name of its own"))  # fmt: skip
            old.value = UNKNOWN  # what the name is meant for below cannot be known
            return
        scope.names[name.name] = Binding(value, name.span)

    def value(self, expression: s.Expression, scope: Scope) -> Any:
        """The value of an expression; `UNKNOWN` where a problem was reported."""
        method: Callable[[Any, Scope], Any] = getattr(self, f"_{type(expression).__name__.lower().strip('_')}")
        return method(expression, scope)

    # --- names and constants ---

    def _name(self, name: s.Name, scope: Scope) -> Any:
        binding = scope.find(name.name)
        if binding:
            self.builder.origins.note(name, binding)
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
        later = scope.given_later(name.name)
        if later is not None:
            self.report(too_early(name, later))
            return UNKNOWN
        meant = name.name in foreign.OPS
        op = None if meant else fallback.find(name.name)
        if op is not None:
            return OpValue(op)
        if meant or not scope.may_have_more:
            self.report(self.unknown_name(name, scope))
        return UNKNOWN

    def unknown_name(self, name: s.Name, scope: Scope) -> Diagnostic:
        """The diagnostic for a name that nothing has, with the word that was probably meant."""
        word = name.name
        meant = foreign.OPS.get(word) if foreign.OPS.get(word) in {*TABLE, "true", "false", "none"} else None
        if meant:
            return Diagnostic("unknown-name", f"there is no `{word}`", name.span, hint=f"PyTorch's word for it is `{meant}`"
                              if meant in TABLE else f"it is written `{meant}`", edit=Edit(name.span, meant))  # fmt: skip
        last = word.rsplit(".", 1)[-1]
        if "." in word and (last in TABLE or last in RECIPES or fallback.find(last)):
            return Diagnostic("unknown-name", f"there is no `{word}`", name.span, hint=f"it is written `{last}`",
                              edit=Edit(name.span, last))  # fmt: skip
        if len(self.builder.diagnostics) >= MOST_HINTS:
            return Diagnostic("unknown-name", f"there is no value, layer or function `{word}`", name.span)
        known = [*scope.visible(), *(n for n in TABLE if n.isidentifier()), *RECIPES, *constants.VALUES, "true", "false", "none", "id"]
        same_case = [n for n in known if n[:1].isupper() == word[:1].isupper()]
        other_case = [n for n in known if n.lower() == word.lower()]
        near = closest(word, other_case) or closest(word, same_case) or closest(word, known)
        hint = f"did you mean `{near}`?" if near else ""
        given = scope.find(near, use=False) if near else None
        if word.startswith("sklearn."):
            hint = did_you_mean(word, RECIPES) or "sources are " + ", ".join(f"`{n}`" for n in RECIPES if n.startswith("sklearn."))
        return Diagnostic("unknown-name", f"there is no value, layer or function `{word}`", name.span, hint=hint,
                          related=(Related(given.span, f"`{near}` is given here"),) if given else (),
                          edit=Edit(name.span, near) if near and near.lower() == word.lower() else None)  # fmt: skip

    def _literal(self, literal: s.Literal, scope: Scope) -> Any:
        return literal.value

    def _broken(self, broken: s.Broken, scope: Scope) -> Any:
        """What a syntax error hides: its names have values that are not known, and what it mentions is used."""
        scope.is_open |= not broken.names
        for name in broken.names:
            scope.names.setdefault(name, Binding(UNKNOWN, broken.span, used=True))
        for word in broken.words:
            scope.find(word)
        return UNKNOWN

    def _listof(self, items: s.ListOf, scope: Scope) -> Any:
        return [self.value(item, scope) for item in items.items]

    def _tupleof(self, items: s.TupleOf, scope: Scope) -> Any:
        return self.builder.origins.put_together(tuple(self.value(item, scope) for item in items.items), items.span)

    def _if(self, choice: s.If, scope: Scope) -> Any:
        condition = self.value(choice.condition, scope)
        if has_unknown(condition):
            return UNKNOWN
        if isinstance(condition, bool):
            return self.value(self.chosen(choice, condition, scope), scope)
        return self.not_a_condition(choice, condition)

    def chosen(self, choice: s.If, condition: bool, scope: Scope) -> s.Expression:
        """The side of an `if` that holds. What the other one mentions counts as used: with other parameters it is."""
        taken, other = (choice.then, choice.otherwise) if condition else (choice.otherwise, choice.then)
        for name in mentioned(other):
            scope.find(name)
        return taken

    def not_a_condition(self, choice: s.If, condition: Any) -> Any:
        """Reports a condition that is not decided while the spec is compiled."""
        hint = "choose between tensors with `where(condition, a, b)`" if is_tensor(condition) else ""
        return self.fail("not-constant", f"the condition of `if` must be `true` or `false`, not {kind_words(condition)}",
                          choice.condition.span, hint)  # fmt: skip

    def fail(self, code: str, message: str, span: Span, hint: str = "") -> Any:
        """Reports a problem, and gives the value that stands for it."""
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
            hint = f"of tensors it is `logical_not({unary.operand.span.text})`" if isinstance(value, Ref) else ""
            return self.fail("invalid-operation", f"`not` needs `true` or `false`, not {kind_words(value)}", unary.span, hint)
        if isinstance(value, Ref):
            neg = TABLE["neg"]
            return value if unary.operator == "+" else self.builder.apply(neg, [Given(None, value, unary.span)], [], [], unary.span, None)
        if isinstance(value, (int, float, Dim)) and not isinstance(value, bool):
            return -value if unary.operator == "-" else value
        return self.fail("invalid-operation", f"`{unary.operator}` does not go with {kind_words(value)}", unary.span)

    def _binary(self, binary: s.Binary, scope: Scope) -> Any:
        if binary.operator in ("and", "or"):
            return self._logic(binary, scope)
        a, b = self.value(binary.left, scope), self.value(binary.right, scope)
        if has_unknown((a, b)):
            return UNKNOWN
        if isinstance(a, Ref) or isinstance(b, Ref):
            given = [Given(None, a, binary.left.span), Given(None, b, binary.right.span)]
            return self._tensor_operator(binary, given)
        for value, side, times, other in ((a, binary.left, b, binary.right), (b, binary.right, a, binary.left)):
            if isinstance(value, (tuple, *CALLABLES)):
                repeats = binary.operator == "*" and isinstance(times, (int, Dim))
                send = f"it is repeated with `repeat {other.span.text} {{ {side.span.text} }}`" if repeats else "send it a value: `x -> …`"
                return self.fail("invalid-operation", f"`{binary.operator}` does not go with {kind_words(value)}", side.span,
                                  MERGES if isinstance(value, tuple) else send)  # fmt: skip
        try:
            return constants.operate(binary.operator, a, b)
        except constants.Impossible as why:
            code = "not-constant" if isinstance(a, Dim) or isinstance(b, Dim) else "invalid-operation"
            return self.fail(code, str(why), binary.span, set_hint(a, b))

    def _tensor_operator(self, binary: s.Binary, given: list[Given]) -> Any:
        for operand in given:
            if not isinstance(operand.value, (Ref, int, float, Dim)) or isinstance(operand.value, bool):
                hint = MERGES if isinstance(operand.value, tuple) else ""
                return self.fail("invalid-operation", f"`{binary.operator}` of a tensor does not go with {kind_words(operand.value)}",
                                  operand.span, hint)  # fmt: skip
        return self.builder.apply(TABLE[binary.operator], given, [], [], binary.span, None)

    def _logic(self, binary: s.Binary, scope: Scope) -> Any:
        for side in (binary.left, binary.right):
            value = self.value(side, scope)
            if has_unknown(value):
                return UNKNOWN
            if not isinstance(value, bool):
                sides = f"{binary.left.span.text}, {binary.right.span.text}"
                hint = f"of tensors it is `logical_{binary.operator}({sides})`" if isinstance(value, Ref) else ""
                return self.fail(
                    "invalid-operation", f"`{binary.operator}` needs `true` or `false`, not {kind_words(value)}", side.span, hint
                )
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
                return self.fail("axis", f"there is no entry {entry}: it has {count_of(len(value), 'entry').replace('entrys', 'entries')}",
                                  index.span)  # fmt: skip
            if isinstance(entry, int):
                return value[entry]
            if isinstance(entry, Slice) and all(isinstance(v, (int, type(None))) for v in entry.parts):
                return value[slice(*entry.parts)]
        hint = "arguments stand in `( )`" if isinstance(value, CALLABLES) else ""
        if isinstance(value, tuple):
            names = ", ".join("abcdef"[: len(value)])
            hint = f"name its parts first: `{names} = {index.value.span.text}`" if len(value) <= 6 else ""
        return self.fail("invalid-operation", f"{kind_words(value)} cannot be indexed so", index.span, hint)

    def _entry(self, entry: s.Expression | s.Slice | s.Dots, scope: Scope) -> Any:
        if isinstance(entry, s.Slice):
            ends = (entry.start, entry.stop, entry.step)
            return Slice(*(None if end is None else self.value(end, scope) for end in ends))
        return ... if isinstance(entry, s.Dots) else self.value(entry, scope)


def set_hint(*values: Any) -> str:
    """A hint that says how the named sizes among values are given."""
    names = sorted({n for v in values if isinstance(v, Dim) for n in v.names()})
    return f"give it: {' '.join(f'--set {n}=8' for n in names)}" if names else ""
