"""Units: the affine map, its bias, and every activation with its derivative."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from phalanx import (
    RBF,
    Absolute,
    Adam,
    Dense,
    Gaussian,
    HardTanh,
    Layer,
    LeakyReLU,
    Linear,
    Maxout,
    Network,
    PReLU,
    Regressor,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
    summary,
)
from phalanx.layers.layer import EVALUATE

ROWS = ("C3", "C4", "C6")

TEXT = r"""
A layer of a feedforward network is $h = g(W^\top x + c)$: a linear map, a constant vector, and a function $g$ of each
number that comes out (book, sections 6.1 and 6.3).

## The affine map

The notes map $\mathbb{R}^2$ to $\mathbb{R}^3$ by $f_1 = 3 x_1 + 4 x_2$, $f_2 = x_1 + 2 x_2$, $f_3 = 5 x_1 + 6 x_2$.
Each column of $W$ holds the weights of one unit. Phalanx writes rows of data, $xW$, where the notes have columns,
$W^\top x$; the numbers are the same:

$$\begin{bmatrix} 2 & 1 \end{bmatrix} \begin{bmatrix} 3 & 1 & 5 \\ 4 & 2 & 6 \end{bmatrix} =
\begin{bmatrix} «image[0]:.0f» & «image[1]:.0f» & «image[2]:.0f» \end{bmatrix}.$$

This is what `Dense` answers with these weights. The scan of the notes shows the 10 and the 16; the 4 between them is
lost.

## A bias is a weight

Adding $c$ makes the map affine. It is no second kind of parameter: give every row one more number, which is always 1,
and $c$ becomes the weights that leave it.

«source: with_a_unit_of_ones»

On «rows» rows of random numbers the two layers give the same answers, to within «bias_off:.1g», and the same
gradients, to within «gradient_off:.1g»: the gradient of a bias is that of a weight whose input is 1. What differs is
the treatment. Biases are not penalized, as the notes say in one place, and the book (section 7.1).

## Activations

Without $g$ layers would [collapse into one](chapter:xor). These are all that the notes name, as Phalanx computes them.
The slopes are derivatives by automatic differentiation, far to the left ($z = -20$), at 0, and far to the right:

«table»

![The linear unit and the rectifiers, on the left, and their derivatives, on the right.](rectifiers)

The rectifiers have a corner at 0, where the derivative is one-sided. Either side may be taken: left is the default, and
`ReLU(at_zero="right")` has the slope «right_slope:.0f» there. `LeakyReLU` with slope −1 is `Absolute` (they differ by
«leaky_off:.0f»). `PReLU` learns its slope for negative numbers. Asked for $|x|$, one unit went from «start» to
«learned:.4f», where −1 is right.

![Softplus and the functions that saturate on both sides, and their derivatives.](saturating)

The derivatives of sigmoid, tanh and hard tanh vanish on both sides, and with them what is learned through such a unit.
At $z = 5$ the sigmoid has the slope «sigmoid_slope:.4f», tanh «tanh_slope:.5f». The two are one curve at two scales,
$\tanh z = 2 \sigma(2z) - 1$ (to within «tanh_off:.1g»). Softplus is a rectifier with a round corner, and its derivative
the sigmoid (to within «softplus_off:.1g»).

![Maxout of two, three and nine lines, a radial unit, and the first of two softmax outputs, and their
derivatives.](several)

`Maxout` takes the largest of several affine functions of its input, and learns them all. Of the pieces $z$ and 0 it is
`ReLU` (off by «maxout_relu:.0f»), of $z$ and $-z$ `Absolute` (off by «maxout_absolute:.0f»), and of nine tangents it is
within «parabola_off:.4f» of $z^2/4$ between −3 and 3. With enough pieces it comes near any convex function. An `RBF`
unit is active near its template and silent far from it, where it hardly learns. `Softmax` turns numbers into
probabilities; of two numbers it is the sigmoid of their difference (to within «softmax_off:.1g»).

No row of the table is best. [What trying them gives](chapter:which_activation) has its own chapter.

## How many layers are deep

