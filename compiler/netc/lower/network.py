"""The statements of a network, in order: declarations, values, outputs, losses and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic, Related
from netc.graph import Graph, Named, Ref
from netc.lower.blocks import Evaluator, names_in
from netc.lower.builder import Builder
from netc.lower.calls import Endless
from netc.lower.finish import finish
from netc.lower.order import given
from netc.lower.scope import Binding, Scope
from netc.lower.spellings import metric_meant
from netc.lower.unused import unused_value
from netc.lower.values import CALLABLES, UNKNOWN, has_unknown, kind_words
from netc.shapes import Dim, Size, shape_text
from netc.source import Span
from netc.tensors import MOST_AXES, TensorType, why_impossible


class NetworkLowering:
    """Turns one network of a file into a graph. `sizes` gives named dimensions a number."""

    def __init__(self, network: s.Network, file_scope: Scope, sizes: Mapping[str, int]) -> None:
        self.network = network
        self.sizes = sizes
        self.dims: dict[str, Span] = {}  # the named dimensions, with the place that names them first
        self.graph = Graph(network.name.name, network.name.span)
        self.builder = Builder(self.graph)
        self.evaluator = Evaluator(self.builder)
        self.report = self.builder.report
        self.scope = Scope(file_scope, later=given(network.statements))
        self.parameters: dict[str, Binding] = {}

    def run(self) -> Graph:
        """The graph; problems are in `builder.diagnostics`."""
        for parameter in self.network.parameters:
            self._parameter(parameter)
        methods: dict[type, Callable[[Any], None]] = {
            s.Declaration: self._declaration, s.Output: self._output, s.Objective: self._objective,
            s.Init: lambda statement: self.evaluator.rules(statement, self.scope),
            s.Freeze: lambda statement: self.evaluator.rules(statement, self.scope),
        }  # fmt: skip
        for statement in self.network.statements:
            try:
                shared = methods.get(type(statement), lambda statement: self.evaluator.statement(statement, self.scope))
                shared(statement)
            except Endless:
                self.builder.frames.clear()
                self._bind_unknown(statement)
        is_broken = any(isinstance(statement, s.Broken) for statement in self.network.statements)
        if not is_broken and not any(d.severity == "error" for d in self.builder.diagnostics):
            finish(self.builder)
        self._check_whole()
        return self.graph

    def _bind_unknown(self, statement: s.Statement) -> None:
        if isinstance(statement, s.Assign):
            for name in statement.names:
                self.scope.names.setdefault(name.name, Binding(UNKNOWN, name.span))
        if isinstance(statement, s.Output):
            self.graph.outputs.append(Named("", Ref(-1), statement.span))

    def _parameter(self, parameter: s.Parameter) -> None:
        if parameter.default is None:
            name = parameter.name.name
            hint = f"give a default, `{name} = 8`, or set it, --set {name}=8"
            value: Any = self._fail("missing-argument", f"the parameter `{name}` has no value", parameter.span, hint)
        else:
            value = self.evaluator.value(parameter.default, self.scope)
        self.evaluator.bind(parameter.name, value, self.scope)
        self.parameters.setdefault(parameter.name.name, self.scope.names[parameter.name.name])

    # --- inputs and targets ---

    def _declaration(self, declaration: s.Declaration) -> None:
        dtype = self.evaluator.dtype(declaration.dtype)
        if "." in declaration.name.name:
            self.report(Diagnostic("syntax", f"an {declaration.kind} has a simple name", declaration.name.span))
        shape = [self._size(entry) for entry in declaration.shape[: MOST_AXES + 1]]
        value: Any = UNKNOWN
        if not has_unknown(shape) and (why := why_impossible(tuple(shape))):
            shape = [self._fail("rank" if "axes" in why else "bad-size", f"`{declaration.name.name}` {why}", declaration.name.span)]
        if not has_unknown(shape) and declaration.name.name not in self.scope.names:
            value = self.builder.declare(declaration.kind, declaration.name.name, TensorType(tuple(shape), dtype), declaration.span)
        self.evaluator.bind(declaration.name, value, self.scope)

    def _size(self, entry: s.Expression | s.Dots) -> Any:
        """The size that an entry of a shape stands for; a name that nothing has is a dimension, from here on."""
        if isinstance(entry, s.Dots):
            return self._fail("syntax", "`...` stands in the shapes of blocks only", entry.span, "an input has as many axes as it says")
        for name in names_in(entry):
            if name.name not in self.scope.names:
                self.dims[name.name] = name.span
                size: Size = self.sizes[name.name] if name.name in self.sizes else Dim.named(name.name)
                self.scope.names[name.name] = Binding(size, name.span)
            self.scope.find(name.name)  # a parameter that stands in a shape is used
        size = self.evaluator.value(entry, self.scope)
        if has_unknown(size):
            return UNKNOWN
        if isinstance(size, bool) or not isinstance(size, (int, Dim)):
            return self._fail("argument-type", f"an entry of a shape is an int or a named dimension, not {kind_words(size)}", entry.span)
        if isinstance(size, int) and size < 1:
            return self._fail("bad-size", f"a size must be positive, and is {size}", entry.span)
        return size

    def _fail(self, code: str, message: str, span: Span, hint: str = "") -> Any:
        self.report(Diagnostic(code, message, span, hint=hint))
        return UNKNOWN

    # --- values ---

    def _tensor(self, value: Any, span: Span, what: str) -> Ref | None:
        if has_unknown(value):
            return None
        if isinstance(value, Ref):
            return value
        hint = "send it a value: `x -> …`" if isinstance(value, CALLABLES) else ""
        self._fail("not-a-tensor", f"{what} must be a tensor, not {kind_words(value)}", span, hint)
        return None

    def _output(self, output: s.Output) -> None:
        for expression in output.values:
            value = self.evaluator.value(expression, self.scope)
            for part in value if isinstance(value, tuple) else (value,):
                ref = self._tensor(part, expression.span, "an output")
                if ref is None:
                    self.graph.outputs.append(Named("", Ref(-1), expression.span))
                    continue
                if ref.node in self.builder.from_targets:
                    self._fail("target-in-forward", "an output may not depend on a target", expression.span,
                               "targets are known in training only; use them in `loss` and `metric`")  # fmt: skip
                name = self.graph.names.get(ref) or ("output" if not self.graph.outputs else f"output_{len(self.graph.outputs) + 1}")
                self.graph.outputs.append(Named(name, ref, expression.span))

    def _objective(self, objective: s.Objective) -> None:
        named = self.graph.losses if objective.kind == "loss" else self.graph.metrics
        name = objective.name.name if objective.name else objective.kind
        self._check_objective_name(objective, name)
        value = self.evaluator.value(objective.value, self.scope)
        ref = self._tensor(value, objective.value.span, f"a {objective.kind}")
        if ref is None:
            named.append(Named(name, Ref(-1), objective.span))
            return
        kind = self.graph.tensor_type(ref)
        if kind.shape != ():
            self._fail("loss-not-scalar", f"a {objective.kind} is one number, and this has the shape {shape_text(kind.shape)}",
                       objective.value.span, "take the mean: `mean(…)`")  # fmt: skip
        elif objective.kind == "loss" and not kind.is_float:
            self._fail("dtype", f"a loss must be float, and is {kind.dtype}", objective.value.span)
        named.append(Named(name, ref, objective.span))

    def _check_objective_name(self, objective: s.Objective, name: str) -> None:
        place = objective.name.span if objective.name else objective.span
        if name == "epoch" or name.startswith("val_"):
            self._fail("reserved-name", f"`{name}` is a column of its own in what a training records", place,
                       "`epoch` and names that begin with `val_` are taken")  # fmt: skip
        others = [*self.graph.losses, *self.graph.metrics]
        same = next((o for o in others if o.name == name), None)
        unnamed = objective.kind == "loss" and bool(self.graph.losses) and "loss" in (name, *(o.name for o in self.graph.losses))
        if objective.kind == "metric" and objective.name is None:
            callee = objective.value.callee if isinstance(objective.value, s.Call) else None
            usual = metric_meant(callee.name) if isinstance(callee, s.Name) else ""
            hint = (
                f"the usual ones are asked for with `metrics = [{usual}]` in the `train` section" if usual else "write `metric error = …`"
            )
            self._fail("duplicate-loss", "a metric has a name", place, hint)
        elif same or unnamed:
            first = same or self.graph.losses[0]
            self.report(Diagnostic("duplicate-loss", "with several losses, each has a name of its own", place,
                                   related=(Related(first.span, "the first"),),
                                   hint="write `loss reconstruction = …`; they are summed"))  # fmt: skip
        elif objective.kind == "metric" and name == "loss":
            self._fail("duplicate-loss", "`loss` is the name of the sum of all losses", place)

    # --- the whole ---

    def _check_whole(self) -> None:
        files = self.graph.python_files
        for ref, name in self.graph.names.items():
            if name in files:
                self._fail("reserved-name", f"`{name}` is the name of the Python file `{Path(files[name]).name}` too",
                           self.graph.node(ref.node).span, "give the value another name")  # fmt: skip
        if not self.graph.outputs:
            value = self.scope.names.get("output")
            message = f"`{self.graph.name}` has no output"
            if value:
                hint = "`output = …` names a value; without the `=` it is what the network gives"
                self._fail("missing-output", message, value.span, hint)
            else:
                self.evaluator.no_output(message, self.network.name.span, self.network.statements, "output")
        kinds = {id(self.scope.names[d.name.name]): d.kind for d in self.network.statements
                 if isinstance(d, s.Declaration) and d.name.name in self.scope.names}  # fmt: skip
        for name, binding in self.scope.names.items():
            if binding.used or name.startswith("_") or has_unknown(binding.value):
                continue
            if id(binding) in kinds:
                self._fail("unused-input", f"the {kinds[id(binding)]} `{name}` is never read", binding.span)
            elif name in self.parameters:
                self._fail("unused-parameter", f"the parameter `{name}` is never used", binding.span)
            else:
                self.report(unused_value(name, binding.value, binding.span))
