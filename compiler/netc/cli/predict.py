"""`netc predict`: the predictions of a trained model for new rows."""

from __future__ import annotations

import argparse
from pathlib import Path

from netc.cli.common import Commands, add_format, command, format_of
from netc.cli.warned import saying_warnings
from netc.runs.folder import open_run

TEXT = """\
Writes the rows of a file with the predictions of a run's model in columns behind their own:
  predicted_TARGET    the class by its name, or the number in the units of the data
  probability_CLASS   of a classifier, for each class
The rows are prepared exactly as those of the training were. A column that is missing, and a text that the training did not have, are
errors that name it; a row that lacks a value for which the training left rows out (`missing = drop`) has no prediction, which is said.
Columns that the network does not take are left as they are. Of a training that is not finished the weights are those of its last
checkpoint, which is said too; of others those of the last epoch, and with --best those of the best one.
  netc predict runs/net-1 --data new.csv              on the terminal
  netc predict runs/net-1 --data new.csv -o out.csv   into a file (.csv, .tsv, .parquet)
  netc predict runs/net-1 --data new.csv --delimiter ';' --decimal ,   where the training's file was written otherwise
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = command(commands, "predict", TEXT, run)
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="the folder of a run")
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="the rows: .csv, .tsv, .parquet, .npz or .npy")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write them")
    add_format(parser)
    parser.add_argument("--best", action="store_true", help="take the weights of the best epoch")
    parser.add_argument("--allow-python", action="store_true", help="run the Python files that the spec of the run uses")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    if parsed.output is not None and parsed.output.resolve() == parsed.data.resolve():
        parsed.parser.error("-o would overwrite the rows that are read")
    from netc.runs.predict import predict

    opened = open_run(parsed.run_folder, allow_python=parsed.allow_python)
    with saying_warnings(opened, parsed.best):
        text = predict(opened, parsed.data, parsed.output, parsed.best, format_of(parsed))
    print(f"wrote {parsed.output}" if text is None else text, end="\n" if text is None else "")
    return 0
