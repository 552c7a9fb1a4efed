"""What training again on the validation rows gives on tables: test scores without it and with it, over seeds.

    python benchmarks/refit_tables.py --data FOLDER

The folder holds the files of `TABLES`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

TABLES = (
    ("concrete.csv", "compressive_strength"),
    ("wine-red.csv", "quality"),
    ("german-credit.csv", "credit_risk"),
)


def run(file: Path, target: str, seed: int, refit: str, minutes: float | None) -> dict:
    """Train as a person would, and return what `result.json` holds."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--target", target, "--seed", seed, "--refit", refit, "--folds", 1, "--out", f"{folder}/run"]
        words += [] if minutes is None else ["--minutes", minutes]
        door = [sys.executable, "-c", "from phalanx.cli import main; main()"]
        ended = subprocess.run([*door, "train", str(file), *map(str, words)], capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(f"{file.name}: {ended.stderr}")
        return json.loads(Path(folder, "run", "result.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tables"), metavar="FOLDER", help="of tables")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, help="time limit of a run; default: none")
    options = parser.parse_args()
    print("| table | refit | metric | ensemble, test | best network, test | seconds |")
    print("|---|---|---|---|---|---|")
    for file, target in TABLES:
        for rule in ("none", "steps", "continue"):
            results = [run(options.data / file, target, seed, rule, options.minutes) for seed in range(options.seeds)]
            metric = results[0]["metric"]
            ensemble = scores([result["test"][metric] for result in results])
            best = scores([result["best_member"]["test"][metric] for result in results])
            seconds = np.mean([result["seconds"]["total"] for result in results])
            print(f"| {file} | {rule} | {metric} | {ensemble} | {best} | {seconds:.0f} |", flush=True)


def scores(found: list[float]) -> str:
    """Return the mean over seeds, and each."""
    return f"{np.mean(found):.4g} ({', '.join(f'{score:.4g}' for score in found)})"


if __name__ == "__main__":
    main()
