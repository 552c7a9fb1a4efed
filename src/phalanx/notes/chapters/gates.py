"""Gates: an LSTM and a GRU keep what a plain recurrent network forgets, if their gates stand open."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import expit as sigmoid

from phalanx import GRU, LSTM, Adam, Classifier, ClipNorm, Cosine, Recurrent, Sequences, choice
from phalanx.layers import EVALUATE

ROWS = ("I5", "I6")

TEXT = r"""
Some of the past should be forgotten, and some kept. The notes multiply what is remembered by a gate $f$ between 0 and
1, and what is new by another one, $g$. That is the LSTM:

$$s_t = f_t\, s_{t-1} + g_t\, \sigma(b + U x_t + W h_{t-1}), \qquad h_t = q_t \tanh(s_t),$$

where $f$, $g$ and $q$ are sigmoids of $x_t$ and $h_{t-1}$ with weights of their own. In one line the notes print the
weights of the gate $g$ in the candidate too. That is a slip: both would be the same number, and all that could come
in would be $g^2$. The candidate is a sigmoid in notes and book, and tanh in practice; `LSTM` has both. A sigmoid can
only add: from 0 the state never falls below it.

The GRU has one state. Its update gate $u$ makes a weighted average of the old and the new:

$$h_t = u_t\, h_{t-1} + (1 - u_t)\, \sigma(b + U x_t + W (r_t \odot h_{t-1})).$$

The notes print $h_t$ inside the gates, which would then be needed to compute itself. The book (10.45 to 10.47) may
print it, since its first line takes the gates of the step before. Libraries such as PyTorch reset after the product,
$r_t \odot (W h_{t-1} + c)$. `GRU` has both, which with the same weights are different functions: here their $h$ are
up to «resets:.2f» apart. The formulas written out, against the layers, on random weights:

«source: lstm_step»

«formulas»

## A sum, or a product?

The notes end with a guess: the derivative of a product is a sum, so maybe that is why gradients do not explode. For
one step this is right:

$$\frac{\partial s_t}{\partial s_{t-1}} = f_t +
\frac{\partial s_t}{\partial h_{t-1}} \frac{\partial h_{t-1}}{\partial s_{t-1}}.$$

Here, for one state of a random LSTM, «one_step[0]:.4f» = «one_step[1]:.4f» + («one_step[2]:.4f»). But over many steps
these sums are multiplied all the same. Along the cell alone the product is $\prod f_t$. It cannot explode, since
$f \le 1$, and it lasts only where gates stay near 1: $0.99^{100}$ is «lasting:.2f», and $0.5^{100}$ is «gone:.0e».
Fresh weights give gates near $\sigma(0) = 0.5$, which is why their bias should begin above 0 (`forget_bias`, 1 unless
said otherwise):

«biases»

Through $h$ it can still explode. One unit, all gates at 0.5, and a weight of «weight:g» from $h$ to the candidate:
the sum is 0.5 + 0.25 · «weight:g» = «factor:g», and the slope of $h_n$ by $s_0$ is $0.25 \cdot «factor:g»^{n-1}$.
Through «steps» steps of the layer it is «exploded:.3e», by the formula «exploded_formula:.3e». So LSTMs are clipped
as well.

## Who remembers over «length» steps?

The first number of a row is 1 or −1, and «noise_steps» steps of noise follow. After the last one the network says
which it was. Nothing else helps, and a gradient from the end has to come all the way to the beginning. Networks with
12 units, «repeats» of each kind, are one population:

«source: population»

«remembered»

![Accuracy of each network by its kind, all rows of one length; chance is 0.5.](memory)

At the beginning of training about $\sigma(b)^n$ of the gradient arrives along the cell over $n$ steps. Over «length»
that is «arrives[0]:.0e» with bias 0, and no LSTM learned; with bias 3 it is «arrives[1]:.2f», and all learned, with
either candidate, the worst to «worst:.2f». The update gate of a GRU begins near 0.5 as well, and it fails in the same
way. The plain network begins with an orthogonal $W$, which but for tanh keeps the gradient's length; some of its
seeds succeeded.

The last column is the same population, trained on rows of 2 to «length» steps and tested on the longest. There the
lowest of all networks has «lowest_mixed:.2f»: short rows teach what to look for, and from them it carries over to
long ones. So a failure on long rows alone says what training can find, not what a network can hold.
"""

UNITS, CHANNELS, STEPS = 4, 3, 6


def compute(repeats: int = 4, rounds: int = 5, length: int = 40) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    trained = _memory(repeats, rounds, length) if repeats else {}
    return {**trained, **_formulas(), **_one_step(), **_products(), **_explosion()}


def lstm_step(
    x: np.ndarray, h: np.ndarray, s: np.ndarray, U: np.ndarray, W: np.ndarray, b: np.ndarray, candidate: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return h and s after a step; U, W and b hold g, f, q and the candidate side by side."""
    g, f, q, new = np.split(x @ U + h @ W + b, 4, axis=-1)
    s = sigmoid(f) * s + sigmoid(g) * (np.tanh(new) if candidate == "tanh" else sigmoid(new))
    return sigmoid(q) * np.tanh(s), s


