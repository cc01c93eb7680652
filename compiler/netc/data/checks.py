"""What the data has to be for this network and its losses, said before the first step. No torch here.

An error is what would end the training, or train on what is not meant; a warning is what looks like a slip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from netc.data.assign import Feed
from netc.data.columns import Columns, chunks
from netc.data.contracts import Fed, check_contracts
from netc.data.doubts import check_doubts
from netc.data.majority import check_majority
from netc.data.normalize import Array
from netc.data.prepare import Plan, Prepared, carry_out, make_plan
from netc.data.preprocessing import Fitted, Preprocessing
from netc.data.scale import check_scale, check_weights
from netc.data.split import HELD_OUT
from netc.data.store import release
from netc.data.table import Table
from netc.diagnostics import Diagnostic, NetError, Related, count_of, error
from netc.graph import Graph, Node
from netc.settings import Section
from netc.tasks import computed_labels, other_comparison, takes_layers
from netc.tensors import TensorType

EXAMPLE = "add e.g.\n\ndata = sklearn.make_classification(n_samples=100, n_features=5, n_informative=3, random_state=0)"
FEW_HELD_OUT = 5  # of fewer rows each is more than a fifth of the validation


def check_data(graph: Graph, table: Table, data: Section, train: Section | None = None) -> list[Diagnostic]:
    """All that is wrong with the data, and what looks so; `train` says how large the batches are (left out: one of all rows)."""
    return examined_data(graph, table, data, train)[1]


def prepared_data(
    graph: Graph, table: Table, data: Section, train: Section, done: Preprocessing | None = None
) -> tuple[Prepared, list[Diagnostic]]:
    """The data as the network takes it, and warnings; `done` is what a training of this spec did to its data, and is done again.

    Raises NetError with everything that is wrong.
    """
    prepared, found = examined_data(graph, table, data, train, done)
    if errors := [d for d in found if d.severity == "error"]:
        raise NetError(errors)
    assert prepared is not None
    return prepared, found


def no_data(graph: Graph) -> NetError:
    """The error of a spec without a `data` section."""
    return error("data", "the spec has no `data` section to train on", graph.span, EXAMPLE)


def examined_data(
    graph: Graph, table: Table, data: Section, train: Section | None, done: Preprocessing | None = None
) -> tuple[Prepared | None, list[Diagnostic]]:
    """The data as the network takes it, where that can be made, and all that is wrong with it or looks so."""
    prepared, found = None, list[Diagnostic]()
    batch_size = "full" if train is None else train["batch_size"]
    try:
        plan = make_plan(graph, data, table, 0 if train is None else train["seed"], done)
    except NetError as e:
        return None, list(e.diagnostics)
    try:
        prepared = carry_out(graph, data, table, plan, batch_size)
    except NetError as e:
        found += e.diagnostics
    said = {d.span for d in found}  # of what its own declaration cannot hold nothing follows
    fed = _fed_values(plan, table, prepared is not None)
    found += check_contracts(graph, [f for f in fed if f.node.span not in said])
    found += [*_computed_labels(graph), *_changed_outputs(graph)]
    found += _constant_columns(plan, table)
    if prepared is not None:
        found += [*check_scale(graph, plan, prepared), *check_weights(graph, data, plan)]
        found += [*check_doubts(plan, table), *check_majority(graph, fed, data, train)]
        held_out = [0 if part is None else len(part[0]) for part in (prepared.validation, prepared.test)]
        rows = len(prepared.rows)
        found += [*_few_rows(data, train, rows, held_out), *_single_rows(graph, train, rows)]
    return prepared, found


def check_rows(graph: Graph, table: Table, rows: Array, given: Sequence[tuple[Fitted, Array]]) -> None:
    """Raises NetError where a trained network cannot take what other data became: entries that its tables have not, labels that are none.

    `given` are the inputs and targets that there are, each with its array of `rows` of the table.
    """
    nodes = {graph.name_of(node): node for node in (*graph.inputs, *graph.targets)}
    fed = [_fed_rows(nodes[fitted.name], fitted, array, table, rows) for fitted, array in given if len(rows)]
    errors = [d for d in check_contracts(graph, fed) if d.severity == "error"]
    if errors:
        raise NetError(replace(d, hint="the network was trained with what it takes: correct these rows, or leave them out") for d in errors)


def _fed_rows(node: Node, fitted: Fitted, array: Array, table: Table, rows: Array) -> Fed:
    values = array.reshape(len(rows), -1)
    is_one_hot = any(encoding.one_hot for encoding in fitted.encodings)
    made_raw = None if fitted.scaling is None else lambda: fitted.undo(array).reshape(len(rows), -1)
    return Fed(node, fitted.name, lambda: values, tuple(fitted.names(values.shape[1])), table.span,
               lambda row: table.place(int(rows[row])), () if is_one_hot else fitted.classes, made_raw)  # fmt: skip


def _fed_values(plan: Plan, table: Table, is_prepared: bool) -> list[Fed]:
    """What goes into the network, in the rows of the table; without what cannot be fed or scaled."""
    found = []
    for feed, encodings in zip(plan.feeds, plan.encodings, strict=True):
        if not all(part.is_numeric for part in feed.parts) or (not is_prepared and any(way.value != "none" for way in feed.normalize)):
            continue
        fitted = Fitted(feed.name, "", (), encodings)
        raw = replace(fitted, encodings=tuple(replace(encoding, scaling=None) for encoding in encodings))
        columns = [(f"{n}={text}" if encoding.one_hot else n, f"{feed.scaled_by} = {way.value}" if encoding.scaling else "")
                   for encoding, way in zip(encodings, feed.normalize, strict=True) for n in encoding.names
                   for text in (encoding.categories if encoding.one_hot else ("",))]  # fmt: skip
        names, scaled_by = tuple(name for name, _ in columns), tuple(said for _, said in columns)
        classes = () if encodings[0].one_hot else fitted.classes
        made, made_raw = (partial(_values, f, feed, plan.kept) for f in (fitted, raw))
        place = partial(_place, plan, table)
        found.append(Fed(feed.node, feed.name, made, names, table.span, place, classes, made_raw if any(scaled_by) else None, scaled_by))
    return found


def _values(fitted: Fitted, feed: Feed, rows: Array) -> Array:
    """The values `[n, k]`; NaN where a text is missing or unknown that has no number, which is told as that and not by its -1."""
    values = np.concatenate([values.reshape(len(values), -1) for _, values in fitted.numbers(feed.parts, rows)])
    if len(feed.parts) == 1 and feed.parts[0].kind == "category" and not fitted.encodings[0].one_hot:
        missing = values < 0
        return np.where(missing, np.nan, values) if missing.any() else values
    return values


def _place(plan: Plan, table: Table, row: int) -> str:
    return table.place(int(plan.kept[row]))


def _computed_labels(graph: Graph) -> list[Diagnostic]:
    """A warning where the classes are no labels of the data, so that nothing can be said of them but the loss."""
    computed = computed_labels(graph)
    if computed is None:
        return []
    assert computed.loss.op is not None
    message = (f"`{computed.loss.op.name}` compares with `{computed.text}`, and not with the target as it is: there are no metrics, "
               "predictions by name or pictures of the classes")  # fmt: skip
    hint = "give it the target itself: as many whole numbers as there are classes are counted in their order, whichever they are"
    return [Diagnostic("data-labels", message, computed.loss.span, hint=hint)]


def _changed_outputs(graph: Graph) -> list[Diagnostic]:
    """A warning where a loss compares numbers with the target that are computed of the output, which is then of another kind.

    And where it compares the output with what the network itself makes of the target, which nothing is measured by.
    """
    other = other_comparison(graph)
    if other is None or (other.target is not None and not takes_layers(graph, other.target)):
        return []
    assert other.node.op is not None
    if other.target is not None:
        message = (f"`{other.node.op.name}` compares the output with `{other.text}`, which takes layers or parameters of the network: "
                   "there are no metrics of it, and predictions are not in the units of the data")  # fmt: skip
        hint = "compute it of the target alone, or compare with the target itself"
        return [Diagnostic("data-labels", message, other.node.span, hint=hint)]
    message = (f"`{other.node.op.name}` compares `{other.text}` with the target, and not the output as it is: there are no metrics of it, "
               "and predictions are not in the units of the data")  # fmt: skip
    return [Diagnostic("data-labels", message, other.node.span, hint=f"`output {other.text}` gives what is compared")]


# --- columns ------------------------------------------------------------------------------------------------------


def _constant_columns(plan: Plan, table: Table) -> list[Diagnostic]:
    """A warning for features, and one for a target, that are the same in all rows."""
    found = []
    features = [c for feed in plan.feeds if feed.node.kind == "input" for part in feed.parts for c in _constants(part)]
    if features:
        what = f"{count_of(len(features), 'column')} of the data never {'changes' if len(features) == 1 else 'change'}"
        found.append(Diagnostic("data-constant", f"{what}: {listed_values(features)}", table.span,
                                hint="a column that is the same in all rows says nothing: leave it out"))  # fmt: skip
    for feed in plan.feeds:
        for part in feed.parts if feed.node.kind == "target" else ():
            for name, value in _constants(part):
                if part.kind == "number" and (part.values.dtype.kind == "f" or part.width > 1):
                    message, hint = (
                        f"the target column `{name}` of the data never changes: it is always {value}",
                        "there is nothing to predict",
                    )
                else:
                    message, hint = f"the data has one class only: `{name}` is always {value}", "there is nothing to tell apart"
                found.append(Diagnostic("data-constant", message, table.span, hint=hint))
    return found


def _constants(part: Columns) -> Iterator[tuple[str, str]]:
    """The columns of more than one row that have one value, and that value."""
    if not part.is_numeric or part.kind == "array" or len(part.values) < 2:
        return
    same = np.ones(len(part.names), bool)
    for rows in chunks(len(part.values), part.width):
        same &= (part.values[rows] == part.values[0]).all(axis=0)
        if not same.any():
            break
    release()
    for i in np.flatnonzero(same & np.isfinite(part.values[0])):
        value = part.values[0, i]
        if part.kind != "category":
            yield part.names[i], f"{float(value):g}"
        elif value >= 0:
            yield part.names[i], f"`{part.categories[value]}`"


def listed_values(columns: Sequence[tuple[str, str]], most: int = 6) -> str:
    """Columns with their value, cut off with a count after `most`."""
    text = ", ".join(f"`{name}` (always {value})" for name, value in columns[:most])
    return text if len(columns) <= most else f"{text} and {len(columns) - most} more"


# --- rows ---------------------------------------------------------------------------------------------------------


def _few_rows(data: Section, train: Section | None, rows: int, held_out: Sequence[int]) -> list[Diagnostic]:
    found = []
    size = "full" if train is None else train["batch_size"]
    if train is not None and isinstance(size, int) and size > rows:
        message = f"`batch_size = {size}` is more than the {count_of(rows, 'row')} to train on: every step takes all of them"
        found.append(Diagnostic("data-rows", message, train.values["batch_size"].span, hint="`batch_size = full` says so"))
    batches = -(-rows // size) if isinstance(size, int) else 1
    if train is not None and train["accumulate"] > batches > 1:
        message = f"`accumulate = {train['accumulate']}` is more than the {batches} batches of an epoch: every step takes all rows"
        found.append(Diagnostic("data-rows", message, train.values["accumulate"].span, hint="`batch_size = full` does the same at once"))
    total = rows + sum(held_out)
    for key, count in zip(HELD_OUT, held_out, strict=True):
        if 0 < count < FEW_HELD_OUT:
            message = f"`{key} = {data[key]}` holds out {count_of(count, 'row')} of {total}, too few to judge by"
            share = min(0.5, 2 * FEW_HELD_OUT / total)
            hint = f"e.g. `{key} = {share:.1g}`" if share * total >= FEW_HELD_OUT else "give it more rows"
            found.append(Diagnostic("data-rows", message, data.values[key].span, hint=hint))
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
