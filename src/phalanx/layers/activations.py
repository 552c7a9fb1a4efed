"""Activations (MAP C4). No rule tells which is best; that is why they are so easy to swap.

Where a function has a corner the derivative is a one-sided one; the docstring says which.
"""

import math
from abc import abstractmethod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.layers.dense import initial_weight
from phalanx.layers.layer import At, Layer, Params, along_last
from phalanx.layers.maximum import largest
from phalanx.layers.products import product
from phalanx.parts import Fixed, Knob, MaybeKnob, field, part


@part
class Activation(Layer):
    """Base of activations without parameters: implement `activate`."""

    @abstractmethod
    def activate(self, z: jax.Array) -> jax.Array:
        """Return g(z), of the shape of z, each number by itself."""

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        return inputs, {}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return self.activate(x), state


@part
class Linear(Activation):
    """g(z) = z.

    Source: notes C2, C4; book 6.2.2.1.
    """

    def activate(self, z: jax.Array) -> jax.Array:
        return z


@part
class ReLU(Activation):
    """g(z) = max(0, z).

    `at_zero`: which one-sided derivative stands at 0, "left" (default), 0, or "right", 1.
    Source: notes C4; book 6.3.1.
    """

    at_zero: Fixed[str] = field(default="left", choices=("left", "right"), kw_only=True)

    @property
    def bounds(self) -> tuple[float, float] | None:
        return (0.0, math.inf)

    def activate(self, z: jax.Array) -> jax.Array:
        off = z <= 0 if self.at_zero == "left" else z < 0
        return jnp.where(off, 0, z)  # not `z > 0`: NaN must come through, or no one sees a divergence


@part
class LeakyReLU(Activation):
    """g(z) = max(0, z) + slope · min(0, z).

    `slope`: default 0.01. `at_zero`: which one-sided derivative stands at 0, "left" (default), `slope`, or "right", 1.
    Source: notes C4; book 6.3.1; Maas et al. 2013.
    """

    slope: Knob = field(default=0.01)
    at_zero: Fixed[str] = field(default="left", choices=("left", "right"), kw_only=True)

    def activate(self, z: jax.Array) -> jax.Array:
        return jnp.where(z > 0 if self.at_zero == "left" else z >= 0, z, self.slope * z)


@part
class Absolute(Activation):
    """g(z) = |z|, the leaky rectifier of slope −1.

    `at_zero`: which one-sided derivative stands at 0, "left" (default), −1, or "right", 1.
    Source: notes C4; book 6.3.1; Jarrett et al. 2009.
    """

    at_zero: Fixed[str] = field(default="left", choices=("left", "right"), kw_only=True)

    def activate(self, z: jax.Array) -> jax.Array:
        return jnp.where(z > 0 if self.at_zero == "left" else z >= 0, z, -z)


@part
class PReLU(Layer):
    """g(z) = max(0, z) + α · min(0, z) with a learned α for each unit.

    `start`: initial α (default 0.25, as in the paper). α is not penalized. `at_zero`: which one-sided derivative stands
    at 0, "left" (default), α, or "right", 1.
    Source: notes C4; book 6.3.1; He et al. 2015.
    """

    start: Knob = field(default=0.25)
    at_zero: Fixed[str] = field(default="left", choices=("left", "right"), kw_only=True)

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        return inputs, {"slope": (inputs,)}

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        return {"slope": np.full(shape[-1:], self.start)}, {}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        right = x > 0 if self.at_zero == "left" else x >= 0
        return jnp.where(right, x, jnp.broadcast_to(params["slope"], x.shape) * x), state


