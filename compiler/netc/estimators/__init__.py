"""Networks as estimators of scikit-learn: in a `Pipeline`, a `GridSearchCV`, `cross_val_score`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from netc.data.normalize import Array
from netc.diagnostics import error
from netc.estimators.base import NetEstimator
from netc.graph import Graph
from netc.tasks import Task, other_comparison

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
    by their names.

    After `fit`: `classes_`, `n_features_in_`, `model_` (the `nn.Module`), `network_` (the checked spec), `history_`
    (`history_.columns["loss"]` is a number an epoch).
    """

    default = "classifier.net"
    classes_: Array

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Trains on features `[n, F]`, an array or a data frame, and labels `[n]`. Raises `NetError` for the spec, ValueError for data."""
        X, y = self._checked(X, y)  # noqa: N806
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"a classifier needs more than one class, and y has 1 class: {classes[0]}")
        names = [str(i).zfill(len(str(len(classes)))) for i in range(len(classes))]
        self._train(X, codes.astype(np.int64), names)
        self.classes_ = classes
        return self

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
    predictions.
    """

    default = "regressor.net"

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Trains on features `[n, F]`, an array or a data frame, and numbers `[n]` or `[n, k]`.

        Raises `NetError` for the spec, ValueError for the data.
        """
        X, y = self._checked(X, y, multi_output=True, y_numeric=True)  # noqa: N806
        self._train(X, np.asarray(y, np.float64))
        self._is_flat = y.ndim == 1
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The numbers of each row, `[n]` or `[n, k]` as in `fit`."""
        check_is_fitted(self)
        values = self.preprocessing_.undo(self._output(X).astype(np.float64))
        return values.reshape(len(values)) if self._is_flat else values.reshape(len(values), -1)

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
