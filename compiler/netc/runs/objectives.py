"""What the losses and metrics of a run compute, as text: those of two runs can be compared where the texts are equal.

Read from the resolved spec alone, where each value has a name, so that no Python that a spec uses has to run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from netc import syntax as s
from netc.diagnostics import NetError
from netc.parse import parse
from netc.runs.folder import Run
from netc.source import Source

# A string, the name of a function or argument, or (in the group) a value.
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\W\d][\w.]*(?=\()|[^\W\d]\w*(?==(?!=))|(?P<value>[^\W\d]\w*)')
LONGEST = 400  # characters; a longer text stands for itself by its hash, as one of values used twice grows and grows


def objectives(run: Run) -> Mapping[str, str]:
    """By the name of the column what is computed: `MSELoss(p, y, reduction="mean")`. Empty where the spec cannot be read.

    `p` is what the network gives, whatever that is, `x` an input and `y` a target (`p`, `p2`, … in their order). Where targets are
    scaled, the scaling belongs to what is computed: the error of a scaled number is another.
    """
    try:
        file = parse(Source(run.path.name, run.spec))
    except NetError:
        return {}
    network = next((item for item in file.items if isinstance(item, s.Network)), None)
    if network is None:
        return {}
    values = _values(network)
    found = [o for o in network.statements if isinstance(o, s.Objective)]
    scaled = _scaling(file)
    texts = {o.name.name if o.name else "loss": _expanded(o.value.span.text, values) + scaled for o in found}
    losses = [texts[o.name.name if o.name else "loss"] for o in found if o.kind == "loss"]
    return texts | ({"loss": " + ".join(losses)} if losses else {})


def _values(network: s.Network) -> dict[str, str]:
    """What each name stands for: an expression of inputs, targets and what the network gives."""
    given = [name for o in network.statements if isinstance(o, s.Output) for name in map(_name, o.values) if name]
    values = {name: _numbered("p", i) for i, name in enumerate(given)}
    counts = {"input": 0, "target": 0}
    for statement in network.statements:
        if isinstance(statement, s.Declaration):
            values[statement.name.name] = _numbered("x" if statement.kind == "input" else "y", counts[statement.kind])
            counts[statement.kind] += 1
        elif isinstance(statement, s.Assign):
            is_layer = isinstance(statement.value, s.Pipe)
            text = "p" if is_layer else _expanded(statement.value.span.text, values)
            names = [name.name for name in statement.names if name.name not in given]
            values |= {name: text if len(statement.names) == 1 or is_layer else f"{text}[{i}]" for i, name in enumerate(names)}
    return values


def _name(expression: s.Expression) -> str:
    return expression.name if isinstance(expression, s.Name) else ""


def _numbered(letter: str, place: int) -> str:
    return letter if place == 0 else f"{letter}{place + 1}"


def _expanded(text: str, values: Mapping[str, str]) -> str:
    """An expression with what its names stand for."""
    found = WORD.sub(lambda match: values.get(match["value"] or "", match[0]), " ".join(text.split()))
    return found if len(found) <= LONGEST else hashlib.sha256(found.encode()).hexdigest()


def _scaling(file: s.File) -> str:
    """How the targets are scaled: as the section says, and the groups of its columns."""
    sections = [item for item in file.items if isinstance(item, s.Section) and item.kind == "data"]
    own = [said for section in sections for said in _target_scalings(section.settings)]
    found = [f"`{said}`" for said in own if not said.endswith("= none")]
    groups = [(group.patterns, said) for section in sections for group in section.groups for said in _target_scalings(group.settings)]
    found += [f"`group {', '.join(p.span.text for p in patterns)} {{ {said} }}`" for patterns, said in groups]
    return f" with {' and '.join(found)}" if found else ""


def _target_scalings(settings: Sequence[s.Setting]) -> list[str]:
    return [f"normalize_target = {o.value.span.text}" for o in settings if o.name.name == "normalize_target"]
