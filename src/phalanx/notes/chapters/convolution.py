"""Convolution: one small kernel in the place of a matrix that is nearly all zeros."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import integrate, sparse
from sklearn.datasets import load_sample_image

from phalanx import Conv
from phalanx.layers import EVALUATE

ROWS = ("H1", "H2", "H3", "H4")

TEXT = r"""
A layer that finds edges in a photograph of «side» × «side» pixels has an answer for each pixel. If it is fully
connected, each answer has a weight for each pixel: «full_weights:,» weights, «full_gigabytes:.1f» GB. An edge is a
difference of two neighbours. So «zeros:.3%» of the weights are 0, and the other «edge_weights:,» are two numbers, −1
and 1, over and over. `Conv` keeps the two numbers.

![A part of a photograph, and the difference of each pixel and its right neighbour.](edges)

## Noisy readings of a spaceship

A position $x$ is read with noise. The notes estimate it at time $t$ by an average of the readings so far, with
weights $w$ that depend on the age $t-a$ of a reading:

$$s(t) = \int x(a)\, w(t-a)\, da, \qquad s(t) = \sum_a x(a)\, w(t-a).$$

The sum stands for the integral where readings come at intervals. For $x(a)=\sin a$ and $w(\tau)=e^{-\tau}$ the
integral at $t=«moment:.0f»$ is «integral:.4f», and half the interval about halves the error of the sum:

«sums»

Weights that sum to 1 are a probability distribution over ages. They leave $\sum w^2$ of the variance of independent
noise, but the ship moves on, and the average lags behind by the mean age. At speed $v$ and noise $\sigma$ the error
is $\sqrt{\sigma^2 \sum w^2 + v^2 \cdot \mathrm{age}^2}$. On «flights» made-up flights this is what was measured. A
mean age of «best_age:.1f» seconds was best: the error fell from «raw_error:.2f» to «best_error:.2f» kilometres.

![The error of the estimate by the mean age of the readings in it, measured and by the formula.](spaceship)

Nothing is predicted, as the notes say: with `padding="causal"` other readings afterwards change an estimate by
«leak:.0f».

## Flipped, or not

The minus in $w(t-a)$ turns the kernel around. Without it the sum is cross-correlation, which libraries call
convolution, and so does `Conv`; `flip=True` is the formula above. What becomes of a single 1 under the kernel (1, 2,
3):

«impulse»

To a network that learns its kernel the two are one: it learns it turned around. An image has two axes, a volume
three, and the parameters do not grow with it:

«shapes»

## The matrix behind it

A convolution is linear, so it is a product with a matrix, whose columns are the answers to each image with a single
1:

«source: matrix_of»

Along one axis it is a Toeplitz matrix: along a diagonal all numbers are equal. On an image whose borders are joined
it is a circulant matrix of circulant blocks, here with «per_row» numbers in each row of «matrix_size» that are not 0.

![Left: a kernel of 3 weights on 6 places. Right: 3 × 3 weights on a 5 × 5 image with joined borders.](matrices)

The notes then minimize a cost subject to some weights being the same, and call that a very complex problem, with a
question mark. It is not: put $\omega_1$ wherever $\omega_{11}, \omega_{22}, \omega_{33}, \omega_{44}$ stand. Each
$\partial \omega_{ii} / \partial \omega_1$ is 1, so that
$\partial L / \partial \omega_1 = \sum_i \partial L / \partial \omega_{ii}$. For the kernel on the left:

«gradients»

Four copies that all move by the sum stay equal: after «steps» steps they are «apart:.1g» from the layer's own kernel.

## Space against time

The notes say that the sparse matrix takes more space and less time, that a sliding window takes less space and more
time, and that most implementations choose the matrix. Both multiply the same numbers, so time is a matter of fetching
them. In NumPy and SciPy, on the machine that made this page:

«space_and_time»

