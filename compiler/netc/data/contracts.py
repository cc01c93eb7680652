"""The values that losses and look-ups take of the data: labels from 0 to C-1, probabilities, signs, entries of a table.

Source of what each loss takes: torch's documentation of the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netc.data.normalize import Array
from netc.data.values import in_group
from netc.diagnostics import Diagnostic, Related, count_of
from netc.graph import Graph, Node, Ref
from netc.source import Span
from netc.tasks import origin
from netc.tensors import FLOATS, INTEGERS, TensorType


@dataclass(frozen=True)
class Fed:
    """What the data feeds into an input or target, and the place of the data.

    `made` gives the values `[n, k]` as the network gets them, `place` says in words where one of these rows stands.
    """

    node: Node
    name: str
    made: Callable[[], Array]
    columns: tuple[str, ...]
    source: Span
    place: Callable[[int], str] = "row {}".format
    classes: tuple[str, ...] = ()  # the texts whose places the values are
    made_raw: Callable[[], Array] | None = None  # gives the values as they were before they were scaled
    scaled_by: tuple[str, ...] = ()  # for each column what scales it, as the spec says it; empty where nothing does

    @cached_property
    def values(self) -> Array:
        """The values, made when they are looked at."""
        return self.made()

    @cached_property
    def raw(self) -> Array:
        """The values as the data has them, not scaled."""
        return self.values if self.made_raw is None else self.made_raw()

    @property
    def is_scaled(self) -> bool:
        """Whether all of it is."""
        return bool(self.scaled_by) and all(self.scaled_by)

    @property
    def related(self) -> tuple[Related, ...]:
        """Where it is declared, and where it comes from."""
        return Related(self.node.span, str(self.node.type)), Related(self.source, "the data")

    def column(self, place: int) -> tuple[str, str]:
        """The name of the column that a value is of, and what scales it; all values of an array are of one column."""
        place = min(place, len(self.columns) - 1)
        return self.columns[place], self.scaled_by[place] if self.scaled_by else ""

    def example(self, bad: Array) -> str:
        """The first value that is bad as the data has it, and where it stands: `7 in row 3`."""
        row = int(np.flatnonzero(bad.any(axis=1))[0])
        column = int(np.flatnonzero(bad[row])[0])
        where = f" of `{self.columns[column]}`" if len(self.columns) > 1 else ""
        value = self.raw[row, column]
        said = f"`{self.classes[int(value)]}`" if 0 <= value < len(self.classes) else f"{value:g}"
        _, scaled_by = self.column(column)
        becomes = f", which `{scaled_by}` makes {self.values[row, column]:g}" if scaled_by else ""
        return f"{said} in {self.place(row)}{where}{becomes}"

    @property
    def alike(self) -> str:
        """Two of the texts that differ in blanks or case only, in words; nothing where all differ more."""
        seen: dict[str, str] = {}
        pairs = ((seen.setdefault(text.strip().casefold(), text), text) for text in self.classes)
        return next((f"`{first}` and `{second}` differ in blanks or case only" for first, second in pairs if first != second), "")


def check_contracts(graph: Graph, fed: Sequence[Fed]) -> list[Diagnostic]:
    """What the losses and look-ups of the graph cannot take, or leave out, of the data that arrives there as it is."""
    by_id = {f.node.id: f for f in fed}
    contracts = [c for node in graph.nodes for kind in (Labels, Bounds, Entries) if (c := kind.of(graph, node)) is not None]
    return [p for c in contracts if (arriving := by_id.get(origin(graph, c.ref))) is not None for p in c.problems(arriving)]


def _argument(node: Node, name: str) -> Ref | None:
    value = node.call[name].value if name in node.call else None
    return value if isinstance(value, Ref) else None


# --- labels -------------------------------------------------------------------------------------------------------


# The argument that holds the labels, and the one that holds the scores or the number of classes.
LABELS = {"CrossEntropyLoss": ("target", "input"), "NLLLoss": ("target", "input"), "MultiMarginLoss": ("target", "input"),
          "MultiLabelMarginLoss": ("target", "input"), "LinearCrossEntropyLoss": ("target", "num_classes"),
          "AdaptiveLogSoftmaxWithLoss": ("target_", "n_classes")}  # fmt: skip
IGNORED = -100  # torch's default of ignore_index


@dataclass(frozen=True, slots=True)
class Labels:
    """A loss that takes class numbers `least` to `classes - 1`, and leaves out those that are `ignored`."""

    node: Node
    ref: Ref
    classes: int
    least: int = 0
    ignored: int | None = None
    is_silent: bool = False  # whether `ignored` is a default that nobody wrote

    @staticmethod
    def of(graph: Graph, node: Node) -> Labels | None:
        """What the node takes, if it is such a loss of a known number of classes."""
        if node.op is None or node.op.name not in LABELS:
            return None
        target, scores = LABELS[node.op.name]
        ref = _argument(node, target)
        classes = node.config[scores].value if scores in node.config else _classes(graph.tensor_type(node.call[scores].value))
        if ref is None or not isinstance(classes, int) or graph.tensor_type(ref).dtype not in INTEGERS:
            return None
        least = -1 if node.op.name == "MultiLabelMarginLoss" else 0  # -1 ends a list of labels
        index = {**node.config, **node.call}.get("ignore_index")
        if index is None:
            return Labels(node, ref, classes, least)
        return Labels(node, ref, classes, least, IGNORED if index.value is None else index.value, index.origin == "default")

    @property
    def name(self) -> str:
        """The loss."""
        assert self.node.op is not None
        return self.node.op.name

    def problems(self, fed: Fed) -> list[Diagnostic]:
        """Labels that are no class, that are left out, and classes without a label."""
        return _label_problems(self, fed)


def _classes(scores: TensorType) -> object:
    return scores.shape[0 if scores.rank == 1 else 1]


def _label_problems(labels: Labels, fed: Fed) -> list[Diagnostic]:
    values = fed.values
    known = np.isfinite(values)
    ignored = values == labels.ignored if labels.ignored is not None else np.zeros(values.shape, bool)
    kept = values[known & ~ignored]
    bad = known & ~ignored & ((values < labels.least) | (values >= labels.classes))
    if ignored.all():
        message = f"`{labels.name}` leaves out every label of the data, as all are {labels.ignored}: nothing is left to learn from"
        return [Diagnostic("data-value", message, labels.node.span, related=fed.related, hint="ignore_index says which label is left out")]
    found = [*_ignored(labels, fed, ignored)]
    if bad.any():
        what = f"{count_of(int(bad.sum()), 'label')} of the data {'is' if bad.sum() == 1 else 'are'} none of them"
        message = f"`{labels.name}` has {_classes_text(labels.classes)}, and {what}, e.g. {fed.example(bad)}"
        hint = _label_hint(labels, fed, np.unique(kept), np.unique(values[bad]))
        return [Diagnostic("data-value", message, labels.node.span, related=fed.related, hint=hint), *found]
    return [*found, *_missing(labels, fed, np.unique(kept))]


def _classes_text(count: int) -> str:
    return "1 class, 0" if count == 1 else f"{count} classes, 0 to {count - 1}"


def _label_hint(labels: Labels, fed: Fed, kept: Array, bad: Array) -> str:
    """What is probably meant, by the labels that there are and those that are out of range."""
    if fed.alike:
        return f"{fed.alike}: write the same class in the same way"
    high, others = int(kept.max()), np.setdiff1d(kept, bad)
    if len(bad) == 1 and bad[0] < 0 and labels.ignored is not None and len(others) > 1:
        return f"`ignore_index={int(bad[0])}` leaves these out, if that is what they say"
    if kept.min() >= 0 and (len(kept) == high + 1 or not _is_counted(labels, fed)):
        return f"the data has labels up to {high}: give it {high + 1} scores, e.g. with `Linear({high + 1})`"
    if _is_counted(labels, fed) and len(kept) > 1:
        return (
            f"the data has {len(kept)} different labels: with as many scores, e.g. `Linear({len(kept)})`, they are counted in their order"
        )
    return "count classes from 0"


def _is_counted(labels: Labels, fed: Fed) -> bool:
    """Whether other labels than 0 to K-1 become these, if they are K: those of a target of one number a row."""
    kind = fed.node.type
    return isinstance(kind, TensorType) and kind.dtype in INTEGERS and fed.values.shape[1] == 1 and labels.least == 0


def _ignored(labels: Labels, fed: Fed, ignored: Array) -> list[Diagnostic]:
    if not labels.is_silent or not ignored.any():
        return []
    what = f"{count_of(int(ignored.sum()), 'label')} of the data without a word, e.g. {fed.example(ignored)}"
    return [Diagnostic("data-labels", f"`{labels.name}` leaves out {what}", labels.node.span, related=fed.related,
                       hint=f"write `ignore_index={labels.ignored}` if that is meant")]  # fmt: skip


def _missing(labels: Labels, fed: Fed, kept: Array) -> list[Diagnostic]:
    """A warning where classes never occur; one class alone is a constant column, and lists of labels need not have all."""
    absent = sorted(set(range(labels.classes)) - {int(v) for v in kept})
    if not absent or len(kept) == 1 or fed.values.shape[1] > 1:
        return []
    some = ", ".join(map(str, absent[:6])) + (f" and {len(absent) - 6} more" if len(absent) > 6 else "")
    message = f"`{labels.name}` has {labels.classes} classes, and {len(absent)} of them {_is(absent)} never in the data: {some}"
    fitting = f"the data has {len(kept)} classes, which are {len(kept)} scores" if absent[0] == len(kept) else ""
    counted = f"with {len(kept)} scores the labels that there are would be counted in their order" if _is_counted(labels, fed) else ""
    hint = fitting or counted or "number the classes without gaps"
    return [Diagnostic("data-labels", message, labels.node.span, related=fed.related, hint=hint)]


def _is(things: Sequence[object]) -> str:
    return "is" if len(things) == 1 else "are"


# --- bounds -------------------------------------------------------------------------------------------------------


SHARE, SIGN, COUNT = (0.0, 1.0, False), (-1.0, 1.0, True), (0.0, None, False)
BOUNDS: dict[str, tuple[float, float | None, bool]] = {
    "BCELoss": SHARE, "BCEWithLogitsLoss": SHARE, "MultiLabelSoftMarginLoss": SHARE, "CrossEntropyLoss": SHARE,
    "LinearCrossEntropyLoss": SHARE, "KLDivLoss": SHARE, "HingeEmbeddingLoss": SIGN, "SoftMarginLoss": SIGN, "MarginRankingLoss": SIGN,
    "CosineEmbeddingLoss": SIGN, "PoissonNLLLoss": COUNT,
}  # fmt: skip
BINARY = ("BCELoss", "BCEWithLogitsLoss")  # whose target says which of two classes a row is of


@dataclass(frozen=True, slots=True)
class Bounds:
    """A loss that takes numbers from `low` to `high` (none: any), or only those two."""

    node: Node
    ref: Ref
    low: float
    high: float | None
    ends_only: bool = False

    @staticmethod
    def of(graph: Graph, node: Node) -> Bounds | None:
        """What the node takes, if it is such a loss of floats."""
        ref = _argument(node, "target")
        if node.op is None or node.op.name not in BOUNDS or ref is None:
            return None
        by_number = node.op.name in LABELS and graph.tensor_type(ref).dtype not in FLOATS
        in_logarithms = "log_target" in node.call and node.call["log_target"].value
        return None if by_number or in_logarithms else Bounds(node, ref, *BOUNDS[node.op.name])

    @property
    def name(self) -> str:
        """The loss."""
        assert self.node.op is not None
        return self.node.op.name

    @property
    def words(self) -> str:
        """What a value must be."""
        if self.high is None:
            return f"{self.low:g} or more"
        return f"{self.low:g} or {self.high:g}" if self.ends_only else f"from {self.low:g} to {self.high:g}"

    def bad(self, values: Array) -> Array:
        """Which finite values are something else."""
        inside = (values >= self.low) & (True if self.high is None else values <= self.high)
        if self.ends_only:
            inside = (values == self.low) | (values == self.high)
        return np.isfinite(values) & ~np.asarray(inside)

    def problems(self, fed: Fed) -> list[Diagnostic]:
        """Values that are outside."""
        return _bound_problems(self, fed)


def _bound_problems(bounds: Bounds, fed: Fed) -> list[Diagnostic]:
    values = fed.values.astype(np.float32)  # as it arrives: a rounding error of float64 is none
    bad = bounds.bad(values)
    if not bad.any():
        return []
    assert bounds.node.op is not None
    what = f"{count_of(int(bad.sum()), 'value')} of the data {'is' if bad.sum() == 1 else 'are'} not, e.g. {fed.example(bad)}"
    return [Diagnostic("data-value", f"`{bounds.node.op.name}` needs a target {bounds.words}, and {what}", bounds.node.span,
                       related=fed.related, hint=_unscaled_hint(bounds, fed, bad) or _bound_hint(bounds, fed))]  # fmt: skip


def _unscaled_hint(bounds: Bounds, fed: Fed, bad: Array) -> str:
    """What is said where the values would do if nothing scaled them."""
    if fed.made_raw is None or bounds.bad(fed.raw.astype(np.float32)).any():
        return ""
    name, said = fed.column(int(np.flatnonzero(bad.any(axis=0))[0]))
    group = f"`group {in_group(name)} {{ {said.partition(' ')[0]} = none }}`"
    return f"as they stand they are: leave out `{said}`, or say {group}"


def _bound_hint(bounds: Bounds, fed: Fed) -> str:
    """What is probably meant, by the values that the data has."""
    values = np.unique(fed.raw[np.isfinite(fed.raw)])
    if bounds.ends_only:
        return f"`2 * {fed.name} - 1` makes -1 and 1 of 0 and 1" if set(values) <= {0.0, 1.0} else "say for each row which of the two it is"
    if len(values) == 2 and bounds.name in BINARY and all(v == int(v) for v in values):
        return "leave the target as it is: two other whole numbers count as 0 and 1 where it is one number a row and nothing scales it"
    if set(values) <= {-1.0, 1.0} and bounds.high is not None:
        return f"`({fed.name} + 1) / 2` makes 0 and 1 of -1 and 1"
    if _are_classes(values):
        count = int(values.max()) + 1
        rows = TensorType(fed.node.type.shape[:1], "int64") if isinstance(fed.node.type, TensorType) else "int64[B]"
        return (
            f"for {count} classes declare `target {fed.name}: {rows}`, and send {count} scores, `Linear({count})`, into `CrossEntropyLoss`"
        )
    return "for numbers of any size take `MSELoss`" if bounds.high is not None else "counts are not negative"


def _are_classes(values: Iterable[float]) -> bool:
    return all(v >= 0 and v == int(v) for v in values)


# --- entries of a table -------------------------------------------------------------------------------------------


# The argument that is looked up, and the one that says how many entries there are.
LOOKUPS = {"Embedding": ("input", "num_embeddings"), "EmbeddingBag": ("input", "num_embeddings"), "one_hot": ("tensor", "num_classes")}


@dataclass(frozen=True, slots=True)
class Entries:
    """A look-up of the entries 0 to `count - 1`."""

    node: Node
    ref: Ref
    count: int

    @staticmethod
    def of(graph: Graph, node: Node) -> Entries | None:
        """What the node takes, if it is a look-up."""
        if node.op is None or node.op.name not in LOOKUPS:
            return None
        what, many = LOOKUPS[node.op.name]
        ref, count = _argument(node, what), {**node.config, **node.call}[many].value
        return Entries(node, ref, count) if ref is not None and isinstance(count, int) else None

    def problems(self, fed: Fed) -> list[Diagnostic]:
        """Values that are no entry."""
        return _entry_problems(self, fed)


def _entry_problems(entries: Entries, fed: Fed) -> list[Diagnostic]:
    values = fed.values
    bad = np.isfinite(values) & ((values < 0) | (values >= entries.count))
    if not bad.any():
        return []
    assert entries.node.op is not None
    high = int(values[np.isfinite(values)].max())
    what = f"{count_of(int(bad.sum()), 'value')} of the data {'is' if bad.sum() == 1 else 'are'} none of them, e.g. {fed.example(bad)}"
    hint = f"give it {high + 1} entries" if values[bad].min() >= 0 else "count entries from 0"
    message = f"`{entries.node.op.name}` has the entries 0 to {entries.count - 1}, and {what}"
    return [Diagnostic("data-value", message, entries.node.span, related=fed.related, hint=hint)]
