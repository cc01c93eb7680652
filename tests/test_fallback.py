"""What has no row: found in torch, and its result by running it on the meta device."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import netc
from netc.code import Text, construction, expression
from netc.diagnostics import Diagnostic
from netc.graph import Argument, Node, Ref
from netc.infer import Inferred, Known, infer
from netc.ops import TABLE, fallback, find
from netc.ops.op import Op
from netc.shapes import Dim
from netc.tensors import TensorType, type_at
from tests.op_checks import HERE, type_of

B, T, H, W = map(Dim.named, "BTHW")
SIZES = {"B": 2, "T": 6, "H": 10, "W": 12}
IMAGE = TensorType((B, 3, H, W))
ROWS = TensorType((B, T, 6))


def row(name: str) -> Op:
    found = fallback.find(name)
    assert found is not None
    return found


def used(op: Op, kinds: list[TensorType], *placed: Any, **named: Any) -> tuple[Inferred | Diagnostic, Node]:
    """A use of a row on tensors of these types; a function's other arguments behind them, a layer's in its constructor."""
    refs = [Ref(i) for i in range(len(kinds))]
    if op.is_module:
        values = dict(zip([p.name for p in op.params], placed, strict=False)) | named
        config = {p.name: Argument(values.get(p.name, p.default), HERE) for p in op.params}
        given = dict(zip([p.name for p in op.inputs], refs, strict=False))
        call = {p.name: Argument(given.get(p.name, p.default), HERE) for p in op.inputs}
    else:
        config, call = {}, {"inputs": Argument([*refs, *placed], HERE), "options": Argument([[k, v] for k, v in named.items()], HERE)}
    result = infer(op, config, call, lambda ref: Known(kinds[ref.node], HERE), HERE)
    return result, Node(0, "op", HERE, (), op, "layer", config, call)


def check(name: str, kinds: list[TensorType], *placed: Any, **named: Any) -> Inferred:
    """The result, which must be torch's for other sizes than it was solved with."""
    result, node = used(row(name), kinds, *placed, **named)
    assert isinstance(result, Inferred), result.message
    tensors = [torch.rand([int(str(n)) for n in kind.at(SIZES).shape]).to(getattr(torch, kind.dtype)) for kind in kinds]
    space: dict[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "t": tensors}
    if node.is_module:
        space["layer"] = eval(construction(node), space)
        assert {n: tuple(p.shape) for n, p in space["layer"].named_parameters()} == result.weights
    value = eval(expression(node, lambda ref: Text(f"t[{ref.node}]"), "layer").text, space)
    assert type_of(value) == type_at(result.type, SIZES)
    return result


