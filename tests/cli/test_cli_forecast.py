"""Series: from a table to forecasts, and what is said of tables that are none."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeCV

import phalanx
from phalanx.config import Config
from phalanx.kinds.registry import prepare

TINY = "trials: 1\nmax_rounds: 2\nbatch_size: 16\nlayers: [Flatten]\n"


def make_series(rows=120):
    rng = np.random.default_rng(0)
    t = np.arange(rows)
    sold = 20 + 5 * np.sin(2 * np.pi * t / 7) + rng.normal(size=rows)
    days = pd.date_range("2024-01-01", periods=rows).strftime("%Y-%m-%d")
    return pd.DataFrame({"day": days, "sold": sold.round(3), "rain": rng.normal(size=rows).round(3)})


@pytest.fixture(scope="module")
def series():
    return make_series()


@pytest.fixture(scope="module")
def forecast(in_folder, tmp_path_factory):
    """A folder with `series.csv` and a run on it, and what the run printed."""
    folder = tmp_path_factory.mktemp("series")
    make_series().to_csv(folder / "series.csv", index=False)
    (folder / "tiny.yaml").write_text(TINY)
    words = ("--forecast", "sold", "--horizon", 3, "--config", "tiny.yaml", "--out", "run")
    ended = in_folder(folder, "train", "series.csv", *words)
    assert ended.status == 0, ended.err
    return folder, ended.out


def test_what_is_said(forecast):
    for line in (
        "time: column 'day', the only one of dates (--time changes it)",
        "inputs beside 'sold', known up to the present only: 'rain'",
        "forecast: 'sold', 3 steps of one day ahead, from the last 18 (--window changes it)",
        "windows, in the order of time: 60 train, 16 validate, 20 test",
    ):
        assert line in forecast[1]


def test_result(forecast):
    result = json.loads((forecast[0] / "run" / "result.json").read_text())
    assert (result["task"], result["target"], result["metric"], result["direction"]) == (
        "forecast",
        "sold",
        "mae",
        "minimize",
    )
    assert list(result["valid"]) == list(result["test"]) == ["mae", "rmse", "r2", "mase", "nll", "crps"]
    assert list(result["baselines"]) == ["last_value", "seasonal_naive", "linear"]
    assert result["rows"] == {"train": 60, "valid": 16, "test": 20}


def test_the_seasonal_naive_baseline_by_hand(forecast, series):
    result = json.loads((forecast[0] / "run" / "result.json").read_text())
    sold = series.sold.to_numpy()
    origins = np.arange(17, 117)[-20:]
    errors = np.abs(sold[origins[:, None] + [1, 2, 3]] - sold[origins[:, None] + [-6, -5, -4]])
    assert result["baselines"]["seasonal_naive"]["mae"] == pytest.approx(errors.mean(), rel=1e-5)
    train = sold[: 17 + 59 + 3 + 1]  # what the training windows see or forecast
    naive = np.abs(train[7:] - train[:-7]).mean()
    assert result["baselines"]["seasonal_naive"]["mase"] == pytest.approx(errors.mean() / naive, rel=1e-5)
    last = np.abs(sold[origins[:, None] + [1, 2, 3]] - sold[origins][:, None]).mean()
    assert result["baselines"]["last_value"]["mae"] == pytest.approx(last, rel=1e-5)


def test_the_linear_baseline_is_tested_with_all_that_came_before(forecast):
    """60 windows train, 2 lie between, 16 validate; the 2 before the test know its first values."""
    result = json.loads((forecast[0] / "run" / "result.json").read_text())
    prepared = prepare(Config(source=str(forecast[0] / "series.csv"), forecast="sold", horizon=3))
    inputs, values = (
        prepared.encoder.as_numbers(part).numbers for part in (prepared.problem.inputs[0], prepared.test_inputs)
    )
    model = RidgeCV(np.logspace(-3, 4, 15)).fit(inputs[:78].astype(float), prepared.problem.values[0][:78])
    errors = np.abs(model.predict(values.astype(float)) - prepared.test_values[0])
    assert result["baselines"]["linear"]["mae"] == pytest.approx(errors.mean(), rel=1e-5)
    assert result["refit"]["rule"] == "steps"
    assert "validation scores are of the networks before they were trained again" in forecast[1]


def test_predict_goes_on_after_the_end(forecast, in_folder):
    ended = in_folder(forecast[0], "predict", "run", "series.csv", "--out", "ahead.csv")
    assert ended.status == 0, ended.err
    ahead = pd.read_csv(forecast[0] / "ahead.csv", engine="pyarrow", dtype={"day": str})
    assert list(ahead) == ["day", "prediction", "lower", "upper"]
    assert ahead.day.tolist() == ["2024-04-30", "2024-05-01", "2024-05-02"]
    assert (ahead.lower < ahead.prediction).all()
    assert (ahead.prediction < ahead.upper).all()
    opened = phalanx.load(forecast[0] / "run")
    for source in (forecast[0] / "series.csv", make_series()):
        found = opened.predict(source)
        assert (found.tolist(), found.name) == (ahead.prediction.tolist(), "sold")
        assert found.index.strftime("%Y-%m-%d").tolist() == ahead.day.tolist()
        low, high = opened.predict_interval(source)
        assert (low.tolist(), high.tolist()) == (ahead.lower.tolist(), ahead.upper.tolist())
    assert (opened.targets, opened.classes, hasattr(opened, "predict_proba")) == (("sold",), {}, False)
    alone = opened.members[opened.best].predict(make_series())
    assert alone.tolist() == found.tolist()  # there is one network only


def test_evaluate_rolls_over_all_origins(forecast, in_folder, series):
    folder = forecast[0]
    series.tail(38).to_csv(folder / "tail.csv", index=False)  # the test windows: 20 of 18 + 3 steps
    ended = in_folder(folder, "evaluate", "run", "tail.csv", "--out", "scores.json")
    assert ended.status == 0, ended.err
    assert "18 rows" in " ".join(ended.out.split())
    series.tail(40).to_csv(folder / "tail.csv", index=False)
    ended = in_folder(folder, "evaluate", "run", "tail.csv", "--out", "scores.json")
    assert "20 rows" in " ".join(ended.out.split())
    test = json.loads((folder / "run" / "result.json").read_text())["test"]
    assert json.loads((folder / "scores.json").read_text()) == pytest.approx(test, rel=1e-5)


def test_a_run_repeats_itself(forecast, in_folder):
    folder = forecast[0]
    ended = in_folder(folder, "train", "--config", "run/config.yaml", "--out", "again")
    assert ended.status == 0, ended.err
    first, again = (json.loads((folder / name / "result.json").read_text()) for name in ("run", "again"))
    assert (again["valid"], again["test"]) == (first["valid"], first["test"])


def test_a_test_table_of_its_own(in_folder, tmp_path, series):
    series.head(90).to_csv(tmp_path / "a.csv", index=False)
    series.tail(40).to_csv(tmp_path / "b.csv", index=False)
    (tmp_path / "tiny.yaml").write_text(TINY)
    words = ("--forecast", "sold", "--window", 10, "--test", "b.csv", "--config", "tiny.yaml", "--out", "run")
    ended = in_folder(tmp_path, "train", "a.csv", *words)
    assert ended.status == 0, ended.err
    assert "forecast: 'sold', one day ahead, from the last 10" in ended.out
    assert json.loads((tmp_path / "run" / "result.json").read_text())["rows"]["test"] == 30


@pytest.mark.slow
def test_likelihoods(in_folder, tmp_path, series):
    series.assign(sold=series.sold.round().astype(int)).to_csv(tmp_path / "s.csv", index=False)
    (tmp_path / "tiny.yaml").write_text(TINY)
    words = ("--forecast", "sold", "--horizon", 2, "--likelihood", "poisson", "--config", "tiny.yaml", "--out", "run")
    assert in_folder(tmp_path, "train", "s.csv", *words).status == 0
    ended = in_folder(tmp_path, "predict", "run", "s.csv")
    ahead = pd.read_csv(io.StringIO(ended.out))
    assert (ahead.lower == ahead.lower.round()).all()  # an interval of counts


def test_no_value_after_the_training_border_reaches_training(tmp_path, monkeypatch, series):
    """The planted leak: all that comes later becomes something else, and training must not notice."""
    monkeypatch.chdir(tmp_path)
    border = 17 + 59 + 3 + 1
    leaked = series.copy()
    leaked.loc[border:, "sold"] = 1e6
    leaked.loc[border:, "rain"] = np.nan
    found = []
    for name, table in (("plain", series), ("leaked", leaked)):
        table.to_csv(f"{name}.csv", index=False)
        found.append(prepare(Config(source=f"{name}.csv", forecast="sold", horizon=3)))
    plain, other = found
    assert len(plain.problem.train) == 60
    assert plain.encoder == other.encoder
    assert plain.problem.goals == other.problem.goals
    train = plain.problem.train
    np.testing.assert_array_equal(plain.problem.inputs[0][train], other.problem.inputs[0][train])
    np.testing.assert_array_equal(plain.problem.rows.y[0][train], other.problem.rows.y[0][train])
    assert plain.problem.values[0][plain.problem.valid[-1], -1] != other.problem.values[0][other.problem.valid[-1], -1]
    leaked.loc[border - 1, "sold"] = 1e6  # the last target of training, which must be noticed
    leaked.to_csv("leaked.csv", index=False)
    assert prepare(Config(source="leaked.csv", forecast="sold", horizon=3)).encoder != plain.encoder


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (lambda t: t, ("--horizon", 400), "the horizon is 400 steps, but the whole series has 120; give a shorter"),
        (lambda t: t, ("--horizon", 100), "windows of the series have a full past and future, of which 0 are left"),
        (lambda t: t, ("--horizon", 0), "horizon is 0, but must be a whole number from 1 to 100,000"),
        (lambda t: t, ("--window", 119), "windows of the series have a full past and future"),
        (lambda t: t, ("--target", "rain"), "--target is for rows with targets, but s.csv is a series; leave it out"),
        (lambda t: t, ("--time", "dya"), "no column 'dya' for --time; did you mean 'day'?"),
        (lambda t: t, ("--metric", "accuracy"), "metric accuracy is for classification, but this is regression"),
        (lambda t: t, ("--likelihood", "bernoulli"), "likelihood bernoulli does not fit a target of numbers"),
        (lambda t: pd.concat([t, t.tail(1)]), (), "column 'day' holds 2024-04-29 twice, in rows 120 and 121"),
        (lambda t: t.assign(sold="much"), (), "column 'sold' must hold numbers, but row 1 holds 'much'"),
        (lambda t: t.assign(sold=3.0), (), "column 'sold' is always 3 in the part to train on"),
        (lambda t: t.head(3), (), "windows of the series have a full past and future"),
    ],
)
def test_bad_series(in_folder, tmp_path, series, change, words, message):
    change(series).to_csv(tmp_path / "s.csv", index=False)
    (tmp_path / "tiny.yaml").write_text(TINY)
    ended = in_folder(tmp_path, "train", "s.csv", "--forecast", "sold", "--config", "tiny.yaml", *words)
    assert ended.status == 2
    assert message in ended.err
    assert ended.err.count("\n") == 1


def test_options_without_a_forecast(in_folder, tmp_path, series):
    series.to_csv(tmp_path / "s.csv", index=False)
    ended = in_folder(tmp_path, "train", "s.csv", "--target", "sold", "--horizon", 3)
    assert ended.status == 2
    assert ended.err == "error: --horizon is for a forecast (--forecast COL), but s.csv is a table; leave it out\n"


def test_tables_that_cannot_be_forecast(forecast, in_folder, series):
    folder = forecast[0]
    series.tail(17).to_csv(folder / "short.csv", index=False)
    ended = in_folder(folder, "predict", "run", "short.csv")
    assert (ended.status, ended.err) == (
        2,
        "error: the table holds 17 steps up to the last value of 'sold', but a forecast needs the last 18\n",
    )
    series.tail(19).to_csv(folder / "short.csv", index=False)
    ended = in_folder(folder, "evaluate", "run", "short.csv")
    assert ended.err == "error: the table holds 19 steps, but one window and what follows it are 21\n"
    ended = in_folder(folder, "predict", "run", "iris")
    assert ended.status == 2
    assert "no column 'sold' for the forecast" in ended.err
