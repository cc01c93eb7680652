"""The `group`s of the sections.

In `train`: parameters by pattern, with arguments of the optimizer for these only. In `data`: columns by pattern or name, with what
becomes of what is missing in these only, and how they are scaled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, Edit, Related, did_you_mean, listed
from netc.graph import Argument
from netc.lower.binding import Binder, Report
from netc.lower.blocks import Evaluator
from netc.lower.builder import Builder
from netc.lower.finish import keys_of
from netc.lower.scope import Scope
from netc.lower.values import Given, has_unknown
from netc.ops.limits import refused
from netc.ops.sources import COLUMN_KEYS
from netc.settings import ColumnGroup, ColumnPattern, Group, Made


def lower_groups(section: s.Section, optimizer: Any, builder: Builder, evaluator: Evaluator, scope: Scope) -> tuple[Group, ...]:
    """The groups in their order; problems are reported. What is wrong with the network leaves its keys open, and groups silent."""
    if any(d.severity == "error" for d in builder.diagnostics) or not isinstance(optimizer, Made):
        return ()
    groups = tuple(_group(group, optimizer, builder, evaluator, scope) for group in section.groups)
    for diagnostic in _beyond(optimizer, groups):
        builder.report(diagnostic)
    return groups


def _beyond(optimizer: Made, groups: Sequence[Group]) -> list[Diagnostic]:
    """What of the groups would be refused of the optimizer itself: torch looks at no group, and would, say, climb at a rate below 0."""
    given: dict[str, dict[str, Argument]] = {}
    for group in groups:
        for key in group.keys:
            given[key] = {**given.get(key, {}), **group.arguments}
    found: list[Diagnostic] = []
    for arguments in given.values():
        values = optimizer.values | {name: argument.value for name, argument in arguments.items()}
        beyond = [] if has_unknown(list(values.values())) else refused(optimizer.recipe.name, values)
        for limit in (limit for limit in beyond if limit.argument != "fused"):  # in a group torch takes that beside `foreach`
            # What goes against an argument of the optimizer, as no momentum against `nesterov`, is what the group changes of it.
            ways = [name for name in arguments if limit.holds(values[limit.argument], values | {name: optimizer.values[name]})]
            wrong = arguments[limit.argument if limit.argument in arguments else (ways or list(arguments))[0]]
            found.append(Diagnostic("argument-type", limit.broken(optimizer.recipe.name, values[limit.argument]), wrong.span))
    return list(dict.fromkeys(found))


def _group(group: s.ParameterGroup, optimizer: Made, builder: Builder, evaluator: Evaluator, scope: Scope) -> Group:
    keys = [key for pattern in group.patterns if isinstance(pattern, s.Name) for key in keys_of(builder, "", pattern)]
    for quoted in (pattern for pattern in group.patterns if isinstance(pattern, s.Literal)):
        text = str(quoted.value)
        builder.report(Diagnostic("argument-type", "the keys of parameters stand without quotes", quoted.span, hint=f"write `{text}`",
                                  edit=Edit(quoted.span, text)))  # fmt: skip
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


def lower_column_groups(section: s.Section, value: Callable[[s.Setting], Any], report: Report) -> tuple[ColumnGroup, ...]:
    """The groups of a `data` section in their order; `value` checks what is said under a key. Problems are reported."""
    return tuple(_column_group(group, value, report) for group in section.groups)


def _column_group(group: s.ParameterGroup, value: Callable[[s.Setting], Any], report: Report) -> ColumnGroup:
    said: dict[str, s.Setting] = {}
    for setting in group.settings:
        name = setting.name
        if name.name not in COLUMN_KEYS:
            hint = did_you_mean(name.name, COLUMN_KEYS) or f"it says {listed(COLUMN_KEYS)}; a `group` of parameters stands in `train`"
            report(Diagnostic("unknown-setting", f"a `group` of columns has no key `{name.name}`", name.span, hint=hint))
        elif name.name in said:
            related = (Related(said[name.name].name.span, "the first"),)
            report(Diagnostic("duplicate-name", f"`{name.name}` is given twice", name.span, related=related))
        else:
            said[name.name] = setting
    if not group.settings:
        hint = "say e.g. what becomes of what is missing there, `missing = median`, or how they are scaled, `normalize = minmax`"
        report(Diagnostic("missing-argument", "the group says nothing of its columns", group.span, hint=hint))
    patterns = tuple(
        ColumnPattern(str(p.value), True, p.span) if isinstance(p, s.Literal) else ColumnPattern(p.name, False, p.span)
        for p in group.patterns
    )
    return ColumnGroup(patterns, {name: Argument(value(setting), setting.value.span) for name, setting in said.items()})
