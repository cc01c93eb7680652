"""Lark's parse errors in words: what stands there, what was expected, and the usual slips."""

from __future__ import annotations

import re
from collections.abc import Callable

from lark import Token, UnexpectedCharacters, UnexpectedToken

from netc.diagnostics import Diagnostic, Edit, did_you_mean
from netc.source import Source, Span

STATEMENTS = ("input", "target", "output", "loss", "metric")
ITEMS = ("network", "fn", "data", "train")

# What a set of terminals that the parser could take is called, by one terminal that tells; the first that fits.
EXPECTED: tuple[tuple[str, str], ...] = (
    ("_NETWORK", "`network`, `fn`, `data` or `train`"),
    ("LABEL", "a layer, a function or a value"),
    ("NUMBER", "a value"),
    ("_OUTPUT", "a statement (`name = …`, `input`, `target`, `output`, `loss`, `metric`) or `}`"),
    ("RPAR", "`,` or `)`"),
    ("RSQB", "`,` or `]`"),
    ("_ELSE", "`else`"),
    ("EQUAL", "`=`"),
    ("LBRACE", "`{`"),
    ("_NL", "the end of the line"),
    ("RBRACE", "the end of the line or `}`"),
    ("LSQB", "a shape such as `[B, 5]`"),
    ("NAME", "a name"),
)


def explain(source: Source, problem: UnexpectedToken | UnexpectedCharacters) -> Diagnostic:
    """The diagnostic for a parse error."""
    place, expected = _place(source, problem)
    for slip in SLIPS:
        found = slip(source, place, expected)
        if found:
            return found
    if isinstance(problem, UnexpectedCharacters) or (place.text and problem.token.type == "PATTERN"):
        return Diagnostic("syntax", _no_token(place.text), place)
    return Diagnostic("syntax", f"expected {_expected_words(source, place, expected)}, found {_found(source, place)}", place)


def _no_token(text: str) -> str:
    if text[0] in "\"'":
        return "this string is never closed"
    return f"`{text}` is neither a number nor a name" if text[0].isdigit() else f"`{text}` has no meaning here"


def _place(source: Source, problem: UnexpectedToken | UnexpectedCharacters) -> tuple[Span, set[str]]:
    text = source.text
    if isinstance(problem, UnexpectedCharacters):
        start = source.line_starts[problem.line - 1] + problem.column - 1
        word = re.compile(r"\w+|[^\w\s]+").match(text, start)
        return Span(source, start, word.end() if word else start + 1), set(problem.allowed or ())
    token: Token = problem.token
    if token.type == "$END":  # Lark places it at the last token
        end = len(text.rstrip())
        return Span(source, end, end), set(problem.accepts or problem.expected)
    assert token.start_pos is not None and token.end_pos is not None
    end = token.start_pos if token.type == "_NL" else token.end_pos
    return Span(source, token.start_pos, end), set(problem.accepts or problem.expected)


def _expected_words(source: Source, place: Span, expected: set[str]) -> str:
    before = source.text[: place.start].rstrip()
    if before.endswith(("->", "→")):
        return f"a layer, function or block after `{before[-2:].strip()}`"
    if before.endswith(("||", "‖")):
        return "a branch after `||`"
    return next((words for terminal, words in EXPECTED if terminal in expected), "something else")


def _found(source: Source, place: Span) -> str:
    if place.start >= len(source.text.rstrip()):
        return "the end of the file" if place.start == place.end else f"`{place.text}`"
    return f"`{place.text}`" if place.text.strip() else "the end of the line"


