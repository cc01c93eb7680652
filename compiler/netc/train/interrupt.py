"""Ctrl-C or SIGTERM as a request: the first one asks to stop, the second one interrupts at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from types import FrameType, TracebackType

INTERRUPTED = 130  # the exit status of what SIGINT ended, as a shell counts: 128 + 2
LEFT = 5.0  # seconds that the process has which speaks, see `end_late`
SIGNALS = (signal.SIGINT, signal.SIGTERM)  # of a person; of a scheduler of jobs that wants the machine back
CLOSING = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGQUIT") if hasattr(signal, name))  # of a terminal, which Windows has not


class Interrupt:
    """While entered, a signal sets `requested`; once that is set, another raises KeyboardInterrupt.

    With `once` it does not: a launcher asks its processes to stop, and ends those itself that take too long. Off the main thread, or
    where a signal is ignored (a background job), it does nothing.
    """

    def __init__(self, once: bool = False, signals: Sequence[signal.Signals] = SIGNALS) -> None:
        self.requested = False
        self.once, self.signals = once, signals
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in self.signals:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and not self.once:
            raise KeyboardInterrupt
        self.requested = True


def end_late() -> None:
    """From now on SIGTERM ends this process some seconds later, unless it ends by itself before.

    That is for the one that speaks, of several that torchrun started: as soon as one ends with an error, torch ends the others by this
    signal, and the one that has met the same error, or that got to know it, would be gone before it has said it.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        timer = threading.Timer(LEFT, os._exit, (128 + number,))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, handle)
