"""Small real tables: netc's estimators against scikit-learn's perceptrons of the same shape, in accuracy or R² and in time.

`python benchmarks/tables.py` prints the tables; `make bench` writes them too. Both are trained on the same rows by Adam with the same
learning rate, batch size and number of epochs, on one thread, without early stopping. Features, and the target of the regression, are
scaled to mean 0 and deviation 1 by the training rows: in netc by the spec, for scikit-learn by `StandardScaler` and
`TransformedTargetRegressor`. The penalty on the weights, and for netc the schedule of the learning rate, which scikit-learn's Adam has not,
are those that were best in `python benchmarks/tables.py search`: a quarter of the training rows is held out there, of other splits. It
was run with and without a penalty on the biases; a group of their own costs some microseconds a step, and only `wine` is better for it.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import netc
from report import Figure, Report, table

SPECS = Path(__file__).parent.parent / "specs"
SEEDS = range(10)
TEST = 0.25  # the share of the rows that is held out

# spec: the data, what its score is, and scikit-learn's penalty; netc's is in the spec
TABLES: dict[str, tuple[Callable[..., Any], str, float]] = {
    "digits": (datasets.load_digits, "accuracy", 0.1),
    "breast_cancer": (datasets.load_breast_cancer, "accuracy", 1.0),
    "wine": (datasets.load_wine, "accuracy", 1.0),
    "diabetes": (datasets.load_diabetes, "R²", 1.0),
}
SEARCHED = range(100, 300)  # seeds of other splits than those that are measured
PENALTIES = (0.0, 0.0001, 0.01, 0.1, 1.0, 3.0)  # `alpha`, of which scikit-learn takes 0.0001 where nothing is said
DECAYS = {"Adam": (0.0, 0.003, 0.03, 0.1), "AdamW": (0.3, 1.0, 3.0)}
SCHEDULES = ("none", "CosineAnnealingLR(T_max=epochs)")


@dataclass
class Way:
    """The scores of a way of training on held-out rows, and the seconds of each fit: of the processor, and on the wall."""

    scores: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def score(self) -> str:
        """Mean and deviation over the seeds."""
        return f"{statistics.mean(self.scores):.3f} ± {statistics.stdev(self.scores):.3f}"


def rival(name: str, seed: int, alpha: float) -> Any:
    """Scikit-learn's perceptron as the spec describes its own."""
    training = netc.load(SPECS / f"{name}.net").training
    assert training is not None
    adam = training["optimizer"].values
    settings = {
        "hidden_layer_sizes": (64,), "solver": "adam", "learning_rate_init": adam["lr"], "beta_1": adam["betas"][0],
        "beta_2": adam["betas"][1], "epsilon": adam["eps"], "alpha": alpha, "batch_size": training["batch_size"],
        "max_iter": training["epochs"], "n_iter_no_change": training["epochs"], "random_state": seed,
    }  # fmt: skip
    if TABLES[name][1] == "accuracy":
        return make_pipeline(StandardScaler(), MLPClassifier(**settings))
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), MLPRegressor(**settings)), transformer=StandardScaler())


def ours(name: str, seed: int, settings: Mapping[str, str] = MappingProxyType({})) -> Any:
    estimator = netc.NetClassifier if TABLES[name][1] == "accuracy" else netc.NetRegressor
    return estimator(SPECS / f"{name}.net", random_state=seed, set={"data.test": 0.0, **settings})


def parted(name: str, features: Any, target: Any, seed: int) -> Any:
    """Features and targets to train on, and those that are held out."""
    strata = target if TABLES[name][1] == "accuracy" else None
    x, other_x, y, other_y = train_test_split(features, target, test_size=TEST, random_state=seed, stratify=strata)
    return (x, y), (other_x, other_y)


def loaded(name: str) -> tuple[Any, Any]:
    features, target = TABLES[name][0](return_X_y=True)
    return features.astype("float32"), target


