"""`netc train`: a run on the data of the spec."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from netc.cli.common import Commands, loaded, spec_command

TEXT = """\
Trains the network on the data of its spec, as the train section says, into a new folder runs/NAME-N:
  spec.net            the spec with every default and size written out
  run.json            seed, versions, thread count, final metrics
  metrics.csv         the loss and the metrics of every epoch
  model.safetensors   the trained parameters
  *.png               the data, the loss curve, the predictions before, along and after training
  report.html         all of it on one page, with what the network gets wrong; it needs no other file
Ctrl-C stops after the current step and saves what is there.
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = spec_command(commands, "train", TEXT, run)
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where the run's folder is made (runs)")
    parser.add_argument("--no-pictures", action="store_true", help="draw no pictures and write no report")
    parser.add_argument("--tensorboard", action="store_true", help="also write event files: tensorboard --logdir runs")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    result = loaded(parsed).train(parsed.runs, pictures=not parsed.no_pictures, progress=sys.stderr, tensorboard=parsed.tensorboard)
    if result.history.stopped_early or result.history.interrupted:
        print(f"stopped {'early' if result.history.stopped_early else 'by Ctrl-C'} in epoch {result.history.epochs}")
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"wrote {result.path}{os.sep}")
    return 0
