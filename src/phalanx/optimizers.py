"""Optimizers (MAP G), in order of complexity. θ are the parameters, g the gradient, ε the learning rate, t the step.

Each has a decoupled `weight_decay` λ: θ ← θ − ε λ θ on weights, beside the rule's own step (Loshchilov & Hutter 2019,
in the variant that multiplies by the learning rate).
"""

from abc import abstractmethod
from typing import Any

import jax
import jax.numpy as jnp

from phalanx.regularizers import is_weight
from phalanx.spec import Knob, Part, field, part

Tree = Any


@part
class Optimizer(Part):
    """Base of optimizers: a rule that turns gradients into steps. Its state is a tree of arrays."""

    @abstractmethod
    def init(self, params: Tree) -> Tree:
        """Return the state before the first step."""

    @abstractmethod
    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        """Return the parameters and the state after a step."""


def step(params: Tree, change: Tree, learning_rate: Any, weight_decay: Any) -> Tree:
    """Return θ + change − ε λ θ, the last term on weights only."""

    keep = 1 - learning_rate * weight_decay

    def moved(path: tuple[Any, ...], p: jax.Array, c: jax.Array) -> jax.Array:
        return p * keep + c if is_weight(path) else p + c

    return jax.tree_util.tree_map_with_path(moved, params, change)


@part
class SGD(Optimizer):
    """Stochastic gradient descent: θ ← θ − ε g.

    `learning_rate`: ε (default 0.01). `weight_decay`: λ (default 0).
    """

    learning_rate: Knob = field(default=0.01, at_least=0)
    weight_decay: Knob = field(default=0.0, at_least=0)

    def init(self, params: Tree) -> Tree:
        return {}

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        change = jax.tree.map(lambda g: -self.learning_rate * g, grads)
        return step(params, change, self.learning_rate, self.weight_decay), state


@part
class Momentum(Optimizer):
    """SGD with momentum: v ← α v − ε g; θ ← θ + v.

    `learning_rate`: ε (default 0.01). `momentum`: α in [0, 1) (default 0.9). `weight_decay`: λ (default 0).
    The learning rate stands inside v, as in the notes and the book (8.15); PyTorch's v ← αv + g, θ ← θ − εv gives
    the same path only while ε is constant.
    """

    learning_rate: Knob = field(default=0.01, at_least=0)
    momentum: Knob = field(default=0.9, at_least=0, below=1)
    weight_decay: Knob = field(default=0.0, at_least=0)

    def init(self, params: Tree) -> Tree:
        return {"velocity": jax.tree.map(jnp.zeros_like, params)}

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        velocity = jax.tree.map(lambda v, g: self.momentum * v - self.learning_rate * g, state["velocity"], grads)
        return step(params, velocity, self.learning_rate, self.weight_decay), {"velocity": velocity}


@part
class Adam(Optimizer):
    """Adam: s ← ρ₁ s + (1 − ρ₁) g; r ← ρ₂ r + (1 − ρ₂) g ⊙ g; θ ← θ − ε ŝ / (√r̂ + δ).

    ŝ = s / (1 − ρ₁ᵗ) and r̂ = r / (1 − ρ₂ᵗ) correct the bias of starting at 0. δ stands outside the root, as in the
    notes, the book (Algorithm 8.7) and Kingma & Ba 2015.
    `learning_rate`: ε (default 0.001). `decay1`, `decay2`: ρ₁, ρ₂ (defaults 0.9, 0.999). `delta`: δ (default 1e-8).
    `weight_decay`: λ (default 0).
    """

    learning_rate: Knob = field(default=1e-3, at_least=0)
    decay1: Knob = field(default=0.9, at_least=0, below=1)
    decay2: Knob = field(default=0.999, at_least=0, below=1)
    delta: Knob = field(default=1e-8, above=0)
    weight_decay: Knob = field(default=0.0, at_least=0)

    def init(self, params: Tree) -> Tree:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return {"first": zeros, "second": zeros, "step": jnp.zeros((), jnp.int32)}

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        t = state["step"] + 1
        first = jax.tree.map(lambda s, g: self.decay1 * s + (1 - self.decay1) * g, state["first"], grads)
        second = jax.tree.map(lambda r, g: self.decay2 * r + (1 - self.decay2) * g * g, state["second"], grads)
        power = t.astype(jnp.result_type(*jax.tree.leaves(params)))
        # The corrections of ŝ and r̂ are scalars; taken out of the root they cost nothing per parameter.
        root = jnp.sqrt(1 - jnp.power(self.decay2, power))
        rate = self.learning_rate * root / (1 - jnp.power(self.decay1, power))
        delta = self.delta * root

        def change(s: jax.Array, r: jax.Array) -> jax.Array:
            return -rate * s / (jnp.sqrt(r) + delta)

        moved = step(params, jax.tree.map(change, first, second), self.learning_rate, self.weight_decay)
        return moved, {"first": first, "second": second, "step": t}
