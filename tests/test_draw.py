"""Pictures: what stands in the DOT text, that Graphviz takes it, and how files are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from netc.diagnostics import NetError
from netc.draw import MOST_LINES, dot, render
from netc.graph import Argument, Graph, Named, Node, Ref, Region
from netc.ops import find
from netc.pipeline import load
from netc.shapes import Dim
from netc.source import Source, Span
from netc.tensors import TensorType

SPAN = Span(Source("test", "text"), 0, 4)
FUNKY = """
network Funky {
  input x: [B, 5]
  target y: int64[B]
  h = x -> hidden1: Linear(8) -> (ReLU || Tanh) -> add -> GELU(approximate="tanh")
  p = h -> output: Linear(3)
  output p, h
  loss CrossEntropyLoss(p, y)
  metric hits = mean((argmax(p, dim=1) == y) -> float)
}
"""


def residual() -> Graph:
    """Two nested blocks with a function in each: the `+` within layer1.0, the `*` between the blocks of layer1."""
    graph = Graph("Residual", SPAN)
    kind = TensorType((Dim.named("B"), 4))

    for id, parent, path in [(1, 0, "layer1"), (2, 1, "layer1.0"), (3, 1, "layer1.1")]:
        graph.regions.append(Region(id, parent, path, "block"))

    def add(op: str, region: int, path: str, *refs: int) -> None:
        row = find(op)
        config = {"in_features": Argument(4, SPAN, "inferred"), "out_features": Argument(4, SPAN), "bias": Argument(True, SPAN, "default")}
        call = {param.name: Argument(Ref(ref), SPAN) for param, ref in zip(row.inputs, refs, strict=True)}
        weights = {"weight": (4, 4), "bias": (4,)} if path else {}
        graph.add(Node(len(graph.nodes), "op", SPAN, kind, row, path, config if path else {}, call, weights, region))

    graph.names[Ref(graph.add(Node(0, "input", SPAN, kind)).id)] = "x"
    rows = [("Linear", 2, "layer1.0.a", [0]), ("Linear", 2, "layer1.0.b", [1]), ("+", 2, "", [1, 2]), ("Linear", 2, "layer1.0.c", [3]),
            ("*", 1, "", [4, 4]), ("Linear", 3, "layer1.1.a", [5]), ("exp", 0, "", [6]), ("Linear", 0, "head", [7])]  # fmt: skip
    for op, region, path, refs in rows:
        add(op, region, path, *refs)
    graph.outputs.append(Named("p", Ref(8), SPAN))
    return graph


def odd(name: str) -> Graph:
    """An input that is the output, under a name that no spec could give it."""
    graph = Graph(name, SPAN)
    graph.add(Node(0, "input", SPAN, TensorType((1,))))
    graph.names[Ref(0)] = name
    graph.outputs.append(Named(name, Ref(0), SPAN))
    return graph


def svg(text: str, folder: Path) -> ET.Element:
    render(text, folder / "picture.svg")
    return ET.parse(folder / "picture.svg").getroot()


def texts(root: ET.Element) -> list[str]:
    return [(element.text or "").strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


def titles(root: ET.Element, kind: str) -> list[str]:
    groups = root.iter("{http://www.w3.org/2000/svg}g")
    return [g.findtext("{http://www.w3.org/2000/svg}title") or "" for g in groups if g.get("class") == kind]


def clusters(text: str) -> dict[str, list[str]]:
    """The clusters around each node, outermost first."""
    found: dict[str, list[str]] = {}
    stack: list[str] = []
    for line in text.splitlines():
        if match := re.match(r'\s*subgraph "(.*)" \{', line):
            stack.append(match[1])
        elif line.strip() == "}" and stack:
            stack.pop()
        elif match := re.match(r"\s*(?!graph)(\w+) \[label", line):
            found.setdefault(match[1], list(stack))
    return found


def test_every_node_edge_and_shape_is_in_the_picture(tmp_path: Path) -> None:
    graph = load(FUNKY).graph
    root = svg(dot(graph), tmp_path)
    ends = ["output0", "output1", "loss0", "metric0"]
    assert sorted(titles(root, "node")) == sorted([*(f"n{n.id}" for n in graph.nodes), *ends])
    arrows = [f"n{ref.node}->n{n.id}" for n in graph.nodes for ref in n.refs]
    named = [*graph.outputs, *graph.losses, *graph.metrics]
    arrows += [f"n{o.ref.node}->{end}" for o, end in zip(named, ends, strict=True)]
    assert sorted(titles(root, "edge")) == sorted(arrows)
    shapes = [str(graph.tensor_type(ref)) for n in graph.nodes for ref in n.refs] + [str(graph.tensor_type(o.ref)) for o in named]
    assert sorted(t for t in texts(root) if t.endswith("]")) == sorted(shapes)
    for text in ("Funky", "75 parameters", "x", "input", "hidden1", "Linear(5 → 8)", "48 parameters", "ReLU", "Tanh", "add",
                 'GELU(approximate="tanh")', "argmax(dim=1)", "==", "target", "loss and metrics", "hits", "metric"):  # fmt: skip
        assert text in texts(root)


def test_loss_and_what_only_it_needs_stand_apart() -> None:
    graph = load(FUNKY).graph
    text = dot(graph)
    inside = {node for node, around in clusters(text).items() if around == ["cluster/objective"]}
    forward = {f"n{n.id}" for n in graph.forward_nodes}
    assert inside == {f"n{n.id}" for n in graph.nodes} - forward | {"loss0", "metric0"}
    for tail, head, rest in re.findall(r"  (\w+) -> (\w+) (.*);", text):
        assert ('style="dashed"' in rest) == (head in inside), (tail, head)


def test_without_an_objective_there_is_no_box() -> None:
    assert "cluster" not in dot(load("network N { input x: [B, 5]\n output x -> Linear(1) }").graph)


def test_nodes_stand_in_the_clusters_of_their_paths() -> None:
    outer, first, second = "cluster layer1", "cluster layer1.0", "cluster layer1.1"
    assert clusters(dot(residual())) == {
        "n0": [],
        "n1": [outer, first],
        "n2": [outer, first],
        "n3": [outer, first],  # the `+` stands where it was written
        "n4": [outer, first],
        "n5": [outer],  # between two blocks
        "n6": [outer, second],
        "n7": [],
        "n8": [],
        "output0": [],
    }


def test_a_value_of_many_uses_stands_by_its_name_at_each() -> None:
    """No line goes from the value to its uses; one of as few uses as lines can be followed has its lines."""
    uses = MOST_LINES + 1
    text = dot(load(f"network N {{ input x: [B, 5]\n shared = exp(x)\n few = cos(x)\n output x -> {' -> '.join(['times(shared)'] * uses)}"
                    f" -> {' -> '.join(['plus(few)'] * (uses - 1))} }}\nfn times(a, b) = a * b\nfn plus(a, b) = a + b").graph)  # fmt: skip
    edges = re.findall(r"^  (\w+) -> (\w+) ", text, re.MULTILINE)
    names = re.findall(r"^ +(\w+) \[label=<shared>", text, re.MULTILINE)
    assert len(names) == uses + 1
    assert [tail for tail, _ in edges].count("n1") == 1, "to its name"
    assert sorted(end for edge in edges for end in edge if end in names) == sorted(names), "each at one line"
    assert [tail for tail, _ in edges].count("n2") == uses - 1


def test_clusters_nest_in_the_picture(tmp_path: Path) -> None:
    root = svg(dot(residual()), tmp_path)
    assert titles(root, "cluster") == ["cluster layer1", "cluster layer1.0", "cluster layer1.1"]
    assert {"layer1", "0", "1", "a", "head"} <= set(texts(root))


def test_the_text_is_stable_and_follows_the_ids() -> None:
    text = dot(residual())
    assert text == dot(residual())
    nodes = [int(id) for id in re.findall(r"^\s*n(\d+) \[", text, re.MULTILINE)]
    assert nodes == sorted(nodes)


@pytest.mark.parametrize(
    "name",
    ['<b>&amp;"quoted"</b>', "back\\slash\\", "\\N \\G \\\\L", "a -> b; }", "]]>", "&#65; &lt;", "é 層 🙂", "<!-- -->", "'%s' {0}"],
)
def test_any_character_may_stand_in_a_name(name: str, tmp_path: Path) -> None:
    found = texts(svg(dot(odd(name)), tmp_path))
    assert [re.sub(r"\s+", " ", t) for t in found].count(name) == 3, "title, input and output"


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ud800", "\uffff"])
def test_what_xml_cannot_hold_is_replaced(character: str, tmp_path: Path) -> None:
    assert f"a{chr(0xFFFD)}b" in texts(svg(dot(odd(f"a{character}b")), tmp_path))


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "start"), [("p.svg", b"<?xml"), ("P.PNG", b"\x89PNG"), ("p.dot", b"digraph"), ("p.gv", b"digraph")])
def test_the_ending_decides(name: str, start: bytes, tmp_path: Path) -> None:
    render(dot(residual()), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [f.name for f in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_others_may_read_the_file_as_any_other(tmp_path: Path) -> None:
    render("digraph {}", tmp_path / "p.dot")
    (tmp_path / "plain").touch()
    assert (tmp_path / "p.dot").stat().st_mode == (tmp_path / "plain").stat().st_mode


def message(text: str, path: Path, code: str = "drawing") -> str:
    with pytest.raises(NetError) as caught:
        render(text, path)
    assert [d.code for d in caught.value.diagnostics] == [code]
    return str(caught.value)


def test_a_drawing_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "p.svg"
    path.write_text("old")
    assert "syntax error" in message("digraph { this is not DOT ->", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.dot"
    path.write_text("old")

    def refuse(source: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    assert "cannot be written: Permission denied" in message("digraph {}", path, "file")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_wrong_places(tmp_path: Path) -> None:
    assert "`.svg`, `.png`, `.pdf`, `.dot`, `.gv`" in message("digraph {}", tmp_path / "p.jpeg")
    assert "cannot be written as `picture`" in message("digraph {}", tmp_path / "picture")
    assert "there is no folder" in message("digraph {}", tmp_path / "none" / "p.svg")
    (tmp_path / "folder.dot").mkdir()
    assert "cannot be written" in message("digraph {}", tmp_path / "folder.dot", "file")


def only(monkeypatch: pytest.MonkeyPatch, **programs: str) -> None:
    """Lets nothing but these programs be found."""

    def which(name: str, path: str | None = None) -> str | None:
        return programs.get(name.replace("-", "_")) if path is None else None

    monkeypatch.setattr(shutil, "which", which)


def test_missing_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    assert "neither `dot` nor `graphviz-pure` is found" in message("digraph {}", tmp_path / "p.svg")
    assert "PDF needs the system's Graphviz" in message("digraph {}", tmp_path / "p.pdf")
    render("digraph {}", tmp_path / "p.gv")
    only(monkeypatch, graphviz_pure="/nowhere/graphviz-pure")
    assert "`/nowhere/graphviz-pure` cannot be run" in message("digraph {}", tmp_path / "p.svg")


def test_the_systems_graphviz_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        seen.append(command)
        return subprocess.CompletedProcess(command, 0, b"%PDF", b"")

    only(monkeypatch, dot="/usr/bin/dot", graphviz_pure="/bin/graphviz-pure")
    monkeypatch.setattr(subprocess, "run", run)
    render("digraph {}", tmp_path / "p.pdf")
    assert seen == [["/usr/bin/dot", "-Tpdf"]]
    assert (tmp_path / "p.pdf").read_bytes() == b"%PDF"
