"""`netc train`: a run on the data of the spec."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import netc
from netc.cli.common import Commands, loaded, overrides, spec_command
from netc.diagnostics import count_of
from netc.pipeline import run_spec
from netc.train.best import which_weights
from netc.train.interrupt import CLOSING, INTERRUPTED, SIGNALS, Interrupt
from netc.train.launched import is_launched

if TYPE_CHECKING:
    from netc.train.session import Result

TEXT = """\
Trains the network on the data of its spec, as the train section says, into a new folder runs/NAME-N:
  spec.net            the spec with every default and size written out
  run.json            seed, versions, thread count, final metrics
  metrics.csv         the loss and the metrics of every epoch
  model.safetensors   the trained parameters
  checkpoint/         where the training stands: saved every 30 seconds (`checkpoint` in the train section) and at its end
  *.png               the data, the loss curve, the predictions before, along and after training
  report.html         all of it on one page, with what the network gets wrong; it needs no other file
Ctrl-C or SIGTERM stops after the current step and saves what is there; the exit status is then 130.

netc train --resume runs/NAME-N goes on where a run was stopped, by Ctrl-C or anything else, and gives the numbers of a run that was
never stopped. It reads the spec of the run; a SPEC must be the same. --set train.epochs=2000 makes the training longer.

netc train --procs 4 SPEC trains in four processes of this machine, each on a part of every batch; on several machines torchrun starts them:
  torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:29500 -m netc train SPEC

netc train --smoke SPEC tries one batch of all that a training does, in seconds, and keeps nothing.
"""


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = spec_command(commands, "train", TEXT, run, optional=True)
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where the run's folder is made (runs)")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on with the run in this folder, from its last checkpoint")
    parser.add_argument("--smoke", action="store_true", help="only try one batch of everything: a step, validation, checkpoint, pictures")
    parser.add_argument("--no-pictures", action="store_true", help="draw no pictures and write no report")
    parser.add_argument("--procs", type=int, metavar="N", help="train in N processes of this machine")
    parser.add_argument("--tensorboard", action="store_true", help="also write event files: tensorboard --logdir runs")


def run(parsed: argparse.Namespace) -> int:
    """Does it."""
    resumed: Path | None = parsed.resume
    if parsed.smoke and resumed is not None:
        parsed.parser.error("--smoke tries a training that is to begin, --resume goes on with one: give one of them")
    if parsed.spec is None and (resumed is None or parsed.smoke):
        parsed.parser.error("give a SPEC to train, or --resume RUN to go on with a run")
    if parsed.procs is not None and not is_launched():
        return _launch(parsed)
    if parsed.spec is None and resumed is not None:
        network = netc.load(run_spec(resumed), overrides(parsed), parsed.network, allow_python=parsed.allow_python)
    else:
        network = loaded(parsed)
    if network.training is not None and not network.training["compile"]:
        from netc.train.startup import without_compiler

        without_compiler()
    if parsed.smoke:
        return _smoke(network)
    result = network.train(parsed.runs, pictures=not parsed.no_pictures, progress=sys.stderr, tensorboard=parsed.tensorboard,
                           resume=resumed)  # fmt: skip
    if os.environ.get("RANK", "0") == "0":
        _say(result, resumed, network)
    # Of processes that torchrun asked to stop, one that ends otherwise than with 0 would look as if it had failed.
    return INTERRUPTED if result.history.interrupted and not is_launched() else 0


def _launch(parsed: argparse.Namespace) -> int:
    if parsed.procs < 1 or parsed.smoke:
        parsed.parser.error("--procs takes the number of processes that train, 1 or more; --smoke tries in one")
    source = run_spec(parsed.resume) if parsed.spec is None else parsed.spec
    netc.load(source, overrides(parsed), parsed.network, allow_python=parsed.allow_python)  # an error is said now, not seconds later
    with Interrupt(once=True, signals=(*SIGNALS, *CLOSING)) as interrupt:
        from netc.train.launch import launch  # with torch, that takes a while, too

        return launch(parsed.words, parsed.procs, interrupt, parsed.runs, parsed.resume)


def _smoke(network: netc.Network) -> int:
    for line in network.smoke():
        print(line, flush=True)
    print("all of it was tried, and nothing was kept")
    return 0


def _say(result: Result, resumed: Path | None, network: netc.Network) -> None:
    from netc.train.run import outcome

    history = result.history
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if resumed is not None and result.begun_at == history.epochs and not history.interrupted:
        how = "was stopped early" if history.stopped_early else f"has all its {count_of(history.epochs, 'epoch')}"
        more = "" if history.stopped_early else _longer(network, 2 * history.epochs)
        print(f"{result.path}{os.sep} {how}: there is nothing left to train{more}")
        return
    if history.stopped_early or history.interrupted:
        print(f"{'stopped early' if history.stopped_early else 'interrupted'} in epoch {history.epochs}")
    print(f"wrote {result.path}{os.sep}")
    if said := which_weights(outcome(history), "`netc eval --best` and `netc predict --best` take"):
        print(said)
    if history.interrupted:
        print(f"netc train --resume {result.path} goes on")


def _longer(network: netc.Network, epochs: int) -> str:
    """What makes a training longer that has all its epochs, where anything does."""
    from netc.train.identity import fixed_by

    scheduler = fixed_by(network.training) if network.training is not None else None
    if scheduler is None:
        return f"; `--set train.epochs={epochs}` trains it longer"
    return f", over which `{scheduler.recipe.name}` took its course; a longer training is a new run"
