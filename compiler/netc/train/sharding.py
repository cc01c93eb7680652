"""A model of which each process holds a part, by PyTorch's `fully_shard`; and its tensors as whole ones, as files hold them.

What of PyTorch it needs takes a third of a second to import, so that this is done where several processes train.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def gathered(state: Mapping[str, Tensor], keeps: bool) -> dict[str, Tensor]:
    """Divided tensors as whole ones, in the process that keeps them; the others have one at a time, and none in the end.

    All processes have to ask for them together.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        one = whole(tensor)
        if keeps:
            found[name] = one.cpu()
    return found


def owners(training: State, model: nn.Module, optimizer: Optimizer) -> dict[int, Tensor]:
    """For the tensors of where a training stands, by their `id`, those of the model after which they are divided."""
    own = model.state_dict()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    pairs = [(value, own[name]) for name, value in training["model"].items()]
    pairs += [(value, own[name]) for name, value in (training["best"] or [0, 0, {}])[2].items()]
    moments = training["optimizer"]["state"].items()
    pairs += [(value, parameters[index]) for index, values in moments for value in values.values()]
    return {id(value): owner for value, owner in pairs}
