"""The algebra of sizes: ints and named dimensions under `+ - * // %`, kept in a normal form.

A `Dim` is a polynomial with integer coefficients over *atoms*: names (`H`) and floor divisions that do not simplify
(`(H - 1) // 2`). `==` says whether two expressions are equal for all values: `H - H // 2` is `(H + 1) // 2`, and
`2 * (H // 2)` is not `H`, as they differ for an odd `H`. Names stand for positive ints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import product as combinations
from math import gcd, lcm
from typing import Union
from zlib import crc32

Size = Union[int, "Dim"]
Shape = tuple[Size, ...]


# A size that takes more to write is nobody's, and those that double at every step would fill the memory.
LONGEST = 2000  # characters of a floor division
MOST_TERMS = 500
MOST_POWER = 64  # torch's tensors have no more axes
MOST_BITS = 256  # of a factor


class TooLong(ArithmeticError):
    """A size has become too long a formula to be computed with."""

    def __init__(self) -> None:
        super().__init__("the size has become too long a formula")


class FloorDiv:
    """An atom: the floor of `top / bottom`, where no rule of `divide` could simplify it."""

    __slots__ = ("bottom", "key", "top")

    def __init__(self, top: Dim, bottom: Size) -> None:
        self.top = top
        self.bottom = bottom
        self.key = f"{bracket(top)} // {bracket(bottom)}"
        if len(self.key) > LONGEST:
            raise TooLong

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FloorDiv) and (self.top, self.bottom) == (other.top, other.bottom)

    def __hash__(self) -> int:
        return hash((self.top, self.bottom))

    def __reduce__(self) -> tuple[type[FloorDiv], tuple[Dim, Size]]:
        return FloorDiv, (self.top, self.bottom)


Atom = Union[str, FloorDiv]
Monomial = tuple[tuple[Atom, int], ...]  # atoms with their powers, in the order of their text


def atom_text(atom: Atom) -> str:
    """How an atom is written."""
    return atom if isinstance(atom, str) else atom.key


# Where expressions are compared first. Large, so that no floor division is 0 for all that are smaller.
SAMPLE = 5003
# The most combinations of remainders that are looked through for equality.
MOST_CASES = 2048


class Dim:
    """A size that is not a plain int: `Dim.named("H") * 2 + 1`. Results that are constant are ints again."""

    __slots__ = ("_sample", "terms")

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        self.terms: dict[Monomial, int] = dict(terms)
        self._sample: int | None = None

    @staticmethod
    def named(name: str) -> Dim:
        """The dimension of that name."""
        return Dim({((name, 1),): 1})

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Dim):
            return self is other or self.terms == other.terms or (self.sample == other.sample and _is_zero(self - other))
        return isinstance(other, int) and self.sample == other and _is_zero(self - other)

    def __hash__(self) -> int:
        return hash(self.sample)  # equal expressions have equal values, however they are written

    @property
    def sample(self) -> int:
        """The value for certain sizes, which are other ones for each name."""
        if self._sample is None:
            try:
                value = self.at({name: SAMPLE + crc32(name.encode()) % SAMPLE for name in self.names()})
            except ZeroDivisionError:
                value = -1
            assert isinstance(value, int)
            self._sample = value
        return self._sample

    def __reduce__(self) -> tuple[type[Dim], tuple[dict[Monomial, int]]]:
        return Dim, (self.terms,)

    def __add__(self, other: Size) -> Size:
        return from_terms(_sum(self.terms, terms_of(other)))

    __radd__ = __add__

    def __neg__(self) -> Size:
        return self * -1

    def __sub__(self, other: Size) -> Size:
        return self + other * -1

    def __rsub__(self, other: Size) -> Size:
        return self * -1 + other

    def __mul__(self, other: Size) -> Size:
        if len(self.terms) * len(terms_of(other)) > MOST_TERMS**2:
            raise TooLong
        product: dict[Monomial, int] = {}
        for m, a in self.terms.items():
            for n, b in terms_of(other).items():
                both = _times(m, n)
                product[both] = product.get(both, 0) + a * b
        return from_terms(product)

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        return divide(self, other)

    def __rfloordiv__(self, other: int) -> Size:
        return divide(other, self)

    def __mod__(self, other: Size) -> Size:
        return self - divide(self, other) * other

    def __rmod__(self, other: int) -> Size:
        return other - divide(other, self) * self

    def __str__(self) -> str:
        def order(term: tuple[Monomial, int]) -> tuple[int, str]:
            return -sum(power for _, power in term[0]), monomial_text(term[0])

        text = ""
        for monomial, factor in sorted(self.terms.items(), key=order):
            sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
            parts = ([] if abs(factor) == 1 and monomial else [str(abs(factor))]) + ([monomial_text(monomial)] if monomial else [])
            # Alone a division reads well without brackets; beside a factor or a leading minus it needs them: `2*(H // 2)`.
            if _is_lone_division(monomial) and (len(parts) == 2 or sign == "-"):
                parts[-1] = f"({parts[-1]})"
            text += sign + "*".join(parts)
        return text

    __repr__ = __str__

    def line(self, name: str) -> tuple[int, int] | None:
        """The factor and the offset where it is `factor * name + offset`."""
        factor = self.terms.get(((name, 1),), 0)
        rest = {monomial: value for monomial, value in self.terms.items() if monomial != ((name, 1),)}
        return (factor, rest.get((), 0)) if factor > 0 and rest.keys() <= {()} else None

    def names(self) -> set[str]:
        """The names that it depends on."""
        found: set[str] = set()
        for monomial in self.terms:
            for atom, _ in monomial:
                if isinstance(atom, str):
                    found.add(atom)
                else:
                    found |= atom.top.names() | size_names(atom.bottom)
        return found

    def at(self, sizes: Mapping[str, Size]) -> Size:
        """The value with the named dimensions replaced; names that `sizes` lacks stay."""
        total: Size = 0
        for monomial, factor in self.terms.items():
            term: Size = factor
            for atom, power in monomial:
                term = reduce(lambda a, _: a * _value(atom, sizes), range(power), term)
            total = total + term
        return total


# --- equality -----------------------------------------------------------------------------------------------------


def periods(size: Size) -> dict[str, int]:
    """For each name a number after which the floor divisions by ints repeat: 6 for `H // 2 + H // 3`."""
    found: dict[str, int] = {}
    for monomial in size.terms if isinstance(size, Dim) else ():
        for atom, _ in monomial:
            inner = {atom: 1} if isinstance(atom, str) else periods(atom.top)
            by = atom.bottom if isinstance(atom, FloorDiv) and isinstance(atom.bottom, int) else 1
            for name, period in inner.items():
                found[name] = lcm(found.get(name, 1), period * abs(by))
    return found


def by_remainders(size: Size, every: Mapping[str, int]) -> Iterator[tuple[dict[str, int], Size]]:
    """The remainders that the names can leave, and for each what the size is then, with `every * n + remainder` for a name `n`.

    With `periods` for `every` no floor division by an int is left in it.
    """
    for remainders in combinations(*(range(n) for n in every.values())):
        case = dict(zip(every, remainders, strict=True))
        yield case, size_at(size, {name: Dim.named(name) * n + case[name] for name, n in every.items() if n > 1})


def periods_within(size: Size) -> dict[str, int] | None:
    """The periods of a size; None where there are too many combinations of remainders to look through."""
    every = periods(size)
    count = reduce(lambda a, b: a * b, every.values(), 1)
    return every if count <= MOST_CASES else None


def _is_zero(difference: Size) -> bool:
    """Whether a difference of sizes is 0 for all values of the names."""
    if isinstance(difference, int):
        return difference == 0
    every = periods_within(difference)
    if every is None or max(every.values(), default=1) == 1:
        return False  # polynomials have one form
    return all(isinstance(value, int) and value == 0 for _, value in by_remainders(difference, every))


def _is_lone_division(monomial: Monomial) -> bool:
    return len(monomial) == 1 and isinstance(monomial[0][0], FloorDiv)


def _value(atom: Atom, sizes: Mapping[str, Size]) -> Size:
    if isinstance(atom, str):
        return sizes.get(atom, Dim.named(atom))
    return divide(atom.top.at(sizes), size_at(atom.bottom, sizes))


def _sum(a: Mapping[Monomial, int], b: Mapping[Monomial, int]) -> dict[Monomial, int]:
    total = dict(a)
    for monomial, factor in b.items():
        total[monomial] = total.get(monomial, 0) + factor
    return total


def _times(a: Monomial, b: Monomial) -> Monomial:
    powers = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) + power
        if powers[atom] > MOST_POWER:
            raise TooLong
    return tuple(sorted(powers.items(), key=lambda item: atom_text(item[0])))


def monomial_text(monomial: Monomial) -> str:
    """How a product of atoms is written: `H*W`; divisions inside a product stand in brackets."""
    if _is_lone_division(monomial) and monomial[0][1] == 1:
        return atom_text(monomial[0][0])
    factors = ((f"({atom_text(atom)})" if isinstance(atom, FloorDiv) else atom, power) for atom, power in monomial)
    return "*".join(text if power == 1 else f"{text}**{power}" for text, power in factors)


def terms_of(size: Size) -> Mapping[Monomial, int]:
    """The terms of an int or a `Dim`."""
    return size.terms if isinstance(size, Dim) else {(): size}


def from_terms(terms: Mapping[Monomial, int]) -> Size:
    """The int or `Dim` with those terms; terms with factor 0 are dropped."""
    kept = {monomial: factor for monomial, factor in terms.items() if factor}
    if len(kept) > MOST_TERMS or any(factor.bit_length() > MOST_BITS for factor in kept.values()):
        raise TooLong
    if not kept:
        return 0
    return kept[()] if kept.keys() == {()} else Dim(kept)


def bracket(size: Size) -> str:
    """A size as an operand: in brackets unless it is one name or number."""
    text = str(size)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def divide(top: Size, bottom: Size) -> Size:
    """The floor of `top / bottom`, simplified where that is exact for all values. `bottom` is positive.

    Raises ZeroDivisionError for a bottom of 0.
    """
    if isinstance(bottom, int):
        if isinstance(top, int):
            return top // bottom
        return _divide_by_int(top, bottom) if bottom > 0 else _opaque(top, bottom)
    if top == 0:
        return 0
    exact = _divide_exactly(top, bottom)
    if exact is not None:
        return exact
    above, below = _cancelled(top, bottom)
    return divide(above, below) if isinstance(below, int) else _opaque(above, below)


def _cancelled(top: Size, bottom: Dim) -> tuple[Size, Size]:
    """The fraction without what divides all terms above and below: a number, and names, which are not 0."""
    terms = [*terms_of(top).items(), *bottom.terms.items()]
    number = gcd(*(factor for _, factor in terms))
    names = {atom for atom, _ in terms[-1][0] if isinstance(atom, str)}
    shared = tuple(sorted((name, power) for name in names if (power := min(dict(m).get(name, 0) for m, _ in terms))))
    by = Dim({shared: number}) if shared else number
    return divide(top, by), divide(bottom, by)


def _opaque(top: Size, bottom: Size) -> Size:
    if bottom == 0:
        raise ZeroDivisionError
    numerator = top if isinstance(top, Dim) else Dim({(): top})
    return Dim({((FloorDiv(numerator, bottom), 1),): 1})


def _divide_by_int(top: Dim, bottom: int) -> Size:
    # floor((b*q + r) / b) = q + floor(r / b): what divides leaves the bracket, of the constant its multiple.
    whole = {m: f // bottom for m, f in top.terms.items() if f % bottom == 0 or not m}
    rest = {m: f % bottom if not m else f for m, f in top.terms.items() if f % bottom}
    remainder = from_terms(rest)
    if isinstance(remainder, int):
        return from_terms(whole)  # 0 <= remainder < bottom
    # floor((g*x + c) / (g*b)) = floor((x + floor(c / g)) / b)
    g = gcd(bottom, *(f for m, f in remainder.terms.items() if m))
    if g > 1:
        shrunk = from_terms({m: f // g for m, f in remainder.terms.items()})
        return from_terms(whole) + divide(shrunk, bottom // g)
    return from_terms(whole) + _divide_nested(remainder, bottom)


def _divide_nested(top: Dim, bottom: int) -> Size:
    # floor((floor(a / b) + c) / d) = floor((a + b*c) / (b*d)) for positive b and d
    divisions = [m for m in top.terms if m]
    if len(divisions) == 1 and top.terms[divisions[0]] == 1 and _is_lone_division(divisions[0]):
        atom, power = divisions[0][0]
        if power == 1 and isinstance(atom, FloorDiv) and isinstance(atom.bottom, int) and atom.bottom > 0:
            constant = top.terms.get((), 0)
            return divide(atom.top + atom.bottom * constant, atom.bottom * bottom)
    return _opaque(top, bottom)


def _divide_exactly(top: Size, bottom: Dim) -> Size | None:
    """`top / bottom` where `bottom` is one product that divides every term of `top`, or equals it."""
    if top == bottom:
        return 1
    if len(bottom.terms) != 1:
        return None
    ((divisor, factor),) = bottom.terms.items()
    result: dict[Monomial, int] = {}
    for monomial, f in terms_of(top).items():
        powers = dict(monomial)
        for atom, power in divisor:
            powers[atom] = powers.get(atom, 0) - power
        if f % factor or any(power < 0 for power in powers.values()):
            return None
        kept = [(atom, power) for atom, power in powers.items() if power]
        result[tuple(sorted(kept, key=lambda item: atom_text(item[0])))] = f // factor
    return from_terms(result)


def size_names(size: Size) -> set[str]:
    """The names that a size depends on; none for an int."""
    return size.names() if isinstance(size, Dim) else set()


def size_at(size: Size, sizes: Mapping[str, Size]) -> Size:
    """A size with the named dimensions replaced by the given values."""
    return size.at(sizes) if isinstance(size, Dim) else size


def shape_at(shape: Iterable[Size], sizes: Mapping[str, Size]) -> Shape:
    """A shape with the named dimensions replaced by the given values."""
    return tuple(size_at(size, sizes) for size in shape)


def shape_text(shape: Iterable[Size]) -> str:
    """How a shape is written: `[B, 64, (H - 1) // 2 + 1]`."""
    return f"[{', '.join(str(size) for size in shape)}]"


def product(sizes: Iterable[Size]) -> Size:
    """The product of sizes; 1 for none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result
