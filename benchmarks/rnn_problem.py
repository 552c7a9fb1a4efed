"""The problem that every contender of the RNN sweep trains: a text in rows, batches, and initial weights. NumPy only.

The network: an embedding of 64, an LSTM or GRU of 128 units that answers at every step, and a dense layer to the
characters; every row of 100 characters begins without memory. What a contender does: train every member for `steps`
batches of 64 rows from the same weights on the same batches, and then take the cost on the rows held out.
"""

import resource
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

BATCH, STEPS, EMBEDDING, UNITS = 64, 100, 64, 128
HELD_OUT = 4 * BATCH  # rows whose cost is compared in the end
ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
BLOCKS = {"lstm": 4, "gru": 3}


@dataclass(frozen=True)
class Problem:
    """`members` networks with `cell` "lstm" or "gru" that differ in learning rate and share their batches."""

    text: Path
    cell: str
    members: int = 16
    steps: int = 50
    seed: int = 0

    @cached_property
    def _codes(self) -> tuple[np.ndarray, int]:
        letters, codes = np.unique(np.frombuffer(self.text.read_bytes(), np.uint8), return_inverse=True)
        return codes.astype(np.int32), len(letters)

    @property
    def letters(self) -> int:
        """Different characters."""
        return self._codes[1]

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Characters, and those that follow, (rows, STEPS); the last HELD_OUT rows are for the cost."""
        codes = self._codes[0]
        count = (self.steps * BATCH) // 4 + HELD_OUT  # four passes
        if count * STEPS + 1 > len(codes):
            raise SystemExit(
                f"{count:,} rows of {STEPS} characters are more than {str(self.text)!r} has; take fewer --steps"
            )
        return codes[: count * STEPS].reshape(count, STEPS), codes[1 : count * STEPS + 1].reshape(count, STEPS)

    @property
    def training_rows(self) -> int:
        """Rows to train on."""
        return len(self.rows[0]) - HELD_OUT

    def batches(self) -> np.ndarray:
        """Row numbers (steps, BATCH): permutations one after the other, as Phalanx draws them."""
        passes = -(-self.steps * BATCH // self.training_rows)
        order = [np.random.default_rng([self.seed, i]).permutation(self.training_rows) for i in range(passes)]
        return np.concatenate(order)[: self.steps * BATCH].reshape(self.steps, BATCH)

    def learning_rates(self) -> np.ndarray:
        """(members,) from 1e-3 to 1e-2, evenly spaced in the logarithm."""
        return np.geomspace(1e-3, 1e-2, self.members).astype(np.float32)

    def initial(self, member: int) -> dict[str, np.ndarray]:
        """Weights (inputs, outputs), in blocks i, f, o, c or r, u, c; biases start at 0, in every contender."""
        random = np.random.default_rng([self.seed + 1, member])

        def drawn(inputs: int, outputs: int) -> np.ndarray:
            return (random.standard_normal((inputs, outputs)) / np.sqrt(inputs)).astype(np.float32)

        width = BLOCKS[self.cell] * UNITS
        return {
            "embedding": drawn(self.letters, EMBEDDING),
            "input": drawn(EMBEDDING, width),
            "recurrent": drawn(UNITS, width),
            "output": drawn(UNITS, self.letters),
        }

    @property
    def flops(self) -> float:
        """Arithmetic of all steps by the usual count, 6 x batch x multiplications."""
        by_character = (EMBEDDING + UNITS) * BLOCKS[self.cell] * UNITS + UNITS * self.letters
        return 6.0 * self.steps * BATCH * STEPS * by_character * self.members


def result(seconds: float, compile_seconds: float, cost: float) -> dict:
    """What a contender returns; `cost` is the mean of the held-out rows over the members, in nats a character."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "compile_seconds": compile_seconds, "megabytes": peak, "cost": cost}
