"""What a direct walk takes for granted of the layers, and whether it still holds: no hooks, nothing replaced, nothing wrapped."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules import module as torch_module
from torch.utils.hooks import RemovableHandle

from netc.construct import Block
from netc.ops.forms import FORMS
from netc.unroll import Check, Direct, Part

HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
# Those that hold for all modules; torch keeps the dicts themselves.
GLOBAL_HOOKS = tuple(getattr(torch_module, f"_global{name}") for name in HOOKS)
CALL = nn.Module.__call__  # which tracers replace
KINDS = (Block, *(getattr(nn, name) for name in FORMS))
FORWARDS = [kind.forward for kind in KINDS]  # which a patch for all layers of a class replaces


# Attributes of one's own that stand in place of what the class has, and of what `Module.compile` made.
OWN_CALLS = {"forward", "_compiled_call_impl"}


class Plan:
    """The layers that a direct walk reads, as they are now.

    `holds` is asked at every call, so it compares what C code can compare: the children of every module, the classes, and how
    many attributes each has (a layer's own `forward` would be one more). `is_free` says whether any hook is there.
    """

    def __init__(self, root: nn.Module, direct: Direct) -> None:
        layers = [module for module in root.modules() if module is not root]
        self.home = root._modules
        self.places = [module._modules for module in (root, *layers) if module._modules]
        self.children = list(map(tuple, map(dict.values, self.places)))
        self.modules = (root, *layers)
        self.classes = list(map(type, self.modules))
        self.attributes = [layer.__dict__ for layer in layers]
        self.counts = list(map(len, self.attributes))
        self.hooks = (*GLOBAL_HOOKS, *(getattr(layer, name) for layer in layers for name in HOOKS))
        self.seen = -1  # how many handles there were when no hook was found
        used = set(self.classes)
        pairs = [(kind, forward) for kind, forward in zip(KINDS, FORWARDS, strict=True) if kind in used]
        self.kinds, self.forwards = [kind for kind, _ in pairs], [forward for _, forward in pairs]
        self.is_usable = _is_as_built(root, direct)
        self.parts = tuple(_part(root, part) for part in direct.parts) if self.is_usable else ()

    def is_free(self) -> bool:
        """Whether no hook waits for a layer's call, and nothing traces these calls.

        Each registration of a hook makes a handle, and torch counts these: while the count stays, there is nothing to look for.
        """
        if RemovableHandle.next_id != self.seen:
            if any(self.hooks):
                return False
            self.seen = RemovableHandle.next_id
        return nn.Module.__call__ is CALL and [kind.forward for kind in self.kinds] == self.forwards

    def holds(self, root: nn.Module) -> bool:
        """Whether the layers are those that the plan was made of, and of the same classes."""
        return (
            self.home is root._modules
            and list(map(tuple, map(dict.values, self.places))) == self.children
            and list(map(type, self.modules)) == self.classes
            and list(map(len, self.attributes)) == self.counts
        )


def _is_as_built(root: nn.Module, direct: Direct) -> bool:
    """Whether calling functions gives what calling the layers and blocks would give."""
    modules = dict(root.named_modules())
    blocks = {path.rsplit(".", n)[0] for path in direct.paths for n in range(1, path.count(".") + 1)}
    return (
        modules.keys() >= {*direct.paths, *blocks, *(part.path for part in direct.parts)}
        and not any(OWN_CALLS & module.__dict__.keys() for path, module in modules.items() if path)
        and all(type(modules[path]) is Block for path in blocks)
        and all(_fits(modules[check.path], check) for check in direct.checks)
        and all(name in _part(root, part) for part, name in direct.held)
    )


def _part(root: nn.Module, part: Part) -> Any:
    module = root.get_submodule(part.path)
    return module if part.kind == "layer" else getattr(module, part.kind)


def _fits(layer: nn.Module, check: Check) -> bool:
    """Whether a layer is what its functional form is for."""
    kind = getattr(nn, check.target.rsplit(".", 1)[1])
    known = layer._buffers.keys() | layer._parameters.keys() | check.inputs
    return type(layer) is kind and check.form.names <= known and all(getattr(layer, k) == v for k, v in check.form.needs.items())
