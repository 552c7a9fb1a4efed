"""One step of a recurrent network, forward and backward, and how steps are unrolled.

Left to the compiler, back-propagation through time adds up the gradient of the recurrent weight at every step: a
product of two thin matrices each, and a sum as large as the weight. Here a cell says what one step passes back, the
slopes of all steps are kept, and the weight's gradient is one product of tall matrices after the last step: the sum
over time that MAP I2 writes.

Arrays are (steps, batch, units). A carry is a tuple of (batch, units) whose first is the hidden state h.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from phalanx.layers.layer import names_weight
from phalanx.layers.products import rounded, summed_over_rows, times, times_transposed

Carry = tuple[jax.Array, ...]


@dataclass(frozen=True)
class Cell(ABC):
    """The function of a step: what enters it is z = x W + b, of all steps at once, and the weights that recur."""

    precision: str = field(default="float32", kw_only=True)
    """Of the factors of products, see `products.product`."""

    blocks = 1
    """Columns of z for each unit."""

    states = 1
    """Arrays that a step hands to the next."""

    @abstractmethod
    def step(self, weights: Any, carry: Carry, z: jax.Array) -> tuple[Carry, Any]:
        """Return the next carry, and what `back` will want to know."""

    @abstractmethod
    def back(self, weights: Any, kept: Any, before: Carry, after: Carry, slopes: Carry) -> tuple[jax.Array, Carry]:
        """Return the slopes of z and of the carry before the step, from those of the carry after it."""

    def weight_slopes(self, kept: Any, before: Carry, dz: jax.Array) -> Any:
        """Return the gradient of the weights that recur, from the slopes of all steps."""
        return {"weight_recurrent": self.over_time(before[0], dz)}

    def times(self, h: jax.Array, weight: Any) -> jax.Array:
        return times(h, weight, self.precision)

    def times_transposed(self, slopes: jax.Array, weight: Any) -> jax.Array:
        return times_transposed(slopes, weight, self.precision)

    def over_time(self, h: jax.Array, slopes: jax.Array) -> jax.Array:
        """Return Σ_t h_tᵀ slopes_t."""
        return summed_over_rows(h, slopes, self.precision)


def _sigmoid(a: jax.Array) -> jax.Array:
    return 0.5 * jnp.tanh(0.5 * a) + 0.5


_SQUASHED = {"tanh": jnp.tanh, "sigmoid": _sigmoid, "relu": lambda a: jnp.maximum(a, 0), "linear": lambda a: a}
_SLOPES = {
    "tanh": lambda h: 1 - h * h,
    "sigmoid": lambda h: h * (1 - h),
    "relu": lambda h: (h > 0).astype(h.dtype),
    "linear": jnp.ones_like,
}
"""The derivative of each, as a function of its value."""


@dataclass(frozen=True)
class SimpleCell(Cell):
    """h' = g(z + h U)."""

    activation: str

    def step(self, weights: Any, carry: Carry, z: jax.Array) -> tuple[Carry, Any]:
        return (_SQUASHED[self.activation](z + self.times(carry[0], weights["weight_recurrent"])),), ()

    def back(self, weights: Any, kept: Any, before: Carry, after: Carry, slopes: Carry) -> tuple[jax.Array, Carry]:
        dz = slopes[0] * _SLOPES[self.activation](after[0])
        return dz, (self.times_transposed(dz, weights["weight_recurrent"]),)


@dataclass(frozen=True)
class LSTMCell(Cell):
    """s' = f s + i c, h' = o tanh(s'), with the blocks i, f, o and c of g(z + h U)."""

    candidate: str

    blocks = 4
    states = 2

    def step(self, weights: Any, carry: Carry, z: jax.Array) -> tuple[Carry, Any]:
        i, f, o, c = jnp.split(z + self.times(carry[0], weights["weight_recurrent"]), 4, axis=-1)
        i, f, o, c = _sigmoid(i), _sigmoid(f), _sigmoid(o), _SQUASHED[self.candidate](c)
        s = f * carry[1] + i * c
        squashed = jnp.tanh(s)
        return (o * squashed, s), (i, f, o, c, squashed)

    def back(self, weights: Any, kept: Any, before: Carry, after: Carry, slopes: Carry) -> tuple[jax.Array, Carry]:
        i, f, o, c, squashed = kept
        dh, ds = slopes
        ds = ds + dh * o * (1 - squashed * squashed)
        of_gates = [ds * c * i * (1 - i), ds * before[1] * f * (1 - f), dh * squashed * o * (1 - o)]
        dz = jnp.concatenate([*of_gates, ds * i * _SLOPES[self.candidate](c)], axis=-1)
        return dz, (self.times_transposed(dz, weights["weight_recurrent"]), ds * f)


