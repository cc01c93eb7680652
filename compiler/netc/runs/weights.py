"""The weights of a run into a module: from the file that a training writes at its end, or before that from its checkpoint.

Either is data only: nothing in it is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from netc.diagnostics import error, listed
from netc.module import NetModule
from netc.runs.folder import BEST, MODEL, Run, Unfinished, warn_outside
from netc.train import checkpoint
from netc.train.length import planned_epochs
from netc.train.run import CHECKPOINT


def trained_module(run: Run, best: bool = False) -> NetModule:
    """A module of the run's network with its weights, in evaluation mode; see `Run.module`. Raises `NetError`."""
    if run.goes_on:
        model = run.network().module()
        which = load_unfinished(model, run.path, best)
        said = f"`{run.path}` is not finished: these are {which}; where it was stopped or killed, `{run.goes_on}` finishes it"
        warn_outside(said, Unfinished)
        return model.eval()
    if run.state == "failed" and not best:
        return _before_failure(run).eval()
    path = run.path / (BEST if best else MODEL)
    if not path.is_file():
        run.check_saved()
    if best and not path.is_file():
        raise error("file", f"`{path}` is missing", hint="the best epoch is known only where data was held out")
    model = run.network().module()
    load_weights(model, path)
    return model.eval()


def _before_failure(run: Run) -> NetModule:
    """A module with the weights of the last checkpoint of a training that failed, with a warning. Raises `NetError` where they are none."""
    failed = run.record["failed"]
    if checkpoint.is_saved(run.path / CHECKPOINT):
        model = run.network().module()
        which = load_unfinished(model, run.path)
        if all(tensor.isfinite().all() for tensor in model.state_dict().values()):
            warn_outside(f"`{run.path}` failed: {failed}; these are {which}, from its last checkpoint", Unfinished)
            return model
    hint = "`--best` takes the weights of its best epoch" if (run.path / BEST).is_file() else "correct the spec, and train it anew"
    raise error("file", f"`{run.path}` has no last weights: {failed}", hint=hint)


def load_weights(model: nn.Module, path: Path) -> None:
    """Puts the tensors of a safetensors file into the module, which must have the same keys and shapes. Raises `NetError`."""
    _put(model, _tensors(path), path)


def load_unfinished(model: nn.Module, run: Path, best: bool = False) -> str:
    """Puts the weights of the checkpoint of a run into the module; which ones they are, in words.

    They are the last ones, or with `best` those of the best epoch until then. Raises `NetError`.
    """
    saved = checkpoint.load(run / CHECKPOINT, _best if best else _last)
    _put(model, saved["weights"], run / CHECKPOINT)
    epoch, step, planned = saved["epoch"], saved["step"], planned_epochs(saved["spec"])
    of = f" of {planned}" if planned else ""
    if best:
        return f"the weights of its best epoch so far, {epoch}{of}"
    return f"its weights in epoch {epoch + 1}{of}, after batch {step}" if step else f"its weights after epoch {epoch}{of}"


def _last(state: Any) -> dict[str, Any]:
    training = state["training"]
    return {"weights": training["model"], "epoch": training["epoch"], "step": training["step"], "spec": state["identity"]["spec"]}


def _best(state: Any) -> dict[str, Any]:
    if state["training"]["best"] is None:
        hint = "a best epoch is known after the first one, and only where data was held out; the last weights are there"
        raise error("file", "the checkpoint has no weights of a best epoch", hint=hint)
    _, epoch, weights = state["training"]["best"]
    return {"weights": weights, "epoch": epoch, "step": 0, "spec": state["identity"]["spec"]}


def _put(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    own = model.state_dict()
    if missing := [key for key in own if key not in tensors]:
        raise _misfit(path, f"it lacks {listed(missing)}")
    if strange := [key for key in tensors if key not in own]:
        raise _misfit(path, f"the network has no {listed(strange)}")
    for key, tensor in own.items():
        if tensor.shape != tensors[key].shape:
            raise _misfit(path, f"`{key}` is {list(tensors[key].shape)} in the file and {list(tensor.shape)} in the network")
    model.load_state_dict(tensors)


def _tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise error("file", f"`{path}` is missing", hint="a training that was not stopped too early writes it at its end")
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError) as e:
        raise error("file", f"`{path}` cannot be read: {e}") from e


def _misfit(path: Path, why: str) -> Exception:
    return error("file", f"`{path}` does not belong to this network: {why}", hint="its spec.net was changed after the training")
