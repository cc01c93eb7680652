"""Ways to break a spec, as people slip: what the mutation test and the benchmark draw from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from netc.diagnostics import Diagnostic
from netc.ops import TABLE

TOKENS = re.compile(
    r'(?P<comment>#[^\n]*)|(?P<string>"[^"\n]*")|(?P<number>\d+(?:\.(?!\.)\d+)?(?:e-?\d+)?)|(?P<name>[^\W\d][\w.]*)|(?P<arrow>->)'
    r"|(?P<bars>\|\|)|(?P<bracket>[()\[\]{}])|(?P<sign>[^\s\w])"
)
ALL = ("string", "number", "name", "arrow", "bars", "bracket", "sign")
WORDS = frozenset("network block fn use data train input target output loss metric in out if else repeat residual and or not layer".split())
DTYPES = ("int64", "float64", "bool", "int32", "float16")
ARGUMENTS = r"(?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\))?"  # in brackets, which may hold brackets

Match = re.Match[str]


@dataclass(frozen=True)
class Mutant:
    """A spec with one thing changed, and the lines where it is; `gone` are names that were given on a line that is gone."""

    kind: str
    text: str
    lines: frozenset[int]
    gone: frozenset[str] = frozenset()

    def found_by(self, diagnostic: Diagnostic) -> bool:
        """Whether a diagnostic shows one of these lines, as its place or a related one, or says a name that is gone."""
        spans = [r.span for r in diagnostic.related] + ([diagnostic.span] if diagnostic.span else [])
        shown = {span.position[0] for span in spans} | {int(n) for n in re.findall(r"\bspec:(\d+)", diagnostic.inside)}
        return bool(shown & self.lines) or any(f"`{name}`" in diagnostic.message for name in self.gone)


Edit = tuple[int, int, str]


class Spec:
    """A text with its tokens; each way to break it is drawn from these."""

    def __init__(self, text: str, random: Random) -> None:
        self.text = text
        self.random = random

    def tokens(self, *kinds: str) -> list[Match]:
        """The tokens of some kinds; nobody's slip is in a comment."""
        return [m for m in TOKENS.finditer(self.text) if m.lastgroup in kinds]

    def names(self) -> list[Match]:
        """The names that are no keywords."""
        return [m for m in self.tokens("name") if m[0] not in WORDS]

    def places(self, pattern: str) -> list[Match]:
        """The places of a pattern outside comments."""
        comments = [m.span() for m in self.tokens("comment")]
        return [m for m in re.finditer(pattern, self.text, re.M) if not any(a <= m.start() < b for a, b in comments)]

    def lines(self) -> list[int]:
        """The numbers, from 0, of the lines that say something."""
        return [i for i, line in enumerate(self.text.split("\n")) if line.strip() and not line.lstrip().startswith("#")]

    def replaced(self, *edits: Edit) -> Mutant:
        """Pieces within lines replaced."""
        text = self.text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        numbers = {self.text.count("\n", 0, start) for start, _, _ in edits}
        lines = text.split("\n")
        empty = {n + step for n in numbers if not lines[n].strip() for step in (-1, 1)}  # the line is gone: its neighbours
        return Mutant("", text, frozenset(n + 1 for n in numbers | empty))

    def relined(self, lines: list[str], changed: set[int], gone: str = "") -> Mutant:
        """Whole lines changed: `changed` are their numbers, from 0."""
        given = re.findall(r"(?:^|[(,])\s*(?:\w+ )?([\w.]+)(?:, ([\w.]+))?\s*(?:[=:(]|$)|(\w+):", gone)
        return Mutant("", "\n".join(lines), frozenset(n + 1 for n in changed), frozenset(n for names in given for n in names if n))


Way = Callable[[Spec], Mutant | None]


def _in_one(kinds: tuple[str, ...], edit: Callable[[Spec, str], str]) -> Way:
    """Changes the text of one token."""

    def way(spec: Spec) -> Mutant | None:
        found = spec.names() if kinds == ("name",) else spec.tokens(*kinds)
        if not found:
            return None
        token = spec.random.choice(found)
        return spec.replaced((*token.span(), edit(spec, token[0])))

    return way


