"""What is known of a tensor before anything runs: its shape and its dtype."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf, prod
from typing import Union

from netc.shapes import Dim, Shape, Size, shape_at, shape_text

# Source: torch's documentation, "Tensor Attributes", torch.dtype. In the order of promotion within each category.
BOOL = ("bool",)
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
DTYPES = BOOL + INTEGERS + FLOATS + COMPLEX
ALIASES = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32"}

DEFAULT_DTYPE = "float32"

# The greatest finite number of each dtype; of complex ones, of each part. A test holds them against `torch.iinfo` and `torch.finfo`.
GREATEST: Mapping[str, float] = {
    "bool": 1, "uint8": 2**8 - 1, **{f"int{bits}": 2 ** (bits - 1) - 1 for bits in (8, 16, 32, 64)},
    "float16": (2 - 2**-10) * 2.0**15, "bfloat16": (2 - 2**-7) * 2.0**127,
    **dict.fromkeys(("float32", "complex64"), (2 - 2**-23) * 2.0**127),
    **dict.fromkeys(("float64", "complex128"), (2 - 2**-52) * 2.0**1023),
}  # fmt: skip


def range_of(dtype: str) -> tuple[float, float]:
    """The least and the greatest finite number that a dtype holds."""
    greatest = GREATEST[dtype]
    if dtype in BOOL or dtype == "uint8":
        return 0, greatest
    return (-greatest - 1 if dtype in INTEGERS else -greatest), greatest


def is_held(number: float, dtype: str) -> bool:
    """Whether a dtype holds a number, which floats round; those of floats hold infinity too."""
    least, greatest = range_of(dtype)
    return least <= number <= greatest or (dtype in FLOATS + COMPLEX and abs(number) == inf)


@dataclass(frozen=True, slots=True)
class TensorType:
    """A shape, e.g. `[B, 5]`, and the name of a torch dtype."""

    shape: Shape
    dtype: str = DEFAULT_DTYPE

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether gradients can flow through it."""
        return self.dtype in FLOATS + COMPLEX

    def with_shape(self, shape: Shape) -> TensorType:
        """The same dtype in another shape."""
        return TensorType(shape, self.dtype)

    def with_axis(self, axis: int, size: Size) -> TensorType:
        """The same type with one axis of another size."""
        shape = list(self.shape)
        shape[axis] = size
        return replace(self, shape=tuple(shape))

    def at(self, sizes: Mapping[str, Size]) -> TensorType:
        """The type with named dimensions replaced."""
        return replace(self, shape=shape_at(self.shape, sizes))

    def __str__(self) -> str:
        text = shape_text(self.shape)
        return text if self.dtype == DEFAULT_DTYPE else f"{self.dtype}{text}"


# What torch's kernels are made for.
MOST_AXES = 64
# A tensor's bytes are counted in a signed 64-bit number, and a number has up to 8 of them.
MOST_NUMBERS = 2**60


def why_impossible(shape: Shape) -> str:
    """Why torch has no tensor of that shape, however small its named dimensions are; empty where it may have one."""
    if len(shape) > MOST_AXES:
        return f"would have {len(shape)} axes, and torch has tensors of {MOST_AXES} at most"
    if prod(size for size in shape if isinstance(size, int)) > MOST_NUMBERS:
        return f"would be {shape_text(shape)}, more than 2**60 numbers, which no machine holds"
    return ""


# What an op gives: a tensor, or a tuple of such (an LSTM gives `(output, (h, c))`).
Type = Union[TensorType, tuple["Type", ...]]


def type_text(kind: Type) -> str:
    """How a type is written."""
    if isinstance(kind, TensorType):
        return str(kind)
    return f"({', '.join(type_text(part) for part in kind)})"


def type_at(kind: Type, sizes: Mapping[str, Size]) -> Type:
    """A type with named dimensions replaced."""
    if isinstance(kind, TensorType):
        return kind.at(sizes)
    return tuple(type_at(part, sizes) for part in kind)


def flat_types(kind: Type) -> list[TensorType]:
    """The tensors of a type, depth first."""
    if isinstance(kind, TensorType):
        return [kind]
    return [leaf for part in kind for leaf in flat_types(part)]


def category(dtype: str) -> int:
    """0 for bool, 1 for integers, 2 for floats, 3 for complex: the order in which torch promotes."""
    return next(i for i, group in enumerate((BOOL, INTEGERS, FLOATS, COMPLEX)) if dtype in group)


def promote(*dtypes: str) -> str:
    """The dtype of an arithmetic result on tensors of these dtypes (all with at least one axis).

    Source: torch's documentation, `torch.promote_types`.
    """
    top = max(dtypes, key=lambda d: (category(d), DTYPES.index(d)))
    if {"float16", "bfloat16"} <= set(dtypes) and top in ("float16", "bfloat16"):
        return "float32"
    if top in INTEGERS and "uint8" in dtypes and any(d in INTEGERS and d != "uint8" for d in dtypes):
        return "int16" if top in ("uint8", "int8") else top
    if top == "complex64" and "float64" in dtypes:
        return "complex128"
    return top


def promote_number(dtype: str, number: complex | Dim) -> str:
    """The dtype of an arithmetic result on a tensor and a Python number, which counts by its category only."""
    if isinstance(number, bool) or category(dtype) >= 2:
        return dtype
    if isinstance(number, (int, Dim)):
        return "int64" if dtype in BOOL else dtype
    return DEFAULT_DTYPE
