"""Sizes that netc infers, written out as PyTorch's own signatures begin: they then stand for the arguments behind."""

from __future__ import annotations

from collections.abc import Iterator

from netc.diagnostics import Diagnostic
from netc.graph import Argument, Node
from netc.lint.view import NORMS, Finding, View, name_of, setting
from netc.ops.op import left_out_hint

MANY_LAYERS = 8  # as many recurrent layers are hardly ever stacked, and as few features hardly ever learnt


def by_place(view: View) -> Iterator[Finding]:
    """`BatchNorm2d(8)`, which is `eps=8`, and `GRU(16, 32)` on 16 features, which is 32 layers."""
    for node in view.nodes:
        if not node.is_module:
            continue
        wrong = "eps" if _is_a_size_for_eps(node) else "num_layers" if _is_a_size_for_layers(node) else ""
        if wrong:
            assert node.op
            found = node.config[wrong]
            inferred = [param.name for param in node.op.params if param.inferred]
            yield node, Diagnostic("size-by-place", f"`{node.op.name}`: at this place {found.value} stands for {wrong}",
                                   found.span, hint=left_out_hint(inferred, node.op.signature))  # fmt: skip


def _is_a_size_for_eps(node: Node) -> bool:
    eps = node.config.get("eps")
    return name_of(node) in NORMS and eps is not None and _is_placed("eps", eps) and type(eps.value) is int and eps.value >= 1


def _is_a_size_for_layers(node: Node) -> bool:
    if name_of(node) not in ("RNN", "GRU", "LSTM") or setting(node, "hidden_size") != setting(node, "input_size"):
        return False
    layers = node.config["num_layers"]
    return _is_placed("num_layers", layers) and bool(layers.value >= MANY_LAYERS)


def _is_placed(name: str, argument: Argument) -> bool:
    """Whether an argument was given by its place, with no `name =` before it."""
    before = argument.span.source.text[: argument.span.start].rstrip()
    return argument.origin == "given" and not (before.endswith("=") and before[:-1].rstrip().endswith(name))
