"""Layers and functions of one's own, from a Python file that a spec uses: `use python "my_layers.py"`.

Reading the file runs it, so it is read only where the person who runs netc has allowed it. The types of results are
found as those of torch's functions without a row are: by running on the meta device.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from netc.diagnostics import did_you_mean
from netc.ops.meta import call_rule, constructor, inputs_of, layer_rule, layer_weights
from netc.ops.op import Op


class Unusable(Exception):
    """Why a Python file cannot be used, in words, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message, self.hint = message, hint
        super().__init__(message)


@dataclass(frozen=True, eq=False)
class PythonOp(Op):
    """A row that stands for a class or function of a Python file; `target` is `module.name`, `file` an absolute path."""

    file: str = ""
    is_class: bool = False

    @property
    def is_module(self) -> bool:
        """Whether it is a `torch.nn.Module` that is constructed and has a place in the `state_dict`."""
        return self.is_class

    @property
    def python_module(self) -> str:
        """The name under which source that netc writes imports the file."""
        return self.target.partition(".")[0]

    def __reduce__(self) -> tuple[Callable[..., Op], tuple[str, ...]]:
        return _row, (self.file, self.name)


@cache
def rows(file: str) -> dict[str, Op]:
    """What a file offers: the modules and functions that it defines and that do not begin with `_`, or those of its `__all__`.

    `file` is an absolute path. The file is run. Raises Unusable.
    """
    module = load(file)
    found = {name: row for name in _names(module) if (row := _row_of(file, module, name)) is not None}
    if not found:
        raise Unusable(f"`{Path(file).name}` defines no layer and no function", "a layer is a class that extends `torch.nn.Module`")
    return found


def load(file: str, in_place: bool = False) -> ModuleType:
    """The file as a Python module under its own name, run once a process. Raises Unusable.

    A copy, as the folder of a run has it, is the same module; with `in_place` it is one of its own, which finds what lies beside it.
    """
    path = Path(file)
    name = path.stem
    known = sys.modules.get(name)
    if known is not None and _is_copy(known.__file__, path):
        if not in_place or _is_from(known.__file__, path):
            return known
        name = f"{name}_{hashlib.sha256(bytes(path)).hexdigest()[:8]}"
        if name in sys.modules:
            return sys.modules[name]
    else:
        _check_name(path, known)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise Unusable(f"there is no Python file `{path.name}`")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as `import` does: dataclasses and pickle look their classes up there
    try:
        with _beside(path):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as problem:
        del sys.modules[name]
        raise Unusable(f"`{path.name}` cannot be imported: {type(problem).__name__}: {problem}{line(problem, path)}") from None
    return module


def function(name: str) -> Callable[..., Any]:
    """What `file.py:name` or `module:name` names, which can be called. The file is run. Raises Unusable."""
    file, _, attribute = name.rpartition(":")
    hint = 'name a file and a function, `python("my_file.py:load")`'
    if not file or not attribute.isidentifier():
        raise Unusable(f"`{name}` names no function", hint)
    try:
        module = load(file, in_place=True) if file.endswith(".py") else importlib.import_module(file)
    except ImportError as problem:
        said = next(iter(str(problem).splitlines()), "").rstrip(".")
        raise Unusable(f"there is no Python module `{file}`: {said}", hint) from None
    found = getattr(module, attribute, None)
    if not callable(found):
        near = did_you_mean(attribute, [n for n in vars(module) if not n.startswith("_")])
        raise Unusable(f"`{Path(file).name}` has no function `{attribute}`", near)
    return found  # type: ignore[no-any-return]


def _check_name(path: Path, known: ModuleType | None) -> None:
    if not path.stem.isidentifier() or path.suffix != ".py":
        raise Unusable(f"`{path.name}` cannot be imported", "a Python file has a name such as `my_layers.py`")
    if known is not None and known.__file__ and Path(known.__file__).name == path.name and path.is_file():
        raise Unusable(f"another `{path.name}` is in use, `{known.__file__}`, and this one differs from it",
                       f"rename it, e.g. `my_{path.stem}.py`, or use it in a process of its own")  # fmt: skip
    other = None
    if known is None:
        with suppress(ImportError, ValueError):
            other = importlib.util.find_spec(path.stem)
    if known is not None or (other is not None and not _is_copy(other.origin, path)):
        raise Unusable(f"`{path.stem}` is the name of another Python module", f"rename the file, e.g. `my_{path.stem}.py`")


def _is_from(origin: str | None, path: Path) -> bool:
    return origin is not None and Path(origin).resolve() == path


def _is_copy(origin: str | None, path: Path) -> bool:
    """Whether a module is of this file, or of one of that name with the same content."""
    if origin is None or Path(origin).name != path.name:
        return False
    with suppress(OSError):
        return _is_from(origin, path) or Path(origin).read_bytes() == path.read_bytes()
    return False


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Lets the file import its neighbours, as `python my_layers.py` would."""
    sys.path.insert(0, str(path.parent))
    try:
        yield
    finally:
        sys.path.remove(str(path.parent))


def line(problem: BaseException, path: Path) -> str:
    """The line of the file that failed, where the traceback knows it."""
    if isinstance(problem, SyntaxError):
        return ""  # its text says the line
    lines, trace = [], problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f" (line {lines[-1]})" if lines else ""


def _names(module: ModuleType) -> list[str]:
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return list(listed)
    return [
        name for name, value in vars(module).items() if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]


def _row(file: str, name: str) -> Op:
    return rows(file)[name]


def _row_of(file: str, module: ModuleType, name: str) -> Op | None:
    """The row of a class or function; None for anything else that has a name in the file."""
    from torch import nn

    made: Any = getattr(module, name, None)
    target = f"{module.__name__}.{name}"
    if isinstance(made, type) and issubclass(made, nn.Module):
        params, inputs = constructor(made), inputs_of(made.forward)
        rule, weights = layer_rule(name, made, params, inputs), layer_weights(name, made, params)
        return PythonOp(name, target, params, inputs, rule, weights, file=file, is_class=True)
    if inspect.isfunction(made):
        first, *others = inputs_of(made) or (None,)
        # What stands behind the first may be a tensor or a number; the file itself says what it takes.
        inputs = (first, *(replace(p, kind="value") for p in others)) if first else ()
        return PythonOp(name, target, (), inputs, call_rule(name, lambda use: made, inputs), written="spread", file=file)
    return None
