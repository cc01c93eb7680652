"""The table of layers for the terminal, and how a node is written in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netc.graph import Argument, Graph, Named, Node, Ref
from netc.ops.op import REQUIRED, Op, Param, Slice, value_text
from netc.page import columns
from netc.tensors import type_text

HEADER = ("path", "layer", "output", "parameters")
GAP = "  "
PARAMETER_BYTES = 4  # parameters are float32

Row = tuple[str, str, str, str]


def summary(graph: Graph) -> str:
    """The layer table as lines of plain text: inputs, what the outputs need, outputs, losses and metrics, and the total."""
    body = [_node_row(graph, node) for node in graph.inputs]
    shown = {node.id for node in graph.forward_nodes}
    # Layers that only a loss uses, or nothing, have parameters too: the rows add up to the total.
    shown |= {node.id for node in graph.registered if node.weights}
    body += [_node_row(graph, node) for node in graph.nodes if node.id in shown and node.kind not in ("input", "target")]
    ends = [_end_row(graph, named, "output") for named in graph.outputs]
    ends += [_end_row(graph, named, "loss") for named in graph.losses]
    ends += [_end_row(graph, named, "metric") for named in graph.metrics]
    widths = [max(columns(row[i]) for row in [HEADER, *body, *ends]) for i in range(len(HEADER))]
    rule = "-" * (sum(widths) + len(GAP) * (len(widths) - 1))
    head, *lines = [_line(row, widths) for row in [HEADER, *body, *ends]]
    return "\n".join([head, rule, *lines[: len(body)], rule, *lines[len(body) :], rule, total_text(graph.parameter_count)])


def total_text(count: int) -> str:
    """`75 parameters, all trainable, 300 B`; the size is that of the parameters in memory."""
    return f"{parameters_text(count)}, all trainable, {memory_text(count * PARAMETER_BYTES)}" if count else "no parameters"


def parameters_text(count: int) -> str:
    """`1 parameter`, `25,557,032 parameters`."""
    return f"{count:,} parameter{'' if count == 1 else 's'}"


def memory_text(size: int) -> str:
    """A number of bytes as `300 B` or `97.5 MB`, each unit 1024 of the one before."""
    if size < 1024:
        return f"{size} B"
    units = ["KB", "MB", "GB", "TB"]
    scaled = size / 1024
    while round(scaled, 1) >= 1024 and len(units) > 1:
        scaled /= 1024
        del units[0]
    return f"{scaled:.1f} {units[0]}"


def _node_row(graph: Graph, node: Node) -> Row:
    count = node.parameter_count
    name, what = (graph.name_of(node), node.kind) if node.op is None else (node.path, call_text(node))
    return name, what, type_text(node.type), f"{count:,}" if count else ""


def _end_row(graph: Graph, named: Named, kind: str) -> Row:
    node = graph.node(named.ref.node)
    if kind == "output" or node.op is None or node.op.is_symbol:  # an operator alone says nothing
        what = kind
    else:
        what = call_text(node) if named.name == kind else f"{kind}: {call_text(node)}"
    return named.name, what, type_text(graph.type_of(named.ref)), ""


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    *left, number = [(text, " " * (width - columns(text))) for text, width in zip(row, widths, strict=True)]
    return GAP.join([*(text + fill for text, fill in left), number[1] + number[0]]).rstrip()


# --- how a node is written ---------------------------------------------------------------------------------------


def call_text(node: Node) -> str:
    """An op with its sizes and what else was given to it, without the tensors: `Linear(5, 8)`, `concat(dim=1)`, `** 4`."""
    assert node.op is not None
    return named_call(node.op, [*argument_texts(node.op.params, node.config, with_sizes=True), *call_arguments(node)])


def named_call(op: Op, texts: Sequence[str]) -> str:
    """An op with these arguments. Operators stand between theirs, which `call_arguments` has done."""
    if op.written == "index" or op.is_symbol:
        return " ".join(texts)
    return f"{op.name}({', '.join(texts)})" if texts else op.name


def call_arguments(node: Node) -> list[str]:
    """What a layer or function is called with besides tensors; an operator is among it, at its place: `["0.001", "*"]`."""
    op = node.op
    assert op is not None
    if op.written == "index":
        return [f"[{', '.join(map(_entry_text, node.call['entries'].value))}]"]
    if not op.is_symbol:
        return argument_texts(op.inputs, node.call, with_sizes=True)
    left, *right = ["" if isinstance(a.value, Ref) else value_text(a.value) for a in node.call.values()]
    return [text for text in (left, op.name, *right) if text]


def argument_texts(params: Sequence[Param], given: Mapping[str, Argument], with_sizes: bool) -> list[str]:
    """Arguments as a spec has them: the required by place, others by name where not the default; no tensors.

    The sizes that netc infers are among them only `with_sizes`.
    """
    texts: list[str] = []
    for param in params:
        argument = given[param.name]
        if param.kind == "keywords":
            texts += [f"{name}={value_text(value)}" for name, value in argument.value]
            continue
        values = argument.value if param.variadic and isinstance(argument.value, list) else [argument.value]
        values = [value for value in values if not _holds_tensor(value)]
        if param.inferred:
            texts += [value_text(value) for value in values if with_sizes and value is not None]
        elif param.default is REQUIRED:
            texts += map(value_text, values)
        else:
            texts += [f"{param.name}={value_text(value)}" for value in values if not _is_default(value, param)]
    return texts


def _is_default(value: Any, param: Param) -> bool:
    # `true` equals 1 in Python, and is another value in a spec
    return bool(value == param.default) and isinstance(value, bool) == isinstance(param.default, bool)


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_tensor, value))
    return isinstance(value, Ref)


def _entry_text(entry: Any) -> str:
    """One entry of an index; a tensor is a dot, as the picture's edge or the row above says which."""
    if isinstance(entry, Slice):
        start, stop, step = ("" if part is None else value_text(part) for part in entry.parts)
        return f"{start}:{stop}" + (f":{step}" if step else "")
    if entry is ...:
        return "..."
    return "·" if isinstance(entry, Ref) else value_text(entry)
