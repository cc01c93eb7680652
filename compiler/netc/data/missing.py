"""What may stand for missing values in columns."""

from __future__ import annotations

from typing import Any

from netc.data.encode import IMPUTED

KINDS = {  # what columns hold, and what may stand for a missing one
    "number": ("numbers", "`mean`, `median`, `most_frequent` or a number"),
    "bool": ("true and false", "`most_frequent` or a number"),
    "category": ("texts", "`most_frequent` or a text"),
    "array": ("arrays", "`drop`, which leaves the row out"),
}


def may_fill(way: Any, kind: str, *, is_target: bool) -> bool:
    """Whether a way gives a value for what is missing in columns of that kind. A target is never made up."""
    if is_target or way in ("error", "drop") or kind == "array":
        return False
    if kind == "category":
        return isinstance(way, str) and way not in ("mean", "median")
    return not isinstance(way, str) or way in IMPUTED
