"""Recurrent layers: the same function at every step of a row, with a memory between the steps."""

from abc import abstractmethod
from dataclasses import replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.errors import InputError
from phalanx.layers.cells import Carry, Cell, GRUAfterCell, GRUBeforeCell, LSTMCell, SimpleCell, unroll
from phalanx.layers.dense import initial_weight
from phalanx.layers.layer import At, Layer, Params, Reach
from phalanx.layers.memory import begun
from phalanx.layers.products import product
from phalanx.parts import Fixed, Knob, field, part

_BACK = "_back"  # at the end of the names of what belongs to the direction from the last step to the first


@part
class Recurring(Layer):
    """Base of layers on rows (steps, channels) that read them step by step: implement `cell`.

    `units`: width of the hidden state h. `output`: "last" (default), h after the last step, (units,); "all", h after
    every step, (steps, units); "mean", the mean of h over the steps, (units,). `both`: read in both directions, each
    with weights of its own, and join the two outputs, which makes 2 · units (default no). `initial`: h before the
    first step, "zero" (default) or "learned". `initializer`: of the weights that recur, one block for each gate,
    "orthogonal" (default) or "glorot"; those of the input are Glorot's. `carry`: h before the first step is that of
    the same row of the batch before, as it was after its last step, and no gradient flows there: truncated
    back-propagation through time, for rows that go on where others end (default no; see `LanguageModel`). In training
    one row in sixteen, drawn at random, begins with 0 all the same.

    Steps that padding added (see `Layer.mask`) are passed over: the next real step sees h as it was.
    """

    units: Fixed[int] = field(at_least=1)
    output: Fixed[str] = field(default="last", choices=("last", "all", "mean"))
    both: Fixed[bool] = field(default=False)
    initial: Fixed[str] = field(default="zero", choices=("zero", "learned"))
    initializer: Fixed[str] = field(default="orthogonal", choices=("orthogonal", "glorot"))
    carry: Fixed[bool] = field(default=False)

    @property
    def unrolls(self) -> bool:
        return True

    @property
    def reach(self) -> Reach:
        return "row" if self.both else "past"

    @property
    def example(self) -> Any:
        return np.zeros((7, 4), np.float32)

    def carried(self) -> Self:
        return replace(self, carry=True, output="all")

    @abstractmethod
    def cell(self) -> Cell:
        """Return the function of a step."""

    @property
    def sizes(self) -> tuple[str, ...]:
        return ("units",)

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        units = np.arange(smaller.units)
        blocks = np.concatenate([block * self.units + units for block in range(self.cell().blocks)])
        own: dict[str, Any] = {
            "weight": (inputs, blocks),
            "weight_recurrent": (units, blocks),
            "bias": (blocks,),
            "bias_recurrent": (units,),
        }
        own |= {f"initial_{i + 1}": (units,) for i in range(self.cell().states)}
        own |= {name + _BACK: held for name, held in own.items()}
        own |= {f"memory_{i + 1}": (None, units) for i in range(self.cell().states)}
        return (np.concatenate([units, self.units + units]) if self.both else units), own

    def output_shape(self, shape: Any) -> Any:
        name = type(self).__name__
        if len(shape) != 2:
            raise InputError(f"{name} needs rows of shape (steps, channels), but gets {tuple(shape)}")
        if self.carry and (self.both or self.initial == "learned"):
            other = "both" if self.both else 'initial="learned"'
            raise InputError(f"{name}: carry goes on from the row before, so it cannot stand beside {other}")
        width = self.units * (1 + self.both)
        return (*shape[:1], width) if self.output == "all" else (width,)

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        params = self._direction(rng, shape[-1])
        if self.both:
            back = self._direction(rng, shape[-1])
            params |= {name + _BACK: value for name, value in back.items()}
        state = {f"memory_{i + 1}": np.zeros((1, self.units)) for i in range(self.cell().states * self.carry)}
        return params, state

    def _direction(self, rng: np.random.Generator, inputs: int) -> Params:
        cell, units = self.cell(), self.units
        weight = initial_weight("glorot", rng, (inputs, cell.blocks * units), inputs, units)
        params = {
            "weight": weight,
            "weight_recurrent": np.hstack([self._block(rng) for _ in range(cell.blocks)]),
            "bias": self._bias(),
        }
        if self.initial == "learned":
            params |= {f"initial_{i + 1}": np.zeros(units) for i in range(cell.states)}
        return params

    def _block(self, rng: np.random.Generator) -> np.ndarray:
        shape = (self.units, self.units)
        if self.initializer == "orthogonal":
            return orthogonal(rng, self.units)
        return initial_weight("glorot", rng, shape, self.units, self.units)

    def _bias(self) -> np.ndarray:
        return np.zeros(self.cell().blocks * self.units)

    def noise(self, shape: Any) -> int:
        return int(self.carry)

    def mask(self, x: Any, mask: Any) -> Any:
        return mask if self.output == "all" else None

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        by_step = jnp.swapaxes(x, 0, 1)
        real = None if at.mask is None else at.mask.T[..., None]
        cell, count = replace(self.cell(), precision=at.precision), self.cell().states

        def read(suffix: str) -> tuple[jax.Array, Carry]:
            own = {name.removesuffix(suffix): value for name, value in params.items() if name.endswith(suffix)}
            if self.carry:
                start = begun(tuple(state[f"memory_{i + 1}"].astype(x.dtype) for i in range(count)), at.noise)
            else:
                nothing = jnp.zeros(self.units, x.dtype)
                each = (own.get(f"initial_{i + 1}", nothing) for i in range(count))
                start = tuple(jnp.broadcast_to(first[None], (len(x), self.units)) for first in each)
            z = product(by_step, own["weight"], at.precision)
            z = z + jnp.broadcast_to(own["bias"], z.shape)
            again = {name: value for name, value in own.items() if name.endswith("_recurrent")}
            return unroll(cell, suffix == _BACK, z, again, start, real)

        found = [read(suffix) for suffix in (("", _BACK) if self.both else ("",))]
        if self.carry:
            state = {f"memory_{i + 1}": jax.lax.stop_gradient(held) for i, held in enumerate(found[0][1])}
        if self.output == "last":
            return jnp.concatenate([ending[0] for _, ending in found], axis=-1), state
        h = jnp.swapaxes(jnp.concatenate([hidden for hidden, _ in found], axis=-1), 0, 1)
        return (h if self.output == "all" else mean_over_steps(h, at.mask)), state


