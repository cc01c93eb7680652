"""Layers and functions of one's own, from a Python file: `use python "my_layers.py"`."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import netc
from netc.cli import main
from netc.ops import python

LAYERS = """
import torch
from torch import Tensor, nn


class Scale(nn.Module):
    def __init__(self, width: int, start: float = 1.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((width,), start))
        self.inner = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * self.gain


def swish(x: Tensor, beta: float = 1.0) -> Tensor:
    return x * torch.sigmoid(beta * x)


def focal(p: Tensor, y: Tensor, gamma: float = 2.0) -> Tensor:
    return ((1 - p) ** gamma * (p - y) ** 2).mean()


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[:, ::2], x[:, 1::2]


def _hidden(x: Tensor) -> Tensor:
    return x
"""
SPEC = """
use python "%s"

network Own(width = 8) {
  input  x: [B, 6]
  target y: [B, 1]
  a, b = x -> halves
  p = (a, b) -> add -> Linear(width) -> scale: Scale(width, start=0.5) -> swish(beta=2) -> Linear(1) -> Sigmoid
  output p
  loss focal(p, y, 3)
}

data = sklearn.make_classification(n_samples=40, n_features=6, random_state=1)

train {
  optimizer  = SGD(lr=0.1)
  epochs     = 2
  batch_size = 10
}
"""


@pytest.fixture
def own(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A spec beside its Python file; the file has a name of its own, since Python keeps a module under its name."""
    name = f"layers_{request.node.name.partition('[')[0]}"
    (tmp_path / f"{name}.py").write_text(LAYERS)
    path = tmp_path / "own.net"
    path.write_text(SPEC % f"{name}.py")
    yield path
    sys.modules.pop(name, None)


def refusal(path: Path) -> str:
    with pytest.raises(netc.NetError) as caught:
        netc.load(path, allow_python=True)
    return str(caught.value)


def test_nothing_runs_unless_it_is_allowed(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = next(own.parent.glob("*.py"))
    module.write_text("raise SystemExit('this ran')\n")
    with pytest.raises(netc.NetError) as caught:
        netc.load(own)
    assert [d.code for d in caught.value.diagnostics] == ["use"]  # the names that it would give are not called unknown
    assert main(["compile", str(own)]) == 1
    assert "--allow-python" in capsys.readouterr().err
    assert "this ran" in refusal(own)


def test_the_module_computes_what_the_file_says(own: Path) -> None:
    spec = netc.load(own, allow_python=True)
    module = spec.module()
    assert spec.graph.parameter_count == sum(p.numel() for p in module.parameters()) == 3 * 8 + 8 + (8 + 64 + 8) + 9
    assert list(module.state_dict())[2:5] == ["scale.gain", "scale.inner.weight", "scale.inner.bias"]
    x, y = torch.rand(4, 6), torch.rand(4, 1)
    layer = module.get_submodule
    h = layer("scale")(layer("linear")(x[:, ::2] + x[:, 1::2]))
    p = torch.sigmoid(layer("linear_2")(h * torch.sigmoid(2 * h)))
    assert torch.equal(module(x), p)
    assert torch.equal(module.loss(x, y), ((1 - p) ** 3 * (p - y) ** 2).mean())
    assert torch.equal(list(module.walk(x))[-1][1], p)
    assert torch.equal(pickle.loads(pickle.dumps(module))(x), p)


def test_written_out_source_imports_the_file(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(own), "--allow-python", "-o", str(own.with_name("model.py"))]) == 0
    assert ", which imports layers_" in capsys.readouterr().out
    code = "import torch, model; print(model.Own().scale.gain.tolist(), model.Own()(torch.zeros(2, 6)).shape)"
    done = subprocess.run([sys.executable, "-c", code], cwd=own.parent, capture_output=True, text=True, check=True)
    assert done.stdout == f"{[0.5] * 8} torch.Size([2, 1])\n"


def test_a_run_keeps_the_file(own: Path) -> None:
    result = netc.load(own, allow_python=True).train(own.parent / "runs", pictures=False)
    again = result.path / "spec.net"
    assert next(result.path.glob("*.py")).read_text() == LAYERS
    code = f"import netc; print(netc.load({str(again)!r}, allow_python=True).graph.parameter_count)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "121\n"


DATA = """

from pathlib import Path


def rows():
    x, y = torch.load(Path(__file__).with_name("rows.pt"))
    return {"x": x, "y": y}
"""