def _unclosed(source: Source, place: Span, expected: set[str]) -> Diagnostic | None:
    """A bracket that is never closed, where the text ends or a statement begins inside it."""
    opened: list[tuple[str, int]] = []
    code = re.compile(r"""#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[(){}\[\]]""")
    for match in code.finditer(source.text, 0, place.start):
        if match[0] in "([{":
            opened.append((match[0], match.start()))
        elif match[0] in ")]}" and opened and opened[-1][0] + match[0] in ("()", "[]", "{}"):
            opened.pop()
    at_end = place.start >= len(source.text.rstrip())
    starts_statement = place.text in STATEMENTS + ITEMS and not expected & {"_OUTPUT", "_NETWORK"}
    if not opened or not (at_end or (starts_statement and opened[-1][0] != "{")):
        return None
    bracket, start = opened[-1]
    close = {"(": ")", "[": "]", "{": "}"}[bracket]
    return Diagnostic("syntax", f"this `{bracket}` is never closed", Span(source, start, start + 1), hint=f"a `{close}` is missing")


def _equal_for_colon(source: Source, place: Span, expected: set[str]) -> Diagnostic | None:
    """`x -> hidden = Linear(8)`"""
    if place.text != "=":
        return None
    label = re.search(r"(?:->|→|\|\||‖|\(|\{)\s*(\w+)[ \t]*$", source.text[: place.start])
    if not label:
        return None
    edit = Edit(Span(source, label.end(1), place.end), ":")
    return Diagnostic("syntax", f"a label is followed by `:`, as in `{label[1]}: Linear(8)`", place, edit=edit,
                      hint="`=` names a value, at the start of a line")  # fmt: skip


def _colon_for_equal(source: Source, place: Span, expected: set[str]) -> Diagnostic | None:
    """`p: x -> Linear(8)` as a statement"""
    word = re.search(r"(?:^|\n)[ \t]*(\w+)[ \t]*$", source.text[: place.start])
    if place.text != ":" or not word or "EQUAL" not in expected:
        return None
    return Diagnostic("syntax", f"a value is named with `=`, as in `{word[1]} = …`", place, edit=Edit(place, " ="),
                      hint="`:` stands behind the label of a layer, inside a pipeline")  # fmt: skip


def _declaration(source: Source, place: Span, expected: set[str]) -> Diagnostic | None:
    """`input x [B, 5]` or `input x = [B, 5]`"""
    before = re.search(r"\b(input|target)[ \t]*$", source.text[: place.start])
    if not before:
        return None
    return Diagnostic("syntax", f"`{before[1]}` is followed by a name, `:` and a shape", place,
                      hint=f"write `{before[1]} x: [B, 5]`")  # fmt: skip


def _open_arrow(source: Source, place: Span, expected: set[str]) -> Diagnostic | None:
    """A line that ends with `->`, and a statement below it that is no layer."""
    line = source.text.rfind("\n", 0, place.start) + 1
    arrow = re.search(r"(->|→|\|\||‖)\s*$", source.text[:line])
    word = re.match(r"[ \t]*(\w+)", source.text[line:])
    if not arrow or not word or word[1] not in STATEMENTS:
        return None
    what = "a branch" if arrow[1] in ("||", "‖") else "a layer, function or block"
    return Diagnostic("syntax", f"expected {what} after `{arrow[1]}`, found the end of the line",
                      Span(source, arrow.start(1), arrow.end(1)))  # fmt: skip


def _unknown_word(source: Source, place: Span, expected: set[str]) -> Diagnostic | None:
    """A misspelt keyword at the start of a statement."""
    known = ITEMS if "_NETWORK" in expected else STATEMENTS if "_OUTPUT" in expected else ()
    after_word = re.search(r"(?:^|\n)[ \t]*(\w+)[ \t]+$", source.text[: place.start])
    word, at = place.text.strip(": \t"), place.start
    if not known and after_word and "EQUAL" in expected:
        known, word, at = STATEMENTS, after_word[1], after_word.start(1)
    hint = did_you_mean(word, known) if word.isidentifier() else ""
    if not hint:
        return None
    return Diagnostic("syntax", f"no statement begins with `{word}`", Span(source, at, at + len(word)), hint=hint)


SLIPS: tuple[Callable[[Source, Span, set[str]], Diagnostic | None], ...] = (
    _open_arrow, _unclosed, _equal_for_colon, _colon_for_equal, _declaration, _unknown_word,
)  # fmt: skip