def orthogonal(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw an orthogonal matrix, all being equally likely: Q of a Gaussian one, with the signs of R's diagonal."""
    q, r = np.linalg.qr(rng.normal(size=(size, size)))
    return q * np.where(np.diag(r) < 0, -1, 1)


def mean_over_steps(x: jax.Array, mask: jax.Array | None) -> jax.Array:
    """Return the mean of (batch, steps, channels) over the steps that are real; 0 of a row that has none."""
    if mask is None:
        return x.mean(1)
    total = jnp.where(mask[..., None], x, 0).sum(1)
    return total / jnp.maximum(mask.sum(1), 1)[:, None].astype(x.dtype)


@part
class Recurrent(Recurring):
    """h_t = g(x_t W + h_(t−1) U + b): a plain recurrent layer, with the same W, U and b at every step.

    `units`: width of h. `output`: "last" (default), (units,); "all", (steps, units); "mean" over the steps.
    `both`: both directions, which makes 2 · units (default no). `initial`: h_0, "zero" (default) or "learned".
    `initializer`: of U, "orthogonal" (default) or "glorot". `carry`: h_0 is the last h of the same row of the batch
    before, see `LanguageModel` (default no). `activation`: g, "tanh" (default), "relu", "sigmoid" or "linear".
    Raises `InputError` for rows that are not (steps, channels).

    >>> import numpy as np
    >>> layer = Recurrent(8, output="all")
    >>> params, _ = layer.init(np.random.default_rng(0), (20, 3))
    >>> params["weight"].shape, params["weight_recurrent"].shape, layer.output_shape((20, 3))
    ((3, 8), (8, 8), (20, 8))

    Source: notes I1, I2; book 10.2.
    """

    activation: Fixed[str] = field(default="tanh", choices=("tanh", "relu", "sigmoid", "linear"))

    def cell(self) -> Cell:
        return SimpleCell(self.activation)


@part
class LSTM(Recurring):
    """s_t = f_t s_(t−1) + i_t c_t and h_t = o_t tanh(s_t): a memory cell s behind gates (long short-term memory).

    i, f, o = σ(x_t W + h_(t−1) U + b), each with weights of its own, and the candidate c = g(x_t W + h_(t−1) U + b).
    Columns stand in the order i, f, o, c. The notes and the book write the candidate with σ, and call the gates g, f
    and q; libraries use tanh, and so does the default. It is what PyTorch and cuDNN compute, with one bias where they
    add two.

    `units`: width of h and s. `output`: "last" (default), (units,); "all", (steps, units); "mean" over the steps.
    `both`: both directions, which makes 2 · units (default no). `initial`: h_0 and s_0, "zero" (default) or
    "learned". `initializer`: of U, "orthogonal" (default) or "glorot". `carry`: h_0 and s_0 are the last of the same
    row of the batch before, see `LanguageModel` (default no). `candidate`: g, "tanh" (default) or "sigmoid".
    `forget_bias`: the forget gates' bias at the start (default 1: what is remembered lasts at first).
    Raises `InputError` for rows that are not (steps, channels).

    >>> LSTM(8, both=True).output_shape((20, 3))
    (16,)

    Source: notes I5; book 10.10.1; Hochreiter & Schmidhuber 1997; Gers et al. 2000 (the forget gate).
    """

    candidate: Fixed[str] = field(default="tanh", choices=("tanh", "sigmoid"))
    forget_bias: Knob = field(default=1.0)

    def cell(self) -> Cell:
        return LSTMCell(self.candidate)

    def _bias(self) -> np.ndarray:
        bias = super()._bias()
        bias[len(bias) // 4 : len(bias) // 2] = self.forget_bias
        return bias


@part
class GRU(Recurring):
    """h_t = u_t h_(t−1) + (1 − u_t) c_t: a gated recurrent unit, whose gate u says how much of h stays.

    r, u = σ(x_t W + h_(t−1) U + b), each with weights of its own. The candidate is, with `reset` "after" (default;
    PyTorch and cuDNN), c = g(x_t W + b + r_t (h_(t−1) U + b')), and with "before" (the notes and the book)
    c = g(x_t W + b + (r_t h_(t−1)) U). Columns stand in the order r, u, c. The notes and the book write the candidate
    with σ; libraries use tanh, and so does the default.

    `units`: width of h. `output`: "last" (default), (units,); "all", (steps, units); "mean" over the steps.
    `both`: both directions, which makes 2 · units (default no). `initial`: h_0, "zero" (default) or "learned".
    `initializer`: of U, "orthogonal" (default) or "glorot". `carry`: h_0 is the last h of the same row of the batch
    before, see `LanguageModel` (default no). `candidate`: g, "tanh" (default) or "sigmoid". `reset`: "after" the
    product (default) or "before" it.
    Raises `InputError` for rows that are not (steps, channels).

    Source: notes I6; book 10.10.2; Cho et al. 2014.
    """

    candidate: Fixed[str] = field(default="tanh", choices=("tanh", "sigmoid"))
    reset: Fixed[str] = field(default="after", choices=("after", "before"))

    def cell(self) -> Cell:
        return GRUAfterCell(self.candidate) if self.reset == "after" else GRUBeforeCell(self.candidate)

    def _direction(self, rng: np.random.Generator, inputs: int) -> Params:
        params = super()._direction(rng, inputs)
        return {**params, "bias_recurrent": np.zeros(self.units)} if self.reset == "after" else params