@pytest.mark.parametrize("first", ["run", "spec"])
def test_the_copy_of_a_run_is_the_same_module_and_data_are_read_beside_their_file(own: Path, first: str) -> None:
    """Whether a process knows the file or its copy first: a notebook the file, `netc train --resume` the copy."""
    file = next(own.parent.glob("*.py"))
    file.write_text(LAYERS + DATA)
    torch.save((torch.randn(12, 6), torch.rand(12, 1)), file.with_name("rows.pt"))
    own.write_text(re.sub("data = .*", f'data = python("{file.name}:rows")', own.read_text()))
    path = netc.load(own, allow_python=True).train(own.parent / "runs", pictures=False).path
    if first == "run":
        sys.modules.pop(file.stem)
        python.rows.cache_clear()
    run = netc.open_run(path, allow_python=True)
    assert run.predict({"x": torch.zeros(1, 6)})
    assert netc.load(own, {"train.epochs": "3"}, allow_python=True).train(pictures=False, resume=path).history.epochs == 3


def test_a_run_opens_where_python_finds_the_file_too(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As beside a script, or for `python -m netc` in the folder of the file."""
    path = netc.load(own, allow_python=True).train(own.parent / "runs", pictures=False).path
    monkeypatch.syspath_prepend(own.parent)
    sys.modules.pop(next(own.parent.glob("*.py")).stem)
    python.rows.cache_clear()
    assert netc.open_run(path, allow_python=True).module()


def test_a_file_that_was_changed_since_is_another(own: Path) -> None:
    path = netc.load(own, allow_python=True).train(own.parent / "runs", pictures=False).path
    copy = next(path.glob("*.py"))
    copy.write_text(LAYERS + "\n")
    text = refusal(path / "spec.net")
    assert f"another `{copy.name}` is in use, `{own.with_name(copy.name)}`, and this one differs from it" in text


def test_used_through_another_spec(own: Path) -> None:
    (own.parent / "blocks.net").write_text(f'use python "{next(own.parent.glob("*.py")).name}"\nblock Twice(w) = Scale(w) -> Scale(w)\n')
    text = 'use "blocks.net"\nnetwork Two {\n  input x: [B, 4]\n  output x -> twice: Twice(4)\n}\n'
    own.write_text(text)
    assert next(iter(netc.load(own, allow_python=True).graph.keys)) == "twice.scale.gain"
    own.write_text(text.replace("Twice(4)", "Thrice(4)"))
    with pytest.raises(netc.NetError) as caught:
        netc.load(own)
    assert {d.code for d in caught.value.diagnostics} == {"use"}


WRONG_FILES = {
    "missing": (None, "there is no Python file"),
    "error": ("import torch\n\nx = 1 / 0\n", "ZeroDivisionError: division by zero (line 3)"),
    "syntax": ("def f(:\n", "SyntaxError"),
    "empty": ("WIDTH = 3\n", "defines no layer and no function"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_file_that_cannot_be_used(case: str, tmp_path: Path) -> None:
    text, message = WRONG_FILES[case]
    if text is not None:
        (tmp_path / f"wrong_{case}.py").write_text(text)
    path = tmp_path / "net.net"
    path.write_text(f'use python "wrong_{case}.py"\nnetwork N {{\n  input x: [B, 2]\n  output x -> Mine(2)\n}}\n')
    assert message in refusal(path)
    assert "no value, layer or function" not in refusal(path)
    sys.modules.pop(f"wrong_{case}", None)


@pytest.mark.parametrize("name", ["torch.py", "queue.py", "my-layers.py"])
def test_a_name_that_python_has_already(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(LAYERS)
    (tmp_path / "net.net").write_text(f'use python "{name}"\nnetwork N {{\n  input x: [B, 2]\n  output x -> swish\n}}\n')
    assert "error[use]" in refusal(tmp_path / "net.net")


WRONG_USES = {
    'Scale("a")': "`Scale` refuses these arguments",
    "Scale(wdth=3)": "did you mean `width`?",
    "Scale(3)": "`Scale` refuses these arguments",
    "Scal(6)": "did you mean `Scale`?",
    "swish(2, 3)": "takes at most",
    "_hidden": "no value, layer or function",
}


@pytest.mark.parametrize("use", WRONG_USES)
def test_wrong_uses_have_a_place(use: str, own: Path) -> None:
    own.write_text(f'use python "{next(own.parent.glob("*.py")).name}"\nnetwork N {{\n  input x: [B, 6]\n  output x -> {use}\n}}\n')
    page = refusal(own)
    assert WRONG_USES[use] in page
    assert "own.net:4:" in page


def test_a_value_may_not_hide_the_file(own: Path) -> None:
    name = next(own.parent.glob("*.py")).stem
    own.write_text(f'use python "{name}.py"\nnetwork N {{\n  input x: [B, 6]\n  {name} = x -> swish\n  output {name}\n}}\n')
    assert "error[reserved-name]" in refusal(own)
