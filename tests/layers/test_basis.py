"""Basis functions: their values by hand, what they take from the training rows, missing numbers, and their names."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import PolynomialFeatures

from phalanx import Adam, BasisFunctions, Classifier, Columns, Dense, Gaussian, LeastSquares, Network, Regressor, choice
from phalanx.errors import InputError
from phalanx.layers import EVALUATE
from phalanx.layers.layer import drawn
from phalanx.parts.plain import from_plain, to_plain
from phalanx.superstructure.merge import merged


def told(layer, rows, seed=0):
    """The layer's state once it has seen rows."""
    rows = np.asarray(rows, np.float32)
    state = drawn(layer, np.random.default_rng(seed), rows.shape[1:])[1]
    return layer.seen(np.random.default_rng(seed), state, rows)


def values(layer, state, x):
    return np.asarray(layer({}, jax.tree.map(jnp.asarray, state), jnp.asarray(x, jnp.float32), EVALUATE)[0])


def standardized(columns):
    columns = np.asarray(columns, np.float64)
    return (columns - columns.mean(0)) / columns.std(0)


def test_by_hand_where_no_rows_were_seen():
    # x = (2, 3): 2·3 = 6; x₁, x₂, x₁², x₁x₂, x₂²; ‖x − c‖² = 1 + 4 = 5, over 2σ² = 8
    layer = BasisFunctions(["a * b"], degree=2, centres=1, sigma=2, columns=("a", "b"))
    state = {**drawn(layer, np.random.default_rng(0), (2,))[1], "centre": np.array([[1.0, 1.0]], np.float32)}
    expected = [[6, 2, 3, 4, 6, 9, math.exp(-5 / 8)]]
    np.testing.assert_allclose(values(layer, state, [[2.0, 3.0]]), expected, rtol=1e-6)
    # the default σ² is the number of inputs
    layer = BasisFunctions(centres=1)
    np.testing.assert_allclose(values(layer, state | told_nothing(), [[2.0, 3.0]]), [[math.exp(-5 / 4)]], rtol=1e-6)


def told_nothing():
    return {"offset": np.zeros(0, np.float32), "scale": np.zeros(0, np.float32)}


def test_without_anything_asked_for_it_is_x():
    assert values(
        BasisFunctions(), drawn(BasisFunctions(), np.random.default_rng(0), (2,))[1], [[2.0, 3.0]]
    ).tolist() == [[2.0, 3.0]]


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_products_are_all_of_them_and_standardized(degree, rng):
    rows = rng.normal(3, 2, (50, 3))
    expected = standardized(PolynomialFeatures(degree, include_bias=False).fit_transform(standardized(rows)))
    layer = BasisFunctions(degree=degree)
    assert layer.output_shape((3,)) == (math.comb(3 + degree, degree) - 1,)
    # single precision of standardized numbers up to 3: of their powers of degree 5, 250 · 5 · 6e-8
    np.testing.assert_allclose(values(layer, told(layer, rows), rows), expected, atol=1e-3)


def test_centres_are_different_training_rows(rng):
    rows = np.repeat(rng.normal(5, 2, (10, 2)), 3, axis=0)
    layer = BasisFunctions(centres=8)
    state = told(layer, rows)
    near = np.abs(state["centre"][:, None] - standardized(rows)[None]).max(-1)
    assert len(set(near.argmin(1))) == 8
    assert near.min(1).max() < 1e-5
    distances = ((standardized(rows)[:, None] - state["centre"][None].astype(float)) ** 2).sum(-1)
    np.testing.assert_allclose(values(layer, state, rows), np.exp(-distances / 4), atol=1e-5)
    assert not np.array_equal(told(layer, rows, seed=1)["centre"], state["centre"])
    with pytest.raises(InputError, match=r"centres is 11, but must be at most the 10 different training rows$"):
        told(BasisFunctions(centres=11), rows)


def test_expressions_are_standardized_by_the_training_rows(rng):
    rows = rng.uniform(1, 2, (40, 2))
    layer = BasisFunctions(["b / a**2", "log(a)"], columns=("a", "b"))
    expected = standardized(np.stack([rows[:, 1] / rows[:, 0] ** 2, np.log(rows[:, 0])], axis=1))
    np.testing.assert_allclose(values(layer, told(layer, rows), rows), expected, atol=1e-5)


