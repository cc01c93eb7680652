"""Rows of what a `train` section may name: optimizers, schedulers; the keys of the sections.

Parameters and defaults are those of torch 2.13; a test holds them against it. What the `data` section may name stands in `sources`.
"""

from __future__ import annotations

from collections.abc import Mapping

from netc.ops.inits import INITS
from netc.ops.measures import METRICS
from netc.ops.op import signature
from netc.ops.recipe import Key, Recipe, keys_of, recipe
from netc.ops.sources import DATA_KEYS, SOURCES

ADAM = "lr: float = {lr}, betas: floats = [0.9, 0.999], eps: float = 1e-08, weight_decay: float = {decay}"
FOREACH = "foreach: bool? = none, maximize: bool = false, differentiable: bool = false"
IMPLEMENTATION = "foreach: bool? = none, maximize: bool = false, capturable: bool = false, differentiable: bool = false"
FUSED = f"{IMPLEMENTATION}, fused: bool? = none"

OPTIMIZERS = [
    recipe("torch.optim.SGD", "lr: float = 0.001, momentum: float = 0, dampening: float = 0, weight_decay: float = 0, "
            "nesterov: bool = false, maximize: bool = false, foreach: bool? = none, differentiable: bool = false, fused: bool? = none"),
    recipe("torch.optim.Adam", ADAM.format(lr=0.001, decay=0) + f", amsgrad: bool = false, {FUSED}, decoupled_weight_decay: bool = false"),
    recipe("torch.optim.AdamW", ADAM.format(lr=0.001, decay=0.01) + f", amsgrad: bool = false, {FUSED}"),
    recipe("torch.optim.Adagrad", "lr: float = 0.01, lr_decay: float = 0, weight_decay: float = 0, initial_accumulator_value: float = 0, "
            f"eps: float = 1e-10, {FOREACH}, fused: bool? = none"),
    recipe("torch.optim.RMSprop", "lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-08, weight_decay: float = 0, "
            "momentum: float = 0, centered: bool = false, capturable: bool = false, " + FOREACH),
    recipe("torch.optim.NAdam", ADAM.format(lr=0.002, decay=0) +
            f", momentum_decay: float = 0.004, decoupled_weight_decay: bool = false, {IMPLEMENTATION}"),
    recipe("torch.optim.RAdam", ADAM.format(lr=0.001, decay=0) + f", decoupled_weight_decay: bool = false, {IMPLEMENTATION}"),
    recipe("torch.optim.Adamax", ADAM.format(lr=0.002, decay=0) + f", {FOREACH}, capturable: bool = false"),
    recipe("torch.optim.Adadelta", "lr: float = 1.0, rho: float = 0.9, eps: float = 1e-06, weight_decay: float = 0, "
            "foreach: bool? = none, capturable: bool = false, maximize: bool = false, differentiable: bool = false"),
    recipe("torch.optim.Adafactor", "lr: float = 0.01, beta2_decay: float = -0.8, eps: floats_or_none = [none, 0.001], d: float = 1.0, "
            "weight_decay: float = 0.0, foreach: bool? = none, maximize: bool = false"),
    recipe("torch.optim.ASGD", "lr: float = 0.01, lambd: float = 0.0001, alpha: float = 0.75, t0: float = 1000000.0, "
            f"weight_decay: float = 0, {FOREACH}, capturable: bool = false"),
    recipe("torch.optim.Rprop", "lr: float = 0.01, etas: floats = [0.5, 1.2], step_sizes: floats = [1e-06, 50], "
            "capturable: bool = false, " + FOREACH),
    recipe("torch.optim.Muon", "lr: float = 0.001, weight_decay: float = 0.1, momentum: float = 0.95, nesterov: bool = true, "
            "ns_coefficients: floats = [3.4445, -4.775, 2.0315], eps: float = 1e-07, ns_steps: int = 5, "
            "adjust_lr_fn: original|match_rms_adamw? = none"),
    recipe("torch.optim.LBFGS", "lr: float = 1, max_iter: int = 20, max_eval: int? = none, tolerance_grad: float = 1e-07, "
            "tolerance_change: float = 1e-09, history_size: int = 100, line_search_fn: str? = none"),
    recipe("torch.optim.SparseAdam", "lr: float = 0.001, betas: floats = [0.9, 0.999], eps: float = 1e-08, maximize: bool = false"),
]  # fmt: skip

