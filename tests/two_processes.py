"""What processes do together with a checkpoint; a test starts this by torchrun, with the folder to work in."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.optim import Adam

from netc.diagnostics import NetError
from netc.train.distributed import World, connected
from netc.train.rng import random_states
from netc.train.sharding import gathered, whole
from netc.train.shared import outline, save_shared

CHECKPOINT, WHOLE, REFUSED = "checkpoint", "whole.safetensors", "refused.txt"
LARGE = 1_000_000  # numbers, of which each process has half


def made(seed: int) -> tuple[nn.Module, Adam]:
    """A model with less rows than there are processes, and with a buffer; and its optimizer after a step."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 1))
    fully_shard(model, mesh=init_device_mesh("cpu", (dist.get_world_size(),)))
    optimizer = Adam(model.parameters(), lr=0.1)
    model(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    return model, optimizer


def standing(model: nn.Module, optimizer: Adam) -> dict[str, Any]:
    best = [0.5, 2, {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}]
    return {"model": dict(model.state_dict()), "optimizer": optimizer.state_dict(), "best": best, "epoch": 3, "random": random_states()}


def tensors(state: dict[str, Any]) -> dict[str, Tensor]:
    """All tensors of a model and its optimizer, whole."""
    moments = {f"{index}.{name}": value for index, values in state["optimizer"]["state"].items() for name, value in values.items()}
    found = {f"{part}.{name}": tensor for part, items in (("model", state["model"]), ("moments", moments), ("best", state["best"][2]))
             for name, tensor in items.items()}  # fmt: skip
    return {name: tensor.clone() for name, tensor in whole(found).items()}


def main(folder: Path) -> None:
    with connected(torch.device("cpu")) as world:
        work(folder, world)


def work(folder: Path, world: World) -> None:
    state = standing(*made(1))
    expected = tensors(state)
    save_shared(folder / CHECKPOINT, {"training": state}, world)

    model, optimizer = made(2)
    with patch.object(
        HuggingFaceStorageReader, "read_metadata", autospec=True, side_effect=HuggingFaceStorageReader.read_metadata
    ) as headers:
        found = outline(folder / CHECKPOINT, world).training(model, optimizer)
    assert headers.call_count == 1
    assert found["epoch"] == 3 and type(found["model"]["0.weight"]) is type(model.state_dict()["0.weight"])
    again = tensors(found)
    assert again.keys() == expected.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in expected.items())
    kept = gathered(state["model"], world.is_first)
    assert kept.keys() == (state["model"].keys() if world.is_first else set()), "the others have no whole model"
    assert all(torch.equal(tensor, expected[f"model.{name}"]) for name, tensor in kept.items())

    if not world.is_first:  # its disk is full
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    large = nn.Linear(LARGE, 1, bias=False)
    large.weight.data = large.weight.data.T.contiguous()
    fully_shard(large, mesh=init_device_mesh("cpu", (world.share.size,)))
    text = ""
    try:
        save_shared(folder / CHECKPOINT, {"training": dict(large.state_dict())}, world)
    except NetError as refused:
        text = str(refused)
    said = world.each(lambda: text)
    if world.is_first:
        (folder / REFUSED).write_text("\n".join(said))
        save_file(expected, folder / WHOLE)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
