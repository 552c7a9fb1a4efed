"""From how few rows folds pay: test losses of the ensemble by rows to learn from, with folds beside one part that
validates.

    python benchmarks/folds.py --data ../shared/data --rows 200,500,1000,2000 --seeds 3

So many rows of a table are drawn to learn from, and at most 4,000 others test, so that little of what is compared is
chance. With folds either as many trials are trained, of five networks each, or as many networks, so that there are
fewer trials. A loss is the share of errors, or rmse; compared are logarithms of losses, paired over tables and seeds.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from default_spaces import TABLES

from phalanx.config import Config
from phalanx.experiment import fit
from phalanx.kinds.registry import prepare
from phalanx.runs.planning import make_plan

NAMES = "stackoverflow,housing,churn,ames,adult-train,hotel-rates,credit-data,deliveries"
TEST = 4_000
ONE, SAME_TRIALS, SAME_NETWORKS = "one part", "folds, as many trials", "folds, as many networks"


def loss(table: pd.DataFrame, name: str, rows: int, seed: int, folds: int, trials: int) -> tuple[float, float]:
    """Return the test loss of the ensemble, and the seconds that training took."""
    drawn = table.sample(frac=1, random_state=seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        learn, test = Path(folder, "learn.csv"), Path(folder, "test.csv")
        drawn[:rows].to_csv(learn, index=False)
        drawn[rows : rows + TEST].to_csv(test, index=False)
        given = {"source": str(learn), "test": str(test), "target": (TABLES[name],)}
        prepared = prepare(Config(**given, seed=seed, folds=folds, trials=trials, baselines=()))
        plan, _ = make_plan(prepared)
        fitted = fit(prepared.task, plan)
        metric = plan.settings.metric
        found = fitted.predictor().scores(prepared.test_inputs, prepared.test_values)[metric.name]
    return 1 - found if metric.maximize else found, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), metavar="FOLDER")
    parser.add_argument("--tables", default=NAMES, metavar="NAMES", help="comma-separated")
    parser.add_argument("--rows", default="200,500,1000,2000", help="to learn from, comma-separated")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=24, help="without folds; default: 24")
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    ways = {
        ONE: (1, options.trials),
        SAME_TRIALS: (options.folds, options.trials),
        SAME_NETWORKS: (options.folds, -(-options.trials // options.folds)),
    }
    print("| rows | way | log of the loss less that of one part | better in | seconds |\n|---|---|---|---|---|")
    for rows in map(int, options.rows.split(",")):
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for name in options.tables.split(","):
            table = pd.read_csv(next((options.data / "tables").glob(f"{name}.csv*")), low_memory=False)
            for seed in range(options.seeds):
                for way, (folds, trials) in ways.items():
                    found[way].append(loss(table, name, rows, seed, folds, trials))
        first = np.log([each for each, _ in found[ONE]])
        for way, each in found.items():
            off, seconds = np.log([one for one, _ in each]) - first, np.mean([spent for _, spent in each])
            error = off.std(ddof=1) / np.sqrt(len(off))
            better = f"{(off < 0).sum()} of {len(off)}"
            print(f"| {rows:,} | {way} | {off.mean():+.3f} ± {error:.3f} | {better} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
