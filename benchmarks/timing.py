"""Timing two ways of doing a thing against each other, so that the machine's own ups and downs hit both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Seconds of each way over all repetitions, taken in turn."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratio(self) -> float:
        """The median of the ratios, pair by pair."""
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def difference(self) -> float:
        """The median of the differences in seconds, pair by pair."""
        return statistics.median(a - b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def medians(self) -> tuple[float, float]:
        """The median of each way."""
        return statistics.median(self.ours), statistics.median(self.theirs)


def compare(ours: Callable[[], object], theirs: Callable[[], object], repetitions: int, warmup: int = 2) -> Comparison:
    """Times both in turn; each pair begins with the other one than the pair before."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for i in range(warmup + repetitions):
        for which in ((0, 1), (1, 0))[i % 2]:
            start = time.perf_counter()
            (ours, theirs)[which]()
            taken = time.perf_counter() - start
            if i >= warmup:
                seconds[which].append(taken)
    return Comparison(*seconds)
