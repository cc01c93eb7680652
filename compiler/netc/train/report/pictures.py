"""The pictures of a run: the data, the loss, and the predictions before, along and after training.

Drawn on few axes, since an axis costs matplotlib more than a thousand points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from netc.data.normalize import Array
from netc.data.table import Table
from netc.train.report.images import images_picture
from netc.train.report.sheet import COLORS, FAINT, INK, PAPER, class_label, color_of, headline, new_figure, plain_axes, use_log_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_FEATURES, MOST_POINTS = 5, 1500
LETTER, SMALL_LETTER = 0.085, 0.06  # inches of a letter of a feature's name, and of what stands at a range
LEAST_LETTERS = 3  # of a text that is cut
MOST_IN_LEGEND = 12  # classes whose names fit above a picture
BINS, WITHIN = 16, (0.05, 0.95)  # a histogram's bars, and the part of its cell that they take


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs `[n, …]` by epoch, and the target of the same samples first.

    `is_class` says that it holds class numbers, `classes` are the names of the classes, if they have some.
    """

    snapshots: Sequence[tuple[int, Array]]
    target: Array | None
    target_name: str
    is_class: bool
    classes: Sequence[str] = ()


def draw_all(pictures: dict[str, Figure], table: Table, curves: Mapping[str, Sequence[float]], outputs: Outputs) -> list[str]:
    """Adds `data.png`, `loss.png` and `predictions.png` as far as they make sense; returns what went wrong, in words."""
    drawings: dict[str, Callable[[], Figure | None]] = {
        "data.png": lambda: data_picture(table) or images_picture(table),
        "loss.png": lambda: loss_picture(curves),
        "predictions.png": lambda: predictions_picture(outputs),
    }
    problems = []
    for name, draw in drawings.items():
        try:
            if (picture := draw()) is not None:
                pictures[name] = picture
        except Exception as e:  # a picture is never worth a trained model
            problems.append(f"{name} could not be drawn: {e}")
    return problems


def _sample(count: int) -> Array:
    """The rows to draw, in a fixed random order, so that no class hides all others."""
    return np.random.default_rng(0).permutation(count)[:MOST_POINTS]


# --- the data -----------------------------------------------------------------------------------------------------


def data_picture(table: Table) -> Figure | None:
    """Each pair of the first features as points and each feature as a histogram, colored by class or by target.

    None where no feature is a number.
    """
    total = table.features.shape[1]
    if not total:
        return None
    count = min(total, MOST_FEATURES)
    rows = _sample(len(table.features))
    features = table.features[rows, :count].astype(float)
    texts = _texts(table)[:count]
    is_missing = ~np.isfinite(features) | ((features < 0) & np.array([len(t) > 0 for t in texts]))
    features[is_missing] = np.nan  # missing values are not drawn
    known = np.isfinite(features)
    low, high = np.where(known, features, np.inf).min(axis=0), np.where(known, features, -np.inf).max(axis=0)
    unit = 0.06 + 0.88 * (features - low) / np.where(high > low, high - low, 1.0)  # a margin within each cell
    cell = 1.45 if count > 2 else 2.4
    names = [_fitted(name, int(cell / LETTER)) for name in table.feature_names[:count]]
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
    if table.classes is not None and len(np.unique(table.classes)) <= len(COLORS):
        _class_points(axes, unit, table.classes[rows])
        _class_legend(axes, table.classes, table.class_names)
    else:
        _value_points(figure, axes, unit, table.target.reshape(len(table.target), -1)[rows, 0], box, table.target_names[0])
    return figure


def _fitted(name: str, letters: int) -> str:
    """The name, cut to as many letters as there is room for."""
    return name if len(name) <= letters else name[: letters - 1] + "…"


def _texts(table: Table) -> list[Sequence[str]]:
    """For each column of the features what its numbers stand for; nothing where they are quantities."""
    parts = [part for part in table.select(table.feature_names) if part.kind != "other" and part.values.ndim == 2]
    return [("false", "true") if part.kind == "bool" else part.categories for part in parts for _ in part.names]


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


