"""What keeps a piece of text from being parsed, in words: the usual slips, brackets that do not match, what was expected."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from lark import UnexpectedCharacters, UnexpectedToken

from netc.diagnostics import Diagnostic, Edit, Related, did_you_mean
from netc.layout import ITEMS, PAIRS, STATEMENTS, Token, tokens_of
from netc.piece import Piece
from netc.slips import CHARACTERS, FOREIGN, SLIPS, Slip, filled

# What a set of terminals that the parser could take is called, by one terminal that tells; the first that fits.
EXPECTED: tuple[tuple[str, str], ...] = (
    ("_NETWORK", "`network`, `block`, `fn`, `use`, `data` or `train`"),
    ("LABEL", "a layer, a function or a value"),
    ("NUMBER", "a value"),
    ("_OUTPUT", "a statement (`name = …`, `input`, `target`, `output`, `loss`, `metric`) or `}`"),
    ("RPAR", "`,` or `)`"),
    ("RSQB", "`,` or `]`"),
    ("_ELSE", "`else`"),
    ("EQUAL", "`=`"),
    ("LBRACE", "`{`"),
    ("_ARROW", "`->` or the end of the line"),
    ("_NL", "the end of the line"),
    ("RBRACE", "the end of the line or `}`"),
    ("LSQB", "a shape such as `[B, 5]`"),
    ("STRING", "the name of a file in quotes"),
    ("NAME", "a name"),
)
WHERE = {"network": STATEMENTS, "block": STATEMENTS, "item": ITEMS, "head": ITEMS}  # the words that a piece may begin with


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser stops in a piece: the characters `start` to `end` of its text, and the terminals it could take."""

    piece: Piece
    kind: str
    start: int
    end: int
    expected: frozenset[str]
    is_token: bool  # false where no token of the language begins with these characters

    @property
    def text(self) -> str:
        """What stands there; empty at the end."""
        return self.piece.text[self.start : self.end]

    @property
    def before(self) -> str:
        """What stands before it."""
        return self.piece.text[: self.start]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and the repair that lets the parser go on: another text for a stretch of the piece."""

    diagnostic: Diagnostic
    repair: tuple[int, int, str] | None = None


def stop_of(piece: Piece, kind: str, problem: UnexpectedToken | UnexpectedCharacters, shift: int, roughly: bool = False) -> Stop:
    """Where a problem of Lark's is in the piece, before whose text `shift` characters were put.

    What the parser could take is found by trying, which takes as long as parsing a line; `roughly` does without.
    """
    text = piece.text
    if isinstance(problem, UnexpectedCharacters):
        start = (problem.pos_in_stream or 0) - shift
        word = re.compile(r"\w+|[^\w\s]+|.", re.DOTALL).match(text, start)
        return Stop(piece, kind, start, word.end() if word else len(text), frozenset(problem.allowed or ()), False)
    expected = frozenset((not roughly and problem.accepts) or problem.expected)
    token = problem.token
    start = len(text) if token.type == "$END" or token.start_pos is None else token.start_pos - shift
    if start >= len(text):
        return Stop(piece, kind, len(text), len(text), expected, True)
    end = start if token.type == "_NL" else (token.end_pos or 0) - shift
    return Stop(piece, kind, start, end, expected, token.type != "PATTERN")


def explain(stop: Stop) -> Finding:
    """What is wrong at a place where the parser stops."""
    for look in (_character, _string, _unclosed, _foreign_word, _misspelt, _label, _line, _slip, _stray, _no_token):
        found = look(stop)
        if found:
            return found
    before, found_text = stop.before.rstrip(), _found(stop)
    at = _place(stop)
    if before.endswith(("->", "→", "||", "‖")):
        sign = "||" if before.endswith(("||", "‖")) else before[-2:].strip()
        what = "a branch" if sign == "||" else "a layer, function or block"
        return _finding(stop, f"expected {what} after `{sign}`, found {found_text}", at)
    hint = "an `if` gives a value in both cases: `if c { a } else { b }`" if "_ELSE" in stop.expected else ""
    return _finding(stop, f"expected {_expected_words(stop)}, found {found_text}", at, hint)


def _finding(stop: Stop, message: str, at: tuple[int, int], hint: str = "", fix: tuple[int, int, str] | None = None) -> Finding:
    edit = Edit(stop.piece.span(fix[0], fix[1]), fix[2]) if fix else None
    return Finding(Diagnostic("syntax", message, stop.piece.span(*at), hint=hint, edit=edit), fix)


def _place(stop: Stop) -> tuple[int, int]:
    """Where the carets stand: under what was found, or under the sign that nothing follows."""
    sign = re.search(r"(->|→|\|\||‖|=)\s*$", stop.before)
    above = sign is not None and any(c in "\r\n" for c in stop.before[sign.end(1) :])
    return sign.span(1) if sign and (above or not stop.text.strip()) else (stop.start, stop.end)


def _expected_words(stop: Stop) -> str:
    if stop.kind in ("file", "pipe") and "_ARROW" in stop.expected and not stop.expected & {"RPAR", "RSQB", "LBRACE", "RBRACE"}:
        return "`->` or the end of the value" if stop.kind == "pipe" else "the end of the line"
    return next((words for terminal, words in EXPECTED if terminal in stop.expected), "something else")


def _found(stop: Stop) -> str:
    if stop.text.strip():
        return f"`{stop.text}`"
    rest = stop.piece.source.text[stop.piece.at(stop.start) :]
    closing = re.match(r"[ \t]*([)}\]])", rest)
    if closing:
        return f"`{closing[1]}`"
    at_end = not rest.strip()
    return "the end of the value" if stop.kind == "pipe" else "the end of the file" if at_end else "the end of the line"


# --- what is looked for, in this order ------------------------------------------------------------------------


def _character(stop: Stop) -> Finding | None:
    """A character that looks like one of the language's."""
    mark = stop.text[:1]
    if mark not in CHARACTERS or mark == "“" or mark == "„" or (mark in "–—−" and re.match(r".[ \t]*>", stop.piece.text[stop.start :])):
        return None
    meant = CHARACTERS[mark]
    name = unicodedata.name(mark, f"U+{ord(mark):04X}").lower()
    is_blank = not mark.isprintable() or mark.isspace()
    what = f"this is a {name}" if is_blank else f"`{mark}` is a {name}"
    hint = f"write `{meant}`" if meant.strip() else "write a plain space" if meant else "leave it out"
    return _finding(stop, what, (stop.start, stop.start + 1), hint, (stop.start, stop.start + 1, meant))


