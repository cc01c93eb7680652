"""How places are shown: carets under their characters whatever stands before them, and nothing raw that a terminal obeys."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc.diagnostics import Diagnostic, Related, render
from netc.page import WIDEST, columns, excerpt, printable
from netc.source import Source, Span
from tests.fuzz import cases


def shown(text: str, part: str) -> list[str]:
    """The line of a part of a text, and the marks under it."""
    start = text.index(part)
    return list(excerpt(Span(Source("test", text), start, start + len(part)), "^"))


@pytest.mark.parametrize(
    ("text", "part", "line", "marks"),
    [
        ("a = b", "b", "a = b", "    ^"),
        ("\ta = b", "b", "    a = b", "        ^"),
        ("ab\tc", "c", "ab  c", "    ^"),
        ("a\tb", "\t", "a   b", " ^^^"),
        ("名前 = b", "b", "名前 = b", "       ^"),
        ("名前 = b", "名前", "名前 = b", "^^^^"),
        ('"🙂" b', "b", '"🙂" b', "     ^"),
        ("e\u0301 = b", "b", "e\u0301 = b", "    ^"),
        ("a\r\nb = c\r\n", "c", "b = c", "    ^"),
        ("a\rb = c\rd", "c", "b = c", "    ^"),
        ("a\x00b", "b", "a\\x00b", "     ^"),
        ("a\x1b[31mb", "b", "a\\x1b[31mb", "         ^"),
        ("a\u202eb", "b", "a\\u202eb", "       ^"),
        ("a\ud800b", "\ud800", "a\\ud800b", " ^^^^^^"),
        ("a {\n b\n}", "{\n b\n}", "a {", "  ^…"),
    ],
)
def test_marks(text: str, part: str, line: str, marks: str) -> None:
    assert shown(text, part) == [line, marks]


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\r\n", "a\n\n"])
def test_at_the_end(text: str) -> None:
    line, marks = excerpt(Span(Source("test", text), len(text), len(text)), "^")
    assert marks == " " * len(line) + "^"


@pytest.mark.parametrize(("before", "behind"), [(0, 500), (500, 0), (500, 500), (90, 500)])
def test_a_long_line_is_cut_around_the_place(before: int, behind: int) -> None:
    line, marks = shown("x" * before + "here" + "y" * behind, "here")
    assert columns(line) <= WIDEST + 2
    assert line[marks.index("^") :].startswith("here")
    assert line.startswith("…") == (before > 80)
    assert line.endswith("…") == (behind > 100)


def test_a_long_span_is_cut() -> None:
    line, marks = shown("x" * 500, "x" * 500)
    assert len(line) == len(marks) == WIDEST + 1
    assert marks.endswith("^…")


def test_what_the_user_wrote_is_escaped_everywhere() -> None:
    span = Span(Source("a\x1b.net", "x\x07"), 0, 2)
    page = render(Diagnostic("syntax", "no \x1b[2J", span, "\x07", (Related(span, "\x00"),), "\x9b", inside="\u2028"))
    assert printable(page) == page
    assert not any(unicodedata.category(c) in ("Cc", "Zl") for c in page.replace("\n", ""))


def test_colours_are_the_only_controls() -> None:
    page = render(Diagnostic("syntax", "no \x1b[2J", Span(Source("a", "x"), 0, 1)), color=True)
    assert "\x1b[2J" not in page
    assert page.startswith("\x1b[1;31merror[syntax]\x1b[0m")


texts = st.text(st.one_of(st.sampled_from("ab \t\r\n\0\x1b\x85\u200b\u0301\u202e\u2028名🙂é{}"), st.characters()), max_size=300)


@cases(100)
@given(texts, st.integers(0, 320), st.integers(0, 320), st.sampled_from("^-"))
def test_any_text_and_place(text: str, start: int, length: int, mark: str) -> None:
    start = min(start, len(text))
    span = Span(Source("test", text), start, min(start + length, len(text)))
    line, marks = excerpt(span, mark)
    assert mark in marks
    assert columns(marks) <= columns(line) + 1
    assert columns(line) <= WIDEST + 2
    assert printable(line) == line.replace("\t", " ")
    page = render(Diagnostic("syntax", text, span, text, hint=text))
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in page.replace("\n", ""))
    page.encode()