The notes call a network deep from five layers on. `summary` counts layers with weights, those in a row, and says so:
a network of four is «called», one of five is «called_more».
"""

Z = np.arange(-800, 801, dtype=np.float32) / 40
"""From −20 to 20."""

TANGENTS = range(-4, 5)
"""Where the nine lines of a maxout unit touch z²/4."""

WEIGHT = np.array([[3.0, 1.0, 5.0], [4.0, 2.0, 6.0]])
"""The notes' map of two numbers to three: f₁ = 3x₁ + 4x₂, f₂ = x₁ + 2x₂, f₃ = 5x₁ + 6x₂."""


class Curve(NamedTuple):
    """An activation with given parameters, as a function of one number."""

    formula: str
    layer: Layer
    params: Any = None
    other: float | None = None
    """A second input, for a function of two numbers, of which the first answer is taken."""

    def __call__(self, z: Any) -> Any:
        """Return g of each of the numbers z."""
        rows = z[:, None] if self.other is None else jnp.stack([z, jnp.full_like(z, self.other)], axis=-1)
        return self.layer(self.params or {}, {}, rows, EVALUATE)[0][:, 0]

    def drawn(self, z: Any = Z) -> tuple[np.ndarray, np.ndarray]:
        """Return g and dg/dz at each of the numbers z."""
        value, slope = jax.jit(jax.vmap(jax.value_and_grad(lambda one: self(one[None])[0])))(z)
        return np.asarray(value), np.asarray(slope)


def compute(rows: int = 50, seed: int = 0) -> dict[str, Any]:
    """Return the map of the notes, a bias as a weight, and every activation with its derivative."""
    learned = learned_slope()
    rng = np.random.default_rng(seed)
    x, weight, c, slope = (np.float32(rng.normal(size=shape)) for shape in ((rows, 4), (4, 3), 3, (rows, 3)))
    bias_off, gradient_off = with_a_unit_of_ones(x, weight, c, slope)
    of = curves()
    drawn = {name: curve.drawn() for name, curve in of.items()}
    values, slopes = ({name: both[i] for name, both in drawn.items()} for i in (0, 1))
    zero, five, middle = np.flatnonzero(Z == 0)[0], np.flatnonzero(Z == 5)[0], np.abs(Z) <= 3
    deep = [summary(Network([Dense(8), Tanh()] * hidden, Gaussian()), (4,), outputs=1).deep for hidden in (3, 4)]
    return {
        "image": answers_and_gradients(np.array([[2, 1]], np.float32), {"weight": np.float32(WEIGHT)})[0][0],
        "rows": rows,
        "bias_off": bias_off,
        "gradient_off": gradient_off,
        "table": table(of, slopes),
        "values": values,
        "slopes": slopes,
        "right_slope": float(Curve("", ReLU(at_zero="right")).drawn()[1][zero]),
        "leaky_off": off(Curve("", LeakyReLU(-1.0)).drawn()[0], values["absolute"]),
        "start": PReLU().start,
        "learned": learned,
        "sigmoid_slope": float(slopes["sigmoid"][five]),
        "tanh_slope": float(slopes["tanh"][five]),
        "tanh_off": off(2 * of["sigmoid"].drawn(2 * Z)[0] - 1, values["tanh"]),
        "softplus_off": off(slopes["softplus"], values["sigmoid"]),
        "maxout_relu": off(maxout([1, 0], [0, 0]).drawn()[0], values["ReLU"]),
        "maxout_absolute": off(maxout([1, -1], [0, 0]).drawn()[0], values["absolute"]),
        "parabola_off": off(values["maxout of 9"][middle], Z[middle] ** 2 / 4),
        "softmax_off": off(values["softmax"], values["sigmoid"]),
        "called": called(deep[0]),
        "called_more": called(deep[1]),
    }


def with_a_unit_of_ones(x: Any, weight: Any, c: Any, slope: Any) -> tuple[float, float]:
    """Return how far apart are a layer with a bias and one without, whose rows end with a 1: answers, and gradients.

    `slope` is the gradient of some cost with respect to the answers.
    """
    longer, joined = np.column_stack([x, np.ones_like(x[:, 0])]), np.vstack([weight, c])
    said, gradients = answers_and_gradients(x, {"weight": weight, "bias": c}, slope)
    again, of_joined = answers_and_gradients(longer, {"weight": joined}, slope)
    both = np.vstack([gradients["weight"], gradients["bias"]])
    return off(said, again), off(both, of_joined["weight"])