def _marker(samples: int) -> float:
    """The size of a point in typographic points: smaller, the more there are."""
    return float(np.clip(14 / max(samples, 1) ** 0.28, 1.8, 5.0))


def _class_points(axes: Axes, unit: Array, classes: Array) -> None:
    for k, value in enumerate(np.unique(classes)):
        x, y = _pairs(unit[classes == value])
        axes.plot(x, y, "o", color=color_of(k), ms=_marker(len(unit)), mew=0, alpha=0.7, rasterized=True)
    for j in range(unit.shape[1]):
        counts = [np.histogram(unit[classes == value, j], bins=BINS, range=WITHIN)[0] for value in np.unique(classes)]
        for k, heights in enumerate(counts):
            _bars(axes, j, heights / max(1, *map(np.max, counts)), color_of(k))


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
    points = axes.scatter(x, y, c=colors, s=_marker(len(unit)) ** 2, cmap="viridis", linewidths=0, alpha=0.85, rasterized=True,
                          vmin=target.min(), vmax=target.max())  # fmt: skip
    for j in range(unit.shape[1]):
        heights = np.histogram(unit[:, j], bins=BINS, range=WITHIN)[0]
        _bars(axes, j, heights / max(1, heights.max()), FAINT)
    if unit.shape[1] > 1:
        bar = figure.colorbar(points, cax=figure.add_axes(box), orientation="horizontal")
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=8, length=0, colors=INK)
        bar.ax.locator_params(nbins=5)
        bar.ax.set_title(f"target {name}", size=9.5, color=INK)


# --- the loss -----------------------------------------------------------------------------------------------------


def loss_picture(curves: Mapping[str, Sequence[float]]) -> Figure | None:
    """The columns of the history over the epochs, validation dashed; None where no epoch was done.

    The scale is logarithmic where the values span more than two decades.
    """
    names = [n for n, values in curves.items() if len(values)]
    if not names:
        return None
    figure = new_figure(7.2, 4.3)
    axes = plain_axes(figure, (0.1, 0.125, 0.72, 0.69))
    epochs = np.arange(1, len(curves[names[0]]) + 1)
    bases = list(dict.fromkeys(n.removeprefix("val_") for n in names))
    for name in names:
        held_out = name.startswith("val_")
        axes.plot(epochs, curves[name], "--" if held_out else "-", color=color_of(bases.index(name.removeprefix("val_"))),
                  lw=1.8 if name == "loss" else 1.4, marker="o" if len(epochs) == 1 else None, ms=4)  # fmt: skip
    use_log_scale(axes, [value for name in names for value in curves[name]])
    axes.grid(axis="y", color=FAINT, alpha=0.25, lw=0.6)
    axes.set_xlabel("epoch", size=9.5, color=INK)
    axes.set_xlim(min(1, len(epochs) - 1), max(len(epochs), 2))
    _end_labels(axes, curves, names, [color_of(bases.index(n.removeprefix("val_"))) for n in names])
    first, last = curves["loss"][0], curves["loss"][-1]
    headline(figure, "Loss", f"from {first:.4g} to {last:.4g} in {len(epochs)} epoch{'s' * (len(epochs) > 1)}")
    return figure


def _end_labels(axes: Axes, curves: Mapping[str, Sequence[float]], names: Sequence[str], colors: Sequence[str]) -> None:
    """Each curve's name and last value beside its end, moved apart where they would overlap."""
    ends = [axes.transAxes.inverted().transform(axes.transData.transform((1, curves[n][-1])))[1] for n in names]
    ends = [e if np.isfinite(e) else 1.0 for e in ends]
    gap, at = 0.062, -np.inf  # a line of text, as a part of the axes' height
    for i in sorted(range(len(names)), key=lambda i: ends[i]):
        at = max(at + gap, ends[i])
        axes.text(1.015, at, f"{names[i]} {curves[names[i]][-1]:.4g}", transform=axes.transAxes, size=9, color=colors[i], va="center")


# --- the predictions ----------------------------------------------------------------------------------------------


