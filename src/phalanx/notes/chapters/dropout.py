"""Dropout: one network that is an ensemble of exponentially many, and what it does for the error."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import log_softmax, softmax
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_wine

from phalanx import Adam, Cosine, Dense, DropConnect, Dropout, Gaussian, Multinoulli, Network, ReLU, Tanh
from phalanx.engine import Batch, Fold, OutputSize, Trial, complete, predict, train
from phalanx.notes.intervals import interval

ROWS = ("F10",)

TEXT = r"""
Six networks that vote make a good ensemble and cost six trainings. The notes then ask for more: alter the structure
itself, remove nodes or connections, train all of what comes out in parallel with one shared backbone, and use the
aggregate. That is `Dropout` (Srivastava et al. 2014; the book: 7.12): in each step every unit is left out with
probability `rate`, by a vector of zeros and ones that is multiplied on.

## Exponentially many

A mask on $d$ units picks one of $2^d$ subnetworks. All use the same weights. Softmax regression on the «inputs» columns
of the wine data has «masks» of them in «parameters» numbers; as networks of their own they would need «apart».

Nobody can train them one by one, and nobody has to average them either. The *weight scaling rule* keeps all units and
multiplies by the share that was kept (`Dropout` divides in training instead, which is the same). The book says what
this rule computes: for softmax regression exactly the geometric mean over all masks, made to add up to 1 again. «masks»
masks can be gone through:

«source: over_masks»

«means»

The network's prediction *is* the renormalized geometric mean, up to the rounding of float32. The arithmetic mean, which
an ensemble would take, is another number.

It can be had too, by averaging over masks that are drawn (`samples=` of an estimator). The error falls with the root of
their number, as $N^{«sample_slope:.2f»}$:

![How far the average over N drawn masks is from the arithmetic mean over all, with a line of slope −½.](sampling)

## Connections

`DropConnect` leaves out single weights. A linear layer of «connect_weights» weights before the softmax (iris data) has
«connect_masks» masks. What comes out is linear in each weight, so the argument is the same: scaling and the
renormalized geometric mean differ by «connect_gap:.0e», scaling and the arithmetic mean by «connect_arithmetic:.2f».

## Behind a rectifier

Where a rectifier follows, the rule is no longer exact. A network with «deep_units» masked units and another layer of
rectifiers behind them, trained on «deep_rows» digits, has «deep_masks» subnetworks. Each of them classifies:

«deep»

![The test accuracy of each subnetwork; the line is the network with scaled weights.](subnetworks)

Here scaling differs from the geometric mean by «deep_typical:.3f» on average and by «deep_gap:.2f» at most (differences
of probabilities). It is an approximation now, though one that takes a single pass in place of «deep_masks».

## What it does

Networks with two layers of «units» rectifiers, all rates and «seeds» splits as one population. First on «source»,
«rows» training rows: a network learns whatever noise is in their targets with the rest. The error is the mean square
(of classes: the share of wrong ones); the target has variance 1:

«rates»

![Error on training rows (dotted) and on other rows by rate, with 95 % intervals over the splits.](rates)

The rate was then chosen for each split by «valid_rows» validation rows. Against rate 0 on the same splits, dropping
units changed the error on other rows by «unit_gain[0]:+.3f» ± «unit_gain[1]:.3f», dropping connections by
«weight_gain[0]:+.3f» ± «weight_gain[1]:.3f». A rate that is too high leaves subnetworks that are too small for the
task. Averaging «averaged» drawn masks in place of scaling changed it by a further «averaging[0]:+.3f» ±
«averaging[1]:.3f» at rate «averaged_rate».

Then on handwritten digits, «digit_rows» training rows. Their labels are all right, and even without dropout little is
lost: the error at rate 0 is «digit_error:.3f», and dropout with a rate chosen in the same way changed it by
«digit_gain[0]:+.3f» ± «digit_gain[1]:.3f». A regularizer can only take away what was overfitted.

