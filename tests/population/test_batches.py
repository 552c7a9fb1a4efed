"""Which rows make a batch, where rows have different lengths."""

import numpy as np

from phalanx import LSTM, Dense, Embedding, Frames, GlobalAveragePool, Multinoulli, Network
from phalanx.population.batches import Fold, Stream
from phalanx.population.host import lengths_of

FOLD = Fold(np.arange(640), np.arange(0), seed=3)


def test_batches_hold_rows_of_similar_length_and_leave_none_out(rng):
    lengths = rng.integers(1, 100, 640)
    mixed, alike = Stream(FOLD, 16).take(40), Stream(FOLD, 16, lengths).take(40)
    np.testing.assert_array_equal(np.sort(alike, axis=None), np.arange(640))
    steps = [lengths[batches].max(1).sum() for batches in (mixed, alike)]
    assert steps[1] < 0.65 * steps[0]
    # Which length comes first is random: a network does not see all short rows before the long ones.
    longest = lengths[alike[:32]].max(1)
    assert abs(np.corrcoef(longest, np.arange(32))[0, 1]) < 0.5


def test_lengths_count_up_to_the_last_step_that_is_real():
    codes = np.array([[3, 0, 4, 0], [0, 0, 0, 0], [1, 1, 1, 1]], np.int32)
    frames = np.where(codes == 0, np.nan, codes).astype(np.float32)[..., None]
    for entry, x in ((Embedding(2), codes), (Frames(), frames)):
        assert lengths_of(Network([entry, LSTM(2)], Multinoulli()), x).tolist() == [3, 0, 4]
        assert lengths_of(Network([entry, GlobalAveragePool()], Multinoulli()), x) is None
    assert lengths_of(Network([Embedding(2, padding=False), LSTM(2)], Multinoulli()), codes) is None
    assert lengths_of(Network([Dense(2)], Multinoulli()), np.zeros((3, 4), np.float32)) is None
