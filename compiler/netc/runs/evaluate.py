"""A run's model on the parts of its own data, or on rows of a file."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from netc.data.checks import no_data, prepared_data
from netc.data.normalize import Array
from netc.data.prepare import Prepared
from netc.data.sources import load_data
from netc.diagnostics import error
from netc.pipeline import Network
from netc.runs.folder import Run
from netc.settings import Section
from netc.train.evaluate import evaluate
from netc.train.measure import make_measures
from netc.train.session import tensors

Values = Mapping[str, float]  # each loss and metric by its name, and `rows`


def evaluate_parts(run: Run, best: bool = False) -> dict[str, Values]:
    """The losses and metrics on the training rows and on each part that was held out, as the spec divides the data.

    Raises `NetError` where the data, the spec or the weights cannot be read.
    """
    network = run.network()
    data, settings = sections(network)
    prepared, _ = prepared_data(network.graph, network.table or load_data(data), data, settings)
    model = run.module(best=best)
    size = len(prepared.train[0]) if settings["batch_size"] == "full" else int(settings["batch_size"])  # as validation had it
    found: dict[str, Values] = {}
    for name, arrays in parts_of(prepared).items():
        measures = make_measures(network.graph, settings, prepared.target_scaling)
        values = evaluate(model, settings, tensors(arrays, prepared.dtypes, torch.device("cpu")), size, measures)
        found[name] = {"rows": float(len(arrays[0])), **values}
    return found


def sections(network: Network) -> tuple[Section, Section]:
    """The sections of a spec that was trained. Raises `NetError` where it has none."""
    if network.data is None:
        raise no_data(network.graph)
    if network.training is None or not network.graph.losses:
        raise error("training", "the spec of the run does not say how it was trained", network.graph.span)
    return network.data, network.training


def parts_of(prepared: Prepared) -> dict[str, tuple[Array, ...]]:
    """The parts of the data that have rows, by name."""
    parts = {"training": prepared.train, "validation": prepared.validation, "test": getattr(prepared, "test", None)}
    return {name: arrays for name, arrays in parts.items() if arrays is not None}
