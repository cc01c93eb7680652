"""Adds nodes to the graph: binds the arguments of an op, infers its type, and gives layers their paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from netc.conditions import condition, gives_size
from netc.diagnostics import Diagnostic, Related, count_of
from netc.graph import Argument, Graph, Node, Ref, Region
from netc.infer import Known, infer, typed
from netc.lower.binding import Binder, ref_list
from netc.lower.origins import Origins
from netc.lower.scope import Place, why_reserved
from netc.lower.values import UNKNOWN, Given, has_unknown, is_tensor, kind_words
from netc.ops.loss_hints import Operand, fit
from netc.ops.losses import STRETCH, weights_shape
from netc.ops.op import Balanced, Op, Problem, value_text
from netc.settings import Made
from netc.source import Span
from netc.syntax import Label, Name
from netc.tensors import DEFAULT_DTYPE, TensorType, Type

# The hint where a tuple arrives at what takes one value.
MERGES = "`add`, `mul`, `average`, `maximum`, `concat(dim=1)`, `stack(dim=1)` merge the parts into one"


class Builder:
    """The graph under construction, and the problems found on the way."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.diagnostics: list[Diagnostic] = []
        self.reported: set[tuple[str, str, Span | None]] = set()
        self.place = Place()
        self.region = graph.regions[0]
        self.shared = 0  # how many shared layers are being used again
        self.rules: list[tuple[str, Name, Made]] = []  # of `init`: prefix, pattern, initialisation
        self.freezes: list[tuple[str, Name]] = []
        self.by_path: dict[str, Node] = {}  # the first node of every layer
        self.frames: list[tuple[str, Span]] = []  # the functions that are being expanded, outermost first
        self.from_targets: set[int] = set()  # nodes whose value depends on a target
        self.origins = Origins(graph)

    def report(self, diagnostic: Diagnostic, refs: Sequence[Ref] = ()) -> None:
        """Takes a problem about some tensors, with the calls that led to it. What is wrong in a block is said at its first use."""
        same = (diagnostic.code, diagnostic.message, diagnostic.span)
        if same in self.reported:
            return
        self.reported.add(same)
        if self.frames and not diagnostic.inside:
            where = ", ".join(f"{name} at {span}" for name, span in reversed(self.frames))
            diagnostic = replace(diagnostic, inside=where)
        self.diagnostics.append(self.origins.explain(diagnostic, refs))

    def lookup(self, ref: Ref) -> Known:
        """The type of a value and the place that made it."""
        node = self.graph.node(ref.node)
        return Known(self.graph.type_of(ref), node.span, self.graph.name_of(node) if node.kind == "target" else "")

    def typed(self, value: Any) -> Any:
        """A value as a rule sees it."""
        return typed(value, self.lookup)

    def declare(self, kind: str, name: str, type: TensorType, span: Span) -> Ref:
        """Adds an input or target."""
        node = self.graph.add(Node(len(self.graph.nodes), kind, span, type))
        ref = Ref(node.id)
        self.graph.names[ref] = name
        if kind == "target":
            self.from_targets.add(node.id)
        return ref

    def apply(
        self, op: Op, placed: Sequence[Given], named: Sequence[Given], inputs: Sequence[Given], span: Span, label: Label | None
    ) -> Any:
        """The value of an op: a `Ref`, a tuple of them, or `UNKNOWN` where a problem was reported.

        `placed` and `named` are what was written in its brackets, `inputs` what is sent into it.
        """
        binder = Binder(op.name, op.signature, span, self.typed, self.report)
        if op.is_module:
            call_names = {p.name for p in op.inputs}
            for_call = [g for g in named if g.name and g.name.name in call_names]
            config = binder.bind(op.params, placed, [g for g in named if g not in for_call])
        else:
            for_call, inputs, config = list(named), [*inputs, *placed], {}
        sent = [*inputs, *for_call]
        call = None if has_unknown([g.value for g in sent]) else self._inputs(op, binder, inputs, for_call)
        if config is None or call is None or has_unknown([a.value for a in [*config.values(), *call.values()]]):
            if label:
                self._path(op, label, span)
            return UNKNOWN
        call = self._literals(op, call)
        return UNKNOWN if call is None else self._add(op, config, call, span, label)

    def _inputs(self, op: Op, binder: Binder, inputs: Sequence[Given], named: Sequence[Given]) -> dict[str, Argument] | None:
        most = None if any(p.variadic for p in op.inputs) else len(op.inputs)
        parts = [g for g in inputs if is_tensor(g.value)]
        odd = next((g for g in inputs if op.is_module and not is_tensor(g.value)), None)
        if odd:
            self.report(Diagnostic("not-a-tensor", f"`{op.name}` is sent {kind_words(odd.value)}, and takes a tensor", odd.span))
            return None
        takes = sum(1 for p in op.inputs if p.takes_tensors)
        if most is not None and len(parts) > takes:
            tuple_place = parts[0].span
            shapes = ", ".join(str(self.typed(g.value)) for g in parts)
            self.report(Diagnostic("input-count", f"`{op.name}` takes {count_of(takes, 'input')}, and gets {len(parts)}: ({shapes})",
                                   binder.span, related=(Related(tuple_place, "these"),), hint=MERGES if takes == 1 else ""))  # fmt: skip
            return None
        if op.is_module and len(parts) < op.min_inputs and not named:
            self.report(Diagnostic("input-count", f"`{op.name}` takes {count_of(op.min_inputs, 'input')}, and gets {len(parts)}",
                                   binder.span, hint=f"send it a tuple: `(a, b) -> {op.name}`"))  # fmt: skip
            return None
        return binder.bind(op.inputs, inputs, named)

    def _add(self, op: Op, config: dict[str, Argument], call: dict[str, Argument], span: Span, label: Label | None) -> Any:
        path = self._path(op, label, span)
        refs = ref_list([a.value for a in call.values()])
        if self._broadcasts_target(op, refs, span):
            return UNKNOWN
        result = infer(op, config, call, self.lookup, span)
        if isinstance(result, Diagnostic):
            self.report(self._without_rows(result), refs)
            return UNKNOWN
        node = Node(len(self.graph.nodes), "op", span, result.type, op, path, result.config, call, result.weights,
                    self.region.id)  # fmt: skip
        if node.is_module and not self._same_instance(node):
            return UNKNOWN
        self.graph.add(node)
        if any(ref.node in self.from_targets for ref in refs):
            self.from_targets.add(node.id)
        return parts_of(Ref(node.id), result.type)

    def _without_rows(self, problem: Diagnostic) -> Diagnostic:
        """The problem without the advice to give the number of rows, which each batch has its own of."""
        kinds = [n.type for n in self.graph.nodes if n.kind in ("input", "target") and isinstance(n.type, TensorType) and n.type.rank]
        is_of_rows = any(gives_size(problem.hint, str(kind.shape[0])) for kind in kinds)
        return replace(problem, hint="") if is_of_rows else problem

    def _broadcasts_target(self, op: Op, refs: list[Ref], span: Span) -> bool:
        """Whether an operator or function stretches a prediction against a target, which would compute a wrong number.

        What depends on no input, such as a parameter, is no prediction.
        """
        operands = [(r, k) for r in refs if isinstance(k := self.graph.type_of(r), TensorType) and k.rank] if op.broadcasts else []
        for (r, a), (t, b) in combinations(operands, 2):
            prediction, target = (t, r) if r.node in self.from_targets else (r, t)
            mixed = target.node in self.from_targets and prediction.node not in self.from_targets
            if not mixed or a.shape == b.shape or all(n.kind != "input" for n in self.graph.needed_for([prediction])):
                continue
            related = tuple(Related(self.lookup(ref).span, str(kind)) for ref, kind in ((r, a), (t, b)))
            when = condition(a.shape, b.shape)
            message = f"`{op.name}` of prediction and target needs equal shapes, and gets {a} and {b}{when.text}"
            hint = when.hint or fit(*map(self._operand, (prediction, target))) or STRETCH
            self.report(Diagnostic("loss-shape", message, span, related=related, hint=hint), refs)
            return True
        return False

    def _operand(self, ref: Ref) -> Operand:
        """A value of an operator, as a hint names it."""
        return Operand(self.graph.tensor_type(ref), self.graph.names.get(ref, ""), self.lookup(ref).target)

    def _same_instance(self, node: Node) -> bool:
        """Whether a layer that is used again is made of the same arguments and sizes as at its first use."""
        first = self.by_path.setdefault(node.path, node)
        different = [name for name, a in node.config.items() if name in first.config and a.value != first.config[name].value]
        if first is node or not self.shared or (first.op is node.op and not different):
            return True
        name = different[0] if different else "layer"
        here, there = (value_text(n.config[name].value) if different else str(n.op and n.op.name) for n in (node, first))
        self.report(Diagnostic("inferred-mismatch", f"the shared layer `{node.path}` would need {name} {here} here, and has {there}",
                               node.span, related=(Related(first.span, "its first use"),)), node.refs)  # fmt: skip
        return False

    def register(self, kind: str, name: Name, type: TensorType, init: Any, span: Span) -> Ref:
        """Adds a parameter or buffer of the network itself; `init` is an initialisation, or the tensor that it begins with."""
        path = self._take(Label(name.span, (name.name,)))
        weights = {"": type.shape} if kind == "param" else {}
        init = as_floats(init) if type.is_float and isinstance(init, (int, float, list)) else init
        config = {"init": Argument(init, span)} | ({"persistent": Argument(True, span, "default")} if kind == "buffer" else {})
        node = Node(len(self.graph.nodes), kind, name.span, type, None, path, config, weights=weights, region=self.region.id)
        self.graph.add(node)
        self.name_value(name.name.replace(".", "_"), Ref(node.id))
        return Ref(node.id)

    def _literals(self, op: Op, call: dict[str, Argument]) -> dict[str, Argument] | None:
        """The arguments of a call, in which class weights that are numbers have become buffers; None where they cannot be weights."""
        given = {p.name: a for p in op.inputs if p.kind == "weights" and not isinstance((a := call[p.name]).value, (Ref, type(None)))}
        if not given:
            return call
        refs = ref_list([a.value for a in call.values()])
        kind = self.graph.tensor_type(next((ref for ref in refs if not self.lookup(ref).target), refs[0]))  # first, unless they are swapped
        for name, argument in given.items():
            try:
                shape = weights_shape(op, name, argument.value, kind)
            except Problem as problem:
                self.report(Diagnostic(problem.code, problem.message, argument.span, hint=problem.hint))
                return None
            made = TensorType(shape, kind.dtype if kind.is_float else DEFAULT_DTYPE)
            call = {**call, name: replace(argument, value=self._literal(name, made, argument))}
        return call

    def _literal(self, name: str, type: TensorType, argument: Argument) -> Ref:
        """A buffer of the numbers of an argument. What the spec says is no state, so it is not in the `state_dict`.

        Its name begins with `_`, as no label does, so that it takes none from a layer.
        """
        path = self.place.path(self.place.free_name(f"_{name}"))
        self.place.taken[path] = argument.span
        config = {"init": replace(argument, value=as_floats(argument.value)), "persistent": Argument(False, argument.span)}
        node = Node(len(self.graph.nodes), "buffer", argument.span, type, None, path, config, region=self.region.id)
        self.graph.add(node)
        return Ref(node.id)

    def name_value(self, name: str, ref: Ref) -> None:
        """Keeps the name of a value, for the source that is written: in the block where it was given, or in the network."""
        if not self.frames:
            self.graph.names.setdefault(ref, name)
        self.region.names.setdefault(ref, name)

    def open_region(self, kind: str, name: str = "", values: Mapping[str, Any] | None = None) -> Region:
        """A new region at the place that is current; what is made from now on belongs to it."""
        plain = {k: v for k, v in (values or {}).items() if isinstance(v, (int, float, str))}
        region = Region(len(self.graph.regions), self.region.id, self.place.prefix, kind, name, plain)
        self.graph.regions.append(region)
        self.region = region
        return region

    def claim(self, label: Label) -> None:
        """Takes the label of a block or sequence, which must be free."""
        path = self.place.path(label.name)
        if self._is_free(label, path, self.place.containers):
            self.place.containers.setdefault(path, label.span)

    def _path(self, op: Op, label: Label | None, span: Span) -> str:
        """The path of a layer, which must be free; for a function only its label."""
        if label is not None:
            return self._take(label)
        return self._take(Label(span, (self.place.unlabelled_name(op.name),))) if op.is_module else ""

    def _take(self, label: Label) -> str:
        """The path of a label here, taken from now on."""
        path = self.place.path(label.name)
        if self._is_free(label, path, self.place.inner) and path not in self.place.containers:
            self.place.taken.setdefault(path, label.span)
            for parent in _parents(path):
                self.place.inner.setdefault(parent, label.span)
        return path

    def _is_free(self, label: Label, path: str, others: Mapping[str, Span]) -> bool:
        """Whether a label can be the name of a sub-module, and nothing else has it: no layer, and none of `others`."""
        for part in label.name.split("."):
            if why := why_reserved(part):
                hint = f"call it `{part}_` or something better"
                self.report(Diagnostic("reserved-name", f"the label `{part}` {why}", label.span, hint=hint))
                return False
        taken = self.place.taken
        clash = next((other for other in (path, *_parents(path)) if other in taken), None)
        where = taken[clash] if clash else others.get(path)
        if where is None:
            return True
        inside = f", as `{clash}` is a layer itself" if clash and clash != path else ""
        self.report(Diagnostic("duplicate-label", f"the label `{path}` is taken{inside}", label.span,
                               related=(Related(where, f"`{clash or path}`"),), hint="labels are the keys of the state_dict"))  # fmt: skip
        return False


def as_floats(value: Any) -> Any:
    """A number, or a list of numbers however deep, as floats; `balanced` as it is."""
    if isinstance(value, list):
        return [as_floats(part) for part in value]
    return value if isinstance(value, Balanced) else float(value)


def _parents(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


def parts_of(ref: Ref, kind: Type) -> Any:
    """The value of a node: its `Ref`, or where it gives a tuple one `Ref` for each part."""
    if isinstance(kind, TensorType):
        return ref
    return tuple(parts_of(Ref(ref.node, (*ref.path, i)), part) for i, part in enumerate(kind))
