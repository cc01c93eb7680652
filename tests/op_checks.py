"""What the tests of the op table share: a case of a row through netc's rule, and through torch itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from netc.code import Text, construction, expression
from netc.diagnostics import Diagnostic
from netc.graph import Argument, Node, Ref
from netc.infer import Inferred, Known, infer
from netc.ops.op import REQUIRED, Op
from netc.shapes import Shape
from netc.source import Source, Span
from netc.tensors import TensorType, Type, flat_types
from tests.op_cases import ROWS

HERE = Span(Source("test", "x"), 0, 1)


def arguments(op: Op, case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of a case for a row's config and call, defaults filled in; tensors as (shape, dtype)."""

    def filled(name: str, default: Any, kind: str) -> Any:
        if name in case:
            return case[name]
        if default is not REQUIRED:
            return default
        assert kind in ("tensor", "operand"), f"{op.name} needs {name}"
        return ((4, 6, 5), "bool" if op.name == "logical_not" else "float32")

    config = {p.name: case.get(p.name, None if p.inferred else filled(p.name, p.default, p.kind)) for p in op.params}
    call = {}
    for p in op.inputs:
        value = [ROWS, ROWS] if p.variadic and p.name not in case else filled(p.name, p.default, p.kind)
        call[p.name] = value
    return config, call


def is_tensor(value: Any) -> bool:
    """Whether a value of a case stands for a tensor: (shape, dtype)."""
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], tuple)


class Tensors:
    """Tensors behind references, as a node's arguments have them."""

    def __init__(self) -> None:
        self.made: list[Tensor] = []

    def ref(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.ref(v) for v in value]
        if isinstance(value, Tensor):
            self.made.append(value)
            return Ref(len(self.made) - 1)
        if not is_tensor(value):
            return value
        shape, dtype = value
        made = torch.rand(shape) if dtype == "float32" else torch.randint(0, 2, shape).to(getattr(torch, dtype))
        self.made.append(made)
        return Ref(len(self.made) - 1)

    def lookup(self, ref: Ref) -> Known:
        return Known(type_of(self.made[ref.node]), HERE)


def type_of(value: Any) -> Type:
    """The type of what torch gave."""
    if isinstance(value, Tensor):
        return TensorType(tuple(value.shape), str(value.dtype).removeprefix("torch."))
    return () if value is None else tuple(type_of(v) for v in value)


@dataclass(frozen=True)
class Outcome:
    """What a case gives: netc's type and parameters, or its refusal; torch's, or its error."""

    ours: Inferred | Diagnostic
    theirs: Type | None = None
    weights: dict[str, Shape] | None = None
    error: Exception | None = None
    value: Any = None

    def check(self) -> bool:
        """Asserts that netc and torch agree, and says whether both accept."""
        if isinstance(self.ours, Diagnostic):
            assert self.error is not None or _is_empty(self.theirs), f"torch gives {self.theirs}, and netc: {self.ours.message}"
            return False
        assert self.error is None, f"netc gives {self.ours.type}, and torch: {self.error!r}"
        assert self.theirs == self.ours.type
        if self.weights is not None:
            assert list(self.weights.items()) == list(self.ours.weights.items())
        return True


def infer_case(op: Op, case: dict[str, Any]) -> Inferred | Diagnostic:
    """What netc says to a case whose tensors are given as types, which may have named sizes."""
    kinds: list[TensorType] = []

    def ref(value: Any) -> Any:
        if isinstance(value, TensorType):
            kinds.append(value)
            return Ref(len(kinds) - 1)
        return [ref(v) for v in value] if isinstance(value, list) else value

    config, call = ({k: Argument(ref(v), HERE) for k, v in values.items()} for values in arguments(op, case))
    return infer(op, config, call, lambda r: Known(kinds[r.node], HERE), HERE)


def _is_empty(kind: Type | None) -> bool:
    """Whether there is nothing in a tensor that torch gave, which netc refuses to make."""
    return kind is not None and any(0 in tensor.shape for tensor in flat_types(kind))


def outcome(op: Op, case: dict[str, Any], training: bool = True) -> Outcome:
    """A case through netc's rule, and its source through torch; where netc refuses it the arguments go to torch as they are."""
    tensors = Tensors()
    config, call = arguments(op, case)
    given_config = {k: Argument(v, HERE) for k, v in config.items()}
    given_call = {k: Argument(tensors.ref(v), HERE) for k, v in call.items()}
    ours = infer(op, given_config, given_call, tensors.lookup, HERE)
    if isinstance(ours, Inferred):
        return _run(op, ours, given_call, tensors, training)
    return _refused(op, ours, case, call, tensors, training)


def _run(op: Op, ours: Inferred, call: dict[str, Argument], tensors: Tensors, training: bool) -> Outcome:
    node = Node(0, "op", HERE, ours.type, op, op.name, ours.config, call, ours.weights)
    space: dict[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "t": tensors.made, "self": nn.Module().train(training)}
    weights: dict[str, Shape] | None = None
    try:
        if op.is_module:
            space["module"] = module = eval(construction(node), space).train(training)
            weights = {n: tuple(p.shape) for n, p in module.named_parameters()}
        value = eval(expression(node, lambda ref: Text(f"t[{ref.node}]"), "module").text, space)
    except (RuntimeError, ValueError, TypeError, AssertionError, NotImplementedError, IndexError, ZeroDivisionError, Warning) as error:
        return Outcome(ours, error=error)
    return Outcome(ours, type_of(value), weights, value=value)


def _refused(op: Op, ours: Diagnostic, case: dict[str, Any], call: dict[str, Any], tensors: Tensors, training: bool) -> Outcome:
    """What torch says to a case that netc refuses; `sizes` of the case are what netc would have inferred."""
    made = iter(tensors.made)

    def real(value: Any) -> Any:
        if isinstance(value, Tensor) or is_tensor(value):
            return next(made)
        return tuple(map(real, value)) if isinstance(value, list) else value

    inputs = {k: real(v) for k, v in call.items()}
    try:
        if op.is_module:
            own = {p.name for p in op.params}
            config = case.get("sizes", {}) | {k: real(v) for k, v in case.items() if k in own}
            module = getattr(nn, op.name)(**config).train(training)
            places = [v for p, v in zip(op.inputs, inputs.values(), strict=True) if p.default is REQUIRED]
            value = module(*places, **{p.name: inputs[p.name] for p in op.inputs if p.default is not REQUIRED})
        else:
            value = getattr(nn.functional, op.target.rsplit(".", 1)[1])(**inputs)
    except (RuntimeError, ValueError, TypeError, AssertionError, NotImplementedError, IndexError, ZeroDivisionError, Warning) as error:
        return Outcome(ours, error=error)
    return Outcome(ours, type_of(value), value=value)
