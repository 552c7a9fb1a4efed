"""Vanishing and exploding gradients: what a hundred steps make of a slope, and what clipping does about it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from phalanx import SGD, ClipNorm, ClipValue, Recurrent, Regressor, choice
from phalanx.layers import EVALUATE
from phalanx.notes.chapters.rules import NOISE, prices

ROWS = ("I4",)

TEXT = r"""
Of a long sentence a recurrent network forgets the beginning. The notes show why: from each step to the one before,
the gradient is multiplied by the same matrix. Where $W$ is symmetric, $W = Q \Lambda Q^\top$ with orthogonal $Q$, and

$$W^k = Q \Lambda^k Q^\top.$$

(The notes add "positive semidefinite", which is not needed; without symmetry there is no such $Q$.) Each eigenvalue
is taken to the power $k$: after 40 steps one of 0.5 has become «small:.0e», and one of 2 «large:.0e». For a random
symmetric matrix of «units» × «units» both sides agree to «apart:.0e».

## Measured

A linear recurrent layer has exactly this gradient: the norm of $\partial h_k / \partial h_0$ is $\max |\lambda|^k$.
With tanh each step also multiplies by $1 - h^2 \le 1$ in each unit, so that $\max |\lambda|^k$ is the most there can
be. The norms, by differentiating the layer through its steps:

«source: slopes»

«norms»

![The norm of the gradient through so many steps, in powers of ten.](growth)

At 1.1 the linear net explodes, and the one with tanh vanishes: its state grows until tanh has bent it, and there
$1 - h^2$ makes up for 1.1. But tanh is no cure. A larger matrix that is not symmetric («chaos_units» units,
independent weights, «gain» times as large as would keep the length of $h$) sends the state about without rest, and
the gradient through «longest» steps with tanh has norm «chaos:.0e».

Without symmetry the eigenvalues say what happens in the end, not on the way. Both eigenvalues of

$$W = \begin{bmatrix} 0.9 & 5 \\ 0 & 0.9 \end{bmatrix}$$

are 0.9. The norm of $W^k$ first rises to «peak:.1f», at $k = «peak_at»$, and is «after:.3f» at $k = «longest»$.

## Clipping

A gradient that vanishes carries no news of the past, and no step size brings it back.
One that explodes has a direction that is still good and a length that is not: one step along
it throws the weights far away. So its length is cut to a limit: as a whole (`ClipNorm`, which keeps the direction),
or number by number (`ClipValue`, which may turn it).

Linear networks of 8 units learn prices of «days» days (of the chapter on [rules](chapter:rules)) by `SGD`, with five
step sizes, without clipping and with both kinds, «repeats» seeds each: one population of «networks» networks.
"Failed" means that the cost was no longer a number.

«clipping»

The best error there can be is «noise». Without clipping, a step size has to be so small that the steepest places do
not hurt, and is then small everywhere. With clipping, «clipped_failed» of «clipped» networks failed, and larger steps
paid. What helps against gradients that vanish are [gates](chapter:gates).
"""

STEPS = 100


def compute(repeats: int = 4, rounds: int = 4, chaos_units: int = 64) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    return {**_clipping(repeats, rounds), **_powers(), **_measured(), **_chaos(chaos_units), **_lopsided()}


def symmetric(radius: float, units: int, seed: int = 0) -> np.ndarray:
    """Return a symmetric matrix Q Λ Qᵀ whose eigenvalues go from a fifth of the radius to the radius."""
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(units, units)))
    return turn @ np.diag(radius * np.linspace(0.2, 1, units)) @ turn.T


def slopes(activation: str, weight: np.ndarray, first: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ∂h_k/∂h_0 for k = 0 … steps, and h_k; `first` comes in before the first step, and nothing after it."""
    units = len(weight)
    layer = Recurrent(units, "all", activation=activation)
    weights = {"weight": np.eye(units), "weight_recurrent": weight, "bias": np.zeros(units)}
    params = {name: jnp.asarray(value, jnp.float32) for name, value in weights.items()}
    later = jnp.zeros((steps, units), jnp.float32)

    @jax.jit
    def states(x: jax.Array) -> jax.Array:
        return layer(params, {}, jnp.concatenate([x[None], later])[None], EVALUATE)[0][0]

    x = jnp.asarray(first, jnp.float32)
    by_x, h = np.asarray(jax.jit(jax.jacrev(states))(x)), np.asarray(states(x))
    return by_x / (np.ones(units) if activation == "linear" else 1 - h[0] ** 2), h


def norms(matrices: np.ndarray) -> np.ndarray:
    """Return the largest singular value of each matrix."""
    return np.linalg.norm(matrices, 2, axis=(1, 2))


