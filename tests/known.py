"""Libraries of known networks, made to load beside the build of torch that the tests use."""

from __future__ import annotations

from typing import Any

import torch

# The operators that torchvision's Python code expects of its compiled part, which does not load beside every build of
# torch. transformers imports torchvision where it is installed.
LIBRARY: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
for operator in ("nms", "qnms"):
    LIBRARY.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
