"""XOR: no line computes it, two rectifiers do, and how often they learn it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from phalanx import SGD, Adam, Dense, Linear, Regressor, ReLU, choice

ROWS = ("C1", "C2")

TEXT = r"""
Four rows and a target that is 1 where exactly one input is. The notes, as the book (section 6.1), begin feedforward
networks with it.

## A line

Linear regression minimizes $\sum_i (w_1 x_1^{(i)} + w_2 x_2^{(i)} + b - t^{(i)})^2$. Its derivatives vanish where

$$\begin{bmatrix} 4 & 2 & 2 \\ 2 & 2 & 1 \\ 2 & 1 & 2 \end{bmatrix} \begin{bmatrix} b \\ w_1 \\ w_2 \end{bmatrix} =
\begin{bmatrix} 2 \\ 1 \\ 1 \end{bmatrix}.$$

The solution is $b$ = «closed[0]:.3g», $w_1$ = «closed[1]:.3g», $w_2$ = «closed[2]:.3g»: the answer to every row is one
half, and the mean squared error is «line_error:.3g». A network without hidden layers comes to the same point by
gradient descent, to within «by_gradient_off:.1g».

## Line after line

More layers do not help by themselves. An affine map of an affine map is affine, $(xW + c)v + b = x(Wv) + (cv + b)$.
Here are «deep_seeds» networks with two hidden layers of 8 linear units, which were trained from different weights. Each
is the product of its three matrices, to within «collapse_off:.1g», and their answers lie between «deep_low:.4f» and
«deep_high:.4f». Something has to stand between the layers that is not linear.

## Two rectifiers, by hand

The book gives a solution with $g(z) = \max(0, z)$:

«source: by_hand»

«steps»

In the middle columns lies the point of it. The rows (0, 1) and (1, 0), which have the same target, become the same
point $h$ = (1, 0). What is left are three points, and a line separates the one between from the other two.

![Left: the four rows, and what a trained network of two rectifiers answers between them, from low (blue) to high (red);
on the dashed lines it answers one half. Right: the same rows as the book's hidden units see them, with a line between
the targets.](spaces)

## Two rectifiers, learned

That a solution exists does not say that it is found. One population of «networks» networks, «seeds» for each number of
hidden units, took «updates:,» steps of Adam on all four rows:

«found»

The numbers above the columns are mean squared errors, and there are no others: «other:.1%» of the networks ended
elsewhere. With two units «two:.0%» of the seeds learned XOR (the standard error is «two_error:.1%»), with
«most_units» units «most:.0%». At 1/4 no unit bends between the rows: each is 0 on all of them or passes all of them
on, and the network is the line again. At 1/6 it tells one row from the other three, and answers these by their mean.
At 1/8 two rows are right, and the other two, of different targets, share the answer one half. Given their bends, the
units do the best they can, and a unit that is 0 on all four rows has no gradient, so that it stays as it is:
«dead:.0%» of the networks of two units that failed had one.

![What became of the networks, by their number of hidden units: the share at each mean squared error.](outcomes)

More units than needed do not compute more here: they are more chances that some of them begin in a useful place.
"""

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0.0, 1.0, 1.0, 0.0])
PLATEAUS = {"learned": 0.0, "1/8": 1 / 8, "1/6": 1 / 6, "1/4": 1 / 4}
"""The mean squared errors at which networks end."""
NEAR = 0.01
UPDATES = 1000


def compute(seeds: int = 128, units: Sequence[int] = (2, 3, 4, 6, 8, 16)) -> dict[str, Any]:
    """Return what a line, lines after lines, and rectifiers make of XOR."""
    closed = least_squares()
    line = fit([], SGD(0.5)).predict(X)
    deep = fit([Dense(8), Linear(), Dense(8), Linear()], SGD(0.05), repeats=8)
    points = np.random.default_rng(0).uniform(-2, 2, (100, 2))
    collapsed = [points @ weight + bias for weight, bias in map(collapse, deep.members_)]
    deep_said = np.array([member.predict(X) for member in deep.members_])
    hidden = Dense(choice(*units), name="hidden")
    net = fit([hidden, ReLU()], Adam(0.03), repeats=seeds, trials=len(units), design="grid")
    answers = answers_by_units(net)
    errors = {number: ((said - Y) ** 2).mean(1) for number, said in answers.items()}
    shares = outcomes(errors)
    learned = shares["learned"].to_numpy()
    return {
        "closed": closed,
        "line_error": float(((X @ closed[1:] + closed[0] - Y) ** 2).mean()),
        "by_gradient": line,
        "by_gradient_off": float(np.abs(line - 0.5).max()),
        "deep_seeds": len(deep.members_),
        "collapse_off": float(np.abs(np.array([member.predict(points) for member in deep.members_]) - collapsed).max()),
        "deep_low": float(deep_said.min()),
        "deep_high": float(deep_said.max()),
        "steps": by_hand(),
        "seeds": seeds,
        "networks": seeds * len(units),
        "updates": UPDATES,
        "answers": answers,
        "shares": shares,
        "found": shares.map("{:.0%}".format),
        "two": learned[0],
        "two_error": float(np.sqrt(learned[0] * (1 - learned[0]) / seeds)),
        "most_units": units[-1],
        "most": learned[-1],
        "other": float(shares["elsewhere"].mean()),
        "dead": share_with_dead_unit(net, units[0]),
        "surface": surface(net, units[0]),
    }


def fit(layers: list[Any], optimizer: Any, **options: Any) -> Regressor:
    """Train on the four rows as they are, all of them at each step."""
    net = Regressor(layers, optimizer=optimizer, scaling="none", stopping=None, validation_fraction=0, **options)
    return net.set_params(batch_size=4, round_steps=100, max_rounds=UPDATES // 100).fit(X, Y)


def least_squares() -> np.ndarray:
    """Return b, w₁ and w₂ of linear regression, by its normal equations."""
    rows = np.column_stack([np.ones(4), X])
    return np.linalg.solve(rows.T @ rows, rows.T @ Y)


def collapse(member: Any) -> tuple[np.ndarray, float]:
    """Return weights and bias of the one affine map that a network of linear layers is."""
    weight, bias = np.eye(2), np.zeros(2)
    for name in ("dense_1", "dense_2", "output"):
        layer = member.params[name]
        weight, bias = weight @ layer["weight"], bias @ layer["weight"] + layer["bias"]
    return Y.std() * weight[:, 0], float(Y.mean() + Y.std() * bias[0])  # the target has mean 0 and deviation 1 inside


def by_hand() -> pd.DataFrame:
    """Return the book's solution step by step: z = xW + c, h = max(0, z), y = hw + b."""
    weight, c = np.array([[1, 1], [1, 1]]), np.array([0, -1])
    w, b = np.array([1, -2]), 0
    x = X.astype(int)
    z = x @ weight + c
    h = np.maximum(0, z)
    points = {name: [str(tuple(row)) for row in held.tolist()] for name, held in {"x": x, "z": z, "h": h}.items()}
    return pd.DataFrame({**points, "y": h @ w + b})


