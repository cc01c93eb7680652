"""A spec in colors: the words of the language, ops, labels, numbers, strings and comments, by the tokens of its own parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from lark.exceptions import LarkError

from netc.ops import TABLE
from netc.ops.inits import INITS
from netc.ops.recipes import RECIPES
from netc.parse import tokens
from netc.source import Source

WORDS = frozenset(
    "_NETWORK _FN _BLOCK _USE PYTHON DATA TRAIN _GROUP INPUT TARGET _IN _OUT _ASSERT _LAYER PARAM BUFFER _TIE _INIT _FREEZE _OUTPUT LOSS "
    "METRIC IF _ELSE _REPEAT _RESIDUAL AND OR NOT".split()
)
CLASSES = {"CONSTANT": "n", "NUMBER": "n", "STRING": "s", "LABEL": "l", "_ARROW": "a", "_PARALLEL": "a"}
OPS = frozenset([*TABLE, *RECIPES, *INITS])
COMMENT = re.compile(r"#[^\r\n]*")


def highlighted(source: Source) -> str:
    """The text as HTML for within `<pre>`; what cannot be parsed is left without colors from there on."""
    return "".join(f'<span class="{kind}">{escape(text)}</span>' if kind else escape(text) for kind, text in pieces(source))


def pieces(source: Source) -> Iterator[tuple[str, str]]:
    """The whole text in pieces, each with its class in the style sheet, or none."""
    at = 0
    try:
        for token in tokens(source):
            start, end = token.start_pos, token.end_pos
            if token.type == "_NL" or start is None or end is None or end <= start:
                continue
            yield from _between(source.text[at:start])
            kind = "k" if token.type in WORDS else "o" if str(token) in OPS else CLASSES.get(token.type, "")
            yield kind, source.text[start:end]
            at = end
    except LarkError:
        pass
    yield from _between(source.text[at:])


def _between(text: str) -> Iterator[tuple[str, str]]:
    """What the parser passes over: blanks, line ends and comments."""
    at = 0
    for comment in COMMENT.finditer(text):
        yield "", text[at : comment.start()]
        yield "c", comment[0]
        at = comment.end()
    yield "", text[at:]
