"""The losses and metrics of a model on rows with targets, computed as validation does at the end of an epoch."""

from __future__ import annotations

import torch

from netc.module import NetModule
from netc.settings import Section
from netc.train.batches import Batches, Tensors
from netc.train.columns import column_names
from netc.train.history import Recorder
from netc.train.measure import Measures
from netc.train.step import evaluation


@torch.no_grad()
def evaluate(model: NetModule, settings: Section, tensors: Tensors, batch_size: int, measures: Measures | None = None) -> dict[str, float]:
    """Each loss and metric by its name, of the inputs and targets `tensors`; the model is in evaluation mode."""
    names = column_names(model.graph)
    batches = Batches(tensors, batch_size)
    columns: dict[str, list[float]] = {name: [] for name in names}
    recorder = Recorder(columns, batches.weights, tensors[0].device)
    compute = evaluation(model, settings["precision"], measures.add if measures else lambda *_: None)
    for batch in batches.epoch():
        recorder.add(compute(*batch))
    recorder.read()
    values = {name: column[0] for name, column in columns.items()}
    return values | ({name: float(value) for name, value in zip(measures.names, measures.values(), strict=True)} if measures else {})