FUNCTIONS: list[tuple[str, list[TensorType], list[Any], dict[str, Any]]] = [
    ("rot90", [IMAGE], [1, [2, 3]], {}), ("fliplr", [ROWS], [], {}),
    ("torch.fft.rfft", [ROWS], [], {"dim": -1}), ("fft.fft2", [IMAGE], [], {}), ("torch.special.expit", [ROWS], [], {}),
    ("torch.linalg.matrix_norm", [IMAGE], [], {}), ("special.xlog1py", [ROWS, ROWS], [], {}),
    ("conv_transpose2d", [IMAGE, TensorType((3, 5, 2, 2))], [], {"stride": 2}),
    ("tensordot", [ROWS, TensorType((6, 4))], [1], {}),
    ("addbmm", [TensorType((4, 5)), TensorType((B, 4, 3)), TensorType((B, 3, 5))], [], {}),
    ("dsplit", [ROWS], [3], {}), ("subtract", [ROWS, ROWS], [], {"alpha": 2}),
    ("unsqueeze_copy", [ROWS], [1], {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kinds", "placed", "named"), FUNCTIONS, ids=[f[0] for f in FUNCTIONS])
def test_functions(name: str, kinds: list[TensorType], placed: list[Any], named: dict[str, Any]) -> None:
    check(name, kinds, *placed, **named)


@pytest.mark.parametrize(("name", "kinds", "placed"), [
    ("ZeroPad2d", [IMAGE], [1]), ("Conv2d", [IMAGE], [3, 8, 3]), ("Bilinear", [ROWS, ROWS], [6, 6, 2]),
    ("nn.GroupNorm", [IMAGE], [3, 3]), ("torch.nn.MultiheadAttention", [ROWS, ROWS, ROWS], [6, 2]),
])  # fmt: skip
def test_layers(name: str, kinds: list[TensorType], placed: list[Any]) -> None:
    """Also what has a row can be found so, which says whether both agree."""
    op = fallback._module(name)
    assert op is not None
    result, node = used(op, kinds, *placed)
    assert isinstance(result, (Inferred, Diagnostic))
    if isinstance(result, Diagnostic):
        assert result.code == "size-needed", result.message
        return
    layer = eval(construction(node), {"nn": nn, "torch": torch})
    tensors = [torch.rand([int(str(n)) for n in kind.at(SIZES).shape]) for kind in kinds]
    assert type_of(layer(*tensors)) == type_at(result.type, SIZES)
    assert {n: tuple(p.shape) for n, p in layer.named_parameters()} == result.weights


REFUSED = [
    ("relu_", [ROWS], [], "invalid-operation", "changes its input"), ("nonzero", [ROWS], [], "not-constant", "`nonzero`"),
    ("unique", [ROWS], [], "not-constant", "`unique`"), ("numel", [ROWS], [], "not-a-tensor", "`numel`"),
    ("rot90", [ROWS], [7, 8, 9], "invalid-operation", "refuses these"), ("torch.fft.rfft", [ROWS], [None, 1], "size-needed", "`T`"),
    ("Sequential", [ROWS], [], "invalid-operation", "holds other modules"),
    ("LazyLinear", [ROWS], [4], "invalid-operation", "first runs"), ("hsplit", [ROWS], [2], "size-needed", "`T`"),
    ("backward", [ROWS], [], "invalid-operation", "computes nothing"), ("hstack", [ROWS], [], "invalid-operation", "refuses these"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kinds", "placed", "code", "words"), REFUSED)
def test_refusals(name: str, kinds: list[TensorType], placed: list[Any], code: str, words: str) -> None:
    result, _ = used(row(name), kinds, *placed)
    assert isinstance(result, Diagnostic)
    assert result.code == code, result.message
    assert words in result.message


@pytest.mark.parametrize("name", ["reluu", "Dense", "torch.load", "load", "save", "hub.load", "torch.hub.load", "from_file",
    "compile", "_foo",
                                  "torch._C", "nn", "torch", "Tensor", "tensor", "as_tensor", "jit.script",
                                  "foo.bar", "x", "data", "shape", "Foo_",
                                  "os.system", "seed", "manual_seed", "set_default_dtype", "Parameter", "nn.functional.Foo"])  # fmt: skip
def test_names_that_are_not_found(name: str) -> None:
    """A misspelt name gets its did-you-mean, and nothing that touches files or torch's state is reached."""
    assert fallback.find(name) is None


def test_rows_of_the_table_come_first() -> None:
    assert find("torch.nn.Linear") is TABLE["Linear"]
    assert find("Linear") is TABLE["Linear"]
    with pytest.raises(KeyError):
        find("reluu")


def test_what_two_places_have_is_that_of_the_documented_one() -> None:
    """`torch.kl_div` has other defaults than `torch.nn.functional.kl_div`, and is no mean."""
    twins = {name for name, function in vars(F).items() if callable(function) and getattr(torch, name, function) is not function}
    found = {name: row.target for name in twins - TABLE.keys() if not name.startswith("_") and (row := find(name))}
    assert {"kl_div", "binary_cross_entropy_with_logits", "triplet_margin_loss"} <= found.keys()
    assert found == {name: f"torch.nn.functional.{name}" for name in found}


def test_a_loss_as_a_function_is_the_mean_that_it_is_in_pytorch() -> None:
    text = """
    network N {
      input x: [B, 3]
      target y: [B, 3]
      q = x -> Linear(3)
      output q
      loss a = binary_cross_entropy_with_logits(q, y)
      loss b = kl_div(log_softmax(q, dim=1), y, reduction="batchmean")
      loss c = F.poisson_nll_loss(q, y, log_input=true)
    }
    """
    with pytest.raises(netc.NetError, match="it is written `poisson_nll_loss`"):
        netc.load(text)
    model = netc.load(text.replace("F.", "")).module()
    x, y = torch.randn(5, 3), torch.rand(5, 3)
    q, losses = model(x), model.losses(x, y)
    torch.testing.assert_close(losses["a"], F.binary_cross_entropy_with_logits(q, y))
    torch.testing.assert_close(losses["b"], F.kl_div(F.log_softmax(q, dim=1), y, reduction="batchmean"))
    torch.testing.assert_close(losses["c"], F.poisson_nll_loss(q, y))


def test_found_rows_are_pickled_by_name() -> None:
    op = row("torch.fft.rfft")
    assert pickle.loads(pickle.dumps(op)) is op


def test_the_table_needs_no_torch() -> None:
    program = "import sys, netc.ops.fallback; from netc.ops import TABLE; assert TABLE; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_spec_with_what_has_no_row() -> None:
    network = netc.load("network N {\n  input x: [B, T, 6]\n  output x -> rot90(1, [1, 2]), x -> torch.fft.fft -> abs\n}")
    x = torch.randn(2, 3, 6)
    turned, spectrum = network.module()(x)
    assert torch.equal(turned, torch.rot90(x, 1, [1, 2]))
    assert torch.equal(spectrum, torch.fft.fft(x).abs())
    assert [str(network.graph.type_of(o.ref)) for o in network.graph.outputs] == ["[B, 6, T]", "[B, T, 6]"]