def _at(pattern: str, edit: Callable[[Spec, Match], str]) -> Way:
    """Changes one place of a pattern."""

    def way(spec: Spec) -> Mutant | None:
        found = spec.places(pattern)
        if not found:
            return None
        place = spec.random.choice(found)
        return spec.replaced((*place.span(), edit(spec, place)))

    return way


def _without_one(spec: Spec, text: str) -> str:
    at = spec.random.randrange(len(text))
    return text[:at] + text[at + 1 :]


def _with_one_twice(spec: Spec, text: str) -> str:
    at = spec.random.randrange(len(text))
    return text[:at] + text[at] + text[at:]


def _misspelt(spec: Spec, text: str) -> str:
    """Two letters the wrong way round, one left out, one twice, or another in its place."""
    if len(text) < 2:
        return text + text
    at = spec.random.randrange(len(text) - 1)
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    other = text[:at] + spec.random.choice("aeiorst") + text[at + 1 :]
    return spec.random.choice([swapped, _without_one(spec, text), _with_one_twice(spec, text), other])


def _other_case(spec: Spec, text: str) -> str:
    return spec.random.choice([text.lower(), text.upper(), text.swapcase(), text[0].swapcase() + text[1:]])


def _other_number(spec: Spec, text: str) -> str:
    number = int(text)
    return str(spec.random.choice([n for n in (number + 1, number - 1, 2 * number, number // 2, 7) if n != number and n > 0] or [3]))


def _swap_names(spec: Spec) -> Mutant | None:
    found = spec.names()
    first = spec.random.choice(found)
    others = [m for m in found if m[0] != first[0] and abs(m.start() - first.start()) < 200]
    if not others:
        return None
    second = spec.random.choice(others)
    return spec.replaced((*first.span(), second[0]), (*second.span(), first[0]))


def _drop_line(spec: Spec) -> Mutant | None:
    lines, at = spec.text.split("\n"), spec.random.choice(spec.lines())
    return spec.relined(lines[:at] + lines[at + 1 :], {at - 1, at}, lines[at])


def _duplicate_line(spec: Spec) -> Mutant | None:
    lines, at = spec.text.split("\n"), spec.random.choice(spec.lines())
    return spec.relined([*lines[: at + 1], *lines[at:]], {at, at + 1})


def _swap_lines(spec: Spec) -> Mutant | None:
    lines = spec.text.split("\n")
    pairs = [(a, b) for a, b in pairwise(spec.lines()) if lines[a] != lines[b]]
    if not pairs:
        return None
    a, b = spec.random.choice(pairs)
    lines[a], lines[b] = lines[b], lines[a]
    return spec.relined(lines, {a, b})


def _changed_shape(spec: Spec, place: Match) -> str:
    """One axis of a declared shape has another size, is gone, or stands twice."""
    axes = place["shape"].split(", ")
    at = spec.random.randrange(len(axes))
    other = str(int(axes[at]) + 1) if axes[at].isdigit() else spec.random.choice(["3", axes[at] + "2", "2 * " + axes[at]])
    changed = spec.random.choice([[other], [other], [], [axes[at], axes[at]]])
    return place[0].replace(f"[{place['shape']}]", f"[{', '.join([*axes[:at], *changed, *axes[at + 1 :]])}]")


def _changed_dtype(spec: Spec, place: Match) -> str:
    dtype = spec.random.choice([d for d in DTYPES if d != place["dtype"]] + ([""] if place["dtype"] else []))
    return f"{place['head']}{dtype}["


def _other_layer(spec: Spec, text: str) -> str:
    return spec.random.choice(["Linear", "Conv2d", "BatchNorm1d", "LSTM", "Embedding", "Flatten", "ReLU", "MaxPool2d"])


def _fewer_arguments(spec: Spec, place: Match) -> str:
    arguments = place["inside"].split(", ")
    arguments.pop(spec.random.randrange(len(arguments)))
    return f"{place['callee']}({', '.join(arguments)})"


def _swapped_arguments(spec: Spec, place: Match) -> str:
    a, b = place["first"], place["second"]
    return f"({b}, {a}"


DECLARATION = r"^\s*(?:input|target|in)\s+\w+:[ \t]*\w*\[(?P<shape>[^\]\n]+)\]"
DTYPE = r"(?P<head>^\s*(?:input|target|in)\s+\w+:[ \t]*)(?P<dtype>\w*)\["
CALL = r"\b(?P<callee>[A-Za-z_]\w*)\((?P<inside>[^()\[\]\n]+)\)"
LAYER = rf"\b(?:{'|'.join(sorted(n for n in TABLE if n.isidentifier() and len(n) > 3))})\b"
MERGES = "add|sub|mul|matmul|average|maximum|concat|stack"

WAYS: Mapping[str, Way] = {
    "drop a character": _in_one(ALL, _without_one),
    "double a character": _in_one(ALL, _with_one_twice),
    "swap two names": _swap_names,
    "change a channel count": _at(r"(?<=[(,] )\d+\b|(?<=\()\d+\b|(?<== )\d+\b", lambda spec, m: _other_number(spec, m[0])),
    "remove a merge": _at(rf"[ \t]*-> (?:{MERGES})\b{ARGUMENTS}", lambda spec, m: ""),
    "remove an operand": _at(r"(?<=\w|\)) [-+*@] [\w.]+", lambda spec, m: ""),
    "remove a branch": _at(rf" \|\| [\w. ]+{ARGUMENTS}|(?<=\()\w+, (?=\w+ ->|\w+\))", lambda spec, m: ""),
    "remove an arrow": _at(r"->", lambda spec, m: ""),
    "remove a stage": _at(rf"[ \t]*-> (?:\w+: )?\w+{ARGUMENTS}", lambda spec, m: ""),
    "swap a layer for another": _at(LAYER, lambda spec, m: _other_layer(spec, m[0])),
    "drop a bracket": _in_one(("bracket",), lambda spec, text: ""),
    "drop a line": _drop_line,
    "duplicate a line": _duplicate_line,
    "swap two lines": _swap_lines,
    "misspell a layer": _at(LAYER, lambda spec, m: _misspelt(spec, m[0])),
    "misspell an argument": _at(r"\b\w+(?==[^=\s])", lambda spec, m: _misspelt(spec, m[0])),
    "misspell a name": _in_one(("name",), _misspelt),
    "wrong case": _in_one(("name",), _other_case),
    "drop an argument": _at(CALL, _fewer_arguments),
    "swap two arguments": _at(r"\((?P<first>[^(),\n]+), (?P<second>[^(),\n]+)(?=[,)])", _swapped_arguments),
    "a string for a number": _in_one(("number",), lambda spec, text: f'"{text}"'),
    "a negative number": _in_one(("number",), lambda spec, text: f"-{text}"),
    "change a dtype": _at(DTYPE, _changed_dtype),
    "change a declared axis": _at(DECLARATION, _changed_shape),
    "`->` for `||`": _at(r"\|\|", lambda spec, m: "->"),
    "`||` for `->`": _at(r"->", lambda spec, m: "||"),
}  # fmt: skip


def mutants(specs: Mapping[str, str], seed: int, count: int) -> Iterator[tuple[str, Mutant]]:
    """`count` mutants with the names of their specs, spec by spec and way by way in turn; the same for the same seed."""
    random = Random(seed)
    names, ways = sorted(specs), list(WAYS)
    made = number = 0
    while made < count:
        name, kind = names[number % len(names)], ways[number // len(names) % len(ways)]
        number += 1
        found = WAYS[kind](Spec(specs[name], random))
        if found and found.text != specs[name]:
            made += 1
            yield name, Mutant(kind, found.text, found.lines, found.gone)
