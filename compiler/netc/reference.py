"""The reference of everything that a spec can name: ops, optimizers, sources, settings; for `netc ops` and `grammar/OPS.md`.

All of it is read off the tables that the compiler works with. Does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from netc.diagnostics import closest, error
from netc.lower import constants
from netc.ops import FAMILIES, TABLE, foreign
from netc.ops.examples import MOST_AXES, Example, example_of
from netc.ops.inits import INITS
from netc.ops.op import REQUIRED, Op, Param, value_text
from netc.ops.recipe import Key, Recipe
from netc.ops.recipes import KEYS
from netc.shapes import shape_text
from netc.tensors import BOOL, FLOATS, INTEGERS, type_text

WIDEST = 40  # a longer signature has its example on the next line
MARKDOWN = "grammar/OPS.md"
COMMAND = f"netc ops --markdown > {MARKDOWN}"

INTRODUCTION = f"""\
# Everything that a spec can name

Made by `{COMMAND}` from the table of ops; do not edit. `netc ops Conv2d` says more of one name.

A signature has what a user may write; what netc infers (`in_features`, `in_channels`, …) is left out. In the examples a type
stands in place of a value. What torch has beyond this table can be used too: netc runs it without numbers to know what it gives.
"""


@dataclass(frozen=True)
class Entry:
    """One name: how it is written, what comes of it (code in backticks), and all of it on demand."""

    name: str
    written: str
    note: str
    describe: Callable[[], str]


@dataclass(frozen=True)
class Part:
    """Names that belong together, in the order of their table."""

    title: str
    columns: tuple[str, str]
    entries: tuple[Entry, ...]


@cache
def parts() -> tuple[Part, ...]:
    """The whole reference."""
    families = (_family(f.__doc__ or "", f.ROWS) for f in FAMILIES)
    numbers = Part("Functions of numbers, computed while the spec is compiled", ("name", "takes"),
                   tuple(Entry(n, n, "numbers", partial(_number_function, n)) for n in constants.FUNCTIONS))  # fmt: skip
    inits = _recipes("Initialisations, for `init`, `param` and `buffer`", INITS.values())
    sections = (part for name, keys in KEYS.items() for part in _section(name, keys))
    return (*families, numbers, inits, *sections)


def table() -> str:
    """All names as plain text, a part after the other."""
    return _pages(parts())


def markdown() -> str:
    """All names as a page of Markdown."""
    pages = [INTRODUCTION]
    for part in parts():
        rows = [f"| {_cell(f'`{e.written}`')} | {_cell(e.note)} |" for e in part.entries]
        pages.append("\n".join([f"## {part.title}\n", f"| {part.columns[0]} | {part.columns[1]} |", "| --- | --- |", *rows]) + "\n")
    return "\n".join(pages)


def about(word: str) -> str:
    """All that is known of a name; where it is only a part of names, these names.

    Raises `NetError` where nothing has it.
    """
    found = _named(word)
    if found:
        return "\n\n".join(e.describe() for e in found) + _see_also(word)
    parted = [_with(part, word) for part in parts()]
    count = sum(len(part.entries) for part in parted)
    if not word.strip() or not count:
        raise error("unknown-name", f"there is no layer, function or setting `{word}`", hint=_meant(word))
    if count == 1:
        return next(e.describe() for part in parted for e in part.entries)
    return _pages(parted)


# --- looking up ---------------------------------------------------------------------------------------------------


def _entries() -> list[Entry]:
    return [e for part in parts() for e in part.entries]


def _named(word: str) -> list[Entry]:
    """The entries of that name: several where an op and an initialisation share it. `nn.Linear` is `Linear`."""
    last = word.rsplit(".", 1)[-1]
    return [e for e in _entries() if e.name == word] or [
        e for e in _entries() if word.startswith(("torch.", "nn.", "F.")) and e.name == last
    ]


def _with(part: Part, word: str) -> Part:
    """The entries of a part with `word` in their names."""
    return replace(part, entries=tuple(e for e in part.entries if word.lower() in e.name.lower()))


def _see_also(word: str) -> str:
    """Names that differ in capitals and underscores only: `relu` and `ReLU`."""
    alike = dict.fromkeys(e.name for e in _entries() if e.name != word and _bare(e.name) == _bare(word))
    return f"\n\nsee also: {', '.join(alike)}" if alike and word.isidentifier() else ""


def _bare(name: str) -> str:
    return name.lower().replace("_", "")


def _meant(word: str) -> str:
    """The hint for a name that does not exist."""
    if foreign.OPS.get(word) in TABLE:
        return f"PyTorch's word for it is `{foreign.OPS[word]}`"
    if word in foreign.ARGUMENTS:
        return f"PyTorch's word for this argument is `{foreign.ARGUMENTS[word]}`"
    near = closest(word, [e.name for e in _entries() if e.name.isidentifier()])
    more = "what torch has under a name that is not in this table can be used too"
    return f"did you mean `{near}`?\n{more}" if near else f"`netc ops` lists all names; {more}"


# --- the parts ----------------------------------------------------------------------------------------------------


def _family(doc: str, rows: Sequence[Op]) -> Part:
    """A family of ops; its title is the first sentence of its module."""
    title = doc.split("\n")[0].removeprefix("Rows of ").split(". ")[0].rstrip(".")
    title = title[0].upper() + title[1:]
    return Part(title, ("op", "example"), tuple(_op_entry(op, title) for op in rows))


def _op_entry(op: Op, family: str) -> Entry:
    example = example_of(op)
    note = f"`{example.text()}` gives `{type_text(example.result)}`"
    return Entry(op.name, signature(op), note, partial(_describe_op, op, example, family))


def signature(op: Op) -> str:
    """How a row is written, its parameters by name; an operator between its operands."""
    if not op.is_symbol:
        return op.signature
    names = [p.name for p in op.inputs]
    return f"{names[0]}[{names[1]}]" if op.name == "[]" else f"{names[0]} {op.name} {names[1]}"


def _recipes(title: str, recipes: Iterable[Recipe]) -> Part:
    entries = (Entry(r.name, r.signature, f"`{r.target}`", partial(_describe_recipe, r, title)) for r in recipes)
    return Part(title, ("name", "what is called"), tuple(entries))


def _section(name: str, keys: Mapping[str, Key]) -> list[Part]:
    """The keys of a section, and what those may be that name something to call."""
    entries = (Entry(f"{name}.{key}", key, _key_note(k), partial(_describe_key, name, key, k)) for key, k in keys.items())
    called = [_recipes(f"What `{key}` may be in the `{name}` section", k.recipes) for key, k in keys.items() if k.recipes]
    return [Part(f"Settings of the `{name}` section", ("key", "value"), tuple(entries)), *called]


def _key_note(key: Key) -> str:
    """What may stand there, and the default behind it in brackets."""
    words = " or ".join(f"`{r.name}(…)`" for r in key.recipes) or key.param.words.replace('"', "`")
    words = f"a list of {words}" if key.param.kind == "several" else words
    return words if key.param.default is REQUIRED else f"{words} ({_bare_default(key.param)})"


def _bare_default(param: Param) -> str:
    """A default as it is written in a section, where one of several words has no quotes."""
    return str(param.default) if param.default in param.choices else value_text(param.default)


# --- one name -----------------------------------------------------------------------------------------------------


def _describe_op(op: Op, example: Example, family: str) -> str:
    own = op.params if op.is_module else op.inputs
    elsewhere = [word for word, name in foreign.OPS.items() if name == op.name]
    blocks = [
        f"{signature(op)}\n  {_kind(op)}: {op.target}\n  {_plain(family)}",
        _listing("arguments", [(p.name, _about_param(p, op, example)) for p in own if not p.inferred]),
        _listing("found by netc, and left out", [(p.name, _plain(p.words)) for p in own if p.inferred]),
        _listing("inputs", [(p.name, _about_param(p, op, example)) for p in op.inputs] if op.is_module else []),
        f"example\n  {example.text()}\n  gives {type_text(example.result)}",
        _listing("parameters of the example, by their keys in the state_dict", [(k, shape_text(s)) for k, s in example.weights.items()]),
        f"in other frameworks: {', '.join(elsewhere)}" if elsewhere else "",
    ]
    return "\n\n".join(block for block in blocks if block)


def _kind(op: Op) -> str:
    kinds = {"a loss": op.is_loss, "a layer": op.is_module, "a merge": op.is_merge, "an operator": op.is_symbol,
             "a method": op.written == "method"}  # fmt: skip
    return next((words for words, holds in kinds.items() if holds), "a function")


def _about_param(param: Param, op: Op, example: Example) -> str:
    """What may stand for a parameter: its kind, the axes and dtypes where it is the only tensor, and its default."""
    words = ("any number, each " if param.variadic else "") + _plain(param.words)
    if param.default is not REQUIRED and param.kind != "keywords":
        return f"{words} ({value_text(param.default)})"
    ranks, dtypes = example.taken() if param is op.inputs[0] else ([], [])
    return f"{words} of {_ranks(ranks)}, {_dtypes(dtypes)}" if ranks and dtypes else words


def _ranks(ranks: list[int]) -> str:
    if ranks == list(range(ranks[0], MOST_AXES + 1)):
        return f"{ranks[0]} or more axes" if ranks[0] else "any number of axes"
    return " or ".join(map(str, ranks)) + (" axis" if ranks == [1] else " axes")


def _dtypes(dtypes: list[str]) -> str:
    """`any float`, `int32 or int64`; a whole kind is named as such."""
    kinds = {"any float": FLOATS, "any int": INTEGERS, "bool": BOOL}
    whole = [words for words, members in kinds.items() if set(members) <= set(dtypes)]
    named = {d for words in whole for d in kinds[words]}
    return " or ".join([*whole, *(d for d in dtypes if d not in named)])


def _describe_recipe(recipe: Recipe, title: str) -> str:
    params = [(p.name, _plain(p.words) + ("" if p.default is REQUIRED else f" ({value_text(p.default)})")) for p in recipe.params]
    return "\n\n".join(filter(None, [f"{recipe.signature}\n  {recipe.target}\n  {_plain(title)}", _listing("arguments", params)]))


def _describe_key(section: str, name: str, key: Key) -> str:
    return f"{name}\n  a setting of the {section} section: {_plain(_key_note(key))}\n  on the command line: --set {section}.{name}=…"


def _number_function(name: str) -> str:
    return f"{name}\n  of numbers, computed while the spec is compiled"


# --- text ---------------------------------------------------------------------------------------------------------


def _pages(some: Sequence[Part]) -> str:
    """Parts as plain text; those without entries are left out."""
    return "\n\n".join(f"{_plain(part.title)}\n\n{_lines(part)}" for part in some if part.entries)


def _lines(part: Part) -> str:
    """The entries of a part as plain text."""
    width = max((len(e.written) for e in part.entries if len(e.written) <= WIDEST), default=WIDEST)
    lines = []
    for e in part.entries:
        gap = f"\n  {'':{width}}" if len(e.written) > width else ""
        lines.append(f"  {e.written:{width}}{gap}  {_plain(e.note)}".rstrip())
    return "\n".join(lines)


def _listing(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Names with what they are, in two columns under a title; nothing where there are none."""
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join([title, *(f"  {name:{width}}  {text}" for name, text in rows)]) if rows else ""


def _plain(text: str) -> str:
    """Markdown on a terminal, where code needs no marks."""
    return text.replace("`", "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
