"""Train 64 small MLPs with Phalanx and with its peers, alternately on this machine, and print the ratios.

    python benchmarks/mlp_sweep.py                 # needs pip install '.[bench]'
    python benchmarks/mlp_sweep.py --dropout
    python benchmarks/mlp_sweep.py --only phalanx,jax --repeats 9

The networks differ in learning rate (with --dropout also in two dropout rates) and all take the same number of
optimizer steps on the same rows in the same batches. Every contender runs in a fresh process; `mlp_problem` says what
it has to do. The peak memory is that of the process, with the processes it started added. A ratio above 1 means that
the contender takes longer than Phalanx; where phalanx is not among --only, longer than the first contender named.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from mlp_problem import Problem

CONTENDERS = {
    "phalanx": "phalanx_mlp:run",
    "jax": "jax_mlp:run",
    "torch-fused": "peers_mlp:torch_fused",
    "torch-default": "peers_mlp:torch_default",
    "torch-baddbmm": "peers_mlp:torch_baddbmm",
    "torch-baddbmm-threads": "peers_mlp:torch_baddbmm_threads",
    "torch-func": "peers_mlp:torch_func",
    "sklearn": "peers_mlp:sklearn_mlp",
}
STACKED = ("torch-baddbmm", "torch-baddbmm-threads", "torch-func")
WITHOUT_DROPOUT = ("sklearn",)
SHARE_OF_PEAK = ("phalanx", "jax")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=64, help="networks (default 64)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of 45 steps and a validation (default 20)")
    parser.add_argument("--repeats", type=int, default=5, help="times each contender runs (default 5)")
    parser.add_argument("--dropout", action="store_true", help="a dropout layer after each hidden layer")
    parser.add_argument("--only", metavar="NAMES", help=f"contenders, comma-separated, of: {', '.join(CONTENDERS)}")
    parser.add_argument("--json", metavar="FILE", help="also write every single measurement here")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)  # how a child process is told
    arguments = parser.parse_args()
    for name in arguments.only.split(",") if arguments.only else ():
        if name not in CONTENDERS:
            parser.error(f"no contender {name!r}; there are: {', '.join(CONTENDERS)}")
    if min(arguments.members, arguments.rounds, arguments.repeats) < 1:
        parser.error("--members, --rounds and --repeats must be at least 1")
    return arguments


def run_here(name: str, problem: Problem) -> dict:
    """Run a contender in this process."""
    module, function = CONTENDERS[name].split(":")
    measured = getattr(importlib.import_module(module), function)(problem)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**measured, "megabytes": own + measured.get("worker_megabytes", 0.0)}


def run_apart(name: str, arguments: argparse.Namespace) -> dict:
    """Run a contender in a fresh process."""
    command = [sys.executable, __file__, "--contender", name]
    command += ["--members", str(arguments.members), "--rounds", str(arguments.rounds)]
    command += ["--dropout"] * arguments.dropout
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}{done.stdout}")
    return json.loads(done.stdout.splitlines()[-1])


def matmul_peak(size: int = 2048, seconds: float = 1.0) -> float:
    """Best float32 GFLOP/s of NumPy's matmul (all cores) on square matrices within `seconds`."""
    import numpy as np

    left = np.random.default_rng(0).standard_normal((2, size, size), dtype=np.float32)
    best, end = float("inf"), time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        _ = left[0] @ left[1]
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    except FileNotFoundError:  # not Linux
        cpu = platform.processor()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = []
    for package in ("jax", "numpy", "scikit-learn", "torch"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} absent")
    return f"{cores} cores, {cpu or platform.machine()}; Python {platform.python_version()}, {', '.join(versions)}"


def contenders(arguments: argparse.Namespace) -> list[str]:
    names = arguments.only.split(",") if arguments.only else list(CONTENDERS)
    return [name for name in names if not (arguments.dropout and name in WITHOUT_DROPOUT)]


def measure(arguments: argparse.Namespace, names: list[str]) -> tuple[dict[str, list[dict]], list[float]]:
    """The results of each contender, one a repetition, and the peak measured in each repetition.

    Contenders take turns, and each repetition begins with another one.
    """
    runs: dict[str, list[dict]] = {name: [] for name in names}
    peaks = []
    for repeat in range(arguments.repeats):
        first = repeat % len(names)
        peaks.append(matmul_peak())
        for name in names[first:] + names[:first]:
            runs[name].append(run_apart(name, arguments))
            print(f"repetition {repeat + 1}: {name} {runs[name][-1]['seconds']:.3f} s", file=sys.stderr, flush=True)
    return runs, peaks


def table(runs: dict[str, list[dict]]) -> list[str]:
    reference = "phalanx" if "phalanx" in runs else next(iter(runs))
    base = [run["seconds"] for run in runs[reference]]
    lines = [
        f"{'contender':<23}{'seconds':>9}{'/ ' + reference:>15}{'min..max':>16}{'compile s':>11}"
        f"{'memory MB':>11}{'train cost':>12}{'valid cost':>12}{'steps':>7}"
    ]
    for name, results in runs.items():
        seconds = [run["seconds"] for run in results]
        median = {key: statistics.median(run[key] for run in results) for key in results[0]}
        pairs = [one / other for one, other in zip(seconds, base, strict=True)]
        spread = f"{min(pairs):.2f}..{max(pairs):.2f}"
        lines.append(
            f"{name:<23}{median['seconds']:>9.3f}{median['seconds'] / statistics.median(base):>15.2f}{spread:>16}"
            f"{median['compile_seconds']:>11.2f}{median['megabytes']:>11.0f}{median['train_cost']:>12.4f}"
            f"{median['valid_cost']:>12.4f}{median['steps']:>7.0f}"
        )
    present = [name for name in STACKED if name in runs]
    if len(present) == len(STACKED):
        medians = {name: statistics.median(run["seconds"] for run in runs[name]) for name in present}
        fastest = min(medians, key=medians.__getitem__)
        ratio = medians[fastest] / statistics.median(base)
        lines.append(f"the fastest of those stacked in PyTorch is {fastest}: {ratio:.2f} x {reference}")
    return lines


def main() -> None:
    arguments = parse()
    problem = Problem(members=arguments.members, rounds=arguments.rounds, dropout=arguments.dropout)
    if arguments.contender:
        print(json.dumps(run_here(arguments.contender, problem)))
        return
    names = contenders(arguments)
    print(machine())
    print(
        f"{problem.members} MLPs 64-64-64-10, {problem.rounds} rounds of 45 steps of 32 rows and a validation, "
        f"{'two dropout layers' if problem.dropout else 'no dropout'}; medians of {arguments.repeats} repetitions"
    )
    runs, peaks = measure(arguments, names)
    print("\n".join(table(runs)))
    # The best of all repetitions: what the machine can do when left alone, and so the smaller share.
    peak = max(peaks)
    print(f"float32 matmul peak: {peak:.0f} GFLOP/s (NumPy, 2048 x 2048)")
    for name in names:
        if name in SHARE_OF_PEAK:
            rate = problem.flops / statistics.median(run["seconds"] for run in runs[name]) / 1e9
            print(f"{name}: {rate:.0f} GFLOP/s, {rate / peak:.0%} of the peak (6 x batch x weights a step)")
    if arguments.json:
        record = {"machine": machine(), "problem": vars(arguments), "peaks_gflops": peaks, "runs": runs}
        Path(arguments.json).write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
