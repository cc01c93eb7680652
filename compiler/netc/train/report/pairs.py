"""The picture of a table's data: its first features in pairs.

Drawn on few axes, since an axis costs matplotlib more than a thousand points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netc.data.columns import Columns
from netc.data.normalize import Array
from netc.data.table import Table
from netc.train.report.sheet import COLORS, FAINT, INK, PAPER, class_label, color_of, headline, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_FEATURES, MOST_POINTS = 5, 1500
LETTER, SMALL_LETTER = 0.085, 0.06  # inches of a letter of a feature's name, and of what stands at a range
LEAST_LETTERS = 3  # of a text that is cut
BINS, WITHIN = 16, (0.05, 0.95)  # a histogram's bars, and the part of its cell that they take


def sample(count: int) -> Array:
    """The rows to draw, in a fixed random order, so that no class hides all others."""
    return np.random.default_rng(0).permutation(count)[:MOST_POINTS]


def data_picture(table: Table) -> Figure | None:
    """Each pair of the first features as points and each feature as a histogram, colored by class or by target if there is one.

    None where no feature is a number.
    """
    total = table.features.shape[1]
    if not total:
        return None
    count = min(total, MOST_FEATURES)
    rows = sample(len(table.features))
    features = table.features[rows, :count].astype(float)
    columns = _columns(table)[:count]
    texts = [texts for _, texts in columns]
    is_missing = ~np.isfinite(features) | ((features < 0) & np.array([len(t) > 0 for t in texts]))
    features[is_missing] = np.nan  # missing values are not drawn
    known = np.isfinite(features)
    low, high = np.where(known, features, np.inf).min(axis=0), np.where(known, features, -np.inf).max(axis=0)
    unit = 0.06 + 0.88 * (features - low) / np.where(high > low, high - low, 1.0)  # a margin within each cell
    cell = 1.45 if count > 2 else 2.4
    names = [_fitted(name, int(cell / LETTER)) for name, _ in columns]
    side, left, bottom, top = cell * count, max(0.55, LETTER * max(map(len, names)) + 0.2), 0.55, 0.85
    figure = new_figure(left + side + 0.25, bottom + side + top)
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
    axes.set(xlim=(0, count), ylim=(count, 0))
    axes.axis("off")
    _cells(axes, names)
    for i in range(count):
        _range(axes, i, (low[i], high[i]), texts[i], cell)
    shown = f"the first {count} of {total} features" if count < total else f"{total} feature{'s' * (total > 1)}"
    headline(figure, "Data", f"{len(table.features)} samples, {shown}, in pairs")
    box = ((left + side * 0.58) / width, (bottom + side * 0.87) / height, side * 0.38 / width, 0.13 / height)
    colored = [part for part in table.select(table.targets) if part.kind != "other" and part.values.ndim == 2]
    if not colored:
        _plain_points(axes, unit)
    elif table.classes is not None and len(np.unique(table.classes)) <= len(COLORS):
        _class_points(axes, unit, table.classes[rows])
        _class_legend(axes, table.classes, table.class_names)
    else:
        _value_points(figure, axes, unit, colored[0].values[rows, 0], box, _names(colored[0])[0])
    return figure


def _fitted(name: str, letters: int) -> str:
    """The name, cut to as many letters as there is room for."""
    return name if len(name) <= letters else name[: letters - 1] + "…"


def _columns(table: Table) -> list[tuple[str, Sequence[str]]]:
    """For each column of the features its name, and what its numbers stand for; nothing where they are quantities."""
    parts = [part for part in table.select(table.feature_names) if part.kind != "other" and part.values.ndim == 2]
    texts = [("false", "true") if part.kind == "bool" else part.categories for part in parts]
    return [(name, said) for part, said in zip(parts, texts, strict=True) for name in _names(part)]


def _names(part: Columns) -> Sequence[str]:
    """The names of columns; those of an array are its name with their places."""
    return part.names if part.kind != "array" else [f"{part.names[0]}[{i}]" for i in range(part.width)]


def _cells(axes: Axes, names: Sequence[str]) -> None:
    """The squares of the lower triangle, with the features' names at the edges."""
    from matplotlib.collections import PolyCollection

    count, gap = len(names), 0.025
    corners = np.array([(gap, gap), (1 - gap, gap), (1 - gap, 1 - gap), (gap, 1 - gap)])
    cells = [corners + np.array((j, i)) for i in range(count) for j in range(i + 1)]
    axes.add_collection(PolyCollection(cells, facecolors=PAPER, edgecolors="none", zorder=0))
    for i, name in enumerate(names):
        axes.text(i + 0.5, count + 0.14, name, ha="center", va="top", size=9.5, color=INK)  # under the range, however long both are
        axes.text(-0.06, i + 0.5, name, ha="right", va="center", size=9.5, color=INK)


