"""The examples do what they say: each trains a spec in a loop that is not netc's."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import known

EXAMPLES = Path(__file__).parent.parent / "examples"
assert known.LIBRARY is not None  # defined before torchvision is imported, which Lightning does


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads an example as a user runs it, from its own folder, but for its last lines."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield lambda name: runpy.run_path(str(EXAMPLES / name))
    sys.modules.pop("plain_pytorch", None)


def test_plain_pytorch(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert example("plain_pytorch.py")["main"](epochs=4) > 0.9
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[-1].startswith("epoch  4  loss 0.")


@pytest.mark.filterwarnings("ignore")  # Lightning's advice on processors and workers, and what its own imports warn of
def test_lightning(example: Any, tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="pip install lightning")
    main = example("with_lightning.py")["main"]
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu", "default_root_dir": tmp_path}
    assert main(epochs=4, **quiet) > 0.9


def test_the_table_names_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text()
    assert all(f"[{path.name}]({path.name})" in text for path in EXAMPLES.glob("*.py"))
