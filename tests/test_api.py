"""What the package promises to others: its names, what it imports, its typing."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import networkx as nx
import pytest
from torch import nn

import netc


def test_public_names() -> None:
    assert netc.__all__ == [
        "Diagnostic",
        "NetClassifier",
        "NetError",
        "NetRegressor",
        "Network",
        "Run",
        "__version__",
        "check",
        "load",
        "open_run",
    ]
    assert all(hasattr(netc, name) for name in netc.__all__)


@pytest.mark.parametrize(
    "code",
    ["import netc", "import netc; n = netc.load(SPEC); n.summary(); n.source(); n.draw(); n.resolved()",
     "from netc.cli import main; main(['compile', SPEC])"],
)  # fmt: skip
def test_checking_drawing_and_writing_need_no_torch(code: str, specs: Path) -> None:
    code = code.replace("SPEC", repr(str(specs / "funky.net"))) + "; import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_graph_as_networkx_knows_it(specs: Path) -> None:
    graph = netc.load(specs / "funky.net").graph
    dag = graph.dag
    assert nx.is_directed_acyclic_graph(dag)
    assert [data["node"] for _, data in dag.nodes(data=True)] == graph.nodes
    assert {id: list(dag.successors(id)) for id in dag} == graph.users
    assert {node.id for node in graph.forward_nodes} == nx.ancestors(dag, graph.outputs[0].ref.node) | {graph.outputs[0].ref.node}


def test_text_and_path_and_overrides(specs: Path) -> None:
    path = specs / "network.net"
    text = path.read_text(encoding="utf-8")
    assert netc.load(text).graph.parameter_count == netc.load(str(path)).graph.parameter_count == 89
    assert netc.load(path, {"hidden1": 16}).graph.parameter_count == 5 * 16 + 16 + 16 * 4 + 4 + 5
    assert [n.op.name for n in netc.load(path, {"act": "Tanh"}).graph.modules if n.op].count("Tanh") == 2


def doubled(x: object) -> object:
    """A function of Python, which no spec can write."""
    return x


@pytest.mark.parametrize(
    ("value", "what", "example"),
    [(nn.PReLU(init=0.1), "an object of the class `PReLU`", "PReLU"), (nn.GELU, "the class `GELU`", "GELU"),
     ([nn.Tanh()], "an object of the class `Tanh`", "Tanh"), (nn.Sequential(nn.ReLU()), "an object of the class `Sequential`", "GELU"),
     (doubled, "the function `doubled`", "GELU"), (lambda x: x, "a function without a name", "GELU")],
    ids=["module", "class", "in a list", "modules", "function", "lambda"],
)  # fmt: skip
def test_layers_of_python_are_given_as_text(value: object, what: str, example: str, specs: Path) -> None:
    """The text of a module leaves out numbers that it holds, such as the weight of a `PReLU`."""
    with pytest.raises(netc.NetError) as raised:
        netc.load(specs / "network.net", {"act": value})
    (problem,) = raised.value.diagnostics
    assert problem.message == f"`act` is set to {what} of Python, and layers and functions are given as text"
    assert problem.hint.endswith(f'e.g. `"{example}"`')


def test_a_network_among_several() -> None:
    text = "network A { input x: [B, 3]\n output x -> Linear(1) }\nnetwork B { input x: [B, 4]\n output x -> Linear(1) }"
    assert netc.load(text, network="B").graph.parameter_count == 5


def test_errors_are_data() -> None:
    with pytest.raises(netc.NetError) as raised:
        netc.load("network N { input x: [B, 3]\n output x -> Linaer(1) }")
    (problem,) = raised.value.diagnostics
    assert (problem.code, problem.span and problem.span.position, problem.severity) == ("unknown-name", (2, 14), "error")
    assert "Linear" in problem.hint
    assert str(raised.value).startswith("error[unknown-name]")


def test_size_from_the_data(tmp_path: Path) -> None:
    text = """network N {
      input  x: [B, F]
      target y: [B, 1]
      p = x -> Linear(1) -> Sigmoid
      output p
      loss BCELoss(p, y)
    }
    data = sklearn.make_moons(n_samples=20, random_state=0)
    train {
      optimizer = SGD(lr=0.1)
      epochs = 2
    }"""
    network = netc.load(text)
    assert network.graph.parameter_count == 3
    assert network.train(tmp_path, pictures=False).history.epochs == 2


def test_the_package_is_typed_and_has_its_data() -> None:
    assert resources.files("netc").joinpath("py.typed").is_file()
    assert resources.files("netc.grammar").joinpath("net.lark").is_file()
    assert resources.files("netc.web").joinpath("style.css").is_file()
    assert resources.files("netc.specs").joinpath("network.net").is_file()
