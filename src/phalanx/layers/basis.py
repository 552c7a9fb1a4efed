"""Fixed basis functions φ of the numbers of a row: a linear model of them is linear in φ, and not in x (MAP B4)."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.errors import InputError
from phalanx.layers.expressions import Expression, read_expression
from phalanx.layers.layer import At, Layer, Params, along_last
from phalanx.parts import Distribution, Fixed, Listed, MaybeKnob, Names, field, part
from phalanx.parts.fields import nearest

MISSING, SCALED = " is missing", " (scaled)"
"""How the name of a number ends that is 1 where another is missing, and else 0; and of one that is not as it was."""

MOST_PRODUCTS = 10_000
"""Products of inputs that are computed at most."""

_CONSTANT = 1e-9  # of its mean: what deviates by less does not vary


@part
class BasisFunctions(Layer):
    """h = (φ₁(x), …, φ_m(x)) with functions that are fixed: expressions, products of powers, and Gaussians
    exp(−‖x − c_k‖² / 2σ²) around rows of the data. With an output layer alone after it, y = Σ_j w_j φ_j(x) + b.

    It stands first, or after the `Columns` of a table, and takes from the training rows what it needs: means and
    deviations of the numbers and of each φ_j, and centres. x is standardized before products and distances, expressions
    take it as it is; expressions and products are standardized then, which changes w and b and not what a linear model
    of them can say. Where it stands elsewhere nothing is standardized, and centres are drawn from N(0, 1).
    What comes after a table's numbers, its categories, passes on as it is. Where a number of an expression is missing,
    and where its value is none, as log(0), φ_j is at its mean; so is a missing number in products and distances.

    `expressions`: such as `weight / height**2`, of columns of numbers, + - * / **, comparisons (1 or 0) and log, log1p,
    exp, sqrt, abs, sin, cos, tan, tanh, minimum, maximum; a column whose name is no word stands in quotes. The numbers
    of a table must come as they are, with `scaling="none"`; columns of an array are called x0, x1, ...
    `degree`: highest degree of products of powers of all numbers (default 0, none; where nothing else is asked for
    either, it is 1: x itself). `centres`: how many Gaussians, around different training rows drawn at random (default
    0). `sigma`: σ, in deviations; None (default) is √inputs, so that at the typical distance of two rows a Gaussian
    is 1/e. `columns`: the names of the inputs; () (default): those of the table.
    Raises `InputError` for an expression that is not made of these, or names no column of numbers; for more centres
    than training rows; and for more than 10,000 products.

    >>> layer = BasisFunctions(["weight / height**2"], degree=2, centres=3, columns=("height", "weight"))
    >>> layer.output_shape((2,))  # an expression; x₁, x₂, x₁², x₁x₂, x₂²; three Gaussians
    (9,)

    Source: notes B4; book 5.1.4, 6.1; Broomhead & Lowe 1988 (Gaussians around rows).
    """

    expressions: Listed[str] = field(default=())
    degree: Fixed[int] = field(default=0, at_least=0)
    centres: Fixed[int] = field(default=0, at_least=0)
    sigma: MaybeKnob = field(default=None, above=0)
    columns: Names = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            for given in self.expressions:
                for text in given.extremes() if isinstance(given, Distribution) else (given,):
                    read_expression(text)
        except InputError as error:
            raise InputError(f"BasisFunctions: {error}") from None

    @property
    def sizes(self) -> tuple[str, ...]:
        return ("degree", "centres")

    @property
    def example(self) -> Any:
        return np.zeros(len(self.columns) or 5, np.float32)

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]] | None:
        if len(inputs) < shape[-1]:
            return None
        first, here = smaller._counts(shape), self._counts(shape)
        if first[1] > here[1]:
            return None
        begins = np.cumsum([0, *here])
        outputs = np.concatenate([begin + np.arange(count) for begin, count in zip(begins, first, strict=False)])
        scaled = np.concatenate([np.arange(first[0]), here[0] + np.arange(first[1])])
        centres, numbers = np.arange(smaller.centres), np.arange(self._numbers(shape))
        return outputs, {"centre": (centres, numbers), "offset": (scaled,), "scale": (scaled,)}

    def output_shape(self, shape: Any) -> Any:
        if len(self.columns) > shape[-1]:
            raise InputError(f"BasisFunctions has {len(self.columns)} columns, but gets {shape[-1]} numbers")
        for text in self.expressions:
            self._check_columns(read_expression(text))
        return (*shape[:-1], sum(self._counts(shape)))

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        numbers, (expressions, products, *_) = self._numbers(shape), self._counts(shape)
        functions = expressions + products
        return {}, {
            "mean": np.zeros(numbers),
            "rate": np.ones(numbers),
            "centre": rng.normal(size=(self.centres, numbers)),
            "offset": np.zeros(functions),
            "scale": np.ones(functions),
            "told": np.zeros(()),
        }

    def seen(self, rng: np.random.Generator, state: Params, rows: np.ndarray) -> Params:
        if state["told"]:
            return state
        numbers = rows[:, : self._numbers(rows.shape)].astype(np.float64)
        absent = self._missing(numbers)
        mean, rate = _scale(numbers if absent is None else np.where(absent, np.nan, numbers))
        u = np.nan_to_num((numbers - mean) * rate) if absent is None else np.where(absent, 0, (numbers - mean) * rate)
        values = np.concatenate([self._expressions(numbers, absent, np), _products(u, self._degree)], axis=-1)
        offset, scale = _scale(values)
        for text, found in zip(self.expressions, offset, strict=False):
            if np.isnan(found):
                raise InputError(f"BasisFunctions: expression {text!r} is a number in none of the training rows")
        told = {"mean": mean, "rate": rate, "centre": self._drawn(rng, u), "offset": offset, "scale": scale}
        return {name: np.asarray(told.get(name, 1.0), held.dtype) for name, held in state.items()}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        held = {name: along_last(value.astype(x.dtype), x) for name, value in state.items() if value.ndim == 1}
        numbers, rest = jnp.split(x, [held["mean"].shape[-1]], axis=-1)
        absent = self._missing(numbers)
        u = (numbers - held["mean"]) * held["rate"]
        u = u if absent is None else jnp.where(absent, 0, u)
        values = self._expressions(numbers, absent, jnp)
        known = jnp.isfinite(numbers).all(-1, keepdims=True)  # what is lost before this comes through
        none = known & ~jnp.isfinite(values)
        values = jnp.where(none, held["offset"][..., : values.shape[-1]], values)
        values = jnp.concatenate([values, _products(u, self._degree)], axis=-1)
        functions = (values - held["offset"]) * held["scale"]
        gaussians = self._gaussians(u, state["centre"].astype(x.dtype))
        return jnp.concatenate([functions, gaussians, rest], axis=-1), state

    @property
    def _degree(self) -> int:
        return self.degree if self.degree or self.expressions or self.centres else 1

    def _numbers(self, shape: Any) -> int:
        return len(self.columns) or shape[-1]

    def _counts(self, shape: Any) -> tuple[int, int, int, int]:
        """Return how many expressions, products, Gaussians, and inputs that pass on, there are."""
        numbers = self._numbers(shape)
        products = math.comb(numbers + self._degree, self._degree) - 1
        if products > MOST_PRODUCTS:
            raise InputError(
                f"BasisFunctions: degree {self._degree} of {numbers} numbers makes {products:,} products, but at most "
                f"{MOST_PRODUCTS:,} are computed"
            )
        return len(self.expressions), products, self.centres, shape[-1] - numbers

    def _check_columns(self, expression: Expression) -> None:
        """Raise `InputError` for an expression that names no column of numbers as they are."""
        for name in expression.columns:
            if name in self.columns:
                continue
            start = f"BasisFunctions: expression {expression.text!r} names {name!r}"
            if not self.columns:
                raise InputError(f"{start}, but the inputs have no names; say them in `columns`")
            if f"{name}{SCALED}" in self.columns:
                raise InputError(f'{start}, which comes scaled; set scaling to "none"')
            near = nearest(name, self.columns)
            listed = ", ".join(map(repr, self.columns[:5])) + (", ..." if len(self.columns) > 5 else "")
            hint = f"; did you mean {near!r}?" if near else ""
            raise InputError(f"{start}, but the columns of numbers are {listed}{hint}")

    def _missing(self, numbers: Any) -> Any:
        """Return which numbers are missing, as others say; None: none of them can be."""
        pairs = [
            (self.columns.index(f"{name}{MISSING}"), i)
            for i, name in enumerate(self.columns)
            if f"{name}{MISSING}" in self.columns
        ]
        if not pairs:
            return None
        marks = np.zeros((numbers.shape[-1], numbers.shape[-1]), bool)
        marks[tuple(np.array(pairs).T)] = True
        return ((numbers > 0.5)[..., None] & marks.reshape((1,) * (numbers.ndim - 1) + marks.shape)).any(-2)

    def _expressions(self, numbers: Any, absent: Any, numpy: Any) -> Any:
        """Return the value of each expression, infinite or NaN where there is none."""
        found = []
        given = numbers if numpy is np else _finite_slope(numbers)
        for expression in map(read_expression, self.expressions):
            places = [self.columns.index(name) for name in expression.columns]
            with np.errstate(all="ignore"):
                value = expression.value({self.columns[i]: given[..., i] for i in places}, numpy)
            found.append(value if absent is None else numpy.where(absent[..., np.array(places)].any(-1), np.inf, value))
        return numpy.stack(found, axis=-1) if found else numbers[..., :0]

    def _gaussians(self, u: jax.Array, centre: jax.Array) -> jax.Array:
        inner = u @ centre.T
        squares = (u**2).sum(-1, keepdims=True) - 2 * inner + jnp.broadcast_to((centre**2).sum(-1), inner.shape)
        variance = u.shape[-1] if self.sigma is None else self.sigma**2
        return jnp.exp(-jnp.where(squares < 0, 0, squares) / (2 * variance))

    def _drawn(self, rng: np.random.Generator, u: np.ndarray) -> np.ndarray:
        """Return as many different rows as there are centres."""
        if not self.centres:
            return u[:0]
        different = np.unique(u, axis=0)
        if len(different) < self.centres:
            raise InputError(
                f"BasisFunctions: centres is {self.centres:,}, but must be at most the {len(different):,} different "
                "training rows"
            )
        return different[rng.choice(len(different), self.centres, replace=False)]


@jax.custom_vjp
def _finite_slope(x: jax.Array) -> jax.Array:
    """Return x, and to what is before it no slope that is infinite or none."""
    return x


def _forward(x: jax.Array) -> tuple[jax.Array, None]:
    return x, None


def _back(_: None, slope: jax.Array) -> tuple[jax.Array]:
    return (jnp.where(jnp.isfinite(slope), slope, 0),)


_finite_slope.defvjp(_forward, _back)


def _scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the finite values of each column, NaN if there are none, and 1 / deviation, 0 if that is 0."""
    counts = np.isfinite(values)
    with np.errstate(all="ignore"):
        mean = np.where(counts, values, 0).sum(0) / counts.sum(0)
        deviation = np.sqrt((np.where(counts, values - mean, 0) ** 2).sum(0) / counts.sum(0))
        return mean, np.where(deviation > _CONSTANT * np.abs(mean), 1 / deviation, 0)


def _products(u: Any, degree: int) -> Any:
    """Return all products of 1 to `degree` of the numbers on the last axis, those of lower degree first."""
    if not degree:
        return u[..., :0]
    found, last = u, np.arange(u.shape[-1])  # products of the degree before, and the last factor of each
    pieces = [found]
    for _ in range(degree - 1):
        pairs = [(k, i) for k, first in enumerate(last) for i in range(first, u.shape[-1])]
        before, last = np.array(pairs, np.int32).reshape(-1, 2).T
        found = found[..., before] * u[..., last]
        pieces.append(found)
    numpy: Any = np if isinstance(u, np.ndarray) else jnp
    return numpy.concatenate(pieces, axis=-1)
