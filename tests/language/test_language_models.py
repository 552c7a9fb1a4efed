"""Language models: the order in which a text is read, costs by hand, and what they write."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import (
    GRU,
    LSTM,
    Adam,
    Conv,
    Dense,
    DropConnect,
    Embedding,
    GlobalMaxPool,
    InputError,
    InstanceNorm,
    LanguageModel,
    LayerNorm,
    Multinoulli,
    Network,
    Recurrent,
    ReLU,
    Residual,
)
from phalanx.experiment import Settings, fit, plan
from phalanx.kinds.language.corpus import Corpus, reading
from phalanx.kinds.language.scoring import continuation, nats_per_token, probabilities
from phalanx.metrics import NATS
from phalanx.model import check_rows, forward, fresh, initialize
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold, batches_in_order, in_reading_order
from phalanx.stopping import EarlyStopping

WORD = np.array([0, 1, 2, 3, 1, 4], np.int32)  # after a 1 comes 2 or 4, by what was before


@pytest.fixture(scope="module")
def trained():
    """Networks that have read the word again and again, in rows shorter than it."""
    codes = np.tile(WORD, 400)
    corpus = Corpus(codes, codes[:60], tokens=5, steps=5, share=0.1)
    space = Network([Embedding(8), LSTM(16)], Multinoulli(), optimizer=Adam(0.02), batch_size=8)
    return corpus, fit(corpus, plan(corpus, space, Settings(NATS, max_rounds=12, repeats=2)))


def cost(final, codes):
    return nats_per_token(probabilities([(final, 1.0)], codes))


def test_readers_go_on_where_the_row_before_ended():
    fold = Fold(np.arange(10, 21), np.arange(0), seed=0)
    batches = np.concatenate([batches_in_order(fold, 3, turn, steps=1) for turn in range(11)])
    following = np.where(batches[:-1] == 20, 10, batches[:-1] + 1)
    np.testing.assert_array_equal(batches[1:], following)
    np.testing.assert_array_equal(np.sort(batches, axis=0), np.tile(np.arange(10, 21)[:, None], 3))  # each reads all


@pytest.mark.parametrize(("rows", "readers"), [(12, 3), (13, 3), (2, 3), (7, 1)])
def test_validation_rows_are_read_on_from_block_to_block(rows, readers):
    order = in_reading_order(np.arange(rows), readers)
    assert sorted(order.tolist()) == list(range(rows))
    blocks = [order[i : i + readers] for i in range(0, rows, readers)]
    for before, after in itertools.pairwise(blocks):
        np.testing.assert_array_equal(after, before[: len(after)] + 1)


def test_what_was_before_the_row_is_remembered(trained):
    corpus, fitted = trained
    # No row of 5 tokens holds all that tells 2 from 4 after a 1 in its first steps.
    assert fitted.best.metrics["nats_per_token"] < 0.2
    final = fitted.best.final
    assert cost(final, corpus.test) < 0.2
    assert continuation([(final, 1.0)], np.array([0, 1]), 12, temperature=0).tolist() == np.tile(WORD, 3)[2:14].tolist()


def test_the_cost_of_a_text_is_the_sum_over_its_tokens(trained):
    """In NumPy, one token after the other."""
    final = trained[1].best.final
    p, codes = final.params, np.tile(WORD, 3)
    h, s, total = np.zeros(16), np.zeros(16), 0.0

    def sigma(a):
        return 1 / (1 + np.exp(-a))

    for code, follows in itertools.pairwise(codes):
        x = p["embedding_1"]["weight"][code]
        a = x @ p["lstm_1"]["weight"] + h @ p["lstm_1"]["weight_recurrent"] + p["lstm_1"]["bias"]
        i, f, o, c = np.split(a, 4)
        s = sigma(f) * s + sigma(i) * np.tanh(c)
        h = sigma(o) * np.tanh(s)
        z = h @ p["output"]["weight"] + p["output"]["bias"]
        total += np.log(np.exp(z - z.max()).sum()) - (z - z.max())[follows]
    assert cost(final, codes) == pytest.approx(total / (len(codes) - 1), rel=1e-4)


def test_a_long_text_is_scored_in_parts_that_leave_no_token_out(trained, monkeypatch):
    final, codes = trained[1].best.final, np.tile(WORD, 100)
    whole = cost(final, codes)
    monkeypatch.setattr("phalanx.kinds.language.scoring._LONGEST", 250)
    in_parts = cost(final, codes)  # of 199 or 200 tokens: the last ones are of other lengths
    at = [codes[i : i + 201] for i in (0, 200, 400)]
    by_hand = sum(cost(final, part) * (len(part) - 1) for part in at) / (len(codes) - 1)
    assert in_parts == pytest.approx(by_hand, rel=1e-4)
    assert in_parts >= whole


def test_an_ensemble_says_the_mean_of_what_its_networks_say(trained):
    finals = [member.final for member in trained[1].members]
    each = [probabilities([(final, 1.0)], WORD) for final in finals]
    mixed = probabilities([(finals[0], 0.25), (finals[1], 0.75)], WORD)
    np.testing.assert_allclose(mixed, 0.25 * each[0] + 0.75 * each[1], rtol=1e-5)
    assert not np.allclose(*each)
    certain = continuation([(finals[0], 0.5), (finals[1], 0.5)], WORD[:2], 12, temperature=0)
    assert certain.tolist() == np.tile(WORD, 3)[2:14].tolist()


def test_the_ensemble_is_chosen_by_what_validates(trained):
    corpus, fitted = trained
    (said,) = fitted.valid.predictions
    assert len(said) == len(corpus.valid_codes) - 1
    assert fitted.valid.metrics["nats_per_token"] == pytest.approx(-np.log(said).mean(), rel=1e-5)
    assert fitted.valid.metrics["nats_per_token"] <= fitted.best.metrics["nats_per_token"] + 1e-6
    assert sum(fitted.shares.values()) == pytest.approx(1)


def test_without_validation_every_network_has_one_voice():
    corpus = Corpus(np.tile(WORD, 40), np.zeros(0, np.int32), tokens=5, steps=5, share=0.0)
    space = Network([Embedding(4), LSTM(4)], Multinoulli(), stopping=None, batch_size=8)
    fitted = fit(corpus, plan(corpus, space, Settings(NATS, max_rounds=1, repeats=2)))
    assert fitted.shares == {0: 0.5, 1: 0.5}
    assert fitted.valid.predictions == ()


def test_metrics_are_three_views_of_one(trained):
    found = Corpus(np.zeros(50, np.int32), np.zeros(5, np.int32), 2, 5, 0.2, characters=4.0).metrics(2.0)
    assert found["perplexity"] == pytest.approx(np.exp(2.0))
    assert found["bits_per_character"] == pytest.approx(2.0 / np.log(2) / 4)


def test_what_is_written_follows_the_temperature_and_the_seed(trained):
    final, prompt = trained[1].best.final, np.array([0, 1])
    one, again, other = (continuation([(final, 1.0)], prompt, 40, temperature=3.0, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    calm = continuation([(final, 1.0)], prompt, 40, temperature=0.3)
    assert (calm == np.tile(WORD, 8)[2:42]).mean() > (one == np.tile(WORD, 8)[2:42]).mean()


def test_recurrent_layers_of_a_language_model_keep_their_memory():
    network = reading(Network([Embedding(4), LSTM(3), GRU(3, "mean"), Dense(2)], Multinoulli()))
    assert [(layer.output, layer.carry) for layer in network.layers[1:3]] == [("all", True)] * 2


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([Embedding(4), Dense(3)], "a language model needs a layer with a memory; give it a Recurrent, LSTM or GRU"),
        ([Embedding(4), LSTM(3, both=True)], "but has LSTM, which also reads backwards; leave it out"),
        ([Embedding(4), Conv(3), Recurrent(3)], "but has Conv, which looks at several steps at once; leave it out"),
        (
            [Embedding(4), GRU(3), Residual([Conv(3), ReLU()])],
            "has Conv, which looks at several steps at once; leave it out",
        ),
        (
            [Embedding(4), Conv(3, 2, stride=2, padding="causal"), GRU(3)],
            "Conv, which looks at several steps at once; leave it out",
        ),
        ([Embedding(4), GRU(3), InstanceNorm()], "InstanceNorm, which looks at several steps at once; leave it out"),
        ([Embedding(4), DropConnect(LSTM(3, both=True))], "has DropConnect, which also reads backwards; leave it out"),
        ([Embedding(4), GRU(3), GlobalMaxPool()], "GlobalMaxPool, which looks at several steps at once; leave it out"),
    ],
)
def test_layers_that_cannot_read_on_are_refused(layers, said):
    with pytest.raises(InputError, match=f"{said}(; leave it out)?$"):
        reading(Network(layers, Multinoulli()))


def test_no_token_is_seen_before_it_is_said(every_layer):
    first, last = Embedding(4, padding=False, tokens=5), LSTM(3)
    codes = np.zeros((2, 7), np.int32)

    def network(layers):
        made = complete(reading(Network([first, *layers, last], Multinoulli())), OutputSize(5))
        check_rows(made, codes, each_step=True)
        return made

    def taken(layer):
        try:
            return bool(network([Residual([Dense(20), layer])]))
        except InputError:
            return False

    kinds = {(type(layer), getattr(layer, "padding", None)): layer for layer in every_layer}
    hidden = [layer for layer in kinds.values() if not (layer.tables or layer.masks or layer.learned)]
    every = [layer for layer in (*hidden, Conv(3, padding="causal")) if taken(layer)]
    assert Conv(3, padding="causal") in every
    assert {"LSTM", "Dropout", "LayerNorm", "DropConnect", "ReLU"} <= {type(layer).__name__ for layer in every}
    assert not {"BatchNorm", "InstanceNorm", "MaxPool", "Flatten"} & {type(layer).__name__ for layer in every}
    blocks = [(Residual([Dense(20), layer]), LayerNorm()) for layer in every]  # so that none drowns the others
    whole = network([layer for block in blocks for layer in block])
    x = np.array([[0, 1, 2, 3, 4, 1, 2]], np.int32)
    both = np.concatenate([x, np.where(np.arange(7) > 3, (x + 1) % 5, x)])
    params, states = initialize(whole, 0, (7,))
    z = jax.jit(lambda x: forward(whole, params, fresh(states, 2), x, train=True).z[0])(both)
    assert np.isfinite(z).all()
    np.testing.assert_array_equal(z[0, :4], z[1, :4])
    assert not np.array_equal(z[0, 4:], z[1, 4:])


@pytest.mark.parametrize(
    "around",
    [
        lambda layer: DropConnect(layer, 0.5),
        lambda layer: Residual([layer]),
        lambda layer: Residual([Conv(3, 2, padding="causal", dilation=2), layer]),
        lambda layer: DropConnect(Conv(3, 5, padding="causal"), 0.5),
    ],
)
def test_memories_inside_other_layers_are_kept_from_row_to_row(around):
    network = complete(
        reading(Network([Embedding(4, padding=False, tokens=5), around(LSTM(4))], Multinoulli())), OutputSize(5)
    )
    x = np.array([[0, 1, 2, 3, 4, 1]], np.int32)
    params, states = initialize(network, 0, (6,))
    states = fresh(states, 1)
    whole = forward(network, params, states, x).z[0]
    first = forward(network, params, states, x[:, :3])
    second = forward(network, params, first.states, x[:, 3:])
    np.testing.assert_allclose(np.concatenate([first.z[0], second.z[0]], 1), whole, atol=1e-6)


def test_a_causal_convolution_says_which_token_comes_next():
    codes = np.tile(WORD, 400)
    corpus = Corpus(codes, codes[:60], tokens=5, steps=5, share=0.1)
    layers = [Embedding(8), Conv(16, 2, padding="causal"), ReLU()]  # two tokens tell what follows
    space = Network(layers, Multinoulli(), optimizer=Adam(0.02), batch_size=8)
    final = fit(corpus, plan(corpus, space, Settings(NATS, max_rounds=12))).best.final
    assert cost(final, corpus.test) < 0.2
    assert continuation([(final, 1.0)], np.array([0, 1]), 12, temperature=0).tolist() == np.tile(WORD, 3)[2:14].tolist()


def test_texts_that_are_too_short():
    with pytest.raises(InputError, match=r"^the text holds 20 tokens to learn from, too few for 10 steps a row; "):
        Corpus(np.zeros(20, np.int32), np.zeros(5, np.int32), 2, 10, 0.2)


def test_memory_has_a_row_for_each_row():
    states = {"lstm_1": {"memory_1": jnp.ones((1, 3))}, "batch_norm_1": {"mean": jnp.ones(3)}}
    after = jax.tree.map(np.shape, fresh(states, 5))
    assert after == {"lstm_1": {"memory_1": (5, 3)}, "batch_norm_1": {"mean": (3,)}}


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["steps", "continue"])
def test_the_end_of_the_text_is_learned_from_too(rule):
    """What follows a 3 is another token in the text that validates."""
    codes = np.r_[np.tile(WORD, 100), np.tile([0, 2, 3, 4, 1, 1], 40)].astype(np.int32)
    corpus = Corpus(codes, codes[-60:], tokens=5, steps=5, share=0.25)
    space = Network(
        [Embedding(8), LSTM(16)], Multinoulli(), optimizer=Adam(0.02), batch_size=8, stopping=EarlyStopping()
    )
    before, after = (
        fit(corpus, plan(corpus, space, Settings(NATS, max_rounds=6, round_steps=10, refit=name)))
        for name in ("none", rule)
    )
    assert before.best.refitted is None
    assert after.best.metrics == before.best.metrics
    assert after.best.refitted.finished
    assert after.best.refitted.rounds > 0
    assert cost(after.best.final, corpus.test) < cost(before.best.final, corpus.test)
    repeated = plan(corpus, space, Settings(NATS, max_rounds=6, round_steps=10, refit=rule))
    again = fit(corpus, repeated, rounds=after.rounds, widths=after.widths)
    assert cost(again.best.final, corpus.test) == cost(after.best.final, corpus.test)


@pytest.mark.slow
def test_the_probabilities_of_texts_sum_to_one():
    """Over all texts of one token, and over all that begin with one."""
    net = LanguageModel([LSTM(8)], steps=16, max_rounds=3, batch_size=4).fit("to be or not to be\n" * 60)
    every = [*net.codec_.alphabet, "\N{SNOWMAN}"]  # the last is the one code of what training never saw
    assert np.exp(net.log_density(every)).sum() == pytest.approx(1, abs=1e-5)
    (one,) = net.log_density(["b"])
    longer = net.log_density(["b" + character for character in every])
    assert np.exp(longer).sum() == pytest.approx(np.exp(one), rel=1e-4)
    assert net.log_density([""]).tolist() == [0.0]
    # what is scored is the same text without its first token
    text = "\nto be"
    assert net.log_density([text[1:]])[0] == pytest.approx((len(text) - 1) * net.score(text), rel=1e-5)
    with pytest.raises(InputError, match="log_density takes texts, a list of str; give \\[text\\] for one"):
        net.log_density("to be")