def _string(stop: Stop) -> Finding | None:
    """A string that is never closed."""
    if not stop.text.startswith(('"', "'")) or stop.is_token:
        return None
    line = re.compile(r"[^\r\n]*").match(stop.piece.text, stop.start)
    end = len(line[0].rstrip()) + stop.start if line else stop.end
    return _finding(stop, "this string is never closed", (stop.start, end), f"a `{stop.text[0]}` is missing")


def _label(stop: Stop) -> Finding | None:
    """A label that no layer follows."""
    label = re.search(r"(?:->|→|\|\||‖|\{)\s*([\w.]+[ \t]*:)\s*$", stop.before)
    if not label or stop.text[:1] in CHARACTERS:
        return None
    return _finding(stop, f"expected a layer behind the label `{label[1]}`, found {_found(stop)}", label.span(1))


def _line(stop: Stop) -> Finding | None:
    """A line that is indented as if it went on with the one before, and does not begin with `->`."""
    begun = re.search(r"[\r\n]+[ \t]*(?=[\w.]*[ \t]*$)", stop.before)
    wants_brace = "LBRACE" in stop.expected and "LABEL" not in stop.expected
    if stop.kind not in ("network", "block") or wants_brace or (begun is None and not stop.start == stop.end < len(stop.piece.text)):
        return None
    word = re.compile(r"\s*([\w.]+[ \t]*:|[\w.]+)").match(stop.piece.text, begun.end() if begun else stop.start)
    if not word or word[1] in STATEMENTS:
        return None
    above = re.search(r"(\w+)\s*$", stop.piece.text[: begun.start() if begun else stop.start])
    if above and any(t.text == ")" for t in _unmatched(tokens_of(stop.piece.text)[0])[1]):
        return _finding(stop, f"a `(` is missing behind `{above[1]}`", (above.end(1), above.end(1)))
    fix = (word.start(1), word.start(1), "-> ") if word[1].endswith(":") else None
    return _finding(stop, f"expected `->` before `{word[1]}`", word.span(1), "a line that goes on with the one above begins with `->`", fix)


def _slip(stop: Stop) -> Finding | None:
    """A row of the table."""
    expected = stop.expected | ({"NOVALUE"} if "LABEL" not in stop.expected else set())
    if any(t.text == ")" for t in _unmatched(tokens_of(stop.piece.text)[0])[1]):
        expected |= {"STRAY"}
    for slip in SLIPS:
        if (slip.kinds and stop.kind not in slip.kinds) or not expected.issuperset(slip.needs.split()):
            continue
        for match in slip.pattern.finditer(stop.piece.text):
            start, end = match.span("at") if slip.here else match.span()
            if slip.here and match["at"].strip():
                end -= 1
            if start <= stop.start <= end:
                return _from_row(stop, slip, match)
    return None


def _from_row(stop: Stop, slip: Slip, match: re.Match[str]) -> Finding:
    start, end = match.span("at" if "at" in slip.pattern.groupindex else 0)
    fix = None if slip.fix is None else (start, end, filled(slip.fix, match))
    shown = (start, end) if match[0] and stop.piece.text[start:end].strip() else (start, min(start + 1, len(stop.piece.text)))
    return _finding(stop, filled(slip.message, match), shown, filled(slip.hint, match), fix)


def _foreign_word(stop: Stop) -> Finding | None:
    """A statement of another language."""
    word = re.match(r"(\w+)[ \t]*(?![ \t=,])", stop.piece.text)
    if not word or word[1] not in FOREIGN or stop.kind not in ("network", "block", "item", "head", "file"):
        return None
    fix = (0, word.end(), "") if word[1] in ("let", "var", "val", "const") else None
    return _finding(stop, f"no statement begins with `{word[1]}`", word.span(1), FOREIGN[word[1]], fix)


