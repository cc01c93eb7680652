"""Broken specs: netc says what is wrong or takes them, never anything else, and shows the line that was changed."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from sklearn import datasets  # a spec with a size from the data reads it; the first import is not the checker's time

import netc
from netc.diagnostics import Diagnostic, NetError, render, render_all
from netc.shapes import shape_at
from netc.tensors import TensorType
from tests.conftest import SPECS
from tests.fuzz import TIMES
from tests.mutations import WAYS, Mutant, Spec, mutants

TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(SPECS.glob("*.net"))}
COUNT = 400 * TIMES  # 2000 are drawn by the benchmark
SEED = 2024
SECONDS = 10  # of the processor, for one spec: most take a tenth of one, and what grows with a power of the input hours
SHOWN = 0.9  # the share of errors that show the line that was changed
SIZES = {"h": 40, "w": 48, "T": 7, "S": 5, "B": 2}
IMAGE = 2048  # all other sizes: so large that kernels of twice the digits still fit, which costs nothing without values

assert datasets


@pytest.fixture(scope="module")
def outcomes() -> list[tuple[str, Mutant, netc.Network | NetError, float]]:
    """Every mutant with what came of it, and the seconds that it took."""
    made = []
    for name, mutant in mutants(TEXTS, SEED, COUNT):
        start = time.process_time()
        made.append((name, mutant, outcome(mutant.text), time.process_time() - start))
    return made


def outcome(text: str) -> netc.Network | NetError:
    try:
        return netc.load(text)
    except NetError as problem:
        assert str(problem)
        return problem


Outcomes = list[tuple[str, Mutant, netc.Network | NetError, float]]


def test_the_original_specs_are_taken() -> None:
    assert [name for name, text in TEXTS.items() if isinstance(outcome(text), NetError)] == []


def test_draws_are_the_same_each_time() -> None:
    first, second = (list(mutants(TEXTS, SEED, 60)) for _ in range(2))
    assert first == second
    assert len({mutant.kind for _, mutant in mutants(TEXTS, SEED, 2000)}) == len(WAYS) >= 20


def test_changed_lines_are_those_that_differ() -> None:
    for name, mutant in mutants(TEXTS, SEED, 300):
        before, after = TEXTS[name].split("\n"), mutant.text.split("\n")
        if len(before) == len(after):
            differ = {i for i, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b}
            assert differ & mutant.lines, mutant


def test_no_mutant_takes_long(outcomes: Outcomes) -> None:
    assert [(name, mutant.kind, seconds) for name, mutant, _, seconds in outcomes if seconds > SECONDS] == []


def test_diagnostics_can_be_shown(outcomes: Outcomes) -> None:
    for _, mutant, result, _ in outcomes:
        if isinstance(result, NetError):
            assert "\x1b" in render_all(result.diagnostics, color=True)
            assert [d for d in result.diagnostics if not is_sound(d, len(mutant.text))] == []


def is_sound(diagnostic: Diagnostic, length: int) -> bool:
    """Whether all that a diagnostic holds can be shown: words, and places within the text."""
    spans = [related.span for related in diagnostic.related] + ([diagnostic.span] if diagnostic.span else [])
    spans += [diagnostic.edit.span] if diagnostic.edit else []
    inside = all(0 <= span.start <= span.end <= len(span.source.text) and span.position >= (1, 1) for span in spans)
    worded = bool(diagnostic.message) and not re.search(r"<\w+ object|Traceback|None\b", diagnostic.message + diagnostic.hint)
    return inside and worded and length > 0 and render(diagnostic).startswith(diagnostic.severity)


def test_the_changed_line_is_shown(outcomes: Outcomes) -> None:
    wrong = [(name, mutant, result) for name, mutant, result, _ in outcomes if isinstance(result, NetError)]
    missed = [(name, mutant) for name, mutant, result in wrong if not any(mutant.found_by(d) for d in result.diagnostics)]
    assert len(wrong) > COUNT / 2
    assert 1 - len(missed) / len(wrong) >= SHOWN, Counter(mutant.kind for _, mutant in missed).most_common()


def test_what_is_taken_runs(outcomes: Outcomes) -> None:
    """A mutant without an error is another network, which torch runs: on the meta device, with sizes for the names."""
    taken = [(name, mutant, result) for name, mutant, result, _ in outcomes if isinstance(result, netc.Network)]
    assert taken
    for name, mutant, network in taken:
        try:
            run_on_meta(network)
        except Exception as problem:
            raise AssertionError(f"{name}, {mutant.kind}, lines {sorted(mutant.lines)}: {problem}\n{mutant.text}") from problem


def run_on_meta(network: netc.Network) -> None:
    """Computes outputs, losses and metrics on tensors without values."""
    graph = network.graph
    sizes = {name: SIZES.get(name, IMAGE) for name in graph.dims}
    with torch.device("meta"):
        module, tensors = network.module(), []
        for node in graph.inputs + graph.targets:
            assert isinstance(node.type, TensorType)
            shape = [int(str(size)) for size in shape_at(node.type.shape, sizes)]
            tensors.append(torch.empty(shape, dtype=getattr(torch, node.type.dtype)))
        module(*tensors[: len(graph.inputs)])
        if graph.losses:
            module.losses(*tensors)


def test_a_way_changes_what_it_says() -> None:
    text = "network N {\n  input x: [B, 5]\n  p = x -> (Linear(8) || Linear(8)) -> add\n  output p\n}\n"
    from random import Random

    changed = {kind: way(Spec(text, Random(1))) for kind, way in WAYS.items()}
    shown = {kind: mutant.text for kind, mutant in changed.items() if mutant}
    assert "-> add" not in shown["remove a merge"] and "|| Linear" not in shown["remove a branch"]
    assert len(shown["drop a line"].split("\n")) == len(text.split("\n")) - 1
    assert sum(map(shown["drop a bracket"].count, "()[]{}")) == sum(map(text.count, "()[]{}")) - 1
    assert len(shown["drop a character"]) == len(text) - 1 == len(shown["double a character"]) - 2


def test_the_specs_are_all_there(specs: Path) -> None:
    assert len(TEXTS) == len(list(specs.glob("*.net"))) >= 20
