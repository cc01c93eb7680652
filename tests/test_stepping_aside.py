"""What hangs on the calls of layers and blocks is honoured: hooks, replaced, parametrized and wrapped layers, tracers.

Each case is done to the module and to the class that netc writes out, whose layers and blocks are called as by hand.
"""

from __future__ import annotations

import copy
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.nn.utils.prune
from torch import Tensor, nn

import netc
from netc.module import NetModule
from netc.plan import Plan
from tests.forms import ejected

SPEC = """
block Inner(width) {
  in x: [B, D]
  out x + (x -> up: Linear(width) -> act: ReLU -> down: Linear(D))
}
block Outer {
  in x: [B, D]
  h = x -> first: Inner(5) -> norm: BatchNorm1d
  out h -> second: Inner(7)
}
network Nested {
  input x: [B, 6]
  target y: [B, 3]
  layer tower = { Linear(6) -> Tanh }
  param scale: [6] = normal(std=1.0)
  h = (x -> tower) * scale -> body: Outer
  p = h + (h -> tower) -> drop: Dropout(0.5) -> head: Linear(3)
  output p
  loss MSELoss(p, y)
}
"""
LAYERS = ("body.first.up", "body.norm", "drop", "head", "tower.0")
BLOCKS = ("body", "body.first", "body.second", "tower")
X, Y = torch.randn(4, 6, generator=torch.Generator().manual_seed(1)), torch.zeros(4, 3)


@pytest.fixture
def pair() -> tuple[NetModule, nn.Module]:
    """The module, and the class written out, with the same parameters."""
    torch.manual_seed(0)
    network = netc.load(SPEC)
    ours, theirs = network.module(), ejected(network)()
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def is_direct(module: nn.Module) -> bool:
    assert isinstance(module, NetModule)
    plan = Plan(module, module._ways["forward"].direct)
    return plan.is_usable and plan.is_free()


def results(model: nn.Module, mode: bool) -> list[Tensor]:
    """Output, loss, and what each parameter gets of it."""
    model.train(mode)
    model.zero_grad()
    torch.manual_seed(3)
    output = model(X)
    loss: Tensor = model.loss(X, Y)  # type: ignore[operator]
    loss.backward()  # type: ignore[no-untyped-call]
    return [output.detach(), loss.detach(), *(p.grad for p in model.parameters() if p.grad is not None)]


def assert_same(ours: nn.Module, theirs: nn.Module) -> None:
    for mode in (True, False):
        a, b = results(ours, mode), results(theirs, mode)
        assert len(a) == len(b)
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_without_anything_functions_are_called(pair: tuple[NetModule, nn.Module]) -> None:
    ours, theirs = pair
    assert is_direct(ours)
    assert_same(ours, theirs)
    called = set()
    sys.setprofile(lambda frame, event, _: called.add(frame.f_code))
    try:
        ours(X)
    finally:
        sys.setprofile(None)
    assert nn.Linear.forward.__code__ not in called
    assert type(ours).forward.__code__ in called


