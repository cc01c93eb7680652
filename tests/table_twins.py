"""The networks of small real tables as one writes them by hand: class, data and loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR


class Digits(nn.Module):
    def __init__(self, features: int = 64, hidden: int = 64, classes: int = 10) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.output(torch.relu(self.hidden(x)))
        return scores


class Wine(nn.Module):
    def __init__(self, features: int = 13, hidden: int = 64, classes: int = 3) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.output(torch.relu(self.hidden(x)))
        return scores


class BreastCancer(nn.Module):
    def __init__(self, features: int = 30, hidden: int = 64) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        logit: Tensor = self.output(torch.relu(self.hidden(x)))
        return logit


class Diabetes(nn.Module):
    def __init__(self, features: int = 10, hidden: int = 64) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        p: Tensor = self.output(torch.relu(self.hidden(x)))
        return p


def classes(load: Any, dtype: Any, seed: int) -> tuple[Tensor, Tensor]:
    x, y = load(return_X_y=True)
    x, _, y, _ = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y)
    x = StandardScaler().fit_transform(x).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(y).to(dtype)


def numbers(load: Any, seed: int) -> tuple[Tensor, Tensor]:
    x, y = load(return_X_y=True)
    x, _, y, _ = train_test_split(x, y.reshape(-1, 1), test_size=0.25, random_state=seed)
    x, y = (StandardScaler().fit_transform(values).astype(np.float32) for values in (x, y))
    return torch.from_numpy(x), torch.from_numpy(y)


Made = tuple[nn.Module, nn.Module, Optimizer]  # a model, its loss and its optimizer


def epoch(made: Made, x: Tensor, y: Tensor, generator: torch.Generator, batch_size: int = 32) -> float:
    model, criterion, optimizer = made
    total = 0.0
    for rows in torch.split(torch.randperm(len(x), generator=generator), batch_size):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(x)


def train(made: Made, x: Tensor, y: Tensor, seed: int, epochs: int = 50) -> list[float]:
    generator = torch.Generator().manual_seed(seed)
    return [epoch(made, x, y, generator) for _ in range(epochs)]


def train_annealed(made: Made, x: Tensor, y: Tensor, seed: int, epochs: int = 50) -> list[float]:
    generator = torch.Generator().manual_seed(seed)
    scheduler = CosineAnnealingLR(made[2], T_max=epochs)
    losses = []
    for _ in range(epochs):
        losses.append(epoch(made, x, y, generator))
        scheduler.step()
    return losses


def data(name: str, seed: int) -> tuple[Tensor, Tensor]:
    if name == "diabetes":
        return numbers(load_diabetes, seed)
    if name == "breast_cancer":
        x, y = classes(load_breast_cancer, torch.float32, seed)
        return x, y.reshape(-1, 1)
    return classes({"digits": load_digits, "wine": load_wine}[name], torch.int64, seed)


def digits() -> Made:
    return (model := Digits()), nn.CrossEntropyLoss(), AdamW(model.parameters(), lr=0.003, weight_decay=0.3, fused=True)


def breast_cancer() -> Made:
    return (model := BreastCancer()), nn.BCEWithLogitsLoss(), AdamW(model.parameters(), lr=0.003, weight_decay=3.0, fused=True)


def wine() -> Made:
    model = Wine()
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    groups: list[dict[str, Any]] = [{"params": [model.hidden.weight, model.output.weight]}, {"params": biases, "weight_decay": 0}]
    return model, nn.CrossEntropyLoss(), Adam(groups, lr=0.003, weight_decay=0.1, fused=True)


def diabetes() -> Made:
    return (model := Diabetes()), nn.MSELoss(), AdamW(model.parameters(), lr=0.003, weight_decay=3.0, fused=True)


# spec: the class, what makes it with its loss and its optimizer, how the data is read, an epoch, and the loop
TWINS: dict[str, tuple[type[nn.Module], Callable[[], Made], Callable[..., Any], Callable[..., float], Callable[..., list[float]]]] = {
    "digits": (Digits, digits, classes, epoch, train_annealed),
    "breast_cancer": (BreastCancer, breast_cancer, classes, epoch, train_annealed),
    "wine": (Wine, wine, classes, epoch, train),
    "diabetes": (Diabetes, diabetes, numbers, epoch, train_annealed),
}
