"""Parsing goes on after an error: every slip is told where it is, once, and what is right is checked nevertheless."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netc
from netc.diagnostics import NetError, render_all
from netc.parse import parse, parse_all
from netc.piece import Piece
from netc.slips import SLIPS
from netc.source import Source
from tests.cost import calls
from tests.fuzz import cases

GOLDEN = Path(__file__).parent / "golden" / "errors"


def problems(text: str) -> list[tuple[int, str]]:
    """The lines and codes of what is wrong with a spec."""
    try:
        netc.load(text + "\n")
    except NetError as problem:
        return [(d.span.position[0] if d.span else 0, d.code) for d in problem.diagnostics]
    return []


BODY = ["  input x: [B, 4]", "  h = x -> a: Linear(8) -> ReLU", "  g = h -> b: Linear(8)", "  p = g -> c: Linear(1)", "  output p"]


def network(lines: list[str]) -> str:
    return "\n".join(["network Net {", *lines, "}"])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (2, "  input x = [B, 4]"),
        (2, "  input x [B, 4]"),
        (2, "  inptu x: [B, 4]"),
        (3, "  h = x -> -> ReLU"),
        (3, "  h = x -> a: Linear(8 -> ReLU"),
        (3, "  h, x -> a: Linear(8)"),
        (4, "  g = h -> b: { Linear(8)"),
        (4, "  g = h -> b: Linear 8)"),
        (4, "  g: h -> b: Linear(8)"),
        (4, "  g h -> b: Linear(8)"),
        (5, "  p = g -> c: Linear(1) ->"),
        (6, "  output: p"),
        (6, "  output p }"),
    ],
)
def test_what_depends_on_a_slip_is_silent(line: int, text: str) -> None:
    lines = [*BODY]
    lines[line - 2] = text
    assert problems(network(lines)) == [(line, "syntax")]


def test_each_of_many_slips() -> None:
    lines = ["  input x = [B, 4]", "  h = x -> -> ReLU", "  g = h -> b: Linear(8", "  p = g => c: Linear(1)", "  output: p"]
    assert problems(network(lines)) == [(line, "syntax") for line in range(2, 7)]


def test_what_is_right_is_checked() -> None:
    lines = [BODY[0], "  h = x -> -> ReLU", "  g = x -> b: Linaer(8)", "  p = g + h -> c: Linear(1)", "  output p"]
    assert problems(network(lines)) == [(3, "syntax"), (4, "unknown-name")]


def test_a_slip_in_a_block_fn_or_section() -> None:
    text = """\
block Wide(width) {
  in x: [B, D]
  y = x -> -> Linear(width)
  out y -> ReLU
}
fn twice(x = 2 * x
network Net {
  input x: [B, 4]
  output x -> wide: Wide(8) -> twice -> Lineer(1)
}
train {
  optimizer := SGD(lr=0.1)
  epochs = "ten"
}"""
    assert problems(text) == [(3, "syntax"), (6, "syntax"), (12, "syntax"), (13, "argument-type")]


def test_slips_in_a_used_file(tmp_path: Path) -> None:
    (tmp_path / "blocks.net").write_text("block One = { Linear(8 }\nblock Two = { Linear(8) -> -> ReLU }\n", encoding="utf-8")
    (tmp_path / "net.net").write_text('use "blocks.net"\n' + network([BODY[0], "  output x -> One -> Two"]), encoding="utf-8")
    with pytest.raises(NetError) as raised:
        netc.load(tmp_path / "net.net")
    assert [str(d.span).split("blocks")[-1] for d in raised.value.diagnostics] == [".net:1:21", ".net:2:28"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("indent", ["", "  ", "\t"])
def test_layout_does_not_matter(end: str, indent: str) -> None:
    lines = [line.strip() for line in BODY]
    assert problems(end.join(["network Net {", *(indent + line for line in lines), "}"])) == []
    lines[2] = "g = h -> b: Linear(8) -> ->"
    assert problems(end.join(["network Net {", *(indent + line for line in lines), "}"])) == [(4, "syntax")]


def test_every_slip_has_a_case() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("syntax__*.txt"))
    for slip in SLIPS:
        message = re.sub(r"\\{\w+\\}", ".+", re.escape(slip.message))
        assert re.search(rf"error\[syntax\]: {message}$", pages, re.MULTILINE), slip.message


@pytest.mark.parametrize("case", sorted(GOLDEN.glob("syntax__*.net")), ids=lambda case: case.stem)
def test_edits_mend(case: Path) -> None:
    """What offers edits for all its slips is right at these places when they are applied."""
    source = Source("spec", case.read_text(encoding="utf-8"))
    found = parse_all(source).problems
    if not found or not all(d.edit for d in found):
        return
    text = source.text
    for edit in sorted((d.edit for d in found if d.edit), key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    if case.stem not in ("syntax__colon_for_brace", "syntax__train_with_colon"):  # whose `}` is missing too
        parse(Source("spec", text))


def test_places_of_a_piece_after_repairs() -> None:
    piece = Piece(Source("test", "..abcdef.."), 2, 8)
    piece.replace(1, 2, "XYZ")
    piece.replace(5, 6, "")
    assert piece.text == "aXYZcef"
    assert [piece.span(i, i + 1).text for i in (0, 4)] == ["a", "c"]
    assert piece.span(len(piece.text) - 1, len(piece.text)).text == "f"
    assert piece.span(1, 4).text == "b"


def errors_of(count: int) -> NetError:
    """What a spec with so many errors is refused with."""
    text = network([BODY[0], *(f"  h{i} = x -> -> Linear({i + 1})" for i in range(count)), "  output x"])
    with pytest.raises(NetError) as raised:
        netc.load(text)
    return raised.value


def test_ten_thousand_errors() -> None:
    """A slip has its cost, and not that of the whole file once more."""
    assert calls(lambda: errors_of(500)) < 5.5 * calls(lambda: errors_of(100))
    count = 10_000
    raised = errors_of(count)
    assert len(raised.diagnostics) == count
    page = render_all(raised.diagnostics)
    assert page.count("error[") == 20
    assert page.endswith(f"and {count - 20} more")


@cases(60)
@given(st.randoms(use_true_random=False), st.sampled_from(["vae", "resnet18", "gpt2", "funky", "unet"]))
def test_a_broken_spec_never_ends_in_a_traceback(chance: random.Random, name: str) -> None:
    text = (Path(__file__).parent.parent / "specs" / f"{name}.net").read_text(encoding="utf-8")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        put = chance.choice(["", "", "(", ")", "{", "}", "]", '"', "\n", "->", "=", ":", ",", "x", "\0", "//", "/*", "“"])
        text = text[:at] + put + text[at + chance.randint(0, 3) :]
    result = parse_all(Source("spec", text))
    assert all(d.span is not None and 0 <= d.span.start <= d.span.end <= len(text) for d in result.problems)
    problems(text)


@cases(100)
@given(st.text(st.sampled_from("network N{}()[]=->|:,\n \t#\"'/*xinput“”\r\0"), max_size=80))
def test_any_text_is_a_file_or_has_problems(text: str) -> None:
    result = parse_all(Source("spec", text))
    assert result.problems or not result.file.is_broken
    assert all(0 <= d.span.start <= d.span.end <= len(text) for d in result.problems if d.span)
