"""The parser of the grammar, from tables that were computed beforehand: computing them takes longer than checking a spec.

`grammar/net.json` holds what Lark makes of `grammar/net.lark`, as plain data. Where it is of another grammar or of another
Lark than the installed one, the parser is made of the grammar itself. `python -m netc.tables` writes the file anew.
"""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

GRAMMAR = resources.files("netc.grammar").joinpath("net.lark")
TABLES = resources.files("netc.grammar").joinpath("net.json")


def parser(postlex: Any) -> Lark:
    """The parser of `.net` text, with the start rules `file` and `pipe`."""
    text = GRAMMAR.read_text(encoding="utf-8")
    try:
        tables = json.loads(TABLES.read_text(encoding="utf-8"), object_hook=_with_numbers)
    except OSError:
        tables = {}
    if tables.get("made_of") == _fingerprint(text):
        found: Lark = Lark._load_from_dict(tables["data"], tables["memo"], postlex=postlex)  # type: ignore[no-untyped-call]
        return found
    return _from_grammar(text, postlex)


def _from_grammar(text: str, postlex: Any) -> Lark:
    return Lark(text, start=["file", "pipe"], parser="lalr", propagate_positions=True, postlex=postlex, maybe_placeholders=False)


def _fingerprint(text: str) -> str:
    return f"Lark {lark.__version__}, grammar {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _with_numbers(mapping: dict[str, Any]) -> dict[Any, Any]:
    """A mapping whose numbers as keys, which JSON has as strings, are numbers again."""
    return {int(key) if key.isdigit() else key: value for key, value in mapping.items()}


def made_of() -> tuple[str, str]:
    """The grammar and Lark that the tables are of, and those that are installed."""
    return json.loads(TABLES.read_text(encoding="utf-8"))["made_of"], _fingerprint(GRAMMAR.read_text(encoding="utf-8"))


def tables_text() -> str:
    """What `grammar/net.json` holds; states are numbered anew each time."""
    text = GRAMMAR.read_text(encoding="utf-8")
    data, memo = _from_grammar(text, None).memo_serialize([TerminalDef, Rule])
    tables = {"made_of": _fingerprint(text), "data": data, "memo": memo}
    return json.dumps(tables, separators=(",", ":"), sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(str(TABLES)).write_text(tables_text(), encoding="utf-8")
