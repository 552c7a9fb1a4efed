"""The rules of MAP G, in order of complexity. θ are the parameters, g the gradient, ε the learning rate, t the step."""

from typing import Any

import jax
import jax.numpy as jnp

from phalanx.optimizers.optimizer import Rule, Tree
from phalanx.parts import Fixed, Knob, field, part


@part
class SGD(Rule):
    """Stochastic gradient descent: θ ← θ − ε g.

    `learning_rate`: ε (default 0.01). `weight_decay`: λ, decoupled (default 0).
    Source: notes G2; book 8.3.1.
    """

    def init(self, params: Tree) -> Tree:
        return {}

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        change = jax.tree.map(lambda g, rate: -rate * g, grads, self.rates(params))
        return self.moved(params, change), state


@part
class Momentum(Rule):
    """SGD with momentum: v ← α v − ε g; θ ← θ + v.

    The learning rate stands inside v, as in the notes and the book (8.15); the form of PyTorch and Optax,
    v ← α v + g, θ ← θ − ε v, gives the same path only while ε is constant.

    `learning_rate`: ε (default 0.01). `momentum`: α in [0, 1) (default 0.9).
    `weight_decay`: λ, decoupled (default 0).
    Source: notes G3; book 8.3.2.
    """

    momentum: Knob = field(default=0.9, at_least=0, below=1)

    def init(self, params: Tree) -> Tree:
        return {"velocity": jax.tree.map(jnp.zeros_like, params)}

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        rates = self.rates(params)
        velocity = jax.tree.map(lambda v, g, rate: self.momentum * v - rate * g, state["velocity"], grads, rates)
        return self.moved(params, velocity), {"velocity": velocity}


@part
class Nesterov(Momentum):
    """Nesterov momentum: v ← α v − ε g with g taken at the interim point θ + α v; θ ← θ + v.

    PyTorch and Optax keep the interim point in the place of θ and so need no second point; theirs is where this one
    looks (while ε and α are constant), θ itself is what is validated and kept here.

    `learning_rate`: ε (default 0.01). `momentum`: α in [0, 1) (default 0.9).
    `weight_decay`: λ, decoupled, of θ (default 0).
    Source: notes G3; book 8.3.3, Algorithm 8.3; Sutskever et al. 2013.
    """

    def look(self, params: Tree, state: Tree) -> Tree:
        return interim(params, state["velocity"], self.momentum)


@part
class AdaGrad(Rule):
    """AdaGrad: r ← r + g ⊙ g; θ ← θ − ε / (δ + √r) ⊙ g.

    δ stands outside the root and r starts at 0, as in the notes, the book and PyTorch; Optax has √(r + δ) and starts
    at 0.1.

    `learning_rate`: ε (default 0.01). `delta`: δ (default 1e-7). `weight_decay`: λ, decoupled (default 0).
    Source: notes G4; book 8.5.1, Algorithm 8.4; Duchi et al. 2011.
    """

    delta: Knob = field(default=1e-7, above=0)

    def init(self, params: Tree) -> Tree:
        return {"second": jax.tree.map(jnp.zeros_like, params)}

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        second = jax.tree.map(lambda r, g: r + g * g, state["second"], grads)

        def change(g: jax.Array, r: jax.Array, rate: Any) -> jax.Array:
            return -rate / (self.delta + jnp.sqrt(r)) * g

        return self.moved(params, jax.tree.map(change, grads, second, self.rates(params))), {"second": second}


@part
class RMSProp(Rule):
    """RMSProp: r ← ρ r + (1 − ρ) g ⊙ g; θ ← θ − ε / √(δ + r) ⊙ g.

    δ stands inside the root, as in the notes, the book and Optax; PyTorch has √r + δ.

    `learning_rate`: ε (default 0.001). `decay`: ρ in [0, 1) (default 0.9). `delta`: δ (default 1e-6).
    `weight_decay`: λ, decoupled (default 0).
    Source: notes G5; book 8.5.2, Algorithm 8.5; Hinton 2012.
    """

    learning_rate: Knob = field(default=1e-3, at_least=0)
    decay: Knob = field(default=0.9, at_least=0, below=1)
    delta: Knob = field(default=1e-6, above=0)

    def init(self, params: Tree) -> Tree:
        return {"second": jax.tree.map(jnp.zeros_like, params)}

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        second = mean_of_squares(state["second"], grads, self.decay)

        def change(g: jax.Array, r: jax.Array, rate: Any) -> jax.Array:
            return -rate / jnp.sqrt(self.delta + r) * g

        return self.moved(params, jax.tree.map(change, grads, second, self.rates(params))), {"second": second}


