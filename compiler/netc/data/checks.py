"""What the data has to be for this network and its losses, said before the first step. No torch here.

An error is what would end the training, or train on what is not meant; a warning is what looks like a slip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from netc.data.contracts import Fed, check_contracts
from netc.data.normalize import Array
from netc.data.prepare import Prepared, fed, prepare
from netc.data.table import Table
from netc.diagnostics import Diagnostic, NetError, Related, count_of, error
from netc.graph import Graph, Node
from netc.settings import Section
from netc.tensors import TensorType

EXAMPLE = "add e.g.\n\ndata = sklearn.make_classification(n_samples=100, n_features=5, n_informative=3, random_state=0)"
FEW_HELD_OUT = 5  # of fewer rows each is more than a fifth of the validation


def check_data(graph: Graph, table: Table, data: Section, train: Section | None = None) -> list[Diagnostic]:
    """All that is wrong with the data, and what looks so; `train` says how large the batches are (left out: one of all rows)."""
    return _checked(graph, table, data, train)[1]


def prepared_data(graph: Graph, table: Table, data: Section, train: Section) -> tuple[Prepared, list[Diagnostic]]:
    """The data as the network takes it, and warnings. Raises NetError with everything that is wrong."""
    prepared, found = _checked(graph, table, data, train)
    if errors := [d for d in found if d.severity == "error"]:
        raise NetError(errors)
    assert prepared is not None
    return prepared, found


def no_data(graph: Graph) -> NetError:
    """The error of a spec without a `data` section."""
    return error("data", "the spec has no `data` section to train on", graph.span, EXAMPLE)


def _checked(graph: Graph, table: Table, data: Section, train: Section | None) -> tuple[Prepared | None, list[Diagnostic]]:
    prepared, found = None, list[Diagnostic]()
    batch_size = "full" if train is None else train["batch_size"]
    try:
        prepared = prepare(graph, data, table, 0 if train is None else train["seed"], batch_size)
    except NetError as e:
        found += e.diagnostics
    said = {d.span for d in found}  # of what its own declaration cannot hold nothing follows
    found += check_contracts(graph, [f for f in _fed_values(graph, table, data, prepared) if f.node.span not in said])
    found += _constant_columns(table)
    if prepared is not None:
        held_out = 0 if prepared.validation is None else len(prepared.validation[0])
        found += [*_few_rows(data, train, len(prepared.rows), held_out), *_single_rows(graph, train, len(prepared.rows))]
    return prepared, found


def _fed_values(graph: Graph, table: Table, data: Section, prepared: Prepared | None) -> list[Fed]:
    """What goes into the network, in the rows of the table; without what cannot be fed or scaled."""
    try:
        nodes = fed(graph, table)
    except NetError:
        return []
    scalings = [None, None] if prepared is None else [prepared.input_scaling, prepared.target_scaling]
    parts = [(table.features, table.feature_names, "normalize"), (table.target, table.target_names, "normalize_target")]
    found = []
    for node, (values, names, key), scaling in zip(nodes, parts, scalings, strict=False):
        if values.dtype.kind not in "biuf" or (prepared is None and data[key] != "none"):
            continue
        scaled = values if scaling is None else scaling.apply(values)
        found.append(Fed(node, graph.name_of(node), scaled.reshape(len(values), -1), tuple(names), table.span))
    return found


# --- columns ------------------------------------------------------------------------------------------------------


def _constant_columns(table: Table) -> list[Diagnostic]:
    """A warning for features, and one for a target, that are the same in all rows."""
    found = []
    features = list(_constants(table.features, table.feature_names))
    if features:
        what = f"{count_of(len(features), 'column')} of the data never {'changes' if len(features) == 1 else 'change'}"
        found.append(Diagnostic("data-constant", f"{what}: {listed_values(features)}", table.span,
                                hint="a column that is the same in all rows says nothing: leave it out"))  # fmt: skip
    for name, value in _constants(table.target, table.target_names):
        if table.classes is None:
            message, hint = f"the target column `{name}` of the data never changes: it is always {value:g}", "there is nothing to predict"
        else:
            message, hint = f"the data has one class only: `{name}` is always {value:g}", "there is nothing to tell apart"
        found.append(Diagnostic("data-constant", message, table.span, hint=hint))
    return found


def _constants(array: Array, names: Sequence[str]) -> Iterator[tuple[str, float]]:
    """The columns of more than one row that have one value, and that value."""
    if array.dtype.kind not in "biuf" or len(array) < 2:
        return
    for name, column in zip(names, array.reshape(len(array), -1).T, strict=True):
        if (column == column[0]).all() and np.isfinite(column[0]):
            yield name, float(column[0])


def listed_values(columns: Sequence[tuple[str, float]], most: int = 6) -> str:
    """Columns with their value, cut off with a count after `most`."""
    text = ", ".join(f"`{name}` (always {value:g})" for name, value in columns[:most])
    return text if len(columns) <= most else f"{text} and {len(columns) - most} more"


# --- rows ---------------------------------------------------------------------------------------------------------


def _few_rows(data: Section, train: Section | None, rows: int, held_out: int) -> list[Diagnostic]:
    found = []
    size = "full" if train is None else train["batch_size"]
    if train is not None and isinstance(size, int) and size > rows:
        message = f"`batch_size = {size}` is more than the {count_of(rows, 'row')} to train on: every step takes all of them"
        found.append(Diagnostic("data-rows", message, train.values["batch_size"].span, hint="`batch_size = full` says so"))
    if 0 < held_out < FEW_HELD_OUT:
        message = f"`validation = {data['validation']}` holds out {count_of(held_out, 'row')} of {rows + held_out}, too few to judge by"
        share = min(0.5, 2 * FEW_HELD_OUT / (rows + held_out))
        found.append(Diagnostic("data-rows", message, data.values["validation"].span, hint=f"e.g. `validation = {share:.1g}`"))
    return found


def _single_rows(graph: Graph, train: Section | None, rows: int) -> list[Diagnostic]:
    """Batches of one row, of which some normalisations cannot compute a variance: torch would stop there."""
    size = "full" if train is None else train["batch_size"]
    step = size if isinstance(size, int) else rows
    if 1 not in (min(step, rows), rows % step):
        return []
    which = "every batch" if step == 1 or rows == 1 else "the last batch of an epoch"
    span = train.values["batch_size"].span if train is not None and isinstance(size, int) else None
    hint = f"`batch_size = {_better(step, rows)}` leaves no single row" if rows > 1 else "give it more rows"
    return [
        Diagnostic("data", f"{which} has 1 row, and `{node.op.name}` needs more than one value of each channel", node.span,
                   related=(Related(span, f"of {count_of(rows, 'row')}"),) if span else (), hint=hint)
        for node in graph.modules
        if node.op is not None and _needs_rows(graph, node)
    ]  # fmt: skip


def _better(step: int, rows: int) -> int:
    """The next larger batch size that leaves no single row behind."""
    return next(n for n in range(max(step, 2), rows + 2) if rows % n != 1)


def _needs_rows(graph: Graph, node: Node) -> bool:
    """Whether a layer takes the variance over the rows of the batch, and nothing else."""
    if node.op is None or not node.op.name.startswith(("BatchNorm", "SyncBatchNorm")):
        return False
    kind, batch = graph.tensor_type(node.refs[0]), _batch_name(graph)
    return batch is not None and all(n == 1 for n in kind.at({batch: 1}).shape[:1] + kind.shape[2:])


def _batch_name(graph: Graph) -> str | None:
    """The name of the first axis of the inputs."""
    kinds = [n.type for n in graph.inputs if isinstance(n.type, TensorType) and n.type.rank]
    return str(kinds[0].shape[0]) if kinds and not isinstance(kinds[0].shape[0], int) else None
