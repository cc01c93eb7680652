"""Random networks, each as the text of a spec and as plain calls of torch that know nothing of netc.

What is drawn is right by torch's word most of the time, and wrong now and then: wrong sizes, wrong axes, values that do not
go together. The torch side builds its layers when they are first run, for the sizes of that run, as one does by hand; so a
layer whose parameters would need another size at the next run fails there, and so does what holds for some sizes only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol, TypeVar

import einops
import torch
import torch.nn.functional as F
from torch import Tensor, nn

T = TypeVar("T")
Sizes = Mapping[str, int]
Run = Callable[[Tensor, Sizes], Tensor]


class Choose(Protocol):
    """One of several things: `random.choice`, or what Hypothesis draws."""

    def __call__(self, options: Sequence[T], /) -> T: ...


class Wrong(Exception):
    """The language is stricter than torch here, by intent.

    Merges take equal shapes, patterns as many axes as they name, `squeeze` an axis of 1, activations floats.
    """


@dataclass(frozen=True)
class Piece:
    """A layer or pipeline: how it is written, and how torch does it; `build` makes a new instance with its own parameters."""

    text: str
    build: Callable[[], Run]


class Lazy:
    """A layer that is made for the first tensor that it gets. It is in training: batch statistics want more than one value."""

    def __init__(self, make: Callable[[Tensor], nn.Module]) -> None:
        self.make, self.layer = make, None

    layer: nn.Module | None

    def __call__(self, x: Tensor, sizes: Sizes) -> Tensor:
        if not x.numel():
            refuse("nothing to compute with")  # netc has no sizes of 0, and torch warns of some
        self.layer = self.layer or self.make(x)
        result: Tensor = self.layer(x)
        return result


def refuse(why: str) -> NoReturn:
    """Raises `Wrong`."""
    raise Wrong(why)


def layer(text: str, make: Callable[[Tensor], nn.Module]) -> Piece:
    return Piece(text, lambda: Lazy(make))


def function(text: str, run: Callable[[Tensor], Tensor]) -> Piece:
    return Piece(text, lambda: lambda x, sizes: run(x))


# --- leaves: each draws its arguments ---

WIDTHS = (2, 3, 4, 6, 8, 12)
WINDOWS = (1, 2, 3, 5)
AXES = (-3, -2, -1, 0, 1, 2, 3)


def _linear(choose: Choose) -> Piece:
    n = choose(WIDTHS)
    return layer(f"Linear({n})", lambda x: nn.Linear(x.shape[-1], n))


def _convolution(choose: Choose) -> Piece:
    axes, n, k = choose((1, 2)), choose(WIDTHS), choose(WINDOWS)
    stride, padding, dilation, groups = choose((1, 1, 2, 3)), choose((0, 0, 1, 2)), choose((1, 1, 2)), choose((1, 1, 1, 2, 3))
    kind: type[nn.Conv1d | nn.Conv2d] = nn.Conv1d if axes == 1 else nn.Conv2d
    text = f"Conv{axes}d({n}, {k}, stride={stride}, padding={padding}, dilation={dilation}, groups={groups})"
    return layer(text, lambda x: kind(x.shape[-axes - 1], n, k, stride, padding, dilation, groups))


def _transposed(choose: Choose) -> Piece:
    n, k, stride = choose(WIDTHS), choose(WINDOWS), choose((1, 2))
    return layer(f"ConvTranspose1d({n}, {k}, stride={stride})", lambda x: nn.ConvTranspose1d(x.shape[-2], n, k, stride))


def _pool(choose: Choose) -> Piece:
    name = choose(("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d"))
    k, stride, padding = choose((1, 2, 3)), choose((1, 2, 3)), choose((0, 0, 1))

    def make(x: Tensor) -> nn.Module:
        if not x.is_floating_point():  # some poolings take ints on some devices
            refuse("a pooling of ints")
        module: nn.Module = getattr(nn, name)(k, stride, padding)
        return module

    return layer(f"{name}({k}, {stride}, {padding})", make)


def _adaptive(choose: Choose) -> Piece:
    name, n = choose(("AdaptiveAvgPool1d", "AdaptiveAvgPool2d")), choose((1, 2, 5))
    ranks = (2, 3) if name.endswith("1d") else (3, 4)  # torch's word; of fewer it takes some by accident, for n = 1
    return layer(f"{name}({n})", lambda x: getattr(nn, name)(n) if x.ndim in ranks else refuse("too few axes"))


def _norm(choose: Choose) -> Piece:
    return choose((
        layer("LayerNorm", lambda x: nn.LayerNorm(x.shape[-1])),
        layer("BatchNorm1d", lambda x: nn.BatchNorm1d(x.shape[1])),
        layer("BatchNorm2d", lambda x: nn.BatchNorm2d(x.shape[1])),
        layer("GroupNorm(2)", lambda x: nn.GroupNorm(2, x.shape[1])),
        layer("GroupNorm(3)", lambda x: nn.GroupNorm(3, x.shape[1])),
    ))  # fmt: skip


def _activation(choose: Choose) -> Piece:
    name = choose(("ReLU", "Tanh", "GELU", "Sigmoid", "Dropout"))
    if name == "Dropout":  # of ints it passes in evaluation and fails in training, so it counts in training here
        return function(name, lambda x: F.dropout(x, training=True))
    return layer(name, lambda x: getattr(nn, name)() if x.is_floating_point() or name == "ReLU" else refuse("an activation of ints"))


def _embedding(choose: Choose) -> Piece:
    n = choose(WIDTHS)
    return layer(f"Embedding(5000, {n})", lambda x: nn.Embedding(5000, n))


def _reduction(choose: Choose) -> Piece:
    name, axis, keep = choose(("mean", "sum", "amax")), choose(AXES), choose((False, True))

    def run(x: Tensor) -> Tensor:
        result: Tensor = getattr(torch, name)(x, dim=axis, keepdim=keep) if x.ndim else refuse("a scalar has no axes")
        return result

    return function(f"{name}(dim={axis}, keepdim={str(keep).lower()})", run)


def _along(choose: Choose) -> Piece:
    name, axis = choose(("softmax", "cumsum", "log_softmax")), choose(AXES)
    return function(f"{name}(dim={axis})", lambda x: getattr(torch, name)(x, dim=axis) if x.ndim else refuse("a scalar has no axes"))


def _transpose(choose: Choose) -> Piece:
    a, b = choose(AXES), choose(AXES)
    return function(f"transpose({a}, {b})", lambda x: x.transpose(a, b))


def _permute(choose: Choose) -> Piece:
    order = choose(([1, 0], [0, 2, 1], [2, 0, 1], [0, 2, 3, 1], [0, 3, 1, 2], [0, 0]))
    return function(f"permute({order})", lambda x: x.permute(order))


def _flatten(choose: Choose) -> Piece:
    start, end = choose((0, 1, 2, -2)), choose((-1, -1, 2, 1, -2))
    return function(f"flatten({start}, {end})", lambda x: x.flatten(start, end))


def _unsqueeze(choose: Choose) -> Piece:
    axis = choose((-4, *AXES))
    return function(f"unsqueeze({axis})", lambda x: x.unsqueeze(axis))


def _squeeze(choose: Choose) -> Piece:
    axis = choose(AXES)

    def run(x: Tensor) -> Tensor:
        if x.shape[axis] != 1:
            refuse("torch leaves an axis that is not 1 as it is")
        return x.squeeze(axis)

    return function(f"squeeze({axis})", run)


def _reshape(choose: Choose) -> Piece:
    entries = [
        choose(("B", "T", "-1", "1", "2", "3", "6", "12", "2 * T", "B * T", "T // 2", "H", "W", "H * W"))
        for _ in range(choose((1, 2, 3, 4)))
    ]

    def run(x: Tensor, sizes: Sizes) -> Tensor:
        return x.reshape([int(eval(entry, {}, dict(sizes))) for entry in entries])

    return Piece(f"reshape([{', '.join(entries)}])", lambda: run)


def _unflatten(choose: Choose) -> Piece:
    axis, parts = choose((1, -1, 2)), choose(([2, -1], [-1, 3], [2, 3], [2, 2, 3], [4, 3]))
    return layer(f"Unflatten({axis}, {parts})", lambda x: nn.Unflatten(axis, parts))


def _pad(choose: Choose) -> Piece:
    a, b = choose((0, 1, 2, -1)), choose((0, 1, 3))
    name = choose(("ZeroPad1d", "ReflectionPad1d", "ReplicationPad1d"))

    def make(x: Tensor) -> nn.Module:
        module: nn.Module = getattr(nn, name)((a, b)) if x.shape[-1] + min(a, 0) > 0 else refuse("nothing of the tensor is left")
        return module

    return layer(f"{name}([{a}, {b}])", make)


def _rearrange(choose: Choose) -> Piece:
    pattern, sizes = choose((
        ("b c t -> b t c", {}), ("b t -> t b", {}), ("b c t -> b (c t)", {}), ("b t (h d) -> b h t d", {"h": 2}),
        ("b (h d) -> b h d", {"h": 3}), ("b c h w -> b (h w) c", {}), ("b c (h p) (w q) -> b (c p q) h w", {"p": 2, "q": 2}),
    ))  # fmt: skip
    text = ", ".join([f'"{pattern}"', *(f"{name}={size}" for name, size in sizes.items())])
    return function(f"rearrange({text})", lambda x: einops.rearrange(x, pattern, **sizes))


def _resize(choose: Choose) -> Piece:
    n = choose((2, 3))
    return choose((
        function(f"interpolate(scale_factor={n})", lambda x: F.interpolate(x, scale_factor=n)),
        function(f"pixel_shuffle({n})", lambda x: F.pixel_shuffle(x, n)),
        layer(f"Upsample(scale_factor={n})", lambda x: nn.Upsample(scale_factor=n)),
    ))  # fmt: skip


LEAVES: tuple[Callable[[Choose], Piece], ...] = (
    _linear, _linear, _convolution, _convolution, _transposed, _pool, _adaptive, _norm, _activation, _embedding, _reduction,
    _along, _transpose, _permute, _flatten, _unsqueeze, _squeeze, _reshape, _reshape, _unflatten, _pad, _resize, _rearrange,
)  # fmt: skip


# --- what is built of pieces ---


def sequence(pieces: Sequence[Piece], text: str = "") -> Piece:
    def build() -> Run:
        runs = [piece.build() for piece in pieces]

        def run(x: Tensor, sizes: Sizes) -> Tensor:
            for each in runs:
                x = each(x, sizes)
            return x

        return run

    return Piece(text or " -> ".join(piece.text for piece in pieces), build)


def equal(*tensors: Tensor) -> None:
    if len({t.shape for t in tensors}) > 1:
        refuse("a merge takes equal shapes")


def _strict(run: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    def merge(a: Tensor, b: Tensor) -> Tensor:
        equal(a, b)
        return run(a, b)

    return merge


Merge = tuple[str, Callable[[Tensor, Tensor], Tensor]]


def a_merge(choose: Choose) -> Merge:
    axis = choose(AXES)
    return choose((
        ("add", _strict(torch.add)), ("mul", _strict(torch.mul)), ("maximum", _strict(torch.maximum)),
        (f"concat(dim={axis})", lambda a, b: torch.cat([a, b], axis)), (f"concat(dim={axis})", lambda a, b: torch.cat([a, b], axis)),
        (f"stack(dim={axis})", lambda a, b: torch.stack([a, b], axis)), ("matmul", torch.matmul),
    ))  # fmt: skip


def _chunk(n: int, axis: int, index: int) -> tuple[str, Callable[[Tensor], Tensor]]:
    def run(x: Tensor) -> Tensor:
        return x.chunk(n, axis)[index] if x.shape[axis] % n == 0 else refuse("torch makes the last part smaller")

    return f"chunk({{}}, {n}, dim={axis})[{index}]", run


# What takes parts of a value, or computes with it: as text, with the value as `{0}`.
PARTS: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("{0}[0]", lambda x: x[0]), ("{0}[:, -1]", lambda x: x[:, -1]), ("{0}[..., 1:]", lambda x: x[..., 1:]),
    ("{0}[:, ::2]", lambda x: x[:, ::2]), ("{0}[:, :, 1:-1]", lambda x: x[:, :, 1:-1]), ("{0}[:, 5]", lambda x: x[:, 5]),
    ("{0}[..., none]", lambda x: x[..., None]), _chunk(2, 1, 0), _chunk(3, -1, -1), ("-{0}", lambda x: -x),
    ("split({0}, [2, 4], dim=1)[1]", lambda x: torch.split(x, [2, 4], 1)[1]), ("{0} ** 2", lambda x: x**2),
    ("topk({0}, 2, dim=-1)[0]", lambda x: x.topk(2, -1)[0]), ("2 - {0}", lambda x: 2 - x),
    ("where({0} > 0, {0}, 1)", lambda x: torch.where(x > 0, x, 1)), ("expand_as({0}, {0})", lambda x: x),
)  # fmt: skip

OPERATORS: tuple[Merge, ...] = (
    ("+", torch.add), ("-", torch.sub), ("*", torch.mul), ("@", torch.matmul), ("/", torch.div),
)  # fmt: skip


def branches(left: Piece, right: Piece, merge: Merge) -> Piece:
    def build() -> Run:
        a, b = left.build(), right.build()
        return lambda x, sizes: merge[1](a(x, sizes), b(x, sizes))

    return Piece(f"({left.text} || {right.text}) -> {merge[0]}", build)


IDENTITY = function("id", lambda x: x)


def residual(inner: Piece) -> Piece:
    whole = branches(IDENTITY, inner, ("add", _strict(torch.add)))
    return Piece(f"residual {{ {inner.text} }}", whole.build)


def repeated(inner: Piece, count: int) -> Piece:
    return sequence([inner] * count, f"repeat {count} {{ {inner.text} }}")


@dataclass
class Network:
    """A network: its declarations, and its steps as text and as what torch does to the values so far."""

    inputs: list[tuple[str, str, str]]  # name, dtype, sizes
    items: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    steps: list[Callable[[list[Tensor], Sizes], Tensor]] = field(default_factory=list)

    @property
    def text(self) -> str:
        declared = [f"  input {name}: {dtype}[{sizes}]" for name, dtype, sizes in self.inputs]
        body = [*declared, *(f"  {line}" for line in self.lines), f"  output v{len(self.inputs) + len(self.steps) - 1}"]
        return "\n".join([*self.items, "network Random {", *body, "}", ""])

    def tensors(self, sizes: Sizes) -> list[Tensor]:
        """Values for the inputs: zeros for ints, so that sums of them are class numbers still, and noise for floats."""
        shapes = [[int(eval(size, {}, dict(sizes))) for size in text.split(", ")] for _, _, text in self.inputs]
        kinds = [dtype for _, dtype, _ in self.inputs]
        return [torch.zeros(shape, dtype=torch.int64) if kind else torch.randn(shape) for shape, kind in zip(shapes, kinds, strict=True)]

    def run(self, sizes: Sizes) -> list[Tensor]:
        """All values, by plain torch; what torch raises, or `Wrong`."""
        values = self.tensors(sizes)
        for step in self.steps:
            values.append(step(values, sizes))
        return values


INPUTS = (
    [("v0", "", "B, 12")], [("v0", "", "B, T, 6")], [("v0", "", "B, 4, T")], [("v0", "", "B, 3, H, W")], [("v0", "", "B, 2, 16, 16")],
    [("v0", "int64 ", "B, T")], [("v0", "", "B, 12"), ("v1", "", "B, 12")], [("v0", "", "B, T, 6"), ("v1", "", "B, 6")],
    [("v0", "", "B, 4, T"), ("v1", "", "B, 4, 2 * T")], [("v0", "", "B, T, 6"), ("v1", "", "B, S, 6")], [("v0", "", "4, B")],
)  # fmt: skip


Step = Callable[[list[Tensor], Sizes], Tensor]
FAILURES = (RuntimeError, ValueError, IndexError, TypeError, Wrong, NameError, NotImplementedError, ZeroDivisionError)


class Generator:
    """Draws a network; `draws` are the sizes at which it tries what it draws, each with its own values."""

    def __init__(self, choose: Choose, draws: Sequence[Sizes]) -> None:
        self.choose, self.draws = choose, draws
        self.network = Network([(name, dtype, sizes) for name, dtype, sizes in choose(INPUTS)])
        self.labels = 0
        self.values = [self.network.tensors(sizes) for sizes in draws]

    def draw(self) -> Network:
        """A few steps, of which all but the last go with the values that they are sent."""
        for _ in range(self.choose((1, 2, 3, 4, 5))):
            line, step = self._step()
            self.network.lines.append(f"v{len(self.values[0])} = {line}")
            self.network.steps.append(step)
            results = self._results(step, self.values)
            if results is None:
                break  # wrong on purpose, or by chance; what follows could not be run
            for values, result in zip(self.values, results, strict=True):
                values.append(result)
        return self.network

    def _results(self, run: Callable[[Any, Sizes], Tensor], given: Sequence[Any]) -> list[Tensor] | None:
        """What something gives for all the draws of sizes; None where torch does not run it for one."""
        try:
            return [run(each, sizes) for each, sizes in zip(given, self.draws, strict=True)]
        except FAILURES:
            return None

    def _tries(self) -> int:
        """How often something that fits is looked for: now and then not at all."""
        return self.choose((0, 20, 20, 20, 20, 20, 20, 20, 20, 20))

    def _step(self) -> tuple[str, Step]:
        if len(self.values[0]) > 1 and self.choose((True, False, False)):
            return self._joined()
        at = self.choose((-1, -1, -1, 0)) % len(self.values[0])
        if self.choose((True, *[False] * 7)):
            text, step = self.choose(PARTS)
            return text.format(f"v{at}"), lambda values, sizes: step(values[at])
        piece = self._piece([values[at] for values in self.values], self.choose((0, 1, 1, 2)))
        run = piece.build()
        return f"v{at} -> {piece.text}", lambda values, sizes: run(values[at], sizes)

    def _joined(self) -> tuple[str, Step]:
        last = len(self.values[0]) - 1
        text = ""
        step: Step = lambda values, sizes: values[last]  # noqa: E731
        for _ in range(self._tries() + 1):
            at = self.choose(range(last + 1))
            symbol, merge = self.choose((self.choose(OPERATORS), a_merge(self.choose)))
            text = f"v{at} {symbol} v{last}" if len(symbol) == 1 else f"(v{at}, v{last}) -> {symbol}"
            step = lambda values, sizes, at=at, merge=merge: merge(values[at], values[last])  # type: ignore[misc]  # noqa: E731
            if self._results(step, self.values) is not None:
                break
        return text, step

    def _after(self, piece: Piece, xs: Sequence[Tensor]) -> list[Tensor] | None:
        return self._results(piece.build(), xs)

    def _leaf(self, xs: Sequence[Tensor]) -> Piece:
        """A leaf that goes with a tensor, as far as a few draws find one; and now and then any."""
        return self._fitting(lambda: self.choose(LEAVES)(self.choose), xs)

    def _fitting(self, draw: Callable[[], Piece], xs: Sequence[Tensor]) -> Piece:
        piece = draw()
        for _ in range(self._tries()):
            if self._after(piece, xs) is not None:
                break
            piece = draw()
        return piece

    def _piece(self, xs: Sequence[Tensor], depth: int) -> Piece:
        kind = self.choose(KINDS) if depth else "leaf"
        if kind == "leaf":
            return self._leaf(xs)
        inner = self._piece(xs, depth - 1)
        after = self._after(inner, xs)
        if kind == "sequence" and after is not None:
            return sequence([inner, self._piece(after, depth - 1)])
        if kind == "branches":
            other = self.choose((IDENTITY, self._piece(xs, depth - 1)))
            return self._fitting(lambda: branches(inner, other, a_merge(self.choose)), xs)
        if kind == "residual":
            return residual(self._fitting(lambda: self._leaf(xs), xs))
        if kind == "repeat" and "part" not in inner.text:  # a label stands once
            return repeated(inner, self.choose((1, 2, 3)))
        return self._named(kind, inner, xs[0].ndim)

    def _named(self, kind: str, inner: Piece, rank: int) -> Piece:
        """A piece that is written elsewhere and used here, or that has a label."""
        number, items = len(self.network.items), self.network.items
        if re.search(r"\b[BTHW]\b", inner.text):  # the network's dimensions have names in the network only
            return inner
        if kind == "block":
            items.append(f"block K{number} = {{ {inner.text} }}")
            return Piece(f"K{number}", inner.build)
        if kind == "pattern":
            axes = self.choose((rank, rank, rank, rank, 3))
            items.append(f"block K{number} {{\n  in x: [{', '.join('abcdefghi'[:axes])}]\n  out x -> {inner.text}\n}}")
            return Piece(f"K{number}", lambda: _with_rank(inner, axes))
        if kind == "fn":
            items.append(f"fn f{number}(x) = x -> {inner.text}")
            return Piece(f"f{number}", inner.build)
        if kind == "label" and "part" not in inner.text:
            self.labels += 1
            return Piece(f"part{self.labels}: {{ {inner.text} }}", inner.build)
        return inner


KINDS = ("leaf", "sequence", "sequence", "branches", "residual", "repeat", "block", "pattern", "fn", "label")


def _with_rank(inner: Piece, axes: int) -> Run:
    run = inner.build()

    def checked(x: Tensor, sizes: Sizes) -> Tensor:
        if x.ndim != axes:
            refuse("a pattern has as many axes as it names")
        return run(x, sizes)

    return checked


def drawn(choose: Choose, draws: Sequence[Sizes]) -> Network:
    """A network of a few steps, tried at some draws of sizes."""
    with torch.no_grad():
        return Generator(choose, draws).draw()


def failure(network: Network, draws: Sequence[Sizes]) -> tuple[Sizes, Any] | None:
    """The first draw of sizes at which torch does not run the network, and what it raises."""
    for sizes in draws:
        try:
            with torch.no_grad():
                network.run(sizes)
        except FAILURES as problem:
            return sizes, problem
    return None
