"""A training step of GPT-2 small on an accelerator: bf16, compiled whole, AdamW; netc's module against the one by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

import netc
from language_twins import GPT2
from pairs import ROOT
from report import Figure, Report, table
from timing import Comparison

BATCH, LENGTH = 16, 1024  # sequences of a step, tokens of each
STEPS, WARM = 10, 3  # of a repetition, and before the first


def models(parameters: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Both with the same numbers, each with parameters of its own, as both are trained."""
    ours, theirs = netc.load(ROOT / "specs" / "gpt2.net", parameters).module(), GPT2(**parameters)
    theirs.load_state_dict(ours.state_dict())
    return {"netc": ours, "by hand": theirs}


def step(model: Any, device: torch.device, tokens: Tensor) -> Callable[[], object]:
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    loss = torch.compile(model.loss, fullgraph=True)
    following = tokens.roll(-1, 1)

    def work() -> None:
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16):
            value = loss(tokens, following)
        value.backward()
        optimizer.step()

    return work


def measured(device: torch.device, repetitions: int, batch: int, length: int, parameters: Mapping[str, Any]) -> dict[str, list[float]]:
    """Seconds of a step of either, taken in turn."""
    tokens = torch.randint(0, parameters.get("words", 50257), (batch, length), device=device)
    steps = {name: step(model, device, tokens) for name, model in models(parameters).items()}
    found: dict[str, list[float]] = {name: [] for name in steps}
    for work in steps.values():
        _seconds(work, WARM, device)
    for i in range(repetitions):
        for name in list(steps)[:: 1 if i % 2 else -1]:
            found[name].append(_seconds(steps[name], STEPS, device))
    return found


def _seconds(work: Callable[[], object], count: int, device: torch.device) -> float:
    _wait(device)
    start = time.perf_counter()
    for _ in range(count):
        work()
    _wait(device)
    return (time.perf_counter() - start) / count


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def report(repetitions: int = 15) -> Report:
    what = f"GPT-2 small, a training step in bf16, compiled, {BATCH} times {LENGTH} tokens"
    if not torch.cuda.is_available():
        return Report([Figure(what, "no accelerator was at hand")], ["No accelerator was at hand: this was not measured."])
    device = torch.device("cuda")
    found = measured(device, repetitions, BATCH, LENGTH, {})
    compared = Comparison(found["netc"], found["by hand"])
    rows = [[name, f"{median(times) * 1e3:.1f} ms", f"{BATCH * LENGTH / median(times):,.0f}"] for name, times in found.items()]
    return Report(
        [Figure(what, f"{compared.ratio:.3f}", "1.00")],
        [f"On {torch.cuda.get_device_name(device)}.", "", *table(["way", "a step", "tokens per second"], rows)],
    )