def answers_and_gradients(x: Any, params: dict[str, Any], slope: Any = None) -> tuple[Any, Any]:
    """Return what `Dense` makes of rows, and the gradient of its parameters, given that of its answers."""
    layer = Dense(params["weight"].shape[1], bias="bias" in params)
    said, back = jax.vjp(lambda params: layer(params, {}, jnp.asarray(x), EVALUATE)[0], params)
    return np.asarray(said), None if slope is None else back(jnp.asarray(slope))[0]


def curves() -> dict[str, Curve]:
    """Return all activations of the notes as functions of one number, by name."""
    return {
        "linear": Curve("z", Linear()),
        "ReLU": Curve("max(0, z)", ReLU()),
        "leaky ReLU": Curve("max(0, z) + 0.1 min(0, z)", LeakyReLU(0.1)),
        "absolute": Curve("|z|", Absolute()),
        "PReLU": Curve("max(0, z) + α min(0, z), α learned", PReLU(), {"slope": np.full(1, 0.25, np.float32)}),
        "softplus": Curve("log(1 + e^z)", Softplus()),
        "hard tanh": Curve("max(−1, min(1, z))", HardTanh()),
        "sigmoid": Curve("1 / (1 + e^−z)", Sigmoid()),
        "tanh": Curve("tanh z", Tanh()),
        "maxout of 2": maxout([-0.5, 1], [0, 0]),
        "maxout of 3": maxout([-1, 0, 1], [-1, 0, -1]),
        "maxout of 9": maxout([at / 2 for at in TANGENTS], [-(at**2) / 4 for at in TANGENTS]),
        "RBF": Curve("exp(−(w − z)² / 2)", RBF(1), {"centre": np.zeros((1, 1), np.float32)}),
        "softmax": Curve("e^z / (e^z + e^0)", Softmax(), other=0.0),
    }


def maxout(weights: Sequence[float], biases: Sequence[float]) -> Curve:
    """Return a maxout unit of given lines."""
    params = {"weight": np.array([weights], np.float32), "bias": np.array(biases, np.float32)}
    return Curve("max over j of w_j z + b_j", Maxout(1, len(weights)), params)


def table(of: dict[str, Curve], slopes: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return formulas, and slopes far to the left, at 0, and far to the right."""
    at = [0, len(Z) // 2, -1]
    told = pd.DataFrame([held[at].round(3) + 0.0 for held in slopes.values()], columns=["left", "at 0", "right"])
    told.insert(0, "g(z)", [curve.formula for curve in of.values()])
    told.insert(0, "activation", list(of))
    return told


def learned_slope() -> float:
    """Return the slope for negative numbers of a PReLU unit that was asked for |x|."""
    x = np.linspace(-2, 2, 64)
    net = Regressor([PReLU()], optimizer=Adam(0.03), scaling="none", stopping=None, validation_fraction=0)
    net.set_params(batch_size=64, round_steps=100, max_rounds=10).fit(x[:, None], np.abs(x))
    return float(net.best_.params["prelu_1"]["slope"][0])


def off(one: Any, other: Any) -> float:
    """Return the largest difference between two arrays."""
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())


def called(deep: bool) -> str:
    """Return what `summary` calls a network."""
    return "called deep" if deep else "not called deep"


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    groups = {
        "rectifiers": ("linear", "ReLU", "leaky ReLU", "absolute", "PReLU"),
        "saturating": ("softplus", "hard tanh", "sigmoid", "tanh"),
        "several": ("maxout of 2", "maxout of 3", "maxout of 9", "RBF", "softmax"),
    }
    return {name: curves_and_slopes(found, group) for name, group in groups.items()}


def curves_and_slopes(found: dict[str, Any], names: Sequence[str]) -> Figure:
    """Return activations and their derivatives, side by side."""
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    styles = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
    near = np.abs(Z) <= 5
    for name, style in zip(names, styles, strict=False):
        left.plot(Z[near], found["values"][name][near], linestyle=style, label=name)
        right.plot(Z[near], found["slopes"][name][near], linestyle=style)
    left.set(xlabel="$z$", ylabel="$g(z)$", ylim=(-2.2, 4.2))
    right.set(xlabel="$z$", ylabel="$g'(z)$")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
