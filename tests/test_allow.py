"""What a spec gives and never uses, names that are used too early, and the comments that allow warnings."""

from __future__ import annotations

from pathlib import Path

import pytest

import netc
from tests.lint_cases import TRAIN, YES_NO, spec
from tests.test_lint import warnings_of

# --- comments -------------------------------------------------------------------------------------------------------

STACKED = """\
{first}
network Net {{
  input x: [B, 8]
  {above}
  h = x -> Linear(16){middle}
        -> Linear(16){behind}
  q = h -> Linear(16)
  output h -> ReLU
}}
"""
WHERE = dict.fromkeys(("first", "above", "middle", "behind"), "")
ALLOW = "  # netc: allow "
COMMENTS: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["stacked-linear", "unused-value"]),
    ({"behind": ALLOW + "stacked-linear"}, ["unused-value"]),
    ({"middle": ALLOW + "stacked-linear"}, ["unused-value"]),
    ({"above": "# netc: allow stacked-linear"}, ["unused-value"]),
    ({"above": "#netc:allow stacked-linear  \n  # why\n"}, ["unused-value"]),
    ({"first": "# netc: allow stacked-linear, unused-value"}, []),
    ({"first": "# About.\n\n# netc: allow stacked-linear unused-value\n"}, []),
    ({"above": "# netc: allow unused-value"}, ["unused-allow", "stacked-linear", "unused-value"]),
    ({"behind": ALLOW + "shape-mismatch"}, ["stacked-linear", "unknown-code", "unused-value"]),
    ({"behind": ALLOW + "stacked-linaer"}, ["stacked-linear", "unknown-code", "unused-value"]),
    ({"behind": "  # netc: alow stacked-linear"}, ["stacked-linear", "unknown-code", "unused-value"]),
    ({"behind": ALLOW}, ["stacked-linear", "unknown-code", "unused-value"]),
    ({"behind": "  # see netc: allow stacked-linear"}, ["stacked-linear", "unused-value"]),
    ({"behind": ALLOW + "data-constant"}, ["stacked-linear", "unused-value"]),
]


@pytest.mark.parametrize(("comments", "codes"), COMMENTS)
def test_comments(comments: dict[str, str], codes: list[str]) -> None:
    assert [d.code for d in warnings_of(STACKED.format(**{**WHERE, **comments}))] == codes


def test_a_comment_in_a_string_is_none() -> None:
    text = spec("input x: [B, 8]", 'assert true, "# netc: allow nothing"', "output x")
    assert warnings_of(text) == []


def test_comments_before_a_block_and_a_section() -> None:
    block = "\n# netc: allow stacked-linear\nblock Deep(n) {\n in x: [B, D]\n out x -> Linear(n) -> Linear(n)\n}"
    train = "# netc: allow learning-rate\n" + TRAIN.format("SGD(lr=99)", 8)
    text = spec(
        YES_NO, "p = x -> Deep(8) -> ReLU -> Linear(1)", "output p", "loss MSELoss(p, y)", before="fn one(x) = x" + block, after=train
    )
    assert [d.code for d in warnings_of(text)] == ["unused-function"]


def test_comments_are_judged_where_all_is_checked_as_it_stands() -> None:
    text = spec("input x: [B, 8]", "output x -> Linear(n)  # netc: allow stacked-linear").replace("Net {", "Net(n = 4) {")
    assert [d.code for d in warnings_of(text)] == ["unused-allow"]
    assert netc.load(text, {"n": 8}).warnings == ()
    assert netc.load(text + text.replace("Net(", "Other("), network="Net").warnings == ()


def test_comments_in_a_used_file(tmp_path: Path) -> None:
    (tmp_path / "deep.net").write_text(
        "block Deep(n) {\n in x: [B, D]\n # netc: allow stacked-linear\n out x -> Linear(n)\n   -> Linear(n)\n}\n"
    )
    (tmp_path / "net.net").write_text('use "deep.net"\nnetwork Net {\n input x: [B, 8]\n output x -> Deep(8)\n}\n')
    assert netc.load(tmp_path / "net.net").warnings == ()


def test_warnings_of_data_are_allowed_alike() -> None:
    data = "data = sklearn.make_blobs(n_samples=60, n_features=3, centers=2, cluster_std=0.0, center_box=[1.0, 1.0], random_state=0)"
    text = spec("input x: [B, 3]\n target y: [B, 1]", "p = x -> Linear(1)", "output p", "loss BCEWithLogitsLoss(p, y)", after=data)
    assert [d.code for d in netc.load(text).check_data()] == ["data-constant"]
    assert netc.load(text + "  # netc: allow data-constant").check_data() == ()


# --- what is never used ---------------------------------------------------------------------------------------------

UNUSED: list[tuple[str, list[str]]] = [
    # what another choice uses is used
    (spec("input x: [B, 8]", "h = x -> Linear(8)", "g = x -> ReLU", "output if true { h } else { g -> f }", before="fn f(x) = x * 2"), []),
    (spec("input x: [B, 8]", "output x -> if false { Linear(n) } else { id }").replace("Net {", "Net(n = 4) {"), []),
    (spec("input x: [B, 8]", "layer tower = Linear(8)", "output x"), ["the layer `tower` is never used"]),
    (spec("input x: [B, 8]", "output x -> f", before="fn f(x, k = 2) = x * 3"), ["the parameter `k` of `f` is never used"]),
    (spec("input x: [B, 8]", "output x -> f", before="fn f(x, k = 2, n = k) = x * n"), []),
    (spec("input x: [B, 8]", "output x -> Feed(4)", before="block Feed(width, act = GELU) = { Linear(width) -> ReLU }"),
     ["the parameter `act` of `Feed` is never used"]),
    (spec("input x: [B, 8]", "output x -> Feed(4)", before="block Feed(width, _act = GELU) = { Linear(width) -> ReLU }"), []),
    (spec("input x: [B, 8]", "output (x, x) -> Feed", before="block Feed {\n in a: [B, D]\n in b: [B, D]\n out a -> Linear(D)\n}"),
     ["the input `b` of `Feed` is never used"]),
    (spec("input x: [B, 8]", "output x -> Feed(4, 4)", before="block Feed(n, w) {\n in x: [B, n + w]\n out x -> l{n}: Linear(2)\n}"), []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "messages"), UNUSED)
def test_unused(text: str, messages: list[str]) -> None:
    assert [d.message for d in warnings_of(text)] == messages


def test_names_given_below() -> None:
    """An error for each, whatever choice hides the others of a circle."""
    hidden = spec("input x: [B, 8]", "a = if false { b } else { x }", "u = v -> Linear(3)", "v = (a, u) -> concat", "b = u", "output v")
    with pytest.raises(netc.NetError, match="`u`, `v` need each other"):
        netc.load(hidden)
    with pytest.raises(netc.NetError, match="no value, layer or function `_`"):
        netc.load(spec("input x: [B, 8]", "_ = x", "output _"))
