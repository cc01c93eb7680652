"""When a training is saved: every so many seconds, but never so often that saving takes a noticeable part of the time."""

from __future__ import annotations

import time
from collections.abc import Callable

from netc.train.checkpoint import State

MOST = 0.05  # of the time may go into saving


class Saver:
    """Saves where a training stands when `seconds` have passed since the last time; 0 is after every step.

    Where a save takes long, the next one is put off until `MOST` of the time is kept.
    """

    def __init__(self, save: Callable[[State], None], seconds: float, saved: tuple[int, int] | None = None) -> None:
        self._save, self.seconds = save, seconds
        self.due = time.perf_counter() + seconds
        self.saved = saved  # epoch and step of the last save

    def is_due(self) -> bool:
        """Whether it is time."""
        return time.perf_counter() >= self.due

    def save(self, state: State) -> None:
        """Saves the state, unless it was saved already. Raises NetError where that cannot be done."""
        position = state["epoch"], state["step"]
        if position == self.saved:
            return
        start = time.perf_counter()
        self._save(state)
        self.saved = position
        now = time.perf_counter()
        self.due = now + max(self.seconds, (now - start) / MOST if self.seconds else 0.0)
