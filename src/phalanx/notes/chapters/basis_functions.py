"""Basis functions: a linear model of features that a person chose, in closed form and by gradient."""

from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes

from phalanx import L2, SGD, Adam, BasisFunctions, Cosine, Dense, LeastSquares, Regressor, ReLU, choice, loguniform

ROWS = ("B4",)

TEXT = r"""
Before features were learned they were chosen. The notes turn raw features $x$ into matured ones,
$\phi_1(x), \dots, \phi_m(x)$, and put a linear model on top (book, sections 5.1.4 and 6.1):

$$y(x) = \sum_{j=1}^m w_j \phi_j(x) + b$$

In Phalanx `BasisFunctions` holds the $\phi_j$, and the output layer $w$ and $b$.

## What an expert knows

The notes' example is the body-mass index. Here are «people» people with height and weight, and a risk that rises by
«slope:g» with each unit of the index, plus noise of deviation «noise:g».

«source: expert»

«models»

All but the last were solved in closed form; the errors are on «people» others. With height and weight alone no linear
model is right. The index needs one weight and a bias, and finds «slope_found:.3f» for its slope. Products of the two
up to degree 3 come near it with nine weights. The best of «seeds» networks that were given neither finds features by
itself, with «network_weights» weights. The last column is about people who are up to twenty centimetres taller than
any of these: the formula holds there too, and what was fitted to data bends as it likes.

## Linear in what

A model may be linear in $\phi$ and not in $x$. Take two people, and one halfway between them. In $\phi$ the model's
answer for the one between is the mean of the two answers, to within «halfway_phi:.0e». Halfway in height and weight
it is off by up to «halfway_x:.2f», though the model has no other parameters than $w$ and $b$.

## Powers and Gaussians

Without an expert one takes a family: powers of $x$, or Gaussians $e^{-(x - c_k)^2/2\sigma^2}$ around examples $c_k$.
Below, «curve_rows» noisy points of a curve, and «family» models of both families, solved as one population:

![Points of a curve, and models of powers up to a degree (left), and of so many Gaussians around points
(right).](families)

More functions follow the curve more closely, and in the end the noise; [a penalty](chapter:polynomial) holds them
back. With $d$ inputs there are $\binom{d + p}{p} - 1$ products up to degree $p$: «products_small» for 2 inputs and
degree 3, «products:,» for 30. That is the [curse of dimensionality](chapter:trees) again.

## In closed form and by gradient

The squared error with penalty $\frac{\alpha}{2}\|w\|^2$ has one minimum, where with $X = (\phi(x_i), 1)$ and $I_0$
the identity with 0 for $b$

$$\Big(\frac{1}{n} X^\mathsf{T} X + \alpha I_0\Big) \begin{bmatrix} w \\ b \end{bmatrix} = \frac{1}{n} X^\mathsf{T} y.$$

`LeastSquares` solves this at once. Gradient descent on the same cost gets there step by step. Height, weight and
index together are nearly dependent: the eigenvalues of $X^\mathsf{T} X / n$ lie between «least_eigenvalue:.3g» and
«largest_eigenvalue:.3g». With step size $\epsilon$ what is left of the error along an eigenvector shrinks by
$1 - \epsilon\lambda$ a step, so the cost falls by $(1 - \epsilon\lambda)^2$ in the end, with the smallest $\lambda$:

«rates»

![How far the cost of gradient descent lies above that of the closed form, step by step.](descent)

The answers come to within «agree:.0e» deviations of those in closed form. The closed form is exact, but it costs
$m^3$ for $m$ functions and knows only this cost and this layer. Where features are learned too there is none, and
gradient descent remains.

## On a table

Three families on «table», each with the penalty that did best out of «penalties», by cross-validation:

«scores»

The method does not say which features are right. The notes put it so: in an SVM we fix the features; a deep network
makes many, and nobody knows how many are needed.
"""

NOISE, SLOPE = 1.0, 2.0
BMI = "weight / height**2"
DEGREES, CENTRES = (1, 3, 9), (4, 10, 30)
RATES = (0.05, 0.2, 0.8)
WIDTH: Any = 0.3
"""Of the Gaussians, in deviations of x."""
SETTLED = 200
"""Steps after which only the slowest direction is left."""


