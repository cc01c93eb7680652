"""Every spec of `specs/` against the same network written by hand: inference and a training step, at small sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import torch

from pairs import RIVALS, Pair, pair
from report import Figure, Report, table
from timing import Comparison, Work, in_turn

BATCHES = (1, 8)
GOAL = 1.02
RATE = 0.0  # the learning rate: a step costs what it costs, and both ways go on computing the same


@dataclass(frozen=True)
class Row:
    """A spec at a batch size."""

    name: str
    batch: int
    inference: Comparison
    training: Comparison

    def cells(self) -> list[str]:
        return [f"`{self.name}`", str(self.batch), *cells(self.inference), *cells(self.training)]


def cells(found: Comparison) -> list[str]:
    low, high = found.interval
    return [f"{found.ratio:.3f}", f"{low:.3f} to {high:.3f}", f"{found.medians[1] * 1e3:.3g} ms"]


def inference(made: Pair, batch: int) -> dict[str, Work]:
    inputs, _ = made.tensors(batch)
    ours, theirs = made.ours.eval(), made.theirs.eval()

    @torch.no_grad()
    def netc() -> object:
        return ours(*inputs)

    @torch.no_grad()
    def hand() -> object:
        return theirs(*inputs)

    return {"netc": netc, "hand": hand}


def training(made: Pair, batch: int) -> dict[str, Work]:
    inputs, targets = made.tensors(batch)
    tensors = inputs + targets
    optimizer = torch.optim.SGD(made.theirs.parameters(), lr=RATE)  # the parameters are the same tensors
    ours, theirs = made.ours.train(), made.theirs.train()

    def netc() -> None:
        optimizer.zero_grad()
        made.our_loss(ours, *tensors).backward()
        optimizer.step()

    def hand() -> None:
        optimizer.zero_grad()
        made.their_loss(theirs, *tensors).backward()
        optimizer.step()

    return {"netc": netc, "hand": hand}


def compared(ways: dict[str, Work], seconds: float) -> Comparison:
    times = in_turn(ways, seconds)
    return Comparison(times["netc"], times["hand"])


def measured(names: Sequence[str], seconds: float) -> Iterator[Row]:
    """The rows one by one; `seconds` for each of the four comparisons of a spec."""
    for name in names:
        made = pair(name)
        for batch in BATCHES:
            yield Row(name, batch, compared(inference(made, batch), seconds), compared(training(made, batch), seconds))


def figures(rows: Sequence[Row]) -> Iterator[Figure]:
    """The median over the specs, and the slowest."""
    for what in ("inference", "training"):
        for batch in BATCHES:
            found: dict[str, Comparison] = {row.name: getattr(row, what) for row in rows if row.batch == batch}
            title = f"{len(found)} specs, {what}, batch {batch}"
            yield Figure(f"{title}: median", f"{median(c.ratio for c in found.values()):.3f}", "1.00")
            slowest = max(found, key=lambda name: found[name].ratio)
            yield Figure(f"{title}: slowest", f"{found[slowest].ratio:.3f} (`{slowest}`)", f"{GOAL}")
            surely = [f"`{name}`" for name, c in found.items() if c.interval[0] > GOAL]
            yield Figure(f"{title}: those with more than {GOAL} at 95 %", ", ".join(surely) or "none", "none")


def report(names: Sequence[str], seconds: float) -> Report:
    """The specs of these names, or all; `seconds` for each of the four comparisons of a spec."""
    if unknown := set(names) - RIVALS.keys():
        raise SystemExit(f"no such spec: {', '.join(sorted(unknown))}")
    rows = list(measured(names or list(RIVALS), seconds))
    head = ["spec", "batch", "inference", "95 %", "by hand", "training step", "95 %", "by hand"]
    return Report(list(figures(rows)), table(head, [row.cells() for row in rows]))
