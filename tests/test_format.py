"""`netc fmt`: one layout for whatever says the same, and nothing but the layout is touched."""

from __future__ import annotations

import io
import os
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from netc import syntax as s
from netc.cli import main
from netc.diagnostics import NetError
from netc.format import format_text, same
from netc.parse import parse, tokens
from netc.source import Source
from tests.conftest import SPECS
from tests.fuzz import cases

ROOT = SPECS.parent
REFERENCE = (ROOT / "grammar" / "README.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = {f"example {i}": text for i, text in enumerate(re.findall(r"^```net\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL))}
SHOWN = {f"README {i}": text for i, text in enumerate(re.findall(r"^```\n((?:network|block) .*?)^```", README, re.MULTILINE | re.DOTALL))}
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(SPECS.glob("*.net"))} | EXAMPLES | SHOWN


def parsed(text: str) -> s.File | None:
    """The syntax tree, or nothing where the text is wrong."""
    try:
        return parse(Source("test", text))
    except NetError:
        return None


def formatted(text: str) -> str:
    return format_text(Source("test", text))


def comments(text: str) -> list[str]:
    return re.findall(r"(?m)#.*?(?=\s*$)", re.sub(r'"[^"\n]*"', "", text))


GOLDEN = ROOT / "tests" / "golden" / "format"
ODD = (GOLDEN / "odd.net").read_text(encoding="utf-8")
EVEN = (GOLDEN / "odd.formatted.net").read_text(encoding="utf-8")

CASES = {
    "nothing": ("", ""),
    "blanks only": (" \n\n", ""),
    "a comment only": ("\n\n#  a \n\n\n#b", "#  a\n\n#b\n"),
    "no line end": ("fn f(x) = x", "fn f(x) = x\n"),
    "Windows": ("fn f(x) = x # a\r\n\r\n\r\nfn g(x) =\r\n  x\r\n", "fn f(x) = x  # a\n\nfn g(x) =\n  x\n"),
    "strings": ("fn f(x)=g( '#  a' ,\"  b→ \" )", "fn f(x) = g('#  a', \"  b→ \")\n"),
    "signs": ("fn f(x)=- x+ - 1-(-x)*[- 1][+1]", "fn f(x) = -x + -1 - (-x) * [-1][+1]\n"),
    "words": ("fn f(x)=not(x)or not x and(x)", "fn f(x) = not (x) or not x and (x)\n"),
    "calls": ("fn f(x ,b=1,)=x (1,a = 2 , ) ( ( b ) )", "fn f(x, b = 1,) = x(1, a=2,)((b))\n"),
    "a comment where no line may end": ("fn f(x) = (g # a\n(x))", "fn f(x) = (g  # a\n           (x))\n"),
    "a line end that says nothing": ("fn f(x) = (g\n(x)\n[0])", "fn f(x) = (g(x)[0])\n"),
    "comments before and behind an arrow": ("fn f(x) = x # a\n-> # b\ng", f"fn f(x) = x  # a\n{12 * ' '}# b\n{12 * ' '}-> g\n"),
    "a comment in a label": ("fn f(x) = x -> a{ 1 # b} : c", "fn f(x) = x -> a{ 1 # b}: c\n"),
    "else behind a comment": ("fn f(x) = if x { 1 } # a\nelse { 2 }", "fn f(x) = if x { 1 }  # a\nelse { 2 }\n"),
    "brackets behind an arrow": (
        "block B=A->B(\n1,\n2)->{\nC\n->D\n}\n->E",
        f"block B = A -> B(\n{14 * ' '}1,\n{14 * ' '}2) -> {{\n{14 * ' '}C\n{14 * ' '}-> D\n{12 * ' '}}}\n{12 * ' '}-> E\n",
    ),
    "brackets in front of one": ("block B = f(\n1\n)\n->E", "block B = f(\n  1\n)\n            -> E\n"),
    "hanging arguments": ("data = make(a=1,\nb=[1,\n2])", "data = make(a=1,\n            b=[1,\n               2])\n"),
    "columns end at a blank line": ("train {\na=1\nbcd=2\n\nef=3\n}", "train {\n  a   = 1\n  bcd = 2\n\n  ef = 3\n}\n"),
    "a long one": (ODD, EVEN),
}


@pytest.mark.parametrize("case", CASES)
def test_case(case: str) -> None:
    before, after = CASES[case]
    assert formatted(before) == after
    assert formatted(after) == after


def test_no_comment_of_the_long_case_is_lost() -> None:
    assert comments(ODD) == comments(EVEN)
    assert len(comments(ODD)) == 17


# --- properties -----------------------------------------------------------------------------------------------


def gaps(text: str) -> Iterator[tuple[str, str]]:
    """What stands before each token, and the token."""
    at = 0
    for token in tokens(Source("test", text)):
        if token.type != "_NL":
            assert token.start_pos is not None
            yield text[at : token.start_pos], str(token)
            at = token.start_pos + len(token)
    yield text[at:], ""


def mangled(text: str, rng: random.Random) -> str:
    """The same tokens, comments, line ends and blank lines, with other blanks."""
    result = ""
    for gap, token in gaps(text):
        first, *others = gap.split("\n")
        result += resized(first, result[-1:], token[:1] if not others else "#", rng)
        for i, line in enumerate(others):
            result += rng.choice(["", " ", "\t"]) + rng.choice(["\n", "\r\n"])
            if not line.strip() and i < len(others) - 1:
                result += rng.choice(["", "\n", " \n\n"])
            else:
                result += " \t"[rng.randrange(2)] * rng.randrange(9) + line.strip()
        result += rng.choice(["→", token]) if token == "->" else token
    return result


def resized(gap: str, before: str, after: str, rng: random.Random) -> str:
    """The blanks in a gap, and none only where two words do not run into one."""
    apart = bool(before and before in "()[]{},=+*<>") or (after in "()[]{},=+*<>|→#" and before not in ".-")
    blanks = rng.choice(["", " ", "   ", "\t"]) if apart or not gap else rng.choice([" ", "    ", "\t"])
    return blanks + gap.strip()


@pytest.mark.parametrize("name", TEXTS)
@cases(3)
@given(rng=st.randoms(use_true_random=False))
def test_other_blanks_give_the_same(name: str, rng: random.Random) -> None:
    assert formatted(mangled(TEXTS[name], rng)) == TEXTS[name]  # which is formatted, says a test below


INSERTIONS = ["\n", "\n\n", "# new\n", "\n# new\n", " ", "\n\n# new\n\n# new\n"]


@cases(60)
@given(name=st.sampled_from(sorted(TEXTS)), rng=st.randoms(use_true_random=False))
def test_other_lines_and_comments_are_kept_and_formatted_once(name: str, rng: random.Random) -> None:
    text, tree = TEXTS[name], parsed(TEXTS[name])
    for place in sorted((rng.randrange(len(text)) for _ in range(rng.randrange(1, 9))), reverse=True):
        changed = text[:place] + rng.choice(INSERTIONS) + text[place:]
        if (other := parsed(changed)) and same(other, tree):
            text = changed
    assume(text != TEXTS[name])
    once = formatted(text)
    assert comments(once) == comments(text)
    assert formatted(once) == once
    assert same(parsed(once), tree)
    assert not re.search(r"[ \t]$|\n\n\n|\{\n\n|\n\n *\}|\t", once, re.MULTILINE)


def test_the_formatter_holds_itself_to_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netc.format.lay_out", lambda _: "fn f(x) = x + 2\n")
    with pytest.raises(AssertionError, match="changes what it means"):
        formatted("fn f(x) = x + 1\n")
    monkeypatch.setattr("netc.format.lay_out", lambda _: "fn f(x) = x + 1\n")
    with pytest.raises(AssertionError, match="changes its comments"):
        formatted("fn f(x) = x + 1  # one\n")


@pytest.mark.parametrize(("opening", "closing"), [("-", ""), ("g(", ")"), ("{\n", "\n}")])
def test_whatever_can_be_read_can_be_formatted(opening: str, closing: str) -> None:
    depth = 20
    while parsed(text := f"block B = {opening * depth}{{ A }}{closing * depth}"):
        once = formatted(text)
        assert formatted(once) == once
        depth += 40
    assert depth > 60


@pytest.mark.parametrize("name", TEXTS)
def test_what_we_show_is_formatted(name: str) -> None:
    assert formatted(TEXTS[name]) == TEXTS[name]


# --- the command ----------------------------------------------------------------------------------------------

WRONG = "network N {\n  input x [B]\n}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file to format, one that is formatted, a wrong one, and one that is hidden."""
    (tmp_path / "inner").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "a.net").write_text("fn f(x)=x\n")
    (tmp_path / "inner" / "b.net").write_text("fn f(x) = x\n")
    (tmp_path / ".hidden" / "c.net").write_text("fn f(x)=x\n")
    return tmp_path


def run(*arguments: object) -> int:
    """The exit status of `netc fmt`."""
    try:
        return main(["fmt", *map(str, arguments)])
    except SystemExit as stop:
        assert isinstance(stop.code, int)
        return stop.code


def test_it_writes_what_changes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "inner" / "b.net").stat()
    assert run(folder, folder / "a.net") == 0
    assert capsys.readouterr().out == f"formatted {folder / 'a.net'}\n1 of 2 files formatted\n"
    assert (folder / "a.net").read_text() == "fn f(x) = x\n"
    after = (folder / "inner" / "b.net").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (folder / ".hidden" / "c.net").read_text() == "fn f(x)=x\n"
    assert run(folder) == 0
    assert capsys.readouterr().out == "0 of 2 files formatted\n"


def test_check_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--check", folder) == 1
    assert capsys.readouterr().out == f"would format {folder / 'a.net'}\n1 of 2 files would change\n"
    assert (folder / "a.net").read_text() == "fn f(x)=x\n"
    assert run("--check", folder / "inner") == 0


def test_line_ends_count_as_a_change(folder: Path) -> None:
    (folder / "a.net").write_bytes(b"fn f(x) = x\r\n")
    assert run("--check", folder / "a.net") == 1
    assert run(folder / "a.net") == 0
    assert (folder / "a.net").read_bytes() == b"fn f(x) = x\n"


def test_diff_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "a.net"
    path.write_text("fn f(x)=x")
    assert run("--diff", folder) == 0
    page = f"--- {path}\n+++ {path}\n@@ -1 +1 @@\n-fn f(x)=x\n\\ No newline at end of file\n+fn f(x) = x\n"
    assert capsys.readouterr().out == page
    assert path.read_text() == "fn f(x)=x"
    assert run("--diff", "--check", folder) == 1


def test_a_wrong_file_does_not_stop_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = folder / "0.net"
    wrong.write_text(WRONG)
    assert run(folder, folder / "missing.net") == 1
    page = capsys.readouterr()
    assert page.out == f"formatted {folder / 'a.net'}\n1 of 4 files formatted, 2 with errors\n"
    assert page.err.count("error[") == 2
    assert f"--> {wrong}:2:" in page.err
    assert wrong.read_text() == WRONG


def test_a_folder_without_specs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 1
    assert "there is no .net file in" in capsys.readouterr().err


def test_links_and_permissions_stay(folder: Path) -> None:
    (folder / "link.net").symlink_to(folder / "a.net")
    (folder / "a.net").chmod(0o640)
    assert run(folder / "link.net") == 0
    assert (folder / "link.net").is_symlink()
    assert (folder / "a.net").read_text() == "fn f(x) = x\n"
    assert (folder / "a.net").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("options", "content", "status", "out", "err"),
    [
        ([], b"fn f(x)='\xc3\xa4'\r\n", 0, "fn f(x) = 'ä'\n", ""),
        ([], b"", 0, "", ""),
        (["--check"], b"fn f(x)=x\n", 1, "would format <stdin>\n", ""),
        (["--check"], b"fn f(x) = x\n", 0, "", ""),
        (["--diff"], b"fn f(x)=x\n", 0, "--- <stdin>\n+++ <stdin>\n@@ -1 +1 @@\n-fn f(x)=x\n+fn f(x) = x\n", ""),
        ([], WRONG.encode(), 1, "", "--> <stdin>:2:"),
        ([], b"fn \xff", 1, "", "standard input is not UTF-8 text"),
        (["other.net"], b"", 2, "", "goes with no other file"),
    ],
)
def test_standard_input(
    options: list[str],
    content: bytes,
    status: int,
    out: str,
    err: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert run("-", *options) == status
    sys.stdout.flush()
    page = capfd.readouterr()
    assert page.out == out.replace("\n", os.linesep)
    assert err in page.err
    assert bool(err) == bool(page.err)


def test_all_specs_are_formatted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--check", SPECS) == 0, capsys.readouterr().out
