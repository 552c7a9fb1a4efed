"""Estimators of texts: classes of many, and the language of one."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from phalanx import LSTM, Adam, Classifier, Conv, Dense, Embedding, GlobalAveragePool, LanguageModel, Regressor, uniform
from phalanx.errors import InputError

RNG = np.random.default_rng(0)
FILLERS = ["a", "film", "about", "the", "sea", "and", "boats"]


def sentence(word):
    return " ".join(RNG.permutation([word, *RNG.choice(FILLERS, 6)]))


GOOD, BAD = ([sentence(word) for _ in range(40)] for word in ("lovely", "awful"))
TEXTS, LABELS = GOOD + BAD, ["good"] * 40 + ["bad"] * 40
LAYERS = [Embedding(8), GlobalAveragePool()]
QUICK = {"layers": LAYERS, "optimizer": Adam(0.03), "batch_size": 16, "max_rounds": 20}


@pytest.mark.parametrize("kind", [list, np.array, lambda texts: np.array(texts, object), pd.Series])
def test_texts_of_any_kind_are_classified(kind):
    net = Classifier(**QUICK).fit(kind(TEXTS), LABELS)
    assert net.classes_.tolist() == ["bad", "good"]
    assert net.predict(kind(["a lovely boat", "awful sea"])).tolist() == ["good", "bad"]
    assert net.encoder_.steps == 7


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_missing_texts_are_empty_and_missing_labels_an_error(missing):
    texts, labels = [*TEXTS[30:50], missing], ["caf\u00e9"] * 10 + ["cafe\u0301"] * 10 + ["tea"]
    net = Classifier(**(QUICK | {"max_rounds": 1, "batch_size": 4}))
    assert net.fit(texts, labels).classes_.tolist() == ["caf\u00e9", "tea"]
    assert (net.predict_proba([missing]) == net.predict_proba([""])).all()
    with pytest.raises(InputError, match="no value in row 21; leave such rows out"):
        net.fit(texts, [*labels[:-1], missing])


def test_a_number_follows_from_texts():
    net = Regressor(**QUICK).fit(TEXTS, [5.0] * 40 + [1.0] * 40)
    assert net.predict([GOOD[0], BAD[0]]) == pytest.approx([5, 1], abs=0.5)


def test_weights_count_texts():
    weight = np.ones(80)
    weight[0] = 0
    net = Classifier(**QUICK).fit(["only here", *TEXTS[1:]], LABELS, sample_weight=weight)
    assert "only" not in net.encoder_.words


def test_a_table_is_no_text_and_a_text_no_table():
    net = Classifier(**QUICK).fit(TEXTS, LABELS)
    with pytest.raises(InputError, match=r"^the model was trained on texts; give a list of str$"):
        net.predict([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"could not convert string to float|Expected 2D array"):
        Classifier([Dense(2)], max_rounds=1, stopping=None).fit([[0.0], [1.0]], [0, 1]).predict(["a"])


# Language

WORDS = "the cat sat on the mat and the dog ran to the cat. " * 80
SMALL = {"layers": [LSTM(32)], "optimizer": Adam(0.02), "steps": 16, "batch_size": 4, "max_rounds": 12}


@pytest.fixture(scope="module")
def speaker():
    return LanguageModel(**SMALL).fit(WORDS)


def test_a_text_that_repeats_itself_is_learned_by_heart(speaker):
    assert speaker.generate("the cat sat", length=21, temperature=0) == "the cat sat on the mat and the d"
    scores = speaker.evaluate(WORDS)
    assert scores["nats_per_token"] < 0.2
    assert scores["perplexity"] == pytest.approx(np.exp(scores["nats_per_token"]))
    assert scores["bits_per_character"] == pytest.approx(scores["nats_per_token"] / np.log(2))
    assert speaker.score(WORDS) == -scores["nats_per_token"]
    assert speaker.evaluate("gnihtemos esle yleritne")["nats_per_token"] > 2  # not a word of it was in the text


def test_what_is_drawn_follows_the_seed(speaker):
    drawn = [speaker.generate("the", length=60, temperature=3.0, random_state=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(text.startswith("the") and len(text) == 63 for text in drawn)


def test_the_leaderboard_ranks_members_by_nats():
    net = LanguageModel(**{**SMALL, "optimizer": Adam(uniform(1e-3, 2e-2)), "max_rounds": 2}, trials=3).fit(WORDS)
    board = net.leaderboard_
    assert board["rank"].tolist() == [1, 2, 3, 4]
    assert board["valid_nats_per_token"].is_monotonic_increasing
    assert board[board["kind"] == "member"]["id"].iloc[0] == net.best_.id
    assert board["id"][0] == "ensemble" or net.ensemble_ == {net.best_.id: 1.0}
    assert {"train_cost", "valid_cost", "round", "id"} <= set(net.curves_)


@pytest.mark.slow
def test_tokens_of_several_characters():
    net = LanguageModel(**SMALL, tokens="bpe").fit(WORDS)
    scores = net.evaluate(WORDS)
    each = len(WORDS) / len(net.codec_.encode(WORDS))
    assert each > 2
    assert scores["bits_per_character"] == pytest.approx(scores["nats_per_token"] / np.log(2) / each)
    assert net.generate("and the dog", length=5, temperature=0).startswith("and the dog ran to")


def test_parameters_reach_into_parts():
    net = clone(LanguageModel(**SMALL)).set_params(layers__lstm_1__units=5)
    assert net.get_params()["layers__lstm_1__units"] == 5
    assert net.layers == (LSTM(5),)


@pytest.mark.parametrize(
    ("options", "text", "error"),
    [
        ({}, ["a", "b"], r"^LanguageModel learns from one text, a str, not from list; join them$"),
        ({"tokens": "word"}, "abc", r"did you mean `?'?words"),
        ({}, "abc", r"^the text holds 3 tokens to learn from, too few for 16 steps a row"),
        (
            {"layers": [Dense(3)]},
            WORDS,
            r"^a language model needs a layer with a memory; give it a Recurrent, LSTM or GRU$",
        ),
        ({"layers": [Conv(3), LSTM(3)]}, WORDS, r"^a language model reads one token after the other, but has Conv"),
        ({"layers": [LSTM(3, both=True)]}, WORDS, r"^a language model reads one token after the other, but has LSTM"),
    ],
)
def test_what_cannot_be_learned_is_told(options, text, error):
    with pytest.raises(InputError, match=error):
        LanguageModel(**{**SMALL, **options}).fit(text)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"length": 0}, r"^length is 0, but must be a whole number of tokens from 1 to 10,000,000$"),
        ({"temperature": -1.0}, r"^temperature is -1.0, but must be a number at least 0$"),
        ({"random_state": -1}, r"^seed is -1, but must be a whole number from 0 to 4,294,967,295$"),
    ],
)
def test_what_cannot_be_generated_is_told(speaker, options, error):
    with pytest.raises(InputError, match=error):
        speaker.generate("the", **options)
