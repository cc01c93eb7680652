"""When two sizes that are not equal would be: the words, and that they are true for all sizes up to a hundred."""

from __future__ import annotations

import random
import re

import pytest

import netc
from netc.conditions import Condition, condition
from netc.shapes import Dim, Shape, Size, divide, size_at

B, H, W = (Dim.named(name) for name in "BHW")

WORDS: list[tuple[Size, Size, str, str]] = [
    (2 * (H // 2), H, "only where `H` is even", "declare it so: `2 * H` in place of `H`"),
    (16 * (H // 16), H, "only where `H` is divisible by 16", "`16 * H`"),
    ((H + 1) // 2 * 2 - 1, H, "only where `H` is odd", "`2 * H - 1`"),
    (3 * (H // 3), H - 1, "only where `H % 3` is 1", ""),
    (H // 4, (H + 2) // 4, "only where `H % 4` is 0 or 1", ""),
    (H // 2, (H + 1) // 2, "only where `H` is even", ""),
    (H // 2, 16, "only where `H` is 32 or 33", "`--set H=32`"),
    (H // 8, 4, "only where `H` is from 32 to 39", "`--set H=32`"),
    ((H - 1) // 2 + 1, 3, "only where `H` is 5 or 6", "`--set H=5`"),
    (2 * (H // 2), 8, "only where `H` is 8 or 9", "`--set H=8`"),
    ((H // 2) * (W // 3) * 6, H * W, "where `H` is even and `W` is divisible by 3", ""),
    (H // 2, 0, "only where `H` is 1", "`--set H=1`"),
    ((H % 2) * H, 3 * (H % 2), "where `H` is even", "`2 * H`"),  # and where it is 3
    # what the two sizes say themselves is a hint only
    (H, 8, "", "give it, e.g. `--set H=8`"),
    (H, W, "", "give both axes one name"),
    (H, W // 2 + 1, "", "declare `W // 2 + 1` in place of `H`"),
    # never, or not known
    (H, H + 1, "", ""),
    (2 * H, 7, "", ""),
    (2 * (H // 2), 2 * (H // 2) + 2, "", ""),
    (H, 0, "", ""),
    (3, 5, "", ""),
    (H * W, 12, "", ""),
    ((H + W) % 2, 0, "", ""),
    (2 * (H // 2), 3 * (W // 3), "", ""),
    (4096 * (H // 4096), H, "", ""),
]


@pytest.mark.parametrize(("a", "b", "text", "hint"), WORDS)
def test_words(a: Size, b: Size, text: str, hint: str) -> None:
    for found in (condition((B, a), (B, b)), condition((b,), (a,))):
        assert found.text == (f", equal {text}" if text else "")
        assert hint in found.hint and bool(hint) <= bool(found.hint)


def test_several_axes() -> None:
    both = condition((B, 2 * (H // 2), 4 * (W // 4)), (B, H, W))
    assert both == Condition(", equal only where `H` is even and `W` is divisible by 4", "")
    same = condition((2 * (H // 2), 2 * (H // 2) + 1), (H, H + 1))
    assert same == Condition(", equal only where `H` is even", "declare it so: `2 * H` in place of `H`")
    nothing: list[tuple[Shape, Shape]] = [((B, H), (B, H, W)), ((3, 2 * (H // 2)), (5, H)), ((B, H), (B, H))]
    assert [condition(a, b) for a, b in nothing] == [Condition()] * 3


PREDICATES = [
    (r"`(\w)` is even", r"\1 % 2 == 0"),
    (r"`(\w)` is odd", r"\1 % 2 == 1"),
    (r"`(\w)` is divisible by (\d+)", r"\1 % \2 == 0"),
    (r"`(\w)` is from (\d+) to (\d+)", r"\2 <= \1 <= \3"),
    (r"`([^`]+)` is ([\d, or]+?)(?= and|$)", r"\1 in (\2,)"),
]


def predicate(text: str) -> str:
    """The condition as Python."""
    for words, python in PREDICATES:
        text = re.sub(words, python, text)
    return re.sub(r"(?<=\d) or (?=\d)", ", ", text)


def test_the_words_are_true() -> None:
    rng, counts = random.Random(0), {"only ": 0, "": 0}
    for _ in range(800):
        by, other = rng.choice([2, 3, 4, 6]), rng.choice([2, 3, 4])
        left = by * divide(H + rng.randint(-2, 3), by) + rng.randint(-1, 2)
        right: Size = rng.choice([H, H + 1, divide(H, other), divide(H + 1, other) * other, rng.randint(1, 20), 2 * H - 6])
        found = condition((left,), (right,)).text
        if not found:
            continue
        only, text = re.fullmatch(r", equal (only )?where (.*)", found).groups()  # type: ignore[union-attr]
        counts[only or ""] += 1
        for h in range(1, 100):
            equal, said = size_at(left, {"H": h}) == size_at(right, {"H": h}), eval(predicate(text), {"H": h})
            assert equal == said if only else equal >= said, f"{left} and {right}{found}, at H={h}"
    assert counts["only "] > 100, counts


def test_the_number_of_rows_is_no_answer_and_that_of_features_is() -> None:
    """Each batch has its own number of rows."""
    for x, w, hint in (("[B, 6]", "[4, 6]", ""), ("[B, F]", "[5]", "give it, e.g. `--set F=5`, or write the number")):
        (problem,) = netc.check(f"network N {{ input x: {x}\n param w: {w} = zeros\n output x + w }}")
        assert (problem.code, problem.hint) == ("shape-mismatch", hint)


def test_an_axis_that_a_mask_lacks_is_named_by_its_place() -> None:
    """The hint is followed in each of its ways."""
    mask = "logical_not(keep[:, none, :])"
    spec = f"network M {{ input q: [B, 2, T, T]\n input keep: bool[B, T]\n output masked_fill(q, {mask}, -inf) }}"
    (problem,) = netc.check(spec)
    assert problem.hint == "[B, 1, T] lacks an axis: `-> unsqueeze(1)` makes it [B, 1, 1, T], `-> unsqueeze(3)` makes it [B, 1, T, 1]"
    assert all(not netc.check(spec.replace(mask, f"({mask} {way})")) for way in re.findall(r"`(-> .*?)`", problem.hint))
