"""What an estimator says of a frame that it cannot take is written as one gives it there, and works."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from netc import NetClassifier
from netc.estimators.names import as_given

ROWS = 40
FRAME = pd.DataFrame({"a": np.linspace(-1, 1, ROWS), "city": ["Ulm", "Bonn"] * (ROWS // 2)})
LABELS = np.arange(ROWS) % 3 == 0
GAPS = FRAME.assign(a=FRAME["a"].where(FRAME["a"] < 0.9))
TEXTS = FRAME.assign(city=FRAME["city"].where(FRAME["city"].index != 7))


def suggested(problem: ValueError) -> dict[str, Any]:
    """What the message says is to be set."""
    found = re.findall(r"`set=(\{.*?\})`", str(problem))
    assert found, problem
    return {name: value for text in found for name, value in ast.literal_eval(text).items()}


@pytest.mark.parametrize("frame", [
    GAPS, TEXTS, GAPS[["a"]].to_numpy(), FRAME.assign(id=[f"n{i}" for i in range(ROWS)]), FRAME.assign(when=pd.to_datetime("2020-01-01")),
], ids=["numbers", "texts", "array", "names", "dates"])  # fmt: skip
def test_following_the_hint_trains(frame: Any) -> None:
    short = {"train.epochs": 1, "hidden": 2}
    with pytest.raises(ValueError, match="= hint: ") as caught:
        NetClassifier(set=short).fit(frame, LABELS)
    assert "in the `data` section" not in str(caught.value)
    fitted = NetClassifier(set={**short, **suggested(caught.value)}).fit(frame, LABELS)
    assert fitted.n_features_in_ == frame.shape[1]


def test_a_new_text_is_taken_as_the_hint_says() -> None:
    new = FRAME.assign(city=["Rom", *FRAME["city"][1:]])
    short = {"train.epochs": 1, "hidden": 2}
    with pytest.raises(ValueError, match="has `Rom`") as caught:
        NetClassifier(set=short).fit(FRAME, LABELS).predict(new)
    assert len(NetClassifier(set={**short, **suggested(caught.value)}).fit(FRAME, LABELS).predict(new)) == ROWS


@pytest.mark.parametrize("hint, said", [
    ("`missing = drop` leaves these rows out", '`set={"data.missing": "drop"}` leaves these rows out'),
    ('leave it out: `ignore = ["a b"]`', 'leave it out: `set={"data.ignore": ["a b"]}`'),
    ("a smaller share, e.g. `validation = 0.2`", 'a smaller share, e.g. `set={"data.validation": 0.2}`'),
    ("`output = exp(p)`, then `y -> float`", "`output = exp(p)`, then `y -> float`"),
])  # fmt: skip
def test_what_no_data_section_has_stays_as_it_is(hint: str, said: str) -> None:
    assert as_given(hint) == said
