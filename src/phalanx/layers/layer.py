"""What every layer implements."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, Self

import jax
import numpy as np

from phalanx.parts import Part, part

Params = dict[str, Any]

Reach = Literal["step", "past", "row"]

Places = np.ndarray | None
"""Where the numbers of an axis stand in a longer one; None: it is the same axis."""


_VECTOR = np.zeros(5, np.float32)
_VECTOR.setflags(write=False)


def names_weight(parameter: str) -> bool:
    """Say whether a parameter of this name is a weight: penalized, decayed, perturbed, dropped."""
    return parameter.startswith("weight")


def drawn(layer: "Layer", rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
    """Return the initial parameters and state of a layer, real numbers with JAX's usual precision.

    >>> from phalanx import Dense
    >>> params, _ = drawn(Dense(2), np.random.default_rng(0), (3,))
    >>> params["weight"].dtype.name, params["bias"].tolist()
    ('float32', [0.0, 0.0])
    """
    real = jax.dtypes.canonicalize_dtype(float)
    params, state = (
        {name: np.asarray(a, real if a.dtype.kind == "f" else a.dtype) for name, a in held.items()}
        for held in layer.init(rng, shape)
    )
    return params, state


def along_last(values: Any, x: jax.Array) -> Any:
    """Return one number for each of the last axis of x with as many axes, the others of length 1."""
    return values.reshape((1,) * (x.ndim - 1) + (-1,))


def has_parts(shape: Any) -> bool:
    """Say whether the shape of a row is that of several arrays: a table's numbers and codes, or parts of any kind."""
    return bool(shape) and isinstance(shape[0], tuple)


def is_table(shape: Any) -> bool:
    """Say whether the shape of a row can be that of a table: two vectors, its numbers and its codes."""
    return has_parts(shape) and len(shape) == 2 and all(len(one) == 1 and not has_parts(one) for one in shape)


def arrays_of(shape: Any) -> Iterator[tuple[int, ...]]:
    """Yield the shape of each array of a row: one, or those of all its parts."""
    if not has_parts(shape):
        yield tuple(shape)
        return
    for one in shape:
        yield from arrays_of(one)


def described(shape: Any) -> str:
    """Return in words what rows of a shape are."""
    if is_table(shape):
        return "a table's numbers and codes"
    return f"rows of {parts(len(shape))}" if has_parts(shape) else f"rows of one array, {tuple(shape)}"


def parts(number: int) -> str:
    """Return in words how many parts a row has."""
    return f"{number} part{'s' if number != 1 else ''}"


class At(NamedTuple):
    """Where a layer is called from.

    `train`: whether this is a training step (structure: known when the program is compiled).
    `noise`: random bytes for each row, shape (batch, `layer.noise(shape)`), or None: the layer is not to be random.
    `shared`: random bytes for all rows together, shape (`layer.shared_noise(shape)`,), or None.
    `inside`: the layers inside this one, its `inner`, as a function of their input. A layer that has any calls it once:
    they have one state each. Where it `forks`, from a tuple of inputs to one of outputs, one for each of them.
    `over`: the axis of the mesh over which the batch is split, or None: statistics of the batch are means over it.
    `mask`: which steps of the input are real and not padding, (batch, steps), or None: all are.
    `live`: which numbers of the last axis of the input are the network's own, (units,), 1 or 0, or None: all are; the
    others are 0, see `Layer.room_for`.
    `precision`: of the factors of products, "float32" or "bfloat16", see `products.product`.
    """

    train: bool
    noise: jax.Array | None = None
    shared: jax.Array | None = None
    inside: Callable[[Any], Any] | None = None
    over: str | None = None
    mask: jax.Array | None = None
    live: jax.Array | None = None
    precision: str = "float32"


EVALUATE = At(train=False)


