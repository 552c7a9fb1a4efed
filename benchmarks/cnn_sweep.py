"""Train 16 small convolutional networks with Phalanx and with its peers, alternately on this machine; print the ratios.

    python benchmarks/cnn_sweep.py --data FOLDER      # MNIST as IDX files; needs pip install '.[bench]'
    python benchmarks/cnn_sweep.py --rounds 2 --repeats 1 --only phalanx,torch-threads

The networks differ in learning rate and all take the same number of optimizer steps, from the same initial weights, on
the same images. Every contender runs in a fresh process; `cnn_problem` says what it has to do. The seconds are those of
training with the validations, after warming up; compiling is reported beside them. The peak memory is that of the
process, with the processes it started added. A ratio above 1 means that the contender takes longer than Phalanx; where
phalanx is not among --only, longer than the first contender named.

Leave the machine alone meanwhile: threads of PyTorch wait for each other by spinning, and where another program takes
a core from one of them, torch-threads takes ten times as long, though on an idle machine spinning is the fastest.
Hence a note under the table where others kept the cores busy.
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil
from cnn_problem import BATCH, Problem
from mlp_sweep import machine

CONTENDERS = {
    "phalanx": "phalanx_cnn:run",
    "torch-threads": "peers_cnn:torch_threads",
    "torch-processes": "peers_cnn:torch_processes",
    "torch-threads-contiguous": "peers_cnn:torch_threads_contiguous",
    "torch-processes-contiguous": "peers_cnn:torch_processes_contiguous",
    "keras": "peers_cnn:keras_jax",
    "jax": "peers_cnn:jax_conv",
}
DATA = Path(__file__).resolve().parents[1] / "../shared/data/images"
BUSY = 0.1  # cores that others may use before it is noted
TOLERANCE = 0.1  # a final training cost further than this share from that of the reference is marked


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help="of MNIST, else digits stand in")
    parser.add_argument("--members", type=int, default=16, help="networks (default 16)")
    parser.add_argument("--images", type=int, default=6400, help="training images, a multiple of 64 (default 6400)")
    parser.add_argument("--rounds", type=int, default=5, help="passes over them, each with a validation (default 5)")
    parser.add_argument("--repeats", type=int, default=5, help="times each contender runs (default 5)")
    parser.add_argument("--only", metavar="NAMES", help=f"contenders, comma-separated, of: {', '.join(CONTENDERS)}")
    parser.add_argument("--json", metavar="FILE", help="also write every single measurement here")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)  # how a child process is told
    arguments = parser.parse_args()
    for name in arguments.only.split(",") if arguments.only else ():
        if name not in CONTENDERS:
            parser.error(f"no contender {name!r}; there are: {', '.join(CONTENDERS)}")
    if min(arguments.members, arguments.rounds, arguments.repeats) < 1:
        parser.error("--members, --rounds and --repeats must be at least 1")
    if arguments.images < BATCH or arguments.images % BATCH:
        parser.error(f"--images must be a multiple of {BATCH}")
    return arguments


def run_here(name: str, problem: Problem) -> dict:
    """Run a contender in this process."""
    module, function = CONTENDERS[name].split(":")
    return getattr(importlib.import_module(module), function)(problem)


def run_apart(name: str, problem: Problem) -> dict:
    """Run a contender in a fresh process."""
    command = [sys.executable, __file__, "--contender", name, "--data", str(problem.folder)]
    command += ["--members", str(problem.members), "--images", str(problem.asked), "--rounds", str(problem.rounds)]
    before, start = cpu_of_others(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    others = (cpu_of_others() - before) / (time.perf_counter() - start)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}{done.stdout}")
    return {**json.loads(done.stdout.splitlines()[-1]), "others": others}


def cpu_of_others() -> float:
    """Seconds that the cores have worked for anything but the contenders that have ended."""
    machine_wide, own = psutil.cpu_times(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return machine_wide.user + machine_wide.system - own.ru_utime - own.ru_stime


def contenders(only: str | None) -> list[str]:
    """The contenders asked for, without those whose library is not installed."""
    present = []
    for name in only.split(",") if only else CONTENDERS:
        library = name.split("-")[0]
        if importlib.util.find_spec(library):
            present.append(name)
        else:
            print(f"{name} is left out: {library} is not installed (pip install {library})")
    if not present:
        raise SystemExit("no contender is left")
    return present


def measure(problem: Problem, names: list[str], repeats: int) -> dict[str, list[dict]]:
    """The results of each contender, one a repetition.

    Contenders take turns, and each repetition begins with another one.
    """
    runs: dict[str, list[dict]] = {name: [] for name in names}
    for repeat in range(repeats):
        first = repeat % len(names)
        for name in names[first:] + names[:first]:
            runs[name].append(run_apart(name, problem))
            print(f"repetition {repeat + 1}: {name} {runs[name][-1]['seconds']:.3f} s", file=sys.stderr, flush=True)
    return runs


def table(problem: Problem, runs: dict[str, list[dict]]) -> list[str]:
    reference = "phalanx" if "phalanx" in runs else next(iter(runs))
    base = [run["seconds"] for run in runs[reference]]
    wanted = cost(runs[reference], "train_cost")
    lines = [
        f"{'contender':<28}{'seconds':>9}{'ms a step':>11}{'/ ' + reference:>17}{'min..max':>16}{'compile s':>11}"
        f"{'memory MB':>11}{'train cost':>12}{'valid cost':>12}{'steps':>7}"
    ]
    notes = []
    for name, results in runs.items():
        seconds = [run["seconds"] for run in results]
        middle = statistics.median(seconds)
        pairs = [one / other for one, other in zip(seconds, base, strict=True)]
        spread = f"{min(pairs):.2f}..{max(pairs):.2f}"
        compiling = statistics.median(run["compile_seconds"] for run in results)
        megabytes = statistics.median(run["megabytes"] for run in results)
        found, watched = cost(results, "train_cost"), cost(results, "valid_cost")
        off = found is not None and wanted is not None and not abs(found - wanted) <= TOLERANCE * wanted
        lines.append(
            f"{name:<28}{middle:>9.3f}{middle / problem.steps / problem.members * 1e3:>11.3f}"
            f"{middle / statistics.median(base):>17.2f}{spread:>16}{compiling:>11.2f}{megabytes:>11.0f}"
            f"{shown(found) + '!' * off:>12}{shown(watched):>12}{results[0]['steps']:>7}"
        )
        if off:
            notes.append(f"! {name} ends at another cost: {found / wanted - 1:+.0%} from that of {reference}")
        others = max(run["others"] for run in results)
        if others > BUSY:
            notes.append(f"{name}: other programs kept {others:.1f} cores busy meanwhile; do not trust its time")
        if found is None:
            notes.append(f"{name} trained one member for one round; its seconds are scaled up to all of them")
    return lines + notes


def cost(results: list[dict], key: str) -> float | None:
    """The median; None where the contender did not train to the end."""
    return None if results[0][key] is None else statistics.median(run[key] for run in results)


def shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def main() -> None:
    arguments = parse()
    problem = Problem(arguments.data, arguments.members, arguments.rounds, arguments.images)
    if arguments.contender:
        print(json.dumps(run_here(arguments.contender, problem)))
        return
    names = contenders(arguments.only)
    keras = f", keras {importlib.metadata.version('keras')}" if "keras" in names else ""
    print(f"{machine()}{keras}")
    if not problem.is_mnist:
        print(f"no MNIST in {str(arguments.data)!r}: scikit-learn's digits, enlarged to 28 x 28, stand in")
    print(
        f"{problem.members} networks Conv 16 - MaxPool - Conv 32 - MaxPool - Dense 64 - 10, {problem.rounds} rounds of "
        f"{problem.round_steps} steps of {BATCH} images and a validation on {problem.validation_images}; "
        f"medians of {arguments.repeats} repetitions, ms of a step of one member"
    )
    runs = measure(problem, names, arguments.repeats)
    print("\n".join(table(problem, runs)))
    for name, results in runs.items():
        rate = problem.flops / statistics.median(run["seconds"] for run in results) / 1e9
        print(f"{name}: {rate:.0f} GFLOP/s (6 x batch x multiplications a step)")
    if arguments.json:
        record = {"machine": machine(), "problem": vars(arguments), "runs": runs}
        Path(arguments.json).write_text(json.dumps(record, indent=1, default=str))


if __name__ == "__main__":
    main()
