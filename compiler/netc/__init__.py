"""netc compiles neural networks described in text to PyTorch.

>>> import netc
>>> network = netc.load("network Tiny { input x: [B, 3]\\n output x -> Linear(1) }")
>>> network.graph.parameter_count
4
"""

from netc.checking import check
from netc.diagnostics import Diagnostic, NetError
from netc.pipeline import Network, load
from netc.runs.folder import Run, open_run

__all__ = ["Diagnostic", "NetError", "Network", "Run", "__version__", "check", "load", "open_run"]

__version__ = "0.1.0"
