"""The sheet that every picture of a run is drawn on: size, colors, headline, axes, and the files it becomes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netc.diagnostics import error, listed
from netc.files import write
from netc.web.document import inlined

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 110
POINTS_DPI = 160  # of the points within SVG, which are pixels there: thousands of shapes would be slow to show
INK, FAINT, PAPER = "#24292f", "#8b949e", "#f5f6f8"
# Told apart by people who do not see all colors, and in print; after Okabe and Ito, darkened for thin lines.
COLORS = ("#2f6db5", "#e0782f", "#2f9c76", "#a04f96", "#c9a227", "#4fa3d1", "#c4473a", "#6b6f76")


def new_figure(width: float, height: float) -> Figure:
    """An empty sheet, in inches, outside of pyplot and its global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The sheet as a PNG file."""
    return _drawn(figure, "png", pil_kwargs={"compress_level": 3})  # level 6 takes longer than drawing


def svg(figure: Figure) -> str:
    """The sheet as SVG without a background, its text as text."""
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):
        return _drawn(figure, "svg", transparent=True, dpi=POINTS_DPI).decode()


def _drawn(figure: Figure, kind: str, **options: Any) -> bytes:
    """The sheet as a file. A text may be a name of the user's, such as `$x_{`, and never is a formula."""
    from matplotlib import rc_context
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    buffer = io.BytesIO()
    with rc_context({"text.parse_math": False}):  # those that are made while it is drawn
        figure.savefig(buffer, format=kind, **options)
    return buffer.getvalue()


def inline(figure: Figure) -> str:
    """The sheet as SVG for within a page, no larger than it was drawn, in the colors of the page."""
    width = figure.get_size_inches()[0]
    colors = [(INK, "ink"), (FAINT, "faint"), (PAPER, "cell"), *((color, f"c{i}") for i, color in enumerate(COLORS))]
    return inlined(svg(figure), colors).replace("<svg ", f'<svg style="max-width: {width:g}in" ', 1)


def class_label(names: Sequence[str], number: int, word: str = "class ") -> str:
    """The name of a class, if it has one, else its number."""
    return names[number] if 0 <= number < len(names) else f"{word}{number}"


ENDINGS = (".png", ".svg", ".pdf")


def save(figure: Figure, path: Path, also: Sequence[str] = ()) -> None:
    """Writes the sheet to a file, by its ending. Raises `NetError`, which names the endings, those too that the caller takes."""
    kind = path.suffix.lower()
    if kind not in ENDINGS:
        raise error("drawing", f"a picture cannot be written as `{path.name}`", hint=f"the endings are {listed([*also, *ENDINGS])}")
    write(path, _drawn(figure, kind[1:]))


def plain_axes(figure: Figure, box: tuple[float, float, float, float], **options: Any) -> Axes:
    """Axes at `(left, bottom, width, height)` of the sheet with a faint frame to the left and below."""
    axes = figure.add_axes(box, **options)
    axes.tick_params(colors=INK, labelsize=8.5, length=3, color=FAINT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)
    return axes


def headline(figure: Figure, title: str, note: str = "") -> None:
    """A headline and what it is about, at a fixed distance from the upper left corner."""
    width, height = figure.get_size_inches()
    figure.text(0.2 / width, 1 - 0.32 / height, title, size=12, weight="bold", color=INK, va="center")
    figure.text(0.2 / width, 1 - 0.58 / height, note, size=9, color=FAINT, va="center")


def color_of(index: int) -> str:
    """The color of the curve, class or run of that number."""
    return COLORS[index % len(COLORS)]


def use_log_scale(axes: Axes, numbers: Sequence[float]) -> None:
    """A logarithmic scale where the values are positive and span more than two decades."""
    values = np.asarray(numbers, float)
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 100 * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")  # matplotlib's own writes powers as formulas
        axes.tick_params(which="minor", length=0)
