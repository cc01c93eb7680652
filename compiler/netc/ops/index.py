"""The rule of `x[…]`: ints take an axis away, slices keep a part, `...` stands for the axes between."""

from __future__ import annotations

from typing import Any

from netc.ops.op import Problem, Slice, Use
from netc.shapes import Dim, Size
from netc.tensors import INTEGERS, TensorType, Type


def index(use: Use) -> Type:
    """The part of a tensor that the entries name. One entry may be a tensor of whole numbers, which picks along its axis."""
    x, entries = use.tensor("input"), list(use["entries"])
    named = sum(1 for e in entries if e is not ... and e is not None)
    if named > x.rank:
        raise Problem("axis", f"{named} entries index {x}, which has {x.rank} axes", "entries", "input")
    if entries.count(...) > 1:
        raise Problem("axis", "`...` stands once in an index", "entries")
    place = entries.index(...) if ... in entries else len(entries)
    entries[place : place + 1] = [Slice(None, None, None)] * (x.rank - named)
    shape: list[Size] = []
    axis = 0
    for entry in entries:
        if entry is None:
            shape.append(1)
            continue
        shape += _along(x, axis, entry)
        axis += 1
    return x.with_shape(tuple(shape))


def _along(x: TensorType, axis: int, entry: Any) -> list[Size]:
    """The sizes that an entry leaves of an axis."""
    size = x.shape[axis]
    if isinstance(entry, Slice):
        return [_slice(x, axis, entry)]
    if isinstance(entry, TensorType):
        if entry.dtype not in INTEGERS:
            raise Problem("dtype", f"an index must be whole numbers, and is {entry}", "entries")
        return list(entry.shape)
    if isinstance(entry, bool) or not isinstance(entry, int):
        raise Problem("argument-type", "an index is an int, a slice, `...`, or a tensor of whole numbers", "entries")
    if isinstance(size, int) and not -size <= entry < size:
        raise Problem("axis", f"there is no entry {entry} in axis {axis} of {x}", "entries", "input")
    return []


def _slice(x: TensorType, axis: int, entry: Slice) -> Size:
    """The length of a slice; Python's own rule where the size is a number."""
    size, (start, stop, step) = x.shape[axis], entry.parts
    if any(v is not None and (isinstance(v, bool) or not isinstance(v, (int, Dim))) for v in entry.parts):
        raise Problem("argument-type", "the ends of a slice are ints or sizes", "entries")
    if isinstance(step, int) and step <= 0:
        raise Problem("argument-type", f"the step of a slice is positive in torch, not {step}", "entries")
    if all(isinstance(v, (int, type(None))) for v in (size, *entry.parts)):
        assert isinstance(size, int)
        return len(range(size)[slice(start, stop, step)])
    first = 0 if start is None else size + start if isinstance(start, int) and start < 0 else start
    last = size if stop is None else size + stop if isinstance(stop, int) and stop < 0 else stop
    if isinstance(stop, int) and stop >= 0 and isinstance(size, Dim):
        raise Problem("size-needed", f"how much `:{stop}` leaves of {x} depends on `{size}`, which is not known", "entries", "input",
                      hint=" ".join(f"give it: --set {n}=8" for n in sorted(size.names())))  # fmt: skip
    length = last - first
    return length if step is None else (length + step - 1) // step
