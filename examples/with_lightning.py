"""A network of a spec as a LightningModule: `pip install lightning`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader

import netc
from netc.module import NetModule
from plain_pytorch import Batch, digits


class Trained(L.LightningModule):
    """Any network of a spec with a loss; its metrics are logged under their names."""

    def __init__(self, model: NetModule, lr: float = 0.005) -> None:
        super().__init__()
        self.model: NetModule = model
        self.lr = lr

    def training_step(self, batch: Batch, index: int) -> torch.Tensor:
        """The loss that Lightning makes small."""
        return self.model.loss(**batch)

    def validation_step(self, batch: Batch, index: int) -> None:
        """The loss and the metrics of the rows held out; Lightning takes their mean over the batches."""
        values = self.model.losses(**batch)
        self.log_dict({f"val_{name}": value for name, value in values.items()}, batch_size=len(batch["y"]), prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Any of PyTorch's."""
        return torch.optim.AdamW(self.parameters(), lr=self.lr)


def main(epochs: int = 10, **options: Any) -> float:
    """Trains, and returns the accuracy on the rows held out; `options` are those of Lightning's `Trainer`."""
    L.seed_everything(0)
    train, held_out = digits()
    model = netc.load(Path(__file__).with_name("digits.net")).module()
    trainer = L.Trainer(max_epochs=epochs, logger=False, enable_checkpointing=False, **options)
    trainer.fit(Trained(model), DataLoader(train, batch_size=64, shuffle=True), DataLoader(held_out, batch_size=512))
    return float(trainer.callback_metrics["val_accuracy"])


if __name__ == "__main__":
    main()
