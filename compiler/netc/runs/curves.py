"""The curves of several runs in one picture: an axes for each loss and metric, a color a run, validation dashed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netc.diagnostics import count_of, error
from netc.runs.folder import Run
from netc.runs.table import metric_names
from netc.train.sheet import COLORS, FAINT, INK, color_of, headline, new_figure, plain_axes, save, use_log_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, ABOVE, SIDE = 4.3, 2.9, 0.8, 2.2  # inches of a panel, of the headline, and of the names of the runs
MOST_PANELS, MOST_NAMES = 12, 24


def write_curves(runs: Sequence[Run], path: Path) -> None:
    """Draws the curves into a .png, .svg or .pdf file. Raises `NetError`, also where there is nothing to draw."""
    drawn = [run for run in runs if run.epochs]
    if not drawn:
        raise error("drawing", "there is no run with an epoch to draw")
    save(curves_figure(drawn), path)


def curves_figure(runs: Sequence[Run]) -> Figure:
    """The sheet for runs of at least one epoch each."""
    bases = list(dict.fromkeys(name.removeprefix("val_") for name in metric_names(runs)))[:MOST_PANELS]
    across = min(len(bases), 2 if len(bases) < 5 else 3)
    down = -(-len(bases) // across)
    size = np.array((across * WIDTH + SIDE, down * HEIGHT + ABOVE))
    figure = new_figure(*size)
    colors = _colors(len(runs))
    for i, base in enumerate(bases):
        left, bottom = i % across * WIDTH + 0.65, (down - 1 - i // across) * HEIGHT + 0.5
        box = np.array((left, bottom, WIDTH - 0.8, HEIGHT - 0.85)) / np.tile(size, 2)
        _panel(plain_axes(figure, tuple(box)), runs, base, colors)
    _names(figure, runs, colors, 1 - (SIDE - 0.05) / size[0], 1 - ABOVE / size[1])
    is_held_out = any(name.startswith("val_") for name in metric_names(runs))
    headline(figure, "Runs", count_of(len(runs), "run") + (", validation dashed" if is_held_out else ""))
    return figure


def _colors(count: int) -> list[str]:
    """A color a run; where there are more than can be told apart by name, a scale from the first to the last."""
    if count <= len(COLORS):
        return [color_of(i) for i in range(count)]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](x)) for x in np.linspace(0.0, 0.93, count)]  # the end of the scale is too light for lines


def _panel(axes: Axes, runs: Sequence[Run], base: str, colors: Sequence[str]) -> None:
    longest = max(run.epochs for run in runs)
    for run, color in zip(runs, colors, strict=True):
        for name, style in ((base, "-"), (f"val_{base}", "--")):
            if values := run.history.get(name):
                axes.plot(range(1, len(values) + 1), values, style, color=color, lw=1.4, marker="o" if len(values) == 1 else None, ms=4)
    use_log_scale(axes, [value for run in runs for name in (base, f"val_{base}") for value in run.history.get(name, ())])
    axes.grid(axis="y", color=FAINT, alpha=0.25, lw=0.6)
    axes.set_xlim(min(1, longest - 1), max(longest, 2))
    axes.set_title(base, size=10, color=INK, loc="left")
    axes.set_xlabel("epoch", size=8.5, color=FAINT)


def _names(figure: Figure, runs: Sequence[Run], colors: Sequence[str], left: float, top: float) -> None:
    """The names of the runs in their colors, one below the other, and how many more there are."""
    line = 0.2 / figure.get_size_inches()[1]
    for i, (run, color) in enumerate(zip(runs[:MOST_NAMES], colors, strict=False)):
        figure.text(left, top - i * line, run.name, size=9, color=color, va="center")
    if len(runs) > MOST_NAMES:
        figure.text(left, top - MOST_NAMES * line, f"and {len(runs) - MOST_NAMES} more", size=9, color=FAINT, va="center")
