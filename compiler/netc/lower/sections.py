"""The `data` and `train` sections: every key and argument checked by name and type, defaults filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, Edit, Related, closest, did_you_mean, listed
from netc.graph import Argument, Graph
from netc.lower import constants
from netc.lower.binding import Binder
from netc.lower.blocks import Evaluator
from netc.lower.builder import Builder
from netc.lower.groups import lower_column_groups, lower_groups
from netc.lower.scope import Binding, Scope
from netc.lower.spellings import METRICS_LISTED, elsewhere, metric_meant
from netc.lower.values import UNKNOWN, Given, Partial, RecipeValue, has_unknown, kind_words
from netc.ops import foreign
from netc.ops.factors import FIRST, factor_of
from netc.ops.limits import refused
from netc.ops.measures import MEASURES
from netc.ops.op import REQUIRED, Param, signature, value_text
from netc.ops.python import Unusable
from netc.ops.recipe import Key
from netc.ops.recipes import KEYS, RECIPES, find
from netc.settings import Made, Section, measure_names
from netc.source import Span
from netc.tasks import task_of

TEXTS = ("str", "str_or_strs", "file")  # kinds of values that no name can be
PLAIN = ("int", "float", "bool")
EXAMPLES = {"epochs": 100}  # of keys without a default
# What feeds an input or target: columns of the data by their names.
FED = Key(signature("columns: str_or_strs")[0])
FUNCTION = Key(signature("function: any")[0], (find("python"),))


def lower_section(section: s.Section, builder: Builder, allow_python: bool = False) -> Section | None:
    """The section's values; None where a problem was reported. What runs Python is refused but with `allow_python`."""
    return _SectionLowering(section, builder, allow_python).run()


