"""Every kind of problem that netc reports, by its code, with what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for; `severity` is `error` (nothing is built) or `warning`."""

    meaning: str
    severity: str = "error"


CODES: dict[str, Code] = {
    # files and text
    "file": Code("A file cannot be read: it is missing, empty, a folder, or not UTF-8 text."),
    "syntax": Code("The text is not a spec at this place."),
    "override": Code("`--set name=value` does not name something of the spec, or its value cannot be read."),
    # names
    "unknown-name": Code("A name stands for nothing here: no value, parameter, layer, function or network has it."),
    "duplicate-name": Code("A name is given twice in one scope."),
    "reserved-name": Code("A label or value has a name that PyTorch's modules or Python use themselves."),
    "duplicate-label": Code("Two layers have the same label, which must be a key of its own in the `state_dict`."),
    "no-network": Code("The file has no network, or several where one must be chosen."),
    "section": Code("A file may have one `data` and one `train` section."),
    "missing-output": Code("A network says with `output` what it computes."),
    "unknown-setting": Code("A `data` or `train` section has a key that does not exist."),
    # calls
    "unknown-argument": Code("A layer or function has no argument of that name."),
    "argument-type": Code("An argument has a value of the wrong type, or one that is not allowed."),
    "missing-argument": Code("A layer or function lacks an argument that it needs."),
    "too-many-arguments": Code("A layer or function is given more arguments than it takes."),
    "duplicate-argument": Code("An argument is given twice."),
    "not-callable": Code("Something stands where a layer or function must stand."),
    "not-a-tensor": Code("Something stands where a tensor must stand."),
    "input-count": Code("A layer or function gets another number of inputs than it takes."),
    "no-parameter": Code("A `tie`, `init` or `freeze` names a parameter that does not exist."),
    "assertion": Code("An `assert` of the spec does not hold."),
    "use": Code("A file that is used cannot be used: it is missing, uses itself, or needs to be allowed."),
    "unpack": Code("The names on the left and the values on the right differ in number."),
    "recursion": Code("A function calls itself without end."),
    # compile-time values
    "not-constant": Code("A value must be known before anything runs, and is a tensor or an unknown size."),
    "invalid-operation": Code("An operator does not go with values of these types."),
    # shapes and types
    "shape-mismatch": Code("Shapes must be equal, or fit each other, and do not."),
    "rank": Code("A tensor has too few or too many axes."),
    "axis": Code("A tensor does not have that axis."),
    "size-needed": Code("A layer needs a size as a number, and only its name is known."),
    "bad-size": Code("A size would be zero or negative, or does not divide as it must."),
    "dtype": Code("A tensor has a dtype that the layer, function or loss does not take."),
    "inferred-mismatch": Code("A size that is written out differs from the one that arrives."),
    # the loss
    "loss-shape": Code("The operands of a loss match by broadcasting only, which would compute a wrong number."),
    "loss-not-scalar": Code("A loss or metric must be a single number."),
    "target-in-forward": Code("The output depends on a target, which is not there when the network is used."),
    "duplicate-loss": Code("With several losses, each has a name of its own."),
    # the graph
    "unused-value": Code("A value is computed and nothing uses it.", "warning"),
    "unused-input": Code("An input or target is declared and nothing reads it.", "warning"),
    "shadowing": Code("A function or block has the name of one of PyTorch's, which it hides.", "warning"),
    "unused-function": Code("A function or block is never used, so nothing in it is checked.", "warning"),
    "unused-parameter": Code("A parameter of the network is never used.", "warning"),
    # mistakes that torch lets pass
    "double-softmax": Code("Softmax stands before a loss that applies it itself.", "warning"),
    "double-sigmoid": Code("Sigmoid stands before a loss that applies it itself.", "warning"),
    "missing-sigmoid": Code("A loss of probabilities is given numbers that are not kept between 0 and 1.", "warning"),
    "missing-log": Code("A loss of logarithms of probabilities is given something else.", "warning"),
    "log-mismatch": Code("A loss is given logarithms where it takes the values themselves, or the other way round.", "warning"),
    "activation-on-logits": Code("An activation stands between the last layer and a loss of logits, which it narrows.", "warning"),
    "dropout-on-output": Code("Dropout stands behind the last layer, and so sets predictions to zero.", "warning"),
    "stacked-linear": Code("Two linear layers or convolutions follow each other, which is no more than one.", "warning"),
    "stacked-activations": Code("Two activations follow each other, and the second undoes or spoils the first.", "warning"),
    "bias-before-norm": Code("A layer has a bias that the batch normalisation behind it subtracts again.", "warning"),
    "constant-result": Code("A softmax or normalisation runs over a single number, and so gives the same whatever arrives.", "warning"),
    "softmax-over-batch": Code("A softmax runs over the examples of a batch, not over the classes.", "warning"),
    "batch-first": Code("A layer over sequences lacks `batch_first=true`, and takes the examples of a batch for the steps.", "warning"),
    "size-by-place": Code("A size that is inferred is written out, and so stands for the argument that has this place.", "warning"),
    "untrained-parameter": Code("An output has parameters that no loss depends on, so training never changes them.", "warning"),
    "learning-rate": Code("A learning rate is far out of what its optimizer is used with.", "warning"),
    "unused-metrics": Code("Metrics are asked for, and no data is held out to measure them on.", "warning"),
    "batch-of-one": Code("Batch normalisation is trained with batches of a single example.", "warning"),
    # comments to netc
    "unused-allow": Code("A comment `# netc: allow CODE` allows a warning that is not there.", "warning"),
    "unknown-code": Code("A comment to netc cannot be read, or names no warning.", "warning"),
    # pictures
    "drawing": Code("A picture cannot be drawn or written."),
    # data and training
    "data": Code("The data cannot be made or read."),
    "data-shape": Code("The data does not fit the shapes that the network declares."),
    "data-value": Code("The data has values that the network or the loss cannot take: NaN, infinity, labels out of range."),
    "data-constant": Code("A column of the data is the same in all rows, or a target has one class only.", "warning"),
    "data-labels": Code(
        "A class has no row in the data, or nearly all while only the accuracy is looked at, a loss leaves out rows without a word, or it "
        "compares what is computed of the output or target.",
        "warning",
    ),
    "data-scale": Code(
        "What a loss compares with is far from mean 0 and deviation 1, or a column has dates or too large numbers, and nothing scales it; "
        "or a weight is scaled.",
        "warning",
    ),
    "data-rows": Code(
        "The data has too few rows for the batches or the validation that the spec asks for, or a column that counts them.", "warning"
    ),
    "training": Code("The spec lacks what training needs, or training cannot go on."),
}
