"""The one layout of `.net` text: `netc fmt`.

`words` takes the text apart, `breaks` decides where lines end, `columns` lines up what stands below each other, `layout` writes it out.
The result depends on the tokens, the comments, the line breaks and the blank lines of the text, and on no other blanks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from netc import syntax as s
from netc.collector import collector_paused
from netc.format.breaks import settle
from netc.format.columns import align
from netc.format.layout import lay_out
from netc.format.words import read
from netc.parse import parse
from netc.source import Source


@collector_paused()
def format_text(source: Source) -> str:
    """The text of a file in the one layout. Raises `NetError` where it is no spec."""
    before = parse(source)
    words = read(source)
    comments = words.comments()
    settle(words)
    align(words)
    text = lay_out(words)
    with _room():
        _check(before, comments, Source(source.name, text))
    return text


@contextmanager
def _room() -> Iterator[None]:
    """Some frames more: the text is parsed again from a few frames deeper, and may be nested as deeply as can be parsed."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 20)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _check(before: s.File, comments: list[str], after: Source) -> None:
    """That nothing but the layout is different."""
    assert same(before, parse(after)), f"formatting {after.name} changes what it means"
    assert comments == read(after).comments(), f"formatting {after.name} changes its comments"


def same(a: Any, b: Any) -> bool:
    """Whether two syntax trees are the same but for the places of their parts. Without recursion, for trees as deep as they can be read."""
    pairs = [(a, b)]
    while pairs:
        a, b = pairs.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, tuple):
            if len(a) != len(b):
                return False
            pairs += zip(a, b, strict=True)
        elif isinstance(a, s.Syntax):
            pairs += ((getattr(a, f.name), getattr(b, f.name)) for f in fields(a) if f.name != "span")
        elif a != b:
            return False
    return True
