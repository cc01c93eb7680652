"""What a row of the op table is: a signature in text, a rule for the result's type, and how torch is called.

A signature is written as torch's documentation does: `*in_features: int, out_features: int, bias: bool = true`.
A star marks a size that netc infers, so users leave it out. The kinds are those of `KINDS`; `?` allows `none`;
words joined by `|` are the strings that may stand there; `...` behind a kind takes any number of values. Three kinds
are more than a test of the value: `mode` is whether the module is training, and `training_rate` a number that is 0
otherwise; `keywords` takes all arguments whose names are no parameter, as a list of pairs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netc.diagnostics import listed
from netc.shapes import Dim, Shape
from netc.tensors import ALIASES, DTYPES, TensorType, Type, type_text


@dataclass(frozen=True, slots=True)
class DType:
    """A dtype as a value in a spec: `int64`."""

    name: str


@dataclass(frozen=True, slots=True)
class Slice:
    """`1:5` in an index; what was left out is None."""

    start: Any
    stop: Any
    step: Any

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """Start, stop and step."""
        return self.start, self.stop, self.step


@dataclass(frozen=True, slots=True)
class Balanced:
    """`balanced` as class weights: what the labels of the rows to train on make of it."""

    def __str__(self) -> str:
        return "balanced"


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_int_or_none(value: object) -> bool:
    return value is None or _is_int(value)


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_size(value: object) -> bool:
    return _is_int(value) or isinstance(value, Dim)


def _all(test: Callable[[object], bool], count: int | None = None) -> Callable[[object], bool]:
    return lambda v: isinstance(v, (list, tuple)) and count in (None, len(v)) and all(map(test, v))


def _either(*tests: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: any(test(value) for test in tests)


def _is_word(*words: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in words


def _is_tensor(value: object) -> bool:
    return isinstance(value, TensorType)


def _is_made(value: object) -> bool:
    return hasattr(value, "recipe")


def _is_python(value: object) -> bool:
    return _is_made(value) and value.recipe.name == "python"  # type: ignore[attr-defined]


# Each kind: what it is called in a message, and whether a value is of it. Tensors arrive as their types.
KINDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "int": ("an int", _is_int),
    "float": ("a number", _is_number),
    "bool": ("`true` or `false`", lambda v: isinstance(v, bool)),
    "str": ("a string", _is_string),
    "file": ("a path in quotes", _is_string),
    "function": ('a file and a function of it, `"my_data.py:load"`', _is_string),
    "str_or_strs": ("a string or a list of strings", _either(_is_string, _all(_is_string))),
    "dtype": ("a dtype such as `int64`", lambda v: isinstance(v, DType)),
    "size": ("an int or a named dimension", _is_size),
    "ints": ("a list of ints", _all(_is_int)),
    "floats": ("a list of numbers", _all(_is_number)),
    "sizes": ("a list of sizes", _all(_is_size)),
    "size_or_sizes": ("a size or a list of sizes", _either(_is_size, _all(_is_size))),
    "int_or_ints": ("an int or a list of ints", _either(_is_int, _all(_is_int))),
    "int1": ("an int", _either(_is_int, _all(_is_int, 1))),
    "int2": ("an int or a list of 2 ints", _either(_is_int, _all(_is_int, 2))),
    "int3": ("an int or a list of 3 ints", _either(_is_int, _all(_is_int, 3))),
    "int4": ("an int or a list of 4 ints", _either(_is_int, _all(_is_int, 4))),
    "int6": ("an int or a list of 6 ints", _either(_is_int, _all(_is_int, 6))),
    "out2": ("an int or a list of 2, each an int or `none`", _either(_is_int, _all(_is_int_or_none, 2))),
    "out3": ("an int or a list of 3, each an int or `none`", _either(_is_int, _all(_is_int_or_none, 3))),
    "float2": ("a number or a list of 2 numbers", _either(_is_number, _all(_is_number, 2))),
    "float3": ("a number or a list of 3 numbers", _either(_is_number, _all(_is_number, 3))),
    "floats_or_none": ("a list of numbers, each may be `none`", _all(_either(_is_number, lambda v: v is None))),
    "float_or_floats": ("a number or a list of numbers", _either(_is_number, _all(_is_number))),
    "padding1": ('an int, "same" or "valid"', _either(_is_int, _all(_is_int, 1), _is_word("same", "valid"))),
    "padding2": ('an int, a list of 2 ints, "same" or "valid"', _either(_is_int, _all(_is_int, 2), _is_word("same", "valid"))),
    "padding3": ('an int, a list of 3 ints, "same" or "valid"', _either(_is_int, _all(_is_int, 3), _is_word("same", "valid"))),
    "tensor": ("a tensor", _is_tensor),
    "weights": (
        "a tensor, a list of numbers, `balanced`",
        _either(_is_tensor, _is_number, _all(_is_number), lambda v: isinstance(v, Balanced)),
    ),
    "operand": ("a tensor or a number", _either(_is_tensor, _is_number, _is_size)),
    "two_tensors": ("two tensors, (h, c)", _all(_is_tensor, 2)),
    "list_of_tensors": ("a list of tensors", _all(_is_tensor)),
    "entries": ("an index", lambda v: isinstance(v, list)),
    "any": ("a value", lambda v: True),
    "value": ("a tensor or a value", lambda v: True),
    "number": ("a number", _either(_is_number, _is_size)),
    "number_or_bool": ("a number, `true` or `false`", _either(_is_number, _is_size, lambda v: isinstance(v, bool))),
    "mode": ("`true` or `false`", lambda v: isinstance(v, bool)),
    "training_rate": ("a number", _is_number),
    "schedulers": ("a list of schedulers", _all(lambda v: _is_made(v) and not _is_python(v))),
    "factors": ('`python("my_schedule.py:factor")`, or a list of these', _either(_is_python, _all(_is_python))),
    "several": ("a list", lambda v: isinstance(v, list)),
    "keywords": ("arguments by name", _all(_all(lambda v: True, 2))),
}


class Required:
    """The default of a parameter that has none."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = Required()


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a row, with its kind (see `KINDS`) and default."""

    name: str
    kind: str
    default: Any = REQUIRED
    inferred: bool = False
    variadic: bool = False
    optional: bool = False  # `none` may stand here

    @property
    def choices(self) -> list[str]:
        """The strings that may stand here; empty where any value of the kind may."""
        return self.kind.split("|") if "|" in self.kind else []

    def accepts(self, value: object) -> bool:
        """Whether a value may stand here."""
        if value is None:
            return self.optional
        if self.choices:
            return any(KINDS[c][1](value) if c in KINDS else value == c for c in self.choices)
        return KINDS[self.kind][1](value)

    @property
    def words(self) -> str:
        """What may stand here, for a message."""
        words = " or ".join(KINDS[c][0] if c in KINDS else f'"{c}"' for c in self.choices) or KINDS[self.kind][0]
        return f"{words} or `none`" if self.optional else words

    @property
    def takes_tensors(self) -> bool:
        """Whether a tensor may stand here."""
        return self.kind in ("tensor", "weights", "operand", "two_tensors", "list_of_tensors", "value")

    def __str__(self) -> str:
        if self.kind == "keywords":
            return f"**{self.name}"
        default = "" if self.default is REQUIRED or self.inferred else f"={value_text(self.default)}"
        return f"{self.name}{'...' if self.variadic else ''}{default}"


def value_text(value: object) -> str:
    """A value as it is written in a spec."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(value_text(v) for v in value)}]"
    if isinstance(value, DType):
        return value.name
    if isinstance(value, TensorType):
        return f"a tensor {type_text(value)}"
    return str(value)


