"""The pictures of what a trained model says: where it decides between two features, and how far its numbers are off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netc.data.normalize import Array
from netc.tasks import Task
from netc.train.report.sheet import FAINT, INK, class_label, color_of, headline, new_figure, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRID = 200  # points along each axis
MOST_POINTS = 1500


def _sample(count: int) -> Array:
    """The rows to draw, in a fixed random order, so that no class hides all others."""
    return np.random.default_rng(0).permutation(count)[:MOST_POINTS]


# --- where it decides ---------------------------------------------------------------------------------------------


def boundary_picture(
    predict: Callable[[Array], Array], task: Task, features: Array, target: Array, names: Sequence[str], classes: Sequence[str]
) -> Figure:
    """What the model says of each point of the plane of two features, and the rows `[n, 2]` with their target `[n]` on it.

    `predict` takes features `[m, 2]` in their own units and gives the outputs; `classes` are the classes' names.
    """
    low, high = features.min(axis=0), features.max(axis=0)
    margin = 0.08 * np.where(high > low, high - low, 1.0)
    xs, ys = (np.linspace(low[i] - margin[i], high[i] + margin[i], GRID) for i in (0, 1))
    plane = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    output = predict(plane)
    figure = new_figure(5.6, 4.9)
    axes = plain_axes(figure, (0.12, 0.11, 0.68 if task.kind == "numbers" else 0.84, 0.73), xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))
    axes.set_xlabel(names[0], size=9.5, color=INK)
    axes.set_ylabel(names[1], size=9.5, color=INK)
    rows = _sample(len(features))
    if task.kind == "numbers":
        _surface(figure, axes, output, features[rows], target.reshape(len(target), -1)[rows, 0], xs, ys)
    else:
        _regions(axes, task, output, xs, ys)
        _class_points(axes, features[rows], target.reshape(-1)[rows].astype(int), classes)
    headline(figure, "What it says of the plane" if task.kind == "numbers" else "Decision boundary", "with the data on it")
    return figure


def _regions(axes: Axes, task: Task, output: Array, xs: Array, ys: Array) -> None:
    """Each point in the color of its class, the stronger the surer; lines where the class changes."""
    from matplotlib.colors import to_rgb

    winner = task.classes(output)
    sure = task.probabilities(output).max(axis=1) if task.has_probabilities else np.ones(len(winner))
    count = max(2, int(winner.max()) + 1)
    least = 1 / (output.reshape(len(output), -1).shape[1] if task.kind == "classes" else 2)  # as sure as a guess
    colors = np.array([to_rgb(color_of(k)) for k in range(count)])
    alpha = 0.06 + 0.34 * np.clip((sure - least) / (1 - least), 0, 1)
    image = np.concatenate([colors[winner], alpha[:, None]], axis=1).reshape(len(ys), len(xs), 4)
    axes.imshow(image, extent=(xs[0], xs[-1], ys[0], ys[-1]), origin="lower", aspect="auto", interpolation="none", zorder=0)
    for lead in _leads(task, output.reshape(len(output), -1).astype(float)):
        if lead.min() < 0 < lead.max():
            axes.contour(xs, ys, lead.reshape(len(ys), len(xs)), levels=[0.0], colors=[INK], linewidths=0.8, zorder=1)


def _leads(task: Task, scores: Array) -> list[Array]:
    """For each class how far it is before the next best, negative where another one is: the boundaries are at 0."""
    if task.kind == "binary":
        return [scores[:, 0] - (0.0 if task.scale == "logits" else 0.5)]
    others = [np.delete(scores, k, axis=1).max(axis=1) for k in range(scores.shape[1])]
    return [scores[:, k] - other for k, other in enumerate(others)]


def _class_points(axes: Axes, features: Array, classes: Array, names: Sequence[str]) -> None:
    points, labels = [], []  # a legend leaves out what has a label of its own that begins with `_`
    for k in np.unique(classes):
        mine = features[classes == k]
        points += axes.plot(mine[:, 0], mine[:, 1], "o", color=color_of(int(k)), ms=4.2, mew=0.5, mec="white", rasterized=True)
        labels.append(class_label(names, int(k)))
    axes.legend(points, labels, loc="lower right", bbox_to_anchor=(1.0, 1.02), ncols=min(5, len(labels)), frameon=False, fontsize=9,
                labelcolor=INK, handletextpad=0.1, columnspacing=1.0)  # fmt: skip


def _surface(figure: Figure, axes: Axes, output: Array, features: Array, target: Array, xs: Array, ys: Array) -> None:
    """The predicted number as a color, the true one as the color of its point."""
    values = output.reshape(len(ys), len(xs), -1)[..., 0]
    low, high = float(min(values.min(), target.min())), float(max(values.max(), target.max()))
    shown = axes.imshow(values, extent=(xs[0], xs[-1], ys[0], ys[-1]), origin="lower", aspect="auto", cmap="viridis", vmin=low, vmax=high,
                        interpolation="none")  # fmt: skip
    axes.scatter(features[:, 0], features[:, 1], c=target, cmap="viridis", vmin=low, vmax=high, s=18, linewidths=0.6, edgecolors="white",
                 rasterized=True)  # fmt: skip
    bar = figure.colorbar(shown, cax=figure.add_axes((0.84, 0.11, 0.03, 0.73)))
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=0, colors=INK)


# --- how far it is off --------------------------------------------------------------------------------------------


def residuals_picture(predicted: Array, target: Array, names: Sequence[str]) -> Figure:
    """Predicted against true values, and the distribution of what lies between them; all `[n, k]`, in the target's own units."""
    rows = _sample(len(target))
    figure = new_figure(7.4, 3.7)
    left = plain_axes(figure, (0.09, 0.14, 0.38, 0.63))
    right = plain_axes(figure, (0.57, 0.14, 0.4, 0.63))
    low, high = float(min(target.min(), predicted.min())), float(max(target.max(), predicted.max()))
    left.plot([low, high], [low, high], color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
    right.axvline(0.0, color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
    residuals = predicted - target
    span = float(np.abs(residuals).max()) or 1.0
    points = []
    for k in range(target.shape[1]):
        points += left.plot(target[rows, k], predicted[rows, k], "o", color=color_of(k), ms=3.6, mew=0, alpha=0.65, rasterized=True)
        counts, edges = np.histogram(residuals[:, k], bins=31, range=(-span, span))
        right.stairs(counts, edges, fill=True, color=color_of(k), alpha=0.35)
        right.stairs(counts, edges, color=color_of(k), lw=1.0)
    left.set_xlabel(f"true {names[0] if len(names) == 1 else 'value'}", size=9.5, color=INK)
    left.set_ylabel("predicted", size=9.5, color=INK)
    right.set_xlabel("predicted \N{MINUS SIGN} true", size=9.5, color=INK)
    right.set_ylabel("rows", size=9.5, color=INK)
    right.set_ylim(bottom=0)
    if len(names) > 1:
        left.legend(points, names, frameon=False, fontsize=8.5, labelcolor=INK, handletextpad=0.1)
    headline(figure, "Residuals", "what lies between the predictions and the true values")
    return figure
