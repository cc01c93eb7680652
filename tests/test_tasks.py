"""What a network predicts, read from its loss, and its outputs as probabilities and classes, held against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import netc
from netc.tasks import Task, task_of

NET = "network N {{\n  input x: [B, 4]\n  target y: {target}\n  {body}\n}}"


@pytest.mark.parametrize(
    ("target", "body", "task"),
    [
        ("[B, 1]", "p = x -> Linear(1) -> Sigmoid\n output p\n loss BCELoss(p, y)", Task("binary", "probabilities")),
        ("[B, 1]", "p = x -> Linear(1) -> Sigmoid\n output p\n loss binary_cross_entropy(p, y)", Task("binary", "probabilities")),
        ("[B]", "p = (x -> Linear(1))[:, 0]\n output p\n loss BCEWithLogitsLoss(p, y)", Task("binary", "logits")),
        ("[B, 1]", "z = x -> Linear(1)\n p = z -> Sigmoid\n output p\n loss BCEWithLogitsLoss(z, y)", Task("binary", "probabilities")),
        ("[B, 3]", "p = x -> Linear(3) -> Sigmoid\n output p\n loss BCELoss(p, y)", Task("other")),
        ("int64[B]", "p = x -> Linear(3)\n output p\n loss CrossEntropyLoss(p, y)", Task("classes", "logits")),
        ("int64[B]", "p = x -> Linear(3)\n output p\n loss 0.5 * cross_entropy(p, y) + mean(p ** 2)", Task("classes", "logits")),
        ("int64[B]", "z = x -> Linear(3)\n output z -> Softmax(1)\n loss CrossEntropyLoss(z, y)", Task("classes", "probabilities")),
        ("int64[B]", "p = x -> Linear(3) -> LogSoftmax(1)\n output p\n loss NLLLoss(p, y)", Task("classes", "log-probabilities")),
        ("int64[B]", "p = x -> Linear(3)\n output p\n loss MultiMarginLoss(p, y)", Task("classes", "scores")),
        ("[B, 1]", "p = x -> Linear(1)\n output p\n loss MSELoss(p, y)", Task("numbers")),
        ("[B, 2]", "p = x -> Linear(2)\n output p\n loss mean((p - y) ** 4)", Task("numbers")),
        ("[B, 2]", "p = x -> Linear(2)\n output p, x\n loss MSELoss(p, y)", Task("numbers")),
        ("[B, 3]", "p = x -> Linear(2)\n q = p -> Linear(3)\n output p\n loss MSELoss(q, y)", Task("other")),
    ],
)
def test_task(target: str, body: str, task: Task) -> None:
    assert task_of(netc.load(NET.format(target=target, body=body)).graph) == task


SCALES = {
    Task("classes", "logits"): lambda z: z,
    Task("classes", "probabilities"): lambda z: z.softmax(1),
    Task("classes", "log-probabilities"): lambda z: z.log_softmax(1),
}


@pytest.mark.parametrize("task", SCALES)
def test_probabilities_of_classes(task: Task) -> None:
    z = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)) * 30
    given = SCALES[task](z).numpy()
    assert np.allclose(task.probabilities(given), z.softmax(1).numpy(), atol=1e-6)
    assert (task.classes(given) == z.argmax(1).numpy()).all()


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
def test_probabilities_of_two_classes(shape: tuple[int, ...]) -> None:
    z = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 300
    for task, given in ((Task("binary", "logits"), z), (Task("binary", "probabilities"), z.sigmoid())):
        found = task.probabilities(given.numpy())
        assert np.allclose(found[:, 1], z.sigmoid().reshape(-1).numpy(), atol=1e-6) and np.allclose(found.sum(axis=1), 1)
        assert (task.classes(given.numpy()) == (z > 0).reshape(-1).long().numpy()).all()
