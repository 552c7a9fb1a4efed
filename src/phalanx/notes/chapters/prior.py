"""A convolution is a strong prior: what a dense layer would have to learn, and what pooling is blind to."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from phalanx import (
    Adam,
    AveragePool,
    Classifier,
    Conv,
    Cosine,
    Dense,
    Flatten,
    GlobalMaxPool,
    Layer,
    Maxout,
    MaxPool,
    ReLU,
    choice,
)
from phalanx.layers import EVALUATE
from phalanx.notes.chapters.convolution import matrix_of

ROWS = ("H5", "H6")


def _twice(*between: Layer) -> list[Layer]:
    return [Conv(8), ReLU(), *between, Conv(8), ReLU()]


POOLINGS = {
    "none": [*_twice(), Flatten()],
    "mean, after two convolutions": [*_twice(), AveragePool(), Flatten()],
    "maximum, after two convolutions": [*_twice(), MaxPool(), Flatten()],
    "maximum, after each": [*_twice(MaxPool()), MaxPool(), Flatten()],
    "maximum over the image": [*_twice(), GlobalMaxPool()],
}

TEXT = r"""
A prior says which weights are likely before any data are seen. It is strong where its variance is low. The notes see
a convolution as a fully connected layer under a very strong one: the weights of a unit are those of its neighbour,
moved by a place, and 0 outside a small field. The book (9.4) calls it infinitely strong, for which the notes have
"infinity norm": no amount of data moves the weights away from it.

## From a dense layer to a convolution

Let a Gaussian prior stand around the convolutions: $W = C + D$, with $C$ the matrix of any kernel of «size» weights
and each number of $D$ of variance $\sigma^2$. With noise of variance $s^2$ the most probable $W$ minimizes

$$\frac{1}{2 s^2} \sum_i \|y_i - W x_i\|^2 + \frac{1}{2 \sigma^2} \|D\|^2,$$

which is solved exactly here, from «rows» rows for a layer of «inputs» places to «outputs». As $\sigma$ shrinks, $D$
shrinks with $\sigma^2$, and $W$ becomes the convolution that fits best: at $\sigma = «smallest:.0e»$ they differ by
«apart:.0e». (A `Dense` layer that holds the matrix of a `Conv` answers as that does, to «same:.0e».)

