"""A checkpoint of several processes: each writes and reads its part of the tensors, the first one what speaks of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from netc.files import written
from netc.train.checkpoint import State, begin, check_files, complete, file_hash, intact, read_record, sweep
from netc.train.distributed import World
from netc.train.sharding import owners
from netc.train.structure import Plain, flatten, is_divided, unflatten

if TYPE_CHECKING:
    from netc.train.parts import Parts


def save_shared(folder: Path, state: State, world: World) -> None:
    """As `checkpoint.save`, by all processes at once; they need the folder in common. Raises `NetError` in all or in none."""
    plain, tensors = flatten(state)
    try:
        place = world.by_first(lambda: begin(folder))
        hashes = world.each(lambda: _write(place, tensors))
        files = {name: digest for found in hashes for name, digest in found.items()}
        world.by_first(lambda: complete(folder, place, files, plain))
    finally:
        if world.is_first:
            sweep(folder)


def _write(place: Path, tensors: dict[str, Tensor]) -> dict[str, str]:
    """Writes this process's part; its files and their hashes."""
    from netc.train.parts import own_files, write_parts

    with written(place):
        write_parts(place, tensors)
        return {path.name: file_hash(path) for path in own_files(place)}


@dataclass(frozen=True, slots=True)
class Outline:
    """A checkpoint of which only `state.json` was read; where `state` has tensors, they are on the meta device.

    `place` is the folder of the tensors, `parts` what is read there, `plain` what `state` was made of.
    """

    place: Path
    parts: Parts
    plain: Plain
    stand_ins: dict[str, Tensor]
    state: State

    def training(self, model: nn.Module, optimizer: Optimizer) -> State:
        """Where the training stands, with tensors that are divided as those of the model are. Raises `NetError`."""
        divided_as = owners(self.state["training"], model, optimizer)
        tensors = {name: _empty(tensor, divided_as.get(id(tensor))) for name, tensor in self.stand_ins.items()}
        with intact(self.place):
            self.parts.read(tensors)
        state: State = unflatten(self.plain["training"], tensors)
        return state


def outline(folder: Path, world: World) -> Outline:
    """The checkpoint that was saved last. Raises `NetError` in all processes where there is none, or it is damaged."""
    from netc.train.parts import Parts

    record = world.by_first(lambda: read_record(folder))
    place, files = folder / record["tensors"]["folder"], record["tensors"]["files"]
    own = sorted(files)[world.share.rank :: world.share.size]
    world.each(lambda: _check(place, {name: files[name] for name in own}))
    parts = Parts(place)
    found = parts.stand_ins()
    return Outline(place, parts, record["state"], found, unflatten(record["state"], found))


def _check(place: Path, files: dict[str, str]) -> None:
    with intact(place):
        check_files(place, files)


def _empty(stand_in: Tensor, owner: Tensor | None) -> Any:
    """A tensor to be filled: divided as its owner is, else whole and on the CPU."""
    if owner is not None and is_divided(owner) and owner.shape == stand_in.shape:
        return torch.empty_like(owner, dtype=stand_in.dtype)
    return torch.empty_like(stand_in, device="cpu")