def test_what_is_no_number_is_at_the_mean_and_what_is_lost_stays_lost():
    layer = BasisFunctions(["log(a)"], columns=("a",))
    state = told(layer, [[1.0], [0.0], [math.e**2]])  # the mean of log is that of 0 and 2, the deviation 1
    found = values(layer, state, [[0.0], [-1.0], [math.e], [math.e**2], [np.nan], [np.inf]])
    np.testing.assert_allclose(found[:4, 0], [0, 0, 0, 1], atol=1e-6)
    assert np.isnan(found[4, 0])
    assert np.isinf(found[5, 0])
    held = jax.tree.map(jnp.asarray, state)
    slope = jax.grad(lambda x: layer({}, held, x, EVALUATE)[0].sum())(jnp.array([[0.0], [math.e]]))
    np.testing.assert_allclose(slope, [[0.0], [1 / math.e]], rtol=1e-6)
    with pytest.raises(InputError, match=r"^BasisFunctions: expression 'log\(a\)' is a number in none of the training"):
        told(layer, [[0.0], [-1.0]])


def test_a_missing_number_is_at_the_mean():
    layer = BasisFunctions(["a * b", "b + 0"], degree=1, columns=("a", "b", "a is missing"))
    rows = [[2.0, 1.0, 0.0], [4.0, 3.0, 0.0], [0.0, 2.0, 1.0]]
    # a is 2, 4, missing: mean 3, deviation 1; a·b is 2, 12: mean 7, deviation 5; b is 1, 3, 2: deviation √(2/3); and so
    # deviates the product of degree 1 that a standardized is: −1, 1, 0
    found, b = values(layer, told(layer, rows), rows), 1 / math.sqrt(2 / 3)
    np.testing.assert_allclose(found[:, :4], [[-1, -b, -b, -b], [1, b, b, b], [0, 0, 0, 0]], atol=1e-6)


def test_a_column_that_does_not_vary_is_0():
    found = values(BasisFunctions(degree=2), told(BasisFunctions(degree=2), [[1.0, 7.1], [3.0, 7.1]]), [[3.0, 9.0]])
    assert found.tolist() == [[1.0, 0.0, 0.0, 0.0, 0.0]]


def test_what_was_seen_stays(rng):
    layer, rows = BasisFunctions(degree=2, centres=3), rng.normal(size=(20, 2)).astype(np.float32)
    state = told(layer, rows)
    assert layer.seen(rng, state, rows + 1) is state


def test_sentences():
    layer = BasisFunctions(["weigth / height"], columns=("height", "weight", "born (scaled)"))
    for made, sentence in {
        lambda: layer.output_shape((3,)): (
            "BasisFunctions: expression 'weigth / height' names 'weigth', but the columns of numbers are 'height', "
            "'weight', 'born (scaled)'; did you mean 'weight'?"
        ),
        lambda: BasisFunctions(["2 * born"], columns=layer.columns).output_shape((3,)): (
            "BasisFunctions: expression '2 * born' names 'born', which comes scaled; set scaling to \"none\""
        ),
        lambda: BasisFunctions(["2 * born"]).output_shape((3,)): (
            "BasisFunctions: expression '2 * born' names 'born', but the inputs have no names; say them in `columns`"
        ),
        lambda: layer.output_shape((2,)): "BasisFunctions has 3 columns, but gets 2 numbers",
        lambda: BasisFunctions(degree=5).output_shape((30,)): (
            "BasisFunctions: degree 5 of 30 numbers makes 324,631 products, but at most 10,000 are computed"
        ),
        lambda: BasisFunctions(["x +"]): (
            "BasisFunctions: expression 'x +' cannot be read (invalid syntax); it must be like weight / height**2"
        ),
    }.items():
        with pytest.raises(InputError) as caught:
            made()
        assert str(caught.value) == sentence


def test_it_is_written_as_yaml():
    layer = BasisFunctions(["weight / height**2"], degree=2, centres=3, sigma=0.5)
    plain = {"BasisFunctions": {"expressions": ["weight / height**2"], "degree": 2, "centres": 3, "sigma": 0.5}}
    assert to_plain(layer) == plain
    assert from_plain(plain) == layer


