"""The leaderboard: how networks are called, and of folds by what scikit-learn's and the networks themselves say."""

import numpy as np
import pytest
from sklearn.model_selection import KFold

from phalanx import Adam, Classifier, Conv, Dense, Flatten, Regressor, ReLU, Tanh, choice


def test_networks_of_folds_rank_by_what_they_say_of_the_rows_that_they_did_not_see(rng):
    X = np.linspace(1, 2, 45)[:, None]  # in the order in which rows are put
    y = X[:, 0] ** 2 + rng.normal(0, 0.2, 45)
    net = Regressor([Dense(4), Tanh()], optimizer=Adam(choice(1e-3, 0.1)), folds=3, trials=2, max_rounds=5).fit(X, y)
    held_out = [valid for _, valid in KFold(3, shuffle=True, random_state=0).split(X)]
    board = net.leaderboard_.set_index("id")
    for members in (net.members_[:3], net.members_[3:]):
        errors = [member.predict(X[valid]) - y[valid] for member, valid in zip(members, held_out, strict=True)]
        rows = board.loc[[member.id for member in members]]
        np.testing.assert_allclose(rows["valid_rmse"], np.sqrt((np.concatenate(errors) ** 2).mean()), rtol=1e-5)
        each = [np.sqrt((one**2).mean()) for one in errors]
        np.testing.assert_allclose(rows["valid_rmse_mean"], np.mean(each), rtol=1e-5)
        np.testing.assert_allclose(rows["valid_rmse_error"], np.std(each, ddof=1) / np.sqrt(3), rtol=1e-4)
    assert board["valid_rmse"].is_monotonic_increasing
    assert board[board["kind"] == "member"].index[0] == net.best_.id


def test_networks_are_called_by_the_layers_that_have_a_size(rng):
    X, y = rng.normal(size=(12, 4, 4, 1)).astype(np.float32), np.arange(12) % 2
    found = []
    for layers in ([Conv(2), ReLU(), Conv(3), Flatten(), Dense(5)], [Flatten(), Dense(2), ReLU(), Dense(3)]):
        board = Classifier(layers, stopping=None, max_rounds=1).fit(X, y).leaderboard_
        found += board.loc[board["kind"] == "member", "name"].tolist()
    assert found == ["conv 2-3, dense 5", "network 2-3"]


@pytest.mark.parametrize("folds", [1, 3])
def test_what_a_network_adds_is_what_the_others_lack_without_it(folds, rng):
    X = rng.normal(size=(120, 2))
    y = np.sin(2 * X[:, 0]) * X[:, 1] + rng.normal(0, 0.3, 120)
    held_out = (rng.normal(size=(50, 2)), rng.normal(size=50))
    net = Regressor([Dense(6), Tanh()], optimizer=Adam(choice(0.01, 0.1)), folds=folds, trials=5, max_rounds=12)
    net.fit(X, y, validation=held_out if folds == 1 else None)
    board = net.leaderboard_.set_index("id")
    assert board["share"].dropna().to_dict() == net.ensemble_
    assert board["share"].sum() == pytest.approx(1)
    assert len(net.ensemble_) > folds  # several voices
    assert board["adds"].notna().tolist() == board["share"].notna().tolist()
    if folds > 1:
        of_trial = board.dropna(subset="adds").groupby("trial")["adds"]
        assert (of_trial.nunique() == 1).all()
        return

    def rmse(shares):
        said = sum(share * member.predict(held_out[0]) for member in net.members_ if (share := shares.get(member.id)))
        return np.sqrt(((said - held_out[1]) ** 2).mean())

    for id_, share in net.ensemble_.items():
        others = {other: part / (1 - share) for other, part in net.ensemble_.items() if other != id_}
        assert board.loc[id_, "adds"] == pytest.approx(rmse(others) - rmse(net.ensemble_), rel=1e-3, abs=1e-6)


def test_a_network_alone_adds_nothing_that_could_be_said():
    board = Classifier([Dense(2)], max_rounds=1).fit([[0.0], [1.0]] * 8, [0, 1] * 8).leaderboard_.set_index("id")
    assert board.loc["m001", "share"] == 1
    assert board["adds"].isna().all()
