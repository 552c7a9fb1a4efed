"""Any optimizer of Optax as a part, its numbers knobs, so that a sweep over them is one program."""

import contextlib
import functools
import importlib
import inspect
import types
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import jax

from phalanx.errors import InputError
from phalanx.optimizers.optimizer import Rule, Tree
from phalanx.parts import Fixed, Knob, Listed, Part, field, part
from phalanx.parts.fields import unknown

_UNFIT = {"lbfgs": "the cost itself", "noisy_sgd": "random keys"}
"""Rules of Optax that need more than gradients and parameters, and what."""


@part
class Transformation(Rule):
    """Base of optimizers that a gradient transformation of Optax makes: θ ← θ + its update, once for each step.

    A class of your own needs `make` only. It may put together any chain, with its knobs wherever Optax takes numbers.
    Clipping comes before the transformation; the factors of `factors` multiply its final updates; weight decay of the
    base is decoupled, ε λ θ on weights only, while Optax's own decays biases too.

    `learning_rate`: ε (default 0.001). `weight_decay`: λ (default 0).

    >>> import jax.numpy as jnp
    >>> import optax
    >>> from phalanx import Knob, field, part
    >>> @part
    ... class SignedMomentum(Transformation):
    ...     momentum: Knob = field(default=0.9, at_least=0, below=1)
    ...     def make(self):
    ...         signed = optax.stateless(lambda updates, params: jax.tree.map(jnp.sign, updates))
    ...         return optax.chain(optax.trace(self.momentum), signed, optax.scale_by_learning_rate(self.learning_rate))
    >>> params = {"dense_1": {"bias": jnp.array([1.0, 1.0])}}
    >>> grads = {"dense_1": {"bias": jnp.array([5.0, -0.1])}}
    >>> optimizer = SignedMomentum(learning_rate=0.25)
    >>> optimizer.step(grads, optimizer.init(params), params)[0]["dense_1"]["bias"].tolist()
    [0.75, 1.25]

    Source: notes G; Optax (DeepMind 2020).
    """

    learning_rate: Knob = field(default=1e-3, at_least=0)

    @property
    def shares_state(self) -> bool:
        return False

    @abstractmethod
    def make(self) -> Any:
        """Return the `optax.GradientTransformation`, built anew wherever it is used: its numbers may be traced."""

    def init(self, params: Tree) -> Tree:
        with _lenient():
            return self.make().init(params)

    def update(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        with _lenient():
            updates, state = self.make().update(grads, state, params)
        change = jax.tree.map(lambda u, p, factor: u.astype(p.dtype) * factor, updates, params, self.by_tensor(params))
        return self.moved(params, change), state


@part
class Argument(Part):
    """A number that an optimizer of Optax is called with; its `name` is the keyword: `Argument(0.95, name="b1")`.

    `value`: the number, a knob.
    Source: Optax (DeepMind 2020).
    """

    value: Knob = field()


@part
class Optax(Transformation):
    """An optimizer of Optax by its name: θ ← θ + update, as `optax.<rule>(learning_rate, **arguments)` computes it.

    For an argument that is not a number, or a chain of transformations, see `Transformation`.

    `learning_rate`: ε (default 0.001). `rule`: name of a function of the package optax that takes a `learning_rate`
    (default "adam"). `arguments`: further numbers, by keyword (default none: Optax's own).
    `weight_decay`: λ, decoupled and on weights only (default 0). Raises `InputError` in training for a rule or
    keyword that does not exist, one that needs more than gradients (`lbfgs`, `noisy_sgd`), or without optax.

    >>> Optax(1e-4, "lion", [Argument(0.95, name="b1")])
    Optax(learning_rate=0.0001, rule='lion', arguments=(Argument(name='b1', value=0.95),))

    Source: notes G; Optax (DeepMind 2020).
    """

    rule: Fixed[str] = field(default="adam")
    arguments: Listed[Argument] = field(default=())

    def make(self) -> Any:
        rules = _rules()
        if self.rule not in rules:
            raise unknown("Optax", "rule", self.rule, rules)
        if self.rule in _UNFIT:
            raise InputError(f"Optax: rule `{self.rule}` needs {_UNFIT[self.rule]}; use one that needs gradients only")
        known = set(inspect.signature(rules[self.rule]).parameters) - {"learning_rate"}
        for argument in self.arguments:
            if argument.name not in known:
                raise unknown(f"Optax: {self.rule}", "argument", argument.name, known)
        return rules[self.rule](self.learning_rate, **{argument.name: argument.value for argument in self.arguments})


def _rules() -> dict[str, Any]:
    """Return the functions of Optax that take a learning rate, by name."""
    try:
        optax = importlib.import_module("optax")
    except ImportError:
        raise InputError("Optax: the package optax is not installed; pip install 'phalanx[optax]'") from None
    return {
        name: thing
        for name, thing in vars(optax).items()
        if isinstance(thing, (types.FunctionType, functools.partial))
        and not name.startswith(("_", "scale_by_"))
        and "learning_rate" in inspect.signature(thing).parameters
    }


@contextlib.contextmanager
def _lenient() -> Iterator[None]:
    """Compute by JAX's standard rules: some of Optax's optimizers fail the strict ones."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
