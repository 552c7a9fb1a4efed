"""Random bytes: each a function of the member's seed, its step, the row, the layer and the place in the row.

So they do not depend on how many other layers there are, or how wide: a network that is padded to the size of another
meets the noise that it would meet alone. The bytes of many steps are drawn in one operation, four of them in each
random word (Threefry, Salmon et al. 2011).
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import threefry2x32_p

from phalanx.blueprint import Blueprint, Noise

STEPS = 16
"""Steps whose random bytes are drawn in one operation."""

_BYTES = 4  # of a word
_OF_ALL = 2**16  # the number of the first regularizer, beside those of layers
_PLACES, _ROWS, _GROUPS = 16, 22, 2  # bits of a byte's place among the channels of a point, of its row, of its step


def draw(plan: Blueprint, needed: Noise, key: jax.Array, rows: int) -> Noise:
    """Return the random words of the next steps, of each layer for each row and for all rows, and of each regularizer:
    a quarter of the steps, each for four steps; see `at_step`.

    `needed`: bytes of a step, by name.
    """
    numbers = jnp.asarray(plan.network.numbers(len(plan.layers))).astype(jnp.uint32)
    at = {placed.name: (placed.before, numbers[i]) for i, placed in enumerate(plan.layers)}
    own = [(_place(count, at[name][0]), at[name][1]) for name, count in needed.rows.items()]
    shared = [(np.arange(count), at[name][1]) for name, count in needed.shared.items()]
    others = [(np.arange(count), jnp.uint32(_OF_ALL + i)) for i, count in enumerate(needed.regularizers.values())]
    of_rows, of_all = jax.random.split(key)
    by_row, together = _words(of_rows, own, rows), _words(of_all, shared + others, 1)[:, 0]
    first = sum(needed.shared.values())
    return Noise(
        _pieces(needed.rows, by_row),
        _pieces(needed.shared, together[:, :first]),
        _pieces(needed.regularizers, together[:, first:]),
    )


def at_step(drawn: Noise, t: Any) -> Noise:
    """Return the bytes of a step, the first where `t` is 0, from the words of several."""

    def byte(words: jax.Array) -> jax.Array:
        shift = jnp.asarray(8 * (t % _BYTES)).astype(jnp.uint32)
        return (words[t // _BYTES] >> shift).astype(jnp.uint8)

    return jax.tree.map(byte, drawn)


def _place(count: int, shape: Any) -> np.ndarray:
    """Return the places of a layer's bytes: by point of space and channel where each number has some, else one after
    the other. They stay the same where there are further channels.
    """
    bytes_, numbers = np.arange(count), math.prod(shape) if all(isinstance(n, int) for n in shape) else 0
    if not numbers or count % numbers:
        return bytes_
    point, channel = np.divmod(bytes_, count // math.prod(shape[:-1]))
    return (point << _PLACES) + channel


def _words(key: jax.Array, asked: list[tuple[np.ndarray, jax.Array]], rows: int) -> jax.Array:
    """Return random words (quarters of steps, rows, places) for places, each list of which has a key by a number."""
    places = np.concatenate([place for place, _ in asked]) if asked else np.zeros(0, np.int64)
    if not len(places):
        return jnp.zeros((STEPS // _BYTES, rows, 0), jnp.uint32)
    keys = jax.vmap(lambda number: jax.random.key_data(jax.random.fold_in(key, number)))(
        jnp.stack([number for _, number in asked])
    )
    each = np.repeat(np.arange(len(asked)), [len(place) for place, _ in asked])
    first, second = (keys[each, half][None, None] for half in (0, 1))
    groups = STEPS // _BYTES // 2  # a hash gives two words
    above = (places >> 32) << (_ROWS + _GROUPS)
    row = np.arange(rows)[None, :, None] + (np.arange(groups) << _ROWS)[:, None, None] + above[None, None]
    counts = (np.broadcast_to(a, (groups, rows, len(places))).astype(np.uint32) for a in (row, places & 0xFFFFFFFF))
    return jnp.concatenate(threefry2x32_p.bind(first, second, *map(jnp.asarray, counts)))


def _pieces(counts: dict[str, int], words: jax.Array) -> dict[str, jax.Array]:
    """Return the words of each name."""
    ends = np.cumsum([0, *counts.values()])
    return {name: words[..., a:b] for name, a, b in zip(counts, ends[:-1], ends[1:], strict=True)}
