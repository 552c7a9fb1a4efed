"""The first layer of series: the past that a forecast sees, from where it is measured."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.errors import InputError
from phalanx.layers.layer import At, Layer, Params, Reach
from phalanx.parts import Fixed, field, part


@part
class Past(Layer):
    """h = x, with the first channel, the series to forecast, relative to its last value u where the anchor says so.

    `anchor`: "mean" (default), x as it is; "last", x − u; "ratio", (x − u) / |u|. It is put first where the data are a
    series, with the anchor that the training part says; forecasts are relative to the same value.
    Raises `InputError` for rows that are not (steps, channels).

    >>> Past("last")({}, {}, jnp.array([[[1.0], [4.0], [3.0]]]), At(train=False))[0].ravel().tolist()
    [-2.0, 1.0, 0.0]

    Source: notes I3; Zeng et al. 2023 ("last").
    """

    anchor: Fixed[str] = field(default="mean", choices=("mean", "last", "ratio"))

    @property
    def learned(self) -> tuple[str, ...]:
        return ("anchor",)

    @property
    def reach(self) -> Reach:
        return "row"

    @property
    def example(self) -> Any:
        return np.zeros((7, 4), np.float32)

    def output_shape(self, shape: Any) -> Any:
        if len(shape) != 2:
            raise InputError(f"Past needs rows of shape (steps, channels), but gets {tuple(shape)}")
        return shape

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        if self.anchor == "mean":
            return x, state
        series, last = x[:, :, :1], x[:, -1:, :1]
        unit = (
            jnp.maximum(jnp.abs(last), float(jnp.finfo(jnp.float32).eps))
            if self.anchor == "ratio"
            else jnp.ones_like(last)
        )
        return jnp.concatenate([(series - last) / unit, x[:, :, 1:]], axis=-1), state
