"""First filters and Gabor functions: what a network sees first looks like what a visual cortex sees first."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.optimize import least_squares
from sklearn.datasets import load_sample_images

from phalanx import ActivityL1, Adam, Classifier, Cosine, Dense, Linear, Regressor, ReLU, Tied, choice

ROWS = ("H7",)

TEXT = r"""
The notes leave one section of the book (9.10) to be read in spare time: what convolutional networks have from the
visual cortex. Many cells of its first area answer to a bar or an edge of one direction at one place. Their weights on
an image are well described by a Gabor function, a wave under a bell:

$$w(x, y) = \alpha\, e^{-\beta_x x'^2 - \beta_y y'^2} \cos(f x' + \phi),$$

where $x'$ and $y'$ are seen from the middle $(x_0, y_0)$ of the bell, and turned by an angle $\tau$. The book adds
that the first filters of networks that learn from natural images look alike. Here this is counted.

## Patches coded by few units

«patches:,» patches of «size» × «size» pixels are cut from two photographs and whitened: «kept» components, all of the
same variance. A layer of «units» linear units codes a patch, and the same weights decode it (`Tied`). A penalty on
the code (`ActivityL1`) of weight $\alpha$ asks that few units are active. Networks with different $\alpha$ are one
population:

«source: coders»

The eight numbers of a Gabor function are fitted to each filter by least squares, from several beginnings. $R^2$ is
the part of the filter that it explains. Filters of an untrained network are fitted too, since some of pure chance can
be fitted: up to «luck:.2f», the best of «units». A filter counts where its Gabor function explains more than that.

«counts»

![Filters of the network in which most count, from the best fitted to the worst, above their Gabor functions.](filters)

So it is not learning from photographs that makes Gabor functions. Without a penalty the patches are decoded best, and
the filters are fitted no better than chance: any rotation of the code would do as well. The penalty chooses the
rotation with the fewest active units, and for photographs these units are edges and gratings, each at its place. With
$\alpha = «best_alpha:g»$ «best_count» of «units» filters count, and «best_good» are explained by more than 0.8.
Dearly bought: its patches are decoded worst.

![How well Gabor functions explain the filters of each network.](fits)

## A task that does not make them

The network before the last sees the same patches, turned by 0, 90, 180 or 270 degrees, through as many units, and is
trained to say by how much. Patches so small hardly tell («rotation:.2f» of new ones are right, and 0.25 are by
chance), and «rotation_count» of its «units» filters count. The book says that large networks with a task do come to
such filters on many photographs. With two photographs and a small network that was not found here, and nothing more
follows from it.

What was found is this: a code that explains photographs by few active units at a time is made of Gabor functions, of
which the cortex has many. It does not show that the cortex learns them in this way.
"""

WEIGHTS = (0.0, 0.1, 0.3, 0.6, 1.0, 1.5)


def compute(
    patches: int = 20_000, units: int = 64, rounds: int = 5, weights: tuple[float, ...] = WEIGHTS
) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    size = 12
    drawn, turned, turns = cut(patches, size)
    whitening = whitener(drawn)
    codes = (drawn @ whitening).astype(np.float32)
    net = coders(codes, units, rounds, weights)
    filters = {f"α = {alpha:g}": m.params["dense_1"]["weight"] for alpha, m in zip(weights, net.members_, strict=True)}
    held = patches // 5
    told = Classifier(
        [Dense(units), ReLU(), Dense(units), ReLU()],
        optimizer=Adam(Cosine(0.003)),
        scaling="none",
        stopping=None,
        max_rounds=rounds,
        round_steps=400,
        batch_size=128,
    )
    inputs = (turned @ whitening).astype(np.float32)
    told.fit(inputs[held:], turns[held:])
    filters["turns"] = told.best_.params["dense_1"]["weight"]
    filters["untrained"] = Dense(units).init(np.random.default_rng(0), (whitening.shape[1],))[0]["weight"]
    images = {name: (whitening @ held).T.reshape(-1, size, size) for name, held in filters.items()}
    fits = {name: [gabor_of(image) for image in held] for name, held in images.items()}
    explained = {name: np.array([r2 for r2, _ in held]) for name, held in fits.items()}
    luck = explained["untrained"].max()
    trained = list(filters)[: len(weights)]
    errors = [float(((codes @ filters[name] @ filters[name].T - codes) ** 2).mean()) for name in trained]
    best = max(trained, key=lambda name: (explained[name] > luck).sum())
    counts = pd.DataFrame(
        {
            "network": [*trained, "told by how much patches turn", "untrained"],
            "error of patches": [*(f"{error:.2f}" for error in errors), "", ""],
            "median R²": [f"{np.median(held):.2f}" for held in explained.values()],
            "filters that count": [f"{(held > luck).sum()} of {units}" for held in explained.values()],
            "R² above 0.8": [int((held > 0.8).sum()) for held in explained.values()],
        }
    )
    return {
        "patches": patches,
        "size": size,
        "units": units,
        "kept": whitening.shape[1],
        "explained": explained,
        "luck": float(luck),
        "counts": counts,
        "best_alpha": float(best.removeprefix("α = ")),
        "best_count": int((explained[best] > luck).sum()),
        "best_good": int((explained[best] > 0.8).sum()),
        "rotation": float((told.predict(inputs[:held]) == turns[:held]).mean()),
        "rotation_count": int((explained["turns"] > luck).sum()),
        "images": images[best],
        "functions": np.stack([function for _, function in fits[best]]),
        "whitening": whitening,
        "drawn": drawn,
    }


def cut(count: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return square patches of two photographs in gray, of mean 0; the same turned by quarters, and by how many."""
    rng = np.random.default_rng(0)
    photographs = [image.mean(axis=2) / 255 for image in load_sample_images().images]
    turns = rng.integers(0, 4, count)
    patches = []
    for _ in range(count):
        photo = photographs[rng.integers(len(photographs))]
        i, j = (rng.integers(0, side - size) for side in photo.shape)
        patches.append(photo[i : i + size, j : j + size] - photo[i : i + size, j : j + size].mean())
    turned = np.stack([np.rot90(patch, turn) for patch, turn in zip(patches, turns, strict=True)])
    return np.stack(patches).reshape(count, -1), turned.reshape(count, -1), turns


def whitener(patches: np.ndarray, kept: float = 0.95) -> np.ndarray:
    """Return the matrix to the components that hold so much of the variance, each divided by its deviation."""
    variances, axes = np.linalg.eigh(np.cov(patches.T))
    variances, axes = variances[::-1], axes[:, ::-1]
    count = int(np.searchsorted(variances.cumsum() / variances.sum(), kept)) + 1
    return axes[:, :count] / np.sqrt(variances[:count])


def coders(codes: np.ndarray, units: int, rounds: int, weights: tuple[float, ...]) -> Regressor:
    """Train autoencoders with tied weights, one for each weight of the penalty on the code."""
    net = Regressor(
        [Dense(units, bias=False), Linear()],
        regularizers=[
            ActivityL1(on=("dense_1",), alpha=choice(*weights)),
            Tied(on=("dense_1", "output"), transpose=True),
        ],
        optimizer=Adam(Cosine(0.01)),
        trials=len(weights),
        design="grid",
        scaling="none",
        stopping=None,
        max_rounds=rounds,
        round_steps=400,
        batch_size=128,
    )
    return net.fit(codes, codes)


def waves(place: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the cosine and the sine under a bell, (pixels, 2), whose sums are Gabor functions of any α and φ."""
    x0, y0, turn, frequency, bell_x, bell_y = place
    along = (x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)
    across = (y - y0) * np.cos(turn) - (x - x0) * np.sin(turn)
    bell = np.exp(-((bell_x * along) ** 2) - (bell_y * across) ** 2)
    return np.column_stack([bell * np.cos(frequency * along), bell * np.sin(frequency * along)])


def gabor_of(image: np.ndarray) -> tuple[float, np.ndarray]:
    """Return how much of an image the best Gabor function explains (R²), and that function."""
    size, flat = len(image), image.ravel()
    y, x = (axis.ravel().astype(float) for axis in np.mgrid[:size, :size])

    def nearest(place: np.ndarray) -> np.ndarray:
        basis = waves(place, x, y)
        return basis @ np.linalg.lstsq(basis, flat, rcond=None)[0]

    found, function = 0.0, np.zeros_like(flat)
    for start in _starts(image, x, y):
        limits = ([-1, -1, -10, 0.05, 0.05, 0.05], [size, size, 10, 4.5, 1.5, 1.5])
        fit = least_squares(lambda place: nearest(place) - flat, start, bounds=limits, max_nfev=50)
        explained = 1 - 2 * fit.cost / (flat @ flat)
        if explained > found:
            found, function = explained, nearest(fit.x)
    return found, function.reshape(image.shape)


def _starts(image: np.ndarray, x: np.ndarray, y: np.ndarray, grid: int = 32) -> list[list[float]]:
    """Return places to begin at: the two strongest waves of the spectrum, in the middle of what is large, two bells."""
    spectrum = np.abs(np.fft.fft2(image, (grid, grid)))[:, : grid // 2 + 1]
    frequencies = 2 * np.pi * np.fft.fftfreq(grid)
    energy = image.ravel() ** 2 / (image**2).sum()
    middle = [float(energy @ x), float(energy @ y)]
    starts = []
    for _ in range(2):
        i, j = np.unravel_index(spectrum.argmax(), spectrum.shape)
        down, right = frequencies[i], abs(frequencies[j])
        for bell in (0.15, 0.35):
            frequency = min(max(float(np.hypot(down, right)), 0.1), 4.4)
            starts.append([*middle, float(np.arctan2(down, right)), frequency, bell, bell])
        spectrum[max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3] = 0
    return starts


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    order = found["explained"][f"α = {found['best_alpha']:g}"].argsort()[::-1]
    shown = order[np.linspace(0, len(order) - 1, 9).astype(int)]
    filters = Figure(figsize=(5.5, 1.5), layout="constrained")
    for row, name in zip(filters.subplots(2, len(shown)), ("images", "functions"), strict=True):
        for axes, at in zip(row, shown, strict=True):
            axes.imshow(found[name][at], cmap="gray")
            axes.axis("off")

    fits = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = fits.subplots()
    for name, held in found["explained"].items():
        style = {"turns": ":", "untrained": "--"}.get(name, "-")
        axes.plot(np.sort(held)[::-1], style, label=name)
    axes.set(xlabel="filters, the best fitted first", ylabel="R² of the Gabor function", ylim=(0, 1.02))
    fits.legend(loc="outside upper center", fontsize="small", ncols=4)
    return {"filters": filters, "fits": fits}
