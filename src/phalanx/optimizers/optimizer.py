"""What every optimizer implements, and what all of them can have: clipping, learning rates by tensor, weight decay."""

from abc import abstractmethod
from typing import Any

import jax

from phalanx.errors import InputError
from phalanx.optimizers.clipping import Clip
from phalanx.parts import Fixed, Knob, Listed, Names, Part, field, part
from phalanx.parts.fields import unknown
from phalanx.regularizers import is_weight

Tree = Any


@part
class Factor(Part):
    """A learning rate of its own for some tensors: ε times `factor`.

    `factor`: 0 freezes them. `on`: names of layers (`dense_1`) or of single tensors (`dense_1.bias`), at least one;
    where several factors name a tensor, their product counts.
    Source: notes G2; book 8.5.
    """

    factor: Knob = field(at_least=0)
    on: Names = field()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.on:
            raise InputError("Factor: on is empty; name the layers or tensors that it is about")


@part
class Optimizer(Part):
    """Base of optimizers: a rule that turns gradients into steps. Its state is a tree of arrays.

    `clip`: what is done to a gradient that is too large, before the rule sees it (default None).
    `factors`: learning rates by tensor (default none).
    """

    clip: Fixed[Clip | None] = field(default=None, kw_only=True)
    factors: Listed[Factor] = field(default=(), kw_only=True)

    @abstractmethod
    def init(self, params: Tree) -> Tree:
        """Return the state before the first step."""

    @property
    def shares_state(self) -> bool:
        """Whether its state is a dict that begins at 0, whose entries mean the same in other rules that have them."""
        return False

    def look(self, params: Tree, state: Tree) -> Tree:
        """Return where the gradient is taken: at the parameters, unless a rule looks ahead."""
        return params

    @abstractmethod
    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        """Return the parameters and the state after a step by the rule."""

    def step(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        """Return the parameters and the state after a step with the gradient clipped; this is what training calls."""
        return self.update(grads if self.clip is None else self.clip.clip(grads), state, params)

    def by_tensor(self, params: Tree) -> Tree:
        """Return the factor of the learning rate of each tensor, a tree like the parameters."""
        known = {*params, *(f"{layer}.{tensor}" for layer, held in params.items() for tensor in held)}
        for factor in self.factors:
            for name in factor.on:
                if name not in known:
                    raise unknown("Factor: on", "layer or tensor", name, known)

        def of(path: tuple[Any, ...], _: jax.Array) -> Any:
            layer, tensor = (str(entry.key) for entry in path[:2])
            found: Any = 1.0
            for factor in self.factors:
                if layer in factor.on or f"{layer}.{tensor}" in factor.on:
                    found = found * factor.factor
            return found

        return jax.tree_util.tree_map_with_path(of, params)


@part
class Rule(Optimizer):
    """Base of rules with a learning rate ε and decoupled weight decay: θ ← θ − ε λ θ on weights, beside the step.

    That is the variant of Loshchilov & Hutter 2019 which multiplies by the learning rate.
    `learning_rate`: ε (default 0.01). `weight_decay`: λ (default 0).
    """

    learning_rate: Knob = field(default=0.01, at_least=0)
    weight_decay: Knob = field(default=0.0, at_least=0, kw_only=True)

    @property
    def shares_state(self) -> bool:
        return True

    def rates(self, params: Tree) -> Tree:
        """Return ε of each tensor."""
        return jax.tree.map(lambda factor: self.learning_rate * factor, self.by_tensor(params))

    def moved(self, params: Tree, change: Tree) -> Tree:
        """Return θ + change − ε λ θ, the last term on weights only."""

        def one(path: tuple[Any, ...], p: jax.Array, c: jax.Array, rate: Any) -> jax.Array:
            return p * (1 - rate * self.weight_decay) + c if is_weight(path) else p + c

        return jax.tree_util.tree_map_with_path(one, params, change, self.rates(params))
