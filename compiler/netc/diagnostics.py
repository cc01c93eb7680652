"""What is wrong with a spec or with data, as a value, and the one place that puts it into words on a page."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netc.codes import CODES
from netc.page import excerpt, printable
from netc.source import Source, Span

LONGEST = 2000  # characters of a message
LIMIT = 20  # more errors than fit on a page help nobody; the rest is counted


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that has to do with a problem, and what it has."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Text that would stand in place of a span."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: a code of `netc.codes`, what is wrong, where, what else belongs to it, and what to do."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    related: tuple[Related, ...] = ()
    hint: str = ""
    edit: Edit | None = None
    inside: str = ""

    def __post_init__(self) -> None:
        assert self.code in CODES, f"no diagnostic code {self.code!r}"
        for name in ("message", "hint"):
            if len(getattr(self, name)) > LONGEST:  # it quotes what was written, which may be a book
                object.__setattr__(self, name, f"{getattr(self, name)[:LONGEST]}…")

    @property
    def severity(self) -> str:
        """`error` or `warning`."""
        return CODES[self.code].severity

    @property
    def order(self) -> tuple[str, int]:
        """Problems are shown file by file, from the top."""
        return (self.span.source.name, self.span.start) if self.span else ("", -1)

    def __str__(self) -> str:
        return render(self)


class NetError(Exception):
    """The user's spec or data is wrong. `diagnostics` says where and how; `str()` is the page that a person reads."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: d.order))
        assert self.diagnostics
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return render_all(self.diagnostics)

    def __reduce__(self) -> tuple[type[NetError], tuple[tuple[Diagnostic, ...]]]:
        return NetError, (self.diagnostics,)


def error(code: str, message: str, span: Span | None = None, hint: str = "") -> NetError:
    """A `NetError` of one problem."""
    return NetError([Diagnostic(code, message, span, hint=hint)])


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, if one is near enough."""
    names = list(dict.fromkeys(known))
    same = [n for n in names if n.lower().replace("_", "") == name.lower().replace("_", "")]
    # One slip in a word of four letters leaves a similarity of 0.75, two swapped letters of three leave 0.67.
    cutoff = 0.65 if len(name) <= 3 else 0.7
    as_long = [n for n in names if 2 * min(len(n), len(name)) >= cutoff * (len(n) + len(name))]  # others cannot be near enough
    return next(iter(same or difflib.get_close_matches(name, as_long, n=1, cutoff=cutoff)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the closest known name, or nothing."""
    near = closest(name, known)
    return f"did you mean `{near}`?" if near else ""


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names as a sentence lists them, cut off with a count after `most`."""
    all_names = list(names)
    text = ", ".join(f"`{n}`" for n in all_names[:most])
    return text if len(all_names) <= most else f"{text} and {len(all_names) - most} more"


def count_of(number: int, noun: str) -> str:
    """`1 input`, `2 inputs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# --- the page -------------------------------------------------------------------------------------------------

STYLES = {"error": "1;31", "warning": "1;33", "gutter": "1;34", "hint": "1;36", "bold": "1"}


def render_all(diagnostics: Sequence[Diagnostic], color: bool = False) -> str:
    """All problems, one after the other, at most `LIMIT` and then how many more."""
    pages = [render(d, color) for d in diagnostics[:LIMIT]]
    if len(diagnostics) > LIMIT:
        pages.append(f"and {len(diagnostics) - LIMIT} more")
    return "\n\n".join(pages)


def render(diagnostic: Diagnostic, color: bool = False) -> str:
    """One problem as text: headline, the places with carets, hint."""

    def paint(style: str, text: str) -> str:
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if color and text else text

    d = diagnostic
    head = paint(d.severity, f"{d.severity}[{d.code}]") + paint("bold", f": {printable(d.message)}")
    places = [(d.span, d.label, "^")] if d.span else []
    places += [(r.span, r.message, "-") for r in d.related]
    width = max((len(str(span.position[0])) for span, _, _ in places), default=1)
    gutter = paint("gutter", " " * (width + 1) + "|")
    lines = [head]
    shown: Source | None = None
    for span, label, mark in places:
        if span.source is not shown:
            lines.append(paint("gutter", " " * width + "-->") + f" {printable(str(span))}")
            shown = span.source
        if not span.source.text:
            continue
        text, marks = excerpt(span, mark)
        number = paint("gutter", f"{span.position[0]:>{width}} |")
        style = d.severity if mark == "^" else "gutter"
        lines += [gutter, f"{number} {text}".rstrip(), gutter + paint(style, f" {marks} {printable(label)}".rstrip())]
    if d.hint or d.inside:
        lines += [gutter] if places else []
    first, *rest = printable(d.hint).split("\n")
    hint = "\n".join([first, *(" " * (width + 3) + line if line else "" for line in rest)])
    lines += [" " * (width + 1) + f"{paint('hint', '= hint')}: {hint}"] if d.hint else []
    lines += [" " * (width + 1) + f"{paint('gutter', '= in')}: {printable(d.inside)}"] if d.inside else []
    return "\n".join(lines)
