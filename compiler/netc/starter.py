"""A spec to begin with, from the files of `starters/`: each is a spec itself, of a network called `NAME`."""

from __future__ import annotations

import keyword
from importlib.resources import files
from pathlib import Path

from netc.diagnostics import error
from netc.lower.scope import SOURCE_NAMES
from netc.ops import TABLE

# The kinds, each a file, with what they are; the first is what `netc new` writes where none is asked for.
KINDS = {
    "classifier": "rows of numbers to a probability; trains at once",
    "regressor": "rows of numbers to a number; trains at once",
    "images": "images to classes, with convolutions",
    "text": "texts to classes, with an embedding and a GRU",
}
TRAINING = ("classifier", "regressor")  # those with data of their own


def starter(kind: str, stem: str) -> str:
    """The text of a starting spec for a file of that name, without its ending."""
    text = files("netc").joinpath("starters", f"{kind}.net").read_text(encoding="utf-8")
    assert text.count("network NAME(") == 1
    name = network_name(stem)
    own = f"{name}Net" if f"block {name}(" in text else name
    return text.replace("network NAME(", f"network {own}(")


def network_name(stem: str) -> str:
    """The name of the network in a file of that name: `two-moons` gives `TwoMoons`; a word that is taken gets `Net` behind it.

    >>> network_name("two-moons"), network_name("3d"), network_name("linear")
    ('TwoMoons', 'Net3d', 'LinearNet')
    """
    letters = "".join(c if f"a{c}".isidentifier() and c != "_" else " " for c in stem)
    name = "".join(word[0].upper() + word[1:] for word in letters.split())
    if not name.isidentifier():
        name = f"Net{name}"
    is_taken = name in TABLE or keyword.iskeyword(name) or name in SOURCE_NAMES or name == "NAME"
    return f"{name}Net" if is_taken else name


def write(path: Path, kind: str) -> None:
    """Writes a starting spec. Raises `NetError` where the file is there already, or cannot be written."""
    text = starter(kind, path.stem)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise error("file", f"`{path}` is there already", hint="take another name; `netc new` writes over nothing") from None
    except OSError as problem:
        raise error("file", f"`{path}` cannot be written: {problem.strerror}") from None
