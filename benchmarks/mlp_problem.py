"""The problem that every contender of the MLP sweep trains: sizes, rows, batches and initial weights.

It is NumPy only, so that importing it costs a contender neither memory nor threads.

A contender is one function `run(problem) -> dict` with these keys:

- `seconds`: training alone, from initial weights to the last validation; not starting, importing or compiling.
- `compile_seconds`: what compiling took, 0 where nothing is compiled.
- `train_cost`, `valid_cost`: mean over the members of the negative log-likelihood in nats a row, of the parameters
  after the last step, without dropout, over all training and all validation rows.
- `steps`: optimizer steps of each member.
- `worker_megabytes` (optional): peak memory of other processes that did the training, summed.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits

SIZES = ((64, 64), (64, 64), (64, 10))  # (inputs, outputs) of each Dense layer; ReLU between them
WEIGHTS = sum(inputs * outputs for inputs, outputs in SIZES)
BATCH = 32
ROUND_STEPS = 45
TRAIN_ROWS = 1437
ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}


@dataclass(frozen=True)
class Problem:
    """`members` networks that differ in learning rate (and dropout rates) and share their batches."""

    members: int = 64
    rounds: int = 20
    dropout: bool = False
    seed: int = 0

    @property
    def steps(self) -> int:
        return self.rounds * ROUND_STEPS

    @property
    def flops(self) -> float:
        """Arithmetic of all steps by the usual count, 6 x batch x weights a step (biases and validation left out)."""
        return 6.0 * self.steps * BATCH * WEIGHTS * self.members

    def rows(self):
        """X_train, y_train, X_valid, y_valid: float32 in [0, 1] and int64 labels."""
        X, y = load_digits(return_X_y=True)
        order = np.random.default_rng(self.seed).permutation(len(X))
        X, y = (X[order] / 16).astype(np.float32), y[order].astype(np.int64)
        return X[:TRAIN_ROWS], y[:TRAIN_ROWS], X[TRAIN_ROWS:], y[TRAIN_ROWS:]

    def batches(self) -> np.ndarray:
        """Row numbers (rounds, ROUND_STEPS, BATCH), int32: an endless stream of permutations cut into batches."""
        random = np.random.default_rng(self.seed + 1)
        needed = self.steps * BATCH
        stream = [random.permutation(TRAIN_ROWS) for _ in range(-(-needed // TRAIN_ROWS))]
        return np.concatenate(stream)[:needed].reshape(self.rounds, ROUND_STEPS, BATCH).astype(np.int32)

    def learning_rates(self) -> np.ndarray:
        """(members,) from 1e-4 to 1e-2, evenly spaced in the logarithm."""
        return np.logspace(-4, -2, self.members).astype(np.float32)

    def dropout_rates(self) -> np.ndarray | None:
        """(members, 2), one rate for each hidden layer, in 0.05..0.5; None without dropout.

        Shuffled, so that a rate says nothing about the learning rate.
        """
        if not self.dropout:
            return None
        random = np.random.default_rng(self.seed + 2)
        rates = np.linspace(0.05, 0.5, self.members)
        return np.stack([random.permutation(rates), random.permutation(rates)], axis=1).astype(np.float32)

    def initial(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """A (weight, bias) a layer, stacked over members: He normal and zeros.

        Shapes (members, inputs, outputs) and (members, outputs).
        """
        random = np.random.default_rng(self.seed + 3)
        return [
            (
                (random.standard_normal((self.members, inputs, outputs)) * np.sqrt(2 / inputs)).astype(np.float32),
                np.zeros((self.members, outputs), np.float32),
            )
            for inputs, outputs in SIZES
        ]


def mean_cost(layers, X, y) -> float:
    """Mean over members and rows of the negative log-likelihood; `layers` as `Problem.initial` gives them."""
    values = X[None].astype(np.float64)
    for number, (weight, bias) in enumerate(layers):
        values = values @ weight + bias[:, None]
        if number < len(layers) - 1:
            values = np.maximum(values, 0)
    top = values.max(-1)
    log_sum = top + np.log(np.exp(values - top[..., None]).sum(-1))
    return float(np.mean(log_sum - values[:, np.arange(len(y)), y]))


def result(problem: Problem, seconds: float, layers, *, compile_seconds: float = 0.0, worker_megabytes: float = 0.0):
    """What a contender returns, with the final costs computed here, the same way for all."""
    X, y, X_valid, y_valid = problem.rows()
    return {
        "seconds": seconds,
        "compile_seconds": compile_seconds,
        "train_cost": mean_cost(layers, X, y),
        "valid_cost": mean_cost(layers, X_valid, y_valid),
        "steps": problem.steps,
        "worker_megabytes": worker_megabytes,
    }