To try it on your own table: `phalanx notes dropout --data table.csv --target column`.
"""

RATE = 0.5
RATES = (0.0, 0.1, 0.25, 0.4, 0.55)
SAMPLES = (4, 16, 64, 256, 1024)
UNITS, AVERAGED, AVERAGED_RATE = 64, 64, 0.4
KINDS = ("units", "connections")


def compute(
    seeds: int = 8, rounds: int = 60, rows: int = 200, data: str | None = None, target: str | None = None
) -> dict[str, Any]:
    """Return what the chapter claims, computed; `data` is a CSV whose columns of numbers tell the column `target`."""
    found: dict[str, Any] = {"seeds": seeds, "units": UNITS, "source": data or "the diabetes data"}
    found |= _softmax_regression() | _connections() | _behind_a_rectifier(rounds)
    return found | _noisy(*table(data, target), seeds, rounds, rows) | _clean(*digits(), seeds, rounds, rows)


def table(data: str | None, target: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return columns of numbers, scaled, and what is learned, numbers or codes of classes: a CSV, or the diabetes data.

    Numbers are a target that has a fraction, or more than 20 values.
    """
    frame = load_diabetes(as_frame=True).frame if data is None else pd.read_csv(data).dropna()
    name = target or frame.columns[-1]
    y = frame.pop(name)
    numbers = pd.api.types.is_numeric_dtype(y) and (y.nunique() > 20 or bool((y % 1 != 0).any()))
    learned = scaled(y.to_numpy(float)) if numbers else np.unique(y, return_inverse=True)[1].astype(np.int32)
    return scaled(frame.select_dtypes("number").to_numpy(float)), learned


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the bundled handwritten digits, pixels from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y.astype(np.int32)