@part
class RMSPropNesterov(Rule):
    """RMSProp with Nesterov momentum: r ← ρ r + (1 − ρ) g ⊙ g; v ← α v − ε / √(δ + r) ⊙ g; θ ← θ + v, g at θ + α v.

    The notes and the book's Algorithm 8.6 have no δ, so that a gradient of 0 would give 0 / 0; it stands where
    `RMSProp` has it. Optax keeps the interim point in the place of θ, see `Nesterov`.

    `learning_rate`: ε (default 0.001). `decay`: ρ in [0, 1) (default 0.9). `momentum`: α in [0, 1) (default 0.9).
    `delta`: δ (default 1e-6). `weight_decay`: λ, decoupled, of θ (default 0).
    Source: notes G6; book 8.5.2, Algorithm 8.6.
    """

    learning_rate: Knob = field(default=1e-3, at_least=0)
    decay: Knob = field(default=0.9, at_least=0, below=1)
    momentum: Knob = field(default=0.9, at_least=0, below=1)
    delta: Knob = field(default=1e-6, above=0)

    def init(self, params: Tree) -> Tree:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return {"second": zeros, "velocity": zeros}

    def look(self, params: Tree, state: Tree) -> Tree:
        return interim(params, state["velocity"], self.momentum)

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        second = mean_of_squares(state["second"], grads, self.decay)

        def faster(v: jax.Array, g: jax.Array, r: jax.Array, rate: Any) -> jax.Array:
            return self.momentum * v - rate / jnp.sqrt(self.delta + r) * g

        velocity = jax.tree.map(faster, state["velocity"], grads, second, self.rates(params))
        return self.moved(params, velocity), {"second": second, "velocity": velocity}


@part
class Adam(Rule):
    """Adam: s ← ρ₁ s + (1 − ρ₁) g; r ← ρ₂ r + (1 − ρ₂) g ⊙ g; θ ← θ − ε ŝ / (√r̂ + δ).

    ŝ = s / (1 − ρ₁ᵗ) and r̂ = r / (1 − ρ₂ᵗ) correct the bias of starting at 0. δ stands outside the root, as in the
    notes, the book, Kingma & Ba 2015, PyTorch and Optax; or inside, √(r̂ + δ). With weight decay it is AdamW.

    `learning_rate`: ε (default 0.001). `decay1`, `decay2`: ρ₁, ρ₂ (defaults 0.9, 0.999). `delta`: δ (default 1e-8).
    `inside`: whether δ stands inside the root (default no), where it is in units of g². `weight_decay`: λ, decoupled
    (default 0).
    Source: notes G7; book 8.5.3, Algorithm 8.7; Kingma & Ba 2015.
    """

    learning_rate: Knob = field(default=1e-3, at_least=0)
    decay1: Knob = field(default=0.9, at_least=0, below=1)
    decay2: Knob = field(default=0.999, at_least=0, below=1)
    delta: Knob = field(default=1e-8, above=0)
    inside: Fixed[bool] = field(default=False)

    def init(self, params: Tree) -> Tree:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return {"first": zeros, "second": zeros, "step": jnp.zeros((), jnp.int32)}

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        t = state["step"] + 1
        first = jax.tree.map(lambda s, g: self.decay1 * s + (1 - self.decay1) * g, state["first"], grads)
        second = mean_of_squares(state["second"], grads, self.decay2)
        power = t.astype(jnp.result_type(*jax.tree.leaves(params)))
        # The corrections of ŝ and r̂ are scalars; taken out of the root they cost nothing per parameter.
        root = jnp.sqrt(1 - jnp.power(self.decay2, power))
        correction = root / (1 - jnp.power(self.decay1, power))
        delta = self.delta * (root**2 if self.inside else root)

        def change(s: jax.Array, r: jax.Array, rate: Any) -> jax.Array:
            return -(rate * correction) * s / (jnp.sqrt(r + delta) if self.inside else jnp.sqrt(r) + delta)

        after = self.moved(params, jax.tree.map(change, first, second, self.rates(params)))
        return after, {"first": first, "second": second, "step": t}


def interim(params: Tree, velocity: Tree, momentum: Any) -> Tree:
    """Return θ + α v, where Nesterov momentum takes the gradient."""
    return jax.tree.map(lambda p, v: p + momentum * v, params, velocity)


def mean_of_squares(second: Tree, grads: Tree, decay: Any) -> Tree:
    """Return ρ r + (1 − ρ) g ⊙ g."""
    return jax.tree.map(lambda r, g: decay * r + (1 - decay) * g * g, second, grads)
