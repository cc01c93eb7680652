"""The article's first experiment as a script written by hand: the rival of a whole `netc train` process.

Like `netc train` it keeps the losses, the parameters and the pictures; `--no-pictures` leaves the pictures out.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import torch
from sklearn.datasets import make_classification
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


def main(folder: Path, pictures: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    features, labels = make_classification(100, 5, n_informative=3, random_state=101)
    x = torch.tensor(features, dtype=torch.float32)
    y = torch.tensor(labels, dtype=torch.float32).reshape(-1, 1)
    torch.manual_seed(7)
    model = Network()
    criterion = nn.BCELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses, snapshots = [], []
    for epoch in range(1000):
        if epoch % 125 == 0:
            with torch.no_grad():
                snapshots.append(model(x).flatten().numpy())
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if epoch % 100 == 99:
            print(epoch + 1, loss.item())
    with (folder / "metrics.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["epoch", "loss"], *enumerate(losses, 1)])
    torch.save(model.state_dict(), folder / "model.pt")
    if pictures:
        draw(folder, features, labels, losses, snapshots)


def draw(folder: Path, features, labels, losses, snapshots) -> None:  # type: ignore[no-untyped-def]
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(5, 5, figsize=(10, 10))
    for i in range(5):
        for j in range(5):
            axes[i][j].scatter(features[:, j], features[:, i], c=labels, s=6)
    figure.savefig(folder / "data.png")
    figure = plt.figure()
    plt.plot(losses)
    figure.savefig(folder / "loss.png")
    figure, rows = plt.subplots(2, 4, figsize=(12, 6))
    for axis, snapshot in zip(rows.flat, snapshots, strict=True):
        axis.scatter(range(len(snapshot)), snapshot, c=labels, s=6)
    figure.savefig(folder / "predictions.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--no-pictures" not in sys.argv)
