"""The table of a source: what the `data` section names is called, and what it gives is put into columns."""

from __future__ import annotations

import importlib

import numpy as np

from netc.data.table import Table, table_of
from netc.diagnostics import error
from netc.settings import Section

# Arguments for which scikit-learn insists on a tuple; for others, such as `weights`, on a list.
TUPLES = ("n_samples", "center_box")


def load_data(section: Section) -> Table:
    """The table of the section's source. Raises NetError `data` where the source refuses its arguments."""
    made = section.made("source")
    module, name = made.recipe.target.rsplit(".", 1)
    values = {key: tuple(value) if key in TUPLES and isinstance(value, list) else value for key, value in made.values.items()}
    try:
        features, target = getattr(importlib.import_module(module), name)(**values)
    except Exception as e:  # whatever it is, it comes from the arguments in the spec
        hint = f"its arguments are those of scikit-learn's `{name}`"
        raise error("data", f"`{made.recipe.name}` cannot make this data: {_sentence(e)}", made.span, hint) from e
    return table_of(np.asarray(features), np.asarray(target), made.span)


def _sentence(e: Exception) -> str:
    text = " ".join(str(e).split()) or type(e).__name__
    return text[:-1] if text.endswith(".") else text
