"""Recurrence, unrolled: one function at every step, and a gradient that is the sum over time."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from phalanx import (
    Adam,
    Classifier,
    Cosine,
    Dense,
    Flatten,
    GlobalMaxPool,
    Layer,
    Multinoulli,
    Network,
    Recurrent,
    ReLU,
    Sequences,
    choice,
)
from phalanx.engine import Batch, Noise, OutputSize, complete, cost, initialize

ROWS = ("I1", "I2", "I8")

TEXT = r"""
To say what follows $x_1, \dots, x_t$ one could have a function for each $t$: $g_1(x_1)$, $g_2(x_1, x_2)$ and so on.
The notes put one function in their place, which takes what is remembered and what comes in:

$$h_t = \tanh(W_{xh} x_t + W_{hh} h_{t-1} + b), \qquad y_t = W_{hy} h_t + c.$$

Written out step by step it is a feedforward network as deep as the sequence is long, in which every layer has the
same weights. The width of $h$ is free; that it equals that of $x$, as the notes remark, is a coincidence of their
drawing.

## Back-propagation through time

The cost of a sequence is $L = \sum_t -\log p_t$, with $p_t$ the probability of the right class at step $t$.
(`Phalanx` takes the mean over the steps, so that long rows do not count more; times «steps» it is $L$.) The notes ask
how $W_{hh}$ stays the same when each step has a gradient of its own, and answer as for convolution: give each step a
copy of the weight. Each copy is the one weight, so that

$$\frac{\partial L}{\partial W_{hh}} = \sum_t \frac{\partial L}{\partial W_{hh}^{(t)}}.$$

(The last line of the notes has this upside down.) One sequence of «steps» steps, «hidden» hidden units, and one
weight of $W_{hh}$:

«gradients»

The last row moves the shared weight by a little in both directions and asks how much $L$ changes. It is the sum, not
any one copy's gradient.