@part
class Layer(Part):
    """A function of one batch with parameters of one network. Knows nothing of other members of a population.

    Shapes are given without the batch axis: that of one array, or a tuple with that of each part of a row. A parameter
    whose name begins with `weight` is penalized and decayed; no other is. `params` and `state` are dicts, mostly empty.
    A state whose name begins with `memory` has a row for each row of the batch, and is handed on from batch to batch;
    `init` gives it one row of zeros.

    What a network must know of a layer are properties, never class variables: a layer may answer by its fields, and one
    around another (`Wrapper`) as that one does.
    """

    @property
    def bounds(self) -> Any:
        """Two values of the output at which its derivative vanishes, for diagnostics; an infinite one is no bound.

        None: there are none.
        """
        return None

    @property
    def couples_rows(self) -> bool:
        """Whether in training a row's output depends on the other rows of its batch."""
        return False

    @property
    def unrolls(self) -> bool:
        """Whether it goes through the steps of a row one after the other, which is fast for many rows at a time only.

        Such a layer has a memory, which `carried` hands on from batch to batch.
        """
        return False

    @property
    def remembers(self) -> bool:
        """Whether `carried` hands on all that an output step depends on, so that it can read token by token."""
        return self.unrolls

    @property
    def masks(self) -> bool:
        """Whether it tells which steps of a row are padding."""
        return False

    @property
    def tables(self) -> bool:
        """Whether it may take rows of several arrays, as a table's numbers and codes, and checks which itself."""
        return False

    @property
    def reach(self) -> Reach:
        """What an output step depends on: the same "step" of the input, that and its "past", or the whole "row".

        Layers inside answer for themselves.
        """
        return "step"

    @property
    def learned(self) -> tuple[str, ...]:
        """Fields that the data say, of a layer that stands first and turns rows as they are read into numbers."""
        return ()

    @property
    def inner(self) -> tuple["Layer", ...]:
        """The layers inside this one, which the model runs, names and keeps as it does all others."""
        return ()

    @property
    def forks(self) -> bool:
        """Whether the input is a tuple with a part for each layer inside, which takes that, rather than what the layer
        before it made."""
        return False

    @property
    def example(self) -> Any:
        """A row that it takes, an array of NumPy or a tuple of its parts; the shape and the type of numbers matter.

        A whole number is the largest that may stand in its place; NaN is a number that may be missing. The default is
        that of the first layer inside which says one, and else a vector; where it `forks`, that of each layer inside.
        The tests find rows for a new layer by it.
        """
        inside = tuple(layer.example for layer in self.inner)
        return inside if self.forks else next((row for row in inside if row is not _VECTOR), _VECTOR)

    @property
    def sizes(self) -> tuple[str, ...]:
        """Fields that say how many numbers it puts out, of which a program may compute more than are asked for.

        Networks that differ in these alone share a program: see `room_for`.
        """
        return ()

    def room_for(self, smaller: Self, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]] | None:
        """Return where a smaller layer of its kind stands in this one: its outputs, along the last axis of the output,
        and for each of its parameters and states the `Places` along every axis. Those left out are the same in both.

        `inputs`: where its inputs stand along the last axis of `shape`, that of a row that reaches this layer. All else
        is 0 there: inputs, and parameters. What they make of that is set to 0 after it, so that they never move. The
        two must answer alike; one that depends on how many inputs there are finds it in `At.live`.
        None (default): it does not take more inputs than its own.
        """
        return None

    def neutral(self) -> Self | None:
        """Return this layer with values of its knobs under which it passes its input on; None: there are none."""
        return None

    @property
    def live(self) -> Any:
        """Which numbers of the last axis of the output are the network's own, see `At`; None: all are."""
        return None

    def carried(self) -> Self:
        """Return this layer as one token after the other needs it: what looks back, inside it too, answers at every
        step and hands its memory on."""
        return self

    def output_shape(self, shape: Any) -> Any:
        """Return the shape of the output for this shape of the input: arithmetic on whole numbers, by structure alone.

        Raises `InputError` for a shape that the layer does not take.
        """
        return shape

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        """Return initial parameters and state, arrays of NumPy, for an input of a shape that `output_shape` takes.

        They are made on the host, at each network's own size; numbers may have double precision.
        """
        return {}, {}

    def seen(self, rng: np.random.Generator, state: Params, rows: np.ndarray) -> Params:
        """Return the state before the first step with what the training rows say.

        It is asked of a layer that stands first, or after the `Columns` of a table; `rows` are then the numbers,
        (rows, inputs). It may be asked again of the state of a trained network, which is to stay as it is.
        """
        return state

    def noise(self, shape: Any) -> int:
        """Return how many random bytes each row of this input shape needs at a training step."""
        return 0

    def shared_noise(self, shape: Any) -> int:
        """Return how many random bytes a training step needs for all rows together."""
        return 0

    def mask(self, x: Any, mask: Any) -> Any:
        """Return which steps of the output are real, from the input and which of its steps are.

        None: all are, or it has no steps. Arrays are JAX's or NumPy's. What a layer makes of padding has no meaning,
        and never reaches a step that is real.
        """
        return mask

    @abstractmethod
    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        """Return the output, shape (batch, ...), and the new state."""
