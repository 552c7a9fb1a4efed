"""Layers around which their input goes unchanged."""

from dataclasses import replace
from typing import Any, Self

import jax
import numpy as np

from phalanx.errors import InputError
from phalanx.layers.convolve import Window, convolve
from phalanx.layers.dense import initial_weight
from phalanx.layers.layer import At, Layer, Params
from phalanx.layers.products import product
from phalanx.parts import Listed, field, part


@part
class Residual(Layer):
    """h = f(x) + x, with f the layers inside; h = f(x) + W x where f changes the shape of a row.

    W, a parameter of its own without a bias, maps the channels of each place (a 1 × 1 convolution); where f has fewer
    places, it takes the first of each s, s being ⌈places of x / places of f(x)⌉ (the projection of He et al., option
    B). The sum is the output: an activation after it is a further layer.

    `layers`: those inside; they are called `residual_1.conv_1` and so on.
    Raises `InputError` where f adds places, or changes the number of axes.

    >>> import numpy as np
    >>> from phalanx import Conv, ReLU
    >>> block = Residual([Conv(8), ReLU(), Conv(8)])
    >>> block.init(np.random.default_rng(0), (28, 28, 8))[0]  # no W is needed
    {}

    Source: notes H6; He et al. 2016.
    """

    layers: Listed[Layer] = field()

    @property
    def inner(self) -> tuple[Layer, ...]:
        return self.layers

    def carried(self) -> Self:
        return replace(self, layers=tuple(layer.carried() for layer in self.layers))

    def output_shape(self, shape: Any) -> Any:
        out = shape
        for layer in self.layers:
            out = layer.output_shape(out)
        if out != shape:
            _steps(shape, out)
        return out

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        out = self.output_shape(shape)
        if out == shape:
            return {}, {}
        return {"weight": initial_weight("glorot", rng, (shape[-1], out[-1]), shape[-1], out[-1])}, {}

    def mask(self, x: Any, mask: Any) -> Any:
        for layer in self.layers:
            mask = layer.mask(x, mask)
        return mask

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        assert at.inside is not None
        h = at.inside(x)
        if "weight" not in params:
            return h + x, state
        steps = _steps(x.shape[1:], h.shape[1:])
        if not steps:
            return h + product(x, params["weight"], at.precision), state
        ones = (1,) * len(steps)
        kernel = params["weight"].reshape(*ones, *params["weight"].shape)
        return h + convolve(x, kernel, Window(steps, ones, ((0, 0),) * len(steps))), state


def _steps(shape: Any, out: Any) -> tuple[int, ...]:
    """Return the places from one to the next that the projection takes, along each axis of space."""
    steps = tuple(-(-before // after) for before, after in zip(shape[:-1], out[:-1], strict=False))
    reached = tuple(-(-before // step) for before, step in zip(shape[:-1], steps, strict=False))
    if len(shape) != len(out) or reached != tuple(out[:-1]):
        raise InputError(
            f"Residual: its layers turn rows of shape {tuple(shape)} into {tuple(out)}, which no projection of the "
            "input matches; keep the axes, and let the places be ⌈places / stride⌉, as with padding same"
        )
    return steps
