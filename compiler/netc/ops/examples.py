"""For every row of the op table one use as an example, whose result the row's own rule computes.

Most rows take the first of a few usual inputs that their rule accepts; `EXAMPLES` has what the others need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from netc.ops.op import REQUIRED, DType, Op, Param, Problem, Slice, Use, value_text
from netc.shapes import Dim, Shape
from netc.tensors import BOOL, DEFAULT_DTYPE, DTYPES, FLOATS, INTEGERS, TensorType, Type

# A tensor is written as its dtype (float32 when left out) and its sizes: `int64 B T`.
INPUTS = ("B 16", "B T 16", "B 8 L", "B 3 H W", "B 3 D H W", "int64 B T", "bool B T", "4 4", "16")
OVER_AXES = {"1d": "B 8 L", "2d": "B 3 H W", "3d": "B 3 D H W"}  # by the end of the name

MOST_AXES = 6  # with which a row is tried

# Arguments that a row asks for, by their names; what goes wrong with these stands in `EXAMPLES`.
ARGUMENTS: Mapping[str, Any] = {
    "out_features": 8, "out_channels": 8, "kernel_size": 3, "hidden_size": 32, "num_embeddings": 1000, "embedding_dim": 16, "dim": 1,
    "output_size": 1, "padding": 1, "value": 0.0, "norm_type": 2, "num_classes": 10, "size": 5, "num_samples": 2, "threshold": 0.1,
    "fill_value": 0.5, "p": 0.5, "dtype": DType("int64"), "k": 3, "q": 0.5, "n": 4, "window_length": 16,
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """One use of a row: the arguments that are written, by parameter, and what comes out. Tensors stand as their types."""

    op: Op
    written: Mapping[str, Any]

    @cached_property
    def use(self) -> Use:
        """The use with all defaults, as the row's rule sees it. Without the sizes that the rule infers."""
        params = (*self.op.params, *self.op.inputs)
        return Use(self.op, {p.name: None if p.default is REQUIRED else p.default for p in params} | dict(self.written))

    @cached_property
    def result(self) -> Type:
        """What comes out. Raises `Problem` where the row does not take the arguments."""
        return self.op.rule(self.use)

    @property
    def weights(self) -> Mapping[str, Shape]:
        """The shapes of the parameters, by their keys within the layer."""
        assert self.result is not None  # the rule infers sizes
        return self.op.weights(self.use) if self.op.weights else {}

    @property
    def tensors(self) -> list[TensorType]:
        """The tensors that go in, in the order in which `text` shows them."""
        return [t for p in self.op.inputs for t in _tensors(self.written.get(p.name))]

    def text(self, names: Sequence[str] | None = None) -> str:
        """The use as a spec has it, with `names` for the tensors, or their types."""
        sent = iter(names if names is not None else [str(t) for t in self.tensors])
        if self.op.is_symbol:
            return _operation(self.op, [_shown(v, sent) for v in self.written.values()])
        is_sent = len(self.tensors) == 1 and self.op.inputs[0].name in self.written
        if self.op.is_module or self.op.is_merge or is_sent:
            inputs = [_shown(self.written[p.name], sent) for p in self.op.inputs if _tensors(self.written.get(p.name))]
            rest = self.op.params if self.op.is_module else [p for p in self.op.inputs if not _tensors(self.written.get(p.name))]
            arguments = self._arguments(rest, sent)
            sends = inputs[0] if len(self.tensors) == 1 else f"({', '.join(inputs)})"
            return f"{sends} -> {self.op.name}" + (f"({arguments})" if arguments else "")
        return f"{self.op.name}({self._arguments(self.op.inputs, sent)})"

    def _arguments(self, params: Sequence[Param], sent: Iterator[str]) -> str:
        """Arguments by place as far as none is left out, but for a `dim`, which reads better by name."""
        texts, by_place = [], True
        for p in params:
            by_place = by_place and (p.inferred or p.name in self.written) and p.name not in ("dim", "dtype")
            if p.kind == "keywords":
                texts += [f"{name}={value_text(value)}" for name, value in self.written.get(p.name, [])]
            elif p.name in self.written and not p.inferred:
                shown = _shown(self.written[p.name], sent, spread=p.variadic)
                texts.append(shown if by_place else f"{p.name}={shown}")
        return ", ".join(texts)

    def taken(self) -> tuple[list[int], list[str]]:
        """How many axes (of 0 to `MOST_AXES`) and which dtypes the only input may have, the rest being as in the example.

        Both are found by asking the row's rule; empty where there are several inputs.
        """
        name = self.op.inputs[0].name if self.op.inputs else ""
        x = self.written.get(name)
        if not isinstance(x, TensorType) or len(self.tensors) != 1:
            return [], []
        ranks = [r for r in range(MOST_AXES + 1) if any(self._takes(name, t) for t in _of_rank(x, r))]
        return ranks, [d for d in BOOL + INTEGERS + FLOATS if self._takes(name, TensorType(x.shape, d))]

    def _takes(self, name: str, kind: TensorType) -> bool:
        return _is_taken(Example(self.op, {**self.written, name: kind}))