def gru_step(
    x: np.ndarray, h: np.ndarray, U: np.ndarray, W: np.ndarray, b: np.ndarray, c: np.ndarray, layer: GRU
) -> np.ndarray:
    """Return h after a step; U, W and b hold r, u and the candidate side by side, c is for the reset after W."""
    (Ur, Uu, Un), (Wr, Wu, Wn), (br, bu, bn) = (np.split(a, 3, axis=-1) for a in (U, W, b))
    r, u = sigmoid(x @ Ur + h @ Wr + br), sigmoid(x @ Uu + h @ Wu + bu)
    again = (r * h) @ Wn if layer.reset == "before" else r * (h @ Wn + c)
    new = np.tanh(x @ Un + again + bn) if layer.candidate == "tanh" else sigmoid(x @ Un + again + bn)
    return u * h + (1 - u) * new


def states_of(layer: Any, params: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return h after every step of one row, (steps, units), by the layer of Phalanx."""
    given = {name: jnp.asarray(value, jnp.float32) for name, value in params.items()}
    return np.asarray(layer(given, {}, jnp.asarray(x[None], jnp.float32), EVALUATE)[0][0])


def random_params(layer: Any, seed: int = 0) -> dict[str, np.ndarray]:
    """Return random parameters of the shapes of a layer's own."""
    rng = np.random.default_rng(seed)
    shapes = layer.init(rng, (STEPS, CHANNELS))[0]
    return {name: rng.normal(0, 0.7, value.shape) for name, value in shapes.items()}


def written_out(layer: Any, params: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return h after every step by the formulas above."""
    h, s, made = np.zeros(UNITS), np.zeros(UNITS), []
    U, W, b = params["weight"], params["weight_recurrent"], params["bias"]
    for x_t in x:
        if isinstance(layer, LSTM):
            h, s = lstm_step(x_t, h, s, U, W, b, layer.candidate)
        else:
            h = gru_step(x_t, h, U, W, b, params.get("bias_recurrent", np.zeros(UNITS)), layer)
        made.append(h)
    return np.array(made)


def _formulas() -> dict[str, Any]:
    x = np.random.default_rng(1).normal(size=(STEPS, CHANNELS))
    rows, made = [], {}
    cells: list[LSTM | GRU] = [LSTM(UNITS, "all", candidate=c) for c in ("sigmoid", "tanh")]
    cells += [GRU(UNITS, "all", candidate=c, reset=r) for c in ("sigmoid", "tanh") for r in ("before", "after")]
    for layer in cells:
        params = random_params(layer)
        if isinstance(layer, GRU):
            params["bias_recurrent"] = np.zeros(UNITS)  # both places of the reset with the same weights
        h = states_of(layer, params, x)
        reset = layer.reset if isinstance(layer, GRU) else ""
        made[type(layer).__name__, layer.candidate, reset] = h
        rows.append(
            {
                "layer": type(layer).__name__,
                "candidate": layer.candidate,
                "reset": f"{reset} the product" if reset else "–",
                "apart from the formula": f"{np.abs(h - written_out(layer, params, x)).max():.0e}",
                "least h": f"{h.min():.2f}",
            }
        )
    resets = (made["GRU", "tanh", reset] for reset in ("before", "after"))
    apart = float(np.abs(np.subtract(*resets)).max())
    return {"formulas": pd.DataFrame(rows), "states": made, "row": x, "resets": apart}


def _one_step() -> dict[str, Any]:
    layer, rng = LSTM(1, "all"), np.random.default_rng(3)
    params = random_params(layer)
    x, s, q = rng.normal(size=CHANNELS), np.array([0.4]), 0.6
    U, W, b = params["weight"], params["weight_recurrent"], params["bias"]

    def after(s_before: np.ndarray, h: np.ndarray) -> float:
        return float(lstm_step(x, h, s_before, U, W, b, "tanh")[1][0])

    h, move = q * np.tanh(s), 1e-5
    whole = (after(s + move, q * np.tanh(s + move)) - after(s - move, q * np.tanh(s - move))) / (2 * move)
    through = (after(s, q * np.tanh(s + move)) - after(s, q * np.tanh(s - move))) / (2 * move)
    gate = float(sigmoid((x @ U + h @ W + b)[1]))
    return {"one_step": (whole, gate, through)}


def _products(biases: tuple[float, ...] = (0.0, 1.0, 2.0, 3.0, 5.0)) -> dict[str, Any]:
    table = pd.DataFrame(
        {
            "bias": biases,
            "gate": [f"{sigmoid(b):.4f}" for b in biases],
            "to the power 10": [f"{sigmoid(b) ** 10:.1e}" for b in biases],
            "to the power 40": [f"{sigmoid(b) ** 40:.1e}" for b in biases],
            "to the power 100": [f"{sigmoid(b) ** 100:.1e}" for b in biases],
        }
    )
    return {"lasting": 0.99**100, "gone": 0.5**100, "biases": table}


def _explosion(weight: float = 10.0, steps: int = 20) -> dict[str, Any]:
    layer = LSTM(1, "all", initial="learned")
    zero = {"weight": np.zeros((1, 4)), "bias": np.zeros(4), "initial_1": np.zeros(1), "initial_2": np.zeros(1)}
    params = {name: jnp.asarray(value, jnp.float32) for name, value in zero.items()}
    params["weight_recurrent"] = jnp.asarray([[0.0, 0.0, 0.0, weight]], jnp.float32)

    def last(state: jax.Array) -> jax.Array:
        h, _ = layer({**params, "initial_2": state}, {}, jnp.zeros((1, steps, 1), jnp.float32), EVALUATE)
        return h[0, -1, 0]

    factor = 0.5 + 0.25 * weight
    return {
        "weight": weight,
        "factor": factor,
        "steps": steps,
        "exploded": float(jax.jit(jax.grad(last))(jnp.zeros(1, jnp.float32))[0]),
        "exploded_formula": 0.25 * factor ** (steps - 1),
    }


def recall(rows: int, shortest: int, longest: int, seed: int) -> tuple[Sequences, np.ndarray]:
    """Return rows of noise whose first number is 1 or −1, and whether it is 1."""
    rng = np.random.default_rng(seed)
    told, noisy = rng.integers(0, 2, rows), []
    for one, length in zip(told, rng.integers(shortest, longest + 1, rows), strict=True):
        row = rng.normal(0, 0.5, (length, 1))
        row[0] = 2 * one - 1
        noisy.append(row)
    return Sequences(noisy), told


def population(units: int, repeats: int, rounds: int) -> Classifier:
    """Return networks of every kind: plain, LSTMs with two candidates and three biases, GRUs with two resets."""
    return Classifier(
        [
            choice(
                Recurrent(units),
                LSTM(units, forget_bias=choice(0.0, 1.0, 3.0)),
                LSTM(units, candidate="sigmoid", forget_bias=choice(0.0, 1.0, 3.0)),
                GRU(units),
                GRU(units, reset="before"),
            )
        ],
        trials=9,
        design="grid",
        repeats=repeats,
        optimizer=Adam(Cosine(0.01), clip=ClipNorm(1.0)),
        stopping=None,
        max_rounds=rounds,
        round_steps=100,
        batch_size=32,
    )


def _kind(layer: Any) -> str:
    if isinstance(layer, LSTM):
        return f"LSTM, {layer.candidate}, bias {layer.forget_bias:g}"
    return f"GRU, reset {layer.reset}" if isinstance(layer, GRU) else "plain"


def _memory(repeats: int, rounds: int, length: int) -> dict[str, Any]:
    test = recall(500, length, length, seed=2)
    scores = {}
    for shortest in (length, 2):
        net = population(12, repeats, rounds).fit(*recall(2000, shortest, length, seed=1), validation=test)
        accuracy = net.leaderboard_.set_index("id")["valid_accuracy"].astype(float)
        kinds = {
            m.id: _kind(next(la for la in m.spec.layers if isinstance(la, Recurrent | LSTM | GRU)))
            for m in net.members_
        }
        by_kind: dict[str, list[float]] = {}
        for id_, kind in kinds.items():
            by_kind.setdefault(kind, []).append(float(accuracy[id_]))
        scores[shortest] = by_kind
    long, mixed = scores[length], scores[2]
    table = pd.DataFrame(
        {
            "network": list(long),
            f"accuracy, rows of {length}": [f"{np.mean(of):.2f}" for of in long.values()],
            "lowest": [f"{min(of):.2f}" for of in long.values()],
            "highest": [f"{max(of):.2f}" for of in long.values()],
            f"trained on 2 to {length}": [f"{np.mean(mixed[kind]):.2f}" for kind in long],
        }
    )
    return {
        "repeats": repeats,
        "length": length,
        "noise_steps": length - 1,
        "remembered": table,
        "long_scores": long,
        "mixed_scores": mixed,
        "worst": min(min(of) for kind, of in long.items() if kind.endswith("bias 3")),
        "lowest_mixed": min(map(min, mixed.values())),
        "arrives": (float(sigmoid(0.0)) ** length, float(sigmoid(3.0)) ** length),
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    memory = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = memory.subplots()
    kinds = list(found["long_scores"])
    for at, kind in enumerate(kinds):
        axes.plot(found["long_scores"][kind], [at] * found["repeats"], "o", color="C0", alpha=0.6)
    axes.set(yticks=range(len(kinds)), yticklabels=kinds, xlabel="accuracy", xlim=(0.4, 1.03))
    axes.invert_yaxis()
    return {"memory": memory}
