"""Small real tables: netc's estimators against scikit-learn's perceptrons of the same shape, in accuracy or R² and in time.

`python benchmarks/tables.py` prints the tables; `make bench` writes them too. Both are trained on the same rows by Adam with the same
learning rate, batch size and number of epochs, on one thread, without early stopping and without a penalty on the weights. Features, and
the target of the regression, are scaled to mean 0 and deviation 1 by the training rows: in netc by the spec, for scikit-learn by
`StandardScaler` and `TransformedTargetRegressor`. What differs are the first weights (torch's Kaiming, scikit-learn's Glorot).
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
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

# spec: the data, and what its score is
TABLES: dict[str, tuple[Callable[..., Any], str]] = {
    "digits": (datasets.load_digits, "accuracy"),
    "breast_cancer": (datasets.load_breast_cancer, "accuracy"),
    "wine": (datasets.load_wine, "accuracy"),
    "diabetes": (datasets.load_diabetes, "R²"),
}


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


def rival(name: str, seed: int) -> Any:
    """Scikit-learn's perceptron as the spec describes its own."""
    training = netc.load(SPECS / f"{name}.net").training
    assert training is not None
    adam = training["optimizer"].values
    settings = {
        "hidden_layer_sizes": (64,), "solver": "adam", "learning_rate_init": adam["lr"], "beta_1": adam["betas"][0],
        "beta_2": adam["betas"][1], "epsilon": adam["eps"], "alpha": 0.0, "batch_size": training["batch_size"],
        "max_iter": training["epochs"], "n_iter_no_change": training["epochs"], "random_state": seed,
    }  # fmt: skip
    if TABLES[name][1] == "accuracy":
        return make_pipeline(StandardScaler(), MLPClassifier(**settings))
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), MLPRegressor(**settings)), transformer=StandardScaler())


def ours(name: str, seed: int) -> Any:
    estimator = netc.NetClassifier if TABLES[name][1] == "accuracy" else netc.NetRegressor
    return estimator(SPECS / f"{name}.net", random_state=seed, set={"data.test": 0.0})


def measured(name: str) -> dict[str, Way]:
    """Both ways over all seeds, in turn; each seed has a split of its own."""
    load, score = TABLES[name]
    features, target = load(return_X_y=True)
    features = features.astype("float32")
    ways = {"netc": Way(), "scikit-learn": Way()}
    for seed in [-1, *SEEDS]:  # the first is to warm up
        strata = target if score == "accuracy" else None
        split = train_test_split(features, target, test_size=TEST, random_state=max(seed, 0), stratify=strata)
        for way in list(ways)[:: 1 if seed % 2 else -1]:
            estimator = (ours if way == "netc" else rival)(name, max(seed, 0))
            wall, processor = time.perf_counter(), time.process_time()
            estimator.fit(split[0], split[2])
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            if seed >= 0:
                ways[way].scores.append(estimator.score(split[1], split[3]))
                ways[way].processor.append(processor)
                ways[way].wall.append(wall)
    return ways


SAID = f"""{len(SEEDS)} seeds, each with a split of its own, {TEST:.0%} of the rows held out: mean and deviation of the score on
these, and the mean of the differences seed by seed with its standard error. Both train on the same rows with Adam, the same learning rate,
batch size and number of epochs, without early stopping and penalty, on one thread; features, and the target of `diabetes`, are scaled by
the training rows. The time is that of a whole `fit`, for netc with reading and checking the spec: the median of the processor's seconds
and of those on the wall. The ratio is of the processor's."""


def report() -> Report:
    """All tables."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is what is asked for
    figures, rows = [], []
    for name, (_, score) in TABLES.items():
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
    print("\n".join(report().details))
