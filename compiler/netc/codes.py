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
    # pictures
    "drawing": Code("A picture cannot be drawn or written."),
    # data and training
    "data": Code("The data cannot be made or read."),
    "data-shape": Code("The data does not fit the shapes that the network declares."),
    "data-value": Code("The data has values that the network or the loss cannot take: NaN, infinity, labels out of range."),
    "training": Code("The spec lacks what training needs, or training cannot go on."),
}
