"""The batches of an epoch: which rows, in which order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from netc.data.store import is_in_file, rows_in_file

Tensors = tuple[Tensor, ...]  # inputs, then targets; one row a sample

GATHERED_BYTES = 64 * 2**20  # up to here all rows are gathered once an epoch, and a batch is a view


def tensors(arrays: tuple[Any, ...], dtypes: tuple[str, ...], device: torch.device) -> Tensors:
    """The arrays of `Prepared` as tensors of the declared dtypes."""
    return tuple(torch.from_numpy(a).to(device, getattr(torch, d)) for a, d in zip(arrays, dtypes, strict=True))


class Share(NamedTuple):
    """The part of each batch that one of `size` processes has."""

    rank: int
    size: int

    def of(self, batch: Sequence[Tensor]) -> tuple[Tensors, Tensor]:
        """Its rows, no others having them; and how many they are, and how many rows the batch has, `[2]`.

        Where there is none left for it, it is given a row of another, and 0 as the number.
        """
        rows = len(batch[0])
        start, end = (rows * rank // self.size for rank in (self.rank, self.rank + 1))
        part = slice(start, end) if end > start else slice(1)
        return tuple(t[part] for t in batch), torch.tensor([end - start, rows])


class Batches:
    """Rows in batches, in a new order each epoch; the rows as they stand where `seed` is None.

    The order comes from a generator of its own. `state` is what the generator was at the start of the epoch: with it and the
    number of steps done, an epoch can be gone on with where it was left. `first` is a batch of the first rows.
    With a share a batch has only the rows of that, and what `Share.of` says of them as one tensor more.
    """

    def __init__(
        self, tensors: Tensors, batch_size: int, seed: int | None = None, device: torch.device | None = None, share: Share | None = None
    ) -> None:
        self.share = share
        self.tensors, self.batch_size = tensors, batch_size
        self.device = tensors[0].device if device is None else device
        self.is_here = self.device == tensors[0].device
        self.is_view = self.is_here and share is None
        self.rows = len(tensors[0])
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)
        self.state = None if self.generator is None else self.generator.get_state()
        self.gathers = self.is_here and sum(t.nbytes for t in tensors) <= GATHERED_BYTES
        self.first = self._brought(tensors if batch_size >= self.rows else tuple(t[:batch_size] for t in tensors))

    @property
    def weights(self) -> list[int]:
        """The numbers of rows of the batches of an epoch."""
        whole, rest = divmod(self.rows, self.batch_size)
        return [self.batch_size] * whole + ([rest] if rest else [])

    def epoch(self, start: int = 0) -> Iterator[Tensors]:
        """The batches of the next epoch, without the first `start`."""
        if self.generator is None:
            views = self._views(self.tensors, start)
            return views if self.is_view else map(self._brought, views)
        self.state = self.generator.get_state()
        order = torch.randperm(self.rows, generator=self.generator)
        if self.gathers:
            order = order.to(self.tensors[0].device)
            views = self._views(tuple(t[order] for t in self.tensors), start)
            return views if self.is_view else map(self._brought, views)
        return self._gathered(order, start)

    def position(self, step: int) -> Tensor | None:
        """The state of the generator from which the epoch comes that has `step` steps done."""
        return self.state if step or self.generator is None else self.generator.get_state()

    def go_back(self, state: Tensor | None) -> None:
        """Makes the next epoch the one that begins with this state of the generator."""
        if self.generator is not None and state is not None:
            self.generator.set_state(state)
            self.state = state

    def _views(self, tensors: Sequence[Tensor], start: int) -> Iterator[Tensors]:
        batches = zip(*(torch.split(t, self.batch_size) for t in tensors), strict=True)
        for _ in range(start):
            next(batches)
        return batches

    def _gathered(self, order: Tensor, start: int) -> Iterator[Tensors]:
        """Reads the rows of a batch when it is its turn: more than memory holds may stand in a file."""
        for rows in torch.split(order, self.batch_size)[start:]:
            here = rows.to(self.tensors[0].device)
            if self.share is None:
                yield self._moved(self._picked(here))
            else:
                (own,), counts = self.share.of((here,))
                yield (*self._moved(self._picked(own)), counts)

    def _picked(self, rows: Tensor) -> Tensors:
        """Those rows, from memory or from the files that the tensors stand in."""
        return tuple(_from_file(t, rows) if is_in_file(t.data_ptr()) else t[rows] for t in self.tensors)

    def _brought(self, batch: Tensors) -> Tensors:
        """The batch, or the share of it, on the device of the training."""
        if self.share is None:
            return self._moved(batch)
        own, counts = self.share.of(batch)
        return (*self._moved(own), counts)

    def _moved(self, batch: Tensors) -> Tensors:
        """The batch on the device of the training, to which it is copied while the step before it runs."""
        return batch if self.is_here else tuple(t.pin_memory().to(self.device, non_blocking=True) for t in batch)


def _from_file(tensor: Tensor, rows: Tensor) -> Tensor:
    """Rows of a tensor, read from the file that it stands in."""
    shape = (len(rows), *tensor.shape[1:])
    read = rows_in_file(tensor.data_ptr(), tensor.element_size() * math.prod(shape[1:]), rows.tolist())
    return torch.frombuffer(read, dtype=tensor.dtype).reshape(shape)