![How much each step's copy of W_hh matters to the cost: the norm of its gradient.](through_time)

## Any length, in both directions

Nothing in $f$ knows how long a row is. Networks of «units» units read rows of 5 to 15 random zeros and ones and say
at each step what the *next* one is. A network that reads from left to right cannot know it: only at the end of a row,
where the answer is 0 by agreement. One that reads in both directions (`both=True`) has seen it. On rows of «length»
steps, longer than any they trained on, of «repeats» networks each:

«directions»

By chance «chance:.4f» is expected of the first. In a sentence too, later words can matter to what an earlier one
means.

## The same input, later

If $f$ is the same at each step, the notes say, the answer does not depend on the position of an input in the
sequence. Rows of «row_length» noisy steps hold a jump up or a jump down. In training it is always among the first
«first» steps, in the test anywhere. «repeats» networks each, trained side by side:

«positions»

![Accuracy by the place of the jump; in training it stood left of the dotted line.](places)

The dense network has weights of its own for each place, and those of places never used learned nothing. (Next to the
line it is misled: the first half of a jump there looks like the second half of another.) With the maximum over the
steps' answers the recurrent network is what the notes say, but for the last places, after which no step is left for
an answer. With the answer after the last step only $f$ does not depend on the position. $h$ does: it has to carry the
answer to the end, which in training always took long. Of its networks «learned» of «repeats» were right at 9 of 10 of
the places seen; at later ones these got from «carried[0]:.2f» to «carried[1]:.2f».
"""


def compute(repeats: int = 8, rounds: int = 5) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    return {"repeats": repeats, **_directions(repeats, rounds), **_positions(repeats, rounds), **_through_time()}


def read(x: np.ndarray, copies: list[np.ndarray], weights: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return h after each step, where step t recurs by a copy of its own, `copies[t]`."""
    h, states = np.zeros(len(copies[0])), []
    for x_t, recurrent in zip(x, copies, strict=True):
        h = np.tanh(x_t @ weights["in"] + h @ recurrent + weights["bias"])
        states.append(h)
    return states


def sequence_cost(
    x: np.ndarray, classes: np.ndarray, copies: list[np.ndarray], weights: dict[str, np.ndarray]
) -> float:
    """Return the sum over steps of −log p of the right class."""
    total = 0.0
    for h, right in zip(read(x, copies, weights), classes, strict=True):
        scores = h @ weights["out"] + weights["out_bias"]
        total -= scores[right] - np.log(np.exp(scores).sum())
    return total


def slopes_by_step(
    x: np.ndarray, classes: np.ndarray, recurrent: np.ndarray, weights: dict[str, np.ndarray]
) -> list[np.ndarray]:
    """Return the gradient of the cost by each step's copy of the recurrent weight, by back-propagation through time."""
    states = read(x, [recurrent] * len(x), weights)
    slopes, of_later = [np.zeros_like(recurrent)] * len(x), np.zeros(len(recurrent))
    for t in reversed(range(len(x))):
        scores = states[t] @ weights["out"] + weights["out_bias"]
        of_scores = np.exp(scores) / np.exp(scores).sum()
        of_scores[classes[t]] -= 1
        of_h = weights["out"] @ of_scores + of_later
        of_sum = of_h * (1 - states[t] ** 2)
        before = states[t - 1] if t else np.zeros(len(recurrent))
        slopes[t] = np.outer(before, of_sum)
        of_later = recurrent @ of_sum
    return slopes


def _through_time(steps: int = 8, hidden: int = 4, inputs: int = 3, labels: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    network = complete(Network([Recurrent(hidden, "all")], Multinoulli()), OutputSize(labels))
    params, states = initialize(network, 0, (steps, inputs))
    x, classes = rng.normal(size=(steps, inputs)), rng.integers(0, labels, steps)
    batch = Batch(jnp.asarray(x[None], jnp.float32), (jnp.asarray(classes[None], jnp.int32),), jnp.ones(1))
    params["recurrent_1"]["bias"] = np.float32(rng.normal(size=hidden))

    @jax.jit
    def slope(params: Any) -> Any:
        return jax.grad(lambda p: steps * cost(network, p, states, batch, Noise({}, {}, {}))[0])(params)

    mine, output = params["recurrent_1"], params["output"]
    recurrent = np.asarray(mine["weight_recurrent"], float)
    held = {"in": mine["weight"], "bias": mine["bias"], "out": output["weight"], "out_bias": output["bias"]}
    weights = {name: np.asarray(value, float) for name, value in held.items()}
    by_step = slopes_by_step(x, classes, recurrent, weights)
    whole = np.asarray(slope(params)["recurrent_1"]["weight_recurrent"])
    moved = np.zeros_like(recurrent)
    moved[0, 1] = 1e-5
    costs = [sequence_cost(x, classes, [recurrent + sign * moved] * steps, weights) for sign in (1, -1)]
    table = pd.DataFrame(
        {
            "gradient": [
                *(f"of the copy at step {t}" for t in range(1, steps + 1)),
                "their sum",
                "Phalanx",
                "difference",
            ],
            "of one weight": [
                f"{float(value) + 0.0:.5f}"
                for value in (
                    *(copy[0, 1] for copy in by_step),
                    np.sum(by_step, axis=0)[0, 1],
                    whole[0, 1],
                    (costs[0] - costs[1]) / 2e-5,
                )
            ],
        }
    )
    return {
        "steps": steps,
        "hidden": hidden,
        "gradients": table,
        "by_step": np.stack(by_step),
        "of_phalanx": whole,
        "problem": (x, classes, recurrent, weights),
    }


def next_ones(rows: int, shortest: int, longest: int, seed: int) -> tuple[Sequences, list[np.ndarray]]:
    """Return rows of random zeros and ones, and at each step which comes next, 0 at the end."""
    rng = np.random.default_rng(seed)
    ones = [rng.integers(0, 2, steps) for steps in rng.integers(shortest, longest + 1, rows)]
    return Sequences([row[:, None].astype(float) for row in ones]), [np.append(row[1:], 0) for row in ones]


def _directions(repeats: int, rounds: int, units: int = 8, length: int = 40) -> dict[str, Any]:
    net = Classifier(
        [Recurrent(units, "all", both=choice(False, True))],
        trials=2,
        design="grid",
        repeats=repeats,
        optimizer=Adam(Cosine(0.02)),
        stopping=None,
        max_rounds=rounds,
        round_steps=60,
        batch_size=32,
    ).fit(*next_ones(400, 5, 15, seed=1), validation=next_ones(200, 5, 15, seed=2))
    longer = next_ones(200, length, length, seed=3)
    scores = np.array([member.estimator.score(*longer) for member in net.members_]).reshape(2, repeats)
    table = pd.DataFrame(
        {
            "reads": ["left to right", "in both directions"],
            "mean accuracy": scores.mean(1),
            "lowest": scores.min(1),
            "highest": scores.max(1),
        }
    )
    chance = 0.5 + 0.5 / length
    return {"units": units, "length": length, "directions": table, "chance": chance, "direction_scores": scores}


def jumps(rows: int, first: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return noisy rows with a jump among the `first` places, whether it is up, and its place."""
    rng = np.random.default_rng(seed)
    x, up, place = rng.normal(0, 0.3, (rows, length, 1)), rng.integers(0, 2, rows), rng.integers(0, first, rows)
    for row, goes_up, at in zip(x, up, place, strict=True):
        row[at : at + 2, 0] += (-1.5, 1.5) if goes_up else (1.5, -1.5)
    return x.astype(np.float32), up, place


def _positions(repeats: int, rounds: int, first: int = 8, length: int = 20) -> dict[str, Any]:
    networks: dict[str, list[Layer]] = {
        "recurrent, answers after the last step": [Recurrent(12)],
        "recurrent, maximum over the steps": [Recurrent(12, "all"), GlobalMaxPool()],
        "dense, on fixed places": [Flatten(), Dense(64), ReLU()],
    }
    x, up, place = jumps(1900, length - 1, length, seed=2)
    net = Classifier(
        [choice(*networks.values())],
        trials=len(networks),
        design="grid",
        repeats=repeats,
        optimizer=Adam(Cosine(0.02)),
        stopping=None,
        max_rounds=rounds,
        round_steps=125,
        batch_size=64,
    ).fit(*jumps(1500, first, length, seed=1)[:2], validation=(x, up))
    right = np.array([member.predict(x) == up for member in net.members_]).reshape(len(networks), repeats, -1)
    seen, later = right[:, :, place < first].mean(2), right[:, :, place >= first].mean(2)
    table = pd.DataFrame(
        {
            "network": list(networks),
            "places seen": [f"{of.mean():.3f}" for of in seen],
            "later places": [f"{of.mean():.3f}" for of in later],
            "lowest of the networks": [f"{of.min():.3f}" for of in later],
        }
    )
    return {
        "row_length": length,
        "first": first,
        "positions": table,
        "seen": seen,
        "later": later,
        "learned": int((seen[0] > 0.9).sum()),
        "carried": [float(end(later[0][seen[0] > 0.9])) for end in (np.min, np.max)],
        "by_place": {
            name: [float(of[:, place == at].mean()) for at in range(length - 1)]
            for name, of in zip(networks, right, strict=True)
        },
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    through_time = Figure(figsize=(5.5, 3.0), layout="constrained")
    axes = through_time.subplots()
    axes.bar(np.arange(1, found["steps"] + 1), np.linalg.norm(found["by_step"], axis=(1, 2)))
    axes.set(xlabel="step", ylabel="norm of the gradient by its copy")

    places = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = places.subplots()
    for name, accuracy in found["by_place"].items():
        axes.plot(np.arange(1, len(accuracy) + 1), accuracy, "o-", label=name)
    axes.axvline(found["first"] + 0.5, color="C5", linestyle=":")
    axes.set(xlabel="step at which the jump begins", ylabel="accuracy", ylim=(0, 1.05), xticks=range(1, 20, 3))
    places.legend(loc="outside upper center", fontsize="small")
    return {"through_time": through_time, "places": places}
