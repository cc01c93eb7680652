"""Progress as a person reads it: a live bar on a terminal, some plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from netc.train.best import is_rate, without_single

if TYPE_CHECKING:
    from rich.table import Table

    from netc.train.loop import Observer, Progress

GAP = "  "
LINES = 10  # of a run into a file or pipe, and the last one


@contextmanager
def shown(stream: TextIO | None, epochs: int, done: int = 0) -> Iterator[Observer | None]:
    """An observer for `fit` that shows the training on the stream, from epoch `done` on; None without a stream."""
    if stream is None:
        yield None
    elif stream.isatty():
        with _live(stream, epochs) as observer:
            yield observer
    else:
        yield PlainLines(stream, epochs, done)


class PlainLines:
    """Writes the state after each tenth of the epochs as one line."""

    def __init__(self, stream: TextIO, epochs: int, done: int = 0) -> None:
        self.stream = stream
        self.every = -(-epochs // LINES)  # rounded up, or there would be more lines
        self.next = self.every * (1 + done // self.every)

    def __call__(self, progress: Progress) -> None:
        """Writes the lines that are due, flushed."""
        while self.next <= progress.epoch:
            self._write(progress, self.next)
            self.next += self.every
        last_written = self.next - self.every
        if progress.done and 0 < progress.epoch != last_written:
            self._write(progress, progress.epoch)

    def _write(self, progress: Progress, epoch: int) -> None:
        width = len(str(progress.epochs))
        values = values_text(_brief(progress), epoch)
        self.stream.write(f"epoch {epoch:>{width}}/{progress.epochs}  {values}  {speed_text(progress)}\n")
        self.stream.flush()


def _brief(progress: Progress) -> Progress:
    """Without the metrics of single numbers of a row, which stand in `metrics.csv`."""
    return replace(progress, columns={name: progress.columns[name] for name in without_single(progress.columns)})


def values_text(progress: Progress, epoch: int) -> str:
    """The losses and metrics of an epoch, and its learning rate, aligned from line to line."""
    return "  ".join(f"{name} {values[epoch - 1]:<9.4g}" for name, values in progress.columns.items())


def speed_text(progress: Progress) -> str:
    """Epochs a second, or seconds an epoch where one takes longer than that."""
    rate = progress.epoch / progress.seconds if progress.seconds > 0 else 0.0
    if rate >= 10:
        return f"{rate:.0f} epochs/s"
    return f"{rate:.1f} epochs/s" if rate >= 1 or rate == 0 else f"{1 / rate:.1f} s/epoch"


@contextmanager
def _live(stream: TextIO, epochs: int) -> Iterator[Observer]:
    """A bar with the values below it, drawn anew at each call; rich's own thread would take time from the training."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(file=stream)
    columns = (
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(bar_width=24),
        TextColumn("[dim]{task.fields[speed]}"),
        TimeRemainingColumn(compact=True),
    )
    bar = Bar(*columns, console=console, auto_refresh=False)
    task = bar.add_task("", total=epochs, speed="")
    with Live(bar, console=console, auto_refresh=False) as live:

        def observe(progress: Progress) -> None:
            bar.update(task, completed=progress.epoch, speed=speed_text(progress))
            live.update(Group(bar, values_shown(progress, console.width)) if progress.epoch else bar, refresh=True)

        yield observe


def values_shown(progress: Progress, width: int) -> Table | str:
    """The values of the last epoch. With validation it is a table: a line for each part, or where that is too long for each value.

    The learning rate is there where it has room.
    """
    without = replace(progress, columns={name: values for name, values in progress.columns.items() if not is_rate(name)})
    if not any(name.startswith("val_") for name in progress.columns):
        line = values_text(progress, progress.epoch)
        return line if len(line) <= width else values_text(without, progress.epoch)
    rows = _parts(_brief(progress))
    if _width(rows) > width:
        rows = _parts(_brief(without))
    if _width(rows) > width:
        rows = [list(row) for row in zip(*rows, strict=True)]
    return _table(rows)


def _parts(progress: Progress) -> list[list[str]]:
    """The names of the values, and below them those of each part."""
    names = list(dict.fromkeys(name.removeprefix("val_") for name in progress.columns))

    def cells(prefix: str) -> list[str]:
        columns = [progress.columns.get(prefix + name) for name in names]
        return [f"{values[progress.epoch - 1]:.4g}" if values else "" for values in columns]

    return [["", *names], ["training", *cells("")], ["validation", *cells("val_")]]


def _width(rows: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) + len(GAP) for column in zip(*rows, strict=True))


def _table(rows: Sequence[Sequence[str]]) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, len(GAP), 0, 0))
    for i, _ in enumerate(rows[0]):
        table.add_column(justify="right" if i else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
