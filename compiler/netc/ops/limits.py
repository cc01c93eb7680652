"""What torch asks of the arguments of its optimizers and schedulers, made or in a step; a test holds it against torch itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from netc.ops.op import value_text


@dataclass(frozen=True, slots=True)
class Limit:
    """What the value of an argument must be, in words; `others` are the values of all arguments."""

    argument: str
    holds: Callable[[Any, Mapping[str, Any]], bool]
    text: str

    def broken(self, name: str, value: Any) -> str:
        """What is said of the recipe of that name where the value is another."""
        return f"`{name}`: {self.argument} must be {self.text}{f', not {value_text(value)}' if isinstance(value, (int, float)) else ''}"


def _least(argument: str, low: float) -> Limit:
    return Limit(argument, lambda value, _: value >= low, f"{low:g} or more")


def _above(argument: str, low: float) -> Limit:
    return Limit(argument, lambda value, _: value > low, f"above {low:g}")


def _between(argument: str, low: float, high: float) -> Limit:
    return Limit(argument, lambda value, _: low <= value <= high, f"from {low:g} to {high:g}")


def _positive(argument: str) -> Limit:
    return Limit(argument, lambda value, _: value is None or value >= 1, "1 or more")


def _not_0(argument: str) -> Limit:
    return Limit(argument, lambda value, _: value != 0, "another number than 0")


def _count(argument: str, count: int, words: str) -> Limit:
    return Limit(argument, lambda value, _: len(value) == count, words)  # torch unpacks it in the first step


_RATE, _DECAY, _EPS, _MOMENTUM = _least("lr", 0), _least("weight_decay", 0), _least("eps", 0), _least("momentum", 0)
_BETAS = Limit("betas", lambda value, _: len(value) == 2 and all(0 <= beta < 1 for beta in value), "two numbers from 0 to below 1")
_FUSED = Limit("fused", lambda value, others: not value or not (others["differentiable"] or others["foreach"]),
               "left out where `differentiable` or `foreach` is `true`")  # fmt: skip
_ADAM = (_RATE, _BETAS, _EPS, _DECAY)
_FACTORS = Limit("etas", lambda value, _: len(value) == 2 and 0 < value[0] < 1 < value[1], "two numbers, from 0 to 1 and above 1")
_NESTEROV = Limit("nesterov", lambda value, others: not value or (others["momentum"] > 0 and others["dampening"] == 0),
                  "left out where `momentum` is 0 or `dampening` is not")  # fmt: skip
_EPSILONS = Limit("eps", lambda value, _: len(value) == 2 and value[1] is not None and all(v is None or v >= 0 for v in value),
                  "two numbers, 0 or more, of which the first may be `none`")  # fmt: skip
_INNER = Limit("schedulers", lambda value, _: bool(value) and not any(made.recipe.name == "ReduceLROnPlateau" for made in value),
               "one or more, and not `ReduceLROnPlateau`, which takes its steps by a value")  # fmt: skip

LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "SGD": (_RATE, _MOMENTUM, _DECAY, _NESTEROV, _FUSED),
    "Adam": (*_ADAM, _FUSED), "AdamW": (*_ADAM, _FUSED), "Adamax": _ADAM, "RAdam": _ADAM, "NAdam": (*_ADAM, _least("momentum_decay", 0)),
    "SparseAdam": (_above("lr", 0), _BETAS, _above("eps", 0)),
    "Adagrad": (_RATE, _least("lr_decay", 0), _DECAY, _least("initial_accumulator_value", 0), _EPS, _FUSED),
    "RMSprop": (_RATE, _EPS, _MOMENTUM, _DECAY, _least("alpha", 0)),
    "Adadelta": (_RATE, _between("rho", 0, 1), _EPS, _DECAY),
    "Adafactor": (_RATE, Limit("beta2_decay", lambda value, _: value <= 0, "0 or less"), _EPSILONS, _least("d", 1), _DECAY),
    "ASGD": (_RATE, _DECAY), "Rprop": (_RATE, _FACTORS, _count("step_sizes", 2, "two numbers")),
    "Muon": (_RATE, _MOMENTUM, _DECAY, _count("ns_coefficients", 3, "three numbers"),
             Limit("ns_steps", lambda value, _: value < 100, "below 100")),
    "LBFGS": (_RATE, _positive("history_size"),
              Limit("line_search_fn", lambda value, _: value in (None, "strong_wolfe"), '"strong_wolfe" or `none`')),
    "StepLR": (_positive("step_size"),),  # torch divides by it after the first epoch only
    "ConstantLR": (_between("factor", 0, 1),),
    "LinearLR": (Limit("start_factor", lambda value, _: 0 < value <= 1, "above 0, up to 1"), _between("end_factor", 0, 1)),
    "CosineAnnealingLR": (_positive("T_max"),),  # as that of `StepLR`
    "CosineAnnealingWarmRestarts": (_positive("T_0"), _positive("T_mult")),
    "ReduceLROnPlateau": (Limit("factor", lambda value, _: value < 1, "below 1"),),
    "OneCycleLR": (_positive("total_steps"), _positive("epochs"), _positive("steps_per_epoch"),
                   Limit("pct_start", lambda value, _: isinstance(value, float) and 0 <= value <= 1, "from 0.0 to 1.0, with a point"),
                   _not_0("div_factor"), _not_0("final_div_factor")),
    "CyclicLR": (_positive("step_size_up"),),
    "SequentialLR": (_INNER,), "ChainedScheduler": (_INNER,),
}  # fmt: skip


def refused(name: str, values: Mapping[str, Any]) -> list[Limit]:
    """The limits that the arguments of a recipe do not keep."""
    return [limit for limit in LIMITS.get(name, ()) if not limit.holds(values[limit.argument], values)]
