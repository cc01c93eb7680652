"""A stretch of a text that is parsed by itself, with the repairs that were made to it so that the parser can go on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from netc.source import Source, Span


@dataclass(eq=False)
class Piece:
    """The characters `start` to `end` of a source. Places in `text` are told as places in the source, also after repairs."""

    source: Source
    start: int
    end: int
    text: str = field(init=False)
    # From these places of the text on, so many characters stand so in the source from that place: (place, place in the source, count).
    runs: list[tuple[int, int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.text = self.source.text[self.start : self.end]
        self.runs = [(0, self.start, len(self.text))]

    @property
    def column(self) -> int:
        """How far the line is indented in which it begins."""
        line = self.source.text[self.source.line_starts[self.source.position(self.start)[0] - 1] : self.start]
        return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())

    def at(self, place: int) -> int:
        """The place in the source of a place in the text; for text that a repair put in, where it was put."""
        return self._in_run(bisect_right(self.runs, place, key=lambda run: run[0]) - 1, place)

    def _in_run(self, number: int, place: int) -> int:
        begin, origin, count = self.runs[max(number, 0)]
        return origin + min(max(place - begin, 0), count)

    def span(self, start: int, end: int) -> Span:
        """The span in the source of a stretch of the text."""
        if len(self.runs) == 1:  # most are never repaired
            return Span(self.source, self.start + min(max(start, 0), len(self.text)), self.start + min(max(end, 0), len(self.text)))
        first = self.at(start)
        last = self._in_run(bisect_left(self.runs, end, key=lambda run: run[0]) - 1, end) if end > start else first
        return Span(self.source, first, max(first, last))

    def replace(self, start: int, end: int, text: str) -> None:
        """Puts other text in the place of a stretch."""
        old = self.span(start, end)
        put = (start, old.start, old.end - old.start)
        shift = len(text) - (end - start)
        before = [(place, origin, min(count, start - place)) for place, origin, count in self.runs if place < start]
        tail = [(max(place, end), place, origin, count) for place, origin, count in self.runs if place + count >= end]
        self.text = self.text[:start] + text + self.text[end:]
        moved = [(begin + shift, origin + begin - place, count + place - begin) for begin, place, origin, count in tail]
        self.runs = [*before, put, *moved]

    def blank(self, start: int, end: int) -> None:
        """Puts spaces in the place of a stretch of the source, which shifts nothing."""
        a, b = max(start - self.start, 0), min(end - self.start, len(self.text))
        if a < b:
            self.text = self.text[:a] + " " * (b - a) + self.text[b:]
