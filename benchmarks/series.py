"""Forecasts of real series against the best baseline in the leaderboard.

    python benchmarks/series.py --data FOLDER

The folder holds daily-min-temperatures.csv (forecast 7 days ahead) and monthly-sunspots.csv (12 months). Printed are
mean absolute errors over all origins of the last tenth, step by step and without training again, averaged over the
steps ahead, and for the networks over seeds: of the ensemble, and of the member that was best in validation.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SERIES = (("daily-min-temperatures.csv", "Temp", 7), ("monthly-sunspots.csv", "Sunspots", 12))


def run(file: Path, column: str, horizon: int, seed: int) -> dict:
    """Train as a person would, and return what `result.json` holds."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--forecast", column, "--horizon", horizon, "--test", 0.1, "--seed", seed, "--out", f"{folder}/run"]
        door = [sys.executable, "-c", "from phalanx.cli import main; main()"]
        subprocess.run([*door, "train", str(file), *map(str, words)], check=True, capture_output=True)
        return json.loads(Path(folder, "run", "result.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/series"), metavar="FOLDER", help="of series")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print("| series | model | mean absolute error | of the best baseline | seconds |")
    print("|---|---|---|---|---|")
    for file, column, horizon in SERIES:
        results = [run(options.data / file, column, horizon, seed) for seed in range(options.seeds)]
        baselines = {name: scores["mae"] for name, scores in results[0]["baselines"].items()}
        networks = {
            "ensemble": [result["test"]["mae"] for result in results],
            "best member": [result["best_member"]["test"]["mae"] for result in results],
        }
        least = min(baselines.values())
        seconds = np.mean([result["seconds"]["total"] for result in results])
        for name, error in baselines.items():
            print(f"| {column}, {horizon} ahead | {name} | {error:.3f} | {error / least:.3f} | |")
        for name, errors in networks.items():
            spread = f"{min(errors):.3f} to {max(errors):.3f}"
            error = float(np.mean(errors))
            print(f"| | {name} | {error:.3f} ({spread}) | {error / least:.3f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
