"""Layout, spelling and places: what the parser takes for the same, and what for different."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import torch

import netc
from netc import syntax as s
from netc.diagnostics import NetError
from netc.parse import parse, parse_expression
from netc.source import Source, Span


def tree(node: Any) -> Any:
    """A syntax tree without its places."""
    if isinstance(node, tuple):
        return tuple(map(tree, node))
    if is_dataclass(node):
        return type(node).__name__, tuple(tree(getattr(node, f.name)) for f in fields(node) if f.name != "span")
    return node


def expression(text: str) -> Any:
    return tree(parse_expression(Source("test", text)))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("x -> A -> B", "x\n  -> A\n\n  # a comment\n  -> B  # another"),
        ("(A || B) -> add", "(\n A\n || B\n) -> add"),
        ("x → A", "x -> A"),
        ("(A ‖ B)", "(A || B)"),
        ("f(1, 2)", "f(\n  1,\n  2,\n)"),
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a ** b ** c", "a ** (b ** c)"),
        ("-a ** 2", "-(a ** 2)"),
        ("not a and b or c", "((not a) and b) or c"),
        ("a < b + 1", "a < (b + 1)"),
        ("h + x -> ReLU", "(h + x) -> ReLU"),
        ("if a { b } else { c }", "if a {\n  b\n}\nelse {\n  c\n}"),
        ("1e-3", "0.001"),
        ("'a'", '"a"'),
    ],
)
def test_same(a: str, b: str) -> None:
    assert expression(a) == expression(b)


@pytest.mark.parametrize(("a", "b"), [("x[1:]", "x[1]"), ("x[:, 0]", "x[0, :]"), ("a -> b", "a - b"), ("(a)", "(a, )")])
def test_different(a: str, b: str) -> None:
    assert expression(a) != expression(b)


def test_nested_unpacking() -> None:
    text = "network N {\n  input x: [T, B, 3]\n  y, (h, _) = x -> lstm: LSTM(4)\n  (a, (b,)) = (y, (h, ))\n  output a, b\n}"
    network = parse(Source("test", text)).items[0]
    assert isinstance(network, s.Network)
    assign = network.statements[1]
    assert isinstance(assign, s.Assign)
    assert [name.name for name in assign.names] == ["y", "h", "_"]
    module = netc.load(text).module()
    x = torch.randn(5, 2, 3)
    y, (h, _) = module.get_submodule("lstm")(x)
    assert all(torch.equal(a, b) for a, b in zip(module(x), (y, h), strict=True))


def test_words_of_statements_are_names_elsewhere() -> None:
    text = "network N {\n  input input: [B, 3]\n  loss = input -> Linear(1)\n  data = loss\n  output data\n}"
    network = parse(Source("test", text)).items[0]
    assert isinstance(network, s.Network)
    assert [type(n).__name__ for n in network.statements] == ["Declaration", "Assign", "Assign", "Output"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_places(end: str) -> None:
    text = end.join(["# first", "network N {", "\tinput x: [B, 3]", "\toutput x -> hidden: Linear(1)", "}", ""])
    source = Source("test", text)
    network = parse(source).items[0]
    assert isinstance(network, s.Network)
    output = network.statements[1]
    assert isinstance(output, s.Output)
    pipe = output.values[0]
    assert isinstance(pipe, s.Pipe)
    label = pipe.stages[1].label
    assert label is not None
    assert (label.span.text, label.span.position) == ("hidden", (4, 14))
    assert pipe.stages[1].value.span.text == "Linear(1)"


@pytest.mark.parametrize(("text", "value"), [(r'"a\"b"', 'a"b'), (r'"a\\n"', r"a\n"), (r'"\d"', r"\d"), (r'"a\nb"', "a\nb")])
def test_strings(text: str, value: str) -> None:
    literal = parse_expression(Source("test", text))
    assert isinstance(literal, s.Literal)
    assert literal.value == value


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n"])
def test_nothing(text: str) -> None:
    assert parse(Source("test", text)).items == ()


@pytest.mark.parametrize("text", ["network", "network N {", "network N { x }", "fn f = 3", "}", "network N { input x: [B }", "\x00", "é("])
def test_wrong_text_is_a_net_error(text: str) -> None:
    with pytest.raises(NetError) as raised:
        parse(Source("test", text))
    assert all(d.code == "syntax" and isinstance(d.span, Span) for d in raised.value.diagnostics)
