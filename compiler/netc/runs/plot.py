"""The curves of runs in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netc.diagnostics import error
from netc.runs.folder import Run
from netc.runs.listing import columns_by_network
from netc.train.report.curves import curves_by_network
from netc.train.report.sheet import save


def write_curves(runs: Sequence[Run], path: Path, also: Sequence[str] = ()) -> None:
    """Draws the curves, those of each network, into a .png, .svg or .pdf file. Raises `NetError`, also where there is nothing to draw.

    `also` are endings that the caller takes besides, for the message.
    """
    figure = curves_by_network(columns_by_network(runs))
    if figure is None:
        raise error("drawing", "there is no run with an epoch to draw")
    save(figure, path, also)
