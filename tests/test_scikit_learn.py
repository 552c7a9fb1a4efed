"""The whole suite of checks that scikit-learn has for estimators."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from phalanx import Adam, Classifier, Dense, Regressor, ReLU

NETWORK = {"layers": (Dense(16), ReLU()), "optimizer": Adam(0.03), "max_rounds": 15}


@parametrize_with_checks([Classifier(**NETWORK), Regressor(**NETWORK)])
def test_scikit_learn(estimator, check):
    check(estimator)
