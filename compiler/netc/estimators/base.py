"""What both estimators share: the spec and what is set in it, the training on arrays, the outputs for other arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar, ParamSpec, Self

import numpy as np
import pyarrow as pa
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, check_X_y, validate_data

from netc import syntax as s
from netc.data.arrays import unmasked
from netc.data.checks import check_rows, prepared_data
from netc.data.normalize import Array
from netc.data.prepare import Prepared
from netc.data.table import Table, table_of
from netc.diagnostics import NetError, count_of, error, listed
from netc.estimators.frames import mixed, parts_of
from netc.estimators.names import (
    CLASS_WEIGHT,
    CLASSES,
    as_given,
    check_class_weight,
    counts_classes,
    is_settable,
    network_of,
    still_ignored,
    target_names,
    written,
)
from netc.graph import Graph
from netc.lower.lowering import Program
from netc.lower.overrides import Overrides
from netc.pipeline import Network, opened, pipeline
from netc.source import Source, Span
from netc.tasks import Task, task_of
from netc.train.batches import tensors
from netc.train.columns import column_names
from netc.train.device import device_of
from netc.train.history import History
from netc.train.loop import fit
from netc.train.measure import make_measures
from netc.train.verdict import all_outputs

FLOATS = [np.float64, np.float32]
OF_DATA = ("data", "data-shape", "data-value")  # codes of what is wrong with X and y, and not with the spec
P = ParamSpec("P")
Weights = str | list[float] | None
ARRAYS = 'npy("X, y")'  # stands for the source of the data, which is never read: the arrays are given


def explained(init: Callable[P, None]) -> Callable[P, None]:
    """The constructor, which for an argument that it does not have says how the spec's are given.

    scikit-learn wants every argument in the signature, which stays as it is, and cannot know of what a spec has.
    """
    names = signature(init).parameters

    @wraps(init)
    def checked(*args: P.args, **given: P.kwargs) -> None:
        for name, value in given.items():
            if name not in names:
                by_name = f"{name}={value!r}" if name.isidentifier() else f"**{{{name!r}: {value!r}}}"
                raise TypeError(f"{type(args[0]).__name__} has no argument {name!r}; what the spec lets one set is given as "
                                f"`set={{{name!r}: {value!r}}}`, or by `.set_params({by_name})`")  # fmt: skip
        init(*args, **given)

    return checked


def refuse(estimator: BaseEstimator, others: Mapping[str, Any], instead: str = "") -> None:
    """Raises TypeError for what `fit` is given beside X and y.

    A loss of a spec need not be a mean over rows, so that there is nothing a weight of each row could do in all of them; and with batches
    a row of the weight 2 is not the row twice.
    """
    given = [name for name, value in others.items() if value is not None]
    if given:
        rows = " A row that counts twice is given twice." if given == ["sample_weight"] else ""
        raise TypeError(f"{type(estimator).__name__}.fit takes X and y, and no {listed(given)}.{rows}{instead if rows else ''}")


class NetEstimator(BaseEstimator):  # type: ignore[misc]
    """A network of a spec as an estimator of scikit-learn: the base of `NetClassifier` and `NetRegressor`."""

    default: ClassVar[str]  # the file of the spec that is trained where none is given

    n_features_in_: int
    feature_names_in_: Array
    model_: torch.nn.Module
    network_: Network
    history_: History
    task_: Task

    @explained
    def __init__(
        self,
        spec: str | Path | None = None,
        *,
        set: Mapping[str, Any] | None = None,
        network: str | None = None,
        allow_python: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.spec = spec
        self.set = set
        self.network = network
        self.allow_python = allow_python
        self.random_state = random_state

    # --- parameters -----------------------------------------------------------------------------------------------

    def _spec(self) -> str | Path:
        return Path(__file__).parent / self.default if self.spec is None else self.spec

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor; with `deep` also what the spec gives a value or `set` does, by name."""
        own: dict[str, Any] = super().get_params(deep=False)
        if not deep:
            return own
        inner = dict(self.set or {})
        with suppress(NetError, OSError, TypeError, ValueError):  # a spec that cannot be read is for `fit` to report
            inner = written(self._spec(), self.network) | inner
        return inner | own

    def set_params(self, **params: Any) -> Self:
        """Sets arguments of the constructor, and by their names what the spec lets one set: `hidden`, `train.optimizer.lr`.

        Raises ValueError for a name that the spec does not have, `NetError` where the spec cannot be read.
        """
        names = super().get_params(deep=False)
        for name in names.keys() & params.keys():
            setattr(self, name, params[name])
        inner = {name: value for name, value in params.items() if name not in names}
        for name in inner:
            if not is_settable(name, self._spec(), self.network):
                known = ", ".join(sorted(self.get_params()))
                raise ValueError(f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {known}")
        if inner:
            self.set = {**(self.set or {}), **inner}
        return self

    # --- training -------------------------------------------------------------------------------------------------

    def _program(self, table: Table, classes: int | None, weights: Weights) -> tuple[Program, Source, Overrides]:
        """The spec with what is set, for this data and the `weights` of the classes. Raises `NetError`."""
        source = opened(self._spec())
        given = dict(self.set or {})
        if self.random_state is not None:
            given["train.seed"] = _seed(self.random_state)
        if classes is not None and CLASSES not in given and counts_classes(source, self.network):
            given[CLASSES] = classes
        if hasattr(self, "feature_names_in_") and (ignored := still_ignored(source, self.network, table.names)) is not None:
            given.setdefault("data.ignore", ignored)
        if weights is not None:
            given[CLASS_WEIGHT] = self._weights(source, given, weights, table)
        program, overrides = self._lowered(source, given, table)
        if program.train is None:
            raise error("training", "the spec has no `train` section that says how to train", program.graph.span,
                        "add e.g.\n\ntrain {\n  optimizer = Adam(lr=0.01)\n  epochs    = 50\n}")  # fmt: skip
        if not program.graph.losses:
            raise error("training", f"{program.graph.name} has no loss to minimize", program.graph.span, "add e.g. `loss MSELoss(p, y)`")
        return program, source, overrides

    def _lowered(self, source: Source, given: Mapping[str, Any], table: Table) -> tuple[Program, Overrides]:
        overrides = Overrides({**given, "data.source": ARRAYS})
        with _of_data():
            return pipeline(source, overrides, self.network, self.allow_python, table)[0], overrides

    def _weights(self, source: Source, given: Mapping[str, Any], weights: str | list[float], table: Table) -> Any:
        """The value of the spec's parameter for the weights of the classes: a number each, or of a single output that of class 1."""
        check_class_weight(source, self.network)
        if isinstance(weights, str):
            return weights
        program, _ = self._lowered(source, {**given, CLASS_WEIGHT: None}, table)
        return weights[1] / weights[0] if task_of(program.graph).kind == "binary" else weights

    def _checked(self, features: Any, target: Any, **options: Any) -> tuple[Any, Array]:
        """The features as an array of floats, or as a table of Arrow where they are a mixed data frame, and the target.

        `options` are those of scikit-learn's `check_X_y`. Raises ValueError.
        """
        features, target = unmasked(features), unmasked(target)
        frame = mixed(features)
        if frame is None:
            found: Any = validate_data(self, features, target, dtype=FLOATS, ensure_all_finite="allow-nan", **options)
            return found[0], found[1]
        validate_data(self, features, skip_check_array=True)
        _, checked = check_X_y(np.zeros((frame.num_rows, 1)), target, estimator=self, **options)
        return frame, checked

    def _train(
        self, features: Any, target: Array, class_names: list[str] | None = None, weights: Weights = None, named: list[str] | None = None
    ) -> None:
        """Trains a new module on what `_checked` gives: features `[n, F]` or a table, and a target `[n]` or `[n, k]`.

        `weights` are those of the classes, or `balanced`; `named` what the k columns are called. Torch's random numbers stay as they were
        for others.
        """
        place = Span(Source(type(self).__name__, "X, y"), 0, len("X, y"))
        columns = self._columns()
        targets = self._target_columns(columns, target, named)
        is_frame = isinstance(features, pa.Table)
        table = table_of(np.empty((len(target), 0)) if is_frame else features, target, place, () if is_frame else columns, targets,
                         classes=class_names)  # fmt: skip
        if is_frame:
            table = replace(table, parts=(*parts_of(features, columns, {}), *table.parts[1:]))
        program, source, overrides = self._program(table, None if class_names is None else len(class_names), weights)
        assert program.data is not None and program.train is not None
        task = task_of(program.graph)
        self._check_task(program.graph, task, len(class_names or ()))
        with _of_data():
            prepared, _ = prepared_data(program.graph, table, program.data, program.train)
        network = Network(program, source, overrides, table)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(program.train["seed"])
            self.model_ = network.module()
            self.history_ = _fit(self.model_, program, prepared)
        self.network_ = Network(program, source, overrides)
        self.task_, self.preprocessing_, self._names, self._targets = task, prepared.preprocessing, columns, targets

    def _columns(self) -> list[str]:
        """The names of the features. A network of one input gets them all, also where one of them has the name of that input."""
        names = [str(name) for name in getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)])]
        _, chosen = network_of(opened(self._spec()), self.network)
        inputs = [d.name.name for d in chosen.statements if isinstance(d, s.Declaration) and d.kind == "input"]
        return [_free(name, inputs) for name in names] if len(inputs) == 1 else names

    def _target_columns(self, columns: Sequence[str], target: Array, named: list[str] | None) -> list[str]:
        """The names of the columns to predict: those that the spec has for them, or else their own, or `y`, or `y0`, `y1`, ….

        Those of a data frame are in its order, whatever that of the spec is. Raises ValueError where `named`, its names, are others than
        the spec's, and where the features have a column that the `data` section names as a target, for it would be taken for y.
        """
        names, said = target_names(self._spec(), self.network, self.set or {})
        if twice := sorted(said & set(columns)):
            raise ValueError(f"X has {listed(twice)}, which the spec has as a target: leave it out, as y is given")
        count = 1 if target.ndim == 1 else target.shape[1]
        own = named if named and len(named) == count > 1 else None
        is_alike = own is not None and set(own) == set(names)
        if own and not is_alike and (said or (len(names) == count and set(own) & set(names))):
            raise ValueError(f"y has the columns {listed(own)}, and the spec has {listed(names)} for what is predicted: "
                             "give them the spec's names, or y as an array, whose columns are taken in the spec's order")  # fmt: skip
        if len(names) == count and not set(names) & set(columns):
            return own if own and is_alike else names
        if own and len(names) != count:
            return [_free(name, [*columns, *names, *own[:i], *own[i + 1 :]]) for i, name in enumerate(own)]
        return [_free("y" if target.ndim == 1 else f"y{i}", columns) for i in range(count)]

    def _check_task(self, graph: Graph, task: Task, classes: int) -> None:
        """Raises `NetError` where the network predicts something else, ValueError where it has another number of classes."""
        raise NotImplementedError

    def _output(self, features: Any) -> Array:
        """The first output of the network for rows of features, as the network gives it."""
        check_is_fitted(self)
        place, done = Span(Source(type(self).__name__, "X"), 0, 1), self.preprocessing_
        table = self._table(features, place)
        with _of_data():
            applied = done.apply(table)
            check_rows(self.network_.graph, table, applied.rows, list(zip(done.inputs, applied.inputs, strict=True)))
        if len(applied.rows) < len(table):
            count = len(table) - len(applied.rows)
            raise ValueError(
                f"a value is missing in {count_of(count, 'row')} of X, which the network was trained without: `missing = drop`"
            )
        dtypes = tuple(fitted.dtype for fitted in done.inputs)
        with torch.inference_mode():
            return all_outputs(self.model_, tensors(applied.inputs, dtypes, torch.device("cpu")))[0]

    def _table(self, features: Any, place: Span) -> Table:
        """Rows of features as the table of columns that `fit` had. Raises ValueError where they are others."""
        frame = mixed(features)
        if frame is not None:
            validate_data(self, features, reset=False, skip_check_array=True)
            return Table(tuple(parts_of(frame, self._names, self.preprocessing_.kinds)), (), place)
        values: Any = validate_data(self, unmasked(features), reset=False, dtype=FLOATS, ensure_all_finite="allow-nan")
        return table_of(values, None, place, self._names)


