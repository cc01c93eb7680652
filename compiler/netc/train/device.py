"""The device that a training runs on, and whether its data lies there too."""

from __future__ import annotations

import torch

from netc.diagnostics import error, listed
from netc.settings import Section

FREE_SHARE = 0.5  # of an accelerator's free memory that the data may take; the rest is for the network


def device_of(settings: Section) -> torch.device:
    """The device of the section; `auto` is CUDA, else Apple's, else the CPU. Raises NetError where it is not there."""
    name: str = settings["device"]
    if name == "auto":
        return torch.device(_available()[-1])
    span = settings.values["device"].span
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as e:  # torch says with each of these that it is not there
        message = f"there is no device `{name}` for PyTorch {torch.__version__} here"
        hint = f"PyTorch has {listed(_available())}, of which `auto` takes the best"
        if name.startswith("cuda") and torch.version.cuda is None:
            hint += "; this PyTorch was built without CUDA: https://pytorch.org/get-started/locally"
        hint = f"did you mean `cuda`? {hint}" if name == "gpu" else hint
        raise error("argument-type", message, span, hint) from e
    return device


def _available() -> list[str]:
    """The devices that there are, the best one last."""
    there = {"mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available()}
    return ["cpu", *(name for name, is_there in there.items() if is_there)]


def home_of(data_bytes: int, device: torch.device) -> torch.device:
    """Where the data is to lie: on the device where it fits beside the network, else in the memory of the machine."""
    if device.type != "cuda":
        return device
    free, _ = torch.cuda.mem_get_info(device)
    return device if data_bytes <= FREE_SHARE * free else torch.device("cpu")
