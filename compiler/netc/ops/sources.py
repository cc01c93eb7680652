"""Rows of what the `data` section may name as its source, and the keys of that section.

Parameters and defaults are those of scikit-learn 1.9; a test holds them against it.
"""

from __future__ import annotations

from collections.abc import Mapping

from netc.ops.recipe import Key, keys_of, recipe

SOURCES = [
    recipe("sklearn.datasets.make_classification",
            "n_samples: int = 100, n_features: int = 20, n_informative: int = 2, n_redundant: int = 2, n_repeated: int = 0, "
            "n_classes: int = 2, n_clusters_per_class: int = 2, weights: floats? = none, flip_y: float = 0.01, class_sep: float = 1.0, "
            "hypercube: bool = true, shift: float? = 0.0, scale: float? = 1.0, shuffle: bool = true, random_state: int? = none",
            "sklearn."),
    recipe("sklearn.datasets.make_regression",
            "n_samples: int = 100, n_features: int = 100, n_informative: int = 10, n_targets: int = 1, bias: float = 0.0, "
            "effective_rank: int? = none, tail_strength: float = 0.5, noise: float = 0.0, shuffle: bool = true, "
            "random_state: int? = none", "sklearn."),
    recipe("sklearn.datasets.make_moons",
            "n_samples: int_or_ints = 100, shuffle: bool = true, noise: float? = none, random_state: int? = none", "sklearn."),
    recipe("sklearn.datasets.make_circles",
            "n_samples: int_or_ints = 100, shuffle: bool = true, noise: float? = none, random_state: int? = none, factor: float = 0.8",
            "sklearn."),
    recipe("sklearn.datasets.make_blobs",
            "n_samples: int_or_ints = 100, n_features: int = 2, centers: int? = none, cluster_std: float = 1.0, "
            "center_box: floats = [-10.0, 10.0], shuffle: bool = true, random_state: int? = none", "sklearn."),
]  # fmt: skip

NORMALIZE = "standard|minmax|max|none = none"

DATA_KEYS: Mapping[str, Key] = keys_of(
    f"ignore: str_or_strs = [], missing: error|drop|mean|median|most_frequent|float|str = error, unknown: error|ignore = error, "
    f"validation: float = 0.0, test: float = 0.0, normalize: {NORMALIZE}, normalize_target: {NORMALIZE}",
    source=("source: any", SOURCES),
)
