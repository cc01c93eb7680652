"""The networks of small real tables as one writes them by hand: class, data and loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.optim import Adam


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


def train(model: nn.Module, criterion: nn.Module, x: Tensor, y: Tensor, seed: int, epochs: int = 50, batch_size: int = 32) -> list[float]:
    optimizer = Adam(model.parameters(), lr=0.003, fused=True)
    generator = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for rows in torch.split(torch.randperm(len(x), generator=generator), batch_size):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(x))
    return losses


def data(name: str, seed: int) -> tuple[Tensor, Tensor]:
    if name == "diabetes":
        return numbers(load_diabetes, seed)
    if name == "breast_cancer":
        x, y = classes(load_breast_cancer, torch.float32, seed)
        return x, y.reshape(-1, 1)
    return classes({"digits": load_digits, "wine": load_wine}[name], torch.int64, seed)


# spec: the class, its loss, and what its lines are beside the class
TWINS: dict[str, tuple[type[nn.Module], nn.Module, tuple[Any, ...]]] = {
    "digits": (Digits, nn.CrossEntropyLoss(), (classes, train)),
    "breast_cancer": (BreastCancer, nn.BCEWithLogitsLoss(), (classes, train)),
    "wine": (Wine, nn.CrossEntropyLoss(), (classes, train)),
    "diabetes": (Diabetes, nn.MSELoss(), (numbers, train)),
}