def _misspelt(stop: Stop) -> Finding | None:
    """A misspelt word at the start of a statement."""
    word = re.match(r"(\w+)\s*(?=[\w:{\[\"])", stop.piece.text)
    known = WHERE.get(stop.kind, ())
    if not word or word[1] in known or stop.start > word.end():
        return None
    hint = did_you_mean(word[1], known)
    return _finding(stop, f"no statement begins with `{word[1]}`", word.span(1), hint) if hint else None


def _no_token(stop: Stop) -> Finding | None:
    """Characters with no meaning in the language."""
    if stop.is_token or not stop.text.strip():
        return None
    text = stop.text
    message = f"`{text}` is neither a number nor a name" if text[0].isdigit() else f"`{text}` has no meaning here"
    return _finding(stop, message, (stop.start, stop.end))


# --- brackets -------------------------------------------------------------------------------------------------


def _unclosed(stop: Stop) -> Finding | None:
    """A bracket that is never closed, where the parser looks for the closing one."""
    tokens, _ = tokens_of(stop.piece.text, column=stop.piece.column)
    open_ = [t for t in _unmatched(tokens)[0] if t.start < stop.start]
    if not open_ or not stop.is_token:
        return None
    closers = {"RPAR", "RSQB", "RBRACE"} & stop.expected
    if stop.text and stop.text not in (")", "]", "}", "else", "{") and not closers:
        return None
    opened = open_[-1]
    at = _closing_place(stop, opened, tokens)
    close = PAIRS[opened.text]
    opener = stop.piece.span(opened.start, opened.end)
    place = stop.piece.span(at, min(at + 1, len(stop.piece.text)))
    same_line = place.position[0] == opener.position[0]
    certain = at == len(stop.piece.text) and len(open_) == 1 and same_line and "->" not in stop.piece.text[opened.start :]
    edit = Edit(stop.piece.span(at, at), close) if certain else None
    related = () if same_line else (Related(opener, "opened here"),)
    main = opener if same_line else place
    message = f"this `{opened.text}` is never closed" if same_line else f"a `{close}` is missing here"
    hint = f"a `{close}` is missing{_before(stop, at)}" if same_line else ""
    return Finding(Diagnostic("syntax", message, main, related=related, hint=hint, edit=edit), (at, at, close) if certain else None)


def _before(stop: Stop, at: int) -> str:
    word = re.compile(r"\s*([\w.]+|->|→|\|\||[^\w\s])").match(stop.piece.text, at)
    return f" before `{word[1]}`" if word else ""


def _unmatched(tokens: list[Token]) -> tuple[list[Token], list[Token]]:
    """The brackets that are never closed, and those that close nothing; what begins a line closes what is not indented more."""
    open_: list[Token] = []
    unclosed: list[Token] = []
    stray: list[Token] = []
    for token in tokens:
        if token.text in PAIRS:
            open_.append(token)
        elif token.text in PAIRS.values():
            fitting = [i for i, o in enumerate(open_) if PAIRS[o.text] == token.text]
            aligned = [i for i in fitting if open_[i].indent <= token.indent] if token.first else []
            if not fitting:
                stray.append(token)
                continue
            i = aligned[-1] if aligned else fitting[-1]
            unclosed += open_[i + 1 :]
            del open_[i:]
    return sorted(open_ + unclosed, key=lambda t: t.start), stray


def _closing_place(stop: Stop, opened: Token, tokens: list[Token]) -> int:
    """Where the closing bracket was probably forgotten: before the token that does not fit, or the end of the opener's line."""
    inside = [t for t in tokens if t.start > opened.start]
    line: list[Token] = []
    for token in inside:
        if token.first:
            break
        line.append(token)
    if not line:  # the bracket ends its line: it is closed where the indentation goes back
        deeper = [t for t in inside if t.start < stop.start]
        back = next((k for k, t in enumerate(deeper) if t.first and t.indent <= opened.indent), len(deeper))
        if back == len(deeper) and stop.text == "else":
            return stop.start
        return deeper[back - 1].end if back else opened.end
    depth, last = 0, opened.end
    for token in line:
        if token.start >= stop.start or (depth == 0 and opened.text != "{" and token.text in ("->", "→", "||", "‖")):
            break
        depth += (token.text in PAIRS) - (token.text in PAIRS.values())
        if depth < 0:
            break
        last = token.end
    return last


def _stray(stop: Stop) -> Finding | None:
    """A bracket that closes nothing; a `}` does so before the parser stops, as it would close what is around the piece."""
    tokens, _ = tokens_of(stop.piece.text, column=stop.piece.column)
    stray = [t for t in _unmatched(tokens)[1] if t.start == stop.start or (t.text == "}" and t.start < stop.start)]
    if not stray:
        return None
    found = stray[0]
    opening = next(o for o, c in PAIRS.items() if c == found.text)
    hint = f"a `{opening}` is missing before it, or it is one too many"
    return _finding(stop, f"this `{found.text}` closes nothing", (found.start, found.end), hint)
