"""The layer table: its columns, its numbers, and how arguments are written in it."""

from __future__ import annotations

import textwrap

import pytest

from netc.graph import Graph, Node
from netc.page import columns
from netc.pipeline import load
from netc.summary import call_text, memory_text, parameters_text, summary, total_text


def graph(*lines: str) -> Graph:
    return load("network Example {\n" + "\n".join(lines) + "\n}\n").graph


def last_op(chain: str, shape: str = "B, 4, 8, 8") -> Node:
    return graph(f"input x: [{shape}]", f"output {chain}").forward_nodes[-1]


def test_the_whole_table() -> None:
    text = summary(
        graph(
            "input x: [B, 5]",
            "target y: [B, 1]",
            "p = x -> hidden1: Linear(800) -> (ReLU || Tanh) -> add -> output: Linear(1) -> Sigmoid",
            "output p",
            "loss BCELoss(p, y)",
        )
    )
    assert text == textwrap.dedent(
        """\
        path     layer           output    parameters
        ---------------------------------------------
        x        input           [B, 5]
        hidden1  Linear(5, 800)  [B, 800]       4,800
        relu     ReLU            [B, 800]
        tanh     Tanh            [B, 800]
                 add             [B, 800]
        output   Linear(800, 1)  [B, 1]           801
        sigmoid  Sigmoid         [B, 1]
        ---------------------------------------------
        p        output          [B, 1]
        loss     BCELoss         []
        ---------------------------------------------
        5,601 parameters, all trainable, 21.9 KB"""
    )


def test_several_losses_and_metrics_are_told_apart() -> None:
    text = summary(
        graph(
            "input x: [B, 5]",
            "h = x -> Linear(2)",
            "output h",
            "loss size = mean(h ** 2)",
            "loss decay = 0.1 * mean(abs(h))",
            "metric top = amax(h)",
        )
    )
    ends = [line.split() for line in text.splitlines()[-5:-1]]
    assert ends[:3] == [["size", "loss:", "mean", "[]"], ["decay", "loss", "[]"], ["top", "metric:", "amax", "[]"]]
    assert "abs" not in text, "what only a loss needs is no row"


def test_columns_stay_aligned_over_200_rows() -> None:
    layers = " ".join(f"-> layer{i}: Linear({10 ** (i % 4)})" for i in range(200))
    head, rule, *rows = summary(graph("input x: [B, 5]", f"output x {layers}")).splitlines()
    body = rows[: rows.index(rule)]
    assert len(body) == 201
    assert {columns(row) for row in body[1:]} == {columns(head)} == {columns(rule)}
    assert {row[head.index("output") :][0] for row in body} == {"["}


@pytest.mark.parametrize(
    ("chain", "text"),
    [
        ("x -> Conv2d(6, 3, 1, 1, bias=false)", "Conv2d(4, 6, 3, padding=1, bias=false)"),
        ('x -> Conv2d(6, [3, 5], padding="same")', 'Conv2d(4, 6, [3, 5], padding="same")'),
        ("x -> BatchNorm2d(momentum=none)", "BatchNorm2d(4, momentum=none)"),
        ("x -> GroupNorm(2)", "GroupNorm(2, 4)"),
        ("x -> Dropout(0.5)", "Dropout"),
        ("x -> flatten(1)", "flatten(start_dim=1)"),
        ("x -> transpose(1, 2)", "transpose(1, 2)"),
        ("x -> sum(dim=1, keepdim=true)", "sum(dim=1, keepdim=true)"),
        ("(x, x) -> concat(dim=1)", "concat(dim=1)"),
        ("x ** 4", "** 4"),
        ("1 - x", "1 -"),
        ("x + x", "+"),
        ("-x", "neg"),
        ("x[:, 0, ..., 1:7:2]", "[:, 0, ..., 1:7:2]"),
        ("x -> reshape([B, 256])", "reshape(B, 256)"),
    ],
)
def test_an_op_is_written_as_in_a_spec(chain: str, text: str) -> None:
    assert call_text(last_op(chain)) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (300, "300 B"), (1023, "1023 B"), (1024, "1.0 KB"), (1024**2 - 1, "1.0 MB"), (25_557_032 * 4, "97.5 MB"),
     (3 * 1024**4, "3.0 TB"), (5000 * 1024**4, "5000.0 TB")],
)  # fmt: skip
def test_memory(size: int, text: str) -> None:
    assert memory_text(size) == text


def test_totals() -> None:
    assert parameters_text(1) == "1 parameter"
    assert total_text(75) == "75 parameters, all trainable, 300 B"
    assert summary(graph("input x: [B, 5]", "output x -> ReLU")).splitlines()[-1] == "no parameters"
