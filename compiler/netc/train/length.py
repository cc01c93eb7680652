"""How long a training is to be, by its resolved spec. No torch here."""

from __future__ import annotations

import re


def planned_epochs(spec: str) -> int | None:
    """The `epochs` of the `train` section."""
    found = re.search(r"^ *epochs += (\d+)$", spec.rpartition("\ntrain {")[2], flags=re.MULTILINE)
    return int(found[1]) if found else None
