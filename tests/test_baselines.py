import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

from phalanx.baselines import baselines, fit_baseline
from phalanx.data import ClassTarget, infer_columns, load_source, split_rows
from phalanx.data.encoded import Encoded
from phalanx.errors import InputError
from phalanx.kinds.tables.encoder import TableEncoder

NAMES = ("dummy", "linear", "decision_tree", "svm", "random_forest", "gradient_boosting")


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):  # small fits; the cores belong to the tests beside this one
        yield


def no_codes(numbers):
    return Encoded(np.asarray(numbers, dtype=np.float32), np.empty((len(numbers), 0), dtype=np.int32))


@pytest.fixture(scope="module")
def iris():
    source = load_source("iris")
    split = split_rows(len(source.frame), classes=source.frame["target"])
    encoder = TableEncoder.fit(infer_columns(source.frame[source.frame.columns[:4]]), source.frame.iloc[split.train])
    codes = ClassTarget.fit(source.frame["target"]).encode(source.frame["target"])
    return [(encoder.transform(source.frame.iloc[rows]), codes[rows]) for rows in (split.train, split.test)]


def test_names():
    assert tuple(baselines("classify")) == tuple(baselines("regress")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_classes(iris, name):
    (x, y), (x_test, y_test) = iris
    fitted = fit_baseline(name, x, y, cardinalities=(), classes=3, seed=1)
    probabilities = fitted.predict(x_test)
    assert probabilities.shape == (30, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    accuracy = (probabilities.argmax(axis=1) == y_test).mean()
    assert accuracy == pytest.approx(1 / 3) if name == "dummy" else accuracy >= 0.9
    again = fit_baseline(name, x, y, cardinalities=(), classes=3, seed=1)
    np.testing.assert_array_equal(again.predict(x_test), probabilities)


@pytest.mark.parametrize("name", NAMES)
def test_numbers(name):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(300, 3))
    y = 1e6 + 100 * numbers[:, 0] + rng.normal(size=300)
    fitted = fit_baseline(name, no_codes(numbers[:200]), y[:200], cardinalities=())
    values = fitted.predict(no_codes(numbers[200:]))
    assert values.shape == (100,)
    assert values.dtype == np.float64
    error = np.sqrt(((values - y[200:]) ** 2).mean())
    assert error == pytest.approx(100, rel=0.3) if name == "dummy" else error < 50
    if name == "linear":
        assert error < 1.5  # the noise has deviation 1


@pytest.mark.parametrize(("name", "classes"), [(name, classes) for name in NAMES[1:] for classes in (0, 2)])
@pytest.mark.parametrize("cardinality", [5, 60, 400])
def test_codes_are_used(name, classes, cardinality):
    """The target is the parity of a code, or in large alphabets whether it lies above the middle."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, cardinality, (2000, 1)).astype(np.int32)
    y = codes[:, 0] % 2 if cardinality < 32 else codes[:, 0] > cardinality / 2
    encoded = Encoded(np.zeros((2000, 1), dtype=np.float32), codes)
    fitted = fit_baseline(name, encoded, y.astype(np.int64), cardinalities=(cardinality,), classes=classes)
    unseen = Encoded(encoded.numbers[:10], np.zeros((10, 1), dtype=np.int32))
    assert np.isfinite(fitted.predict(unseen)).all()
    score = fitted.predict(encoded)[:, 1] if classes else fitted.predict(encoded)
    assert ((score > 0.5) == y).mean() > 0.95


def test_weights_count():
    x = no_codes([[0.0], [0.0], [1.0]])
    fitted = fit_baseline("dummy", x, np.array([0, 1, 1]), np.array([6.0, 1, 1]), cardinalities=(), classes=2)
    np.testing.assert_allclose(fitted.predict(x)[0], [0.75, 0.25])
    regression = fit_baseline("dummy", x, np.array([0.0, 4, 4]), np.array([6.0, 1, 1]), cardinalities=())
    np.testing.assert_allclose(regression.predict(x), 1.0)


def test_newton_and_lbfgs_agree():
    digits = load_digits()
    x = TableEncoder.fit_numbers(digits.data).transform_numbers(digits.data)
    odd = (digits.target % 2).astype(np.int64)
    ours = fit_baseline("linear", x, odd, cardinalities=(), classes=2).predict(x)  # by Newton's method
    theirs = LogisticRegression(max_iter=5000, tol=1e-8).fit(x.numbers.astype(float), odd)
    np.testing.assert_allclose(ours, theirs.predict_proba(x.numbers.astype(float)), atol=1e-4)


def test_no_convergence_is_no_warning():
    rng = np.random.default_rng(2)
    numbers = rng.normal(size=(60, 400)) ** 9
    fit_baseline("linear", no_codes(numbers), rng.integers(0, 2, 60), cardinalities=(), classes=2)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_without_rows_and_a_class_of_one(name):
    rng = np.random.default_rng(3)
    n = 10_001 if name == "gradient_boosting" else 300  # above 10,000 rows boosting holds out rows by class
    x = no_codes(rng.normal(size=(n, 2)))
    y = rng.integers(0, 2, n)
    y[7] = 3
    probabilities = fit_baseline(name, x, y, cardinalities=(), classes=5).predict(x)
    assert probabilities.shape == (n, 5)
    np.testing.assert_array_equal(probabilities[:, [2, 4]], 0)


def test_the_svm_is_that_of_scikit_learn(iris):
    (x, y), (x_test, _) = iris
    scaler = StandardScaler().fit(x.numbers.astype(float))
    theirs = SVC(gamma=1 / 4).fit(scaler.transform(x.numbers.astype(float)), y)
    ours = fit_baseline("svm", x, y, cardinalities=(), classes=3).predict(x_test)
    assert ours.argmax(1).tolist() == theirs.predict(scaler.transform(x_test.numbers.astype(float))).tolist()
    values = np.sin(x.numbers[:, 0])
    theirs = SVR(gamma=1 / 4).fit(scaler.transform(x.numbers.astype(float)), (values - values.mean()) / values.std())
    expected = theirs.predict(scaler.transform(x_test.numbers.astype(float))) * values.std() + values.mean()
    ours = fit_baseline("svm", x, values, cardinalities=()).predict(x_test)
    np.testing.assert_allclose(ours, expected, atol=2e-3 * values.std())  # twice the tolerance of LIBSVM


def test_the_probabilities_of_the_svm_are_calibrated():
    # P(y = 1) = 0.9 on one side, 0.1 on the other: of 2,000 rows the share within a bin of 1,000 has deviation 0.0095
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (3000, 1))
    y = (rng.random(3000) < np.where(x[:, 0] > 0, 0.9, 0.1)).astype(np.int64)
    said = fit_baseline("svm", no_codes(x[:1000]), y[:1000], cardinalities=(), classes=2).predict(no_codes(x[1000:]))
    # the factor is the most likely one of 200 rows: its own deviation is √(0.09/200) = 0.021 of a probability
    sure = said.max(1)
    assert abs(sure.mean() - 0.9) < 4 * 0.021


def test_the_svm_learns_from_sparse_rows():
    rng = np.random.default_rng(1)
    x = sparse.csr_array(rng.random((200, 30)) * (rng.random((200, 30)) < 0.2))
    y = (x[:, [0]].toarray()[:, 0] > 0).astype(np.int64)
    fitted = fit_baseline("svm", Encoded(x, np.empty((200, 0), np.int32)), y, cardinalities=(), classes=2)
    assert (fitted.predict(Encoded(x, np.empty((200, 0), np.int32))).argmax(1) == y).mean() > 0.9


def test_predictions_of_the_svm_do_not_depend_on_blocks(iris, monkeypatch):
    (x, y), (x_test, _) = iris
    fitted = fit_baseline("svm", x, y, cardinalities=(), classes=3)
    whole = fitted.predict(x_test)
    monkeypatch.setattr("phalanx.support_vectors.BLOCK", 7)
    np.testing.assert_allclose(fitted.predict(x_test), whole, rtol=1e-12)


def test_one_class_is_refused():
    with pytest.raises(InputError, match=r"^the training rows hold one class only; use more rows or another split$"):
        fit_baseline("linear", no_codes([[0.0], [1.0]]), np.array([1, 1]), cardinalities=(), classes=2)
