"""The `group`s of a `train` section: parameters by pattern, with arguments of the optimizer for these only."""

from __future__ import annotations

from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic
from netc.graph import Argument
from netc.lower.binding import Binder
from netc.lower.blocks import Evaluator
from netc.lower.builder import Builder
from netc.lower.finish import keys_of
from netc.lower.scope import Scope
from netc.lower.values import Given, has_unknown
from netc.settings import Group, Made


def lower_groups(section: s.Section, optimizer: Any, builder: Builder, evaluator: Evaluator, scope: Scope) -> tuple[Group, ...]:
    """The groups in their order; problems are reported. What is wrong with the network leaves its keys open, and groups silent."""
    if section.kind != "train":
        for group in section.groups:
            builder.report(Diagnostic("section", "a `group` of parameters stands in `train`, not in `data`", group.span))
        return ()
    if any(d.severity == "error" for d in builder.diagnostics) or not isinstance(optimizer, Made):
        return ()
    return tuple(_group(group, optimizer, builder, evaluator, scope) for group in section.groups)


def _group(group: s.ParameterGroup, optimizer: Made, builder: Builder, evaluator: Evaluator, scope: Scope) -> Group:
    keys = [key for pattern in group.patterns for key in keys_of(builder, "", pattern)]
    if not group.settings:
        hint = f"give it arguments of `{optimizer.recipe.name}`, e.g. `lr = 0.01`"
        builder.report(Diagnostic("missing-argument", "the group says nothing of its parameters", group.span, hint=hint))
    given = [Given(setting.name, evaluator.value(setting.value, scope), setting.value.span) for setting in group.settings]
    if has_unknown([g.value for g in given]):
        return Group((), {})
    recipe = optimizer.recipe
    bound = Binder(recipe.name, recipe.signature, group.span, lambda v: v, builder.report).bind(recipe.params, [], given)
    arguments: dict[str, Argument] = {name: a for name, a in (bound or {}).items() if a.origin != "default"}
    return Group(tuple(dict.fromkeys(keys)), arguments)
