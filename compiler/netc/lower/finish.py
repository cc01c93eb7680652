"""What can only be said when all layers are known: ties, initialisations and frozen parameters, each by key."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from netc.diagnostics import Diagnostic, Related, did_you_mean, listed
from netc.graph import Graph, InitRule, Ref
from netc.lower.builder import Builder
from netc.ops.inits import tensor_refused
from netc.settings import Made
from netc.shapes import shape_text
from netc.source import Span
from netc.syntax import Name
from netc.tensors import TensorType


def finish(builder: Builder) -> None:
    """Checks the ties, and writes the keys that patterns stand for into the graph."""
    graph = builder.graph
    ties = [tie for tie in graph.ties if _is_tie(builder, tie.left, tie.right, tie.span)]
    graph.ties[:] = ties
    rules = [_rule(builder, prefix, pattern, made) for prefix, pattern, made in builder.rules]
    graph.init_rules = [rule for rule in rules if rule is not None]
    _check_sizes(builder)
    frozen = [key for prefix, pattern in builder.freezes for key in keys_of(builder, prefix, pattern)]
    graph.frozen = tuple(dict.fromkeys(frozen))


def _check_sizes(builder: Builder) -> None:
    """Sizes that a node is called with have to be axes of the inputs; where it counts for the losses only, also of the targets."""
    graph = builder.graph
    called = [(n, name) for n in graph.nodes if n.kind == "op" for name in sorted(n.sizes)]
    if not called:
        return
    forward = {n.id for n in graph.needed_for(output.ref for output in graph.outputs)}
    for node, name in called:
        sources = graph.inputs if node.id in forward else graph.inputs + graph.targets
        if graph.place_of(name, [Ref(source.id) for source in sources]) is None:
            what = "input" if node.id in forward else "input or target"
            message = f"the size `{name}` cannot be taken from any tensor: no {what} has an axis that is just `{name}`"
            hint = f"`--set {name}=8` gives it a number, as an example"
            builder.report(Diagnostic("bad-size", message, node.span, hint=hint))


def _rule(builder: Builder, prefix: str, pattern: Name, made: Made) -> InitRule | None:
    keys = keys_of(builder, prefix, pattern)
    shapes = {key: builder.graph.keys[key] for key in keys}
    reasons = {key: why for key in keys if (why := tensor_refused(made.recipe.name, made.values, TensorType(shapes[key]))[0])}
    if reasons:
        key, why = next(iter(reasons.items()))
        others = f"; {len(reasons) - 1} more do not fit" if len(reasons) > 2 else "; 1 more does not fit" if len(reasons) > 1 else ""
        fitting = [key for key in keys if key not in reasons]
        hint = f"it goes with {listed(fitting, 3)}: write a pattern of these alone, e.g. `*.weight`" if fitting else ""
        message = f"{why}, and `{key}` is {shape_text(shapes[key])}{others}"
        builder.report(Diagnostic("argument-type", message, made.span, related=(Related(pattern.span, "these parameters"),), hint=hint))
    return InitRule(made, keys, "" if prefix else pattern.name) if keys and not reasons else None


def _is_tie(builder: Builder, left: str, right: str, span: Span) -> bool:
    keys = builder.graph.keys
    for key in (left, right):
        if key not in keys:
            builder.report(Diagnostic("no-parameter", f"there is no parameter `{key}`", span, hint=did_you_mean(key, keys) or _some(keys)))
            return False
    if keys[left] != keys[right]:
        shapes = f"{shape_text(keys[left])} and {shape_text(keys[right])}"
        builder.report(Diagnostic("shape-mismatch", f"`{left}` and `{right}` cannot be one parameter: they are {shapes}", span))
        return False
    return True


def keys_of(builder: Builder, prefix: str, pattern: Name) -> tuple[str, ...]:
    """The keys under a prefix that a pattern matches: by path, or by the type of the layer (`Linear.weight`)."""
    graph, types = builder.graph, _types(builder.graph)
    found = [key for key in graph.keys if _matches(key, prefix, pattern.name, types)]
    if not found:
        known = [key.removeprefix(f"{prefix}.") for key in graph.keys if not prefix or key.startswith(f"{prefix}.")]
        builder.report(Diagnostic("no-parameter", f"no parameter matches `{pattern.name}`", pattern.span,
                                  hint=did_you_mean(pattern.name, known) or _some(known)))  # fmt: skip
    return tuple(found)


def _matches(key: str, prefix: str, pattern: str, types: dict[str, str]) -> bool:
    if prefix and not key.startswith(f"{prefix}."):
        return False
    layer, _, name = key.rpartition(".")
    named_by_type = layer in types and fnmatchcase(f"{types[layer]}.{name}", pattern)
    return named_by_type or fnmatchcase(key.removeprefix(f"{prefix}.") if prefix else key, pattern)


def _types(graph: Graph) -> dict[str, str]:
    return {n.path: n.op.name for n in graph.modules if n.op}


def _some(keys: Iterable[str]) -> str:
    names = list(keys)
    return f"there {'are' if len(names) > 1 else 'is'} {listed(names, 6)}" if names else "there are none"
