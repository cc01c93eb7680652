"""Class weights that are `balanced`: so large that all classes of the rows to train on weigh the same together.

Source of the formula: scikit-learn's `compute_class_weight("balanced")`, rows / (classes * rows of the class). `pos_weight` is by
which class 1 then counts against class 0: rows of class 0 / rows of class 1.
"""

from __future__ import annotations

import math

import numpy as np

from netc.data.contracts import IGNORED
from netc.data.normalize import Array
from netc.data.prepare import Plan, make_plan
from netc.data.preprocessing import Fitted
from netc.data.shapes import fit_shapes
from netc.data.table import Table
from netc.diagnostics import NetError, error
from netc.graph import Graph, Node, Ref
from netc.settings import Section
from netc.tasks import origin
from netc.tensors import INTEGERS, TensorType

WRITTEN = "write the weights, e.g. `[1.0, 2.0]`"
DIGITS = 6  # of a weight, so that a spec that is written out can be read


def balanced_weights(graph: Graph, section: Section, table: Table, seed: int) -> list[float | list[float]]:
    """The numbers for each of `graph.balanced`, in the form of its shape. Raises NetError where the rows to train on cannot tell them."""
    plan = make_plan(graph, section, table, seed)
    _, misfits = fit_shapes(graph, plan.feeds, plan.shapes)
    if problems := [*plan.problems, *misfits]:
        raise NetError(problems)
    return [_weights(graph, plan, node) for node in graph.balanced]


def _weights(graph: Graph, plan: Plan, node: Node) -> float | list[float]:
    loss, name = next((n, name) for n in graph.nodes for name, a in n.call.items() if a.value == Ref(node.id))
    assert isinstance(node.type, TensorType)
    count = math.prod(int(str(size)) for size in node.type.shape)
    of_class, values = _counts(graph, plan, loss, node, count)
    if name == "weight":
        others = np.full(count, of_class.sum() / count)  # what each class weighs in the whole, if all weigh the same
    else:
        others = values / count - of_class
    if bad := [i for i in range(count) if of_class[i] <= 0 or others[i] <= 0]:
        what = f"class {bad[0] if name == 'weight' else 1}" + (f" in column {bad[0]}" if name != "weight" and count > 1 else "")
        message = f"`balanced` has no weight for {what}: {'no' if of_class[bad[0]] <= 0 else 'every'} label to train on is of it"
        raise error("data-value", message, node.span, WRITTEN)
    numbers = [float(f"{value:.{DIGITS}g}") for value in others / of_class]
    return numbers if node.type.rank else numbers[0]


def _counts(graph: Graph, plan: Plan, loss: Node, weights: Node, count: int) -> tuple[Array, int]:
    """How many of the labels to train on are of each of `count` classes, or 1 in each of so many columns; and how many values there are."""
    target = loss.call["target"].value
    feed, encodings = next(
        ((f, e) for f, e in zip(plan.feeds, plan.encodings, strict=True) if f.node.id == origin(graph, target)), (None, ())
    )
    assert loss.op is not None
    if feed is None:
        message = f"`balanced` counts the labels of a target, and `{loss.op.name}` takes something computed of one"
        raise error("data", message, weights.span, WRITTEN)
    are_numbers = graph.tensor_type(target).dtype in INTEGERS
    ignored = loss.call["ignore_index"].value if "ignore_index" in loss.call else IGNORED
    of_class, total = np.zeros(count), 0
    for _, values in Fitted(feed.name, "", (), encodings).numbers(feed.parts, plan.parts[0]):
        of_class += _of_class(values, count, ignored) if are_numbers else values.reshape(len(values), count, -1).sum(axis=(0, 2))
        total += values.size
    return of_class, total


def _of_class(labels: Array, count: int, ignored: int) -> Array:
    """How many of the labels are of each class. What is no class is told elsewhere."""
    known = labels[(labels >= 0) & (labels < count) & (labels != ignored)]
    return np.bincount(known.astype(np.int64).ravel(), minlength=count)
