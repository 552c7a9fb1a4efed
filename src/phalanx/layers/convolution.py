"""The convolutional layer, in one to three dimensions."""

import math
from dataclasses import replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.errors import InputError
from phalanx.layers.convolve import Window, convolve
from phalanx.layers.dense import initial_weight
from phalanx.layers.layer import At, Params, Reach
from phalanx.layers.memory import begun
from phalanx.layers.spatial import Spatial, margins, places, steps_inside, zero_padding
from phalanx.parts import Fixed, PerAxis, field, part


@part
class Conv(Spatial):
    """z_p = Σ_q x_(stride·p + dilation·q) W_q + b: one small kernel W at every place p, with q over its places.

    This is cross-correlation, which the field's libraries call convolution; `flip` turns the kernel around, which makes
    it the convolution s(t) = Σ_a x(a) w(t − a) of mathematics. What is learned does not depend on it.
    Rows are (*space, channels) with one, two or three spatial axes: a series, an image, a volume.

    `channels`: of the output. `size`, `stride`, `dilation`: of the kernel, its steps, and the distance between the
    places it sees, in places; one number for all axes or one for each (defaults 3, 1, 1).
    `padding`: "same" (default): zeros around, so that the output has ⌈length / stride⌉ places (an odd one after, as in
    TensorFlow); "valid": none, the kernel stays inside; "circular": the far end follows the near one, as many places
    as "same"; "causal": zeros before, so that an output sees the past only (one axis).
    `groups`: of channels that do not see each other (default 1); inputs and outputs must divide by it.
    `initializer`: "he" (default) or "glorot", by the inputs a kernel sees. `bias`: whether to add b, starting at 0.
    `carry`: in place of the zeros before stand the last steps of the same row of the batch before, for rows that go on
    where others end; needs padding "causal", stride 1 and a size above 1, and no gradient flows there (default no; see
    `LanguageModel`). In training one row in sixteen, drawn at random, begins with zeros all the same.
    Raises `InputError` where rows do not fit.

    >>> import numpy as np
    >>> layer = Conv(8, size=5, stride=2)
    >>> params, state = layer.init(np.random.default_rng(0), (28, 28, 1))
    >>> params["weight"].shape, layer.output_shape((28, 28, 1))
    ((5, 5, 1, 8), (14, 14, 8))

    Source: notes H2, H3; book 9.1, 9.5.
    """

    channels: Fixed[int] = field(at_least=1)
    size: PerAxis = field(default=3, at_least=1)
    stride: PerAxis = field(default=1, at_least=1)
    padding: Fixed[str] = field(default="same", choices=("same", "valid", "circular", "causal"))
    dilation: PerAxis = field(default=1, at_least=1)
    groups: Fixed[int] = field(default=1, at_least=1)
    flip: Fixed[bool] = field(default=False)
    initializer: Fixed[str] = field(default="he", choices=("he", "glorot"))
    bias: Fixed[bool] = field(default=True)
    carry: Fixed[bool] = field(default=False)

    @property
    def reach(self) -> Reach:
        size, stride = (held if isinstance(held, tuple) else (held,) for held in (self.size, self.stride))
        if any(one != 1 for one in stride):
            return "row"
        if all(one == 1 for one in size):
            return "step"
        return "past" if self.padding == "causal" else "row"

    @property
    def remembers(self) -> bool:
        return self.reach == "past"

    def carried(self) -> Self:
        return replace(self, carry=True) if self.remembers else self

    @property
    def sizes(self) -> tuple[str, ...]:
        return ("channels",) if self.groups == 1 else ()

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]] | None:
        if self.groups != 1 or self.carry:
            return None
        channels = np.arange(smaller.channels)
        return channels, {"weight": (*(None,) * (len(shape) - 1), inputs, channels), "bias": (channels,)}

    def output_shape(self, shape: Any) -> Any:
        space, size, around = self.space(shape), self.each("size", len(shape) - 1), self._margins(shape)
        inputs = shape[-1]
        if inputs % self.groups or self.channels % self.groups:
            raise InputError(
                f"Conv: groups is {self.groups}, but must divide both its inputs ({inputs}) and channels "
                f"({self.channels})"
            )
        out = []
        moves = zip(
            space, around, size, self.each("stride", len(space)), self.each("dilation", len(space)), strict=True
        )
        for length, margin, k, stride, dilation in moves:
            out.append(places(length + sum(margin), k, stride, dilation))
            if out[-1] < 1:
                raise InputError(
                    f"Conv: a kernel of {(k - 1) * dilation + 1} places does not fit an axis of {length}; "
                    'make it smaller, or set padding to "same"'
                )
        if self.carry and not self.remembers:
            raise InputError(
                'Conv: carry goes on from the row before, which needs padding "causal", stride 1 and a size above 1'
            )
        return (*out, self.channels)

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        size, inputs = self.each("size", len(shape) - 1), shape[-1]
        window = math.prod(size)
        kernel = (*size, inputs // self.groups, self.channels)
        fan_out = window * self.channels // self.groups
        weight = initial_weight(self.initializer, rng, kernel, window * inputs // self.groups, fan_out)
        params = {"weight": weight, "bias": np.zeros(self.channels)} if self.bias else {"weight": weight}
        return params, {"memory": np.zeros((1, self._margins(shape)[0][0], inputs))} if self.carry else {}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        axes, around = x.ndim - 2, self._margins(x.shape[1:])
        x = zero_padding(x, at.mask)
        if self.carry:
            before = begun((state["memory"].astype(x.dtype),), at.noise)
            x = jnp.concatenate([*before, x], axis=1)
            state = {"memory": lax.stop_gradient(x[:, x.shape[1] - around[0][0] :])}
            around = ((0, 0),)
        if self.padding == "circular":
            x = jnp.pad(x, ((0, 0), *around, (0, 0)), mode="wrap")
            around = ((0, 0),) * axes
        weight = params["weight"]
        if self.flip:
            weight = jnp.flip(weight, tuple(range(axes)))
        window = Window(self.each("stride", axes), self.each("dilation", axes), around, self.groups)
        z = convolve(x, weight, window)
        return (z + jnp.broadcast_to(params["bias"], z.shape) if self.bias else z), state

    def noise(self, shape: Any) -> int:
        return int(self.carry)

    def mask(self, x: Any, mask: Any) -> Any:
        if mask is None:
            return None
        if self.carry:
            raise InputError("Conv: rows have different lengths, of which none goes on in another; leave carry out")
        size, stride, dilation = (self.each(name, x.ndim - 2)[0] for name in ("size", "stride", "dilation"))
        if self.padding == "valid":
            return steps_inside(mask, size, stride, dilation)
        if stride > 1 or self.padding == "circular":
            raise InputError(
                'Conv: rows have different lengths, on which depends what the kernel sees; set padding to "valid"'
            )
        return mask

    def _margins(self, shape: Any) -> tuple[tuple[int, int], ...]:
        """Return the places added before and after each axis."""
        space = self.space(shape)
        if self.padding == "causal" and len(space) > 1:
            raise InputError(f'Conv: padding "causal" needs one spatial axis, but its input has {len(space)}')
        fields = (self.each(name, len(space)) for name in ("size", "stride", "dilation"))
        return tuple(margins(self.padding, *numbers) for numbers in zip(space, *fields, strict=True))
