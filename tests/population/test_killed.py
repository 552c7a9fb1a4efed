"""A population of 64 whose process is killed ends, in another process, as if it had been left alone."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

SCRIPT = textwrap.dedent(
    """
    import os, pickle, sys
    import numpy as np
    from sklearn.datasets import load_digits
    from phalanx import Adam, Dense, Dropout, EarlyStopping, Multinoulli, Network, ReLU
    from phalanx.model import Batch
    from phalanx.network import OutputSize, complete
    from phalanx.population.batches import Fold
    from phalanx.population.host import Population
    from phalanx.population.trial import Trial

    def network(i):
        layers = [Dense(16), ReLU(), Dropout(0.2 + 0.005 * i)]
        optimizer = Adam(0.001 + 0.001 * i)
        return complete(Network(layers, Multinoulli(), optimizer=optimizer, stopping=EarlyStopping(2)), OutputSize(10))

    x, y = load_digits(return_X_y=True)
    rows = Batch((x / 16).astype(np.float32), (y.astype(np.int32),), np.ones(len(x), np.float32))
    folds = [Fold(np.arange(900), np.arange(900, 1200), 0)]
    snapshot, result = sys.argv[1:]
    if os.path.exists(snapshot):
        with open(snapshot, "rb") as file:
            population = Population.restore(pickle.load(file), rows, folds)
    else:
        population = Population([Trial(network(i), i) for i in range(64)], rows, folds, 12, None)
    while population.alive:
        population.note(population.advance(), 0.0)
        with open(snapshot + ".new", "wb") as file:
            pickle.dump(population.snapshot(), file)
        os.replace(snapshot + ".new", snapshot)
        print(population.rounds, flush=True)
    with open(result, "wb") as file:
        pickle.dump([(m.curve, m.best_round, m.stopped, m.params, m.states) for m in population.finish("time")], file)
    """
)


def run(folder: Path, name: str, kill_after: int | None = None) -> int:
    """Run the script with its own snapshot; kill it once it said that it has trained so many rounds."""
    arguments = [sys.executable, "-c", SCRIPT, str(folder / f"{name}.snapshot"), str(folder / name)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) == kill_after:
                time.sleep(0.05)  # somewhere in the next round
                os.kill(process.pid, signal.SIGKILL)
    return process.returncode


@pytest.mark.slow
def test_a_killed_population_ends_with_the_same_bits(tmp_path):
    assert run(tmp_path, "whole") == 0
    for after in (1, 4, 7):
        assert run(tmp_path, f"killed-{after}", kill_after=after) == -signal.SIGKILL
        assert run(tmp_path, f"killed-{after}") == 0
        whole, again = (pickle.loads((tmp_path / name).read_bytes()) for name in ("whole", f"killed-{after}"))
        assert len({member[1] for member in whole}) > 3  # they stopped at several times
        for one, other in zip(whole, again, strict=True):
            assert one[:3] == other[:3]
            for layer, params in one[3].items():
                for name, value in params.items():
                    np.testing.assert_array_equal(value, other[3][layer][name])
