"""Functions of one's own that give a factor of the learning rate, as `LambdaLR` and `MultiplicativeLR` take them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from numbers import Real
from pathlib import Path

from netc.ops import python
from netc.ops.python import Unusable

FIRST = {"LambdaLR": 0, "MultiplicativeLR": 1}  # schedulers that take one, and the number that they call it with first


def factor_of(name: str) -> Callable[[int], float]:
    """The function that `file.py:name` names: the factor for the number of epochs or steps that are done.

    It has to be a function of that number alone: where a training stands is kept, what stands in an object is not. The file is
    run. Raises Unusable, also when it is called: where it fails, or gives no number from 0 on.
    """
    file, _, attribute = name.rpartition(":")
    path = Path(file)
    if file and not file.endswith(".py"):
        raise Unusable(f"there is no Python file `{path.name}.py`", "what a scheduler takes is kept with the run: it stands in a file")
    function = python.function(name)
    if not inspect.isfunction(function) and getattr(function, "__dict__", None):
        raise Unusable(f"`{attribute}` in `{path.name}` is no function", "write it as one, `def factor(epoch): …`")

    def factor(done: int) -> float:
        called = f"`{attribute}({done})` of `{path.name}`"
        try:
            value = function(done)
            number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else None
        except Exception as problem:
            text = f"{type(problem).__name__}: {problem}{python.line(problem, path)}"
            raise Unusable(f"{called} fails: {text}") from problem
        if number is None:
            kind = "None" if value is None else type(value).__name__
            raise Unusable(f"{called} gives {kind}, not a number", "the rate is multiplied by what it gives")
        if not (math.isfinite(number) and number >= 0):
            hint = "`max(0.0, …)` keeps it from falling below 0" if number < 0 else ""
            raise Unusable(f"{called} gives {number:.6g}, and a learning rate is neither negative nor infinite", hint)
        return number

    return factor
