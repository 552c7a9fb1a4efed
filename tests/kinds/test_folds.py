"""Folds: every row is predicted by networks that never saw it, in nothing that they learned."""

import time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

import phalanx
from phalanx import (
    Adam,
    Bernoulli,
    Classifier,
    Conv,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool,
    Head,
    HeteroscedasticGaussian,
    InputError,
    Joint,
    MultiTask,
    Regressor,
    Tanh,
    experiment,
    loguniform,
)
from phalanx.candidates import Fitted
from phalanx.config import Config
from phalanx.data import infer_columns
from phalanx.display import Display, make_console
from phalanx.estimators import base
from phalanx.experiment import fit
from phalanx.kinds.learning import learn
from phalanx.kinds.registry import prepare
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts.encoder import TextEncoder
from phalanx.population.compilation import compilations
from phalanx.population.predict import raw_outputs_all
from phalanx.population.train import Clock
from phalanx.problem import Problem
from phalanx.runs import command
from phalanx.runs.planning import make_plan

FOLDS, TRIALS, ROWS = 3, 3, 90
NET = {
    "layers": [Dense(4), Tanh()],
    "optimizer": Adam(loguniform(1e-2, 1e-1)),
    "random_state": 3,
    "trials": TRIALS,
    "folds": FOLDS,
    "max_rounds": 4,
    "batch_size": 16,
}


class Learned(NamedTuple):
    """A fitted estimator, its problem, and its members with what they are worth; of each fold the positions of the
    given rows that train and that validate in it.
    """

    net: Any
    problem: Problem
    fitted: Fitted
    train: list[np.ndarray]
    valid: list[np.ndarray]

    def said(self, ask):
        """What the networks of each trial say of each row, (trials, rows, ...), each of the rows of its fold alone."""
        found = []
        for trial in range(TRIALS):
            parts = [ask(self.net.members_[trial * FOLDS + fold], at) for fold, at in enumerate(self.valid)]
            found.append(np.concatenate(parts)[np.argsort(np.concatenate(self.valid))])
        return np.array(found)


def learned(net, X, y, **options):
    """Fit an estimator, and keep what was learned on the way."""
    rows, trained = [], []

    def noted(*given, **rest):
        rows.append(learn(*given, **rest))
        return rows[0]

    def kept(*given, **rest):
        trained.append(fit(*given, **rest))
        return trained[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "learn", noted)
        patch.setattr(base, "fit", kept)
        net.fit(X, y, **options)
    problem, at = rows[0].problem, rows[0].at
    return Learned(
        net, problem, trained[0], [at[part.train] for part in problem.folds], [at[part.valid] for part in problem.folds]
    )


