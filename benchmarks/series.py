"""Forecasts of real series against the best baseline, and by what is done with the newest rows before the test.

    python benchmarks/series.py --data FOLDER --refit none --refit steps --refit continue

The folder holds the files of `SERIES`. Printed are mean absolute errors over all origins of the last tenth, step by
step and without training in between, averaged over the steps ahead, and for the networks over seeds: of the ensemble,
and of the member that was best in validation. `--refit` names what networks and baselines do with the validation rows
in the end; without it they do what is the default.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SERIES = (
    ("daily-min-temperatures.csv", "Temp", 7),
    ("monthly-sunspots.csv", "Sunspots", 12),
    ("nottem.csv", "value", 12),
    ("usaccdeaths.csv", "value", 12),
    ("gas.csv", "value", 12),
    ("ukgas.csv", "value", 4),
)


def run(file: Path, column: str, horizon: int, seed: int, refit: str | None, minutes: float | None) -> dict:
    """Train as a person would, and return what `result.json` holds."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--forecast", column, "--horizon", horizon, "--test", 0.1, "--seed", seed, "--out", f"{folder}/run"]
        words += [] if refit is None else ["--refit", refit]
        words += [] if minutes is None else ["--minutes", minutes]
        door = [sys.executable, "-c", "from phalanx.cli import main; main()"]
        ended = subprocess.run([*door, "train", str(file), *map(str, words)], capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(f"{file.name}: {ended.stderr}")
        return json.loads(Path(folder, "run", "result.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/series"), metavar="FOLDER", help="of series")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, help="time limit of a run; default: none")
    parser.add_argument("--refit", action="append", choices=("none", "steps", "continue"), help="may be repeated")
    parser.add_argument("--only", metavar="WORD", default="", help="series whose file's name holds this")
    options = parser.parse_args()
    print("| series | refit | model | mean absolute error | of the best baseline | seconds |")
    print("|---|---|---|---|---|---|")
    for file, column, horizon in SERIES:
        for rule in (options.refit or [None]) if options.only in file else ():
            path, seeds = options.data / file, range(options.seeds)
            results = [run(path, column, horizon, seed, rule, options.minutes) for seed in seeds]
            show(f"{path.stem}, {horizon} ahead", rule or "default", results)


def show(series: str, rule: str, results: list[dict]) -> None:
    """Print the rows of a series and a rule."""
    baselines = {name: scores["mae"] for name, scores in results[0]["baselines"].items()}
    networks = {
        "ensemble": [result["test"]["mae"] for result in results],
        "best member": [result["best_member"]["test"]["mae"] for result in results],
    }
    least = min(baselines.values())
    seconds = np.mean([result["seconds"]["total"] for result in results])
    for name, error in baselines.items():
        print(f"| {series} | {rule} | {name} | {error:.4g} | {error / least:.3f} | |")
    for name, errors in networks.items():
        spread = f"{min(errors):.4g} to {max(errors):.4g}"
        error = float(np.mean(errors))
        print(
            f"| {series} | {rule} | {name} | {error:.4g} ({spread}) | {error / least:.3f} | {seconds:.0f} |", flush=True
        )


if __name__ == "__main__":
    main()
