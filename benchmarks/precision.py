"""Train the same networks with products in float32 and with factors rounded to bfloat16; print errors and seconds.

    python benchmarks/precision.py                   # digits, MNIST as vectors, a text
    python benchmarks/precision.py --only mnist

Of each problem several seeds are trained in both precisions, in turns, from the same weights on the same batches; the
error on rows held out is that of the latest parameters, and the difference is paired by seed, with its standard error.
The seconds are those of all rounds after the first, in which programs are compiled. Leave the machine alone meanwhile.
"""

import argparse
import gzip
import time
from pathlib import Path

import numpy as np
from mlp_sweep import machine
from sklearn.datasets import load_digits

from phalanx import LSTM, Adam, Dense, Embedding, Multinoulli, Network, ReLU
from phalanx.model import Batch
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.host import Population
from phalanx.population.trial import Trial

SHARED = Path(__file__).resolve().parents[1] / "../shared/data"
PRECISIONS = ("float32", "bfloat16")


def digits():
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y.astype(np.int32), [Dense(256), ReLU(), Dense(256), ReLU()], 64, 10, 30, None


def mnist():
    folder = SHARED / "images"
    images, labels = (
        np.frombuffer(gzip.decompress((folder / f"train-{name}.gz").read_bytes()), np.uint8, offset=offset)
        for name, offset in (("images-idx3-ubyte", 16), ("labels-idx1-ubyte", 8))
    )
    x, y = images.reshape(-1, 784).astype(np.float32) / 255, labels.astype(np.int32)
    return x, y, [Dense(512), ReLU(), Dense(512), ReLU()], 128, 10, 6, 250


def text():
    data = np.frombuffer((SHARED / "text/tinyshakespeare.txt").read_bytes(), np.uint8)
    letters, codes = np.unique(data, return_inverse=True)
    rows = len(codes) // 101
    whole = codes[: rows * 101].reshape(rows, 101).astype(np.int32)
    layers = [Embedding(64, tokens=len(letters), padding=False), LSTM(256, "all")]
    return whole[:, :-1], whole[:, 1:], layers, 64, len(letters), 4, 100


def train(problem, precision: str, seeds: int) -> tuple[float, np.ndarray]:
    """Return the seconds of all rounds but the first, and the cost of the rows held out, of each seed."""
    x, y, layers, batch, outputs, rounds, steps = problem
    made = Network(layers, Multinoulli(), optimizer=Adam(2e-3), stopping=None, batch_size=batch, precision=precision)
    network = complete(made, OutputSize(outputs))
    order = np.random.default_rng(0).permutation(len(x))
    held = max(len(x) // 10, 256)
    fold = Fold(np.sort(order[held:]), np.sort(order[:held])[:2000], 0)
    rows = Batch(x, (y,), np.ones(len(x), np.float32))
    population = Population([Trial(network, seed) for seed in range(seeds)], rows, [fold], rounds, steps)
    population.note(population.advance(), 0.0)
    start = time.perf_counter()
    while population.rounds < rounds:
        population.note(population.advance(), 0.0)
    return time.perf_counter() - start, np.array([member.curve[-1][1] for member in population.trained])


def main() -> None:
    problems = {"digits": digits, "mnist": mnist, "text": text}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(problems), help="problems, comma-separated")
    parser.add_argument("--seeds", type=int, default=4, help="networks of each problem (default 4)")
    arguments = parser.parse_args()
    print(machine())
    print(f"{'problem':<10}{'seconds float32':>16}{'bfloat16':>10}{'ratio':>7}{'cost':>9}{'bfloat16 less float32':>26}")
    for name in arguments.only.split(","):
        found = {precision: train(problems[name](), precision, arguments.seeds) for precision in PRECISIONS}
        (one, cost), (two, rounded) = (found[precision] for precision in PRECISIONS)
        off = rounded - cost
        error = off.std(ddof=1) / np.sqrt(len(off))
        difference = f"{off.mean():+.4f} ± {error:.4f}"
        print(f"{name:<10}{one:>16.1f}{two:>10.1f}{one / two:>7.2f}{cost.mean():>9.4f}{difference:>26}", flush=True)


if __name__ == "__main__":
    main()