def scaled(X: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and deviation 1."""
    deviation = X.std(0)
    return ((X - X.mean(0)) / np.where(deviation > 0, deviation, 1)).astype(np.float32)


def trained(layers: list[Any], x: np.ndarray, y: np.ndarray, rounds: int) -> Any:
    """Return one network that was trained on all rows."""
    network = Network(layers, Multinoulli(), optimizer=Adam(Cosine(0.005)), stopping=None, batch_size=32)
    every = np.arange(len(y))
    rows = Batch(x, (y.astype(np.int32),), np.ones(len(y), np.float32))
    whole = complete(network, OutputSize(int(y.max()) + 1))
    (member,) = train([Trial(whole, seed=0)], rows, [Fold(every, every, 0)], max_rounds=rounds).members
    return member.final


def masks(count: int) -> np.ndarray:
    """Return all masks of so many things, (2^count, count)."""
    return np.array(list(product([0, 1], repeat=count)))


def over_masks(said: Iterator[tuple[float, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the renormalized geometric and the arithmetic mean over subnetworks: the probability of each mask, and
    its logits (rows, classes).
    """
    geometric: Any = 0.0
    arithmetic: Any = 0.0
    for probability, z in said:
        geometric = geometric + probability * log_softmax(z, axis=1)
        arithmetic = arithmetic + probability * softmax(z, axis=1)
    return softmax(geometric, axis=1), arithmetic


def _chance(mask: np.ndarray) -> float:
    """Return the probability of a mask."""
    return float((1 - RATE) ** mask.sum() * RATE ** (mask.size - mask.sum()))


def _softmax_regression(rows: int = 60) -> dict[str, Any]:
    """Go through all masks on the inputs of softmax regression."""
    X, y = load_wine(return_X_y=True)
    x = scaled(X)
    final = trained([Dropout(RATE)], x, y, rounds=60)
    x = x[:: len(x) // rows][:rows]
    weight, bias = (final.params["output"][name].astype(float) for name in ("weight", "bias"))
    kept = masks(x.shape[1])
    geometric, arithmetic = over_masks((_chance(m), (x * m / (1 - RATE)) @ weight + bias) for m in kept)
    network = predict(final, x)[0].astype(float)
    distances = [float(np.sqrt(((predict(final, x, n)[0] - arithmetic) ** 2).mean())) for n in SAMPLES]
    lines = [
        ("renormalized geometric mean", np.abs(network - geometric).max()),
        ("arithmetic mean", np.abs(network - arithmetic).max()),
    ]
    numbers = weight.size + bias.size
    return {
        "inputs": x.shape[1],
        "masks": len(kept),
        "parameters": numbers,
        "apart": int((kept.sum(1) * weight.shape[1] + bias.size).sum()),
        "means": pd.DataFrame(lines, columns=["mean over all masks", "largest difference from weight scaling"]),
        "softmax_regression": (weight, bias, x, network, geometric, arithmetic),
        "distances": np.array(distances),
        "sample_slope": float(np.polyfit(np.log(SAMPLES), np.log(distances), 1)[0]),
    }


def _connections() -> dict[str, Any]:
    """Go through all masks on the weights of a linear layer before a softmax."""
    X, y = load_iris(return_X_y=True)
    x = scaled(X)
    final = trained([DropConnect(Dense(3), RATE)], x, y, rounds=40)
    inner, outer = final.params["drop_connect_1"], final.params["output"]
    x = x[::5]

    def said() -> Iterator[tuple[float, np.ndarray]]:
        for mask in masks(inner["weight"].size):
            weight = inner["weight"] * mask.reshape(inner["weight"].shape) / (1 - RATE)
            yield _chance(mask), (x @ weight + inner["bias"]) @ outer["weight"] + outer["bias"]

    geometric, arithmetic = over_masks(said())
    network = predict(final, x)[0]
    return {
        "connect_weights": inner["weight"].size,
        "connect_masks": 2 ** inner["weight"].size,
        "connect_gap": float(np.abs(network - geometric).max()),
        "connect_arithmetic": float(np.abs(network - arithmetic).max()),
    }


def _behind_a_rectifier(rounds: int, units: int = 10, rows: int = 600) -> dict[str, Any]:
    """Go through all masks on a layer that a rectifier follows."""
    x, y = digits()
    final = trained([Dense(units), Tanh(), Dropout(RATE), Dense(32), ReLU()], x[:rows], y[:rows], rounds)
    first, second, last = (final.params[name] for name in ("dense_1", "dense_2", "output"))
    hidden = np.tanh(x[rows:] @ first["weight"] + first["bias"])
    right: list[float] = []

    def said() -> Iterator[tuple[float, np.ndarray]]:
        for mask in masks(units):
            above = np.maximum((hidden * mask / (1 - RATE)) @ second["weight"] + second["bias"], 0)
            z = above @ last["weight"] + last["bias"]
            right.append(float((z.argmax(1) == y[rows:]).mean()))
            yield _chance(mask), z

    geometric, arithmetic = over_masks(said())
    network = predict(final, x[rows:])[0]
    accuracies = [("weight scaling", network), ("geometric mean", geometric), ("arithmetic mean", arithmetic)]
    lines = [(name, (p.argmax(1) == y[rows:]).mean()) for name, p in accuracies]
    lines += [("subnetworks, on average", np.mean(right)), ("the best subnetwork", np.max(right))]
    return {
        "deep_units": units,
        "deep_rows": rows,
        "deep_masks": 2**units,
        "deep": pd.DataFrame(lines, columns=["", "accuracy on other rows"]).round(4),
        "deep_gap": float(np.abs(network - geometric).max()),
        "deep_typical": float(np.abs(network - geometric).mean()),
        "subnetworks": np.array(right),
        "scaled_right": lines[0][1],
    }


def thinned(kind: str, rate: float, y: np.ndarray) -> Network:
    """Return a network of two hidden layers that loses units, or connections, in training; y is what it learns."""
    first, second = Dense(UNITS), Dense(UNITS)
    layers: list[Any] = [first, ReLU(), Dropout(rate), second, ReLU(), Dropout(rate)]
    if kind == "connections":
        layers = [DropConnect(first, rate), ReLU(), DropConnect(second, rate), ReLU()]
    numbers = y.dtype.kind == "f"
    likelihood = Gaussian() if numbers else Multinoulli()
    network = Network(layers, likelihood, optimizer=Adam(0.003), stopping=None, batch_size=25)
    return complete(network, OutputSize(1 if numbers else int(y.max()) + 1))


def rates(
    x: np.ndarray, y: np.ndarray, seeds: int, rounds: int, rows: int, kinds: Sequence[str] = KINDS
) -> dict[str, Any]:
    """Train with every rate on every split, and choose the rate on validation rows."""
    rows = min(rows, len(y) // 2)
    splits = [np.split(np.random.default_rng(s).permutation(len(y)), [rows, rows + rows // 2]) for s in range(seeds)]
    folds = [Fold(train=mine, valid=held, seed=seed) for seed, (mine, held, _) in enumerate(splits)]
    networks = [thinned(kind, rate, y) for kind in kinds for rate in RATES]
    trials = [Trial(network, seed, fold=seed) for network in networks for seed in range(seeds)]
    learned = y[:, None] if y.dtype.kind == "f" else y
    members = train(trials, Batch(x, (learned,), np.ones(len(y), np.float32)), folds, max_rounds=rounds).members

    def error(p: np.ndarray, rows: np.ndarray) -> float:
        if y.dtype.kind == "f":
            return float(((p[rows, 0] - y[rows]) ** 2).mean())
        return float((p[rows].argmax(1) != y[rows]).mean())

    said = [predict(member.final, x)[0] for member in members]
    table = np.array([[error(p, part) for part in splits[i % seeds]] for i, p in enumerate(said)])
    table = table.reshape(len(kinds), len(RATES), seeds, 3)  # kind, rate, split, part of the rows
    chosen = table[:, :, :, 1].argmin(1)  # kind, split
    test = table[:, :, :, 2]
    picked = np.take_along_axis(test, chosen[:, None], 1)[:, 0]
    at = RATES.index(AVERAGED_RATE)
    masked = [error(predict(members[at * seeds + s].final, x, AVERAGED)[0], splits[s][2]) for s in range(seeds)]
    return {
        "rows": rows,
        "table": table,
        "gains": [interval(mine - plain) for mine, plain in zip(picked, test[:, 0], strict=True)],
        "averaging": interval(np.array(masked) - test[0, at]),
    }


def _noisy(x: np.ndarray, y: np.ndarray, seeds: int, rounds: int, rows: int) -> dict[str, Any]:
    found = rates(x, y, seeds, rounds, rows)
    means = found["table"].mean(2)
    lines = [(kind, rate, *means[i, j]) for i, kind in enumerate(KINDS) for j, rate in enumerate(RATES)]
    titles = ["dropped", "rate", "error, training rows", "validation rows", "other rows"]
    return {
        "rows": found["rows"],
        "valid_rows": found["rows"] // 2,
        "rates": pd.DataFrame(lines, columns=titles).round(3),
        "rate_table": found["table"],
        "unit_gain": found["gains"][0],
        "weight_gain": found["gains"][1],
        "averaged": AVERAGED,
        "averaged_rate": AVERAGED_RATE,
        "averaging": found["averaging"],
    }


def _clean(x: np.ndarray, y: np.ndarray, seeds: int, rounds: int, rows: int) -> dict[str, Any]:
    found = rates(x, y, seeds, rounds, rows, kinds=("units",))
    return {
        "digit_rows": found["rows"],
        "digit_error": float(found["table"][0, 0, :, 2].mean()),
        "digit_gain": found["gains"][0],
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    return {"sampling": _sampling(found), "subnetworks": _subnetworks(found), "rates": _draw_rates(found)}


def _sampling(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3), layout="constrained")
    axes = figure.subplots()
    n = np.array(SAMPLES)
    axes.plot(n, found["distances"], "o", color="C0")
    axes.plot(n, found["distances"][0] * np.sqrt(n[0] / n), color="C1")
    axes.set(xscale="log", yscale="log", xlabel="masks drawn", ylabel="distance of a probability")
    return figure


def _subnetworks(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3), layout="constrained")
    axes = figure.subplots()
    axes.hist(found["subnetworks"], bins=30, color="C0", alpha=0.7)
    axes.axvline(found["scaled_right"], color="C1")
    axes.set(xlabel="accuracy on other rows", ylabel="subnetworks")
    return figure


def _draw_rates(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    for i, kind in enumerate(KINDS):
        values = [interval(each) for each in found["rate_table"][i, :, :, 2]]
        means, halves = np.array(values).T
        axes.errorbar(RATES, means, halves, capsize=3, color=f"C{i}", label=f"{kind} dropped")
        axes.plot(RATES, found["rate_table"][i, :, :, 0].mean(1), linestyle=":", color=f"C{i}")
    axes.set(xlabel="rate", ylabel="error", ylim=(0, None))
    axes.legend()
    return figure
