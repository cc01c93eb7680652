"""Why a training cannot go on, in words of the spec."""

from __future__ import annotations

import math

from netc.diagnostics import Diagnostic, NetError, Related, error
from netc.settings import Section
from netc.train.replay import Origin

# What keeps the arguments of a function where it is finite, and so is its slope.
REMEDIES = {
    "log": "keep what goes in above 0: `log(clamp(h, min=1e-6))`, or `log1p` of what is not negative",
    "sqrt": "keep what goes in above 0: `sqrt(h + 1e-6)`",
    "rsqrt": "keep what goes in above 0: `rsqrt(h + 1e-6)`",
    "exp": "keep what goes in small: `exp(clamp(h, max=20))`",
    "/": "keep the divisor away from 0: `a / (b + 1e-6)`",
    "div": "keep the divisor away from 0: `div(a, b + 1e-6)`",
    "**": "a power below 1 needs what is above 0",
    "norm": "at 0 the norm has no slope: `sqrt(sum(h ** 2) + 1e-6)`",
}
LARGE = 1e4  # what goes in is larger than any network wants it: the training diverged before


def diverged(settings: Section, loss: float, epoch: int, origin: Origin | None = None, is_shared: bool = False,
             rate: float | None = None, column: str = "loss") -> NetError:  # fmt: skip
    """The loss, or another column, of an epoch (from 1) is not finite; `origin` is where that began, if it is known.

    `is_shared` says whether several processes train, of which one alone might know more; `rate` is the learning rate then.
    """
    what = "NaN" if math.isnan(loss) else "infinite"
    made = settings.made("optimizer")
    ways = [f"a smaller `lr` ({_rate(settings, rate)})"]
    ways += ["`clip_grad_norm = 1.0`"] if settings["clip_grad_norm"] is None else []
    hint = f"try {', '.join(ways)}, or `normalize` the data"
    message = f"the {column} became {what} in epoch {epoch} of {settings['epochs']}"
    if origin is None:
        more = "; in one process, without --procs or torchrun, netc names the node that it began with" if is_shared else ""
        return error("training", message, made.span, hint + more)
    node, largest = origin.node, max((max(-low, high) for low, high in origin.inputs), default=0.0)
    name = node.op.name if node.op else node.path
    thing = f"gradient that is not finite is that of `{name}`" if origin.is_gradient else f"value that is not finite is what `{name}` gives"
    ranges = " and ".join(f"{low:.4g} to {high:.4g}" for low, high in origin.inputs[:3])
    hint = REMEDIES[name] if name in REMEDIES and largest < LARGE else hint
    related = (Related(made.span, "trained with this"),)
    return NetError([Diagnostic("training", f"{message}; the first {thing}", node.span,
                                f"of numbers from {ranges}" if ranges else "", related, hint)])  # fmt: skip


def _rate(settings: Section, rate: float | None) -> str:
    """The learning rate as it is written, and as a scheduler had it."""
    given = settings.made("optimizer").values.get("lr")
    if settings["scheduler"] is None or rate is None or (isinstance(given, (int, float)) and math.isclose(rate, given)):
        return f"now {given}"
    return f"now {given}, of which `{settings.made('scheduler').recipe.name}` had made {rate:.4g}"


def refused(settings: Section, e: Exception, epoch: int) -> NetError:
    """PyTorch raised in an epoch (from 1): the first line of what it says."""
    text = next(iter(str(e).strip().splitlines()), type(e).__name__)
    if settings["compile"] and type(e).__module__.startswith(("torch._dynamo", "torch._inductor", "torch._functorch")):
        lines = [line for line in map(str.strip, str(e).splitlines()) if line]
        message = f"PyTorch cannot compile this training: {' '.join(lines[:2])}"  # the first may say where only
        return error("training", message, settings.values["compile"].span, "`compile = false` trains without")
    return error("training", f"PyTorch cannot go on in epoch {epoch}: {text}", settings.span)
