"""The computational graph of a cost: nodes and edges counted by hand, values and gradients from elsewhere."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import special

from phalanx import (
    L2,
    LSTM,
    ActivityL1,
    Adversarial,
    Classifier,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Forecaster,
    Gaussian,
    Head,
    InputError,
    Joint,
    LabelSmoothing,
    MaxPool,
    Multinoulli,
    MultiTask,
    Network,
    Recurrent,
    Regressor,
    ReLU,
    Residual,
    ReverseGradient,
    Tanh,
    Tied,
    WeightNoise,
    choice,
    draw_graph,
)
from phalanx.blueprint import Blueprint, Noise
from phalanx.model import Batch, cost, forward, initialize
from phalanx.network import OutputSize, complete

RNG = np.random.default_rng(0)
X, NUMBERS, CODES = RNG.normal(size=(6, 4)), RNG.normal(size=6), np.array([0, 1, 2, 0, 1, 2])
PAIR = Network([Dense(3), Tanh()], Gaussian(), [L2(0.1)])


@pytest.fixture
def double():
    """Arithmetic in double precision, so that two ways to the same number agree to many digits."""
    with jax.enable_x64(True):
        yield


def ways(graph):
    return sorted((graph.nodes[edge.source].name, graph.nodes[edge.target].name) for edge in graph.edges)


@pytest.mark.row("E1")
def test_nodes_and_edges_are_those_worked_by_hand():
    graph = draw_graph(PAIR, X, NUMBERS)
    assert [(node.name, node.kind, node.shapes) for node in graph.nodes] == [
        ("x", "input", ((6, 4),)),
        ("dense_1.bias", "parameter", ((3,),)),
        ("dense_1.weight", "parameter", ((4, 3),)),
        ("output.bias", "parameter", ((1,),)),
        ("output.weight", "parameter", ((3, 1),)),
        ("y", "input", ((6, 1),)),
        ("dense_1", "layer", ((6, 3),)),
        ("tanh_1", "layer", ((6, 3),)),
        ("output", "layer", ((6, 1),)),
        ("−log p", "cost", ((6,),)),
        ("L", "cost", ((),)),
        ("l2_1", "regularizer", ((),)),
        ("J", "cost", ((),)),
    ]
    assert ways(graph) == sorted(
        [
            *(("x", "dense_1"), ("dense_1.weight", "dense_1"), ("dense_1.bias", "dense_1"), ("dense_1", "tanh_1")),
            *(("tanh_1", "output"), ("output.weight", "output"), ("output.bias", "output"), ("output", "−log p")),
            *(("y", "−log p"), ("−log p", "L"), ("L", "J"), ("l2_1", "J")),
            *(("dense_1.weight", "l2_1"), ("output.weight", "l2_1")),
        ]
    )


@pytest.mark.row("E1")
def test_a_penalized_weight_is_used_twice_and_a_bias_once():
    graph = draw_graph(PAIR, X, NUMBERS)
    assert graph.out_of("dense_1.weight") == ["dense_1", "l2_1"]
    assert graph.out_of("dense_1.bias") == ["dense_1"]
    assert graph.into("l2_1") == ["dense_1.weight", "output.weight"]


def test_without_a_penalty_the_mean_over_rows_is_the_cost():
    graph = draw_graph(Network([], Gaussian()), X, NUMBERS)
    assert [node.name for node in graph.nodes] == ["x", "output.bias", "output.weight", "y", "output", "−log p", "J"]
    assert graph.nodes[-1].detail == "mean over rows"


@pytest.mark.row("E1")
def test_a_recurrent_weight_is_one_node_with_an_edge_for_each_step():
    rows = RNG.normal(size=(6, 5, 2))
    network = Network([Recurrent(3)], Gaussian())
    for steps, uses in ((5, 5), (3, 4), (1, 2), (9, 5)):  # those one by one, and one for all others
        graph = draw_graph(network, rows, NUMBERS, steps=steps)
        assert [node.name for node in graph.nodes].count("recurrent_1.weight_recurrent") == 1
        assert len(graph.out_of("recurrent_1.weight_recurrent")) == uses
        assert len(graph.out_of("recurrent_1.weight")) == 1  # of all steps at once
    assert [n.detail for n in draw_graph(network, rows, NUMBERS, steps=2).nodes if n.name == "recurrent_1"] == [
        "transpose, matrix product, +",
        "step 1",
        "step 2",
        "steps 3 to 5",
    ]


@pytest.mark.row("E1")
def test_a_kernel_is_one_node_and_so_are_tied_weights():
    image = RNG.normal(size=(6, 8, 8, 1))
    graph = draw_graph(Network([Conv(2), ReLU(), MaxPool(), Flatten()], Multinoulli()), image, CODES)
    assert graph.out_of("conv_1.weight") == ["conv_1"]
    assert graph.node("conv_1.weight").shapes == ((3, 3, 1, 2),)
    tied = Network([Dense(3), Tanh(), Dense(4)], Gaussian(), [Tied(on=["dense_1", "dense_2"], transpose=True)])
    graph = draw_graph(tied, X, NUMBERS)
    assert graph.out_of("dense_1.weight") == ["tied_1", "dense_1"]
    assert graph.out_of("tied_1") == ["dense_2"]
    assert "dense_2.weight" not in [node.name for node in graph.nodes]
    same = Network([Dense(4), Tanh(), Dense(4)], Gaussian(), [Tied(on=["dense_1", "dense_2"])])
    assert draw_graph(same, X, NUMBERS).out_of("dense_1.weight") == ["dense_1", "dense_2"]


def test_a_skip_of_a_residual_block_and_two_heads_are_edges():
    graph = draw_graph(Network([Tanh(), Residual([Dense(4), Tanh()])], Gaussian()), X, NUMBERS)
    assert graph.out_of("tanh_1") == ["residual_1.dense_1", "residual_1"]
    heads = [Head(Gaussian(), after="tanh_1"), Head(Multinoulli(), [Dense(2)], weight=0.5)]
    graph = draw_graph(Network([Dense(3), Tanh()], Joint(heads)), X, (NUMBERS, CODES))
    assert graph.out_of("tanh_1") == ["head_1.output", "head_2.dense_1"]
    assert graph.into("−log p of head_2") == ["y of head_2", "head_2.output"]
    assert sorted(graph.into("J")) == ["−log p of head_1", "−log p of head_2"]


def test_noise_enters_where_it_is_used():
    network = Network([Dense(3), Dropout(0.5)], Multinoulli(), [WeightNoise(0.1), LabelSmoothing(0.1)])
    graph = draw_graph(network, X, CODES)
    assert graph.out_of("dropout_1.noise") == ["dropout_1"]
    assert graph.out_of("weight_noise_1.noise") == ["weight_noise_1"]
    assert graph.into("dense_1") == ["x", "dense_1.bias", "weight_noise_1"]
    assert graph.out_of("y") == ["label_smoothing_1"]


def test_an_adversarial_example_goes_through_the_same_weights_again():
    graph = draw_graph(Network([Dense(3)], Multinoulli(), [Adversarial(0.1)]), X, CODES)
    assert [node.name for node in graph.nodes].count("dense_1") == 2
    assert graph.out_of("dense_1.weight") == ["dense_1", "adversarial_1", "dense_1"]


def test_a_penalty_on_what_units_do_comes_from_their_layer():
    graph = draw_graph(Network([Dense(3), Tanh()], Gaussian(), [ActivityL1(on=["tanh_1"])]), X, NUMBERS)
    assert graph.out_of("tanh_1") == ["output", "activityl1_1"]


def test_an_unfolded_layer_is_its_operations():
    graph = draw_graph(PAIR, X, NUMBERS, unfold=["dense_1", "l2_1"])
    of_dense = [node.name for node in graph.nodes if node.detail == "dense_1"]
    assert of_dense == ["matrix product", "+"]
    assert graph.out_of("dense_1.weight") == ["matrix product", "square"]
    # ½ α (Σ W₁² + Σ W₂²): two squares, two sums, their sum, and the product with ½ α
    assert [node.name for node in graph.nodes if node.detail == "l2_1"] == ["square", "Σ", "square", "Σ", "+", "×"]
    assert len(draw_graph(PAIR, X, NUMBERS, unfold="all").nodes) > len(graph.nodes)


def drawn(network, x, y, **options):
    """The graph with values, the network that it is of, and what its cost is a function of."""
    graph = draw_graph(network, x, y, values=True, **options)
    targets = [graph.node(name).values[0] for name in (n.name for n in graph.nodes) if name.split()[0] == "y"]
    sizes = [OutputSize(int(t.max()) + 1 if t.dtype.kind == "i" else t.shape[-1]) for t in targets]
    done = complete(network, *sizes)
    params, states = initialize(done, 0, x.shape[1:])
    batch = Batch(jnp.asarray(graph.node("x").values[0]), tuple(map(jnp.asarray, targets)), jnp.ones(len(x)))
    return graph, done, params, states, batch


@pytest.mark.row("E1")
def test_values_are_those_of_a_forward_pass_and_gradients_those_of_the_cost(double):
    graph, network, params, states, batch = drawn(PAIR, X, NUMBERS)
    silent = Noise({}, {}, {})
    kept = forward(network, params, states, batch.x, silent, train=True, keep=["dense_1", "tanh_1", "output"]).kept
    for name, value in kept.items():
        np.testing.assert_allclose(graph.node(name).values[0], value, rtol=1e-12)
    total, slopes = jax.value_and_grad(lambda p: cost(network, p, states, batch, silent)[0])(params)
    assert graph.node("J").values[0] == pytest.approx(float(total), rel=1e-12)
    for layer, held in slopes.items():
        for name, slope in held.items():
            np.testing.assert_allclose(graph.node(f"{layer}.{name}").gradients[0], slope, rtol=1e-9, atol=1e-15)


@pytest.mark.row("E1")
def test_gradients_between_layers_are_those_of_back_propagation_by_hand(double):
    graph, _, params, _, batch = drawn(PAIR, X, NUMBERS)
    W1, W2, h = params["dense_1"]["weight"], params["output"]["weight"], graph.node("tanh_1").values[0]
    g = (h @ W2 + params["output"]["bias"] - batch.y[0]) / 6  # ∇ of the mean of ½ (y − ŷ)² over 6 rows
    np.testing.assert_allclose(graph.node("output").gradients[0], g, rtol=1e-9)
    np.testing.assert_allclose(graph.node("tanh_1").gradients[0], g @ W2.T, rtol=1e-9)
    g = (g @ W2.T) * (1 - h**2)
    np.testing.assert_allclose(graph.node("dense_1").gradients[0], g, rtol=1e-9)
    np.testing.assert_allclose(graph.node("x").gradients[0], g @ W1.T, rtol=1e-9)
    np.testing.assert_allclose(graph.node("dense_1.weight").gradients[0], X.T @ g + 0.1 * W1, rtol=1e-9)
    assert [graph.node(name).gradients[0] for name in ("J", "L", "l2_1")] == [1.0, 1.0, 1.0]


STEPPED = {
    "all steps": (Network([LSTM(3, "all", both=True), Flatten()], Gaussian()), RNG.normal(size=(6, 5, 2))),
    "padding": (Network([Embedding(3), LSTM(3, both=True)], Gaussian()), None),
}


@pytest.mark.parametrize(("which", "steps"), [("all steps", 2), ("padding", 2), ("padding", 5)])
def test_unrolling_changes_no_number(double, which, steps):
    network, rows = STEPPED[which]
    if rows is None:  # codes, of which 0 is padding; of the 5 steps the longest row has 4
        rows = np.array([[1, 2, 3, 4, 0], [2, 2, 0, 0, 0], [3, 0, 0, 0, 0]] * 2)
    graph, done, params, states, batch = drawn(network, rows, NUMBERS, steps=steps)
    batch = batch._replace(x=batch.x.astype(np.int32) if rows.dtype.kind == "i" else batch.x)
    total, slopes = jax.value_and_grad(lambda p: cost(done, p, states, batch, Noise({}, {}, {}))[0])(params)
    assert graph.node("J").values[0] == pytest.approx(float(total), rel=1e-12)
    for layer, held in slopes.items():
        for name, slope in held.items():
            np.testing.assert_allclose(graph.node(f"{layer}.{name}").gradients[0], slope, rtol=1e-7, atol=1e-12)
    if steps == 2:
        parts = ["step 1", "step 2", "steps 3 to 5"]
        assert [n.detail for n in graph.nodes if n.name == "lstm_1" and "step" in n.detail] == [
            *parts,
            *(f"{part} from the end" for part in parts),
        ]
        # h₁ = o tanh(i c), as h and s are 0 before it
        entering = batch.x[:, 0] if which == "all steps" else graph.node("embedding_1").values[0][:, 0]
        i, _, o, c = np.split(np.asarray(entering) @ params["lstm_1"]["weight"] + params["lstm_1"]["bias"], 4, axis=1)
        first = special.expit(o) * np.tanh(special.expit(i) * np.tanh(c))
        np.testing.assert_allclose(graph.node("lstm_1", "step 1").values[0], first, rtol=1e-9)


@pytest.mark.parametrize("unfold", [(), "all"])
def test_a_gradient_rule_of_a_layer_of_its_own_is_kept(double, unfold):
    plain, turned = (Network([Dense(3), *rule, Tanh()], Gaussian()) for rule in ([], [ReverseGradient(0.5)]))
    params = {**initialize(complete(plain, OutputSize(1)), 0, (4,))[0], "reverse_gradient_1": {}}
    graphs = [draw_graph(one, X, NUMBERS, params=params, values=True, unfold=unfold) for one in (plain, turned)]
    slopes = [graph.node("dense_1.weight").gradients[0] for graph in graphs]
    np.testing.assert_allclose(slopes[1], -0.5 * slopes[0], rtol=1e-9)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_every_layer_can_be_drawn(any_layer, table_of):
    x, shape = table_of(any_layer, 4)
    output = any_layer.output_shape(shape)
    network = Network([any_layer, *([Flatten()] if len(output) > 1 else [])], Gaussian())
    graph = draw_graph(network, x, np.zeros(4))
    assert graph.nodes[-1].name == "J"
    assert "<svg" in graph.svg
    assert all(edge.source < edge.target for edge in graph.edges)


def test_every_regularizer_can_be_drawn(any_regularizer):
    network = Network([Dense(4), Tanh(), Dense(4), Dense(4)], Multinoulli(), [any_regularizer])
    graph = draw_graph(network, X, CODES)
    assert graph.nodes[-1].name == "J"


def test_scopes_change_nothing_but_names(monkeypatch):
    network = complete(
        Network([Residual([Dense(4), Tanh()]), Dropout(0.2)], Multinoulli(), [L2(0.1), LabelSmoothing()]), OutputSize(3)
    )
    params, states = initialize(network, 0, (4,))
    noise = Noise({"dropout_1": np.zeros((6, 4), np.uint8)}, {}, {})
    batch = Batch(np.float32(X), (CODES.astype(np.int32),), np.ones(6, np.float32))

    def program():
        def slope(params, batch, noise):
            return jax.value_and_grad(lambda p: cost(network, p, states, batch, noise)[0])(params)

        return jax.jit(slope).lower(params, batch, noise).as_text()

    @contextlib.contextmanager
    def unnamed(name):
        yield

    named = program()
    monkeypatch.setattr(jax, "named_scope", unnamed)
    assert program() == named  # of which JAX's cache of compiled programs makes its key


def test_a_fitted_estimator_is_drawn_with_what_it_learned():
    labels = np.array(["a", "b", "c"])[np.tile(CODES, 10)]
    net = Classifier([Dense(4), Tanh()], max_rounds=2, stopping=None).fit(np.tile(X, (10, 1)), labels)
    graph = draw_graph(net, X, np.array(["a", "b", "c"] * 2), values=True)
    told = special.softmax(graph.node("output").values[0], axis=1)
    np.testing.assert_allclose(told, net.predict_proba(X), rtol=1e-4)
    assert graph.node("y").values[0].tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.slow  # two more fits
def test_estimators_of_several_targets_and_of_steps_are_drawn():
    rows = np.tile(X, (10, 1))
    y = pd.DataFrame({"sign": np.where(rows[:, 0] > 0, "plus", "minus"), "size": rows[:, 1]})
    net = MultiTask([Dense(3), Tanh()], max_rounds=1, stopping=None).fit(rows, y)
    names = [node.name for node in draw_graph(net, rows, y).nodes]
    assert {"sign", "size", "−log p of head_1", "−log p of head_2"} <= set(names)
    series = RNG.normal(size=(20, 5, 2))
    net = Regressor([Recurrent(3, "all")], max_rounds=1, stopping=None).fit(list(series), list(series[:, :, 0]))
    graph = draw_graph(net, list(series[:4]), list(series[:4, :, 0]), steps=2)
    assert graph.node("y").shapes == ((4, 5, 1),)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: draw_graph(Network([Dense(choice(2, 3))], Gaussian()), X, NUMBERS),
            "the network holds a distrib",
        ),
        (lambda: draw_graph(PAIR, X, NUMBERS[:3]), "X and y have different numbers of rows: 3 and 6"),
        (lambda: draw_graph(PAIR, X, NUMBERS, steps=2), "steps is 2, but the network has no recurrent layer"),
        (lambda: draw_graph(PAIR, X, NUMBERS, steps=-1), "steps is -1, but must be a whole number from 0"),
        (lambda: draw_graph(PAIR, X, NUMBERS, unfold="dens_1"), "unknown layer `dens_1`; did you mean `dense_1`"),
        (lambda: draw_graph(PAIR, X.astype(str), NUMBERS), "X holds <U"),
        (lambda: draw_graph(Classifier(), X, CODES, params={}), "params go with a Network"),
        (lambda: draw_graph(Forecaster(), X, CODES), "not of Forecaster"),
        (lambda: draw_graph(Network([Dense(2)], Joint([Head(Gaussian())] * 2)), X, (NUMBERS,)), "y has 1 targets"),
    ],
)
def test_what_cannot_be_drawn_is_said(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


def test_a_network_that_has_its_output_layer_gets_no_other():
    done = complete(PAIR, OutputSize(1))
    assert draw_graph(done, X, NUMBERS) == draw_graph(PAIR, X, NUMBERS)
    assert Blueprint.of(done, (4,)).layers[-1].name == "output"