class _SectionLowering:
    def __init__(self, section: s.Section, builder: Builder, allow_python: bool) -> None:
        self.section, self.allow_python = section, allow_python
        self.keys = dict(KEYS[section.kind])
        self.fed = _fed(builder.graph) if section.kind == "data" else []
        given = [setting.name.name for setting in section.settings]
        self.keys |= {name: FED for name in self.fed if name in given and name not in self.keys}
        self.builder = builder
        self.evaluator = Evaluator(builder)
        self.scope = Scope()
        self.meant: set[str] = set()  # keys that a misspelt one probably stands for

    def run(self) -> Section | None:
        before = len(self.builder.diagnostics)
        settings = self._by_name()
        # Plain keys come first, so that `T_max=epochs` can name one whatever the order.
        plain_first = sorted(self.keys.items(), key=lambda item: bool(item[1].recipes))
        values = {name: self._value(name, key, settings.get(name)) for name, key in plain_first}
        optimizer = values["optimizer"].value if "optimizer" in values else None
        groups = lower_groups(self.section, optimizer, self.builder, self.evaluator, self.scope)
        columns = lower_column_groups(self.section, self._of_columns, self.builder.report) if self.section.kind == "data" else ()
        if len(self.builder.diagnostics) > before or has_unknown([a.value for a in values.values()]):
            return None
        return Section(self.section.kind, {name: values[name] for name in self.keys}, self.section.span, groups, columns)

    def _of_columns(self, setting: s.Setting) -> Any:
        """What a group of columns says under a key of the section."""
        return self._plain(setting.name.name, self.keys[setting.name.name], setting)

    def _by_name(self) -> dict[str, s.Setting]:
        found: dict[str, s.Setting] = {}
        for setting in self.section.settings:
            name = setting.name.name
            if name not in self.keys:
                keys = ", ".join(_described(n, k) for n, k in self.keys.items())
                near = closest(name, self.keys)
                self.meant |= {near} if near else set()
                near = near or closest(name, self.fed)
                fed = f", and the inputs and targets {listed(self.fed)}" if self.fed else ""
                hint = f"did you mean `{near}`?" if near else f"its keys are {keys}{fed}"
                self._fail("unknown-setting", f"`{self.section.kind}` has no key `{name}`", setting.name.span, hint)
            elif name in found:
                self.builder.report(Diagnostic("duplicate-name", f"`{name}` is given twice", setting.name.span,
                                               related=(Related(found[name].name.span, "the first"),)))  # fmt: skip
            else:
                found[name] = setting
        return found

    def _fail(self, code: str, message: str, span: Span, hint: str = "") -> Any:
        self.builder.report(Diagnostic(code, message, span, hint=hint))
        return UNKNOWN

    def _value(self, name: str, key: Key, setting: s.Setting | None) -> Argument:
        if setting is None:
            if key.param.default is REQUIRED and name not in self.meant:
                names = listed(r.name for r in key.recipes)
                hint = f"write `{name} = …` with one of {names}" if key.recipes else f"write `{name} = {EXAMPLES[name]}`"
                self._fail("missing-argument", f"`{self.section.kind}` needs `{name}`", _head(self.section), hint)
            value = UNKNOWN if key.param.default is REQUIRED else key.param.default
            argument = Argument(value, self.section.span, "default")
        else:
            read = self._made if key.recipes else self._plain
            is_wrong = self._has_bare_name(name, key, setting.value) or self._has_unknown_metric(key, setting.value)
            value = UNKNOWN if is_wrong else read(name, key, setting)
            argument = Argument(value, setting.value.span)
        self.scope.names[name] = Binding(argument.value, argument.span)
        return argument

    def _has_bare_name(self, name: str, key: Key, value: s.Expression) -> bool:
        """Whether a name that nothing has stands where only a text, a number, `true` or `false` can; then that is reported."""
        recipe = next((r for r in key.recipes if isinstance(value, s.Call) and value.callee.span.text == r.name), None)
        given = [(key.param, name, value)]
        if recipe is not None and isinstance(value, s.Call):
            params, placed = {p.name: p for p in recipe.params}, [a for a in value.arguments if a.name is None]
            given = [(p, p.name, a.value) for p, a in zip(recipe.params, placed, strict=False)]
            given += [(params[a.name.name], a.name.name, a.value) for a in value.arguments if a.name and a.name.name in params]
        found = [d for param, said, expression in given if (d := self._bare_name(param, said, expression))]
        for diagnostic in found:
            self.builder.report(diagnostic)
        return bool(found)

    def _has_unknown_metric(self, key: Key, value: s.Expression) -> bool:
        """Whether a name in a list of metrics is none of what a section names; then that is reported."""
        if key.param.kind != "several":
            return False
        parts = value.items if isinstance(value, (s.ListOf, s.TupleOf)) else (value,)
        names = [part.callee if isinstance(part, s.Call) else part for part in parts]
        found = [name for name in names if isinstance(name, s.Name) and name.name not in (*RECIPES, "none")]
        for diagnostic in [self._unknown_metric(name, names, is_called=name not in parts) for name in found]:
            self.builder.report(diagnostic)
        return bool(found)

    def _unknown_metric(self, name: s.Name, names: Sequence[s.Expression], *, is_called: bool) -> Diagnostic:
        meant = metric_meant(name.name)
        near = meant or closest(name.name, MEASURES)
        hint = f"did you mean `{near}`? {METRICS_LISTED}" if near else METRICS_LISTED
        edit = Edit(name.span, meant) if meant and not is_called and self._is_certain(meant, names) else None
        return Diagnostic("unknown-name", f"there is no metric `{name.name}`", name.span, hint=hint, edit=edit)

    def _is_certain(self, meant: str, names: Sequence[s.Expression]) -> bool:
        """Whether a metric can stand in the place of one of these names: it fits the network, and is not there already."""
        base = meant.partition("(")[0]
        others = [metric_meant(name.name) or name.name for name in names if isinstance(name, s.Name)]
        others.remove(meant)
        is_new = not any(other.partition("(")[0] == base and (other == meant or base in (other, meant)) for other in others)
        graph, is_broken = self.builder.graph, any(d.severity == "error" for d in self.builder.diagnostics)
        is_own = base in {metric.name for metric in graph.metrics}
        return is_new and not is_own and not is_broken and task_of(graph).fits(MEASURES[base].of)

    def _bare_name(self, param: Param, said: str, value: s.Expression) -> Diagnostic | None:
        parts = value.items if isinstance(value, s.ListOf) else (value,)
        bare = [part for part in parts if isinstance(part, s.Name) and self._means_nothing(part.name)]
        if param.kind not in (*TEXTS, *PLAIN) or not bare:
            return None
        word = bare[0].name
        message = f"`{said}` must be {param.words}, not `{word}`"
        if param.kind in TEXTS:
            edit = Edit(bare[0].span, value_text(word))
            return Diagnostic("argument-type", message, bare[0].span, hint=f"it stands in quotes: `{edit.text}`", edit=edit)
        hint = elsewhere(param.kind, word) or did_you_mean(word, self.scope.names) or self._example(param)
        return Diagnostic("argument-type", message, bare[0].span, hint=hint)

    def _example(self, param: Param) -> str:
        is_key = any(key.param is param for key in self.keys.values())
        value = EXAMPLES.get(param.name, param.default) if is_key else param.default
        return "" if value is REQUIRED or value is None else f"e.g. `{param.name}{' = ' if is_key else '='}{value_text(value)}`"

    def _means_nothing(self, name: str) -> bool:
        """Whether a name is no setting above and no constant, nor one of another language, such as `True`, which has a hint of its own."""
        return self.scope.find(name) is None and name not in constants.VALUES and name not in foreign.OPS

    def _plain(self, name: str, key: Key, setting: s.Setting) -> Any:
        choices = key.param.choices
        if isinstance(setting.value, s.Name) and setting.value.name in choices:
            return setting.value.name
        if isinstance(setting.value, s.Name) and choices and setting.value.name not in self.scope.names:
            word = setting.value.name
            return self._fail("argument-type", f"`{key.param.name}` must be {key.param.words.replace(chr(34), '`')}, not `{word}`",
                              setting.value.span, elsewhere(name, word) or did_you_mean(word, choices))  # fmt: skip
        value = self.evaluator.value(setting.value, self.scope)
        if has_unknown(value) or (value is None and "none" in choices):
            return UNKNOWN if has_unknown(value) else "none"
        if not key.param.accepts(value):
            shown = value_text(value) if isinstance(value, (int, float, str, list, type(None))) else kind_words(value)
            hint = 'the names of columns stand in quotes: `["a", "b"]`' if key is FED else ""
            return self._fail("argument-type", f"`{name}` must be {key.param.words.replace(chr(34), '`')}, not {shown}",
                              setting.value.span, hint)  # fmt: skip
        return self._in_range(key.param.name, value, setting.value.span)

    def _in_range(self, name: str, value: Any, span: Span) -> Any:
        if name in ("validation", "test") and not 0 <= value < 1:
            return self._fail("argument-type", f"`{name}` is a share from 0 to below 1, not {value}", span)
        least = {"epochs": 1, "batch_size": 1, "seed": 0, "accumulate": 1}.get(name)
        if isinstance(value, int) and least is not None and value < least:
            return self._fail("argument-type", f"`{name}` must be at least {least}, and is {value}", span)
        if name.startswith("clip_grad") and value is not None and value <= 0:
            return self._fail("argument-type", f"`{name}` must be positive, and is {value}", span)
        if name == "checkpoint" and value is not None and value < 0:
            return self._fail("argument-type", f"`checkpoint` is a number of seconds, not {value}", span)
        return value

    def _made(self, name: str, key: Key, setting: s.Setting) -> Any:
        # Among metrics `precision` is one of them, not the key.
        value = self.evaluator.value(setting.value, Scope() if key.param.kind == "several" else self.scope)
        if value is None and key.param.optional:
            return None
        if key.param.kind != "several":
            return self._called(name, key, value, setting.value.span)
        parts = value if isinstance(value, (list, tuple)) else [value]
        items = setting.value.items if isinstance(setting.value, (s.ListOf, s.TupleOf)) else (setting.value,)
        spans = [item.span for item in items] if len(items) == len(parts) else [setting.value.span] * len(parts)
        made = [self._called(name, key, part, span) for part, span in zip(parts, spans, strict=True)]
        self._check_twice(name, [m for m in made if isinstance(m, Made)])
        return made

    def _check_twice(self, name: str, made: Sequence[Made]) -> None:
        seen: dict[str, Span] = {}
        for part, column in zip(made, measure_names(made), strict=True):
            if column in seen:
                first = (Related(seen[column], "the first"),)
                self.builder.report(Diagnostic("duplicate-name", f"`{name}` has `{column}` twice", part.span, related=first))
            seen.setdefault(column, part.span)

    def _called(self, name: str, key: Key, value: Any, span: Span) -> Any:
        """A recipe of the key with its arguments bound."""
        if isinstance(value, RecipeValue):
            value = Partial(value, (), span)
        if has_unknown(value):
            return UNKNOWN
        known = listed(r.name for r in key.recipes)
        known = f"one of {known}" if len(key.recipes) > 1 else known
        if not isinstance(value, Partial) or not isinstance(value.callee, RecipeValue):
            return self._fail("argument-type", f"`{name}` must be {known}, not {kind_words(value)}", span, _written(name, key, value))
        recipe = value.callee.recipe
        if recipe not in key.recipes:
            return self._fail("argument-type", f"`{name}` must be {known}, not `{recipe.name}`", value.span)
        given = [self._with_inner(g, key) for g in value.arguments]
        if has_unknown([g.value for g in given]):
            return UNKNOWN
        binder = Binder(recipe.name, recipe.signature, value.span, lambda v: v, self.builder.report)
        arguments = binder.bind(recipe.params, [g for g in given if g.name is None], [g for g in given if g.name])
        if arguments is None:
            return UNKNOWN
        made = Made(recipe, {p.name: self._placed(p, arguments[p.name]) for p in recipe.params}, value.span)
        if recipe.name in FIRST:
            self._try_factors(made)
        return UNKNOWN if self._is_beyond(made) else made

    def _is_beyond(self, made: Made) -> bool:
        """Whether torch would not make it of these arguments; then that is reported."""
        if has_unknown(list(made.values.values())):
            return False
        found = refused(made.recipe.name, made.values)
        for limit in found:
            argument = made.arguments[limit.argument]
            message = limit.broken(made.recipe.name, argument.value)
            self._fail("argument-type", message, argument.span if argument.origin == "given" else made.span)
        return bool(found)

    def _placed(self, param: Param, argument: Argument) -> Argument:
        """The argument; a path, which is relative to the file that names it, as an absolute one."""
        if param.kind not in ("file", "function") or not isinstance(argument.value, str):
            return argument
        folder = Path(argument.span.source.name).parent
        if param.kind == "file":
            return replace(argument, value=str((folder / argument.value).resolve()))
        if not self.allow_python:
            message = f"`{argument.value}` is Python, which would run on this machine"
            hint = "if you trust it: --allow-python, in Python `allow_python=True`"
            return replace(argument, value=self._fail("use", message, argument.span, hint))
        file, _, function = argument.value.rpartition(":")
        if not file or not function:
            return argument
        path = folder / (file if file.endswith(".py") else f"{file}.py")
        return replace(argument, value=f"{path.resolve()}:{function}") if path.is_file() or file.endswith(".py") else argument

    def _with_inner(self, given: Given, key: Key) -> Given:
        """A list of recipes, as `SequentialLR` takes, or a Python function or a list of these, with the arguments of each bound."""
        if _is_function(given.value):
            return replace(given, value=self._called(key.param.name, FUNCTION, given.value, given.span))
        if not isinstance(given.value, (list, tuple)):
            return given
        made = [self._called(key.param.name, FUNCTION if _is_function(v) else key, v, given.span)
                if isinstance(v, (RecipeValue, Partial)) else v for v in given.value]  # fmt: skip
        return replace(given, value=made)

    def _try_factors(self, made: Made) -> None:
        """Reports a function of a scheduler that is not there, or does not even give its first number."""
        value = made.values["lr_lambda"]
        for inner in value if isinstance(value, list) else [value]:
            if has_unknown(inner.values["function"]):
                continue
            try:
                factor_of(inner.values["function"])(FIRST[made.recipe.name])
            except Unusable as why:
                self._fail("use", why.message, inner.span, why.hint)


