"""Timing ways of doing a thing against each other, in turn, so that the machine's own ups and downs hit all of them."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

Work = Callable[[], object]

BLOCK = 1e-3  # seconds; what is faster is called several times for one measurement
FEWEST, MOST = 7, 2001  # rounds


@dataclass(frozen=True)
class Comparison:
    """Seconds of each way over all repetitions, taken in turn."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratios(self) -> list[float]:
        """The ratios pair by pair."""
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios, pair by pair."""
        return statistics.median(self.ratios)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the median of the ratios lies with 95 %: the order statistics by the sign test's normal approximation."""
        ratios, count = sorted(self.ratios), len(self.ours)
        reach = 1.96 * math.sqrt(count) / 2
        low, high = math.floor(count / 2 - reach), math.ceil(count / 2 + reach)
        return ratios[max(0, low)], ratios[min(count - 1, high)]

    @property
    def difference(self) -> float:
        """The median of the differences in seconds, pair by pair."""
        return statistics.median(a - b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def medians(self) -> tuple[float, float]:
        """The median of each way."""
        return statistics.median(self.ours), statistics.median(self.theirs)


def compare(ours: Work, theirs: Work, repetitions: int, warmup: int = 2) -> Comparison:
    """Times both in turn by the clock on the wall; each pair begins with the other one than the pair before."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for i in range(warmup + repetitions):
        for which in ((0, 1), (1, 0))[i % 2]:
            start = time.perf_counter()
            (ours, theirs)[which]()
            taken = time.perf_counter() - start
            if i >= warmup:
                seconds[which].append(taken)
    return Comparison(*seconds)


def in_turn(ways: Mapping[str, Work], seconds: float) -> dict[str, list[float]]:
    """The seconds of a call of each way, round after round for about `seconds`: at least `FEWEST` rounds.

    The processor's time is taken, so that what else runs on the machine counts little; the ways must use one thread. A round
    begins with another way than the round before, and goes round the other way about.
    """
    counts = {name: max(1, round(BLOCK / taken)) for name, taken in _warm(ways).items()}
    names, found = list(ways), {name: list[float]() for name in ways}
    end = time.perf_counter() + seconds
    with _no_collection():
        for i in range(MOST):
            if i >= FEWEST and time.perf_counter() > end:
                break
            turned = names[i % len(names) :] + names[: i % len(names)]
            for name in turned if i // len(names) % 2 else turned[::-1]:
                found[name].append(_seconds(ways[name], counts[name]))
    return found


def _warm(ways: Mapping[str, Work]) -> dict[str, float]:
    """About how long a call takes, once it has been called before."""
    for work in ways.values():
        work()
    return {name: min(_seconds(work, 1) for _ in range(2)) for name, work in ways.items()}


def _seconds(work: Work, count: int) -> float:
    start = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - start) / count


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage is collected, as in `timeit`: it would hit one way or the other."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
