"""Which rows are trained on, and which are held out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from netc.data.normalize import Array
from netc.diagnostics import count_of, error
from netc.settings import Section

HELD_OUT = ("validation", "test")
MOST_SHUFFLED = 2**21  # rows; for more, a byte a row is all that a split takes


def split(rows: int, classes: Array | None, section: Section, seed: int) -> tuple[Array, Array, Array]:
    """The places of the rows to train on, to validate on and to test on; the shares `validation` and `test` are of all rows.

    `classes` `[rows]` are split in proportion where each is in all parts. Raises NetError where none would be left to train on.
    """
    counts = [_count(rows, section, key) for key in HELD_OUT]
    if rows > MOST_SHUFFLED:
        return _marked(rows, classes, counts, seed)
    rest, test = _part(np.arange(rows), classes, counts[1], _share(section, "test", 1.0), seed)
    train, validation = _part(rest, classes, counts[0], _share(section, "validation", rows / max(len(rest), 1)), seed)
    return train, validation, test


def _share(section: Section, key: str, stretch: float) -> float:
    return float(section[key]) * stretch


def _count(rows: int, section: Section, key: str) -> int:
    shares = [section[k] for k in HELD_OUT]
    count: int = math.ceil(section[key] * rows)  # as scikit-learn counts
    if count and sum(math.ceil(share * rows) for share in shares) >= rows:
        words = " and ".join(f"`{k} = {section[k]}`" for k in HELD_OUT if section[k])
        leaves = "leaves" if sum(map(bool, shares)) == 1 else "leave"
        raise error("data", f"{words} of {count_of(rows, 'row')} {leaves} none to train on", section.values[key].span,
                    "a smaller share, e.g. 0.2" if rows > 2 else "give it more rows")  # fmt: skip
    return count


def _part(rows: Array, classes: Array | None, count: int, share: float, seed: int) -> tuple[Array, Array]:
    """The rows without `count` of them, and those."""
    if not count:
        return rows, rows[:0]
    from sklearn.model_selection import train_test_split

    strata = None if classes is None else _strata(classes[rows], count)
    # The share itself where it gives that count: scikit-learn's rounding is then the same. It takes 32 bits of seed, torch 64.
    size = share if math.ceil(share * len(rows)) == count else count
    rest, part = train_test_split(rows, test_size=size, random_state=seed % 2**32, stratify=strata)
    return np.asarray(rest), np.asarray(part)


def _strata(classes: Array, held_out: int) -> Array | None:
    """The classes to keep in proportion, or None where there are too few rows of them."""
    counts = np.unique(classes, return_counts=True)[1]
    possible = counts.min() >= 2 and len(counts) <= min(held_out, len(classes) - held_out)
    return classes if possible else None


def _marked(rows: int, classes: Array | None, counts: Sequence[int], seed: int) -> tuple[Array, Array, Array]:
    """The same for very many rows: each gets a mark, shuffled within its class, and a part is the rows of a mark, in order."""
    random = np.random.default_rng(seed)
    marks = np.zeros(rows, np.uint8)
    groups = [slice(None)] if classes is None else [np.flatnonzero(classes == c) for c in np.unique(classes)]
    for group in groups:
        own = np.zeros(len(marks[group]), np.uint8)
        sizes = [round(count * len(own) / rows) for count in counts]
        own[: sizes[0]], own[sizes[0] : sum(sizes)] = 1, 2
        random.shuffle(own)
        marks[group] = own
    train, validation, test = (np.flatnonzero(marks == mark).astype(np.int32 if rows < 2**31 else np.int64) for mark in (0, 1, 2))
    return train, validation, test
