"""What arrives at a loss: each loss of torch wants logits, probabilities or logarithms, and takes the others without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from netc.diagnostics import Diagnostic, Edit, Related
from netc.graph import Node, Ref
from netc.lint.edits import removal, renaming
from netc.lint.view import CONVOLUTIONS, LINEAR, NORMS, Finding, View, is_dropout, name_of, setting

SOFTMAX, SIGMOID = frozenset({"Softmax", "Softmin"}), frozenset({"Sigmoid", "Hardsigmoid"})
LOGARITHMS = frozenset({"LogSoftmax", "LogSigmoid"})
UNBOUNDED_ACTIVATIONS = frozenset({"ReLU", "LeakyReLU", "PReLU", "RReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Hardswish"})
# What gives numbers outside 0 to 1 for sure, and no logarithms of probabilities.
ANY_NUMBER = LINEAR | CONVOLUTIONS | NORMS | UNBOUNDED_ACTIVATIONS | {"Tanh", "Softplus"}
# Activations that keep logits on one side, or near zero, with what they do to them.
SQUASHING = {
    **dict.fromkeys(("ReLU", "ReLU6", "Softplus"), "never below 0"), **dict.fromkeys(("GELU", "SiLU"), "hardly ever below 0"),
    **dict.fromkeys(("Tanh", "Hardtanh"), "between -1 and 1"), **dict.fromkeys(("Sigmoid", "Hardsigmoid"), "between 0 and 1"),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """An operand of a loss that may not come from some ops.

    The message may use `{loss}`, `{maker}` and `{range}`. The place is the maker's where it is what is wrong (`at_maker`), else
    the loss's. `given` are arguments that the loss must have for the row to hold. `mend` says whether the maker can be `removed`,
    or by what it is `renamed`.
    """

    code: str
    losses: tuple[str, ...]
    makers: frozenset[str]
    message: str
    hint: str
    operand: str = "input"
    at_maker: bool = True
    mend: str = ""
    given: Mapping[str, object] = field(default_factory=dict)


WITH_LOGITS = ("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss")
NAME_LOGITS = "remove `{maker}`; where the output shall be probabilities, name the logits and give the loss these"
LOG_HINT = "send it through `LogSoftmax(dim={dim})`"
ROWS = (
    Row("double-softmax", ("CrossEntropyLoss",), SOFTMAX,
        "`{loss}` takes logits and applies softmax itself; after `{maker}` it sees numbers between 0 and 1 only, and never comes near zero",
        NAME_LOGITS, mend="removed"),
    Row("double-softmax", ("CrossEntropyLoss",), frozenset({"LogSoftmax"}),
        "`{loss}` applies log_softmax itself; `{maker}` before it changes nothing and costs time",
        "remove `{maker}`, or keep it and write `NLLLoss`", mend="removed"),
    Row("double-sigmoid", WITH_LOGITS, SIGMOID,
        "`{loss}` takes logits and applies sigmoid itself; after `{maker}` its probabilities lie between 0.5 and 0.73 only",
        NAME_LOGITS, mend="removed"),
    Row("double-sigmoid", WITH_LOGITS, SOFTMAX,
        "`{loss}` takes logits and applies sigmoid itself; after `{maker}` its probabilities lie between 0.5 and 0.73 only",
        NAME_LOGITS, mend="removed"),
    Row("missing-sigmoid", ("BCELoss",), ANY_NUMBER | LOGARITHMS,
        "`{loss}` takes probabilities, and what `{maker}` gives is not kept between 0 and 1",
        "end the prediction with `-> Sigmoid`, or write `BCEWithLogitsLoss`, which takes logits", at_maker=False),
    Row("missing-log", ("NLLLoss", "KLDivLoss"), SOFTMAX,
        "`{loss}` takes logarithms of probabilities, and `{maker}` gives the probabilities themselves",
        "write `LogSoftmax` in place of `{maker}`", mend="LogSoftmax"),
    Row("missing-log", ("NLLLoss",), ANY_NUMBER | SIGMOID,
        "`{loss}` takes logarithms of probabilities, and `{maker}` gives none",
        "`CrossEntropyLoss` takes logits as they are; or " + LOG_HINT, at_maker=False),
    Row("missing-log", ("KLDivLoss",), ANY_NUMBER | SIGMOID,
        "`{loss}` takes logarithms of probabilities, and `{maker}` gives none", LOG_HINT, at_maker=False),
    Row("missing-log", ("CTCLoss",), ANY_NUMBER | SIGMOID | SOFTMAX,
        "`{loss}` takes logarithms of probabilities, and `{maker}` gives none", LOG_HINT, "log_probs", at_maker=False),
    Row("log-mismatch", ("KLDivLoss",), LOGARITHMS,
        "`{loss}` takes probabilities as its target, and `{maker}` gives logarithms",
        "write `log_target=true`", "target", at_maker=False, given={"log_target": False}),
    Row("log-mismatch", ("PoissonNLLLoss",), frozenset({"exp", "Softplus"}),
        "`{loss}` takes the logarithm of the rate, and `{maker}` gives the rate itself",
        "write `log_input=false`", at_maker=False, given={"log_input": True}),
    Row("activation-on-logits", ("CrossEntropyLoss",), frozenset(SQUASHING),
        "`{loss}` takes logits, which may be any number; after `{maker}` they are {range}",
        "remove `{maker}` behind the last layer", mend="removed"),
    Row("activation-on-logits", WITH_LOGITS, frozenset(SQUASHING) - SIGMOID,
        "`{loss}` takes logits, which may be any number; after `{maker}` they are {range}",
        "remove `{maker}` behind the last layer", mend="removed"),
)  # fmt: skip


def operands(view: View) -> Iterator[Finding]:
    """Operands that are of another kind than the loss takes: see `ROWS`."""
    by_loss = {loss: [row for row in ROWS if loss in row.losses] for row in ROWS for loss in row.losses}
    for loss in view.nodes:
        for row in by_loss.get(name_of(loss), []):
            value = view.operand(loss, row.operand)
            if value is None or any(setting(loss, name) != wanted for name, wanted in row.given.items()):
                continue
            maker = view.origin(value)
            if name_of(maker) in row.makers:
                yield _operand(view, row, loss, maker)


def _operand(view: View, row: Row, loss: Node, maker: Node) -> Finding:
    assert loss.op and maker.op
    words = {"loss": loss.op.name, "maker": maker.op.name, "range": SQUASHING.get(name_of(maker), ""), "dim": _axis_of_classes(view, loss)}
    message, hint = row.message.format(**words), row.hint.format(**words)
    at, other, label = (maker, loss, "the loss") if row.at_maker else (loss, maker, "what it is given")
    return at, Diagnostic(row.code, message, at.span, related=(Related(other.span, label),), hint=hint, edit=_edit(view, row, loss, maker))


def _axis_of_classes(view: View, loss: Node) -> int:
    """The axis of the scores along which the probabilities of a loss are 1 together."""
    scores = loss.call.get("input")
    has_rows = scores is not None and isinstance(scores.value, Ref) and view.graph.tensor_type(scores.value).rank > 1
    return 1 if name_of(loss) == "NLLLoss" and has_rows else -1


def _edit(view: View, row: Row, loss: Node, maker: Node) -> Edit | None:
    """What mends it, where the value goes to the loss only, and no other use of a block is of the same text."""
    if not row.mend or not view.is_only_for(maker, loss) or len(view.by_place[maker.span, maker.op]) > 1:
        return None
    if row.mend == "removed":
        return removal(view, maker)
    function = maker.op is not None and not maker.op.is_module
    return renaming(view, maker, "log_softmax" if function else row.mend) if name_of(maker) == "Softmax" else None


def dropout(view: View) -> Iterator[Finding]:
    """Dropout behind the last layer: of a loss's prediction, or of an output that no further layer takes."""
    for loss in view.nodes:
        value = view.operand(loss, "input") if loss.op and loss.op.is_loss else None
        maker = view.origin(value) if value else None
        if maker and is_dropout(maker):
            yield _dropout(view, maker, Related(loss.span, "the loss"))
    for output in view.graph.outputs if view.graph.losses else []:
        maker = view.origin(output.ref)
        if is_dropout(maker) and not any(user.weights for user in view.users[maker.id]):
            yield _dropout(view, maker, Related(output.span, "the output"))


def _dropout(view: View, node: Node, related: Related) -> Finding:
    message = "dropout behind the last layer sets predictions to zero at random, and the loss then compares the target with these"
    edit = removal(view, node) if len(view.by_place[node.span, node.op]) == 1 else None
    hint = "drop out values before the last layer"
    return node, Diagnostic("dropout-on-output", message, node.span, related=(related,), hint=hint, edit=edit)
