"""FoldPredictions digits of a speaker who was never heard: three speakers train, the fourth tests, each in turn.

Three heads on the same layers: the digit alone; the digit and the speaker; the digit, and a speaker whose gradient is
reversed, so that the layers below forget who speaks. Beside them the run's own `linear` baseline: logistic regression
on mean and deviation of each log-mel band. Every number is the accuracy on the digits of the fourth speaker.

    python benchmarks/spoken_digits.py spoken-digits.tar.gz [--strength 0.3] [--speakers george,lucas] [--rounds 15]

The archive holds files DIGIT_SPEAKER_N.wav (Free FoldPredictions Digit Dataset).
"""

import argparse
import json
import tarfile
import tempfile
import time
from pathlib import Path

import pandas as pd

from phalanx import (
    Adam,
    Conv,
    Cosine,
    Dense,
    Dropout,
    GlobalMaxPool,
    Head,
    InstanceNorm,
    Joint,
    MaxPool,
    Multinoulli,
    ReLU,
    ReverseGradient,
)
from phalanx.config import DEFAULT, Config
from phalanx.parts.yaml import write_yaml
from phalanx.runs.command import train_command

LAYERS = [
    InstanceNorm(),
    Conv(64, 5),
    ReLU(),
    MaxPool(),
    Dropout(0.3),
    Conv(96, 5),
    ReLU(),
    GlobalMaxPool(),
    Dropout(0.3),
]
SEEDS = 3


def with_speaker(*first) -> Joint:
    """The heads of digit and speaker; `first` are the first layers of the speaker's."""
    speaker = Head(Multinoulli(), [*first, Dense(32), ReLU()], targets=("speaker",), weight=0.3)
    return Joint([Head(Multinoulli(), targets=("digit",)), speaker])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--strength", type=float, default=0.3)
    parser.add_argument("--speakers", default="", help="those to test on; default: each")
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    arms = {
        "plain": (("digit",), DEFAULT),
        "multitask": (("digit", "speaker"), with_speaker()),
        f"adversarial, strength {asked.strength:g}": (
            ("digit", "speaker"),
            with_speaker(ReverseGradient(asked.strength)),
        ),
    }
    started, found = time.monotonic(), dict[str, dict[str, float]]()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with tarfile.open(asked.archive) as archive:
            archive.extractall(folder, filter="data")
        names = [path.relative_to(folder) for path in sorted(folder.rglob("*.wav"))]
        named = [(str(name), *name.stem.split("_")[:2]) for name in names]
        table = pd.DataFrame(named, columns=["file", "digit", "speaker"])
        for speaker in asked.speakers.split(",") if asked.speakers else sorted(table["speaker"].unique()):
            for part, rows in (("train", table["speaker"] != speaker), ("test", table["speaker"] == speaker)):
                table[rows].to_csv(folder / f"{part}.csv", index=False)
            for arm, (target, likelihood) in arms.items():
                run = folder / f"{speaker} {arm}"
                options = {
                    "source": str(folder / "train.csv"),
                    "test": str(folder / "test.csv"),
                    "target": target,
                    "ignore": () if "speaker" in target else ("speaker",),
                    "likelihood": likelihood,
                    "layers": LAYERS,
                    "optimizer": Adam(Cosine(3e-3, warmup=0.05)),
                    "batch_size": 32,
                    "repeats": SEEDS,
                    "max_rounds": asked.rounds,
                    "baselines": ("linear",) if arm == "plain" else ("dummy",),
                    "metric": "accuracy" if arm == "plain" else "digit.accuracy",
                }
                written = folder / "config.yaml"
                written.write_text(write_yaml(Config(**options).to_plain()), encoding="utf-8")
                train_command({}, written, run, time.monotonic())
                result = json.loads((run / "result.json").read_text())
                found.setdefault(arm, {})[speaker] = result["test"][result["metric"]]
                if arm == "plain":
                    found.setdefault("linear baseline", {})[speaker] = result["baselines"]["linear"]["accuracy"]
    shown = pd.DataFrame(found).T
    shown["mean"] = shown.mean(axis=1)
    print(f"\nAccuracy on the digits of a speaker who was never heard (ensembles of up to {SEEDS} seeds)")
    print(shown.map(lambda value: f"{value:.3f}").to_string())
    best, linear = shown["mean"].drop("linear baseline").max(), shown["mean"]["linear baseline"]
    print(f"best minus linear baseline: {100 * (best - linear):.1f} points; {time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