@dataclass(frozen=True)
class GRUAfterCell(Cell):
    """h' = u h + (1 − u) g(z_c + r (h U_c + b_c)), with r, u = σ(z + h U): the reset after the product."""

    candidate: str

    blocks = 3

    def step(self, weights: Any, carry: Carry, z: jax.Array) -> tuple[Carry, Any]:
        h, units = carry[0], carry[0].shape[-1]
        product = self.times(h, weights["weight_recurrent"])
        gates = _sigmoid(z[:, : 2 * units] + product[:, : 2 * units])
        r, u = jnp.split(gates, 2, axis=-1)
        q = product[:, 2 * units :] + weights["bias_recurrent"][None]
        c = _SQUASHED[self.candidate](z[:, 2 * units :] + r * q)
        return (u * h + (1 - u) * c,), (gates, c, q)

    def back(self, weights: Any, kept: Any, before: Carry, after: Carry, slopes: Carry) -> tuple[jax.Array, Carry]:
        gates, c, q = kept
        r, u = jnp.split(gates, 2, axis=-1)
        dh = slopes[0]
        dc = dh * (1 - u) * _SLOPES[self.candidate](c)
        dr, du = dc * q * r * (1 - r), dh * (before[0] - c) * u * (1 - u)
        back = self.times_transposed(jnp.concatenate([dr, du, dc * r], axis=-1), weights["weight_recurrent"])
        return jnp.concatenate([dr, du, dc], axis=-1), (dh * u + back,)

    def weight_slopes(self, kept: Any, before: Carry, dz: jax.Array) -> Any:
        units = before[0].shape[-1]
        dq = dz[..., 2 * units :] * kept[0][..., :units]
        slopes = jnp.concatenate([dz[..., : 2 * units], dq], axis=-1)
        return {"weight_recurrent": self.over_time(before[0], slopes), "bias_recurrent": dq.sum((0, 1))}


@dataclass(frozen=True)
class GRUBeforeCell(Cell):
    """h' = u h + (1 − u) g(z_c + (r h) U_c), with r, u = σ(z + h U): the reset before the product."""

    candidate: str

    blocks = 3

    def step(self, weights: Any, carry: Carry, z: jax.Array) -> tuple[Carry, Any]:
        h, units = carry[0], carry[0].shape[-1]
        of_gates, of_candidate = self._parts(weights)
        gates = _sigmoid(z[:, : 2 * units] + self.times(h, of_gates))
        r, u = jnp.split(gates, 2, axis=-1)
        c = _SQUASHED[self.candidate](z[:, 2 * units :] + self.times(r * h, of_candidate))
        return (u * h + (1 - u) * c,), (gates, c)

    def back(self, weights: Any, kept: Any, before: Carry, after: Carry, slopes: Carry) -> tuple[jax.Array, Carry]:
        gates, c = kept
        of_gates, of_candidate = self._parts(weights)
        r, u = jnp.split(gates, 2, axis=-1)
        h, dh = before[0], slopes[0]
        dc = dh * (1 - u) * _SLOPES[self.candidate](c)
        reset = self.times_transposed(dc, of_candidate)
        dgates = jnp.concatenate([reset * h * r * (1 - r), dh * (h - c) * u * (1 - u)], axis=-1)
        return jnp.concatenate([dgates, dc], axis=-1), (dh * u + reset * r + self.times_transposed(dgates, of_gates),)

    def weight_slopes(self, kept: Any, before: Carry, dz: jax.Array) -> Any:
        h, units = before[0], before[0].shape[-1]
        of_gates = self.over_time(h, dz[..., : 2 * units])
        of_candidate = self.over_time(kept[0][..., :units] * h, dz[..., 2 * units :])
        return {"weight_recurrent": jnp.concatenate([of_gates, of_candidate], axis=-1)}

    def _parts(self, weights: Any) -> tuple[jax.Array, jax.Array]:
        weight = weights["weight_recurrent"]
        return weight[:, : 2 * len(weight)], weight[:, 2 * len(weight) :]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def unroll(
    cell: Cell, reverse: bool, z: jax.Array, weights: Any, start: Carry, mask: jax.Array | None
) -> tuple[jax.Array, Carry]:
    """Return the hidden state after every step, (steps, batch, units), and the carry after the last.

    `z`: (steps, batch, blocks · units). With `reverse` the last step comes first. Where `mask`, (steps, batch, 1),
    is False, a step does not happen; from the step on after which it is False for all rows, nothing is computed.
    """
    ending, carries, _ = _forward(cell, reverse, z, weights, start, mask)
    return carries[0], ending


