"""For every row of the op table the uses that are compared with torch."""

from __future__ import annotations

from tests.op_cases import functions, layers, losses
from tests.op_cases.shapes import IMAGE, ROWS

CASES = {**layers.CASES, **functions.CASES, **losses.CASES}

__all__ = ["CASES", "IMAGE", "ROWS"]
