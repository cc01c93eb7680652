"""Initialisations by their names in `torch.nn.init`, in `param` statements and `init` sections."""

from __future__ import annotations

from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, Edit, did_you_mean
from netc.lower.binding import Binder
from netc.lower.calls import Calls
from netc.lower.scope import Scope
from netc.lower.values import UNKNOWN, has_unknown
from netc.ops.inits import INITS, values_refused
from netc.settings import Made


def init_of(expression: s.Expression, scope: Scope, evaluator: Calls) -> Any:
    """The initialisation that an expression names, `UNKNOWN` where its arguments are wrong, None if it names none.

    `zeros` and `ones` are functions too; with sizes in brackets they are these. Torch's underscore behind a name may be left out.
    """
    called = isinstance(expression, s.Call)
    name = expression.callee if isinstance(expression, s.Call) else expression
    recipe = INITS.get(name.name.removesuffix("_")) if isinstance(name, s.Name) else None
    if recipe is None or not isinstance(name, s.Name) or scope.find(name.name) is not None:
        return None
    given = evaluator.given(expression.arguments, scope) if isinstance(expression, s.Call) else []
    if called and given and not recipe.params:
        return None
    if has_unknown([g.value for g in given]):
        return UNKNOWN
    binder = Binder(recipe.name, recipe.signature, expression.span, lambda value: value, evaluator.report)
    arguments = binder.bind(recipe.params, [g for g in given if g.name is None], [g for g in given if g.name])
    if arguments is None:
        return UNKNOWN
    made = Made(recipe, arguments, expression.span)
    if found := values_refused(recipe.name, made.values):
        why, culprit, hint = found
        said = arguments[culprit]
        span = said.span if said.origin == "given" else expression.span
        evaluator.report(Diagnostic("argument-type", why, span, hint=hint or f"it is `{recipe.signature}`"))
        return UNKNOWN
    return made


def no_init(expression: s.Expression) -> Diagnostic:
    """The problem of an expression in an `init` that names no initialisation."""
    name = expression.callee if isinstance(expression, s.Call) else expression
    message, hint = f"`{expression.span.text}` is no initialisation", ""
    if isinstance(name, s.Name):
        word = name.name.rpartition(".")[2].removesuffix("_")
        if word in INITS:
            return Diagnostic("argument-type", message, name.span, hint=f"it is written `{word}`", edit=Edit(name.span, word))
        hint = did_you_mean(word, INITS)
    hint = hint or "they are those of torch.nn.init, e.g. `kaiming_normal`, `xavier_uniform`, `zeros`"
    return Diagnostic("argument-type", message, expression.span, hint=hint)
