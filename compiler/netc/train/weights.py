"""The weights of the epoch that was best by what the training is judged by."""

from __future__ import annotations

from torch import Tensor, nn

from netc.train.best import is_higher_better


class BestWeights:
    """The best value of a column so far, its epoch, and a copy of the model's state at its end."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.sign = -1.0 if is_higher_better(column) else 1.0
        self.value: float | None = None
        self.epoch = 0
        self.state: dict[str, Tensor] = {}

    def see(self, epoch: int, value: float, model: nn.Module) -> None:
        """Takes the value of an epoch that has just ended. A NaN is never the best."""
        if value != value or (self.value is not None and self.sign * value >= self.sign * self.value):
            return
        self.value, self.epoch = value, epoch
        now = {name: tensor.detach() for name, tensor in model.state_dict().items()}
        if self.state:
            for kept, tensor in zip(self.state.values(), now.values(), strict=True):
                kept.copy_(tensor)
        else:
            self.state = {name: tensor.clone() for name, tensor in now.items()}
