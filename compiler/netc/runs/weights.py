"""Weights from a file into a module. The file is data only: nothing in it is run."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from netc.diagnostics import error, listed


def load_weights(model: nn.Module, path: Path) -> None:
    """Puts the tensors of a safetensors file into the module, which must have the same keys and shapes. Raises `NetError`."""
    tensors = _tensors(path)
    own = model.state_dict()
    if missing := [key for key in own if key not in tensors]:
        raise _misfit(path, f"it lacks {listed(missing)}")
    if strange := [key for key in tensors if key not in own]:
        raise _misfit(path, f"the network has no {listed(strange)}")
    for key, tensor in own.items():
        if tensor.shape != tensors[key].shape:
            raise _misfit(path, f"`{key}` is {list(tensors[key].shape)} in the file and {list(tensor.shape)} in the network")
    model.load_state_dict(tensors)


def _tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise error("file", f"`{path}` is missing", hint="a training that was not stopped too early writes it at its end")
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError) as e:
        raise error("file", f"`{path}` cannot be read: {e}") from e


def _misfit(path: Path, why: str) -> Exception:
    return error("file", f"`{path}` does not belong to this network: {why}", hint="its spec.net was changed after the training")
