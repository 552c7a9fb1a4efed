"""The product in the structure sweep: all candidates as the trials of one call, which decides what shares a program."""

import itertools

import jax
import numpy as np
from structure_problem import (
    ADAM,
    BATCH,
    CLASSES,
    MOMENTUM,
    PATIENCE,
    RMSPROP,
    ROUND_STEPS,
    SLOPE,
    TRAIN_ROWS,
    Candidate,
    Found,
    Problem,
    result,
)

from phalanx import (
    SGD,
    Absolute,
    Adam,
    Dense,
    Dropout,
    EarlyStopping,
    LeakyReLU,
    Momentum,
    Multinoulli,
    Network,
    ReLU,
    RMSProp,
    Softplus,
    Tanh,
)
from phalanx.model import Batch
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.host import Population
from phalanx.population.train import Outcome, plan, train
from phalanx.population.trial import Trial
from phalanx.population.view import View
from phalanx.superstructure.merge import Merged

ACTIVATIONS = {
    "relu": ReLU(),
    "tanh": Tanh(),
    "leaky_relu": LeakyReLU(SLOPE),
    "softplus": Softplus(),
    "absolute": Absolute(),
}


def optimizer(candidate: Candidate):
    rate = candidate.learning_rate
    if candidate.optimizer == "adam":
        return Adam(rate, ADAM["decay1"], ADAM["decay2"], ADAM["epsilon"])
    if candidate.optimizer == "rmsprop":
        return RMSProp(rate, RMSPROP["decay"], RMSPROP["delta"])
    return Momentum(rate, MOMENTUM) if candidate.optimizer == "momentum" else SGD(rate)


def network(candidate: Candidate) -> Network:
    after = [ACTIVATIONS[candidate.activation], *([Dropout(candidate.dropout)] if candidate.dropout else [])]
    layers = [layer for width in candidate.widths for layer in (Dense(width), *after)]
    stopping = EarlyStopping(patience=PATIENCE)
    return complete(
        Network(layers, Multinoulli(), optimizer=optimizer(candidate), stopping=stopping, batch_size=BATCH),
        OutputSize(CLASSES),
    )


def run(problem: Problem) -> dict:
    X, y, X_valid, y_valid, _, _ = problem.rows()
    x = np.concatenate([X, X_valid])
    rows = Batch(x, (np.concatenate([y, y_valid]).astype(np.int32),), np.ones(len(x), np.float32))
    fold = Fold(np.arange(TRAIN_ROWS), np.arange(TRAIN_ROWS, len(x)), problem.seed)
    candidates = problem.candidates()
    trials = [Trial(network(candidate), seed=i) for i, candidate in enumerate(candidates)]
    better: list[tuple[float, float]] = []  # seconds, validation cost

    def watch(view: View) -> None:
        best = view.populations[view.moved].best_score
        if best < (better[-1][1] if better else float("inf")):
            better.append((problem.elapsed(), best))

    outcome = train(trials, rows, [fold], max_rounds=problem.rounds, round_steps=ROUND_STEPS, watch=watch)
    seconds = problem.elapsed()
    found = [
        Found(seconds, cost, candidates[i].activation, layers)
        for (seconds, cost), (i, layers) in zip(better, _replay(outcome, rows, fold, better), strict=True)
    ]
    return result(problem, seconds, found, sum(member.rounds for member in outcome.members))


def _replay(outcome: Outcome, rows: Batch, fold: Fold, better: list[tuple[float, float]]):
    """Return of each improvement the position of the network and its layers, after the clock.

    A watcher is shown scores, not parameters; those on the way are had by training the populations again that they were
    in, in the same programs.
    """
    trained, wanted = outcome.members, {}
    for _, cost in better:
        i = next(i for i, member in enumerate(trained) if cost in (valid for _, valid in member.curve))
        wanted[i, 1 + [valid for _, valid in trained[i].curve].index(cost)] = cost
    layers = {}
    waves = plan([member.trial for member in trained], rows, programs=outcome.programs)
    for (positions, merged), width in zip(itertools.chain(*waves), outcome.widths, strict=True):
        last = max((number for i, number in wanted if i in positions), default=0)
        if not last:
            continue
        trials, horizon = [trained[i].trial for i in positions], trained[positions[0]].max_rounds
        population = Population(trials, rows, [fold], horizon, ROUND_STEPS, width=width, merged=merged)
        while population.rounds < last:
            population.note(population.advance(), 0.0)
            for k, i in enumerate(positions):
                if (i, population.rounds) in wanted:
                    layers[i, population.rounds] = _layers(population, merged, k, wanted[i, population.rounds])
    return [(i, layers[i, number]) for i, number in wanted]


def _layers(population: Population, merged: Merged, k: int, cost: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (weight, bias) of each layer of the best parameters of member k, whose validation cost is known."""
    found = population.trained[k].best_score
    if found != cost:
        raise RuntimeError(f"the search found a validation cost of {cost}, its repetition {found}")
    held = population.snapshot()
    best = jax.tree.map(lambda a: a[held.held.index(k)], held.state.best)
    params, _ = merged.cut(population.trained[k].trial.network, *best)
    names = sorted((name for name in params if name.startswith("dense")), key=lambda name: int(name.split("_")[1]))
    return [(params[name]["weight"], params[name]["bias"]) for name in (*names, "output")]
