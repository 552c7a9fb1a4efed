"""What structures cost in one program: seconds to compile it, and milliseconds a member and round, in one process.

Each population of MLPs on the digits is compiled, and then trained a round at a time, in turn; printed are minima. At
the end stands how many programs the written prices make of the 60 structures, by the most rounds.
"""

import argparse
import time

import numpy as np
from sklearn.datasets import load_digits

import phalanx
from phalanx import Absolute, Adam, Dense, EarlyStopping, LeakyReLU, Multinoulli, Network, ReLU, Softplus, Tanh
from phalanx.model import Batch
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.host import Population
from phalanx.population.train import programs_of
from phalanx.population.trial import Trial

ACTIVATIONS = (ReLU(), Tanh(), LeakyReLU(0.1), Softplus(), Absolute())
FOLDS = [Fold(np.arange(1437), np.arange(1437, 1797), 0)]
ROUNDS = 6


def net(widths, activation=ACTIVATIONS[0]) -> Network:
    layers = [layer for width in widths for layer in (Dense(width), activation)]
    network = Network(layers, Multinoulli(), optimizer=Adam(1e-3), stopping=EarlyStopping(patience=100))
    return complete(network, OutputSize(10))


def drawn(number: int) -> list[Network]:
    """One to three layers of 32, 64 or 128 units each, one of five activations a network."""
    rng = np.random.default_rng(0)
    return [
        net(rng.choice([32, 64, 128], rng.integers(1, 4)).tolist(), ACTIVATIONS[rng.integers(5)]) for _ in range(number)
    ]


CASES = {
    "128-128-128": ([net([128] * 3)] * 16, 1),
    "five activations of it": ([net([128] * 3, one) for one in ACTIVATIONS] * 2, 1),
    "depths 1, 2, 3 of it": ([net([128] * depth) for depth in (1, 2, 3)] * 4, 1),
    "widths 32, 64, 128 of it": ([net([width] * 3) for width in (32, 64, 128)] * 4, 1),
    "60 structures": (drawn(60), 1),
    "64-64, width 1": ([net([64] * 2)] * 64, 1),
    "64-64, width 8": ([net([64] * 2)] * 64, 8),
    "256-256": ([net([256] * 2)] * 4, 1),
    "128-128-128, one network": ([net([128] * 3)], 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1)
    devices = parser.parse_args().devices
    phalanx.configure(devices=devices, cache=False)
    X, y = load_digits(return_X_y=True)
    rows = Batch((X / 16).astype(np.float32), (y.astype(np.int32),), np.ones(len(X), np.float32))
    best: dict[str, float] = {}
    populations = {}
    for name, (networks, width) in CASES.items():
        trials = [Trial(network, seed) for seed, network in enumerate(networks)]
        populations[name] = Population(trials, rows, FOLDS, max_rounds=1_000, round_steps=None, width=width)
        began, best[name] = time.perf_counter(), float("inf")
        populations[name].compile()
        print(f"{name:40} compiled in {time.perf_counter() - began:5.1f} s", flush=True)
    for _ in range(ROUNDS):
        for name, population in populations.items():
            began = time.perf_counter()
            population.advance()
            best[name] = min(best[name], (time.perf_counter() - began) / len(population.trained))
    for name, seconds in best.items():
        print(f"{name:40} {1e3 * seconds:6.2f} ms a member and round")
    for most in (30, 60, 200, 1_000):
        number = len(set(programs_of(drawn(60), rows, FOLDS, most, None)))
        print(f"at most {most:5} rounds: {number} program{'s' if number > 1 else ''} for the 60")


if __name__ == "__main__":
    main()
