"""Compiled steps against the same steps that are not; devices."""

from __future__ import annotations

import os

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

import netc
from netc import NetError
from netc.ops.recipes import OPTIMIZERS
from netc.settings import Section
from netc.train.device import device_of, home_of
from netc.train.optim import TRACED
from tests.test_optimizers import Net, data, fit_of, seeded

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")  # torch's compiler uses it


class Larger(Net):
    """With buffers that training changes, random numbers, and a parameter that no loss depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.unused = nn.BatchNorm1d(8), nn.Parameter(torch.ones(3))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(self.output(self.norm(torch.tanh(self.hidden(x)))), y)


WHOLE = "optimizer = AdamW(lr=0.05)\n batch_size = 20\n scheduler = ExponentialLR(0.8)"
PARTS = "optimizer = SGD(lr=0.1)\n batch_size = 10\n accumulate = 2\n precision = fp16\n clip_grad_norm = 0.5"


@pytest.mark.parametrize(("keys", "is_whole", "near"), [(WHOLE, True, 1e-5), (PARTS, False, 1e-3)], ids=["whole", "parts"])
def test_a_compiled_training_is_the_same_training(keys: str, is_whole: bool, near: float) -> None:
    """Also while the scheduler changes the rate, for which nothing is compiled anew."""
    plain = fit_of(keys, seeded(Larger), data())
    counters.clear()
    compiled = fit_of(f"{keys}\n compile = true", seeded(Larger), data())
    assert compiled.run().columns["loss"] == pytest.approx(plain.run().columns["loss"], rel=near)
    assert (compiled.take_step.whole is not None) == is_whole
    assert counters["stats"]["unique_graphs"] == 1
    for (name, ours), theirs in zip(compiled.model.state_dict().items(), plain.model.state_dict().values(), strict=True):
        assert torch.allclose(ours, theirs, rtol=near, atol=near), name
    assert torch.equal(compiled.model.get_parameter("unused"), torch.ones(3))


@pytest.mark.skipif("NETC_LONG_TESTS" not in os.environ, reason="ten seconds for each optimizer: set NETC_LONG_TESTS")
@pytest.mark.parametrize("name", [row.name for row in OPTIMIZERS if row.name not in ("Muon", "SparseAdam", "LBFGS")])
def test_every_optimizer_can_be_compiled(name: str) -> None:
    keys = f"optimizer = {name}()\n batch_size = 20\n scheduler = ReduceLROnPlateau(patience=0, threshold=0.5)"
    plain, compiled = fit_of(keys, seeded(Net), data()), fit_of(f"{keys}\n compile = true", seeded(Net), data())
    assert compiled.run().columns["loss"] == pytest.approx(plain.run().columns["loss"], rel=1e-5)
    assert (compiled.take_step.whole is not None) == (name in TRACED)


def test_no_compiler_is_said_before_the_first_step() -> None:
    from torch._inductor import config, cpp_builder

    for cached in (cpp_builder.get_cpp_compiler, cpp_builder.cpp_compiler_search):
        getattr(cached, "cache_clear", lambda: None)()
    with config.patch({"cpp.cxx": ("/no/such/compiler",)}), pytest.raises(NetError) as caught:
        fit_of("optimizer = SGD()\n compile = true", seeded(Net), data()).run()
    assert "needs a C++ compiler, and PyTorch finds none" in str(caught.value) and "apt install g++" in str(caught.value)


class Untraceable(Net):
    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return super().loss(x, y) * (1.0 if float(x.detach().sum()) > 0 else 2.0)


def test_what_cannot_be_compiled_is_said() -> None:
    with pytest.raises(NetError) as caught:
        fit_of("optimizer = SGD()\n compile = true", seeded(Untraceable), data()).run()
    assert "PyTorch cannot compile this training" in str(caught.value) and "`compile = false` trains without" in str(caught.value)


# --- devices --------------------------------------------------------------------------------------------------------


def settings(device: str) -> Section:
    spec = "network N {\n input x: [B, 5]\n output x -> Linear(1)\n loss mean(x)\n}\n"
    section = netc.load(f"{spec}train {{\n optimizer = SGD()\n epochs = 1\n device = {device}\n}}").training
    assert section is not None
    return section


def test_the_device() -> None:
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert device_of(settings("auto")).type == expected
    assert device_of(settings("cpu")).type == "cpu" == device_of(settings('"cpu:0"')).type
    assert home_of(2**60, torch.device("cpu")).type == "cpu"


@pytest.mark.parametrize("device", ['"cuda:99"', '"gpu"', '"cpu:7x"'])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(NetError) as caught:
        device_of(settings(device))
    assert caught.value.diagnostics[0].code == "argument-type"
    assert f"there is no device `{device[1:-1]}`" in str(caught.value) and "`auto` takes the best" in str(caught.value)


@pytest.mark.skipif("NETC_LONG_TESTS" not in os.environ, reason="half a minute: set NETC_LONG_TESTS")
def test_one_process_can_compile_any_number_of_trainings() -> None:
    """torch compiles one piece of code eight times at most."""
    for lr in range(1, 11):
        fit_of(f"optimizer = SGD(lr=0.0{lr})\n compile = true", seeded(Net), data()).run()