@contextmanager
def _of_data() -> Iterator[None]:
    """Turns a `NetError` that speaks of the data alone into a ValueError, as scikit-learn has it."""
    try:
        yield
    except NetError as e:
        if all(d.code in OF_DATA for d in e.diagnostics):
            raise ValueError(str(NetError(replace(d, hint=as_given(d.hint)) for d in e.diagnostics))) from e
        raise


def _fit(model: torch.nn.Module, program: Program, prepared: Prepared) -> History:
    """Trains the module in place; it is left in evaluation mode, on the CPU."""
    assert program.train is not None
    device = device_of(program.train)
    model.to(device)
    training = tensors(prepared.train, prepared.dtypes, device)
    validation = None if prepared.validation is None else tensors(prepared.validation, prepared.dtypes, device)
    measures = None if validation is None else make_measures(program.graph, program.train, prepared.preprocessing.targets)
    history = fit(model, column_names(program.graph), training, program.train, validation, measures=measures)
    model.cpu().eval()
    return history


def _free(name: str, taken: Sequence[str]) -> str:
    return _free(f"{name}_", taken) if name in taken else name


def _seed(random_state: Any) -> int:
    if isinstance(random_state, (int, np.integer)):
        check_random_state(random_state)  # raises ValueError for what is none
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))
