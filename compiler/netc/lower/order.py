"""Names that are used above the place that gives them, and values that need each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, Related, listed
from netc.source import Span


def given(statements: Sequence[s.Syntax]) -> dict[str, tuple[s.Name, s.Syntax]]:
    """The names that statements give to values, each with its place and the first statement that gives it."""
    names: dict[str, tuple[s.Name, s.Syntax]] = {}
    for statement in statements:
        for name in _names(statement):
            names.setdefault(name.name.replace(".", "_"), (name, statement))
    return names


def _names(statement: s.Syntax) -> tuple[s.Name, ...]:
    if isinstance(statement, s.Assign):
        return tuple(name for name in statement.names if name.name != "_")
    if isinstance(statement, (s.Declaration, s.In, s.Layer, s.Tensor)):
        return (statement.name,)
    return (statement.name,) if isinstance(statement, s.Out) and statement.name else ()


def too_early(name: s.Name, later: Mapping[str, tuple[s.Name, s.Syntax]]) -> Diagnostic:
    """The problem of a name that is used above its place, which `later` tells: the order is wrong, or values need each other.

    Of values that need each other it is the same problem for each, at the topmost of them.
    """
    place, _ = later[name.name]
    circle = _circle(name, later)
    if not circle:
        return Diagnostic("unknown-name", f"`{name.name}` is used before it is given", name.span,
                          related=(Related(place.span, "given here"),), hint="write this line below that one")  # fmt: skip
    start = "begin with an input, or with a value that is given above"
    if len(circle) == 1:
        return Diagnostic("unknown-name", f"`{name.name}` is made of itself", name.span, related=(Related(place.span, "given here"),),
                          hint=f"{start}; what comes of it has a name of its own")  # fmt: skip
    top = circle.index(min(circle, key=lambda word: later[word][0].span.start))
    circle = [*circle[top:], *circle[:top]]
    use = next(part for part in parts(later[circle[0]][1]) if isinstance(part, s.Name) and part.name == circle[1])
    pairs = zip(circle, [*circle[1:], circle[0]], strict=True)
    related = tuple(Related(later[word][0].span, f"`{word}` needs `{needed}`") for word, needed in pairs)
    message = f"{listed(circle)} need each other, so that none can be the first"
    return Diagnostic("unknown-name", message, use.span, related=related, hint=start)


def _circle(name: s.Name, later: Mapping[str, tuple[s.Name, s.Syntax]]) -> list[str]:
    """The names of which each needs the next, and the last the first: the value that is made of `name` here, if `name` needs that.

    Empty where there is no such circle.
    """
    user = next((word for word, (_, statement) in later.items() if _holds(statement.span, name.span)), None)
    if user is None:
        return []
    home = later[user][1]
    paths, waiting = {name.name: [name.name]}, [name.name]
    while waiting:
        word = waiting.pop(0)
        if later[word][1] is home:
            return [word, *paths[word][:-1]]
        for needed in sorted(mentioned(later[word][1])):
            if needed in later and needed not in paths:
                paths[needed] = [*paths[word], needed]
                waiting.append(needed)
    return []


def _holds(outer: Span, inner: Span) -> bool:
    return outer.source is inner.source and outer.start <= inner.start and inner.end <= outer.end


def mentioned(statement: s.Syntax) -> set[str]:
    """The names that stand in a statement or expression, but for those that the statement itself gives."""
    own = {id(name) for name in _names(statement)}
    return {part.name for part in parts(statement) if isinstance(part, s.Name) and id(part) not in own}


def parts(value: Any) -> Iterator[s.Syntax]:
    """A piece of syntax and all in it."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting += part
        elif isinstance(part, s.Syntax):
            yield part
            waiting += [getattr(part, field.name) for field in fields(part)]
