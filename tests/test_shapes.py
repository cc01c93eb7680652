"""The algebra of sizes against Python's own arithmetic on ints."""

from __future__ import annotations

import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc import load
from netc.shapes import Dim, Size, divide, shape_text, size_at
from netc.tensors import TensorType
from tests.fuzz import cases

H, W = Dim.named("H"), Dim.named("W")
VALUES = {"H": 7, "W": 12}

leaves = st.one_of(st.sampled_from([H, W]), st.integers(-9, 9))


def combined(children: st.SearchStrategy[Size]) -> st.SearchStrategy[Size]:
    positive = st.integers(1, 8)
    return st.one_of(
        st.tuples(children, children).map(lambda p: p[0] + p[1]),
        st.tuples(children, children).map(lambda p: p[0] - p[1]),
        st.tuples(children, st.integers(-4, 4)).map(lambda p: p[0] * p[1]),
        st.tuples(children, positive).map(lambda p: divide(p[0], p[1])),
        st.tuples(children, positive).map(lambda p: p[0] % p[1]),
    )


sizes = st.recursive(leaves, combined, max_leaves=8)


@cases(100)
@given(sizes, sizes, st.integers(1, 30), st.integers(1, 30))
def test_equal_forms_have_equal_values(a: Size, b: Size, h: int, w: int) -> None:
    at = {"H": h, "W": w}
    if a == b:
        assert size_at(a, at) == size_at(b, at)
    assert isinstance(size_at(a, at), int)


@cases(100)
@given(sizes, st.integers(1, 30), st.integers(1, 30))
def test_text_is_python_with_the_same_value(size: Size, h: int, w: int) -> None:
    assert eval(str(size), {"H": h, "W": w}) == size_at(size, {"H": h, "W": w})