def _forward(
    cell: Cell, reverse: bool, z: jax.Array, weights: Any, start: Carry, mask: jax.Array | None
) -> tuple[Carry, Carry, Any]:
    """Return the carry after the last step, those after every step, and what the steps keep."""
    weights = _ready(cell, weights)

    def step(carry: Carry, at: Any) -> tuple[Carry, Any]:
        entering, real = at
        after, kept = cell.step(weights, carry, entering)
        if real is not None:
            after = tuple(jnp.where(real, new, old) for new, old in zip(after, carry, strict=True))
        return after, (after, kept)

    ending, (carries, kept) = _walk(step, start, (z, mask), mask, reverse)
    return ending, carries, kept


def _ready(cell: Cell, weights: Any) -> Any:
    """Return the weights as the cell multiplies them, so that they are rounded once and not at every step."""
    return {name: rounded(w, cell.precision) if names_weight(name) else w for name, w in weights.items()}


def _walk(
    step: Callable[[Carry, Any], tuple[Carry, Any]], start: Carry, along: Any, mask: jax.Array | None, reverse: bool
) -> tuple[Carry, Any]:
    """Scan over steps, but only as many as the longest row has; what the others would give is 0."""
    if mask is None:
        return lax.scan(step, start, along, reverse=reverse)
    steps, count = len(mask), _longest(mask)

    def at(t: jax.Array) -> Any:
        return jax.tree.map(lambda a: a[t], along)

    shapes = jax.eval_shape(lambda: step(start, at(jnp.zeros((), count.dtype)))[1])
    room = jax.tree.map(lambda shape: jnp.zeros((steps, *shape.shape), shape.dtype), shapes)

    def body(i: jax.Array, so_far: tuple[Carry, Any]) -> tuple[Carry, Any]:
        t = count - 1 - i if reverse else i
        carry, given = step(so_far[0], at(t))
        return carry, jax.tree.map(lambda whole, one: whole.at[t].set(one), so_far[1], given)

    return lax.fori_loop(0, count, body, (start, room))


def _longest(mask: jax.Array) -> jax.Array:
    """Return how many steps the longest row has."""
    return jnp.where(mask.any((1, 2)), jnp.arange(1, len(mask) + 1), 0).max()


def _unroll_forward(
    cell: Cell, reverse: bool, z: jax.Array, weights: Any, start: Carry, mask: jax.Array | None
) -> tuple[Any, Any]:
    ending, carries, kept = _forward(cell, reverse, z, weights, start, mask)
    return (carries[0], ending), (weights, start, mask, carries, kept)


def _unroll_backward(cell: Cell, reverse: bool, known: Any, gradients: Any) -> tuple[Any, Any, Any, None]:
    weights, start, mask, carries, kept = known
    weights = _ready(cell, weights)
    outside, ending = gradients

    def shifted(first: jax.Array, states: jax.Array) -> jax.Array:
        """Return the states before every step; before a step that no row has it is the first."""
        if mask is not None:
            states = jnp.where((jnp.arange(len(mask)) < _longest(mask)).reshape(-1, 1, 1), states, first[None])
        pieces = [states[1:], first[None]] if reverse else [first[None], states[:-1]]
        return jnp.concatenate(pieces)

    before = tuple(shifted(first, states) for first, states in zip(start, carries, strict=True))

    def step(slopes: Carry, at: Any) -> tuple[Carry, jax.Array]:
        from_outside, kept, before, after, real = at
        slopes = (slopes[0] + from_outside, *slopes[1:])
        dz, earlier = cell.back(weights, kept, before, after, slopes)
        if real is not None:
            dz = jnp.where(real, dz, 0)
            earlier = tuple(jnp.where(real, new, old) for new, old in zip(earlier, slopes, strict=True))
        return earlier, dz

    first, dz = _walk(step, ending, (outside, kept, before, carries, mask), mask, not reverse)
    return dz, cell.weight_slopes(kept, before, dz), first, None


unroll.defvjp(_unroll_forward, _unroll_backward)