PARAM = re.compile(r"(?P<star>\*?)(?P<name>\w+): (?P<kind>[\w|-]+)(?P<optional>\??)(?P<variadic>(?:\.\.\.)?)(?: = (?P<default>.+))?")
CONSTANTS = {"true": True, "false": False, "none": None}


def signature(text: str) -> tuple[Param, ...]:
    """The parameters of a signature text; see the module's docstring for its form."""
    return tuple(_param(part) for part in re.split(r",\s+(?![^\[]*\])", text.strip()) if part)


def _param(text: str) -> Param:
    match = PARAM.fullmatch(text)
    assert match, text
    inferred, optional = bool(match["star"]), bool(match["optional"])
    is_word = "|" in match["kind"] and not (optional and match["default"] == "none")
    default = REQUIRED if match["default"] is None else _constant(match["default"], is_word)
    return Param(
        match["name"], match["kind"], None if inferred and default is REQUIRED else default, inferred, bool(match["variadic"]), optional
    )  # fmt: skip


def _constant(text: str, is_choice: bool = False) -> Any:
    if is_choice and not text[0].isdigit():
        return text
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text.startswith("["):
        return [_constant(t) for t in text[1:-1].split(", ") if t]
    if text[0] in "-0123456789.":
        return float(text) if any(c in text for c in ".e") else int(text)
    return text.strip('"')


def dtype_named(name: str) -> str | None:
    """The torch dtype that a name stands for, `long` for `int64` too; None if it is none."""
    name = ALIASES.get(name, name)
    return name if name in DTYPES else None


class Problem(Exception):
    """What a rule found wrong: a diagnostic without places. `arguments` are those to point at, first the culprit."""

    def __init__(self, code: str, message: str, *arguments: str, hint: str = "") -> None:
        self.code, self.message, self.arguments, self.hint = code, message, arguments, hint
        super().__init__(message)


