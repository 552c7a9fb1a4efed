"""Noise on targets (MAP F2)."""

from dataclasses import replace
from typing import Self

import jax
import jax.numpy as jnp

from phalanx.parts import Knob, field, part
from phalanx.regularizers.regularizer import Regularizer


@part
class LabelSmoothing(Regularizer):
    """Learn probability 1 − ε for the right one of k classes and ε / (k − 1) for each other.

    A target that is already probabilities p becomes (1 − ε) p + ε (1 − p) / (k − 1), which is the same for a p of 0
    and 1. Targets that are numbers stay as they are. PyTorch, Keras and Szegedy et al. 2016 spread ε over all k
    classes, the right one included: their ε is this one times k / (k − 1).

    `epsilon`: ε, a probability (default 0.1).
    Source: notes F2; book 7.5.1.
    """

    epsilon: Knob = field(default=0.1, at_least=0, below=1)

    @property
    def pads(self) -> bool:
        return True

    def neutral(self) -> Self | None:
        return replace(self, epsilon=0.0)

    def targets(self, y: jax.Array, classes: int) -> jax.Array:
        if classes < 2:
            return y
        other = self.epsilon / (classes - 1)
        if y.ndim > 1:
            return (1 - self.epsilon) * y + other * (1 - y)
        right = y[:, None] == jnp.arange(classes, dtype=y.dtype)[None, :]
        return jnp.where(right, 1 - self.epsilon, other)
