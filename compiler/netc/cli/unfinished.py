"""What the commands that take a run's model say of one that is not finished."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from netc.runs.folder import Unfinished


@contextmanager
def saying_unfinished() -> Iterator[None]:
    """Says on standard error, in a line, where the weights of a run are not its last ones yet."""
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, Unfinished):
            print(f"warning: {message}", file=sys.stderr)
        else:
            usual(message, category, *where, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", Unfinished)
        warnings.showwarning = show
        yield
