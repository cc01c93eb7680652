"""The examples of the language reference and of the README are specs that netc takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import netc
from netc.ops.recipes import KEYS, RECIPES
from tests.test_emit import tensors

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "grammar" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```net\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=[text.split("\n")[0] for text in EXAMPLES])
def test_example(text: str, tmp_path: Path) -> None:
    network = netc.load(text)
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
