"""Arguments to parameters: by place, by name, with defaults; every slip a diagnostic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netc.diagnostics import Diagnostic, Edit, Related, count_of, did_you_mean, listed
from netc.graph import Argument, Ref
from netc.lower.values import Given, PipeValue, has_unknown, is_tensor, kind_words
from netc.ops import foreign
from netc.ops.op import REQUIRED, Param, left_out_hint, value_text
from netc.shapes import Dim
from netc.source import Span
from netc.tensors import TensorType

Report = Callable[[Diagnostic], None]


class Binder:
    """Binds the arguments of one call to the parameters of a row; `report` takes what is wrong."""

    def __init__(self, name: str, signature: str, span: Span, typed: Callable[[Any], Any], report: Report) -> None:
        self.name, self.signature, self.span, self.typed, self.report = name, signature, span, typed, report
        self.ok = True
        self.left_out: list[str] = []

    def bind(self, params: Sequence[Param], placed: Sequence[Given], named: Sequence[Given]) -> dict[str, Argument] | None:
        """The arguments by parameter name, in the parameters' order; None where something is wrong."""
        bound: dict[str, Given] = {}
        self.left_out = [p.name for p in params if p.inferred]
        self._place(params, list(placed), bound)
        self._name(params, named, bound)
        if not self.ok:
            return None
        missing = [p for p in params if p.default is REQUIRED and not p.inferred and p.name not in bound]
        if missing:
            self.fail("missing-argument", f"`{self.name}` needs {listed(p.name for p in missing)}", self.span)
            return None
        result = {p.name: self._argument(p, bound.get(p.name)) for p in params}
        return result if self.ok else None

    def fail(self, code: str, message: str, span: Span, hint: str = "", edit: Edit | None = None, related: Sequence[Related] = ()) -> None:
        """Reports a problem with the call."""
        self.ok = False
        hint = hint or f"it is `{self.signature}`"
        self.report(Diagnostic(code, message, span, hint=hint, edit=edit, related=tuple(related)))

    def _place(self, params: Sequence[Param], placed: list[Given], bound: dict[str, Given]) -> None:
        for param in params:
            if not placed or param.inferred or param.kind == "keywords":
                continue
            if param.variadic:
                taken = self._take_variadic(param, placed)
                values = [given.value for given in taken]
                if len(values) == 1 and isinstance(values[0], list) and param.kind != "value":
                    values = values[0]
                bound[param.name] = Given(None, values, taken[0].span.to(taken[-1].span) if taken else self.span)
            else:
                bound[param.name] = placed.pop(0)
        if placed and isinstance(placed[0].value, PipeValue) and placed[0].value.label in {p.name for p in params}:
            self._wrong(params[0], placed[0].value, placed[0].span)
        elif placed and params[0].variadic and params[0].kind == "tensor" and not bound[params[0].name].value:
            self.fail("argument-type", f"`{self.name}` takes its tensors first", bound[params[1].name].span)
        elif placed:
            most = sum(1 for p in params if not p.inferred)
            self.fail("too-many-arguments", f"`{self.name}` takes at most {count_of(most, 'argument')} by place", placed[0].span)

    def _take_variadic(self, param: Param, placed: list[Given]) -> list[Given]:
        """The leading arguments that a `tensor...` takes: tensors; what takes other values (`size...`) takes all."""
        count = 0
        while count < len(placed) and (param.kind != "tensor" or is_tensor(placed[count].value) or has_unknown(placed[count].value)):
            count += 1
        taken, placed[:] = placed[:count], placed[count:]
        return taken

    def _name(self, params: Sequence[Param], named: Sequence[Given], bound: dict[str, Given]) -> None:
        by_name = {p.name: p for p in params if p.kind != "keywords"}
        rest = next((p for p in params if p.kind == "keywords"), None)
        for given in named:
            assert given.name is not None
            name = given.name.name
            if name not in by_name and rest:
                bound.setdefault(rest.name, Given(given.name, [], given.span)).value.append([name, given.value])
            elif name not in by_name:
                self._unknown(given, by_name)
            elif name in bound:
                self.fail("duplicate-argument", f"`{self.name}` is given `{name}` twice", given.span,
                          related=[Related(bound[name].span, "the first")])  # fmt: skip
            else:
                bound[name] = given

    def _unknown(self, given: Given, known: dict[str, Param]) -> None:
        assert given.name is not None
        name = given.name.name
        torch_name = foreign.ARGUMENTS.get(name)
        edit = Edit(given.name.span, torch_name) if torch_name in known else None
        hint = f"PyTorch's word for it is `{torch_name}`" if edit else foreign.ELSEWHERE.get(name) or did_you_mean(name, known)
        self.fail("unknown-argument", f"`{self.name}` has no argument `{name}`", given.name.span, hint, edit)

    def _argument(self, param: Param, given: Given | None) -> Argument:
        if given is None:
            default = None if param.default is REQUIRED else param.default
            return Argument(default, self.span, "default")
        value = self._plain(param, given.value)
        typed = self.typed(value)
        if has_unknown(value):
            pass
        elif param.variadic:
            self._check_each(param, typed, given)
        elif not param.accepts(typed) and not (param.inferred and value is None):
            self._wrong(param, typed, given.span)
        return Argument(value, given.span)

    def _plain(self, param: Param, value: Any) -> Any:
        """Tuples as lists, so that `(3, 1)` and `[3, 1]` are one; `2.0` for an int is not turned into 2."""
        if isinstance(value, tuple) and not param.takes_tensors:
            return list(value)
        return value

    def _check_each(self, param: Param, typed: list[Any], given: Given) -> None:
        for value in typed if isinstance(typed, list) else [typed]:
            if not param.accepts(value):
                self._wrong(param, value, given.span)
                return

    def _wrong(self, param: Param, typed: Any, span: Span) -> None:
        shown = value_text(typed) if isinstance(typed, (bool, int, float, str, list, type(None), TensorType)) else kind_words(typed)
        if isinstance(typed, PipeValue) and typed.label:
            self.fail("syntax", f"an argument is given with `=`: `{typed.label} = …`", span, "`:` stands behind the label of a layer")
        elif isinstance(typed, Dim):
            self.fail("size-needed", f"`{self.name}` needs `{param.name}` as a number, and the size of `{typed}` is not known", span,
                      hint=f"give it: {' '.join(f'--set {n}=8' for n in sorted(typed.names()))}")  # fmt: skip
        elif param.kind == "tensor" and not param.variadic:
            are_numbers = isinstance(typed, (int, float, list)) and not param.name.startswith("input")
            hint = f"numbers that stay as they are: `buffer {param.name}: [2] = [1.0, 2.0]`" if are_numbers else ""
            self.fail("not-a-tensor", f"`{self.name}`: {param.name} must be a tensor, not {shown}", span, hint)
        else:
            is_size = param.kind == "bool" and type(typed) is int and bool(self.left_out)
            hint = left_out_hint(self.left_out, self.signature) if is_size else ""
            self.fail("argument-type", f"`{self.name}`: {param.name} must be {param.words}, not {shown}", span, hint)


def spread(inputs: Sequence[Given]) -> list[Given]:
    """A tuple that is sent into something stands for its parts."""
    parts: list[Given] = []
    for given in inputs:
        if isinstance(given.value, tuple):
            parts += [Given(None, value, given.span) for value in given.value]
        else:
            parts.append(given)
    return parts


def ref_list(value: Any) -> list[Ref]:
    """The tensors in a value."""
    if isinstance(value, (list, tuple)):
        return [ref for part in value for ref in ref_list(part)]
    return [value] if isinstance(value, Ref) else []
