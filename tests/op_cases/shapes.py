"""Tensors that many cases share, as (shape, dtype)."""

from __future__ import annotations

IMAGE, ROWS = ((2, 4, 9, 8), "float32"), ((4, 6), "float32")
