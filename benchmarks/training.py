"""Training against what one writes by hand: a loop in one process, and whole processes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

import netc
from netc.train.columns import column_names
from netc.train.loop import fit
from report import Figure, Report, table
from timing import Comparison, compare, in_turn

WARM = 100  # epochs, in which everything is compiled

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from tests.twins import TWINS, Twin  # noqa: E402


def hand_written(twin: Twin, epochs: int) -> list[float]:
    """The article's loop."""
    network, criterion, data, lr, _ = twin
    x, y = data()
    torch.manual_seed(7)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def loop(name: str, seconds: float) -> Comparison:
    """All epochs of a spec, module and optimizer made anew each time, against the loop written by hand."""
    spec = netc.load(ROOT / "specs" / f"{name}.net")
    assert spec.training is not None
    epochs, settings = spec.training["epochs"], spec.training
    tensors = TWINS[name][2]()

    def ours() -> list[float]:
        torch.manual_seed(7)
        return fit(spec.module(), column_names(spec.graph), tensors, settings).columns["loss"]

    def theirs() -> list[float]:
        return hand_written(TWINS[name], epochs)

    assert ours() == theirs(), "not the same training"
    times = in_turn({"netc": ours, "hand": theirs}, seconds)
    return Comparison(times["netc"], times["hand"])


def loops(seconds: float) -> Report:
    """The loops of the article's specs, `seconds` for each."""
    figures, rows = [], []
    for name in TWINS:
        found = loop(name, seconds)
        ours, theirs = found.medians
        low, high = found.interval
        figures.append(Figure(f"training loop of `{name}`, all epochs", f"{found.ratio:.2f}", "0.85"))
        rows.append([f"`{name}`", f"{ours * 1e3:.0f} ms", f"{theirs * 1e3:.0f} ms", f"{found.ratio:.3f}", f"{low:.3f} to {high:.3f}"])
    said = "All epochs, module and optimizer made anew each time; the losses are the same to the last bit."
    return Report(figures, [said, "", *table(["spec", "netc", "by hand", "ratio", "95 %"], rows)])


def compiled(repetitions: int) -> Report:
    """The article's loop with `train.compile = true`, per epoch, once it is compiled."""
    what = "training loop of `network`, an epoch with `train.compile = true`, once it is compiled"
    epochs = 20_000
    try:
        spec = netc.load(ROOT / "specs" / "network.net", {"train.compile": True, "train.epochs": epochs})
    except netc.NetError as problem:
        return Report([Figure(what, f"not measured: {problem.diagnostics[0].message}", "0.40")])
    assert spec.training is not None
    settings, tensors = spec.training, TWINS["network"][2]()

    def ours() -> float:
        times: list[tuple[int, float]] = []
        torch.compiler.reset()
        torch.manual_seed(7)
        fit(spec.module(), column_names(spec.graph), tensors, settings, observer=lambda p: times.append((p.epoch, time.process_time())))
        (first, begin), (last, end) = next(t for t in times if t[0] >= WARM), times[-1]
        return (end - begin) / (last - first)

    def theirs() -> float:
        begin = time.process_time()
        hand_written(TWINS["network"], epochs)
        return (time.process_time() - begin) / epochs

    pairs = [(ours(), theirs()) if i % 2 else (theirs(), ours())[::-1] for i in range(repetitions)]
    found = Comparison([a for a, _ in pairs], [b for _, b in pairs])
    a, b = found.medians
    said = f"`network` with `train.compile = true`, after {WARM} epochs: {a * 1e6:.0f} µs an epoch, by hand {b * 1e6:.0f} µs."
    return Report([Figure(what, f"{found.ratio:.2f}", "0.40")], [said])


def process(pictures: bool, repetitions: int) -> Comparison:
    """`netc train specs/network.net` against the script written by hand, each a process of its own."""
    flags = [] if pictures else ["--no-pictures"]

    def run(*command: str) -> None:
        subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=ROOT)

    with tempfile.TemporaryDirectory() as folder:
        return compare(
            lambda: run("-m", "netc", "train", "specs/network.net", "--runs", folder, *flags),
            lambda: run("benchmarks/article_script.py", f"{folder}/script", *flags),
            repetitions,
            warmup=1,
        )


def processes(repetitions: int) -> Report:
    """Whole processes with and without pictures."""
    figures, rows = [], []
    for pictures in (True, False):
        found = process(pictures, repetitions)
        ours, theirs = found.medians
        what = f"`netc train specs/network.net`, whole process, {'with' if pictures else 'without'} pictures"
        figures.append(Figure(what, f"{found.ratio:.2f}"))
        rows.append([what, f"{ours:.2f} s", f"{theirs:.2f} s", f"{found.ratio:.2f}", f"{found.difference:+.2f} s"])
    return Report(figures, table(["what", "netc", "by hand", "ratio", "difference"], rows))
