"""The problem that every contender of the CNN sweep trains: images, batches, network and initial weights.

It is NumPy only (scikit-learn where its digits stand in), so that importing it costs a contender neither memory nor
threads. A contender is one function `run(problem) -> dict` that ends with `result` or `scaled`; the keys are those of
`mlp_problem`. What it does: train every member for `rounds` rounds of `steps` batches, and after each round take the
cost of the member on the validation images.

The network, for images (28, 28, 1), with ReLU after each hidden layer:
Conv 16, 3 x 3, same - MaxPool 2 - Conv 32, 3 x 3, same - MaxPool 2 - Flatten - Dense 64 - Dense 10.
"""

import gzip
import resource
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

SIDE = 28
KERNELS = ((3, 3, 1, 16), (3, 3, 16, 32), (7 * 7 * 32, 64), (64, 10))  # the last axis is that of the outputs
PLACES = (SIDE**2, (SIDE // 2) ** 2, 1, 1)  # where each kernel is applied
MULTIPLICATIONS = sum(int(np.prod(kernel)) * places for kernel, places in zip(KERNELS, PLACES, strict=True))
BATCH = 64
VALID_BATCH = 256  # images of a validation at a time
ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
FILES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
DIGITS = 22 * BATCH  # training images when the digits stand in: of 1,797, a fifth as many are for validation


@dataclass(frozen=True)
class Problem:
    """`members` networks that differ in learning rate and share their batches.

    `folder` holds MNIST as IDX files; without it scikit-learn's digits, enlarged, stand in. `asked` training images
    (a multiple of the batch), the first of the file; a fifth as many after them are for validation.
    """

    folder: Path
    members: int = 16
    rounds: int = 5
    asked: int = 100 * BATCH
    seed: int = 0

    @property
    def is_mnist(self) -> bool:
        return all((self.folder / name).is_file() for name in FILES)

    @property
    def images(self) -> int:
        """Training images."""
        return self.asked if self.is_mnist else min(self.asked, DIGITS)

    @property
    def validation_images(self) -> int:
        return self.images // 5

    @property
    def round_steps(self) -> int:
        return self.images // BATCH

    @property
    def steps(self) -> int:
        return self.rounds * self.round_steps

    @property
    def flops(self) -> float:
        """Arithmetic of all steps by the usual count, 6 x batch x multiplications a step (validation left out)."""
        return 6.0 * self.steps * BATCH * MULTIPLICATIONS * self.members

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """X_train, y_train, X_valid, y_valid: uint8 pixels (images, 28, 28, 1) and int64 labels."""
        X, y = _mnist(self.folder) if self.is_mnist else _digits(self.seed)
        split, end = self.images, self.images + self.validation_images
        if end > len(X):
            raise SystemExit(f"{end:,} images for training and validation are more than the {len(X):,} there are")
        return X[:split], y[:split], X[split:end], y[split:end]

    @property
    def scale(self) -> tuple[float, float]:
        """Mean and deviation of the training pixels."""
        return float(self.rows[0].mean()), float(self.rows[0].std())

    def normalized(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The rows with pixels as float32 of mean 0 and deviation 1."""
        X, y, X_valid, y_valid = self.rows
        mean, deviation = (np.float32(number) for number in self.scale)
        return (X - mean) / deviation, y, (X_valid - mean) / deviation, y_valid

    def batches(self) -> np.ndarray:
        """Row numbers (rounds, round_steps, BATCH), int32: a permutation a round, the same as Phalanx draws."""
        passes = [np.random.default_rng([self.seed, i]).permutation(self.images) for i in range(self.rounds)]
        return np.stack(passes).reshape(self.rounds, self.round_steps, BATCH).astype(np.int32)

    def learning_rates(self) -> np.ndarray:
        """(members,) from 3e-4 to 3e-3, evenly spaced in the logarithm."""
        return np.geomspace(3e-4, 3e-3, self.members).astype(np.float32)

    def initial(self, member: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """A (weight, bias) for each of `KERNELS`: He normal and zeros."""
        random = np.random.default_rng([self.seed + 1, member])
        return [
            (
                (random.standard_normal(kernel) * np.sqrt(2 / np.prod(kernel[:-1]))).astype(np.float32),
                np.zeros(kernel[-1], np.float32),
            )
            for kernel in KERNELS
        ]


def _mnist(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = (gzip.decompress((folder / name).read_bytes()) for name in FILES)
    X = np.frombuffer(images, np.uint8, offset=16).reshape(-1, SIDE, SIDE, 1)
    return X, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


def _digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """8 x 8 pixels from 0 to 16 become 24 x 24 from 0 to 255, with a margin of 2."""
    from sklearn.datasets import load_digits

    images, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    large = images.reshape(-1, 8, 8)[order].repeat(3, 1).repeat(3, 2) * (255 / 16)
    return np.pad(large, ((0, 0), (2, 2), (2, 2)))[..., None].astype(np.uint8), y[order].astype(np.int64)


def peak_megabytes() -> float:
    """Peak resident memory of this process, in MB (2^20 bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _logits(layers, x: np.ndarray) -> np.ndarray:
    """The outputs of a network for normalized images; `layers` as `Problem.initial` gives them."""
    for weight, bias in layers[:2]:
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), (3, 3), (1, 2))
        columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, weight[..., 0].size)
        z = np.maximum(columns @ weight.reshape(-1, weight.shape[-1]) + bias, 0)
        x = z.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).max((2, 4))
    (weight, bias), (last_weight, last_bias) = layers[2:]
    return np.maximum(x.reshape(len(x), -1) @ weight + bias, 0) @ last_weight + last_bias


def mean_cost(members, X: np.ndarray, y: np.ndarray) -> float:
    """Mean over members and rows of the negative log-likelihood, in nats."""
    total = 0.0
    for first in range(0, len(y), VALID_BATCH):
        x, labels = X[first : first + VALID_BATCH], y[first : first + VALID_BATCH]
        for layers in members:
            z = _logits(layers, x).astype(np.float64)
            total += (np.logaddexp.reduce(z, 1) - z[np.arange(len(z)), labels]).sum()
    return total / (len(members) * len(y))


def result(problem: Problem, seconds: float, members, *, compile_seconds: float = 0.0, worker_megabytes: float = 0.0):
    """What a contender returns. `members` are the final layers of each, as `Problem.initial` gives them.

    The costs are computed here, in the same way for all, after the memory is read.
    """
    megabytes = peak_megabytes() + worker_megabytes
    X, y, X_valid, y_valid = problem.normalized()
    return {
        "seconds": seconds,
        "compile_seconds": compile_seconds,
        "megabytes": megabytes,
        "train_cost": mean_cost(members, X, y),
        "valid_cost": mean_cost(members, X_valid, y_valid),
        "steps": problem.steps,
    }


def scaled(problem: Problem, seconds: float, *, compile_seconds: float = 0.0):
    """What a contender returns that trained one member for one round: its `seconds` times all members and rounds.

    It has no costs, since it did not train to the end.
    """
    return {
        "seconds": seconds * problem.members * problem.rounds,
        "compile_seconds": compile_seconds,
        "megabytes": peak_megabytes(),
        "train_cost": None,
        "valid_cost": None,
        "steps": problem.round_steps,
    }
