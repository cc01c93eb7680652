"""How long the compiler takes as networks grow: each form of network at several sizes, each stage by itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import torch

import netc

SIZES = (1000, 2000, 5000, 10_000, 20_000)


def flat(count: int) -> str:
    """A statement a layer."""
    lines = [f"  h{i} = h{i - 1} -> layer{i}: {'Linear(8)' if i % 2 else 'ReLU'}" for i in range(1, count + 1)]
    return "\n".join(["network Flat {", "  input h0: [B, 8]", *lines, f"  output h{count}", "}"])


def pipeline(count: int) -> str:
    """One pipeline, a line a layer, without labels."""
    stages = "\n".join(f"    -> {'Linear(8)' if i % 2 else 'ReLU'}" for i in range(count))
    return f"network Pipeline {{\n  input x: [B, 8]\n  h = x\n{stages}\n  output h\n}}"


def branches(count: int) -> str:
    """Branches side by side, merged."""
    return f"network Wide {{\n  input x: [B, 8]\n  output x -> ({' || '.join(['Linear(8)'] * count)}) -> concat(dim=1)\n}}"


def repeated(count: int) -> str:
    """A `repeat`."""
    return f"network Repeated {{\n  input x: [B, 8]\n  output x -> repeat {count} {{ Linear(8) }}\n}}"


def blocks(count: int) -> str:
    """Uses of a block, each of two layers."""
    block = "block Feed {\n  in x: [N, D]\n  out x + (x -> Linear(D) -> ReLU)\n}\n"
    return f"{block}network Blocks {{\n  input x: [B, 8]\n  output x -> body: {{ {' -> '.join(['Feed'] * (count // 3))} }}\n}}"


def convolutions(count: int) -> str:
    """Layers with symbolic sizes."""
    stages = "\n".join("    -> Conv2d(4, 3, padding=1)" if i % 2 else "    -> ReLU" for i in range(count))
    return f"network Convolutions {{\n  input x: [B, 4, H, W]\n  h = x\n{stages}\n  output h\n}}"


def skips(count: int) -> str:
    """Every value is used again by the one after the next."""
    lines = [f"  h{i} = h{i - 1} + h{max(0, i - 2)}" for i in range(1, count + 1)]
    return "\n".join(["network Skips {", "  input h0: [B, 8]", *lines, f"  output h{count}", "}"])


FORMS: dict[str, Callable[[int], str]] = {
    "a statement a layer": flat, "one pipeline": pipeline, "branches": branches, "a `repeat`": repeated, "uses of a block": blocks,
    "convolutions of [B, 4, H, W]": convolutions, "sums of two values": skips,
}  # fmt: skip


def checked(text: str) -> float:
    """The seconds of the processor for a check."""
    start = time.process_time()
    netc.load(text)
    return time.process_time() - start


def stages(text: str) -> dict[str, float]:
    """The seconds of the processor for each stage on one network."""
    network = netc.load(text)
    works: dict[str, Callable[[], Any]] = {
        "check": lambda: netc.load(text), "summary": network.summary, "draw": network.draw, "PyTorch source": network.source,
        "resolved spec": network.resolved, "module": network.module,
    }  # fmt: skip
    taken = {}
    for name, work in works.items():
        start = time.process_time()
        made = work()
        taken[name] = time.process_time() - start
    start = time.process_time()
    with torch.no_grad():
        made(torch.ones(2, 8))
    return {**taken, "first forward": time.process_time() - start}


if __name__ == "__main__":
    for form in sys.argv[1].split(","):
        for size in map(int, sys.argv[2].split(",")):
            print(form, size, round(checked(globals()[form](size)), 2), flush=True)
