"""G1, online: on a stream that drifts the newest rows win, and the mean over old rows stands for nothing any more."""

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from phalanx.notes.chapters import online

STREAMS, CHUNKS = 3, 12

pytestmark = pytest.mark.row("G1")


@pytest.fixture(scope="module")
def found():
    return online.compute(streams=STREAMS, chunks=CHUNKS, steps=300)


def test_two_lines_disagree_on_the_share_of_their_angle():
    """Of directions that are drawn evenly, a wedge of φ on both sides holds the share φ / π."""
    for degrees in (0, 20, 90, 150):
        said = online.side(online.places(), 0)
        share = degrees / 180
        error = 0.1 + 0.8 * share
        assert online.error_of_a_line(degrees) == pytest.approx(error)
        # 4,096 even places are at least as good as random ones: 0.8 standard deviations of those, plus one place
        near = 0.8 * np.sqrt(share * (1 - share) / 4096) + 1 / 4096
        assert online.expected_error(said, degrees) == pytest.approx(error, abs=near)


def test_on_a_stream_that_turns_following_beats_being_trained_once(found):
    assert found["gain"] - found["gain_error"] > 0
    assert found["gain_all"] - found["gain_all_error"] > 0
    last = found["last"]["turns"]
    assert (last["online"] < last["on all so far"]).all()
    assert (last["on all so far"] < last["trained once"]).all()
    # A line cannot be known before it has turned on: the follower lags at least by the chunk that it has not seen.
    assert (last["online"] > online.error_of_a_line(online.TURN) - 0.01).all()  # 0.01: evenly drawn places
    assert (found["last"]["rests"]["online"] > online.WRONG).all()  # nobody predicts a label that is told wrongly


def test_where_the_rule_rests_following_costs_less_than_a_third_of_its_gain_where_it_turns(found):
    assert abs(found["cost_all"]) + found["cost_all_error"] < found["gain_all"] / 3
    rests = found["last"]["rests"]
    assert np.abs(rests["online"] - rests["trained once"]).max() < found["gain"] / 3


def test_another_library_finds_the_same_on_the_same_streams():
    angles = online.TURN * np.arange(CHUNKS + 1)
    for seed in range(STREAMS):
        (X, y), *later = online.stream(angles, seed)
        net = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.03, random_state=0).fit(X, y)
        once, errors = net.predict(online.places()), []
        for (X, y), angle in zip(later, angles[1:], strict=True):
            errors.append(online.expected_error(net.predict(online.places()), angle))
            net.partial_fit(X, y)
        drifted = [online.expected_error(once, angle) for angle in angles[1:]]
        assert np.mean(errors[-4:]) < np.mean(drifted[-4:]) - 0.1  # the line is 45 to 60 degrees away: 0.2 or more


def test_the_mean_over_the_rows_stands_for_the_expectation_only_while_nothing_drifts(found):
    once = found["errors"]["turns"]["trained once"]
    # Of 400 rows; what is learned by heart makes their error smaller, by about one row for each of 33 parameters.
    deviation = np.sqrt(0.1 * 0.9 / (online.FIRST * STREAMS))
    assert -4 * deviation < found["expected"] - found["empirical"] < 4 * deviation + 33 / online.FIRST
    # The network's border lies nowhere further from the line of the first day than it errs there (triangle).
    angles = online.TURN * np.arange(CHUNKS + 1)
    formula = np.array([online.error_of_a_line(angle) for angle in angles])
    own = once[:, :1] - online.WRONG
    assert (np.abs(once - formula) <= own + 0.01).all()
    assert found["drifted"] > found["empirical"] + 0.2  # 60 degrees: 0.8 / 3 more, of what is learned by heart less
    assert found["formula"] == pytest.approx(0.1 + 0.8 / 3)


def test_the_follower_is_seen_before_it_learns(found):
    """Before the first chunk it says what the one trained once says, since both learned the same rows."""
    each = found["errors"]["turns"]
    np.testing.assert_array_equal(each["online"][:, :2], each["trained once"][:, :2])
    assert not np.array_equal(each["online"][:, 2], each["trained once"][:, 2])
