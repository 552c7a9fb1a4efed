"""What another checkout's defaults are worth beside these: test scores on real data of each kind, over seeds.

    git worktree add ../before SOME_COMMIT
    python benchmarks/default_spaces.py --before ../before --data ../shared/data

Both checkouts train on the same splits with the same seeds, as a person would who gives no options; nothing is said of
time, so that a busy machine changes the seconds and no score. A difference is given with its standard error over seeds.
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[1]
TABLES = {
    "german-credit": "credit_risk",
    "concrete": "compressive_strength",
    "wine-red": "quality",
    "attrition": "Attrition",
    "cells": "class",
    "ames": "Sale_Price",
    "credit-data": "Status",
    "wine-white": "quality",
    "churn": "churn",
    "stackoverflow": "Remote",
    "loans": "interest_rate",
    "deliveries": "time_to_delivery",
    "hotel-rates": "avg_price_per_room",
    "housing": "median_house_value",
    "adult-train": "income",
    "diamonds": "price",
}
SERIES = {
    "usaccdeaths": "value",
    "ukgas": "value",
    "nottem": "value",
    "gas": "value",
    "monthly-sunspots": "Sunspots",
    "daily-min-temperatures": "Temp",
}
ARCHIVES = {"mnist-folder": "images", "spoken-digits": "audio", "movie-reviews": "text"}


def words(name: str, data: Path, scratch: Path) -> list[str]:
    """Return what a person says to train on a data set."""
    if name in TABLES:
        file = next((data / "tables").glob(f"{name}.csv*"))
        return [str(file), "--target", TABLES[name]]
    if name in SERIES:
        return [str(data / "series" / f"{name}.csv"), "--forecast", SERIES[name], "--horizon", "4"]
    folder = scratch / name
    if not folder.exists():
        with tarfile.open(data / ARCHIVES[name] / f"{name}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        for sound in list(folder.rglob("*.wav")):  # DIGIT_SPEAKER_N.wav
            digit = sound.parent / sound.name.partition("_")[0]
            digit.mkdir(exist_ok=True)
            sound.rename(digit / sound.name)
    inside = [path for path in folder.iterdir() if path.is_dir()]
    return [str(inside[0] if len(inside) == 1 else folder)]


def run(checkout: Path, command: list[str], seed: int) -> dict:
    """Train in a process of its own, and return what `result.json` holds."""
    with tempfile.TemporaryDirectory() as folder:
        door = [sys.executable, "-c", "from phalanx.cli import main; main()", "train", *command]
        door += ["--seed", str(seed), "--out", f"{folder}/run"]
        environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
        ended = subprocess.run(door, capture_output=True, text=True, env=environment)
        if ended.returncode:
            raise SystemExit(f"{' '.join(command)}: {ended.stderr}")
        return json.loads(Path(folder, "run", "result.json").read_text())


def main() -> None:
    every = [*TABLES, *SERIES, *ARCHIVES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, metavar="FOLDER", help="the other checkout")
    parser.add_argument("--data", type=Path, default=HERE / "../shared/data", metavar="FOLDER")
    parser.add_argument("--only", default=",".join(every), metavar="NAMES", help="data sets, comma-separated")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print("| data | metric | before | after | after less before | structures | seconds |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.only.split(","):
            command = words(name, options.data.resolve(), Path(scratch))
            pairs = [
                [run(checkout, command, seed) for checkout in (options.before.resolve(), HERE)]
                for seed in range(options.seeds)
            ]
            print(row(name, pairs), flush=True)


def row(name: str, pairs: list[list[dict]]) -> str:
    """Return the line of a data set, from the results before and after of each seed."""
    metric = pairs[0][0]["metric"]
    scores = np.array([[result["test"][metric] for result in pair] for pair in pairs])
    seconds = np.array([[result["seconds"]["total"] for result in pair] for pair in pairs]).mean(0)
    kinds = np.array([[result["n_structures"] for result in pair] for pair in pairs]).mean(0)
    off = scores[:, 1] - scores[:, 0]
    error = off.std(ddof=1) / np.sqrt(len(off)) if len(off) > 1 else float("nan")
    one, two = scores.mean(0)
    return (
        f"| {name} | {metric} | {one:.4g} | {two:.4g} | {off.mean():+.2g} ± {error:.1g} "
        f"| {kinds[0]:.0f}, {kinds[1]:.0f} | {seconds[0]:.0f}, {seconds[1]:.0f} |"
    )


if __name__ == "__main__":
    main()
