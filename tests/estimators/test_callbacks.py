"""Callbacks of scikit-learn: told of every round, and able to end the training."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor

from phalanx import LSTM, Adam, Classifier, Dense, Flatten, Forecaster, LanguageModel, Regressor, Tanh, choice

NET = {"layers": [Dense(4), Tanh()], "optimizer": Adam(0.01)}


class Notes:
    """Writes down what it is told, and asks to stop after some rounds."""

    def __init__(self, stop=None):
        self.stop, self.begun, self.ended, self.alive, self.calls = stop, [], [], [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.begun.append((context.task_name, context.task_id))
        assert X is not None or y is not None

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.ended.append((context.task_name, context.task_id))
        if context.task_name == "round":
            self.alive.append(sum(population.alive for population in estimator.progress_.populations))
            assert fitted_estimator is None
            return self.stop is not None and context.task_id + 1 >= self.stop
        return False


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    return X, X[:, 0] + 0.1 * rng.normal(size=60)


def rounds_of(notes):
    return [id_ for name, id_ in notes.ended if name == "round"]


def test_every_round_is_told(rows):
    notes = Notes()
    net = Regressor(**NET, max_rounds=5, stopping=None).set_callbacks(notes).fit(*rows)
    assert rounds_of(notes) == [0, 1, 2, 3, 4]
    assert notes.begun == [("fit", 0), ("train", 0), *(("round", i) for i in range(5))]
    assert notes.ended[-2:] == [("train", 0), ("fit", 0)]
    assert notes.calls == ["setup", "teardown"]
    assert notes.alive == [1, 1, 1, 1, 0]
    assert net.curves_["round"].tolist() == [1, 2, 3, 4, 5]


def test_a_round_ends_when_all_populations_have_trained_it(rows):
    notes = Notes()
    layers = [Dense(choice(2, 3)), Tanh()]
    net = Regressor(layers, optimizer=Adam(0.01), max_rounds=4, trials=2, design="grid", stopping=None)
    net.set_callbacks(notes).fit(*rows)
    assert len(net.members_) == 2
    assert rounds_of(notes) == [0, 1, 2, 3]
    assert notes.alive[-1] == 0


def test_training_again_on_all_rows_is_a_task_of_its_own(rows):
    notes = Notes()
    net = Regressor(**NET, max_rounds=3, refit="steps").set_callbacks(notes).fit(*rows)
    again = int(net.leaderboard_["refit_rounds"].max())
    assert [task for task in notes.begun if task[0] == "train"] == [("train", 0), ("train", 1)]
    assert rounds_of(notes) == [*range(3), *range(again)]


def test_a_callback_ends_the_training(rows):
    notes = Notes(stop=2)
    net = Regressor(**NET, max_rounds=50, refit="steps").set_callbacks(notes).fit(*rows)
    board = net.leaderboard_.set_index("id")
    assert board.loc["m001", "rounds"] == 2
    assert board.loc["m001", "stopped"] == "interrupt"
    assert rounds_of(notes) == [0, 1]  # nor are rows trained on again
    assert notes.calls == ["setup", "teardown"]
    shorter = Regressor(**NET, max_rounds=50).set_callbacks(Notes(stop=2)).fit(*rows)
    np.testing.assert_array_equal(net.predict(rows[0]), shorter.predict(rows[0]))


def test_callbacks_change_nothing(rows):
    X, y = rows
    plain = Classifier(**NET, max_rounds=4).fit(X, y > 0)
    told = Classifier(**NET, max_rounds=4).set_callbacks(Notes()).fit(X, y > 0)
    np.testing.assert_array_equal(plain.predict_proba(X), told.predict_proba(X))
    assert not any("callback" in name for name in vars(told.best_.estimator))


def test_an_error_tears_callbacks_down(rows):
    class Broken(Notes):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("no")

    notes = Broken()
    with pytest.raises(RuntimeError, match="no"):
        Regressor(**NET, max_rounds=2).set_callbacks(notes).fit(*rows)
    assert notes.calls == ["setup", "teardown"]


def test_the_callbacks_of_scikit_learn_work(rows, capsys):
    X, y = rows
    monitor = ScoringMonitor(scoring="r2")
    net = Regressor(**NET, max_rounds=3).set_callbacks(ProgressBar(), monitor).fit(X, y)
    assert "Regressor - fit" in capsys.readouterr().out
    (score,) = monitor.get_logs().data_as_pandas["r2"]  # at the end alone there is an estimator to be scored
    assert score == pytest.approx(net.score(X, y))
    assert clone(net).get_params() == net.get_params()


@pytest.mark.slow
def test_series_and_texts_tell_too():
    notes = Notes(stop=2)
    Forecaster(1, window=4, layers=[Flatten()], optimizer=Adam(0.01), max_rounds=9).set_callbacks(notes).fit(
        np.sin(np.arange(80.0))
    )
    assert rounds_of(notes) == [0, 1]
    notes = Notes(stop=1)
    LanguageModel([LSTM(4)], optimizer=Adam(0.01), steps=8, max_rounds=9, batch_size=4).set_callbacks(notes).fit(
        "to " * 200
    )
    assert rounds_of(notes) == [0]
