"""The curves of one run or several in one picture: an axes for each loss and metric, a color a run, validation dashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netc.diagnostics import count_of
from netc.train.report.sheet import COLORS, FAINT, INK, color_of, headline, new_figure, plain_axes, use_log_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Columns = Mapping[str, Sequence[float]]  # `loss`, `val_loss`, …: one number an epoch

WIDTH, HEIGHT, ABOVE, SIDE = 4.3, 2.9, 0.8, 2.2  # inches of a panel, of the headline, and of the names of the runs
MOST_PANELS, MOST_NAMES = 12, 24  # of a network, and of all runs


def curves_picture(runs: Mapping[str, Columns]) -> Figure | None:
    """The curves of the runs by their names, which stand beside them where there are several; None where no run has an epoch."""
    return curves_by_network({"": runs})


def curves_by_network(networks: Mapping[str, Mapping[str, Columns]]) -> Figure | None:
    """The same of the runs of several networks, each with panels of its own, named after it where there are several."""
    found = {name: {run: columns for run, columns in runs.items() if _epochs(columns)} for name, runs in networks.items()}
    shown = {run: columns for runs in found.values() for run, columns in runs.items()}
    if not shown:
        return None
    drawn = [(name, base) for name, runs in found.items() for base in _bases(runs)[:MOST_PANELS]]
    undrawn = sum(max(0, len(_bases(runs)) - MOST_PANELS) for runs in found.values())
    across = min(len(drawn), 2 if len(drawn) < 5 else 3)
    down = -(-len(drawn) // across)
    size = np.array((across * WIDTH + (SIDE if len(shown) > 1 else 0.2), down * HEIGHT + ABOVE))
    figure = new_figure(*size)
    colors = dict(zip(shown, _colors(len(shown)), strict=True))
    for i, (name, base) in enumerate(drawn):
        left, bottom = i % across * WIDTH + 0.65, (down - 1 - i // across) * HEIGHT + 0.5
        box = np.array((left, bottom, WIDTH - 0.8, HEIGHT - 0.85)) / np.tile(size, 2)
        title = f"{base} ({name})" if len(found) > 1 else base
        _panel(plain_axes(figure, tuple(box)), list(found[name].values()), base, [colors[run] for run in found[name]], title)
    if len(shown) > 1:
        _names(figure, list(shown), list(colors.values()), 1 - (SIDE - 0.05) / size[0], 1 - ABOVE / size[1])
    what = count_of(len(shown), "run") if len(shown) > 1 else count_of(max(map(_epochs, shown.values())), "epoch")
    dashed = ", validation dashed" if any(name.startswith("val_") for columns in shown.values() for name in columns) else ""
    more = f", {undrawn} more losses and metrics are not drawn" if undrawn else ""
    headline(figure, "Curves", f"{what}{dashed}{more}")
    return figure


def _bases(runs: Mapping[str, Columns]) -> list[str]:
    """The losses and metrics, each once for training and validation."""
    return list(dict.fromkeys(name.removeprefix("val_") for columns in runs.values() for name in columns))


def _epochs(columns: Columns) -> int:
    return max(map(len, columns.values()), default=0)


def _colors(count: int) -> list[str]:
    """A color a run; where there are more than can be told apart by name, a scale from the first to the last."""
    if count <= len(COLORS):
        return [color_of(i) for i in range(count)]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](x)) for x in np.linspace(0.0, 0.93, count)]  # the end of the scale is too light for lines


def _panel(axes: Axes, runs: Sequence[Columns], base: str, colors: Sequence[str], title: str) -> None:
    longest = max(map(_epochs, runs))
    for columns, color in zip(runs, colors, strict=True):
        for name, style in ((base, "-"), (f"val_{base}", "--")):
            if values := columns.get(name):
                axes.plot(range(1, len(values) + 1), values, style, color=color, lw=1.5, marker="o" if len(values) == 1 else None, ms=4)
    use_log_scale(axes, [value for columns in runs for name in (base, f"val_{base}") for value in columns.get(name, ())])
    axes.grid(axis="y", color=FAINT, alpha=0.25, lw=0.6)
    axes.set_xlim(min(1, longest - 1), max(longest, 2))
    axes.locator_params("x", integer=True)
    axes.set_title(title, size=10, color=INK, loc="left")
    axes.set_xlabel("epoch", size=8.5, color=FAINT)


def _names(figure: Figure, names: Sequence[str], colors: Sequence[str], left: float, top: float) -> None:
    """The names of the runs in their colors, one below the other, and how many more there are."""
    line = 0.2 / figure.get_size_inches()[1]
    for i, (name, color) in enumerate(zip(names[:MOST_NAMES], colors, strict=False)):
        figure.text(left, top - i * line, name, size=9, color=color, va="center")
    if len(names) > MOST_NAMES:
        figure.text(left, top - MOST_NAMES * line, f"and {len(names) - MOST_NAMES} more", size=9, color=FAINT, va="center")
