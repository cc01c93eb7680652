"""Where a number that is not finite came from: the first node, at its place, with the parameters that it had then."""

from __future__ import annotations

from pathlib import Path

import pytest

import netc
from netc import NetError

SPEC = """
network Net {{
  input x: [B, 4]
  target y: [B, 1]
  {param}
  p = x -> Linear(3) -> Tanh -> drop: Dropout(0.2) -> last: Linear(1)
  output p
  loss {loss}
}}
data = sklearn.make_regression(n_samples=40, n_features=4, random_state=1)
train {{
  optimizer = {optimizer}
  epochs = 60
  batch_size = {batch}
  {keys}
}}
"""

W = "param w: [1] = constant(0.5)"
# What the loss is, what is said, what is marked, and what the hint holds. `w` falls until it is below 0.
CASES: dict[str, tuple[str, str, str, str]] = {
    "a value": ("mean(log(p))", "the first value that is not finite is what `log` gives", "log(p)", "log(clamp("),
    "after some steps": ("mean(log(w)) + 0.001 * mean((p - y) ** 2)", "the first value that is not finite is what `log` gives", "log(w)",
                         "log(clamp("),
    "a quotient": ("mean(p / relu(-abs(p)))", "the first value that is not finite is what `/` gives", "p / relu(-abs(p))", "divisor"),
    "a gradient": ("mean(sqrt(0 * p)) + 0 * mean(w)", "the first gradient that is not finite is that of `sqrt`",
                   "sqrt(0 * p)", "sqrt(h + 1e-6)"),
    "an overflow": ("mean(exp(100 * w * p ** 2 + 90))", "the first value that is not finite is what `exp` gives", "exp(", "clamp"),
}  # fmt: skip


@pytest.mark.parametrize("batch", ["full", "16"])
@pytest.mark.parametrize("case", CASES)
def test_the_first_node_is_named(case: str, batch: str, tmp_path: Path) -> None:
    loss, words, place, hint = CASES[case]
    text = SPEC.format(param=W, loss=loss, optimizer="SGD(lr=0.01)", batch=batch, keys="")
    with pytest.raises(NetError) as caught:
        netc.load(text).train(tmp_path, pictures=False)
    (found,) = caught.value.diagnostics
    assert found.code == "training" and words in found.message and "in epoch" in found.message
    assert found.span is not None and found.span.text.startswith(place)
    assert hint in found.hint


def test_a_training_that_diverges_is_told_to_slow_down(tmp_path: Path) -> None:
    text = SPEC.format(param="", loss="MSELoss(p, y)", optimizer="SGD(lr=1e6)", batch=16, keys="")
    with pytest.raises(NetError) as caught:
        netc.load(text).train(tmp_path, pictures=False)
    (found,) = caught.value.diagnostics
    assert found.span is not None and found.span.text in ("MSELoss(p, y)", "last: Linear(1)")
    assert "a smaller `lr` (now 1000000.0)" in found.hint and found.related[0].span.text == "SGD(lr=1e6)"


def test_the_epoch_is_that_of_the_training_and_the_numbers_those_of_the_step(tmp_path: Path) -> None:
    """`w` begins at 0.5 and falls by 0.01 / w: by hand it is below 0 after the ninth of ten-row steps."""
    w, steps = 0.5, 0
    while w > 0:
        w, steps = w - 0.01 / w, steps + 1
    text = SPEC.format(param=W, loss="mean(log(w)) + 0 * mean(p)", optimizer="SGD(lr=0.01)", batch=10, keys="")
    with pytest.raises(NetError) as caught:
        netc.load(text).train(tmp_path, pictures=False)
    (found,) = caught.value.diagnostics
    assert f"in epoch {steps // 4 + 1} of 60" in found.message
    assert found.label == f"of numbers from {w:.4g} to {w:.4g}"
