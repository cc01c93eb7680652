"""Networks of any number of layers, in the forms in which specs grow: for what is said of time and memory."""

from __future__ import annotations

from collections.abc import Callable


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
