"""Blocks and networks as layers: their inputs take the shapes of what arrives, their statements are lowered in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netc import syntax as s
from netc.conditions import condition
from netc.diagnostics import Diagnostic, Related, count_of, listed
from netc.graph import Ref, Tie, refs_in
from netc.lower.binding import ref_list, spread
from netc.lower.expressions import set_hint
from netc.lower.inits import init_of, no_init
from netc.lower.order import given
from netc.lower.pipelines import Pipelines
from netc.lower.scope import Binding, Scope
from netc.lower.unused import unused_value
from netc.lower.values import (
    CALLABLES,
    UNKNOWN,
    BlockValue,
    Given,
    NetworkValue,
    PipeValue,
    SharedValue,
    has_unknown,
    is_tensor,
    kind_words,
)
from netc.ops.inits import numbers_refused, tensor_refused
from netc.ops.op import dtype_named
from netc.settings import Made
from netc.shapes import Dim
from netc.source import Span
from netc.tensors import DEFAULT_DTYPE, DTYPES, TensorType, why_impossible


class Evaluator(Pipelines):
    """Evaluates everything; lowers the statements that blocks and networks have in common."""

    # --- statements ---

    def statement(self, statement: Any, scope: Scope) -> None:
        """Lowers one of the statements that may stand in a block or a network."""
        methods: dict[type, Callable[[Any, Scope], None]] = {
            s.Assign: self._assign, s.Assert: self._assert, s.Layer: self._layer, s.Tensor: self._tensor, s.Tie: self._tie,
            s.Broken: self._broken,
        }  # fmt: skip
        methods[type(statement)](statement, scope)

    def _assign(self, assign: s.Assign, scope: Scope) -> None:
        value = self.value(assign.value, scope)
        if len(assign.targets) == 1:
            self._take(assign.targets[0], value, assign.span, scope)
        else:
            self._unpack(assign.targets, value, assign.span, scope)

    def _take(self, target: s.Name | s.Unpacked, value: Any, span: Span, scope: Scope) -> None:
        if isinstance(target, s.Unpacked):
            self._unpack(target.targets, value, target.span, scope)
            return
        self.bind(target, value, scope)
        self._name_value(target, value)

    def _unpack(self, targets: Sequence[s.Name | s.Unpacked], value: Any, span: Span, scope: Scope) -> None:
        fits = isinstance(value, (tuple, list)) and len(value) == len(targets)
        if not fits and not has_unknown(value):
            parts = f"a tuple of {len(value)}" if isinstance(value, (tuple, list)) else kind_words(value)
            self.fail("unpack", f"{len(targets)} names stand on the left, and {parts} on the right", span)
        for i, target in enumerate(targets):
            self._take(target, value[i] if fits else UNKNOWN, span, scope)

    def _name_value(self, name: s.Name, value: Any) -> None:
        if isinstance(value, Ref) and name.name != "_":
            self.builder.name_value(name.name, value)

    def _assert(self, statement: s.Assert, scope: Scope) -> None:
        condition = self.value(statement.condition, scope)
        if condition is True or has_unknown(condition):
            return
        if condition is not False:
            self.fail("not-constant", f"`assert` needs `true` or `false`, not {kind_words(condition)}", statement.condition.span)
            return
        message = self.value(statement.message, scope) if statement.message else None
        self.fail("assertion", str(message) if isinstance(message, str) else f"`{statement.condition.span.text}` does not hold",
                  statement.condition.span)  # fmt: skip

    def _layer(self, layer: s.Layer, scope: Scope) -> None:
        label, written = s.Label(layer.name.span, (layer.name.name,)), self.without_ids(layer.value, scope)
        if isinstance(written, s.Pipe) and len(written.stages) == 1:  # a label says what the layer is called in the state_dict
            stage = written.stages[0]
            label, written = self._label(stage.label, scope) if stage.label else label, stage.value
        value = self._stage(written, scope)
        if not has_unknown(value) and not isinstance(value, CALLABLES):
            value = self.fail("not-callable", f"a `layer` is a layer or pipeline, not {kind_words(value)}", layer.value.span)
        if not has_unknown(value):
            value = SharedValue(value, label, self.builder.place)
        self.bind(layer.name, value, scope)

    def _tensor(self, tensor: s.Tensor, scope: Scope) -> None:
        """A parameter or buffer of the network itself."""
        dtype = self.dtype(tensor.dtype)
        shape: list[Any] = [self.value(size, scope) if not isinstance(size, s.Dots) else UNKNOWN for size in tensor.shape]
        value: Any = UNKNOWN
        for size, entry in zip(shape, tensor.shape, strict=True):
            if isinstance(size, Dim):
                message = f"a `{tensor.kind}` needs numbers as sizes, and `{size}` is not known"
                self.fail("size-needed", message, entry.span, set_hint(size))
            elif not has_unknown(size) and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
                self.fail("bad-size", "a size is a positive int", entry.span)
        if not has_unknown(shape) and (why := why_impossible(tuple(shape))):
            self.fail("rank" if "axes" in why else "bad-size", f"`{tensor.name.name}` {why}", tensor.name.span)
        elif all(type(size) is int and size > 0 for size in shape):
            value = self._with_init(tensor, TensorType(tuple(int(size) for size in shape), dtype), scope)
        self.bind(s.Name(tensor.name.span, tensor.name.name.replace(".", "_")), value, scope)

    def _with_init(self, tensor: s.Tensor, kind: TensorType, scope: Scope) -> Any:
        init = init_of(tensor.value, scope, self)
        if init is None:
            init = self.value(tensor.value, scope)
            if isinstance(init, Ref) and self.builder.graph.type_of(init) != kind:
                found = self.builder.graph.type_of(init)
                return self.fail("shape-mismatch", f"`{tensor.name.name}` is declared {kind}, and its value is {found}", tensor.value.span)
        if has_unknown(init):
            return UNKNOWN
        if not isinstance(init, (Ref, Made, bool, int, float, list)):
            message = f"`{tensor.name.name}` begins with numbers, an initialisation or a tensor, and not with `{tensor.value.span.text}`"
            return self.fail("argument-type", message, tensor.value.span, "e.g. `1.0`, `[1.0, 2.0]`, `normal(std=0.02)`, `arange(3)`")
        if isinstance(init, Made):
            why, hint = tensor_refused(init.recipe.name, init.values, kind)
        else:
            why, hint = ("", "") if isinstance(init, Ref) else numbers_refused(init, kind)
        if why:
            return self.fail("argument-type", f"{why}, and `{tensor.name.name}` is {kind}", tensor.value.span, hint)
        return self.builder.register(tensor.kind, tensor.name, kind, init, tensor.value.span)

    def _tie(self, tie: s.Tie, scope: Scope) -> None:
        left, right = (self.builder.place.path(name.name) for name in (tie.left, tie.right))
        self.builder.graph.ties.append(Tie(left, right, tie.span))

    # --- declared shapes ---

    def dtype(self, name: s.Name | None) -> str:
        """The dtype of a declaration; float32 where it says none."""
        if name is None:
            return DEFAULT_DTYPE
        named = dtype_named(name.name)
        if named is None:
            hint = f"dtypes are {listed(DTYPES)}"
            self.report(Diagnostic("unknown-name", f"there is no dtype `{name.name}`", name.span, hint=hint))
        return named or DEFAULT_DTYPE

    def match(self, declaration: s.In | s.Declaration, value: Any, scope: Scope, own: set[str]) -> bool:
        """Gives the names in a declared shape the sizes of what arrives; whether what is known already agrees.

        `own` are the names that were given so, in this block.
        """
        before = len(self.builder.diagnostics)
        kind = self.builder.graph.type_of(value) if isinstance(value, Ref) else None
        shape = declaration.shape
        if shape is None:
            return True
        if not isinstance(kind, TensorType):
            for entry in shape:
                for name in names_in(entry):
                    scope.names.setdefault(name.name, Binding(UNKNOWN, name.span, used=True))
            return True
        dtype = self.dtype(declaration.dtype)
        if declaration.dtype and kind.dtype != dtype:
            self._misfit("dtype", declaration, value, f"is declared {dtype}, and gets {kind}")
        sizes = self._aligned(declaration, shape, kind, value)
        for entry, size in zip((e for e in shape if not isinstance(e, s.Dots)), sizes, strict=True):
            self._match_size(declaration, entry, size, value, scope, own)
        return len(self.builder.diagnostics) == before

    def _aligned(self, declaration: s.In | s.Declaration, shape: Any, kind: TensorType, value: Ref) -> list[Any]:
        """The sizes for the entries of a declared shape; `...` stands for any axes."""
        dots = [i for i, e in enumerate(shape) if isinstance(e, s.Dots)]
        count = len(shape) - len(dots)
        if len(dots) > 1:
            self.fail("rank", "`...` stands once in a shape", shape[dots[1]].span)
            return [UNKNOWN] * count
        if kind.rank != count and (not dots or kind.rank < count):
            axes = "1 axis" if count == 1 else f"{count} axes"
            self._misfit("rank", declaration, value, f"is declared with {axes}, and gets {kind}")
            return [UNKNOWN] * count
        front = dots[0] if dots else count
        return [*kind.shape[:front], *kind.shape[kind.rank - (count - front) :]] if dots else list(kind.shape)

    def _match_size(
        self, declaration: s.In | s.Declaration, entry: s.Expression, size: Any, value: Ref, scope: Scope, own: set[str]
    ) -> None:
        if isinstance(entry, s.Name) and entry.name not in own and scope.names.get(entry.name) is None:
            own.add(entry.name)
            scope.names[entry.name] = Binding(size, entry.span, used=True)
            return
        wanted = self.value(entry, scope)
        if not has_unknown([wanted, size]) and wanted != size:
            when = condition((wanted,), (size,)).text if isinstance(wanted, (int, Dim)) else ""
            self._misfit("shape-mismatch", declaration, value, f"wants {wanted} for `{entry.span.text}`, and gets {size}{when}")

    def _misfit(self, code: str, declaration: s.In | s.Declaration, value: Ref, what: str) -> None:
        made = self.builder.lookup(value)
        caller = self.builder.frames[-1][1] if self.builder.frames else declaration.span
        related = (Related(made.span, str(made.type)), Related(declaration.span, "declared here"))
        self.report(Diagnostic(code, f"`{declaration.name.name}` {what}", caller, related=related), [value])

    # --- blocks ---

    def send_block(
        self, block: BlockValue | NetworkValue, arguments: list[Given], inputs: list[Given], span: Span, label: s.Label | None
    ) -> Any:
        """The value of a block or network that is sent a value: its statements are lowered under its label."""
        written = block.block if isinstance(block, BlockValue) else block.network
        scope = self.bind_parameters(written.name, written.parameters, block.scope, arguments, span)
        if scope is None:
            return UNKNOWN
        if label is None:
            auto = self.builder.place.unlabelled_name(written.name.name)
            label = s.Label(span, (auto,))
        self.enter("block" if isinstance(block, BlockValue) else "network", written.name.name, span)
        try:
            return self._block_body(block, scope, inputs, span, label)
        finally:
            if self.builder.frames:
                self.builder.frames.pop()

    def _block_body(self, block: BlockValue | NetworkValue, scope: Scope, inputs: list[Given], span: Span, label: s.Label) -> Any:
        if isinstance(block, NetworkValue):
            network = block.network
            return self._in_place(label, lambda: self._network_statements(network, scope, inputs, span), False, network.name.name, scope)
        body, name = block.block.body, block.block.name.name
        if isinstance(body, tuple):
            return self._in_place(label, lambda: self._block_statements(block.block, body, scope, inputs, span), False, name, scope)
        alone = self.without_ids(body, scope)
        if isinstance(alone, s.Pipe):
            stages = alone.stages
            return self._in_place(label, lambda: self._through(stages, _joined(inputs), inputs[0].span, scope), False, name, scope)
        layer = self._stage(alone, scope)  # a single layer takes the label itself
        if isinstance(layer, PipeValue):
            return self._send_pipe(layer, inputs, span, label, name, scope)
        return UNKNOWN if has_unknown(layer) else self.send(layer, inputs, span, label)

    def _block_statements(self, block: s.Block, body: tuple[s.BlockStatement, ...], scope: Scope, inputs: list[Given], span: Span) -> Any:
        ins = [statement for statement in body if isinstance(statement, s.In)]
        self._bind_inputs(block.name.name, ins, scope, _known(body, len(ins), inputs), span)
        scope.later = given(body)
        outs = []
        for statement in body:
            if isinstance(statement, s.Out):
                value = self.value(statement.value, scope)
                outs.append(value)
                self.builder.region.results.extend(refs_in(value))
                if statement.name:
                    self.bind(statement.name, value, scope)
            elif not isinstance(statement, s.In):
                self.statement(statement, scope)
        named_outs = {o.name.name for o in body if isinstance(o, s.Out) and o.name}
        self.unused(scope, {p.name.name for p in block.parameters} | {i.name.name for i in ins} | named_outs)
        if _hides(body, "out", outs):
            return UNKNOWN
        if not outs:
            self.no_output(f"the block `{block.name.name}` has no `out`", block.name.span, body, "out")
            return UNKNOWN
        return outs[0] if len(outs) == 1 else tuple(outs)

    def _network_statements(self, network: s.Network, scope: Scope, inputs: list[Given], span: Span) -> Any:
        """A network as a layer: from its inputs to its outputs. Targets, losses and metrics are for training it by itself."""
        ins = [d for d in network.statements if isinstance(d, s.Declaration) and d.kind == "input"]
        self._bind_inputs(network.name.name, ins, scope, _known(network.statements, len(ins), inputs), span)
        scope.later = given([part for part in network.statements if not isinstance(part, s.Declaration)])  # targets are not there
        outs: list[Any] = []
        for statement in network.statements:
            if isinstance(statement, s.Output):
                for expression in statement.values:
                    value = self.value(expression, scope)
                    outs += value if isinstance(value, tuple) else [value]
            elif isinstance(statement, (s.Init, s.Freeze)):
                self.rules(statement, scope)
            elif not isinstance(statement, (s.Declaration, s.Objective)):
                self.statement(statement, scope)
        if _hides(network.statements, "output", outs):
            return UNKNOWN
        if not outs:
            self.no_output(f"`{network.name.name}` has no output", network.name.span, network.statements, "output")
            return UNKNOWN
        return outs[0] if len(outs) == 1 else tuple(outs)

    def no_output(self, message: str, span: Span, statements: Sequence[Any], word: str) -> None:
        """Reports a block or network without result; what it computes last is probably meant."""
        names = [a.names[-1] for a in statements if isinstance(a, s.Assign)]
        related = (Related(names[-1].span, "the last value"),) if names else ()
        hint = f"write `{word} {names[-1].name if names else 'y'}`"
        self.report(Diagnostic("missing-output", message, span, related=related, hint=hint))

    def rules(self, statement: s.Init | s.Freeze, scope: Scope) -> None:
        """Keeps an `init` or `freeze` for the end, when all parameters are known."""
        prefix = self.builder.place.prefix
        if isinstance(statement, s.Freeze):
            self.builder.freezes += [(prefix, name) for name in statement.patterns]
            return
        for rule in statement.rules:
            made = init_of(rule.value, scope, self)
            if made is None:
                self.report(no_init(rule.value))
            elif not has_unknown(made):
                self.builder.rules.append((prefix, rule.pattern, made))

    def _bind_inputs(self, name: str, ins: Any, scope: Scope, inputs: list[Given], span: Span) -> None:
        parts = spread(inputs) if len(ins) > 1 else inputs
        unknown = has_unknown([g.value for g in parts])
        if len(parts) != len(ins) and not unknown:
            self.fail("input-count", f"`{name}` takes {count_of(len(ins), 'input')}, and gets {len(parts)}", span)
            unknown = True
        own: set[str] = set()
        for i, declaration in enumerate(ins):
            value = UNKNOWN if unknown else parts[i].value
            if not unknown and declaration.shape is not None and not isinstance(value, Ref):
                what = "a tuple" if is_tensor(value) else kind_words(value)
                problem = Diagnostic("not-a-tensor", f"`{name}` takes a tensor as `{declaration.name.name}`, and gets {what}", span)
                self.report(problem, ref_list(value))
                value = UNKNOWN
            value = value if self.match(declaration, value, scope, own) else UNKNOWN
            self._name_value(declaration.name, value)
            self.bind(s.Name(declaration.name.span, declaration.name.name), value, scope)

    def unused(self, scope: Scope, exempt: set[str]) -> None:
        """Warns of values that nothing reads."""
        for name, binding in scope.names.items():
            if not binding.used and name not in exempt and not name.startswith("_") and not has_unknown(binding.value):
                self.report(unused_value(name, binding.value, binding.span))


def _joined(inputs: list[Given]) -> Any:
    return inputs[0].value if len(inputs) == 1 else tuple(g.value for g in inputs)


def _hides(statements: Sequence[Any], word: str, found: Sequence[Any]) -> bool:
    """Whether a statement that could not be parsed may give another result."""
    broken = [statement.word for statement in statements if isinstance(statement, s.Broken)]
    return word in broken or bool(broken and not found)


def _known(statements: Sequence[Any], count: int, inputs: list[Given]) -> list[Given]:
    """The inputs; unknown where a statement that could not be parsed may have declared one."""
    may_be_more = any(isinstance(statement, s.Broken) for statement in statements) and len(spread(inputs)) != count
    return [Given(None, UNKNOWN, inputs[0].span)] if may_be_more else inputs


def names_in(expression: s.Expression | s.Dots) -> list[s.Name]:
    """The plain names of an expression over sizes."""
    if isinstance(expression, s.Name):
        return [expression]
    if isinstance(expression, s.Binary):
        return names_in(expression.left) + names_in(expression.right)
    return names_in(expression.operand) if isinstance(expression, s.Unary) else []
