"""An edit stays local: `id`, put anywhere into any spec, changes no key, no shape and no value elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import torch

import netc
from netc import syntax as s
from netc.graph import Graph
from netc.parse import parse
from netc.source import Source
from tests.conftest import SPECS
from tests.forms import flat
from tests.test_emit import LARGE, tensors
from tests.test_reference import EXAMPLES

DEPTH = {"bert_encoder": 2, "gpt2": 2, "vit_b_16": 2, "mlp_mixer": 2}  # the layers are alike
CALLABLES = """
block Norm = LayerNorm(eps=1e-6)
block Pair(act = ReLU) = { Linear(8) -> act -> inner: { Linear(8) -> act } }
block Deep(n) = if n == 0 { id } else { residual { Linear(8) -> Deep(n - 1) } }

network Callables(act = (ReLU || Tanh) -> add) {
  input x: [B, 8]
  layer tower = named: Linear(8)
  layer single = LayerNorm
  h = x -> tower -> single -> body: { Pair(act) -> Linear(8) -> repeat 2 { Deep(2) -> Norm } -> Linear(8) }
  a, b = h -> (tower || single)
  y = a + (b -> norm: Norm) -> tail: (Linear(8) -> ReLU) -> last: if true { Linear(4) } else { id }
  output y, h -> tower
}"""
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(SPECS.glob("*.net"))} | {"callables": CALLABLES}
TEXTS |= {text.split("\n")[0]: text for text in EXAMPLES if "use " not in text and "python(" not in text}

Place = tuple[int, str]  # an offset in the text, and what is put there


def before(part: s.Syntax) -> Place:
    return part.span.start, "id -> "


def behind(part: s.Syntax) -> Place:
    return part.span.end, " -> id"


def in_file(file: s.File) -> Iterator[Place]:
    """Every place behind a value, before, behind and between layers."""
    for item in file.items:
        if isinstance(item, s.Block | s.Network):
            for parameter in item.parameters:
                if isinstance(parameter.default, s.Pipe | s.Branches):
                    yield from in_layers(parameter.default)
        if isinstance(item, s.Block) and not isinstance(item.body, tuple):
            yield from in_layers(item.body)
        elif isinstance(item, s.Block | s.Network):
            statements: Any = item.body if isinstance(item, s.Block) else item.statements
            for statement in statements:
                yield from in_statement(statement)
        elif isinstance(item, s.Fn):
            yield from in_value(item.body)


def in_statement(statement: Any) -> Iterator[Place]:
    if isinstance(statement, s.Layer):
        yield from in_layers(statement.value)
    elif isinstance(statement, s.Output):
        for value in statement.values:
            yield from in_value(value)
    elif isinstance(statement, s.Assign | s.Out | s.Objective):
        yield from in_value(statement.value)


def in_value(value: s.Expression) -> Iterator[Place]:
    """Behind a value, and everywhere in the pipelines that make it."""
    yield behind(value)
    yield from inside(value)


def inside(value: Any) -> Iterator[Place]:
    """Everywhere in the parts of a value. Operands and arguments take `id` where they are pipelines already."""
    if isinstance(value, s.Pipe):
        first, *rest = value.stages
        yield from inside(first.value)
        for stage in rest:
            yield before(stage)
            yield from in_layers(stage.value, ends=False)
    elif isinstance(value, s.TupleOf):
        for item in value.items:
            yield from in_value(item)
    elif isinstance(value, s.If):
        yield from in_value(value.then)
        yield from in_value(value.otherwise)
    elif isinstance(value, s.Unary):
        yield from in_operand(value.operand)
    elif isinstance(value, s.Binary):
        yield from in_operand(value.left)
        yield from in_operand(value.right)
    elif isinstance(value, s.Index):
        yield from in_operand(value.value)
    elif isinstance(value, s.Call):
        for argument in value.arguments:
            yield from in_operand(argument.value)


def in_operand(value: s.Expression) -> Iterator[Place]:
    yield from in_value(value) if isinstance(value, s.Pipe) else inside(value)


def in_layers(layers: Any, ends: bool = True) -> Iterator[Place]:
    """Everywhere in layers that wait for a value; before and behind them where `ends`."""
    if ends:
        yield before(layers)
        yield behind(layers)
    if isinstance(layers, s.Pipe):
        for i, stage in enumerate(layers.stages):
            if i:
                yield before(stage)
            yield from in_layers(stage.value, ends=False)
    elif isinstance(layers, s.Branches):
        for branch in layers.branches:
            yield from in_layers(branch)
    elif isinstance(layers, s.InSequence | s.Repeat | s.Residual):
        yield from in_layers(layers.body)
    elif isinstance(layers, s.If):
        yield from in_layers(layers.then)
        yield from in_layers(layers.otherwise)
    elif isinstance(layers, s.Call):
        for argument in layers.arguments:
            yield from in_operand(argument.value)


@cache
def places(name: str) -> list[Place]:
    return sorted(in_file(parse(Source(name, TEXTS[name]))))


def edited(text: str, edits: list[Place]) -> str:
    for offset, added in sorted(edits, reverse=True):
        text = text[:offset] + added + text[offset:]
    return text


def load(name: str, text: str) -> netc.Network:
    return netc.load(text, {"depth": DEPTH[name]} if name in DEPTH else None)


def facts(graph: Graph) -> list[object]:
    """All that a graph says, but for the places in the text."""
    named = [(part.name, part.ref) for part in (*graph.outputs, *graph.losses, *graph.metrics)]
    nodes = [(n.id, n.kind, n.op, n.path, n.type, values(n.config), values(n.call), n.weights, n.region) for n in graph.nodes]
    regions = [(r.parent, r.path, r.kind, r.name, dict(r.values), r.names) for r in graph.regions]
    rules = [(rule.keys, rule.pattern, rule.init.recipe, rule.init.values) for rule in graph.init_rules]
    return [graph.name, list(graph.keys.items()), nodes, named, graph.names, regions, rules, graph.frozen]


def values(arguments: Any) -> list[object]:
    """Arguments without their places, and what stands in a `Made` too."""
    return [(name, getattr(a.value, "values", a.value), a.origin) for name, a in arguments.items()]


@pytest.mark.parametrize("name", TEXTS)
def test_id_changes_nothing_at_any_place(name: str) -> None:
    before = facts(load(name, TEXTS[name]).graph)
    assert len(set(places(name))) == len(places(name)) > 1
    for place in places(name):
        after = facts(load(name, edited(TEXTS[name], [place])).graph)
        assert after == before, edited(TEXTS[name], [place])


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in (*LARGE, "squeezenet1_0", "densenet121")])
def test_id_at_all_places_computes_the_same(name: str) -> None:
    before, after = load(name, TEXTS[name]), load(name, edited(TEXTS[name], places(name)))
    assert facts(after.graph) == facts(before.graph)
    assert after.source() == before.source() and after.resolved() == before.resolved()
    inputs, targets = tensors(before.graph.inputs), tensors(before.graph.targets)
    found = []
    for network in (before, after):
        torch.manual_seed(1)
        module = network.module()
        found.append([*module.state_dict().values(), *flat(module(*inputs))])
        if network.graph.losses:
            found[-1].append(module.loss(*inputs, *targets))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
