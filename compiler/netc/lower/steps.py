"""How often something is expanded at least, by the numbers that are written in it: known before anything is expanded."""

from __future__ import annotations

from typing import Any

from netc import syntax as s


def least_steps(expression: Any) -> int:
    """The repetitions that an expression makes whatever its names stand for; what a condition decides counts nothing."""
    if isinstance(expression, s.Pipe):
        return sum(least_steps(stage.value) for stage in expression.stages)
    if isinstance(expression, s.Branches):
        return sum(map(least_steps, expression.branches))
    if isinstance(expression, (s.InSequence, s.Residual)):
        return least_steps(expression.body)
    if isinstance(expression, s.Repeat):
        return _count(expression) * max(1, least_steps(expression.body))
    return 0


def _count(repeat: s.Repeat) -> int:
    """How often a `repeat` goes round where numbers say it."""
    if repeat.stop is None and isinstance(repeat.values, s.ListOf):
        return len(repeat.values.items)
    ends = [repeat.values] if repeat.stop is None else [repeat.values, repeat.stop]
    numbers = [end.value for end in ends if isinstance(end, s.Literal) and type(end.value) is int]
    return max(0, numbers[-1] - sum(numbers[:-1])) if len(numbers) == len(ends) else 0
