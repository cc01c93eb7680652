"""Under which condition two sizes that are not equal would be: `2 * (H // 2)` is `H` where `H` is even."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from netc.shapes import Dim, Shape, Size, by_remainders, periods_within, size_names, terms_of

MOST_VALUES = 4  # a longer list of sizes tells nobody anything


@dataclass(frozen=True, slots=True)
class Condition:
    """When two shapes are equal: the end of a message, `, equal only where …`, and what to write.

    Both are empty where nothing is known; a condition that the two sizes say themselves, `H` is 8, is a hint only.
    """

    text: str = ""
    hint: str = ""


NOTHING = Condition()


def condition(a: Shape, b: Shape) -> Condition:
    """When two shapes of as many axes would be equal, if that hangs on named dimensions only."""
    if len(a) != len(b):
        return NOTHING
    found = [_where(m, n) for m, n in zip(a, b, strict=True) if m != n]
    if not found or any(part is None for part in found):
        return NOTHING
    parts = list(dict.fromkeys(part for part in found if part is not None))
    only = "only " if all(part.only for part in parts) else ""
    hints = list(dict.fromkeys(part.hint for part in parts))
    text = "" if all(part.is_plain for part in parts) else f", equal {only}where {' and '.join(part.text for part in parts)}"
    return Condition(text, hints[0] if len(hints) == 1 else "")


@dataclass(frozen=True, slots=True)
class Where:
    """What must hold of the names; `only` unless they may be equal elsewhere too; `is_plain` where the two sizes say it themselves."""

    text: str
    hint: str
    only: bool = True
    is_plain: bool = False


def _where(a: Size, b: Size) -> Where | None:
    """When two sizes are equal; None where they never are, or no short answer is known."""
    difference = a - b
    if isinstance(difference, int):
        return None
    every = periods_within(difference)
    if every is None:
        return None
    zeros, solutions = [], list[int]()
    is_known = True
    for case, value in by_remainders(difference, every):
        if value == 0:
            zeros.append(tuple(case.values()))
        elif (found := _solutions(value, case, every)) is None:
            is_known = False
        else:
            solutions += found
    if zeros:
        return _by_remainder(every, zeros, is_known and not solutions)
    if not is_known:
        return _by_name(a, b) or _by_name(b, a)
    return _by_value(next(iter(every)), sorted(solutions), _is_name(a) or _is_name(b)) if solutions else None


def _solutions(value: Size, case: Mapping[str, int], every: Mapping[str, int]) -> list[int] | None:
    """The values of the only name where this is 0, given its remainder; None where that is not known.

    `value` is an expression of `n`, and the name is `every * n + remainder`, which is 1 or more.
    """
    terms = terms_of(value)
    constant = terms.get((), 0)
    if constant and len({factor > 0 for factor in terms.values()}) == 1:
        return []  # all parts have one sign
    names = size_names(value)
    if len(every) > 1 or len(names) != 1 or len(terms) > 2:
        return None
    ((name, period),) = every.items()
    factor = terms.get(((name, 1),))
    if factor is None:
        return None
    n, rest = divmod(-constant, factor)
    size = period * n + case[name]
    return [size] if not rest and n >= 0 and size >= 1 else []


# --- in words -----------------------------------------------------------------------------------------------------


def _by_remainder(every: Mapping[str, int], zeros: Sequence[tuple[int, ...]], only: bool) -> Where | None:
    """Where the names leave these remainders, if each does so whatever the others leave."""
    each = [sorted({zero[i] for zero in zeros}) for i in range(len(every))]
    if len(zeros) != len(list(product(*each))):
        return None
    parts = [_remainder(name, period, left) for (name, period), left in zip(every.items(), each, strict=True) if len(left) < period]
    hints = [hint for _, hint in parts]
    return Where(" and ".join(text for text, _ in parts), hints[0] if len(hints) == 1 else "", only)


def _remainder(name: str, period: int, left: Sequence[int]) -> tuple[str, str]:
    """What a name must be to leave one of these remainders, by the smallest divisor that says it; and a hint."""
    divisors = (n for n in range(2, period + 1) if period % n == 0)
    by = next(n for n in divisors if len({r % n for r in left}) * (period // n) == len(left))
    classes = sorted({r % by for r in left})
    if classes == [0]:
        return f"`{name}` is {'even' if by == 2 else f'divisible by {by}'}", f"declare it so: `{by} * {name}` in place of `{name}`"
    if by == 2:
        return f"`{name}` is odd", f"declare it so: `2 * {name} - 1` in place of `{name}`"
    return f"`{name} % {by}` is {_either([str(r) for r in classes])}", ""


def _giving(name: str) -> str:
    return f"give it, e.g. `--set {name}="


def gives_size(hint: str, name: str) -> bool:
    """Whether a hint of a condition is to give a named dimension its size."""
    return hint.startswith(_giving(name))


def _is_name(size: Size) -> bool:
    return isinstance(size, Dim) and str(size).isidentifier()


def _by_value(name: str, values: Sequence[int], is_plain: bool) -> Where | None:
    hint = f"{_giving(name)}{values[0]}`, or write the number"
    if len(values) <= MOST_VALUES:
        return Where(f"`{name}` is {_either([str(v) for v in values])}", hint, is_plain=is_plain)
    is_range = values[-1] - values[0] == len(values) - 1
    return Where(f"`{name}` is from {values[0]} to {values[-1]}", hint) if is_range else None


def _by_name(a: Size, b: Size) -> Where | None:
    """Where `a`, a bare name, is what `b` says of others."""
    if not _is_name(a) or size_names(a) & size_names(b):
        return None
    hint = "give both axes one name, if they are always equal" if _is_name(b) else f"declare `{b}` in place of `{a}`"
    return Where(f"`{a}` is `{b}`", hint, is_plain=True)


def _either(words: Sequence[str]) -> str:
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"
