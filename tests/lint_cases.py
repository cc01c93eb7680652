"""What each rule of the lint warns of, and what it is silent about."""

from __future__ import annotations

from netc.ops.recipes import OPTIMIZERS

SCORES = "input x: [B, 8]\n target y: int64[B]"
YES_NO = "input x: [B, 8]\n target y: [B, 1]"
CLASSES = "input x: [B, 8]\n target y: [B, 3]"
IMAGE = "input x: [B, 3, 16, 16]\n target y: [B, 4, 16, 16]"
STEPS = "input x: [B, T, 16]\n target y: int64[B]"
TAGS = "input x: [B, T, 16]\n target y: int64[B, T]"
TRAIN = "train {{ optimizer = {}\n epochs = 3\n batch_size = {} }}"


def spec(declared: str, *statements: str, before: str = "", after: str = "") -> str:
    return f"{before}\nnetwork Net {{\n {declared}\n " + "\n ".join(statements) + f"\n}}\n{after}"


def end(declared: str, pipe: str, loss: str) -> str:
    """A network whose prediction is the end of a pipeline, and goes into a loss."""
    return spec(declared, f"p = x -> {pipe}", "output p", f"loss {loss}")


def trained(optimizer: str = "Adam()", batch: object = 8, layers: str = "Linear(1)") -> str:
    return end(YES_NO, layers, "MSELoss(p, y)") + TRAIN.format(optimizer, batch)


