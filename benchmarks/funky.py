"""The article's question: is the network with ReLU and tanh side by side better than the one with ReLU? Over 20 seeds."""

from __future__ import annotations

import statistics
from pathlib import Path

import torch

import netc
from netc.train.batches import tensors
from netc.train.columns import column_names
from netc.train.loop import fit
from report import Report, table

SPECS = Path(__file__).parent.parent / "specs"
SEEDS = range(20)
LR = 0.04


def losses(name: str) -> list[list[float]]:
    """The losses of all epochs, for each seed."""
    from netc.data.prepare import prepare
    from netc.data.sources import load_data

    runs = []
    for seed in SEEDS:
        spec = netc.load(SPECS / f"{name}.net", {"train.seed": seed, "train.optimizer.lr": LR})
        assert spec.data is not None
        assert spec.training is not None
        prepared = prepare(spec.graph, spec.data, load_data(spec.data), seed)
        torch.manual_seed(seed)
        batch = tensors(prepared.train, prepared.dtypes, torch.device("cpu"))
        runs.append(fit(spec.module(), column_names(spec.graph), batch, spec.training).columns["loss"])
    return runs


def report() -> Report:
    """The losses after 100, 300 and 1000 epochs, and how often the funky network is better."""
    plain, funky = losses("network"), losses("funky")
    rows = []
    for epochs in (100, 300, 1000):
        a, b = ([run[epochs - 1] for run in runs] for runs in (plain, funky))
        wins = sum(y < x for x, y in zip(a, b, strict=True))
        cells = [f"{statistics.mean(v):.3f} ± {statistics.stdev(v):.3f}" for v in (a, b)]
        rows.append([str(epochs), *cells, f"{wins} of {len(SEEDS)}"])
    said = f"Mean and standard deviation of the loss over {len(SEEDS)} seeds, learning rate {LR} for both."
    return Report(details=[said, "", *table(["epochs", "ReLU", "ReLU and tanh", "better with both"], rows)])
