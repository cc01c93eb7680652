"""The picture of data whose rows are images: some of them side by side, with their class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netc.data.columns import Columns
from netc.data.normalize import Array
from netc.data.table import Table
from netc.train.report.sheet import INK, class_label, headline, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACROSS, DOWN, SIDE, ABOVE = 10, 4, 0.72, 0.85  # images in a row, rows, and inches


def images_picture(table: Table) -> Figure | None:
    """The first images of the first column that holds some; None where none does."""
    images = next((found for part in table.parts if (found := _images(part)) is not None), None)
    if images is None:
        return None
    rows = np.random.default_rng(0).permutation(len(images))[: ACROSS * DOWN]
    down = -(-len(rows) // ACROSS)
    figure = new_figure(ACROSS * SIDE + 0.4, down * (SIDE + 0.24) + ABOVE)
    width, height = figure.get_size_inches()
    low, high = float(np.nanmin(images[rows])), float(np.nanmax(images[rows]))
    for i, row in enumerate(rows):
        left, top = 0.2 + i % ACROSS * SIDE, ABOVE + i // ACROSS * (SIDE + 0.24)
        axes = figure.add_axes((left / width, 1 - (top + SIDE) / height, (SIDE - 0.08) / width, (SIDE - 0.08) / height))
        axes.axis("off")
        shown = (images[row] - low) / (high - low if high > low else 1.0)
        axes.imshow(shown if shown.shape[-1] == 3 else shown[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="none")
        if table.classes is not None:
            label = class_label(table.class_names, int(table.classes[row]), "")
            figure.text((left + SIDE / 2 - 0.04) / width, 1 - (top - 0.04) / height, label[:9], size=8, color=INK, ha="center")
    headline(figure, "Data", f"{len(table)} samples, some of their images")
    return figure


def _images(part: Columns) -> Array | None:
    """The values as images `[n, h, w, 1 or 3]`, if they have such a shape, with the channels first or last."""
    if part.kind != "array" or not part.is_numeric or part.values.ndim not in (3, 4):
        return None
    values = part.values[..., None] if part.values.ndim == 3 else part.values
    if values.shape[-1] not in (1, 3):
        values = np.moveaxis(values, 1, -1)
    return values if values.shape[-1] in (1, 3) and min(values.shape[1:3]) > 1 else None
