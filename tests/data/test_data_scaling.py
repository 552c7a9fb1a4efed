"""Scaling of a table's numbers: by quartiles and bent, to deviations, or not at all."""

import json

import numpy as np
import pandas as pd
import pytest

from phalanx import Adam, Classifier, Cosine, Regressor
from phalanx.config import Config
from phalanx.data.columns import Column
from phalanx.errors import InputError
from phalanx.kinds.registry import prepare
from phalanx.kinds.tables.encoder import TableEncoder

X = np.random.default_rng(0).exponential(3, (400, 2)) + np.array([5, -1e6])


def encoded(scaling, rows=X):
    return TableEncoder.fit_numbers(X, scaling=scaling).transform_numbers(rows).numbers


def test_standard_numbers_have_mean_0_and_deviation_1_and_are_not_bent():
    np.testing.assert_allclose(encoded("standard").mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(encoded("standard").std(0), 1, rtol=1e-6)
    far = X.mean(0) + 1000 * X.std(0)
    np.testing.assert_allclose(encoded("standard", far[None])[0], 1000, rtol=1e-6)
    assert np.abs(encoded("robust", far[None])).max() <= 3


def test_numbers_may_stay_as_they_are():
    np.testing.assert_array_equal(encoded("none"), X.astype(np.float32))


@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_weights_missing_cells_dates_and_the_plain_form(scaling):
    columns = [Column("x", "number", ""), Column("d", "date", ""), Column("one", "number", "")]
    days = pd.date_range("2024-01-01", periods=4)
    frame = pd.DataFrame({"x": [1.0, np.nan, 3.0, 8.0], "d": days, "one": 7.0})
    encoder = TableEncoder.fit(columns, frame, np.array([1.0, 1, 2, 0]), scaling)
    copies = TableEncoder.fit(columns, frame.iloc[[0, 1, 2, 2]], None, scaling)
    np.testing.assert_allclose(copies.transform(frame).numbers, encoder.transform(frame).numbers, rtol=1e-6)
    assert TableEncoder.from_plain(json.loads(json.dumps(encoder.to_plain()))) == encoder
    x, one, d = encoder.transform(frame).numbers[:, :3].T
    mean, deviation = (7 / 3, np.sqrt(8 / 9)) if scaling == "standard" else (0, 1)
    np.testing.assert_allclose(
        x, [(1 - mean) / deviation, 0, (3 - mean) / deviation, (8 - mean) / deviation], rtol=1e-6
    )
    np.testing.assert_allclose(one, 0 if scaling == "standard" else 7)
    np.testing.assert_allclose(np.diff(d), 1 / np.std([0, 1, 2, 2]), rtol=1e-5)


@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_a_linear_network_of_such_numbers_is_linear(scaling):
    x = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    net = Regressor([], scaling=scaling, optimizer=Adam(Cosine(0.1)), max_rounds=200, stopping=None)
    net.fit(x, 3 * x[:, 0] + 1)
    np.testing.assert_allclose(net.predict([[-1.0], [0.5], [2.0], [100.0]]), [-2, 2.5, 7, 301], atol=1e-3)


def test_the_command_line_scales_alike(tmp_path):
    pd.DataFrame({"x": X[:, 0], "y": X[:, 1]}).to_csv(tmp_path / "d.csv", index=False)
    prepared = prepare(Config(source=str(tmp_path / "d.csv"), target=("y",), scaling="standard", folds=1))
    train = prepared.problem.inputs[0].numbers[prepared.problem.train]
    assert train.std() == pytest.approx(1, rel=1e-5)


def test_what_cannot_be_scaled(tmp_path):
    with pytest.raises(InputError, match="scaling is 'sqrt', but must be one of robust, standard, none"):
        Regressor(scaling="sqrt").fit(X, X[:, 0])
    with pytest.raises(InputError, match="scaling is for the numbers of a table, but X holds texts; leave it out"):
        Classifier(scaling="none").fit(["a text", "another"], [0, 1])
    pd.DataFrame({"y": X[:, 0]}).to_csv(tmp_path / "d.csv", index=False)
    with pytest.raises(
        InputError, match=r"^--scaling is for the numbers of a table, but .*d.csv is a series; leave it"
    ):
        prepare(Config(source=str(tmp_path / "d.csv"), forecast="y", scaling="none"))
