"""The type of one use of an op: runs the row's rule, fills in inferred sizes, and places what the rule finds wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from netc.diagnostics import Diagnostic, Related
from netc.graph import Argument, Ref, refs_in
from netc.ops.op import Op, Problem, Slice, Use
from netc.shapes import Shape, TooLong
from netc.source import Span
from netc.tensors import Type, flat_types, type_text, why_impossible


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a value: its type, the place that made it, and its name where it is a target as it is declared."""

    type: Type
    span: Span
    target: str = ""


Lookup = Callable[[Ref], Known]


@dataclass(frozen=True, slots=True)
class Inferred:
    """The result of `infer`."""

    type: Type
    config: dict[str, Argument]
    weights: Mapping[str, Shape]


def infer(op: Op, config: Mapping[str, Argument], call: Mapping[str, Argument], lookup: Lookup, span: Span) -> Inferred | Diagnostic:
    """The type of `op` on these arguments, its config with the inferred sizes, and its parameters' shapes."""
    values = {name: typed(argument.value, lookup) for name, argument in {**config, **call}.items()}
    use = Use(op, values, **_names(call, lookup)) if op.is_loss else Use(op, values)
    try:
        kind = op.rule(use)
        weights = op.weights(use) if op.weights else {}
    except Problem as problem:
        return _place(problem, op, {**config, **call}, lookup, span)
    except TooLong as long:
        return Diagnostic("bad-size", f"`{op.name}`: {long}", span)
    shapes = [*(leaf.shape for leaf in flat_types(kind)), *weights.values()]
    if why := next(filter(None, map(why_impossible, shapes)), ""):
        code = "rank" if "axes" in why else "bad-size"
        return Diagnostic(code, f"a {'parameter' if weights else 'result'} of `{op.name}` {why}", span)
    filled = {
        name: replace(argument, value=use.inferred[name], origin="inferred") if name in use.inferred else argument
        for name, argument in config.items()
    }
    return Inferred(kind, filled, weights)


def _names(call: Mapping[str, Argument], lookup: Lookup) -> dict[str, dict[str, str]]:
    """What the arguments of a loss are called in the spec, for its hints."""
    tensors = {name: argument for name, argument in call.items() if isinstance(argument.value, Ref)}
    texts = {name: argument.span.text for name, argument in tensors.items() if argument.span.text.isidentifier()}
    return {"texts": texts, "declared": {name: known.target for name, a in tensors.items() if (known := lookup(a.value)).target}}


def typed(value: Any, lookup: Lookup) -> Any:
    """An argument as a rule sees it: tensors are replaced by their types."""
    if isinstance(value, Ref):
        return lookup(value).type
    if isinstance(value, list):
        return [typed(part, lookup) for part in value]
    if isinstance(value, tuple):
        return tuple(typed(part, lookup) for part in value)
    if isinstance(value, Slice):
        return Slice(*(typed(part, lookup) for part in value.parts))
    return value


def _place(problem: Problem, op: Op, arguments: Mapping[str, Argument], lookup: Lookup, span: Span) -> Diagnostic:
    """Points at the use; the written culprits and the places that made the tensors involved are related."""
    primary, related = span, []
    for name in problem.arguments:
        argument = arguments.get(name)
        if argument is None or argument.origin == "default":
            continue
        refs = list(refs_in(argument.value))
        if not refs and span.start <= argument.span.start and argument.span.end <= span.end and primary is span:
            primary = argument.span
        related += [Related(k.span, type_text(k.type)) for k in map(lookup, refs)]
        if refs and span.start < argument.span.start < span.end and argument.span.position[0] > span.position[0]:
            related.append(Related(argument.span, f"`{name}`"))  # in a call of several lines
    kept = [r for r in dict.fromkeys(related) if r.span != primary]
    return Diagnostic(problem.code, problem.message, primary, related=tuple(kept), hint=problem.hint)
