"""Online learning: on a stream whose rule drifts, the newest rows are worth more than all rows."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import norm, qmc

from phalanx import SGD, Bernoulli, Classifier, Dense, Network, Tanh
from phalanx.engine import Batch, Fold, OutputSize, Trial, complete, predict, train
from phalanx.notes.intervals import interval

ROWS = ("G1",)

TEXT = r"""
The notes end their list of batch, minibatch and online descent with a remark: online takes the *most recent* samples,
by their time stamps. And they star an assumption under the whole of learning: that training and test rows come from
one distribution. The two belong together. Where the assumption holds, the newest rows are rows like all others. Where
it fails, they are the ones that tell how the world is now.

## A stream that turns

Here is a stream with a known truth. Each row has two normal numbers, and its class is the side of a line through 0 on
which it lies, told wrongly in «wrong:.0%» of the rows. The stream begins with «first» rows. Then «chunk» rows arrive
at a time, «chunks» times, and the line has turned by «turn:.0f» degrees more each time. For comparison there is a
stream whose line rests.

«source: follow»

`partial_fit` is the whole of online learning: the network predicts the new rows, then takes one pass over them from
where it stands, and forgets them. The same network is also left as it was after the first rows ("trained once"), and,
for «steps» steps, trained afresh on everything so far ("on all so far"), with one weight for old and new: those
«population» networks are one population.

![Expected error on the rows to come, means over the streams. Left the line turns, right it rests.](errors)

Expected errors on the rows to come, over the last third of «streams» streams:

«table»

On the turning stream the network that follows is better than the one trained once by «gain:.3f» ± «gain_error:.3f»
(95 % interval over the streams, here and in the table). Training on everything is not the cure: its «all_rows» rows
ask for a compromise between lines that no longer hold, and the follower is better by «gain_all:.3f» ±
«gain_all_error:.3f».

Where the line rests, old rows are as good as new ones, and training on all of them has nothing to fear. The
follower's error there differs from it by «cost_all:+.3f» ± «cost_all_error:.3f»: following costs little, since its
network remembers in its parameters what it has seen. How little depends on the step size, which weighs the newest
rows against all before.

## What one over n stands for

For a network whose border is a straight line at an angle $\phi$ from the true one, the expected error can be written
down: with normal inputs the two lines disagree on the share $\phi / \pi$ of all rows, so with wrong labels in the
share $q$ it is

$$q + (1 - 2q)\,\frac{\phi}{\pi}$$

The networks trained once have an error of «empirical:.3f» on their own rows, which is $\frac{1}{n} \sum L$. On new
rows of the same distribution they expect «expected:.3f»; the difference is what was learned by heart. After the line
has turned by «total:.0f» degrees they expect «drifted:.3f», and the formula says «formula:.3f» for the right line of
the first day. The sum over the old rows has not changed at all. It stands for the expectation only as long as the
distribution is the same, and nothing in it tells when that ends: only new rows do.

