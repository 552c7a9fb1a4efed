"""Sequences: in Python, in archives, encoded, split, learned from, and padded without a trace."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score, train_test_split

import phalanx
from phalanx import GRU, Adam, Classifier, GlobalAveragePool, Regressor, Sequences
from phalanx.config import Config
from phalanx.data import ClassTarget, Goal
from phalanx.data.npz import holds_sequences
from phalanx.errors import InputError
from phalanx.input_layers import with_input_layer
from phalanx.kinds.images.kind import IMAGES
from phalanx.kinds.kind import Request
from phalanx.kinds.registry import kind_of, kind_of_rows, load, prepare
from phalanx.kinds.sequences.encoder import SequenceEncoder
from phalanx.kinds.sequences.given import sequences_of
from phalanx.kinds.sequences.space import sequence_size, sequence_space, step_space
from phalanx.layers import Conv, Frames
from phalanx.model import check_rows
from phalanx.network import OutputSize, complete
from phalanx.search.designs import design

RAGGED = [
    np.array([[1.0, 10.0], [3.0, 10.0]]),
    np.array([[5.0, 10.0]]),
    np.array([[np.nan, 10.0], [7.0, 10.0], [9, 10]]),
]


GOALS = (Goal(("what",), (ClassTarget(("a", "b", "c")),)),)


def echo(rows, seed=0):
    """Rows of 2 to 9 steps, and whether the last step of the first channel is above 0."""
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(steps, 2)) for steps in rng.integers(2, 10, rows)]
    return X, np.array([row[-1, 0] > 0 for row in X])


# The container


def test_a_list_becomes_a_padded_array_and_comes_back():
    rows = Sequences(RAGGED)
    assert rows.shape == (3, 3, 2)
    assert rows.lengths.tolist() == [2, 1, 3]
    assert np.isnan(rows.padded[1, 1:]).all()
    for given, found in zip(RAGGED, rows, strict=True):
        np.testing.assert_array_equal(found, given)
    words = Sequences([["to", "be"], ["or"], []])
    assert [row.tolist() for row in words] == [["to", "be"], ["or"], []]


def test_rows_are_taken_by_number_slice_positions_and_mask():
    rows = Sequences(RAGGED)
    np.testing.assert_array_equal(rows[-1], RAGGED[2])
    for at in (slice(1, None), [1, 2], np.array([1, 2]), np.array([False, True, True]), (np.array([1, 2]), ...)):
        assert isinstance(rows[at], Sequences)
        assert rows[at].lengths.tolist() == [1, 3]
        np.testing.assert_array_equal(rows[at][1], RAGGED[2])


def test_where_rows_end():
    padded = np.array([[1.0, np.nan, 2.0, np.nan], [np.nan] * 4])
    assert Sequences(padded).lengths.tolist() == [3, 0]  # what is missing between numbers is a step
    assert Sequences(padded, [4, 1]).lengths.tolist() == [4, 1]
    assert Sequences(np.zeros((2, 3), int)).lengths.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (([[1.0], [[2.0]]],), r"row 2 has the shape \(1, 1\), but row 1 \(1,\); they may differ in their steps only"),
        ((np.zeros(3),), r"padded has the shape \(3,\), but must be \(rows, steps, ...\)"),
        ((np.zeros((2, 3)), [1]), r"lengths has the shape \(1,\), but there are 2 rows: give a whole number for each"),
        (
            (np.zeros((2, 3)), [1, 4]),
            "the length of row 2 is 4, but must be a whole number from 0 to 3, the steps there are",
        ),
        ((np.zeros((2, 3)), [0.5, 1]), "the length of row 1 is 0.5, but must be a whole number"),
    ],
)
def test_containers_that_do_not_fit(given, error):
    with pytest.raises(InputError, match=error):
        Sequences(*given)


# What is given in Python


@pytest.mark.parametrize(
    "given",
    [
        RAGGED,
        tuple(RAGGED),
        pd.Series(RAGGED),
        [row.tolist() for row in RAGGED],
        [pd.DataFrame(row) for row in RAGGED],
        Sequences(RAGGED),
    ],
    ids=lambda given: type(given).__name__,
)
def test_sequences_in_python(given):
    kind, rows = kind_of_rows(given, None)
    assert kind.name == "sequences"
    for found, row in zip(rows, RAGGED, strict=True):
        np.testing.assert_array_equal(found, row)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ([[1.0, 2.0], [3.0, 4.0]], "table"),
        ([np.zeros(2), np.zeros(2)], "table"),
        (np.zeros((4, 5, 2)), "images"),
        ([[1.0, "a"], ["b"]], "table"),
        ([["a", "b"], ["c"]], "table"),
        ([(8_000, np.zeros(9)), (8_000, np.zeros(5))], "sounds"),
        ([[1.0, 2.0], [3.0]], "sequences"),
        ([np.zeros((2, 2)), np.zeros((2, 2))], "sequences"),
        (Sequences(np.zeros((4, 5, 2))), "sequences"),
    ],
)
def test_what_is_given_as_another_kind_stays_so(given, name):
    assert kind_of_rows(given, None)[0].name == name


def test_arrays_are_more_sequences_once_sequences_are_known():
    padded = np.array([[[1.0], [2.0]], [[3.0], [np.nan]]])
    assert [row.tolist() for row in sequences_of(padded, known=True)] == [[[1.0], [2.0]], [[3.0]]]
    assert [row.tolist() for row in sequences_of(padded[..., 0], known=True)] == [[[1.0], [2.0]], [[3.0]]]
    assert [row.tolist() for row in sequences_of([[1, 2], [3, 4]], known=True)] == [[[1.0], [2.0]], [[3.0], [4.0]]]
    assert sequences_of(pd.DataFrame(padded[..., 0]), known=True) is None


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (
            [np.zeros((2, 2)), np.zeros((3, 1))],
            "sequence 2 has 1 channels, but sequence 1 has 2; all must have the same",
        ),
        ([np.zeros((2, 2)), np.zeros((0, 2))], "sequence 2 has no steps; leave it out"),
        ([np.zeros((2, 1)), np.full((3, 1), np.inf)], "sequence 2 holds an infinite value; a missing one is NaN"),
        (Sequences(np.zeros((2, 3, 4, 5))), r"sequence 1 is no array of numbers \(steps, channels\), or \(steps,\)"),
        (Sequences([["a"], ["b", "c"]]), r"sequence 1 is no array of numbers"),
    ],
)
def test_sequences_that_cannot_be_used(given, error):
    with pytest.raises(InputError, match=error):
        Classifier().fit(given, [0, 1])


# The encoder


def test_the_encoder_learns_the_scale_of_each_channel():
    rows = sequences_of(RAGGED)
    encoder = SequenceEncoder.fit(rows)
    assert encoder.steps == 3
    assert encoder.mean == pytest.approx((5.0, 10.0))  # of 1, 3, 5, 7, 9, one missing
    assert encoder.deviation == pytest.approx((np.sqrt(8), 1.0))  # what is always alike is centred only
    found = encoder.transform(rows)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], [[-4 / np.sqrt(8), 0], [-2 / np.sqrt(8), 0], [np.nan] * 2], rtol=1e-6)
    np.testing.assert_allclose(found[2, :, 0], [0, 2 / np.sqrt(8), 4 / np.sqrt(8)], rtol=1e-6)
    assert encoder.describe(3) == ["sequences: 3 of at most 3 steps, 2 channels"]
    assert SequenceEncoder.from_plain(json.loads(json.dumps(encoder.to_plain()))) == encoder


def test_numbers_beyond_the_squares_of_floats_are_scaled_and_what_is_all_missing_is_0():
    rows = sequences_of([np.array([[-1e300, np.nan], [1e300, np.nan]]), np.array([[1e-300, np.nan]])])
    encoder = SequenceEncoder.fit(rows)
    np.testing.assert_allclose(encoder.transform(rows)[0, :2], [[-np.sqrt(1.5), 0], [np.sqrt(1.5), 0]], rtol=1e-6)
    assert np.isfinite(replace(encoder, deviation=(1e-300, 1.0)).transform(rows)[0, :2]).all()


def test_longer_sequences_are_cut_which_is_said():
    encoder = SequenceEncoder.fit(sequences_of(RAGGED))
    longer = sequences_of([np.arange(10.0).reshape(5, 2), np.zeros((2, 2))])
    np.testing.assert_array_equal(encoder.transform(longer)[0], encoder.transform(sequences_of([longer[0][:3]]))[0])
    assert encoder.unseen(longer) == [
        "1 sequence has more than the 3 steps of the longest in training: what follows is cut"
    ]
    assert encoder.unseen(sequences_of(RAGGED)) == []
    assert [one.steps for one in SequenceEncoder.alike([encoder, SequenceEncoder(7, (0.0,), (1.0,))])] == [7, 7]


def test_numbers_for_models_that_take_no_sequences():
    encoder = SequenceEncoder.fit(sequences_of(RAGGED))
    numbers = encoder.as_numbers(encoder.transform(sequences_of(RAGGED))).numbers
    np.testing.assert_allclose(numbers[:, 0], [-3 / np.sqrt(8), 0, 2 / np.sqrt(8)], rtol=1e-5, atol=1e-6)  # means
    np.testing.assert_allclose(numbers[:, 2], [1 / np.sqrt(8), 0, np.std([0, 2, 4]) / np.sqrt(8)], rtol=1e-5)
    np.testing.assert_allclose(numbers[:, 4], [2 / 3, 1 / 3, 1], rtol=1e-6)


@pytest.mark.parametrize(("steps", "kinds"), [(1, 2), (200, 2), (201, 1)])
def test_the_default_space_fits_sequences_of_every_length(steps, kinds):
    found = structures(sequence_space(1_000, steps, GOALS))
    assert len(found) == kinds
    assert any(Conv in layers for layers in found)
    for network in found.values():
        check_rows(network, np.zeros((2, steps, 3), np.float32))


def test_the_default_space_for_answers_at_each_step():
    found = structures(step_space(1_000, GOALS))
    assert len(found) == 2
    for network in found.values():
        check_rows(network, np.zeros((2, 5, 3), np.float32), each_step=True)


def structures(space):
    """One network of each structure that is drawn, by the kinds of its layers."""
    drawn = design(with_input_layer(space, Frames()), 8, structures=4)
    return {tuple(map(type, draw.spec.layers)): complete(draw.spec, OutputSize(3)) for draw in drawn}


def test_less_is_tried_on_more_sequences():
    sizes = [sequence_size(rows) for rows in (100, 10_000, 1_000_000)]
    assert sorted((size.trials for size in sizes), reverse=True) == [size.trials for size in sizes]


# Learning


@pytest.fixture(scope="module")
def fitted():
    X, y = echo(400)
    return Classifier([GRU(8)], optimizer=Adam(0.03), max_rounds=12, stopping=None).fit(X, y)


def test_what_the_last_step_was_is_learned(fitted):
    X, y = echo(200, seed=1)
    assert fitted.score(X, y) > 0.9
    assert fitted.n_features_in_ == 2


def test_padding_and_neighbours_change_nothing(fitted):
    X, _ = echo(20, seed=2)
    found = fitted.predict_proba(X)
    padded = np.pad(Sequences(X).padded, ((0, 0), (0, 4), (0, 0)), constant_values=np.nan)
    np.testing.assert_array_equal(fitted.predict_proba(padded), found)
    np.testing.assert_array_equal(fitted.predict_proba(X[:1]), found[:1])
    garbage = np.where(np.isnan(padded), 1e9, padded)
    np.testing.assert_array_equal(fitted.predict_proba(Sequences(garbage, list(map(len, X)))), found)


def test_predictions_of_other_sequences(fitted):
    long = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.warns(UserWarning, match="1 sequence has more than the 9 steps of the longest in training"):
        found = fitted.predict_proba([long])
    np.testing.assert_array_equal(found, fitted.predict_proba([long[:9]]))
    with pytest.raises(InputError, match="sequences have 3 channels, but the model was trained on 2"):
        fitted.predict([np.zeros((4, 3))])
    with pytest.raises(
        InputError, match=r"trained on sequences; give a list of arrays \(steps, channels\), or Sequences"
    ):
        fitted.predict(pd.DataFrame({"a": [1.0]}))


def test_a_saved_model_predicts_the_same(fitted, tmp_path):
    X, _ = echo(20, seed=2)
    fitted.save(tmp_path / "model")
    opened = phalanx.load(tmp_path / "model")
    np.testing.assert_array_equal(opened.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(opened.predict(Sequences(X)), fitted.predict(X))
    np.savez(tmp_path / "new.npz", X=Sequences(X).padded)
    assert opened.table(tmp_path / "new.npz")["prediction"].tolist() == fitted.predict(X).tolist()
    with pytest.raises(InputError, match=r"the model was trained on sequences, but '.*model.json' is no archive"):
        opened.predict(tmp_path / "model" / "model" / "model.json")


def test_scikit_learn_takes_sequences_apart():
    X, _ = echo(60)
    ages = np.array([len(row) for row in X], float)
    some, others, _, of_others = train_test_split(Sequences(X), ages, random_state=0)
    assert isinstance(some, Sequences)
    assert [len(row) for row in others] == of_others.tolist()
    net = Regressor([GlobalAveragePool()], max_rounds=1, stopping=None)
    assert len(cross_val_score(net, Sequences(X), ages, cv=2)) == 2


# Archives


@pytest.fixture
def archive(tmp_path):
    def archive(**held):
        np.savez(tmp_path / "some.npz", **held)
        return tmp_path / "some.npz"

    return archive


RNG = np.random.default_rng(0)
SHARES = RNG.random((5, 12, 10))


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (RNG.normal(size=(5, 12, 10)), True),
        (RNG.normal(size=(5, 12, 10)).astype(np.float32), True),
        (np.asfortranarray(RNG.normal(size=(5, 12, 10)).astype(">f8")), True),
        (SHARES, False),
        (SHARES.astype(np.float16), False),
        (np.round(255 * SHARES), False),
        (np.round(255 * SHARES) + 1, True),  # beyond 255
        (np.round(255 * SHARES) + 0.5, True),
        (SHARES[:, :7], True),  # a side below 8
        (RNG.random((5, 30, 10)), True),  # sides too different
        (RNG.random((5, 20, 10)), False),
        (np.where(np.arange(12)[:, None] < 11, SHARES, np.nan), True),  # a row ends before the array
        ((255 * SHARES).astype(np.uint8), False),
        ((255 * SHARES).astype(np.uint8)[:, :, :3], False),
        ((255 * SHARES).astype(int)[:, :, :3], False),
        ((255 * SHARES).astype(int)[:, :, :3] - 1, True),
        (SHARES > 0.5, False),
        (SHARES[..., None], False),  # four axes
        (SHARES[0], False),
        (RNG.random((5, 0, 10)), False),
    ],
)
def test_what_an_archive_holds(archive, X, expected):
    path = archive(X=X)
    assert holds_sequences(path) == expected
    assert (kind_of([str(path)]).name == "sequences") == expected


def test_lengths_say_that_an_archive_holds_sequences(archive):
    for X in (SHARES, (255 * SHARES).astype(np.uint8), SHARES[0]):
        path = archive(X=X, lengths=np.arange(len(X)) % 5 + 1)
        source = kind_of([str(path)]).load([str(path)], Request())
        assert (source.kind, [len(row) for row in source.rows]) == ("sequences", [i % 5 + 1 for i in range(len(X))])
    with pytest.raises(
        InputError, match=r"some.npz': the length of row 5 is 13, but must be a whole number from 0 to 12"
    ):
        kind_of([str(path)]).load([str(archive(X=SHARES, lengths=[1, 1, 1, 1, 13]))], Request())


def test_a_large_archive_is_read_piece_by_piece(archive, monkeypatch):
    monkeypatch.setattr("phalanx.data.npz._VALUES", 7)
    assert not holds_sequences(archive(X=SHARES))
    assert holds_sequences(archive(X=np.concatenate([SHARES, SHARES[:1] - 1])))


def test_archives_that_are_broken_are_told_by_the_reader_of_images(tmp_path):
    np.savez(tmp_path / "whole.npz", X=SHARES)
    with zipfile.ZipFile(tmp_path / "whole.npz") as whole, zipfile.ZipFile(tmp_path / "cut.npz", "w") as cut:
        cut.writestr("X.npy", whole.read("X.npy")[:-9])
    path = str(tmp_path / "cut.npz")
    with pytest.raises(InputError, match="is not a readable NumPy archive"):
        kind_of([path]).load([path], Request())
    with pytest.raises(InputError, match="holds no array 'y', of a class or a number to learn for each sequence"):
        prepare(Config(source=str(_saved(tmp_path, X=SHARES - 1))))


def _saved(folder, **held):
    np.savez(folder / "saved.npz", **held)
    return folder / "saved.npz"


def test_a_model_of_images_takes_every_archive_as_images(tmp_path):
    path = _saved(tmp_path, X=SHARES - 1)
    request = Request(like=IMAGES.encoder.fit(SHARES[..., None].astype(np.float32)))
    assert IMAGES.like([str(path)], request, load).rows.shape == (5, 12, 10, 1)
