"""The pages that `netc explain` prints: made of what a code means and of its shortest golden case."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import netc
from netc.codes import CODES
from tests.test_cli import run

PAGES = Path(netc.__file__).parent / "pages"
CASES = Path(__file__).parent / "golden" / "errors"


def example(code: str) -> Path | None:
    """The shortest case in which netc says this alone; None for what needs a file system in a certain state."""

    def order(case: Path) -> tuple[bool, int, str]:
        heads = re.findall(r"^(?:error|warning)\[", case.with_suffix(".txt").read_text(encoding="utf-8"), re.MULTILINE)
        return len(heads) > 1, len(case.read_text(encoding="utf-8")), case.name

    return min(CASES.glob(f"{code}__*.net"), key=order, default=None)


def page(code: str) -> str:
    """What the page of a code says."""
    row = CODES[code]
    parts = [f"# {code}", f"{row.severity.capitalize()}. {row.meaning}"]
    case = example(code)
    if case is not None:
        text = case.read_text(encoding="utf-8")
        settings = re.findall(r"^# set: (.*)\n", text, re.MULTILINE)
        spec = re.sub(r"^# (?:set|run): .*\n", "", text, flags=re.MULTILINE).strip("\n")
        with_set = f", with `--set '{settings[0]}'`" if settings else ""
        parts += [f"For example{with_set}:", f"```net\n{spec}\n```"]
        said = case.with_suffix(".txt").read_text(encoding="utf-8").replace(case.name, "example.net").strip("\n")
        if spec == text.strip("\n"):  # else the numbers of the lines are those of the case
            parts += ["Here netc says:", f"```\n{said}\n```"]
    if row.severity == "warning" and code not in ("unused-allow", "unknown-code"):
        parts += [
            f"Where it is meant, `# netc: allow {code}` at the end of the line, on the line before, or at the top of the file says so."
        ]
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("code", CODES)
def test_page(code: str, update_golden: bool) -> None:
    path = PAGES / f"{code}.md"
    if update_golden:
        path.write_text(page(code), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == page(code), "pytest --update-golden tests/test_pages.py makes it anew"


def test_no_page_is_left_over() -> None:
    assert {path.stem for path in PAGES.glob("*")} == set(CODES)


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "shape-mismatch") == 0
    out = capsys.readouterr().out
    assert out.startswith("# shape-mismatch\n")
    assert run("explain", "error[shape-mismatch]") == 0
    assert capsys.readouterr().out == out
    assert run("explain") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(CODES)
    assert run("explain", "shape-mismach") == 2
    assert "did you mean `shape-mismatch`?" in capsys.readouterr().err


def test_explaining_needs_no_torch() -> None:
    code = "from netc.cli import main; main(['explain', 'bad-size']); import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
