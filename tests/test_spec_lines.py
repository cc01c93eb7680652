"""How long the specs are beside the same networks in PyTorch, as `specs/README.md` says."""

from __future__ import annotations

import ast
import inspect
import io
import re
import textwrap
import tokenize
from importlib import import_module
from typing import Any

import pytest

from tests import known, spec_twins, table_twins, twins
from tests.conftest import SPECS

assert known.LIBRARY is not None  # defined before torchvision is imported

README = (SPECS / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \|.*\| (\d+) / (\d+) \|$", re.MULTILINE)
LISTED = {name: (int(ours), int(theirs)) for name, ours, theirs in ROW.findall(README)}
VERSIONS = {"torchvision": "0.28.0", "transformers": "5.23.0"}  # whose lines the table gives

# spec: the module of the library, and what this network needs of it
LIBRARY = {
    "alexnet": ("torchvision.models.alexnet", "AlexNet"),
    "vgg16": ("torchvision.models.vgg", "VGG make_layers"),
    "resnet18": ("torchvision.models.resnet", "conv3x3 conv1x1 BasicBlock ResNet"),
    "resnet50": ("torchvision.models.resnet", "conv3x3 conv1x1 Bottleneck ResNet"),
    "squeezenet1_0": ("torchvision.models.squeezenet", "Fire SqueezeNet"),
    "densenet121": ("torchvision.models.densenet", "_DenseLayer _DenseBlock _Transition DenseNet"),
    "mobilenet_v2": ("torchvision.models.mobilenetv2", "_make_divisible Conv2dNormActivation InvertedResidual MobileNetV2"),
    "vit_b_16": ("torchvision.models.vision_transformer", "MLP MLPBlock EncoderBlock Encoder VisionTransformer"),
    "gpt2": ("transformers.models.gpt2.modeling_gpt2", "GPT2Attention GPT2MLP GPT2Block GPT2Model GPT2LMHeadModel"),
    "llama": (
        "transformers.models.llama.modeling_llama",
        "LlamaRMSNorm LlamaRotaryEmbedding rotate_half apply_rotary_pos_emb LlamaMLP repeat_kv LlamaAttention LlamaDecoderLayer "
        "LlamaModel LlamaForCausalLM",
    ),
    "bert_encoder": (
        "transformers.models.bert.modeling_bert",
        "BertEmbeddings BertSelfAttention BertSelfOutput BertAttention BertIntermediate BertOutput BertLayer BertEncoder "
        "BertPooler BertModel",
    ),
}
# The article's networks: the class, the data, and the loop that trains it; the specs have all three.
TRAINED: dict[str, list[Any]] = {
    "network": [twins.Network, twins.classification, twins.train],
    "funky": [twins.Network, twins.Funky, twins.classification, twins.train],
    "regression": [twins.Regression, twins.regression, twins.train],
    "quartic": [twins.Regression, twins.quartic, twins.regression, twins.train],
    "three_inputs": [twins.ThreeInputs],
    **{name: list(parts) for name, parts in table_twins.TWINS.items()},
}
LONGER = {"network", "regression", "quartic", *table_twins.TWINS}  # than half; see the README


def code_lines(part: Any) -> int:
    """The lines of a class or function, without docstrings, comments, decorators and blank lines."""
    text = textwrap.dedent(inspect.getsource(part))
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type not in blank]
    lines = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = node.body[0]
            is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
            left: list[ast.expr | ast.stmt] = [*node.decorator_list, *([first] if is_docstring else [])]
            for left_out in left:
                lines -= set(range(left_out.lineno, (left_out.end_lineno or 0) + 1))
    return len(lines)


def spec_lines(spec: str) -> int:
    text = (SPECS / f"{spec}.net").read_text(encoding="utf-8")
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


def twin_lines(spec: str) -> int:
    if spec in LIBRARY:
        module, names = LIBRARY[spec]
        pytest.importorskip(module.split(".")[0], reason="the library is not installed")
        return sum(code_lines(getattr(import_module(module), name)) for name in names.split())
    return sum(map(code_lines, TRAINED.get(spec) or spec_twins.TWINS[spec]))


def test_code_lines_are_those_that_compute() -> None:
    class Part:
        """Two
        lines."""

        # a comment
        @property
        def text(self) -> str:
            """One line."""

            return """two
            lines"""

    assert code_lines(Part) == 4


def test_every_spec_is_listed() -> None:
    names = {path.stem for path in SPECS.glob("*.net")}
    assert names == LISTED.keys() == {*LIBRARY, *TRAINED, *spec_twins.TWINS}


@pytest.mark.parametrize("spec", LISTED)
def test_half_the_lines(spec: str) -> None:
    assert (SPECS / f"{spec}.net").read_text(encoding="utf-8").startswith("# ")
    ours, theirs = spec_lines(spec), twin_lines(spec)
    assert (2 * ours > theirs) == (spec in LONGER)
    library = LIBRARY[spec][0].split(".")[0] if spec in LIBRARY else ""
    if not library or import_module(library).__version__.split("+")[0] == VERSIONS[library]:
        assert LISTED[spec] == (ours, theirs)
