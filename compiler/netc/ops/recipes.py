"""Rows of what a `data` or `train` section may name: optimizers, schedulers, data sources, and the keys themselves.

Parameters and defaults are those of torch 2.13 and scikit-learn 1.9; a test holds them against the libraries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netc.ops.op import Param, signature


@dataclass(frozen=True, slots=True)
class Recipe:
    """Something that a section names and calls: `SGD(lr=0.1)`. `target` is what is called, by its dotted name."""

    name: str
    target: str
    params: tuple[Param, ...]

    @property
    def signature(self) -> str:
        """What a user may write."""
        return f"{self.name}({', '.join(map(str, self.params))})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _find, (self.name,)


def _recipe(target: str, params: str, prefix: str = "") -> Recipe:
    return Recipe(prefix + target.rsplit(".", 1)[1], target, signature(params))


def _init(name: str, params: str) -> Recipe:
    """An initialisation under its name in torch without the underscore behind it."""
    return Recipe(name, f"torch.nn.init.{name}_", signature(params))


KAIMING = "a: float = 0, mode: fan_in|fan_out = fan_in, nonlinearity: str = leaky_relu"
ADAM = "lr: float = {lr}, betas: floats = [0.9, 0.999], eps: float = 1e-08, weight_decay: float = {decay}"
IMPLEMENTATION = "foreach: bool? = none, maximize: bool = false, capturable: bool = false, differentiable: bool = false"
FUSED = f"{IMPLEMENTATION}, fused: bool? = none"

OPTIMIZERS = [
    _recipe("torch.optim.SGD", "lr: float = 0.001, momentum: float = 0, dampening: float = 0, weight_decay: float = 0, "
            "nesterov: bool = false, maximize: bool = false, foreach: bool? = none, differentiable: bool = false, fused: bool? = none"),
    _recipe("torch.optim.Adam", ADAM.format(lr=0.001, decay=0) + f", amsgrad: bool = false, {FUSED}, decoupled_weight_decay: bool = false"),
    _recipe("torch.optim.AdamW", ADAM.format(lr=0.001, decay=0.01) + f", amsgrad: bool = false, {FUSED}"),
    _recipe("torch.optim.Adagrad", "lr: float = 0.01, lr_decay: float = 0, weight_decay: float = 0, initial_accumulator_value: float = 0, "
            "eps: float = 1e-10, foreach: bool? = none, maximize: bool = false, differentiable: bool = false, fused: bool? = none"),
    _recipe("torch.optim.RMSprop", "lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-08, weight_decay: float = 0, "
            f"momentum: float = 0, centered: bool = false, {IMPLEMENTATION}"),
    _recipe("torch.optim.NAdam", ADAM.format(lr=0.002, decay=0) +
            f", momentum_decay: float = 0.004, decoupled_weight_decay: bool = false, {IMPLEMENTATION}"),
]  # fmt: skip

SCHEDULERS = [
    _recipe("torch.optim.lr_scheduler.StepLR", "step_size: int, gamma: float = 0.1"),
    _recipe("torch.optim.lr_scheduler.MultiStepLR", "milestones: ints, gamma: float = 0.1"),
    _recipe("torch.optim.lr_scheduler.ExponentialLR", "gamma: float"),
    _recipe("torch.optim.lr_scheduler.LinearLR",
            "start_factor: float = 0.3333333333333333, end_factor: float = 1.0, total_iters: int = 5"),
    _recipe("torch.optim.lr_scheduler.CosineAnnealingLR", "T_max: int, eta_min: float = 0.0"),
]  # fmt: skip

SOURCES = [
    _recipe("sklearn.datasets.make_classification",
            "n_samples: int = 100, n_features: int = 20, n_informative: int = 2, n_redundant: int = 2, n_repeated: int = 0, "
            "n_classes: int = 2, n_clusters_per_class: int = 2, weights: floats? = none, flip_y: float = 0.01, class_sep: float = 1.0, "
            "hypercube: bool = true, shift: float? = 0.0, scale: float? = 1.0, shuffle: bool = true, random_state: int? = none",
            "sklearn."),
    _recipe("sklearn.datasets.make_regression",
            "n_samples: int = 100, n_features: int = 100, n_informative: int = 10, n_targets: int = 1, bias: float = 0.0, "
            "effective_rank: int? = none, tail_strength: float = 0.5, noise: float = 0.0, shuffle: bool = true, "
            "random_state: int? = none", "sklearn."),
    _recipe("sklearn.datasets.make_moons",
            "n_samples: int_or_ints = 100, shuffle: bool = true, noise: float? = none, random_state: int? = none", "sklearn."),
    _recipe("sklearn.datasets.make_circles",
            "n_samples: int_or_ints = 100, shuffle: bool = true, noise: float? = none, random_state: int? = none, factor: float = 0.8",
            "sklearn."),
    _recipe("sklearn.datasets.make_blobs",
            "n_samples: int_or_ints = 100, n_features: int = 2, centers: int? = none, cluster_std: float = 1.0, "
            "center_box: floats = [-10.0, 10.0], shuffle: bool = true, random_state: int? = none", "sklearn."),
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


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a section: a plain value (`param`), or one of `recipes` (and then `param` says whether it may be left out)."""

    param: Param
    recipes: tuple[Recipe, ...] = ()


def _keys(plain: str, **recipes: tuple[str, list[Recipe]]) -> dict[str, Key]:
    keys = {name: Key(signature(text)[0], tuple(rows)) for name, (text, rows) in recipes.items()}
    return keys | {p.name: Key(p) for p in signature(plain)}


NORMALIZE = "standard|minmax|max|none = none"

# What may stand in each section, with defaults.
KEYS: Mapping[str, Mapping[str, Key]] = {
    "data": _keys(
        f"validation: float = 0.0, normalize: {NORMALIZE}, normalize_target: {NORMALIZE}",
        source=("source: any", SOURCES),
    ),
    "train": _keys(
        "epochs: int, batch_size: int|full = full, seed: int = 0, precision: float32|bf16 = float32, clip_grad_norm: float? = none",
        optimizer=("optimizer: any", OPTIMIZERS),
        scheduler=("scheduler: any? = none", SCHEDULERS),
        early_stopping=("early_stopping: any? = none", STOPPING),
    ),
}

RECIPES = {r.name: r for r in [*OPTIMIZERS, *SCHEDULERS, *SOURCES, *STOPPING]}


def _find(name: str) -> Recipe:
    return RECIPES[name] if name in RECIPES else INITS[name]
