"""Rows of several parts: layers of its own for each, whose answers are joined to one vector."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from phalanx.errors import InputError
from phalanx.layers.layer import At, Layer, Params, Reach, described, has_parts, parts
from phalanx.layers.shape import Flatten
from phalanx.layers.wrapper import bare
from phalanx.parts import Distribution, Listed, field, names, part


@part
class Branch(Layer):
    """h = f(x) as one vector, with f the layers inside, one after the other.

    It is one of `Branches`, or a block with a name of its own.

    `layers`: those inside; they are called `branch_1.dense_1` and so on. A `Flatten()` is added, unless the last is
    one: of steps that are padding, zeros.

    >>> from phalanx import Conv, MaxPool
    >>> Branch([Conv(8), MaxPool(2)]).output_shape((28, 28, 1))  # 14 · 14 · 8
    (1568,)

    Source: notes A1.
    """

    layers: Listed[Layer] = field()

    @property
    def tables(self) -> bool:
        return self.inner[0].tables

    @property
    def inner(self) -> tuple[Layer, ...]:
        flat = any(isinstance(bare(last), Flatten) for last in self.layers[-1:])
        return self.layers if flat else (*self.layers, Flatten())

    def output_shape(self, shape: Any) -> Any:
        for layer in self.inner:
            shape = layer.output_shape(shape)
        return shape

    def mask(self, x: Any, mask: Any) -> Any:
        return None

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        assert at.inside is not None
        return at.inside(x), state


if TYPE_CHECKING:  # to a type checker: a constructor also takes lists of layers

    class BranchList:
        """A list of branches; a list of layers given is kept as a Branch of them."""

        def __get__(self, owner: Any, kind: Any = None) -> tuple[Branch, ...]: ...
        def __set__(
            self, owner: Any, value: Sequence[Branch | Sequence[Layer | Distribution] | Distribution]
        ) -> None: ...

else:
    BranchList = Listed[Branch]


@part
class Branches(Layer):
    """h = [f₁(x₁), …, f_k(x_k)]: branch i takes part i of a row, and the vectors they answer are joined, in order.

    A row has several parts where columns of numbers and categories stand beside a text, an image or a sound: x is a
    tuple, with an array (batch, ...) for each part, or for a table its two, of numbers and of codes. Each branch begins
    with the layer that takes its part, such as `Columns`, `Embedding`, `Pixels` or `Frames`; what is padding in one
    part is so for its branch alone. h is (batch, units of all branches).

    `branches`: one for each part; a list of layers stands for a `Branch` of them. Layers inside are called
    `branches_1.branch_2.embedding_1` and so on.
    Raises `InputError` for rows of another number of parts, and where a branch answers whole numbers.

    >>> from phalanx import Columns, Embedding, GlobalAveragePool
    >>> layer = Branches([[Columns((3,))], [Embedding(32), GlobalAveragePool()]])
    >>> layer.output_shape((((4,), (1,)), (50,)))  # 4 numbers + 2 categories, and 32
    (38,)

    Source: notes A1 (sight, sound, tables and text by one algorithm); Ngiam et al. 2011 (several senses at once).
    """

    branches: BranchList = field()

    def __post_init__(self) -> None:
        held = self.branches
        if isinstance(held, (list, tuple)):
            made = tuple(Branch(one) if isinstance(one, (list, tuple)) else one for one in held)
            object.__setattr__(self, "branches", made)
        super().__post_init__()

    @property
    def tables(self) -> bool:
        return True

    @property
    def forks(self) -> bool:
        return True

    @property
    def reach(self) -> Reach:
        return "row"

    @property
    def inner(self) -> tuple[Layer, ...]:
        return self.branches

    def output_shape(self, shape: Any) -> Any:
        each = zip(self.branches, parts_of(shape, len(self.branches)), strict=True)
        return (sum(branch.output_shape(part)[0] for branch, part in each),)

    def mask(self, x: Any, mask: Any) -> Any:
        return None

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        assert at.inside is not None
        answers = at.inside(x)
        for name, answer in zip(names(self.branches), answers, strict=True):
            if not jnp.issubdtype(answer.dtype, jnp.floating):
                raise InputError(
                    f"Branches: {name} answers whole numbers of type {answer.dtype}; let it begin with a layer that "
                    "makes numbers of them, such as Embedding or Pixels"
                )
        return jnp.concatenate(answers, axis=-1), state


def parts_of(shape: Any, branches: int) -> tuple[Any, ...]:
    """Return the shape of the part that each of so many branches takes of a row of this shape."""
    if not has_parts(shape) or len(shape) != branches:
        raise InputError(f"Branches needs rows of {parts(branches)}, one for each branch, but gets {described(shape)}")
    return tuple(shape)
