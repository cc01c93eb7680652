"""The tables of the parser that are kept beside the grammar."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc import tables
from netc.parse import Newlines


def test_they_are_of_this_grammar() -> None:
    kept, installed = tables.made_of()
    assert kept == installed, "the grammar has changed: make grammar"


def test_they_parse_as_the_grammar_does(specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tables.parser(Newlines())
    monkeypatch.setattr(tables, "_fingerprint", lambda text: "another Lark")
    made = tables.parser(Newlines())
    for path in specs.glob("*.net"):
        text = path.read_text(encoding="utf-8")
        assert kept.parse(text, start="file") == made.parse(text, start="file")


def test_what_is_written_can_be_read(tmp_path: Path, specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "TABLES", tmp_path / "net.json")
    text = (specs / "network.net").read_text(encoding="utf-8")
    made = tables.parser(Newlines()).parse(text, start="file")
    (tmp_path / "net.json").write_text(tables.tables_text())
    assert tables.made_of()[0] == tables.made_of()[1]
    assert tables.parser(Newlines()).parse(text, start="file") == made
