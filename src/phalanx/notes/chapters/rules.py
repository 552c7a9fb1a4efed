"""Rules in sequences: three times the last and five more, Fibonacci, the next word, and prices that remember."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from phalanx import GRU, Adam, ClipNorm, Conv, Cosine, LanguageModel, Layer, Recurrent, Regressor, Sequences, choice

ROWS = ("I3", "I7")

TEXT = r"""
A sequence follows $s_t = 3 s_{t-1} + 5$. How does one discover this, the notes ask. A recurrent layer without
squashing holds rules of this kind. Networks with 4 hidden units see short rows from random beginnings and learn which
number follows. Three step sizes and «repeats» seeds each are one population. A rule is read off by asking: what
follows 0 is the five, and how much more follows 1 is the three.

«affine»

The best network says $s_t = «three:.3f»\, s_{t-1} + «five:.3f»$. Rows of one number are needed for it. In longer rows
the number before the last is known from the last, and many rules fit equally well. Trained on rows of two numbers
alone, a network says $s_t = «first:.2f»\, s_{t-1} + «second:.2f»\, s_{t-2} + «rest:.2f»$. That is right on every such
sequence, «first:.2f» + «second:.2f» / 3 being «together:.2f», and it is not the rule that was meant. Fitting is not
yet discovering.

## Fibonacci

Each number is the sum of the two before it. Trained on rows of two to four numbers that begin anywhere between −3 and
3, the best network weighs the last by «fibonacci[0]:.4f» and the one before by «fibonacci[1]:.4f». From 1, 1, 2, 3 it
goes on by itself, rounded only in print:

«continued»

The first «right» are right, though nothing above «largest:.0f» was in training: a linear rule goes on beyond what was
seen.

## The cat chased the …

«sentences:,» sentences are made by chance: who does what, six equally likely pairs, and then to whom, with chances
that depend on both. A `GRU` reads word by word; each word is a vector (`Embedding`), and at the end a score for each
word is decoded from $h$. A model of pairs of words sees "the" and has to give the same answer each time.

«next_word»

The network's probabilities are wrong by at most «worst:.3f» over all six beginnings. It pays «nats:.3f» nats a token
on new sentences. No model can pay less on average than the entropy of the sentences, «entropy:.3f»; sentences of one
sample may cost a little less or more. A model of pairs pays «pairs:.3f». The word vectors, which nobody told it
about, lie near each other where words are used alike: the cosine of *fish* and *bone* is «alike[0]:.1f», of *chased*
and *ate* «alike[1]:.1f», of *fish* and *the* «alike[2]:.1f». And it goes on by itself:

> «told»

## A price and an unknown number of days

Today's price depends on today's news, yesterday's, and so on. The notes take the last two days as inputs, then learn
from experts that another number of days is needed, and ask whether one must build a model for each number. Here a
price is the sum of all past news, of which «kept:.0%» is left each next day, and noise of deviation «noise». For a
model that sees the last $n$ days (a causal `Conv` of size $n$) the least error can be computed: it misses
$\sum_{k \ge n} «kept»^{2k}$ of the news' variance. One recurrent network, and a model for each of some numbers of
days, trained together:

«price»

![The error by the number of days a model sees, and that of one recurrent network.](price_error)

