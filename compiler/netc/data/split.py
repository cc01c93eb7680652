"""Which rows are trained on, and which are held out."""

from __future__ import annotations

import math

import numpy as np

from netc.data.normalize import Array
from netc.data.table import Table
from netc.diagnostics import count_of, error
from netc.settings import Section


def split(table: Table, section: Section, seed: int) -> tuple[Array, Array]:
    """The numbers of the rows to train on and to validate on; the latter is empty for `validation = 0`.

    Classes are split in proportion where each is in both parts. Raises NetError where a part would have no row.
    """
    rows, fraction = np.arange(len(table.features)), section["validation"]
    if fraction == 0:
        return rows, rows[:0]
    span = section.values["validation"].span
    count = math.ceil(fraction * len(rows))  # as scikit-learn counts
    if count >= len(rows):
        raise error(
            "data", f"`validation = {fraction}` of {count_of(len(rows), 'row')} leaves none to train on", span, "a smaller share, e.g. 0.2"
        )
    from sklearn.model_selection import train_test_split

    strata = _strata(table, count)
    # scikit-learn takes 32 bits of seed, torch 64.
    train, held_out = train_test_split(rows, test_size=fraction, random_state=seed % 2**32, stratify=strata)
    return np.asarray(train), np.asarray(held_out)


def _strata(table: Table, held_out: int) -> Array | None:
    """The classes to keep in proportion, or None where there are none or too few rows of them."""
    if table.classes is None:
        return None
    counts = np.unique(table.classes, return_counts=True)[1]
    possible = counts.min() >= 2 and len(counts) <= min(held_out, len(table.features) - held_out)
    return table.classes if possible else None
