"""Search among networks of many structures with Phalanx and with its peers, alternately on this machine.

    python benchmarks/structure_sweep.py                    # 60 structures; needs pip install '.[bench]'
    python benchmarks/structure_sweep.py --problem mixed    # 200 networks, four optimizers, with dropout or without
    python benchmarks/structure_sweep.py --contenders phalanx-cold,phalanx-warm,optuna-pruned --repeats 5

All but scikit-learn train the same networks by the same rule, see `structure_problem`; scikit-learn draws as many of
its own. The seconds are those of a whole process, from its start until the best network is known, imports and compiling
included. `phalanx-cold` begins without compiled programs, `phalanx-warm` with those of an earlier run. The test score
that all reach is the lowest test accuracy that any run ended with; the second table says when the best network by
validation first had it. A ratio above 1 means that the contender takes longer than the one at the head of the column.

Leave the machine alone meanwhile; a note under the tables says where others kept the cores busy.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from structure_problem import BATCH, ROUND_STEPS, SPACES, TRAIN_ROWS, Problem

CONTENDERS = {
    "phalanx-cold": "phalanx_structures:run",
    "phalanx-warm": "phalanx_structures:run",
    "optuna": "peers_structures:optuna_all",
    "optuna-pruned": "peers_structures:optuna_pruned",
    "keras-tuner-torch": "peers_structures:keras_torch",
    "keras-tuner-jax": "peers_structures:keras_jax",
    "sklearn-halving": "peers_structures:sklearn_halving",
}
COLD, WARM = "phalanx-cold", "phalanx-warm"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", choices=SPACES, default="structures", help="(default structures)")
    parser.add_argument("--repeats", type=int, default=3, help="times each contender runs (default 3)")
    parser.add_argument("--contenders", metavar="NAMES", help=f"comma-separated, of: {', '.join(CONTENDERS)}")
    parser.add_argument("--rounds", type=int, default=60, help="rounds of a network at most (default 60)")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N networks only, for a quick look")
    parser.add_argument("--json", metavar="FILE", help="also write every single measurement here")
    for option in ("--contender", "--data", "--began"):  # how a child process is told
        parser.add_argument(option, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for name in arguments.contenders.split(",") if arguments.contenders else ():
        if name not in CONTENDERS:
            parser.error(f"no contender {name!r}; there are: {', '.join(CONTENDERS)}")
    if min(arguments.rounds, arguments.repeats, arguments.limit or 1) < 1:
        parser.error("--rounds, --repeats and --limit must be at least 1")
    return arguments


def run_here(name: str, problem: Problem) -> dict:
    """Run a contender in this process."""
    module, function = CONTENDERS[name].split(":")
    return getattr(importlib.import_module(module), function)(problem)


def run_apart(name: str, arguments: argparse.Namespace, data: Path, cache: Path) -> dict:
    """Run a contender in a fresh process; Phalanx keeps compiled programs in `cache`."""
    from cnn_sweep import cpu_of_others

    environment = {key: value for key, value in os.environ.items() if key != "JAX_COMPILATION_CACHE_DIR"}
    if name in (COLD, WARM):
        environment["XDG_CACHE_HOME"] = str(cache)
    command = [sys.executable, __file__, "--contender", name, "--data", str(data), "--problem", arguments.problem]
    command += ["--rounds", str(arguments.rounds)]
    command += [] if arguments.limit is None else ["--limit", str(arguments.limit)]
    before, start = cpu_of_others(), time.perf_counter()
    done = subprocess.run([*command, "--began", repr(time.time())], capture_output=True, text=True, env=environment)
    others = (cpu_of_others() - before) / (time.perf_counter() - start)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}{done.stdout}")
    return {**json.loads(done.stdout.splitlines()[-1]), "others": others}


def measure(arguments: argparse.Namespace, names: list[str], folder: Path) -> dict[str, list[dict]]:
    """The results of each contender, one a repetition.

    Contenders take turns, and each repetition begins with another one. The folder that a cold run filled is that of the
    warm ones after it; where none did, a run that does not count fills it.
    """
    data = write_rows(folder)
    runs: dict[str, list[dict]] = {name: [] for name in names}
    filled = None
    for repeat in range(arguments.repeats):
        first = repeat % len(names)
        for name in names[first:] + names[:first]:
            if name == COLD or (name == WARM and filled is None):
                filled = folder / f"programs-{repeat}"
            if name == WARM and not filled.exists():
                run_apart(COLD, arguments, data, filled)
            runs[name].append(run_apart(name, arguments, data, filled or folder))
            print(f"repetition {repeat + 1}: {name} {runs[name][-1]['seconds']:.1f} s", file=sys.stderr, flush=True)
    return runs


def write_rows(folder: Path) -> Path:
    """Write the digits where contenders read them without scikit-learn; return the file."""
    import numpy as np
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    np.savez(folder / "digits.npz", X=X, y=y)
    return folder / "digits.npz"


def times(title: str, seconds: dict[str, list[float]]) -> list[str]:
    """A table of medians, with ratios to Phalanx, or without it to the first contender, and their spread."""
    heads = [name for name in (COLD, WARM) if name in seconds] or [next(iter(seconds))]
    lines = [f"{title:<36}{'seconds':>9}" + "".join(f"{'/ ' + head:>20}{'min..max':>16}" for head in heads)]
    for name, own in seconds.items():
        line = f"{name:<36}{statistics.median(own):>9.1f}"
        for head in heads:
            pairs = [one / other for one, other in zip(own, seconds[head], strict=True)]
            ratio = statistics.median(own) / statistics.median(seconds[head])
            line += f"{ratio:>20.2f}{f'{min(pairs):.2f}..{max(pairs):.2f}':>16}"
        lines.append(line)
    return lines


def reached(run: dict, score: float) -> float:
    """Seconds until the best network by validation first had a test accuracy of `score`."""
    return next(seconds for seconds, _, _, test in run["improvements"] if test >= score)


def tables(runs: dict[str, list[dict]]) -> list[str]:
    score = min(run["improvements"][-1][3] for results in runs.values() for run in results)
    ends = {name: [run["seconds"] for run in results] for name, results in runs.items()}
    scores = {name: [reached(run, score) for run in results] for name, results in runs.items()}
    lines = [*times("to the end", ends), "", *times(f"to a test accuracy of {score:.4f}", scores), ""]
    lines.append(f"{'the best':<36}{'valid cost':>12}{'valid accuracy':>16}{'test accuracy':>15}{'rounds of all':>15}")
    for name, results in runs.items():
        cost, valid, test = (statistics.median(run["improvements"][-1][k] for run in results) for k in (1, 2, 3))
        rounds = statistics.median(run["rounds"] for run in results)
        lines.append(f"{name:<36}{cost:>12.4f}{valid:>16.4f}{test:>15.4f}{rounds:>15.0f}")
    return lines


def main() -> None:
    arguments = parse()
    if arguments.contender:
        problem = Problem(
            arguments.problem, Path(arguments.data), float(arguments.began), arguments.rounds, arguments.limit
        )
        print(json.dumps(run_here(arguments.contender, problem)))
        return
    # What only the parent needs is imported here: a contender's seconds are those of its whole process.
    from cnn_sweep import BUSY
    from mlp_sweep import machine

    names = arguments.contenders.split(",") if arguments.contenders else list(CONTENDERS)
    print(machine())
    networks = min(SPACES[arguments.problem].candidates, arguments.limit or sys.maxsize)
    print(
        f"{arguments.problem}: {networks} networks on {TRAIN_ROWS} digits, at most {arguments.rounds} rounds of "
        f"{ROUND_STEPS} steps of {BATCH} rows and a validation; medians of {arguments.repeats} repetitions"
    )
    with TemporaryDirectory() as folder:
        runs = measure(arguments, names, Path(folder))
    print("\n".join(tables(runs)))
    for name, results in runs.items():
        if (others := max(run["others"] for run in results)) > BUSY:
            print(f"{name}: other programs kept {others:.1f} cores busy meanwhile; do not trust its time")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"machine": machine(), "problem": vars(arguments), "runs": runs}))


if __name__ == "__main__":
    main()