The recurrent network needs no number of days. It has «recurrent_weights» parameters, the model of the most days has
«window_weights», and its error is that of the noise. (On the rows that happened to be drawn, an error may lie a
little under the least one.) Its gradients are clipped, for the reason in
[vanishing and exploding gradients](chapter:vanishing).
"""

SENTENCES: dict[tuple[str, str], dict[str, float]] = {
    ("cat", "chased"): {"mouse": 0.6, "bird": 0.3, "dog": 0.1},
    ("dog", "chased"): {"cat": 0.8, "mouse": 0.2},
    ("mouse", "chased"): {"bird": 0.9, "cat": 0.1},
    ("cat", "ate"): {"bird": 0.5, "fish": 0.5},
    ("dog", "ate"): {"bone": 0.9, "fish": 0.1},
    ("mouse", "ate"): {"cheese": 1.0},
}
"""Who does what, and the chances of to whom."""

NEWS = np.array([1.0, -0.5, 0.5])
KEPT, NOISE = 0.8, 0.5


def compute(
    repeats: int = 4, rounds: int = 10, sentences: int = 2000, days: Sequence[int] = (1, 4, 12)
) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    return {
        "repeats": repeats,
        **_affine(repeats, rounds),
        **_fibonacci(repeats, rounds),
        **_language(sentences, 2 * rounds),
        **_prices(days, repeats, rounds),
    }


def grown(rule: Callable[[np.ndarray], np.ndarray], starts: np.ndarray, steps: int) -> np.ndarray:
    """Return sequences of so many steps, (rows, steps), from their first numbers."""
    while starts.shape[1] < steps:
        starts = np.column_stack([starts, rule(starts)])
    return starts


def beginnings(
    rule: Callable[[np.ndarray], np.ndarray], shortest: int, longest: int, order: int, count: int = 600
) -> tuple[Sequences, np.ndarray]:
    """Return beginnings of random sequences, and the number that follows each."""
    rng = np.random.default_rng(0)
    whole = grown(rule, rng.uniform(-3, 3, (count, order)), longest + 1)
    lengths = rng.integers(shortest, longest + 1, count)
    rows = Sequences([row[:length, None] for row, length in zip(whole, lengths, strict=True)])
    return rows, np.array([row[length] for row, length in zip(whole, lengths, strict=True)])


def affine(s: np.ndarray) -> np.ndarray:
    """Return 3 s_(t−1) + 5."""
    return 3 * s[:, -1] + 5


def fibonacci(s: np.ndarray) -> np.ndarray:
    """Return s_(t−1) + s_(t−2)."""
    return s[:, -1] + s[:, -2]


def learned(rows: Sequences, following: np.ndarray, rate: Any, trials: int, repeats: int, rounds: int) -> Regressor:
    """Train linear recurrent networks of four hidden units on what follows each row."""
    net = Regressor(
        [Recurrent(4, activation="linear")],
        trials=trials,
        design="grid",
        repeats=repeats,
        optimizer=Adam(Cosine(rate)),
        stopping=None,
        max_rounds=rounds,
        round_steps=200,
        batch_size=32,
    )
    return net.fit(rows, following)


def follows(member: Any, *rows: Sequence[float]) -> np.ndarray:
    """Return what a member says follows each row."""
    return np.array([member.predict(Sequences([np.array(row, float)[:, None]]))[0] for row in rows])


def _affine(repeats: int, rounds: int) -> dict[str, Any]:
    rates = (0.01, 0.03, 0.1)
    net = learned(*beginnings(affine, 1, 2, 1), rate=choice(*rates), trials=3, repeats=repeats, rounds=rounds)
    read = {member.id: follows(member, [0.0], [1.0]) for member in net.members_}
    fives = np.array([zero for zero, _ in read.values()]).reshape(3, repeats)
    threes = np.array([one - zero for zero, one in read.values()]).reshape(3, repeats)
    zero, one = read[net.best_.id]
    table = pd.DataFrame(
        {
            "step size": rates,
            "the three, lowest": [f"{of.min():.3f}" for of in threes],
            "highest": [f"{of.max():.3f}" for of in threes],
            "the five, lowest": [f"{of.min():.3f}" for of in fives],
            "highest ": [f"{of.max():.3f}" for of in fives],
        }
    )
    pairs = learned(*beginnings(affine, 2, 2, 1), rate=0.01, trials=1, repeats=1, rounds=max(rounds // 2, 1))
    none, last, before = follows(pairs.best_, [0.0, 0.0], [0.0, 1.0], [1.0, 0.0])
    return {
        "affine": table,
        "three": one - zero,
        "five": zero,
        "first": last - none,
        "second": before - none,
        "rest": none,
        "together": (last - none) + (before - none) / 3,
    }


def _fibonacci(repeats: int, rounds: int, ahead: int = 20) -> dict[str, Any]:
    rows, following = beginnings(fibonacci, 2, 4, 2)
    net = learned(rows, following, rate=0.03, trials=1, repeats=repeats, rounds=rounds)
    best = net.best_
    none, last, before = follows(best, [0.0, 0.0], [0.0, 1.0], [1.0, 0.0])
    said, true = [1.0, 1.0, 2.0, 3.0], [1, 1, 2, 3]
    for _ in range(ahead):
        said.append(float(follows(best, said[-4:])[0]))
        true.append(true[-1] + true[-2])
    matches = [round(a) == b for a, b in zip(said, true, strict=True)]
    return {
        "fibonacci": (last - none, before - none),
        "continued": ", ".join(str(round(number)) for number in said[4:]),
        "said": said,
        "right": matches[4:].index(False) if False in matches[4:] else ahead,
        "largest": max(float(np.nanmax(rows.padded)), float(following.max())),
    }


def written(count: int, seed: int) -> str:
    """Return so many sentences, one a line."""
    rng, who = np.random.default_rng(seed), list(SENTENCES)
    lines = []
    for at in rng.integers(0, len(who), count):
        whom = SENTENCES[who[at]]
        lines.append(f"the {' '.join(who[at])} the {rng.choice(list(whom), p=list(whom.values()))}")
    return "\n".join(lines)


def probabilities(net: LanguageModel, before: str, words: Sequence[str]) -> np.ndarray:
    """Return the probability of each word after a text, from those of the texts with and without it."""
    known, *longer = net.log_density([before, *(f"{before} {word}" for word in words)])
    return np.exp(np.array(longer) - known)


def costs_of_pairs() -> tuple[float, float]:
    """Return the nats a token that the best model pays, and the best one that sees only the word before."""
    share = 1 / len(SENTENCES)
    following: dict[str, dict[str, float]] = {}
    exact = np.log(len(SENTENCES))
    for (who, what), whom in SENTENCES.items():
        exact -= share * sum(p * np.log(p) for p in whom.values())
        for name, p in whom.items():
            for word, after, weight in (
                ("the", who, p),
                (who, what, p),
                (what, "the", p),
                ("the", name, p),
                (name, "\n", p),
            ):
                of = following.setdefault(word, {})
                of[after] = of.get(after, 0.0) + share * weight
    by_pairs = 0.0
    for of in following.values():
        total = sum(of.values())
        by_pairs -= sum(p * np.log(p / total) for p in of.values())
    tokens = 6  # five words and the end of the line, after which "the" is certain
    return exact / tokens, by_pairs / tokens


def _language(sentences: int, rounds: int) -> dict[str, Any]:
    net = LanguageModel(
        [GRU(16)],
        tokens="words",
        steps=16,
        optimizer=Adam(Cosine(0.02)),
        stopping=None,
        max_rounds=rounds,
        batch_size=16,
        repeats=2,
    ).fit(written(sentences, seed=0))
    words = sorted({word for whom in SENTENCES.values() for word in whom})
    true = np.array([[whom.get(word, 0.0) for word in words] for whom in SENTENCES.values()])
    said = np.array([probabilities(net, f"the {' '.join(who)} the", words) for who in SENTENCES])
    exact, by_pairs = costs_of_pairs()
    after_the = true.mean(axis=0)
    for who, _ in SENTENCES:
        after_the[words.index(who)] += 1 / len(SENTENCES)
    after_the /= 2
    shown = [list(SENTENCES).index(who) for who in (("cat", "chased"), ("dog", "ate"))]
    table = pd.DataFrame({"next word": words})
    for at in shown:
        before = f"the {' '.join(list(SENTENCES)[at])} the …"
        table[before] = [f"{p:.2f}" for p in said[at]]
        table["truth" + " " * shown.index(at)] = [f"{p:.2f}" for p in true[at]]
    table["pairs, after any the"] = [f"{p:.2f}" for p in after_the]
    vectors = next(
        held["weight"] for held in net.best_.params.values() if len(held.get("weight", ())) == net.codec_.tokens
    )
    spelled = [net.codec_.decode(np.array([code])) for code in range(net.codec_.tokens)]

    def cosine(one: str, other: str) -> float:
        a, b = (vectors[spelled.index(f" {word}")] for word in (one, other))
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    return {
        "sentences": sentences,
        "next_word": table,
        "said_words": said,
        "true_words": true,
        "worst": float(np.abs(said - true).max()),
        "nats": net.evaluate(written(500, seed=1))["nats_per_token"],
        "entropy": exact,
        "pairs": by_pairs,
        "alike": [cosine("fish", "bone"), cosine("chased", "ate"), cosine("fish", "the")],
        "told": " / ".join(net.generate("the dog", 20, random_state=1).strip().split("\n")[:3]),
    }


def prices(rows: int, length: int, seed: int) -> tuple[Sequences, list[np.ndarray]]:
    """Return rows of daily news, three numbers a day, and the price of each day."""
    rng = np.random.default_rng(seed)
    news, price = rng.normal(size=(rows, length, 3)), np.zeros((rows, length))
    worth = np.zeros(rows)
    for day in range(length):
        worth = KEPT * worth + news[:, day] @ NEWS
        price[:, day] = worth + rng.normal(0, NOISE, rows)
    return Sequences(news, [length] * rows), list(price)


def least_error(days: int, length: int) -> float:
    """Return the root mean square error of the best model that sees the last `days` days, over rows from day one."""
    missed = [(NEWS @ NEWS) * sum(KEPT ** (2 * k) for k in range(days, day + 1)) for day in range(length)]
    return float(np.sqrt(NOISE**2 + np.mean(missed)))


def _prices(days: Sequence[int], repeats: int, rounds: int, length: int = 40) -> dict[str, Any]:
    windows: list[list[Layer]] = [[Conv(4, size, padding="causal")] for size in days]
    recurrent: list[Layer] = [Recurrent(4, "all", activation="linear")]
    net = Regressor(
        [choice(*windows, recurrent)],
        trials=len(days) + 1,
        design="grid",
        repeats=repeats,
        optimizer=Adam(Cosine(0.01), clip=ClipNorm(1.0)),
        stopping=None,
        max_rounds=max(rounds // 2, 1),
        round_steps=80,
        batch_size=16,
    ).fit(*prices(200, length, seed=1), validation=prices(200, length, seed=2))
    scores = net.leaderboard_.set_index("id")["valid_rmse"].astype(float)
    errors = np.array([scores[member.id] for member in net.members_]).reshape(len(days) + 1, repeats)
    least = [*(least_error(size, length) for size in days), NOISE]
    weights = [sum(a.size for held in m.params.values() for a in held.values()) for m in net.members_[::repeats]]
    table = pd.DataFrame(
        {
            "model": [*(f"the last {size} days" if size > 1 else "today" for size in days), "recurrent"],
            "parameters": weights,
            "mean error": [f"{of.mean():.3f}" for of in errors],
            "highest": [f"{of.max():.3f}" for of in errors],
            "least possible": [f"{error:.3f}" for error in least],
        }
    )
    return {
        "kept": KEPT,
        "noise": NOISE,
        "days": list(days),
        "price": table,
        "price_errors": errors,
        "least": least,
        "recurrent_weights": weights[-1],
        "window_weights": weights[-2],
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    price_error = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = price_error.subplots()
    seen = np.arange(1, max(found["days"]) + 1)
    axes.plot(seen, [least_error(size, 40) for size in seen], label="least error that n days allow")
    axes.plot(found["days"], found["price_errors"][:-1].mean(1), "o", label="a model of n days")
    axes.axhline(found["price_errors"][-1].mean(), color="C2", linestyle="--", label="one recurrent network")
    axes.set(xlabel="days n that a model sees", ylabel="error of the price", ylim=(0, None))
    axes.legend()
    return {"price_error": price_error}
