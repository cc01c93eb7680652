"""Why a training cannot go on, in words of the spec."""

from __future__ import annotations

import math

from netc.diagnostics import NetError, error
from netc.settings import Section


def diverged(settings: Section, loss: float, epoch: int) -> NetError:
    """The loss of an epoch (from 1) is not finite."""
    what = "NaN" if math.isnan(loss) else "infinite"
    made = settings.made("optimizer")
    ways = [f"a smaller `lr` (now {made.values.get('lr')})"]
    ways += ["`clip_grad_norm = 1.0`"] if settings["clip_grad_norm"] is None else []
    hint = f"try {', '.join(ways)}, or `normalize` the data"
    return error("training", f"the loss became {what} in epoch {epoch} of {settings['epochs']}", made.span, hint)


def refused(settings: Section, e: Exception, epoch: int) -> NetError:
    """PyTorch raised in an epoch (from 1): the first line of what it says."""
    text = next(iter(str(e).strip().splitlines()), type(e).__name__)
    if settings["compile"] and type(e).__module__.startswith(("torch._dynamo", "torch._inductor", "torch._functorch")):
        lines = [line for line in map(str.strip, str(e).splitlines()) if line]
        message = f"PyTorch cannot compile this training: {' '.join(lines[:2])}"  # the first may say where only
        return error("training", message, settings.values["compile"].span, "`compile = false` trains without")
    return error("training", f"PyTorch cannot go on in epoch {epoch}: {text}", settings.span)
