"""Normalization of activations: over the rows of a batch, or within a row."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.layers.layer import At, Layer, Params, Reach, along_last
from phalanx.layers.spatial import zero_padding
from phalanx.parts import Knob, field, part


@part
class BatchNorm(Layer):
    """y = γ ⊙ (x − μ) / √(σ² + ε) + β, with μ and σ² of each channel over the rows and places of the batch.

    Outside training running averages stand for μ and σ², so that a row's answer does not depend on its neighbours.
    After each training step: running = momentum · running + (1 − momentum) · batch. PyTorch calls 1 − this momentum,
    and Ioffe & Szegedy keep the unbiased variance; kept here, as in Keras, is the variance that the batch was divided
    by. γ ("scale", starts at 1) and β ("shift", starts at 0) are learned, and not penalized. A bias in the layer
    before has no effect. Steps that are padding do not count.

    `momentum`: share of the running averages that a step keeps (default 0.9). `epsilon`: ε, in units of x²
    (default 1e-5).

    >>> import numpy as np
    >>> params, state = BatchNorm().init(np.random.default_rng(0), (28, 28, 8))
    >>> params["scale"].shape, state["variance"].shape
    ((8,), (8,))

    Source: book 8.7.1; Ioffe & Szegedy 2015.
    """

    momentum: Knob = field(default=0.9, at_least=0, below=1)
    epsilon: Knob = field(default=1e-5, above=0)

    @property
    def couples_rows(self) -> bool:
        return True

    @property
    def reach(self) -> Reach:
        return "row"

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        return inputs, dict.fromkeys(("scale", "shift", "mean", "variance"), (inputs,))

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        width = shape[-1:]
        return _start(width), {"mean": np.zeros(width), "variance": np.ones(width)}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        if not at.train:
            mean, variance = (along_last(state[name].astype(x.dtype), x) for name in ("mean", "variance"))
            return _scaled(params, x - mean, variance, self.epsilon), state

        def over_batch(values: jax.Array) -> jax.Array:
            axes = tuple(range(x.ndim - 1))
            if at.mask is None:
                mean = values.mean(axes)
                return mean if at.over is None else lax.pmean(mean, at.over)
            total = zero_padding(values, at.mask).sum(axes)
            count = at.mask.sum().astype(x.dtype) * math.prod(x.shape[2:-1])
            if at.over is not None:
                total, count = lax.psum((total, count), at.over)
            return total / jnp.maximum(count, 1)

        mean = over_batch(x)
        centred = x - along_last(mean, x)
        variance = over_batch(centred**2)
        batch = {"mean": mean, "variance": variance}
        moved = {
            name: self.momentum * held + (1 - self.momentum) * batch[name].astype(held.dtype)
            for name, held in state.items()
        }
        return _scaled(params, centred, along_last(variance, x), self.epsilon), moved


@part
class LayerNorm(Layer):
    """y = γ ⊙ (x − μ) / √(σ² + ε) + β, with μ and σ² over the last axis, of each row and place by itself.

    The same in training and outside it. γ ("scale", starts at 1) and β ("shift", starts at 0) are learned, one for
    each number of the last axis, and not penalized. Of an image it takes each place by itself, as Keras does;
    PyTorch's may span more axes.

    `epsilon`: ε, in units of x² (default 1e-5).
    Source: book 8.7.1; Ba et al. 2016.
    """

    epsilon: Knob = field(default=1e-5, above=0)

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        return inputs, dict.fromkeys(("scale", "shift"), (inputs,))

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        return _start(shape[-1:]), {}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        centred = x - _mean(x, at.live)
        if at.live is not None:
            centred = centred * along_last(at.live, x)
        return _scaled(params, centred, _mean(centred**2, at.live), self.epsilon), state


def _mean(x: jax.Array, live: jax.Array | None) -> jax.Array:
    """Return the mean over the last axis, of its `live` numbers; the others are 0."""
    return x.mean(-1, keepdims=True) if live is None else x.sum(-1, keepdims=True) / live.sum()


def _start(width: Any) -> Params:
    return {"scale": np.ones(width), "shift": np.zeros(width)}


def _scaled(params: Params, centred: jax.Array, variance: Any, epsilon: Any) -> jax.Array:
    scale, shift = (along_last(params[name], centred) for name in ("scale", "shift"))
    return centred * lax.rsqrt(variance + epsilon) * scale + shift
