"""Checkpoints: what is put in comes out, to the bit; what is damaged is told; what cannot be written leaves the one before."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import random
import resource
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from netc import NetError
from netc.train import checkpoint
from netc.train.checkpoint import is_saved, load, save
from netc.train.rng import random_states, restore_random


def same(a: Any, b: Any) -> bool:
    """Equal in type, structure and every bit."""
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and a.shape == b.shape and bits(a) == bits(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(type(x) is type(y) for x, y in zip(a, b, strict=True)) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return a.hex() == float(b).hex()
    return bool(a == b)


def bits(tensor: Tensor) -> bytes:
    return bytes(tensor.resolve_conj().detach().contiguous().reshape(-1).view(torch.uint8).tolist())


base = torch.arange(12.0)
STATES: dict[str, Any] = {
    "floats": [0.1, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 1 / 3],
    "plain": {"none": None, "yes": True, "int": -(2**200), "text": "ä\n😀 \"'", "empty": {}, "list": []},
    "tuples": {"betas": (0.9, 0.999), "nested": [(1, (2.0,), []), ()], "lists": [[1], (1,)]},
    "keys": {0: "int", "0": "text", (1, "a"): "tuple", None: 1, True: 2, 2.5: 3},
    "dollars": {"$tensor": "no tensor", "x": {"$dict": [[1, 2]]}},
    "counter": Counter({3: 1, 30: 2}),
    "dtypes": {str(d): torch.tensor([0, 1, 3]).to(d) for d in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.int64, torch.int32,
        torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool, torch.complex64, torch.complex128)},
    "shapes": [torch.tensor(3.0), torch.zeros(0), torch.zeros(2, 0, 3), torch.zeros(1, 1)],
    "not finite": torch.tensor([math.nan, math.inf, -0.0]),
    "views": [base[::2], base.reshape(3, 4).T, base[3:], base, base.view(4, 3), torch.tensor([1 + 2j]).conj()],
    "names that meet": {"a.b": torch.ones(1), "a": {"b": torch.zeros(1)}, "a/b": torch.ones(2)},
    "a parameter": nn.Parameter(torch.ones(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", STATES)
def test_what_is_saved_is_loaded(name: str, tmp_path: Path) -> None:
    save(tmp_path, {"it": STATES[name]})
    assert same(load(tmp_path)["it"], STATES[name].detach() if isinstance(STATES[name], nn.Parameter) else STATES[name])


def test_a_tensor_that_stands_twice_is_stored_once(tmp_path: Path) -> None:
    large = torch.zeros(10_000)
    save(tmp_path, {"embedding": large, "head": large})
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) < 50_000
    loaded = load(tmp_path)
    assert loaded["embedding"] is loaded["head"]


def test_what_a_checkpoint_cannot_hold_is_named_with_its_place(tmp_path: Path) -> None:
    save(tmp_path, {"old": 1})
    with pytest.raises(TypeError, match=r"cannot hold set at state.a.1"):
        save(tmp_path, {"a": [1, {2}]})
    assert load(tmp_path) == {"old": 1}


OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    name: getattr(torch.optim, name)
    for name in ("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "ASGD", "LBFGS", "NAdam", "RAdam", "RMSprop", "Rprop")
} | {
    "SGD": lambda p: torch.optim.SGD(p, momentum=0.9, nesterov=True),
    "AdamW, lr a tensor": lambda p: torch.optim.AdamW(p, torch.tensor(0.01)),
}


def stepped(optimizer: torch.optim.Optimizer, weight: nn.Parameter, steps: int) -> list[float]:
    def closure() -> float:
        optimizer.zero_grad()
        loss = ((weight - torch.tensor([1.0, 2.0, 3.0])) ** 4).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    return [float(optimizer.step(closure)) for _ in range(steps)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_on_exactly(name: str, tmp_path: Path) -> None:
    weight = nn.Parameter(torch.zeros(3))
    optimizer = OPTIMIZERS[name]([weight])
    stepped(optimizer, weight, 3)
    save(tmp_path, {"optimizer": optimizer.state_dict(), "weight": weight})
    state = load(tmp_path)
    assert same(state["optimizer"], optimizer.state_dict())
    again = nn.Parameter(state["weight"].clone())
    other = OPTIMIZERS[name]([again])
    other.load_state_dict(state["optimizer"])
    assert stepped(other, again, 4) == stepped(optimizer, weight, 4) and bits(again) == bits(weight)


S = lr_scheduler
SCHEDULERS: dict[str, Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]] = {
    "StepLR": lambda o: S.StepLR(o, 2),
    "MultiStepLR": lambda o: S.MultiStepLR(o, [2, 4, 4]),
    "ConstantLR": S.ConstantLR,
    "LinearLR": S.LinearLR,
    "ExponentialLR": lambda o: S.ExponentialLR(o, 0.9),
    "PolynomialLR": S.PolynomialLR,
    "CosineAnnealingLR": lambda o: S.CosineAnnealingLR(o, 7),
    "CosineAnnealingWarmRestarts": lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2),
    "CyclicLR": lambda o: S.CyclicLR(o, 0.01, 0.1, 3, mode="exp_range", gamma=0.9),
    "OneCycleLR": lambda o: S.OneCycleLR(o, 0.1, 20),
    "SequentialLR": lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 2), S.ExponentialLR(o, 0.9)], [4]),
    "ChainedScheduler": lambda o: S.ChainedScheduler([S.LinearLR(o), S.ExponentialLR(o, 0.9)]),
}


def rates(optimizer: torch.optim.Optimizer, scheduler: lr_scheduler.LRScheduler, epochs: int) -> list[object]:
    found: list[object] = []
    for _ in range(epochs):
        optimizer.step()
        scheduler.step()
        found += [(group["lr"], group["momentum"]) for group in optimizer.param_groups]
    return found


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_goes_on_exactly(name: str, tmp_path: Path) -> None:
    def pair() -> tuple[torch.optim.Optimizer, lr_scheduler.LRScheduler]:
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(3))], lr=0.05, momentum=0.9)
        return optimizer, SCHEDULERS[name](optimizer)

    optimizer, scheduler = pair()
    rates(optimizer, scheduler, 3)
    save(tmp_path, {"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()})
    state, (other, its_scheduler) = load(tmp_path), pair()
    other.load_state_dict(state["optimizer"])
    its_scheduler.load_state_dict(state["scheduler"])
    assert rates(other, its_scheduler, 9) == rates(optimizer, scheduler, 9)


def drawn() -> list[float]:
    return [torch.rand(()).item(), torch.randn(()).item(), np.random.rand(), np.random.randn(), random.random(), random.gauss(0, 1)]


def test_all_random_numbers_go_on(tmp_path: Path) -> None:
    drawn()  # numpy and Python keep every second normal number
    save(tmp_path, random_states())
    expected, later = drawn(), drawn()
    assert expected != later
    restore_random(load(tmp_path))
    assert [*drawn(), *drawn()] == [*expected, *later]


# --- the files ------------------------------------------------------------------------------------------------------


def saved(folder: Path, number: int = 1, size: int = 100) -> Path:
    save(folder, {"number": number, "tensor": torch.full((size,), float(number))})
    return folder


def test_a_new_checkpoint_takes_the_place_of_the_old_one_and_nothing_is_left_behind(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    assert not is_saved(folder)
    for number in (1, 2, 3):
        saved(folder, number)
        assert is_saved(folder) and load(folder)["number"] == number
        assert len(list(folder.iterdir())) == 2
    (folder / "tensors-9").mkdir()
    (folder / "tensors-9" / "tensors.safetensors").write_bytes(b"of a save that was killed")
    saved(folder, 4)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("step", ["read_record", "check_files", "safe_open", "_read"])
def test_what_is_read_while_it_is_replaced_is_of_one_moment(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another training saves after a step of the reading, three times; what is picked is as it was saved."""
    numbers, real = iter(range(3)), getattr(checkpoint, step)

    def replaced(*rest: Any, **more: Any) -> Any:
        monkeypatch.setattr(checkpoint, step, real)
        found = real(*rest, **more)
        with contextlib.suppress(StopIteration):
            _save_number(tmp_path, next(numbers))
            monkeypatch.setattr(checkpoint, step, replaced)
        return found

    _save_number(tmp_path, -1)
    monkeypatch.setattr(checkpoint, step, replaced)
    found = [load(tmp_path, lambda state: [state["epoch"], state["model"]["w"]]) for _ in range(5)]
    assert all((weights == number).all() for number, weights in found)
    assert found[-1][0] == 2


