"""The product in the MLP sweep: one population, driven round by round as every run drives it."""

import time

import jax
import numpy as np
from mlp_problem import ADAM, BATCH, ROUND_STEPS, TRAIN_ROWS, Problem, result

from phalanx import Adam, Dense, Dropout, EarlyStopping, Multinoulli, Network, ReLU
from phalanx.model import Batch
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.compilation import compilations
from phalanx.population.host import Population
from phalanx.population.trial import Trial


def network(learning_rate: float, rates: np.ndarray | None) -> Network:
    layers = []
    for i in range(2):
        layers += [Dense(64), ReLU(), *([] if rates is None else [Dropout(float(rates[i]))])]
    return complete(
        Network(
            layers,
            Multinoulli(),
            optimizer=Adam(learning_rate, ADAM["beta1"], ADAM["beta2"], ADAM["epsilon"]),
            stopping=EarlyStopping(patience=10**6),
            batch_size=BATCH,
        ),
        OutputSize(10),
    )


def run(problem: Problem) -> dict:
    X, y, X_valid, y_valid = problem.rows()
    x = np.concatenate([X, X_valid])
    rows = Batch(x, (np.concatenate([y, y_valid]).astype(np.int32),), np.ones(len(x), np.float32))
    fold = Fold(np.arange(TRAIN_ROWS), np.arange(TRAIN_ROWS, len(x)), problem.seed)
    rates = problem.dropout_rates()
    trials = [
        Trial(network(float(rate), None if rates is None else rates[i]), seed=i)
        for i, rate in enumerate(problem.learning_rates())
    ]
    before = compilations.copy()
    population = Population(trials, rows, [fold], problem.rounds, ROUND_STEPS)
    population.compile()
    compile_seconds = compilations.since(before).seconds
    jax.block_until_ready(population.state)
    start = time.perf_counter()
    for _ in range(problem.rounds):
        population.note(population.advance(), 0.0)
    seconds = time.perf_counter() - start
    params = population.parameters()
    layers = [(params[name]["weight"], params[name]["bias"]) for name in ("dense_1", "dense_2", "output")]
    return result(problem, seconds, layers, compile_seconds=compile_seconds)
