"""A model of which each process holds a part, by PyTorch's `fully_shard`; and its tensors as whole ones, as files hold them.

What of PyTorch it needs takes a third of a second to import, so that this is done where several processes train.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_map

from netc.construct import Block
from netc.diagnostics import error
from netc.settings import Section
from netc.train.checkpoint import State

METHODS = ("loss", "losses", "evaluated")


def shard(model: Any, device: torch.device, size: int, settings: Section) -> None:
    """Divides the parameters among `size` processes: each block is gathered when it is called, the rest with the whole model.

    Where blocks have parameters in common, which would belong to several of them, the model is one part. Raises NetError.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    mesh = init_device_mesh(device.type, (size,))
    try:
        if not model.graph.ties:
            for module in reversed(list(model.modules())):  # those within before those around them
                if isinstance(module, Block) and module.compute is not None and any(True for _ in module.parameters()):
                    fully_shard(module, mesh=mesh)
        fully_shard(model, mesh=mesh)
    except (ValueError, NotImplementedError) as e:
        raise error("training", f"`parallel = fsdp` cannot divide this network: {e}", settings.values["parallel"].span) from e
    for method in METHODS:
        register_fsdp_forward_method(model, method)


def is_sharded(model: nn.Module) -> bool:
    """Whether each process has a part of it only."""
    from torch.distributed.fsdp import FSDPModule

    return isinstance(model, FSDPModule)


def whole(state: Any) -> Any:
    """The same nested values with whole tensors. All processes have to ask for them together."""
    from torch.distributed.tensor import DTensor

    return tree_map(lambda value: value.full_tensor() if isinstance(value, DTensor) else value, state)


def divided(state: State, model: nn.Module, optimizer: Optimizer) -> State:
    """The state of a training with tensors divided as those of the model are; each process has the whole ones."""
    own = model.state_dict()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = {
        index: {name: _like(value, parameters[index]) for name, value in values.items()}
        for index, values in state["optimizer"]["state"].items()
    }
    best = state["best"]
    return {
        **state,
        "model": {name: _like(value, own[name]) for name, value in state["model"].items()},
        "optimizer": {**state["optimizer"], "state": moments},
        "best": best and [*best[:2], {name: _like(value, own[name]) for name, value in best[2].items()}],
    }


def _like(value: Any, other: Tensor) -> Any:
    """A tensor of the other's shape divided as the other is; anything else as it is."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if not (isinstance(value, Tensor) and isinstance(other, DTensor) and value.shape == other.shape):
        return value
    return distribute_tensor(value.to(other.device), other.device_mesh, other.placements, src_data_rank=None)
