"""Edits that mend a mistake, where it is certain that they do."""

from __future__ import annotations

import re

from netc.diagnostics import Edit
from netc.graph import Node
from netc.lint.view import View
from netc.source import Span


def is_written_out(view: View, node: Node) -> bool:
    """Whether a node's place is its own layer or function, in the file of the network, and not a name that stands for it."""
    if node.op is None or node.span.source is not view.graph.span.source:
        return False
    return re.fullmatch(rf"([^\s(]+:\s*)?{re.escape(node.op.name)}(\(.*\))?", node.span.text, re.DOTALL) is not None


def removal(view: View, node: Node) -> Edit | None:
    """Takes a stage out of its pipeline, with the arrow before it; None where it is not a stage behind an arrow."""
    text = node.span.source.text
    before = text[: node.span.start].rstrip()
    arrow = next((a for a in ("->", "→") if before.endswith(a)), None)
    if arrow is None or not is_written_out(view, node):
        return None
    return Edit(Span(node.span.source, len(before.removesuffix(arrow).rstrip()), node.span.end), "")


def renaming(view: View, node: Node, name: str) -> Edit | None:
    """Puts another layer or function in place of a node's, with the same arguments."""
    if node.op is None or not is_written_out(view, node):
        return None
    start = node.span.start + re.search(rf"{re.escape(node.op.name)}(?=\(|$)", node.span.text).start()  # type: ignore[union-attr]
    return Edit(Span(node.span.source, start, start + len(node.op.name)), name)


def without_bias(view: View, node: Node) -> Edit | None:
    """Gives a layer `bias=false`."""
    if not is_written_out(view, node) or f"{node.path}.bias" in view.set_by_name:
        return None
    bias = node.config["bias"]
    if bias.origin != "default":
        return Edit(bias.span, "false") if bias.span.text == "true" else None
    return addition(view, node, "bias=false")


def addition(view: View, node: Node, argument: str) -> Edit | None:
    """Gives a layer one argument more, behind the others; None where there are none."""
    text, end = node.span.text, node.span.end
    inside = text[:-1].rstrip()
    if not is_written_out(view, node) or not text.endswith(")") or inside.endswith((",", "(")):
        return None
    return Edit(Span(node.span.source, end - 1, end - 1), f", {argument}")