def example_of(op: Op) -> Example:
    """The example of a row of the table."""
    if op.name in EXAMPLES:
        tensors, arguments = EXAMPLES[op.name]
        return Example(op, _in_order(op, [tensor(t) for t in tensors.split(" | ") if t], arguments))
    first = [OVER_AXES[op.name[-2:]]] if op.name[-2:] in OVER_AXES else []
    found = next((e for text in (*first, *INPUTS) if _is_taken(e := _usual(op, tensor(text)))), None)
    assert found, f"no usual input goes with `{op.name}`; it needs an example"
    return found


def tensor(text: str) -> TensorType:
    """The type of which `text` has the dtype and the sizes.

    >>> str(tensor("int64 B 3"))
    'int64[B, 3]'
    """
    words = text.split()
    dtype = words.pop(0) if words and words[0] in DTYPES else DEFAULT_DTYPE
    return TensorType(tuple(int(w) if w.isdigit() else Dim.named(w) for w in words), dtype)


def _usual(op: Op, x: TensorType) -> Example:
    """The row with `x` for each tensor, and the usual arguments."""
    needed = [p for p in (*op.params, *op.inputs) if p.default is REQUIRED and not p.inferred]
    arguments = {p.name: ARGUMENTS[p.name] for p in needed if not p.takes_tensors and p.name in ARGUMENTS}
    count = sum(2 if p.variadic else 1 for p in needed if p.takes_tensors)
    return Example(op, _in_order(op, [x] * count, arguments))