@dataclass
class Use:
    """One use of an op as its rule sees it: the values by parameter name, tensors as their types.

    `infer` fills in the sizes that the user left out. Of a loss, `texts` are the arguments that are written as a name, and `declared` the
    names of those that are targets as they are declared.
    """

    op: Op
    values: dict[str, Any]
    inferred: dict[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    declared: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def tensor(self, name: str = "input") -> TensorType:
        """The type of a tensor argument."""
        value = self.values[name]
        assert isinstance(value, TensorType), (self.op.name, name)
        return value

    def infer(self, name: str, value: Any) -> Any:
        """Sets an inferred parameter, or checks the one that was written out. Returns it."""
        for size in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(size, Dim):
                raise Problem(
                    "size-needed",
                    f"`{self.op.name}` needs its {name} as a number, and it is `{size}`",
                    hint=" ".join(f"give it, e.g. --set {n}=8, or write a number in the shape;" for n in sorted(size.names()))[:-1],
                )  # fmt: skip
        written = self.values.get(name)
        if written is not None and written != value:
            raise Problem("inferred-mismatch", f"{name} is {value_text(value)} here, not {value_text(written)}", name)
        self.values[name] = self.inferred[name] = value
        return value

    def number(self, name: str) -> int:
        """An int argument that must be positive."""
        value = self.values[name]
        if value <= 0:
            raise Problem("bad-size", f"`{self.op.name}`: {name} must be positive, and is {value}", name)
        return int(value)


Rule = Callable[[Use], Type]
Weights = Callable[[Use], Mapping[str, Shape]]


@dataclass(frozen=True, eq=False)
class Op:
    """A row of the op table; everything that netc knows of a layer or function of torch.

    `params` are what a module is constructed with, `inputs` what it (or a function) is called with. `weights` gives the
    shapes of the parameters by name, from a `Use` whose sizes are inferred. `written` is how a function stands in Python
    source: `call`, `spread` (a call whose list stands as single arguments), `method`, `creation` (a call that says the
    device), an infix operator such as `+`, or `prefix-`.
    """

    name: str
    target: str
    params: tuple[Param, ...]
    inputs: tuple[Param, ...]
    rule: Rule
    weights: Weights | None = None
    written: str = "call"
    is_loss: bool = False
    is_merge: bool = False
    stretches: bool = False  # a function that stretches its operands to a common shape

    @property
    def is_module(self) -> bool:
        """Whether it is a `torch.nn.Module` that is constructed and has a place in the `state_dict`."""
        return self.target.startswith("torch.nn.") and not self.target.startswith("torch.nn.functional.")

    @property
    def is_symbol(self) -> bool:
        """Whether its name is no word, but `+` or `[]`."""
        return not self.name[0].isalpha()

    @property
    def broadcasts(self) -> bool:
        """Whether it is an operator or function that stretches its operands to a common shape."""
        is_operator = self.target.startswith("operator.") and not self.is_merge and self.written not in ("@", "index")
        return is_operator or self.stretches

    @property
    def min_inputs(self) -> int:
        """The least number of tensors that it is called with."""
        return sum(2 if p.variadic else 1 for p in self.inputs if p.takes_tensors and p.default is REQUIRED)

    @property
    def signature(self) -> str:
        """What a user may write: `Linear(out_features, bias=true)`."""
        params = self.params if self.is_module else self.inputs
        return f"{self.name}({', '.join(str(p) for p in params if not p.inferred)})"

    def __reduce__(self) -> tuple[Callable[..., Op], tuple[str, ...]]:
        from netc.ops import find

        return find, (self.name,)

    def __repr__(self) -> str:
        return f"Op({self.name})"


def left_out_hint(inferred: Sequence[str], signature: str) -> str:
    """What to write where sizes that are inferred were written out."""
    return f"{listed(inferred)} is inferred and left out: `{signature}`"


def sizes_of(value: Any, count: int) -> tuple[Any, ...]:
    """An argument that may be one number for all axes or a list, as a tuple of `count`."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value,) * count


def axis_of(use: Use, kind: TensorType, name: str = "dim", extra: int = 0) -> int:
    """The non-negative index of the axis that the argument names, in a tensor of `kind.rank + extra` axes."""
    return normal_axis(use.op.name, kind, use[name], name, extra)


def normal_axis(op: str, kind: TensorType, axis: int, name: str = "dim", extra: int = 0) -> int:
    """A possibly negative axis as an index from the front."""
    rank = kind.rank + extra
    if not -rank <= axis < rank:
        raise Problem("axis", f"`{op}` on {kind}: there is no axis {axis}", name, "input",
                      hint=f"the axes are 0 to {rank - 1}, or -{rank} to -1 from the end" if rank else "")  # fmt: skip
    return axis % rank