def compute(
    people: int = 500,
    steps: int = 2000,
    seeds: int = 4,
    penalties: int = 8,
    data: str | None = None,
    target: str | None = None,
) -> dict[str, Any]:
    """Return linear models of chosen features beside others, in closed form and by gradient."""
    seen, new, taller = group(people, 0), group(people, 1), group(people, 2, taller=0.2)
    nets = {
        "height and weight": fit([], seen),
        "body-mass index": expert(seen),
        "products up to degree 3": fit([BasisFunctions(degree=3)], seen),
        "network": learned(seen, seeds),
    }
    models = pd.DataFrame(
        [
            {"features": name, "weights": weights(net), "error": error(net, new), "20 cm taller": error(net, taller)}
            for name, net in nets.items()
        ]
    )
    curve = noisy_curve(40)
    eigenvalues, descents, agree = by_gradient(seen, steps)
    name, scores = on_table(data, target, penalties)
    phi, between = halfway(nets["body-mass index"], new)
    return {
        "people": people,
        "slope": SLOPE,
        "noise": NOISE,
        "models": models,
        "slope_found": slope_of(nets["body-mass index"], seen),
        "network_weights": weights(nets["network"]),
        "halfway_phi": phi,
        "halfway_x": between,
        "curve": curve,
        "curve_rows": len(curve[0]),
        "family": len(DEGREES) + len(CENTRES),
        "families": families(*curve),
        "products_small": comb(5, 3) - 1,
        "products": comb(33, 3) - 1,
        "least_eigenvalue": float(eigenvalues[0]),
        "largest_eigenvalue": float(eigenvalues[-1]),
        "eigenvalues": eigenvalues,
        "descents": descents,
        "rates": rates(descents, eigenvalues),
        "agree": agree,
        "penalties": penalties,
        "seeds": seeds,
        "table": name,
        "scores": scores,
    }


