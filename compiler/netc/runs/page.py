"""The comparison of runs as one HTML page that asks for no other file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from netc.diagnostics import count_of
from netc.runs import compare
from netc.runs.folder import Run
from netc.train.report.curves import curves_picture
from netc.train.report.sheet import inline
from netc.web.document import columns, document, figure, section, table


def comparison_page(runs: Sequence[Run]) -> str:
    """Curves, how each run did, and in which lines their specs differ."""
    names = [run.name for run in runs]
    curves = curves_picture({run.name: run.history for run in runs})
    results = [line for line in compare.results(runs) if line.metric]
    problems = [f"<li>{escape(run.name)}: {escape(problem)}</li>" for run in runs for problem in run.problems]
    return document(" and ".join(names) if len(names) < 4 else count_of(len(names), "run"), [
        f"<header><h1>{escape(', '.join(names))}</h1></header>",
        f'<section class="warnings"><ul>{"".join(problems)}</ul></section>' if problems else "",
        f"<section>{figure(inline(curves))}</section>" if curves else "",
        _lines("What they are", names, compare.facts(runs)),
        _lines("Losses and metrics", names, results, "; ".join(["the best in green", *compare.reasons(results)])),
        columns(_difference(difference, runs[0]) for difference in compare.differences(runs)),
    ])  # fmt: skip


def _lines(title: str, names: Sequence[str], lines: Sequence[compare.Line], note: str = "") -> str:
    best = {(i, j + 1) for i, line in enumerate(lines) for j in line.best}
    return section(title, table(("", *names), [(_title(line), *line.cells) for line in lines], best=best), note)


def _title(line: compare.Line) -> str:
    return f"{line.metric}, {line.title.strip()}" if line.metric else line.title


def _difference(difference: compare.Difference, first: Run) -> str:
    """The lines that differ, in colors."""
    marked = (f'<span class="{"minus" if line[0] == "-" else "plus"}">{escape(line)}</span>' for line in difference.lines)
    body = "\n".join(marked) or '<span class="c">the same</span>'
    return section(f"The spec of {difference.name}", f"<pre>{body}</pre>", f"against {first.name}")
