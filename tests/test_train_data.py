"""Data: what the source gives, how it is checked against the declarations, split, scaled and cast."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from netc import NetError, load
from netc.data.normalize import Array, fit_scaling
from netc.data.prepare import Prepared, prepare
from netc.data.shapes import sizes_told
from netc.data.sources import load_data
from netc.data.table import Table, table_of
from netc.pipeline import Network
from netc.shapes import Dim, Shape

BLOBS = "sklearn.make_blobs(n_samples=60, n_features=3, centers=3, random_state=0)"
REGRESSION = "sklearn.make_regression(n_samples=40, n_features=3, n_informative=2, n_targets=2, random_state=0)"


def network(x: str = "[B, 3]", y: str = "[B, 1]", source: str = BLOBS, keys: str = "", inputs: str = "", targets: str = "") -> Network:
    text = f"""
network Net {{
  input x: {x}
  {inputs}
  target y: {y}
  {targets}
  p = x -> Linear(1)
  output p
  loss mean(p ** 2)
}}
data {{
  source = {source}
  {keys}
}}
"""
    return load(text)


def prepared(net: Network, table: Table | None = None, batch_size: int | str = "full") -> Prepared:
    assert net.data is not None
    return prepare(net.graph, net.data, table or load_data(net.data), 0, batch_size)


def problem(net: Network, table: Table | None = None, batch_size: int | str = "full") -> tuple[str, str]:
    with pytest.raises(NetError) as caught:
        prepared(net, table, batch_size)
    first = caught.value.diagnostics[0]
    return first.code, str(caught.value)


def own_table(net: Network, features: Array, target: Array) -> Table:
    assert net.data is not None
    return table_of(features, target, net.data.made("source").span)


def test_importing_the_data_stage_imports_no_torch() -> None:
    code = "import sys, netc.data.prepare, netc.data.sources; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "source",
    [
        BLOBS,
        "sklearn.make_blobs(n_samples=[5, 6], center_box=[-1.0, 1.0])",
        "sklearn.make_moons(n_samples=[5, 6])",
        "sklearn.make_circles(n_samples=20)",
        "sklearn.make_classification(weights=[0.2, 0.8])",
        REGRESSION,
    ],
)
def test_every_source_gives_a_table(source: str) -> None:
    net = network(x="[B, F]", y="[B, K]", source=source)
    assert net.data is not None
    table = load_data(net.data)
    assert table.features.shape == (len(table.target), len(table.feature_names))
    assert len(table.target_names) == table.target_columns


def test_what_the_source_refuses_is_said_with_its_place() -> None:
    net = network(source="sklearn.make_classification(n_samples=10, n_features=3, n_informative=5)", x="[B, 3]")
    assert net.data is not None
    with pytest.raises(NetError, match="must sum to less than the number of total features") as caught:
        load_data(net.data)
    assert caught.value.diagnostics[0].code == "data"
    span = caught.value.diagnostics[0].span
    assert span is not None and "make_classification" in span.text


B, F, K = (Dim.named(name) for name in "BFK")


@pytest.mark.parametrize(
    ("x", "y", "columns", "sizes"),
    [
        ((B, F), (B, 1), 1, {"F": 5}),
        ((B, F), (B, K), 2, {"F": 5, "K": 2}),
        ((B, F), (B,), 1, {"F": 5}),
        ((B, 5), (B, K), 1, {"K": 1}),
        ((B, B), (B, 1), 1, {}),
        ((B, F + 1), (B, 1), 1, {}),
        ((B, F, K), (B, 1), 1, {}),
    ],
)
def test_dimensions_from_the_data(x: Shape, y: Shape, columns: int, sizes: dict[str, int]) -> None:
    assert sizes_told([x, y], [(9, 5), (9, columns)]) == sizes


@pytest.mark.parametrize(
    ("y", "source", "shape", "dtype"),
    [
        ("[B]", BLOBS, (60,), "float32"),
        ("[B, 1]", BLOBS, (60, 1), "float32"),
        ("int64[B]", BLOBS, (60,), "int64"),
        ("float64[B, K]", REGRESSION, (40, 2), "float64"),
    ],
)
def test_targets_take_the_declared_shape_and_dtype(y: str, source: str, shape: tuple[int, ...], dtype: str) -> None:
    x, target = prepared(network(y=y, source=source)).train
    assert target.shape == shape and str(target.dtype) == dtype and str(x.dtype) == "float32"


def test_casting_keeps_the_bits_of_torch() -> None:
    net = network()
    assert net.data is not None
    table = load_data(net.data)
    columnwise = own_table(net, np.asfortranarray(table.features), table.target)
    for given in (table, columnwise):
        x = torch.from_numpy(prepared(net, given).train[0])
        assert torch.equal(x, torch.tensor(table.features, dtype=torch.float32)) and x.is_contiguous()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": "[B, 4]"}, "`x` is declared [B, 4], and the data has features [60, 3]"),
        ({"y": "[B, 3]"}, "`y` is declared [B, 3], and the data has target [60]"),
        ({"y": "[B]", "source": REGRESSION}, "`y` is declared [B], and the data has target [40, 2]"),
        ({"x": "[B, F]", "y": "[B, F]"}, "`y` is declared [B, 3], and the data has target [60]"),
        ({"inputs": "input z: [B, 2]"}, "the data feeds one input, and the network has 2 inputs: `x`, `z`"),
        ({"targets": "target z: [B, 2]"}, "no column of the data is left for the target `z`; it has `y` to predict"),
        ({"x": "[50, 3]", "y": "[50, 1]"}, "`x` is declared [50, 3], and the batches have 60 rows"),
    ],
)
def test_what_does_not_fit_is_an_error_that_names_both(options: dict[str, str], words: str) -> None:
    code, text = problem(network(**options))
    assert code == "data-shape" and words in text


def test_a_fixed_batch_axis_must_hold_for_every_batch() -> None:
    net = network(x="[20, 3]", y="[20, 1]")
    assert prepared(net, batch_size=20).train[0].shape == (60, 3)
    assert "the batches have 10 and 25 rows" in problem(net, batch_size=25)[1]


@pytest.mark.parametrize(
    ("y", "target", "words"),
    [
        ("[B, 1]", [0.0, np.nan, np.inf], "2 values that are NaN or infinite: 2 in `y`, first in row 1"),
        ("int64[B]", [0.0, 1.5, 2.0], "declared int64, and 1 value of the data cannot be that, e.g. 1.5 in row 1"),
        ("uint8[B]", [0, 1, 256], "declared uint8, and 1 value of the data cannot be that, e.g. 256 in row 2"),
        ("bool[B]", [0, 1, 2], "declared bool, and 1 value"),
        ("float16[B]", [0.0, 1.0, 1e5], "declared float16, and 1 value"),
    ],
)
def test_values_that_the_network_cannot_take(y: str, target: list[float], words: str) -> None:
    net = network(y=y)
    code, text = problem(net, own_table(net, np.ones((3, 3)), np.array(target)))
    assert code == "data-value" and words in text


def test_validation_is_split_off_in_proportion_and_by_the_seed() -> None:
    data = prepared(network(keys="validation = 0.2", y="int64[B]"))
    assert data.validation is not None
    assert [len(a) for a in data.train] == [48, 48] and [len(a) for a in data.validation] == [12, 12]
    assert np.bincount(data.validation[1]).tolist() == [4, 4, 4]
    assert np.array_equal(data.rows, prepared(network(keys="validation = 0.2")).rows)


def test_a_validation_that_leaves_nothing_to_train_on() -> None:
    code, text = problem(network(keys="validation = 0.999"))
    assert code == "data" and "leaves none to train on" in text


def test_normalization_is_fitted_on_the_training_part_only() -> None:
    data = prepared(network(keys="validation = 0.25\n  normalize = standard\n  normalize_target = minmax"))
    assert data.validation is not None
    np.testing.assert_allclose(data.train[0].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(data.train[0].std(axis=0), 1, rtol=1e-5)
    assert abs(data.validation[0].mean(axis=0)).max() > 1e-3  # of all the data, it would be 0 together with the training part
    assert (data.train[1].min(), data.train[1].max()) == (0, 1)


def test_changing_the_held_out_rows_changes_nothing_in_the_training_part() -> None:
    net = network(keys="validation = 0.25\n  normalize = standard")
    assert net.data is not None
    table = load_data(net.data)
    before = prepared(net, table)
    features = table.features.copy()
    features[np.setdiff1d(np.arange(60), before.rows)] *= 100
    after = prepared(net, own_table(net, features, table.target))
    assert np.array_equal(before.train[0], after.train[0]) and before.preprocessing == after.preprocessing


def test_max_divides_by_the_largest_value_of_the_whole_array() -> None:
    net = network(keys="normalize = max\n  normalize_target = max", y="[B, K]", source=REGRESSION)
    assert net.data is not None
    table = load_data(net.data)
    data = prepared(net)
    x = torch.tensor(table.features / table.features.max(), dtype=torch.float32)
    y = torch.tensor(table.target / table.target.max(), dtype=torch.float32)
    assert torch.equal(torch.from_numpy(data.train[0]), x) and torch.equal(torch.from_numpy(data.train[1]), y)
    code, text = problem(net, own_table(net, -np.ones((3, 3)), np.ones((3, 2))))
    assert code == "data-value" and "the largest value, and that is -1" in text


@pytest.mark.parametrize("kind", ["standard", "minmax", "max"])
def test_scaling_can_be_undone_and_leaves_constant_columns_finite(kind: str) -> None:
    values = np.array([[1.0, 5.0, 7.0], [2.0, 9.0, 7.0], [4.0, -3.0, 7.0]])
    scaling = fit_scaling(kind, values)
    assert scaling is not None
    np.testing.assert_allclose(scaling.undo(scaling.apply(values)), values, rtol=1e-12, atol=1e-12)
    assert np.isfinite(scaling.apply(values)).all()
    assert all(type(v) is float for v in (*scaling.offset, *scaling.scale))


def test_scaling_agrees_with_scikit_learn() -> None:
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    values = np.random.default_rng(0).normal(3, 20, (50, 4))
    for kind, scaler in (("standard", StandardScaler()), ("minmax", MinMaxScaler())):
        scaling = fit_scaling(kind, values)
        assert scaling is not None
        np.testing.assert_allclose(scaling.apply(values), scaler.fit_transform(values), rtol=1e-12, atol=1e-14)
