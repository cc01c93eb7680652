"""Every optimizer and scheduler of torch, trained once: the losses of a loop written by hand, to the last bit."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.optim import lr_scheduler as lr
from torch.optim.optimizer import register_optimizer_step_post_hook

import netc
from netc import NetError
from netc.ops.recipes import OPTIMIZERS, SCHEDULERS
from netc.train.batches import Tensors
from netc.train.loop import Fit
from netc.train.optim import ALIKE
from tests import my_factors

EPOCHS = 6
BATCH = 12  # of 40 rows: four steps an epoch, the last of them of 4 rows


class Net(nn.Module):
    """Two layers; without biases for an optimizer that takes matrices only."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(5, 8, bias), nn.Linear(8, 1, bias)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(self.output(torch.tanh(self.hidden(x))), y)


class Words(nn.Module):
    """An embedding whose gradient is sparse."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 4, sparse=True)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(self.embed(x).mean(dim=(1, 2)).unsqueeze(1), y)


pytestmark = pytest.mark.usefixtures("one_thread")


def data(words: bool = False) -> Tensors:
    random = torch.Generator().manual_seed(1)
    x = torch.randn(40, 5, generator=random)
    y = x[:, :1] * x[:, 1:2] + 0.1
    return (torch.randint(20, (40, 5), generator=random), y) if words else (x, y)


def fit_of(keys: str, model: nn.Module, tensors: Tensors) -> Fit:
    spec = "network N {\n input x: [B, 5]\n target y: [B, 1]\n p = x -> Linear(1)\n output p\n loss MSELoss(p, y)\n}\n"
    settings = netc.load(f"{spec}train {{\n epochs = {EPOCHS}\n seed = 3\n {keys}\n}}", allow_python=True).training
    assert settings is not None
    return Fit(model, ["loss"], tensors, settings)


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(7)
    return make()


def batches_of(tensors: Tensors) -> Iterator[list[Tensors]]:
    """The batches of each epoch."""
    order = torch.Generator().manual_seed(3)
    for _ in range(EPOCHS):
        rows = torch.split(torch.randperm(len(tensors[0]), generator=order), BATCH)
        yield [tuple(t[r] for t in tensors) for r in rows]


def step(model: Any, optimizer: optim.Optimizer, batch: Tensors) -> float:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss: Tensor = model.loss(*batch)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    return optimizer.step(closure).item()  # type: ignore


def mean(losses: Iterable[float], batches: Iterable[Tensors]) -> float:
    return sum(v * len(b[0]) for v, b in zip(losses, batches, strict=True)) / 40


# --- optimizers -----------------------------------------------------------------------------------------------------

Make = Callable[[Iterable[nn.Parameter]], optim.Optimizer]

TRAINED: dict[str, Make] = {
    "SGD(lr=0.1, momentum=0.9, nesterov=true)": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam(lr=0.01, betas=[0.8, 0.99], amsgrad=true)": lambda p: optim.Adam(p, lr=0.01, betas=(0.8, 0.99), amsgrad=True),
    "AdamW(lr=0.01, weight_decay=0.1)": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "Adagrad(lr=0.1, lr_decay=0.01)": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.01),
    "RMSprop(lr=0.01, centered=true)": lambda p: optim.RMSprop(p, lr=0.01, centered=True),
    "Adam(lr=0.02, betas=[0, 0.99])": lambda p: optim.Adam(p, lr=0.02, betas=(0.0, 0.99)),
    "NAdam(lr=0.01)": lambda p: optim.NAdam(p, lr=0.01),
    "RAdam(lr=0.05)": lambda p: optim.RAdam(p, lr=0.05),
    "Adamax(lr=0.02)": lambda p: optim.Adamax(p, lr=0.02),
    "Adadelta(rho=0.8)": lambda p: optim.Adadelta(p, rho=0.8),
    "Adafactor(lr=0.05, eps=[none, 0.01])": lambda p: optim.Adafactor(p, lr=0.05, eps=(None, 0.01)),
    "ASGD(lr=0.1, t0=3.0)": lambda p: optim.ASGD(p, lr=0.1, t0=3.0),
    "Rprop(lr=0.01, etas=[0.4, 1.3])": lambda p: optim.Rprop(p, lr=0.01, etas=(0.4, 1.3)),
    'Muon(lr=0.02, adjust_lr_fn="match_rms_adamw")': lambda p: optim.Muon(p, lr=0.02, adjust_lr_fn="match_rms_adamw"),
    'LBFGS(max_iter=5, line_search_fn="strong_wolfe")': lambda p: optim.LBFGS(p, max_iter=5, line_search_fn="strong_wolfe"),
    "SparseAdam(lr=0.1)": lambda p: optim.SparseAdam(p, lr=0.1),
}


@pytest.mark.parametrize("written", TRAINED)
def test_an_optimizer_trains_as_by_hand(written: str) -> None:
    name = written.partition("(")[0]
    tensors = data(words=name == "SparseAdam")

    def made() -> nn.Module:
        return Words() if name == "SparseAdam" else Net(bias=name != "Muon")

    model = seeded(made)
    optimizer, losses = TRAINED[written](model.parameters()), []
    for batches in batches_of(tensors):
        losses.append(mean([step(model, optimizer, batch) for batch in batches], batches))
    found = fit_of(f"optimizer = {written}\n batch_size = {BATCH}", seeded(made), tensors).run()
    assert found.columns["loss"] == losses and losses[-1] != losses[0]


# --- schedulers -----------------------------------------------------------------------------------------------------

FACTORS = str(Path(__file__).with_name("my_factors.py"))

# What is written, what is made by hand, and whether it takes a step after each batch.
SCHEDULED: list[tuple[str, Callable[[optim.Optimizer], Any], bool]] = [
    ("StepLR(2, gamma=0.5)", lambda o: lr.StepLR(o, 2, 0.5), False),
    ("MultiStepLR([2, 4])", lambda o: lr.MultiStepLR(o, [2, 4]), False),
    ("ExponentialLR(0.8)", lambda o: lr.ExponentialLR(o, 0.8), False),
    ("ConstantLR(0.5, total_iters=3)", lambda o: lr.ConstantLR(o, 0.5, 3), False),
    ("LinearLR(total_iters=4)", lambda o: lr.LinearLR(o, total_iters=4), False),
    ("PolynomialLR(total_iters=epochs, power=2.0)", lambda o: lr.PolynomialLR(o, EPOCHS, 2.0), False),
    ("CosineAnnealingLR(T_max=epochs)", lambda o: lr.CosineAnnealingLR(o, EPOCHS), False),
    ("CosineAnnealingWarmRestarts(2, T_mult=2)", lambda o: lr.CosineAnnealingWarmRestarts(o, 2, 2), False),
    ("OneCycleLR(0.3)", lambda o: lr.OneCycleLR(o, 0.3, total_steps=4 * EPOCHS), True),
    ("OneCycleLR(0.3, epochs=8, anneal_strategy=\"linear\")",
     lambda o: lr.OneCycleLR(o, 0.3, epochs=8, steps_per_epoch=4, anneal_strategy="linear"), True),
    ("CyclicLR(0.01, 0.3, step_size_up=5)", lambda o: lr.CyclicLR(o, 0.01, 0.3, 5), True),
    ("ReduceLROnPlateau(factor=0.5, patience=0, threshold=0.5)",
     lambda o: lr.ReduceLROnPlateau(o, factor=0.5, patience=0, threshold=0.5), False),
    (f'LambdaLR(python("{FACTORS}:warmup"))', lambda o: lr.LambdaLR(o, my_factors.warmup), False),
    (f'LambdaLR(lr_lambda=[python("{FACTORS}:decay")])\n scheduler_interval = step', lambda o: lr.LambdaLR(o, [my_factors.decay]), True),
    (f'MultiplicativeLR(python("{FACTORS}:decay"))', lambda o: lr.MultiplicativeLR(o, my_factors.decay), False),
    (f'SequentialLR([LambdaLR(python("{FACTORS}:warmup")), MultiplicativeLR(python("{FACTORS}:decay"))], [3])',
     lambda o: lr.SequentialLR(o, [lr.LambdaLR(o, my_factors.warmup), lr.MultiplicativeLR(o, my_factors.decay)], [3]), False),
    (f'ChainedScheduler([LambdaLR(python("{FACTORS}:warmup")), ExponentialLR(0.9)])',
     lambda o: lr.ChainedScheduler([lr.LambdaLR(o, my_factors.warmup), lr.ExponentialLR(o, 0.9)]), False),
    ("SequentialLR([LinearLR(total_iters=2), CosineAnnealingLR(4)], [2])",
     lambda o: lr.SequentialLR(o, [lr.LinearLR(o, total_iters=2), lr.CosineAnnealingLR(o, 4)], [2]), False),
    ("ChainedScheduler([ConstantLR(total_iters=2), ExponentialLR(0.9)])",
     lambda o: lr.ChainedScheduler([lr.ConstantLR(o, total_iters=2), lr.ExponentialLR(o, 0.9)]), False),
    ("ExponentialLR(0.95)\n scheduler_interval = step", lambda o: lr.ExponentialLR(o, 0.95), True),
]  # fmt: skip


@pytest.mark.parametrize(("written", "make", "each_step"), SCHEDULED, ids=[w.partition("(")[0] for w, _, _ in SCHEDULED])
def test_a_scheduler_steps_as_by_hand(written: str, make: Callable[[optim.Optimizer], Any], each_step: bool) -> None:
    model = seeded(Net)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler, losses, rates, seen, rate = make(optimizer), [], [], set(), 0.0
    for batches in batches_of(data()):
        found = []
        for batch in batches:
            found.append(step(model, optimizer, batch))
            rate = optimizer.param_groups[0]["lr"]
            seen.add(rate)
            if each_step:
                scheduler.step()
        losses.append(mean(found, batches))
        rates.append(rate)
        if not each_step:
            scheduler.step(*[losses[-1]] * isinstance(scheduler, lr.ReduceLROnPlateau))
    keys = f"optimizer = SGD(lr=0.1, momentum=0.9)\n batch_size = {BATCH}\n scheduler = {written}"
    assert fit_of(keys, seeded(Net), data()).run().columns == {"loss": losses, "lr": rates}
    assert len(seen) > 1


def test_without_a_scheduler_there_is_no_learning_rate() -> None:
    keys = f"optimizer = SGD(lr=0.1)\n batch_size = {BATCH}\n scheduler = ExponentialLR(0.5)"
    fit = fit_of(keys, seeded(Net), data())
    assert list(fit_of(keys.partition("\n sch")[0], seeded(Net), data()).history.columns) == ["loss"]  # nothing without a scheduler
    assert list(fit.history.columns) == ["loss", "lr"] and "lr" not in fit.run().final


def test_the_learning_rate_is_nothing_to_judge_by() -> None:
    with pytest.raises(NetError, match="`lr` is none of the losses and metrics that are recorded"):
        fit_of(f'optimizer = SGD(lr=0.1)\n batch_size = {BATCH}\n scheduler = StepLR(1)\n monitor = "lr"', seeded(Net), data())


# Classes that a spec does not name, and why.
LEFT_OUT = {
    "Optimizer": "the base class",
    "LRScheduler": "the base class",
}


def test_all_of_torch_has_a_row_and_is_trained() -> None:
    for module, rows in ((optim, OPTIMIZERS), (lr, SCHEDULERS)):
        theirs = {n for n in module.__all__ if inspect.isclass(getattr(module, n))} - LEFT_OUT.keys()
        assert theirs == {row.name for row in rows}
    assert {w.partition("(")[0] for w in TRAINED} == {row.name for row in OPTIMIZERS}
    assert {w.partition("(")[0] for w, _, _ in SCHEDULED} == {row.name for row in SCHEDULERS}


IMPOSSIBLE = {
    "scheduler = OneCycleLR(0.1, total_steps=20)": "`OneCycleLR` of 20 steps ends before the training, which has 24",
    "scheduler = ReduceLROnPlateau()\n scheduler_interval = step": "looks at the value of an epoch",
    "scheduler = SequentialLR([StepLR(2)], [2, 3])": "`SequentialLR` of 1 scheduler has 2 milestones, and takes 0",
    f'scheduler = LambdaLR([python("{FACTORS}:decay"), python("{FACTORS}:decay")])':
        "`LambdaLR` has 2 functions, and the optimizer has 1 group",
    'scheduler = ReduceLROnPlateau()\n monitor = "los"': "did you mean `loss`?",
    "precision = fp16\n optimizer = LBFGS()": "which `precision = fp16` cannot scale",
    "batch_size = full\n accumulate = 2": "gathers the gradients of 2 batches, and there is one",
    "optimizer = Muon()": "Muon only supports 2D parameters",
}  # fmt: skip


@pytest.mark.parametrize("keys", IMPOSSIBLE)
def test_impossible_settings(keys: str) -> None:
    with pytest.raises(NetError) as caught:
        defaults = {"optimizer": "SGD()", "batch_size": str(BATCH)}
        given = "\n".join(f"{k} = {v}" for k, v in defaults.items() if k not in keys)
        fit_of(f"{given}\n {keys}", seeded(Net), data())
    assert caught.value.diagnostics[0].code == "argument-type" and IMPOSSIBLE[keys] in str(caught.value)


# --- steps ----------------------------------------------------------------------------------------------------------


def test_gradients_of_several_batches_are_those_of_all_their_rows() -> None:
    """Steps of 36 and 4 rows, each of the mean over its rows, computed in batches of 12; clipped by value, then by norm."""
    model = seeded(Net)
    optimizer, losses = optim.SGD(model.parameters(), lr=0.5), []
    for batches in batches_of(data()):
        found = []
        for group in (batches[:3], batches[3:]):
            optimizer.zero_grad()
            rows = sum(len(x) for x, _ in group)
            for x, y in group:
                loss: Tensor = model.loss(x, y)  # type: ignore[operator]
                (loss * (len(x) / rows) if len(group) > 1 else loss).backward()  # type: ignore[no-untyped-call]
                found.append(loss.item())
            nn.utils.clip_grad_value_(model.parameters(), 0.05)
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
        losses.append(mean(found, batches))
    keys = f"optimizer = SGD(lr=0.5)\n batch_size = {BATCH}\n accumulate = 3\n clip_grad_value = 0.05\n clip_grad_norm = 0.1"
    assert fit_of(keys, seeded(Net), data()).run().columns["loss"] == losses


def test_accumulated_steps_are_those_of_the_larger_batch() -> None:
    whole = fit_of("optimizer = Adam(lr=0.01)\n batch_size = 40", seeded(Net), data()).run().columns["loss"]
    parts = fit_of("optimizer = Adam(lr=0.01)\n batch_size = 13\n accumulate = 4", seeded(Net), data()).run().columns["loss"]
    assert parts == pytest.approx(whole, rel=1e-5)
    assert fit_of("optimizer = LBFGS(max_iter=3)\n batch_size = 13\n accumulate = 4", seeded(Net), data()).run().final["loss"] < parts[-1]


def test_half_precision_scales_the_loss() -> None:
    model, (x, y), losses = seeded(Net), data(), []
    optimizer, scaler = optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu")
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.float16):
            loss = model.loss(x, y)  # type: ignore[operator]
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    fp16 = fit_of("optimizer = SGD(lr=0.1)\n precision = fp16\n clip_grad_norm = 0.1", seeded(Net), data())
    assert fp16.run().columns["loss"] == losses
    assert fp16.take_step.scaler is not None and fp16.take_step.scaler.get_scale() == scaler.get_scale()


def test_a_step_that_is_skipped_is_none_of_the_scheduler_either() -> None:
    """The scaled gradients of large targets are infinite, until the scale has fallen far enough."""
    model, (x, y), losses, taken = seeded(Net), data(), [], 0
    tensors = (x, 200 * y)
    optimizer, scaler = optim.SGD(model.parameters(), lr=1e-3), torch.amp.GradScaler("cpu")
    scheduler = lr.LambdaLR(optimizer, my_factors.warmup)
    for batches in batches_of(tensors):
        found = []
        for batch in batches:
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.float16):
                loss = model.loss(*batch)  # type: ignore[operator]
            scaler.scale(loss).backward()
            before = [p.clone() for p in model.parameters()]
            scaler.step(optimizer)
            scaler.update()
            if not all(map(torch.equal, before, model.parameters())):
                scheduler.step()
                taken += 1
            found.append(loss.item())
        losses.append(mean(found, batches))
    keys = f'optimizer = SGD(lr=0.001)\n batch_size = {BATCH}\n precision = fp16\n scheduler = LambdaLR(python("{FACTORS}:warmup"))'
    fp16 = fit_of(f"{keys}\n scheduler_interval = step", seeded(Net), tensors)
    assert fp16.run().columns["loss"] == losses
    assert fp16.scheduler is not None and fp16.scheduler.last_epoch == taken and 4 * EPOCHS - taken > 2


# --- implementations ------------------------------------------------------------------------------------------------

CHOICES: dict[str, list[Any]] = {
    "momentum": [0.0, 0.9], "dampening": [0.0, 0.1], "weight_decay": [0.0, 0.01], "nesterov": [False, True], "maximize": [False, True],
    "amsgrad": [False, True], "decoupled_weight_decay": [False, True], "centered": [False, True], "lr_decay": [0.0, 0.1],
}  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_the_faster_implementation_gives_the_same_numbers_whatever_the_arguments(name: str) -> None:
    """What is taken for small networks, against torch's default."""
    made = getattr(optim, name)
    ours = [c for c in CHOICES if c in inspect.signature(made).parameters]
    for values in itertools.product(*(CHOICES[c] for c in ours)):
        arguments = dict(zip(ours, values, strict=True))
        if arguments.get("nesterov") and (not arguments["momentum"] or arguments["dampening"]):
            continue  # torch refuses it
        found = []
        for foreach in (False, True):
            torch.manual_seed(0)
            parameters = [nn.Parameter(torch.randn(shape)) for shape in ((8, 5), (8,), (20, 20), (1,))]
            optimizer = made(parameters, lr=0.01, foreach=foreach, **arguments)
            for _ in range(8):
                for p in parameters:
                    p.grad = torch.randn_like(p)
                optimizer.step()
            found.append(parameters)
        assert all(map(torch.equal, *found)), arguments


def test_hooks_on_the_optimizer_are_called() -> None:
    called = []
    handle = register_optimizer_step_post_hook(lambda *_: called.append(1))
    try:
        fit_of("optimizer = SGD()", seeded(Net), data()).run()
    finally:
        handle.remove()
    assert len(called) == EPOCHS
