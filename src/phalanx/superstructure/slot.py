"""One place of a superstructure, and what else of a network is switched."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.layers.layer import At, Layer, Params, along_last
from phalanx.network import Network
from phalanx.optimizers import Optimizer
from phalanx.parts import Fixed, Listed, field, part
from phalanx.parts.distributions import KNOB

if TYPE_CHECKING:
    Leaf = Any
else:
    Leaf = Annotated[object, KNOB]
"""What differs between the members of a superstructure: a number, or an array of some."""


def named(name: str, option: int, options: int) -> str:
    """Return how a parameter of one option is called among those of all; what began with `weight` still does."""
    return name if options == 1 else f"{name}_{option}"


@part
class Slot(Layer):
    """h = f_k(x), with f_k one of several layers, each member its own: only that one is computed, where members take
    turns. The last axis has `width` numbers, of which those that are not `alive` are 0.

    `options`: the layers, whose outputs differ in the last axis at most. `width`: of the output. `which`: k.
    `alive`: 1 for the numbers of the output that are the member's own, 0 for others; None: all are everywhere.
    `entering`: the same of the input.
    """

    internal = True

    options: Listed[Layer] = field()
    width: Fixed[int] = field(at_least=1)
    which: Leaf = field(default=0.0)
    alive: Leaf = field(default=None)
    entering: Leaf = field(default=None)

    @property
    def live(self) -> Any:
        return self.alive

    @property
    def bounds(self) -> Any:
        each = [layer.bounds for layer in self.options]
        if len(each) == 1 or all(bounds is None for bounds in each):
            return each[0]
        table = np.array([(-np.inf, np.inf) if bounds is None else bounds for bounds in each], np.float32)
        low, high = jnp.asarray(table)[self.chosen]
        return low, high

    @property
    def couples_rows(self) -> bool:
        return any(layer.couples_rows for layer in self.options)

    @property
    def unrolls(self) -> bool:
        return any(layer.unrolls for layer in self.options)

    @property
    def remembers(self) -> bool:
        return any(layer.remembers for layer in self.options)

    @property
    def masks(self) -> bool:
        return any(layer.masks for layer in self.options)

    @property
    def tables(self) -> bool:
        return any(layer.tables for layer in self.options)

    def output_shape(self, shape: Any) -> Any:
        return (*self.options[0].output_shape(shape)[:-1], self.width)

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        params: Params = {}
        state: Params = {}
        for i, layer in enumerate(self.options):
            for held, own in zip((params, state), layer.init(rng, shape), strict=True):
                held |= {named(name, i, len(self.options)): np.zeros_like(a) for name, a in own.items()}
        return params, state

    def noise(self, shape: Any) -> int:
        return max(layer.noise(shape) for layer in self.options)

    def shared_noise(self, shape: Any) -> int:
        return max(layer.shared_noise(shape) for layer in self.options)

    def mask(self, x: Any, mask: Any) -> Any:
        return self.options[0].mask(x, mask)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        if len(self.options) == 1:
            return self.compute(0, params, state, x, at)
        given = at.noise, at.shared, at.mask
        return _computed(At(at.train, over=at.over, precision=at.precision), self, params, state, x, given)

    def compute(self, option: int, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        """Return what one of the layers makes of x, as wide as the place, and the state of all."""
        layer, number = self.options[option], len(self.options)
        mine, before, noise = params, state, at.noise
        if number > 1:
            mine, before = (
                {name.removesuffix(f"_{option}"): a for name, a in held.items() if name.endswith(f"_{option}")}
                for held in (params, state)
            )
            noise = None if noise is None else noise[:, : layer.noise(x.shape[1:])]
        h, after = layer(mine, before, x, at._replace(noise=noise, live=self.entering))
        if h.shape[-1] < self.width:
            h = jnp.pad(h, ((0, 0),) * (h.ndim - 1) + ((0, self.width - h.shape[-1]),))
        if self.alive is not None:
            h = jnp.where(along_last(self.alive, h) > 0, h, 0)
        return h, {**state, **{named(name, option, number): a for name, a in after.items()}}

    @property
    def chosen(self) -> jax.Array:
        """The number of the member's layer."""
        return jnp.asarray(self.which).astype(jnp.int32)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _computed(at: At, slot: Slot, params: Params, state: Params, x: Any, given: Any) -> tuple[jax.Array, Params]:
    """Return what the member's layer of several makes of x, and the state; `given`: the noise and the mask of `at`.

    What is differentiated are parameters and x, by a branch that begins again from these: what a branch would keep for
    the way back, weights too, is copied out of it, and written by those of the other layers as zeros.
    """
    return lax.switch(slot.chosen, _branches(at, slot, given), params, state, x)


def _branches(at: At, slot: Slot, given: Any) -> list[Callable[[Params, Params, Any], tuple[jax.Array, Params]]]:
    noise, shared, mask = given
    at = at._replace(noise=noise, shared=shared, mask=mask)
    return [partial(slot.compute, i, at=at) for i in range(len(slot.options))]


def _forward(at: At, *given: Any) -> tuple[Any, Any]:
    return _computed(at, *given), given


def _back(at: At, kept: Any, slopes: Any) -> tuple[Any, ...]:
    slot, params, state, x, given = kept

    def back(branch: Callable[..., Any]) -> Callable[..., Any]:
        def run(params: Params, state: Params, x: Any, slopes: Any) -> Any:
            return jax.vjp(lambda params, x: branch(params, state, x), params, x)[1](slopes)

        return run

    branches = list(map(back, _branches(at, slot, given)))
    params, x = lax.switch(slot.chosen, branches, params, state, x, slopes)
    return None, params, None, x, None


_computed.defvjp(_forward, _back)


@part
class Switched(Optimizer):
    """One of several rules, each member its own. They share a state: its entries mean the same in all of them.

    `options`: the rules. `which`: the number of the member's.
    """

    internal = True

    options: Listed[Optimizer] = field()
    which: Leaf = field(default=0.0)

    def init(self, params: Any) -> Any:
        state: dict[str, Any] = {}
        for rule in self.options:
            state |= rule.init(params)
        return state

    def look(self, params: Any, state: Any) -> Any:
        return self._chosen([rule.look(params, state) for rule in self.options])

    def update(self, grads: Any, state: Any, params: Any) -> Any:
        each = [rule.step(grads, state, params) for rule in self.options]
        return self._chosen([(moved, {**state, **after}) for moved, after in each])

    def _chosen(self, found: list[Any]) -> Any:
        """Return what the member's rule found. All are computed, number by number in one pass over memory: a branch of
        its own would copy the state, which takes longer.
        """
        which = jnp.asarray(self.which)

        def choose(*each: jax.Array) -> jax.Array:
            picked = each[0]
            for k, one in enumerate(each[1:], 1):
                picked = jnp.where(which == k, one, picked)
            return picked

        return jax.tree.map(choose, *found)


@part
class Superstructure(Network):
    """A network that holds those of several structures, the values of one in its knobs.

    `own`: the number that each layer has in the member's own network.
    """

    internal = True

    own: Leaf = field(default=None)

    def numbers(self, layers: int) -> Any:
        return self.own
