"""Early stopping: what is watched, the best of it so far, and whether that was too long ago. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netc.diagnostics import count_of, error
from netc.settings import Section
from netc.train.best import is_higher_better
from netc.train.columns import check_monitor, monitored


@dataclass(frozen=True, slots=True)
class Patience:
    """Stop after so many epochs in a row in which `monitor` was not better than its best by more than `min_delta`.

    Without a `monitor` it is the column that the training is judged by.
    """

    epochs: int
    monitor: str | None = None
    min_delta: float = 0.0


@dataclass(slots=True)
class Stopping:
    """The best value of the column that `patience` monitors (negated where more is better), and the epoch it is of."""

    patience: Patience
    monitor: str
    best: float = float("inf")
    best_epoch: int = 0

    def is_over(self, epoch: int, value: float) -> bool:
        """Takes the value of an epoch; whether the patience is at its end."""
        value = -value if is_higher_better(self.monitor) else value
        if value < self.best - self.patience.min_delta:
            self.best, self.best_epoch = value, epoch
        return epoch - self.best_epoch >= self.patience.epochs


def make_stopping(settings: Section, columns: Sequence[str]) -> Stopping | None:
    """What the section asks for. Raises NetError `argument-type` where `monitor` is none of the columns."""
    if settings["early_stopping"] is None:
        return None
    made = settings.made("early_stopping")
    patience = Patience(**made.values)
    if patience.monitor is not None:
        check_monitor(patience.monitor, columns, made.arguments["monitor"].span)
    if patience.epochs < 1:
        message = f"patience of {count_of(patience.epochs, 'epoch')} would stop before it starts"
        raise error("argument-type", message, made.arguments["epochs"].span)
    return Stopping(patience, patience.monitor or monitored(settings, columns))
