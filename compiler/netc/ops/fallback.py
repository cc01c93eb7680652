"""What has no row: any other function, method or layer of torch, its result found by running it on the meta device.

Only functions that torch lists as acting on tensors (`torch.overrides`) and classes of `torch.nn` are found, so that a
spec reaches nothing that reads or writes files. Torch is imported only within `find`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from netc.ops.meta import REST, by_running, constructor, inputs_of, layer_rule, layer_weights
from netc.ops.op import Op, Problem, Use
from netc.tensors import Type

# Modules that hold others, and wrappers that spread a module over devices: not layers of a network.
CONTAINERS = {
    "Module": "a block of the spec", "Container": "a block of the spec", "Sequential": "`{ A -> B }`", "ModuleList": "`repeat`",
    "ModuleDict": "labels", "ParameterList": "`param`", "ParameterDict": "`param`", "DataParallel": "nothing: a network runs on one device",
}  # fmt: skip
# Methods that change where or how a tensor is kept, or leave torch.
NOT_COMPUTING = {"cuda", "cpu", "numpy", "tolist", "backward", "register_hook", "retain_grad", "pin_memory", "type", "storage"}


@cache
def find(name: str) -> Op | None:
    """The row of a name that the table lacks, such as `rot90` or `torch.fft.rfft`; None where torch has no such thing.

    A name that torch has and a network cannot use gives a row whose rule says why.
    """
    words = name.split(".")
    if any(word.startswith("_") for word in words) or not all(words):
        return None
    if len(words) > 1 and (row := _row_of(name)):
        return row
    if words[-1][:1].isupper():
        return _module(name)
    return _in_place(name) if name.endswith("_") else _function(name)


def _row_of(name: str) -> Op | None:
    """The row of a dotted name that the table has under a short one: `torch.nn.Linear`, `nn.MSELoss`."""
    from netc.ops import TABLE

    module, _, word = name.rpartition(".")
    if module in ("nn", "torch.nn") and word[:1].isupper() and word in TABLE:
        return TABLE[word]
    target = name if name.startswith("torch.") else f"torch.{name}"
    return next((op for op in TABLE.values() if op.target == target and op.name == target.rsplit(".", 1)[1]), None)


# --- functions ---------------------------------------------------------------------------------------------------


def _function(name: str) -> Op | None:
    """The row of a function or method of torch. It takes what torch takes; torch itself checks the arguments."""
    for target in _targets(name):
        found = _resolve(target)
        if found is None or not (callable(found) and _acts_on_tensors(found)):
            continue
        if name.rsplit(".", 1)[-1] in NOT_COMPUTING:
            return _refusal(name, target, f"`{name}` computes nothing that a network could use")
        is_method = target.startswith("torch.Tensor.")
        return Op(name, target, (), REST, by_running(name, found), written="method" if is_method else "spread")
    return None


def _targets(name: str) -> Sequence[str]:
    """Where a function of that name can be: as it is written, else in the places that people have in mind, in this order.

    What `torch.nn.functional` has, torch has in some cases under the same name with other defaults, which it does not document: a
    `torch.kl_div` that is no mean.
    """
    if "." in name:
        return [name if name.startswith("torch.") else f"torch.{name}"]
    return [f"torch.nn.functional.{name}", f"torch.{name}", f"torch.Tensor.{name}"]


def _resolve(target: str) -> Any:
    """What a dotted name stands for; None where there is nothing."""
    import torch

    found: Any = torch
    for word in target.split(".")[1:]:
        found = getattr(found, word, None)
    return found


@cache
def _overridable() -> frozenset[int]:
    """The ids of the functions and methods that torch lists as acting on tensors; torch keeps these alive."""
    from torch.overrides import get_overridable_functions

    return frozenset(id(function) for functions in get_overridable_functions().values() for function in functions)


def _acts_on_tensors(function: Any) -> bool:
    return id(function) in _overridable()


def _in_place(name: str) -> Op | None:
    """A refusal of what changes its input; None where torch has nothing of that name."""
    for target in _targets(name):
        if callable(_resolve(target)):
            plain = name.rstrip("_")
            return _refusal(name, target, f"`{name}` changes its input, which a network's values never do", f"`{plain}` gives a new tensor")
    return None


def _refusal(name: str, target: str, why: str, hint: str = "") -> Op:
    def rule(use: Use) -> Type:
        raise Problem("invalid-operation", why, hint=hint)

    # Not a target below torch.nn, so that it is taken for a function and needs no place among the layers.
    return Op(name, target if not target.startswith("torch.nn.") else "torch", (), REST, rule)


# --- layers ------------------------------------------------------------------------------------------------------


def _module(name: str) -> Op | None:
    """The row of a class of `torch.nn`, with the parameters of its constructor, none inferred, and the inputs of `forward`."""
    from torch import nn

    word = name.removeprefix("torch.").removeprefix("nn.")
    made = getattr(nn, word, None)
    if not (isinstance(made, type) and issubclass(made, nn.Module)):
        return None
    if word in CONTAINERS:
        return _refusal(name, f"torch.nn.{word}", f"`{name}` holds other modules, and is none that a value is sent through",
                        f"in a spec it is {CONTAINERS[word]}")  # fmt: skip
    if word.startswith("Lazy"):
        return _refusal(name, f"torch.nn.{word}", f"`{name}` finds its sizes when it first runs", f"`{word[4:]}` has them inferred")
    params, inputs = constructor(made), inputs_of(made.forward)
    return Op(name, f"torch.nn.{word}", params, inputs, layer_rule(name, made, params, inputs), layer_weights(name, made, params))
