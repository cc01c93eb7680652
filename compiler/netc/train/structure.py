"""Nested state as JSON and a flat table of tensors, and back, so that nothing is changed: no float, tuple, int key or None.

A `state_dict` of an optimizer or scheduler is dicts, lists and tuples of tensors and plain values. JSON has no tensors, tuples,
infinity and keys that are no strings; each of these becomes an object with one key that begins with `$`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

Plain = Any  # what JSON can hold


def flatten(state: Any) -> tuple[Plain, dict[str, Tensor]]:
    """The state as JSON can hold it, and its tensors under the names by which that speaks of them.

    A tensor that stands at several places is stored once. Tensors are not copied unless they must be: those of an accelerator, views
    that are not contiguous, and those that share a part of their memory with another. Of a tensor that is divided among processes
    this one has a part, and it stays as it is. Raises TypeError for what is neither a tensor nor plain.
    """
    flat = _Flat()
    return flat.plain(state, "state"), flat.tensors


class _Flat:
    """The tensors gathered so far, and where their memory is known from."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.names: dict[tuple[object, ...], str] = {}  # of a view, its name
        self.storages: dict[int, Tensor] = {}  # held, or another tensor could get their memory

    def plain(self, value: Any, name: str) -> Plain:
        """The value as JSON can hold it; `name` is its place, after which a tensor is named."""
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):  # Python writes the shortest text that gives the same float
            return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
        if isinstance(value, Tensor):
            return self._tensor(value.detach(), name)
        if isinstance(value, list):
            return self._all(value, name)
        if type(value) is tuple:
            return {"$tuple": self._all(value, name)}
        if isinstance(value, Mapping):
            return self._mapping(value, name)
        raise TypeError(f"a checkpoint cannot hold {type(value).__name__} at {name}")

    def _all(self, values: Iterable[Any], name: str) -> list[Plain]:
        return [self.plain(value, f"{name}.{i}") for i, value in enumerate(values)]

    def _mapping(self, value: Mapping[Any, Any], name: str) -> Plain:
        if all(isinstance(key, str) and not key.startswith("$") for key in value) and not isinstance(value, Counter):
            return {key: self.plain(v, f"{name}.{key}") for key, v in value.items()}
        kind = "$counter" if isinstance(value, Counter) else "$dict"
        return {kind: [[self.plain(key, name), self.plain(v, f"{name}.{key}")] for key, v in value.items()]}

    def _tensor(self, tensor: Tensor, name: str) -> Plain:
        if tensor.is_complex():  # safetensors does not know all of them
            return {"$complex": self._tensor(torch.view_as_real(tensor.resolve_conj()), name)}
        here = part_here(tensor) if is_divided(tensor) else tensor
        storage = here.untyped_storage().data_ptr()
        view = (storage, here.storage_offset(), tensor.dtype, tensor.shape, tensor.stride(), tensor.device)
        if tensor.numel() == 0 or view not in self.names:
            while name in self.tensors:
                name += "_"
            self.tensors[name] = tensor if here is not tensor else self._kept(tensor, storage)
            self.storages[storage] = tensor
            self.names[view] = name
        return {"$tensor": self.names[view]}

    def _kept(self, tensor: Tensor, storage: int) -> Tensor:
        kept = tensor.cpu().contiguous()
        return kept.clone() if storage in self.storages else kept


def is_divided(tensor: Tensor) -> bool:
    """Whether it is a `DTensor`, told without importing what that is part of."""
    return hasattr(tensor, "to_local")


def part_here(tensor: Any) -> Tensor:
    """The part of a divided tensor that this process has."""
    part: Tensor = tensor.to_local()
    return part


def names_in(plain: Plain) -> Iterator[str]:
    """The names of the tensors that `unflatten` needs."""
    if isinstance(plain, dict) and "$tensor" in plain:
        yield plain["$tensor"]
    elif isinstance(plain, (dict, list)):
        for part in plain.values() if isinstance(plain, dict) else plain:
            yield from names_in(part)


def unflatten(plain: Plain, tensors: Mapping[str, Tensor]) -> Any:
    """What `flatten` was given. Raises KeyError for a tensor that is not there."""
    if isinstance(plain, list):
        return [unflatten(value, tensors) for value in plain]
    if not isinstance(plain, dict):
        return plain
    match plain:
        case {"$tensor": name}:
            return tensors[name]
        case {"$complex": parts}:
            return torch.view_as_complex(unflatten(parts, tensors))
        case {"$float": text}:
            return float(text)
        case {"$tuple": values}:
            return tuple(unflatten(value, tensors) for value in values)
        case {"$dict": items} | {"$counter": items}:
            pairs = {unflatten(key, tensors): unflatten(value, tensors) for key, value in items}
            return Counter(pairs) if "$counter" in plain else pairs
        case _:
            return {key: unflatten(value, tensors) for key, value in plain.items()}
