"""Rows of elementwise functions, comparisons, and changes of the dtype.

What torch makes of each dtype is its documentation's "Type promotion"; a test compares every row with torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netc.ops import rules as r
from netc.ops.functions import function, method, need_not_bool, need_one_dtype
from netc.ops.op import Op, Problem, Rule, Use, value_text
from netc.ops.operators import OPERATORS
from netc.shapes import Shape
from netc.tensors import DEFAULT_DTYPE, TensorType, Type, category

# --- one tensor --------------------------------------------------------------------------------------------------


def square(use: Use) -> Type:
    """As the input; bools become int64."""
    x = use.tensor()
    return TensorType(x.shape, "int64") if x.dtype == "bool" else x


def rounded(use: Use) -> Type:
    """As the input; `decimals` is for floats only."""
    return r.need_float(use, "input") if use["decimals"] else need_not_bool(use)


def whole(use: Use) -> Type:
    """As the input, which must be whole numbers or bools: `bitwise_not`."""
    x = use.tensor()
    if category(x.dtype) > 1:
        raise Problem("dtype", f"`{use.op.name}` needs whole numbers or bools, and gets {x}", "input")
    return x


def to(use: Use) -> Type:
    """The input in the given dtype."""
    return TensorType(use.tensor().shape, use["dtype"].name)


def magnitude(use: Use) -> Type:
    """As the input; of complex numbers the real ones that are their lengths."""
    x = need_not_bool(use)
    return TensorType(x.shape, {"complex64": "float32", "complex128": "float64"}.get(x.dtype, x.dtype))


def angle(use: Use) -> Type:
    """Real numbers, for whole ones too."""
    x = use.tensor()
    return magnitude(use) if x.is_float else TensorType(x.shape, DEFAULT_DTYPE)


# --- two and more ------------------------------------------------------------------------------------------------


def broadcast_all(use: Use, *names: str) -> Shape:
    """The common shape of the tensors among these arguments."""
    shape: Shape = ()
    first = names[0]
    for name in names:
        if isinstance(use[name], TensorType):
            shape = r.broadcast(use.op.name, shape, use.tensor(name).shape, first, name)
    return shape


def binary(*names: str, floats: bool = False, only_float: bool = False, bools: bool = True, always: str = "") -> Rule:
    """A function of two operands that broadcast and promote.

    With `floats` whole numbers become float32, with `only_float` they are refused, without `bools` two bools are;
    `always` is the dtype of a result that is the same for all.
    """
    first, second = names or ("input", "other")

    def rule(use: Use) -> Type:
        shape = broadcast_all(use, first, second)
        dtype = r.result_dtype([use[first], use[second]])
        if only_float and category(dtype) < 2:
            raise Problem("dtype", f"`{use.op.name}` needs floats, and gets {dtype}", first, second, hint="convert with `-> float`")
        if not bools and dtype == "bool":
            raise Problem("dtype", f"`{use.op.name}` does not work on bools", first, second, hint="convert with `-> float`")
        return TensorType(shape, always or (DEFAULT_DTYPE if floats and category(dtype) < 2 else dtype))

    return rule


def bitwise(use: Use) -> Type:
    """Whole numbers or bools, which broadcast."""
    dtype = r.result_dtype([use["input"], use["other"]])
    if category(dtype) > 1:
        raise Problem("dtype", f"`{use.op.name}` needs whole numbers or bools, and gets {dtype}", "input", "other")
    return TensorType(broadcast_all(use, "input", "other"), dtype)


def same_dtypes(dtype: str = "") -> Rule:
    """Two tensors of one dtype that broadcast; the result has it too, or the given one."""

    def rule(use: Use) -> Type:
        names = [p.name for p in use.op.inputs if p.takes_tensors]
        found = need_one_dtype(use, *names)
        return TensorType(broadcast_all(use, *names), dtype or found)

    return rule


def power(use: Use) -> Type:
    """As the operator `**`."""
    operator = next(op for op in OPERATORS if op.name == "**")
    return r.arithmetic(Use(operator, {"input": use["input"], "other": use["exponent"]}))


def clamp(use: Use) -> Type:
    """The input cut off below `min` and above `max`: numbers, or tensors that broadcast."""
    bounds = [name for name in ("min", "max") if use[name] is not None]
    if not bounds:
        raise Problem("missing-argument", f"`{use.op.name}` needs `min`, `max` or both", hint=f"e.g. `{use.op.name}(min=0)`")
    if len({isinstance(use[name], TensorType) for name in bounds}) > 1:
        raise Problem("argument-type", f"`{use.op.name}`: min and max are two numbers or two tensors", *bounds)
    dtype = r.result_dtype([use["input"], *(use[name] for name in bounds)])
    if dtype == "bool":
        raise Problem("dtype", f"`{use.op.name}` does not work on bools", "input", hint="convert with `-> float`")
    return TensorType(broadcast_all(use, "input", *bounds), dtype)


def lerp(use: Use) -> Type:
    """`input + weight * (end - input)`, floats of one dtype that broadcast."""
    names = [name for name in ("input", "end", "weight") if isinstance(use[name], TensorType)]
    r.need_float(use, "input")
    return TensorType(broadcast_all(use, *names), need_one_dtype(use, *names))


def add_product(use: Use) -> Type:
    """`input + value * tensor1 * tensor2` (`addcmul`) or with `/` (`addcdiv`); all broadcast."""
    names = ("input", "tensor1", "tensor2")
    dtype = r.result_dtype([use[name] for name in names])
    if dtype == "bool" or (use.op.name == "addcdiv" and all(category(use.tensor(n).dtype) < 2 for n in names[1:])):
        raise Problem("dtype", f"`{use.op.name}` needs floats, and gets {dtype}", *names, hint="convert with `-> float`")
    if category(dtype) < 2 and not isinstance(use["value"], int):
        raise Problem("argument-type", f"`{use.op.name}` of whole numbers: value must be an int, not {value_text(use['value'])}", "value")
    return TensorType(broadcast_all(use, *names), dtype)


def where(use: Use) -> Type:
    """`input` where the condition holds, else `other`; all broadcast."""
    condition, parts = use.tensor("condition"), [use["input"], use["other"]]
    if condition.dtype != "bool":
        raise Problem("dtype", f"`where` needs a bool condition, and gets {condition}", "condition", hint="compare it, e.g. with `> 0`")
    return TensorType(broadcast_all(use, "condition", "input", "other"), _chosen_dtype(parts))


def _chosen_dtype(parts: Sequence[r.Operand]) -> str:
    if any(isinstance(part, TensorType) for part in parts):
        return r.result_dtype(parts)
    return DEFAULT_DTYPE if any(isinstance(part, float) for part in parts) else "int64"


def masked_fill(use: Use) -> Type:
    """The input with `value` where the bool mask holds; both broadcast. A float in whole numbers, which torch cuts off, is refused."""
    x, mask, value = use.tensor(), use.tensor("mask"), use["value"]
    if mask.dtype != "bool":
        raise Problem("dtype", f"`masked_fill` needs a bool mask, and gets {mask}", "mask", hint="compare it, e.g. with `== 0`")
    if isinstance(value, TensorType) and value.rank:
        raise Problem("rank", f"`masked_fill`: value must be a single number, and is {value}", "value",
                      hint="`where` chooses between tensors")  # fmt: skip
    if category(r.result_dtype([x, value])) > max(category(x.dtype), 1):
        raise Problem("dtype", f"`masked_fill` of {x} with {value_text(value)} would cut it off", "input", "value",
                      hint="convert the input with `-> float`")  # fmt: skip
    return TensorType(broadcast_all(use, "input", "mask"), x.dtype)


def isclose(use: Use) -> Type:
    """Bools; two tensors of one dtype that broadcast."""
    need_one_dtype(use, "input", "other")
    for name in ("rtol", "atol"):
        if use[name] < 0:
            raise Problem("argument-type", f"`isclose`: {name} must be 0 or more, not {use[name]}", name)
    return TensorType(broadcast_all(use, "input", "other"), "bool")


# --- rows --------------------------------------------------------------------------------------------------------

FLOATING = """exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan sinh cosh asin acos atan asinh acosh atanh
    sinc erf erfc erfinv lgamma digamma i0 deg2rad rad2deg""".split()
BOOLEAN = "isnan isinf isfinite isposinf isneginf signbit logical_not".split()
COMPARISONS = "eq ne lt le gt ge".split()
CASTS = (("float", "float32"), ("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16"), ("long", "int64"), ("int", "int32"),
         ("bool", "bool"))  # fmt: skip
TWO = "input: tensor, other: tensor"
OPERAND = "input: tensor, other: operand"
OPERANDS = "input: operand, other: operand"

UNARY = [
    *(function(n, "input: tensor", r.floating) for n in FLOATING),
    *(function(n, "input: tensor", need_not_bool) for n in ("floor", "ceil", "trunc", "positive")),
    function("abs", "input: tensor", magnitude),
    function("angle", "input: tensor", angle),
    *(function(n, "input: tensor", r.same) for n in ("sign", "sgn")),
    *(function(n, "input: tensor", r.float_only) for n in ("frac", "bernoulli")),
    *(function(n, "input: tensor", r.boolean) for n in BOOLEAN),
    function("square", "input: tensor", square),
    function("round", "input: tensor, decimals: int = 0", rounded),
    function("bitwise_not", "input: tensor", whole),
    function("logit", "input: tensor, eps: float? = none", r.floating),
    function("nan_to_num", "input: tensor, nan: float? = none, posinf: float? = none, neginf: float? = none", r.same),
]

BINARY = [
    *(function(n, OPERAND, r.comparison) for n in COMPARISONS),
    *(function(n, OPERANDS, binary(floats=True)) for n in ("true_divide", "xlogy")),
    *(function(n, OPERANDS, binary(bools=False)) for n in ("floor_divide", "remainder")),
    function("fmod", OPERAND, binary(bools=False)),
    function("pow", "input: operand, exponent: operand", power, written="**"),
    function("float_power", "input: operand, exponent: operand", binary("input", "exponent", always="float64")),
    *(function(n, TWO, binary()) for n in ("fmax", "fmin")),
    function("atan2", TWO, binary(floats=True)),
    *(function(n, TWO, binary(only_float=True)) for n in ("hypot", "logaddexp", "logaddexp2")),
    function("copysign", OPERAND, binary(floats=True)),
    function("heaviside", "input: tensor, values: tensor", same_dtypes()),
    *(function(n, TWO, r.comparison) for n in ("logical_and", "logical_or", "logical_xor")),
    *(function(n, OPERAND, bitwise) for n in ("bitwise_and", "bitwise_or", "bitwise_xor")),
    function("isclose", f"{TWO}, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = false", isclose),
]

MORE = [
    *(function(n, "input: tensor, min: operand? = none, max: operand? = none", clamp) for n in ("clamp", "clip")),
    function("lerp", "input: tensor, end: tensor, weight: operand", lerp),
    *(function(n, "input: tensor, tensor1: tensor, tensor2: tensor, value: float = 1", add_product) for n in ("addcmul", "addcdiv")),
    function("where", "condition: tensor, input: operand, other: operand", where),
    method("masked_fill", "input: tensor, mask: tensor, value: operand", masked_fill),
]

CHANGES = [
    *(method(n, "input: tensor", r.to_dtype(d)) for n, d in CASTS),
    method("to", "input: tensor, dtype: dtype", to),
    method("type_as", "input: tensor, other: tensor", lambda use: TensorType(use.tensor().shape, use.tensor("other").dtype)),
    *(method(n, "input: tensor", r.same) for n in ("detach", "clone", "contiguous")),
]

ROWS: list[Op] = [*UNARY, *(replace(op, stretches=True) for op in (*BINARY, *MORE)), *CHANGES]
