"""What the `train` section and the losses do to the parameters."""

from __future__ import annotations

from collections.abc import Iterator

from netc.diagnostics import Diagnostic, Related, count_of, listed
from netc.graph import Node
from netc.lint.view import BATCH_NORMS, View, name_of
from netc.settings import Made


def untrained(view: View) -> Iterator[Diagnostic]:
    """Parameters of the outputs that no loss depends on: one warning for all of them."""
    graph = view.graph
    if not graph.losses:
        return
    trained = {node.path for node in graph.needed_for(loss.ref for loss in graph.losses) if node.weights}
    trained |= _tied_to(view, trained)
    computed = graph.needed_for(named.ref for named in (*graph.outputs, *graph.metrics))
    frozen = set(graph.frozen)
    left = {node.path: node for node in computed if node.weights and node.path not in trained and not _keys(node) <= frozen}
    if left:
        first, *others = left.values()
        rest = f" and {count_of(len(others), 'other layer')}" if others else ""
        yield Diagnostic("untrained-parameter", f"no loss depends on the parameters of `{first.path}`{rest}: they stay as they begin",
                                first.span, related=tuple(Related(node.span, "nor on these") for node in others[:3]),
                                hint=f"use the value in a `loss`, or say that it is meant: `freeze {_pattern(first)}`")  # fmt: skip


def _pattern(node: Node) -> str:
    return node.path if node.kind == "param" else f"{node.path}.*"


def _keys(node: Node) -> set[str]:
    return {".".join(filter(None, (node.path, name))) for name in node.weights}


def _tied_to(view: View, trained: set[str]) -> set[str]:
    """The paths of the layers that have a parameter in common with one that is trained."""
    ties = [tuple(key if key in view.by_path else key.rpartition(".")[0] for key in (t.left, t.right)) for t in view.graph.ties]
    return {a for a, b in ties if b in trained} | {b for a, b in ties if a in trained}


# The learning rates that people use, from and to, with room on both sides: beyond these a run diverges or does not move.
# Adam and its relatives change a number by about the rate in each step, whatever the gradient: Kingma, Ba, "Adam: A Method for
# Stochastic Optimization", 2015, section 2.1. SGD's steps scale with the gradient; small models are trained with rates above 1.
# For the others torch's default lies well within.
ADAM = (1e-7, 0.1)
USUAL_RATES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "SparseAdam"), ADAM),
    "SGD": (1e-8, 10), "ASGD": (1e-8, 10), "Adagrad": (1e-7, 10), "RMSprop": (1e-7, 1), "Rprop": (1e-7, 1), "Adadelta": (1e-6, 100),
    "Adafactor": (1e-7, 1), "Muon": (1e-7, 1), "LBFGS": (1e-7, 10),
}  # fmt: skip
SET_THEIR_OWN = ("OneCycleLR", "CyclicLR", "LambdaLR")  # schedulers that need not begin with the optimizer's rate


def learning_rate(view: View) -> Iterator[Diagnostic]:
    """A learning rate far out of the optimizer's usual range."""
    optimizer, scheduler = _made(view, "optimizer"), _made(view, "scheduler")
    if optimizer is None or "lr" not in optimizer.arguments or (scheduler and _sets_its_own(scheduler)):
        return
    rate, usual = optimizer.arguments["lr"], USUAL_RATES.get(optimizer.recipe.name)
    if usual is None or not isinstance(rate.value, (int, float)) or usual[0] <= rate.value <= usual[1]:
        return
    effect = "the loss will hardly move" if rate.value < usual[0] else "training will most likely diverge"
    default = next(p.default for p in optimizer.recipe.params if p.name == "lr")
    message = f"a learning rate of {rate.value} is far out of what `{optimizer.recipe.name}` is used with: {effect}"
    yield Diagnostic("learning-rate", message, rate.span, hint=f"torch's default is {default}")


def _sets_its_own(scheduler: Made) -> bool:
    return scheduler.recipe.name in SET_THEIR_OWN or any(map(_sets_its_own, scheduler.values.get("schedulers", [])))


def _made(view: View, key: str) -> Made | None:
    argument = view.train.values.get(key) if view.train else None
    return argument.value if argument and isinstance(argument.value, Made) else None


def batches_of_one(view: View) -> Iterator[Diagnostic]:
    """Batch normalisation where a batch is a single example."""
    size = view.train.values.get("batch_size") if view.train else None
    if size is None or size.value != 1 or isinstance(size.value, bool):
        return
    norms = [node for node in view.graph.modules if name_of(node) in BATCH_NORMS]
    if norms:
        layers = listed([node.path for node in norms], most=3)
        yield Diagnostic("batch-of-one", f"with batches of one example batch normalisation ({layers}) takes the mean of that example only",
                         size.span, related=(Related(norms[0].span, "the first of them"),),
                         hint="take larger batches, or `GroupNorm` or `LayerNorm`, which do not look at the batch")  # fmt: skip


def unmeasured(view: View) -> Iterator[Diagnostic]:
    """Metrics in the `train` section, which are of what is held out, where the `data` section holds nothing out."""
    wanted = view.train.values.get("metrics") if view.train else None
    if view.data is None or wanted is None or not wanted.value or view.data["validation"]:
        return
    names = list(dict.fromkeys(made.recipe.name for made in wanted.value))
    verb = "is" if len(names) == 1 else "are"
    message = f"{listed(names)} {verb} not measured in training: metrics are of data that is held out, and none is"
    hint = "give the `data` section e.g. `validation = 0.2`; `metric NAME = …` in the network measures the training data, too"
    yield Diagnostic("unused-metrics", message, wanted.span, related=(Related(view.data.span, "nothing is held out here"),), hint=hint)
