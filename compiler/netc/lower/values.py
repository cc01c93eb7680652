"""What an expression can stand for while a spec is lowered.

Plain Python values (int, float, bool, str, None, list, tuple) and `Dim`s are themselves, a tensor is a `Ref` into the
graph, and what can be sent a value is one of the callables below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from netc import syntax as s
from netc.graph import Ref
from netc.lower.scope import Place, Scope
from netc.ops.op import Balanced, DType, Op, Slice
from netc.ops.recipe import Recipe
from netc.settings import Made
from netc.shapes import Dim
from netc.source import Span


class Unknown:
    """A value that a problem already reported kept from being computed; whatever uses it is silent."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class OpValue:
    """A layer, function or loss of the table."""

    op: Op


@dataclass(frozen=True, slots=True)
class Identity:
    """`id`, which passes its input through and is no node."""


@dataclass(frozen=True, slots=True)
class FnValue:
    """A `fn` of the spec."""

    fn: s.Fn
    scope: Scope


@dataclass(frozen=True, slots=True)
class PipeValue:
    """A pipeline without input, as a value: `(ReLU || Tanh) -> add`."""

    body: s.Pipe | s.Branches | s.InSequence | s.Repeat | s.Residual
    scope: Scope

    @property
    def label(self) -> str:
        """The label that it begins with, if any."""
        first = self.body.stages[0] if isinstance(self.body, s.Pipe) else None
        return first.label.name if first and first.label else ""


@dataclass(frozen=True, slots=True)
class BlockValue:
    """A block of the spec."""

    block: s.Block
    scope: Scope


@dataclass(frozen=True, slots=True)
class NetworkValue:
    """A network as a layer."""

    network: s.Network
    scope: Scope


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A `layer NAME = …`: one instance; `uses` are the places that were sent a value through it."""

    value: Any
    label: s.Label
    place: Place
    uses: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Given:
    """An argument as it was written: perhaps a name, a value, and its place."""

    name: s.Name | None
    value: Any
    span: Span


@dataclass(frozen=True, slots=True)
class RecipeValue:
    """An optimizer, scheduler or data source."""

    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Partial:
    """A callable with arguments that waits for its input: `Linear(8)`, `concat(dim=1)`."""

    callee: OpValue | FnValue | BlockValue | NetworkValue | RecipeValue
    arguments: tuple[Given, ...]
    span: Span


CALLABLES = (OpValue, Identity, FnValue, BlockValue, NetworkValue, SharedValue, PipeValue, Partial)
# What takes arguments in brackets before it is sent a value.
PARAMETRIC = (OpValue, FnValue, BlockValue, NetworkValue, RecipeValue)


def is_tensor(value: object) -> bool:
    """Whether a value is a tensor, or a tuple or list with one in it."""
    if isinstance(value, (tuple, list)):
        return any(map(is_tensor, value))
    if isinstance(value, Slice):
        return any(map(is_tensor, value.parts))
    return isinstance(value, Ref)


def has_unknown(value: object) -> bool:
    """Whether a value is, or holds, an unknown one."""
    if isinstance(value, (tuple, list)):
        return any(map(has_unknown, value))
    if isinstance(value, Slice):
        return any(map(has_unknown, value.parts))
    return isinstance(value, Unknown)


def kind_words(value: object) -> str:
    """What a value is, for a message."""
    if isinstance(value, bool):
        return "a bool"
    if isinstance(value, OpValue):
        return "a loss" if value.op.is_loss else "a layer" if value.op.is_module else "a function"
    named: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (int, "an int"), (float, "a number"), (str, "a string"), (type(None), "`none`"), (list, "a list"), (tuple, "a tuple"),
        (Dim, "a named dimension"), (Ref, "a tensor"), (DType, "a dtype"), (FnValue, "a function"), (PipeValue, "a pipeline"),
        (Identity, "a function"), (BlockValue, "a block"), (NetworkValue, "a network"), (SharedValue, "a layer"),
        (Partial, "a layer or function"), ((RecipeValue, Made), "a setting"), (Balanced, "`balanced`, which stands for class weights"),
    )  # fmt: skip
    return next(words for kinds, words in named if isinstance(value, kinds))
