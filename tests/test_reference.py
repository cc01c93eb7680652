"""The examples of the language reference, of the table of ops and of the README are specs that netc takes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import netc
from netc import reference
from netc.ops import TABLE
from netc.ops.examples import example_of
from netc.ops.inits import INITS
from netc.ops.recipes import KEYS, RECIPES
from tests.test_cli import run
from tests.test_emit import tensors

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "grammar" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```net\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)
PYTHON = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=[text.split("\n")[0] for text in EXAMPLES])
def test_example(text: str, tmp_path: Path) -> None:
    files = [(name, code) for name, code in PYTHON if name in text]
    for name, code in files:
        (tmp_path / name).write_text(code)
    (tmp_path / "example.net").write_text(text)
    network = netc.load(tmp_path / "example.net", allow_python=bool(files))
    assert not network.warnings
    if all(node.type.dtype == "float32" for node in network.graph.inputs):  # type: ignore[union-attr]
        inputs = tensors(network.graph.inputs)
        assert isinstance(network.module()(*inputs), (torch.Tensor, tuple))
    if network.training:
        assert network.train(tmp_path, pictures=False).history.epochs > 0


def test_every_key_and_recipe_is_described() -> None:
    for key in [*KEYS["data"], *KEYS["train"]]:
        assert f"`{key}`" in REFERENCE
    for name in RECIPES:
        assert name.removeprefix("sklearn.") in REFERENCE


def test_the_readme_shows_what_is_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    spec = re.search(r"^```\n(network Network.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert spec
    assert spec[1] in (ROOT / "specs" / "network.net").read_text(encoding="utf-8")
    block = re.search(r"^```\n(block Bottleneck.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert block
    assert block[1] in (ROOT / "specs" / "resnet50.net").read_text(encoding="utf-8")
    source = re.search(r"^```python\n(class Funky.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert source
    assert source[1] in netc.load(ROOT / "specs" / "funky.net").source()
    golden = (ROOT / "tests/golden/errors/shape-mismatch__add.txt").read_text(encoding="utf-8")
    assert golden.replace("shape-mismatch__add", "net") in readme


# --- the table of ops -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLE)
def test_the_example_of_an_op_is_a_spec_that_gives_what_it_says(name: str) -> None:
    example = example_of(TABLE[name])
    inputs = [f"a{i}" for i in range(len(example.tensors))]
    declared = "".join(f"  input {i}: {t}\n" for i, t in zip(inputs, example.tensors, strict=True))
    # The sizes that functions such as `zeros(B, 16)` name are those of some input.
    network = netc.load(f"network Example {{\n  input sizes: [B, T]\n{declared}  h = {example.text(inputs)}\n  output sizes\n}}\n")
    (node,) = [n for n in network.graph.nodes if n.op is TABLE[name]]
    assert (node.type, node.weights) == (example.result, example.weights)


def test_every_name_stands_in_the_reference() -> None:
    names = [e.name for part in reference.parts() for e in part.entries]
    settings = [f"{section}.{key}" for section, keys in KEYS.items() for key in keys]
    assert {*TABLE, *RECIPES, *INITS, *settings} <= set(names)
    assert all(reference.about(name) for name in names)


def test_the_page_of_ops_is_up_to_date() -> None:
    assert (ROOT / reference.MARKDOWN).read_text(encoding="utf-8") == reference.markdown(), f"make it anew: {reference.COMMAND}"


def test_the_reference_does_not_import_torch() -> None:
    code = "import sys; from netc.cli import main; main(['ops']); main(['ops', 'Conv2d']); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Conv2d(64, 3) gives [B, 64, H - 2, W - 2]\n" in done.stdout


BILINEAR = """\
Bilinear(out_features, bias=true)
  a layer: torch.nn.Bilinear
  Layers of no larger family: linear ones, embeddings, dropouts, distances, and changes of shape

arguments
  out_features  an int
  bias          true or false (true)

found by netc, and left out
  in1_features  an int
  in2_features  an int

inputs
  input1  a tensor
  input2  a tensor

example
  ([B, 16], [B, 8]) -> Bilinear(4)
  gives [B, 4]

parameters of the example, by their keys in the state_dict
  weight  [4, 16, 8]
  bias    [4]
"""


def test_all_of_one_op(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ops", "Bilinear") == 0
    assert capsys.readouterr().out == BILINEAR


TAKEN = {
    "Linear": "a tensor of 1 or more axes, float32",
    "Conv2d": "a tensor of 3 or 4 axes, float32",
    "Embedding": "a tensor of any number of axes, int32 or int64",
    "BatchNorm1d": "a tensor of 2 or 3 axes, float32",
    "det": "a tensor of 2 or more axes, float32 or float64",
    "relu": "a tensor of any number of axes, any float or any int",
    "one_hot": "a tensor of any number of axes, int64",
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_an_op_takes(name: str) -> None:
    assert f" {TAKEN[name]}\n" in reference.about(name)


FOUND = {
    "relu": ["relu(input)", "see also: ReLU"],
    "conv": ["  Conv1d(out_channels, ", "  ConvTranspose3d(out_channels, ", "  conv2d(input, weight, "],
    "nn.Linear": ["torch.nn.Linear", "in other frameworks: Dense"],
    "zeros": ["torch.zeros", "torch.nn.init.zeros_"],
    "moons": ["sklearn.datasets.make_moons", "  noise         a number or none (none)"],
    "SGD": ["torch.optim.SGD", "  lr              a number (0.001)"],
    "train.epochs": ["a setting of the train section: an int", "--set train.epochs="],
    "[]": ["input[entries]", "[B, T, 16][:, -1]"],
    "einsum": ['einsum([B, T, 16], [B, S, 16], "b t d, b s d -> b t s")'],
}


@pytest.mark.parametrize("word", FOUND)
def test_looking_up(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ops", word) == 0
    text = capsys.readouterr().out
    assert [part for part in FOUND[word] if part not in text] == []


NOT_FOUND = {
    "Linaer": "did you mean `Linear`?",
    "Dense": "PyTorch's word for it is `Linear`",
    "filters": "PyTorch's word for this argument is `out_channels`",
    "xyzzy": "`netc ops` lists all names",
    "": "`netc ops` lists all names",
}


@pytest.mark.parametrize("word", NOT_FOUND)
def test_what_is_not_there(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ops", word) == 2
    page = capsys.readouterr().err
    assert f"there is no layer, function or setting `{word}`" in page
    assert NOT_FOUND[word] in page


def test_the_markdown_page_takes_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ops", "Linear", "--markdown") == 2
    assert "takes none" in capsys.readouterr().err
