"""What other tools call the words of a section, for the hint behind a word that is none of netc's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netc.ops.measures import MEASURES
from netc.ops.recipes import KEYS, OPTIMIZERS

ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "precision": {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "fp32": "float32"},
    "device": {"gpu": "cuda"},
}
AVERAGED = re.compile(r"(f1|precision|recall|average_precision)_(micro|macro|weighted)")
OF_PAIRS = re.compile(r"roc_auc_(ovr|ovo)(_weighted)?")


def elsewhere(key: str, word: str) -> str:
    """`did you mean …?` for a choice of a key by its name in torch; empty where it is none."""
    found = ELSEWHERE.get(key, {}).get(word)
    return f"did you mean `{found}`?" if found else ""


def of_scorer(name: str) -> str:
    """How a metric is written that scikit-learn has a scorer of its own for: `f1_macro` as `f1(average="macro")`; empty for others."""
    if found := AVERAGED.fullmatch(name):
        return f'{found[1]}(average="{found[2]}")'
    if found := OF_PAIRS.fullmatch(name):
        average = ', average="weighted"' if found[2] else ""
        return f'roc_auc(multi_class="{found[1]}"{average})'
    plain = name.removeprefix("neg_")
    return plain if plain != name and plain in MEASURES else ""


def setting_named(name: str) -> str:
    """How `--set` names a key of a section, or an argument of the optimizer: `epochs` is `train.epochs`, `lr` `train.optimizer.lr`."""
    kind = next((kind for kind, keys in KEYS.items() if name in keys), None)
    if kind is not None:
        return f"{kind}.{name}"
    is_argument = any(p.name == name for recipe in OPTIMIZERS for p in recipe.params)
    return f"train.optimizer.{name}" if is_argument else ""
