"""The algebra of sizes against Python's own arithmetic on ints."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc.shapes import Dim, Size, divide, shape_text, size_at

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


@given(sizes, sizes, st.integers(1, 30), st.integers(1, 30))
def test_equal_forms_have_equal_values(a: Size, b: Size, h: int, w: int) -> None:
    at = {"H": h, "W": w}
    if a == b:
        assert size_at(a, at) == size_at(b, at)
    assert isinstance(size_at(a, at), int)


@given(sizes, st.integers(1, 30), st.integers(1, 30))
def test_text_is_python_with_the_same_value(size: Size, h: int, w: int) -> None:
    assert eval(str(size), {"H": h, "W": w}) == size_at(size, {"H": h, "W": w})


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


def test_different_forms_stay_different() -> None:
    assert 2 * (H // 2) != H


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
