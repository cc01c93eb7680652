"""Every layer, loss and function of `torch.nn` with one or two of its values replaced, or an axis of its input.

What netc takes torch takes, and the other way round.

Values are small, negative, 0, too large; the draw is seeded, so that a failure comes back.
"""

from __future__ import annotations

import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from netc.diagnostics import Diagnostic
from netc.infer import Inferred
from netc.ops import TABLE
from netc.ops.op import Op, Param
from tests.op_cases import CASES
from tests.op_checks import Outcome, is_tensor, outcome

pytestmark = pytest.mark.filterwarnings("ignore")

Case = dict[str, Any]
INTS = (-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 100)
FLOATS = (-1.0, -0.5, 0, 0.0, 0.5, 1.0, 1.5, 2.0, 3, -1, 1, 2)
DRAWS = 24  # of each case of a row
CAUSES = (RuntimeError, ValueError, TypeError, AssertionError, NotImplementedError, IndexError, ZeroDivisionError)

# What netc refuses although torch computes something, by the row (or any) and a part of the message.
STRICTER = (
    ("", "must be positive"),  # sizes of 0 and below, which torch takes here and there: an empty tensor, or nonsense
    ("", "must be 0 or more"),
    ("", "would leave nothing"),
    ("", "leave at least 1"),
    ("", "is a probability"),
    ("", "label_smoothing must be from 0 to 1"),
    ("", "one class only"),
    ("", "has no variance"),  # torch refuses it in training only
    ("", "needs size or scale_factor, and not both"),  # a scale_factor of 0 counts as none in torch
    ("", "value does not go with mode"),  # 0 is let through
    ("", "compares vectors along axis"),  # torch stretches them
    ("", "needs equal axes before the last two"),
    ("", "needs as many axes in each"),
    ("scaled_dot", "must have as many places"),
    ("MultiheadAttention", "attn_mask must be"),  # with is_causal torch does not look at it
    ("", "bias must be"),
    ("", "dropout stands between layers"),  # torch warns
    ("Dropout", "axes, and gets"),  # torch warns, or takes the batch for channels
    ("hardtanh", "max_val must be above"),  # the layer refuses equal ones, the function does not
    ("MaxUnpool", "would give sizes"),
)  # fmt: skip
# What only the values in a tensor decide, which the checks of the data say.
BY_DATA = re.compile(
    r"index out of range|not in the valid range|Target \d+ is out of bounds|Class values must be smaller|invalid max index"
    r"|offsets\[-1\] can not be greater|argument #2 'targets'|Expected input_lengths|found idx to be|index \d+ out of range"
)


def value_of(param: Param, rng: random.Random) -> Any:
    """A value of the parameter's kind, good or bad; None where there is none to draw."""
    if param.choices:
        return rng.choice([c for c in param.choices if c not in ("int", "full")])
    counted = re.fullmatch(r"(int|out|float|padding)(\d)", param.kind)
    if counted:
        of = FLOATS if counted[1] == "float" else INTS
        if counted[1] == "padding" and rng.random() < 0.2:
            return rng.choice(["same", "valid"])
        values = [rng.choice(of) for _ in range(int(counted[2]))]
        return values[0] if len(values) == 1 or (len(values) <= 3 and rng.random() < 0.5) else values
    plain = {"int": INTS, "float": FLOATS, "training_rate": FLOATS, "number": FLOATS, "float_or_floats": FLOATS, "bool": (True, False),
             "int_or_ints": INTS, "size_or_sizes": INTS, "size": INTS}  # fmt: skip
    if param.kind in ("ints", "sizes", "floats"):
        of = FLOATS if param.kind == "floats" else INTS
        return [rng.choice(of) for _ in range(rng.randint(0, 3))]
    return rng.choice(plain[param.kind]) if param.kind in plain and not param.variadic else None


def another_shape(case: Case, rng: random.Random) -> Case:
    """The case with one axis of one tensor 1 or longer, or gone."""
    names = [n for n, v in case.items() if is_tensor(v) and v[0]]
    if not names:
        return case
    name = rng.choice(names)
    shape, dtype = case[name]
    at, size = rng.randrange(len(shape)), rng.choice([1, 1, 2, 3, None])
    return case | {name: ((*shape[:at], *([] if size is None else [size]), *shape[at + 1 :]), dtype)}


def inferred_sizes(op: Op, case: Case) -> Case:
    """The sizes that netc infers for a good case, for torch to be constructed with."""
    wanted = [p.name for p in op.params if p.inferred]
    result = outcome(op, case).ours if wanted else None
    return {n: result.config[n].value for n in wanted} if isinstance(result, Inferred) else {}


def drawn(name: str) -> Iterator[tuple[Case, bool]]:
    """Cases of a row with something replaced, and whether in training."""
    rng = random.Random(zlib.crc32(name.encode()))
    op = TABLE[name]
    params = [p for p in (*op.params, *op.inputs) if not p.inferred and value_of(p, random.Random(0)) is not None]
    for base in CASES.get(name, [{}]):
        sizes = inferred_sizes(op, base)
        for _ in range(DRAWS):
            case = dict(base) | ({"sizes": sizes | base.get("sizes", {})} if sizes else {})
            for param in rng.sample(params, min(len(params), rng.choice([0, 1, 1, 2]))):
                case[param.name] = value_of(param, rng)
            if not params or rng.random() < 0.3:
                case = {n: v for n, v in another_shape(case, rng).items() if n != "sizes"}
            yield case, rng.random() < 0.5


def verdict(op: Op, result: Outcome) -> str:
    """How netc and torch stand to each other: `agree`, `stricter`, `by data`, or what is wrong."""
    if isinstance(result.ours, Diagnostic):
        known = any(op.name.startswith(row) and words in result.ours.message for row, words in STRICTER)
        stretched = op.is_loss and result.ours.code in ("loss-shape", "rank")  # what netc is there for
        if result.error is None and (known or stretched):
            return "stricter"
    elif result.error is not None and BY_DATA.search(str(result.error)):
        return "by data"
    try:
        result.check()
    except AssertionError as problem:
        return str(problem).split("\n")[0]
    return "agree"


ROWS = [name for name, op in TABLE.items() if op.is_module or op.target.startswith("torch.nn.functional.")]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors are slow where threads wait for each other."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


def test_values() -> None:
    """All rows in one test, as most cases take less time than a test of their own."""
    counts: Counter[str] = Counter()
    wrong = []
    for name in ROWS:
        for case, training in drawn(name):
            result = outcome(TABLE[name], case, training)
            said = verdict(TABLE[name], result)
            counts[said if said in ("stricter", "by data") else "refused" if isinstance(result.ours, Diagnostic) else "taken"] += 1
            if said not in ("agree", "stricter", "by data"):
                wrong.append(f"{name}, training={training}: { {k: v for k, v in case.items() if k != 'sizes'} }: {said}")
    assert not wrong, "\n".join([f"{len(wrong)} differ", *wrong[:40]])
    assert counts["taken"] > 2000 and counts["refused"] > 500, counts  # so that the test cannot check nothing
