"""Every kind of problem as its user reads it: `golden/errors/CODE__case.net` with what netc says in the `.txt` beside it.

A case may begin with `# set: name=value` and `# run: train`, or `# run: training` for the checks of the `train` section, `# run: data` for
those of the data.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netc
from netc.codes import CODES
from netc.diagnostics import NetError, render_all

CASES = sorted((Path(__file__).parent / "golden" / "errors").glob("*.net"))
# Codes whose cases need a file system in a certain state; the tests that have them.
ELSEWHERE = {"file": "test_cli.py", "drawing": "test_draw.py"}


def said(case: Path, folder: Path) -> tuple[str, set[str]]:
    """What netc says of a case, and the codes of it."""
    text = case.read_text(encoding="utf-8")
    directives = dict(re.findall(r"^# (set|run): (.*)$", text, re.MULTILINE))
    overrides = dict([directives["set"].split("=", 1)]) if "set" in directives else {}
    try:
        network = netc.load(case, overrides)
        diagnostics = list(network.warnings)
        if directives.get("run") == "training":
            diagnostics += network.check_training()
        if directives.get("run") == "data":
            diagnostics += network.check_data()
        if directives.get("run") == "train":
            network.train(folder, pictures=False)
    except NetError as problem:
        diagnostics = list(problem.diagnostics)
    page = render_all(diagnostics).replace(str(case.parent) + "/", "").replace(str(folder), "runs")
    return page + "\n", {d.code for d in diagnostics}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case: Path, tmp_path: Path, update_golden: bool) -> None:
    page, codes = said(case, tmp_path)
    golden = case.with_suffix(".txt")
    if update_golden:
        golden.write_text(page, encoding="utf-8")
    assert case.stem.split("__")[0] in codes, page
    assert page == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_case(code: str) -> None:
    if code in ELSEWHERE:
        assert f'"{code}"' in (Path(__file__).parent / ELSEWHERE[code]).read_text(encoding="utf-8")
    else:
        assert any(case.stem.startswith(f"{code}__") for case in CASES)


def test_no_golden_file_is_left_over() -> None:
    folder = Path(__file__).parent / "golden" / "errors"
    assert {p.stem for p in folder.glob("*.txt")} == {p.stem for p in CASES}
