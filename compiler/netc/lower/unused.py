"""What a spec gives a name and never uses: warnings, as it is most likely a slip."""

from __future__ import annotations

from typing import Any

from netc import syntax as s
from netc.diagnostics import Diagnostic
from netc.lower.order import mentioned, parts
from netc.lower.scope import Scope
from netc.lower.values import SharedValue
from netc.source import Span

MEANT = "a name that begins with `_` says that this is meant"


def unused_value(name: str, value: Any, span: Span) -> Diagnostic:
    """A value or a layer of a network or block that nothing reads."""
    what = f"the layer `{name}` is never used" if isinstance(value, SharedValue) else f"`{name}` is computed, and nothing uses it"
    word = name in ("loss", "metric") and f"`{name} = …` names a value; a {name} is written without the `=`"
    return Diagnostic("unused-value", what, span, hint=word or MEANT)


def unused_items(file: s.File, scope: Scope) -> list[Diagnostic]:
    """Functions and blocks that nothing uses, and what these never use themselves.

    A file of several networks is a library, and may have functions and blocks for others.
    """
    is_library = sum(isinstance(item, s.Network) for item in file.items) > 1
    items = [item for item in file.items if isinstance(item, (s.Fn, s.Block))]
    unused = [item for item in items if not is_library and not scope.names[item.name.name].used]
    return [Diagnostic("unused-function", f"`{item.name.name}` is never used, and so not checked", item.name.span) for item in unused] + [
        d for item in items if item not in unused for d in _unread(item)
    ]


def _unread(item: s.Fn | s.Block) -> list[Diagnostic]:
    """The parameters and inputs that nothing in a function or block reads, whatever its arguments are."""
    body = item.body if isinstance(item.body, tuple) else (item.body,)
    defaults = tuple(p.default for p in item.parameters if p.default)
    if any(isinstance(part, s.Broken) for part in parts(body)):
        return []
    read = {"_", *(name for part in (*body, *defaults) for name in mentioned(part))}
    unread = [("unused-parameter", "parameter", p.name) for p in item.parameters if p.name.name not in read]
    unread += [("unused-input", "input", part.name) for part in body if isinstance(part, s.In) and part.name.name not in read]
    return [
        Diagnostic(code, f"the {kind} `{name.name}` of `{item.name.name}` is never used", name.span, hint=MEANT)
        for code, kind, name in unread
        if not name.name.startswith("_")
    ]
