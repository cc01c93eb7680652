"""What stands for an array in Python as one of numpy's: what is masked is missing, and a tensor leaves its device and its graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from netc.data.normalize import Array

UNREADABLE = (TypeError, ValueError, OverflowError, RuntimeError)  # what numpy and torch raise of values that are no array


def as_array(values: Any) -> Array:
    """An array, a tensor, or lists of numbers, arrays or tensors as an array. Raises one of `UNREADABLE`."""
    if hasattr(values, "detach"):  # a tensor of torch, which is not imported for it
        tensor = values.detach().cpu()
        is_small = tensor.is_floating_point() and tensor.dtype.itemsize < 4  # of such dtypes numpy has only one
        return np.asarray(tensor.float() if is_small else tensor)
    if isinstance(values, list | tuple) and any(map(_has_axes, values)):
        return np.asarray([as_array(value) for value in values])
    return np.asarray(unmasked(values))


def unmasked(values: Any) -> Any:
    """A masked array with NaN in place of what is masked; anything else as it is."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    mask, data = np.ma.getmaskarray(values), np.ma.getdata(values)
    if not mask.any():
        return data
    kind = data.dtype.kind
    found = data.astype(data.dtype if kind in "fc" else np.float64 if kind in "biu" else object)
    found[mask] = np.nan
    return found


def _has_axes(value: Any) -> bool:
    return isinstance(value, list | tuple) or (hasattr(value, "__array__") and not isinstance(value, np.generic))