def test_degrees_and_centres_share_a_program(rng):
    from phalanx.model import forward, initialize
    from phalanx.network import OutputSize, complete

    layers = [BasisFunctions(degree=1, centres=2), BasisFunctions(degree=4, centres=1), BasisFunctions(degree=2)]
    networks = [complete(Network([layer], Gaussian()), OutputSize(1)) for layer in layers]
    together, rows = merged(networks, (3,)), rng.normal(size=(30, 3)).astype(np.float32)
    assert together is not None
    for i, network in enumerate(networks):
        params, states = initialize(network, i, (3,))
        states["basis_functions_1"] = network.layers[0].seen(rng, states["basis_functions_1"], rows)
        wide = jax.tree.map(jnp.asarray, together.network(network))
        alone = forward(network, params, states, jnp.asarray(rows)).z[0]
        found = together.widen(network, params, states)
        np.testing.assert_allclose(forward(wide, *found, jnp.asarray(rows)).z[0], alone, rtol=1e-5, atol=1e-5)
        jax.tree.map(np.testing.assert_array_equal, together.cut(network, *found), (params, states))


@pytest.fixture
def people(rng):
    height = rng.normal(1.7, 0.1, 300)
    weight = 22 * height**2 * np.exp(rng.normal(0, 0.15, 300))
    frame = pd.DataFrame({"height": height, "weight": weight, "sex": rng.choice(["f", "m", "x"], 300)})
    risk = 3 * weight / height**2
    frame.loc[::10, "height"] = np.nan
    risk[::10] = risk.mean()
    return frame, risk


def test_a_table_says_its_columns(people):
    frame, risk = people
    layers = [choice(BasisFunctions(["weight / height**2"]), BasisFunctions(["weight / height**2"], degree=1))]
    options = {"scaling": "none", "stopping": None, "trials": 2, "design": "grid", "validation_fraction": 0.2}
    net = Regressor(layers, optimizer=LeastSquares(), **options).fit(frame, risk)
    first, second = (member.spec.layers for member in net.members_)
    assert first[:2] == (
        Columns((4,)),
        BasisFunctions(["weight / height**2"], columns=("height", "weight", "height is missing")),
    )
    assert second[1].columns == first[1].columns
    known = frame["height"].notna()
    assert net.score(frame[known], risk[known]) > 0.999


def test_a_table_with_a_text_says_its_columns_to_their_branch(people):
    from phalanx import Branches, Embedding, GlobalAveragePool

    frame, risk = people
    words = np.array(["a long walk in the rain", "a short run in the sun", "no sport at all this week"])
    frame = frame.assign(note=words[np.arange(300) % 3] + [f" number {i}" for i in range(300)])
    branches = Branches([[BasisFunctions(["weight / height**2"])], [Embedding(4), GlobalAveragePool()]])
    options = {"scaling": "none", "stopping": None, "max_rounds": 15, "batch_size": 16}
    net = Regressor([branches], optimizer=Adam(0.03), **options).fit(frame, risk)
    table = net.best_.spec.layers[0].branches[0].layers
    assert table[1].columns == ("height", "weight", "height is missing")
    known = frame["height"].notna()
    assert net.score(frame[known], risk[known]) > 0.9


def test_scaled_numbers_have_no_expressions(people):
    with pytest.raises(InputError, match=r"'weight', which comes scaled; set scaling to \"none\"$"):
        Regressor([BasisFunctions(["weight / height**2"])]).fit(*people)


def test_an_array_calls_its_columns_x0_and_so_on(rng):
    x = rng.uniform(1, 3, (200, 2))
    net = Regressor([BasisFunctions(["x0 / x1"])], optimizer=LeastSquares(), scaling="none", stopping=None)
    assert net.fit(x, x[:, 0] / x[:, 1]).score(x, x[:, 0] / x[:, 1]) > 1 - 1e-9


def test_every_fold_sees_its_own_rows(rng):
    x, folds = rng.normal(size=(60, 2)), 3
    net = Regressor([BasisFunctions(centres=5)], optimizer=LeastSquares(), scaling="standard", folds=folds)
    net.fit(x, x[:, 0])
    states = [member._final.states["basis_functions_1"] for member in net.members_]
    assert len(states) == folds
    assert all(not np.array_equal(a["centre"], b["centre"]) for a, b in itertools.combinations(states, 2))


def test_it_learns_by_gradient_and_is_saved(rng, tmp_path):
    from phalanx import load

    x = rng.normal(size=(300, 2)) * [1000.0, 0.001]  # as they are
    y = np.where(np.hypot(*(x / [1000.0, 0.001]).T) > 1.2, "out", "in")
    net = Classifier(
        [BasisFunctions(degree=2, centres=6), Dense(8)], scaling="none", optimizer=Adam(0.03), max_rounds=40
    )
    assert net.fit(x, y).score(x, y) > 0.9
    net.save(tmp_path / "net")
    np.testing.assert_allclose(load(tmp_path / "net").predict_proba(x), net.predict_proba(x), rtol=1e-6)
