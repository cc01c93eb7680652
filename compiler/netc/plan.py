"""What a direct walk takes for granted of the layers, and whether it still holds: no hooks, nothing replaced, nothing wrapped."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules import module as torch_module

from netc.unroll import Check, Direct

HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
# Those that hold for all modules; torch keeps the dicts themselves.
GLOBAL_HOOKS = tuple(getattr(torch_module, f"_global{name}") for name in HOOKS)
CALL = nn.Module.__call__  # which tracers replace


class Plan:
    """The layers that a direct walk reads, as they are now.

    `holds` is asked at every call, so it compares what C code can compare: the children of every container, their classes,
    how many attributes each has (a layer's own `forward` would be one more), and whether any hook is there.
    """

    def __init__(self, root: nn.Module, direct: Direct) -> None:
        layers = [module for module in root.modules() if module is not root]
        self.home = root._modules
        self.places = [module._modules for module in (root, *layers)]
        self.places = [place for place in self.places if place]
        self.children = list(map(tuple, map(dict.values, self.places)))
        self.modules = (root, *layers)
        self.classes = list(map(type, self.modules))
        self.attributes = [layer.__dict__ for layer in layers]
        self.counts = list(map(len, self.attributes))
        self.hooks = (*GLOBAL_HOOKS, *(getattr(layer, name) for layer in layers for name in HOOKS))
        self.is_usable = all(_fits(root, check) for check in direct.checks)
        self.is_usable &= all(name in _part(root, part.path, part.kind) for part, name in direct.held)
        self.parts = tuple(_part(root, part.path, part.kind) for part in direct.parts) if self.is_usable else ()

    def is_free(self) -> bool:
        """Whether no hook waits for a layer's call, and nothing traces these calls."""
        return not any(self.hooks) and nn.Module.__call__ is CALL

    def holds(self, root: nn.Module) -> bool:
        """Whether the layers are those that the plan was made of, and of the same classes."""
        return (
            self.home is root._modules
            and list(map(tuple, map(dict.values, self.places))) == self.children
            and list(map(type, self.modules)) == self.classes
            and list(map(len, self.attributes)) == self.counts
        )


def _part(root: nn.Module, path: str, kind: str) -> Any:
    module = root.get_submodule(path)
    return module if kind == "layer" else getattr(module, kind)


def _fits(root: nn.Module, check: Check) -> bool:
    """Whether a layer is what its functional form is for."""
    layer = root.get_submodule(check.path)
    kind = getattr(nn, check.target.rsplit(".", 1)[1])
    known = layer._buffers.keys() | layer._parameters.keys() | check.inputs
    return type(layer) is kind and check.form.names <= known and all(getattr(layer, k) == v for k, v in check.form.needs.items())
