"""What a training needs of a spec, said before its data is read: what `netc train` refuses, `netc check` finds too. No torch here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netc.diagnostics import Diagnostic, NetError, error
from netc.graph import Graph
from netc.settings import Section
from netc.train.columns import column_names, judged_columns, monitored
from netc.train.metrics import chosen_metrics
from netc.train.scheduling import (
    check_accumulate,
    check_cycle,
    check_matrices,
    check_mode,
    check_optimizer,
    check_scheduler,
    group_count,
    steps_per_epoch,
)
from netc.train.stopping import make_stopping

if TYPE_CHECKING:
    from netc.data.prepare import Prepared
    from netc.data.preprocessing import Fitted

MINIMAL = "add e.g.\n\ntrain {\n  optimizer = SGD(lr=0.1)\n  epochs    = 100\n}"


def needed_settings(graph: Graph, settings: Section | None) -> Section:
    """The `train` section of a network that can be trained. Raises NetError where there is none, or nothing to minimize."""
    if settings is None:
        raise error("training", "the spec has no `train` section that says how to train", graph.span, MINIMAL)
    if not graph.losses:
        raise error("training", f"{graph.name} has no loss to minimize", graph.span, "add e.g. `loss MSELoss(p, y)`")
    return settings


def check_training(graph: Graph, settings: Section, is_validated: bool) -> list[Diagnostic]:
    """All that is wrong with the settings for this network, as far as that is known without the data.

    `is_validated` says whether data is held out to validate on.
    """
    groups = group_count(graph, settings)
    found = _problems(
        lambda: _check_seed(settings),
        lambda: check_optimizer(settings, groups),
        lambda: check_matrices(graph, settings),
        lambda: check_accumulate(settings),
        lambda: check_scheduler(settings, groups),
        lambda: column_names(graph),
        lambda: chosen_metrics(graph, settings),
    )
    return found or _problems(lambda: _check_judged(graph, settings, is_validated), lambda: _check_stopping(graph, settings, is_validated))


def check_prepared(graph: Graph, settings: Section, prepared: Prepared) -> list[Diagnostic]:
    """What is wrong with the settings for a training on this data, once `check_training` finds nothing."""
    rows, is_validated = len(prepared.rows), prepared.validation is not None
    target = next(iter(prepared.preprocessing.targets), None)
    return _problems(
        lambda: check_cycle(settings, steps_per_epoch(settings, rows)),
        lambda: _check_judged(graph, settings, is_validated, target),
        lambda: _check_stopping(graph, settings, is_validated, target),
    )


def _problems(*checks: Callable[[], object]) -> list[Diagnostic]:
    """What the checks raise, all of it."""
    found: list[Diagnostic] = []
    for check in checks:
        try:
            check()
        except NetError as problem:
            found += problem.diagnostics
    return list(dict.fromkeys(found))


def _check_seed(settings: Section) -> None:
    if settings["seed"] >= 2**63:
        raise error("argument-type", f"`seed` must be below 2**63, and is {settings['seed']}", settings.values["seed"].span)


def _check_judged(graph: Graph, settings: Section, is_validated: bool, target: Fitted | None = None) -> None:
    check_mode(settings, monitored(settings, judged_columns(graph, settings, is_validated, target)))


def _check_stopping(graph: Graph, settings: Section, is_validated: bool, target: Fitted | None = None) -> None:
    make_stopping(settings, judged_columns(graph, settings, is_validated, target))
