"""A network of a spec in a training loop of one's own. From netc it needs the module and `model.loss(**batch)`, no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

import netc
from netc.module import NetModule

Batch = dict[str, torch.Tensor]  # by the names that the spec gives to its inputs and targets


class Digits(Dataset[Batch]):
    """Images of digits, a row of 64 pixels each, with their class; a `DataLoader` stacks the rows to batches."""

    def __init__(self, pixels: Any, labels: Any) -> None:
        self.x = torch.tensor(pixels / 16, dtype=torch.float32)
        self.y = torch.tensor(labels)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> Batch:
        return {"x": self.x[row], "y": self.y[row]}


def digits() -> tuple[Digits, Digits]:
    """The rows to train on, and those held out."""
    pixels, labels = load_digits(return_X_y=True)
    train_x, held_out_x, train_y, held_out_y = train_test_split(pixels, labels, test_size=0.25, random_state=0, stratify=labels)
    return Digits(train_x, train_y), Digits(held_out_x, held_out_y)


def evaluated(model: NetModule, rows: Digits) -> dict[str, torch.Tensor]:
    """The loss and the metrics of the spec on all rows, by name."""
    (everything,) = DataLoader(rows, batch_size=len(rows))
    model.eval()
    with torch.no_grad():
        return model.losses(**everything)


def main(epochs: int = 10) -> float:
    """Trains, prints the loss of each epoch, and returns the accuracy on the rows held out."""
    torch.manual_seed(0)
    train, held_out = digits()
    model = netc.load(Path(__file__).with_name("digits.net")).module()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.005)

    for epoch in range(1, epochs + 1):
        model.train()
        for batch in DataLoader(train, batch_size=64, shuffle=True):
            optimizer.zero_grad()
            loss = model.loss(**batch)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

        values = evaluated(model, held_out)
        print(f"epoch {epoch:>2}  loss {values['loss']:.4f}  accuracy {values['accuracy']:.4f}")
    return float(evaluated(model, held_out)["accuracy"])


if __name__ == "__main__":
    main()