def _in_order(op: Op, tensors: list[TensorType], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by parameter, in the parameters' order; the tensors go to those that take some and are not given otherwise."""
    left, result = list(tensors), dict[str, Any]()
    for p in (*op.params, *op.inputs):
        if p.name in arguments:
            result[p.name] = arguments[p.name]
        elif p.takes_tensors and left:
            result[p.name], left = (left, []) if p.variadic else (left[0], left[1:])
    assert not left, f"`{op.name}` takes fewer tensors than its example has"
    return result


def _is_taken(example: Example) -> bool:
    """Whether the row takes these arguments."""
    needed = [p for p in (*example.op.params, *example.op.inputs) if p.default is REQUIRED and not p.inferred]
    if not all(p.name in example.written for p in needed):
        return False
    try:
        assert example.result is not None
    except Problem:
        return False
    return True


def _of_rank(x: TensorType, rank: int) -> list[TensorType]:
    """Tensors of so many axes to try: the last axes of `x` with more in front, and sizes that divide by most."""
    last = x.shape[max(x.rank - rank, 0) :]
    return [x.with_shape((*[16] * (rank - len(last)), *last)), *(x.with_shape((size,) * rank) for size in (16, 48))]


def _tensors(value: Any) -> list[TensorType]:
    if isinstance(value, (list, tuple)):
        return [t for part in value for t in _tensors(part)]
    return [value] if isinstance(value, TensorType) else []


def _shown(value: Any, sent: Iterator[str], spread: bool = False) -> str:
    """A value as it is written in a spec, each tensor as the next of `sent`."""
    if isinstance(value, TensorType):
        return next(sent)
    if isinstance(value, Slice):
        start, stop = ("" if v is None else str(v) for v in (value.start, value.stop))
        return f"{start}:{stop}"
    if isinstance(value, (list, tuple)) and (_tensors(value) or spread or any(isinstance(v, Slice) for v in value)):
        return ", ".join(_shown(v, sent) for v in value)
    return value_text(value)


def _operation(op: Op, operands: list[str]) -> str:
    """An operator between its operands."""
    return f"{operands[0]}[{operands[1]}]" if op.name == "[]" else f"{operands[0]} {op.name} {operands[1]}"


def _row(tensors: str = "", **arguments: Any) -> tuple[str, dict[str, Any]]:
    return tensors, arguments


IMAGE, SEQUENCE, IMAGES = "B 3 H W", "B T 16", "B 16 H W"
ALL = Slice(None, None, None)

EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    # layers
    "Bilinear": _row("B 16 | B 8", out_features=4), "Unflatten": _row("B 16", dim=1, unflattened_size=[4, 4]),
    "Dropout": _row("B 16", p=0.1), "Flatten": _row("B 8 4 4"),
    "Conv2d": _row(IMAGE, out_channels=64, kernel_size=3), "Unfold": _row(IMAGE, kernel_size=3), "unfold": _row(IMAGE, kernel_size=3),
    "Fold": _row("B 27 100", output_size=[12, 12], kernel_size=3),
    "ConvTranspose1d": _row("B 8 L", out_channels=4, kernel_size=2, stride=2),
    "ConvTranspose2d": _row(IMAGES, out_channels=8, kernel_size=2, stride=2),
    "ConvTranspose3d": _row("B 16 D H W", out_channels=8, kernel_size=2, stride=2),
    "MaxPool1d": _row("B 8 L", kernel_size=2), "MaxPool2d": _row(IMAGE, kernel_size=2), "MaxPool3d": _row("B 3 D H W", kernel_size=2),
    "AvgPool1d": _row("B 8 L", kernel_size=2), "AvgPool2d": _row(IMAGE, kernel_size=2), "AvgPool3d": _row("B 3 D H W", kernel_size=2),
    "FractionalMaxPool2d": _row("B 3 32 32", kernel_size=2, output_size=20),
    "FractionalMaxPool3d": _row("B 3 16 16 16", kernel_size=2, output_size=10),
    "MaxUnpool1d": _row("B 8 L | int64 B 8 L", kernel_size=2), "MaxUnpool2d": _row("B 3 H W | int64 B 3 H W", kernel_size=2),
    "MaxUnpool3d": _row("B 3 D H W | int64 B 3 D H W", kernel_size=2),
    "GroupNorm": _row(IMAGES, num_groups=4), "InstanceNorm1d": _row("B 8 L"), "SyncBatchNorm": _row(IMAGE),
    "LocalResponseNorm": _row(IMAGES, size=5),
    "RNN": _row(SEQUENCE, hidden_size=32, batch_first=True), "GRU": _row(SEQUENCE, hidden_size=32, batch_first=True),
    "LSTM": _row(SEQUENCE, hidden_size=32, batch_first=True),
    "MultiheadAttention": _row(f"{SEQUENCE} | B S 16 | B S 16", num_heads=4, batch_first=True),
    "TransformerEncoderLayer": _row(SEQUENCE, nhead=4, batch_first=True),
    "TransformerDecoderLayer": _row(f"{SEQUENCE} | B S 16", nhead=4, batch_first=True),
    "Transformer": _row("B S 16 | B T 16", nhead=4, batch_first=True),
    "PixelShuffle": _row(IMAGES, upscale_factor=2), "PixelUnshuffle": _row("B 3 32 32", downscale_factor=2),
    "ChannelShuffle": _row(IMAGES, groups=4), "Upsample": _row(IMAGE, scale_factor=2), "UpsamplingNearest2d": _row(IMAGE, scale_factor=2),
    "UpsamplingBilinear2d": _row(IMAGE, scale_factor=2),
    **{name: _row("B 16", dim=1) for name in ("Softmax", "LogSoftmax", "Softmin", "softmax", "log_softmax", "softmin")},
    # operators, merges and elementwise functions
    **{name: _row("B 16 | 16") for name in ("+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=")},
    "@": _row("B T 16 | 16 8"), "matmul": _row("B T 16 | B 16 S"),
    "concat": _row("B 16 | B 8", dim=1), "cat": _row("B 16 | B 8", dim=1), "stack": _row("B 16 | B 16", dim=1),
    "round": _row("B 16"), "clamp": _row("B 16", min=0.0, max=1.0), "clip": _row("B 16", min=0.0, max=1.0),
    "masked_fill": _row("B T | bool B T", value=0.0), "where": _row("bool B T | B T | B T"),
    "pow": _row("B 16", exponent=2), "float_power": _row("B 16", exponent=2), "lerp": _row("B 16 | B 16", weight=0.5),
    **{name: _row("B 16", other=0) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{name: _row("int64 B T", other=2) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    **{name: _row("bool B T") for name in ("logical_not", "bitwise_not")},
    **{name: _row("bool B T | bool B T") for name in ("logical_and", "logical_or", "logical_xor")},
    "type_as": _row("int64 B T | B 16"),
    # reductions
    **{name: _row(SEQUENCE, dim=1) for name in (
        "mean", "nanmean", "sum", "nansum", "prod", "amax", "amin", "var", "std", "var_mean", "std_mean", "logsumexp", "norm",
        "vector_norm", "count_nonzero", "max", "min", "median", "nanmedian", "mode", "aminmax", "argmax", "argmin",
        "sort", "argsort", "cumsum", "cumprod", "logcumsumexp", "cummax", "cummin", "diff")},
    "all": _row("bool B T", dim=1), "any": _row("bool B T", dim=1), "quantile": _row("B 16", q=0.5, dim=1),
    # shapes
    "reshape": _row("B 16", shape=[Dim.named("B"), 4, 4]), "view": _row("B 16", shape=[-1, 4, 4]),
    "flatten": _row("B 8 4 4", start_dim=1), "unflatten": _row("B 16", dim=1, sizes=[4, 4]), "squeeze": _row("B 1 16", dim=1),
    "expand": _row("B 1 16", sizes=[-1, 8, -1]), "expand_as": _row("B 1 | B 16"),
    "broadcast_to": _row("16", size=[8, 16]),
    "transpose": _row(SEQUENCE, dim0=1, dim1=2), "swapaxes": _row(SEQUENCE, axis0=1, axis1=2), "swapdims": _row(SEQUENCE, dim0=1, dim1=2),
    "permute": _row(IMAGE, dims=[0, 2, 3, 1]), "movedim": _row(IMAGE, source=1, destination=-1), "t": _row("B 16"),
    "flip": _row(SEQUENCE, dims=[1]), "roll": _row(SEQUENCE, shifts=1, dims=1), "chunk": _row("B 16", chunks=2, dim=1),
    "split": _row("B 16", split_size_or_sections=[12, 4], dim=1), "tensor_split": _row("B 16", indices_or_sections=4, dim=1),
    "unbind": _row("B 2 16", dim=1), "select": _row(SEQUENCE, dim=1, index=0), "narrow": _row("B 16", dim=1, start=0, length=4),
    "tile": _row(SEQUENCE, dims=[1, 2, 1]), "repeat_interleave": _row(SEQUENCE, repeats=2, dim=1), "meshgrid": _row("H | W", indexing="ij"),
    # indexing
    "[]": _row(SEQUENCE, entries=[ALL, -1]), "gather": _row("B 16 | int64 B 4", dim=1), "index_select": _row("B 16 | int64 4", dim=1),
    "take_along_dim": _row("B 16 | int64 B 4", dim=1), "scatter": _row("B 16 | int64 B 4 | B 4", dim=1),
    "scatter_add": _row("B 16 | int64 B 4 | B 4", dim=1), "index_add": _row("B 16 | int64 4 | B 4", dim=1),
    "bucketize": _row("B 16 | 5"), "embedding": _row("int64 B T | 1000 16"), "one_hot": _row("int64 B", num_classes=10),
    # algebra
    "mm": _row("B 16 | 16 8"), "bmm": _row("B T 16 | B 16 S"), "mv": _row("B 16 | 16"), "dot": _row("16 | 16"),
    "addmm": _row("8 | B 16 | 16 8"), "baddbmm": _row("B T S | B T 16 | B 16 S"), "addmv": _row("B | B 16 | 16"),
    "outer": _row("B | 16"), "inner": _row("B 16 | 8 16"), "kron": _row("2 3 | 4 5"), "cross": _row("B 3 | B 3", dim=1),
    "cdist": _row("B T 16 | B S 16"), "diag": _row("16"), "triu": _row("T T"), "tril": _row("T T"), "trace": _row("4 4"),
    "diagonal": _row("B 8 8", dim1=1, dim2=2),
    # creation
    **{name: _row(size=[Dim.named("B"), 16]) for name in ("zeros", "ones", "rand", "randn")},
    "full": _row(size=[Dim.named("B"), 16], fill_value=0.5), "arange": _row(limits=[Dim.named("T")]),
    "linspace": _row(start=0, end=1, steps=5), "randint": _row(low=0, high=10, size=[Dim.named("B")]),
    # functions of `torch.nn.functional`
    "dropout": _row("B 16", p=0.1), "scaled_dot_product_attention": _row("B 4 T 16 | B 4 S 16 | B 4 S 16"),
    "linear": _row("B 16 | 8 16"), "layer_norm": _row(SEQUENCE, normalized_shape=[16]), "rms_norm": _row(SEQUENCE, normalized_shape=[16]),
    "group_norm": _row(IMAGES, num_groups=4), "local_response_norm": _row(IMAGES, size=5),
    "grid_sample": _row(f"{IMAGE} | B 8 8 2", align_corners=False),
    "affine_grid": _row("B 2 3", size=[Dim.named("B"), 3, 32, 32], align_corners=False),
    "conv1d": _row("B 8 L | 4 8 3"), "conv2d": _row(f"{IMAGE} | 64 3 3 3"), "conv3d": _row("B 3 D H W | 8 3 3 3 3"),
    **{f"{name}_pool{n}d": _row(OVER_AXES[f"{n}d"], kernel_size=2) for name in ("max", "avg") for n in (1, 2, 3)},
    "interpolate": _row(IMAGE, scale_factor=2), "pixel_shuffle": _row(IMAGES, upscale_factor=2),
    "pixel_unshuffle": _row("B 3 32 32", downscale_factor=2), "channel_shuffle": _row(IMAGES, groups=4),
    "fold": _row("B 27 100", output_size=[12, 12], kernel_size=3), "pad": _row(IMAGE, pad=[1, 1, 1, 1]),
    # notation
    "rearrange": _row(IMAGE, pattern="b c h w -> b (h w) c"), "reduce": _row(IMAGE, pattern="b c h w -> b c", reduction="mean"),
    "repeat_axes": _row("B 16", pattern="b d -> b t d", axes_lengths=[["t", 4]]),
    "einsum": _row("B T 16 | B S 16", pattern="b t d, b s d -> b t s"),
    # losses
    "CrossEntropyLoss": _row("B 10 | int64 B"), "NLLLoss": _row("B 10 | int64 B"), "MultiMarginLoss": _row("B 10 | int64 B"),
    "MultiLabelMarginLoss": _row("B 10 | int64 B 10"), "MultiLabelSoftMarginLoss": _row("B 10 | B 10"),
    "KLDivLoss": _row("B 10 | B 10", reduction="batchmean"), "CosineEmbeddingLoss": _row("B 16 | B 16 | B"),
    "MarginRankingLoss": _row("B | B | B"), "CTCLoss": _row("T B 20 | int64 B S | int64 B | int64 B"),
    "LinearCrossEntropyLoss": _row("B 16 | int64 B", num_classes=10),
    "AdaptiveLogSoftmaxWithLoss": _row("B 16 | int64 B", n_classes=1000, cutoffs=[100, 500]),
}  # fmt: skip
