"""What the commands that take a run's model say of it, and of rows, in a line on standard error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from netc.runs.folder import Unfinished
from netc.runs.given import LeftOut

SAID = (Unfinished, LeftOut)


@contextmanager
def saying_warnings() -> Iterator[None]:
    """Says where the weights of a run are not its last ones yet, and where rows are left out."""
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, SAID):
            print(f"warning: {message}", file=sys.stderr)
        else:
            usual(message, category, *where, **more)

    with warnings.catch_warnings():
        for category in SAID:
            warnings.simplefilter("always", category)
        warnings.showwarning = show
        yield
