"""Rows of operators, and merges, which want equal shapes."""

from __future__ import annotations

from netc.ops import rules as r
from netc.ops.functions import function
from netc.ops.op import Op, Rule


def operator(symbol: str, rule: Rule, target: str) -> Op:
    """A row of an operator on two operands."""
    return function(symbol, "input: operand, other: operand", rule, f"operator.{target}", symbol)


def merge(name: str, target: str, written: str) -> Op:
    """A row of a merge of any number of equal shapes."""
    return function(name, "inputs: operand...", r.merge, target, written, is_merge=True)


OPERATORS = [
    *(operator(s, r.arithmetic, t) for s, t in
      (("+", "add"), ("-", "sub"), ("*", "mul"), ("/", "truediv"), ("//", "floordiv"), ("%", "mod"), ("**", "pow"))),
    *(operator(s, r.comparison, t) for s, t in (("==", "eq"), ("!=", "ne"), ("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge"))),
    operator("@", r.matmul, "matmul"),
    function("neg", "input: tensor", r.negative, written="prefix-"),
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

ROWS = [*OPERATORS, *MERGES]
