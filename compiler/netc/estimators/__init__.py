"""Networks as estimators of scikit-learn: in a `Pipeline`, a `GridSearchCV`, `cross_val_score`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from netc.data.normalize import Array
from netc.diagnostics import error
from netc.estimators.base import NetEstimator, explained, refuse
from netc.estimators.frames import names_of
from netc.graph import Graph
from netc.tasks import Task, other_comparison

BALANCED = "balanced"

__all__ = ["NetClassifier", "NetRegressor"]


def _has_probabilities(classifier: NetClassifier) -> bool:
    """Whether the outputs can be turned into probabilities; before the training that is not known."""
    return not hasattr(classifier, "task_") or classifier.task_.has_probabilities


class NetClassifier(ClassifierMixin, NetEstimator):  # type: ignore[misc]
    """A classifier of a spec, trained by its `train` section on the arrays that `fit` gets.

    `spec` is a path or the text (a network of one hidden layer where none is given); `set` gives parameters, named dimensions and
    settings other values, as `netc.load` does, and `set_params` and `GridSearchCV` set the same by name: `hidden`, `act`,
    `train.optimizer.lr`. `network` chooses among several, `allow_python` lets the spec run Python files. `random_state` stands over
    the spec's `train.seed`; without it that is used, so a fit can be repeated either way.

    Of the `data` section all but the source holds, such as `normalize` and `validation`. Sizes that the network leaves open come from the
    data; a parameter `classes` without a default is the number of classes. Labels may be of any kind. The columns of a data frame are
    what the data section calls them: texts, true and false and missing values are taken as those of a file are, and several inputs
    by their names; what `ignore` names need not be there. `y` is called what the spec calls the target.

    `class_weight` is `"balanced"`, or a number for labels (1 for the others), and goes into the parameter `class_weight` of the network,
    which the spec's loss takes: `weight=class_weight` of `CrossEntropyLoss`, or `pos_weight=class_weight` of `BCEWithLogitsLoss`, which
    gets how much class 1 weighs against class 0.

    After `fit`: `classes_`, `n_features_in_`, `model_` (the `nn.Module`), `network_` (the checked spec), `history_`
    (`history_.columns["loss"]` is a number an epoch).
    """

    default = "classifier.net"
    classes_: Array

    @explained
    def __init__(
        self,
        spec: str | Path | None = None,
        *,
        set: Mapping[str, Any] | None = None,
        network: str | None = None,
        allow_python: bool = False,
        random_state: int | np.random.RandomState | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
    ) -> None:
        super().__init__(spec, set=set, network=network, allow_python=allow_python, random_state=random_state)
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, **others: Any) -> Self:  # noqa: N803
        """Trains on features `[n, F]`, an array or a data frame, and labels `[n]`. Raises `NetError` for the spec, ValueError for data."""
        refuse(self, others, " Weights of classes are `class_weight`.")
        X, y = self._checked(X, y)  # noqa: N806
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"a classifier needs more than one class, and y has 1 class: {classes[0]}")
        names = [str(i).zfill(len(str(len(classes)))) for i in range(len(classes))]
        self._train(X, codes.astype(np.int64), names, self._class_weights(y, classes))
        self.classes_ = classes
        return self

    def _class_weights(self, y: Array, classes: Array) -> str | list[float] | None:
        """The weights in the order of the classes, or that they are balanced. Raises ValueError for what is neither."""
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, str) and self.class_weight == BALANCED:
            return BALANCED
        if not isinstance(self.class_weight, Mapping):
            raise ValueError(f"class_weight is 'balanced', a dict of labels and their weights, or None, and not {self.class_weight!r}")
        found = [float(weight) for weight in compute_class_weight(dict(self.class_weight), classes=classes, y=y)]
        if not all(0 < weight < np.inf for weight in found):
            raise ValueError(f"a class weight is a positive number, and they are {dict(self.class_weight)}")
        return found

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The most probable class of each row, `[n]`."""
        output = self._output(X)
        return np.asarray(self.classes_[self.task_.classes(output)])

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """The probability of each class, `[n, C]`, in the order of `classes_`."""
        output = self._output(X)
        return self.task_.probabilities(output)

    def _check_task(self, graph: Graph, task: Task, classes: int) -> None:
        if not task.is_classes:
            raise error("training", f"{graph.name} is no classifier: its first output goes into no loss of classes", graph.span,
                        "send the output into `CrossEntropyLoss`, `BCEWithLogitsLoss` or `BCELoss`, or take `NetRegressor`")  # fmt: skip
        predicted = 2 if task.kind == "binary" else graph.tensor_type(graph.outputs[0].ref).shape[1]
        if predicted != classes:
            raise ValueError(f"{graph.name} predicts {predicted} classes, and y has {classes} classes. "
                             "A parameter `classes` without a default is the number that y has.")  # fmt: skip


class NetRegressor(RegressorMixin, NetEstimator):  # type: ignore[misc]
    """A regressor of a spec, trained by its `train` section on the arrays that `fit` gets.

    As `NetClassifier`, but for numbers: one target `[n]` or several `[n, k]`. What `normalize_target` scales is turned back in
    predictions. The columns of a `y` that is a data frame are known by their names, where the spec has several, in any order; those of
    an array are in the spec's order.
    """

    default = "regressor.net"

    def fit(self, X: Any, y: Any, **others: Any) -> Self:  # noqa: N803
        """Trains on features `[n, F]`, an array or a data frame, and numbers `[n]` or `[n, k]`.

        Raises `NetError` for the spec, ValueError for the data.
        """
        refuse(self, others)
        named = names_of(y)
        X, y = self._checked(X, y, multi_output=True, y_numeric=True)  # noqa: N806
        self._train(X, np.asarray(y, np.float64), named=named)
        self._is_flat = y.ndim == 1
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The numbers of each row, `[n]` or `[n, k]` as in `fit`, the columns in the order that they had there."""
        check_is_fitted(self)
        values = self.preprocessing_.undo(self._output(X).astype(np.float64))
        if self._is_flat:
            return values.reshape(len(values))
        values, taken = values.reshape(len(values), -1), self.preprocessing_.targets[0].columns
        return values[:, [taken.index(name) for name in self._targets]] if len(taken) == len(self._targets) else values

    def _check_task(self, graph: Graph, task: Task, classes: int) -> None:
        if task.kind != "numbers":
            raise error("training", f"{graph.name} predicts no numbers: its first output is not of the shape of the target", graph.span,
                        "give an output like the target, as `p` in `loss MSELoss(p, y)`")  # fmt: skip
        if (other := other_comparison(graph)) is not None:
            message = f"{graph.name} predicts no numbers of the target: its loss takes `{other.text}` instead"
            hint = "let the output be turned back, e.g. `output exp(p)` for `loss MSELoss(p, log(y))`"
            raise error("training", message, other.node.span, hint)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
