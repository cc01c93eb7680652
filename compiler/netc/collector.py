"""Python's collector of reference cycles, paused while much is made that stays.

It looks through everything that is alive again and again while that grows, and finds nothing: half of the time in which a
network of 10,000 layers is checked, two thirds of that in which its module is made.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pauses the collector, if it runs. As a decorator, for the length of each call."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
