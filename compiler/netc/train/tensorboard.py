"""The losses and metrics of each epoch as TensorBoard's event files, in the folder of the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from netc.diagnostics import error

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from netc.train.loop import Observer, Progress


def require_tensorboard() -> None:
    """Raises NetError where the package is not installed, so that it is known before a training rather than behind it."""
    if find_spec("tensorboard") is None:
        raise error("training", "event files need the package `tensorboard`", hint="pip install 'netc[tensorboard]'")


class Events:
    """Writes the epochs that are new since the last call, a scalar for each column under the column's name.

    The file is made with the first epoch, so that a training that fails before leaves none. `begun_at` epochs were written by an
    earlier part of the run; what that wrote behind them does not count.
    """

    def __init__(self, folder: Path, begun_at: int = 0) -> None:
        self.folder = folder
        self.begun_at = begun_at
        self.written: dict[str, int] = {}
        self.writer: SummaryWriter | None = None

    def __call__(self, progress: Progress) -> None:
        """Writes what is due."""
        if not any(len(values) > self.written.get(name, self.begun_at) for name, values in progress.columns.items()):
            return
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.folder), purge_step=self.begun_at + 1 if self.begun_at else None)
        for name, values in progress.columns.items():
            done = self.written.get(name, self.begun_at)
            for epoch, value in enumerate(values[done:], done + 1):
                self.writer.add_scalar(name, value, epoch)
            self.written[name] = max(done, len(values))
        self.writer.flush()


@contextmanager
def events(folder: Path | None, begun_at: int = 0) -> Iterator[Observer | None]:
    """An observer for `fit` that writes event files into the folder; None without a folder.

    The first `begun_at` epochs are there already, if there are event files at all.
    """
    if folder is None:
        yield None
        return
    has_some = any(folder.glob("events.out.tfevents.*"))
    observer = Events(folder, begun_at if has_some else 0)
    try:
        yield observer
    finally:
        if observer.writer is not None:
            observer.writer.close()


def together(*observers: Observer | None) -> Observer | None:
    """One observer for those that are there."""
    present = [observer for observer in observers if observer is not None]
    if len(present) < 2:
        return next(iter(present), None)

    def observe(progress: Progress) -> None:
        for observer in present:
            observer(progress)

    return observe
