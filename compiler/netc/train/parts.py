"""Tensors in files of which each process writes and reads its part, by `torch.distributed.checkpoint`.

The files are safetensors, a file a process, in whose header stands what part of each tensor it holds: however many processes read them,
and however they divide the tensors, each finds what it needs. Importing this takes a third of a second.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.default_planner import DefaultSavePlanner
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save


def write_parts(place: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes the tensors into the folder, all processes together. One that is not divided is taken from the first of them.

    Raises OSError in all processes where one of them could not write.
    """
    writer = HuggingFaceStorageWriter(str(place), save_distributed=True)
    with _reasons():
        save(dict(tensors), storage_writer=writer, planner=DefaultSavePlanner(dedup_save_to_lowest_rank=True))


def own_files(place: Path) -> list[Path]:
    """The files that this process wrote there."""
    return sorted(place.glob(f"shard-{dist.get_rank() + 1:05}-*"))


class Parts(HuggingFaceStorageReader):
    """The tensors in a folder. The headers of its files are read once, however often they are asked for."""

    def __init__(self, place: Path) -> None:
        super().__init__(str(place))
        self._headers: Metadata | None = None

    def read_metadata(self) -> Metadata:
        """What stands in the headers."""
        if self._headers is None:
            self._headers = super().read_metadata()
        return self._headers

    def stand_ins(self) -> dict[str, Tensor]:
        """For each tensor in the folder one of its shape and dtype on the meta device, by name."""
        known = self.read_metadata().state_dict_metadata
        return {name: torch.empty(m.size, dtype=m.properties.dtype, device="meta") for name, m in known.items()}  # type: ignore[union-attr]

    def read(self, tensors: dict[str, Tensor], alone: bool = False) -> None:
        """Fills the tensors with what the folder holds of them, each process its part, unless one is `alone`.

        Raises OSError in all where one could not.
        """
        with _reasons():
            load(tensors, storage_reader=self, no_dist=alone)


def read_whole(place: Path, names: Iterable[str]) -> dict[str, Tensor]:
    """The tensors of these names, whole, on the CPU, read by this process alone. Raises KeyError, OSError."""
    parts = Parts(place)
    known = parts.stand_ins()
    tensors = {name: torch.empty_like(known[name], device="cpu") for name in names}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")  # that is what is asked for
        parts.read(tensors, alone=True)
    return tensors


@contextmanager
def _reasons() -> Iterator[None]:
    """Raises what the system said in the first process that failed, if it is the system that refused."""
    try:
        yield
    except CheckpointException as failed:
        first, _ = min(failed.failures.items())
        reason = failed.failures[first][0]
        if isinstance(reason, OSError):
            raise reason from None
        raise