def _range(axes: Axes, cell: int, ends: tuple[float, float], texts: Sequence[str], inches: float) -> None:
    """What stands under a column of cells: the least and the largest number, or the texts where there is room for them."""
    low, high = ends
    if texts and np.isfinite(low):
        shown = _as_room_is(texts[int(low) : int(high) + 1], inches)
        if not shown:
            axes.text(cell + 0.5, axes.get_ylim()[0] + 0.03, f"{int(high - low) + 1} texts", ha="center", va="top", size=7, color=FAINT)
    else:
        shown = [f"{low:.2g}", f"{high:.2g}"]
    for k, text in enumerate(shown):
        place = 0.06 + 0.88 * k / max(1, len(shown) - 1)
        side = "left" if k == 0 else "right" if k == len(shown) - 1 else "center"
        axes.text(cell + place, axes.get_ylim()[0] + 0.03, text, ha=side, va="top", size=7, color=FAINT)


def _as_room_is(texts: Sequence[str], inches: float) -> list[str]:
    """The texts, cut where they would touch each other under a cell of that width; none where too little of them would be left."""
    gap = 0.88 * inches / max(1, len(texts) - 1)  # between the middles of two; the first and the last do not go beyond the cell
    letters = int((gap if len(texts) == 1 else 0.48 * gap if len(texts) == 2 else 2 / 3 * gap) / SMALL_LETTER)
    return [_fitted(text, letters) for text in texts] if letters >= min(LEAST_LETTERS, max(map(len, texts))) else []


def _pairs(unit: Array) -> tuple[Array, Array]:
    """The places of all points in all cells below the diagonal; the samples vary fastest."""
    count = unit.shape[1]
    pairs = [(i, j) for i in range(count) for j in range(i)]
    x = [j + unit[:, j] for _, j in pairs]
    y = [i + 1 - unit[:, i] for i, _ in pairs]
    return (np.concatenate(x), np.concatenate(y)) if pairs else (np.empty(0), np.empty(0))


def marker(samples: int) -> float:
    """The size of a point in typographic points: smaller, the more there are."""
    return float(np.clip(14 / max(samples, 1) ** 0.28, 1.8, 5.0))


def _class_points(axes: Axes, unit: Array, classes: Array) -> None:
    for k, value in enumerate(np.unique(classes)):
        x, y = _pairs(unit[classes == value])
        axes.plot(x, y, "o", color=color_of(k), ms=marker(len(unit)), mew=0, alpha=0.7, rasterized=True)
    for j in range(unit.shape[1]):
        counts = [np.histogram(unit[classes == value, j], bins=BINS, range=WITHIN)[0] for value in np.unique(classes)]
        for k, heights in enumerate(counts):
            _bars(axes, j, heights / max(1, *map(np.max, counts)), color_of(k))


def _plain_points(axes: Axes, unit: Array) -> None:
    """The points where no target gives them a color."""
    axes.plot(*_pairs(unit), "o", color=color_of(0), ms=marker(len(unit)), mew=0, alpha=0.7, rasterized=True)
    _plain_bars(axes, unit)


def _plain_bars(axes: Axes, unit: Array) -> None:
    for j in range(unit.shape[1]):
        heights = np.histogram(unit[:, j], bins=BINS, range=WITHIN)[0]
        _bars(axes, j, heights / max(1, heights.max()), FAINT)


def _bars(axes: Axes, cell: int, heights: Array, color: str) -> None:
    """A histogram in the cell on the diagonal; the highest bar has height 1."""
    edges = cell + np.linspace(*WITHIN, len(heights) + 1)
    tops = cell + 0.975 - 0.85 * heights
    axes.stairs(tops, edges, baseline=cell + 0.975, fill=True, color=color, alpha=0.3)
    axes.stairs(tops, edges, baseline=None, color=color, lw=1.0)


def _class_legend(axes: Axes, classes: Array, names: Sequence[str]) -> None:
    """The classes with their counts, in the empty upper right corner."""
    values, counts = np.unique(classes, return_counts=True)
    handles = [axes.plot([], [], "o", color=color_of(k), ms=6, mew=0)[0] for k in range(len(values))]
    labels = [f"{class_label(names, value)}: {number}" for value, number in zip(values, counts, strict=True)]
    legend = axes.legend(handles, labels, loc="upper right", frameon=False, fontsize=9.5, labelcolor=INK, handletextpad=0.2)
    if axes.get_xlim()[1] == 1:  # one cell has no empty corner
        legend.set_loc("lower right")
        legend.set_bbox_to_anchor((1.0, 1.0))


def _value_points(figure: Figure, axes: Axes, unit: Array, target: Array, box: tuple[float, float, float, float], name: str) -> None:
    x, y = _pairs(unit)
    target = target.astype(float)
    colors = np.tile(target, len(x) // len(target))
    points = axes.scatter(x, y, c=colors, s=marker(len(unit)) ** 2, cmap="viridis", linewidths=0, alpha=0.85, rasterized=True,
                          vmin=target.min(), vmax=target.max())  # fmt: skip
    _plain_bars(axes, unit)
    if unit.shape[1] > 1:
        bar = figure.colorbar(points, cax=figure.add_axes(box), orientation="horizontal")
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=8, length=0, colors=INK)
        bar.ax.locator_params(nbins=5)
        bar.ax.set_title(f"target {name}", size=9.5, color=INK)
