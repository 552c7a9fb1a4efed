"""The leaderboard: how networks are called, and of folds by what scikit-learn's and the networks themselves say."""

import numpy as np
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
