"""The table of a source: what the `data` section names is called, and what it gives is put into columns."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from netc.data.preprocessing import Preprocessing
from netc.data.table import Table, table_of
from netc.diagnostics import did_you_mean, error, listed
from netc.settings import Made, Section
from netc.source import Source, Span

# Arguments for which scikit-learn insists on a tuple; for others, such as `weights`, on a list.
TUPLES = ("n_samples", "center_box")
TABLES = ("csv", "parquet")  # whose columns have names, of which `target` is one or several
READERS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet", ".npz": "npz", ".npy": "npy"}


def load_data(section: Section) -> Table:
    """The table of the section's source. Raises NetError `data` where the source refuses its arguments or a file cannot be read."""
    made = section.made("source")
    if made.recipe.name.startswith("sklearn."):
        return _sklearn(made)
    return _with_targets(_read(made.recipe.target, made.values, made.span, {}), made)


def _with_targets(table: Table, made: Made) -> Table:
    """The table with the columns to be predicted that the source's `target` names."""
    if made.recipe.name not in TABLES or made.values["target"] is None:
        return table
    said = made.arguments["target"]
    names = [said.value] if isinstance(said.value, str) else list(said.value)
    for name in names:
        if name not in table.names:
            hint = did_you_mean(name, table.names) or f"it has {listed(table.names)}"
            raise error("data", f"the data has no column `{name}`", said.span, hint)
    return replace(table, targets=tuple(names))


def load_table(source: str | Path | Section, preprocessing: Preprocessing | None = None, like: Made | None = None) -> Table:
    """The table of a file (by its ending: `.csv`, `.tsv`, `.parquet`, `.npz`, `.npy`) or of a `data` section.

    With the preprocessing of a training, columns are read as what they were then: texts that spell numbers stay texts. What
    `preprocessing.apply` makes of the table is what the network takes. A file of the kind of the source `like` is written as that
    one is: with its delimiter, for example. Raises NetError `data`.
    """
    if isinstance(source, Section):
        return load_data(source)
    path = Path(source)
    span = Span(Source(str(path), ""), 0, 0)
    kind = READERS.get(path.suffix.lower())
    if kind is None:
        raise error("data", f"`{path}` is no file that netc reads", hint=f"it reads {', '.join(dict.fromkeys(READERS))}")
    from netc.ops.sources import SOURCES

    recipe = next(r for r in SOURCES if r.name == kind)
    values = {p.name: p.default for p in recipe.params} | {recipe.params[0].name: str(path.resolve())}
    values |= {"delimiter": "\t"} if path.suffix.lower() == ".tsv" else {}
    if like is not None and like.recipe is recipe:
        files = [p.name for p in recipe.params if p.kind == "file"]
        values |= {name: value for name, value in like.values.items() if name not in files}
    return _read(recipe.target, values, span, {} if preprocessing is None else preprocessing.kinds)


def _read(target: str, values: Mapping[str, Any], span: Span, kinds: Mapping[str, str]) -> Table:
    module, name = target.rsplit(".", 1)
    given = {key: value for key, value in values.items() if key != "target" or name.removeprefix("read_") not in TABLES}
    table = getattr(importlib.import_module(module), name)(given, span, kinds)
    assert isinstance(table, Table)
    return table


# --- scikit-learn -------------------------------------------------------------------------------------------------


def _sklearn(made: Made) -> Table:
    module, name = made.recipe.target.rsplit(".", 1)
    values = {key: tuple(value) if key in TUPLES and isinstance(value, list) else value for key, value in made.values.items()}
    try:
        data = getattr(importlib.import_module(module), name)(**values)
    except Exception as e:  # whatever it is, it comes from the arguments in the spec
        hint = f"its arguments are those of scikit-learn's `{name}`"
        raise error("data", f"`{made.recipe.name}` cannot make this data: {sentence(e)}", made.span, hint) from e
    if isinstance(data, np.ndarray):
        return table_of(data, None, made.span)
    if isinstance(data, tuple):
        return table_of(np.asarray(data[0]), np.asarray(data[1]), made.span)
    return _bunch(data, made.span)


def _bunch(data: Any, span: Span) -> Table:
    """The table of a data set of scikit-learn's, with its names of columns and classes."""
    features = [str(name) for name in data.feature_names]
    named = [] if data.get("target_names") is None else [str(name) for name in data.target_names]
    if data.target.ndim == 2:
        return table_of(data.data, data.target, span, features, named)
    return table_of(data.data, data.target, span, features, ["target"], named)


def sentence(e: BaseException) -> str:
    """What an exception says, as a part of a sentence."""
    text = " ".join(str(e).split()) or type(e).__name__
    return text[:-1] if text.endswith(".") else text
