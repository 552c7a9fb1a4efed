"""What language models make of a text: its probability, token by token, and more text.

Several networks speak as one: the probability of a token is the mean of theirs, weighted by their shares.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.errors import InputError
from phalanx.model import forward, fresh
from phalanx.network import Network
from phalanx.parts import at_progress
from phalanx.population.predict import Final
from phalanx.population.stack import padded, power_of_two

Voices = Sequence[tuple[Final, float]]
"""Networks with their shares, which sum to 1."""

_LONGEST, _BLOCK = 2**15, 128  # tokens that one reader scores, and a program takes at a time


def probabilities(voices: Voices, codes: np.ndarray) -> np.ndarray:
    """Return p(token | all before it) of all tokens of a text but the first, (n − 1,) float32: the mean over networks.

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

    found = np.asarray(_read(*_ready(voices), cut(codes[at]), cut(codes[at + 1]), -(-each // _BLOCK)))
    return np.exp(found.swapaxes(0, 1).reshape(readers, -1)[real])


def nats_per_token(said: np.ndarray) -> float:
    """Return the mean of −log p over tokens whose `probabilities` are given."""
    return float(nats(said).mean())


def nats(said: np.ndarray) -> np.ndarray:
    """Return −log p; a probability that rounds to 0 counts as the smallest that single precision holds."""
    return -np.log(np.maximum(said, np.finfo(np.float32).tiny), dtype=np.float64)


def continuation(
    voices: Voices, prompt: np.ndarray, length: int, temperature: float = 1.0, seed: int = 0
) -> np.ndarray:
    """Return `length` codes that follow those of a prompt (at least one), drawn one after the other.

    p(token) ∝ p(token | before)^(1 / temperature); at temperature 0 the most probable token is taken.
    """
    if not len(prompt):
        raise InputError("a prompt needs at least one token to go on from")
    room = power_of_two(len(prompt) + length)
    given = padded(prompt.astype(np.int32), room)
    end = len(prompt) + length
    drawn = _continue(*_ready(voices), given, len(prompt), end, np.float32(temperature), np.uint32(seed))
    return np.asarray(drawn)[len(prompt) : end]


class _Reader(NamedTuple):
    """A network as the programs take it."""

    network: Network
    params: Any
    states: Any


def _ready(voices: Voices) -> tuple[tuple[_Reader, ...], jax.Array]:
    """Return what the programs take: numbers as arrays, so that others of their structure share them; log shares."""
    readers = tuple(
        _Reader(at_progress(jax.tree.map(np.float32, f.network), np.float32(f.progress)), f.params, f.states)
        for f, _ in voices
    )
    return readers, jnp.log(jnp.array([share for _, share in voices], jnp.float32))


def _fresh(readers: Sequence[_Reader], rows: int) -> tuple[Any, ...]:
    return tuple(fresh(reader.states, rows) for reader in readers)


def _say(
    readers: Sequence[_Reader], shares: jax.Array, states: Sequence[Any], x: jax.Array
) -> tuple[jax.Array, tuple[Any, ...]]:
    """Return log p of every token after each of x, (rows, steps, tokens), and the states after x."""
    passed = [forward(r.network, r.params, held, x) for r, held in zip(readers, states, strict=True)]
    each = jnp.stack([jax.nn.log_softmax(one.z[0], axis=-1) for one in passed])
    mixed = jax.nn.logsumexp(each + shares[:, None, None, None], axis=0)
    return mixed, tuple(one.states for one in passed)


@jax.jit
def _read(readers: tuple[_Reader, ...], shares: jax.Array, x: jax.Array, y: jax.Array, blocks: jax.Array) -> jax.Array:
    """Return log p of the tokens y, each (blocks, readers, steps), in the first `blocks`; 0 after them."""

    def block(i: jax.Array, carry: tuple[jax.Array, Any]) -> tuple[jax.Array, Any]:
        found, states = carry
        said, states = _say(readers, shares, states, x[i])
        return found.at[i].set(jnp.take_along_axis(said, y[i][..., None], axis=-1)[..., 0]), states

    start = jnp.zeros(x.shape, jnp.float32), _fresh(readers, x.shape[1])
    return lax.fori_loop(0, blocks, block, start)[0]


@jax.jit
def _continue(
    readers: tuple[_Reader, ...],
    shares: jax.Array,
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
        said, states = _say(readers, shares, states, codes[t].reshape(1, 1))
        said = said[0, 0]
        warm = jax.random.categorical(jax.random.fold_in(key, t), said / jnp.maximum(temperature, 1e-6))
        drawn = jnp.where(temperature > 0, warm, said.argmax()).astype(codes.dtype)
        follows = jnp.where(t + 1 < start, codes[t + 1], drawn)
        return codes.at[t + 1].set(follows), states

    return lax.fori_loop(0, end - 1, step, (given, _fresh(readers, 1)))[0]
