"""Rows of what the `data` section may name as its source, and the keys of that section.

Parameters and defaults of `sklearn.` are those of scikit-learn 1.9; a test holds them against it. A `file` is a path relative to
the file that names it.
"""

from __future__ import annotations

from collections.abc import Mapping

from netc.ops.op import signature
from netc.ops.recipe import Key, Recipe, keys_of, recipe

SEED = "random_state: int? = none"
TARGET = "target: str_or_strs? = none"  # the columns to be predicted
SAMPLES = "n_samples: int = 100"


def _sklearn(name: str, params: str) -> Recipe:
    return recipe(f"sklearn.datasets.{name}", params, "sklearn.")


def _own(name: str, params: str) -> Recipe:
    """A source that netc reads itself; its target is the function that does."""
    return Recipe(name, f"netc.data.files.read_{name}", signature(params))


SOURCES = [
    _own("csv", f'file: file, {TARGET}, delimiter: str = ",", header: bool = true, encoding: str = "utf8", decimal: str = "."'),
    _own("parquet", f"file: file, {TARGET}"),
    _own("npz", "file: file"),
    _own("npy", "features: file, target: file? = none"),
    _own("python", "function: function"),
    _sklearn("make_classification",
             f"{SAMPLES}, n_features: int = 20, n_informative: int = 2, n_redundant: int = 2, n_repeated: int = 0, n_classes: int = 2, "
             "n_clusters_per_class: int = 2, weights: floats? = none, flip_y: float = 0.01, class_sep: float = 1.0, "
             f"hypercube: bool = true, shift: float? = 0.0, scale: float? = 1.0, shuffle: bool = true, {SEED}"),
    _sklearn("make_regression",
             f"{SAMPLES}, n_features: int = 100, n_informative: int = 10, n_targets: int = 1, bias: float = 0.0, "
             f"effective_rank: int? = none, tail_strength: float = 0.5, noise: float = 0.0, shuffle: bool = true, {SEED}"),
    _sklearn("make_moons", f"n_samples: int_or_ints = 100, shuffle: bool = true, noise: float? = none, {SEED}"),
    _sklearn("make_circles", f"n_samples: int_or_ints = 100, shuffle: bool = true, noise: float? = none, {SEED}, factor: float = 0.8"),
    _sklearn("make_blobs",
             "n_samples: int_or_ints = 100, n_features: int = 2, centers: int? = none, cluster_std: float = 1.0, "
             f"center_box: floats = [-10.0, 10.0], shuffle: bool = true, {SEED}"),
    _sklearn("make_gaussian_quantiles",
             f"mean: floats? = none, cov: float = 1.0, {SAMPLES}, n_features: int = 2, n_classes: int = 3, shuffle: bool = true, {SEED}"),
    _sklearn("make_hastie_10_2", f"n_samples: int = 12000, {SEED}"),
    _sklearn("make_multilabel_classification",
             f"{SAMPLES}, n_features: int = 20, n_classes: int = 5, n_labels: int = 2, length: int = 50, "
             f"allow_unlabeled: bool = true, {SEED}"),
    _sklearn("make_friedman1", f"{SAMPLES}, n_features: int = 10, noise: float = 0.0, {SEED}"),
    _sklearn("make_friedman2", f"{SAMPLES}, noise: float = 0.0, {SEED}"),
    _sklearn("make_friedman3", f"{SAMPLES}, noise: float = 0.0, {SEED}"),
    _sklearn("make_sparse_uncorrelated", f"{SAMPLES}, n_features: int = 10, {SEED}"),
    _sklearn("make_s_curve", f"{SAMPLES}, noise: float = 0.0, {SEED}"),
    _sklearn("make_swiss_roll", f"{SAMPLES}, noise: float = 0.0, {SEED}, hole: bool = false"),
    _sklearn("make_low_rank_matrix", f"{SAMPLES}, n_features: int = 100, effective_rank: int = 10, tail_strength: float = 0.5, {SEED}"),
    _sklearn("load_breast_cancer", ""),
    _sklearn("load_diabetes", "scaled: bool = true"),
    _sklearn("load_digits", "n_class: int = 10"),
    _sklearn("load_iris", ""),
    _sklearn("load_linnerud", ""),
    _sklearn("load_wine", ""),
]  # fmt: skip

NORMALIZE = "standard|minmax|max|none = none"

DATA_KEYS: Mapping[str, Key] = keys_of(
    f"ignore: str_or_strs = [], missing: error|drop|mean|median|most_frequent|float|str = error, unknown: error|ignore = error, "
    f"validation: float = 0.0, test: float = 0.0, normalize: {NORMALIZE}, normalize_target: {NORMALIZE}",
    source=("source: any", SOURCES),
)
COLUMN_KEYS = ("missing", "normalize", "normalize_target")  # those that a `group` may say of some columns