def answers_by_units(net: Regressor) -> dict[int, np.ndarray]:
    """Return the answers of all networks to the four rows, (networks, 4), by their number of hidden units."""
    found: dict[int, list[np.ndarray]] = {}
    for member in net.members_:
        found.setdefault(units_of(member), []).append(member.predict(X))
    return {units: np.array(answers) for units, answers in sorted(found.items())}


def units_of(member: Any) -> int:
    """Return the number of hidden units of a network."""
    return member.params["hidden"]["bias"].size


def has_learned(member: Any) -> bool:
    """Say whether a network computes XOR."""
    return bool(((member.predict(X) - Y) ** 2).mean() < NEAR)


def share_with_dead_unit(net: Regressor, units: int) -> float:
    """Return how many of the networks of so many units that failed have a unit that is 0 on all rows."""
    failed = [
        member.params["hidden"] for member in net.members_ if units_of(member) == units and not has_learned(member)
    ]
    return float(np.mean([(X @ held["weight"] + held["bias"] <= 0).all(0).any() for held in failed]))


def surface(net: Regressor, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what the first network of so many units that computes XOR answers on a grid, and the grid's axis."""
    axis = np.linspace(-0.3, 1.3, 65)
    chosen = next(member for member in net.members_ if units_of(member) == units and has_learned(member))
    rows = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return axis, chosen.predict(rows).reshape(len(axis), len(axis))


def outcomes(errors: dict[int, np.ndarray]) -> pd.DataFrame:
    """Return the share of networks at each of the errors where they end, by the number of hidden units."""
    table = pd.DataFrame(
        {name: [(abs(held - at) < NEAR).mean() for held in errors.values()] for name, at in PLATEAUS.items()},
        index=pd.Index(errors, name="hidden units"),
    )
    return table.assign(elsewhere=(1 - table.sum(axis=1)).clip(lower=0))


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    spaces = Figure(figsize=(5.5, 2.9), layout="constrained")
    left, right = spaces.subplots(1, 2)
    grid, said = found["surface"]
    left.contourf(grid, grid, said, levels=np.linspace(-0.5, 1.5, 17), extend="both", cmap="coolwarm", alpha=0.8)
    left.contour(grid, grid, said, levels=[0.5], colors="C2", linestyles="--")
    for target, marker in ((0.0, "o"), (1.0, "s")):
        of = target == Y
        left.plot(*X[of].T, marker, color=f"C{int(target)}", markeredgecolor="C7", label=f"target {target:.0f}")
        h = np.maximum(0, X[of].sum(1)[:, None] - [0, 1])
        right.plot(*h.T, marker, color=f"C{int(target)}", label=f"target {target:.0f}")
    for text, at, above in (("(0, 0)", (0, 0), 6), ("(0, 1), (1, 0)", (1, 0), -14), ("(1, 1)", (2, 1), 6)):
        right.annotate(text, at, (0, above), textcoords="offset points", ha="center", fontsize=8)
    right.axline((0.5, 0), slope=0.5, color="C2", linestyle="--")
    left.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-0.3, 1.3), ylim=(-0.3, 1.3))
    right.set(xlabel="$h_1$", ylabel="$h_2$", xlim=(-0.5, 2.5), ylim=(-0.4, 1.4))
    right.legend(fontsize=8, loc="upper left")
    shares = found["shares"]
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    bottom = np.zeros(len(shares))
    names = [str(units) for units in shares.index]
    for name in shares.columns[shares.any()]:
        axes.bar(names, shares[name], bottom=bottom, label="0" if name == "learned" else name)
        bottom += shares[name].to_numpy()
    axes.set(xlabel="hidden units", ylabel="share of networks")
    figure.legend(title="mean squared error", loc="outside upper center", ncols=5)
    return {"spaces": spaces, "outcomes": figure}
