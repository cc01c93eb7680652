"""The syntax tree. Each class is named after the grammar rule that makes it, and knows its place in the source."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Union

from netc.source import Span


@dataclass(slots=True, eq=False, repr=False)
class Syntax:
    """Anything that was written; a tree is not changed once it is made.

    The classes are plain, neither frozen nor comparable: making forty so takes a tenth of the time of a check, for what nothing uses.
    """

    span: Span

    def __repr__(self) -> str:
        parts = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.name != "span")
        return f"{type(self).__name__}({', '.join(parts)})"


@dataclass(slots=True, eq=False, repr=False)
class Name(Syntax):
    """`hidden`, or dotted: `sklearn.make_moons`."""

    name: str


@dataclass(slots=True, eq=False, repr=False)
class Literal(Syntax):
    """A number, a string, `true`, `false` or `none`."""

    value: int | float | bool | str | None


@dataclass(slots=True, eq=False, repr=False)
class ListOf(Syntax):
    """`[1, 2, 3]`"""

    items: tuple[Expression, ...]


@dataclass(slots=True, eq=False, repr=False)
class TupleOf(Syntax):
    """`(a, b)`: several values side by side; each may be a pipeline of its own."""

    items: tuple[Expression, ...]


@dataclass(slots=True, eq=False, repr=False)
class Argument(Syntax):
    """`5` or `padding=1` in a call; the name's place is kept for messages about the name."""

    name: Name | None
    value: Expression


@dataclass(slots=True, eq=False, repr=False)
class Call(Syntax):
    """`Linear(8)`"""

    callee: Expression
    arguments: tuple[Argument, ...]


@dataclass(slots=True, eq=False, repr=False)
class Unary(Syntax):
    """`-a`, `not a`"""

    operator: str
    operand: Expression


@dataclass(slots=True, eq=False, repr=False)
class Binary(Syntax):
    """`a + b`, `a == b`, `a and b`"""

    operator: str
    left: Expression
    right: Expression


@dataclass(slots=True, eq=False, repr=False)
class Slice(Syntax):
    """`1:5:2` in an index; what is left out is None."""

    start: Expression | None
    stop: Expression | None
    step: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Dots(Syntax):
    """`...` in an index."""


@dataclass(slots=True, eq=False, repr=False)
class Index(Syntax):
    """`x[:, 0]`"""

    value: Expression
    entries: tuple[Expression | Slice | Dots, ...]


@dataclass(slots=True, eq=False, repr=False)
class If(Syntax):
    """`if c { a } else { b }`"""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(slots=True, eq=False, repr=False)
class InSequence(Syntax):
    """`{ Linear(8) -> ReLU }`"""

    body: Expression


@dataclass(slots=True, eq=False, repr=False)
class Repeat(Syntax):
    """`repeat 12 { … }`, `repeat i in 0..12 { … }`, `repeat c in [16, 32] { … }`; `stop` only for a range."""

    variable: Name | None
    values: Expression
    stop: Expression | None
    body: Expression


@dataclass(slots=True, eq=False, repr=False)
class Residual(Syntax):
    """`residual { … }`, which is `(id || { … }) -> add`."""

    body: Expression


@dataclass(slots=True, eq=False, repr=False)
class Label(Syntax):
    """The name before a layer: `hidden1:`. `parts` are its texts and, between `{ }`, its expressions."""

    parts: tuple[str | Expression, ...]

    @property
    def name(self) -> str:
        """The label of a plain one."""
        return "".join(part for part in self.parts if isinstance(part, str))


@dataclass(slots=True, eq=False, repr=False)
class Stage(Syntax):
    """One step of a pipeline: a layer, function or block, perhaps with a label."""

    label: Label | None
    value: Expression


@dataclass(slots=True, eq=False, repr=False)
class Pipe(Syntax):
    """`x -> Linear(8) -> ReLU`; the first stage is what is sent, or the first layer of a pipeline without input."""

    stages: tuple[Stage, ...]


@dataclass(slots=True, eq=False, repr=False)
class Branches(Syntax):
    """`(ReLU || Tanh)`: the same value into each."""

    branches: tuple[Expression, ...]


@dataclass(slots=True, eq=False, repr=False)
class Broken(Syntax):
    """What could not be parsed, which was reported: a statement, the value of a setting, or an item of a file.

    `word` is its first word, `names` may have got a value in it, `words` are all that occur. What depends on it is silent.
    """

    word: str
    names: tuple[str, ...]
    words: tuple[str, ...]


Expression = Union[Name, Literal, ListOf, TupleOf, Call, Unary, Binary, Index, If, Pipe, Branches, InSequence, Repeat, Residual, Broken]


# --- statements of a network ----------------------------------------------------------------------------------


@dataclass(slots=True, eq=False, repr=False)
class Parameter(Syntax):
    """`hidden = 8` in the head of a network or `fn`."""

    name: Name
    default: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Declaration(Syntax):
    """`input x: int64[B, T]` or `target y: [B, 1]`; `kind` is the word before."""

    kind: str
    name: Name
    dtype: Name | None
    shape: tuple[Expression | Dots, ...]


