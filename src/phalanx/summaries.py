"""What a network consists of: its layers in order, how many numbers it learns, and what one row costs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
import pandas as pd
from rich.console import Console, Group
from rich.table import Table

from phalanx.blueprint import Blueprint, Placed
from phalanx.display import make_table
from phalanx.errors import InputError
from phalanx.layers import Columns, Embedding, Layer
from phalanx.layers.layer import has_parts, is_table
from phalanx.layers.wrapper import bare
from phalanx.model import parameter_count, row_shape
from phalanx.network import Network, OutputSize, branches, complete
from phalanx.parts import at_progress, names
from phalanx.population.predict import Final
from phalanx.regularizers import Parameters
from phalanx.search.space import is_space

HUMAN = 10_000
"""Connections of a neuron of the human brain (MAP A4; book 1.2.3, figure 1.10)."""

DEEP = 5
"""Layers from which on a network is called deep (MAP C6)."""

_LOOKED_UP: dict[type[Layer], str] = {Embedding: "weight", Columns: "embedding"}
"""Layers that read rows, and their table of vectors: it is looked up, so no unit is connected to all of it."""

_WIDTH = 120


class LayerSummary(NamedTuple):
    """One layer: what it is called and of what kind it is, the shape of a row after it, how many numbers it learns,
    how many weights enter one of its units (`fan_in`, None: it has no weighted sums), how often a row multiplies with
    a weight and adds (`multiply_adds`), and the bytes of its parameters.
    """

    layer: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    fan_in: int | None
    multiply_adds: int
    bytes: int


@dataclass(frozen=True, repr=False)
class Summary:
    """What a network consists of; shown as a table.

    `rows`: the shape of a row of input. `layers`: its layers in order, those inside a layer before it. `depth`: layers
    with weighted sums that stand one after the other, on the longest way from input to output; a recurrent layer counts
    once, however many steps it takes.
    """

    rows: Any
    layers: tuple[LayerSummary, ...]
    depth: int

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """How often a row multiplies with a weight and adds; what is done number by number, as by activations,
        normalization and pooling, does not count."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def bytes(self) -> int:
        """The memory that the parameters take."""
        return sum(layer.bytes for layer in self.layers)

    @property
    def deep(self) -> bool:
        """Whether the network is called deep: it has five layers or more."""
        return self.depth >= DEEP

    @property
    def fan_in(self) -> float:
        """The connections of a unit, the mean over all units that have any."""
        counted = [(layer.fan_in, math.prod(layer.output)) for layer in self.layers if layer.fan_in is not None]
        units = sum(number for _, number in counted)
        return sum(fan_in * number for fan_in, number in counted) / units if units else 0.0

    @property
    def frame(self) -> pd.DataFrame:
        """The layers as a table, a row for each."""
        return pd.DataFrame(self.layers, columns=LayerSummary._fields).astype({"fan_in": "Int64"})

    def __repr__(self) -> str:
        console = Console(file=StringIO(), width=_WIDTH, markup=False, emoji=False, highlight=False)
        with console.capture() as told:
            console.print(self)
        return "\n".join(line.rstrip() for line in told.get().splitlines())

    def __rich__(self) -> Group:
        return Group(self._table(), *self._lines())

    def _table(self) -> Table:
        right = ("parameters", "fan-in", "of human", "multiply-adds", "memory")
        table = make_table(f"A row is {_row(self.rows)}", "layer", "kind", "output", *right, right=right, wrap="layer")
        for one in self.layers:
            fan_in = ("", "") if one.fan_in is None else (f"{one.fan_in:,}", _percent(one.fan_in / HUMAN))
            counts = (_count(one.parameters), *fan_in, _count(one.multiply_adds), _memory(one.bytes))
            table.add_row(one.layer, one.kind, _row(one.output), *counts)
        table.add_section()
        total = (_count(self.parameters), "", "", _count(self.multiply_adds), _memory(self.bytes))
        table.add_row("total", "", "", *total)
        return table

    def _lines(self) -> list[str]:
        largest = max((layer.fan_in for layer in self.layers if layer.fan_in is not None), default=0)
        what = "layer" if self.depth == 1 else "layers"
        called = "a deep network, as from five on" if self.deep else "no deep network, which has five or more"
        return [
            f"{self.depth} {what} with weights, one after the other: {called}",
            f"connections of a unit (fan-in): {self.fan_in:,.4g} on average, {largest:,} at most; "
            f"a neuron of the human brain has about {HUMAN:,}",
        ]


def summary(network: Any, rows: Any, outputs: Any = None) -> Summary:
    """Return what a network consists of: layers with their shapes, parameters, connections and products.

    `network`: a `Network` without distributions. `rows`: the shape of a row, such as (28, 28, 1), or an array of rows;
    a tuple of these where rows have several parts. `outputs`: how many classes, or numbers, the target has, for the
    output layer; a list of these with several heads; None: the network has its output layer already, or none.
    A fitted estimator has a method `summary()`, and `phalanx summary` shows a run.

    A unit's `fan_in` is the number of weights that enter it: those of all gates of an LSTM, of all pieces of maxout.
    Shared weights count once as parameters, and each time they are used as products and connections.

    Raises `InputError` where the shapes do not fit.

    >>> from phalanx import Conv, Flatten, MaxPool, Multinoulli, Network, ReLU
    >>> told = summary(Network([Conv(8), ReLU(), MaxPool(), Flatten()], Multinoulli()), (28, 28, 1), outputs=10)
    >>> told.parameters, told.multiply_adds, told.depth  # 9·8 + 8 + 1,568·10 + 10; 784·9·8 + 1,568·10
    (15770, 72128, 2)
    >>> told.frame[["layer", "fan_in"]].dropna().to_numpy().tolist()
    [['conv_1', 9], ['output', 1568]]

    Source: notes A4, C6; book 1.2.3.
    """
    if not isinstance(network, Network):
        raise InputError(
            f"summary takes a Network, but gets {type(network).__name__}; a fitted estimator has a method summary()"
        )
    if is_space(network):
        raise InputError("summary is of one network, but this one holds distributions; give a member's `spec`")
    if outputs is not None:
        sizes = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        network = complete(network, *(OutputSize(_positive(size, "outputs")) for size in sizes))
    shape = _shape(rows)
    return summarize(network, _zeros(network, shape), shape)


