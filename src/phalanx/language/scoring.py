"""What a language model makes of a text: its cost, token by token, and more text."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.errors import InputError
from phalanx.model import forward, fresh
from phalanx.network import Network
from phalanx.population.predict import Final
from phalanx.population.stack import padded, power_of_two
from phalanx.spec import at_progress

_LONGEST, _BLOCK = 2**15, 128  # tokens that one reader scores, and a program takes at a time


def nats_per_token(final: Final, codes: np.ndarray) -> float:
    """Return the mean of −log p(token | all before it) over all tokens of a text but the first.

    A text of more than 2^15 tokens is read in parts of at most as many, each of which begins without context.
    """
    predicted = len(codes) - 1
    if predicted < 1:
        raise InputError("a text needs at least 2 tokens to be scored")
    readers = -(-predicted // _LONGEST)
    each = -(-predicted // readers)
    blocks = power_of_two(-(-each // _BLOCK))
    at = np.arange(readers)[:, None] * each + np.arange(blocks * _BLOCK)[None]
    real = (at < predicted) & (np.arange(blocks * _BLOCK) < each)[None]
    at = np.where(real, at, 0)

    def cut(a: np.ndarray) -> np.ndarray:
        return a.reshape(readers, blocks, _BLOCK).swapaxes(0, 1)

    total = _cost_of_reading(*_ready(final), cut(codes[at]), cut(codes[at + 1]), cut(real), -(-each // _BLOCK))
    return float(total) / predicted


def continuation(final: Final, prompt: np.ndarray, length: int, temperature: float = 1.0, seed: int = 0) -> np.ndarray:
    """Return `length` codes that follow those of a prompt (at least one), drawn one after the other.

    p(token) ∝ exp(z / temperature); at temperature 0 the most probable token is taken.
    """
    if not len(prompt):
        raise InputError("a prompt needs at least one token to go on from")
    room = power_of_two(len(prompt) + length)
    given = padded(prompt.astype(np.int32), room)
    drawn = _continue(
        *_ready(final), given, len(prompt), len(prompt) + length, np.float32(temperature), np.uint32(seed)
    )
    return np.asarray(drawn)[len(prompt) : len(prompt) + length]


def _ready(final: Final) -> tuple[Network, Any, Any]:
    """Return what the programs take of a network: numbers as arrays, so that others of its structure share them."""
    network = at_progress(jax.tree.map(np.float32, final.network), np.float32(final.progress))
    return network, final.params, final.states


@jax.jit
def _cost_of_reading(
    network: Network, params: Any, states: Any, x: jax.Array, y: jax.Array, real: jax.Array, blocks: jax.Array
) -> jax.Array:
    """Return the summed cost of the tokens y, each (blocks, readers, steps), that are real, in the first `blocks`."""

    def block(i: jax.Array, carry: tuple[jax.Array, Any]) -> tuple[jax.Array, Any]:
        total, states = carry
        passed = forward(network, params, states, x[i])
        cost = _token_costs(passed.z[0], y[i])
        return total + jnp.where(real[i], cost, 0).sum(), passed.states

    return lax.fori_loop(0, blocks, block, (jnp.zeros(()), fresh(states, x.shape[1])))[0]


def _token_costs(z: jax.Array, y: jax.Array) -> jax.Array:
    """Return −log softmax(z)_y of each token, (readers, steps)."""
    return -jnp.take_along_axis(jax.nn.log_softmax(z, axis=-1), y[..., None], axis=-1)[..., 0]


@jax.jit
def _continue(
    network: Network,
    params: Any,
    states: Any,
    given: jax.Array,
    start: jax.Array,
    end: jax.Array,
    temperature: jax.Array,
    seed: jax.Array,
) -> jax.Array:
    """Return codes of which the first `start` are given, and those up to `end` drawn."""
    key = jax.random.key(seed)

    def step(t: jax.Array, carry: tuple[jax.Array, Any]) -> tuple[jax.Array, Any]:
        codes, states = carry
        passed = forward(network, params, states, codes[t].reshape(1, 1))
        z = passed.z[0][0, 0]
        warm = jax.random.categorical(jax.random.fold_in(key, t), z / jnp.maximum(temperature, 1e-6))
        drawn = jnp.where(temperature > 0, warm, z.argmax()).astype(codes.dtype)
        follows = jnp.where(t + 1 < start, codes[t + 1], drawn)
        return codes.at[t + 1].set(follows), passed.states

    return lax.fori_loop(0, end - 1, step, (given, fresh(states, 1)))[0]
