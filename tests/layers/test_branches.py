"""Rows of several parts: what branches answer against NumPy, and parts in all that a network does with its rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import special

from phalanx import (
    L2,
    LSTM,
    SGD,
    ActivityL1,
    Adversarial,
    BatchNorm,
    Branch,
    Branches,
    Columns,
    Conv,
    Dense,
    DropConnect,
    Dropout,
    Embedding,
    Flatten,
    Frames,
    Gaussian,
    GlobalAveragePool,
    Head,
    InputError,
    Joint,
    MaxPool,
    Multinoulli,
    Network,
    Pixels,
    ReLU,
    Residual,
    Tanh,
    attack,
    choice,
    uniform,
)
from phalanx.blueprint import Blueprint, Noise
from phalanx.kinds.language.corpus import reading
from phalanx.layers import GaussianNoise
from phalanx.model import Batch, check_rows, cost, forward, initialize, row_shape
from phalanx.network import OutputSize, complete
from phalanx.parts.plain import from_plain, to_plain
from phalanx.parts.yaml import read_yaml, write_yaml
from phalanx.population.batches import Fold
from phalanx.population.host import lengths_of
from phalanx.population.predict import predict
from phalanx.population.rows import Rows
from phalanx.population.steps import _piece
from phalanx.population.train import train
from phalanx.population.trial import Trial
from phalanx.search.designs import design

TEXT = [Embedding(4, tokens=9), GlobalAveragePool()]
CODES = np.array([[3, 5, 0, 0], [1, 2, 3, 4], [8, 0, 0, 0]], np.int32)


def net(*layers, **named):
    return Network(list(layers), Gaussian(), **named)


def through(network, params, x, **named):
    _, states = initialize(network, 0, row_shape(x))
    run = jax.jit(
        lambda params, states, x: forward(network, params, states, x, **named),
        compiler_options={"xla_backend_optimization_level": 0},  # it runs once
    )
    return run(params, states, x)


def started(network, x):
    return initialize(network, 0, row_shape(x))[0]


def three_parts(rng, rows):
    """A table of two numbers and a category, a text, and an image."""
    table = rng.normal(size=(rows, 2)).astype(np.float32), rng.integers(0, 3, (rows, 1)).astype(np.int32)
    return table, rng.integers(1, 9, (rows, 4)).astype(np.int32), rng.integers(0, 256, (rows, 4, 4, 1), np.uint8)


THREE = Branches([[Columns((3,))], TEXT, [Pixels(100, 80), Conv(2, stride=2), Dropout(0.2)]])


def test_answers_are_joined_in_the_order_of_parts(rng):
    network = net(Branches([[Dense(3), Tanh()], TEXT]))
    x = rng.normal(size=(3, 2)).astype(np.float32), CODES
    params = started(network, x)
    assert list(params) == [
        "branches_1.branch_1.dense_1",
        "branches_1.branch_1.tanh_1",
        "branches_1.branch_1.flatten_1",
        "branches_1.branch_1",
        "branches_1.branch_2.embedding_1",
        "branches_1.branch_2.global_average_pool_1",
        "branches_1.branch_2.flatten_1",
        "branches_1.branch_2",
        "branches_1",
    ]
    weight = np.float64(params["branches_1.branch_1.dense_1"]["weight"])
    vectors = np.float64(params["branches_1.branch_2.embedding_1"]["weight"])
    means = [vectors[row[row > 0]].mean(0) for row in CODES]  # padding does not count
    expected = np.concatenate([np.tanh(x[0] @ weight), means], axis=1)
    np.testing.assert_allclose(through(network, params, x).z[0], expected, rtol=1e-5, atol=1e-6)


def test_gradients_reach_every_branch(rng):
    network = net(Branches([[Dense(2), Tanh()], [Embedding(3, tokens=9), Dense(2), Tanh()]]))
    x = rng.normal(size=(3, 2)), CODES
    params = jax.tree.map(np.float64, started(network, x))
    states, codes = {name: {} for name in params}, jnp.asarray(CODES)
    with jax.enable_x64(True):
        of = jax.jit(lambda params, numbers: forward(network, params, states, (numbers, codes), train=True).z[0])
        check_grads(of, (params, x[0]), order=1, modes=["rev"], eps=1e-6, atol=1e-6, rtol=1e-6)
        slopes = jax.grad(lambda params: (of(params, x[0]) ** 2).sum())(params)
    assert all(np.any(leaf) for leaf in jax.tree.leaves(slopes))


@pytest.mark.parametrize("ends", [[LSTM(3)], [Dense(2)], [Residual([Dense(4)]), GlobalAveragePool()]])
def test_padding_in_one_branch_changes_nothing(ends, rng):
    numbers, frames = rng.normal(size=(2, 5, 3)).astype(np.float32), rng.normal(size=(2, 3, 2)).astype(np.float32)
    codes = np.array([[3, 5, 2], [1, 4, 0]], np.int32)
    network = net(Branches([[Embedding(4, tokens=9), *ends], [Frames(), GlobalAveragePool()], [GlobalAveragePool()]]))
    x, longer = (codes, frames, numbers), (np.pad(codes, ((0, 0), (0, 2))), frames, numbers)
    params = started(network, x)
    if ends == [Dense(2)]:  # a bias, which would stand in the steps that are padding
        params["branches_1.branch_1.dense_1"]["bias"] = jnp.array([1.0, 2.0])
    y, other = (np.asarray(through(network, params, rows).z[0]) for rows in (x, longer))
    if ends == [Dense(2)]:  # one vector of all steps
        assert not other[:, 6:10].any()
        assert np.count_nonzero(other[:, :6], axis=1).tolist() == [6, 4]
        other = np.delete(other, range(6, 10), axis=1)
    np.testing.assert_allclose(y, other, rtol=1e-5, atol=1e-6)


def test_rows_of_parts_have_shapes_and_bytes_at_each_place(rng):
    plan = Blueprint.of(complete(net(THREE, Dense(3)), OutputSize(1)), row_shape(three_parts(rng, 1)))
    shapes = {name: (before, after) for name, _, before, after in plan.layers}
    assert shapes["branches_1.branch_1"] == (((2,), (1,)), (4,))  # 2 numbers and 2 categories
    assert shapes["branches_1.branch_3.flatten_1"] == ((2, 2, 2), (8,))
    assert shapes["branches_1"] == ((((2,), (1,)), (4,), (4, 4, 1)), (16,))
    assert shapes["output"] == ((3,), (1,))
    assert plan.noise({}) == Noise({"branches_1.branch_3.dropout_1": 8}, {}, {})
    assert plan.widest == 16  # the embedded text, 4 · 4, and the image
    assert not plan.keeps_batches_whole
    assert Blueprint.of(net(Branches([[BatchNorm()], TEXT])), ((2,), (4,))).keeps_batches_whole


def test_images_in_a_branch_are_cut_to_the_cache():
    network = complete(net(Branches([TEXT, [Conv(32), ReLU(), MaxPool(4)]])), OutputSize(1))
    shape = (50,), (64, 64, 1)
    assert _piece(Blueprint.of(network, shape), shape, 32) == 1  # 64 · 64 · 32 = 2¹⁷ numbers a row
    text = complete(net(Branches([TEXT, [Columns()]])), OutputSize(1))
    shape = (50,), ((2,), (0,))
    assert _piece(Blueprint.of(text, shape), shape, 32) == 32


def test_regularizers_and_heads_name_branches_and_layers_inside(rng):
    layers = [Branches([Branch([Dense(2, bias=False)], name="numbers"), TEXT])]
    heads = Joint([Head(Gaussian(), after="branches_1"), Head(Gaussian(), [Dense(2)])])
    penalties = [L2(0.1, on=("branches_1.numbers.dense_1",)), ActivityL1(0.2, on=("branches_1.numbers",))]
    network = complete(Network(layers, heads, penalties), OutputSize(1), OutputSize(1))
    x = jnp.array([[1.0, 0.0], [0.0, 1.0]]), jnp.asarray(CODES[:2])
    params, states = initialize(network, 0, row_shape(x))
    params["branches_1.numbers.dense_1"]["weight"] = jnp.array([[1.0, -2.0], [0.0, 3.0]])
    y = (jnp.zeros((2, 1)),) * 2
    value, (data, _) = cost(network, params, states, Batch(x, y, jnp.ones(2)), Noise({}, {}, {}))
    # ½ · 0.1 · (1 + 4 + 9), and 0.2 times the mean over rows of |1| + |−2| and |0| + |3|
    assert value - data == pytest.approx(0.7 + 0.2 * 3, rel=1e-4)
    with pytest.raises(InputError, match=r"^L2: on: unknown layer `branches_1\.number\.dense_1`; did you mean"):
        complete(net(*layers, regularizers=[L2(on=("branches_1.number.dense_1",))]), OutputSize(1))


def test_states_and_noise_are_those_of_the_layer_inside():
    network = net(Branches([[BatchNorm(0.75)], [Dropout(0.5)]]))
    x = np.array([[0.0, 2.0], [4.0, 2.0]], np.float32), np.ones((2, 4), np.float32)
    noise = Noise({"branches_1.branch_2.dropout_1": jnp.array([[0, 255, 0, 255]] * 2, jnp.uint8)}, {}, {})
    passed = through(network, started(network, x), x, noise=noise, train=True)
    np.testing.assert_allclose(passed.states["branches_1.branch_1.batch_norm_1"]["mean"], [0.5, 0.5])  # 0.25 · 2
    assert passed.z[0][:, 2:].tolist() == [[0, 2, 0, 2]] * 2


def test_a_wrapper_goes_around_all_branches(rng):
    x = three_parts(rng, 3)
    plain, around = (net(layer) for layer in (THREE, DropConnect(THREE, 0.5)))
    needed = Blueprint.of(around, row_shape(x)).noise({}).shared
    weights = started(plain, x)
    assert needed == {
        name.replace("branches_1", "drop_connect_1"): held["weight"].size
        for name, held in weights.items()
        if "weight" in held
    }
    renamed = {name.replace("branches_1", "drop_connect_1"): held for name, held in weights.items()}
    np.testing.assert_array_equal(through(plain, weights, x).z[0], through(around, renamed, x).z[0])


def test_a_part_may_have_parts(rng):
    network = net(Branches([[Branches([[Dense(2)], TEXT]), Dense(3)], [Columns()]]))
    x = (rng.normal(size=(3, 2)).astype(np.float32), CODES), (np.ones((3, 2), np.float32), np.zeros((3, 0), np.int32))
    params = started(network, x)
    y = np.asarray(through(network, params, x).z[0])
    numbers = x[0][0] @ params["branches_1.branch_1.branches_1.branch_1.dense_1"]["weight"]
    vectors = params["branches_1.branch_1.branches_1.branch_2.embedding_1"]["weight"]
    joined = np.concatenate([numbers, [vectors[row[row > 0]].mean(0) for row in CODES]], axis=1)
    weight = params["branches_1.branch_1.dense_1"]["weight"]
    np.testing.assert_allclose(y, np.concatenate([joined @ weight, x[1][0]], axis=1), rtol=1e-5, atol=1e-6)


def test_attacks_move_the_numbers_of_all_parts_and_no_codes(rng):
    table, text, image = three_parts(rng, 4)
    frames = rng.normal(size=(4, 3, 2)).astype(np.float32)
    x = jax.tree.map(jnp.asarray, (table, text, frames, image))
    network = complete(net(Branches([*THREE.branches[:2], [], [Pixels(100, 80)]])), OutputSize(1))
    params, states = initialize(network, 0, row_shape(x))
    batch = Batch(x, (jnp.ones((4, 1)),), jnp.ones(4))

    def at(x):
        return cost(network, params, states, batch._replace(x=x), Noise({}, {}, {}))[0], None

    (numbers, codes), near_text, near_frames, near_image = near = jax.jit(lambda x: attack(at, x, 0.25))(x)
    for one, moved in ((numbers, table[0]), (near_frames, frames)):
        np.testing.assert_allclose(np.abs(one - moved), 0.25, rtol=1e-5)
    for same, kept in ((codes, table[1]), (near_text, text), (near_image, image)):
        np.testing.assert_array_equal(same, kept)
    trained = complete(net(*network.layers[:1], regularizers=[Adversarial(0.25, mix=0.3)]), OutputSize(1))
    expected = 0.3 * at(x)[0] + 0.7 * at(near)[0]
    value = jax.jit(lambda x: cost(trained, params, states, batch._replace(x=x), Noise({}, {}, {}))[0])(x)
    assert value == pytest.approx(float(expected), rel=1e-5)


def test_lengths_are_the_sum_over_the_parts_that_are_gone_through():
    frames = np.where(CODES == 0, np.nan, CODES).astype(np.float32)[:, 1:, None]
    x = CODES, frames, CODES

    def lengths(*branches):
        return lengths_of(net(Branches(branches)), x)

    text, sound, bag = [Embedding(2), LSTM(2)], [Frames(), Residual([LSTM(1, "all")])], [Embedding(2), Dense(3)]
    assert lengths(text, sound, bag).tolist() == [2 + 1, 4 + 3, 1 + 0]
    assert lengths(bag, bag[:1], text).tolist() == [2, 4, 1]
    assert lengths(bag, [Frames()], bag) is None


def test_rows_of_parts_are_chosen_part_by_part(rng):
    x = three_parts(rng, 9)
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]).reshape(1, 1), ("member", "data"))
    rows = Rows(Batch(x, (np.arange(9),), np.ones(9, np.float32)), limit=0)
    there, (at,) = rows.on(mesh, np.array([[7, 2], [2, 4]]))
    for whole, part in zip(jax.tree.leaves(x), jax.tree.leaves(there.x), strict=True):
        np.testing.assert_array_equal(part[at], whole[[[7, 2], [2, 4]]])


def test_members_train_on_rows_of_parts_as_they_would_alone(rng):
    x = three_parts(rng, 60)
    y = (x[0][0][:, 0] + (x[1] > 4).mean(1) > 0.5).astype(np.int32)  # no part says it alone
    rows, fold = Batch(x, (y,), np.ones(60, np.float32)), Fold(np.arange(40), np.arange(40, 60), 0)
    layer = Branches([[Columns((3,))], TEXT, [Pixels(100, 80)]])
    networks = [Network([layer], Multinoulli(), optimizer=SGD(rate), batch_size=8) for rate in (0.05, 0.1, 0.2)]
    trials = [Trial(complete(network, OutputSize(2)), seed) for seed, network in enumerate(networks)]
    together = train(trials, rows, [fold], max_rounds=3, widths=[1]).members
    for trial, member in zip(trials, together, strict=True):
        (alone,) = train([trial], rows, [fold], max_rounds=3, widths=[1]).members
        np.testing.assert_allclose(alone.curve, member.curve, rtol=1e-5)
        for name, held in alone.params.items():
            for key, value in held.items():
                np.testing.assert_allclose(value, member.params[name][key], rtol=1e-4, atol=1e-6)
    curves = np.array([member.curve for member in together])
    assert (curves[:, -1, 0] < curves[:, 0, 0]).all()
    final = together[2].final
    z = through(final.network, final.params, x).z[0]
    np.testing.assert_allclose(predict(final, x)[0], special.softmax(np.float64(z), axis=1), rtol=1e-5)


TABLE = np.zeros((2, 2), np.float32), np.zeros((2, 1), np.int32)
IMAGE, TOKENS = np.zeros((2, 6, 6, 1), np.float32), np.zeros((2, 5), np.int32)


@pytest.mark.parametrize(
    ("layers", "x", "said"),
    [
        (
            [Branches([TEXT, TEXT])],
            (TOKENS, TOKENS, IMAGE),
            "branches_1: Branches needs rows of 2 parts, one for each branch, but gets rows of 3 parts",
        ),
        (
            [Branches([TEXT])],
            TABLE,
            "branches_1: Branches needs rows of 1 part, one for each branch, but gets a table's numbers and codes",
        ),
        (
            [Branches([TEXT, TEXT])],
            TOKENS,
            "branches_1: Branches needs rows of 2 parts, one for each branch, but gets rows of one array, (5,)",
        ),
        (
            [Branches([TEXT, [Conv(3, 9, padding="valid")]])],
            (TOKENS, IMAGE),
            "branches_1.branch_2.conv_1: Conv: a kernel of 9 places does not fit an axis of 6; "
            'make it smaller, or set padding to "same"',
        ),
        (
            [Branches([TEXT, [Columns()]])],
            (TOKENS, IMAGE),
            "branches_1.branch_2.columns_1: Columns needs a table's numbers and codes, "
            "but gets rows of one array, (6, 6, 1)",
        ),
        (
            [Branches([[Embedding(3)], Branch([Dense(2)], name="table")])],
            (TOKENS, TABLE),
            "branches_1.table.dense_1: Dense needs rows of one array, but gets a table's numbers and codes; "
            "put Columns() before it",
        ),
        (
            [Dense(3)],
            (TABLE, TOKENS),
            "dense_1: Dense needs rows of one array, but gets rows of 2 parts; "
            "put Branches before it, with a branch for each part",
        ),
        (
            [GaussianNoise(), Branches([[Columns()], TEXT])],
            (TABLE, TOKENS),
            "gaussian_noise_1: GaussianNoise needs rows of one array or of a table, but gets rows of 2 parts; "
            "put it in a branch",
        ),
        (
            [Branches([TEXT, [Flatten()]])],
            (TOKENS, TOKENS),
            "Branches: branch_2 answers whole numbers of type int32; let it begin with a layer that makes numbers of "
            "them, such as Embedding or Pixels",
        ),
        (
            [Branches([TEXT, [Frames(), MaxPool(2, padding="same")]])],
            (TOKENS, np.zeros((2, 5, 3), np.float32)),
            'MaxPool: rows have different lengths, on which the windows would depend; set padding to "valid"',
        ),
    ],
)
def test_rows_that_do_not_fit_are_said(layers, x, said):
    with pytest.raises(InputError) as caught:
        check_rows(net(*layers), x)
    assert str(caught.value) == said


def test_noise_is_for_numbers_only():
    network = net(Branches([[GaussianNoise(0.1)], TEXT]))
    noise = Noise({"branches_1.branch_1.gaussian_noise_1": jnp.zeros((2, 10), jnp.uint8)}, {}, {})
    with pytest.raises(InputError, match=r"^GaussianNoise is added to numbers, but gets whole numbers of type int32"):
        through(network, started(network, (TOKENS, TOKENS)), (TOKENS, TOKENS), noise=noise)


def test_a_language_model_refuses_branches():
    said = r"^a language model .* but has Branches, which looks at several steps at once; leave it out$"
    with pytest.raises(InputError, match=said):
        reading(Network([Branches([[Embedding(3), LSTM(3)]])], Multinoulli()))


def test_a_list_of_layers_stands_for_a_branch():
    layer = Branches([[Dense(3), ReLU()], Branch([Flatten()], name="image"), []])
    assert layer.branches == (Branch([Dense(3), ReLU()]), Branch([Flatten()], name="image"), Branch([]))
    assert layer.branches[1].inner == (Flatten(),)  # which needs no other
    with pytest.raises(InputError, match=r"^Branches: branches holds Dense\(units=3\), but must be a Branch$"):
        Branches([Dense(3)])
    with pytest.raises(InputError, match=r"^Branch: layers holds 3, but must be a Layer$"):
        Branches([[Dense(3)], [3]])


def test_a_specification_comes_back_from_a_file(tmp_path):
    def written(text):
        (tmp_path / "layers.yaml").write_text(text, encoding="utf-8")
        return from_plain(read_yaml(tmp_path / "layers.yaml"))

    space = Branches([[choice(Tanh(), ReLU())], Branch([Embedding(choice(2, 4))], name="text")])
    network = net(space, Residual([Branch([Dense(3)])]))
    assert written(write_yaml(to_plain(network))) == network
    assert eval(repr(THREE), {name: value for name, value in globals().items() if isinstance(value, type)}) == THREE
    short = "Branches: {branches: [[Columns, ReLU], [Embedding: {units: 3}]]}"
    assert written(short) == Branches([[Columns(), ReLU()], [Embedding(3)]])


def test_a_search_goes_into_each_branch():
    text = Branch([Embedding(choice(2, 4)), Dropout(uniform(0.1, 0.5))], name="text")
    space = net(Branches([[Columns(), choice(ReLU(), [Dense(3), Tanh()])], text]))
    kind, units, rate = (
        f"layers.branches_1.branches.{path}"
        for path in (
            "branch_1.layers.choice_1",
            "text.layers.embedding_1.units",
            "text.layers.dropout_1.rate",
        )
    )
    draws = design(space, 8, structures=4)
    assert {(draw.values[kind], draw.values[units]) for draw in draws} == {
        (shown, size) for shown in ("ReLU", "Dense, Tanh") for size in (2, 4)
    }
    assert len({draw.values[rate] for draw in draws}) == 8
    for draw in draws:
        table, text = draw.spec.layers[0].branches
        assert table.layers[1:] == ((ReLU(),) if draw.values[kind] == "ReLU" else (Dense(3), Tanh()))
        assert text == Branch([Embedding(draw.values[units]), Dropout(draw.values[rate])], name="text")