def predictions_picture(outputs: Outputs) -> Figure | None:
    """What the network says of its training data as it learns; None for outputs that fit no such picture."""
    if outputs.target is None or not outputs.snapshots:
        return None
    target = outputs.target.reshape(len(outputs.target), -1)[: len(outputs.snapshots[0][1])]
    shots = [(epoch, output.reshape(len(output), -1)) for epoch, output in outputs.snapshots if output.ndim <= 2]
    if not shots or not all(np.isfinite(output).all() for _, output in shots):
        return None
    width = shots[0][1].shape[1]
    binary = target.shape[1] == 1 and bool(np.isin(target, (0, 1)).all())
    if binary and width == 1:
        return _class_picture([(e, o[:, 0]) for e, o in shots], target[:, 0].astype(int), outputs.classes, "")
    if outputs.is_class and target.shape[1] == 1 and width > 1:
        classes = target[:, 0].astype(int)
        if width == 2:
            return _class_picture(
                [(e, _softmax(o)[:, 1]) for e, o in shots],
                classes,
                outputs.classes,
                f"predicted probability of {class_label(outputs.classes, 1)}",
            )
        own = [(e, _softmax(o)[np.arange(len(o)), classes]) for e, o in shots]
        return _class_picture(own, classes, outputs.classes, "predicted probability of the true class", None)
    return _value_picture(shots, target.astype(float), outputs.target_name) if width == target.shape[1] else None


def _softmax(scores: Array) -> Array:
    """Probabilities of the classes; rows that are probabilities stay as they are."""
    if scores.min() >= 0 and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return scores
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _epoch_label(epoch: int, position: int, count: int) -> str:
    note = "before training" if epoch == 0 else "after training" if position == count - 1 else ""
    return f"epoch {epoch}\n{note}"