# Each code: specs that it is said of, with the text that it points at, and specs that are meant as they stand.
SAID: dict[str, list[tuple[str, str]]] = {
    "double-softmax": [
        (end(SCORES, "Linear(3) -> Softmax(dim=1)", "CrossEntropyLoss(p, y)"), "Softmax(dim=1)"),
        (end(SCORES, "Linear(3) -> softmax(dim=-1)", "CrossEntropyLoss(p, y)"), "softmax(dim=-1)"),
        (end(SCORES, "Linear(3) -> last: Softmax(dim=1) -> unsqueeze(2) -> squeeze(2)", "CrossEntropyLoss(p, y)"), "last: Softmax(dim=1)"),
        (end(SCORES, "Linear(3) -> LogSoftmax(dim=1)", "CrossEntropyLoss(p, y)"), "LogSoftmax(dim=1)"),
        (spec(SCORES, "p = x -> Linear(3) -> ReLU -> Head", "output p", "loss ce(p, y)",
              before="block Head = { Linear(3) -> Softmax(dim=1) }\nfn ce(p, y) = CrossEntropyLoss(p, y) * 2"), "Softmax(dim=1)"),
        (end(SCORES, "Linear(3) -> Softmax(dim=1)", "cross_entropy(p, y)"), "Softmax(dim=1)"),
    ],
    "double-sigmoid": [
        (end(YES_NO, "Linear(1) -> Sigmoid", "BCEWithLogitsLoss(p, y)"), "Sigmoid"),
        (end(YES_NO, "Linear(1) -> sigmoid", "BCEWithLogitsLoss(p, y)"), "sigmoid"),
        (end(CLASSES, "Linear(3) -> Softmax(dim=1)", "MultiLabelSoftMarginLoss(p, y)"), "Softmax(dim=1)"),
    ],
    "missing-sigmoid": [
        (end(YES_NO, "Linear(1)", "BCELoss(p, y)"), "BCELoss(p, y)"),
        (end(YES_NO, "Linear(1) -> ReLU", "BCELoss(p, y)"), "BCELoss(p, y)"),
        (end(YES_NO, "Linear(1) -> Tanh", "BCELoss(p, y)"), "BCELoss(p, y)"),
        (end(YES_NO, "Linear(4) -> LayerNorm -> unsqueeze(1) -> squeeze(1) -> narrow(1, 0, 1)", "BCELoss(p, y)"), "BCELoss(p, y)"),
    ],
    "missing-log": [
        (end(SCORES, "Linear(3) -> Softmax(dim=1)", "NLLLoss(p, y)"), "Softmax(dim=1)"),
        (end(SCORES, "Linear(3)", "NLLLoss(p, y)"), "NLLLoss(p, y)"),
        (end(CLASSES, "Linear(3) -> Softmax(dim=1)", "KLDivLoss(p, y)"), "Softmax(dim=1)"),
        (end(CLASSES, "Linear(3) -> ReLU", "KLDivLoss(p, y)"), "KLDivLoss(p, y)"),
        (spec("input x: [T, B, 8]\n target y: int64[B, 4]\n target n: int64[B]", "p = x -> Linear(5)", "output p",
              "loss CTCLoss(p, y, n, n)"), "CTCLoss(p, y, n, n)"),
    ],
    "log-mismatch": [
        (spec(CLASSES, "p = x -> Linear(3) -> LogSoftmax(dim=1)", "output p", "loss KLDivLoss(p, y -> log_softmax(dim=1))"),
         'KLDivLoss(p, y -> log_softmax(dim=1))'),
        (end(YES_NO, "Linear(1) -> Softplus", "PoissonNLLLoss(p, y)"), "PoissonNLLLoss(p, y)"),
        (end(YES_NO, "Linear(1) -> exp", "PoissonNLLLoss(p, y)"), "PoissonNLLLoss(p, y)"),
    ],
    "activation-on-logits": [
        (end(SCORES, "Linear(3) -> ReLU", "CrossEntropyLoss(p, y)"), "ReLU"),
        (end(SCORES, "Linear(3) -> Sigmoid", "CrossEntropyLoss(p, y)"), "Sigmoid"),
        (end(SCORES, "repeat n in [8, 3] { Linear(n) -> ReLU }", "CrossEntropyLoss(p, y)"), "ReLU"),
        (end(YES_NO, "Linear(1) -> tanh", "BCEWithLogitsLoss(p, y)"), "tanh"),
    ],
    "dropout-on-output": [
        (end(YES_NO, "Linear(1) -> Dropout(0.1)", "MSELoss(p, y)"), "Dropout(0.1)"),
        (spec(YES_NO, "p = x -> Linear(1) -> Dropout(0.1)", "output p", "loss mean((p - y) ** 2)"), "Dropout(0.1)"),
        (end(SCORES, "Linear(3) -> dropout(0.2) -> unsqueeze(-1) -> squeeze(-1)", "CrossEntropyLoss(p, y)"), "dropout(0.2)"),
    ],
    "stacked-linear": [
        (end(YES_NO, "Linear(16) -> Linear(1)", "MSELoss(p, y)"), "Linear(1)"),
        (end(YES_NO, "Linear(16) -> Dropout(0.1) -> Linear(1)", "MSELoss(p, y)"), "Linear(1)"),
        (end(YES_NO, "Linear(16) -> unsqueeze(1) -> Linear(1) -> squeeze(1)", "MSELoss(p, y)"), "Linear(1)"),
        (end(YES_NO, "Linear(16) -> ReLU -> repeat 3 { Linear(16) } -> ReLU -> Linear(1)", "MSELoss(p, y)"), "Linear(16)"),
        (spec(YES_NO, "p = x -> repeat 2 { Deep(8) } -> ReLU -> Linear(1)", "output p", "loss MSELoss(p, y)",
              before="block Deep(n) = { Linear(n) -> ReLU -> Linear(n) }"), "Linear(n)"),
        (end(IMAGE, "Conv2d(8, 3, padding=1) -> Conv2d(4, 3, padding=1)", "MSELoss(p, y)"), "Conv2d(4, 3, padding=1)"),
    ],
    "stacked-activations": [
        (end(YES_NO, "Linear(4) -> ReLU -> ReLU -> Linear(1)", "MSELoss(p, y)"), "ReLU"),
        (end(YES_NO, "Linear(1) -> ReLU -> Sigmoid", "BCELoss(p, y)"), "Sigmoid"),
        (end(YES_NO, "Linear(1) -> Sigmoid -> sigmoid", "BCELoss(p, y)"), "sigmoid"),
        (end(CLASSES, "Linear(3) -> Softmax(dim=1) -> ReLU", "MSELoss(p, y)"), "ReLU"),
        (spec(SCORES, "p = x -> Linear(3) -> Softmax(dim=1) -> LogSoftmax(dim=1)", "output p", "loss NLLLoss(p, y)"), "LogSoftmax(dim=1)"),
    ],
    "bias-before-norm": [
        (end(IMAGE, "c: Conv2d(4, 3, padding=1) -> BatchNorm2d", "MSELoss(p, y)"), "c: Conv2d(4, 3, padding=1)"),
        (end(YES_NO, "Linear(16) -> BatchNorm1d -> ReLU -> Linear(1)", "MSELoss(p, y)"), "Linear(16)"),
        (end(IMAGE, "repeat 2 { Conv2d(4, 3, padding=1, bias=true) -> BatchNorm2d -> ReLU }", "MSELoss(p, y)"),
         "Conv2d(4, 3, padding=1, bias=true)"),
    ],
    "constant-result": [
        (end(YES_NO, "Linear(1) -> Softmax(dim=1)", "BCELoss(p, y)"), "Softmax(dim=1)"),
        (end(YES_NO, "Linear(1) -> LayerNorm", "MSELoss(p, y)"), "LayerNorm"),
    ],
    "softmax-over-batch": [
        (end(CLASSES, "Linear(3) -> Softmax(dim=0)", "BCELoss(p, y)"), "Softmax(dim=0)"),
        (end(SCORES, "Linear(3) -> log_softmax(dim=-2)", "NLLLoss(p, y)"), "log_softmax(dim=-2)"),
    ],
    "batch-first": [
        (spec(STEPS, "h, _ = x -> reader: GRU(8)", "p = h[:, -1] -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"),
         "reader: GRU(8)"),
        (spec(STEPS, "h, _ = x -> LSTM(8)", "p = h -> mean(dim=1) -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"), "LSTM(8)"),
        # images by their rows, one block used twice, attention, a sequence that was made of the row
        (spec("input x: [B, 28, 28]\n target y: int64[B]", "h, _ = x -> RNN(8)", "p = h[:, -1] -> Linear(3)", "output p",
              "loss CrossEntropyLoss(p, y)"), "RNN(8)"),
        (spec(STEPS, "p = x -> Step -> Step -> mean(dim=1) -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)",
              before="block Step {\n in x: [B, T, D]\n h, _ = x -> GRU(8)\n out h\n}"), "GRU(8)"),
        (spec(STEPS, "h, _ = (x, x, x) -> MultiheadAttention(4)", "p = h -> mean(dim=1) -> Linear(3)", "output p",
              "loss CrossEntropyLoss(p, y)"), "MultiheadAttention(4)"),
        (end(STEPS, "TransformerEncoderLayer(4) -> mean(dim=1) -> Linear(3)", "CrossEntropyLoss(p, y)"), "TransformerEncoderLayer(4)"),
        (spec(STEPS, "p = (x, x) -> Transformer(4, 1, 1) -> mean(dim=1) -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"),
         "Transformer(4, 1, 1)"),
        (end("input x: [B, 16]\n target y: int64[B]", "reshape([B, 2, 8]) -> TransformerEncoderLayer(4) -> flatten(1) -> Linear(3)",
             "CrossEntropyLoss(p, y)"), "TransformerEncoderLayer(4)"),
        # with a section the rows are axis 0 for sure
        (spec(TAGS, "h, _ = x -> GRU(8)", "p = h -> Linear(3)", "output p", "loss CrossEntropyLoss(p -> flatten(0, 1), y -> flatten)",
              after=TRAIN.format("Adam()", 8)), "GRU(8)"),
    ],
    "size-by-place": [
        (end(IMAGE, "Conv2d(4, 3, padding=1, bias=false) -> BatchNorm2d(4)", "MSELoss(p, y)"), "4"),
        (end(IMAGE, "Conv2d(4, 3, padding=1) -> norm: GroupNorm(2, 4)", "MSELoss(p, y)"), "4"),
        (end(IMAGE, "Conv2d(4, 3, padding=1) -> InstanceNorm2d(1)", "MSELoss(p, y)"), "1"),
        (end(SCORES, "LayerNorm(8) -> Linear(3)", "CrossEntropyLoss(p, y)"), "8"),
        (end(SCORES, "Norm(8) -> Norm(8) -> Linear(3)", "CrossEntropyLoss(p, y)").replace("network", "block Norm(n) = RMSNorm(n)\nnetwork"),
         "n"),
        (spec(STEPS, "h, _ = x -> GRU(16, 32, batch_first=true)", "p = h[:, -1] -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"),
         "32"),
        (spec(STEPS, "h, _ = x -> LSTM(16, 8, batch_first=true)", "p = h[:, -1] -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"),
         "8"),
    ],
    "untrained-parameter": [
        (spec(YES_NO, "h = x -> Linear(4) -> ReLU", "p = h -> Linear(1)", "q = h -> aux: Linear(3)", "output p, q", "loss MSELoss(p, y)"),
         "aux: Linear(3)"),
        (spec(YES_NO, "param w: [8] = zeros", "p = x -> Linear(1)", "output p, x * w", "loss MSELoss(p, y)"), "w"),
        (spec(YES_NO, "p = x -> Linear(1)", "output p", "loss MSELoss(sum(x, dim=1, keepdim=true), y)"), "Linear(1)"),
    ],
    "learning-rate": [
        (trained("Adam(lr=1)"), "1"), (trained("AdamW(lr=1e-9)"), "1e-9"), (trained("SGD(lr=50, momentum=0.9)"), "50"),
    ],
    "batch-of-one": [
        (trained(batch=1, layers="Linear(4, bias=false) -> BatchNorm1d -> ReLU -> Linear(1)"), "1"),
    ],
}  # fmt: skip

