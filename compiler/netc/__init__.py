"""netc compiles neural networks described in text to PyTorch.

>>> import netc
>>> network = netc.load("network Tiny { input x: [B, 3]\\n output x -> Linear(1) }")
>>> network.graph.parameter_count
4
"""

from typing import TYPE_CHECKING, Any

from netc.checking import check
from netc.diagnostics import Diagnostic, NetError
from netc.pipeline import Network, load
from netc.runs.folder import Run, open_run

if TYPE_CHECKING:
    from netc.estimators import NetClassifier, NetRegressor

__all__ = ["Diagnostic", "NetClassifier", "NetError", "NetRegressor", "Network", "Run", "__version__", "check", "load", "open_run"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The estimators import scikit-learn and torch, so they are imported when they are first asked for."""
    if name in ("NetClassifier", "NetRegressor"):
        from netc import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