The space is as the notes say. «verdict», and a stored weight comes with an index that must be fetched as well. What
libraries write out is another thing, the *patches*: each window as a row, times the kernels as columns. With its
zeros the matrix would be hopeless: for the 3 × 3 kernel it multiplies «dense_over_sparse:,.0f» times as many numbers.
"""

KERNEL = np.array([1.0, 2.0, 3.0])


@partial(jax.jit, static_argnames="layer")
def _answers(layer: Conv, weight: jax.Array, x: jax.Array) -> jax.Array:
    return layer({"weight": weight}, {}, x, EVALUATE)[0]


def answers(layer: Conv, weight: Any, x: Any) -> np.ndarray:
    """Return what a layer without bias makes of rows x, (rows, *space, inputs)."""
    return np.asarray(_answers(layer, jnp.asarray(weight, jnp.float32), jnp.asarray(x, jnp.float32)))


def on_image(layer: Conv, kernel: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return what a layer of one channel makes of an image of one channel, or a series, or a volume."""
    return answers(layer, kernel[..., None, None], image[None, ..., None])[0, ..., 0]


def matrix_of(layer: Conv, kernel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the matrix by which a layer multiplies an image: its answers to all images with a single 1."""
    ones = np.eye(math.prod(shape)).reshape(-1, *shape, 1)
    return answers(layer, kernel[..., None, None], ones).reshape(len(ones), -1).T


def sparse_matrix(kernel: np.ndarray, side: int) -> sparse.csr_array:
    """Return the matrix of a kernel on a square image with zeros around it, without its zeros."""
    down, right = ([sparse.eye_array(side, k=q - (k - 1) // 2) for q in range(k)] for k in kernel.shape)
    rows = (sum(w * shift for w, shift in zip(row, right, strict=True)) for row in kernel)
    return sum(sparse.kron(shift, row) for shift, row in zip(down, rows, strict=True)).tocsr().astype(np.float32)


def sliding(kernel: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the same by moving the kernel's weights over the image, one after the other."""
    (down, right), (rows, columns) = kernel.shape, image.shape
    around = np.pad(image, [((k - 1) // 2, k // 2) for k in kernel.shape])
    found = np.zeros_like(image)
    for i in range(down):
        for j in range(right):
            found += kernel[i, j] * around[i : i + rows, j : j + columns]
    return found


def photograph(side: int) -> np.ndarray:
    """Return a square part of a photograph, in grays from 0 to 255."""
    return load_sample_image("china.jpg")[100 : 100 + side, 180 : 180 + side].mean(axis=2)


def compute(side: int = 200, flights: int = 400) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    return {
        **_full_connections(side),
        **_integral(),
        **_spaceship(flights),
        **_flipped(side),
        **_matrices(),
        **_shared(),
        **_space_and_time(side),
    }


def _full_connections(side: int) -> dict[str, Any]:
    photo, kernel = photograph(side), np.array([[-1.0, 1.0]])
    matrix = sparse_matrix(kernel, side)
    full = side**4
    edges = on_image(Conv(1, (1, 2), bias=False), kernel, photo)
    return {
        "side": side,
        "photo": photo,
        "edges": edges,
        "full_weights": full,
        "full_gigabytes": full * 4 / 1e9,
        "edge_weights": matrix.nnz,
        "zeros": 1 - matrix.nnz / full,
        "matrix_error": np.abs(matrix @ photo.ravel() - edges.ravel()).max(),
    }


def _integral(moment: float = 4.0, memory: float = 12.0) -> dict[str, Any]:
    exact = integrate.quad(lambda a: np.sin(a) * np.exp(a - moment), moment - memory, moment)[0]
    rows = []
    for step in (0.4, 0.2, 0.1):
        age = np.arange(0, memory, step)
        readings, weights = np.sin(moment - age[::-1]), step * np.exp(-age)
        smooth = Conv(1, len(age), padding="causal", flip=True, bias=False)
        found = float(on_image(smooth, weights, readings)[-1])
        rows.append({"interval": step, "sum": found, "off by": abs(found - exact)})
    return {"moment": moment, "integral": exact, "sums": pd.DataFrame(rows)}


def forgetting(ratio: float, length: int) -> np.ndarray:
    """Return weights that fall by a ratio from each age to the next, and sum to 1."""
    weights = ratio ** np.arange(length)
    return weights / weights.sum()


def _spaceship(flights: int, seconds: int = 60, speed: float = 0.5, noise: float = 3.0) -> dict[str, Any]:
    positions = speed * np.arange(2 * seconds)
    readings = positions + np.random.default_rng(0).normal(0, noise, (flights, 2 * seconds))
    ages, measured, formula = [], [], []
    for ratio in (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93):
        weights = forgetting(ratio, seconds)
        smooth = Conv(1, seconds, padding="causal", flip=True, bias=False)
        estimates = answers(smooth, weights[:, None, None], readings[..., None])[..., 0]
        off = (estimates - positions)[:, seconds:]
        age = float(weights @ np.arange(seconds))
        ages.append(age)
        measured.append(float(np.sqrt((off**2).mean())))
        formula.append(float(np.sqrt(noise**2 * (weights**2).sum() + (speed * age) ** 2)))
    best = int(np.argmin(measured))
    later = readings[:1].copy()
    later[:, seconds:] += 100
    before, after = (answers(smooth, weights[:, None, None], x[..., None])[:, :seconds] for x in (readings[:1], later))
    return {
        "flights": flights,
        "ages": ages,
        "measured": measured,
        "formula": formula,
        "best_age": ages[best],
        "best_error": measured[best],
        "raw_error": measured[0],
        "leak": float(np.abs(after - before).max()),
    }


def _flipped(side: int) -> dict[str, Any]:
    single = np.eye(7)[2]
    plain, flipped = (Conv(1, 3, flip=flip, bias=False) for flip in (False, True))
    impulse = pd.DataFrame(
        {
            "": ["the row", "cross-correlation", "convolution"],
            **{
                f"{place + 1}": [
                    int(single[place]),
                    *(int(on_image(one, KERNEL, single)[place]) for one in (plain, flipped)),
                ]
                for place in range(7)
            },
        }
    )
    layers = {
        "Conv(1)": Conv(1),
        'Conv(1, padding="valid")': Conv(1, padding="valid"),
        "Conv(1, stride=2)": Conv(1, stride=2),
        "Conv(8)": Conv(8),
    }
    rng = np.random.default_rng(0)
    shapes = pd.DataFrame(
        {
            "layer": list(layers),
            "image": f"{side} × {side} × 1",
            "answers": [" × ".join(map(str, layer.output_shape((side, side, 1)))) for layer in layers.values()],
            "parameters": [
                sum(value.size for value in layer.init(rng, (side, side, 1))[0].values()) for layer in layers.values()
            ],
        }
    )
    return {"impulse": impulse, "shapes": shapes}


def _matrices() -> dict[str, Any]:
    toeplitz = matrix_of(Conv(1, 3, padding="valid", bias=False), KERNEL, (6,))
    kernel = np.arange(1.0, 10.0).reshape(3, 3)
    circulant = matrix_of(Conv(1, 3, padding="circular", bias=False), kernel, (5, 5))
    return {
        "toeplitz": toeplitz,
        "circulant": circulant,
        "matrix_size": len(circulant),
        "per_row": int((circulant != 0).sum(axis=1).max()),
    }


def _shared(steps: int = 20, rate: float = 0.01) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x, target = jnp.asarray(rng.normal(size=(1, 6)), jnp.float32), jnp.asarray(rng.normal(size=4), jnp.float32)
    layer = Conv(1, 3, padding="valid", bias=False)

    def loss(made: jax.Array) -> jax.Array:
        return jnp.sum((made - target) ** 2)

    def of_kernel(kernel: jax.Array) -> jax.Array:
        return loss(layer({"weight": kernel.reshape(3, 1, 1)}, {}, x[..., None], EVALUATE)[0].ravel())

    def of_copies(copies: jax.Array) -> jax.Array:
        """Return the same with a copy of the kernel at each place, (places, weights)."""
        return loss(jnp.stack([x[0, place : place + 3] @ copies[place] for place in range(4)]))

    kernel = jnp.asarray(KERNEL, jnp.float32)
    copies = jnp.tile(kernel, (4, 1))
    slope_of_copies, slope_of_kernel = jax.jit(jax.grad(of_copies)), jax.jit(jax.grad(of_kernel))
    places, shared = np.asarray(slope_of_copies(copies)), np.asarray(slope_of_kernel(kernel))
    gradients = pd.DataFrame(
        {
            "weight": ["first", "second", "third"],
            **{f"place {place + 1}": places[place].astype(float) for place in range(4)},
            "sum": places.sum(axis=0).astype(float),
            "of the layer": shared.astype(float),
        }
    )
    for _ in range(steps):
        copies = copies - rate * slope_of_copies(copies).sum(axis=0)[None]
        kernel = kernel - rate * slope_of_kernel(kernel)
    return {
        "pixels": np.asarray(x[0]),
        "aims": np.asarray(target),
        "gradients": gradients,
        "steps": steps,
        "apart": float(np.abs(copies - kernel[None]).max()),
    }


def _seconds(run: Callable[[], Any], times: int = 15) -> float:
    """Return the shortest of several runs."""

    def once() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return min(once() for _ in range(times))


def _space_and_time(side: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    image, rows = rng.normal(size=(side, side)).astype(np.float32), []
    for size in (3, 7):
        kernel = rng.normal(size=(size, size)).astype(np.float32)
        matrix = sparse_matrix(kernel, side)
        stored = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
        rows.append(
            {
                "kernel": f"{size} × {size}",
                "multiplications": f"{matrix.nnz:,}",
                "bytes of the matrix": f"{stored:,}",
                "bytes of the kernel": f"{kernel.nbytes:,}",
                "time, matrix over window": _seconds(lambda m=matrix: m @ image.ravel())  # type: ignore[misc]
                / _seconds(lambda k=kernel: sliding(k, image)),  # type: ignore[misc]
            }
        )
    table = pd.DataFrame(rows)
    slower = (table["time, matrix over window"] > 1).sum()
    said = ("So is the time here", "The time is so for one of the two kernels only", "The time is not")
    return {
        "space_and_time": table.assign(**{"time, matrix over window": [f"{r:.1f}" for r in table.iloc[:, -1]]}),
        "verdict": said[slower],
        "dense_over_sparse": side**4 / sparse_matrix(np.ones((3, 3)), side).nnz,
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    edges = Figure(figsize=(5.5, 2.9), layout="constrained")
    left, right = edges.subplots(1, 2)
    left.imshow(found["photo"], cmap="gray")
    right.imshow(np.abs(found["edges"])[:, :-1], cmap="gray", vmax=80)
    for axes in (left, right):
        axes.axis("off")

    spaceship = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = spaceship.subplots()
    axes.plot(found["ages"], found["formula"], label="formula")
    axes.plot(found["ages"], found["measured"], "o", label="measured")
    axes.set(xlabel="mean age of the readings in the average, seconds", ylabel="error, kilometres", ylim=(0, None))
    axes.legend()

    matrices = Figure(figsize=(5.5, 2.9), layout="constrained")
    for axes, name in zip(matrices.subplots(1, 2), ("toeplitz", "circulant"), strict=True):
        axes.imshow(np.where(found[name] == 0, np.nan, found[name]), cmap="viridis")
        axes.set(xlabel="pixel", ylabel="answer", xticks=[], yticks=[])
        axes.grid(False)
    return {"edges": edges, "spaceship": spaceship, "matrices": matrices}
