"""Where the random numbers stand that a training may draw: torch's (CPU and accelerators), numpy's and Python's own."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def random_states() -> dict[str, Any]:
    """The states of all global generators, as a checkpoint can hold them."""
    kind, key, position, has_gauss, cached = np.random.get_state(legacy=True)
    version, internal, gauss = random.getstate()
    states: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": [str(kind), torch.from_numpy(np.asarray(key, np.int64)), int(position), int(has_gauss), float(cached)],
        "python": [version, torch.tensor(internal), gauss],
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def restore_random(states: Mapping[str, Any]) -> None:
    """Sets the generators to where they stood. On a machine with other accelerators, theirs are left as they are."""
    if "torch" in states:
        torch.set_rng_state(states["torch"])
    if "numpy" in states:
        kind, key, *rest = states["numpy"]
        np.random.set_state((kind, key.numpy().astype(np.uint32), *rest))
    if "python" in states:
        version, internal, gauss = states["python"]
        random.setstate((version, tuple(internal.tolist()), gauss))
    if len(states.get("cuda", ())) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states.get("cuda", ()))
