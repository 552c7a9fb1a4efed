"""Layers around one other layer."""

from dataclasses import replace
from typing import Any, Self

import numpy as np

from phalanx.layers.layer import Layer, Params, Reach
from phalanx.parts import Fixed, field, names, part


@part
class Wrapper(Layer):
    """Base of layers around another one, which answer each question as it does: implement `__call__`.

    The layers inside it are wrapped in the same way, under their own names.

    `layer`: the wrapped layer.
    """

    layer: Fixed[Layer] = field()

    @property
    def bounds(self) -> tuple[float, float] | None:
        return self.layer.bounds

    @property
    def couples_rows(self) -> bool:
        return self.layer.couples_rows

    @property
    def unrolls(self) -> bool:
        return self.layer.unrolls

    @property
    def remembers(self) -> bool:
        return self.layer.remembers

    @property
    def masks(self) -> bool:
        return self.layer.masks

    @property
    def tables(self) -> bool:
        return self.layer.tables

    @property
    def forks(self) -> bool:
        return self.layer.forks

    @property
    def reach(self) -> Reach:
        return self.layer.reach

    @property
    def learned(self) -> tuple[str, ...]:
        return self.layer.learned

    @property
    def inner(self) -> tuple[Layer, ...]:
        inside = self.layer.inner
        return tuple(replace(self, layer=one, name=name) for name, one in zip(names(inside), inside, strict=True))

    @property
    def example(self) -> Any:
        return self.layer.example

    def carried(self) -> Self:
        return replace(self, layer=self.layer.carried())

    def output_shape(self, shape: Any) -> Any:
        return self.layer.output_shape(shape)

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        return self.layer.init(rng, shape)

    def seen(self, rng: np.random.Generator, state: Params, rows: np.ndarray) -> Params:
        return self.layer.seen(rng, state, rows)

    def noise(self, shape: Any) -> int:
        return self.layer.noise(shape)

    def shared_noise(self, shape: Any) -> int:
        return self.layer.shared_noise(shape)

    def mask(self, x: Any, mask: Any) -> Any:
        return self.layer.mask(x, mask)


def bare(layer: Any) -> Any:
    """Return the layer itself, without those around it."""
    return bare(layer.layer) if isinstance(layer, Wrapper) else layer
