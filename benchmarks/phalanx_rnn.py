"""The product in the RNN sweep: one population, driven round by round as every run drives it."""

import time

import jax
import numpy as np
from rnn_problem import ADAM, BATCH, EMBEDDING, HELD_OUT, UNITS, Problem, result

from phalanx import GRU, LSTM, Adam, EarlyStopping, Embedding, Multinoulli, Network
from phalanx.model import Batch, initialize
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.compilation import compilations
from phalanx.population.host import Population
from phalanx.population.trial import Trial


def network(problem: Problem, learning_rate: float, precision: str) -> Network:
    cell = LSTM(UNITS, "all", forget_bias=0.0) if problem.cell == "lstm" else GRU(UNITS, "all")
    layers = [Embedding(EMBEDDING, tokens=problem.letters, padding=False), cell]
    optimizer = Adam(learning_rate, ADAM["beta1"], ADAM["beta2"], ADAM["epsilon"])
    stopping = EarlyStopping(patience=10**6)
    chosen = {"optimizer": optimizer, "stopping": stopping, "batch_size": BATCH, "precision": precision}
    return complete(Network(layers, Multinoulli(), **chosen), OutputSize(problem.letters))


def trial(problem: Problem, member: int, precision: str) -> Trial:
    """A member that starts from the weights of the problem."""
    made = network(problem, float(problem.learning_rates()[member]), precision)
    shape = problem.rows[0].shape[1:]
    params, states = initialize(made, 0, shape)
    params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), params)
    given, cell = problem.initial(member), f"{problem.cell}_1"
    params["embedding_1"]["weight"], params["output"]["weight"] = given["embedding"], given["output"]
    params[cell]["weight"], params[cell]["weight_recurrent"] = given["input"], given["recurrent"]
    return Trial(made, seed=member, trained=(params, states))


def run_bfloat16(problem: Problem) -> dict:
    """Phalanx, with the factors of products rounded."""
    return run(problem, "bfloat16")


def run(problem: Problem, precision: str = "float32") -> dict:
    """Phalanx: all steps as one round, with its validation on the held-out rows."""
    x, y = problem.rows
    rows = Batch(x, (y,), np.ones(len(x), np.float32))
    everyone = np.arange(len(x))
    fold = Fold(everyone[:-HELD_OUT], everyone[-HELD_OUT:], problem.seed)
    trials = [trial(problem, member, precision) for member in range(problem.members)]
    before = compilations.copy()
    population = Population(trials, rows, [fold], 1, problem.steps)
    population.compile()
    compile_seconds = compilations.since(before).seconds
    jax.block_until_ready(population.state)
    start = time.perf_counter()
    population.note(population.advance(), 0.0)
    seconds = time.perf_counter() - start
    return result(seconds, compile_seconds, float(np.mean([member.curve[-1][1] for member in population.trained])))
