"""The source of a network: its blocks as classes, and its own class with `forward` and `loss`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from netc.code import BINDING, Text, short
from netc.emit.classes import Classes
from netc.emit.members import init_line
from netc.emit.texts import INDENT, WIDTH, docstring, result_type, returned
from netc.emit.writer import Writer, safe, use_counts
from netc.graph import Graph, InitRule, Node, Ref
from netc.tensors import type_text
from netc.units import CallStep, NodeStep, Step, Unit, units_of


def emit(graph: Graph, origin: str = "") -> str:
    """Plain PyTorch: one class for the network, with `__init__`, `forward` and, where the spec has them, `loss` and `metrics`.

    Its parameters have the keys of netc's module, so one `state_dict` fits both.
    """
    source = _Source(graph)
    parts = [*(source.classes.text(made) for made in source.classes.found.values()), source.network()]
    body = "\n\n\n".join(parts)
    head = f'"""{graph.name}, written by netc from {Path(origin).name or "a spec"}."""\n\n'
    return head + _imports(body, graph.python_files) + f"\n\n{body}\n"


def _imports(body: str, files: Iterable[str]) -> str:
    known = (
        (r"\bOrderedDict\(", "from collections import OrderedDict\n\n"), (r"\beinops\.", "import einops\n"),
        (r"\btorch\.", "import torch\n"),
        (r"\bF\.", "import torch.nn.functional as F\n"),
    )  # fmt: skip
    own = "".join(f"import {name}\n" for name in sorted(files))  # the user's own files, beside the one that is written
    return "".join(line for word, line in known if re.search(word, body)) + "from torch import Tensor, nn\n" + (f"\n{own}" if own else "")


class _Source:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.root: Unit = units_of(graph)
        self.classes = Classes(self.root, graph)
        several = len(graph.losses) > 1
        self.names = graph.names | {loss.ref: loss.name for loss in graph.losses if several and loss.ref not in graph.names}
        self.makers = {}
        for step in self.root.steps:
            for id in [step.node.id] if isinstance(step, NodeStep) else [ref.node for ref in step.unit.outputs]:
                self.makers[id] = step

    def network(self) -> str:
        """The class of the network itself."""
        members = self.classes.members[id(self.root)]
        init = ["    def __init__(self) -> None:", *self.classes.init_lines(members, None), *self._rules()]
        return f'class {self.graph.name}(nn.Module):\n    """{self._shapes()}"""\n\n' + "\n\n".join(["\n".join(init), *self._methods()])

    def _shapes(self) -> str:
        """`x: [B, 5] to p: [B, 1].`"""
        graph = self.graph
        inputs = ", ".join(f"{graph.name_of(n)}: {type_text(n.type)}" for n in graph.inputs)
        outputs = ", ".join(f"{o.name}: {type_text(graph.type_of(o.ref))}" for o in graph.outputs)
        return docstring(f"{inputs} to {outputs}.", 4)

    def _rules(self) -> list[str]:
        """Ties, initialisations and frozen parameters, at the end of the constructor."""
        lines = [f"{INDENT}{_owner(tie.left)} = {_parameter(tie.right)}" for tie in self.graph.ties]
        for rule in self.graph.init_rules:
            lines += self._by_pattern(rule) or _for_each(rule.keys, partial(_init_of, rule))
        return lines + _for_each(self.graph.frozen, lambda parameter: f"{parameter}.requires_grad_(False)")

    def _by_pattern(self, rule: InitRule) -> list[str]:
        """A loop for `Linear.weight` or `*.bias`; nothing where only the names of the parameters say which are meant."""
        layer, _, name = rule.pattern.rpartition(".")
        types = {n.path: n.op for n in self.graph.modules}
        ops = {types.get(key.rpartition(".")[0]) for key in rule.keys}
        op = ops.pop() if len(ops) == 1 else None
        if len(rule.keys) > 2 and op is not None and op.name == layer and name.isidentifier():
            always = all(name in n.weights for n in self.graph.modules if n.op is op)
            condition = f"isinstance(module, {short(op.target)})" + ("" if always else f" and module.{name} is not None")
            head = [f"{INDENT}for module in self.modules():", f"{INDENT}    if {condition}:"]
            return [*head, f"{INDENT}        {init_line(f'module.{name}', rule.init)}"]
        is_suffix = layer == "*" and name.isidentifier() and not {tie.left for tie in self.graph.ties} & set(rule.keys)
        if len(rule.keys) > 2 and is_suffix:
            head = [f"{INDENT}for name, parameter in self.named_parameters():", f'{INDENT}    if name.endswith(".{name}"):']
            return [*head, f"{INDENT}        {init_line('parameter', rule.init)}"]
        return []

    # --- methods ---

    def _methods(self) -> list[str]:
        """`forward`, `loss` and `metrics`; where these need values that are no outputs, all begin with one method that gives them."""
        graph, outputs = self.graph, [o.ref for o in self.graph.outputs]
        if not graph.losses and not graph.metrics:
            return [self._method("forward", outputs)]
        every = list(dict.fromkeys([*outputs, *self._inner_values()]))
        arguments = ", ".join(safe(graph.name_of(n)) for n in graph.inputs)
        if len(every) == len(dict.fromkeys(outputs)):
            return [self._method("forward", outputs), *self._objectives(outputs, f"self({arguments})")]
        part = f"[:{len(outputs)}]" if len(outputs) > 1 else "[0]"
        head = self._signature("forward", graph.inputs, result_type(outputs))
        forward = f"{head}\n{INDENT}return self._values({arguments}){part}"
        return [forward, self._method("_values", every), *self._objectives(every, f"self._values({arguments})")]

    def _signature(self, name: str, takes: Sequence[Node], result: str) -> str:
        arguments = "".join(f", {safe(self.graph.name_of(n))}: Tensor" for n in takes)
        return f"    def {name}(self{arguments}) -> {result}:"

    def _writer(self, takes: Sequence[Node]) -> Writer:
        arguments = {Ref(n.id): safe(self.graph.name_of(n)) for n in takes}
        return self.classes.writer(self.root, arguments, self.names)

    def _method(self, name: str, results: list[Ref]) -> str:
        writer = self._writer(self.graph.inputs)
        writer.write(self._needed(results, set()), results)
        values = returned([writer.value(ref).text for ref in results])
        return "\n".join([self._signature(name, self.graph.inputs, result_type(results)), *writer.lines, values])

    def _objectives(self, given: list[Ref], call: str) -> list[str]:
        """The sum of the losses as one method and the metrics as another, from the values `given` that `call` gives."""
        methods = []
        if losses := [loss.ref for loss in self.graph.losses]:
            lines, texts = self._from_values(losses, given, call)
            total = " + ".join(text.inside(BINDING["*"]) for text in texts)
            methods.append([self._signature("loss", self._tensors, "Tensor"), *lines, f"{INDENT}return {total}"])
        if metrics := self.graph.metrics:
            lines, texts = self._from_values([metric.ref for metric in metrics], given, call)
            pairs = [f'"{metric.name}": {text.text}' for metric, text in zip(metrics, texts, strict=True)]
            methods.append([self._signature("metrics", self._tensors, "dict[str, Tensor]"), *lines, returned(pairs, "{", "}")])
        return ["\n".join(lines) for lines in methods]

    def _from_values(self, results: list[Ref], given: list[Ref], call: str) -> tuple[list[str], list[Text]]:
        """The statements that compute losses or metrics, and these as operands."""
        writer, steps = self._writer(self._tensors), self._needed(results, set(given))
        writer.left = use_counts(steps, results)
        names = [writer.name(ref) if writer.left.get(ref) else "_" for ref in given]
        first = [f"{INDENT}{', '.join(names)} = {call}"] if any(n != "_" for n in names) else []
        writer.write(steps, results)
        return [*first, *writer.lines], [writer.value(ref) for ref in results]

    @property
    def _tensors(self) -> list[Node]:
        return self.graph.inputs + self.graph.targets

    def _needed(self, results: Sequence[Ref], given: set[Ref]) -> list[Step]:
        """The steps that these values depend on, but for what is given."""
        found: dict[int, Step] = {}
        stack = list(results)
        while stack:
            ref = stack.pop()
            step = self.makers.get(ref.node)
            if ref not in given and step is not None and step.id not in found:
                found[step.id] = step
                stack += step.refs
        return [found[id] for id in sorted(found)]

    def _inner_values(self) -> list[Ref]:
        """Values of the forward pass that a loss or metric needs beside the outputs."""
        outputs = {o.ref for o in self.graph.outputs}
        forward = {step.id for step in self._needed(list(outputs), set())}
        needed: set[Ref] = set()
        stack, seen = [objective.ref for objective in (*self.graph.losses, *self.graph.metrics)], set()
        while stack:
            ref = stack.pop()
            step = self.makers.get(ref.node)
            if step is None or ref in outputs or ref in seen:
                continue
            seen.add(ref)
            if step.id in forward or (isinstance(step, CallStep) and not self._takes_target(step)):
                needed.add(ref)
            else:
                stack += step.refs
        return sorted(needed, key=lambda r: (r.node, r.path))

    def _takes_target(self, step: Step) -> bool:
        """Whether a step can be taken in a loss only, where there are targets."""
        return any(node.kind == "target" for node in self.graph.needed_for(step.refs))


def _init_of(rule: InitRule, parameter: str) -> str:
    return init_line(parameter, rule.init)


def _is_attribute(key: str) -> bool:
    """Whether a key reads as attributes: `head.weight`; deeper ones go through containers, whose numbers are none."""
    return key.count(".") <= 1 and not re.search(r"\.\d|^\d", f".{key}")


def _parameter(key: str) -> str:
    return f"self.{key}" if _is_attribute(key) else f'self.get_parameter("{key}")'


def _owner(key: str) -> str:
    path, _, name = key.rpartition(".")
    return f"self.{key}" if _is_attribute(key) else f'self.get_submodule("{path}").{name}'


def _for_each(keys: Sequence[str], line: Callable[[str], str]) -> list[str]:
    """A line for one or two parameters each, or a loop over their names."""
    if len(keys) <= 2:
        return [f"{INDENT}{line(_parameter(key))}" for key in keys]
    names = textwrap.fill(", ".join(f'"{key}"' for key in keys) + ",", WIDTH, initial_indent=INDENT + "    ",
                          subsequent_indent=INDENT + "    ")  # fmt: skip
    return [f"{INDENT}for name in (", names, f"{INDENT}):", f"{INDENT}    {line('self.get_parameter(name)')}"]
