"""`netc eval`: the losses and metrics of a trained model."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path

from netc.cli.common import Commands, add_format, command, format_of
from netc.cli.warned import saying_warnings
from netc.runs.folder import open_run
from netc.runs.table import aligned

TEXT = """\
Computes the losses and metrics of a run's model anew: on the rows that it was trained on and on those held out.
  netc eval runs/net-1                      on the run's own data
  netc eval runs/net-1 --data new.csv       on the rows of a file (.csv, .tsv, .parquet, .npz, .npy), prepared as in training
  netc eval runs/net-1 --best               with the weights of the best epoch rather than the last
Where the last epoch was not the best one, that is said. Of a training that is not finished the weights are those of its last checkpoint,
which is said, too.
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = command(commands, "eval", TEXT, run)
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="the folder of a run")
    parser.add_argument("--data", type=Path, metavar="FILE", help="rows with all columns of the training, targets too")
    add_format(parser)
    parser.add_argument("--best", action="store_true", help="take the weights of the best epoch")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="for a person (text) or for other programs")
    parser.add_argument("--allow-python", action="store_true", help="run the Python files that the spec of the run uses")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    from netc.runs.evaluate import evaluate_file, evaluate_parts

    opened = open_run(parsed.run_folder, allow_python=parsed.allow_python)
    written = format_of(parsed)
    if parsed.data is None and written:
        parsed.parser.error("--delimiter and --decimal say how the file of --data is written")
    with saying_warnings(opened, parsed.best):
        found = evaluate_parts(opened, parsed.best) if parsed.data is None else evaluate_file(opened, parsed.data, parsed.best, written)
    print(json.dumps(_finite(found), indent=2) if parsed.format == "json" else _text(found))
    return 0


def _text(found: Mapping[str, Mapping[str, float]]) -> str:
    names = list(dict.fromkeys(name for values in found.values() for name in values))
    rows = [[name, *(_number(name, values.get(name)) for values in found.values())] for name in names]
    return "\n".join(aligned([["", *found], *rows], right=tuple(found)))


def _number(name: str, value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if name == "rows" else f"{value:.6g}"


def _finite(found: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | int | None]]:
    """As JSON can hold it."""
    return {
        part: {n: int(v) if n == "rows" else v if math.isfinite(v) else None for n, v in values.items()} for part, values in found.items()
    }
