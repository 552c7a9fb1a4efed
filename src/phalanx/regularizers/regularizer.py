"""What a regularizer may do: it implements some of these, and the others do nothing."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Self

import jax

from phalanx.layers import Params
from phalanx.layers.layer import names_weight
from phalanx.parts import Part, part
from phalanx.parts.fields import unknown

Parameters = dict[str, Params]
"""Parameters by layer name."""

Cost = Callable[..., tuple[jax.Array, Any]]
"""From inputs x to the mean cost of the data, and whatever was computed beside it; with True beside x, no gradient
flows to the parameters."""

Masks = Mapping[str, Any]
"""By layer name which steps of its output are real and not padding, (batch, steps); None or not there: all are."""

ALL_REAL: Masks = MappingProxyType({})


def is_weight(path: tuple[Any, ...]) -> bool:
    """Say whether the parameter at a tree path is a weight: penalized, decayed, perturbed."""
    return names_weight(path[-1].key)


@part
class Regularizer(Part):
    """Base of regularizers. Each method is called at one place of a training step, in this order:

    `tie` wherever the network is used; then in training `weights` (the parameters at which cost and gradient are
    taken), `targets`, `cost` (wraps the cost as a function of the inputs), `penalty` (a term added to the cost), and
    after the optimizer's step `after`.

    >>> from phalanx import Knob, field, part
    >>> @part
    ... class SmallBiases(Regularizer):
    ...     alpha: Knob = field(default=0.1, at_least=0)
    ...
    ...     def penalty(self, params, activations, masks):
    ...         return self.alpha * sum((layer["bias"] ** 2).sum() for layer in params.values() if "bias" in layer)
    >>> float(SmallBiases().penalty({"dense_1": {"bias": jax.numpy.array([1.0, 2.0])}}, {}, {}))
    0.5
    """

    on = tuple[str, ...]()
    """Names of the layers it is about, () all: a field of those regularizers that can be about some layers only."""
    couples_rows = False
    """Whether what it adds to the cost is not a mean over the rows of a batch."""

    @property
    def pads(self) -> bool:
        """Whether it does the same where arrays hold further places, of parameters and activations, that are 0."""
        return False

    def neutral(self) -> Self | None:
        """Return this regularizer with values of its knobs under which it does nothing; None: there are none."""
        return None

    def noise(self, params: Parameters) -> int:
        """Return how many random bytes a step needs, given parameters or their shapes."""
        return 0

    def untie(self, params: Parameters) -> Parameters:
        """Return the parameters to be learned, without those that `tie` derives from others."""
        return params

    def tie(self, params: Parameters) -> Parameters:
        """Return the learned parameters with those added that are derived from others."""
        return params

    def weights(self, params: Parameters, noise: jax.Array | None) -> Parameters:
        """Return the parameters at which cost and gradient are taken; the step is applied to `params` themselves."""
        return params

    def targets(self, y: jax.Array, classes: int) -> jax.Array:
        """Return the targets of a head to learn in place of `y`; of `classes` classes, or 0: numbers."""
        return y

    def cost(self, cost: Cost) -> Cost:
        """Return the function to minimize in place of `cost`."""
        return cost

    def watched(self) -> tuple[str, ...]:
        """Return the names of layers whose outputs `penalty` needs."""
        return ()

    def penalty(self, params: Parameters, activations: Mapping[str, jax.Array], masks: Masks = ALL_REAL) -> Any:
        """Return a term to add to the cost, of all parameters and of the outputs of `watched` layers.

        `activations`: of each watched layer (batch, ...). `masks`: of each which steps are real, (batch, steps), or
        None: all are. Those that are padding must not count. A penalty on parameters alone takes both and leaves them.
        """
        return 0.0

    def after(self, params: Parameters, noise: jax.Array | None) -> Parameters:
        """Return the parameters to go on with after an optimizer's step."""
        return params

    def chosen(self, params: Parameters) -> Parameters:
        """Return the layers that `on` names, or all; raise `InputError` for one that does not exist."""
        for layer in self.on:
            if layer not in params:
                raise unknown(f"{type(self).__name__}: on", "layer", layer, params)
        return {layer: params[layer] for layer in self.on or params}
