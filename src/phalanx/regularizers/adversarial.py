"""Adversarial examples and training on them (MAP F6)."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from phalanx.errors import InputError
from phalanx.parts import Fixed, Knob, field, part
from phalanx.regularizers.regularizer import Cost, Regularizer


def attack(cost: Cost, x: Any, epsilon: Any, *, steps: int = 1, step_size: Any = 2.5) -> Any:
    """Return inputs near `x` at which the cost is high: one step is the fast gradient sign method, several are PGD.

    x' ← x; then `steps` times x' ← clip(x' + η sign(∇ₓ J(x')), x − ε, x + ε) with η = step_size · ε / steps. With one
    step this is x' = x + ε sign(∇ₓ J(x)), whatever the step size (Goodfellow et al. 2014); several are projected
    gradient descent in the ball of the maximum norm (Madry et al. 2018, here from x itself, not from a random point).

    `cost`: from inputs to the mean cost and anything beside it; each row's cost should depend on that row alone.
    `x`: an array, or a tree of arrays of which only those of floating-point numbers are moved: not category codes.
    `epsilon`: ε, the largest change of a number, in units of `x`, the encoded inputs: see `Adversarial`.
    `step_size`: in units of ε / steps, at least 1, or the edge of the ball would be out of reach (default 2.5).
    Raises `InputError` where there is no floating-point array.

    >>> import jax.numpy as jnp
    >>> weight = jnp.array([3.0, -4.0])
    >>> attack(lambda x: ((x @ weight).mean(), None), jnp.zeros((1, 2)), 0.5).tolist()
    [[0.5, -0.5]]
    """
    leaves, tree = jax.tree.flatten(x)
    moves = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]
    if not any(moves):
        raise InputError("adversarial examples need inputs that are numbers, but these are codes only")
    start = [leaf for leaf, move in zip(leaves, moves, strict=True) if move]

    def whole(moved: list[jax.Array]) -> Any:
        rest = iter(moved)
        return jax.tree.unflatten(
            tree, [next(rest) if move else leaf for leaf, move in zip(leaves, moves, strict=True)]
        )

    slope = jax.grad(lambda moved: cost(whole(moved))[0])

    def step(_: Any, moved: list[jax.Array]) -> list[jax.Array]:
        def one(now: jax.Array, g: jax.Array, first: jax.Array) -> jax.Array:
            return jnp.clip(now + step_size * epsilon / steps * jnp.sign(g), first - epsilon, first + epsilon)

        return [one(*arrays) for arrays in zip(moved, slope(moved), start, strict=True)]

    return whole(step(0, start) if steps == 1 else lax.fori_loop(0, steps, step, start))


@part
class Adversarial(Regularizer):
    """Minimize α J(x) + (1 − α) J(x') with x' = x + ε sign(∇ₓ J(x)), an adversarial example that follows the training.

    No gradient flows through x'. Both costs see the same dropout masks and other noise; only the first updates
    running statistics. With `steps` above 1 x' is found by that many smaller steps (PGD), see `attack`.
    A step computes about 2 + ⅔ · `steps` times as much as one without.

    `epsilon`: ε, the largest change of an input number, in units of the encoded inputs (default 0.1). A table's
    numbers are in interquartile ranges of their column, which are 1.35 deviations where it is normal, and bent towards
    ±3; with `scaling="standard"` they are in deviations. `mix`: α in [0, 1] (default 0.5).
    `steps`: gradient steps to x' (default 1). `step_size`: of these, in units of ε / steps; of no effect where `steps`
    is 1 (default 2.5).
    Category codes stay as they are. Raises `InputError` in training where all inputs are codes.
    Source: notes F6; book 7.13; Goodfellow et al. 2014, Madry et al. 2018.
    """

    epsilon: Knob = field(default=0.1, at_least=0)
    mix: Knob = field(default=0.5, at_least=0, at_most=1)
    steps: Fixed[int] = field(default=1, at_least=1)
    step_size: Knob = field(default=2.5, at_least=1)

    @property
    def pads(self) -> bool:
        return True

    def cost(self, cost: Cost) -> Cost:
        def mixed(x: Any, fixed: bool = False) -> tuple[jax.Array, Any]:
            clean, beside = cost(x, fixed)
            near = attack(lambda x: cost(x, True), x, self.epsilon, steps=self.steps, step_size=self.step_size)
            return self.mix * clean + (1 - self.mix) * cost(lax.stop_gradient(near), fixed)[0], beside

        return mixed