@pytest.fixture(scope="module")
def table():
    """Numbers, one of them missing in one row, and categories, one of which a row alone has."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=ROWS), "b": rng.normal(size=ROWS), "city": rng.choice([*"uvwx"], ROWS)})
    frame["rare"] = rng.choice(["yes", "no"], ROWS)
    frame.loc[3, "rare"] = "maybe"
    frame.loc[5, "b"] = np.nan
    return frame


@pytest.fixture(scope="module")
def sizes(table):
    """Numbers far from 0, of which every row has another."""
    rng = np.random.default_rng(1)
    return pd.Series(1e6 + 10 * table["a"] + rng.normal(size=ROWS), name="size")


@pytest.fixture(scope="module")
def numbers(table, sizes):
    return learned(Regressor(**NET), table, sizes)


@pytest.fixture(scope="module")
def weight():
    return np.random.default_rng(2).uniform(0.2, 2, ROWS)


@pytest.fixture(scope="module")
def classes(table, weight):
    y = np.where(table["a"] + 0.3 * table["b"].fillna(0) > 0, "up", "down")
    return learned(Classifier(**NET), table, y, sample_weight=weight), y


@pytest.fixture(scope="module")
def mixed(table, sizes):
    heads = Joint([Head(HeteroscedasticGaussian()), Head(Bernoulli())])
    y = pd.DataFrame({"size": sizes, "kind": np.where(table["a"] > 0, "up", "down")})
    return learned(MultiTask(likelihood=heads, **NET), table, y), y


def test_every_row_validates_once_and_trains_in_all_other_folds(numbers, sizes):
    assert sorted(np.concatenate(numbers.valid)) == list(range(ROWS))
    for train, valid, part in zip(numbers.train, numbers.valid, numbers.problem.folds, strict=True):
        assert sorted([*train, *valid]) == list(range(ROWS))
        np.testing.assert_array_equal(numbers.problem.values[0][part.valid, 0], sizes[valid])


def test_encoders_and_units_are_those_of_the_rows_that_train(numbers, table, sizes):
    columns = infer_columns(table)
    layouts = set()
    for fold, train in enumerate(numbers.train):
        encoder, own = numbers.net.encoder_.of_folds[fold], TableEncoder.fit(columns, table.iloc[train])
        assert (encoder.numbers, encoder.dates, encoder.categories) == (own.numbers, own.dates, own.categories)
        layouts.add((own.number_names, own.code_names))
        whole, alone = encoder.transform(table), own.transform(table)
        for names, arrays in (
            ("number_names", (whole.numbers, alone.numbers)),
            ("code_names", (whole.codes, alone.codes)),
        ):
            held = dict(zip(getattr(own, names), arrays[1].T, strict=True))
            for name, column in zip(getattr(encoder, names), arrays[0].T, strict=True):
                np.testing.assert_array_equal(column, held.get(name, np.zeros(ROWS)))
        (goal,) = numbers.problem.goals_of_folds[fold]
        y = sizes[train]
        assert (goal.columns[0].mean, goal.columns[0].deviation) == pytest.approx((y.mean(), y.std(ddof=0)), rel=1e-12)
    assert len(layouts) > 1  # the folds know different categories
    assert numbers.net.encoder_.of_folds[0].cardinalities == numbers.net.encoder_.of_folds[1].cardinalities


def test_nothing_of_the_rows_of_a_fold_reaches_its_networks(numbers, table, sizes):
    """Their targets are others, and the networks that saw them are; those of the fold are the same, bit for bit."""
    others = sizes.copy()
    others.iloc[numbers.valid[1]] = 7e5 - 30 * table["b"].fillna(0).iloc[numbers.valid[1]]
    again = learned(Regressor(**NET), table, others)
    np.testing.assert_array_equal(again.valid[1], numbers.valid[1])
    assert again.net.encoder_ == numbers.net.encoder_
    for i in range(TRIALS * FOLDS):
        one, two = (held.fitted.members[i].trained.curve for held in (numbers, again))
        assert ([train for train, _ in one] == [train for train, _ in two]) == (i % FOLDS == 1)


def test_one_program_serves_all_folds(numbers, table, sizes):
    assert len(numbers.fitted.rounds) == 1
    before = compilations.programs
    again = Regressor(**NET | {"random_state": 7}).fit(table, sizes)
    assert compilations.programs == before
    assert again.best_.id


def test_members_predict_alone_what_they_are_ranked_by(numbers, table, sizes):
    """In units of the target; ranked, and chosen, by what each trial says of the rows that it did not see."""
    said = numbers.said(lambda member, at: member.predict(table.iloc[at]))
    for i, member in enumerate(numbers.fitted.members):
        (predictions,) = member.valid.predictions
        np.testing.assert_array_equal(
            predictions[:, 0], numbers.net.members_[i].predict(table.iloc[numbers.valid[i % 3]])
        )
    assert np.abs(said - 1e6).max() < 100
    rmse = [metrics.root_mean_squared_error(sizes, each) for each in said]
    r2 = [metrics.r2_score(sizes, each) for each in said]
    board = numbers.net.leaderboard_.set_index("id")
    for i, member in enumerate(numbers.net.members_):
        assert board.loc[member.id, "valid_rmse"] == pytest.approx(rmse[i // FOLDS], rel=1e-6)
        assert board.loc[member.id, "valid_r2"] == pytest.approx(r2[i // FOLDS], rel=1e-4)
        assert board.loc[member.id, "fold"] == i % FOLDS + 1
    ranked = [int(id_[1:]) - 1 for id_ in board.index if id_ != "ensemble"]
    assert [i // FOLDS for i in ranked] == sorted((i // FOLDS for i in ranked), key=lambda trial: rmse[trial])
    assert numbers.net.best_.id == f"m{ranked[0] + 1:03}"
    assert sum(share > 0 for share in shares(numbers)) == 2  # of several trials
    check_ensemble(numbers, by_hand(lambda mean: metrics.mean_squared_error(sizes, mean), said))
    mean = np.tensordot(shares(numbers), said, 1)
    assert board.loc["ensemble", "valid_rmse"] == pytest.approx(metrics.root_mean_squared_error(sizes, mean), rel=1e-6)
    np.testing.assert_allclose(
        numbers.fitted.valid.predictions[0][:, 0], mean[np.concatenate(numbers.valid)], rtol=1e-12
    )


def by_hand(cost, said):
    """Choose members one by one, each time the one whose average with those before costs least: shares of the best."""
    chosen, costs = [], []
    for _ in range(32):
        each = [cost(np.mean([said[i] for i in [*chosen, trial]], axis=0)) for trial in range(len(said))]
        chosen.append(int(np.argmin(each)))
        costs.append(min(each))
    best = chosen[: int(np.argmin(costs)) + 1]
    return [best.count(trial) / len(best) for trial in range(len(said))]


def shares(held):
    return [
        sum(held.net.ensemble_.get(member.id, 0) for member in held.net.members_[trial * FOLDS :][:FOLDS])
        for trial in range(TRIALS)
    ]


def check_ensemble(held, expected):
    """Check the shares of the trials, and that the networks of all folds share the voice of their trial."""
    np.testing.assert_allclose(shares(held), expected, rtol=1e-12)
    for id_, share in held.net.ensemble_.items():
        assert share == pytest.approx(expected[(int(id_[1:]) - 1) // FOLDS] / FOLDS)


def test_probabilities_out_of_fold(classes, table, weight):
    held, y = classes
    said = held.said(lambda member, at: member.predict_proba(table.iloc[at]).astype(np.float64))
    said /= said.sum(-1, keepdims=True)
    right = [metrics.accuracy_score(y, held.net.classes_[p.argmax(1)], sample_weight=weight) for p in said]
    loss = [metrics.log_loss(y, p, sample_weight=weight) for p in said]
    board = held.net.leaderboard_.set_index("id")
    for i, member in enumerate(held.net.members_):
        assert board.loc[member.id, "valid_accuracy"] == pytest.approx(right[i // FOLDS])
        assert board.loc[member.id, "valid_log_loss"] == pytest.approx(loss[i // FOLDS], rel=1e-5)
    ranked = [(int(id_[1:]) - 1) // FOLDS for id_ in board.index if id_ != "ensemble"]
    assert ranked == sorted(ranked, key=lambda trial: (-right[trial], loss[trial]))
    check_ensemble(held, by_hand(lambda mean: metrics.log_loss(y, mean, sample_weight=weight), said))
    expected = metrics.log_loss(y, np.tensordot(shares(held), said, 1), sample_weight=weight)
    assert board.loc["ensemble", "valid_log_loss"] == pytest.approx(expected, rel=1e-5)


def test_all_networks_of_the_ensemble_predict_new_rows(classes, numbers, table):
    held, _ = classes
    members = {member.id: member for member in held.net.members_}
    each = [share * members[id_].predict_proba(table) for id_, share in held.net.ensemble_.items()]
    np.testing.assert_allclose(held.net.predict_proba(table), np.sum(each, axis=0), rtol=1e-6)
    members = {member.id: member for member in numbers.net.members_}
    each = [share * members[id_].predict(table) for id_, share in numbers.net.ensemble_.items()]
    np.testing.assert_allclose(numbers.net.predict(table), np.sum(each, axis=0), rtol=1e-12)


def test_distributions_are_in_units_of_the_target(mixed, table):
    """Each network says how sure it is of the rows of its fold, though it saw the target in other units."""
    held, y = mixed
    logs = []
    for fold, member in enumerate(held.net.members_[:FOLDS]):
        rows, targets = table.iloc[held.valid[fold]], y.iloc[held.valid[fold]]
        own = y["size"].iloc[held.train[fold]]
        z = raw_outputs_all([held.fitted.members[fold].trained.final], held.problem.valid_inputs[fold])[0][0][:, 0]
        mean = own.mean() + own.std(ddof=0) * z[:, 0].astype(np.float64)
        std = own.std(ddof=0) * (np.log1p(np.exp(z[:, 1].astype(np.float64))) + 1e-3)
        np.testing.assert_allclose(member.predict(rows)["size"], mean, rtol=1e-11)
        np.testing.assert_allclose(member.estimator.predict_std(rows)["size"], std, rtol=1e-5)
        low, high = member.estimator.predict_interval(rows, 0.8)
        np.testing.assert_allclose(low["size"] - mean, stats.norm.ppf(0.1, 0, std), rtol=1e-4)
        np.testing.assert_allclose(high["size"] - mean, stats.norm.ppf(0.9, 0, std), rtol=1e-4)
        logs.append(stats.norm.logpdf(targets["size"], mean, std))
        np.testing.assert_allclose(member.estimator.log_density(rows, targets)["size"], logs[-1], rtol=1e-4)
    nll = -np.concatenate(logs).mean()
    board = held.net.leaderboard_.set_index("id")
    for member in held.net.members_[:FOLDS]:
        assert board.loc[member.id, "valid_size.nll"] == pytest.approx(nll, rel=1e-5)


def test_the_spread_of_a_mixture_of_folds(mixed, table):
    """The variance of a mixture is the mean variance and the variance of the means."""
    held, _ = mixed
    members = {member.id: member for member in held.net.members_}
    share = np.array(list(held.net.ensemble_.values()))
    means = np.array([members[id_].predict(table)["size"] for id_ in held.net.ensemble_]) - 1e6
    stds = np.array([members[id_].estimator.predict_std(table)["size"] for id_ in held.net.ensemble_])
    variance = share @ (stds**2 + means**2) - (share @ means) ** 2
    np.testing.assert_allclose(held.net.predict_std(table)["size"], np.sqrt(variance), rtol=1e-4)


def test_a_fixed_variance_is_that_of_the_rows_of_the_fold(numbers, table, sizes):
    for fold, member in enumerate(numbers.net.members_[:FOLDS]):
        rows, y = table.iloc[numbers.valid[fold]], sizes.iloc[numbers.valid[fold]]
        mean, std = member.predict(rows, return_std=True)
        np.testing.assert_allclose(std, metrics.root_mean_squared_error(y, mean), rtol=1e-5)


@pytest.mark.parametrize("which", ["numbers", "classes", "mixed"])
def test_saved_and_read_back(tmp_path, request, which, table):
    held = request.getfixturevalue(which)
    net = held.net if which == "numbers" else held[0].net
    net.save(tmp_path / "saved")
    model = phalanx.load(tmp_path / "saved")
    assert model.ensemble == net.ensemble_
    same = pd.testing.assert_frame_equal if which == "mixed" else np.testing.assert_array_equal
    same(model.predict(table), net.predict(table))
    if which != "classes":
        for one, other in zip(model.predict_interval(table, 0.8), net.predict_interval(table, 0.8), strict=True):
            same(one, other)
    if which == "classes":
        same(model.predict_proba(table), net.predict_proba(table))
    for id_, member in model.members.items():
        same(member.predict(table), net.members_[int(id_[1:]) - 1].predict(table))


def test_a_run_repeats_to_the_bit(tmp_path, train, table, sizes):
    rows = table.assign(size=sizes)
    rows.to_csv(tmp_path / "d.csv", index=False)
    search = {"trials": TRIALS, "optimizer": {"Adam": {"learning_rate": {"loguniform": [1e-3, 1e-1]}}}}
    one = train(tmp_path, "d.csv", target="size", folds=FOLDS, test=0.1, **search | {"baselines": ["dummy"]})
    command.train_command({}, tmp_path / "run" / "config.yaml", tmp_path / "again", time.monotonic())
    two = phalanx.load(tmp_path / "again")
    assert one.result["rows"] == {"train": 81, "valid": 81, "test": 9}
    assert one.ensemble == two.ensemble
    for id_, member in one.members.items():
        np.testing.assert_array_equal(member.predict(rows), two.members[id_].predict(rows))
    columns = [name for name in one.leaderboard if name != "seconds"]
    pd.testing.assert_frame_equal(one.leaderboard[columns], two.leaderboard[columns], check_exact=True)
    np.testing.assert_array_equal(one.table(tmp_path / "d.csv")["prediction"], one.predict(rows))
    assert one.evaluate(tmp_path / "d.csv")["rmse"] == pytest.approx(
        metrics.root_mean_squared_error(sizes, one.predict(rows)), rel=1e-6
    )
    assert (
        one.result["best_member"]["valid"]["rmse"]
        == one.leaderboard["valid_rmse"][one.leaderboard["id"] == one.best].item()
    )


def test_plain_models_are_scored_out_of_fold(tmp_path, table, sizes):
    table.assign(size=sizes).to_csv(tmp_path / "d.csv", index=False)
    prepared = prepare(
        Config(source=str(tmp_path / "d.csv"), target=("size",), folds=FOLDS, test=0.1, baselines=("dummy",))
    )
    plan, _ = make_plan(prepared)
    found = prepared.compare(plan, Clock(), Display(make_console(), Clock()))["dummy"]
    (y,), folds = prepared.problem.values, prepared.problem.folds
    mean = [y[part.train].mean() for part in folds]
    said = np.concatenate([np.full(len(part.valid), size) for part, size in zip(folds, mean, strict=True)])
    expected = metrics.root_mean_squared_error(y[prepared.problem.valid, 0], said)
    assert found.valid["rmse"] == pytest.approx(expected, rel=1e-9)
    tested = prepared.test_values[0][:, 0]
    assert found.test()["rmse"] == pytest.approx(
        metrics.root_mean_squared_error(tested, np.full(9, np.mean(mean))), rel=1e-9
    )


def test_groups_stay_in_one_fold(table, sizes):
    groups = np.arange(ROWS) % 10
    held = learned(Regressor(**NET), table, sizes, groups=groups)
    for train, valid in zip(held.train, held.valid, strict=True):
        assert not set(groups[train]) & set(groups[valid])
    assert sorted(np.concatenate(held.valid)) == list(range(ROWS))


@pytest.mark.slow
def test_bagging_draws_from_the_rows_that_train_in_the_fold(table, sizes, monkeypatch):
    drawn, trainer = [], experiment.train

    def noted(trials, rows, folds, **rest):
        drawn.extend(folds[trial.fold].train for trial in trials)
        return trainer(trials, rows, folds, **rest)

    monkeypatch.setattr(experiment, "train", noted)
    held = learned(Regressor(bootstrap=True, **NET), table, sizes)
    for i, rows in enumerate(drawn):
        assert set(rows) <= set(held.problem.fold_rows[i % FOLDS].train)
        assert len(rows) == len(held.train[i % FOLDS]) > len(set(rows))
    assert len({tuple(rows) for rows in drawn}) == TRIALS * FOLDS
    assert held.net.ensemble_ == {f"m{i + 1:03}": pytest.approx(1 / 9) for i in range(TRIALS * FOLDS)}


def test_what_does_not_go_with_folds(table, sizes):
    with pytest.raises(InputError, match=r"^refit 'steps' does not go with folds, whose networks together saw "):
        Regressor(refit="steps", **NET).fit(table, sizes)
    with pytest.raises(InputError, match=r"^with validation rows nothing is split into folds; leave one of the two"):
        Regressor(**NET).fit(table, sizes, validation=(table, sizes))
    with pytest.raises(InputError, match=r"^5 rows are too few for 9 folds; give fewer folds, or more rows$"):
        Regressor(**NET | {"folds": 9}).fit(table[:5], sizes[:5])


@pytest.mark.slow
def test_texts(tmp_path):
    """Each fold knows words, and how long texts are, of its own."""
    rng = np.random.default_rng(0)
    y = np.resize(["dry", "wet"], ROWS)
    texts = [" ".join(rng.choice([*"abcdefgh"], rng.integers(1, 6))) + f" {kind}" for kind in y]
    texts[0] += " once upon a time there were many words"
    texts[1] += " once upon a time"
    held = learned(Classifier(**NET | {"layers": [Embedding(2), GlobalAveragePool()]}), texts, y)
    known = set()
    for fold, train in enumerate(held.train):
        encoder = held.net.encoder_.of_folds[fold]
        own = TextEncoder.fit(np.array(texts, object)[train])
        assert (encoder.words, encoder.documents) == (own.words, own.documents)
        known.add(encoder.words)
    assert len(known) > 1
    assert len({encoder.tokens for encoder in held.net.encoder_.of_folds}) == 1
    held.net.save(tmp_path / "saved")
    np.testing.assert_array_equal(phalanx.load(tmp_path / "saved").predict_proba(texts), held.net.predict_proba(texts))


@pytest.mark.slow
def test_images(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (ROWS, 6, 6, 1), np.uint8), rng.integers(0, 3, ROWS)
    held = learned(Classifier(**NET | {"layers": [Conv(2), Tanh(), Flatten()]}), X, y)
    said = held.said(lambda member, at: member.predict_proba(X[at]))
    right = [metrics.accuracy_score(y, p.argmax(1)) for p in said]
    board = held.net.leaderboard_.set_index("id")
    assert [board.loc[member.id, "valid_accuracy"] for member in held.net.members_] == pytest.approx(
        np.repeat(right, 3)
    )
    held.net.save(tmp_path / "saved")
    np.testing.assert_array_equal(phalanx.load(tmp_path / "saved").predict_proba(X), held.net.predict_proba(X))
