"""The problem that every contender of the structure sweep solves: networks of many structures, rows, and the rule.

It is NumPy only, so that importing it costs a contender neither time nor memory; the rows stand in a file that
`structure_sweep` writes.

A contender is one function `run(problem) -> dict`. It trains every candidate and says which is best: that of the lowest
validation cost, with the parameters it had after its best round. A round is 45 steps of 32 rows, one pass over the
training rows, and a validation; a network stops after 10 rounds in a row without a lower validation cost, and after
`rounds` in any case. The keys of the result:

- `seconds`: from the start of the process, imports and compiling included, until the best network is known.
- `improvements`: each time the best so far changes, the seconds since the start of the process and that network's
  validation cost, validation accuracy and test accuracy. The last is the best of all.
- `rounds`: rounds that all networks trained together.
"""

import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

TRAIN_ROWS, VALID_ROWS = 1437, 180  # the other 180 are the test
INPUTS, CLASSES = 64, 10
BATCH, ROUND_STEPS, PATIENCE = 32, 45, 10

WIDTHS = (32, 64, 128)
SLOPE = 0.1
ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "leaky_relu": lambda z: np.where(z > 0, z, SLOPE * z),
    "softplus": lambda z: np.logaddexp(z, 0),
    "absolute": np.abs,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),  # what scikit-learn has instead of the three above
}
COMMON = ("relu", "tanh", "leaky_relu", "softplus", "absolute")

ADAM = {"decay1": 0.9, "decay2": 0.999, "epsilon": 1e-8}
MOMENTUM = 0.9
RMSPROP = {"decay": 0.9, "delta": 1e-6}
RATES = {"sgd": (1e-3, 1e-1), "momentum": (1e-3, 1e-1), "rmsprop": (1e-4, 1e-2), "adam": (1e-4, 1e-2)}
DROPOUT = (0.05, 0.5)


class Space(NamedTuple):
    """What candidates are drawn from. `distinct`: no structure (widths and activation) twice."""

    candidates: int
    depth: int
    optimizers: tuple[str, ...]
    dropout: bool
    distinct: bool


SPACES = {
    "structures": Space(60, 3, ("adam",), dropout=False, distinct=True),
    "mixed": Space(200, 5, tuple(RATES), dropout=True, distinct=False),
}


class Candidate(NamedTuple):
    """A network: units of each hidden layer, the activation after each, and after that dropout (0: none)."""

    widths: tuple[int, ...]
    activation: str
    optimizer: str
    learning_rate: float
    dropout: float


class Found(NamedTuple):
    """A network that was the best known to its process: since when (in seconds), its validation cost, its activation,
    and (weight, bias) of each layer, shapes (inputs, outputs) and (outputs,).
    """

    seconds: float
    cost: float
    activation: str
    layers: list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Problem:
    """Candidates of the space `name`, the first `limit` if one is given, on the rows of the file `data`.

    `began`: when the process of the contender was started (`time.time()`).
    """

    name: str
    data: Path
    began: float
    rounds: int = 60
    limit: int | None = None
    seed: int = 0

    def elapsed(self) -> float:
        """Seconds since the process of the contender was started."""
        return time.time() - self.began

    def rows(self):
        """X_train, y_train, X_valid, y_valid, X_test, y_test: float32 in [0, 1] and int64 labels."""
        with np.load(self.data) as held:
            X, y = held["X"], held["y"]
        order = np.random.default_rng(self.seed).permutation(len(X))
        X, y = (X[order] / 16).astype(np.float32), y[order].astype(np.int64)
        ends = [TRAIN_ROWS, TRAIN_ROWS + VALID_ROWS]
        return tuple(itertools.chain.from_iterable(zip(np.split(X, ends), np.split(y, ends), strict=True)))

    def batches(self) -> np.ndarray:
        """Row numbers (rounds, ROUND_STEPS, BATCH), int32: an endless stream of permutations cut into batches."""
        random = np.random.default_rng(self.seed + 1)
        needed = self.rounds * ROUND_STEPS * BATCH
        stream = [random.permutation(TRAIN_ROWS) for _ in range(-(-needed // TRAIN_ROWS))]
        return np.concatenate(stream)[:needed].reshape(self.rounds, ROUND_STEPS, BATCH).astype(np.int32)

    def candidates(self) -> list[Candidate]:
        """The networks, the same for all contenders."""
        space, random = SPACES[self.name], np.random.default_rng(self.seed + 2)
        drawn: list[Candidate] = []
        structures = set()
        while len(drawn) < space.candidates:
            candidate = _draw(space, random)
            if not space.distinct or candidate[:2] not in structures:
                structures.add(candidate[:2])
                drawn.append(candidate)
        return drawn[: self.limit]

    def initial(self, number: int, candidate: Candidate) -> list[tuple[np.ndarray, np.ndarray]]:
        """A (weight, bias) a layer of a candidate: He normal, for the output layer Glorot uniform, and zeros."""
        random = np.random.default_rng([self.seed + 3, number])
        sizes = [INPUTS, *candidate.widths]
        layers = [random.standard_normal(shape) * np.sqrt(2 / shape[0]) for shape in itertools.pairwise(sizes)]
        bound = np.sqrt(6 / (sizes[-1] + CLASSES))
        layers.append(random.uniform(-bound, bound, (sizes[-1], CLASSES)))
        return [(weight.astype(np.float32), np.zeros(weight.shape[1], np.float32)) for weight in layers]


def _draw(space: Space, random: np.random.Generator) -> Candidate:
    widths = tuple(int(width) for width in random.choice(WIDTHS, random.integers(1, space.depth, endpoint=True)))
    activation, optimizer = str(random.choice(COMMON)), str(random.choice(space.optimizers))
    learning_rate = float(np.exp(random.uniform(*np.log(RATES[optimizer]))))
    dropped = space.dropout and random.random() < 0.5
    return Candidate(widths, activation, optimizer, learning_rate, float(random.uniform(*DROPOUT)) if dropped else 0.0)


def cost_and_accuracy(activation: str, layers, X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean negative log-likelihood in nats a row, and the share of right answers; without dropout."""
    values = X.astype(np.float64)
    for number, (weight, bias) in enumerate(layers):
        values = values @ weight + bias
        if number < len(layers) - 1:
            values = ACTIVATIONS[activation](values)
    top = values.max(-1)
    log_sum = top + np.log(np.exp(values - top[:, None]).sum(-1))
    return float(np.mean(log_sum - values[np.arange(len(y)), y])), float(np.mean(values.argmax(-1) == y))


def result(problem: Problem, seconds: float, found: list[Found], rounds: int) -> dict[str, Any]:
    """What a contender returns; accuracies computed here, for all alike. `found` may come from several processes."""
    _, _, X_valid, y_valid, X_test, y_test = problem.rows()
    improvements, best = [], float("inf")
    for one in sorted(found, key=lambda one: one.seconds):
        if one.cost < best:
            best = one.cost
            cost, valid = cost_and_accuracy(one.activation, one.layers, X_valid, y_valid)
            _, test = cost_and_accuracy(one.activation, one.layers, X_test, y_test)
            improvements.append([one.seconds, cost, valid, test])
    return {"seconds": seconds, "improvements": improvements, "rounds": rounds}
