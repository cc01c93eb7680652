"""How fast the compiler itself is: whole processes, a module from text, each stage as networks grow, a network of 70 billion parameters.

Run by `make bench`, through `rows()`; alone: `python benchmarks/scaling.py`, which writes benchmarks/SCALING.md.
"""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import torch

import netc

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "SCALING.md"
sys.path.insert(0, str(ROOT))

from tests import known  # noqa: E402
from tests.conftest import LLAMA_70B  # noqa: E402
from tests.growing import FORMS  # noqa: E402

SIZES = (1000, 5000, 10_000, 20_000)
TRACED = (5000, 10_000)  # memory is measured on these; it takes several times as long as the check itself
SPEC = "specs/resnet50.net"
assert known.LIBRARY is not None  # defined before torchvision is imported

NOTES = """\
What made the difference, each measured by itself (seconds of the processor, before and after):

- Functions are drawn in the block that they were written in, which the graph knows. Before, that was found from the layers around each
  function, which took the third power of the number of blocks: 50 s for 2,000 layers in blocks, now 0.04 s.
- The collector of reference cycles rests while a spec is compiled: it finds nothing and looks through everything that is alive. The
  check of 10,000 layers 3.8 s and 2.1 s, their module 0.8 s and 0.2 s, the
  first forward of 20,000, which writes and compiles its source, 1.4 s and 0.9 s.
- A value with more than 8 uses stands by its name at each of them. Graphviz routes no lines over the whole picture any more: Llama of
  80 layers takes 2 s to an SVG; with lines it was stopped after 10 minutes.
- Written-out source looks at the last of the texts that are still to be written, not through all of them: 20,000 branches 1.5 s and 0.9 s.
- `netc fmt` keeps a line as pieces until it ends: 8,000 layers on one line 5.3 s and 3.0 s, and in time in proportion to them.
"""

# Run by a process of its own, which says the seconds of the processor and the most memory that it took, and whether torch was imported.
MEASURED = """
import sys, time
from netc.cli import main
try:
    main(sys.argv[1:])
finally:
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print("\\n", time.process_time(), status["VmHWM"].split()[0], "torch" in sys.modules)
"""


def process(*command: str, repetitions: int = 9) -> tuple[float, float]:
    """A whole process and those that it starts: the fewest seconds of the processor, and the median."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    taken = []
    for _ in range(repetitions + 1):
        before = os.times()
        subprocess.run([sys.executable, "-m", "netc", *command], cwd=ROOT, check=True, capture_output=True, env=environment)
        after = os.times()
        taken.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(taken[1:]), median(taken[1:])


def processes() -> list[str]:
    """Whole processes, against what is asked of them."""
    rows = ["| whole process | best | median | at most |", "| --- | --- | --- | --- |"]
    for most, command in (("0.3 s", ("check", SPEC)), ("0.8 s", ("draw", SPEC, "-o", "/tmp/resnet50.svg"))):
        best, middle = process(*command)
        rows.append(f"| `netc {' '.join(command)}` | {best:.2f} s | {middle:.2f} s | {most} |")
    return rows


def building(repetitions: int = 15) -> list[str]:
    """ResNet-50 as a module, from text and from torchvision's class, in turn."""
    from torchvision.models import resnet50

    works: tuple[Callable[[], Any], ...] = (lambda: netc.load(ROOT / SPEC).module(), resnet50)
    taken: tuple[list[float], list[float]] = ([], [])
    for i in range(repetitions + 2):
        for work, times in zip(works, taken, strict=True):
            start = time.process_time()
            work()
            times += [time.process_time() - start] if i >= 2 else []
    ours, theirs = map(median, taken)
    return [
        "| ResNet-50 as a module | from text | torchvision's class | ratio | at most |",
        "| --- | --- | --- | --- | --- |",
        f"| with fresh parameters | {ours:.3f} s | {theirs:.3f} s | {median(a / b for a, b in zip(*taken, strict=True)):.2f} | 1.15 |",
    ]