![The error on new rows by the prior's deviation, where the truth is a convolution, and where nearly.](strength)

Where the truth is a convolution, stronger is better: the error falls from «dense_error:.2f» to «conv_error:.4f».
Where each weight of the truth is off on its own, by «off» in the mean, the infinitely strong prior errs for good, and
the best one has $\sigma = «best_sigma:.1f»$.

## Few examples

Images of «side» × «side» noisy pixels hold a short stroke somewhere, which leans right or left. One network has 8
kernels, of each of which the largest answer anywhere counts; the other is fully connected, with 64 units. Both also
see the pixels shuffled, in the same way in all images: then neighbours are no neighbours, and the prior is wrong. The
mean accuracy on new images of «repeats» networks each, and its standard deviation over them:

«few»

![Accuracy on new images by the number of images that trained.](examples)

The dense network has to learn each place by itself. It does not mind the shuffling, which takes all from the other.

## What pooling is blind to

Pooling says that it does not matter where exactly. If a row of independent answers moves by a place, all of them
change. Of the maxima over 3 neighbours «max_kept:.1%» stay as they were. Half of them should: each move involves 4
numbers, of which 2 are seen before and after, and one of the 4 is the largest. Of the means over 3 neighbours
«mean_kept:.0%» stay, but the mean square of the change falls to «mean_change:.1%» of what it was: a ninth.

Pooling need not follow each convolution. Digits of 8 × 8 pixels train «pool_repeats» networks each of five kinds.
Their accuracy on other digits, as they are and moved by a pixel to either side:

«pooled»

Without pooling, moving costs most. With the maximum over the whole image it costs least, but that pays where nothing
moves: it matters where a digit has its strokes. That prior is too strong.

## An invariance that is learned

Pooling over places is told what not to mind. A maxout unit, the largest of several linear pieces, can learn it. Two
half bars meet in the middle of a small image, each in one of four directions. Are they one straight bar? No single
linear piece can tell, as the mean image is the same for both classes. One `Maxout` unit, «maxout_repeats» networks
for each number of pieces:

«pieces»

In the best network of 4 pieces, «directions» of the 4 directions have a piece that looks along them alone. So
straight bars of all directions get answers from «straight[0]:.1f» to «straight[1]:.1f», and bent ones from
«bent[0]:.1f» to «bent[1]:.1f».

![The weights of the four pieces of that network.](learned)
"""


def compute(
    draws: int = 60,
    repeats: int = 6,
    maxout_repeats: int = 16,
    rounds: int = 4,
    counts: Sequence[int] = (20, 80, 320, 1280),
    poolings: Sequence[str] = tuple(POOLINGS),
) -> dict[str, Any]:
    """Return what the chapter claims, computed; `counts` are those of images that train, the last the largest."""
    return {
        **_few_examples(repeats, rounds, counts),  # training comes first, so that it gets all cores
        **(_pooled_digits(max(2, repeats // 2), rounds, poolings) if poolings else {}),
        **_learned(maxout_repeats, rounds),
        **_strength(draws),
        **_blind(),
    }


def most_probable(x: np.ndarray, y: np.ndarray, basis: np.ndarray, sigma: float, noise: float) -> np.ndarray:
    """Return the most probable W = C + D of rows y = W x + noise, C a sum of matrices in `basis`, D ~ N(0, σ²)."""
    outputs, inputs = basis.shape[1:]
    flat, _ = np.linalg.qr(basis.reshape(len(basis), -1).T)
    away = np.eye(outputs * inputs) - flat @ flat.T
    fit = np.kron(np.eye(outputs), x.T @ x)
    return np.linalg.solve(fit / noise**2 + away / sigma**2, (y.T @ x).ravel() / noise**2).reshape(outputs, inputs)


def convolutions(inputs: int, size: int) -> np.ndarray:
    """Return the matrices of the kernels with a single 1, of which those of all kernels are sums."""
    layer = Conv(1, size, padding="valid", bias=False)
    return np.stack([matrix_of(layer, kernel, (inputs,)) for kernel in np.eye(size)])


def _strength(draws: int, inputs: int = 10, size: int = 3, rows: int = 6, noise: float = 0.3) -> dict[str, Any]:
    rng, off = np.random.default_rng(0), 0.1
    basis, sigmas = convolutions(inputs, size).astype(float), 10 ** np.arange(-4.0, 1.5, 0.5)
    outputs = basis.shape[1]
    errors = np.zeros((2, len(sigmas)))
    distances = np.zeros(len(sigmas))
    for _ in range(draws):
        kernel, own = rng.normal(size=size), rng.normal(size=basis.shape[1:])
        x, e = rng.normal(size=(rows, inputs)), noise * rng.normal(size=(rows, outputs))
        for case, truth in enumerate((np.tensordot(kernel, basis, 1), np.tensordot(kernel, basis, 1) + off * own)):
            for at, sigma in enumerate(sigmas):
                found = most_probable(x, x @ truth.T + e, basis, sigma, noise)
                errors[case, at] += ((found - truth) ** 2).sum() / outputs / draws
                if case == 0:
                    kept = np.tensordot((found * basis).sum((1, 2)) / basis.sum((1, 2)), basis, 1)
                    distances[at] += np.linalg.norm(found - kept) / draws
    y = x @ truth.T + e
    strict = most_probable(x, y, basis, sigmas[0], noise)
    windows = np.concatenate([x @ matrix.T for matrix in basis]).reshape(size, -1).T
    best = np.tensordot(np.linalg.lstsq(windows, y.ravel(), rcond=None)[0], basis, 1)
    weight = matrix_of(Conv(1, size, padding="valid", bias=False), kernel, (inputs,))
    ask = jnp.asarray(x, jnp.float32)
    dense, _ = Dense(outputs, bias=False)({"weight": jnp.asarray(weight.T)}, {}, ask, EVALUATE)
    conv = Conv(1, size, padding="valid", bias=False)
    same, _ = conv({"weight": jnp.asarray(kernel.reshape(size, 1, 1), jnp.float32)}, {}, ask[..., None], EVALUATE)
    return {
        "inputs": inputs,
        "outputs": outputs,
        "size": size,
        "rows": rows,
        "off": off,
        "sigmas": sigmas,
        "errors": errors,
        "distances": distances,
        "smallest": sigmas[0],
        "apart": float(np.abs(strict - best).max()),
        "same": float(np.abs(np.asarray(dense) - np.asarray(same)[..., 0]).max()),
        "dense_error": errors[0, -1],
        "conv_error": errors[0, 0],
        "best_sigma": sigmas[errors[1].argmin()],
    }


def strokes(rows: int, side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of noise with a stroke of three pixels somewhere, and which way it leans."""
    rng = np.random.default_rng(seed)
    images, leans = rng.normal(0, 0.5, (rows, side, side, 1)), rng.integers(0, 2, rows)
    for image, lean, (i, j) in zip(images, leans, rng.integers(0, side - 2, (rows, 2)), strict=True):
        image[i : i + 3, j : j + 3, 0] += 1.5 * (np.eye(3) if lean else np.eye(3)[::-1])
    return images.astype(np.float32), leans


def trained(
    networks: dict[str, list[Layer]], train: Any, test: Any, repeats: int, **options: Any
) -> tuple[Any, pd.Series]:
    """Train several seeds of several networks side by side; return them, and the name of each member's network."""
    net = Classifier(
        [choice(*networks.values())],
        trials=len(networks),
        design="grid",
        repeats=repeats,
        stopping=None,
        **options,
    ).fit(*train, validation=test)
    trial = net.leaderboard_.set_index("id")["trial"].drop("ensemble").sort_index().astype(int)
    return net, trial.map(dict(enumerate(networks, start=1)))


def _few_examples(repeats: int, rounds: int, counts: Sequence[int], side: int = 8) -> dict[str, Any]:
    most, test = counts[-1], strokes(500, side, seed=1)
    everywhere: list[Layer] = [Conv(8), ReLU(), GlobalMaxPool()]
    dense: list[Layer] = [Flatten(), Dense(64), ReLU()]
    networks, rows = {"convolutional": everywhere, "dense": dense}, []
    order = np.random.default_rng(0).permutation(side**2)

    def shuffled(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1)[:, order].reshape(images.shape)

    for count, shuffle in (*((count, False) for count in counts), (most, True)):
        images, leans = strokes(count, side, seed=2)
        given = [np.concatenate([held] * (most // count)) for held in (images, leans)]  # one program for all sizes
        if shuffle:
            given[0] = shuffled(given[0])
        held = (shuffled(test[0]), test[1]) if shuffle else test
        net, name = trained(
            networks, given, held, repeats, optimizer=Adam(0.01), max_rounds=rounds, round_steps=100, batch_size=32
        )
        scores = net.leaderboard_.set_index("id")["valid_accuracy"]
        for network in networks:
            of = scores[name.index[name == network]]
            rows.append((count, "shuffled" if shuffle else "as they are", network, of.mean(), of.std()))
    found = pd.DataFrame(rows, columns=["images", "pixels", "network", "accuracy", "deviation"])
    table = found.pivot(index=["images", "pixels"], columns="network", values=["accuracy", "deviation"])
    told = pd.DataFrame(
        {
            network: [
                f"{a:.3f} ± {d:.3f}"
                for a, d in zip(table["accuracy", network], table["deviation", network], strict=True)
            ]
            for network in networks
        },
        index=table.index,
    )
    return {"side": side, "repeats": repeats, "scores": found, "few": told.reset_index()}


def _pooled(layer: Layer, x: np.ndarray) -> np.ndarray:
    made, _ = layer({}, {}, jnp.asarray(x, jnp.float32)[None, :, None], EVALUATE)
    return np.asarray(made)[0, :, 0]


def _blind(count: int = 20_000) -> dict[str, Any]:
    x = np.random.default_rng(0).normal(size=count + 1)
    before, after = x[1:], x[:-1]
    changes = {}
    for name, layer in (("max", MaxPool(3, stride=1)), ("mean", AveragePool(3, stride=1))):
        changes[name] = _pooled(layer, after) - _pooled(layer, before)
    return {
        "moved": count,
        "max_kept": (changes["max"] == 0).mean(),
        "mean_kept": (changes["mean"] == 0).mean(),
        "mean_change": (changes["mean"] ** 2).mean() / ((after - before) ** 2).mean(),
    }


def moved(images: np.ndarray, by: int) -> np.ndarray:
    """Return images moved to the right, or by less than 0 to the left, with zeros behind."""
    wide = np.pad(images, ((0, 0), (0, 0), (abs(by), abs(by)), (0, 0)))
    return wide[:, :, abs(by) - by : wide.shape[2] - abs(by) - by]


def _pooled_digits(repeats: int, rounds: int, poolings: Sequence[str]) -> dict[str, Any]:
    pixels, y = load_digits(return_X_y=True)
    images = (pixels.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[:1000], order[1000:]

    networks = {kind: POOLINGS[kind] for kind in poolings}
    net, name = trained(
        networks,
        (images[train], y[train]),
        (images[test], y[test]),
        repeats,
        optimizer=Adam(Cosine(0.01)),
        max_rounds=rounds,
        round_steps=80,
        batch_size=64,
    )
    rows = [
        {
            "pooling": name[member.id],
            "as they are": (member.predict(images[test]) == y[test]).mean(),
            "moved": np.mean([(member.predict(moved(images[test], by)) == y[test]).mean() for by in (-1, 1)]),
        }
        for member in net.members_
    ]
    scores = pd.DataFrame(rows)
    mean = scores.groupby("pooling", sort=False).mean().loc[list(networks)]
    return {"pool_repeats": repeats, "pool_scores": scores, "pooled": mean.map("{:.3f}".format).reset_index()}


MIDDLE = 4
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def halves(direction: tuple[int, int]) -> np.ndarray:
    """Return the two half bars of a direction, each an image of 9 × 9 pixels."""
    found = np.zeros((2, 9, 9))
    for step in range(1, MIDDLE + 1):
        for half, sign in zip(found, (1, -1), strict=True):
            half[MIDDLE + sign * step * direction[0], MIDDLE + sign * step * direction[1]] = 1
    return found


def bars(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of two half bars with noise, and whether they have the same direction."""
    rng = np.random.default_rng(seed)
    each = np.stack([halves(direction) for direction in DIRECTIONS])
    straight, first = rng.integers(0, 2, rows), rng.integers(0, 4, rows)
    second = np.where(straight, first, (first + rng.integers(1, 4, rows)) % 4)
    images = each[first, 0] + each[second, 1] + rng.normal(0, 0.3, (rows, 9, 9))
    return images.reshape(rows, -1).astype(np.float32), straight


def _learned(repeats: int, rounds: int) -> dict[str, Any]:
    counts = (1, 2, 4, 8)
    net, pieces = trained(
        {str(count): [Maxout(1, pieces=count)] for count in counts},
        bars(2000, seed=1),
        bars(1000, seed=2),
        repeats,
        optimizer=Adam(Cosine(0.03)),
        max_rounds=rounds,
        round_steps=300,
        batch_size=64,
        scaling="none",
    )
    scores = net.leaderboard_.set_index("id")["valid_accuracy"].drop("ensemble").astype(float)
    by = scores.groupby(pieces)
    table = pd.DataFrame({"mean accuracy": by.mean(), "lowest": by.min(), "highest": by.max()}).loc[
        list(map(str, counts))
    ]
    four = scores[pieces.index[pieces == "4"]]
    best = next(member for member in net.members_ if member.id == four.idxmax())
    weight = best.params["maxout_1"]["weight"]
    along = np.stack([halves(direction).sum(0).ravel() for direction in DIRECTIONS]) @ np.abs(weight)
    images: dict[str, list[float]] = {"straight": [], "bent": []}
    for i, one in enumerate(DIRECTIONS):
        for j, other in enumerate(DIRECTIONS):
            answer = (halves(one)[0] + halves(other)[1]).ravel() @ weight + best.params["maxout_1"]["bias"].ravel()
            images["straight" if i == j else "bent"].append(float(answer.max()))
    return {
        **{kind: (min(held), max(held)) for kind, held in images.items()},
        "maxout_repeats": repeats,
        "maxout_scores": scores.groupby(pieces).apply(list).to_dict(),
        "pieces": table.rename_axis("pieces").reset_index(),
        "directions": len(set(along.argmax(axis=0))),
        "piece_weights": weight.T.reshape(-1, 9, 9),
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    strength = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = strength.subplots()
    for error, truth in zip(found["errors"], ("a convolution", "nearly a convolution"), strict=True):
        axes.loglog(found["sigmas"], error, "o-", label=f"the truth is {truth}")
    axes.set(xlabel="standard deviation σ of the prior", ylabel="mean square error, new rows")
    axes.legend(loc="center left", fontsize="small")

    examples = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = examples.subplots()
    seen = found["scores"][found["scores"]["pixels"] == "as they are"]
    for network, of in seen.groupby("network", sort=False):
        axes.errorbar(of["images"], of["accuracy"], of["deviation"], marker="o", capsize=3, label=str(network))
    axes.set(xscale="log", xlabel="images that trained", ylabel="accuracy on new images")
    axes.legend()

    learned = Figure(figsize=(5.5, 1.7), layout="constrained")
    for axes, weight in zip(learned.subplots(1, 4), found["piece_weights"], strict=True):
        axes.imshow(weight, cmap="viridis")
        axes.axis("off")
    return {"strength": strength, "examples": examples, "learned": learned}
