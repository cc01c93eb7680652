"""The syntax tree. Each class is named after the grammar rule that makes it, and knows its place in the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from netc.source import Span


@dataclass(frozen=True, slots=True)
class Syntax:
    """Anything that was written."""

    span: Span


@dataclass(frozen=True, slots=True)
class Name(Syntax):
    """`hidden`, or dotted: `sklearn.make_moons`."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal(Syntax):
    """A number, a string, `true`, `false` or `none`."""

    value: int | float | bool | str | None


@dataclass(frozen=True, slots=True)
class ListOf(Syntax):
    """`[1, 2, 3]`"""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class TupleOf(Syntax):
    """`(a, b)`: several values side by side; each may be a pipeline of its own."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Argument(Syntax):
    """`5` or `padding=1` in a call; the name's place is kept for messages about the name."""

    name: Name | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Call(Syntax):
    """`Linear(8)`"""

    callee: Expression
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Unary(Syntax):
    """`-a`, `not a`"""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Syntax):
    """`a + b`, `a == b`, `a and b`"""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Slice(Syntax):
    """`1:5:2` in an index; what is left out is None."""

    start: Expression | None
    stop: Expression | None
    step: Expression | None


@dataclass(frozen=True, slots=True)
class Dots(Syntax):
    """`...` in an index."""


@dataclass(frozen=True, slots=True)
class Index(Syntax):
    """`x[:, 0]`"""

    value: Expression
    entries: tuple[Expression | Slice | Dots, ...]


@dataclass(frozen=True, slots=True)
class If(Syntax):
    """`if c { a } else { b }`"""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class InSequence(Syntax):
    """`{ Linear(8) -> ReLU }`"""

    body: Expression


@dataclass(frozen=True, slots=True)
class Repeat(Syntax):
    """`repeat 12 { … }`, `repeat i in 0..12 { … }`, `repeat c in [16, 32] { … }`; `stop` only for a range."""

    variable: Name | None
    values: Expression
    stop: Expression | None
    body: Expression


@dataclass(frozen=True, slots=True)
class Residual(Syntax):
    """`residual { … }`, which is `(id || { … }) -> add`."""

    body: Expression


@dataclass(frozen=True, slots=True)
class Label(Syntax):
    """The name before a layer: `hidden1:`. `parts` are its texts and, between `{ }`, its expressions."""

    parts: tuple[str | Expression, ...]

    @property
    def name(self) -> str:
        """The label of a plain one."""
        return "".join(part for part in self.parts if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Stage(Syntax):
    """One step of a pipeline: a layer, function or block, perhaps with a label."""

    label: Label | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Pipe(Syntax):
    """`x -> Linear(8) -> ReLU`; the first stage is what is sent, or the first layer of a pipeline without input."""

    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Branches(Syntax):
    """`(ReLU || Tanh)`: the same value into each."""

    branches: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Broken(Syntax):
    """What could not be parsed, which was reported: a statement, the value of a setting, or an item of a file.

    `word` is its first word, `names` may have got a value in it, `words` are all that occur. What depends on it is silent.
    """

    word: str
    names: tuple[str, ...]
    words: tuple[str, ...]


Expression = Union[
    Name, Literal, ListOf, TupleOf, Call, Unary, Binary, Index, If, Pipe, Branches, InSequence, Repeat, Residual, Broken
]  # fmt: skip


# --- statements of a network ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter(Syntax):
    """`hidden = 8` in the head of a network or `fn`."""

    name: Name
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Declaration(Syntax):
    """`input x: int64[B, T]` or `target y: [B, 1]`; `kind` is the word before."""

    kind: str
    name: Name
    dtype: Name | None
    shape: tuple[Expression | Dots, ...]


@dataclass(frozen=True, slots=True)
class Assign(Syntax):
    """`p = x -> Linear(1)`, `a, b = x -> chunk(2)`"""

    names: tuple[Name, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Output(Syntax):
    """`output p`"""

    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Objective(Syntax):
    """`loss BCELoss(p, y)`, `loss kl = …`, `metric error = …`; `kind` is `loss` or `metric`."""

    kind: str
    name: Name | None
    value: Expression


@dataclass(frozen=True, slots=True)
class In(Syntax):
    """`in x: [N, C, H, W]`; without a shape anything may arrive."""

    name: Name
    dtype: Name | None
    shape: tuple[Expression | Dots, ...] | None


@dataclass(frozen=True, slots=True)
class Out(Syntax):
    """`out y + skip`, `out logdet = …`"""

    name: Name | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Assert(Syntax):
    """`assert D % heads == 0, "D must divide by heads"`"""

    condition: Expression
    message: Expression | None


@dataclass(frozen=True, slots=True)
class Layer(Syntax):
    """`layer tower = { … }`: one instance, used several times."""

    name: Name
    value: Expression


@dataclass(frozen=True, slots=True)
class Tensor(Syntax):
    """`param cls: [1, 1, D] = normal(std=0.02)` or `buffer mask: [T, T] = …`; `kind` is the word before."""

    kind: str
    name: Name
    dtype: Name | None
    shape: tuple[Expression | Dots, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Tie(Syntax):
    """`tie lm_head.weight = wte.weight`: the first becomes the second."""

    left: Name
    right: Name


@dataclass(frozen=True, slots=True)
class Rule(Syntax):
    """`*.bias = zeros` in an `init`."""

    pattern: Name
    value: Expression


@dataclass(frozen=True, slots=True)
class Init(Syntax):
    """`init { … }`"""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Freeze(Syntax):
    """`freeze backbone.*`"""

    patterns: tuple[Name, ...]


Statement = Union[Declaration, Assign, Output, Objective, Assert, Layer, Tensor, Tie, Init, Freeze, Broken]
BlockStatement = Union[In, Out, Assign, Assert, Layer, Tensor, Tie, Broken]


# --- a file ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Network(Syntax):
    """`network NAME(parameters) { … }`"""

    name: Name
    parameters: tuple[Parameter, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Fn(Syntax):
    """`fn quartic(p, y) = mean((p - y) ** 4)`"""

    name: Name
    parameters: tuple[Parameter, ...]
    body: Expression


@dataclass(frozen=True, slots=True)
class Block(Syntax):
    """`block NAME(parameters) = pipeline`, or with statements between braces."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: Expression | tuple[BlockStatement, ...]


@dataclass(frozen=True, slots=True)
class Use(Syntax):
    """`use "blocks.net"`: the blocks, functions and networks of another file; `use python "layers.py"`: Python's."""

    path: Literal
    is_python: bool = False


@dataclass(frozen=True, slots=True)
class Setting(Syntax):
    """`epochs = 1000` in a `data` or `train` section."""

    name: Name
    value: Expression


@dataclass(frozen=True, slots=True)
class Section(Syntax):
    """`data { … }` or `train { … }`; `data = …` is a section whose one setting is `source`."""

    kind: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class File(Syntax):
    """All that stands in a file."""

    items: tuple[Network | Block | Fn | Use | Section | Broken, ...]
