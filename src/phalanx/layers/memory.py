"""The memory of layers that read rows which go on where others end."""

import jax
import jax.numpy as jnp

ANEW = 16
"""Of so many rows of a batch one, drawn at random, begins without its memory in training."""


def begun(memory: tuple[jax.Array, ...], noise: jax.Array | None) -> tuple[jax.Array, ...]:
    """Return a memory (batch, ...) with 0 for the rows that begin anew; `noise` has a byte of each, or is None.

    A network that never begins anew may lose itself for good where it has to.
    """
    if noise is None:
        return memory
    anew = noise[:, :1] < 256 // ANEW
    return tuple(jnp.where(anew.reshape(-1, *(1,) * (held.ndim - 1)), 0, held) for held in memory)