@cases(100)
@given(sizes, st.integers(1, 9), st.integers(1, 30), st.integers(1, 30))
def test_division_is_floor_division(size: Size, by: int, h: int, w: int) -> None:
    at = {"H": h, "W": w}
    value = size_at(size, at)
    assert isinstance(value, int)
    assert size_at(divide(size, by), at) == value // by


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (2 * H + 2 * W, 2 * (H + W)),
        ((2 * H) // 2, H),
        ((4 * H + 2) // 2, 2 * H + 1),
        ((H // 2) // 2, H // 4),
        ((6 * H + 9) // 4 * 0 + H, H),
        ((H * W) // W, H),
        (((H - 1) // 2 + 1 - 1) // 2 + 1, (H - 1) // 4 + 1),
        ((2 * H + 3) // 4, (H + 1) // 2),
        (H - H, 0),
    ],
)
def test_equal_forms_are_known_to_be_equal(a: Size, b: Size) -> None:
    assert a == b


# Large values beside all small ones, so that `H // 64` and `H // 72` are not taken for 0.
POINTS = [{"H": h, "W": w} for h in (*range(1, 25), 97, 360, 5041, 7919) for w in (1, 2, 3, 4, 5, 6, 7, 12, 24, 119, 4999)]


def values(size: Size) -> tuple[int, ...]:
    """The size at all points."""
    found = tuple(size_at(size, point) for point in POINTS)
    assert all(isinstance(v, int) for v in found)
    return found  # type: ignore[return-value]


def drawn(rng: random.Random, depth: int) -> Size:
    """A random expression of small parts, so that many are equal."""
    if depth == 0 or rng.random() < 0.15:
        leaf: list[Size] = [H, W, H, W, rng.randint(-9, 9)]
        return rng.choice(leaf)
    a, by = drawn(rng, depth - 1), rng.choice([1, 2, 3, 4, 6, 8])
    match rng.choice("+-*/%/"):
        case "+":
            return a + drawn(rng, depth - 1)
        case "-":
            return a - drawn(rng, depth - 1)
        case "*":
            return a * (drawn(rng, depth - 1) if rng.random() < 0.3 else rng.randint(-3, 4))
        case "/":
            return divide(a, by)
        case _:
            return a % by


def test_equal_where_all_values_are_and_nowhere_else() -> None:
    """Among random expressions those with equal values at all points are known to be equal, and have one hash; no others are."""
    rng, first, pairs = random.Random(0), dict[tuple[int, ...], Size](), 0
    for _ in range(2500):
        size = drawn(rng, rng.choice([1, 2, 2, 3]))
        other = first.setdefault(values(size), size)
        assert size == other, f"{size} has the values of {other}"
        assert hash(size) == hash(other)
        pairs += str(size) != str(other)
    assert pairs > 40, "too few that are written in two ways"
    assert len(first) > 300
    assert len(set(first.values())) == len(first)


def test_text_is_read_back_as_the_same_size() -> None:
    """In a spec, as a shape that is declared."""
    rng = random.Random(1)
    sizes = [s for s in (drawn(rng, 3) for _ in range(400)) if isinstance(s, Dim)]
    assert len(sizes) > 200
    for some in (sizes[i : i + 40] for i in range(0, len(sizes), 40)):  # torch has tensors of 64 axes at most
        net = load(f"network Net {{\n  input h: [H, W]\n  input x: {shape_text(some)}\n  output x\n}}")
        kind = net.graph.inputs[1].type
        assert isinstance(kind, TensorType)
        assert [(size, str(size)) for size in kind.shape] == [(size, str(size)) for size in some]


def test_what_is_simplified_stays_as_it_is() -> None:
    rng = random.Random(2)
    for size in (drawn(rng, 3) for _ in range(400)):
        again = size_at(size, {"H": H, "W": W})
        assert (again, str(again)) == (size, str(size))


def test_division_by_a_name() -> None:
    assert divide(0, H) == 0
    assert [str(divide(6, 2 * H)), str(divide(2 * W, 2 * H)), str(divide(H * W, H * (W + 1)))] == ["3 // H", "W // H", "W // (W + 1)"]
    assert divide(H, 2 * H) == 0
    assert divide(3 * H, H) == 3
    for top, bottom in ((6, 2 * H), (H * W, H * H + H), (H + W, 2 * W)):
        for point in POINTS:
            n, d = size_at(top, point), size_at(bottom, point)
            assert size_at(divide(top, bottom), point) == n // d


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (H - H // 2, (H + 1) // 2),
        (H // 2 + (H + 1) // 2, H),
        ((3 * H) // 2, H + H // 2),
        ((H * H + H) % 2, 0),
        ((H % 3) // 3, 0),
        ((H // 2 + W) // 3, (H + 2 * W) // 6),
        ((H + (H // 2) * 2) // 4, H // 2),
        (-((-H) // 2), (H + 1) // 2),
    ],
)
def test_equal_forms_of_different_atoms(a: Size, b: Size) -> None:
    assert a == b and b == a
    assert hash(a) == hash(b)


def test_different_forms_stay_different() -> None:
    assert 2 * (H // 2) != H
    assert H * H - H != 0 and H != 7 and H % 2 != 1
    assert H // 2**40 != 0  # too many remainders to look at: not known to be equal, and they are not


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((H - 1) // 2 + 1, "(H + 1) // 2"),
        (2 * (H // 2), "2*(H // 2)"),
        (H * W + 3 * H - 1, "H*W + 3*H - 1"),
        (-H + 4, "-H + 4"),
        (H * H, "H**2"),
        ((H // 3) * W, "(H // 3)*W"),
    ],
)
def test_text(size: Size, text: str) -> None:
    assert str(size) == text


def test_zero_is_no_divisor() -> None:
    with pytest.raises(ZeroDivisionError):
        divide(H, 0)


def test_pickle() -> None:
    size = (H - 1) // 2 + W
    assert pickle.loads(pickle.dumps(size)) == size
    assert shape_text((H, 3, size)) == "[H, 3, (H + 1) // 2 + W - 1]"
