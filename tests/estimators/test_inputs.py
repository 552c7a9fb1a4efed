"""What estimators take: rows of codes, and arrays where training had a DataFrame, or the other way round."""

import numpy as np
import pandas as pd
import pytest

from phalanx import Adam, Classifier, Dense, Embedding, Recurrent, Regressor
from phalanx.errors import InputError

CODES = np.random.default_rng(0).integers(0, 5, (96, 6))
HAS_ZERO = (CODES == 0).any(1)


def codes(*layers):
    return Classifier(list(layers), optimizer=Adam(0.05), max_rounds=25, stopping=None)


@pytest.fixture(scope="module")
def fitted():
    """Trained on rows of different lengths."""
    rows = [row[: 3 + i % 4].tolist() for i, row in enumerate(CODES)]
    return codes(Embedding(4), Recurrent(8)).fit(rows, [0 in row for row in rows])


def test_rows_of_codes_are_learned_and_the_code_0_is_a_code(fitted):
    assert fitted.score(CODES, HAS_ZERO) > 0.85
    assert fitted.members_[0].spec.layers[0].tokens == 6  # and none


def test_shorter_rows_are_padded_and_longer_ones_refused(fitted):
    short = [row[:3].tolist() for row in CODES[:5]]
    padded = np.column_stack([CODES[:5, :3], np.full((5, 3), -1)])
    holes = np.where(padded < 0, np.nan, padded)
    np.testing.assert_array_equal(fitted.predict_proba(short), fitted.predict_proba(padded))
    np.testing.assert_array_equal(fitted.predict_proba(holes), fitted.predict_proba(padded))
    with pytest.raises(InputError, match="rows have up to 7 codes, but training had at most 6"):
        fitted.predict(np.zeros((2, 7), int))
    with pytest.raises(InputError, match="a row holds code 9, but the largest in training was 4"):
        fitted.predict([[9]])


def test_what_is_no_code():
    with pytest.raises(InputError, match=r"row 2 holds 0.5, but Embedding takes codes, whole numbers from 0"):
        codes(Embedding(4), Recurrent(8)).fit([[1, 2], [0.5, 1]], [0, 1])
    with pytest.raises(InputError, match="row 1 is no row of codes"):
        codes(Embedding(4), Recurrent(8)).fit([[["a"], ["b"]], [["a"], ["b"]]], [0, 1])
    with pytest.raises(InputError, match="Embedding takes rows of codes, but these data are taken by Columns"):
        codes(Dense(4), Embedding(4), Recurrent(8)).fit(CODES, HAS_ZERO)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=80), "c": rng.choice(["u", "v", "w"], 80), "b": rng.normal(size=80)})
    return frame, frame["a"] - 2 * frame["b"] + (frame["c"] == "u")


def net():
    return Regressor([], optimizer=Adam(0.05), max_rounds=2, stopping=None)


def test_an_array_after_a_frame_is_read_by_position(table):
    frame, y = table
    fitted = net().fit(frame, y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        np.testing.assert_array_equal(fitted.predict(frame.to_numpy()), fitted.predict(frame))
    with (
        pytest.warns(match="valid feature names"),
        pytest.raises(ValueError, match="X has 2 features, but Regressor is expecting 3"),
    ):
        fitted.predict(frame[["a", "b"]].to_numpy())


def test_a_frame_after_an_array_is_read_by_position(table):
    frame, y = table[0][["a", "b"]].set_axis(["x1", "x0"], axis=1), table[1]
    fitted = net().fit(frame.to_numpy(), y)
    with pytest.warns(UserWarning, match="X has feature names"):
        np.testing.assert_array_equal(fitted.predict(frame), fitted.predict(frame.to_numpy()))
    assert not hasattr(fitted, "columns_")
