"""Rows of what a `train` section may name: optimizers, schedulers; the keys of the sections; initialisations.

Parameters and defaults are those of torch 2.13; a test holds them against it. What the `data` section may name stands in `sources`.
"""

from __future__ import annotations

from collections.abc import Mapping

from netc.ops.op import signature
from netc.ops.recipe import Key, Recipe, keys_of, recipe
from netc.ops.sources import DATA_KEYS, SOURCES


def _init(name: str, params: str) -> Recipe:
    """An initialisation under its name in torch without the underscore behind it."""
    return Recipe(name, f"torch.nn.init.{name}_", signature(params))


KAIMING = "a: float = 0, mode: fan_in|fan_out = fan_in, nonlinearity: str = leaky_relu"
ADAM = "lr: float = {lr}, betas: floats = [0.9, 0.999], eps: float = 1e-08, weight_decay: float = {decay}"
IMPLEMENTATION = "foreach: bool? = none, maximize: bool = false, capturable: bool = false, differentiable: bool = false"
FUSED = f"{IMPLEMENTATION}, fused: bool? = none"

OPTIMIZERS = [
    recipe("torch.optim.SGD", "lr: float = 0.001, momentum: float = 0, dampening: float = 0, weight_decay: float = 0, "
            "nesterov: bool = false, maximize: bool = false, foreach: bool? = none, differentiable: bool = false, fused: bool? = none"),
    recipe("torch.optim.Adam", ADAM.format(lr=0.001, decay=0) + f", amsgrad: bool = false, {FUSED}, decoupled_weight_decay: bool = false"),
    recipe("torch.optim.AdamW", ADAM.format(lr=0.001, decay=0.01) + f", amsgrad: bool = false, {FUSED}"),
    recipe("torch.optim.Adagrad", "lr: float = 0.01, lr_decay: float = 0, weight_decay: float = 0, initial_accumulator_value: float = 0, "
            "eps: float = 1e-10, foreach: bool? = none, maximize: bool = false, differentiable: bool = false, fused: bool? = none"),
    recipe("torch.optim.RMSprop", "lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-08, weight_decay: float = 0, "
            f"momentum: float = 0, centered: bool = false, {IMPLEMENTATION}"),
    recipe("torch.optim.NAdam", ADAM.format(lr=0.002, decay=0) +
            f", momentum_decay: float = 0.004, decoupled_weight_decay: bool = false, {IMPLEMENTATION}"),
]  # fmt: skip

SCHEDULERS = [
    recipe("torch.optim.lr_scheduler.StepLR", "step_size: int, gamma: float = 0.1"),
    recipe("torch.optim.lr_scheduler.MultiStepLR", "milestones: ints, gamma: float = 0.1"),
    recipe("torch.optim.lr_scheduler.ExponentialLR", "gamma: float"),
    recipe("torch.optim.lr_scheduler.LinearLR",
            "start_factor: float = 0.3333333333333333, end_factor: float = 1.0, total_iters: int = 5"),
    recipe("torch.optim.lr_scheduler.CosineAnnealingLR", "T_max: int, eta_min: float = 0.0"),
]  # fmt: skip

INITS = {
    r.name: r
    for r in (
        _init("normal", "mean: float = 0.0, std: float = 1.0"),
        _init("uniform", "a: float = 0.0, b: float = 1.0"),
        _init("constant", "val: float"),
        _init("zeros", ""),
        _init("ones", ""),
        _init("eye", ""),
        _init("dirac", "groups: int = 1"),
        _init("xavier_uniform", "gain: float = 1.0"),
        _init("xavier_normal", "gain: float = 1.0"),
        _init("kaiming_uniform", KAIMING),
        _init("kaiming_normal", KAIMING),
        _init("trunc_normal", "mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0"),
        _init("orthogonal", "gain: float = 1"),
        _init("sparse", "sparsity: float, std: float = 0.01"),
    )
}

STOPPING = [Recipe("patience", "netc.train.stopping.Patience", signature("epochs: int, monitor: str = loss, min_delta: float = 0.0"))]


# What may stand in each section, with defaults.
KEYS: Mapping[str, Mapping[str, Key]] = {
    "data": DATA_KEYS,
    "train": keys_of(
        "epochs: int, batch_size: int|full = full, seed: int = 0, precision: float32|bf16 = float32, clip_grad_norm: float? = none",
        optimizer=("optimizer: any", OPTIMIZERS),
        scheduler=("scheduler: any? = none", SCHEDULERS),
        early_stopping=("early_stopping: any? = none", STOPPING),
    ),
}

RECIPES = {r.name: r for r in [*OPTIMIZERS, *SCHEDULERS, *SOURCES, *STOPPING]}


def find(name: str) -> Recipe:
    """The recipe of that name, one of a section or an initialisation."""
    return RECIPES[name] if name in RECIPES else INITS[name]