def _is_function(value: object) -> bool:
    """Whether a value is `python(…)`."""
    named = value.callee if isinstance(value, Partial) else value
    return isinstance(named, RecipeValue) and named.recipe in FUNCTION.recipes


def _fed(graph: Graph) -> list[str]:
    """The names of the inputs and targets."""
    return [graph.name_of(node) for node in (*graph.inputs, *graph.targets)]


def _written(name: str, key: Key, value: Any) -> str:
    """How a value that is none of the key's recipes is written."""
    metric = metric_meant(value) if isinstance(value, str) and key.param.kind == "several" else ""
    if metric:
        return f"it is written without quotes: `{metric}`"
    meant = [r for r in key.recipes if isinstance(value, str) and r.name.lower() == value.lower()]
    if meant:
        has_rate = any(p.name == "lr" for p in meant[0].params)
        return f"it is written without quotes: `{meant[0].name}{'(lr=…)' if has_rate else ''}`"
    if isinstance(value, str) and name == "source":
        return 'a file is named by what it is, e.g. `csv("data.csv")`'
    return f"it is `{key.recipes[0].signature}`" if len(key.recipes) == 1 else ""


def _described(name: str, key: Key) -> str:
    default = key.param.default
    shown = default if isinstance(default, str) else value_text(default)
    return f"`{name}`" if default is REQUIRED else f"`{name} = {shown}`"


def _head(section: s.Section) -> Span:
    """The word that opens the section."""
    return Span(section.span.source, section.span.start, section.span.start + len(section.kind))
