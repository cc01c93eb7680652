"""The article's networks as one writes them by hand: what netc's modules are held against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from sklearn.datasets import make_classification, make_regression
from torch import Tensor, nn


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(5, 8)
        self.hidden2 = nn.Linear(8, 4)
        self.output = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.hidden1(x))
        x = torch.relu(self.hidden2(x))
        return torch.sigmoid(self.output(x))


class Funky(Network):
    def forward(self, x: Tensor) -> Tensor:
        x = self.hidden1(x)
        x = torch.relu(x) + torch.tanh(x)
        x = torch.relu(self.hidden2(x))
        return torch.sigmoid(self.output(x))


class Regression(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(20, 40)
        self.hidden2 = nn.Linear(40, 40)
        self.output = nn.Linear(40, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.hidden1(x))
        x = torch.relu(self.hidden2(x))
        p: Tensor = self.output(x)
        return p


class ThreeInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 5)
        self.output = nn.Linear(5, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.sigmoid(self.hidden(x))
        return torch.sigmoid(self.output(h))


def quartic(p: Tensor, y: Tensor) -> Tensor:
    return torch.mean((p - y) ** 4)


def classification() -> tuple[Tensor, Tensor]:
    x, y = make_classification(100, 5, n_informative=3, random_state=101)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).reshape(-1, 1)


def regression() -> tuple[Tensor, Tensor]:
    made: Any = make_regression(200, 20, n_informative=20, n_targets=1, noise=0.01, shuffle=False, random_state=101)
    x, y = made
    return torch.tensor(x / x.max(), dtype=torch.float32), torch.tensor(y / y.max(), dtype=torch.float32).reshape(-1, 1)


Loss = Callable[[Tensor, Tensor], Tensor]
Twin = tuple[type[nn.Module], Loss, Callable[[], tuple[Tensor, Tensor]], float, int]

# spec: the class, its loss, the data, the learning rate, the epochs
TWINS: dict[str, Twin] = {
    "network": (Network, nn.BCELoss(), classification, 0.1, 1000),
    "funky": (Funky, nn.BCELoss(), classification, 0.04, 1000),
    "regression": (Regression, nn.MSELoss(), regression, 0.01, 200),
    "quartic": (Regression, quartic, regression, 0.01, 200),
}


def train(twin: Twin, seed: int, epochs: int | None = None) -> tuple[nn.Module, list[float]]:
    """The article's loop: full batch, SGD. Returns the model and the loss of every epoch."""
    network, criterion, data, lr, all_epochs = twin
    x, y = data()
    torch.manual_seed(seed)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs or all_epochs):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return model, losses