def measured(name: str) -> dict[str, Way]:
    """Both ways over all seeds, in turn; each seed has a split of its own."""
    ways = {"netc": Way(), "scikit-learn": Way()}
    for seed in [-1, *SEEDS]:  # the first is to warm up
        training, test = parted(name, *loaded(name), max(seed, 0))
        for way in list(ways)[:: 1 if seed % 2 else -1]:
            estimator = ours(name, max(seed, 0)) if way == "netc" else rival(name, max(seed, 0), TABLES[name][2])
            wall, processor = time.perf_counter(), time.process_time()
            estimator.fit(*training)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            if seed >= 0:
                ways[way].scores.append(estimator.score(*test))
                ways[way].processor.append(processor)
                ways[way].wall.append(wall)
    return ways


def search(name: str) -> list[str]:
    """The scores of all settings on a part of the training rows, the best of netc and of scikit-learn first: rows of a table."""
    netcs = {f"{kind}(lr=0.003, weight_decay={decay}, fused=true)": decay for kind, decays in DECAYS.items() for decay in decays}
    settings = [{"train.optimizer": optimizer, "train.scheduler": schedule} for optimizer in netcs for schedule in SCHEDULES]
    scores: dict[str, list[float]] = {}
    for seed in SEARCHED[: 20 if name == "digits" else None]:
        training, test = parted(name, *parted(name, *loaded(name), seed)[0], seed)
        tried = {" ".join(given.values()): ours(name, seed, given) for given in settings}
        tried |= {f"scikit-learn alpha={alpha}": rival(name, seed, alpha) for alpha in PENALTIES}
        for what, estimator in tried.items():
            scores.setdefault(what, []).append(estimator.fit(*training).score(*test))
    means = {what: statistics.mean(found) for what, found in scores.items()}
    errors = {what: statistics.stdev(found) / len(found) ** 0.5 for what, found in scores.items()}
    order = sorted(means, key=lambda what: ("alpha" in what, -means[what]))
    return table([name, "score"], [[what, f"{means[what]:.4f} ± {errors[what]:.4f}"] for what in order])


SAID = f"""{len(SEEDS)} seeds, each with a split of its own, {TEST:.0%} of the rows held out: mean and deviation of the score on
these, and the mean of the differences seed by seed with its standard error. Both train on the same rows with Adam, the same learning rate,
batch size and number of epochs, without early stopping, on one thread; features, and the target of `diabetes`, are scaled by the training
rows. The penalty of both, and netc's schedule, are the best of 14 settings (of netc, with and without biases) and of {len(PENALTIES)} (of
scikit-learn) on a part of the training rows of {len(SEARCHED)} other splits (20 for `digits`): `python benchmarks/tables.py search`. The
time is that of a whole `fit`, for netc with reading and checking the spec: the median of the processor's seconds and of those on the
wall. The ratio is of the processor's."""


def report() -> Report:
    """All tables."""
    figures, rows = [], []
    for name, (_, score, _) in TABLES.items():
        ways = measured(name)
        mine, other = ways["netc"], ways["scikit-learn"]
        ratio = statistics.median(a / b for a, b in zip(mine.processor, other.processor, strict=True))
        figures.append(Figure(f"`{name}`: {score}, netc against scikit-learn", f"{mine.score} against {other.score}", "not worse"))
        figures.append(Figure(f"`{name}`: time of a fit, against scikit-learn's", f"{ratio:.2f}", "1.00"))
        pairs = [a - b for a, b in zip(mine.scores, other.scores, strict=True)]
        apart = f"{statistics.mean(pairs):+.3f} ± {statistics.stdev(pairs) / len(pairs) ** 0.5:.3f}"
        times = [f"{statistics.median(way.processor):.3f} s, {statistics.median(way.wall):.3f} s" for way in (mine, other)]
        rows.append([f"`{name}` ({score})", mine.score, other.score, apart, *times, f"{ratio:.2f}"])
    head = ["data", "netc", "scikit-learn", "difference", "netc, a fit", "scikit-learn, a fit", "ratio"]
    return Report(figures, [SAID, "", *table(head, rows)])


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is what is asked for
    if sys.argv[1:2] == ["search"]:
        for name in sys.argv[2:] or TABLES:
            print("\n".join(search(name)), flush=True)
    else:
        print("\n".join(report().details))