SCHEDULERS = [
    recipe("torch.optim.lr_scheduler.StepLR", "step_size: int, gamma: float = 0.1"),
    recipe("torch.optim.lr_scheduler.MultiStepLR", "milestones: ints, gamma: float = 0.1"),
    recipe("torch.optim.lr_scheduler.ExponentialLR", "gamma: float"),
    recipe("torch.optim.lr_scheduler.ConstantLR", "factor: float = 0.3333333333333333, total_iters: int = 5"),
    recipe("torch.optim.lr_scheduler.LinearLR",
            "start_factor: float = 0.3333333333333333, end_factor: float = 1.0, total_iters: int = 5"),
    recipe("torch.optim.lr_scheduler.PolynomialLR", "total_iters: int = 5, power: float = 1.0"),
    recipe("torch.optim.lr_scheduler.CosineAnnealingLR", "T_max: int, eta_min: float = 0.0"),
    recipe("torch.optim.lr_scheduler.CosineAnnealingWarmRestarts", "T_0: int, T_mult: int = 1, eta_min: float = 0.0"),
    recipe("torch.optim.lr_scheduler.OneCycleLR",
            "max_lr: float_or_floats, total_steps: int? = none, epochs: int? = none, steps_per_epoch: int? = none, pct_start: float = 0.3, "
            "anneal_strategy: cos|linear = cos, cycle_momentum: bool = true, base_momentum: float_or_floats = 0.85, "
            "max_momentum: float_or_floats = 0.95, div_factor: float = 25.0, final_div_factor: float = 10000.0, three_phase: bool = false"),
    recipe("torch.optim.lr_scheduler.CyclicLR",
            "base_lr: float_or_floats, max_lr: float_or_floats, step_size_up: int = 2000, step_size_down: int? = none, "
            "mode: triangular|triangular2|exp_range = triangular, gamma: float = 1.0, cycle_momentum: bool = true, "
            "base_momentum: float = 0.8, max_momentum: float = 0.9"),
    recipe("torch.optim.lr_scheduler.ReduceLROnPlateau",
            "mode: min|max = min, factor: float = 0.1, patience: int = 10, threshold: float = 0.0001, threshold_mode: rel|abs = rel, "
            "cooldown: int = 0, min_lr: float_or_floats = 0, eps: float = 1e-08"),
    recipe("torch.optim.lr_scheduler.LambdaLR", "lr_lambda: factors"),
    recipe("torch.optim.lr_scheduler.MultiplicativeLR", "lr_lambda: factors"),
    recipe("torch.optim.lr_scheduler.SequentialLR", "schedulers: schedulers, milestones: ints"),
    recipe("torch.optim.lr_scheduler.ChainedScheduler", "schedulers: schedulers"),
]  # fmt: skip
EACH_STEP = ("OneCycleLR", "CyclicLR")  # schedulers that torch's documentation steps after every batch

STOPPING = [Recipe("patience", "netc.train.stopping.Patience", signature("epochs: int, monitor: str? = none, min_delta: float = 0.0"))]


# What may stand in each section, with defaults.
KEYS: Mapping[str, Mapping[str, Key]] = {
    "data": DATA_KEYS,
    "train": keys_of(
        "epochs: int, batch_size: int|full = full, seed: int = 0, accumulate: int = 1, precision: float32|bf16|fp16 = float32, "
        "clip_grad_norm: float? = none, clip_grad_value: float? = none, "
        "device: auto|cpu|cuda|mps|str = auto, compile: bool = false, scheduler_interval: auto|epoch|step = auto, monitor: str? = none, "
        "checkpoint: float? = 30.0, parallel: ddp|fsdp = ddp",
        optimizer=("optimizer: any", OPTIMIZERS),
        scheduler=("scheduler: any? = none", SCHEDULERS),
        early_stopping=("early_stopping: any? = none", STOPPING),
        metrics=("metrics: several? = none", METRICS),
    ),
}

RECIPES = {r.name: r for r in [*OPTIMIZERS, *SCHEDULERS, *SOURCES, *STOPPING, *METRICS]}


def find(name: str) -> Recipe:
    """The recipe of that name, one of a section or an initialisation."""
    return RECIPES[name] if name in RECIPES else INITS[name]
