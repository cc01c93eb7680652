"""The trained network of a run, made once, for any number of rows."""

from __future__ import annotations

from functools import cached_property

import torch

from netc.data.normalize import Array
from netc.data.preprocessing import Preprocessing
from netc.runs.folder import Run
from netc.runs.given import Rows, preprocessing_of
from netc.runs.predictions import prediction_columns
from netc.runs.weights import trained_module
from netc.train.batches import tensors
from netc.train.verdict import all_outputs


class Predictor:
    """The network of a run with its weights, the last ones or `best`, and what the training did to its data."""

    def __init__(self, run: Run, best: bool = False) -> None:
        self.run = run
        self.network = run.network()
        self.model = trained_module(run, best)

    @cached_property
    def done(self) -> Preprocessing:
        """What the training did to its data. Raises NetError where the run's record does not say it."""
        return preprocessing_of(self.run)

    def columns(self, rows: Rows) -> tuple[dict[str, Array], Array]:
        """What the network says of the rows, as columns by name, and which of the rows these are of. Raises NetError."""
        applied = rows.inputs()
        dtypes = tuple(fitted.dtype for fitted in rows.done.inputs)
        outputs = all_outputs(self.model, tensors(applied.inputs, dtypes, torch.device("cpu")))
        return prediction_columns(self.network.graph, outputs, rows.done), applied.rows
