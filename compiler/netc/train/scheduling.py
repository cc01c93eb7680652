"""What the settings say of the course of a training, and what of it cannot be. No torch here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from netc.diagnostics import count_of, error, listed
from netc.graph import Graph
from netc.ops.factors import FIRST
from netc.ops.recipes import EACH_STEP
from netc.settings import Made, Section
from netc.train.best import is_higher_better


def steps_per_epoch(settings: Section, rows: int) -> int:
    """The steps of the optimizer in an epoch of so many rows."""
    size = rows if settings["batch_size"] == "full" else int(settings["batch_size"])
    return math.ceil(math.ceil(rows / size) / int(settings["accumulate"]))


def is_stepped(settings: Section) -> bool:
    """Whether the scheduler takes a step after every step of the optimizer, and not once an epoch."""
    if settings["scheduler_interval"] != "auto":
        return bool(settings["scheduler_interval"] == "step")
    return settings["scheduler"] is not None and _is_for_steps(settings.made("scheduler"))


def _is_for_steps(made: Made) -> bool:
    return made.recipe.name in EACH_STEP or any(map(_is_for_steps, made.values.get("schedulers", [])))


# --- groups of parameters -----------------------------------------------------------------------------------------


def parameter_groups(trained: Iterable[str], settings: Section, names: Mapping[str, str]) -> list[tuple[list[str], dict[str, Any]]]:
    """The trained parameters in the optimizer's groups: those with the same arguments together, a later `group` going over an earlier one.

    `names` gives each key the one name among `trained` of its parameter: tied keys have one in common.
    """
    own: dict[str, dict[str, Any]] = {name: {} for name in trained}
    for group in settings.groups:
        for name in (names[key] for key in group.keys):
            if name in own:  # of the others, which are frozen, nothing is changed
                own[name] |= {argument: given.value for argument, given in group.arguments.items()}
    groups: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for name, arguments in own.items():
        groups.setdefault(repr(sorted(arguments.items())), ([], arguments))[0].append(name)
    return list(groups.values())


def group_count(graph: Graph, settings: Section) -> int:
    """The number of groups that the optimizer has; 0 where there is no parameter to train."""
    names = _names(graph)
    return len(parameter_groups(_trained(graph, names), settings, names))


def _names(graph: Graph) -> dict[str, str]:
    """For each key of a parameter the one that stands for all that are tied."""
    tied = {tie.left: tie.right for tie in graph.ties}
    return {key: _end_of(key, tied) for key in graph.keys}


def _trained(graph: Graph, names: Mapping[str, str]) -> list[str]:
    frozen = {names[key] for key in graph.frozen}
    return list(dict.fromkeys(name for name in names.values() if name not in frozen))


def _end_of(key: str, tied: Mapping[str, str]) -> str:
    seen = {key}
    while key in tied and tied[key] not in seen:
        key = tied[key]
        seen.add(key)
    return key


# --- what cannot be -----------------------------------------------------------------------------------------------


def check_optimizer(settings: Section, groups: int) -> None:
    """Raises NetError where the optimizer has nothing to train, or cannot do what the section wants."""
    made = settings.made("optimizer")
    if not groups:
        raise error("training", "the network has no parameters to train", made.span)
    if made.recipe.name == "LBFGS" and groups > 1:
        message = "`LBFGS` searches along a line for all parameters together: it has no groups of them"
        raise error("argument-type", message, made.span, "leave out the `group`, or take another optimizer")
    if made.recipe.name == "LBFGS" and settings["precision"] == "fp16":
        span = settings.values["precision"].span
        raise error("argument-type", "`LBFGS` computes the loss several times a step, which `precision = fp16` cannot scale", span)
    if not settings["compile"]:  # in a compiled graph torch takes both
        _check_implementation(made, settings)


def _check_implementation(made: Made, settings: Section) -> None:
    values = made.values
    if values.get("differentiable"):
        message = "`differentiable` records the step itself for a gradient, and PyTorch cannot then change the parameters in place"
        raise error("argument-type", message, made.arguments["differentiable"].span, "leave it out")
    is_open = values.get("fused") or any("capturable" in group.arguments for group in settings.groups)
    if values.get("capturable") and settings["device"] == "cpu" and not is_open:
        message = "`capturable` is for the graphs of a GPU, and `device` is `cpu`"
        raise error("argument-type", message, made.arguments["capturable"].span, "leave it out")


def check_matrices(graph: Graph, settings: Section) -> None:
    """Raises NetError where the optimizer is for matrices only, and other parameters are trained."""
    made, keys = settings.made("optimizer"), graph.keys
    others = [name for name in _trained(graph, _names(graph)) if len(keys[name]) != 2]
    if made.recipe.name == "Muon" and others:
        message = f"`Muon` trains matrices only, and {listed(others, 3)} {'is' if len(others) == 1 else 'are'} none"
        hint = f"take another optimizer, or `freeze {', '.join(others[:3])}{', …' * (len(others) > 3)}`"
        raise error("argument-type", message, made.span, hint)


def check_accumulate(settings: Section) -> None:
    """Raises NetError where gradients are to be gathered of several batches, and there is one."""
    count = settings["accumulate"]
    if settings["batch_size"] == "full" and count > 1:
        span = settings.values["accumulate"].span
        raise error("argument-type", f"`accumulate = {count}` gathers the gradients of {count} batches, and there is one", span,
                    "give a `batch_size`")  # fmt: skip


def check_scheduler(settings: Section, groups: int) -> None:
    """Raises NetError where a scheduler cannot take its steps as the section wants, or a list in it is not as long as what it is for."""
    if settings["scheduler"] is None:
        return
    made = settings.made("scheduler")
    _check_lengths(made, groups)
    _check_momentum(made, settings.made("optimizer"))
    if made.recipe.name == "ReduceLROnPlateau" and is_stepped(settings):
        span = settings.values["scheduler_interval"].span
        raise error("argument-type", "`ReduceLROnPlateau` looks at the value of an epoch: it cannot take a step after each batch", span)


def _check_momentum(made: Made, optimizer: Made) -> None:
    """Raises NetError where a scheduler is to change a momentum that the optimizer has not."""
    for inner in made.values.get("schedulers", []):
        _check_momentum(inner, optimizer)
    if made.values.get("cycle_momentum") and not {"momentum", "betas"} & set(optimizer.values):
        message = f"`{made.recipe.name}` changes the momentum too, and `{optimizer.recipe.name}` has none"
        raise error("argument-type", message, made.span, "write `cycle_momentum=false`")


# Arguments of schedulers that may be a list, a number for each group of parameters.
EACH_GROUP = ("max_lr", "base_lr", "min_lr", "base_momentum", "max_momentum")


def _check_lengths(made: Made, groups: int) -> None:
    for name in EACH_GROUP:
        given = made.values.get(name)
        is_read = "momentum" not in name or made.values.get("cycle_momentum")
        if isinstance(given, list) and len(given) != groups and is_read:
            message = (
                f"`{name}` of `{made.recipe.name}` has {count_of(len(given), 'number')}, and the optimizer has {count_of(groups, 'group')}"
            )
            raise error("argument-type", message, made.arguments[name].span, "a number without brackets is for all groups")
    for inner in made.values.get("schedulers", []):
        _check_lengths(inner, groups)
    if made.recipe.name == "SequentialLR":
        count, milestones = len(made.values["schedulers"]), made.values["milestones"]
        if len(milestones) != count - 1:
            message = (
                f"`SequentialLR` of {count_of(count, 'scheduler')} has {count_of(len(milestones), 'milestone')}, and takes {count - 1}"
            )
            raise error("argument-type", message, made.span, "a milestone is where the next scheduler takes over")
    elif made.recipe.name in FIRST and isinstance(given := made.values["lr_lambda"], list) and len(given) != groups:
        message = f"`{made.recipe.name}` has {count_of(len(given), 'function')}, and the optimizer has {count_of(groups, 'group')}"
        raise error("argument-type", message, made.span, "a function without brackets is for all groups")


def check_cycle(settings: Section, per_epoch: int) -> None:
    """Raises NetError where a `OneCycleLR` cannot take the steps of the training, which has so many an epoch."""
    if settings["scheduler"] is None:
        return
    whole = settings["epochs"] * (per_epoch if is_stepped(settings) else 1)
    for made, steps in _cycles(settings.made("scheduler"), whole):
        total = _cycle_length(made, whole, per_epoch)
        if total < steps:
            part = "the training" if steps == whole else "its part of the training"
            message = f"`OneCycleLR` of {count_of(total, 'step')} ends before {part}, which has {steps}"
            raise error("argument-type", message, made.span, "leave out how long it is: that is known")
        if _is_divided_by_0(made, total, steps):
            message = (
                f"`pct_start` leaves a part of `OneCycleLR` of {count_of(total, 'step')} without a step, and PyTorch divides by its length"
            )
            raise error("argument-type", message, made.arguments["pct_start"].span, "e.g. `pct_start=0.3`")


def _cycles(made: Made, steps: int) -> Iterator[tuple[Made, int]]:
    """Each `OneCycleLR` that a scheduler of so many steps is made of, with the steps that it takes itself."""
    if made.recipe.name == "OneCycleLR":
        yield made, steps
    inner = made.values.get("schedulers", [])
    starts = [0, *made.values["milestones"]] if made.recipe.name == "SequentialLR" else [0] * len(inner)
    if starts != sorted(starts):
        return  # who takes which step is then no matter of parts
    for n, part in enumerate(inner):
        last = min(steps, starts[n + 1] - 1) if made.recipe.name == "SequentialLR" and n + 1 < len(starts) else steps
        if last >= starts[n]:
            yield from _cycles(part, last - starts[n])


def _cycle_length(made: Made, whole: int, per_epoch: int) -> int:
    """The steps of a `OneCycleLR` in a training of so many."""
    values = made.values
    if values["total_steps"] is not None:
        return int(values["total_steps"])
    return whole if values["epochs"] is None else int(values["epochs"] * (values["steps_per_epoch"] or per_epoch))


def _is_divided_by_0(made: Made, total: int, steps: int) -> bool:
    """Whether the first or the last step falls in a part of no length: `torch.optim.lr_scheduler.OneCycleLR.get_lr` divides by it."""
    share = made.values["pct_start"] * total
    ends = [share - 1, *([2 * share - 2] if made.values["three_phase"] else []), total - 1]
    for step in (0, steps):
        part = next((n for n, end in enumerate(ends) if step <= end), len(ends) - 1)
        if ends[part] == (ends[part - 1] if part else 0):
            return True
    return False


def check_mode(settings: Section, monitor: str) -> None:
    """Raises NetError where `ReduceLROnPlateau` would take what gets better for what gets worse."""
    if settings["scheduler"] is None or settings.made("scheduler").recipe.name != "ReduceLROnPlateau":
        return
    made = settings.made("scheduler")
    if is_higher_better(monitor) and made.values["mode"] == "min":
        message = f"`{monitor}` gets larger as the training gets better, and `ReduceLROnPlateau` waits for it to get smaller"
        raise error("argument-type", message, made.span, 'write `mode="max"`')
