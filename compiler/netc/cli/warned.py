"""What the commands that take a run's model say of it, and of rows, in a line on standard error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from netc.runs.folder import LeftOut, Run, Unfinished
from netc.train.best import which_weights

SAID = (Unfinished, LeftOut)


@contextmanager
def saying_warnings(run: Run, best: bool) -> Iterator[None]:
    """Says where the weights of a run are not its last ones yet, where others are the best ones, and where rows are left out."""
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
    said = "" if best or run.goes_on or run.state == "failed" else which_weights(run.record, "`--best` takes")
    if said:
        print(said, file=sys.stderr)
