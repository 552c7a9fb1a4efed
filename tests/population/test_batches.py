"""Which rows make a batch, where rows have different lengths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import LSTM, Dense, Embedding, Frames, GlobalAveragePool, Multinoulli, Network
from phalanx.model import Batch, initialize
from phalanx.population.batches import Fold, batches_in_order, batches_of, in_reading_order, valid_of
from phalanx.population.host import lengths_of
from phalanx.population.member import valid_block, validate

FOLD = Fold(np.arange(640), np.arange(0), seed=3)


def test_batches_hold_rows_of_similar_length_and_leave_none_out(rng):
    lengths = rng.integers(1, 100, 640)
    mixed, alike = (batches_of(FOLD, 16, 0, 40, given) for given in (None, lengths))
    np.testing.assert_array_equal(np.sort(alike, axis=None), np.arange(640))
    steps = [lengths[batches].max(1).sum() for batches in (mixed, alike)]
    assert steps[1] < 0.65 * steps[0]
    # Which length comes first is random: a network does not see all short rows before the long ones.
    longest = lengths[alike[:32]].max(1)
    assert abs(np.corrcoef(longest, np.arange(32))[0, 1]) < 0.5


def test_every_pool_is_dealt_out_in_an_order_of_its_own():
    lengths = np.arange(640) % 320  # two pools of 320 rows, 32 batches of 10
    fold = Fold(np.arange(640), np.arange(0), seed=3)
    longest = lengths[batches_of(fold, 10, 0, 64, lengths)].max(1)
    ranks = [np.argsort(np.argsort(pool, kind="stable")) for pool in np.split(longest, 2)]
    assert abs(np.corrcoef(*ranks)[0, 1]) < 0.5


def test_no_row_is_left_out_and_a_pass_ends_inside_a_batch():
    fold = Fold(np.array([5, 6, 7]), np.arange(0), 0)
    taken = np.concatenate([batches_of(fold, 2, turn, steps=1).ravel() for turn in range(6)])
    for first in range(0, 12, 3):
        assert sorted(taken[first : first + 3]) == [5, 6, 7]
    assert not (taken[0:3] == taken[3:6]).all() or not (taken[3:6] == taken[6:9]).all()


@pytest.mark.parametrize("make", [batches_of, batches_in_order])
def test_batches_follow_from_the_fold_and_the_round_alone(make):
    """Short rounds, whenever they are asked for, hold what a long one holds."""
    short = [make(FOLD, 24, turn, steps=7) for turn in (2, 0, 1)]
    np.testing.assert_array_equal(np.concatenate([short[1], short[2], short[0]]), make(FOLD, 24, 0, steps=21))


@pytest.mark.parametrize("batch_size", [1, 3, 4, 24])
def test_every_validation_row_counts_once_whatever_the_batch_size(batch_size):
    x = jax.random.normal(jax.random.key(0), (40, 5, 2))
    y, weight = (jnp.arange(40) % 3).astype(jnp.int32), jnp.ones(40)
    network = Network([LSTM(3, carry=True, output="all"), Dense(3)], Multinoulli(), batch_size=batch_size)
    params, states = initialize(network, 1, (5, 2))
    targets = jnp.broadcast_to(y[:, None], (40, 5))
    chosen = np.arange(10, 40)  # 30 rows
    index, number = valid_of([Fold(chosen, in_reading_order(chosen, batch_size), 0)], valid_block(network, states))
    index, number = jnp.asarray(index[0]), jnp.asarray(number[0])

    def cost(weight):
        return validate(network, params, states, Batch(x, (targets,), weight), index, number)[0]

    shares = jax.jit(jax.jacfwd(cost))(weight)  # (cost of the row - mean cost) / rows, 0 for rows that never count
    assert (np.flatnonzero(shares) == chosen).all()
    assert len(index) % valid_block(network, states) == 0


def test_lengths_count_up_to_the_last_step_that_is_real():
    codes = np.array([[3, 0, 4, 0], [0, 0, 0, 0], [1, 1, 1, 1]], np.int32)
    frames = np.where(codes == 0, np.nan, codes).astype(np.float32)[..., None]
    for entry, x in ((Embedding(2), codes), (Frames(), frames)):
        assert lengths_of(Network([entry, LSTM(2)], Multinoulli()), x).tolist() == [3, 0, 4]
        assert lengths_of(Network([entry, GlobalAveragePool()], Multinoulli()), x) is None
    assert lengths_of(Network([Embedding(2, padding=False), LSTM(2)], Multinoulli()), codes) is None
    assert lengths_of(Network([Dense(2)], Multinoulli()), np.zeros((3, 4), np.float32)) is None