def _class_picture(
    shots: Sequence[tuple[int, Array]], classes: Array, names: Sequence[str], label: str, threshold: float | None = 0.5
) -> Figure:
    """For each snapshot the predictions of each class as points in the outline of their distribution."""
    kinds = np.unique(classes)
    figure = new_figure(9.2, 4.6)
    axes = plain_axes(figure, (0.07, 0.13, 0.915, 0.66))
    low, high = min(0.0, *(o.min() for _, o in shots)), max(1.0, *(o.max() for _, o in shots))
    is_probability = (low, high) == (0.0, 1.0)
    slot = 0.86 / len(kinds)
    for k, kind in enumerate(kinds):
        centers = np.arange(len(shots)) - 0.43 + slot * (k + 0.5)
        _distributions(axes, centers, [o[classes == kind] for _, o in shots], (low, high), slot * 0.46, color_of(k))
    if threshold is not None and is_probability:
        axes.axhline(threshold, color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
        for i, (_, output) in enumerate(shots):
            correct = np.mean((output > threshold) == (classes == kinds.max())) if len(kinds) > 1 else np.nan
            axes.text(i, 1.035, f"{correct:.0%}", ha="center", va="bottom", size=9, color=INK)
        axes.text(-0.53, 1.035, "correct", ha="right", va="bottom", size=9, color=FAINT)
    labels = [_epoch_label(epoch, i, len(shots)) for i, (epoch, _) in enumerate(shots)]
    axes.set_xticks(range(len(shots)), labels)
    axes.tick_params(axis="x", length=0)
    axes.set(xlim=(-0.5, len(shots) - 0.5), ylim=(low - 0.02 * (high - low), high + 0.02 * (high - low)))
    axes.set_ylabel(label or ("predicted probability" if is_probability else "output of the network"), size=9.5, color=INK)
    _legend_above(axes, [class_label(names, int(kind), "class " if len(kinds) <= 6 else "") for kind in kinds])
    headline(figure, "Predictions", "on the training data, colored by the true class")
    return figure


def _legend_above(axes: Axes, kinds: Sequence[str]) -> None:
    """The classes in one line at the upper right; without the word where they are many, and none where there is no room."""
    if len(kinds) > MOST_IN_LEGEND:
        return
    handles = [axes.plot([], [], "o", color=color_of(k), ms=6, mew=0)[0] for k in range(len(kinds))]
    axes.legend(handles, list(kinds), loc="lower right", bbox_to_anchor=(1.0, 1.1), ncols=len(kinds), frameon=False, fontsize=9.5,
                labelcolor=INK, handletextpad=0.2, columnspacing=1.2, borderaxespad=0)  # fmt: skip


def _distributions(axes: Axes, centers: Array, groups: Sequence[Array], span: tuple[float, float], half_width: float, color: str) -> None:
    """One class at all snapshots: outlines of the smoothed histograms, and the points scattered within them."""
    from matplotlib.collections import PolyCollection

    grid = np.linspace(*span, 81)
    bandwidth = 0.016 * (span[1] - span[0])  # about the thickness of a point
    random = np.random.default_rng(0)
    outlines, xs, ys = [], [], []
    for center, values in zip(centers, groups, strict=True):
        shown = values[:MOST_POINTS]
        density = np.exp(-0.5 * ((grid[:, None] - shown[None, :]) / bandwidth) ** 2).sum(axis=1)
        # The root keeps thin tails visible beside a high peak.
        width = half_width * np.sqrt(np.where(density > 0.1, density, 0.0) / max(density.max(), 1e-12))
        outlines.append(np.column_stack([np.concatenate([center - width, (center + width)[::-1]]), np.concatenate([grid, grid[::-1]])]))
        xs.append(center + random.uniform(-0.85, 0.85, len(shown)) * np.interp(shown, grid, width))
        ys.append(shown)
    axes.add_collection(PolyCollection(outlines, facecolors=color, edgecolors="none", alpha=0.2))
    axes.plot(np.concatenate(xs), np.concatenate(ys), "o", color=color, ms=_marker(4 * len(groups[0])), mew=0, alpha=0.7, rasterized=True)


def _value_picture(shots: Sequence[tuple[int, Array]], target: Array, name: str) -> Figure:
    """Predicted against true values at up to four snapshots; on the diagonal they are equal."""
    picked = np.unique(np.linspace(0, len(shots) - 1, 4).round().astype(int))
    count, side, gap, left = len(picked), 2.35, 0.16, 0.7
    figure = new_figure(max(left + count * (side + gap), 4.0), side + 1.75)
    width, height = figure.get_size_inches()
    rows = _sample(len(target))
    margin = 0.08 * max(float(np.ptp(target)), 1e-12)
    low, high = float(target.min()) - margin, float(target.max()) + margin
    for at, index in enumerate(picked):
        epoch, output = shots[index]
        box = ((left + at * (side + gap)) / width, 0.6 / height, side / width, side / height)
        axes = plain_axes(figure, box, xlim=(low, high), ylim=(low, high))
        axes.plot([low, high], [low, high], color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
        for k in range(target.shape[1]):
            axes.plot(
                target[rows, k],
                output[rows, k],
                "o",
                color=color_of(k),
                ms=_marker(len(rows)),
                mew=0,
                alpha=0.6,
                clip_on=True,
                rasterized=True,
            )
        axes.text(0.5, 1.05, _epoch_label(epoch, int(index), len(shots)).replace("\n", " "), transform=axes.transAxes,
                  size=9.5, ha="center", color=INK)  # fmt: skip
        score = f"R² {r2(output, target):.3f}".replace("-", "\N{MINUS SIGN}")
        axes.text(0.04, 0.95, score, transform=axes.transAxes, size=9, va="top", color=INK)
        axes.locator_params(nbins=4)
        if at:
            axes.tick_params(labelleft=False)
    figure.text((left + (count * (side + gap) - gap) / 2) / width, 0.14 / height, f"true {name}", size=9.5, color=INK, ha="center")
    figure.text(0.14 / width, (0.6 + side / 2) / height, f"predicted {name}", size=9.5, color=INK, rotation=90, va="center")
    headline(figure, "Predictions", "on the training data, against the true values")
    return figure


def r2(output: Array, target: Array) -> float:
    """The coefficient of determination, the part of the variance that is explained: of `[n, k]` the mean over the columns.

    A column without variance does not count.
    """
    spread = ((target - target.mean(axis=0)) ** 2).sum(axis=0)
    left = ((output - target) ** 2).sum(axis=0)
    return float(np.mean(1 - left[spread > 0] / spread[spread > 0])) if (spread > 0).any() else float("nan")
