"""Names and what they stand for, and the labels of layers with their paths."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netc.source import Span


@dataclass(slots=True)
class Binding:
    """A name's value, the place that gave it, and whether something read it."""

    value: Any
    span: Span
    used: bool = False


@dataclass(eq=False)
class Scope:
    """Names that are visible in a place; what is not here is looked up in the parent."""

    parent: Scope | None = None
    names: dict[str, Binding] = field(default_factory=dict)
    is_open: bool = False  # some of its names are not known, since a file could not be read
    later: Mapping[str, Any] = field(default_factory=dict)  # what its statements give names, above and below: see `lower.order`

    def find(self, name: str, use: bool = True) -> Binding | None:
        """The binding of a name, marked as used where it is read; None where nothing has that name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                scope.names[name].used |= use
                return scope.names[name]
            scope = scope.parent
        return None

    def given_later(self, name: str) -> Mapping[str, Any] | None:
        """Where statements of this or an outer scope give that name, what they give; for names that are not found."""
        scope: Scope | None = self
        while scope is not None and name not in scope.later:
            scope = scope.parent
        return scope.later if scope else None

    @property
    def may_have_more(self) -> bool:
        """Whether a name that is not found may be one that an unread file gives."""
        return self.is_open or (self.parent is not None and self.parent.may_have_more)

    def visible(self) -> Iterator[str]:
        """All names that can be seen from here."""
        yield from self.names
        if self.parent:
            yield from self.parent.visible()


# What `torch.nn.Module` has as attributes; a layer of that name would break it. Source: dir() of a module, torch 2.13;
# a test holds it against the installed one.
MODULE_ATTRIBUTES = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
    extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
    named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
    state_dict to to_empty train training type xpu zero_grad
    """.split()
)
# What netc's module adds to them.
NETC_ATTRIBUTES = frozenset({"graph", "loss", "losses", "metrics", "walk"})
# What generated source uses itself.
SOURCE_NAMES = frozenset({"self", "torch", "nn", "F", "Tensor", "OrderedDict", "einops", "super"})


def why_reserved(label: str) -> str:
    """Why a part of a label cannot be the name of a sub-module; empty where it can."""
    if keyword.iskeyword(label):
        return "is a word of Python"
    if label in MODULE_ATTRIBUTES or label.startswith("_"):
        return "is taken by torch.nn.Module"
    return "is taken by netc's modules" if label in NETC_ATTRIBUTES else ""


def snake(name: str) -> str:
    """`BatchNorm2d` as `batch_norm2d`, `ReLU` as `relu`, `CrossEntropyLoss` as `cross_entropy_loss`."""
    for word in ("PReLU", "RReLU", "ReLU", "SiLU"):  # their capitals are not the beginnings of words
        name = name.replace(word, word.capitalize())
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


@dataclass(eq=False)
class Place:
    """Where layers are put: a prefix of their paths, and how those without a label are called there.

    `taken` has every path of a layer with the place that took it, `inner` the paths above these, `containers` the labels of
    blocks and sequences.
    """

    taken: dict[str, Span] = field(default_factory=dict)
    inner: dict[str, Span] = field(default_factory=dict)
    containers: dict[str, Span] = field(default_factory=dict)
    prefix: str = ""
    numbered: bool = False  # in a labelled `{ … }` layers without a label are 0, 1, 2, … as in nn.Sequential
    count: int = 0
    numbers: dict[str, int] = field(default_factory=dict)

    def path(self, label: str) -> str:
        """The full path of a label here."""
        return f"{self.prefix}.{label}" if self.prefix else label

    def inside(self, label: str, numbered: bool = False) -> Place:
        """The place under a label."""
        return Place(self.taken, self.inner, self.containers, self.path(label), numbered)

    def unlabelled_name(self, type_name: str) -> str:
        """A free label for a layer or block without one: a number, or after its type, `linear`, `linear_2`."""
        if self.numbered:
            self.count += 1
            return str(self.count - 1)
        base = snake(type_name)
        return self.free_name(f"{base}_1" if why_reserved(base) else base)

    def free_name(self, base: str) -> str:
        """A label that is free here: `base`, or with the next number behind it."""
        number = self.numbers.get(base, 1)
        name = base if number == 1 else f"{base}_{number}"
        while self.path(name) in self.taken or self.path(name) in self.inner or self.path(name) in self.containers:
            number += 1
            name = f"{base}_{number}"
        self.numbers[base] = number  # what is taken stays so: the next search begins here
        return name