@part
class Maxout(Layer):
    """h_i = max over j of (x W_ij + b_ij): a convex piecewise linear unit that is learned (Goodfellow et al. 2013).

    Where several pieces are largest they share the gradient, two of them equally.

    `units`: width of the output. `pieces`: affine functions a unit takes the maximum of (default 2).
    `initializer`: as for `Dense`.
    Source: notes C4, H6; book 6.3.1; Goodfellow et al. 2013.
    """

    units: Fixed[int] = field(at_least=1)
    pieces: Fixed[int] = field(default=2, at_least=1)
    initializer: Fixed[str] = field(default="he", choices=("he", "glorot"))

    @property
    def sizes(self) -> tuple[str, ...]:
        return ("units",)

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        columns = np.arange(smaller.units * self.pieces)
        return np.arange(smaller.units), {"weight": (inputs, columns), "bias": (columns,)}

    def output_shape(self, shape: Any) -> Any:
        return (*shape[:-1], self.units)

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        width = self.units * self.pieces
        weight = initial_weight(self.initializer, rng, (shape[-1], width), shape[-1], self.units)
        return {"weight": weight, "bias": np.zeros(width)}, {}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        z = product(x, params["weight"], at.precision)
        z = z + jnp.broadcast_to(params["bias"], z.shape)
        return largest(z.reshape(*z.shape[:-1], self.units, self.pieces), axis=z.ndim), state


@part
class RBF(Layer):
    """h_i = exp(−‖W_i − x‖² / σ²): active near a template W_i.

    `units`: number of templates, drawn from N(0, 1) and learned; they are centres, so they are not penalized.
    `sigma`: σ, in units of the inputs; None (default) is √(2 · inputs), the typical distance between two
    points of a standard normal, so that units are neither dead nor constant at the start.
    Source: notes C4, F6; book 6.3.3.
    """

    units: Fixed[int] = field(at_least=1)
    sigma: MaybeKnob = field(default=None, above=0)

    @property
    def bounds(self) -> tuple[float, float] | None:
        return (0.0, math.inf)

    @property
    def sizes(self) -> tuple[str, ...]:
        return ("units",)

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        units = np.arange(smaller.units)
        return units, {"centre": (units, inputs)}

    def output_shape(self, shape: Any) -> Any:
        return (*shape[:-1], self.units)

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        return {"centre": rng.normal(size=(self.units, shape[-1]))}, {}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        centre = params["centre"]
        inner = x @ centre.T
        squares = (x**2).sum(-1, keepdims=True) - 2 * inner + jnp.broadcast_to((centre**2).sum(-1), inner.shape)
        inputs = centre.shape[-1] if at.live is None else at.live.sum()
        variance = 2 * inputs if self.sigma is None else self.sigma**2
        return jnp.exp(-jnp.where(squares < 0, 0, squares) / variance), state


@part
class Softplus(Activation):
    """g(z) = ζ(z) = log(1 + e^z), computed without overflow.

    Source: notes C4, D4; book 6.3.3.
    """

    def activate(self, z: jax.Array) -> jax.Array:
        return jax.nn.softplus(z)


@part
class HardTanh(Activation):
    """g(z) = max(−1, min(1, z)), with derivative 0 at ±1.

    Source: notes C4; book 6.3.3; Collobert 2004.
    """

    @property
    def bounds(self) -> tuple[float, float] | None:
        return (-1.0, 1.0)

    def activate(self, z: jax.Array) -> jax.Array:
        return jnp.where(jnp.abs(z) < 1, z, jnp.sign(z))


@part
class Sigmoid(Activation):
    """g(z) = σ(z) = 1 / (1 + e^−z).

    Source: notes C4, D4; book 6.3.2.
    """

    @property
    def bounds(self) -> tuple[float, float] | None:
        return (0.0, 1.0)

    def activate(self, z: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(z)


@part
class Tanh(Activation):
    """g(z) = tanh z = 2σ(2z) − 1.

    Source: notes C4; book 6.3.2.
    """

    @property
    def bounds(self) -> tuple[float, float] | None:
        return (-1.0, 1.0)

    def activate(self, z: jax.Array) -> jax.Array:
        return jnp.tanh(z)


@part
class Softmax(Activation):
    """g(z)_i = e^{z_i} / Σ_j e^{z_j} over the last axis.

    Source: notes C4; book 6.2.2.3.
    """

    def activate(self, z: jax.Array) -> jax.Array:
        return jax.nn.softmax(z, axis=-1)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return self.activate(x if at.live is None else jnp.where(along_last(at.live, x) > 0, x, -jnp.inf)), state