def _powers(units: int = 6, power: int = 40) -> dict[str, Any]:
    made = np.random.default_rng(0).normal(size=(units, units)) / 3
    made = made + made.T
    values, vectors = np.linalg.eigh(made)
    one, other = np.linalg.matrix_power(made, power), vectors @ np.diag(values**power) @ vectors.T
    return {
        "units": units,
        "small": 0.5**power,
        "large": 2.0**power,
        "apart": np.abs(one - other).max() / np.abs(one).max(),
    }


def _measured(units: int = 8, radii: tuple[float, ...] = (0.9, 1.1)) -> dict[str, Any]:
    first = np.random.default_rng(1).normal(0, 0.5, units)
    growth, shown = {}, (1, 10, 40, STEPS)
    table = pd.DataFrame({"steps k": shown})
    for radius in radii:
        table[f"{radius}^k"] = [f"{radius**k:.2e}" for k in shown]
        for name, activation in (("linear", "linear"), ("tanh", "tanh")):
            made, h = slopes(activation, symmetric(radius, units), first, STEPS)
            growth[radius, name] = {"norms": norms(made), "slopes": made, "h": h}
            table[f"{name}, {radius}"] = [f"{growth[radius, name]['norms'][k]:.2e}" for k in shown]
    return {"norms": table, "growth": growth, "radii": radii, "longest": STEPS}


def _chaos(units: int, gain: float = 3.0) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    weight = rng.normal(0, gain / np.sqrt(units), (units, units))
    made, h = slopes("tanh", weight, rng.normal(size=units), STEPS)
    return {"chaos_units": units, "gain": gain, "chaos": norms(made[-1:])[0], "restless": norms(made), "wandering": h}


def _lopsided() -> dict[str, Any]:
    weight = np.array([[0.9, 5.0], [0.0, 0.9]])
    sizes = norms(np.stack([np.linalg.matrix_power(weight, k) for k in range(STEPS + 1)]))
    return {"peak": sizes.max(), "peak_at": int(sizes.argmax()), "after": sizes[-1]}


def _clipping(repeats: int, rounds: int, days: int = 60) -> dict[str, Any]:
    rates, clips = (0.003, 0.01, 0.03, 0.1, 0.3), {"none": None, "by norm": ClipNorm(1.0), "by value": ClipValue(0.3)}
    net = Regressor(
        [Recurrent(8, "all", activation="linear")],
        trials=len(rates) * len(clips),
        design="grid",
        repeats=repeats,
        optimizer=SGD(choice(*rates), clip=choice(*clips.values())),
        stopping=None,
        max_rounds=rounds,
        round_steps=100,
        batch_size=16,
    ).fit(*prices(200, days, seed=1), validation=prices(100, days, seed=2))
    board = net.leaderboard_.set_index("id")
    rows = []
    for member in net.members_:
        clip = member.spec.optimizer.clip
        name = "none" if clip is None else {"ClipNorm": "by norm", "ClipValue": "by value"}[type(clip).__name__]
        failed = board["stopped"][member.id] == "diverged"
        rows.append(
            (name, member.spec.optimizer.learning_rate, failed, np.nan if failed else board["valid_rmse"][member.id])
        )
    found = pd.DataFrame(rows, columns=["clipping", "step size", "failed", "error"])
    by = found.groupby(["clipping", "step size"])

    def told(at: tuple[str, float]) -> str:
        failed, error = int(by["failed"].sum()[at]), by["error"].mean()[at]
        return f"{failed} of {repeats} failed" if failed else f"{error:.3f}"

    table = pd.DataFrame({"step size": rates, **{name: [told((name, rate)) for rate in rates] for name in clips}})
    titles = {"none": "not clipped", "by norm": "norm at most 1", "by value": "numbers at most 0.3"}
    clipped = found[found["clipping"] != "none"]
    return {
        "clipping": table.rename(columns=titles),
        "outcomes": found,
        "networks": len(found),
        "repeats": repeats,
        "days": days,
        "noise": NOISE,
        "clipped": len(clipped),
        "clipped_failed": int(clipped["failed"].sum()),
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    growth = Figure(figsize=(5.5, 3.8), layout="constrained")
    axes = growth.subplots()
    lines = {f"{name}, {radius}": held["norms"] for (radius, name), held in found["growth"].items()}
    lines["tanh, restless"] = found["restless"]
    for label, sizes in lines.items():
        axes.semilogy(sizes, "--" if label.startswith("tanh") else "-", label=label)
    for radius in found["radii"]:
        steps = np.arange(0, STEPS + 1, 20)
        axes.semilogy(steps, radius**steps, "o", color="C5", markersize=4)
    axes.plot([], [], "o", color="C5", markersize=4, label="max |λ|^k")
    axes.set(xlabel="steps k", ylabel="norm of ∂h_k/∂h_0", ylim=(1e-6, 1e15))
    growth.legend(loc="outside upper center", fontsize="small", ncols=3)
    return {"growth": growth}
