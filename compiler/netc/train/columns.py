"""What a training records of each epoch, and by which of it the training is judged. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netc.diagnostics import did_you_mean, error, listed
from netc.graph import Graph
from netc.lower.spellings import metric_meant
from netc.settings import Section
from netc.source import Span
from netc.train.best import is_rate
from netc.train.metrics import chosen_metrics, may_have_columns, measured_columns, recorded_names

if TYPE_CHECKING:
    from netc.data.preprocessing import Fitted


def column_names(graph: Graph) -> list[str]:
    """What a step of the graph's module computes: the sum of the losses, each loss if there are several, each metric.

    Raises NetError where one of them has the name of the learning rate, whose column it would be.
    """
    for part in [*graph.losses, *graph.metrics]:
        if is_rate(part.name):
            raise error("training", f"`{part.name}` is the learning rate in what is recorded", part.span, "choose another name")
    parts = [loss.name for loss in graph.losses] if len(graph.losses) > 1 else []
    return ["loss", *parts, *(metric.name for metric in graph.metrics)]


def judged_columns(graph: Graph, settings: Section, is_validated: bool, target: Fitted | None = None) -> list[str]:
    """The columns by one of which a training may be judged: all but the learning rates. Raises NetError.

    With what was done to the only `target` also those of the single numbers of a row; without, whatever its columns are called may
    stand there: `val_r2_*`.
    """
    names = column_names(graph)
    if not is_validated:
        return names
    metrics = chosen_metrics(graph, settings)
    several = ["*"] if may_have_columns(graph) else []
    measured = recorded_names(graph, metrics, several if target is None else measured_columns(graph, target))
    return [*names, *(f"val_{name}" for name in [*names, *(name for name, _, _ in measured)])]


def monitored(settings: Section, columns: Sequence[str]) -> str:
    """The column that a training is judged by: the section's `monitor`, else the loss of the validation part if there is one.

    Raises NetError `argument-type` where `monitor` is none of the columns.
    """
    if settings["monitor"] is None:
        return "val_loss" if "val_loss" in columns else "loss"
    check_monitor(settings["monitor"], columns, settings.values["monitor"].span)
    return str(settings["monitor"])


def check_monitor(monitor: str, columns: Sequence[str], span: Span) -> None:
    """Raises NetError `argument-type` where a column is none of these."""
    if any(monitor == column or (column.endswith("_*") and monitor.startswith(column[:-1])) for column in columns):
        return
    columns = [column for column in columns if not column.endswith("_*")]
    meant = f"val_{metric_meant(monitor.removeprefix('val_'))}"
    hint = f"did you mean `{meant}`?" if meant in columns else did_you_mean(monitor, columns)
    hint = hint or f"there {'are' if len(columns) > 1 else 'is'} {listed(columns)}; `metrics` says what else is measured"
    if monitor.startswith("val_") and not any(c.startswith("val_") for c in columns):
        hint = "there is no validation data: give the `data` section e.g. `validation = 0.2`"
    raise error("argument-type", f"`{monitor}` is none of the losses and metrics that are recorded", span, hint)
