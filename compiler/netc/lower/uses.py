"""The names that a file gives: its functions, blocks and networks, and those of the files that it uses."""

from __future__ import annotations

import keyword
from pathlib import Path

from netc import syntax as s
from netc.diagnostics import Diagnostic, NetError, Related
from netc.lower.binding import Report
from netc.lower.scope import SOURCE_NAMES, Binding, Scope
from netc.lower.values import UNKNOWN, BlockValue, FnValue, NetworkValue, OpValue
from netc.ops import TABLE, python
from netc.parse import parse, read
from netc.source import Source, Span


def file_scope(file: s.File, source: Source, report: Report, allow_python: bool = False) -> Scope:
    """A scope with everything that a file gives a name, which all see each other, whatever their order.

    Python files that are used are run only with `allow_python`; without, what they give is unknown.
    """
    return _Files(report, allow_python).scope(file, source, ())


class _Files:
    """The files that were read, each once."""

    def __init__(self, report: Report, allow_python: bool) -> None:
        self.report, self.allow_python = report, allow_python
        self.scopes: dict[Path, Scope] = {}

    def scope(self, file: s.File, source: Source, users: tuple[Path, ...]) -> Scope:
        """The scope of a file that is used by `users`, the first of them outermost."""
        scope, here = Scope(), (*users, Path(source.name).resolve())
        for item in file.items:
            if isinstance(item, (s.Block, s.Network)) and (keyword.iskeyword(item.name.name) or item.name.name in SOURCE_NAMES):
                self.report(Diagnostic("reserved-name", f"`{item.name.name}` cannot be the name of a class", item.name.span,
                                       hint="it is taken by Python or PyTorch"))  # fmt: skip
            if isinstance(item, (s.Fn, s.Block)) and item.name.name in TABLE:
                self.report(Diagnostic("shadowing", f"`{item.name.name}` is PyTorch's word too; here it stands for what this says",
                                       item.name.span))  # fmt: skip
            if isinstance(item, s.Use) and item.is_python:
                self._python(item, source, scope)
            elif isinstance(item, s.Use):
                used = self._used(item, source, here)
                scope.is_open |= used.is_open
                for name, binding in used.names.items():
                    self._give(scope, name, Binding(binding.value, item.span, used=True))
            elif isinstance(item, s.Broken):
                scope.is_open = True
                for name in item.names:
                    scope.names.setdefault(name, Binding(UNKNOWN, item.span, used=True))
            elif isinstance(item, (s.Fn, s.Block, s.Network)):
                self._give(scope, item.name.name, Binding(_value(item, scope), item.name.span))
        return scope

    def _give(self, scope: Scope, name: str, binding: Binding) -> None:
        old = scope.names.setdefault(name, binding)
        if old is not binding and old.value is not binding.value:
            first = (Related(old.span, "the first"),)
            self.report(Diagnostic("duplicate-name", f"`{name}` is given twice", binding.span, related=first))

    def _python(self, use: s.Use, source: Source, scope: Scope) -> None:
        """Gives the names of a Python file, whose path is relative to the file that uses it."""
        path = (Path(source.name).parent / str(use.path.value)).resolve()
        if not self.allow_python:
            scope.is_open = True
            self.report(Diagnostic("use", f"`{path.name}` is Python, which would run on this machine", use.span,
                                   hint="if you trust it: --allow-python, in Python `allow_python=True`"))  # fmt: skip
            return
        try:
            rows = python.rows(str(path))
        except python.Unusable as why:
            scope.is_open = True
            self.report(Diagnostic("use", why.message, use.path.span, hint=why.hint))
            return
        for name, op in rows.items():
            if name in TABLE:
                self.report(
                    Diagnostic("shadowing", f"`{name}` is PyTorch's word too; here it stands for what `{path.name}` says", use.span)
                )
            self._give(scope, name, Binding(OpValue(op), use.span, used=True))

    def _used(self, use: s.Use, source: Source, users: tuple[Path, ...]) -> Scope:
        """The scope of a used file, whose path is relative to the file that uses it."""
        path = Path(source.name).parent / str(use.path.value)
        place = path.resolve()
        if place in users:
            chain = " uses ".join(f"`{p.name}`" for p in (*users[users.index(place) :], place))
            self.report(Diagnostic("use", f"files use each other in a circle: {chain}", use.span))
            return Scope(is_open=True)
        if place not in self.scopes:
            self.scopes[place] = Scope(is_open=True)  # until it is read
            try:
                used = read(path)
                self.scopes[place] = self.scope(parse(used), used, users)
            except NetError as problem:
                self._failed(problem, use.path.span)
        return self.scopes[place]

    def _failed(self, problem: NetError, span: Span) -> None:
        for diagnostic in problem.diagnostics:
            is_file = diagnostic.code == "file"
            self.report(Diagnostic("use", diagnostic.message, span, hint=diagnostic.hint) if is_file else diagnostic)


def _value(item: s.Fn | s.Block | s.Network, scope: Scope) -> FnValue | BlockValue | NetworkValue:
    if isinstance(item, s.Fn):
        return FnValue(item, scope)
    return BlockValue(item, scope) if isinstance(item, s.Block) else NetworkValue(item, scope)
