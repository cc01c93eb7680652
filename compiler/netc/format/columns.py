"""What stands below each other: the names of inputs and targets, the `=` of losses, metrics, settings and initialisations."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from netc.format.words import Word, Words


class Cell(NamedTuple):
    """The start of a statement up to a column: which column, how wide the start is, and the word in the column."""

    column: str
    width: int
    word: Word


def align(words: Words) -> None:
    """Pads the words in a column, in each run of statements that stand on consecutive lines."""
    run = 0
    cells: list[tuple[int, Cell]] = []
    last: dict[int, tuple[int, str]] = {}  # by frame: the run of its last statement, and that one's column
    for i, word in enumerate(words.all):
        if word.starts:
            cell = _cell(words.all[i : i + 3])
            column = cell.column if cell else ""
            before = last.get(id(word.frame))
            if not before or before[1] != column or _is_apart(word):
                run += 1
                before = (run, column)
            last[id(word.frame)] = before
            if cell:
                cells.append((before[0], cell))
    for _, group in groupby(sorted(cells, key=lambda c: c[0]), key=lambda c: c[0]):
        run_cells = [cell for _, cell in group]
        width = max(cell.width for cell in run_cells)
        for cell in run_cells:
            cell.word.pad = width - cell.width


def _is_apart(word: Word) -> bool:
    """Whether a statement does not begin on the line behind the one before it, but for comments."""
    return word.gap.blank or not word.gap.breaks or any(c.blank for c in word.gap.comments)


def _cell(words: list[Word]) -> Cell | None:
    """The cell of a statement that begins with these words."""
    kinds = [w.kind for w in words]
    if kinds[0] in ("INPUT", "TARGET"):
        return Cell("name", len(words[0].text), words[1])
    if kinds[0] in ("LOSS", "METRIC") and kinds[2:] == ["EQUAL"]:
        return Cell("objective", len(words[0].text) + 1 + len(words[1].text), words[2])
    if kinds[1:2] == ["EQUAL"] and (kinds[0] == "PATTERN" or words[0].frame.head in ("DATA", "TRAIN", "_GROUP")):
        return Cell("setting", len(words[0].text), words[1])
    return None
