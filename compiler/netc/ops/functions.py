"""Rows of functions: operators, merges, elementwise functions, reductions, and changes of shape."""

from __future__ import annotations

from netc.ops import rules as r
from netc.ops.index import index
from netc.ops.op import Op, Problem, Rule, Use, signature
from netc.tensors import TensorType, Type


def function(name: str, params: str, rule: Rule, target: str = "", written: str = "call", is_merge: bool = False) -> Op:
    """A row of a function; its target is `torch.NAME` unless said."""
    return Op(name, target or f"torch.{name}", (), signature(params), rule, written=written, is_merge=is_merge)


def method(name: str, params: str, rule: Rule) -> Op:
    """A row of a method of `torch.Tensor`."""
    return function(name, params, rule, f"torch.Tensor.{name}", "method")


def operator(symbol: str, rule: Rule, target: str) -> Op:
    """A row of an operator on two operands."""
    return function(symbol, "input: operand, other: operand", rule, f"operator.{target}", symbol)


def merge(name: str, target: str, written: str) -> Op:
    """A row of a merge of any number of equal shapes."""
    return function(name, "inputs: operand...", r.merge, target, written, is_merge=True)


def clamp(use: Use) -> Type:
    """As the input, cut off below `min` and above `max`."""
    return use.tensor("input")


def where(use: Use) -> Type:
    """`input` where the condition holds, else `other`; all broadcast."""
    condition, a, b = use.tensor("condition"), use["input"], use["other"]
    if condition.dtype != "bool":
        raise Problem("dtype", f"`where` needs a bool condition, and gets {condition}", "condition")
    shape = condition.shape
    for name, value in (("input", a), ("other", b)):
        if isinstance(value, TensorType):
            shape = r.broadcast("where", shape, value.shape, "condition", name)
    tensors = [v for v in (a, b) if isinstance(v, TensorType)]
    return TensorType(shape, r.result_dtype([a, b]) if tensors else "float32")


OPERATORS = [
    *(operator(s, r.arithmetic, t) for s, t in
      (("+", "add"), ("-", "sub"), ("*", "mul"), ("/", "truediv"), ("//", "floordiv"), ("%", "mod"), ("**", "pow"))),
    *(operator(s, r.comparison, t) for s, t in (("==", "eq"), ("!=", "ne"), ("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge"))),
    operator("@", r.matmul, "matmul"),
    function("neg", "input: tensor", r.same, written="prefix-"),
]  # fmt: skip

MERGES = [
    merge("add", "operator.add", "+"),
    merge("sub", "operator.sub", "-"),
    merge("mul", "operator.mul", "*"),
    merge("div", "operator.truediv", "/"),
    merge("maximum", "torch.maximum", "nested"),
    merge("minimum", "torch.minimum", "nested"),
    merge("average", "operator.add", "average"),
    function("concat", "tensors: tensor..., dim: int = 0", r.concat, "torch.cat", is_merge=True),
    function("cat", "tensors: tensor..., dim: int = 0", r.concat, is_merge=True),
    function("stack", "tensors: tensor..., dim: int = 0", r.stack, is_merge=True),
    function("matmul", "input: tensor, other: tensor", r.matmul, is_merge=True),
]

ELEMENTWISE = [
    *(function(n, "input: tensor", r.floating) for n in
      ("exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "sin", "cos", "tan", "sinh", "cosh",
       "asin", "acos", "atan", "erf", "erfc", "lgamma", "digamma")),
    *(function(n, "input: tensor", r.same) for n in ("abs", "sign", "square", "floor", "ceil", "trunc")),
    function("round", "input: tensor", r.same),
    *(function(n, "input: tensor", r.boolean) for n in ("isnan", "isinf", "isfinite", "logical_not")),
    function("pow", "input: operand, exponent: operand", lambda use: r.arithmetic(_as_operator(use)), written="**"),
    function("clamp", "input: tensor, min: float? = none, max: float? = none", clamp),
    function("where", "condition: tensor, input: operand, other: operand", where),
    *(method(n, "input: tensor", r.to_dtype(d)) for n, d in
      (("float", "float32"), ("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16"), ("long", "int64"), ("int", "int32"),
       ("bool", "bool"))),
    method("detach", "input: tensor", r.same),
]  # fmt: skip


def _as_operator(use: Use) -> Use:
    power = next(op for op in OPERATORS if op.name == "**")
    return Use(power, {"input": use["input"], "other": use["exponent"]})


REDUCTIONS = [
    function("mean", "input: tensor, dim: int_or_ints? = none, keepdim: bool = false", r.reduction(needs_float=True)),
    function("sum", "input: tensor, dim: int_or_ints? = none, keepdim: bool = false", r.reduction()),
    function("prod", "input: tensor, dim: int? = none, keepdim: bool = false", r.reduction()),
    *(function(n, "input: tensor, dim: int_or_ints? = none, keepdim: bool = false", r.reduction()) for n in ("amax", "amin")),
    *(function(n, "input: tensor, dim: int_or_ints? = none, correction: int = 1, keepdim: bool = false", r.reduction(needs_float=True))
      for n in ("var", "std")),
    function("logsumexp", "input: tensor, dim: int_or_ints, keepdim: bool = false", r.reduction(needs_float=True)),
    function("norm", "input: tensor, p: float = 2, dim: int_or_ints? = none, keepdim: bool = false", r.reduction(needs_float=True)),
    *(function(n, "input: tensor, dim: int? = none, keepdim: bool = false", r.values_and_indices) for n in ("max", "min")),
    *(function(n, "input: tensor, dim: int? = none, keepdim: bool = false", r.reduction("int64")) for n in ("argmax", "argmin")),
    *(function(n, "input: tensor, dim: int? = none, keepdim: bool = false", r.reduction("bool")) for n in ("all", "any")),
]  # fmt: skip

SHAPES = [
    function("reshape", "input: tensor, shape: sizes", r.reshape),
    function("flatten", "input: tensor, start_dim: int = 0, end_dim: int = -1", r.flatten),
    function("squeeze", "input: tensor, dim: int? = none", r.squeeze),
    function("unsqueeze", "input: tensor, dim: int", r.unsqueeze),
    function("transpose", "input: tensor, dim0: int, dim1: int", r.transpose),
    function("permute", "input: tensor, dims: ints", r.permute),
    function("chunk", "input: tensor, chunks: int, dim: int = 0", r.chunk),
    function("[]", "input: tensor, entries: entries", index, "operator.getitem", "index"),
    method("expand_as", "input: tensor, other: tensor", r.expand_as),
]

ROWS = [*OPERATORS, *MERGES, *ELEMENTWISE, *REDUCTIONS, *SHAPES]
