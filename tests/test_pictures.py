"""The pictures of a run: drawn for whatever data there is, and never the reason that a training fails."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import netc
from netc.data.columns import Columns, category_column, number_columns
from netc.data.normalize import Array
from netc.data.table import Table, table_of
from netc.source import Source, Span
from netc.train.report import pictures
from netc.train.report.pairs import data_picture
from netc.train.report.pictures import Outputs, draw_all, loss_picture, predictions_picture
from netc.train.report.sheet import png
from tests.conftest import SPECS

RANDOM = np.random.default_rng(0)
EPOCHS = (0, 1, 10, 100)


def table(rows: int, features: int, target: Array) -> Table:
    return table_of(RANDOM.normal(size=(rows, features)), target, Span(Source("net", "data"), 0, 4))


def classes(rows: int, count: int = 2) -> Array:
    return np.arange(rows) % count


def outputs(target: Array | None, *shape: int, is_class: bool = True, low: float = 0.0, high: float = 1.0) -> Outputs:
    return Outputs([(epoch, RANDOM.uniform(low, high, shape)) for epoch in EPOCHS], target, "y", is_class)


def pixels(picture: Figure | None) -> Array:
    """The picture as `[height, width, 4]`; it must hold more than paper."""
    assert picture is not None
    image = matplotlib.image.imread(io.BytesIO(png(picture)), format="png")
    assert image.ndim == 3 and min(image.shape[:2]) > 200
    assert image[..., :3].std() > 0.02
    return np.asarray(image)


def has_color(image: Array, red: int, green: int, blue: int) -> bool:
    return bool((abs(image[..., :3] - np.array([red, green, blue]) / 255).max(axis=-1) < 0.02).any())


@pytest.mark.parametrize(
    ("rows", "features", "target"),
    [
        (100, 5, classes(100)),
        (3000, 2, classes(3000, 5)),
        (50, 1, classes(50)),
        (50, 30, classes(50, 20)),
        (200, 20, RANDOM.normal(size=200)),
        (200, 3, RANDOM.normal(size=(200, 2))),
        (50, 1, RANDOM.normal(size=50)),
        (1, 2, np.array([1])),
    ],
)
def test_data(rows: int, features: int, target: Array) -> None:
    pixels(data_picture(table(rows, features, target)))


@pytest.mark.parametrize("target", [None, classes(40)[:, None], RANDOM.normal(size=(40, 2)), RANDOM.normal(size=(40, 1, 4, 4))])
@pytest.mark.parametrize(("features", "names"), [((40, 12), ["x[0]", "x[4]"]), ((40, 1), ["x[0]"])])
def test_arrays_of_one_axis_a_row(features: tuple[int, int], names: list[str], target: Array | None) -> None:
    """Sequences are drawn by their places; a target that is no column gives no colors, and neither does none."""
    parts = [Columns("array", ("x",), RANDOM.integers(0, 20, features))]
    if target is not None:
        parts.append(number_columns(("y", "z")[: target.shape[1]], target) if target.ndim == 2 else Columns("array", ("y",), target))
    picture = data_picture(Table(tuple(parts), parts[1].names if target is not None else (), Span(Source("net", "data"), 0, 4)))
    pixels(picture)
    assert picture is not None and set(names) <= {text.get_text() for text in picture.axes[0].texts}


def test_data_are_colored_by_class() -> None:
    image = pixels(data_picture(table(100, 5, classes(100))))
    assert has_color(image, 0x2F, 0x6D, 0xB5) and has_color(image, 0xE0, 0x78, 0x2F)


def test_missing_values_are_left_out() -> None:
    features = RANDOM.normal(size=(40, 3))
    features[3, 0] = features[4, 1] = np.nan
    features[:, 2] = np.nan
    features[5, 1] = np.inf
    for target in (classes(40), RANDOM.normal(size=40)):
        pixels(data_picture(table_of(features, target, Span(Source("net", "data"), 0, 4))))


def test_a_constant_feature() -> None:
    pixels(data_picture(table_of(np.ones((20, 2)), classes(20), Span(Source("net", "data"), 0, 4))))


def test_texts_stand_where_their_points_are_and_many_are_counted() -> None:
    """Missing texts, of the number -1, are not drawn, and true and false are no 0 and 1."""
    towns = [f"town{i}" for i in range(30)]
    columns = [number_columns(["age"], RANDOM.normal(size=90)), category_column("city", np.arange(90) % 4 - 1, ["Oslo", "Rom", "Ulm"]),
               number_columns(["owns"], np.arange(90) % 2 == 0), category_column("town", np.arange(90) % 30, towns)]  # fmt: skip
    whole = Table((*columns, category_column("y", classes(90), ["no", "yes"])), ("y",), Span(Source("net", "data"), 0, 4))
    picture = data_picture(whole)
    pixels(picture)
    assert picture is not None
    below = {text.get_text(): text.get_position()[0] for text in picture.axes[0].texts if text.get_position()[1] > 4}
    assert [below[name] for name in ("Oslo", "Rom", "Ulm")] == pytest.approx([1.06, 1.5, 1.94])
    assert [below[name] for name in ("false", "true", "30 texts")] == pytest.approx([2.06, 2.94, 3.5])


def test_the_names_of_features_are_not_cut_at_the_edge() -> None:
    names = ["yearly household income", "is_member_of_the_club", "WWWW"]
    picture = data_picture(table_of(RANDOM.normal(size=(40, 3)), classes(40), Span(Source("net", "data"), 0, 4), names))
    assert picture is not None
    places = [text.get_window_extent() for text in picture.axes[0].texts]
    assert min(place.x0 for place in places) >= 0 and min(place.y0 for place in places) >= 0
    low = [p for p in places if p.y1 < picture.axes[0].get_window_extent().y0]
    assert not any(a.overlaps(b) for i, a in enumerate(low) for b in low[:i])


@pytest.mark.parametrize(
    "curves",
    [
        {"loss": [0.5]},
        {"loss": [0.0, 0.0, 0.0]},
        {"loss": [100.0, 1.0, 1e-3], "val_loss": [100.0, 2.0, 1.0]},
        {"loss": [3.0, 2.0], "a": [2.0, 1.0], "b": [1.0, 1.0], "val_loss": [float("nan"), float("inf")], "val_a": [1, 1], "val_b": [1, 1]},
        {"loss": list(np.exp(-np.arange(20_000) / 5000))},
    ],
)
def test_loss(curves: dict[str, list[float]]) -> None:
    pixels(loss_picture(curves))


def test_no_loss_without_an_epoch() -> None:
    assert loss_picture({"loss": [], "val_loss": []}) is None


@pytest.mark.parametrize(
    "given",
    [
        outputs(classes(80).reshape(-1, 1).astype(np.float32), 80, 1),
        outputs(classes(80), 80, is_class=False),
        outputs(classes(80), 80, low=-4, high=5),
        outputs(classes(80), 80, 2, low=-4, high=5),
        outputs(classes(80, 6), 80, 6, low=-4, high=5),
        outputs(np.ones(80), 80),
        outputs(RANDOM.normal(size=80), 80, 1, is_class=False),
        outputs(RANDOM.normal(size=(80, 3)), 80, 3, is_class=False),
        outputs(np.full(80, 2.5), 80, is_class=False),
        outputs(classes(100), 80),
    ],
)
def test_predictions(given: Outputs) -> None:
    pixels(predictions_picture(given))


@pytest.mark.parametrize(
    "given",
    [
        outputs(None, 80, 1),
        outputs(classes(80), 80, 7, 3),
        outputs(RANDOM.normal(size=80), 80, 3, is_class=False),
        Outputs([(0, np.full(80, np.nan))], classes(80), "y", True),
        Outputs([], classes(80), "y", True),
    ],
)
def test_outputs_without_a_picture(given: Outputs) -> None:
    assert predictions_picture(given) is None


def test_what_goes_wrong_is_a_warning() -> None:
    broken = outputs(classes(80, 9), 80, 3)  # a class that the network has no score for
    pictures: dict[str, Figure] = {}
    warnings = draw_all(pictures, table(100, 2, classes(100)), {"loss": [1.0, 0.5]}, lambda: broken)
    assert len(warnings) == 1 and warnings[0].startswith("predictions.png could not be drawn: ")
    assert sorted(pictures) == ["data.png", "loss.png"]


def test_drawing_leaves_pyplot_alone(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path; from netc.train.report.pictures import loss_picture; "
        "loss_picture({'loss': [1.0, 0.5]}); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0


def test_predictions_are_shown_in_the_units_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Outputs] = []
    monkeypatch.setattr(pictures, "predictions_picture", lambda outputs: seen.append(outputs))
    result = netc.load(SPECS / "diabetes.net", {"train.epochs": 2}).train(tmp_path)
    assert seen and seen[0].target is not None and 24.9 < seen[0].target.min() < seen[0].target.max() < 346.1
    (_, last), scaling = seen[0].snapshots[-1], result.prepared.target_scaling
    x, own = torch.from_numpy(result.prepared.train[0][: len(last)]), result.model
    with torch.no_grad():
        assert scaling is not None and np.allclose(last, scaling.undo(own(x).numpy()), atol=1e-3)