def _save_number(folder: Path, number: int) -> None:
    save(folder, {"epoch": number, "model": {"w": torch.full((5,), number)}, "other": [torch.full((9,), number)]})


def test_what_is_replaced_all_the_time_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, {"w": torch.ones(1)})
    whole, numbers = checkpoint.read_record, itertools.count()

    def replaced(folder: Path) -> dict[str, Any]:
        record = whole(folder)
        return record | {"tensors": record["tensors"] | {"folder": f"tensors-{100 + next(numbers)}"}}

    monkeypatch.setattr(checkpoint, "read_record", replaced)
    with pytest.raises(NetError, match="is replaced faster than it can be read"):
        load(tmp_path)


def test_no_checkpoint_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(NetError, match="there is no checkpoint in"):
        load(tmp_path / "checkpoint")


def test_any_damage_is_told(tmp_path: Path) -> None:
    """Every 7th byte of both files is changed, and each is cut off at some lengths."""
    folder = saved(tmp_path / "checkpoint", size=3)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        turned = [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in range(0, len(whole), 7)]
        for damaged in [*turned, *(whole[:n] for n in (0, 1, 10, len(whole) - 1)), b"[1]", b"{}", b'{"format": 1, "sha256": 3}']:
            path.write_bytes(damaged)
            with pytest.raises(NetError, match=r"is damaged|checkpoint of format"):
                load(folder)
        path.unlink()
        with pytest.raises(NetError, match=r"is damaged: it is missing|there is no checkpoint"):
            load(folder)
        path.write_bytes(whole)
    assert load(folder)["number"] == 1


def test_a_checkpoint_of_another_format_is_not_guessed_at(tmp_path: Path) -> None:
    saved(tmp_path)
    record = json.loads((tmp_path / "state.json").read_text())
    del record["sha256"]
    record["format"] = 3
    hashed = {"sha256": hashlib.sha256(json.dumps(record).encode()).hexdigest(), **record}
    (tmp_path / "state.json").write_text(json.dumps(hashed))
    with pytest.raises(NetError, match="of format 3, and this netc reads format 2"):
        load(tmp_path)


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 4 MB; what writes on is told so, as on a disk that is full."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("state", [{"tensor": torch.ones(2_000_000)}, {"text": "x" * 5_000_000}])
def test_a_disk_that_is_full_leaves_the_checkpoint_before(state: dict[str, Any], tmp_path: Path, small_disk: None) -> None:
    folder = saved(tmp_path / "checkpoint")
    with pytest.raises(NetError, match=r"checkpoint.* cannot be written: File too large"):
        save(folder, state)
    assert load(folder)["number"] == 1 and len(list(folder.iterdir())) == 2