def summarize(network: Network, params: Parameters, shape: Any) -> Summary:
    """Return what a network with given parameters consists of, for rows of a shape."""
    used = params
    for regularizer in network.regularizers:
        used = regularizer.tie(used)
    layers = tuple(_told(placed, params, used) for placed in Blueprint.of(network, shape).layers)
    return Summary(shape, layers, _depth(network, {one.layer for one in layers if one.fan_in is not None}))


class _Zeros(np.random.Generator):
    """Draws zeros, which take no memory until they are read: only their shape matters here."""

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        return np.zeros(() if size is None else size)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        return np.zeros(() if size is None else size)


def _zeros(network: Network, shape: Any) -> Parameters:
    """Return parameters of the shapes that those of a network have."""
    rng = _Zeros(np.random.PCG64(0))
    placed = Blueprint.of(network, shape).layers
    params: Parameters = {one.name: at_progress(one.layer, 0.0).init(rng, one.before)[0] for one in placed}
    for regularizer in network.regularizers:
        params = regularizer.untie(params)
    return params


class _Predicts(Protocol):
    """What predicts with trained networks: they by id, and the id of the best."""

    @property
    def members(self) -> Mapping[str, Final]: ...
    @property
    def best(self) -> str: ...


def summary_of(model: _Predicts, shape: Any, id_: str | None = None) -> Summary:
    """Return what a trained network consists of, the best where none is named, for rows of a shape."""
    final = model.members[model.best if id_ is None else id_]
    return summarize(final.network, final.params, shape)


def _told(placed: Placed, params: Parameters, used: Parameters) -> LayerSummary:
    name, layer, before, after = placed
    kind, own = type(bare(layer)), params[name]
    weights = sum(a.size for key, a in used[name].items() if a.ndim > 1 and key != _LOOKED_UP.get(kind))
    times = before[0] if layer.unrolls else math.prod(after[:-1])
    fan_in = round(weights / after[-1]) if weights and kind not in _LOOKED_UP else None
    memory = sum(a.size * jax.dtypes.canonicalize_dtype(a.dtype).itemsize for a in own.values())
    return LayerSummary(name, type(layer).__name__, tuple(after), parameter_count(own), fan_in, weights * times, memory)


def _depth(network: Network, weighted: set[str]) -> int:
    """Return how many of the layers `weighted` stand one after the other."""
    trunk = names(network.layers)
    along = _depths("", network.layers, weighted)
    ends = []
    for name, head in branches(network):
        before = along[: trunk.index(head.after) + 1] if head.after else along
        ends.append(sum(before) + sum(_depths(f"{name}.", head.layers, weighted)))
    return max(ends)


def _depths(prefix: str, layers: Sequence[Layer], weighted: set[str]) -> list[int]:
    """Return the depth of each layer: that of what is inside it, or 1 where it has weights of its own."""
    found = []
    for name, layer in zip(names(layers), layers, strict=True):
        inside = _depths(f"{prefix}{name}.", layer.inner, weighted)
        together = max(inside, default=0) if layer.forks else sum(inside)
        found.append(max(together, int(f"{prefix}{name}" in weighted)))
    return found


def _shape(rows: Any) -> Any:
    """Return the shape of a row, given it or rows."""
    if isinstance(rows, (np.ndarray, jax.Array)):
        return row_shape(rows)
    if isinstance(rows, (tuple, list)) and rows:
        if all(isinstance(one, (int, np.integer)) for one in rows):
            return tuple(_positive(one, "rows", least=0) for one in rows)
        return tuple(_shape(one) for one in rows)
    raise InputError(
        f"rows is {_short(rows)}, but must be the shape of a row, such as (28, 28, 1), or an array of rows"
    )


def _positive(size: Any, name: str, least: int = 1) -> int:
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < least:
        raise InputError(f"{name} holds {_short(size)}, but must be whole numbers from {least}")
    return int(size)


def _short(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= 40 else type(value).__name__


def _row(shape: Any) -> str:
    """Return a shape in words.

    >>> _row((28, 28, 1)), _row(((4,), (1,)))
    ('28 x 28 x 1', '4 numbers, 1 code')
    """
    if is_table(shape):
        (numbers,), (codes,) = shape
        counted: Mapping[str, int] = {"number": numbers, "code": codes}
        return ", ".join(f"{n:,} {what}{'s' if n != 1 else ''}" for what, n in counted.items() if n) or "empty"
    if has_parts(shape):
        return " and ".join(map(_row, shape))
    return " x ".join(f"{length:,}" for length in shape)


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _memory(count: int) -> str:
    """Return bytes with a unit.

    >>> _memory(0), _memory(320), _memory(41_608), _memory(249_000_000)
    ('', '320 B', '41.6 kB', '249 MB')
    """
    if count < 1000:
        return f"{count} B" if count else ""
    for unit in ("kB", "MB"):
        count_in = count / {"kB": 1e3, "MB": 1e6}[unit]
        if count_in < 999.5:
            return f"{count_in:.3g} {unit}"
    return f"{count / 1e9:.3g} GB"