@dataclass(slots=True, eq=False, repr=False)
class Unpacked(Syntax):
    """`(h, c)` on the left of a `=`: a tuple that is taken apart."""

    targets: tuple[Name | Unpacked, ...]


@dataclass(slots=True, eq=False, repr=False)
class Assign(Syntax):
    """`p = x -> Linear(1)`, `a, b = x -> chunk(2)`, `y, (h, c) = x -> LSTM(8)`"""

    targets: tuple[Name | Unpacked, ...]
    value: Expression

    @property
    def names(self) -> tuple[Name, ...]:
        """All names on the left."""
        return names_of(self.targets)


def names_of(targets: tuple[Name | Unpacked, ...]) -> tuple[Name, ...]:
    """The names in what stands on the left of a `=`."""
    return tuple(name for target in targets for name in ((target,) if isinstance(target, Name) else names_of(target.targets)))


@dataclass(slots=True, eq=False, repr=False)
class Output(Syntax):
    """`output p`"""

    values: tuple[Expression, ...]


@dataclass(slots=True, eq=False, repr=False)
class Objective(Syntax):
    """`loss BCELoss(p, y)`, `loss kl = …`, `metric error = …`; `kind` is `loss` or `metric`."""

    kind: str
    name: Name | None
    value: Expression


@dataclass(slots=True, eq=False, repr=False)
class In(Syntax):
    """`in x: [N, C, H, W]`; without a shape anything may arrive."""

    name: Name
    dtype: Name | None
    shape: tuple[Expression | Dots, ...] | None


@dataclass(slots=True, eq=False, repr=False)
class Out(Syntax):
    """`out y + skip`, `out logdet = …`"""

    name: Name | None
    value: Expression


@dataclass(slots=True, eq=False, repr=False)
class Assert(Syntax):
    """`assert D % heads == 0, "D must divide by heads"`"""

    condition: Expression
    message: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Layer(Syntax):
    """`layer tower = { … }`: one instance, used several times."""

    name: Name
    value: Expression


@dataclass(slots=True, eq=False, repr=False)
class Tensor(Syntax):
    """`param cls: [1, 1, D] = normal(std=0.02)` or `buffer mask: [T, T] = …`; `kind` is the word before."""

    kind: str
    name: Name
    dtype: Name | None
    shape: tuple[Expression | Dots, ...]
    value: Expression


@dataclass(slots=True, eq=False, repr=False)
class Tie(Syntax):
    """`tie lm_head.weight = wte.weight`: the first becomes the second."""

    left: Name
    right: Name


@dataclass(slots=True, eq=False, repr=False)
class Rule(Syntax):
    """`*.bias = zeros` in an `init`."""

    pattern: Name
    value: Expression


@dataclass(slots=True, eq=False, repr=False)
class Init(Syntax):
    """`init { … }`"""

    rules: tuple[Rule, ...]


@dataclass(slots=True, eq=False, repr=False)
class Freeze(Syntax):
    """`freeze backbone.*`"""

    patterns: tuple[Name, ...]


Statement = Union[Declaration, Assign, Output, Objective, Assert, Layer, Tensor, Tie, Init, Freeze, Broken]
BlockStatement = Union[In, Out, Assign, Assert, Layer, Tensor, Tie, Broken]


# --- a file ---------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False, repr=False)
class Network(Syntax):
    """`network NAME(parameters) { … }`"""

    name: Name
    parameters: tuple[Parameter, ...]
    statements: tuple[Statement, ...]


@dataclass(slots=True, eq=False, repr=False)
class Fn(Syntax):
    """`fn quartic(p, y) = mean((p - y) ** 4)`"""

    name: Name
    parameters: tuple[Parameter, ...]
    body: Expression


@dataclass(slots=True, eq=False, repr=False)
class Block(Syntax):
    """`block NAME(parameters) = pipeline`, or with statements between braces."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: Expression | tuple[BlockStatement, ...]


@dataclass(slots=True, eq=False, repr=False)
class Use(Syntax):
    """`use "blocks.net"`: the blocks, functions and networks of another file; `use python "layers.py"`: Python's."""

    path: Literal
    is_python: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Setting(Syntax):
    """`epochs = 1000` in a `data` or `train` section."""

    name: Name
    value: Expression


@dataclass(slots=True, eq=False, repr=False)
class ParameterGroup(Syntax):
    """`group *.bias { weight_decay = 0 }` in a `train` section, `group age, "sale price" { missing = median }` in a `data` section."""

    patterns: tuple[Name | Literal, ...]  # a literal is the name of a column
    settings: tuple[Setting, ...]


@dataclass(slots=True, eq=False, repr=False)
class Section(Syntax):
    """`data { … }` or `train { … }`; `data = …` is a section whose one setting is `source`."""

    kind: str
    settings: tuple[Setting, ...]
    groups: tuple[ParameterGroup, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class File(Syntax):
    """All that stands in a file; `is_broken` where some of it could not be parsed."""

    items: tuple[Network | Block | Fn | Use | Section | Broken, ...]
    is_broken: bool = False