def stages(form: str, size: int) -> dict[str, float]:
    """The seconds of the processor for each stage on one network, and for the first forward with the compilation of its walk."""
    text = FORMS[form](size)
    network = netc.load(text)
    works: dict[str, Callable[[], Any]] = {
        "check": lambda: netc.load(text), "summary": network.summary, "draw": network.draw, "source": network.source,
        "resolved": network.resolved, "module": network.module,
    }  # fmt: skip
    taken = {}
    made: Any = None
    for name, work in works.items():
        gc.collect()
        start = time.process_time()
        made = work()
        taken[name] = time.process_time() - start
    inputs = torch.ones(1, 4, 8, 8) if "[B, 4, H, W]" in form else torch.ones(2, 8)
    start = time.process_time()
    with torch.no_grad():
        made(inputs)
    return {**taken, "first forward": time.process_time() - start}


def growth() -> list[str]:
    """Every form of network at every size: seconds of each stage, and how many times as much twice the layers cost."""
    names = [*stages(next(iter(FORMS)), 100), "peak of the check"]
    rows = [f"| form | layers | {' | '.join(names)} |", f"| --- | --- {'| --- ' * len(names)}|"]
    for form in FORMS:
        stages(form, 100)
        found = {size: [*stages(form, size).values()] for size in SIZES}
        peaks = {size: _peak(form, size) for size in TRACED}
        for size, taken in found.items():
            memory = f"{peaks[size]:.0f} MB" if size in peaks else ""
            rows.append(f"| {form} | {size:,} | {' | '.join(f'{seconds:.2f}' for seconds in taken)} | {memory} |")
        twice = [large / small for small, large in zip(found[10_000], found[20_000], strict=True)]
        rows.append(f"| | twice | {' | '.join(f'{ratio:.2f}' for ratio in twice)} | {peaks[10_000] / peaks[5000]:.2f} |")
    return rows


def _peak(form: str, size: int) -> float:
    """The megabytes that a check holds at most."""
    text = FORMS[form](size)
    tracemalloc.start()
    netc.load(text)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 2**20


def large() -> list[str]:
    """Llama of 70 billion parameters: each command a process of its own."""
    rows = ["| Llama, 70,553,706,496 parameters | processor | memory | torch imported |", "| --- | --- | --- | --- |"]
    sizes = [word for key, value in LLAMA_70B.items() for word in ("--set", f"{key}={value}")]
    for command in (["check"], ["compile"], ["draw", "-o", "/tmp/llama.dot"], ["draw", "-o", "/tmp/llama.svg"]):
        name, *rest = command
        before = os.times()
        result = subprocess.run([sys.executable, "-c", MEASURED, name, "specs/llama.net", *rest, *sizes], cwd=ROOT, capture_output=True,
                                text=True, check=True)  # fmt: skip
        after = os.times()
        taken = after.children_user + after.children_system - before.children_user - before.children_system
        _, kilobytes, has_torch = result.stdout.split()[-3:]
        rows.append(
            f"| `netc {' '.join(command)}` | {taken:.2f} s | {int(kilobytes) / 1024:.0f} MB | {'yes' if has_torch == 'True' else 'no'} |"
        )
    start = time.process_time()
    with torch.device("meta"):
        netc.load(ROOT / "specs" / "llama.net", LLAMA_70B).module()
    return [*rows, f"| the module, on the meta device | {time.process_time() - start:.2f} s | nothing allocated | yes |"]


def rows() -> list[str]:
    """All of it as lines of Markdown."""
    return [
        *processes(), "", *building(), "", *large(), "", "Seconds of the processor for each stage, in one process:", "", *growth(), "",
        *NOTES.splitlines(),
    ]  # fmt: skip


def main() -> None:
    """Measures, and writes the report."""
    torch.set_num_threads(1)
    machine = f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, netc {netc.__version__}"
    text = ["# The compiler's own speed", "", f"`python benchmarks/scaling.py` on {date.today()}: {machine}.", "", *rows(), ""]
    RESULTS.write_text("\n".join(text), encoding="utf-8")
    sys.stdout.write("\n".join(text))


if __name__ == "__main__":
    main()
