"""How a row of a function is made, and what the rules of several families of functions ask."""

from __future__ import annotations

from netc.ops.op import Op, Problem, Rule, Use, signature
from netc.ops.rules import listed_shapes
from netc.shapes import Dim, Size
from netc.tensors import TensorType

INDEX_DTYPES = ("int32", "int64")


def function(name: str, params: str, rule: Rule, target: str = "", written: str = "call", is_merge: bool = False) -> Op:
    """A row of a function; its target is `torch.NAME` unless said."""
    return Op(name, target or f"torch.{name}", (), signature(params), rule, written=written, is_merge=is_merge)


def method(name: str, params: str, rule: Rule) -> Op:
    """A row of a method of `torch.Tensor`."""
    return function(name, params, rule, f"torch.Tensor.{name}", "method")


def functional(name: str, params: str, rule: Rule) -> Op:
    """A row of a function of `torch.nn.functional`."""
    return function(name, params, rule, f"torch.nn.functional.{name}")


def need_not_bool(use: Use, name: str = "input") -> TensorType:
    """The type of a tensor argument that must not be bool."""
    x = use.tensor(name)
    if x.dtype == "bool":
        raise Problem("dtype", f"`{use.op.name}` does not work on bools", name, hint="convert with `-> float`")
    return x


def need_index(use: Use, name: str, dtypes: tuple[str, ...] = ("int64",)) -> TensorType:
    """The type of a tensor argument that holds places along an axis."""
    x = use.tensor(name)
    if x.dtype not in dtypes:
        raise Problem("dtype", f"`{use.op.name}`: {name} must be whole numbers of dtype int64, and is {x}", name, hint="`-> long`")
    return x


def need_rank(use: Use, name: str, *ranks: int) -> TensorType:
    """The type of a tensor argument that must have as many axes as one of `ranks`."""
    x = use.tensor(name)
    if x.rank not in ranks:
        words = " or ".join(map(str, ranks))
        axes = "axis" if ranks == (1,) else "axes"
        raise Problem("rank", f"`{use.op.name}`: {name} must have {words} {axes}, and is {x}", name)
    return x


def need_one_dtype(use: Use, *names: str) -> str:
    """The dtype that these tensors must share; those that are `none` are left out."""
    kinds = [use.tensor(name) for name in names if use[name] is not None]
    if len({kind.dtype for kind in kinds}) > 1:
        raise Problem("dtype", f"`{use.op.name}` needs one dtype, and gets {listed_shapes(kinds)}", *names, hint="convert, e.g. `-> float`")
    return kinds[0].dtype


def need_int(use: Use, size: Size, what: str, *names: str) -> int:
    """A size that must be known as a number."""
    if isinstance(size, Dim):
        raise Problem("size-needed", f"`{use.op.name}` needs {what} as a number, and it is `{size}`", *names,
                      hint=f"give it: {' '.join(f'--set {n}=8' for n in sorted(size.names()))}")  # fmt: skip
    return size


def need_positive(use: Use, *names: str) -> None:
    """Ints, or lists of such, that must be positive; `none` is let through."""
    for name in names:
        value = use[name]
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int) and number <= 0:
                raise Problem("bad-size", f"`{use.op.name}`: {name} must be positive, and is {number}", name)
