"""The smallest training that tests of the loop take apart: one layer, two classes, and the data for it."""

from __future__ import annotations

import torch

from netc import load
from netc.settings import Section
from netc.train.batches import Tensors


def training_section(keys: str, epochs: int) -> Section:
    """The `train` section with these keys, of a network `[B, 5]` to `[B, 1]`."""
    text = f"""
network Net {{
  input x: [B, 5]
  target y: [B, 1]
  p = x -> Linear(1) -> Sigmoid
  output p
  loss BCELoss(p, y)
}}
train {{
  epochs = {epochs}
  {keys}
}}
"""
    training = load(text, allow_python=True).training
    assert training is not None
    return training


def data(rows: int = 40) -> Tensors:
    """Features and classes, the same each time."""
    random = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 5, generator=random)
    return x, (x[:, :1] + x[:, 1:2] > 0).float()