def group(people: int, seed: int, taller: float = 0.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return heights (m) and weights (kg) of people, and their risk."""
    rng = np.random.default_rng(seed)
    height = rng.normal(1.7, 0.1, people).clip(1.45, 1.95)
    height = height if not taller else rng.uniform(1.95, 1.95 + taller, people)
    weight = height**2 * rng.normal(24, 4, people).clip(15, 40)
    risk = SLOPE * weight / height**2 + rng.normal(0, NOISE, people)
    return pd.DataFrame({"height": height, "weight": weight}), risk


def fit(layers: list[Any], seen: tuple[Any, Any], **options: Any) -> Regressor:
    """Solve the output layer for all rows."""
    return Regressor(layers, optimizer=LeastSquares(), scaling="none", stopping=None, **options).fit(*seen)


def expert(seen: tuple[Any, Any]) -> Regressor:
    """Return a linear model of the body-mass index."""
    return fit([BasisFunctions(["weight / height**2"])], seen)


def learned(seen: tuple[Any, Any], seeds: int) -> Regressor:
    """Return networks that find their features."""
    options: dict[str, Any] = {"max_rounds": 150, "batch_size": 64, "stopping": None, "repeats": seeds}
    options["ensemble"] = False  # the best of them
    return Regressor(
        [Dense(16), ReLU()], optimizer=Adam(Cosine(0.02)), scaling="standard", validation_fraction=0.1, **options
    ).fit(*seen)


def weights(net: Regressor) -> int:
    """Return how many weights and biases a network learned."""
    return net.summary().parameters


def error(net: Regressor, rows: tuple[Any, Any]) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(((net.predict(rows[0]) - rows[1]) ** 2).mean()))


def slope_of(net: Regressor, seen: tuple[Any, Any]) -> float:
    """Return by how much the answer rises with a unit of the index; inside, both are standardized."""
    frame, risk = seen
    index = frame["weight"] / frame["height"] ** 2
    return float(net.best_.params["output"]["weight"][0, 0] * risk.std() / index.std(ddof=0))


def halfway(net: Regressor, rows: tuple[Any, Any]) -> tuple[float, float]:
    """Return how far the answer halfway between two people is from the mean of theirs, at most: halfway in the index,
    and halfway in height and weight.
    """
    frame, _ = rows
    one, other = frame.iloc[::2].reset_index(drop=True), frame.iloc[1::2].reset_index(drop=True)
    mean = (net.predict(one) + net.predict(other)) / 2
    between = (one + other) / 2
    index = (one["weight"] / one["height"] ** 2 + other["weight"] / other["height"] ** 2) / 2
    same_index = between.assign(weight=index * between["height"] ** 2)
    off = (np.abs(net.predict(each) - mean).max() for each in (same_index, between))
    phi, x = map(float, off)
    return phi, x


def noisy_curve(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a sine with noise of deviation 0.2."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 1, rows))
    return x[:, None], np.sin(2 * np.pi * x) + rng.normal(0, 0.2, rows)


def families(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return models of powers and of Gaussians, solved together, on a grid."""
    layers: list[Any] = [
        *(BasisFunctions(degree=degree) for degree in DEGREES),
        *(BasisFunctions(centres=centres, sigma=WIDTH) for centres in CENTRES),
    ]
    options: dict[str, Any] = {"trials": len(layers), "design": "grid", "validation_fraction": 0.0}
    net = fit([choice(*layers)], (x, y), regularizers=[L2(1e-6)], **options)
    grid = np.linspace(0, 1, 300)[:, None]
    found = {}
    for member in net.members_:
        layer: Any = member.spec.layers[1]
        found[f"degree {layer.degree}" if layer.degree else f"{layer.centres} Gaussians"] = member.predict(grid)
    return {"grid": grid[:, 0], "answers": found}


def by_gradient(seen: tuple[Any, Any], steps: int) -> tuple[np.ndarray, pd.DataFrame, float]:
    """Return the eigenvalues of the cost of three dependent features; by step and step size how far gradient descent
    lies above the closed form; and how far its answers are from those, in deviations.
    """
    frame, risk = seen
    layers = [BasisFunctions([BMI], degree=1)]
    exact = fit(layers, seen, batch_size=len(frame))
    options: dict[str, Any] = {"scaling": "none", "stopping": None, "batch_size": len(frame), "max_rounds": steps}
    descent = Regressor(
        layers, optimizer=SGD(choice(*RATES)), trials=len(RATES), design="grid", validation_fraction=0.0, **options
    ).fit(*seen)
    lowest = exact.curves_["train_cost"].min()
    curves = descent.curves_.assign(excess=descent.curves_["train_cost"] - lowest)
    named = {member.id: member.spec.optimizer.learning_rate for member in descent.members_}
    table = curves.assign(rate=curves["id"].map(named)).pivot_table(index="round", columns="rate", values="excess")
    fastest = next(member for member in descent.members_ if member.spec.optimizer.learning_rate == max(RATES))
    off = float(np.abs(fastest.predict(frame) - exact.predict(frame)).max() / risk.std())
    return spectrum(frame), table, off


def spectrum(frame: pd.DataFrame) -> np.ndarray:
    """Return the eigenvalues of XᵀX/n for height, weight and index, standardized, and a column of ones."""
    held = frame.assign(index=frame["weight"] / frame["height"] ** 2).to_numpy()
    x = np.column_stack([(held - held.mean(0)) / held.std(0), np.ones(len(held))])
    return np.linalg.eigvalsh(x.T @ x / len(x))


def rates(descents: pd.DataFrame, eigenvalues: np.ndarray) -> pd.DataFrame:
    """Return by which factor the cost falls in a step, predicted, and measured between step 200, when all but the
    smallest eigenvalue have had their effect, and the last at which the cost is far above rounding.
    """
    found = []
    for rate in RATES:
        excess = descents[rate]
        end = int(excess.index[excess > 1e-5][-1])
        measured = (excess[end] / excess[SETTLED]) ** (1 / (end - SETTLED))
        found.append({"step size": rate, "measured": measured, "predicted": (1 - rate * eigenvalues[0]) ** 2})
    return pd.DataFrame(found).map("{:.6g}".format)


def on_table(data: str | None, target: str | None, penalties: int) -> tuple[str, pd.DataFrame]:
    """Return the errors of three families on the numbers of a file, or on a table that ships with scikit-learn."""
    if data is None:
        name, (x, y) = "diabetes", load_diabetes(return_X_y=True)
    else:
        frame = pd.read_csv(data).select_dtypes("number").dropna()
        target = target or str(frame.columns[-1])
        name, x, y = Path(data).name, frame.drop(columns=target).to_numpy(), frame[target].to_numpy(float)
    kinds: dict[str, Any] = {
        "x itself": BasisFunctions(degree=1),
        "products up to degree 2": BasisFunctions(degree=2),
        "30 Gaussians": BasisFunctions(centres=30),
    }
    options: dict[str, Any] = {"scaling": "standard", "folds": 5, "trials": len(kinds) * penalties, "design": "grid"}
    penalty, layer = L2(loguniform(1e-5, 10.0)), choice(*kinds.values())
    net = Regressor([layer], optimizer=LeastSquares(), regularizers=[penalty], **options).fit(x, y)
    layers = {member.id: member.spec.layers[1] for member in net.members_}
    board = net.leaderboard_[net.leaderboard_["kind"] == "member"]
    found = []
    for kind, asked in kinds.items():
        alike = [(layers[i].degree, layers[i].centres) == (asked.degree, asked.centres) for i in board["id"]]
        best = board[alike].iloc[0]
        found.append({"features": kind, "error": float(best["valid_rmse"]), "R²": float(best["valid_r2"])})
    return name, pd.DataFrame(found)


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the families on the curve, and the cost of gradient descent."""
    picture = Figure(figsize=(6.2, 3.1), layout="constrained")
    (x, y), held = found["curve"], found["families"]
    columns = picture.subplots(1, 2, sharey=True)
    for axes in columns:
        axes.plot(x[:, 0], y, ".", color="C5")
        axes.set_xlabel("x")
    for label, answer in held["answers"].items():
        columns[int("Gaussians" in label)].plot(held["grid"], answer, label=label)
    columns[0].set_ylabel("y")
    columns[0].set_ylim(-2, 2)
    for axes in columns:
        axes.legend(fontsize="small")

    descent = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = descent.subplots()
    for rate, excess in found["descents"].items():
        axes.loglog(excess.index, np.where(excess > 0, excess, np.nan), label=f"step size {rate:g}")
    axes.set_xlabel("step")
    axes.set_ylabel("cost above that of the closed form")
    axes.legend(fontsize="small")
    return {"families": picture, "descent": descent}
