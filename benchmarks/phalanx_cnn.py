"""The product in the CNN sweep: one population, driven round by round as every run drives it."""

import time

import jax
import numpy as np
from cnn_problem import ADAM, BATCH, Problem, result

from phalanx import Adam, Conv, Dense, EarlyStopping, Flatten, MaxPool, Multinoulli, Network, Pixels, ReLU
from phalanx.model import Batch, initialize
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.compilation import compilations
from phalanx.population.host import Population
from phalanx.population.trial import Trial

NAMES = ("conv_1", "conv_2", "dense_1", "output")


def network(learning_rate: float, mean: float, deviation: float) -> Network:
    convolutions = [Conv(16), ReLU(), MaxPool(2), Conv(32), ReLU(), MaxPool(2)]
    return complete(
        Network(
            [Pixels(mean, deviation), *convolutions, Flatten(), Dense(64), ReLU()],
            Multinoulli(),
            optimizer=Adam(learning_rate, ADAM["beta1"], ADAM["beta2"], ADAM["epsilon"]),
            stopping=EarlyStopping(patience=10**6),
            batch_size=BATCH,
        ),
        OutputSize(10),
    )


def trial(problem: Problem, member: int) -> Trial:
    """A member that starts from the weights of the problem."""
    made = network(float(problem.learning_rates()[member]), *problem.scale)
    shape = problem.rows[0].shape[1:]
    params, states = initialize(made, 0, shape)
    layers = zip(NAMES, problem.initial(member), strict=True)
    begin = {**params, **{name: {"weight": weight, "bias": bias} for name, (weight, bias) in layers}}
    return Trial(made, seed=member, trained=(begin, states))


def run(problem: Problem) -> dict:
    """Phalanx, pixels as bytes. `note` keeps the curves, as in every run."""
    X, y, X_valid, y_valid = problem.rows
    x, labels = np.concatenate([X, X_valid]), np.concatenate([y, y_valid]).astype(np.int32)
    rows = Batch(x, (labels,), np.ones(len(x), np.float32))
    fold = Fold(np.arange(len(X)), np.arange(len(X), len(x)), problem.seed)
    trials = [trial(problem, member) for member in range(problem.members)]
    before = compilations.copy()
    population = Population(trials, rows, [fold], problem.rounds, problem.round_steps)
    population.compile()
    compile_seconds = compilations.since(before).seconds
    jax.block_until_ready(population.state)
    start = time.perf_counter()
    for _ in range(problem.rounds):
        population.note(population.advance(), 0.0)
    seconds = time.perf_counter() - start
    params = population.parameters()
    members = [[(params[name]["weight"][i], params[name]["bias"][i]) for name in NAMES] for i in range(problem.members)]
    return result(problem, seconds, members, compile_seconds=compile_seconds)
