"""Train character models, LSTM or GRU of 128 units, with Phalanx and with PyTorch, alternately; print the ratios.

    python benchmarks/rnn_sweep.py --text FILE                  # needs pip install '.[bench]'
    python benchmarks/rnn_sweep.py --members 1 --cells lstm     # a single network

The networks differ in learning rate and take the same optimizer steps of 64 rows of 100 characters, from the same
initial weights. Every contender runs in a fresh process; `rnn_problem` says what it has to do. The seconds are those of
training, after warming up, with the cost of the held-out rows; compiling is reported beside them. A ratio above 1 means
that the contender takes longer than Phalanx. Costs differ a little: PyTorch's cells have two biases where one suffices.

Leave the machine alone meanwhile; a note under the table says where others kept the cores busy.
"""

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from cnn_sweep import BUSY, cpu_of_others
from mlp_sweep import machine
from rnn_problem import BATCH, BLOCKS, STEPS, Problem

CONTENDERS = {
    "phalanx": "phalanx_rnn:run",
    "phalanx-bfloat16": "phalanx_rnn:run_bfloat16",
    "torch-threads": "peers_rnn:torch_threads",
    "torch-processes": "peers_rnn:torch_processes",
    "torch-processes-autocast": "peers_rnn:torch_processes_autocast",
}
TEXT = Path(__file__).resolve().parents[1] / "../shared/data/text/tinyshakespeare.txt"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, default=TEXT, metavar="FILE", help="any text of half a million characters")
    parser.add_argument("--cells", default="lstm,gru", help="lstm, gru or both (default)")
    parser.add_argument("--members", type=int, default=16, help="networks (default 16)")
    parser.add_argument("--steps", type=int, default=50, help="optimizer steps (default 50)")
    parser.add_argument("--repeats", type=int, default=3, help="times each contender runs (default 3)")
    parser.add_argument("--only", default=",".join(CONTENDERS), metavar="NAMES", help="contenders, comma-separated")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)  # how a child process is told
    return parser.parse_args()


def run_apart(name: str, problem: Problem) -> dict:
    """Run a contender in a fresh process."""
    command = [sys.executable, __file__, "--contender", name, "--text", str(problem.text), "--cells", problem.cell]
    command += ["--members", str(problem.members), "--steps", str(problem.steps)]
    before, start = cpu_of_others(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    others = (cpu_of_others() - before) / (time.perf_counter() - start)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}{done.stdout}")
    return {**json.loads(done.stdout.splitlines()[-1]), "others": others}


def table(problem: Problem, runs: dict[str, list[dict]]) -> list[str]:
    reference = next(iter(runs))
    base = [run["seconds"] for run in runs[reference]]
    lines = [
        f"{problem.cell}, {problem.members} member{'s' if problem.members > 1 else ''}: {problem.steps} steps of "
        f"{BATCH} x {STEPS} characters",
        f"{'contender':<26}{'seconds':>9}{'/ ' + reference:>12}{'min..max':>14}{'GFLOP/s':>9}{'compile s':>11}"
        f"{'memory MB':>11}{'cost':>9}",
    ]
    notes = []
    for name, results in runs.items():
        seconds = [run["seconds"] for run in results]
        middle = statistics.median(seconds)
        pairs = [one / other for one, other in zip(seconds, base, strict=True)]
        spread = f"{min(pairs):.2f}..{max(pairs):.2f}"
        compiling, megabytes, cost = (
            statistics.median(run[key] for run in results) for key in ("compile_seconds", "megabytes", "cost")
        )
        lines.append(
            f"{name:<26}{middle:>9.2f}{statistics.median(pairs):>12.2f}{spread:>14}{problem.flops / middle / 1e9:>9.0f}"
            f"{compiling:>11.1f}{megabytes:>11.0f}{cost:>9.4f}"
        )
        if (others := max(run["others"] for run in results)) > BUSY:
            notes.append(f"{name}: other programs kept {others:.1f} cores busy meanwhile; do not trust its time")
    return lines + notes


def main() -> None:
    arguments = parse()
    problems = [
        Problem(arguments.text.resolve(), cell, arguments.members, arguments.steps)
        for cell in arguments.cells.split(",")
        if cell in BLOCKS
    ]
    if arguments.contender:
        module, function = CONTENDERS[arguments.contender].split(":")
        print(json.dumps(getattr(importlib.import_module(module), function)(problems[0])))
        return
    print(machine())
    names = [name for name in arguments.only.split(",") if name in CONTENDERS]
    for problem in problems:
        runs: dict[str, list[dict]] = {name: [] for name in names}
        for repeat in range(arguments.repeats):
            first = repeat % len(names)
            for name in names[first:] + names[:first]:
                runs[name].append(run_apart(name, problem))
        print("\n".join(table(problem, runs)), flush=True)


if __name__ == "__main__":
    main()
