"""Rows of recurrent layers and cells. Source of the formulas: torch's documentation of `RNN`, `LSTM` and `GRU`."""

from __future__ import annotations

from collections.abc import Mapping

from netc.ops.modules import MOST_LAYERS, chosen, layer, probability, weighted
from netc.ops.op import Problem, Rule, Use
from netc.shapes import Shape, shape_text
from netc.tensors import TensorType, Type

# How many gates there are, each with its own part of every weight.
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def recurrent(mode: str) -> Rule:
    """`[T, N, input_size]` to `(output, h)`, or of an LSTM `(output, (h, c))`.

    With `batch_first` it is `[N, T, input_size]`, without a batch `[T, input_size]`. The output has the last layer's state at
    every step, both directions side by side; `h` and `c` have the last step's of every layer, `[directions * num_layers, N, size]`.
    """

    def rule(use: Use) -> Type:
        x = _sequence(use)
        _check_sizes(use)
        directions = 2 if use["bidirectional"] else 1
        size = _state_size(use)
        batch = () if x.rank == 2 else (x.shape[0 if use["batch_first"] else 1],)
        outer = (directions * use["num_layers"], *batch)
        h, c = (*outer, size), (*outer, use["hidden_size"])
        _check_state(use, [h, c] if mode == "LSTM" else [h])
        state = TensorType(h)
        return x.with_axis(-1, directions * size), ((state, TensorType(c)) if mode == "LSTM" else state)

    return rule


def _sequence(use: Use) -> TensorType:
    x = weighted(use)
    if x.rank not in (2, 3):
        wanted = "[N, T, features]" if use["batch_first"] else "[T, N, features]"
        raise Problem("rank", f"`{use.op.name}` needs 3 axes, {wanted}, and gets {x}", "input")
    use.infer("input_size", x.shape[-1])
    return x


def _check_sizes(use: Use) -> None:
    use.number("hidden_size")
    use.number("num_layers")
    chosen(use, "num_layers", use["num_layers"] <= MOST_LAYERS, f"at most {MOST_LAYERS}")
    probability(use, "dropout")
    if use["dropout"] and use["num_layers"] == 1:
        raise Problem("argument-type", f"`{use.op.name}`: dropout stands between layers, and num_layers is 1", "dropout",
                      hint="leave it out, give more layers, or send the output into `Dropout`")  # fmt: skip
    chosen(use, "proj_size", 0 <= use.values.get("proj_size", 0) < use["hidden_size"], "smaller than hidden_size")


def _state_size(use: Use) -> int:
    return int(use.values.get("proj_size") or use["hidden_size"])


def _check_state(use: Use, shapes: list[Shape]) -> None:
    """The state to begin with, `h` or `(h, c)`, must have the shapes of the one that comes out."""
    hx = use["hx"]
    given = [] if hx is None else [hx] if isinstance(hx, TensorType) else list(hx)
    for name, kind, shape in zip("hc", given, shapes, strict=False):
        if kind.shape != shape:
            raise Problem("shape-mismatch", f"`{use.op.name}` begins with a state {name} of {shape_text(shape)}, and gets {kind}",
                          "hx", "input")  # fmt: skip
        if kind.dtype != "float32":
            raise Problem("dtype", f"`{use.op.name}` needs a state of float32, and gets {kind}", "hx", hint="convert it with `-> float`")


def recurrent_weights(use: Use) -> Mapping[str, Shape]:
    """Of every layer and direction what meets its input, what meets its state, their biases, and a projection."""
    found: dict[str, Shape] = {}
    directions = ("", "_reverse") if use["bidirectional"] else ("",)
    rows, size = GATES[use.op.name] * use["hidden_size"], _state_size(use)
    for index in range(use["num_layers"]):
        into = use["input_size"] if index == 0 else size * len(directions)
        for direction in directions:
            end = f"_l{index}{direction}"
            found |= {f"weight_ih{end}": (rows, into), f"weight_hh{end}": (rows, size)}
            if use["bias"]:
                found |= {f"bias_ih{end}": (rows,), f"bias_hh{end}": (rows,)}
            if use.values.get("proj_size"):
                found[f"weight_hr{end}"] = (size, use["hidden_size"])
    return found


def cell(mode: str) -> Rule:
    """One step: `[N, input_size]` or `[input_size]` to the next state `[N, hidden_size]`, of an LSTM `(h, c)`."""

    def rule(use: Use) -> Type:
        x = weighted(use)
        if x.rank not in (1, 2):
            raise Problem("rank", f"`{use.op.name}` is one step and needs 2 axes, [N, features], and gets {x}", "input",
                          hint=f"`{mode}` takes a whole sequence")  # fmt: skip
        use.infer("input_size", x.shape[-1])
        state = x.with_axis(-1, use.number("hidden_size"))
        _check_state(use, [state.shape] * 2)
        return (state, state) if mode == "LSTM" else state

    return rule


def cell_weights(use: Use) -> Mapping[str, Shape]:
    """What meets the input, what meets the state, and their biases."""
    rows = GATES[use.op.name.removesuffix("Cell")] * use["hidden_size"]
    weights: dict[str, Shape] = {"weight_ih": (rows, use["input_size"]), "weight_hh": (rows, use["hidden_size"])}
    return weights | ({"bias_ih": (rows,), "bias_hh": (rows,)} if use["bias"] else {})


def _layers(mode: str) -> str:
    nonlinearity = "nonlinearity: tanh|relu = tanh, " if mode == "RNN" else ""
    projection = ", proj_size: int = 0" if mode == "LSTM" else ""
    return (
        f"*input_size: int, hidden_size: int, num_layers: int = 1, {nonlinearity}bias: bool = true, batch_first: bool = false, "
        f"dropout: float = 0.0, bidirectional: bool = false{projection}"
    )


CELL = "*input_size: int, hidden_size: int, bias: bool = true"
STATE = {"RNN": "tensor", "GRU": "tensor", "LSTM": "two_tensors"}

ROWS = [
    *(layer(mode, _layers(mode), recurrent(mode), recurrent_weights, f"input: tensor, hx: {STATE[mode]}? = none") for mode in GATES),
    *(layer(f"{mode}Cell", CELL + (", nonlinearity: tanh|relu = tanh" if mode == "RNN" else ""), cell(mode), cell_weights,
            f"input: tensor, hx: {STATE[mode]}? = none") for mode in GATES),
]  # fmt: skip
