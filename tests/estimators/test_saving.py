"""Estimators written to a folder, and read back without what made them: the same numbers to the bit."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import phalanx
from phalanx import (
    LSTM,
    Adam,
    BatchNorm,
    Classifier,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Forecaster,
    GaussianMixture,
    GlobalAveragePool,
    InputError,
    LanguageModel,
    MultiTask,
    Regressor,
    Tanh,
    loguniform,
)

NET = {"optimizer": Adam(loguniform(1e-3, 1e-1)), "trials": 3, "max_rounds": 3, "batch_size": 16}
HIDDEN = [Dense(4), BatchNorm(), Tanh()]


def again(net, folder):
    """The estimator as it is read back."""
    net.save(folder / "saved")
    return phalanx.load(folder / "saved")


@pytest.fixture(scope="module")
def frame():
    """A table of numbers with holes, texts that are numbers, dates and categories."""
    rng = np.random.default_rng(0)
    n = rng.normal(size=120).round(3)
    return pd.DataFrame(
        {
            "c": np.resize(["u", "v", "w", None], 120),
            "n": np.where(np.arange(120) % 7 == 0, np.nan, n),
            "d": pd.date_range("2024-01-01", periods=120, freq="31h"),
            "euros": [f"{value:.2f} €".replace(".", ",") for value in rng.normal(size=120)],
        }
    )


@pytest.fixture(scope="module")
def number(frame):
    return pd.Series(np.nan_to_num(frame["n"].to_numpy()) + np.arange(120) / 120, name="size")


def test_a_table_of_classes(tmp_path, frame, number):
    net = Classifier(HIDDEN, vote=True, samples=2, **NET).fit(frame, np.where(number > 0.5, "up", "down"))
    model = again(net, tmp_path)
    np.testing.assert_array_equal(model.predict(frame), net.predict(frame))
    np.testing.assert_array_equal(model.predict_proba(frame), net.predict_proba(frame))
    np.testing.assert_array_equal(model.classes["y"], net.classes_)
    np.testing.assert_array_equal(model.predict(frame.to_numpy()), net.predict(frame))  # by the place of columns
    assert not hasattr(model, "predict_interval")


def test_a_table_of_numbers(tmp_path, frame, number):
    net = Regressor(HIDDEN, likelihood=GaussianMixture(2), **NET).fit(frame, number)
    model = again(net, tmp_path)
    np.testing.assert_array_equal(model.predict(frame), net.predict(frame))
    for one, two in zip(model.predict_interval(frame, 0.8), net.predict_interval(frame, 0.8), strict=True):
        np.testing.assert_array_equal(one, two)
    assert (model.targets, hasattr(model, "predict_proba")) == (("size",), False)
    assert model.ensemble == net.ensemble_
    assert model.best == net.best_.id
    for member in net.members_:
        if member.id in model.members:
            np.testing.assert_array_equal(model.members[member.id].predict(frame), member.predict(frame))


def test_what_is_kept_beside_the_model(tmp_path, frame, number):
    net = Regressor(HIDDEN, **NET).fit(frame, number)
    model = again(net, tmp_path)
    pd.testing.assert_frame_equal(model.leaderboard, net.leaderboard_, check_dtype=False, check_exact=True)
    pd.testing.assert_frame_equal(model.curves, net.curves_, check_exact=True)
    result = model.result
    ensemble = net.leaderboard_.set_index("id").loc["ensemble"]
    assert (result["task"], result["metric"], result["direction"]) == ("regress", "rmse", "minimize")
    assert result["valid"]["rmse"] == ensemble["valid_rmse"]
    assert {*result["valid"], "rmse_error"} == {name[6:] for name in ensemble.index if name.startswith("valid_")}
    assert result["optimism"] == net.optimism_
    assert result["best"]["Network"]["layers"][1:4] == [{"Dense": {"units": 4}}, "BatchNorm", "Tanh"]
    names = sorted(str(path.relative_to(tmp_path / "saved")) for path in (tmp_path / "saved").rglob("*.*"))
    assert names == [
        "curves.parquet",
        "leaderboard.csv",
        "model/model.json",
        "model/parameters.safetensors",
        "result.json",
    ]


def test_the_best_alone_is_saved_where_it_alone_predicts(tmp_path, frame, number):
    net = Regressor(HIDDEN, ensemble=False, **NET).fit(frame, number)
    model = again(net, tmp_path)
    assert list(model.members) == [net.best_.id]
    np.testing.assert_array_equal(model.predict(frame), net.predict(frame))


@pytest.mark.slow
def test_several_targets_keep_their_names_and_order(tmp_path, frame, number):
    targets = pd.DataFrame({"b": number, "a": np.where(number > 0.5, 2.5, 1.0), "c": number > 0.3})
    net = MultiTask([Dense(4), Tanh()], **NET).fit(frame, targets)
    model = again(net, tmp_path)
    pd.testing.assert_frame_equal(model.predict(frame), net.predict(frame))
    one, two = model.predict_proba(frame), net.predict_proba(frame)
    assert list(one) == list(two) == ["c"]
    np.testing.assert_array_equal(one["c"].to_numpy(), two["c"].to_numpy())
    for one, two in zip(model.predict_interval(frame), net.predict_interval(frame), strict=True):
        pd.testing.assert_frame_equal(one, two)
    both = Regressor([Dense(4), Tanh()], **NET).fit(frame, number.to_numpy()[:, None] * [1, -2])
    both.save(tmp_path / "both")
    table = phalanx.load(tmp_path / "both").predict(frame)
    assert list(table) == ["y0", "y1"]
    np.testing.assert_array_equal(table.to_numpy(), both.predict(frame))


@pytest.mark.parametrize("labels", [[0, 1, 2], [1.0, 5.0], [True, False], ["a", "b"]], ids=str)
def test_labels_come_back_as_they_were(tmp_path, labels):
    X = np.random.default_rng(0).normal(size=(60, 2))
    net = Classifier([Dense(4), Tanh()], **NET).fit(X, np.resize(labels, 60))
    model = again(net, tmp_path)
    assert model.predict(X).tolist() == net.predict(X).tolist()
    assert {type(label) for label in model.predict(X).tolist()} == {type(label) for label in labels}


@pytest.mark.slow
def test_arrays_of_numbers_images_texts_and_codes(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    images = rng.integers(0, 255, (60, 6, 6, 1), dtype=np.uint8)
    texts = [" ".join(rng.choice(["sea", "sun", "rain", "wind"], 5)) for _ in range(60)]
    average = [Embedding(4), GlobalAveragePool()]
    for name, layers, X in (
        ("numbers", [Dense(4), Dropout(0.1)], rng.normal(size=(60, 2))),
        ("bytes", [Conv(2), Flatten()], images),
        ("floats", [Conv(2), Flatten()], images / 255),
        ("texts", average, texts),
        ("codes", average, rng.integers(0, 9, (60, 5))),
    ):
        net = Classifier(layers, **NET).fit(X, y)
        net.save(tmp_path / name)
        np.testing.assert_array_equal(phalanx.load(tmp_path / name).predict_proba(X), net.predict_proba(X), name)
    for name, said in (("floats", "images that were arrays of floats"), ("codes", "rows of codes")):
        with pytest.raises(InputError, match=f"^the model was trained on {said}, which no file holds; give an array"):
            phalanx.load(tmp_path / name).predict("table.csv")
    with pytest.raises(InputError, match=r"^the model was trained on texts; give a list of str$"):
        phalanx.load(tmp_path / "texts").predict(np.zeros((3, 2)))
    with pytest.raises(InputError, match=r"this has shape \(3, 5\); give a DataFrame with columns 'x0', 'x1'$"):
        phalanx.load(tmp_path / "numbers").predict(np.zeros((3, 5)))


@pytest.mark.slow
def test_a_series(tmp_path):
    days = pd.date_range("2024-03-01", periods=100, freq="D")
    y = pd.Series(np.sin(np.arange(100.0)), days, name="sold")
    net = Forecaster(3, window=6, layers=[Flatten()], **NET).fit(y)
    model = again(net, tmp_path)
    pd.testing.assert_series_equal(model.predict(y), net.predict(), check_exact=True)
    pd.testing.assert_series_equal(model.predict(y[:50]), net.predict(y=y[:50]), check_exact=True)
    for one, two in zip(model.predict_interval(y, 0.5), net.predict_interval(0.5), strict=True):
        pd.testing.assert_series_equal(one, two, check_exact=True)
    table = model.table(pd.DataFrame({"time": days, "sold": y.to_numpy()}))
    assert table["prediction"].tolist() == net.predict().tolist()
    with pytest.raises(InputError, match=r"^the model was trained on a series with times; give a pandas Series"):
        model.predict(y.to_numpy())
    periods = y.to_period("D")
    net = Forecaster(2, window=6, layers=[Flatten()], **NET).fit(periods)
    net.save(tmp_path / "periods")
    pd.testing.assert_series_equal(phalanx.load(tmp_path / "periods").predict(periods), net.predict())


@pytest.mark.slow
def test_a_language_model(tmp_path):
    net = LanguageModel([LSTM(4)], steps=8, **NET | {"batch_size": 4}).fit("to and fro " * 60)
    model = again(net, tmp_path)
    assert model.generate("to", 20, random_state=3) == net.generate("to", 20, random_state=3)
    assert model.evaluate("to and fro") == net.evaluate("to and fro")
    assert model.log_density(["to", "fro"]).tolist() == net.log_density(["to", "fro"]).tolist()
    assert model.members[net.best_.id].generate("a", 9) == net.best_.estimator.generate("a", 9)
    assert model.result["metric"] == "nats_per_token"


def test_a_folder_is_never_written_over(tmp_path, frame, number):
    net = Regressor([Dense(4), Tanh()], **NET)
    with pytest.raises(NotFittedError):
        net.save(tmp_path / "saved")
    net.fit(frame, number)
    (tmp_path / "full").mkdir()
    with pytest.raises(InputError, match=rf"^{tmp_path / 'full'} exists already; choose another folder, or remove"):
        net.save(tmp_path / "full")
    assert list((tmp_path / "full").iterdir()) == []


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    X = np.random.default_rng(0).normal(size=(60, 2))
    net = Classifier([Dense(4), Tanh()], **NET).fit(X, np.resize([0, 1], 60))
    monkeypatch.setattr("phalanx.runs.folder.save_model", _full_disk)
    with pytest.raises(InputError, match="cannot be written: No space left"):
        net.save(tmp_path / "in" / "saved")
    assert list(tmp_path.iterdir()) == []


def _full_disk(*given):
    raise OSError(28, "No space left on device")


def test_what_is_saved_is_plain_data(tmp_path, frame, number):
    Regressor([Dense(4), Tanh()], **NET).fit(frame, number).save(tmp_path / "saved")
    plain = json.loads((tmp_path / "saved" / "model" / "model.json").read_text())
    assert plain["format"] == 5
    assert plain["targets"] == ["size"]
