"""A network resolved for the shape of one row: which layer stands where, shapes in and out, and what a step needs."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from phalanx.errors import InputError
from phalanx.layers import Layer
from phalanx.layers.branches import parts_of
from phalanx.layers.layer import described, has_parts, is_table
from phalanx.network import OUTPUT, Network, branches
from phalanx.parts import names
from phalanx.regularizers import Parameters, Regularizer

_REDUCE = "put Flatten() or GlobalAveragePool() after them"
_KEEP = 'let the last recurrent layer have output="all", and leave out Flatten() and global pooling'


class Placed(NamedTuple):
    """A layer at its place in a network: its name, and the shapes of a row before and after it."""

    name: str
    layer: Layer
    before: Any
    after: Any


class Noise(NamedTuple):
    """Random bytes of a step, by name: of layers for each row (batch, bytes) and for all rows (bytes,), and of
    regularizers (bytes,). A part that needs none is not there.
    """

    rows: dict[str, Any]
    shared: dict[str, Any]
    regularizers: dict[str, Any]


@dataclass(frozen=True)
class Blueprint:
    """A network and its layers in the order of `layers_of`, each with the shapes that reach and leave it.

    >>> from phalanx import Dense, Dropout, Gaussian
    >>> plan = Blueprint.of(Network([Dropout(), Dense(3)], Gaussian()), (4,))
    >>> [(placed.name, placed.before, placed.after) for placed in plan.layers]
    [('dropout_1', (4,), (4,)), ('dense_1', (4,), (3,))]
    >>> plan.noise({}).rows, plan.widest
    ({'dropout_1': 4}, 4)
    """

    network: Network
    layers: tuple[Placed, ...]

    @staticmethod
    def of(network: Network, shape: Any) -> "Blueprint":
        """Return the blueprint of a network; `shape` is that of one row of input.

        Raises `InputError`, with the layer's name, where a shape does not fit a layer.
        """
        return Blueprint(network, tuple(_placed(network, shape)))

    @property
    def widest(self) -> int:
        """The most numbers of one row that a layer takes; those of several arrays, until they are one, do not count."""
        return max(math.prod(placed.before) for placed in self.layers if not has_parts(placed.before))

    @property
    def keeps_batches_whole(self) -> bool:
        """Whether a batch must be computed at once: rows depend on each other, or share the steps of a layer."""
        coupled = any(placed.layer.couples_rows or placed.layer.unrolls for placed in self.layers)
        return coupled or any(part.couples_rows for part in self.network.regularizers)

    def noise(self, params: Parameters) -> Noise:
        """Return how many random bytes a step needs, by name, given the parameters to learn or their shapes."""
        needed = Noise(
            {placed.name: placed.layer.noise(placed.before) for placed in self.layers},
            {placed.name: placed.layer.shared_noise(placed.before) for placed in self.layers},
            {name: regularizer.noise(params) for name, regularizer in named_regularizers(self.network)},
        )
        return Noise(*({name: count for name, count in kind.items() if count} for kind in needed))

    def check_outputs(self, steps: int | None) -> None:
        """Raise `InputError` where the rows that reach an output layer are no vectors.

        `steps`: there is a target for each of so many steps of a row, so they are (steps, units); None: for each row.
        """
        for name, _, before, _ in self.layers:
            if name.rpartition(".")[2] != OUTPUT:
                continue
            if len(before) != (1 if steps is None else 2):
                raise InputError(
                    f"the layers before {name} end with rows of shape {tuple(before)}; "
                    + (_REDUCE if steps is None else _KEEP)
                )
            if steps is not None and before[0] != steps:
                raise InputError(
                    f"the layers before {name} make {before[0]:,} steps of {steps:,}, but each has a target; leave out "
                    "pooling, and let convolutions have stride 1 and keep their padding"
                )


def named_regularizers(network: Network) -> Sequence[tuple[str, Regularizer]]:
    """Return the regularizers of a network with their names."""
    return list(zip(names(network.regularizers), network.regularizers, strict=True))


def _placed(network: Network, shape: Any) -> Iterator[Placed]:
    after: dict[str, Any] = {}

    def place(name: str, layer: Layer, shape: Any) -> Iterator[Placed]:
        inner = layer.inner
        if layer.forks:
            parts = _told(name, parts_of, shape, len(inner))
            for local, one, part in zip(names(inner), inner, parts, strict=True):
                yield from place(f"{name}.{local}", one, part)
        else:
            yield from along(f"{name}.", inner, shape)
        if has_parts(shape) and not layer.tables:
            entry = "Columns() before it" if is_table(shape) else "Branches before it, with a branch for each part"
            raise InputError(
                f"{name}: {type(layer).__name__} needs rows of one array, but gets {described(shape)}; put {entry}"
            )
        after[name] = _told(name, layer.output_shape, shape)
        yield Placed(name, layer, shape, after[name])

    def along(prefix: str, layers: Sequence[Layer], shape: Any) -> Iterator[Placed]:
        for local, layer in zip(names(layers), layers, strict=True):
            yield from place(prefix + local, layer, shape)
            shape = after[prefix + local]

    yield from along("", network.layers, shape)
    last = after[names(network.layers)[-1]] if network.layers else shape
    for prefix, head in branches(network):
        yield from along(f"{prefix}.", head.layers, after[head.after] if head.after else last)


def _told(name: str, of: Callable[..., Any], *given: Any) -> Any:
    """Return what a function of shapes says; the layer's name stands before its error."""
    try:
        return of(*given)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
