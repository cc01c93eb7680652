"""What a training refuses before its first step, `netc check` refuses too, in the same words at the same place, and without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import netc
from netc import NetError
from netc.diagnostics import Diagnostic

CLASSES = """
network Classes {
  input x: [B, 6]
  target y: int64[B]
  logits = x -> Linear(8) -> ReLU -> Linear(4)
  output logits
  loss CrossEntropyLoss(logits, y)
}
data {
  source = sklearn.make_classification(n_samples=60, n_features=6, n_informative=4, n_classes=4, random_state=1)
  validation = 0.25
}
"""
ONE = CLASSES.replace("  loss", "  freeze linear.weight, linear_2.*\n  loss")
NOTHING = CLASSES.replace("  loss", "  freeze *\n  loss")
TIED = CLASSES.replace("Linear(8)", "one: Linear(6) -> two: Linear(6)").replace("  loss", "  tie two.weight = one.weight\n  loss")
ALL = CLASSES.replace("  validation = 0.25\n", "")

# The spec and settings, what is said, and the text that is marked (empty: anything).
KNOWN: list[tuple[str, str, str, str]] = [
    (CLASSES, "metrics = [accuracy, r2]", "`r2` is a metric of numbers, and the network predicts classes", "r2"),
    (CLASSES, "metrics = [f1, r2, accuracy, max_error]", "`max_error` is a metric of numbers", "max_error"),
    (ALL, "metrics = [r2]", "`r2` is a metric of numbers", "r2"),
    (CLASSES, 'metrics = [f1(average="binary")]', "is for two classes, and there are more", '"binary"'),
    (CLASSES, 'metrics = [f1, f1(average="macro")]', "`metrics` has `f1` twice", 'f1(average="macro")'),
    (CLASSES, 'monitor = "val_auc"', "`val_auc` is none of the losses and metrics that are recorded", '"val_auc"'),
    (CLASSES, 'early_stopping = patience(5, monitor="val_r2")', "`val_r2` is none of the losses", '"val_r2"'),
    (ALL, 'monitor = "val_loss"', "there is no validation data", '"val_loss"'),
    (CLASSES, "early_stopping = patience(0)", "patience of 0 epochs would stop before it starts", "0"),
    (CLASSES, 'scheduler = ReduceLROnPlateau()\n monitor = "val_accuracy"', 'write `mode="max"`', "ReduceLROnPlateau()"),
    (CLASSES, "scheduler = ReduceLROnPlateau()\n scheduler_interval = step", "cannot take a step after each batch", "step"),
    (CLASSES, "scheduler = SequentialLR([StepLR(2), StepLR(3)], [])", "0 milestones, and takes 1", ""),
    (CLASSES, "scheduler = ChainedScheduler([SequentialLR([StepLR(2)], [3])])", "1 milestone, and takes 0", ""),
    (CLASSES, "accumulate = 2", "gathers the gradients of 2 batches, and there is one", "2"),
    (CLASSES, "optimizer = LBFGS()\n precision = fp16", "which `precision = fp16` cannot scale", "fp16"),
    (CLASSES, "optimizer = LBFGS()\n group *.bias { lr = 0.1 }", "it has no groups of them", "LBFGS()"),
    (TIED, "optimizer = LBFGS()\n group two.weight { lr = 0.1 }", "it has no groups of them", "LBFGS()"),
    (CLASSES, "seed = 2 ** 63", "`seed` must be below 2**63", "2 ** 63"),
    (NOTHING, "", "the network has no parameters to train", ""),
    (CLASSES.replace("loss Cross", "loss lr = Cross"), "", "`lr` is the learning rate in what is recorded", ""),
    (CLASSES.replace("  loss CrossEntropyLoss(logits, y)\n", ""), "", "Classes has no loss to minimize", ""),
]
# What only the data tells: the number of its rows.
OF_DATA = [
    ("scheduler = OneCycleLR(0.1, total_steps=5)\n batch_size = 8", "`OneCycleLR` of 5 steps ends before the training, which has 18"),
    (
        "scheduler = OneCycleLR(0.1, epochs=2)\n batch_size = 8\n accumulate = 4",
        "`OneCycleLR` of 4 steps ends before the training, which has 6",
    ),
    (
        "scheduler = SequentialLR([LinearLR(), OneCycleLR(0.1, total_steps=9)], [4])\n batch_size = 8",
        "`OneCycleLR` of 9 steps ends before its part of the training, which has 14",
    ),
    (
        "scheduler = ChainedScheduler([StepLR(2), OneCycleLR(0.1, total_steps=9)])\n batch_size = 8",
        "`OneCycleLR` of 9 steps ends before the training, which has 18",
    ),
    ("scheduler = OneCycleLR(0.1, pct_start=1.0)\n batch_size = 8", "leaves a part of `OneCycleLR` of 18 steps without a step"),
]


def text(spec: str, keys: str) -> str:
    optimizer = "" if "optimizer" in keys else "optimizer = SGD(lr=0.1)\n"
    return f"{spec}\ntrain {{\n {optimizer} epochs = 3\n {keys}\n}}\n"


def refused(spec: str, folder: Path) -> list[Diagnostic]:
    with pytest.raises(NetError) as caught:
        netc.load(spec).train(folder, pictures=False)
    assert not [*folder.iterdir()]
    return list(caught.value.diagnostics)


@pytest.mark.parametrize(("spec", "keys", "words", "marked"), KNOWN)
def test_what_is_known_without_data(spec: str, keys: str, words: str, marked: str, tmp_path: Path) -> None:
    written = text(spec, keys)
    found = [d for d in netc.check(written) if d.severity == "error"]
    assert found == sorted(refused(written, tmp_path), key=lambda d: d.order)
    assert any(words in f"{d.message} {d.hint}" and d.span and d.span.text == (marked or d.span.text) for d in found), found


def test_all_wrong_metrics_are_told_together() -> None:
    found = netc.check(text(CLASSES, "metrics = [f1, r2, accuracy, max_error]"))
    assert [d.span.text for d in found if d.span] == ["r2", "max_error"]


@pytest.mark.parametrize(("keys", "words"), OF_DATA)
def test_what_the_data_tells(keys: str, words: str, tmp_path: Path) -> None:
    written = text(CLASSES, keys)
    assert not netc.check(written)
    found = [d for d in netc.check(written, data=True) if d.severity == "error"]
    assert found == refused(written, tmp_path) and words in found[0].message


@pytest.mark.parametrize(
    ("spec", "keys"),
    [(CLASSES, "scheduler = OneCycleLR(0.1, total_steps=18)\n batch_size = 8"), (CLASSES, 'metrics = [roc_auc]\n monitor = "val_roc_auc"'),
     (CLASSES, "scheduler = SequentialLR([LinearLR(), OneCycleLR(0.1, total_steps=14)], [4])\n batch_size = 8"),
     (CLASSES, "scheduler = SequentialLR([OneCycleLR(0.1, total_steps=3), StepLR(2)], [4])\n batch_size = 8"),
     (CLASSES, "scheduler = OneCycleLR(0.1, total_steps=19, pct_start=1.0)\n batch_size = 8"),
     (ONE, "optimizer = LBFGS()\n group linear.bias { lr = 0.1 }"),
     (CLASSES, 'scheduler = ReduceLROnPlateau(mode="max")\n monitor = "val_accuracy"')],
)  # fmt: skip
def test_what_trains_is_not_refused(spec: str, keys: str, tmp_path: Path) -> None:
    written = text(spec, keys)
    assert not [d for d in netc.check(written, data=True) if d.severity == "error"]
    netc.load(written).train(tmp_path, pictures=False)


def test_of_several_networks_that_with_a_loss_is_the_one_to_train() -> None:
    other = "network Other { input x: [B, 6]\n output x -> Linear(2) }\n"
    assert not netc.check(other + text(CLASSES, ""), data=True)
    assert [d.message for d in netc.check(other + text(CLASSES, ""), network="Other")] == ["Other has no loss to minimize"]
    assert len(netc.check(other + text(CLASSES, "metrics = [r2]"))) == 1


def test_no_torch(tmp_path: Path) -> None:
    path = tmp_path / "net.net"
    path.write_text(text(CLASSES, "metrics = [r2]"))
    code = f"from netc.cli import main; import sys; sys.exit(main(['check', '--data', {str(path)!r}]) + 2 * ('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 1