![Trained once: the mean over its own rows, the expectation as the line turns, and the formula.](assumption)
"""

WRONG = 0.1
"""Share of labels that are told wrongly."""
FIRST, CHUNK = 400, 100
TURN = 5.0
"""Degrees by which the line turns from chunk to chunk."""
BATCH = 10
Rows = tuple[np.ndarray, np.ndarray]


def compute(streams: int = 12, chunks: int = 24, steps: int = 1200) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    found: dict[str, Any] = {"streams": streams, "chunks": chunks, "steps": steps, "first": FIRST, "chunk": CHUNK}
    found |= {"wrong": WRONG, "turn": TURN, "total": TURN * chunks, "all_rows": FIRST + CHUNK * (chunks - 1)}
    found["population"] = streams * chunks
    said: dict[str, dict[str, np.ndarray]] = {}
    for kind, turn in {"turns": TURN, "rests": 0.0}.items():
        angles = turn * np.arange(chunks + 1)
        given = [stream(angles, seed) for seed in range(streams)]
        told = [follow(rows, angles, seed) for seed, rows in enumerate(given)]
        said[kind] = {
            "trained once": np.array([[expected_error(once, angle) for angle in angles] for once, _, _ in told]),
            "online": np.array([errors for _, errors, _ in told]),
            "on all so far": on_all_so_far(given, angles, steps),
        }
        found |= {"own": np.array([own for _, _, own in told])} if turn else {}
    once = said["turns"]["trained once"]
    found |= {
        "errors": said,
        "empirical": float(found["own"].mean()),
        "expected": float(once[:, 0].mean()),
        "drifted": float(once[:, -1].mean()),
        "formula": float(error_of_a_line(TURN * chunks)),
    }
    return found | _compared(said, chunks)


def stream(angles: np.ndarray, seed: int) -> list[Rows]:
    """Return the first rows, and then a chunk for each further angle of the line: inputs and classes."""
    rng = np.random.default_rng([seed, len(np.unique(angles))])
    made = []
    for i, angle in enumerate(angles):
        X = rng.normal(size=(CHUNK if i else FIRST, 2))
        made.append((X, side(X, angle) ^ (rng.random(len(X)) < WRONG)))
    return made


def side(X: np.ndarray, degrees: float) -> np.ndarray:
    """Return on which side of a line through 0 rows lie, after it has turned."""
    return X @ [np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))] > 0


@cache
def places() -> np.ndarray:
    """Return evenly drawn normal inputs, over which expectations are sums."""
    return norm.ppf(qmc.Sobol(2, rng=np.random.default_rng(0)).random_base2(12))


def expected_error(said: np.ndarray, degrees: float) -> float:
    """Return the expected error of a network that says these classes at `places`."""
    return WRONG + (1 - 2 * WRONG) * float((said != side(places(), degrees)).mean())


def error_of_a_line(degrees: float) -> float:
    """Return the expected error of a line that stands at so many degrees from the true one."""
    return WRONG + (1 - 2 * WRONG) * degrees / 180


def follow(rows: list[Rows], angles: np.ndarray, seed: int) -> tuple[np.ndarray, list[float], float]:
    """Learn the first rows, and each chunk after its rows are predicted.

    Returns the classes that the network says at `places` before the stream, its expected errors on the rows to come,
    and its error on the first rows.
    """
    net = Classifier([Dense(8), Tanh()], optimizer=SGD(0.3), batch_size=BATCH, stopping=None, max_rounds=30)
    net.set_params(scaling="none", random_state=seed).fit(*rows[0])
    once, own = net.predict(places()), float((net.predict(rows[0][0]) != rows[0][1]).mean())
    errors = [expected_error(once, angles[0])]
    for (X, y), angle in zip(rows[1:], angles[1:], strict=True):
        errors.append(expected_error(net.predict(places()), angle))
        net.partial_fit(X, y)
    return once, errors, own


def on_all_so_far(given: list[list[Rows]], angles: np.ndarray, steps: int) -> np.ndarray:
    """Return expected errors on each chunk to come of networks trained afresh on all rows before it, by stream."""
    X, y = (np.concatenate([part[i] for rows in given for part in rows]) for i in (0, 1))
    whole = Batch(X.astype(np.float32), (y.astype(np.int32),), np.ones(len(y), np.float32))
    ends = np.cumsum([len(part) for part, _ in given[0]])
    folds = [Fold(np.arange(end) + i * ends[-1], np.arange(0), i) for i in range(len(given)) for end in ends[:-1]]
    plain = Network([Dense(8), Tanh()], Bernoulli(), optimizer=SGD(0.3), stopping=None, batch_size=BATCH)
    network = complete(plain, OutputSize(2))
    trials = [Trial(network, seed=fold.seed, fold=i) for i, fold in enumerate(folds)]
    members = train(trials, whole, folds, max_rounds=1, round_steps=steps).members
    said = np.array([predict(m.final, places().astype(np.float32))[0].argmax(1) for m in members])
    by_chunk = said.reshape(len(given), len(angles) - 1, -1)
    first = [[expected_error(each[0], angles[0])] for each in by_chunk]
    later = [[expected_error(one, angle) for one, angle in zip(each, angles[1:], strict=True)] for each in by_chunk]
    return np.concatenate([first, later], axis=1)


def _compared(said: dict[str, dict[str, np.ndarray]], chunks: int) -> dict[str, Any]:
    """Return the errors over the last third of the streams, and what the follower gains and costs."""
    last = {k: {name: e[:, -max(chunks // 3, 1) :].mean(1) for name, e in each.items()} for k, each in said.items()}
    table = [
        (name, *(number for kind in said for number in interval(last[kind][name])))
        for name in ("trained once", "online", "on all so far")
    ]
    titles = ["network", "the line turns", "± (95 %)", "the line rests", "± (95 %) "]
    turns, rests = last["turns"], last["rests"]
    gain, gain_error = interval(turns["trained once"] - turns["online"])
    gain_all, gain_all_error = interval(turns["on all so far"] - turns["online"])
    cost_all, cost_all_error = interval(rests["online"] - rests["on all so far"])
    return {
        "table": pd.DataFrame(table, columns=titles).round(3),
        "last": last,
        "gain": gain,
        "gain_error": gain_error,
        "gain_all": gain_all,
        "gain_all_error": gain_all_error,
        "cost_all": cost_all,
        "cost_all_error": cost_all_error,
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (kind, each) in zip(panels, found["errors"].items(), strict=True):
        for name, errors in each.items():
            axes.plot(errors[:, 1:].mean(0), label=name)
        axes.axhline(WRONG, linestyle=":", color="C7")
        axes.set(xlabel=f"chunk (the line {kind})")
    panels[0].set(ylabel="expected error (share)")
    panels[0].legend()
    return {"errors": figure, "assumption": _draw_assumption(found)}


def _draw_assumption(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    degrees = TURN * np.arange(found["chunks"] + 1)
    axes.plot(degrees, found["errors"]["turns"]["trained once"].mean(0), "o", markersize=4, label="expectation")
    axes.plot(degrees, [error_of_a_line(d) for d in degrees], label="formula, for the right line of the first day")
    axes.axhline(found["empirical"], color="C2", label="mean over its own rows")
    axes.set(xlabel="angle by which the line has turned (degrees)", ylabel="error (share)")
    axes.legend()
    return figure
