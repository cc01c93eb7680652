"""Specs of small tables, files for them, and what they are read as."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import netc
from netc import NetError
from netc.data.prepare import Prepared, prepare
from netc.data.sources import load_data
from netc.data.table import Table
from netc.pipeline import Network

SPEC = """
network Net {{
  input x: {x}
  target y: {y}
  p = x -> {p}
  output p
  loss {loss}
}}
data {{
  source = {source}
  {keys}
}}
train {{
  optimizer = Adam(lr=0.01)
  epochs = 2
}}
"""
CLASSES = {"y": "int64[B]", "loss": "CrossEntropyLoss(p, y)"}
NUMBERS = {"y": "[B, 1]", "p": "Linear(1)", "loss": "MSELoss(p, y)", "keys": "normalize_target = standard"}


def spec(source: str, **options: str) -> str:
    parts = {"x": "[B, F]", "y": "[B, 1]", "p": "Linear(1)", "loss": "BCEWithLogitsLoss(p, y)", "keys": "", "source": source}
    return SPEC.format(**{**parts, **options})


def here(folder: Path, text: str) -> Network:
    (folder / "net.net").write_text(text)
    return netc.load(folder / "net.net", allow_python=True)


def table_of(net: Network) -> Table:
    assert net.data is not None
    return load_data(net.data)


def prepared(net: Network) -> Prepared:
    assert net.data is not None
    return prepare(net.graph, net.data, table_of(net), 0)


def problem(act: Callable[[], Any]) -> str:
    with pytest.raises(NetError) as caught:
        act()
    first = caught.value.diagnostics[0]
    assert first.span is not None
    return f"{first.code}: {first.message} ({first.hint})"


HOUSES = "area,rooms,city,garden,price\n" + "".join(
    f"{40 + i * 1.5},{i % 5 + 1},{['Bonn', 'Köln', 'Ulm'][i % 3]},{'true' if i % 2 else 'false'},{i * 1000 + 500}\n" for i in range(60)
)
HOUSE = {**NUMBERS, "keys": 'y = "price"\n  normalize = standard\n  normalize_target = standard\n  validation = 0.2\n  test = 0.2'}


def csv(folder: Path, text: str = HOUSES, name: str = "houses.csv", encoding: str = "utf8") -> str:
    (folder / name).write_text(text, encoding=encoding)
    return f'csv("{name}")'
