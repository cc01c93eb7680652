"""Scaling of data as plain numbers, so that what was fitted in training can be stored and used in prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Scaling:
    """`(x - offset) / scale`, with one number for each column, or one for all."""

    kind: str
    offset: tuple[float, ...]
    scale: tuple[float, ...]

    def apply(self, values: Array) -> Array:
        """The scaled values, `float64` of the same shape; columns are the last axis."""
        return np.asarray((values.astype(np.float64) - np.array(self.offset)) / np.array(self.scale))

    def undo(self, values: Array) -> Array:
        """What `apply` made of it, turned back."""
        return np.asarray(values * np.array(self.scale) + np.array(self.offset))

    @property
    def record(self) -> dict[str, Any]:
        """The numbers as JSON can hold them."""
        return {"kind": self.kind, "offset": list(self.offset), "scale": list(self.scale)}

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> Scaling:
        """What `record` was made of."""
        return Scaling(record["kind"], tuple(record["offset"]), tuple(record["scale"]))


def fit_scaling(kind: str, parts: Array | Iterable[Array], *, whole: bool = False) -> Scaling | None:
    """The scaling of that kind for values `[n]` or `[n, k]`, which may come in parts; None for `none`.

    `standard` gives each column mean 0 and variance 1, `minmax` the range 0 to 1, both by scikit-learn's rules (a constant
    column is only shifted); with `whole` all values are one column. `max` divides everything by the largest value of all.
    Raises ValueError where the largest value is not positive.
    """
    if kind == "none":
        return None
    parts = [parts] if isinstance(parts, np.ndarray) else parts
    if kind == "max":
        return Scaling(kind, (0.0,), (_positive(max(float(part.max()) for part in parts)),))
    columns = (part.reshape(-1, 1) if whole else part.reshape(len(part), -1) for part in parts)
    if kind == "standard":
        from sklearn.preprocessing import StandardScaler

        standard = StandardScaler()
        for part in columns:
            standard.partial_fit(part)
        return Scaling(kind, _plain(standard.mean_), _plain(standard.scale_))
    assert kind == "minmax", kind
    from sklearn.preprocessing import MinMaxScaler

    scaler = MinMaxScaler()
    for part in columns:
        scaler.partial_fit(part)
    constant = scaler.scale_ == 1.0  # what scikit-learn takes as the scale of a column without a range
    return Scaling(kind, _plain(scaler.data_min_), _plain(np.where(constant, 1.0, scaler.data_range_)))


def _plain(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def _positive(largest: float) -> float:
    if not largest > 0:
        raise ValueError(f"`max` divides by the largest value, and that is {largest:g}")
    return largest
