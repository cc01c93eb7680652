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
from netc.train.report.pairs import MOST_POINTS, data_picture, marker, sample
from netc.train.report.sheet import FAINT, INK, class_label, color_of, headline, new_figure, plain_axes, use_log_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_IN_LEGEND = 12  # classes whose names fit above a picture


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


def draw_all(pictures: dict[str, Figure], table: Table, curves: Mapping[str, Sequence[float]], outputs: Callable[[], Outputs]) -> list[str]:
    """Adds `data.png`, `loss.png` and `predictions.png` as far as they make sense; returns what went wrong, in words."""
    drawings: dict[str, Callable[[], Figure | None]] = {
        "data.png": lambda: data_picture(table) or images_picture(table),
        "loss.png": lambda: loss_picture(curves),
        "predictions.png": lambda: predictions_picture(outputs()),
    }
    problems = []
    for name, draw in drawings.items():
        try:
            if (picture := draw()) is not None:
                pictures[name] = picture
        except Exception as e:  # a picture is never worth a trained model
            problems.append(f"{name} could not be drawn: {e}")
    return problems


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
    axes.plot(np.concatenate(xs), np.concatenate(ys), "o", color=color, ms=marker(4 * len(groups[0])), mew=0, alpha=0.7, rasterized=True)


def _value_picture(shots: Sequence[tuple[int, Array]], target: Array, name: str) -> Figure:
    """Predicted against true values at up to four snapshots; on the diagonal they are equal."""
    picked = np.unique(np.linspace(0, len(shots) - 1, 4).round().astype(int))
    count, side, gap, left = len(picked), 2.35, 0.16, 0.7
    figure = new_figure(max(left + count * (side + gap), 4.0), side + 1.75)
    width, height = figure.get_size_inches()
    rows = sample(len(target))
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
                ms=marker(len(rows)),
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