SILENT: dict[str, list[str]] = {
    "double-softmax": [
        end(SCORES, "Linear(3)", "CrossEntropyLoss(p, y)"),
        # logits to the loss, probabilities to the user
        spec(SCORES, "p = x -> Linear(3)", "output p -> softmax(dim=1)", "loss CrossEntropyLoss(p, y)"),
        # attention within
        end(SCORES, "(Linear(8) -> Softmax(dim=1) || id) -> mul -> Linear(3)", "CrossEntropyLoss(p, y)"),
        # one block, of which one use goes through another layer
        spec(SCORES, "h = x -> Gate(8)", "p = h -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)",
             before="block Gate(n) = { Linear(n) -> Softmax(dim=1) }"),
        # soft targets
        spec(CLASSES, "p = x -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y -> softmax(dim=1))"),
    ],
    "double-sigmoid": [
        end(YES_NO, "Linear(1)", "BCEWithLogitsLoss(p, y)"),
        spec(YES_NO, "z = x -> Linear(1)", "output z -> Sigmoid", "loss BCEWithLogitsLoss(z, y)"),
        spec(YES_NO, "p = x -> Linear(1)", "output p", "loss BCEWithLogitsLoss(p, y -> sigmoid)"),
    ],
    "missing-sigmoid": [
        end(YES_NO, "Linear(1) -> Sigmoid", "BCELoss(p, y)"),
        end(YES_NO, "Linear(1) -> clamp(0.0, 1.0)", "BCELoss(p, y)"),
        spec(YES_NO, "d = norm(x -> Linear(4), dim=1, keepdim=true)", "output d", "loss BCELoss(exp(-d), y)"),
        spec(YES_NO, "p = (x -> Linear(1)) * 0.5 + 0.5", "output p", "loss BCELoss(p, y)"),
        end(YES_NO, "Linear(2) -> Softmax(dim=1) -> narrow(1, 0, 1)", "BCELoss(p, y)"),
        end(YES_NO, "Linear(1) -> Hardtanh(0.0, 1.0)", "BCELoss(p, y)"),
        end(YES_NO, "Linear(4) -> Sigmoid -> mean(dim=1, keepdim=true)", "BCELoss(p, y)"),
    ],
    "missing-log": [
        end(SCORES, "Linear(3) -> LogSoftmax(dim=1)", "NLLLoss(p, y)"),
        end(SCORES, "Linear(3) -> Softmax(dim=1) -> log", "NLLLoss(p, y)"),
        end(CLASSES, "Linear(3) -> log_softmax(dim=1)", "KLDivLoss(p, y)"),
    ],
    "log-mismatch": [
        spec(CLASSES, "p = x -> Linear(3) -> LogSoftmax(dim=1)", "output p", "loss KLDivLoss(p, y -> log_softmax(dim=1), log_target=true)"),
        spec(CLASSES, "p = x -> Linear(3) -> LogSoftmax(dim=1)", "output p", "loss KLDivLoss(p, y -> softmax(dim=1))"),
        end(YES_NO, "Linear(1)", "PoissonNLLLoss(p, y)"),
        end(YES_NO, "Linear(1) -> Softplus", "PoissonNLLLoss(p, y, log_input=false)"),
    ],
    "activation-on-logits": [
        end(YES_NO, "Linear(1) -> ReLU", "MSELoss(p, y)"),
        # SqueezeNet's end, and clipped logits as in pointer networks
        spec("input x: [B, 3, 8, 8]\n target y: int64[B]", "p = x -> Conv2d(4, 1) -> ReLU -> AdaptiveAvgPool2d(1) -> flatten(1)",
             "output p", "loss CrossEntropyLoss(p, y)"),
        spec(SCORES, "p = 10 * (x -> Linear(3) -> Tanh)", "output p", "loss CrossEntropyLoss(p, y)"),
    ],
    "dropout-on-output": [
        end(YES_NO, "Linear(4) -> ReLU -> Dropout(0.1) -> Linear(1)", "MSELoss(p, y)"),
        end(YES_NO, "Linear(1) -> Dropout(0.0)", "MSELoss(p, y)"),
        # features for a network that uses this one
        spec("input x: [B, 8]", "output x -> Linear(4) -> Dropout(0.1)"),
        spec(YES_NO, "h = x -> Linear(4) -> Dropout(0.1)", "p = h -> Linear(1)", "output p, h", "loss MSELoss(p, y)"),
    ],
    "stacked-linear": [
        end(YES_NO, "Linear(16) -> ReLU -> Linear(1)", "MSELoss(p, y)"),
        # a matrix of low rank, and a linear autoencoder
        end(YES_NO, "Linear(2) -> Linear(16) -> ReLU -> Linear(1)", "MSELoss(p, y)"),
        spec("input x: [B, 8]", "z = x -> Linear(2)", "r = z -> Linear(8)", "output r, z", "loss MSELoss(r, x)"),
        # two heads, a residual, another axis, one layer used twice
        spec(YES_NO, "h = x -> Linear(16)", "p = h -> Linear(1)", "q = h -> Linear(1)", "output p, q", "loss MSELoss(p + q, y)"),
        end(YES_NO, "Linear(8) -> residual { Linear(8) } -> ReLU -> Linear(1)", "MSELoss(p, y)"),
        spec("input x: [B, 8, 8]", "output x -> Linear(8) -> transpose(1, 2) -> Linear(8)"),
        spec("input x: [B, 8]", "output x -> Linear(16) -> reshape([B, 2, 8]) -> Linear(8)"),
        spec("input x: [B, 8]", "layer f = Linear(8)", "output x -> f -> f"),
        # depthwise and pointwise, a row and a column, a smaller picture, a head
        end(IMAGE, "Conv2d(3, 3, padding=1, groups=3) -> Conv2d(4, 1)", "MSELoss(p, y)"),
        end(IMAGE, "Conv2d(4, [1, 3], padding=[0, 1]) -> Conv2d(4, [3, 1], padding=[1, 0])", "MSELoss(p, y)"),
        end(IMAGE, "Conv2d(8, 3, padding=1) -> Conv2d(4, 1)", "MSELoss(p, y)"),
        spec("input x: [B, 3, 16, 16]", "output x -> Conv2d(8, 3, padding=1) -> Conv2d(8, 3, stride=2, padding=1)"),
    ],
    "stacked-activations": [
        end(YES_NO, "Linear(4) -> ReLU -> Tanh -> Linear(1)", "MSELoss(p, y)"),
        # as graph networks learn who is near whom
        spec("input x: [B, 8]", "output x -> Linear(8) -> ReLU -> Softmax(dim=1)"),
        # over rows and over columns
        spec("input x: [B, 8, 8]", "output x -> softmax(dim=1) -> softmax(dim=2)"),
        # a block that begins with ReLU, and whose first use follows one
        spec(YES_NO, "p = x -> Linear(4) -> ReLU -> Pre(4) -> Pre(4) -> Linear(1)", "output p", "loss MSELoss(p, y)",
             before="block Pre(n) = { ReLU -> Linear(n) -> Tanh -> Linear(n) }"),
    ],
    "bias-before-norm": [
        end(IMAGE, "Conv2d(4, 3, padding=1, bias=false) -> BatchNorm2d", "MSELoss(p, y)"),
        end(IMAGE, "Conv2d(4, 3, padding=1) -> ReLU -> BatchNorm2d", "MSELoss(p, y)"),
        end(IMAGE, "Conv2d(4, 3, padding=1) -> GroupNorm(2)", "MSELoss(p, y)"),
        end(IMAGE, "Conv2d(4, 3, padding=1) -> (BatchNorm2d || id) -> add", "MSELoss(p, y)"),
        # here the norm is over another axis than the bias
        spec("input x: [B, 5, 8]", "output x -> Linear(4) -> BatchNorm1d"),
        # one text, with and without the norm
        spec(YES_NO, "p = x -> Step(4, true) -> Step(4, false) -> Linear(1)", "output p", "loss MSELoss(p, y)",
             before="block Step(n, norm) = Linear(n) -> if norm { BatchNorm1d } else { id } -> ReLU"),
    ],
    "constant-result": [
        end(SCORES, "Linear(2)", "CrossEntropyLoss(p, y)"),
        end(YES_NO, "Linear(1) -> Sigmoid", "BCELoss(p, y)"),
        spec("input x: [B, 1, 8]", "output x -> Softmax(dim=-1) -> LayerNorm"),
    ],
    "softmax-over-batch": [
        end(SCORES, "Linear(3) -> log_softmax(dim=1)", "NLLLoss(p, y)"),
        # pairs of examples, steps before the batch, parts of one bag
        spec("input x: [B, 8]\n target y: [B]", "s = x @ t(x) -> softmax(dim=0)", "output s", "loss mean((s @ y - y) ** 2)"),
        spec("input x: [T, 8]\n target y: [8]", "a = x -> Linear(3) -> softmax(dim=0)", "output a",
             "loss MSELoss(mean(t(a) @ x, dim=0), y)"),
        spec("input x: [T, B, 8]\n target y: [B]", "a = x -> Linear(1) -> softmax(dim=0)", "output a",
             "loss MSELoss(sum(a * x, dim=[0, 2]), y)"),
    ],
    "batch-first": [
        spec(STEPS, "h, _ = x -> GRU(8, batch_first=true)", "p = h[:, -1] -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"),
        spec(STEPS, "h, _ = x -> GRU(8, batch_first=false)", "p = h[:, -1] -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"),
        # steps first, after a transpose and by themselves
        spec(STEPS, "h, _ = x -> transpose(0, 1) -> GRU(8)", "p = h[-1] -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"),
        spec("input x: [T, B, 16]\n target y: int64[B]", "h, _ = x -> GRU(8)", "p = h[-1] -> Linear(3)", "output p",
             "loss CrossEntropyLoss(p, y)"),
        spec("input x: [T, B, 16]\n target y: int64[T, B]", "h, _ = x -> GRU(8)", "p = h -> Linear(3)", "output p",
             "loss CrossEntropyLoss(p -> flatten(0, 1), y -> flatten)"),
        # one sequence, with and without an axis for the batch
        spec("input x: [T, 16]\n target y: int64[T]", "h, _ = x -> GRU(8)", "p = h -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)",
             after=TRAIN.format("Adam()", 8)),
        spec("input x: [T, 16]\n target y: int64[T]", "h, _ = x -> unsqueeze(1) -> GRU(8)", "p = h -> squeeze(1) -> Linear(3)", "output p",
             "loss CrossEntropyLoss(p, y)", after=TRAIN.format("Adam()", 8)),
        # one text for steps first and batch first
        spec(STEPS, "p = x -> Step -> transpose(0, 1) -> Step -> mean(dim=0) -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)",
              before="block Step {\n in x: [B, T, D]\n h, _ = x -> GRU(8)\n out h\n}"),
        # the batch is not known, or is in both axes
        spec("input x: [B, T, 16]", "h, _ = x -> GRU(8)", "output h"),
        spec("input x: [8, 4, 16]\n target y: int64[8]", "h, _ = x -> GRU(8)", "p = h[:, -1] -> Linear(3)", "output p",
             "loss CrossEntropyLoss(p, y)"),
        spec("input x: [B, B, 16]\n target y: int64[B]", "h, _ = x -> GRU(8)", "p = h[:, -1] -> Linear(3)", "output p",
             "loss CrossEntropyLoss(p, y)"),
    ],
    "size-by-place": [
        end(IMAGE, "Conv2d(4, 3, padding=1, bias=false) -> BatchNorm2d", "MSELoss(p, y)"),
        end(IMAGE, "Conv2d(4, 3, padding=1, bias=false) -> BatchNorm2d(1e-3)", "MSELoss(p, y)"),
        end(IMAGE, "Conv2d(4, 3, padding=1) -> GroupNorm(4)", "MSELoss(p, y)"),
        # by name it is meant
        end(IMAGE, "Conv2d(4, 3, padding=1) -> GroupNorm(4, eps = 1)", "MSELoss(p, y)"),
        spec(STEPS, "h, _ = x -> GRU(16, num_layers=8, batch_first=true)", "p = h[:, -1] -> Linear(3)", "output p",
             "loss CrossEntropyLoss(p, y)"),
        # a few layers, and another width
        spec(STEPS, "h, _ = x -> GRU(16, 7, batch_first=true)", "p = h[:, -1] -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"),
        spec(STEPS, "h, _ = x -> GRU(32, 8, batch_first=true)", "p = h[:, -1] -> Linear(3)", "output p", "loss CrossEntropyLoss(p, y)"),
        # as many channels as there are already
        end(IMAGE, "Conv2d(3, 3, 1, 1) -> ReLU -> Conv2d(4, 3, 1, 1)", "MSELoss(p, y)"),
    ],
    "untrained-parameter": [
        spec(YES_NO, "h = x -> Linear(4) -> ReLU", "p = h -> Linear(1)", "q = h -> aux: Linear(3)", "output p, q", "loss MSELoss(p, y)",
             "freeze aux.*"),
        spec("input x: [B, 8]", "output x -> Linear(3)"),
        spec("input x: [B, 8]", "h = x -> a: Linear(3)", "output h -> ReLU -> b: Linear(8)", "loss mean(h ** 2)",
             "tie b.bias = c.bias", "loss2 = x -> c: Linear(8)", "loss second = mean(loss2)").replace("loss mean", "loss first = mean"),
    ],
    "learning-rate": [trained(f"{row.name}()") for row in OPTIMIZERS] + [trained("SGD(lr=5)"), trained("Adam(lr=0.1)")],
    "batch-of-one": [
        trained(batch=2, layers="Linear(4, bias=false) -> BatchNorm1d -> ReLU -> Linear(1)"),
        trained(batch=1, layers="Linear(4) -> LayerNorm -> ReLU -> Linear(1)"),
        trained(batch="full", layers="Linear(4, bias=false) -> BatchNorm1d -> ReLU -> Linear(1)"),
    ],
}  # fmt: skip