def test_a_forward_that_is_patched_for_a_class(pair: tuple[NetModule, nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pair
    assert_same(ours, theirs)
    before = results(ours, False)
    with monkeypatch.context() as patch:
        patch.setattr(nn.Linear, "forward", lambda layer, x: 2 * nn.functional.linear(x, layer.weight, layer.bias))
        assert_same(ours, theirs)
        assert not results(ours, False)[0].equal(before[0])
    assert is_direct(ours)
    assert_same(ours, theirs)


def test_an_attribute_in_anothers_place_is_found_out(pair: tuple[NetModule, nn.Module]) -> None:
    """A layer with as many attributes as before, of which one is the weight that was a parameter."""
    ours, theirs = pair
    assert_same(ours, theirs)
    for model in pair:
        head: Any = model.get_submodule("head")
        weight = 2 * head.weight.detach()
        del head.weight, head.in_features
        head.weight = weight
    ours.train()
    with pytest.raises(RuntimeError, match="The next call takes the layers as they are"):
        ours(X)
    theirs.load_state_dict(ours.state_dict())  # the statistics of that call
    assert torch.equal(ours.eval().loss(X, Y), theirs.eval().loss(X, Y))  # type: ignore[operator]
    assert not is_direct(ours)
    assert_same(ours, theirs)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_a_block_can_be_copied_without_its_network(pair: tuple[NetModule, nn.Module], copied: Callable[[nn.Module], nn.Module]) -> None:
    ours, theirs = (model.eval().get_submodule("body") for model in pair)
    assert torch.equal(copied(ours)(X), theirs(X))


REGISTER = {
    "forward": lambda m, note: m.register_forward_hook(lambda m, i, o: note("forward", i, o)),
    "forward that changes the output": lambda m, note: m.register_forward_hook(lambda m, i, o: (note("changed", i, o), 2 * o)[1]),
    "forward pre": lambda m, note: m.register_forward_pre_hook(lambda m, i: note("pre", i, None)),
    "backward": lambda m, note: m.register_full_backward_hook(lambda m, i, o: note("backward", i, o)),
    "backward pre": lambda m, note: m.register_full_backward_pre_hook(lambda m, o: note("backward pre", o, None)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("kind", REGISTER)
@pytest.mark.parametrize("places", [*((layer,) for layer in LAYERS), *((block,) for block in BLOCKS), LAYERS + BLOCKS], ids=",".join)
def test_hooks_fire_as_in_the_written_class(pair: tuple[NetModule, nn.Module], kind: str, places: tuple[str, ...]) -> None:
    seen: list[list[Any]] = [[], []]
    for model, calls in zip(pair, seen, strict=True):
        for place in places:
            REGISTER[kind](model.get_submodule(place), lambda *what, calls=calls, place=place: calls.append((place, *what)))
    assert not is_direct(pair[0])
    assert_same(*pair)
    ours, theirs = seen
    assert [(place, what) for place, what, *_ in ours] == [(place, what) for place, what, *_ in theirs]
    assert {place for place, *_ in ours} == set(places)
    for (*_, inputs, outputs), (*_, other_inputs, other_outputs) in zip(ours, theirs, strict=True):
        assert all(map(torch.equal, flat(inputs), flat(other_inputs))) and all(map(torch.equal, flat(outputs), flat(other_outputs)))


def zeroed(module: nn.Module, inputs: Any, output: Any) -> Any:
    return 0 * output


def shifted(module: nn.Module, inputs: Any, output: Any) -> Any:
    return output + 1


def flat(value: Any) -> list[Tensor]:
    parts = value if isinstance(value, tuple) else (value,)
    return [part for part in parts if isinstance(part, Tensor)]


def test_a_hook_that_is_removed_is_gone(pair: tuple[NetModule, nn.Module]) -> None:
    ours, _ = pair
    handle = ours.get_submodule("body").register_forward_hook(zeroed)
    ours.eval()
    assert not ours(X).equal(pair[1].eval()(X))
    handle.remove()
    assert is_direct(ours)
    assert_same(*pair)


def test_hooks_for_all_modules(pair: tuple[NetModule, nn.Module]) -> None:
    names: list[list[str]] = [[], []]
    for model, found in zip(pair, names, strict=True):
        paths = {module: path for path, module in model.named_modules() if path}
        with global_hook(lambda m, i, o, paths=paths, found=found: found.append(paths[m]) if m in paths else None):
            model.eval()(X)
    assert set(LAYERS + BLOCKS) <= {*names[0]}
    # The written class has functions in place of layers without a label.
    assert [n for n in names[0] if n in names[1]] == [n for n in names[1] if n in names[0]]


@contextmanager
def global_hook(hook: Callable[..., Any]) -> Iterator[None]:
    handle = nn.modules.module.register_module_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


class Scaled(nn.Linear):
    """A layer of another class."""

    def forward(self, input: Tensor) -> Tensor:
        return 3 * super().forward(input)


def replaced(model: nn.Module) -> None:
    model.head = Scaled(6, 3)
    nn.init.constant_(model.head.weight, 0.1)
    nn.init.zeros_(model.head.bias)


def replaced_inside(model: nn.Module) -> None:
    block = model.get_submodule("body.first")
    block.act = nn.Softsign()


def other_block(model: nn.Module) -> None:
    model.get_submodule("body").second = nn.Identity()


def own_forward(model: nn.Module) -> None:
    head = model.get_submodule("head")
    head.forward = types.MethodType(lambda self, x: nn.Linear.forward(self, x) + 1, head)


def own_forward_of_a_block(model: nn.Module) -> None:
    block, inner = model.get_submodule("body.first"), model.get_submodule("body.first.up")
    block.forward = types.MethodType(lambda self, x: x + inner.weight.sum(), block)  # type: ignore[operator]


def parametrized(model: nn.Module) -> None:
    class Twice(nn.Module):
        def forward(self, weight: Tensor) -> Tensor:
            return 2 * weight

    nn.utils.parametrize.register_parametrization(model.get_submodule("body.first.up"), "weight", Twice())


def parametrized_itself(model: nn.Module) -> None:
    class Twice(nn.Module):
        def forward(self, weight: Tensor) -> Tensor:
            return 2 * weight

    nn.utils.parametrize.register_parametrization(model, "scale", Twice())


def normalised(model: nn.Module) -> None:
    nn.utils.parametrizations.weight_norm(model.get_submodule("head"))


def pruned(model: nn.Module) -> None:
    nn.utils.prune.l1_unstructured(model.get_submodule("head"), "weight", 0.5)  # type: ignore[no-untyped-call]


def without_bias(model: nn.Module) -> None:
    model.get_submodule("head").bias = None  # type: ignore[assignment]


def other_attributes(model: nn.Module) -> None:
    model.get_submodule("drop").p = 0.25  # type: ignore[assignment]
    model.get_submodule("body.norm").eps = 0.1  # type: ignore[assignment]


def other_parameters(model: nn.Module) -> None:
    head = model.get_submodule("head")
    head.weight = nn.Parameter(torch.full((3, 6), 0.2))


def part_in_evaluation(model: nn.Module) -> None:
    norm = model.get_submodule("body.norm")
    norm.train = lambda mode=True: norm  # type: ignore[method-assign]
    norm.training = False


CHANGES = (replaced, replaced_inside, other_block, own_forward, own_forward_of_a_block, parametrized, parametrized_itself, normalised,
           pruned, without_bias, other_attributes, other_parameters, part_in_evaluation)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("when", ["before the first call", "between calls"])
def test_changed_layers(pair: tuple[NetModule, nn.Module], change: Callable[[nn.Module], None], when: str) -> None:
    before = results(pair[0], False) if when == "between calls" else []
    for model in pair:
        change(model)
    assert_same(*pair)
    if before and change is not part_in_evaluation:  # or the case would change nothing
        after = results(pair[0], change is other_attributes)
        assert not all(map(torch.equal, before, after))


def test_functional_call_and_transforms(pair: tuple[NetModule, nn.Module]) -> None:
    ours, theirs = (model.eval() for model in pair)
    parameters = {k: 0.5 * v for k, v in ours.named_parameters()}
    ours(X)
    assert torch.func.functional_call(ours, parameters, X).equal(torch.func.functional_call(theirs, parameters, X))
    gradients = torch.func.grad(lambda p: torch.func.functional_call(ours, p, X).sum())(parameters)
    expected = torch.func.grad(lambda p: torch.func.functional_call(theirs, p, X).sum())(parameters)
    assert all(gradients[k].equal(expected[k]) for k in parameters)
    each = torch.func.vmap(lambda x: ours(x[None])[0])(X)
    torch.testing.assert_close(each, theirs(X))
    assert is_direct(ours)


def test_symbolic_tracing_sees_the_layers(pair: tuple[NetModule, nn.Module]) -> None:
    ours, theirs = (model.eval() for model in pair)
    ours(X)
    traced = torch.fx.symbolic_trace(ours)
    assert {str(node.target) for node in traced.graph.nodes if node.op == "call_module"} >= {"head", "body.first.up", "tower.0"}
    assert traced(X).equal(theirs(X))


def test_replicas_do_not_share_what_was_planned(pair: tuple[NetModule, nn.Module]) -> None:
    """As `nn.DataParallel` makes them: with plain tensors in place of parameters."""
    ours, theirs = (model.eval() for model in pair)
    ours(X)
    replica = ours._replicate_for_data_parallel()  # type: ignore[no-untyped-call]
    for path, module in ours.named_modules():
        if path:
            other = module._replicate_for_data_parallel()
            for name, value in module._parameters.items():
                setattr(other, name, None if value is None else 0 * value)
            outer, _, name = path.rpartition(".")
            replica.get_submodule(outer)._modules[name] = other
    replica.scale = 0 * ours.get_parameter("scale")
    assert replica(X).abs().max() == 0
    assert ours(X).equal(theirs(X))


@pytest.mark.parametrize("changed", [False, True])
def test_copies_plan_for_themselves(pair: tuple[NetModule, nn.Module], changed: bool) -> None:
    ours, theirs = (model.eval() for model in pair)
    if changed:
        for model in (ours, theirs):
            model.get_submodule("body").register_forward_hook(shifted)
    ours(X)
    copied = copy.deepcopy(ours)
    assert copied(X).equal(theirs(X))
    with torch.no_grad():
        copied.get_parameter("head.bias").add_(1)
    assert not copied(X).equal(theirs(X)) and ours(X).equal(theirs(X))
    assert is_direct(copied) is not changed


def test_values_are_freed_as_soon_as_nothing_needs_them() -> None:
    """The largest value dies before the next ones are made, in both ways."""
    import weakref

    network = netc.load("network N { input x: [B, 4]\n h = x -> Linear(8) -> relu -> Linear(8) -> tanh -> Linear(2)\n output h }")
    model, alive = network.module(), list[int]()
    made: list[weakref.ref[Tensor]] = []

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            alive.append(sum(ref() is not None for ref in made))
            result = function(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                made.append(weakref.ref(result))
            return result

    for wrapped in (False, True):
        if wrapped:
            model.get_submodule("linear").register_forward_hook(lambda m, i, o: None)
        alive.clear()
        x = torch.ones(2, 4)
        with torch.no_grad(), Watch():
            model(x)
        assert len(alive) >= 5 and max(alive) <= 1


def test_code_is_readable(pair: tuple[NetModule, nn.Module]) -> None:
    assert pair[0].code.splitlines()[0] == "def forward(self, parts, x):"
    assert 'p = F.linear(drop, p_head["weight"], p_head["bias"]); del drop' in pair[0].code


def test_batch_norm_refuses_a_sample_without_batch_as_torch_does() -> None:
    model = netc.load("network N {\n  input x: [B, 3, 3, 3]\n  output x -> BatchNorm2d\n}\n").module().eval()
    with pytest.raises(ValueError, match="expected 4D input"):
        model(torch.randn(3, 3, 3))
