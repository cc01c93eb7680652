"""Pieces of source: annotations, docstrings, return statements."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from netc.graph import Ref
from netc.ops.op import DType

WIDTH = 100  # a line with a nested expression is not made longer than this
INDENT = " " * 8


def result_type(results: list[Ref]) -> str:
    """The annotation of what a method gives."""
    return "Tensor" if len(results) == 1 else f"tuple[{', '.join(['Tensor'] * len(results))}]"


def returned(values: list[str], opening: str = "", closing: str = "") -> str:
    """The return statement, of a tuple or between brackets: on one line where it fits, else a value a line."""
    line = f"{INDENT}return {opening}{', '.join(values)}{closing}"
    if len(line) <= WIDTH or (len(values) == 1 and not opening):
        return line
    inner = "".join(f"{INDENT}    {value},\n" for value in values)
    return f"{INDENT}return {opening or '('}\n{inner}{INDENT}{closing or ')'}"


def docstring(text: str, indent: int) -> str:
    """The inside of a docstring at that indentation; a long one is broken between shapes, not in them."""
    if indent + len(text) + 6 <= WIDTH:
        return text
    glued = re.sub(r"(\w+: )?\w*\[.*?\]", lambda shape: shape[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(glued, WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return ("\n" + " " * indent).join([*lines, ""] if len(lines) > 1 else lines).replace("\0", " ")


def annotation(values: list[Any]) -> str:
    """The type of an argument that has these values."""
    return " | ".join(dict.fromkeys(map(_type, values)))


def _type(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, DType):
        return "torch.dtype"
    if isinstance(value, tuple) and value:
        return f"tuple[{', '.join(map(_type, value))}]"
    if isinstance(value, list) and value:
        return f"list[{annotation(value)}]"
    return type(value).__name__ if isinstance(value, (bool, int, float, str)) else "object"
